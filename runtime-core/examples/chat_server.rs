//! A chat with rooms. A client sends its name, and then lines: `/join ROOM`, or what all in its
//! room are to read. `/shutdown` ends the server, and everybody hears of it.
//!
//! `chat_server 127.0.0.1:8888` serves until then; try `nc 127.0.0.1 8888`. Without arguments it
//! plays with 100 clients of its own; `chat_server --clients 5000` with so many (which takes 10,000
//! descriptors: `ulimit -n`).
//!
//! A room is a broadcast channel. A client that reads too slowly misses lines, and is told so; it
//! holds up nobody, and takes no memory.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use asyncio::{
    Barrier, BroadcastError, BroadcastReceiver, BroadcastSender, Event, Server, StreamReader,
    StreamWriter, broadcast, create_task, open_connection, start_server,
};

/// How many lines a client may be behind.
const BEHIND: usize = 64;

/// How many of our own clients there are in a room.
const CROWD: usize = 20;

type Line = Arc<str>;

/// What all clients share.
#[derive(Default)]
struct Chat {
    rooms: Mutex<HashMap<String, BroadcastSender<Line>>>,
    clients: Mutex<HashMap<SocketAddr, Arc<StreamWriter>>>,
    /// Set when somebody has ended it.
    over: Event,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Chat {
    /// Enters a room. Returns what speaks there, and what hears.
    fn enter(&self, name: &str) -> (BroadcastSender<Line>, BroadcastReceiver<Line>) {
        let mut rooms = locked(&self.rooms);
        // Nobody is in those any more.
        rooms.retain(|_, room| room.receiver_count() > 0);
        let room = rooms.entry(name.to_owned());
        let room = room.or_insert_with(|| broadcast(BEHIND).0);
        (room.clone(), room.subscribe())
    }

    /// A client, from its beginning to its end.
    async fn client(&self, reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
        let address = writer.peer_addr()?;
        let writer = Arc::new(writer);
        locked(&self.clients).insert(address, Arc::clone(&writer));
        let ended = self.talk(reader, writer).await;
        locked(&self.clients).remove(&address);
        ended
    }

    async fn talk(&self, mut reader: StreamReader, writer: Arc<StreamWriter>) -> io::Result<()> {
        let Some(name) = next_line(&mut reader).await? else {
            return Ok(());
        };
        let (mut room, hears) = self.enter("lobby");
        let mut listening = create_task(listen(hears, Arc::clone(&writer)));
        while let Some(line) = next_line(&mut reader).await? {
            if line == "/shutdown" {
                self.over.set();
            } else if let Some(other) = line.strip_prefix("/join ") {
                listening.cancel();
                let (entered, hears) = self.enter(other);
                room = entered;
                listening = create_task(listen(hears, Arc::clone(&writer)));
                writer.write(format!("* you are in {other}\n").as_bytes());
            } else {
                // Nobody may listen: that is no error.
                let _heard = room.send(format!("{name}: {line}").into());
            }
        }
        listening.cancel();
        Ok(())
    }
}

/// Passes on what is said in a room, until the connection ends.
async fn listen(mut room: BroadcastReceiver<Line>, writer: Arc<StreamWriter>) {
    loop {
        let line = match room.recv().await {
            Ok(line) => line,
            Err(BroadcastError::Lagged(missed)) => format!("* you missed {missed} lines").into(),
            Err(BroadcastError::Closed) => return,
        };
        writer.writelines([line.as_bytes(), b"\n"]);
        if writer.drain().await.is_err() {
            return;
        }
    }
}

/// A line without its end; `None` at the end of the stream.
async fn next_line(reader: &mut StreamReader) -> io::Result<Option<String>> {
    let line = reader.readline().await?;
    let text = String::from_utf8_lossy(&line).trim_end().to_owned();
    Ok((!line.is_empty()).then_some(text))
}

/// Serves until somebody ends it. Then everybody is told, and the server waits until all have gone.
async fn serve(server: &Server, chat: &Chat) {
    chat.over.wait().await;
    server.close();
    for writer in locked(&chat.clients).values() {
        writer.write(b"* the server goes home\n");
    }
    // What has been written is still sent.
    server.close_clients();
    server.wait_closed().await;
}

/// One of our own clients. Returns how many lines it has heard.
async fn chatter(address: SocketAddr, number: usize, together: Arc<Barrier>) -> io::Result<usize> {
    let (mut reader, writer) = open_connection(address).await?;
    let room = number / CROWD;
    writer.write(format!("client {number}\n/join room {room}\n").as_bytes());
    let joined = next_line(&mut reader).await?;
    assert_eq!(joined, Some(format!("* you are in room {room}")));
    let _place = together.wait().await;
    writer.write(b"hello, everybody\n");
    let mut heard = 0;
    while heard < CROWD {
        let line = next_line(&mut reader).await?;
        assert!(line.is_some_and(|line| line.ends_with(": hello, everybody")));
        heard += 1;
    }
    let _place = together.wait().await;
    let farewell = next_line(&mut reader).await?;
    assert_eq!(farewell.as_deref(), Some("* the server goes home"));
    assert_eq!(next_line(&mut reader).await?, None);
    Ok(heard)
}

/// Has our own clients chat, and ends the server then.
async fn play(address: SocketAddr, clients: usize) -> io::Result<()> {
    // The clients, and who ends the server.
    let together = Arc::new(Barrier::new(clients + 1));
    let chatting = (0..clients).map(|number| chatter(address, number, Arc::clone(&together)));
    let chatting: Vec<_> = chatting.map(create_task).collect();
    let _place = together.wait().await;
    let _place = together.wait().await;
    let (mut reader, writer) = open_connection(address).await?;
    writer.write(b"operator\n/shutdown\n");
    let farewell = next_line(&mut reader).await?;
    let mut heard = 0;
    for client in chatting {
        heard += client.await.map_err(io::Error::other)??;
    }
    println!(
        "{clients} clients in {} rooms heard {heard} lines",
        clients / CROWD
    );
    println!("{}", farewell.unwrap_or_default());
    Ok(())
}

#[asyncio::main]
async fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (address, clients) = match &arguments[..] {
        [] => ("127.0.0.1:0", Some(5 * CROWD)),
        [option, count] if option == "--clients" => {
            let rooms = count.parse::<usize>().map_err(io::Error::other)? / CROWD;
            ("127.0.0.1:0", Some(rooms * CROWD))
        }
        [address, ..] => (&address[..], None),
    };
    let chat = Arc::new(Chat::default());
    let shared = Arc::clone(&chat);
    let handler = move |reader, writer| {
        let chat = Arc::clone(&shared);
        async move {
            // A client that was lost has gone, as any other that goes.
            let _lost = chat.client(reader, writer).await;
        }
    };
    let server = start_server(handler, address).backlog(1024).await?;
    let address = server.local_addrs()[0];
    match clients {
        Some(clients) => {
            let playing = create_task(play(address, clients));
            serve(&server, &chat).await;
            playing.await.map_err(io::Error::other)?
        }
        None => {
            println!("Serving at {address}");
            serve(&server, &chat).await;
            Ok(())
        }
    }
}
