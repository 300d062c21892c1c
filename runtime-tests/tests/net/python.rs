//! Tests with a peer in CPython, where there is one.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use asyncio::create_datagram_endpoint;
use asyncio::net::UnixStream;
use futures::{AsyncReadExt, AsyncWriteExt};
use runtime_tests::watched;

use super::*;

/// Starts a program. Returns it with its first line, once it has been printed.
fn python(program: &str, argument: &str) -> Option<(Child, String)> {
    let mut child = Command::new("python3")
        .args(["-c", program, argument])
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut line = String::new();
    let output = child.stdout.take()?;
    BufReader::new(output).read_line(&mut line).ok()?;
    Some((child, line.trim().to_owned()))
}

const SERVER: &str = r#"
import asyncio, sys

async def serve(reader, writer):
    request = await reader.read()
    writer.write(request[::-1])
    await writer.drain()
    writer.close()
    done.set()

async def main():
    global done
    done = asyncio.Event()
    if sys.argv[1] == "tcp":
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
    else:
        server = await asyncio.start_unix_server(serve, sys.argv[1])
        print("ready", flush=True)
    await done.wait()
    server.close()

asyncio.run(main())
"#;

/// Sends a request, ends the writes, and reads the answer.
async fn converse<S>(mut stream: S)
where
    S: futures::AsyncRead + futures::AsyncWrite + Unpin,
{
    let request: Vec<u8> = (0..300_000_u32).map(|number| (number / 3) as u8).collect();
    stream.write_all(&request).await.unwrap();
    stream.close().await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    answer.reverse();
    assert!(answer == request);
}

#[test]
fn a_server_of_asyncio_sees_the_end_of_a_request() {
    watched(|| {
        let Some((mut child, port)) = python(SERVER, "tcp") else {
            return;
        };
        on_workers(2, async {
            let port: u16 = port.parse().unwrap();
            converse(TcpStream::connect(("127.0.0.1", port)).await.unwrap()).await;
        });
        assert!(child.wait().unwrap().success());
    });
}

#[test]
fn a_server_of_asyncio_listens_on_a_unix_socket() {
    watched(|| {
        let path = socket_path("python");
        let Some((mut child, _ready)) = python(SERVER, path.to_str().unwrap()) else {
            return;
        };
        on_workers(2, async {
            converse(UnixStream::connect(&path).await.unwrap()).await;
        });
        assert!(child.wait().unwrap().success());
        let _removed_by_newer_versions = std::fs::remove_file(path);
    });
}

// LH-7
#[test]
fn an_endpoint_of_asyncio_answers() {
    const ENDPOINT: &str = r#"
import asyncio

class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport
    def datagram_received(self, data, address):
        self.transport.sendto(data.upper(), address)
        done.set()

async def main():
    global done
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
    print(transport.get_extra_info("sockname")[1], flush=True)
    await done.wait()

asyncio.run(main())
"#;
    watched(|| {
        let Some((mut child, port)) = python(ENDPOINT, "") else {
            return;
        };
        on_workers(2, async {
            let address: SocketAddr = ([127, 0, 0, 1], port.parse().unwrap()).into();
            let client = create_datagram_endpoint(None, address).await.unwrap();
            client.send(b"ping").await.unwrap();
            let mut buffer = [0; 64];
            assert_eq!(client.recv(&mut buffer).await.unwrap(), 4);
            assert_eq!(&buffer[..4], b"PING");
        });
        assert!(child.wait().unwrap().success());
    });
}
