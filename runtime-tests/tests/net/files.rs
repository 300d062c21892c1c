//! Tests of `sendfile`.

use std::fs::{File, OpenOptions};
use std::io::{Seek, Write};

use asyncio::net::UnixStream;

use super::*;

/// A file with these bytes, which has no name.
pub(super) fn file_of(data: &[u8]) -> File {
    let name = format!("asyncio-{}-{:p}", std::process::id(), data);
    let path = std::env::temp_dir().join(name);
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(true);
    let mut file = options.open(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    file.write_all(data).unwrap();
    file
}

fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|number| (number * 7) as u8).collect()
}

// LH-7
#[test]
fn a_file_is_sent_from_an_offset_and_positioned_behind() {
    on_workers(2, async {
        let data = bytes(3_000_000);
        let file = file_of(&data);
        let all = data.len() as u64;
        let event_loop = get_running_loop();
        for (offset, count) in [
            (0, None),
            (17, None),
            (5, Some(1_000_000)),
            (all - 3, Some(10)),
        ] {
            let (client, server) = connected().await;
            let reader = create_task(async move {
                let (mut received, mut buffer) = (Vec::new(), vec![0; 65_536]);
                loop {
                    match client.read(&mut buffer).await.unwrap() {
                        0 => return received,
                        read => received.extend_from_slice(&buffer[..read]),
                    }
                }
            });
            let sent = event_loop
                .sendfile(&server, &file, offset, count)
                .await
                .unwrap();
            drop(server);
            let expected = count.unwrap_or(all).min(all - offset);
            assert_eq!(sent, expected);
            assert_eq!((&file).stream_position().unwrap(), offset + expected);
            let received = reader.await.unwrap();
            let (from, to) = (offset as usize, (offset + expected) as usize);
            assert!(received == data[from..to], "{offset} {count:?}");
        }
    });
}

#[test]
fn a_file_that_the_kernel_cannot_send_is_read() {
    on_workers(2, async {
        let (client, server) = connected().await;
        // Its files have no pages that could be sent.
        let file = File::open("/proc/self/status").unwrap();
        let sent = get_running_loop()
            .sendfile(&server, &file, 0, Some(5))
            .await;
        assert_eq!(sent.unwrap(), 5);
        let mut buffer = [0; 5];
        client.read_exact(&mut buffer).await.unwrap();
        assert_eq!(&buffer, b"Name:");
    });
}

#[test]
fn a_count_of_none_is_refused() {
    on_workers(1, async {
        let (_client, server) = connected().await;
        let file = file_of(b"x");
        let sent = get_running_loop()
            .sendfile(&server, &file, 0, Some(0))
            .await;
        let error = sent.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert_eq!(
            error.to_string(),
            "count must be a positive integer (got 0)"
        );
    });
}

#[test]
fn who_stops_sending_finds_the_file_behind_what_was_sent() {
    on_workers(2, async {
        let data = bytes(9_000_000);
        let file = file_of(&data);
        let (client, server) = connected().await;
        let event_loop = get_running_loop();
        let sending = wait_for(event_loop.sendfile(&server, &file, 0, None), 5 * TICK);
        assert!(matches!(sending.await, Err(TimeoutError)), "nobody reads");
        drop(server);
        let (mut received, mut buffer) = (0, vec![0; 65_536]);
        loop {
            match client.read(&mut buffer).await.unwrap() {
                0 => break,
                read => received += read as u64,
            }
        }
        assert!(received > 0);
        assert_eq!((&file).stream_position().unwrap(), received);
    });
}

#[test]
fn a_file_is_sent_over_a_unix_socket() {
    on_workers(2, async {
        let file = file_of(b"over a Unix socket");
        let (client, server) = UnixStream::pair().unwrap();
        let sent = get_running_loop().sendfile(&server, &file, 7, None).await;
        assert_eq!(sent.unwrap(), 11);
        let mut buffer = [0; 11];
        client.read_exact(&mut buffer).await.unwrap();
        assert_eq!(&buffer, b"Unix socket");
    });
}
