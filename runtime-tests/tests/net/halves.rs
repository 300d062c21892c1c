//! Tests of the owned halves of streams.

use asyncio::net::{OwnedReadHalf, OwnedWriteHalf, ReuniteError, UnixStream};
use futures::{AsyncReadExt, AsyncWriteExt};

use super::*;

#[test]
fn a_dropped_write_half_ends_its_direction_only() {
    on_workers(2, async {
        for _ in 0..100 {
            let (client, server) = connected().await;
            let (reader, writer) = client.into_split();
            let sender = create_task(async move {
                writer.write_all(b"request").await.unwrap();
            });
            let mut request = Vec::new();
            let mut server = server;
            server.read_to_end(&mut request).await.unwrap();
            assert_eq!(request, b"request");
            server.write_all(b"answer").await.unwrap();
            let mut buffer = [0; 6];
            reader.read_exact(&mut buffer).await.unwrap();
            assert_eq!(&buffer, b"answer");
            sender.await.unwrap();
            drop(reader);
            assert!(reset_or_end(&server).await);
        }
    });
}

/// Whether nothing comes from the peer any more.
async fn reset_or_end(stream: &TcpStream) -> bool {
    matches!(stream.read(&mut [0; 8]).await, Ok(0) | Err(_))
}

#[test]
fn a_write_half_that_is_forgotten_ends_nothing() {
    on_workers(2, async {
        let (left, right) = UnixStream::pair().unwrap();
        let (reader, writer) = left.into_split();
        writer.forget();
        let mut buffer = [0; 8];
        let end = wait_for(right.read(&mut buffer), 5 * TICK).await;
        assert!(matches!(end, Err(TimeoutError)));
        drop(reader);
        assert_eq!(right.read(&mut buffer).await.unwrap(), 0);
    });
}

#[test]
fn halves_are_reunited_with_their_own() {
    on_workers(2, async {
        let (client, server) = connected().await;
        let address = client.local_addr().unwrap();
        let (reader, writer) = client.into_split();
        let (other_reader, other_writer) = server.into_split();
        let ReuniteError(reader, other_writer): ReuniteError =
            reader.reunite(other_writer).unwrap_err();
        let client: TcpStream = writer.reunite(reader).unwrap();
        let server = other_reader.reunite(other_writer).unwrap();
        assert_eq!(client.local_addr().unwrap(), address);
        client.write_all(b"whole").await.unwrap();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 5);
    });
}

#[test]
fn halves_are_streams_of_the_futures_crate() {
    async fn both(mut reader: OwnedReadHalf<UnixStream>, mut writer: OwnedWriteHalf<UnixStream>) {
        AsyncWriteExt::write_all(&mut writer, b"abc").await.unwrap();
        AsyncWriteExt::close(&mut writer).await.unwrap();
        let mut all = String::new();
        reader.read_to_string(&mut all).await.unwrap();
        assert_eq!(all, "def");
    }
    on_workers(2, async {
        let (left, right) = UnixStream::pair().unwrap();
        let (reader, writer) = left.into_split();
        assert!(reader.as_ref().local_addr().unwrap().is_unnamed());
        let task = create_task(both(reader, writer));
        let mut all = Vec::new();
        (&right).read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"abc");
        right.write_all(b"def").await.unwrap();
        drop(right);
        task.await.unwrap();
    });
}

#[test]
fn halves_move_much_in_both_directions_at_once() {
    on_workers(2, async {
        let (client, server) = connected().await;
        let ends = [client, server].map(|stream| {
            let (reader, writer) = stream.into_split();
            let writing = create_task(async move {
                for round in 0..200_u8 {
                    writer.write_all(&[round; 10_000]).await?;
                }
                Ok::<_, io::Error>(())
            });
            let reading = create_task(async move {
                let mut buffer = [0; 10_000];
                for round in 0..200_u8 {
                    reader.read_exact(&mut buffer).await?;
                    assert!(buffer.iter().all(|&byte| byte == round));
                }
                assert_eq!(reader.read(&mut buffer).await?, 0);
                Ok::<_, io::Error>(())
            });
            [writing, reading]
        });
        for task in ends.into_iter().flatten() {
            task.await.unwrap().unwrap();
        }
    });
}
