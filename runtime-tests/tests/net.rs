//! Tests of sockets.

use std::fs::File;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use asyncio::net::{Async, TcpListener, TcpStream};
use asyncio::{
    Runner, TaskGroup, TimeoutError, checkpoint, create_task, get_running_loop, sleep, task_group,
    to_thread, wait_for,
};
use runtime_tests::{alone, on_workers, until, watched};

#[path = "net/accept_errors.rs"]
mod accept_errors;
#[path = "net/calls.rs"]
mod calls;
#[path = "net/cancelled.rs"]
mod cancelled;
#[path = "net/clocks.rs"]
mod clocks;
#[path = "net/connect.rs"]
mod connect;
#[path = "net/copies.rs"]
mod copies;
#[path = "net/dropped.rs"]
mod dropped;
#[path = "net/dropped_copies.rs"]
mod dropped_copies;
#[path = "net/faults.rs"]
mod faults;
#[path = "net/files.rs"]
mod files;
#[path = "net/halves.rs"]
mod halves;
#[path = "net/held.rs"]
mod held;
#[path = "net/incoming.rs"]
mod incoming;
#[path = "net/names.rs"]
mod names;
#[path = "net/options.rs"]
mod options;
#[path = "net/pipes.rs"]
mod pipes;
#[path = "net/python.rs"]
mod python;
#[path = "net/reused.rs"]
mod reused;
#[path = "net/signals.rs"]
mod signals;
#[path = "net/standard.rs"]
mod standard;
#[path = "net/streams.rs"]
mod streams;
#[path = "net/stuck.rs"]
mod stuck;
#[path = "net/udp.rs"]
mod udp;
#[path = "net/unix.rs"]
mod unix;
#[path = "net/watching.rs"]
mod watching;

const TICK: Duration = Duration::from_millis(1);

/// How long something may take that must happen.
const PATIENCE: Duration = Duration::from_secs(10);

/// Any free port of this machine.
fn loopback() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

/// Two ends of a connection.
async fn connected() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(loopback()).await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (server, address) = listener.accept().await.unwrap();
    assert_eq!(address, client.local_addr().unwrap());
    (client, server)
}

/// Sends back what comes, until the peer ends.
async fn echo(stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            read => stream.write_all(&buffer[..read]).await?,
        }
    }
}

/// Echoes all connections of a listener, as children of a group.
async fn serve(group: TaskGroup<io::Error>, listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _address) = listener.accept().await?;
        group.create_task(echo(stream));
    }
}

/// The descriptors that are open in this process.
fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// The ends of a pipe: the one that reads, and the one that writes.
fn blocking_pipe() -> (File, File) {
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    (reader.into(), writer.into())
}

/// A path for a socket that no other test uses.
fn socket_path(name: &str) -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("asyncio-{}-{name}", std::process::id()));
    let _absent = std::fs::remove_file(&path);
    path
}
