//! The receipt: what became of each reading, in the order sent.
//!
//! Invariant: a reading that is not stored never gets a line that lets the hub let go of it.

use super::batches::{Places, REFUSED_SLICE, SLICES_BEFORE_READINGS};
use crate::store::{ApplyError, Committed, Outcome, ReadingOutcome};
use chrono::{DateTime, Utc};
use rules::Verdict;
use std::collections::BTreeMap;
use vitals::{ErrorCode, hex, wire::v1};

/// Writes the receipt of a batch from what its slices came to.
pub(super) fn write(
    places: Places,
    outcomes: &[Result<Committed<Outcome>, ApplyError>],
    at: DateTime<Utc>,
) -> v1::Receipt {
    let mut lines: BTreeMap<usize, v1::ReceiptLine> = BTreeMap::new();
    // What was refused is settled only once it is kept with its reason.
    if outcomes.get(REFUSED_SLICE).is_some_and(Result::is_ok) {
        for (place, code) in places.refused {
            lines.insert(place, coded(v1::Outcome::Rejected, code));
        }
    }
    for (of_slice, outcome) in places.of_slices.iter().zip(outcomes.iter().skip(SLICES_BEFORE_READINGS)) {
        let Ok(outcome) = outcome else { continue };
        let chain_head = outcome.get().chain_head.map(|head| hex::encode(&head));
        for (place, reading) in of_slice.iter().zip(&outcome.get().readings) {
            lines.insert(*place, v1::ReceiptLine { chain_head: chain_head.clone(), ..line(reading) });
        }
    }
    let lines = places.ids.into_iter().enumerate().map(|(place, id)| {
        let line = lines.remove(&place).unwrap_or_else(|| coded(v1::Outcome::Rejected, ErrorCode::ReadingNotStored));
        v1::ReceiptLine { position: place, id, ..line }
    });
    v1::Receipt { received_at: v1::moment(at), readings: lines.collect() }
}

fn plain(outcome: v1::Outcome) -> v1::ReceiptLine {
    v1::ReceiptLine {
        position: 0,
        id: String::new(),
        outcome,
        code: None,
        message: None,
        verdict: None,
        prompts: Vec::new(),
        chain_head: None,
    }
}

fn coded(outcome: v1::Outcome, code: ErrorCode) -> v1::ReceiptLine {
    v1::ReceiptLine { code: Some(code.code().to_owned()), message: Some(code.sentence()), ..plain(outcome) }
}

fn judged(outcome: v1::Outcome, verdict: &Verdict) -> v1::ReceiptLine {
    let (verdict, prompts) = match verdict {
        Verdict::Evaluated { late, alerts, prompts } => (
            v1::Verdict::Evaluated { late: *late, alerts: alerts.iter().map(ToString::to_string).collect() },
            prompts.clone(),
        ),
        Verdict::Unevaluated { reason } => (v1::Verdict::Unevaluated { reason: reason.clone() }, Vec::new()),
    };
    v1::ReceiptLine { verdict: Some(verdict), prompts, ..plain(outcome) }
}

fn line(reading: &ReadingOutcome) -> v1::ReceiptLine {
    match reading {
        ReadingOutcome::Stored { verdict, .. } => judged(v1::Outcome::Stored, verdict),
        ReadingOutcome::Duplicate { verdict: Some(verdict), .. } => judged(v1::Outcome::Duplicate, verdict),
        ReadingOutcome::Duplicate { verdict: None, .. } => plain(v1::Outcome::Duplicate),
        ReadingOutcome::Unassigned { .. } => plain(v1::Outcome::Unassigned),
        ReadingOutcome::Conflict { .. } => coded(v1::Outcome::Conflict, ErrorCode::ReadingConflict),
    }
}
