//! Workloads under TLS: a server that echoes, and clients that ask it.
//!
//! The client is the same for all runtimes, and uses none: a thread in blocking calls.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned};

/// The settings of both ends.
#[derive(Clone, Debug)]
pub struct Ends {
    /// The server's.
    pub server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
}

impl Ends {
    /// Makes a certificate that the client trusts. Sessions are not resumed: every handshake is
    /// whole.
    pub fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
        let made = made.expect("a certificate can be made");
        let certificate = made.cert.der().clone();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der());
        let mut server = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key.expect("it is a key"))
            .expect("they belong together");
        server.send_tls13_tickets = 0;
        let mut roots = RootCertStore::empty();
        roots.add(certificate).expect("it is a certificate");
        let mut client = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        client.resumption = rustls::client::Resumption::disabled();
        Self {
            server: Arc::new(server),
            client: Arc::new(client),
        }
    }

    /// Connects, and makes the handshake with the first question.
    pub fn connect(&self, address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_nodelay(true).expect("a socket has this option");
        let name = ServerName::try_from("localhost").expect("it is a name");
        let session = ClientConnection::new(Arc::clone(&self.client), name);
        Client(StreamOwned::new(
            session.expect("it is a configuration"),
            stream,
        ))
    }
}

impl Default for Ends {
    fn default() -> Self {
        Self::new()
    }
}

/// A client that is connected.
#[derive(Debug)]
pub struct Client(StreamOwned<ClientConnection, TcpStream>);

impl Client {
    /// Sends blocks, one after the other, and waits for the echo of each.
    pub fn ask(&mut self, block: usize, count: usize) {
        let sent = vec![7; block];
        let mut room = vec![0; block];
        for _ in 0..count {
            self.0.write_all(&sent).expect("the server reads");
            self.0.read_exact(&mut room).expect("the server answers");
        }
    }
}
