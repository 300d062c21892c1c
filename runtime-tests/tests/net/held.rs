//! Ten thousand connections, each of which is used once a second: by hand, since it takes a minute.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use futures::future::join_all;

use super::*;

const CONNECTIONS: usize = 10_000;
const SECONDS: usize = 60;
const SECOND: Duration = Duration::from_secs(1);

/// The memory of a process, in pages.
fn pages(process: &str) -> usize {
    let text = std::fs::read_to_string(format!("/proc/{process}/statm")).unwrap();
    text.split(' ').nth(1).unwrap().parse().unwrap()
}

/// The server, in a process of its own: each process may have so many descriptors only.
#[test]
#[ignore = "the other process of the test below"]
fn serves_until_it_is_killed() {
    let runner = Runner::builder().workers(2).build();
    runner.unwrap().run(async {
        let listener = TcpListener::bind(loopback()).await.unwrap();
        println!("\nport {}", listener.local_addr().unwrap().port());
        let outcome = task_group(async |group| serve(group.clone(), listener).await);
        outcome.await.unwrap();
    });
}

/// Asks once a second; returns the longest time to an answer.
async fn ask_for_a_minute(port: u16, number: usize) -> Duration {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let begin = Instant::now();
    let phase = SECOND * number as u32 / CONNECTIONS as u32;
    let mut longest = Duration::ZERO;
    for second in 0..SECONDS as u32 {
        asyncio::sleep_until(begin + phase + second * SECOND).await;
        let question = [second as u8; 64];
        let asked = Instant::now();
        stream.write_all(&question).await.unwrap();
        let mut answer = [0; 64];
        let answered = wait_for(stream.read_exact(&mut answer), 10 * SECOND).await;
        answered.expect("an answer is lost").unwrap();
        assert_eq!(answer, question);
        longest = longest.max(asked.elapsed());
    }
    longest
}

#[test]
#[ignore = "takes more than a minute"]
fn ten_thousand_connections_are_held() {
    let mut server = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "held::serves_until_it_is_killed"])
        .args(["--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let mut ports = lines.filter_map(|line| line.unwrap().strip_prefix("port ")?.parse().ok());
    let port: u16 = ports.next().unwrap();
    let id = server.id().to_string();
    let runner = Runner::builder().workers(2).build();
    let longest = runner.unwrap().run(async {
        let clients: Vec<_> = (0..CONNECTIONS)
            .map(|number| create_task(ask_for_a_minute(port, number)))
            .collect();
        sleep(SECONDS as u32 / 4 * SECOND).await;
        let before = [pages(&id), pages("self")];
        sleep(SECONDS as u32 / 2 * SECOND).await;
        let after = [pages(&id), pages("self")];
        println!("pages of server and clients: {before:?}, half a minute later {after:?}");
        for (before, after) in before.into_iter().zip(after) {
            assert!(after <= before + before / 20, "the memory grows");
        }
        let times = join_all(clients).await;
        times.into_iter().map(Result::unwrap).max()
    });
    println!("the longest time to an answer: {longest:?}");
    server.kill().unwrap();
    server.wait().unwrap();
}
