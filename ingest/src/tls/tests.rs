//! Which certificate is shown, and to whom, with real handshakes in memory.

use super::*;
use chrono::TimeDelta;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::{
    ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, ServerConnection, SupportedProtocolVersion,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use sha2::{Digest, Sha256};
use std::{fs, os::unix::fs::PermissionsExt};
use tempfile::TempDir;

fn at() -> DateTime<Utc> {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

fn first_run() -> TlsSettings {
    TlsSettings { certificate: CertificateSource::FirstRun, names: vec!["localhost".to_owned()], allow_tls_1_2: false }
}

/// Shakes hands within memory: the version both speak, or why they do not.
fn shake(tls: &Tls, versions: &[&'static SupportedProtocolVersion]) -> Result<ProtocolVersion, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(tls.shown.get().loaded.certified.cert[0].clone()).unwrap();
    let config = ClientConfig::builder_with_provider(provider()).with_protocol_versions(versions).unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut server = ServerConnection::new(Arc::new(tls.server_config().unwrap())).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets()?;
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        client.read_tls(&mut wire.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    Ok(client.protocol_version().unwrap())
}

#[test]
fn the_first_certificate_is_made_once_for_its_owner_only_and_is_known_by_its_sha_256() {
    let folder = tempfile::tempdir().unwrap();
    let tls = Tls::open(first_run(), folder.path(), at()).unwrap();
    let path = folder.path().join(FIRST_FILE);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let der = CertificateDer::from_pem_file(&path).unwrap();
    assert_eq!(tls.fingerprint(), Fingerprint::of(Sha256::digest(&der).into()));
    let again = Tls::open(first_run(), folder.path(), at() + TimeDelta::days(9000)).unwrap();
    assert_eq!(again.fingerprint(), tls.fingerprint(), "however old it is: hubs know it and look at no dates");
    // A file that was spoiled is told, and not written over.
    fs::write(&path, "spoiled").unwrap();
    assert!(matches!(Tls::open(first_run(), folder.path(), at()), Err(TlsError::NotPem { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"spoiled");
}

#[test]
fn tls_1_3_is_spoken_and_1_2_only_where_the_settings_allow_it() {
    let folder = tempfile::tempdir().unwrap();
    let strict = Tls::open(first_run(), folder.path(), at()).unwrap();
    let lenient = Tls::open(TlsSettings { allow_tls_1_2: true, ..first_run() }, folder.path(), at()).unwrap();
    assert_eq!(shake(&strict, &[&TLS13]), Ok(ProtocolVersion::TLSv1_3));
    assert_eq!(shake(&strict, &[&TLS13, &TLS12]), Ok(ProtocolVersion::TLSv1_3));
    assert!(matches!(shake(&strict, &[&TLS12]), Err(rustls::Error::PeerIncompatible(_))));
    assert_eq!(shake(&lenient, &[&TLS12]), Ok(ProtocolVersion::TLSv1_2));
    assert_eq!(shake(&lenient, &[&TLS13, &TLS12]), Ok(ProtocolVersion::TLSv1_3));
    let suites = provider().cipher_suites.clone();
    let names: Vec<String> = suites.iter().map(|suite| format!("{:?}", suite.suite())).collect();
    assert!(names.iter().all(|name| name.contains("GCM") || name.contains("POLY1305")), "{names:?}");
}

/// Files as somebody else would write them.
struct Written {
    folder: TempDir,
}

impl Written {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A certificate good for these years, and its key beside it.
    fn write(&self, name: &str, from: i32, until: i32) {
        let mut params = CertificateParams::new(vec!["hubs.example.org".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
        let key = KeyPair::generate().unwrap();
        fs::write(self.path(&format!("{name}.pem")), params.self_signed(&key).unwrap().pem()).unwrap();
        fs::write(self.path(&format!("{name}.key")), key.serialize_pem()).unwrap();
    }

    fn settings(&self, certificate: &str, key: &str, name: &str) -> TlsSettings {
        let (certificate, key) = (self.path(&format!("{certificate}.pem")), self.path(&format!("{key}.key")));
        let next = Some(self.path("next.pem")).filter(|next| next.exists());
        let certificate = CertificateSource::Files { certificate, key, next };
        TlsSettings { certificate, names: vec![name.to_owned()], allow_tls_1_2: false }
    }
}

#[test]
fn a_certificate_of_ones_own_is_refused_where_it_cannot_serve() {
    let files = Written::new();
    files.write("good", 2026, 2027);
    files.write("expired", 2024, 2025);
    files.write("future", 2027, 2028);
    let open = |certificate, key, name| Tls::open(files.settings(certificate, key, name), files.folder.path(), at());
    assert!(open("good", "good", "hubs.example.org").is_ok());
    for (certificate, key, name, expected) in [
        ("expired", "expired", "hubs.example.org", "it expired on 01 January 2025"),
        ("future", "future", "hubs.example.org", "it counts only from 01 January 2027"),
        ("good", "expired", "hubs.example.org", "it is not the key of the certificate"),
        ("good", "good", "other.example.org", "it is not good for the name other.example.org"),
        ("none", "good", "hubs.example.org", "use "),
    ] {
        let error = open(certificate, key, name).unwrap_err().to_string();
        assert!(error.contains(expected), "{certificate} {key} {name}: {error}");
    }
    fs::write(files.path("good.pem"), "no certificate").unwrap();
    let error = open("good", "good", "hubs.example.org").unwrap_err().to_string();
    assert!(error.contains("want a certificate in PEM form"), "{error}");
}

#[test]
fn a_file_that_changed_is_shown_without_a_restart_and_one_that_cannot_serve_is_not() {
    let files = Written::new();
    files.write("own", 2026, 2027);
    let tls = Tls::open(files.settings("own", "own", "hubs.example.org"), files.folder.path(), at()).unwrap();
    let first = tls.fingerprint();
    assert!(matches!(tls.look_again(at()), Ok(false)));
    files.write("own", 2024, 2025);
    assert!(matches!(tls.look_again(at()), Err(TlsError::NotInTime { .. })));
    assert_eq!(tls.fingerprint(), first, "the one before is shown on");
    files.write("own", 2026, 2028);
    assert!(matches!(tls.look_again(at()), Ok(true)));
    assert_ne!(tls.fingerprint(), first);
    assert_eq!(shake(&tls, &[&TLS13]).unwrap_err(), {
        let wrong_name = rustls::CertificateError::NotValidForNameContext {
            expected: ServerName::try_from("localhost").unwrap().to_owned(),
            presented: vec!["DnsName(\"hubs.example.org\")".to_owned()],
        };
        rustls::Error::InvalidCertificate(wrong_name)
    });
}

#[test]
fn the_next_certificate_is_announced_before_it_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let tls = Tls::open(first_run(), folder.path(), at()).unwrap();
    let (first, key) = (tls.fingerprint(), ServerKey::from_seed(&[7; 32]));
    assert!(matches!(use_next(&first_run(), folder.path()), Err(TlsError::NoNext(_))));
    let next = make_next(&first_run(), folder.path(), at()).unwrap();
    assert!(matches!(make_next(&first_run(), folder.path(), at()), Err(TlsError::NextIsThere(_))));
    assert!(matches!(tls.look_again(at()), Ok(true)));
    assert_eq!((tls.fingerprint(), tls.next_fingerprint()), (first, Some(next)));
    assert_eq!(tls.announcement(&key), key.certificates(&first, Some(&next)));
    assert_eq!(use_next(&first_run(), folder.path()).unwrap(), next);
    assert!(matches!(tls.look_again(at()), Ok(true)));
    assert_eq!((tls.fingerprint(), tls.next_fingerprint()), (next, None));
    assert_eq!(shake(&tls, &[&TLS13]), Ok(ProtocolVersion::TLSv1_3));
    let files = TlsSettings {
        certificate: CertificateSource::Files { certificate: "a".into(), key: "b".into(), next: None },
        ..first_run()
    };
    assert!(matches!(make_next(&files, folder.path(), at()), Err(TlsError::NotOurs)));
}
