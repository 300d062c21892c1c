//! `connect_read_pipe` and `connect_write_pipe`.

use std::fs::File;
use std::io::Read;

use asyncio::{connect_read_pipe, connect_write_pipe, create_task};
use runtime_tests::alone;

use super::*;

/// More than a pipe takes at once.
const MUCH: usize = 8 << 20;

/// The end that reads, and the one that writes.
fn pipe() -> (File, File) {
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    (reader.into(), writer.into())
}

#[test]
fn a_pipe_is_read_and_written_as_a_stream() {
    on_workers(2, async {
        let (reader, writer) = pipe();
        let mut reader = connect_read_pipe(reader).await.unwrap();
        let writer = connect_write_pipe(writer).await.unwrap();
        writer.write(&vec![b'x'; MUCH]);
        writer.write(b"\nend");
        assert!(writer.get_write_buffer_size() > 0);
        assert_waits(writer.drain()).await;
        assert_eq!(reader.readexactly(MUCH).await.unwrap().len(), MUCH);
        writer.drain().await.unwrap();
        assert_eq!(reader.readline().await.unwrap(), "\n");
        writer.close();
        writer.wait_closed().await.unwrap();
        assert_eq!(reader.readline().await.unwrap(), "end");
        assert!(reader.at_eof());
    });
}

// SW-6, SW-7
#[test]
fn the_end_of_the_writes_closes_a_pipe() {
    on_workers(2, async {
        let (mut reader, writer) = pipe();
        let writer = connect_write_pipe(writer).await.unwrap();
        assert!(writer.can_write_eof());
        writer.write(&vec![b'x'; MUCH]);
        writer.write_eof();
        let reading = std::thread::spawn(move || {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).map(|_| all.len())
        });
        wait_for(writer.wait_closed(), PATIENCE)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(reading.join().unwrap().unwrap(), MUCH);
        assert!(writer.is_closing());
    });
}

// SW-3
#[test]
fn a_pipe_whose_reader_has_gone_is_broken() {
    on_workers(2, async {
        let (reader, writer) = pipe();
        let writer = Arc::new(connect_write_pipe(writer).await.unwrap());
        writer.write(&vec![b'x'; MUCH]);
        let draining = Arc::clone(&writer);
        let draining = create_task(async move { draining.drain().await });
        sleep(TICK).await;
        drop(reader);
        let drained = wait_for(draining, PATIENCE).await.unwrap().unwrap();
        assert_eq!(drained.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        let closed = writer.wait_closed().await.unwrap_err();
        assert_eq!(closed.kind(), io::ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_pipe_of_a_file_is_an_error() {
    on_workers(2, async {
        let path = socket_path();
        let file = File::create_new(&path).unwrap();
        let reading = connect_read_pipe(file.try_clone().unwrap()).await;
        let error = reading.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{error}");
        assert!(connect_write_pipe(file).await.is_err());
        std::fs::remove_file(path).unwrap();
    });
}

#[test]
fn a_device_and_a_socket_may_be_read_as_pipes() {
    on_workers(2, async {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let mut reader = connect_read_pipe(ours).await.unwrap();
        (&theirs).write_all(b"hello\n").unwrap();
        assert_eq!(reader.readline().await.unwrap(), "hello\n");
        drop(theirs);
        assert_eq!(reader.readline().await.unwrap(), "");
    });
}

#[test]
fn dropped_ends_of_pipes_close_their_descriptors() {
    alone(|| {
        leaves_nothing(async || {
            for _ in 0..10 {
                let (reader, writer) = pipe();
                let mut reader = connect_read_pipe(reader).await.unwrap();
                assert_waits(reader.read(1)).await;
                let (other, sink) = pipe();
                let sink = connect_write_pipe(sink).await.unwrap();
                sink.write(&vec![b'x'; MUCH]);
                drop(sink);
                drop((reader, other, writer));
            }
        });
    });
}

// SR-7
#[test]
fn a_read_of_a_pipe_that_is_dropped_loses_no_byte() {
    on_workers(2, async {
        let (reader, mut writer) = pipe();
        let mut reader = connect_read_pipe(reader).await.unwrap();
        for chunk in ["on", "e", "-"] {
            writer.write_all(chunk.as_bytes()).unwrap();
            assert!(wait_for(reader.readline(), TICK).await.is_err());
        }
        writer.write_all(b"\n").unwrap();
        assert_eq!(reader.readline().await.unwrap(), "one-\n");
    });
}
