//! What a service said and did over a cohort: its alerts, its instructions to people, and what else it put before staff.
//!
//! The written form of an alert is the line that `ingest rules backtest --json` prints:
//! `{patient, rule, priority, audience, raised_at, cleared_at, late, evidence}`.

use crate::{
    cohort::{Cohort, Reading, reading_id},
    staff::taken_at,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use thiserror::Error;

/// How urgent an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Within days.
    #[serde(alias = "as_planned")]
    Low,
    /// The same service day.
    #[serde(alias = "check_again")]
    Medium,
    /// At once.
    #[serde(alias = "act_now")]
    High,
}

/// What became of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Shown to a human.
    #[default]
    Shown,
    /// Settled by itself, and nobody looked.
    Settled,
    /// Withheld.
    Withheld,
    /// Merged into another.
    Merged,
}

/// One item put before one paid person who must read or decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Touch {
    /// An alert shown for the first time.
    FirstShowing,
    /// The same alert told again.
    Repeat,
    /// A rung of escalation.
    Rung,
    /// An alert opened again.
    Reopened,
    /// Returned from "remind me".
    Returned,
    /// An open alert that nobody touched for 24 hours, each day.
    Untouched,
    /// A welfare call.
    WelfareCall,
    /// A reading that is nobody's.
    Unassigned,
    /// An equipment task.
    Equipment,
    /// "Is this you?", answered by staff.
    IsThisYou,
    /// A prompt to a carer outside the planned round.
    CarerPrompt,
    /// A letter to a general practice that asks for action.
    GpLetter,
}

impl Touch {
    /// Every kind of touch.
    pub const ALL: [Self; 12] = [
        Self::FirstShowing,
        Self::Repeat,
        Self::Rung,
        Self::Reopened,
        Self::Returned,
        Self::Untouched,
        Self::WelfareCall,
        Self::Unassigned,
        Self::Equipment,
        Self::IsThisYou,
        Self::CarerPrompt,
        Self::GpLetter,
    ];
}

/// One alert. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Whose, as a place in the cohort.
    pub person: u32,
    /// By which rule.
    pub rule: String,
    /// How urgent.
    pub priority: Priority,
    /// When it was shown to staff or, where it never was, decided not to be.
    pub raised_at: i64,
    /// When its condition ended.
    pub cleared_at: Option<i64>,
    /// When somebody took it.
    pub taken_at: Option<i64>,
    /// Whether it was raised on a reading too old to act on.
    pub late: bool,
    /// The readings behind it: places in the cohort, or at and above 2³¹ in [`Stream::repeats`]. None for one that is not
    /// known there.
    pub evidence: Vec<Option<u32>>,
    /// What became of it.
    pub fate: Fate,
    /// Each further time it was put before somebody.
    pub again: Vec<(Touch, i64)>,
}

/// One instruction to a person or their carer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prompt {
    /// To whom.
    pub person: u32,
    /// When.
    pub at: i64,
    /// How urgent.
    pub priority: Priority,
    /// Whether it tells them to call 999 for how they are now, and not only if they feel worse.
    pub says_999: bool,
}

/// Everything a service said and did over one cohort.
#[derive(Debug, Clone, Default)]
pub struct Stream {
    /// Its alerts.
    pub alerts: Vec<Alert>,
    /// Its instructions.
    pub prompts: Vec<Prompt>,
    /// Instructions in the words that stand on the person's screen already: the person is told, and it is not another.
    pub standing: Vec<Prompt>,
    /// What else it put before staff: about whom, what, when.
    pub touches: Vec<(u32, Touch, i64)>,
    /// The repeats that people took because they were asked: place of the first reading, and the repeat.
    pub repeats: BTreeMap<u32, Reading>,
}

/// Why lines are refused.
#[derive(Debug, Error)]
pub enum NotLines {
    /// A line is not in the form.
    #[error("read alert line {line}")]
    Form {
        /// Which, from 1.
        line: usize,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A line is about somebody who is not in the cohort.
    #[error("read alert line {0}: the person is not in this cohort")]
    Nobody(usize),
}

#[derive(Deserialize)]
struct Written {
    patient: String,
    rule: String,
    priority: Priority,
    raised_at: DateTime<Utc>,
    #[serde(default)]
    cleared_at: Option<DateTime<Utc>>,
    #[serde(default)]
    taken_at: Option<DateTime<Utc>>,
    #[serde(default)]
    late: bool,
    evidence: Vec<String>,
    #[serde(default)]
    fate: Fate,
}

/// Reads the alert lines of a service over a cohort.
///
/// A line with `fate` other than `shown` is a finding that was settled, withheld or merged.
///
/// # Errors
/// [`NotLines`] for a line in another form, or about nobody of the cohort. Evidence that does not exist is no error here:
/// the judge counts it.
pub fn read(text: &str, cohort: &Cohort) -> Result<Stream, NotLines> {
    let people: HashMap<&str, u32> =
        cohort.people.iter().map(|person| (person.pseudonym.as_str(), person.number)).collect();
    let ids: HashMap<String, u32> = (0..)
        .zip(&cohort.readings)
        .filter_map(|(place, reading)| Some((reading_id(cohort, place, reading)?.to_string(), place)))
        .collect();
    let mut stream = Stream::default();
    for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
        let written: Written = serde_json::from_str(text).map_err(|source| NotLines::Form { line, source })?;
        let person = *people.get(written.patient.as_str()).ok_or(NotLines::Nobody(line))?;
        stream.alerts.push(Alert {
            person,
            rule: written.rule,
            priority: written.priority,
            raised_at: written.raised_at.timestamp(),
            cleared_at: written.cleared_at.map(|at| at.timestamp()),
            // Where a line does not say when somebody took it, the staff of the benchmark do.
            taken_at: Some(written.taken_at.map_or_else(
                || taken_at(written.priority, written.raised_at.timestamp(), &cohort.calendar),
                |at| at.timestamp(),
            )),
            late: written.late,
            evidence: written.evidence.iter().map(|id| ids.get(id).copied()).collect(),
            fate: written.fate,
            again: Vec::new(),
        });
    }
    Ok(stream)
}
