//! TLS for streams, by the library rustls.
//!
//! `rustls_session` is rustls behind the trait that the streams know; the rest is what users call.
//! It uses rustls's buffered interface: bytes from the socket go in, bytes for the socket come out.
//! rustls's own limits of buffers are off, since the connection has watermarks for what is unsent,
//! and receives nothing while nobody reads.

mod provider;
mod rustls_session;
mod server_name;

mod sessions;

mod builders;

mod start_tls;

pub use provider::default_client_config;
pub use server_name::ToServerName;
pub use start_tls::StartTls;
