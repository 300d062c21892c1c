//! Conversations with CPython's asyncio, and with other programs, where they are installed.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use asyncio::{ReadUntilError, to_thread};
use runtime_tests::{newest_python, watched};

use super::*;

/// Says that a test has nothing to do.
fn skipped(why: &str) {
    // Not `eprintln!`, whose output the test harness captures.
    let _closed = writeln!(io::stderr(), "SKIPPED: {why}");
}

/// A Python that is new enough for several separators.
fn python() -> Option<&'static Path> {
    let python = newest_python(13);
    if python.is_none() {
        skipped("there is no Python 3.13 or newer");
    }
    python
}

/// The file of a program in Python.
fn program(name: &str) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.join("tests/streams/python").join(name)
}

/// A server in Python, which ends with its standard input.
struct Peer {
    child: Child,
    input: Option<ChildStdin>,
    address: String,
}

impl Peer {
    fn start(python: &Path, kind: Kind) -> Peer {
        let path = socket_path();
        let argument = match kind {
            Kind::Tcp => "tcp",
            Kind::Unix => path.to_str().unwrap(),
        };
        let mut child = Command::new(python)
            .arg(program("server.py"))
            .arg(argument)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        let output = child.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut address).unwrap();
        Peer {
            input: child.stdin.take(),
            child,
            address: address.trim().to_owned(),
        }
    }

    fn end(mut self) {
        drop(self.input.take());
        assert!(self.child.wait().unwrap().success());
    }
}

/// What a client in Python prints in a conversation that follows from a seed.
fn transcript(python: &Path, address: &str, seed: u64) -> Vec<String> {
    let output = Command::new(python)
        .arg(program("client.py"))
        .args([address, &seed.to_string()])
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).lines().map(str::to_owned).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _written = write!(text, "{byte:02x}");
        text
    })
}

fn from_hex(text: &str) -> Vec<u8> {
    let pairs = (0..text.len()).step_by(2);
    let bytes = pairs.map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap());
    bytes.collect()
}

/// The answer to a `readuntil`, as `server.py` has it.
fn found(outcome: Result<impl AsRef<[u8]>, ReadUntilError>) -> String {
    match outcome {
        Ok(bytes) => hex(bytes.as_ref()),
        Err(ReadUntilError::LimitOverrun(error)) => {
            format!("overrun: {}: {error}", error.consumed)
        }
        Err(ReadUntilError::IncompleteRead(error)) => {
            format!("incomplete: {}: {error}", hex(&error.partial))
        }
        Err(ReadUntilError::Io(error)) => format!("lost: {error}"),
    }
}

async fn perform(
    reader: &mut StreamReader,
    writer: &StreamWriter,
    kind: &str,
    arguments: &[&str],
) -> String {
    let number = || arguments[0].parse().unwrap();
    match kind {
        "line" => match reader.readline().await {
            Ok(line) => hex(&line),
            Err(error) => format!("value: {error}"),
        },
        "exactly" => match reader.readexactly(number()).await {
            Ok(bytes) => hex(&bytes),
            Err(error) => format!("incomplete: {}: {error}", hex(&error.partial)),
        },
        "until" => found(reader.readuntil(&from_hex(arguments[0])[..]).await),
        "any" => {
            let separators: Vec<_> = arguments.iter().map(|part| from_hex(part)).collect();
            let separators: Vec<&[u8]> = separators.iter().map(|part| &part[..]).collect();
            found(reader.readuntil(&separators[..]).await)
        }
        "read" => {
            let (wanted, mut got) = (number(), Vec::new());
            while got.len() < wanted {
                let more = reader.read(wanted - got.len()).await.unwrap();
                if more.is_empty() {
                    break;
                }
                got.extend_from_slice(&more);
            }
            hex(&got)
        }
        "all" => reader.read_to_end().await.unwrap().len().to_string(),
        "send" => {
            writer.write(&vec![b's'; number()]);
            writer.drain().await.unwrap();
            "sent".to_owned()
        }
        _ => {
            writer.writelines([&b"one,"[..], b"", b"two,", b""]);
            "written".to_owned()
        }
    }
}

/// Reads up to the mark. Returns how many bytes.
async fn skip(reader: &mut StreamReader) -> usize {
    let mut skipped = 0;
    loop {
        skipped += match reader.readuntil(b"#\n").await {
            Ok(bytes) => return skipped + bytes.len() - 2,
            Err(ReadUntilError::LimitOverrun(error)) => {
                reader.readexactly(error.consumed).await.unwrap().len()
            }
            Err(ReadUntilError::IncompleteRead(error)) => return skipped + error.partial.len(),
            Err(ReadUntilError::Io(error)) => panic!("{error}"),
        }
    }
}

/// The handler of `server.py`, in Rust.
async fn handle(mut reader: StreamReader, writer: StreamWriter) {
    loop {
        let line = reader.readline().await.unwrap();
        let line = String::from_utf8(line.to_vec()).unwrap();
        let mut words = line.split_whitespace();
        let Some(kind) = words.next() else { break };
        match kind {
            "abort" => return writer.abort(),
            "close" => break,
            "eof" => {
                writer.write(b"no more\n");
                writer.write_eof();
                reader.read_to_end().await.unwrap();
                break;
            }
            _ => {}
        }
        let arguments: Vec<&str> = words.collect();
        let answer = perform(&mut reader, &writer, kind, &arguments).await;
        let skipped = skip(&mut reader).await;
        writer.write(format!("{kind}: {answer}, skipped {skipped}\n").as_bytes());
        writer.drain().await.unwrap();
    }
    writer.close();
    writer.wait_closed().await.unwrap();
}

/// The same conversation with our server.
fn ours(python: &'static Path, kind: Kind, seed: u64) -> Vec<String> {
    on_workers(2, async {
        let reports = reports();
        let (server, address) = match kind {
            Kind::Tcp => {
                let server = start_server(handle, loopback()).limit(64).await.unwrap();
                let port = server.local_addrs()[0].port();
                (server, port.to_string())
            }
            Kind::Unix => {
                let path = socket_path();
                let server = start_unix_server(handle, &path).limit(64).await.unwrap();
                (server, path.to_str().unwrap().to_owned())
            }
        };
        let lines = to_thread(move || transcript(python, &address, seed));
        let lines = lines.await.unwrap();
        end(server).await;
        assert!(reports.lock().unwrap().is_empty(), "a handler has panicked");
        lines
    })
}

// SR-1, SR-2, SR-3, SR-4, SR-5, SW-2, SW-4, SW-6, SW-14
#[test]
fn a_client_of_asyncio_sees_the_same_of_both_servers() {
    let Some(python) = python() else { return };
    for kind in KINDS {
        for seed in 1..=2 {
            let theirs = watched(|| {
                let peer = Peer::start(python, kind);
                let lines = transcript(python, &peer.address, seed);
                peer.end();
                lines
            });
            let ours = ours(python, kind, seed);
            assert_eq!(theirs.len(), ours.len());
            for (number, (theirs, ours)) in theirs.iter().zip(&ours).enumerate() {
                assert_eq!(theirs, ours, "{kind:?}, seed {seed}, line {number}");
            }
            assert!(ours.len() >= 200);
        }
    }
}

// SW-6
#[test]
fn our_client_converses_with_a_server_of_asyncio() {
    let Some(python) = python() else { return };
    for kind in KINDS {
        watched(|| {
            let peer = Peer::start(python, kind);
            let address = match kind {
                Kind::Tcp => Address::Tcp(([127, 0, 0, 1], peer.address.parse().unwrap()).into()),
                Kind::Unix => Address::Unix(PathBuf::from(&peer.address)),
            };
            on_workers(2, converse(address));
            peer.end();
        });
    }
}

async fn converse(address: Address) {
    let (mut reader, writer) = address.open().await.unwrap();
    writer.write(b"line\nhello\n#\n");
    let answer = reader.readline().await.unwrap();
    assert_eq!(answer, "line: 68656c6c6f0a, skipped 0\n");
    // Much in both directions, at the same time as it may.
    writer.write(b"exactly 1000000\n");
    writer.write(&vec![b'x'; 1_000_000]);
    writer.write(b"#\nsend 3000000\n#\n");
    writer.drain().await.unwrap();
    let answer = reader.readuntil(b": ").await.unwrap();
    assert_eq!(answer, "exactly: ");
    let answer = reader.readexactly(2_000_000).await.unwrap();
    assert!(answer.chunks(2).all(|pair| pair == b"78"));
    assert_eq!(reader.readline().await.unwrap(), ", skipped 0\n");
    let answer = reader.readexactly(3_000_000).await.unwrap();
    assert!(answer.iter().all(|&byte| byte == b's'));
    assert_eq!(reader.readline().await.unwrap(), "send: sent, skipped 0\n");
    // Their half-close, then ours.
    writer.write(b"eof\n");
    assert_eq!(reader.read_to_end().await.unwrap(), "no more\n");
    writer.write(b"still said");
    writer.drain().await.unwrap();
    writer.write_eof();
    writer.close();
    writer.wait_closed().await.unwrap();
    let (mut reader, writer) = address.open().await.unwrap();
    writer.write(b"all\n12345");
    writer.write_eof();
    let answer = reader.read_to_end().await.unwrap();
    assert_eq!(answer, "all: 5, skipped 0\n");
    let (mut reader, writer) = address.open().await.unwrap();
    writer.write(b"abort\n");
    assert_eq!(reader.read(1).await.unwrap(), "");
}

/// Runs a program that reads `input`. `None` if it is not there.
fn run(command: &mut Command, input: &[u8]) -> Option<String> {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        skipped(&format!("there is no {:?}", command.get_program()));
        return None;
    };
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", output.status);
    Some(String::from_utf8(output.stdout).unwrap())
}

/// A server's handler that speaks HTTP/1.0.
async fn answer(mut reader: StreamReader, writer: StreamWriter) {
    let Ok(request) = reader.readuntil(b"\r\n\r\n").await else {
        return;
    };
    let path = request.split(|&byte| byte == b' ').nth(1).unwrap();
    writer.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n");
    writer.writelines([&b"you asked for "[..], path, b"\n"]);
}

#[test]
fn curl_gets_an_answer() {
    on_workers(2, async {
        let server = start_server(answer, loopback()).await.unwrap();
        let url = format!("http://{}/a/page", server.local_addrs()[0]);
        let curl = to_thread(move || {
            let mut curl = Command::new("curl");
            run(curl.args(["-s", "--noproxy", "*", &url]), b"")
        });
        if let Some(answer) = curl.await.unwrap() {
            assert_eq!(answer, "you asked for /a/page\n");
        }
        let path = socket_path();
        let server = start_unix_server(answer, &path).await.unwrap();
        let curl = to_thread(move || {
            let mut curl = Command::new("curl");
            let curl = curl.args(["-s", "--noproxy", "*", "--unix-socket"]);
            run(curl.arg(path).arg("http://localhost/b"), b"")
        });
        if let Some(answer) = curl.await.unwrap() {
            assert_eq!(answer, "you asked for /b\n");
        }
        drop(server);
    });
}

#[test]
fn netcat_hears_its_echo() {
    on_workers(2, async {
        let server = start_server(echo, loopback()).await.unwrap();
        let port = server.local_addrs()[0].port().to_string();
        let netcat = to_thread(move || {
            let mut netcat = Command::new("nc");
            run(netcat.args(["-N", "127.0.0.1", &port]), b"one\ntwo\n")
        });
        if let Some(heard) = netcat.await.unwrap() {
            assert_eq!(heard, "one\ntwo\n");
        }
        end(server).await;
    });
}
