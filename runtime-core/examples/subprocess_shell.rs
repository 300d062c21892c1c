//! Runs a command in the shell, and shows what it wrote and how it ended.

use std::io;

use asyncio::{PIPE, create_subprocess_shell};

async fn run(command: &str) -> io::Result<()> {
    let mut process = create_subprocess_shell(command)
        .stdout(PIPE)
        .stderr(PIPE)
        .await?;

    let (stdout, stderr) = process.communicate(None).await?;

    let status = process.returncode().unwrap_or_default();
    println!("['{command}' exited with {status}]");
    for (name, output) in [("stdout", stdout), ("stderr", stderr)] {
        let output = output.unwrap_or_default();
        if !output.is_empty() {
            println!("[{name}]\n{}", String::from_utf8_lossy(&output));
        }
    }
    Ok(())
}

fn main() -> io::Result<()> {
    asyncio::run(run("ls /zzz"))
}
