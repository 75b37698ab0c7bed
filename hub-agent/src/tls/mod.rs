//! TLS to the service, and by what the hub knows that it is the service.
//!
//! Invariants: nothing is sent before the certificate is known and has signed this very handshake; there is no way back to a
//! line without TLS; every connection is judged anew (no session is resumed), so that a certificate that counts no more is met
//! with the next one.

mod pins;

pub(crate) use pins::Changed;
pub use pins::Pins;

use crate::{clock::Clock, config::Server, net::ByteStream};
use rustls::{
    CertificateError, ClientConfig, Error, RootCertStore,
    client::{Resumption, danger::ServerCertVerifier},
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, ServerName, UnixTime},
    time_provider::TimeProvider,
    version::TLS13,
};
use std::{fmt, io, sync::Arc, time::Duration};
use tokio_rustls::TlsConnector;
use vitals::wire::announced::{Fingerprint, FingerprintStart};

/// Most fingerprints in the settings: the one in use, the one that will follow, and room for two services that take turns.
pub const FINGERPRINTS_MAX: usize = 4;

/// By what the hub knows the service.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum Trust {
    /// By nothing: every certificate is refused.
    #[default]
    Nobody,
    /// By the fingerprints of its certificates, at most [`FINGERPRINTS_MAX`]. Names and dates do not matter: the clock of a hub
    /// that was without power may be years behind.
    Fingerprints(Vec<Fingerprint>),
    /// By how a fingerprint begins, as somebody typed it; for an enrolment.
    Start(FingerprintStart),
    /// By an authority of these. Names and dates matter.
    Authorities(Vec<CertificateDer<'static>>),
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody => f.write_str("Nobody"),
            Self::Fingerprints(fingerprints) => f.debug_tuple("Fingerprints").field(fingerprints).finish(),
            Self::Start(start) => f.debug_tuple("Start").field(start).finish(),
            Self::Authorities(authorities) => write!(f, "Authorities({})", authorities.len()),
        }
    }
}

/// Why the service's certificate, or its way of speaking, was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTrusted {
    /// It is another than the one that is known.
    #[error(
        "know the service: it shows another certificate than the one this hub was enrolled with. Nothing was sent to it. Ask your service whether it changed its certificate; if not, somebody is on the line"
    )]
    Changed,
    /// Its time is over, by this hub's clock.
    #[error(
        "know the service: its certificate has expired, by this hub's clock. Nothing was sent to it. Check the hub's clock, then ask your service"
    )]
    Expired,
    /// Its time has not begun, by this hub's clock.
    #[error(
        "know the service: its certificate does not count yet, by this hub's clock. Nothing was sent to it. Check the hub's clock"
    )]
    NotYet,
    /// It is another machine's.
    #[error(
        "know the service: its certificate is for another name. Nothing was sent to it. Check `server` in the settings"
    )]
    OtherName,
    /// No authority that is known has signed it.
    #[error(
        "know the service: nobody this hub knows has signed its certificate. Nothing was sent to it. Check `server_ca` in the settings"
    )]
    UnknownAuthority,
    /// It speaks another version of TLS, or none.
    #[error("speak TLS 1.3 with the service: it does not. Nothing was sent to it")]
    Speech,
}

impl NotTrusted {
    /// A stable word for events.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Self::Changed => "certificate_changed",
            Self::Expired => "certificate_expired",
            Self::NotYet => "certificate_not_yet",
            Self::OtherName => "certificate_other_name",
            Self::UnknownAuthority => "certificate_unknown_authority",
            Self::Speech => "tls",
        }
    }

    /// What a failure to connect says of the service's certificate; nothing where it failed before there was one.
    pub(crate) fn of(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(error) = error.downcast_ref::<Error>() {
                return Self::of_tls(error);
            }
            // What an `io::Error` carries is not its source.
            let carried = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            if let Some(error) = carried.and_then(|carried| carried.downcast_ref::<Error>()) {
                return Self::of_tls(error);
            }
            next = error.source();
        }
        None
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "rustls adds kinds of errors with every version; all others are speech"
    )]
    fn of_tls(error: &Error) -> Option<Self> {
        Some(match error {
            Error::InvalidCertificate(error) => match error {
                CertificateError::ApplicationVerificationFailure => Self::Changed,
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYet,
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Self::OtherName,
                _ => Self::UnknownAuthority,
            },
            _ => Self::Speech,
        })
    }
}

/// The hub's clock, as TLS asks for it.
struct HubTime(Arc<dyn Clock>);

impl fmt::Debug for HubTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HubTime")
    }
}

impl TimeProvider for HubTime {
    fn current_time(&self) -> Option<UnixTime> {
        let secs = u64::try_from(self.0.now().timestamp()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(secs)))
    }
}

/// TLS over the connections of a hub.
#[derive(Clone)]
pub(crate) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
    pins: Option<Arc<Pins>>,
}

impl Tls {
    /// TLS to a server; none where its address asks for none.
    ///
    /// # Errors
    /// What rustls says of an authority or of a name.
    pub(crate) fn to(server: &Server, clock: Arc<dyn Clock>) -> io::Result<Option<Self>> {
        if !server.has_tls() {
            return Ok(None);
        }
        let provider = Arc::new(ring::default_provider());
        let name = ServerName::try_from(server.host().to_owned()).map_err(io::Error::other)?;
        let (verifier, pins) = verifier(server.trust(), &provider)?;
        let builder = ClientConfig::builder_with_details(provider, Arc::new(HubTime(clock)));
        let builder = builder.with_protocol_versions(&[&TLS13]).map_err(io::Error::other)?;
        let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
        config.resumption = Resumption::disabled();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Some(Self { connector: TlsConnector::from(Arc::new(config)), name, pins }))
    }

    /// The certificates that are known, where it is by their fingerprints.
    pub(crate) fn pins(&self) -> Option<&Arc<Pins>> {
        self.pins.as_ref()
    }

    /// Speaks TLS over a stream. The caller limits the time.
    pub(crate) async fn over(&self, stream: Box<dyn ByteStream>) -> io::Result<Box<dyn ByteStream>> {
        Ok(Box::new(self.connector.connect(self.name.clone(), stream).await?))
    }
}

type Verifier = (Arc<dyn ServerCertVerifier>, Option<Arc<Pins>>);

fn verifier(trust: &Trust, provider: &Arc<CryptoProvider>) -> io::Result<Verifier> {
    let pins = match trust {
        Trust::Authorities(authorities) => {
            let mut roots = RootCertStore::empty();
            for authority in authorities {
                roots.add(authority.clone()).map_err(io::Error::other)?;
            }
            let verifier =
                rustls::client::WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
            return Ok((verifier.build().map_err(io::Error::other)?, None));
        }
        Trust::Nobody => Pins::new(Vec::new(), None),
        Trust::Fingerprints(fingerprints) => Pins::new(fingerprints.clone(), None),
        Trust::Start(start) => Pins::new(Vec::new(), Some(start.clone())),
    };
    let pins = Arc::new(pins);
    Ok((pins::verifier(Arc::clone(&pins), provider), Some(pins)))
}

#[cfg(test)]
mod tests;
