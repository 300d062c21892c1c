//! A session of rustls.

use std::fmt;
use std::io::{self, BufRead, Write};

use rustls::{CommonState, Connection, ProtocolVersion};

use super::super::session::{Decrypted, Session};
use super::super::session_details::TlsSession;

/// A session of rustls, whose own limits of buffers are off.
pub(super) struct RustlsSession {
    connection: Connection,
    /// What ended it: told once all that came before has been read.
    failed: Option<rustls::Error>,
}

impl RustlsSession {
    pub(super) fn new(connection: Connection) -> RustlsSession {
        RustlsSession {
            connection,
            failed: None,
        }
    }

    /// Moves what has been decrypted to `plain`.
    fn take_plain(&mut self, plain: &mut Vec<u8>) -> io::Result<()> {
        let mut reader = self.connection.reader();
        loop {
            let taken = match reader.fill_buf() {
                Ok(bytes) => {
                    plain.extend_from_slice(bytes);
                    bytes.len()
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
                Err(error) => return Err(error),
            };
            if taken == 0 {
                return Ok(());
            }
            reader.consume(taken);
        }
    }
}

impl Session for RustlsSession {
    fn encrypt(&mut self, plain: &[u8]) -> io::Result<()> {
        self.connection.writer().write_all(plain)
    }

    fn take_cipher(&mut self, cipher: &mut Vec<u8>) {
        while self.connection.wants_write() {
            // A vector takes all.
            let written = self.connection.write_tls(cipher);
            if !matches!(written, Ok(1..)) {
                break;
            }
        }
    }

    fn decrypt(&mut self, cipher: &mut &[u8], plain: &mut Vec<u8>) -> io::Result<Decrypted> {
        let before = plain.len();
        loop {
            if let Some(error) = &self.failed {
                return Err(io::Error::new(io::ErrorKind::InvalidData, error.clone()));
            }
            let left = cipher.len();
            if left > 0 {
                self.connection.read_tls(cipher)?;
            }
            let mut has_ended = false;
            match self.connection.process_new_packets() {
                Ok(state) if state.plaintext_bytes_to_read() == 0 => {
                    has_ended = state.peer_has_closed();
                }
                Ok(_) => self.take_plain(plain)?,
                Err(error) => {
                    self.failed = Some(error);
                    self.take_plain(plain)?;
                }
            }
            if has_ended {
                return Ok(Decrypted::End);
            }
            let stuck = cipher.len() == left;
            if plain.len() > before || (stuck && self.failed.is_none()) {
                return Ok(Decrypted::More);
            }
        }
    }

    fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    fn end(&mut self) {
        self.connection.send_close_notify();
    }

    fn details(&self) -> TlsSession {
        let state: &CommonState = &self.connection;
        let suite = state.negotiated_cipher_suite();
        let suite = suite.and_then(|suite| suite.suite().as_str());
        let certificates = state.peer_certificates().unwrap_or_default();
        let server_name = match &self.connection {
            Connection::Client(_) => None,
            Connection::Server(server) => server.server_name().map(str::to_owned),
        };
        TlsSession {
            protocol_version: state.protocol_version().map(name_of),
            cipher_suite: suite.map(str::to_owned),
            alpn_protocol: state.alpn_protocol().map(<[u8]>::to_vec),
            server_name,
            peer_certificates: certificates.iter().map(|der| der.to_vec()).collect(),
        }
    }
}

/// The name that OpenSSL has for a version, and asyncio with it.
fn name_of(version: ProtocolVersion) -> String {
    match version {
        ProtocolVersion::TLSv1_2 => "TLSv1.2".to_owned(),
        ProtocolVersion::TLSv1_3 => "TLSv1.3".to_owned(),
        other => format!("{other:?}"),
    }
}

impl fmt::Debug for RustlsSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RustlsSession")
            .field("is_handshaking", &self.connection.is_handshaking())
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}
