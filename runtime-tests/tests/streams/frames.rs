//! Frames and lines, as streams and sinks.

use std::io;

use asyncio::{StreamReader, StreamWriter, connect_read_pipe, connect_write_pipe};
use futures::{SinkExt, StreamExt};

async fn pipe() -> (StreamReader, StreamWriter) {
    let (reader, writer) =
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).expect("descriptors");
    let reader = connect_read_pipe(reader).await.unwrap();
    (reader, connect_write_pipe(writer).await.unwrap())
}

#[asyncio::test(workers = 2)]
async fn frames_arrive_as_they_were_sent() {
    let (mut reader, writer) = pipe().await;
    let frames: Vec<Vec<u8>> = (0..300_usize)
        .map(|size| vec![size as u8; size * 7])
        .collect();
    let sent = frames.clone();
    let sending = asyncio::create_task(async move {
        let mut sink = writer.frames();
        for frame in &sent {
            sink.feed(frame).await?;
        }
        SinkExt::<&[u8]>::close(&mut sink).await
    });
    let received: Vec<_> = reader.frames(1 << 20).map(Result::unwrap).collect().await;
    sending.await.unwrap().unwrap();
    assert_eq!(received, frames);
}

#[asyncio::test(workers = 2)]
async fn a_frame_that_is_too_long_is_not_received() {
    let (mut reader, writer) = pipe().await;
    writer.write(&u32::MAX.to_be_bytes());
    let mut frames = reader.frames(1000);
    let error = frames.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert!(error.to_string().contains("longer than 1000"));
    // A loop over the frames that passes over errors ends.
    assert!(frames.next().await.is_none());
}

#[asyncio::test(workers = 2)]
async fn the_end_within_a_frame_is_an_error() {
    let (mut reader, writer) = pipe().await;
    writer.write(b"\0\0\0\x05hell");
    writer.close();
    let error = reader.frames(1000).next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[asyncio::test(workers = 2)]
async fn a_frame_that_is_waited_for_in_vain_loses_no_byte() {
    let (mut reader, writer) = pipe().await;
    for &byte in b"\0\0\0\x05hello" {
        let mut frames = reader.frames(1000);
        let wait = asyncio::wait_for(frames.next(), std::time::Duration::ZERO);
        assert!(wait.await.is_err());
        writer.write(&[byte]);
    }
    let frame = reader.frames(1000).next().await.unwrap().unwrap();
    assert_eq!(frame, "hello");
}

#[asyncio::test(workers = 2)]
async fn lines_arrive_as_they_were_sent() {
    let (mut reader, writer) = pipe().await;
    let mut sink = writer.lines();
    for line in ["one", "", "three"] {
        sink.feed(line).await.unwrap();
    }
    SinkExt::<&[u8]>::close(&mut sink).await.unwrap();
    let lines: Vec<_> = reader.lines().map(Result::unwrap).collect().await;
    assert_eq!(lines, ["one\n", "\n", "three\n"]);
}
