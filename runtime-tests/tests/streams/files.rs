//! Files that are sent to a writer.

use std::io::{Seek, Write};

use super::*;

/// A file that has no name any more.
fn file(content: &[u8]) -> std::fs::File {
    let path = socket_path();
    let mut options = std::fs::File::options();
    let options = options.read(true).write(true).create_new(true);
    let mut file = options.open(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    file.write_all(content).unwrap();
    file
}

#[test]
#[expect(
    clippy::unnecessary_mut_passed,
    reason = "programs that are carried over from asyncio call it so"
)]
fn a_file_comes_after_what_was_written_and_before_what_follows() {
    over_both(async |kind| {
        const SIZE: usize = 3_000_000;
        let content: Vec<u8> = (0..SIZE).map(|place| (place / 7) as u8).collect();
        let mut file = file(&content);
        let handler = |mut reader: StreamReader, writer: StreamWriter| async move {
            let all = reader.read_to_end().await.unwrap();
            writer.write(&all);
        };
        let (server, address) = serve(kind, handler).await;
        let (mut reader, mut writer) = address.open().await.unwrap();
        let before = vec![b'<'; 1_000_000];
        writer.write(&before);
        let sent = get_running_loop()
            .sendfile(&mut writer, &file, 10, None)
            .await;
        assert_eq!(sent.unwrap(), (SIZE - 10) as u64);
        assert_eq!(file.stream_position().unwrap(), SIZE as u64);
        writer.write(b">");
        writer.write_eof();
        let all = reader.read_to_end().await.unwrap();
        assert!(all == [&before[..], &content[10..], b">"].concat());
        end(server).await;
    });
}

#[test]
fn a_file_for_a_closed_writer_is_refused() {
    with_both(async |ends| {
        ends.writer.close();
        let file = file(b"content");
        let sent = get_running_loop()
            .sendfile(&ends.writer, &file, 0, None)
            .await;
        assert_eq!(sent.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    });
}
