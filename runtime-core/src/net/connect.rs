//! `TcpStream::connect`: happy eyeballs (RFC 8305).
//!
//! The addresses are tried in their order, but the families of addresses by turns. The next attempt
//! begins when the newest one has failed, or after a delay; the older ones go on. The first that
//! succeeds is the connection; the others are dropped, which closes their sockets. So an address
//! from which nothing comes costs the delay, and not the minutes after which the system gives up.
//!
//! All of it is one future, which owns the attempts: there are no tasks that could outlive it.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::addresses::{Addresses, Failures, Target, ToAddrs};
use super::async_fd::Async;
use super::tcp_stream::TcpStream;
use crate::sync::Ready;
use crate::tasks::sleep;

/// RFC 8305 recommends it.
const DELAY: Duration = Duration::from_millis(250);

impl TcpStream {
    /// Connects to `address`, or to one of several.
    ///
    /// A name is looked up by the loop's resolver. If there are several addresses, they are tried
    /// in their order, but IPv6 and IPv4 by turns. The next attempt begins when the newest one has
    /// failed, or after 250 ms ([`happy_eyeballs_delay`](Connect::happy_eyeballs_delay)) while the
    /// older ones go on. The first that succeeds wins, and the others are closed. In asyncio that
    /// has to be asked for; here it is what is done.
    ///
    /// What is returned has settings, and is a future: it begins when it is polled first.
    ///
    /// # Errors
    /// * The name is not known: the message names it, as those of
    ///   [`getaddrinfo`](crate::EventLoop::getaddrinfo).
    /// * All attempts have failed. If all errors say the same, the first is returned, as it is;
    ///   otherwise one whose text lists them, each with its address. That is of their kind if all
    ///   are of one kind.
    /// * `address` is no address, or there is no current loop.
    ///
    /// # Cancellation
    /// All attempts are given up, and their descriptors closed.
    ///
    /// ```
    /// use asyncio::net::{TcpListener, TcpStream};
    /// # fn main() -> std::io::Result<()> {
    /// asyncio::run(async {
    ///     let listener = TcpListener::bind("127.0.0.1:0").await?;
    ///     let port = listener.local_addr()?.port();
    ///     let stream = TcpStream::connect(("localhost", port)).await?;
    ///     assert_eq!(stream.peer_addr()?.port(), port);
    ///     Ok(())
    /// })
    /// # }
    /// ```
    pub fn connect(address: impl ToAddrs) -> Connect {
        Connect {
            state: State::Settings(Settings {
                target: Target::of(&address),
                local: None,
                delay: DELAY,
            }),
        }
    }
}

/// The future of [`TcpStream::connect`], and its settings, which are made before it is polled.
#[must_use = "futures do nothing unless they are awaited"]
pub struct Connect {
    state: State,
}

enum State {
    Settings(Settings),
    Running(Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>),
    Over,
}

/// What is to be done.
#[derive(Debug)]
struct Settings {
    target: Target,
    local: Option<Target>,
    delay: Duration,
}

impl Connect {
    /// Connects from this address. Port 0 is any that is free. A name is looked up; of several
    /// addresses the first that can be used, and is of the same family as the one that is connected
    /// to.
    ///
    /// ```
    /// use asyncio::net::{TcpListener, TcpStream};
    /// # fn main() -> std::io::Result<()> {
    /// asyncio::run(async {
    ///     let listener = TcpListener::bind("127.0.0.1:0").await?;
    ///     let address = listener.local_addr()?;
    ///     let stream = TcpStream::connect(address).local_addr("127.0.0.1:0").await?;
    ///     assert!(stream.local_addr()?.ip().is_loopback());
    ///     Ok(())
    /// })
    /// # }
    /// ```
    pub fn local_addr(mut self, address: impl ToAddrs) -> Connect {
        if let State::Settings(settings) = &mut self.state {
            settings.local = Some(Target::of(&address));
        }
        self
    }

    /// Sets how long an attempt has before the next address is tried beside it; by default 250 ms.
    /// With [`Duration::MAX`] one address is tried after the other.
    pub fn happy_eyeballs_delay(mut self, delay: Duration) -> Connect {
        if let State::Settings(settings) = &mut self.state {
            settings.delay = delay;
        }
        self
    }
}

impl Future for Connect {
    type Output = io::Result<TcpStream>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<TcpStream>> {
        loop {
            let outcome = match std::mem::replace(&mut self.state, State::Over) {
                State::Settings(settings) => {
                    self.state = State::Running(Box::pin(establish(settings)));
                    continue;
                }
                State::Running(mut running) => match running.as_mut().poll(cx) {
                    Poll::Ready(outcome) => outcome,
                    Poll::Pending => {
                        self.state = State::Running(running);
                        return Poll::Pending;
                    }
                },
                State::Over => panic!("`Connect` was polled after it had completed"),
            };
            return Poll::Ready(outcome);
        }
    }
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: &dyn fmt::Debug = match &self.state {
            State::Settings(settings) => settings,
            State::Running(_) => &"running",
            State::Over => &"over",
        };
        f.debug_tuple("Connect").field(text).finish()
    }
}

async fn establish(settings: Settings) -> io::Result<TcpStream> {
    let addresses = settings.target.look_up().await?;
    let local = match settings.local {
        Some(local) => Some(local.look_up().await?),
        None => None,
    };
    match &*addresses {
        &[address] => attempt(address, local.as_ref()).await,
        several => race(by_turns(several), local.as_ref(), settings.delay).await,
    }
}

/// The addresses in their order, but the families by turns.
fn by_turns(addresses: &[SocketAddr]) -> impl ExactSizeIterator<Item = SocketAddr> + use<> {
    let is_of_first = |address: &&SocketAddr| address.is_ipv4() == addresses[0].is_ipv4();
    let (first, other): (Vec<_>, Vec<_>) = addresses.iter().partition(is_of_first);
    let mut families = [first.into_iter(), other.into_iter()];
    let mut order = Vec::with_capacity(addresses.len());
    while order.len() < addresses.len() {
        order.extend(families.iter_mut().filter_map(Iterator::next).copied());
    }
    order.into_iter()
}

/// A connection that is being made.
struct Attempt<'a> {
    address: SocketAddr,
    /// How many began before it.
    number: usize,
    connecting: Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send + 'a>>,
}

/// What is to be done next.
enum Next {
    Return(TcpStream),
    /// The newest attempt has failed, or has had its time.
    Start,
}

async fn race(
    addresses: impl ExactSizeIterator<Item = SocketAddr>,
    local: Option<&Addresses>,
    delay: Duration,
) -> io::Result<TcpStream> {
    let mut attempts: Vec<Attempt<'_>> = Vec::new();
    let mut failures = Failures::default();
    let last = addresses.len().saturating_sub(1);
    for (number, address) in addresses.enumerate() {
        attempts.push(Attempt {
            address,
            number,
            connecting: Box::pin(attempt(address, local)),
        });
        let mut time = pin!(sleep(delay));
        let next = poll_fn(|cx| {
            if let Some(stream) = poll_all(&mut attempts, &mut failures, cx) {
                return Poll::Ready(Next::Return(stream));
            }
            let newest = attempts.last().map(|attempt| attempt.number);
            let over = match newest {
                None => true,
                Some(_) if number == last => false,
                Some(newest) => newest != number || time.as_mut().poll(cx).is_ready(),
            };
            if over {
                Poll::Ready(Next::Start)
            } else {
                Poll::Pending
            }
        });
        if let Next::Return(stream) = next.await {
            return Ok(stream);
        }
    }
    Err(failures.into_error())
}

/// Polls all attempts, the oldest first. Returns the connection of one that has succeeded; moves
/// the errors of those that have failed.
fn poll_all(
    attempts: &mut Vec<Attempt<'_>>,
    failures: &mut Failures,
    cx: &mut Context<'_>,
) -> Option<TcpStream> {
    let mut place = 0;
    while let Some(attempt) = attempts.get_mut(place) {
        match attempt.connecting.as_mut().poll(cx) {
            Poll::Pending => place += 1,
            Poll::Ready(Ok(stream)) => {
                // It is over, and must not be polled again.
                drop(attempts.remove(place));
                return Some(stream);
            }
            Poll::Ready(Err(error)) => {
                failures.add(attempt.address, error);
                drop(attempts.remove(place));
            }
        }
    }
    None
}

/// Connects to one address.
async fn attempt(address: SocketAddr, local: Option<&Addresses>) -> io::Result<TcpStream> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM.nonblocking(),
        Some(Protocol::TCP),
    )?;
    if let Some(local) = local {
        bind(&socket, address, local)?;
    }
    let ready = match socket.connect(&address.into()) {
        Ok(()) => Ready::BOTH,
        Err(error) if is_in_progress(&error) => Ready::NONE,
        Err(error) => return Err(error),
    };
    let io = Async::of_nonblocking(std::net::TcpStream::from(socket), ready)?;
    io.writable().await?;
    if let Some(error) = io.get_ref().take_error()? {
        return Err(error);
    }
    // If the loop has been closed meanwhile, there is neither an error nor a connection.
    io.get_ref().peer_addr()?;
    Ok(TcpStream::of_connected(io))
}

/// Binds `socket` to the first of the `local` addresses that can be used with `address`.
fn bind(socket: &Socket, address: SocketAddr, local: &Addresses) -> io::Result<()> {
    let mut of_family = local
        .iter()
        .filter(|local| local.is_ipv4() == address.is_ipv4());
    let first = of_family.next().ok_or_else(|| {
        let text = format!("no local address is of the family of {address}");
        io::Error::new(io::ErrorKind::InvalidInput, text)
    })?;
    let mut outcome = Ok(());
    for &local in std::iter::once(first).chain(of_family) {
        match socket.bind(&local.into()) {
            Ok(()) => return Ok(()),
            Err(error) => {
                let text = format!("error while attempting to bind on address {local}: {error}");
                outcome = Err(io::Error::new(error.kind(), text));
            }
        }
    }
    outcome
}

fn is_in_progress(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(addresses: &[&str]) -> Vec<String> {
        let addresses: Vec<SocketAddr> =
            addresses.iter().map(|text| text.parse().unwrap()).collect();
        by_turns(&addresses)
            .map(|address| address.to_string())
            .collect()
    }

    #[test]
    fn the_families_are_tried_by_turns_that_of_the_first_address_first() {
        let both = ["[::1]:1", "[::1]:2", "[::1]:3", "1.1.1.1:4", "1.1.1.1:5"];
        let expected = ["[::1]:1", "1.1.1.1:4", "[::1]:2", "1.1.1.1:5", "[::1]:3"];
        assert_eq!(order(&both), expected);
        let both = ["1.1.1.1:4", "1.1.1.1:5", "[::1]:1"];
        assert_eq!(order(&both), ["1.1.1.1:4", "[::1]:1", "1.1.1.1:5"]);
        assert_eq!(order(&["[::1]:2", "[::1]:1"]), ["[::1]:2", "[::1]:1"]);
        assert_eq!(order(&["1.1.1.1:1"]), ["1.1.1.1:1"]);
    }
}
