//! The TLS handshake of a connection.

use std::future::poll_fn;
use std::io;
use std::time::Duration;

use super::connection::Connection;
use super::outgoing::Outgoing;
use super::session::Session;
use crate::sync::StdArc;
use crate::timeouts::wait_for;

/// How long a handshake may take: asyncio's `ssl_handshake_timeout`.
const TIME: Duration = Duration::from_secs(60);

/// Encrypts a connection. If that fails, or is cancelled, the connection is aborted.
///
/// # Errors
/// The peer is not who it should be, does not speak TLS, has gone, or takes too long.
pub(super) async fn handshake(
    connection: &StdArc<Connection>,
    session: Box<dyn Session>,
) -> io::Result<()> {
    let unfinished = AbortOnDrop(connection);
    connection.secure(session);
    let shaken = wait_for(poll_fn(|cx| connection.poll_handshake(cx)), TIME).await;
    shaken.unwrap_or_else(|_| Err(too_long()))?;
    std::mem::forget(unfinished);
    Ok(())
}

/// What has not been encrypted yet must not be used as if it were.
struct AbortOnDrop<'a>(&'a StdArc<Connection>);

impl Drop for AbortOnDrop<'_> {
    fn drop(&mut self) {
        self.0.update(Outgoing::abort);
    }
}

fn too_long() -> io::Error {
    let text = "SSL handshake is taking longer than 60.0 seconds: aborting the connection";
    io::Error::new(io::ErrorKind::ConnectionAborted, text)
}
