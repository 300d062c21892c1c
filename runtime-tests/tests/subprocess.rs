//! `asyncio::subprocess`: children, their pipes and their ends.

#[path = "subprocess/children.rs"]
mod children;
#[path = "subprocess/ends.rs"]
mod ends;
#[path = "subprocess/peers.rs"]
mod peers;
#[path = "subprocess/pipes.rs"]
mod pipes;
#[path = "subprocess/settings.rs"]
mod settings;

use std::time::Duration;

use asyncio::subprocess::Command;
use asyncio::{PIPE, create_subprocess_exec, create_subprocess_shell, wait_for};

const TICK: Duration = Duration::from_millis(1);

/// How long something may take that must happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a command in the shell, and returns what it has written.
async fn output_of(command: Command) -> String {
    let mut process = command.stdout(PIPE).await.unwrap();
    let (output, _) = process.communicate(None).await.unwrap();
    String::from_utf8(output.unwrap().to_vec()).unwrap()
}

/// Whether a process exists, as a zombie or otherwise.
fn exists(pid: u32) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}

/// Waits until a process is gone.
async fn gone(pid: u32) {
    let wait = async {
        while exists(pid) {
            asyncio::sleep(TICK).await;
        }
    };
    wait_for(wait, PATIENCE)
        .await
        .expect("the process is reaped");
}
