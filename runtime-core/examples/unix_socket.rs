//! A service on a Unix socket: it adds numbers, line by line.

use std::io;

use asyncio::create_task;
use asyncio::net::{UnixListener, UnixStream};
use futures::io::{AsyncBufReadExt, BufReader};
use futures::{StreamExt, TryStreamExt};

/// Answers each line of numbers with their sum.
async fn add(stream: UnixStream) -> io::Result<()> {
    let mut lines = BufReader::new(&stream).lines();
    while let Some(line) = lines.try_next().await? {
        let numbers = line.split_whitespace().map(str::parse::<i64>);
        let answer = match numbers.sum::<Result<i64, _>>() {
            Ok(sum) => format!("{sum}\n"),
            Err(error) => format!("error: {error}\n"),
        };
        stream.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

#[asyncio::main]
async fn main() -> io::Result<()> {
    let path = std::env::temp_dir().join(format!("asyncio-example-{}", std::process::id()));
    let listener = UnixListener::bind(&path)?;
    let serving = create_task(async move {
        let mut incoming = listener.incoming();
        while let Some(stream) = incoming.next().await {
            create_task(add(stream));
        }
    });

    let stream = UnixStream::connect(&path).await?;
    let mut answers = BufReader::new(&stream).lines();
    for question in ["1 2 3", "40 2", "one two"] {
        stream.write_all(format!("{question}\n").as_bytes()).await?;
        let answer = answers.try_next().await?.unwrap_or_default();
        println!("{question} -> {answer}");
    }
    serving.cancel();
    std::fs::remove_file(path)
}
