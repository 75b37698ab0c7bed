//! The certificates a hub knows by their fingerprints, and the check that one of them signed this handshake.

use rustls::{
    CertificateError, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use sha2::{Digest, Sha256};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use vitals::wire::announced::{Certificates, Fingerprint, FingerprintStart};

/// Digits of a digest that tell one hub's settings apart.
const SETTINGS_DIGITS: usize = 16;

/// The certificates that are known. They change when the service announces another.
#[derive(Debug)]
pub struct Pins(Mutex<Known>);

#[derive(Debug)]
struct Known {
    /// The one that is followed, and the one that will follow it.
    trusted: Vec<Fingerprint>,
    /// What the settings name beside the first: services that take turns, or a next one that somebody typed. They count for as
    /// long as the settings name them.
    beside: Vec<Fingerprint>,
    start: Option<FingerprintStart>,
    seen: Option<Fingerprint>,
}

/// What an announcement changes: the one in use, and the one that will follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) in_use: Fingerprint,
    pub(crate) next: Option<Fingerprint>,
}

impl Pins {
    /// These fingerprints, or whatever begins so.
    pub(crate) fn new(mut of_settings: Vec<Fingerprint>, start: Option<FingerprintStart>) -> Self {
        let beside = of_settings.split_off(of_settings.len().min(1));
        Self(Mutex::new(Known { trusted: of_settings, beside, start, seen: None }))
    }

    /// What tells these settings from others, as long as nothing was followed yet; none where they name no fingerprint.
    pub(crate) fn of_settings(&self) -> Option<String> {
        let known = self.lock();
        known.trusted.first()?;
        let all: String = known.trusted.iter().chain(&known.beside).map(ToString::to_string).collect();
        let name = Fingerprint::of(Sha256::digest(all).into()).to_string();
        Some(name.chars().take(SETTINGS_DIGITS).collect())
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The certificate of the last connection.
    #[must_use]
    pub fn seen(&self) -> Option<Fingerprint> {
        self.lock().seen
    }

    /// Follows these from now on, and no others but what the settings name beside the first.
    pub(crate) fn know(&self, Changed { in_use, next }: Changed) {
        self.lock().trusted = std::iter::once(in_use).chain(next).collect();
    }

    /// What an announcement changes, if anything. It counts only where the certificate in use is one that is known: the service
    /// may name the next one, and cannot, by a slip, send its hubs away.
    pub(crate) fn changed_by(&self, announced: &Certificates) -> Option<Changed> {
        let in_use = Fingerprint::parse(&announced.in_use).ok()?;
        let next = announced.next.as_deref().map(Fingerprint::parse).transpose().ok()?;
        let known = self.lock();
        // A service of which the settings say that it takes turns with another sends nobody away by being there.
        let is_beside = known.beside.contains(&in_use) && next.is_some();
        if !known.trusted.contains(&in_use) && !is_beside {
            return None;
        }
        let is_new = known.trusted.first() != Some(&in_use)
            || next.is_some_and(|next| known.trusted.get(1..) != Some([next].as_slice()));
        is_new.then_some(Changed { in_use, next })
    }

    fn judge(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        let fingerprint = Fingerprint::of(Sha256::digest(certificate).into());
        let mut known = self.lock();
        let begins_so = known.start.as_ref().is_some_and(|start| start.fits(&fingerprint));
        if begins_so || known.trusted.contains(&fingerprint) || known.beside.contains(&fingerprint) {
            known.seen = Some(fingerprint);
            Ok(())
        } else {
            Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }
}

/// A verifier that knows these certificates.
pub(super) fn verifier(pins: Arc<Pins>, provider: &CryptoProvider) -> Arc<dyn ServerCertVerifier> {
    Arc::new(ByPins { pins, algorithms: provider.signature_verification_algorithms })
}

#[derive(Debug)]
struct ByPins {
    pins: Arc<Pins>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for ByPins {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.pins.judge(end_entity).map(|()| ServerCertVerified::assertion())
    }

    // Whoever has seen the certificate has it; only the service has its key.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(byte: u8) -> Fingerprint {
        Fingerprint::of([byte; 32])
    }

    #[test]
    fn a_service_that_takes_turns_with_another_sends_nobody_away() {
        let pins = Pins::new(vec![print(1), print(5)], None);
        let says = |in_use: u8, next: Option<u8>| {
            let (in_use, next) = (print(in_use).to_string(), next.map(|next| print(next).to_string()));
            let changed = pins.changed_by(&Certificates { in_use, next });
            changed.into_iter().for_each(|changed| pins.know(changed));
            let known = pins.lock();
            [1, 2, 5, 6].map(|byte| known.trusted.contains(&print(byte)) || known.beside.contains(&print(byte)))
        };
        assert_eq!(says(5, None), [true, false, true, false], "the other one is there");
        assert_eq!(says(1, Some(2)), [true, true, true, false], "the first announces its next");
        assert_eq!(says(2, None), [false, true, true, false], "and uses it");
        assert_eq!(says(5, Some(6)), [false, false, true, true], "the hub follows the one that goes on");
        let [one, other] = [vec![print(1)], vec![print(1), print(5)]].map(|all| Pins::new(all, None).of_settings());
        assert!(one.is_some() && one != other, "other settings start anew");
    }

    #[test]
    fn an_announcement_is_followed_step_by_step_and_never_away_from_what_is_known() {
        let pins = Pins::new(vec![print(1)], None);
        let says = |in_use: u8, next: Option<u8>| {
            let (in_use, next) = (print(in_use).to_string(), next.map(|next| print(next).to_string()));
            pins.changed_by(&Certificates { in_use, next })
        };
        assert_eq!(says(1, None), None, "nothing new");
        assert_eq!(says(9, None), None, "a certificate that is not known is not the one in use");
        assert_eq!(says(9, Some(1)), None);
        let next = Changed { in_use: print(1), next: Some(print(2)) };
        assert_eq!(says(1, Some(2)), Some(next));
        pins.know(next);
        assert_eq!(says(1, Some(2)), None, "the same again");
        assert_eq!(says(1, Some(3)), Some(Changed { next: Some(print(3)), ..next }), "the next one was lost");
        let used = Changed { in_use: print(2), next: None };
        assert_eq!(says(2, None), Some(used));
        pins.know(used);
        assert_eq!(says(1, None), None, "the old one is known no more");
        let no_print = Certificates { in_use: "?".to_owned(), next: None };
        assert_eq!(pins.changed_by(&no_print), None);
    }
}
