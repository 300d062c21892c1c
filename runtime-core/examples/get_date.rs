//! Reads one line of what a program writes.

use std::io;

use asyncio::{PIPE, create_subprocess_exec};

async fn get_date() -> io::Result<String> {
    let mut process = create_subprocess_exec("date")
        .arg("+%Y-%m-%d %H:%M:%S")
        .stdout(PIPE)
        .await?;

    // Reads one line of output.
    let mut line = String::new();
    if let Some(stdout) = &mut process.stdout {
        let data = stdout.readline().await?;
        line.push_str(String::from_utf8_lossy(&data).trim_end());
    }

    // Waits for the exit.
    process.wait().await?;
    Ok(line)
}

fn main() -> io::Result<()> {
    let date = asyncio::run(get_date())?;
    println!("Current date: {date}");
    Ok(())
}
