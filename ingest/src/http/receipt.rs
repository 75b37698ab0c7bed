//! The receipt: what became of each reading, in the order sent. Written straight from what the store answered, as
//! [`v1::Receipt`] is written.
//!
//! Invariants: a reading that is not stored never gets a line that lets the hub go of it; nothing is said to a person who
//! has died, moved away or is in hospital, whatever the rules would have asked of them.

use super::batches::{Places, REFUSED_SLICE, SLICES_BEFORE_READINGS};
use crate::store::{ApplyError, Committed, Outcome, ReadingOutcome, Witness};
use chrono::{DateTime, Utc};
use rules::Verdict;
use serde::{Serialize, Serializer};
use vitals::{AlertId, ErrorCode, PatientId, wire::v1};

/// Room for a usual line; longer ones grow.
const LINE_BYTES: usize = 256;

/// Writes the receipt of a batch from what its slices came to, as JSON.
///
/// # Errors
/// [`ErrorCode::Internal`] where it cannot be written as JSON; cannot happen.
pub fn write(
    places: &Places<'_>,
    outcomes: &[Result<Committed<Outcome>, ApplyError>],
    may_be_told: impl Fn(&PatientId) -> bool,
    at: DateTime<Utc>,
) -> Result<Vec<u8>, ErrorCode> {
    let committed: Vec<Option<&Outcome>> =
        outcomes.iter().map(|outcome| outcome.as_ref().ok().map(Committed::get)).collect();
    let receipt = Receipt { received_at: v1::moment(at), readings: lines(places, &committed, may_be_told) };
    let mut json = Vec::with_capacity(LINE_BYTES * (1 + receipt.readings.len()));
    serde_json::to_writer(&mut json, &receipt).map_err(|_never| ErrorCode::Internal)?;
    Ok(json)
}

/// As [`v1::Receipt`].
#[derive(Serialize)]
struct Receipt<'a> {
    received_at: String,
    readings: Vec<Line<'a>>,
}

/// As [`v1::ReceiptLine`].
#[derive(Serialize)]
struct Line<'a> {
    position: usize,
    id: &'a str,
    outcome: v1::Outcome,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "code")]
    code: Option<ErrorCode>,
    /// The sentence of the same code.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "sentence")]
    message: Option<ErrorCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<LineVerdict<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    prompts: &'a [v1::Prompt],
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "head")]
    chain_head: Option<Witness>,
}

/// As [`v1::Verdict`].
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum LineVerdict<'a> {
    Evaluated { late: bool, alerts: &'a [AlertId] },
    Unevaluated { reason: &'a str },
}

fn code<S: Serializer>(code: &Option<ErrorCode>, serializer: S) -> Result<S::Ok, S::Error> {
    code.map(ErrorCode::code).serialize(serializer)
}

fn sentence<S: Serializer>(code: &Option<ErrorCode>, serializer: S) -> Result<S::Ok, S::Error> {
    code.map(ErrorCode::sentence).serialize(serializer)
}

fn head<S: Serializer>(head: &Option<Witness>, serializer: S) -> Result<S::Ok, S::Error> {
    match head {
        Some(head) => serializer.collect_str(head),
        None => serializer.serialize_none(),
    }
}

/// A line for each reading: until an answer says otherwise, it was not stored.
fn lines<'a>(
    places: &'a Places<'_>,
    outcomes: &[Option<&'a Outcome>],
    may_be_told: impl Fn(&PatientId) -> bool,
) -> Vec<Line<'a>> {
    let not_stored = |(position, id): (usize, &'a _)| {
        Line::plain(position, id, v1::Outcome::Rejected).coded(ErrorCode::ReadingNotStored)
    };
    let mut lines: Vec<Line<'a>> = places.ids.iter().map(|id| &**id).enumerate().map(not_stored).collect();
    // What was refused is settled only once it is kept with its reason.
    if outcomes.get(REFUSED_SLICE).is_some_and(Option::is_some) {
        for (place, code) in &places.refused {
            if let Some(line) = lines.get_mut(*place) {
                *line = Line::plain(line.position, line.id, v1::Outcome::Rejected).coded(*code);
            }
        }
    }
    let of_slices = places.of_slices.iter().zip(&places.people);
    for ((of_slice, person), outcome) in of_slices.zip(outcomes.iter().skip(SLICES_BEFORE_READINGS)) {
        let Some(outcome) = outcome else { continue };
        let is_told = person.as_ref().is_none_or(&may_be_told);
        for (place, reading) in of_slice.iter().zip(&outcome.readings) {
            if let Some(line) = lines.get_mut(*place) {
                *line = Line::of(line.position, line.id, reading, outcome.chain_head);
                // The one place where what a person is asked leaves the service.
                if !is_told {
                    line.prompts = &[];
                }
            }
        }
    }
    lines
}

impl<'a> Line<'a> {
    fn plain(position: usize, id: &'a str, outcome: v1::Outcome) -> Self {
        Self { position, id, outcome, code: None, message: None, verdict: None, prompts: &[], chain_head: None }
    }

    fn coded(self, code: ErrorCode) -> Self {
        Self { code: Some(code), message: Some(code), ..self }
    }

    fn judged(self, verdict: &'a Verdict) -> Self {
        let (verdict, prompts) = match verdict {
            Verdict::Evaluated { late, alerts, prompts } => {
                (LineVerdict::Evaluated { late: *late, alerts }, prompts.as_slice())
            }
            Verdict::Unevaluated { reason } => (LineVerdict::Unevaluated { reason }, &[][..]),
        };
        Self { verdict: Some(verdict), prompts, ..self }
    }

    fn of(position: usize, id: &'a str, reading: &'a ReadingOutcome, chain_head: Option<Witness>) -> Self {
        let plain = |outcome| Self { chain_head, ..Self::plain(position, id, outcome) };
        match reading {
            ReadingOutcome::Stored { verdict, .. } => plain(v1::Outcome::Stored).judged(verdict),
            ReadingOutcome::Duplicate { verdict: Some(verdict), .. } => plain(v1::Outcome::Duplicate).judged(verdict),
            ReadingOutcome::Duplicate { verdict: None, .. } => plain(v1::Outcome::Duplicate),
            ReadingOutcome::Unassigned { .. } => plain(v1::Outcome::Unassigned),
            ReadingOutcome::Erased { .. } => plain(v1::Outcome::Rejected).coded(ErrorCode::ReadingErased),
            ReadingOutcome::Conflict { .. } => plain(v1::Outcome::Conflict).coded(ErrorCode::ReadingConflict),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vitals::{
        ReadingId,
        wire::v1::{Prompt, Urgency},
    };

    fn all_outcomes() -> Outcome {
        let id = ReadingId::derive(&[b"any"]);
        let judged = Verdict::Evaluated {
            late: true,
            alerts: vec![AlertId::derive(&[b"one"]), AlertId::derive(&[b"two"])],
            prompts: vec![Prompt {
                urgency: Urgency::CheckAgain,
                text: "Sit \"still\"\nfor \u{bd} an hour.".to_owned(),
            }],
        };
        let quiet = Verdict::Evaluated { late: false, alerts: vec![], prompts: vec![] };
        let readings = vec![
            ReadingOutcome::Stored { id, verdict: judged.clone() },
            ReadingOutcome::Stored { id, verdict: quiet },
            ReadingOutcome::Stored { id, verdict: Verdict::unevaluated(ErrorCode::RulePanicked) },
            ReadingOutcome::Unassigned { id },
            ReadingOutcome::Duplicate { id, verdict: Some(judged) },
            ReadingOutcome::Duplicate { id, verdict: None },
            ReadingOutcome::Conflict { id },
        ];
        Outcome { readings, chain_head: Some(Witness { place: 42, head: [7; 16] }), ..Outcome::default() }
    }

    fn written(places: &Places<'_>, outcomes: &[Option<&Outcome>]) -> v1::Receipt {
        let lines = lines(places, outcomes, |person| person.as_str() != "pt-gone");
        let json = serde_json::to_string(&Receipt { received_at: "now".to_owned(), readings: lines }).unwrap();
        let receipt: v1::Receipt = serde_json::from_str(&json).unwrap();
        assert_eq!(json, serde_json::to_string(&receipt).unwrap(), "written as the wire's own type writes it");
        receipt
    }

    /// Every outcome there is, written byte for byte as the wire's type writes it, in the order sent.
    #[test]
    fn every_outcome_is_written_as_the_wire_has_it() {
        let (nothing, all) = (Outcome::default(), all_outcomes());
        let count = all.readings.len();
        let places = Places {
            ids: vec!["rd-\n"; count + 2].into_iter().map(Into::into).collect(),
            refused: [(0, ErrorCode::UnitNotSupported)].into(),
            of_slices: vec![(1..=count).rev().collect(), vec![count + 1]],
            people: vec![PatientId::parse("pt-here").ok(), None],
        };
        let receipt = written(&places, &[Some(&nothing), Some(&nothing), Some(&all), None]);
        let of = |place: usize| &receipt.readings[place];
        assert!(receipt.readings.iter().enumerate().all(|(place, line)| line.position == place && line.id == "rd-\n"));
        assert_eq!(of(0).code.as_deref(), Some("unit_not_supported"));
        assert_eq!(of(0).message, Some(ErrorCode::UnitNotSupported.sentence()));
        assert_eq!(
            (of(count).outcome, of(count).prompts.len()),
            (v1::Outcome::Stored, 1),
            "the slice was sent backwards"
        );
        assert_eq!(of(1).outcome, v1::Outcome::Conflict);
        assert_eq!(of(1).chain_head.as_deref(), Some("42.07070707070707070707070707070707"));
        assert_eq!(of(count + 1).code.as_deref(), Some("reading_not_stored"));
    }

    /// Of a person who may not be told anything, every reading has its line and its verdict, and none has a prompt: neither
    /// a new one nor the one of the first time.
    #[test]
    fn a_person_who_has_died_is_asked_nothing() {
        let (nothing, all) = (Outcome::default(), all_outcomes());
        let count = all.readings.len();
        let prompts = |person: Option<PatientId>| {
            let ids = vec!["rd-1"; count].into_iter().map(Into::into).collect();
            let of_slices = vec![(0..count).collect()];
            let places = Places { ids, refused: [].into(), of_slices, people: vec![person] };
            let receipt = written(&places, &[Some(&nothing), Some(&nothing), Some(&all)]);
            assert!(receipt.readings.iter().all(v1::ReceiptLine::is_settled));
            assert_eq!(receipt.readings.iter().filter(|line| line.verdict.is_some()).count(), 4);
            receipt.readings.iter().map(|line| line.prompts.len()).sum::<usize>()
        };
        assert_eq!(prompts(PatientId::parse("pt-here").ok()), 2, "there is something to leave out");
        assert_eq!(prompts(PatientId::parse("pt-gone").ok()), 0);
    }

    /// What was refused, and is not kept with its reason, is offered again.
    #[test]
    fn what_was_refused_and_not_kept_is_not_settled() {
        let places = Places {
            ids: vec!["".into()],
            refused: [(0, ErrorCode::UnitNotSupported)].into(),
            of_slices: vec![],
            people: vec![],
        };
        let nothing = Outcome::default();
        assert!(written(&places, &[Some(&nothing), Some(&nothing)]).readings[0].is_settled());
        for outcomes in [&[Some(&nothing), None][..], &[]] {
            let receipt = written(&places, outcomes);
            assert_eq!(receipt.readings[0].code.as_deref(), Some("reading_not_stored"));
            assert!(!receipt.readings[0].is_settled());
        }
    }
}
