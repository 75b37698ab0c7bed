//! By what a hub knows its service, with real handshakes against a rustls server in the same process. The first lines of each
//! case are what must be refused; the server then says whether a single byte of the request reached it.

use super::*;
use crate::{
    net::{Network, TcpNetwork},
    test_parts::noon,
};
use chrono::{DateTime, Utc};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig, SupportedProtocolVersion,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    version::TLS12,
};
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

/// A certificate of `localhost`, good from 2026 to 2035, and its key.
struct Shown {
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl Shown {
    fn new() -> Self {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2035, 1, 1));
        let key = KeyPair::generate().unwrap();
        Self { certificate: params.self_signed(&key).unwrap().der().clone(), key }
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }

    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(Sha256::digest(&self.certificate).into())
    }
}

struct At(DateTime<Utc>);

#[async_trait::async_trait]
impl Clock for At {
    fn now(&self) -> DateTime<Utc> {
        self.0
    }

    async fn sleep(&self, _span: Duration) {}
}

/// Connects to a server that shows a certificate, says one word, and returns what the server heard or why the hub said nothing.
async fn say_a_word(
    server: &Shown,
    trust: Trust,
    versions: &[&'static SupportedProtocolVersion],
    at: DateTime<Utc>,
    name: &str,
) -> Result<Vec<u8>, NotTrusted> {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![server.certificate.clone()], server.key())
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let heard = tokio::spawn(async move {
        let (stream, _from) = listener.accept().await.unwrap();
        let mut heard = Vec::new();
        if let Ok(mut stream) = acceptor.accept(stream).await {
            // A hub that goes away without a word is one that said nothing.
            drop(stream.read_to_end(&mut heard).await);
        }
        heard
    });
    let to = Server::parse(&format!("https://{name}:{port}")).unwrap().known_by(trust);
    let tls = Tls::to(&to, Arc::new(At(at))).unwrap().unwrap();
    let said = match tls.over(TcpNetwork.connect("127.0.0.1", port).await.unwrap()).await {
        Ok(mut stream) => {
            stream.write_all(b"a reading").await.unwrap();
            stream.shutdown().await.unwrap();
            Ok(())
        }
        Err(error) => Err(NotTrusted::of(&error).unwrap()),
    };
    let heard = heard.await.unwrap();
    assert_eq!(heard.is_empty(), said.is_err(), "what is not trusted hears nothing");
    said.map(|()| heard)
}

#[tokio::test]
async fn a_service_is_known_by_its_fingerprint_or_its_authority_and_by_nothing_else() {
    let (one, other) = (&Shown::new(), &Shown::new());
    let (v13, v12): (&[_], &[_]) = (&[&TLS13], &[&TLS12]);
    let prints = |all: &[&Shown]| Trust::Fingerprints(all.iter().map(|one| one.fingerprint()).collect());
    let start = |of: &Shown| Trust::Start(FingerprintStart::parse(&of.fingerprint().first_groups()).unwrap());
    let authority = || Trust::Authorities(vec![one.certificate.clone()]);
    let (early, late) = ("2020-01-01T00:00:00Z".parse().unwrap(), "2040-01-01T00:00:00Z".parse().unwrap());
    for (what, server, trust, versions, at, name, expected) in [
        ("its fingerprint", one, prints(&[one]), v13, noon(), "localhost", Ok(())),
        ("the next one's", one, prints(&[other, one]), v13, noon(), "localhost", Ok(())),
        ("how it begins", one, start(one), v13, noon(), "localhost", Ok(())),
        ("its authority", one, authority(), v13, noon(), "localhost", Ok(())),
        ("its fingerprint, by a clock that is behind", one, prints(&[one]), v13, early, "localhost", Ok(())),
        ("its fingerprint, under another name", one, prints(&[one]), v13, noon(), "127.0.0.1", Ok(())),
        ("another's fingerprint", one, prints(&[other]), v13, noon(), "localhost", Err(NotTrusted::Changed)),
        ("another's beginning", one, start(other), v13, noon(), "localhost", Err(NotTrusted::Changed)),
        ("nothing", one, Trust::Nobody, v13, noon(), "localhost", Err(NotTrusted::Changed)),
        ("another's authority", other, authority(), v13, noon(), "localhost", Err(NotTrusted::UnknownAuthority)),
        ("another name", one, authority(), v13, noon(), "example.org", Err(NotTrusted::OtherName)),
        ("too early", one, authority(), v13, early, "localhost", Err(NotTrusted::NotYet)),
        ("too late", one, authority(), v13, late, "localhost", Err(NotTrusted::Expired)),
        ("only TLS 1.2", one, prints(&[one]), v12, noon(), "localhost", Err(NotTrusted::Speech)),
    ] {
        let said = say_a_word(server, trust, versions, at, name).await;
        assert_eq!(said.map(|heard| assert_eq!(heard, b"a reading")), expected, "{what}");
    }
}

/// Whoever shows the service's certificate without its key is found by the signature over the handshake: the verifier passes the
/// certificate, and only the signature is wrong.
#[tokio::test]
async fn a_certificate_that_was_copied_is_worth_nothing_without_its_key() {
    let (provider, one, other) = (ring::default_provider(), Shown::new(), Shown::new());
    let key = provider.key_provider.load_private_key(other.key()).unwrap();
    // Put together by hand, because rustls itself refuses the pair.
    let copied = rustls::sign::CertifiedKey::new(vec![one.certificate.clone()], key);
    assert!(copied.keys_match().is_err());
    let resolver = rustls::sign::SingleCertAndKey::from(copied);
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let accepted = tokio::spawn(async move { acceptor.accept(listener.accept().await.unwrap().0).await.is_ok() });
    let to = Server::parse(&format!("https://localhost:{port}")).unwrap();
    let to = to.known_by(Trust::Fingerprints(vec![one.fingerprint()]));
    let tls = Tls::to(&to, Arc::new(At(noon()))).unwrap().unwrap();
    assert!(tls.over(TcpNetwork.connect("127.0.0.1", port).await.unwrap()).await.is_err());
    assert_eq!(tls.pins().unwrap().seen(), Some(one.fingerprint()), "the certificate itself is the right one");
    assert!(!accepted.await.unwrap());
}
