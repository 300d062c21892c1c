//! Peers that mean harm: slow, endless, deaf, or gone.

use std::io::Read;

use asyncio::{create_task, to_thread};
use runtime_tests::alone;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::*;

/// A number of bytes in `/proc/self/status`.
fn memory(what: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    let number = line.unwrap().split_whitespace().next().unwrap();
    number.parse::<usize>().unwrap() << 10
}

/// The time for which this process has been at work on processors.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    Duration::from_millis(10 * ticks)
}

/// Lets this process have as many descriptors as it may.
fn allow_descriptors() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, all).unwrap();
}

/// A server's handler that gives a request two seconds.
async fn patient(mut reader: StreamReader, writer: StreamWriter) {
    let request = wait_for(reader.readuntil(b"\r\n\r\n"), Duration::from_secs(2)).await;
    if let Ok(Ok(request)) = request {
        writer.write(&request);
    }
}

/// Asks once. Returns how long it took.
async fn ask(address: &Address) -> Duration {
    let begun = Instant::now();
    let (mut reader, writer) = address.open().await.unwrap();
    writer.write(b"GET / HTTP/1.0\r\n\r\n");
    let answer = reader.read_to_end().await.unwrap();
    assert_eq!(answer, "GET / HTTP/1.0\r\n\r\n");
    begun.elapsed()
}

/// `count` clients send a byte every 200 ms, and are sent away in the end.
async fn besieged_by(count: usize) {
    let (server, address) = serve(Kind::Tcp, patient).await;
    ask(&address).await;
    let before = memory("VmRSS:");
    let mut slow = Vec::new();
    for _ in 0..count {
        slow.push(address.connect().unwrap());
    }
    let mut took = Vec::new();
    let begun = Instant::now();
    let mut next = begun;
    while begun.elapsed() < Duration::from_millis(1500) {
        if Instant::now() >= next {
            next += Duration::from_millis(200);
            slow.iter().for_each(|mut slow| drop(slow.write(b"x")));
        }
        took.push(ask(&address).await);
    }
    let each = (memory("VmRSS:").saturating_sub(before)) / count;
    took.sort_unstable();
    let late = took[took.len() * 99 / 100];
    println!(
        "{} requests, 99 % within {late:?}; {each} bytes a client",
        took.len()
    );
    assert!(late < Duration::from_millis(250), "{late:?}");
    assert!(each < 16 << 10, "{each} bytes a client");
    let gone = move || {
        slow.iter().for_each(|mut slow| {
            slow.set_read_timeout(Some(PATIENCE)).unwrap();
            // An end, or a reset because of bytes that nobody has read.
            assert!(slow.read(&mut [0; 1]).map_or(true, |read| read == 0));
        });
    };
    to_thread(gone).await.unwrap();
    end(server).await;
}

#[test]
fn many_slow_clients_hold_up_no_other() {
    alone(|| on_workers(2, besieged_by(300)));
}

#[test]
#[ignore = "takes 4,000 descriptors, and a machine that has nothing else to do"]
fn two_thousand_slow_clients_hold_up_no_other() {
    alone(|| {
        allow_descriptors();
        on_workers(2, besieged_by(2000));
    });
}

/// A peer sends a line of `size` bytes, and then one that is short.
async fn sends_line_of(size: usize) {
    let Ends {
        mut reader,
        peer,
        writer: _writer,
        ..
    } = connected(Kind::Tcp).await;
    let before = memory("VmRSS:");
    let sending = std::thread::spawn(move || {
        let piece = vec![b'x'; 1 << 20];
        for _ in 0..size >> 20 {
            (&peer).write_all(&piece).unwrap();
        }
        (&peer).write_all(b"\nshort\n").unwrap();
        peer
    });
    let mut errors = 0;
    loop {
        match reader.readline().await {
            Ok(line) if line == "short\n" => break,
            // What was left of the long line.
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::InvalidData);
                errors += 1;
            }
        }
    }
    assert!(
        errors >= size / (2 * reader.limit() + (64 << 10)),
        "{errors}"
    );
    let grown = memory("VmHWM:").saturating_sub(before);
    println!("{errors} errors, {grown} bytes more at most");
    assert!(grown < 4 << 20, "{grown} bytes");
    drop(sending.join().unwrap());
}

#[test]
fn an_endless_line_takes_no_memory() {
    alone(|| on_workers(2, sends_line_of(64 << 20)));
}

#[test]
#[ignore = "sends a gigabyte"]
fn a_line_of_a_gigabyte_takes_no_memory() {
    alone(|| on_workers(2, sends_line_of(1 << 30)));
}

#[test]
fn a_separator_may_be_cut_at_any_two_places() {
    const MESSAGE: &[u8] = b"a\r\n\r\r\n--X\r\n--XY\r\nrest";
    const SEPARATOR: &[u8] = b"\r\n--XY\r\n";
    over_both(async |kind| {
        for first in 0..MESSAGE.len() {
            for second in first..MESSAGE.len() {
                let Ends {
                    mut reader,
                    peer,
                    writer: _writer,
                    ..
                } = connected_with(kind, 10).await;
                let chunks = [
                    &MESSAGE[..first],
                    &MESSAGE[first..second],
                    &MESSAGE[second..],
                ];
                let chunks: Vec<&[u8]> = chunks.into_iter().filter(|cut| !cut.is_empty()).collect();
                let found = fed(&peer, &chunks, reader.readuntil(SEPARATOR))
                    .await
                    .unwrap();
                assert_eq!(found, MESSAGE[..MESSAGE.len() - 4]);
                drop(peer.shutdown(std::net::Shutdown::Write));
            }
        }
    });
}

#[test]
fn with_drain_a_deaf_peer_costs_one_write_above_the_high_mark() {
    with_both(async |ends| {
        const PIECE: usize = 10_000;
        let writer = &ends.writer;
        let mut most = 0;
        let filled = wait_for(
            async {
                loop {
                    writer.write(&[b'x'; PIECE]);
                    most = most.max(writer.get_write_buffer_size());
                    writer.drain().await.unwrap();
                }
            },
            Duration::from_millis(300),
        );
        let filled: Result<(), _> = filled.await;
        assert!(filled.is_err());
        assert!(most > 64 << 10, "{most}");
        assert!(most <= (64 << 10) + PIECE, "{most}");
    });
}

/// What our end is about when the peer resets the connection.
const STEPS: [&str; 7] = [
    "reads",
    "finds",
    "drains",
    "closes",
    "ended its writes",
    "reads later",
    "writes later",
];

/// The error that our end gets.
async fn reset_while(step: &str) -> io::ErrorKind {
    let Ends {
        mut reader,
        writer,
        peer,
        ..
    } = connected(Kind::Tcp).await;
    let later = create_task(async move {
        sleep(2 * TICK).await;
        reset(peer);
    });
    let error = match step {
        "reads" => reader.read(10).await.unwrap_err(),
        "finds" => reader.readuntil(b"\n").await.unwrap_err().into(),
        "drains" => {
            writer.write(&vec![b'x'; 16 << 20]);
            writer.drain().await.unwrap_err()
        }
        "closes" => {
            writer.write(&vec![b'x'; 16 << 20]);
            writer.close();
            writer.wait_closed().await.unwrap_err()
        }
        "ended its writes" => {
            writer.write_eof();
            reader.readexactly(10).await.unwrap_err().into()
        }
        _ => {
            later.await.unwrap();
            if step == "reads later" {
                reader.read_to_end().await.unwrap_err()
            } else {
                writer.write(b"hello");
                writer.write(b"world");
                writer.drain().await.unwrap_err()
            }
        }
    };
    let closed = writer.wait_closed().await.unwrap_err();
    assert_eq!(closed.kind(), error.kind(), "{step}");
    assert!(reader.read(1).await.is_err(), "{step}");
    assert!(writer.drain().await.is_err(), "{step}");
    assert!(writer.is_closing(), "{step}");
    error.kind()
}

#[test]
fn a_reset_at_any_step_is_an_error_of_both_halves() {
    alone(|| {
        leaves_nothing(async || {
            for step in STEPS {
                for _ in 0..20 {
                    let kind = wait_for(reset_while(step), PATIENCE).await.unwrap();
                    assert_eq!(kind, io::ErrorKind::ConnectionReset, "{step}");
                }
            }
        });
    });
}

#[test]
fn a_peer_that_has_ended_and_never_reads_makes_nobody_spin() {
    alone(|| {
        over_both(async |kind| {
            let Ends {
                mut reader,
                writer,
                peer,
                ..
            } = connected(kind).await;
            writer.write(&vec![b'x'; 16 << 20]);
            peer.shutdown(std::net::Shutdown::Write).unwrap();
            assert_eq!(reader.read(1).await.unwrap(), "");
            let draining = wait_for(writer.drain(), Duration::from_millis(500));
            let (polls, time) = (get_running_loop().metrics().polls, processor_time());
            assert!(draining.await.is_err());
            let polls = get_running_loop().metrics().polls - polls;
            let time = processor_time() - time;
            assert!(polls < 50, "{polls} polls");
            assert!(time < Duration::from_millis(100), "{time:?} of work");
            let reading = to_thread(move || {
                let mut all = Vec::new();
                (&peer).read_to_end(&mut all).map(|_| all.len())
            });
            writer.close();
            assert_eq!(reading.await.unwrap().unwrap(), 16 << 20);
        });
    });
}

#[test]
fn a_thousand_who_connect_and_vanish_leave_nothing() {
    alone(|| {
        leaves_nothing(async || {
            for kind in KINDS {
                let (server, address) = serve(kind, echo).await;
                let vanishing = address.clone();
                let vanish = to_thread(move || {
                    for number in 0..1000 {
                        let mut client = vanishing.connect().unwrap();
                        match number % 4 {
                            0 => {}
                            1 => reset(client),
                            2 => drop(client.write(&[b'x'; 100])),
                            _ => {
                                client.write_all(b"x").unwrap();
                                client.read_exact(&mut [0; 1]).unwrap();
                                reset(client);
                            }
                        }
                    }
                });
                wait_for(vanish, PATIENCE).await.unwrap().unwrap();
                let (mut reader, writer) = address.open().await.unwrap();
                writer.write(b"alive\n");
                assert_eq!(reader.readline().await.unwrap(), "alive\n");
                drop((reader, writer));
                server.close();
                wait_for(server.wait_closed(), PATIENCE).await.unwrap();
            }
        });
    });
}

#[test]
fn a_peer_that_reads_as_fast_as_it_can_holds_up_no_other() {
    alone(|| {
        on_workers(2, async {
            let (server, address) = serve(Kind::Unix, echo).await;
            let Ends {
                reader: _reader,
                writer,
                peer,
                ..
            } = connected(Kind::Unix).await;
            // All of it is kept, and sent by whoever polls.
            writer.write(&vec![b'x'; 128 << 20]);
            let greedy = std::thread::spawn(move || {
                let (mut room, mut all) = (vec![0; 1 << 20], 0);
                while let Ok(read @ 1..) = (&peer).read(&mut room) {
                    all += read;
                }
                all
            });
            let writing = create_task(async move {
                writer.close();
                writer.wait_closed().await.unwrap();
            });
            let mut worst = Duration::ZERO;
            let (mut reader, writer) = address.open().await.unwrap();
            while !writing.done() {
                let begun = Instant::now();
                writer.write(b"ping\n");
                assert_eq!(reader.readline().await.unwrap(), "ping\n");
                worst = worst.max(begun.elapsed());
            }
            writing.await.unwrap();
            println!("the slowest answer took {worst:?}");
            assert_eq!(greedy.join().unwrap(), 128 << 20);
            end(server).await;
            assert!(worst < Duration::from_secs(1), "{worst:?}");
        });
    });
}

/// A text that uses a server whenever it is written to.
struct Using<'a>(&'a Server);

impl std::fmt::Write for Using<'_> {
    fn write_str(&mut self, _text: &str) -> std::fmt::Result {
        let _serves = self.0.is_serving();
        Ok(())
    }
}

#[test]
fn fault_a_server_is_not_locked_while_it_is_shown() {
    let (shown, is_shown) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        asyncio::run(async {
            let (server, _address) = serve(Kind::Tcp, patient).await;
            std::fmt::Write::write_fmt(&mut Using(&server), format_args!("{server:?}")).unwrap();
        });
        shown.send(()).unwrap();
    });
    is_shown.recv_timeout(PATIENCE).expect("it is shown");
}

// A task that has had its share of operations is suspended by the next; what accepts has none.
#[test]
fn fault_a_server_that_a_busy_task_starts_does_not_block_itself() {
    alone(|| {
        on_workers(2, async {
            let ends = connected(Kind::Unix).await;
            let target = Arc::new(Mutex::new(Some(loopback())));
            let clients = [(); 2].map(|()| {
                let target = target.clone();
                std::thread::spawn(move || {
                    loop {
                        let Some(address) = *target.lock().unwrap() else {
                            return;
                        };
                        drop(std::net::TcpStream::connect(address));
                    }
                })
            });
            drop(clients);
            for _ in 0..2000 {
                let handler = |_reader, _writer| async {};
                let server = start_server(handler, loopback()).start_serving(false);
                let server = server.await.unwrap();
                let _before = target.lock().unwrap().replace(address_of(&server));
                poll_fn(|cx| {
                    for _ in 0..200 {
                        let _drained = pin!(ends.writer.drain()).poll(cx);
                    }
                    server.start_serving().unwrap();
                    Poll::Ready(())
                })
                .await;
            }
            *target.lock().unwrap() = None;
        });
    });
}

fn address_of(server: &Server) -> SocketAddr {
    server.local_addrs()[0]
}
