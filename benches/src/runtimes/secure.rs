//! This project's runtime under TLS: apart, since it is built only beside the other runtimes.

use std::net::SocketAddr;
use std::sync::Arc;

use super::{ANY_PORT, Asyncio, Secure, Tasks};

impl Secure for Asyncio {
    async fn serve_secure(config: Arc<rustls::ServerConfig>, block: usize) -> SocketAddr {
        let echo = move |reader, writer| echo_blocks(reader, writer, block);

        let server = ::asyncio::start_server(echo, ANY_PORT).tls(config).await;
        let server = server.expect("there is a free port");
        let address = server.local_addrs()[0];
        Self::detach(Self::spawn(async move { server.serve_forever().await }));
        address
    }
}

async fn echo_blocks(
    mut reader: ::asyncio::StreamReader,
    writer: ::asyncio::StreamWriter,
    block: usize,
) {
    while let Ok(data) = reader.readexactly(block).await {
        writer.write(&data);
        if writer.drain().await.is_err() {
            return;
        }
    }
}
