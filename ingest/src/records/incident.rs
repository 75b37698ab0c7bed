//! What the service knew and did for one person between two times, signed: for whoever looks into what happened.
//!
//! Invariants: it holds the entries of that time whole, with who did what; what was in force when it began is the newest
//! version of each thing written before; whoever has the service's public key can tell that nothing of it was changed, and
//! whoever has its store, that its entries are those of the record.

use super::{NotGiven, PAGE};
use crate::{
    access::Access,
    server_key::ServerKey,
    store::{NoLonger, RecordEntry, SignedRoot, Store, WholeRecord},
};
use chrono::{DateTime, Utc};
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::{Map, Value, json};
use vitals::{PatientId, hex, wire::sealed::SealedFor};

/// The form of the document.
const FORM: &str = "derwent-incident-1";

/// Most entries in one bundle: a month of somebody who is measured every five minutes.
const ENTRIES_MAX: usize = 10_000;

/// From when until when; the end is not within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Between {
    /// From when.
    pub from: DateTime<Utc>,
    /// Until when.
    pub until: DateTime<Utc>,
}

impl Between {
    fn has(&self, at: DateTime<Utc>) -> bool {
        self.from <= at && at < self.until
    }
}

/// Puts it together and signs it: one line of JSON.
///
/// # Errors
/// [`NotGiven`] where it cannot be read, or is too much.
pub async fn bundle(
    store: &dyn Store,
    who: &Access,
    key: &ServerKey,
    (patient, between): (&PatientId, Between),
    at: DateTime<Utc>,
) -> Result<String, NotGiven> {
    let Some(WholeRecord { alerts, notifications, timers, roots, .. }) = store.whole_record(who, patient).await? else {
        return Err(NotGiven::Nobody);
    };
    let (mut entries, mut in_force) = (Vec::new(), Map::new());
    let (mut before, mut last_before, mut no_longer) = (None, None, NoLonger::default());
    loop {
        let (page, next) = store.entries_of(who, patient, before, PAGE).await?;
        let is_over = page.is_empty() || next.is_none();
        for mut entry in page {
            no_longer.mark(&mut entry);
            if between.has(entry.at) {
                if entries.len() == ENTRIES_MAX {
                    return Err(NotGiven::TooMuch { max: ENTRIES_MAX });
                }
                entries.push(entry);
            } else if entry.at < between.from {
                take_versions(&mut in_force, &entry);
                last_before.get_or_insert((entry.entry, entry.n, entry.head));
            }
        }
        if is_over {
            break;
        }
        before = next;
    }
    entries.reverse();
    let happened: Vec<_> = alerts.iter().filter(|alert| is_of(&entries, &alert.id.to_string())).collect();
    let told: Vec<_> =
        notifications.iter().filter(|one| happened.iter().any(|alert| alert.id == one.job.alert)).collect();
    let bundle = json!({
        "form": FORM,
        "person": patient,
        "from": between.from,
        "until": between.until,
        "at": at,
        "entry_before": last_before.map(|(entry, n, head)| json!({ "entry": entry, "n": n, "head": head })),
        "in_force": in_force,
        "roots": roots_around(&roots, &entries),
        "alerts": happened,
        "notifications": told,
        "timers_running": timers,
        "entries": entries,
    });
    let document = serde_json::to_vec(&bundle)?;
    let signature = hex::encode(&key.sign(SealedFor::Incident, &document));
    Ok(serde_json::to_string(&json!({ "bundle": bundle, "key": hex::encode(&key.public()), "signature": signature }))?)
}

/// The newest version of each thing, as entries are read from the newest back: whoever is first stays.
fn take_versions(in_force: &mut Map<String, Value>, entry: &RecordEntry) {
    for thing in entry.told.iter().rev().filter(|thing| thing.kind == "item-written") {
        let Some(item) = thing.what.pointer("/written/item").and_then(Value::as_object) else { continue };
        for (kind, item) in item {
            let id = item.get("id").and_then(Value::as_str).unwrap_or_default();
            let written = json!({ "entry": entry.entry, "at": entry.at, "written": thing.what.get("written") });
            in_force.entry(format!("{kind} {id}")).or_insert(written);
        }
    }
}

/// Whether the entries tell of this alert.
fn is_of(entries: &[RecordEntry], alert: &str) -> bool {
    let things = entries.iter().flat_map(|entry| &entry.told);
    things.filter_map(|thing| thing.what.as_str()).any(|what| what == alert)
}

/// The newest root before the entries, and the first that covers them all.
fn roots_around(roots: &[SignedRoot], entries: &[RecordEntry]) -> Vec<String> {
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Vec::new() };
    let before = roots.iter().rev().find(|root| root.entries < first.entry);
    let after = roots.iter().find(|root| root.entries >= last.entry);
    before.into_iter().chain(after).map(ToString::to_string).collect()
}

/// What is wrong with a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotABundle {
    /// It is none, or not whole.
    #[error("check an incident bundle: this is none, or part of one")]
    Form,
    /// The signature does not fit.
    #[error("check an incident bundle: the signature does not fit, so it was changed or is another service's")]
    Signature,
    /// Entries are missing, or are not in their order.
    #[error("check an incident bundle: entries are missing from it, or are not in their order")]
    Entries,
}

/// Checks a bundle with the public key of the service: how many entries it has.
///
/// # Errors
/// [`NotABundle`] says what is wrong.
pub fn check(text: &str, key: &[u8; 32]) -> Result<usize, NotABundle> {
    let sealed: Value = serde_json::from_str(text).map_err(|_not_json| NotABundle::Form)?;
    let bundle = sealed.get("bundle").ok_or(NotABundle::Form)?;
    let document = serde_json::to_vec(bundle).map_err(|_never| NotABundle::Form)?;
    let signature = sealed.get("signature").and_then(Value::as_str).ok_or(NotABundle::Form)?;
    let signature: [u8; 64] = hex::decode_array(signature).map_err(|_not_hex| NotABundle::Form)?;
    let bytes = SealedFor::Incident.to_sign(&document);
    let fits = VerifyingKey::from_bytes(key)
        .is_ok_and(|key| key.verify_strict(&bytes, &Signature::from_bytes(&signature)).is_ok());
    if !fits {
        return Err(NotABundle::Signature);
    }
    let entries = bundle.get("entries").and_then(Value::as_array).ok_or(NotABundle::Form)?;
    let number = |entry: &Value| entry.get("n").and_then(Value::as_u64);
    let first = bundle.pointer("/entry_before/n").and_then(Value::as_u64).unwrap_or(0) + 1;
    let are_whole = entries.iter().zip(first..).all(|(entry, n)| number(entry) == Some(n));
    if are_whole { Ok(entries.len()) } else { Err(NotABundle::Entries) }
}
