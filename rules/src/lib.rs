//! What a reading means: packs, operators, findings and the alert machines.
//!
//! Invariants: pure (same inputs, same answer, for ever); no finding without evidence; a repeat measurement never
//! delays a red; every list and text has a limit.
//!
//! The build holds it to that: without chrono's `clock`, asking for the time does not compile,
//!
//! ```compile_fail,E0599
//! let now = chrono::Utc::now();
//! ```
//!
//! while arithmetic with a moment it was given does:
//!
//! ```
//! let given = chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::minutes(5);
//! ```
#![forbid(unsafe_code)]

pub mod alert;
pub mod decide;
pub mod duration;
pub mod event;
pub mod finding;
pub mod handover;
pub mod job;
pub mod pack;
pub mod published;
pub mod state;

pub use alert::{Actor, Alert, Audience, ClearedBecause, Condition, Refused, Repeat, RuleRef, Workflow};
pub use decide::{Decisions, Plan, PlanRefused, decide, unevaluated};
pub use event::{Correction, Event, Timer, Withdrawal};
pub use finding::{Because, Comparison, Evidence, Finding, Mistake};
pub use job::{Channel, Delivery, Job, Why};
pub use pack::{ActivePack, Pack};
pub use register::Patient as Person;
pub use state::{PatientState, RuleKey, RuleMemory, StateError, Verdict};
