//! Certificates, which are made once per process, and what uses them.

use std::sync::{Arc, LazyLock};

use asyncio::streams::rustls::crypto::{CryptoProvider, ring};
use asyncio::streams::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use asyncio::streams::rustls::server::WebPkiClientVerifier;
use asyncio::streams::rustls::{
    ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion, version,
};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, date_time_ymd,
};

/// The two versions, for tests that hold for both.
pub(crate) const VERSIONS: [&SupportedProtocolVersion; 2] = [&version::TLS12, &version::TLS13];

/// A certificate with its key.
pub(crate) struct Identity {
    pub(crate) certificate: rcgen::Certificate,
    pub(crate) key: KeyPair,
}

impl Identity {
    fn of(params: CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        Identity {
            certificate: params.signed_by(&key, &*AUTHORITY).unwrap(),
            key,
        }
    }

    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.certificate.der().clone()]
    }

    pub(crate) fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.serialize_der()).unwrap()
    }
}

pub(crate) static AUTHORITY: LazyLock<CertifiedIssuer<'static, KeyPair>> = LazyLock::new(|| {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let names = &mut params.distinguished_name;
    names.push(DnType::CommonName, "the authority of the tests");
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
});

/// Of `localhost`, and of `127.0.0.1`.
pub(crate) static LOCALHOST: LazyLock<Identity> =
    LazyLock::new(|| Identity::of(params("localhost")));

/// Of `localhost`, but too old.
pub(crate) static EXPIRED: LazyLock<Identity> = LazyLock::new(|| {
    let mut params = params("localhost");
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2021, 1, 1);
    Identity::of(params)
});

/// Of a client.
pub(crate) static CLIENT: LazyLock<Identity> = LazyLock::new(|| {
    let mut params = params("client.example");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    Identity::of(params)
});

fn params(name: &str) -> CertificateParams {
    let names = vec![name.to_owned(), "127.0.0.1".to_owned()];
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> =
        LazyLock::new(|| Arc::new(ring::default_provider()));
    PROVIDER.clone()
}

/// The authority of the tests, and nobody else.
pub(crate) fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(AUTHORITY.as_ref().der().clone()).unwrap();
    roots
}

pub(crate) fn client_of(versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(provider());
    let builder = builder.with_protocol_versions(versions).unwrap();
    let verified = builder.with_root_certificates(roots());
    verified.with_no_client_auth()
}

/// Trusts the authority of the tests.
pub(crate) fn client() -> ClientConfig {
    client_of(&VERSIONS)
}

/// Trusts nobody.
pub(crate) fn distrustful_client() -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(provider());
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let verified = builder.with_root_certificates(RootCertStore::empty());
    verified.with_no_client_auth()
}

/// Shows a certificate of its own.
pub(crate) fn known_client() -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(provider());
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let verified = builder.with_root_certificates(roots());
    let shown = verified.with_client_auth_cert(CLIENT.chain(), CLIENT.private_key());
    shown.unwrap()
}

pub(crate) fn server_of(
    identity: &Identity,
    versions: &[&'static SupportedProtocolVersion],
) -> ServerConfig {
    let builder = ServerConfig::builder_with_provider(provider());
    let builder = builder.with_protocol_versions(versions).unwrap();
    let open = builder.with_no_client_auth();
    let shown = open.with_single_cert(identity.chain(), identity.private_key());
    shown.unwrap()
}

/// Is `localhost`.
pub(crate) fn server() -> ServerConfig {
    server_of(&LOCALHOST, &VERSIONS)
}

/// Wants a certificate of its client.
pub(crate) fn asking_server() -> ServerConfig {
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots()), provider());
    let builder = ServerConfig::builder_with_provider(provider());
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let asking = builder.with_client_cert_verifier(verifier.build().unwrap());
    let shown = asking.with_single_cert(LOCALHOST.chain(), LOCALHOST.private_key());
    shown.unwrap()
}
