//! The certificate the service makes for itself at its first start, and the one that will follow it.
//!
//! Invariant: certificate and key are in one file, so that one rename changes both or neither.
//!
//! The key's randomness is that of ring, which asks the operating system itself; it takes no other.

use super::{
    TlsError,
    file::{fingerprint, fingerprint_if_there, load},
};
use crate::disk::{sync_folder, write_private};
use chrono::{DateTime, Datelike, TimeDelta, Utc};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use std::{fs, io, path::Path};
use vitals::wire::announced::Fingerprint;
use zeroize::Zeroizing;

/// The file of the certificate in use, within the data folder.
pub const FIRST_FILE: &str = "tls.pem";

/// The file of the one that will follow.
pub const NEXT_FILE: &str = "tls.next.pem";

/// How many years it says that it is good for. Hubs know it by its fingerprint and do not look at dates, because the clock of a
/// hub that was without power may be years behind; a date that ends would end the service for everybody else and protect
/// nobody. It ends by being followed by another.
const GOOD_FOR_YEARS: i32 = 20;

/// What it is called, for whoever looks at it.
const COMMON_NAME: &str = "Derwent, made by the service itself";

/// Makes the first certificate, unless there is one.
pub(super) fn make_unless_there(folder: &Path, names: &[String], at: DateTime<Utc>) -> Result<(), TlsError> {
    let path = folder.join(FIRST_FILE);
    match fs::exists(&path) {
        Ok(true) => Ok(()),
        Ok(false) => make(folder, FIRST_FILE, names, at),
        Err(cause) => Err(TlsError::File { path, cause }),
    }
}

/// Makes the one that will follow.
pub(super) fn make_next(folder: &Path, names: &[String], at: DateTime<Utc>) -> Result<Fingerprint, TlsError> {
    let path = folder.join(NEXT_FILE);
    if fingerprint_if_there(&path)?.is_some() {
        return Err(TlsError::NextIsThere(path));
    }
    make(folder, NEXT_FILE, names, at)?;
    fingerprint(&path)
}

/// Has it take the place of the one in use.
pub(super) fn use_next(folder: &Path) -> Result<Fingerprint, TlsError> {
    let (next, first) = (folder.join(NEXT_FILE), folder.join(FIRST_FILE));
    // Read whole before anything is moved: nothing that cannot be shown takes the place of what is shown.
    match load(&next, &next) {
        Ok(loaded) => {
            let moved = fs::rename(&next, &first).and_then(|()| sync_folder(folder));
            moved.map(|()| loaded.fingerprint).map_err(|cause| TlsError::File { path: first, cause })
        }
        Err(TlsError::File { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => Err(TlsError::NoNext(next)),
        Err(error) => Err(error),
    }
}

fn make(folder: &Path, file: &str, names: &[String], at: DateTime<Utc>) -> Result<(), TlsError> {
    let mut params = CertificateParams::new(names.to_vec()).map_err(TlsError::Make)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, COMMON_NAME);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // From the day before, for those whose clock is behind; never the last of a February that the end would not have.
    let from = at - TimeDelta::days(1);
    let month = u8::try_from(from.month()).unwrap_or(1);
    params.not_before = date_time_ymd(from.year(), month, 1);
    params.not_after = date_time_ymd(from.year() + GOOD_FOR_YEARS, month, 1);
    let key = KeyPair::generate().map_err(TlsError::Make)?;
    let certificate = params.self_signed(&key).map_err(TlsError::Make)?;
    let key = Zeroizing::new(key.serialize_pem());
    let pem = Zeroizing::new(format!("{}{}", certificate.pem(), *key));
    write_private(folder, file, pem.as_bytes()).map_err(|cause| TlsError::File { path: folder.join(file), cause })
}
