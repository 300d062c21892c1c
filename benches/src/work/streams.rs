//! Workloads on buffered streams: servers that echo lines and large blocks.
//!
//! The client is the same for all runtimes, and uses none: a thread in blocking calls.

use std::io::{Read, Write};
use std::mem;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::runtimes::Streams;

/// The size of a block.
pub const BLOCK: usize = 64 << 10;

/// A line, with its end.
const LINE: &[u8; 64] = b"A line of text, as a protocol may have it: sixty-four, in bytes\n";

/// How many lines are on their way at a time.
pub const BURST: usize = 16;

/// Serves an echo of lines. Returns the address.
pub async fn serve_lines<R: Streams>() -> SocketAddr {
    R::serve(|mut reader, mut writer| async move {
        loop {
            let line = R::read_line(&mut reader).await;
            if line.as_ref().is_empty() {
                return;
            }
            R::write(&mut writer, line.as_ref()).await;
        }
    })
    .await
}

/// Serves an echo of blocks. Returns the address.
pub async fn serve_blocks<R: Streams>() -> SocketAddr {
    R::serve(|mut reader, mut writer| async move {
        loop {
            let block = R::read_exactly(&mut reader, BLOCK).await;
            if block.as_ref().is_empty() {
                return;
            }
            R::write(&mut writer, block.as_ref()).await;
        }
    })
    .await
}

/// How many connections wait for a line.
static IDLE: AtomicUsize = AtomicUsize::new(0);

/// Serves connections that each wait for a line. Returns the address.
pub async fn serve_idle<R: Streams>() -> SocketAddr {
    R::serve(|mut reader, writer| async move {
        IDLE.fetch_add(1, Ordering::Relaxed);
        let _line = R::read_line(&mut reader).await;
        drop(writer);
    })
    .await
}

/// Leaves `count` connections open, over which nothing comes.
pub async fn leave_idle<R: Streams>(address: SocketAddr, count: usize) {
    let before = IDLE.load(Ordering::Relaxed);
    for connected in 1..=count {
        mem::forget(TcpStream::connect(address).expect("the server listens"));
        // In small batches, for which the listener has room.
        while connected % 50 == 0 && IDLE.load(Ordering::Relaxed) < before + connected {
            R::yield_now().await;
        }
    }
}

/// A client of such servers.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    room: Vec<u8>,
}

impl Client {
    /// Connects.
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_nodelay(true).expect("a socket has this option");
        Self {
            stream,
            room: vec![0; BLOCK],
        }
    }

    /// Sends lines, one after the other, and waits for the echo of each.
    pub fn ask_lines(&mut self, count: usize) {
        for _ in 0..count {
            self.ask(LINE);
        }
    }

    /// Sends lines in bursts, and waits for the echoes of each burst.
    pub fn ask_bursts(&mut self, count: usize) {
        let burst = LINE.repeat(BURST);
        for _ in 0..count / BURST {
            self.ask(&burst);
        }
    }

    /// Sends blocks, one after the other, and waits for the echo of each.
    pub fn ask_blocks(&mut self, count: usize) {
        let block = vec![7; BLOCK];
        for _ in 0..count {
            self.ask(&block);
        }
    }

    fn ask(&mut self, data: &[u8]) {
        self.stream.write_all(data).expect("the server reads");
        let room = &mut self.room[..data.len()];
        self.stream.read_exact(room).expect("the server answers");
    }
}
