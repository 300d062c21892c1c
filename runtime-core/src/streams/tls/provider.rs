//! Whose cryptography is used, and the usual configuration of a client.

use std::io;

use rustls::ClientConfig;
use rustls::crypto::CryptoProvider;
use rustls_platform_verifier::BuilderVerifierExt;

use crate::sync::StdArc;

/// The configuration of a client that trusts whom the operating system trusts:
/// `ssl.create_default_context()`.
///
/// It reads the system's certificates, and it remembers sessions, so that the next handshake with
/// the same server is shorter: make one, and clone the `Arc`.
///
/// The cryptography is that of rustls's process default, if there is one; otherwise ring's, or with
/// the feature `tls-aws-lc` that of aws-lc-rs.
///
/// # Errors
/// The system has no certificates that can be used.
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// asyncio::run(async {
///     let config = asyncio::streams::default_client_config()?;
///     let connection = asyncio::open_connection("example.org:443").tls(config, "example.org");
///     let (mut reader, writer) = connection.await?;
///     writer.write(b"GET / HTTP/1.0\r\nHost: example.org\r\n\r\n");
///     println!("{} bytes", reader.read_to_end().await?.len());
///     Ok(())
/// })
/// # }
/// ```
pub fn default_client_config() -> io::Result<StdArc<ClientConfig>> {
    let chosen = CryptoProvider::get_default().cloned();
    let provider = chosen.unwrap_or_else(|| StdArc::new(provider()));
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions();
    let builder = builder.map_err(io::Error::other)?;
    let verified = builder.with_platform_verifier().map_err(io::Error::other)?;
    Ok(StdArc::new(verified.with_no_client_auth()))
}

#[cfg(feature = "tls-aws-lc")]
fn provider() -> CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}

#[cfg(not(feature = "tls-aws-lc"))]
fn provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}
