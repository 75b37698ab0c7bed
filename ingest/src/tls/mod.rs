//! TLS of the service's own: which certificate it shows, which will follow, and in which versions it speaks.
//!
//! Invariants: TLS 1.3 unless the settings allow 1.2 by name, and then with authenticated ciphers only; a certificate is shown
//! only with its own key; one that is in use is never written over; a file that cannot be used leaves the one in use in use.

mod file;
mod first;
mod renewal;

pub use first::{FIRST_FILE, NEXT_FILE};
pub(crate) use renewal::Renewal;

use crate::server_key::ServerKey;
use chrono::{DateTime, Utc};
use file::Loaded;
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, ring},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use thiserror::Error;
use vitals::wire::{announced::Fingerprint, sealed::Sealed};

/// Longest a handshake may take: three round trips over a bad mobile line.
pub(crate) const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

/// Most handshakes under way at once on each worker, below the connections there may be: whoever connects and says nothing holds
/// a place for as long as a handshake may take. The limit is for memory; a worker computes one handshake after the other.
pub(crate) const HANDSHAKES_MAX: usize = 8_192;

/// How often to look whether a certificate's file has changed.
pub(crate) const LOOK_AGAIN_EVERY: Duration = Duration::from_secs(60);

/// Which certificate the service shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// Where it comes from.
    pub certificate: CertificateSource,
    /// Names it must be good for; the service's own certificate is made for them.
    pub names: Vec<String>,
    /// Whether TLS 1.2 is spoken too.
    pub allow_tls_1_2: bool,
}

/// Where the certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateSource {
    /// The service makes one at its first start.
    FirstRun,
    /// Files that somebody else writes.
    Files {
        /// The certificate and those between it and its authority, as PEM.
        certificate: PathBuf,
        /// Its key, as PEM.
        key: PathBuf,
        /// The certificate that will follow, as PEM, so that hubs can be told of it.
        next: Option<PathBuf>,
    },
}

/// Why there is no certificate to show.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file could not be read or written.
    #[error("use {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A file is not PEM, or there is nothing in it.
    #[error("read {}: want {want} in PEM form", path.display())]
    NotPem {
        /// Which file.
        path: PathBuf,
        /// What should be in it.
        want: &'static str,
    },
    /// The key is another certificate's, or none that can be used.
    #[error("use the key in {}: it is not the key of the certificate", path.display())]
    OtherKey {
        /// Where the key is.
        path: PathBuf,
        /// What rustls says.
        #[source]
        cause: rustls::Error,
    },
    /// Its time is over, or has not begun.
    #[error("use the certificate in {}: {why}", path.display())]
    NotInTime {
        /// Where it is.
        path: PathBuf,
        /// Which, with the moment.
        why: String,
    },
    /// It is not good for a name of the settings.
    #[error("use the certificate in {}: it is not good for the name {name}", path.display())]
    OtherName {
        /// Where it is.
        path: PathBuf,
        /// The name.
        name: String,
    },
    /// A text cannot be a name in a certificate.
    #[error("make a certificate for the name {0}: want a host name or an address")]
    NoName(String),
    /// It could not be made.
    #[error("make a certificate")]
    Make(#[source] rcgen::Error),
    /// There is one that will follow already.
    #[error("make the next certificate: there is one in {} already", .0.display())]
    NextIsThere(PathBuf),
    /// There is none that could follow.
    #[error("show the next certificate: there is none in {}", .0.display())]
    NoNext(PathBuf),
    /// The settings name files, which somebody else writes.
    #[error(
        "make the next certificate: the settings name files of your own; name the one that follows as next_certificate"
    )]
    NotOurs,
    /// rustls does not take our settings; cannot happen.
    #[error("set up TLS")]
    Rustls(#[from] rustls::Error),
}

/// The service's TLS.
pub struct Tls {
    settings: TlsSettings,
    folder: PathBuf,
    shown: Arc<Shown>,
}

/// Debug shows which certificate, and nothing of its key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tls({})", self.fingerprint())
    }
}

/// What is shown to whoever connects.
struct Shown(RwLock<InUse>);

#[derive(Clone)]
struct InUse {
    loaded: Loaded,
    next: Option<Fingerprint>,
    /// Why the next one could not be read: then hubs are not told of it, and the one in use is shown all the same.
    next_unread: Option<Arc<TlsError>>,
}

impl Shown {
    fn get(&self) -> InUse {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shown({})", self.get().loaded.fingerprint)
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).loaded.certified.clone())
    }
}

impl Tls {
    /// The certificate of these settings, made where the service is to make it and has none yet.
    ///
    /// # Errors
    /// [`TlsError`] where there is none that can be shown.
    pub fn open(settings: TlsSettings, folder: &Path, at: DateTime<Utc>) -> Result<Self, TlsError> {
        if settings.certificate == CertificateSource::FirstRun {
            first::make_unless_there(folder, &settings.names, at)?;
        }
        let in_use = load(&settings, folder, at)?;
        Ok(Self { settings, folder: folder.to_owned(), shown: Arc::new(Shown(RwLock::new(in_use))) })
    }

    /// The fingerprint of the certificate that is shown.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.shown.get().loaded.fingerprint
    }

    /// The fingerprint of the one that will follow.
    #[must_use]
    pub fn next_fingerprint(&self) -> Option<Fingerprint> {
        self.shown.get().next
    }

    /// Why hubs are not told of the next certificate, where there should be one and it cannot be read.
    pub(crate) fn next_unread(&self) -> Option<Arc<TlsError>> {
        self.shown.get().next_unread
    }

    /// What hubs are told of the certificates, signed.
    #[must_use]
    pub fn announcement(&self, key: &ServerKey) -> Sealed {
        let InUse { loaded, next, .. } = self.shown.get();
        key.certificates(&loaded.fingerprint, next.as_ref())
    }

    /// Looks whether the files have changed, and shows what is in them. True where something did.
    ///
    /// # Errors
    /// [`TlsError`] where they cannot be used; what was shown before is shown on.
    pub fn look_again(&self, at: DateTime<Utc>) -> Result<bool, TlsError> {
        let (new, before) = (load(&self.settings, &self.folder, at)?, self.shown.get());
        let is_new = new.next != before.next || new.loaded.certified.cert != before.loaded.certified.cert;
        *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(is_new)
    }

    /// What the listener speaks.
    ///
    /// # Errors
    /// [`TlsError::Rustls`]; cannot happen.
    pub fn server_config(&self) -> Result<ServerConfig, TlsError> {
        let versions = if self.settings.allow_tls_1_2 { &[&TLS13, &TLS12][..] } else { &[&TLS13][..] };
        let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(versions)?;
        Ok(builder.with_no_client_auth().with_cert_resolver(self.shown.clone()))
    }
}

fn load(settings: &TlsSettings, folder: &Path, at: DateTime<Utc>) -> Result<InUse, TlsError> {
    let (loaded, next) = match &settings.certificate {
        CertificateSource::FirstRun => {
            let loaded = file::load(&folder.join(FIRST_FILE), &folder.join(FIRST_FILE))?;
            (loaded, file::fingerprint_if_there(&folder.join(NEXT_FILE)))
        }
        CertificateSource::Files { certificate, key, next } => {
            let loaded = file::load(certificate, key)?;
            file::check(certificate, &loaded.certified.cert, &settings.names, at)?;
            // On the day it takes the other's place it is there no more: that is no error.
            (loaded, next.as_deref().map_or(Ok(None), file::fingerprint_if_there))
        }
    };
    // Hubs are sent away by no certificate in use; one that is to follow can wait until somebody has looked after it.
    let (next, next_unread) = match next {
        Ok(next) => (next, None),
        Err(error) => (None, Some(Arc::new(error))),
    };
    Ok(InUse { loaded, next, next_unread })
}

/// Makes the certificate that will follow the service's own, so that hubs can be told of it.
///
/// # Errors
/// [`TlsError`] where there is one already, or the settings name files.
pub fn make_next(settings: &TlsSettings, folder: &Path, at: DateTime<Utc>) -> Result<Fingerprint, TlsError> {
    match settings.certificate {
        CertificateSource::FirstRun => first::make_next(folder, &settings.names, at),
        CertificateSource::Files { .. } => Err(TlsError::NotOurs),
    }
}

/// Has the next certificate take the place of the service's own. A service that runs shows it within
/// a minute.
///
/// # Errors
/// [`TlsError`] where there is none.
pub fn use_next(settings: &TlsSettings, folder: &Path) -> Result<Fingerprint, TlsError> {
    match settings.certificate {
        CertificateSource::FirstRun => first::use_next(folder),
        CertificateSource::Files { .. } => Err(TlsError::NotOurs),
    }
}

/// The one provider of cryptography: nothing depends on which one a process has set.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

#[cfg(test)]
mod tests;
