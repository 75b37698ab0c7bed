//! Follows the service when its key or its certificate is followed by another.
//!
//! Invariants: a key counts only by the word of the key before it, back to the one in the settings; once the service has signed
//! with a newer key, the older ones count no more; what is known is on the disk before anything is made of it.

use crate::{
    config::ServiceKey,
    disk::{Disk, DiskError},
    tls::Pins,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::sync::{Arc, Mutex, PoisonError};
use vitals::wire::{
    announced::{Certificates, Fingerprint, NEXT_KEYS_MAX, NextKey},
    sealed::{Sealed, SealedFor, key_id},
};

/// Whom the hub follows.
pub(super) struct Followed {
    disk: Arc<dyn Disk>,
    /// The key that counts now, and the note it is kept in; none where the settings have none.
    key: Option<(Mutex<ServiceKey>, String)>,
    pins: Option<(Arc<Pins>, PinNotes)>,
}

/// The notes in which certificates are kept. They are named after what the settings say, so that other settings start anew.
#[derive(Clone)]
struct PinNotes {
    in_use: String,
    next: String,
}

/// How the names of notes begin of whom a hub follows.
const NOTES: [&str; 3] = ["service-key.", "certificate.", "next-certificate."];

/// Whether a note is of whom a hub followed: with an enrolment they count no more.
pub(super) fn is_note(name: &str) -> bool {
    NOTES.iter().any(|note| name.starts_with(note))
}

impl Followed {
    /// Whom these settings name, or who followed them since.
    ///
    /// # Errors
    /// [`DiskError`] where a note cannot be read.
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        key: Option<ServiceKey>,
        pins: Option<Arc<Pins>>,
    ) -> Result<Self, DiskError> {
        let [of_key, of_certificate, of_next] = NOTES;
        let key = match key {
            None => None,
            Some(of_settings) => {
                let note = format!("{of_key}{}", key_id(of_settings.bytes()));
                let followed = disk.read_note(&note)?.and_then(|text| ServiceKey::parse(&text).ok());
                Some((Mutex::new(followed.unwrap_or(of_settings)), note))
            }
        };
        let pins = match pins.and_then(|pins| Some((pins.of_settings()?, pins))) {
            None => None,
            Some((name, pins)) => {
                let notes = PinNotes { in_use: format!("{of_certificate}{name}"), next: format!("{of_next}{name}") };
                let read = |note: &str| -> Result<Option<Fingerprint>, DiskError> {
                    Ok(disk.read_note(note)?.and_then(|text| Fingerprint::parse(&text).ok()))
                };
                if let Some(in_use) = read(&notes.in_use)? {
                    pins.know(crate::tls::Changed { in_use, next: read(&notes.next)?.filter(|next| *next != in_use) });
                }
                Some((pins, notes))
            }
        };
        Ok(Self { disk, key, pins })
    }

    /// Whether the settings name the service's key.
    pub(super) fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// The keys that count: the one that counted last, and those that followed it by these statements. Empty where the settings
    /// name none.
    pub(super) fn keys(&self, statements: &[Sealed]) -> Vec<ServiceKey> {
        let Some((key, _)) = &self.key else { return Vec::new() };
        let key = key.lock().unwrap_or_else(PoisonError::into_inner).clone();
        line(key, statements, ServiceKey::signed)
    }

    /// The service has signed with this key: those before it count no more.
    ///
    /// # Errors
    /// [`DiskError`] where that cannot be kept; then nothing has changed.
    pub(super) async fn signed_with(&self, new: &ServiceKey) -> Result<bool, DiskError> {
        let Some((key, note)) = &self.key else { return Ok(false) };
        if key.lock().unwrap_or_else(PoisonError::into_inner).bytes() == new.bytes() {
            return Ok(false);
        }
        self.write(note.clone(), STANDARD.encode(new.bytes())).await?;
        *key.lock().unwrap_or_else(PoisonError::into_inner) = new.clone();
        Ok(true)
    }

    /// Takes the service's word on its certificates, signed with one of these keys.
    ///
    /// # Errors
    /// [`DiskError`] where it cannot be kept; then nothing has changed.
    pub(super) async fn take_certificates(
        &self,
        sealed: Option<&Sealed>,
        keys: &[ServiceKey],
    ) -> Result<bool, DiskError> {
        let (Some(sealed), Some((pins, notes))) = (sealed, &self.pins) else { return Ok(false) };
        let changed = certificates(sealed, keys).and_then(|announced| pins.changed_by(&announced));
        let Some(changed) = changed else { return Ok(false) };
        // The one in use first: a cut between the two leaves it and one that was known before.
        self.write(notes.in_use.clone(), changed.in_use.to_string()).await?;
        let next = changed.next.map_or_else(String::new, |next| next.to_string());
        self.write(notes.next.clone(), next).await?;
        pins.know(changed);
        Ok(true)
    }

    /// Writes a note where no other task has to wait for it.
    async fn write(&self, note: String, text: String) -> Result<(), DiskError> {
        let (disk, name) = (Arc::clone(&self.disk), note.clone());
        let written = tokio::task::spawn_blocking(move || disk.write_note(&note, &text)).await;
        written.unwrap_or_else(|gone| Err(DiskError::WriteNote { name, source: std::io::Error::other(gone) }))
    }
}

/// How a signature is judged.
type Judge = fn(&ServiceKey, &[u8], &[u8]) -> bool;

/// A key and those that followed it, each by the word of the one before.
fn line(key: ServiceKey, statements: &[Sealed], is_signed: Judge) -> Vec<ServiceKey> {
    let mut keys = vec![key];
    for sealed in statements.iter().take(NEXT_KEYS_MAX) {
        if let Some(next) = keys.last().and_then(|newest| next_of(newest, sealed, is_signed)) {
            keys.push(next);
        }
    }
    keys
}

fn next_of(newest: &ServiceKey, sealed: &Sealed, is_signed: Judge) -> Option<ServiceKey> {
    let (document, signature) = opened(sealed)?;
    let NextKey { key, next, .. } = serde_json::from_slice(&document).ok()?;
    let is_of_newest = STANDARD.decode(key).ok()? == newest.bytes();
    (is_of_newest && is_signed(newest, &SealedFor::NextKey.to_sign(&document), &signature))
        .then(|| ServiceKey::parse(&next).ok())
        .flatten()
}

fn certificates(sealed: &Sealed, keys: &[ServiceKey]) -> Option<Certificates> {
    let (document, signature) = opened(sealed)?;
    let to_sign = SealedFor::Certificates.to_sign(&document);
    keys.iter().any(|key| key.signed(&to_sign, &signature)).then(|| serde_json::from_slice(&document).ok()).flatten()
}

fn opened(sealed: &Sealed) -> Option<(Vec<u8>, Vec<u8>)> {
    Some((STANDARD.decode(&sealed.document).ok()?, STANDARD.decode(&sealed.signature).ok()?))
}

#[cfg(test)]
#[path = "follow_tests.rs"]
mod tests;
