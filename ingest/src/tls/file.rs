//! Certificates and keys in PEM files: read, and checked before anybody is shown them.

use super::{TlsError, provider};
use chrono::{DateTime, Utc};
use rustls::{
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    sign::CertifiedKey,
};
use sha2::{Digest, Sha256};
use std::{fs, io, path::Path, sync::Arc, time::Duration};
use vitals::wire::announced::Fingerprint;
use webpki::{EndEntityCert, Error, KeyUsage};
use zeroize::Zeroizing;

/// A certificate with its key, ready to be shown.
#[derive(Clone)]
pub(super) struct Loaded {
    pub(super) certified: Arc<CertifiedKey>,
    pub(super) fingerprint: Fingerprint,
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    fs::read(path).map(Zeroizing::new).map_err(|cause| TlsError::File { path: path.to_owned(), cause })
}

fn chain(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let not_pem = || TlsError::NotPem { path: path.to_owned(), want: "a certificate" };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|_not_pem| not_pem())?;
    if chain.is_empty() { Err(not_pem()) } else { Ok(chain) }
}

/// The fingerprint of the first certificate in a file.
pub(super) fn fingerprint(path: &Path) -> Result<Fingerprint, TlsError> {
    let chain = chain(path, &read(path)?)?;
    Ok(of(&chain))
}

/// The same, or nothing where there is no such file.
pub(super) fn fingerprint_if_there(path: &Path) -> Result<Option<Fingerprint>, TlsError> {
    match fingerprint(path) {
        Err(TlsError::File { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}

fn of(chain: &[CertificateDer<'_>]) -> Fingerprint {
    Fingerprint::of(Sha256::digest(chain.first().map(AsRef::as_ref).unwrap_or_default()).into())
}

/// Reads a certificate and its key, which may be in one file.
pub(super) fn load(certificate: &Path, key: &Path) -> Result<Loaded, TlsError> {
    let chain = chain(certificate, &read(certificate)?)?;
    let pem = read(key)?;
    let der = PrivateKeyDer::from_pem_slice(&pem)
        .map_err(|_not_pem| TlsError::NotPem { path: key.to_owned(), want: "a private key" })?;
    let fingerprint = of(&chain);
    let certified = CertifiedKey::from_der(chain, der, &provider());
    let certified = certified.map_err(|cause| TlsError::OtherKey { path: key.to_owned(), cause })?;
    Ok(Loaded { certified: Arc::new(certified), fingerprint })
}

/// Checks the dates of a certificate and of those that come with it, and the names it is good for. Who signed it is for those
/// who connect to judge.
pub(super) fn check(
    path: &Path,
    chain: &[CertificateDer<'_>],
    names: &[String],
    at: DateTime<Utc>,
) -> Result<(), TlsError> {
    let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(at.timestamp()).unwrap_or(0)));
    let malformed = || TlsError::NotPem { path: path.to_owned(), want: "a certificate" };
    for der in chain {
        let certificate = EndEntityCert::try_from(der).map_err(|_malformed| malformed())?;
        if let Some(why) = not_in_time(&certificate, now) {
            return Err(TlsError::NotInTime { path: path.to_owned(), why });
        }
    }
    let own = chain.first().ok_or_else(malformed)?;
    let own = EndEntityCert::try_from(own).map_err(|_malformed| malformed())?;
    for name in names {
        let server_name = ServerName::try_from(name.as_str()).map_err(|_no_name| TlsError::NoName(name.clone()))?;
        own.verify_is_valid_for_subject_name(&server_name)
            .map_err(|_other| TlsError::OtherName { path: path.to_owned(), name: name.clone() })?;
    }
    Ok(())
}

/// Why a certificate does not count at this time; nothing where it does.
///
/// Dates are what webpki looks at first. Without an authority it then finds no one to trust, which is no concern of ours.
fn not_in_time(certificate: &EndEntityCert<'_>, now: UnixTime) -> Option<String> {
    let algorithms = webpki::ALL_VERIFICATION_ALGS;
    let judged = certificate.verify_for_usage(algorithms, &[], &[], now, KeyUsage::server_auth(), None, None);
    match judged.map(drop) {
        Err(Error::CertExpired { not_after, .. }) => Some(format!("it expired on {}", day(not_after))),
        Err(Error::CertNotValidYet { not_before, .. }) => Some(format!("it counts only from {}", day(not_before))),
        Ok(()) | Err(_) => None,
    }
}

fn day(moment: UnixTime) -> String {
    let moment = i64::try_from(moment.as_secs()).ok().and_then(|secs| DateTime::from_timestamp(secs, 0));
    moment.map_or_else(|| "a day beyond our calendar".to_owned(), |moment| moment.format("%d %B %Y").to_string())
}
