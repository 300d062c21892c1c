//! What the two ends of a TLS session have agreed upon.

/// What the two ends of a TLS session have agreed upon: asyncio's `get_extra_info` of `"cipher"`,
/// `"peercert"` and the like. [`StreamWriter::tls_session`](super::StreamWriter::tls_session)
/// returns it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsSession {
    /// The version of the protocol: `"TLSv1.3"`.
    pub protocol_version: Option<String>,
    /// The name of the cipher suite: `"TLS13_AES_256_GCM_SHA384"`.
    pub cipher_suite: Option<String>,
    /// The protocol that was chosen by ALPN: `b"h2"`.
    pub alpn_protocol: Option<Vec<u8>>,
    /// The name that the client asked for (SNI): known to a server only.
    pub server_name: Option<String>,
    /// The certificates of the peer, its own first, each encoded as DER.
    pub peer_certificates: Vec<Vec<u8>>,
}
