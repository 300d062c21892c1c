//! A server that keeps values, asked line by line: `set KEY VALUE`, `get KEY`, `quit`.
//!
//! `line_server 127.0.0.1:8888` serves until it is killed; try `nc 127.0.0.1 8888`. Without
//! arguments it serves a client of its own.
//!
//! What a server has to think of: a client that says nothing is sent away after a while, a line
//! that is too long is refused and the next one is read, and a client that does not read its
//! answers stops being asked (`drain`).

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use asyncio::{StreamReader, StreamWriter, open_connection, start_server, wait_for};

/// How long a client may say nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a line may be.
const LIMIT: usize = 100;

type Values = Arc<Mutex<HashMap<String, String>>>;

/// The answer to a line; `None` ends the conversation.
fn answer(line: &str, values: &Values) -> Option<String> {
    let mut values = values.lock().unwrap_or_else(PoisonError::into_inner);
    let mut words = line.trim_end().splitn(3, ' ');
    Some(match (words.next(), words.next(), words.next()) {
        (Some("set"), Some(key), Some(value)) => {
            values.insert(key.to_owned(), value.to_owned());
            "ok".to_owned()
        }
        (Some("get"), Some(key), None) => match values.get(key) {
            Some(value) => format!("ok {value}"),
            None => format!("error: there is no {key}"),
        },
        (Some("quit"), None, None) => return None,
        _ => "error: set KEY VALUE, get KEY or quit".to_owned(),
    })
}

async fn serve(mut reader: StreamReader, writer: StreamWriter, values: Values) -> io::Result<()> {
    loop {
        let answer = match wait_for(reader.readline(), PATIENCE).await {
            Err(_timeout) => return Ok(()),
            Ok(Ok(line)) if line.is_empty() => return Ok(()),
            Ok(Ok(line)) => match answer(&String::from_utf8_lossy(&line), &values) {
                Some(answer) => answer,
                None => return Ok(()),
            },
            // It has been dropped.
            Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
                "error: the line is too long".to_owned()
            }
            Ok(Err(error)) => return Err(error),
        };
        writer.write(format!("{answer}\n").as_bytes());
        writer.drain().await?;
    }
}

#[asyncio::main]
async fn main() -> io::Result<()> {
    let address = std::env::args().nth(1);
    let values = Values::default();
    let handler = move |reader, writer| {
        let values = Arc::clone(&values);
        async move {
            if let Err(error) = serve(reader, writer, values).await {
                eprintln!("a connection was lost: {error}");
            }
        }
    };
    let server = start_server(handler, address.as_deref().unwrap_or("127.0.0.1:0"));
    let server = server.limit(LIMIT).await?;
    if address.is_some() {
        return server.serve_forever().await;
    }

    let (mut reader, writer) = open_connection(server.local_addrs()[0]).await?;
    let long = format!("set long {}", "x".repeat(200));
    let questions = [
        "get color",
        "set color dark green",
        "get color",
        &long,
        "put",
    ];
    for question in questions {
        writer.write(format!("{question}\n").as_bytes());
        let answer = reader.readline().await?;
        let answer = String::from_utf8_lossy(&answer);
        println!("{question:.20} -> {}", answer.trim_end());
    }
    writer.write(b"quit\n");
    assert_eq!(reader.readline().await?, "");
    server.close();
    server.wait_closed().await;
    Ok(())
}
