//! Tests of `Async` over pipes.

use std::io::{Read, Write};

use asyncio::net::Async;

use super::*;

fn pipe() -> (Async<File>, Async<File>) {
    let (reader, writer) = blocking_pipe();
    (Async::new(reader).unwrap(), Async::new(writer).unwrap())
}

#[test]
fn a_pipe_carries_more_than_it_holds() {
    on_workers(2, async {
        let (reader, writer) = pipe();
        let data: Vec<u8> = (0..2_000_000_u32).map(|number| number as u8).collect();
        let sent = data.clone();
        let writing = create_task(async move {
            let mut left = &sent[..];
            while !left.is_empty() {
                let written = writer.write_with(|mut pipe| pipe.write(left)).await?;
                left = &left[written..];
            }
            Ok::<_, io::Error>(())
        });
        let mut received = Vec::new();
        let mut buffer = [0; 5000];
        loop {
            match reader.read_with(|mut pipe| pipe.read(&mut buffer)).await {
                Ok(0) => break,
                Ok(read) => received.extend_from_slice(&buffer[..read]),
                Err(error) => panic!("{error}"),
            }
        }
        assert!(received == data);
        writing.await.unwrap().unwrap();
    });
}

#[test]
fn a_read_of_a_pipe_that_times_out_takes_nothing() {
    on_workers(2, async {
        let (reader, writer) = pipe();
        let mut buffer = [0; 8];
        for round in 0..50_u8 {
            let early = wait_for(reader.read_with(|mut pipe| pipe.read(&mut buffer)), TICK).await;
            assert!(matches!(early, Err(TimeoutError)));
            writer.get_ref().write_all(&[round]).unwrap();
            let read = reader.read_with(|mut pipe| pipe.read(&mut buffer)).await;
            assert_eq!(buffer[..read.unwrap()], [round]);
        }
    });
}

#[test]
fn a_writer_whose_reader_has_gone_is_woken() {
    on_workers(2, async {
        let (reader, writer) = pipe();
        let writing = create_task(async move {
            loop {
                let written = writer.write_with(|mut pipe| pipe.write(&[0; 4096])).await;
                if let Err(error) = written {
                    return error.kind();
                }
            }
        });
        sleep(5 * TICK).await;
        assert!(!writing.done());
        drop(reader);
        let kind = wait_for(writing, PATIENCE).await.unwrap().unwrap();
        assert_eq!(kind, io::ErrorKind::BrokenPipe);
    });
}

#[test]
fn fault_a_file_cannot_be_polled() {
    on_workers(1, async {
        let file = File::open("/proc/self/exe").unwrap();
        let refused = Async::new(file).unwrap_err();
        assert_eq!(
            refused.raw_os_error(),
            Some(rustix::io::Errno::PERM.raw_os_error())
        );
    });
}
