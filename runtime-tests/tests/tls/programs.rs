//! Other programs as peers: OpenSSL, curl, CPython. A test says so if its program is not there.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};

use asyncio::{StreamReader, StreamWriter, open_connection};
use runtime_tests::on_workers;
use rustix::pipe::PipeFlags;

use crate::certificates::{self, AUTHORITY, LOCALHOST, VERSIONS};
use crate::peer::{address, connect, echo, serve};

/// A folder with the certificates of these tests, which is removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("asyncio-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, text: String| std::fs::write(folder.join(name), text).unwrap();
        write("authority.pem", AUTHORITY.as_ref().pem());
        write("server.pem", LOCALHOST.certificate.pem());
        write("server.key", LOCALHOST.key.serialize_pem());
        Folder(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _removed = std::fs::remove_dir_all(&self.0);
    }
}

/// The first of the programs that is there and takes `arguments`. Says so if there is none.
fn program(names: &[&'static str], arguments: &[&str]) -> Option<&'static str> {
    let works = |name: &&&str| {
        let output = Command::new(name).args(arguments).output();
        output.is_ok_and(|output| output.status.success())
    };
    let found = names.iter().find(works).copied();
    if found.is_none() {
        // Not `eprintln!`, whose output the test harness captures.
        let _closed = writeln!(io::stderr(), "SKIPPED: there is no {}", names.join(" or "));
    }
    found
}

fn openssl() -> Option<&'static str> {
    program(&["openssl"], &["version"])
}

/// A Python with asyncio's newer TLS.
fn python() -> Option<&'static str> {
    let version = "import sys, ssl; sys.exit(sys.version_info < (3, 11))";
    program(&["python3.13", "python3"], &["-c", version])
}

/// A program that runs, with all that it prints. It is killed in the end.
struct Running(Child, File);

impl Running {
    fn start(command: &mut Command) -> Running {
        let flags = PipeFlags::CLOEXEC;
        let (printed, output) = rustix::pipe::pipe_with(flags).unwrap();
        command.stdin(Stdio::piped());
        command.stderr(output.try_clone().unwrap()).stdout(output);
        Running(command.spawn().unwrap(), File::from(printed))
    }

    /// Reads lines until one contains `part`, and returns that.
    fn line_with(&mut self, part: &str) -> String {
        let output = &mut self.1;
        let mut seen = Vec::new();
        let mut byte = [0];
        let mut line = Vec::new();
        while output.read(&mut byte).unwrap() == 1 {
            line.push(byte[0]);
            let text = String::from_utf8_lossy(&line).into_owned();
            if byte == [b'\n'] {
                line.clear();
                if text.contains(part) {
                    return text;
                }
                seen.push(text);
            }
        }
        panic!("no line has {part:?}: {seen:?}");
    }

    fn say(&mut self, text: &str) {
        let input = self.0.stdin.as_mut().unwrap();
        input.write_all(text.as_bytes()).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _killed = self.0.kill();
        let _waited = self.0.wait();
    }
}

async fn in_thread<R: Send + 'static>(act: impl FnOnce() -> R + Send + 'static) -> R {
    asyncio::to_thread(act).await.unwrap()
}

fn flag_of(version: usize) -> &'static str {
    ["-tls1_2", "-tls1_3"][version]
}

/// Answers one line in capitals, and closes; tells how its reading has ended.
async fn shout(mut reader: StreamReader, writer: StreamWriter) {
    if let Ok(line) = reader.readline().await {
        writer.write(&line.to_ascii_uppercase());
    }
}

// OpenSSL sees our end as a clean one: it says "closed", and not that the end was unexpected.
#[test]
fn openssl_is_a_client_of_ours() {
    let Some(openssl) = openssl() else { return };
    on_workers(2, async move {
        let server = serve(shout).await;
        for version in 0..VERSIONS.len() {
            let address = address(&server).to_string();
            let output = in_thread(move || {
                let folder = Folder::new(&format!("openssl-client-{version}"));
                let mut command = Command::new(openssl);
                command.args(["s_client", "-connect", &address, flag_of(version), "-msg"]);
                command.args([
                    "-verify_return_error",
                    "-servername",
                    "localhost",
                    "-CAfile",
                ]);
                let mut client = Running::start(command.arg(folder.path("authority.pem")));
                client.line_with("Verify return code: 0 (ok)");
                client.say("hello, it is me\n");
                let shouted = client.line_with("HELLO");
                let told = client.line_with("warning close_notify");
                (shouted, told)
            });
            let (shouted, told) = output.await;
            assert!(shouted.ends_with("HELLO, IT IS ME\n"), "{shouted}");
            assert!(told.starts_with("<<<"), "{told}");
        }
    });
}

#[test]
fn openssl_is_a_server_of_ours() {
    let Some(openssl) = openssl() else { return };
    on_workers(2, async move {
        for version in 0..VERSIONS.len() {
            let folder = Folder::new(&format!("openssl-server-{version}"));
            let (cert, key) = (folder.path("server.pem"), folder.path("server.key"));
            let (mut server, port) = in_thread(move || {
                let mut command = Command::new(openssl);
                command.args(["s_server", "-accept", "127.0.0.1:0", flag_of(version)]);
                command
                    .args(["-rev", "-cert"])
                    .arg(cert)
                    .arg("-key")
                    .arg(key);
                let mut server = Running::start(&mut command);
                let line = server.line_with("ACCEPT");
                let port = line.trim().rsplit(':').next().unwrap().parse::<u16>();
                (server, port.unwrap())
            })
            .await;
            let connection = open_connection(("127.0.0.1", port));
            let connection = connection.tls(certificates::client(), "localhost");
            let (mut reader, writer) = connection.await.unwrap();
            writer.write(b"abcdef\n");
            assert_eq!(reader.readline().await.unwrap(), "fedcba\n");
            let expected = ["TLSv1.2", "TLSv1.3"][version];
            let session = writer.tls_session().unwrap();
            assert_eq!(session.protocol_version.as_deref(), Some(expected));
            writer.close();
            writer.wait_closed().await.unwrap();
            // It has seen a clean end, and goes on to the next.
            server = in_thread(move || {
                server.line_with("CONNECTION CLOSED");
                server
            })
            .await;
            drop(server);
        }
    });
}

/// HTTP/1.1, of which there is one page.
async fn page(mut reader: StreamReader, writer: StreamWriter) {
    while let Ok(head) = reader.readuntil(b"\r\n\r\n").await {
        let body = if head.starts_with(b"GET /large ") {
            vec![b'x'; 3 << 20]
        } else {
            b"hello, curl\n".to_vec()
        };
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        writer.writelines([head.as_bytes(), &body]);
        if writer.drain().await.is_err() {
            break;
        }
    }
}

#[test]
fn curl_is_a_client_of_ours() {
    let Some(curl) = program(&["curl"], &["--version"]) else {
        return;
    };
    on_workers(2, async move {
        let server = serve(page).await;
        let port = address(&server).port();
        let output: Output = in_thread(move || {
            let folder = Folder::new("curl");
            let pages = ["small", "large", "small"];
            let pages = pages.map(|page| format!("https://localhost:{port}/{page}"));
            Command::new(curl)
                .args(["-sS", "--noproxy", "*", "--resolve"])
                .arg(format!("localhost:{port}:127.0.0.1"))
                .arg("--cacert")
                .arg(folder.path("authority.pem"))
                .args(pages)
                .output()
                .unwrap()
        })
        .await;
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
        assert_eq!(output.stdout.len(), (3 << 20) + 24);
        assert!(output.stdout.ends_with(b"xhello, curl\n"));
    });
}

// Curl knows another authority only.
#[test]
fn curl_refuses_an_unknown_authority() {
    let Some(curl) = program(&["curl"], &["--version"]) else {
        return;
    };
    on_workers(2, async move {
        let server = serve(page).await;
        let port = address(&server).port();
        let output: Output = in_thread(move || {
            let url = format!("https://127.0.0.1:{port}/");
            let mut curl = Command::new(curl);
            curl.args(["-sS", "--noproxy", "*", &url]).output().unwrap()
        })
        .await;
        assert_eq!(output.status.code(), Some(60), "{output:?}");
    });
}

const PYTHON_SERVER: &str = r#"
import asyncio, ssl, sys

async def handler(reader, writer):
    line = await reader.readline()
    if line == b"STARTTLS\n":
        writer.write(b"go ahead\n")
        await writer.drain()
        await writer.start_tls(context)
        line = await reader.readline()
    size = int(line)
    data = await reader.readexactly(size)
    writer.write(data[::-1])
    await writer.drain()
    end = await reader.read()
    print("the end is", end, flush=True)
    writer.close()

async def main():
    tls = None if sys.argv[3] == "later" else context
    server = await asyncio.start_server(handler, "127.0.0.1", 0, ssl=tls)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(sys.argv[1], sys.argv[2])
asyncio.run(main())
"#;

/// A server of asyncio, and its port.
async fn python_server(python: &'static str, when: &'static str) -> (Running, u16, Folder) {
    let folder = Folder::new(&format!("python-server-{when}"));
    let (cert, key) = (folder.path("server.pem"), folder.path("server.key"));
    in_thread(move || {
        let mut command = Command::new(python);
        command.args(["-c", PYTHON_SERVER]).arg(cert).arg(key);
        let mut server = Running::start(command.arg(when));
        let line = server.line_with("port ");
        let port = line.trim().trim_start_matches("port ").parse().unwrap();
        (server, port, folder)
    })
    .await
}

/// Has a server of asyncio send bytes back, and end.
async fn has_bytes_sent_back(mut reader: StreamReader, writer: StreamWriter) {
    let data: Vec<u8> = (0..2_000_000_u32)
        .map(|number| (number / 7) as u8)
        .collect();
    writer.write(format!("{}\n", data.len()).as_bytes());
    writer.write(&data);
    let back = reader.readexactly(data.len()).await.unwrap();
    assert!(back.iter().eq(data.iter().rev()));
    writer.close();
    writer.wait_closed().await.unwrap();
}

#[test]
fn asyncio_is_a_server_of_ours() {
    let Some(python) = python() else { return };
    on_workers(2, async move {
        let (mut server, port, _folder) = python_server(python, "at once").await;
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
        let (reader, writer) = connect(address).await.unwrap();
        has_bytes_sent_back(reader, writer).await;
        let line = in_thread(move || server.line_with("the end is")).await;
        assert_eq!(line, "the end is b''\n");
    });
}

// SW-11
#[test]
fn asyncio_encrypts_later_as_a_server_of_ours() {
    let Some(python) = python() else { return };
    on_workers(2, async move {
        let (mut server, port, _folder) = python_server(python, "later").await;
        let connection = open_connection(("127.0.0.1", port));
        let (mut reader, writer) = connection.await.unwrap();
        writer.write(b"STARTTLS\n");
        assert_eq!(reader.readline().await.unwrap(), "go ahead\n");
        let started = writer.start_tls(certificates::client(), "localhost");
        started.await.unwrap();
        has_bytes_sent_back(reader, writer).await;
        let line = in_thread(move || server.line_with("the end is")).await;
        assert_eq!(line, "the end is b''\n");
    });
}

const PYTHON_CLIENT: &str = r#"
import asyncio, ssl, sys

async def main():
    context = ssl.create_default_context(cafile=sys.argv[2])
    later = sys.argv[3] == "later"
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", int(sys.argv[1]), ssl=None if later else context,
        server_hostname=None if later else "localhost")
    if later:
        writer.write(b"STARTTLS\n")
        assert await reader.readline() == b"go ahead\n"
        await writer.start_tls(context, server_hostname="localhost")
    data = bytes(range(256)) * 8000
    writer.write(data)
    assert await reader.readexactly(len(data)) == data
    writer.write(b"bye\n")
    assert await reader.readexactly(4) == b"bye\n"
    print(writer.get_extra_info("ssl_object").version(), flush=True)
    writer.close()
    await writer.wait_closed()
    print("closed", flush=True)

asyncio.run(main())
"#;

/// What a client of asyncio prints.
async fn python_client(python: &'static str, port: u16, when: &'static str) -> String {
    let output: Output = in_thread(move || {
        let folder = Folder::new(&format!("python-client-{when}"));
        let mut command = Command::new(python);
        command.args(["-c", PYTHON_CLIENT, &port.to_string()]);
        command.arg(folder.path("authority.pem")).arg(when);
        command.output().unwrap()
    })
    .await;
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout).unwrap()
}

// Its end is a clean one for us: the handler reads to the end without an error.
#[test]
fn asyncio_is_a_client_of_ours() {
    let Some(python) = python() else { return };
    on_workers(2, async move {
        let (ended, ends) = ends();
        let handler = move |mut reader: StreamReader, writer: StreamWriter| {
            let ended = ended.lock().unwrap().clone();
            async move {
                let outcome = loop {
                    match reader.read(1 << 16).await {
                        Ok(data) if data.is_empty() => break Ok(()),
                        Ok(data) => writer.write(&data),
                        Err(error) => break Err(error),
                    }
                };
                ended.send(outcome).unwrap();
            }
        };
        let server = serve(handler).await;
        let printed = python_client(python, address(&server).port(), "at once").await;
        assert_eq!(printed, "TLSv1.3\nclosed\n");
        in_thread(move || ends.recv().unwrap()).await.unwrap();
    });
}

type Ends<T> = (Mutex<Sender<T>>, std::sync::mpsc::Receiver<T>);

fn ends() -> Ends<io::Result<()>> {
    let (ended, ends) = channel();
    (Mutex::new(ended), ends)
}

// SW-11
#[test]
fn asyncio_encrypts_later_as_a_client_of_ours() {
    let Some(python) = python() else { return };
    on_workers(2, async move {
        let handler = |mut reader: StreamReader, writer: StreamWriter| async move {
            assert_eq!(reader.readline().await.unwrap(), "STARTTLS\n");
            writer.write(b"go ahead\n");
            let started = writer.start_server_tls(certificates::server());
            started.await.unwrap();
            echo(reader, writer).await;
        };
        let server = asyncio::start_server(handler, "127.0.0.1:0").await.unwrap();
        let printed = python_client(python, address(&server).port(), "later").await;
        assert_eq!(printed, "TLSv1.3\nclosed\n");
    });
}
