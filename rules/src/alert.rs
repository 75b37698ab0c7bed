//! The alert: two machines side by side. Condition is what the readings say; workflow is what people have done.
//!
//! Invariants: nobody acknowledges twice, and the refusal names who was first; a red that cleared stays until a person
//! has seen it; what was once sent is amended, never erased.

use crate::finding::{Because, Evidence, Finding};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use thiserror::Error;
use vitals::{AlertId, PatientId, ReadingId, bounded::Text, id::StaffId, wire::v1::Urgency};

/// Most evidence kept with an alert: the first reading and the latest ones.
pub const EVIDENCE_MAX: usize = 20;

/// What a person writes when they take an alert: 500 characters of up to 4 bytes.
pub type Note = Text<2000>;

/// What the readings say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// A repeat measurement was asked for and decides.
    Pending,
    /// True now.
    Active,
    /// No longer true.
    Cleared(ClearedBecause),
}

/// Why a condition is no longer true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClearedBecause {
    /// A later reading was better.
    Improved,
    /// A more urgent alert took its place.
    Superseded(AlertId),
    /// What could not be judged has been judged.
    Judged,
    /// What it rested on no longer counts: entered in error, or another person's.
    Unfounded,
    /// The protocol no longer watches over the person.
    ProtocolEnded,
}

/// What people have done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Workflow {
    /// Open; nobody has been told yet.
    Raised,
    /// Somebody has been told.
    Notified {
        /// When the first channel accepted it.
        at: DateTime<Utc>,
    },
    /// A person has taken it.
    Acknowledged {
        /// Who.
        by: Actor,
        /// When.
        at: DateTime<Utc>,
        /// What they wrote.
        note: Option<Note>,
    },
}

/// A member of staff.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Their id.
    pub id: StaffId,
    /// The name colleagues see.
    pub name: Text<120>,
}

/// Debug shows the id only.
impl fmt::Debug for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Actor({})", self.id)
    }
}

/// What has come of the repeat measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// None was asked for.
    NotAsked,
    /// Asked for; the window ends at this time.
    Asked {
        /// When the window ends.
        until: DateTime<Utc>,
    },
    /// It was as bad.
    Confirmed,
    /// It was better.
    Improved,
    /// The window ended without one.
    NotDone,
}

/// Whom an alert is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// The person's care team.
    Clinical,
    /// Whoever looks after the equipment and the service.
    Technical,
    /// Nobody: the protocol is on trial. It is kept to be counted.
    Nobody,
}

/// The rule that made an alert, at the version that made it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RuleRef {
    /// The pack.
    pub pack: String,
    /// What people call the pack.
    pub protocol: String,
    /// Its version.
    pub version: String,
    /// Its content hash, hexadecimal.
    pub content_hash: String,
    /// The rule.
    pub rule: String,
    /// What people call the rule.
    pub title: String,
}

/// Something a person should look at.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Derived from the person, the rule and the reading that opened it.
    pub id: AlertId,
    /// Whose.
    pub patient: PatientId,
    /// The rule that made it.
    pub made_by: RuleRef,
    /// How urgent.
    pub urgency: Urgency,
    /// Whom it is for.
    pub audience: Audience,
    /// What the readings say.
    pub condition: Condition,
    /// What people have done.
    pub workflow: Workflow,
    /// What has come of the repeat.
    pub repeat: Repeat,
    /// When it was opened, by the service's clock.
    pub opened_at: DateTime<Utc>,
    /// Whether its first reading was too old to act on when it arrived, or when the rules could judge it at last.
    pub late: bool,
    /// How often it has been raised: 1, and one more each time it came back before anybody took it.
    pub occasions: u32,
    /// What the clinician is told.
    pub clinician_message: String,
    /// What the person was told, if anything.
    pub patient_told: Option<String>,
    /// The readings behind it: the first, then the latest.
    pub evidence: Vec<Evidence>,
    /// What was compared where no reading came: the ground of an alert that no reading opened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<Finding>,
}

/// Debug shows which alert and how it stands, not the readings behind it.
impl fmt::Debug for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alert")
            .field("id", &self.id)
            .field("rule", &self.made_by.rule)
            .field("condition", &self.condition)
            .field("workflow", &self.workflow)
            .field("repeat", &self.repeat)
            .field("evidence", &self.evidence.len())
            .finish_non_exhaustive()
    }
}

/// Why an acknowledgement was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refused {
    /// No such alert is open for this person.
    #[error("acknowledge an alert: it is not open")]
    NotOpen,
    /// No such reading counts for this person.
    #[error("withdraw a reading: it is not among those that count")]
    NotCounted,
    /// It counts already, or is another person's by now: then it is theirs to give back.
    #[error("let a reading count again: it was not entered in error")]
    NotInError,
    /// What is set for the person cannot be used, so that nobody can say what follows.
    #[error("work out again what a person's readings come to: their settings cannot be used")]
    SettingsUnusable,
    /// Still waiting for a repeat, or settled by itself.
    #[error("acknowledge an alert: it has not been raised to anybody")]
    NotRaised,
    /// Somebody was first.
    #[error("acknowledge an alert: {} took it at {at}", by.id)]
    AlreadyAcknowledged {
        /// Who.
        by: Actor,
        /// When.
        at: DateTime<Utc>,
    },
}

impl Alert {
    /// Takes the alert for a person.
    ///
    /// # Errors
    /// [`Refused::AlreadyAcknowledged`] names who was first; [`Refused::NotRaised`] while a repeat is awaited, or once
    /// it has settled by itself.
    pub fn acknowledge(mut self, by: Actor, note: Option<Note>, at: DateTime<Utc>) -> Result<Self, Refused> {
        if let Workflow::Acknowledged { by, at, .. } = self.workflow {
            return Err(Refused::AlreadyAcknowledged { by, at });
        }
        if !self.is_waiting() {
            return Err(Refused::NotRaised);
        }
        self.workflow = Workflow::Acknowledged { by, at, note };
        Ok(self)
    }

    /// Records that a channel accepted the notification; later ones change nothing.
    pub fn notified(&mut self, at: DateTime<Utc>) {
        if self.workflow == Workflow::Raised {
            self.workflow = Workflow::Notified { at };
        }
    }

    /// Whether it waits for a person: raised, not taken, and not settled by itself.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        let is_taken = matches!(self.workflow, Workflow::Acknowledged { .. });
        match self.condition {
            _ if self.audience == Audience::Nobody => false,
            Condition::Pending => false,
            Condition::Active => !is_taken,
            Condition::Cleared(_) => self.is_latched() && !is_taken,
        }
    }

    /// Whether a person must close it even after the condition has cleared: reds, always.
    #[must_use]
    pub fn is_latched(&self) -> bool {
        self.urgency == Urgency::ActNow && self.audience == Audience::Clinical
    }

    /// Whether nothing more can happen to it: a later breach opens another.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        match self.condition {
            Condition::Pending | Condition::Active => false,
            Condition::Cleared(_) => !self.is_latched() || matches!(self.workflow, Workflow::Acknowledged { .. }),
        }
    }

    /// Says of a reading behind it that it no longer counts; false where it is not behind it, or was said before.
    pub fn withdraw(&mut self, reading: ReadingId, because: Because) -> bool {
        let of_it = self.evidence.iter_mut().find(|evidence| evidence.reading == reading && evidence.counts());
        of_it.map(|evidence| evidence.withdrawn = Some(because)).is_some()
    }

    /// Adds evidence: the first reading stays, and the latest take the rest of the room. The latest by when they were
    /// taken: what comes after must be newer than the newest, in whatever order a memory was told. What no longer counted, and
    /// is here again, counts after all.
    pub fn add_evidence(&mut self, evidence: Evidence) {
        if let Some(known) = self.evidence.iter_mut().find(|known| known.reading == evidence.reading) {
            if !known.counts() {
                *known = evidence;
            }
            return;
        }
        if self.evidence.len() >= EVIDENCE_MAX {
            let oldest = self.evidence.iter().enumerate().skip(1).min_by_key(|(_, evidence)| evidence.event_time);
            if let Some((place, _)) = oldest {
                self.evidence.remove(place);
            }
        }
        self.evidence.push(evidence);
    }
}
