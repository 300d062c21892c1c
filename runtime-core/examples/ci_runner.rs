//! Runs commands side by side, as a CI does: what they write is shown line by line with their
//! names, each has a time limit, and a summary tells how they ended.
//!
//! `ci_runner --jobs 4 --timeout 60 'lint: cargo clippy' 'cargo test'` runs these in the shell; a
//! command without a name is its own name. Without arguments it runs a list of small commands, one
//! of which fails. The exit code is 0 if all succeed, and 1 otherwise. Ctrl-C kills the commands
//! and whatever they have started.

use std::io;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use asyncio::subprocess::Process;
use asyncio::{PIPE, STDOUT, create_subprocess_shell, task_group, wait_for};
use rustix::process::{Pid, Signal, kill_process_group};

/// What is run without arguments.
const SHOWN: [&str; 4] = [
    "count: for i in 1 2 3; do echo $i; done",
    "both: echo to the output; echo to the error >&2",
    "fails: echo this goes wrong; exit 3",
    "pipe: echo upper case | tr a-z A-Z",
];

/// A command with the processes that it starts: they are one process group.
struct Tree {
    process: Process,
    /// It has exited, and nobody has its output any more.
    is_over: bool,
}

impl Drop for Tree {
    fn drop(&mut self) {
        // Somebody of the group is alive, so its number has not become another's.
        let group = i32::try_from(self.process.pid()).ok();
        let group = group.and_then(Pid::from_raw);
        if let Some(group) = group.filter(|_| !self.is_over) {
            let _killed = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Runs one command, and returns its exit status. A run that is cancelled is killed.
async fn run(name: &str, command: &str) -> io::Result<i32> {
    let start = create_subprocess_shell(command).process_group(0);
    let process = start.stdout(PIPE).stderr(STDOUT).await?;
    let mut tree = Tree {
        process,
        is_over: false,
    };
    if let Some(output) = &mut tree.process.stdout {
        loop {
            let line = output.readline().await?;
            if line.is_empty() {
                break;
            }
            println!("{name} | {}", String::from_utf8_lossy(&line).trim_end());
        }
    }
    let status = tree.process.wait().await?;
    tree.is_over = true;
    Ok(status)
}

/// How a command has ended, in words, and whether it has succeeded.
async fn outcome(name: &str, command: &str, limit: Duration) -> (bool, String) {
    match wait_for(run(name, command), limit).await {
        Ok(Ok(0)) => (true, "ok".to_owned()),
        Ok(Ok(status @ 1..)) => (false, format!("failed with {status}")),
        Ok(Ok(signal)) => (false, format!("ended by signal {}", -signal)),
        Ok(Err(error)) => (false, format!("error: {error}")),
        Err(_) => (false, format!("not over after {limit:?}")),
    }
}

struct Arguments {
    jobs: usize,
    limit: Duration,
    commands: Vec<String>,
}

fn arguments() -> Result<Arguments, String> {
    let mut read = Arguments {
        jobs: 2,
        limit: Duration::from_secs(600),
        commands: Vec::new(),
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|number| number.parse::<u32>().ok());
        match word.as_str() {
            "--jobs" => read.jobs = number().ok_or("--jobs takes a number")?.max(1) as usize,
            "--timeout" => {
                let seconds = number().ok_or("--timeout takes a number of seconds")?;
                read.limit = Duration::from_secs(seconds.into());
            }
            _ => read.commands.push(word),
        }
    }
    if read.commands.is_empty() {
        read.commands = SHOWN.map(str::to_owned).to_vec();
    }
    Ok(read)
}

#[asyncio::main]
async fn main() -> ExitCode {
    let Arguments {
        jobs,
        limit,
        commands,
    } = match arguments() {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let count = commands.len();
    let outcomes = Arc::new(Mutex::new(vec![(false, String::new()); count]));
    let all = task_group(async |group| {
        group.limit(jobs);
        for (index, argument) in commands.into_iter().enumerate() {
            let outcomes = Arc::clone(&outcomes);
            group.start_soon(async move {
                let (name, command) = argument.split_once(": ").unwrap_or((&argument, &argument));
                let start = Instant::now();
                let (succeeded, words) = outcome(name, command, limit).await;
                let seconds = start.elapsed().as_secs_f64();
                let line = format!("{name}: {words} ({seconds:.1} s)");
                let mut outcomes = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
                outcomes[index] = (succeeded, line);
            });
        }
        Ok::<_, std::convert::Infallible>(())
    });
    all.await.expect("nothing fails");
    let outcomes = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
    println!("----");
    for (_, line) in outcomes.iter() {
        println!("{line}");
    }
    let succeeded = outcomes.iter().filter(|(succeeded, _)| *succeeded).count();
    println!("{succeeded} of {count} succeeded");
    ExitCode::from(u8::from(succeeded < count))
}
