//! Version 1 of the wire: a batch up, a receipt down.
//!
//! `golden/` holds examples; they are compared byte for byte in the tests, so a change of form is seen in review.
//!
//! A value is numbers by component name (`measured`), words by what they are about (`said`), and for two kinds a list or
//! a sequence number. A reader ignores a field it does not know, but refuses a number or word it does not know: half a
//! value is not a value. A hub from before there was `said` says no word, and nothing it sent needs one: its glucose is
//! of an unknown specimen and judged as blood.

pub mod lent;

use crate::{
    ErrorCode,
    error_code::Retry,
    measure::{Parts, Value, Word},
    quantity::Quantity,
    reading::{self, Who},
    time::{ClockOffset, TakenAt},
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// Where hubs send batches.
pub const BATCHES_PATH: &str = "/v1/batches";

/// Most readings in one batch: about 600 bytes each, so a full batch stays well below [`BODY_BYTES_MAX`].
pub const BATCH_READINGS_MAX: usize = 1000;

/// Largest body of a request, in bytes.
pub const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Which lane a batch came down: the live lane is always served first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Just measured.
    Live,
    /// Held back while the line was down.
    Backfill,
}

/// What a hub sends. The service reads each reading on its own (`R` is then undecided JSON), so that one bad reading
/// never sinks its batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch<R = Reading> {
    /// When the hub made the batch, by its own clock.
    pub made_at: String,
    /// The lane.
    pub lane: Lane,
    /// The readings, at most [`BATCH_READINGS_MAX`].
    pub readings: Vec<R>,
}

/// A reading on the wire: text, until the service has checked it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// `rd-` and 32 hexadecimal digits.
    pub id: String,
    /// The source.
    pub source: String,
    /// The record number, 16 hexadecimal digits.
    pub record: String,
    /// Which of the device's users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_index: Option<u8>,
    /// The person, where one is bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient: Option<String>,
    /// Why nobody is bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unassigned: Option<String>,
    /// What was measured.
    pub kind: String,
    /// The numbers by component name, where something was measured: there and empty where it is all words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<BTreeMap<String, Number>>,
    /// The words beside the numbers, by what they are about ([`Word`]). Posture and arm have fields of their own, from
    /// before there was this one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub said: BTreeMap<String, String>,
    /// The intervals between beats in 1/1024 s, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rr_intervals_1024ths: Vec<u16>,
    /// The device's number of the glucose measurement that this is the context of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u16>,
    /// Why there is no value: an error code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_measured: Option<String>,
    /// How the person sat, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posture: Option<String>,
    /// Which arm, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<String>,
    /// What the device's clock said, `?` for unknown parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_time: Option<String>,
    /// When the hub received it, UTC.
    pub hub_received: String,
    /// When it was taken as well as the hub can tell, UTC.
    pub taken_at: String,
    /// Whose clock `taken_at` is by: `device` or `hub`.
    pub taken_by: String,
    /// Device clock minus hub clock in seconds, where the hub read the device's clock at this connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_ahead_secs: Option<i64>,
    /// What was noticed about it.
    #[serde(default)]
    pub quality: Vec<String>,
    /// The bytes it came from.
    pub raw: Raw,
}

/// Debug shows which reading, never whose or what.
impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wire::v1::Reading({})", self.id)
    }
}

/// A number with its unit: never one without the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Number {
    /// An exact decimal as a string.
    pub value: String,
    /// A UCUM code.
    pub unit: String,
}

/// A device's bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raw {
    /// The GATT service or serial protocol.
    pub service: String,
    /// The characteristic or frame kind.
    pub characteristic: String,
    /// The bytes in hexadecimal.
    pub hex: String,
}

/// What the service answers: one line for each reading, in the order sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// When the service received the batch, UTC.
    pub received_at: String,
    /// One line for each reading.
    pub readings: Vec<ReceiptLine>,
}

/// What became of one reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptLine {
    /// Its place in the batch, from 0.
    pub position: usize,
    /// Its id as sent; empty where it had none.
    pub id: String,
    /// What became of it.
    pub outcome: Outcome,
    /// The code, where it was rejected or in conflict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The sentence for that code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What the rules made of it, where it is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// What the person is to be told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prompts: Vec<Prompt>,
    /// The head of the person's chain after it, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain_head: Option<String>,
}

/// What became of one reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Stored and judged.
    Stored,
    /// Stored for nobody yet.
    Unassigned,
    /// Stored before: verdict and prompts are those of the first time.
    Duplicate,
    /// Stored before with other contents; this one is kept beside it.
    Conflict,
    /// Refused; the code says why, and whether to offer it again.
    Rejected,
    /// An outcome of a later version that this hub does not know.
    #[serde(other)]
    Unknown,
}

impl ReceiptLine {
    /// Whether the service has the reading for good, so that the hub may let go of it. Not so where the code says to
    /// try again later, and never for an outcome this hub does not know.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        match self.outcome {
            Outcome::Stored | Outcome::Unassigned | Outcome::Duplicate | Outcome::Conflict => true,
            Outcome::Rejected => {
                let code = self.code.as_deref().and_then(ErrorCode::from_code);
                code.is_some_and(|code| code.meaning().retry == Retry::No)
            }
            Outcome::Unknown => false,
        }
    }
}

/// What the rules made of a reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Judged.
    Evaluated {
        /// Whether it was too old to act on when it arrived.
        late: bool,
        /// The alerts it opened or added to.
        alerts: Vec<String>,
    },
    /// Stored but not judged, and why; the service tries again.
    Unevaluated {
        /// An error code.
        reason: String,
    },
}

/// One plain instruction for the person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// How urgent.
    pub urgency: Urgency,
    /// The words, in plain English.
    pub text: String,
}

/// Debug shows how urgent it is, not the words: they tell about a person's health.
impl fmt::Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prompt({:?})", self.urgency)
    }
}

/// How urgent an instruction is. The order is that of urgency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// Green: as planned.
    AsPlanned,
    /// Amber: check again.
    CheckAgain,
    /// Red: act now.
    ActNow,
}

/// The one form of every refusal of a whole request: `application/problem+json` (RFC 9457).
///
/// It has no `type`, because `code` is what programs look at; the title is then the status's phrase (section 4.2.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The phrase of the status. A service from before there was one leaves it empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// The status. A service from before there was one leaves it at 0.
    #[serde(default, skip_serializing_if = "is_none_yet")]
    pub status: u16,
    /// A stable code from the registry.
    pub code: String,
    /// What happened, what it means and what to do.
    pub message: String,
    /// The reading it is about, if one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<String>,
    /// Which field is wrong and what it should be, where one is; never what it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

fn is_none_yet(status: &u16) -> bool {
    *status == 0
}

impl Problem {
    /// The refusal for a code.
    #[must_use]
    pub fn new(code: ErrorCode) -> Self {
        let status = code.meaning().status;
        Self {
            title: phrase(status).to_owned(),
            status,
            code: code.code().to_owned(),
            message: code.sentence(),
            reading: None,
            detail: None,
        }
    }
}

/// The phrase of a status that the registry has (RFC 9110, RFC 6585).
fn phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "",
    }
}

/// A moment as the wire writes it: UTC to the microsecond or as fine as needed, with `Z`.
#[must_use]
pub fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

impl From<Quantity> for Number {
    fn from(quantity: Quantity) -> Self {
        Self { value: quantity.value().to_string(), unit: quantity.unit().ucum().to_owned() }
    }
}

impl From<&reading::Reading> for Reading {
    fn from(reading: &reading::Reading) -> Self {
        let (patient, unassigned) = match &reading.who {
            Who::Patient(patient) => (Some(patient.to_string()), None),
            Who::Unassigned(why) => (None, Some(why.name().to_owned())),
        };
        let (parts, not_measured) = match &reading.value {
            Value::Measured(measure) => (Some(Parts::of(measure)), None),
            Value::NotMeasured(reason) => (None, Some(reason.code().code().to_owned())),
        };
        let measured = parts.as_ref().map(|parts| numbers(&parts.numbers));
        let Parts { said, rr_intervals, sequence, .. } = parts.unwrap_or_default();
        let mut said: BTreeMap<String, String> =
            said.into_iter().map(|(about, word)| (about.name().to_owned(), word)).collect();
        let device_ahead_secs = match reading.times.offset {
            ClockOffset::ReadAtConnection { device_ahead_secs } => Some(device_ahead_secs),
            ClockOffset::NotRead => None,
        };
        let (taken_at, taken_by) = match reading.times.taken {
            TakenAt::DeviceClock(at) => (at, "device"),
            TakenAt::HubClock(at) => (at, "hub"),
        };
        Self {
            id: reading.id.to_string(),
            source: reading.source.to_string(),
            record: reading.record.to_string(),
            user_index: reading.user_index,
            patient,
            unassigned,
            kind: reading.kind.name().to_owned(),
            measured,
            not_measured,
            posture: said.remove(Word::Posture.name()),
            arm: said.remove(Word::Arm.name()),
            said,
            rr_intervals_1024ths: rr_intervals,
            sequence,
            device_time: reading.times.device.map(|time| time.to_string()),
            hub_received: moment(reading.times.hub_received),
            taken_at: moment(taken_at),
            taken_by: taken_by.to_owned(),
            device_ahead_secs,
            quality: reading.quality.flags().map(|flag| flag.name().to_owned()).collect(),
            raw: Raw {
                service: reading.raw.service.clone(),
                characteristic: reading.raw.characteristic.clone(),
                hex: crate::hex::encode(&reading.raw.bytes),
            },
        }
    }
}

fn numbers(numbers: &[(&'static str, Quantity)]) -> BTreeMap<String, Number> {
    numbers.iter().map(|(name, quantity)| ((*name).to_owned(), (*quantity).into())).collect()
}
