//! The TLS handshake of a connection.

use std::future::poll_fn;
use std::io;
use std::time::Duration;

use super::connection::Connection;
use super::outgoing::Outgoing;
use super::session::{Session, Times};
use crate::sync::StdArc;
use crate::timeouts::wait_for;

/// Encrypts a connection. If that fails once it has begun, or is cancelled, the connection is
/// aborted.
///
/// # Errors
/// The peer is not who it should be, does not speak TLS, has gone, or takes too long.
pub(super) async fn handshake(
    connection: &StdArc<Connection>,
    session: Box<dyn Session>,
    times: Times,
) -> io::Result<()> {
    connection.secure(session, times.shutdown())?;
    let unfinished = AbortOnDrop(connection);
    let time = times.handshake();
    let shaken = wait_for(poll_fn(|cx| connection.poll_handshake(cx)), time).await;
    shaken.unwrap_or_else(|_| Err(too_long(time)))?;
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

fn too_long(time: Duration) -> io::Error {
    let seconds = time.as_secs_f64();
    let text =
        format!("SSL handshake is taking longer than {seconds:?} seconds: aborting the connection");
    io::Error::new(io::ErrorKind::ConnectionAborted, text)
}
