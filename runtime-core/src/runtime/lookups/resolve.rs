//! The trait of what answers look-ups in place of the system.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

/// Finds the addresses of hosts, for a whole loop: see
/// [`Builder::resolver`](crate::runners::Builder::resolver).
///
/// It is asked by [`EventLoop::getaddrinfo`](crate::EventLoop::getaddrinfo), and so by every
/// connection to a name. It is not asked about addresses that are written out. Its futures are
/// polled by the task that asks, and dropped if that is cancelled; nothing is shared or kept
/// between them. One that waits with [`sleep`](crate::sleep) takes no time on a paused clock.
///
/// A function that takes a `String` and a `u16` and returns a future is a resolver too.
/// [`SystemResolver`](crate::net::SystemResolver) is the one that is there by default; a resolver
/// may pass on to it what it has no answer to. (It must not call `getaddrinfo` of the loop, which
/// would ask it again.)
///
/// ```
/// use std::net::SocketAddr;
///
/// # fn main() -> std::io::Result<()> {
/// let resolver = |host: String, port: u16| async move {
///     match host.as_str() {
///         "db.test" => Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))]),
///         _ => Err(std::io::Error::from(std::io::ErrorKind::NotFound)),
///     }
/// };
/// let mut runner = asyncio::Runner::builder().resolver(resolver).build()?;
/// runner.run(async {
///     let event_loop = asyncio::get_running_loop();
///     let found = event_loop.getaddrinfo("db.test", 5432).await?;
///     assert_eq!(found, ["127.0.0.1:5432".parse().unwrap()]);
///     let error = event_loop.getaddrinfo("web.test", 80).await.unwrap_err();
///     assert!(error.to_string().contains("web.test:80"));
///     Ok(())
/// })
/// # }
/// ```
pub trait Resolve: Send + Sync + 'static {
    /// Finds the addresses of `host`, in the order in which they are to be tried. Each has `port`.
    ///
    /// # Errors
    /// There are none, or they cannot be found. The caller adds the name to the message.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Resolving<'a>;
}

/// The future of a [`Resolve`].
pub type Resolving<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>>;

impl<F, R> Resolve for F
where
    F: Fn(String, u16) -> R + Send + Sync + 'static,
    R: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
{
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Resolving<'a> {
        Box::pin(self(host.to_owned(), port))
    }
}
