//! `subprocesses.py` in Rust.

use std::io;
use std::time::Duration;

use asyncio::signals::{SIGINT, SIGKILL, SIGTERM, SIGUSR1};
use asyncio::subprocess::Command;
use asyncio::{
    DEVNULL, PIPE, Process, STDOUT, create_subprocess_exec, create_subprocess_shell, wait_for,
};

use super::say;

fn text(data: Option<&[u8]>) -> String {
    data.map_or("-".to_owned(), |data| {
        format!("'{}'", String::from_utf8_lossy(data).replace('\n', "|"))
    })
}

fn word(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

async fn line_of(process: &mut Process) -> io::Result<String> {
    let stdout = process.stdout.as_mut().expect("it is a pipe");
    Ok(text(Some(&stdout.readline().await?)))
}

async fn lines() -> io::Result<()> {
    let mut process = create_subprocess_exec("cat")
        .stdin(PIPE)
        .stdout(PIPE)
        .await?;
    let stdin = process.stdin.take().expect("it is a pipe");
    for line in [&b"one\n"[..], b"two words\n", b"\n"] {
        stdin.write(line);
        stdin.drain().await?;
        say(&format!("line {}", line_of(&mut process).await?));
    }
    say(&format!("running {}", word(process.returncode().is_none())));
    stdin.write(b"without an end");
    stdin.close();
    stdin.wait_closed().await?;
    say(&format!("rest {}", line_of(&mut process).await?));
    let end = line_of(&mut process).await?;
    let at_eof = process
        .stdout
        .as_ref()
        .is_some_and(|stdout| stdout.at_eof());
    say(&format!("end {end} {}", word(at_eof)));
    let status = process.wait().await?;
    let code = process.returncode().expect("it is known");
    say(&format!("status {status} {code} {}", process.wait().await?));
    Ok(())
}

/// What `communicate` returns, in words.
async fn outputs(process: &mut Process, input: Option<&[u8]>) -> io::Result<String> {
    let (stdout, stderr) = process.communicate(input).await?;
    Ok(format!(
        "{} {}",
        text(stdout.as_deref()),
        text(stderr.as_deref())
    ))
}

fn code(process: &Process) -> i32 {
    process.returncode().expect("it has exited")
}

async fn communicate() -> io::Result<()> {
    let much = vec![b'x'; 1_000_000];
    let cases = [
        ("cat", Some(&b"hello\n"[..])),
        ("cat", Some(b"")),
        ("cat", None),
        ("cat; echo error >&2; exit 5", Some(b"both\n")),
        ("echo unread", Some(&much)),
    ];
    for (command, given) in cases {
        let command = create_subprocess_shell(command).stdin(PIPE);
        let mut process = command.stdout(PIPE).stderr(PIPE).await?;
        let outputs = outputs(&mut process, given).await?;
        say(&format!("communicate {outputs} {}", code(&process)));
    }
    let mut process = create_subprocess_exec("cat")
        .stdin(PIPE)
        .stdout(PIPE)
        .await?;
    let (out, err) = process.communicate(Some(&vec![b'y'; 3_000_000])).await?;
    let length = out.map_or(0, |out| out.len());
    say(&format!(
        "much {length} {} {}",
        text(err.as_deref()),
        code(&process)
    ));
    let command = create_subprocess_shell("echo out; echo err >&2").stdin(DEVNULL);
    let mut process = command.stdout(PIPE).stderr(STDOUT).await?;
    say(&format!("merged {}", outputs(&mut process, None).await?));
    let mut process = create_subprocess_shell("echo gone").stdout(DEVNULL).await?;
    let outputs = outputs(&mut process, None).await?;
    say(&format!("nothing {outputs} {}", code(&process)));
    Ok(())
}

async fn kill() -> io::Result<()> {
    let sleeper = || create_subprocess_exec("sleep").arg("1000");
    for number in [SIGKILL, SIGTERM, SIGINT, SIGUSR1] {
        let process = sleeper().await?;
        process.send_signal(number)?;
        say(&format!("signal {}", process.wait().await?));
    }
    for name in ["kill", "terminate"] {
        let process = sleeper().await?;
        let call = || match name {
            "kill" => process.kill(),
            _ => process.terminate(),
        };
        call()?;
        say(&format!("{name} {}", process.wait().await?));
        say(if call().is_ok() { "sent" } else { "too late" });
    }
    let process = sleeper().await?;
    if wait_for(process.wait(), Duration::from_millis(50))
        .await
        .is_err()
    {
        say(&format!(
            "timed out {}",
            word(process.returncode().is_none())
        ));
    }
    process.kill()?;
    say(&format!("killed {}", process.wait().await?));
    Ok(())
}

async fn statuses() -> io::Result<()> {
    for status in [0, 1, 42, 255, 256] {
        let process = create_subprocess_exec("sh").args(["-c", &format!("exit {status}")]);
        say(&format!("exit {}", process.await?.wait().await?));
    }
    for name in ["TERM", "KILL", "HUP", "PIPE"] {
        let process = create_subprocess_shell(format!("kill -{name} $$")).await?;
        say(&format!("by itself {}", process.wait().await?));
    }
    let all = (0..20).map(|number| async move {
        let process = create_subprocess_shell(format!("exit {number}")).await?;
        process.wait().await
    });
    let all = futures::future::try_join_all(all).await?;
    let all: Vec<String> = all.iter().map(i32::to_string).collect();
    say(&format!("all {}", all.join(" ")));
    Ok(())
}

async fn output_of(command: Command) -> io::Result<String> {
    let mut process = command.stdout(PIPE).await?;
    let (stdout, _) = process.communicate(None).await?;
    Ok(text(stdout.as_deref()))
}

async fn shell() -> io::Result<()> {
    let commands = [
        "echo a b | tr a-z A-Z",
        "echo '$HOME'",
        "no-such-command-here",
        "/etc/passwd",
        "cd /; pwd",
        "read line; echo $line",
    ];
    for command in commands {
        let command = create_subprocess_shell(command).stdin(DEVNULL);
        let mut process = command.stdout(PIPE).stderr(DEVNULL).await?;
        let (out, _) = process.communicate(None).await?;
        say(&format!(
            "shell {} {}",
            text(out.as_deref()),
            code(&process)
        ));
    }
    let env = create_subprocess_exec("/usr/bin/env")
        .env_clear()
        .env("COLOUR", "green");
    say(&format!("env {}", output_of(env).await?));
    let pwd = create_subprocess_exec("pwd").current_dir("/usr");
    say(&format!("cwd {}", output_of(pwd).await?));
    let umask = create_subprocess_shell("umask").umask(0o27);
    say(&format!("umask {}", output_of(umask).await?));
    Ok(())
}

async fn errors() -> io::Result<()> {
    let commands = [
        create_subprocess_exec("/no/such/program"),
        create_subprocess_exec("no-such-command-here"),
        create_subprocess_exec("/etc/passwd"),
        create_subprocess_exec("echo").arg("a\0b"),
        create_subprocess_exec("true").current_dir("/no/such/folder"),
        create_subprocess_exec("true").arg("x".repeat(4 << 20)),
    ];
    for command in commands {
        let error = command.await.map(|_| ()).err();
        let kind = error.as_ref().map(io::Error::kind);
        let number = error.and_then(|error| error.raw_os_error());
        say(&match (kind, number) {
            (None, _) => "started".to_owned(),
            (Some(io::ErrorKind::NotFound), _) => "not found".to_owned(),
            (Some(io::ErrorKind::PermissionDenied), _) => "not permitted".to_owned(),
            (_, None) => "invalid".to_owned(),
            (_, Some(number)) => format!("error {number}"),
        });
    }
    let command = create_subprocess_shell("echo a line that is too long").limit(8);
    let mut process = command.stdout(PIPE).await?;
    match line_of(&mut process).await {
        Ok(line) => say(&line),
        Err(_) => say("too long"),
    }
    say(&format!("status {}", process.wait().await?));
    Ok(())
}

pub(crate) async fn main() -> io::Result<()> {
    lines().await?;
    communicate().await?;
    kill().await?;
    statuses().await?;
    shell().await?;
    errors().await
}
