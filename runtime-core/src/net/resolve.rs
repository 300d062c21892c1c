//! `getaddrinfo`, `getnameinfo`, and the resolver that is there by default.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};

use crate::exceptions::NoRunningLoop;
use crate::runtime::EventLoop;

pub use crate::runtime::{Resolve, Resolving};

impl EventLoop {
    /// Finds the addresses of `host`, each with `port`, in the order in which they are to be tried:
    /// `loop.getaddrinfo`.
    ///
    /// The loop's [resolver](crate::runners::Builder::resolver) is asked. By default that is the
    /// system, which answers by its own rules (`/etc/hosts`, name servers). Its call blocks; it is
    /// made on one of at most eight threads of the loop that do nothing else, and are started when
    /// they are needed. Those who ask the same at the same time share one call. Answers are not
    /// kept. In the [deterministic](crate::runners::Builder::deterministic) mode the call is made
    /// on the thread of the loop, at a time chosen by the seed.
    ///
    /// An address that is written out is returned at once. A paused clock stands still until the
    /// system has answered.
    ///
    /// Unlike asyncio's, this does not use the threads of [`to_thread`](crate::to_thread), and
    /// finds what can be connected to: there are no families, types, protocols and flags. A port is
    /// a number.
    ///
    /// # Errors
    /// The host is not known, or the system cannot find out; or it refuses a thread, and the loop
    /// has none for look-ups; or the loop is closed. The message names the host.
    ///
    /// # Cancellation
    /// The caller stops waiting. A call of the system that has begun goes on, and its answer is
    /// dropped. The end of the loop waits for it for 200 ms at most; then it leaves the thread
    /// behind, which ends when the system answers.
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// asyncio::run(async {
    ///     let event_loop = asyncio::get_running_loop();
    ///     let addresses = event_loop.getaddrinfo("localhost", 80).await?;
    ///     assert!(addresses.iter().all(|address| address.ip().is_loopback()));
    ///     Ok(())
    /// })
    /// # }
    /// ```
    pub fn getaddrinfo(
        &self,
        host: &str,
        port: u16,
    ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + use<> {
        let (event_loop, host) = (self.clone(), host.to_owned());
        async move {
            if let Ok(address) = host.parse::<IpAddr>() {
                return Ok(vec![SocketAddr::new(address, port)]);
            }
            let found = match event_loop.resolver() {
                Some(resolver) => resolver.resolve(&host, port).await,
                None => event_loop.system_addresses(&host, port).await,
            };
            found.map_err(|error| NameError::of(format!("{host}:{port}"), error))
        }
    }

    /// Finds the names of the host and of the service at `address`: `loop.getnameinfo`.
    ///
    /// What has no name is returned as a number. The system is asked, on the threads of
    /// [`getaddrinfo`](EventLoop::getaddrinfo), also if the loop has a resolver of its own.
    ///
    /// # Errors
    /// Those of [`getaddrinfo`](EventLoop::getaddrinfo). The message names the address.
    ///
    /// # Cancellation
    /// The same as in [`getaddrinfo`](EventLoop::getaddrinfo).
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// asyncio::run(async {
    ///     let event_loop = asyncio::get_running_loop();
    ///     let (host, service) = event_loop.getnameinfo(([127, 0, 0, 1], 65000).into()).await?;
    ///     println!("{host}");
    ///     assert_eq!(service, "65000");
    ///     Ok(())
    /// })
    /// # }
    /// ```
    pub fn getnameinfo(
        &self,
        address: SocketAddr,
    ) -> impl Future<Output = io::Result<(String, String)>> + Send + use<> {
        let event_loop = self.clone();
        async move {
            let found = event_loop.system_names(address).await;
            found.map_err(|error| NameError::of(address.to_string(), error))
        }
    }
}

/// The resolver that a loop has by default: it asks the system, on threads of the loop. See
/// [`EventLoop::getaddrinfo`].
///
/// It is for resolvers that pass on what they have no answer to.
///
/// ```
/// use asyncio::net::{Resolve, Resolving, SystemResolver};
///
/// struct InTests;
///
/// impl Resolve for InTests {
///     fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Resolving<'a> {
///         match host.strip_suffix(".test") {
///             Some(_) => SystemResolver.resolve("localhost", port),
///             None => SystemResolver.resolve(host, port),
///         }
///     }
/// }
///
/// # fn main() -> std::io::Result<()> {
/// let mut runner = asyncio::Runner::builder().resolver(InTests).build()?;
/// runner.run(async {
///     let event_loop = asyncio::get_running_loop();
///     assert!(event_loop.getaddrinfo("web.test", 80).await?[0].ip().is_loopback());
///     Ok(())
/// })
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Resolving<'a> {
        Box::pin(async move {
            match EventLoop::current() {
                Some(event_loop) => event_loop.system_addresses(host, port).await,
                None => Err(io::Error::other(NoRunningLoop)),
            }
        })
    }
}

/// A look-up that failed, and of what.
#[derive(Debug)]
struct NameError {
    what: String,
    error: io::Error,
}

impl NameError {
    fn of(what: String, error: io::Error) -> io::Error {
        io::Error::new(error.kind(), NameError { what, error })
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The standard library begins in the same way, without a name.
        const BEGINNING: &str = "failed to lookup address information: ";
        let text = self.error.to_string();
        let text = text.strip_prefix(BEGINNING).unwrap_or(&text);
        let what = &self.what;
        write!(
            f,
            "failed to look up address information for {what}: {text}"
        )
    }
}

impl Error for NameError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}
