//! Workloads on UDP sockets: a server that sends each datagram back, and a client that uses no
//! runtime.

use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use crate::runtimes::Datagrams;

/// The size of a datagram.
pub const DATAGRAM: usize = 64;

/// How many datagrams are under way at once: so few that no buffer of the kernel is too small.
pub const UNDER_WAY: usize = 50;

/// A datagram that has not come back after this time is lost, which does not happen on one machine.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends all datagrams back, for ever.
pub async fn serve<R: Datagrams>(socket: R::Socket) {
    let mut buffer = [0; 2048];
    loop {
        let (length, address) = R::receive_from(&socket, &mut buffer).await;
        R::send_to(&socket, &buffer[..length], address).await;
    }
}

/// A server without a runtime: one thread in blocking calls. Returns its address.
pub fn serve_bare() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("there is a free port");
    let address = socket.local_addr().expect("it is bound");
    thread::spawn(move || {
        let mut buffer = [0; 2048];
        loop {
            let received = socket.recv_from(&mut buffer);
            let (length, address) = received.expect("no datagram has been refused");
            let sent = socket.send_to(&buffer[..length], address);
            sent.expect("the peer has a socket");
        }
    });
    address
}

/// The client: one thread in blocking calls.
#[derive(Debug)]
pub struct Client(UdpSocket);

impl Client {
    /// A client of the server at `address`.
    pub fn of(address: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("there is a free port");
        socket.connect(address).expect("it is of this machine");
        let limit = socket.set_read_timeout(Some(PATIENCE));
        limit.expect("the limit is not zero");
        Self(socket)
    }

    /// Sends [`UNDER_WAY`] datagrams and receives as many, `rounds` times.
    pub fn ask(&self, rounds: usize) {
        let mut buffer = [0; DATAGRAM];
        for _ in 0..rounds {
            for _ in 0..UNDER_WAY {
                self.0.send(&[7; DATAGRAM]).expect("the server receives");
            }
            for _ in 0..UNDER_WAY {
                self.0.recv(&mut buffer).expect("no datagram is lost");
            }
        }
    }
}

#[cfg(all(test, feature = "others"))]
mod tests {
    use super::*;
    use crate::runtimes::{Asyncio, Smol, Tokio};

    fn datagrams_come_back<R: Datagrams>() {
        R::run(2, async {
            let (socket, address) = R::bind().await;
            R::detach(R::spawn(serve::<R>(socket)));
            let (done, asked) = futures::channel::oneshot::channel();
            thread::spawn(move || {
                Client::of(address).ask(3);
                done.send(()).expect("the main future waits");
            });
            asked.await.expect("the client asks");
        });
    }

    #[test]
    fn datagrams_come_back_from_each_runtime_and_from_none() {
        datagrams_come_back::<Asyncio>();
        datagrams_come_back::<Tokio>();
        datagrams_come_back::<Smol>();
        Client::of(serve_bare()).ask(3);
    }
}
