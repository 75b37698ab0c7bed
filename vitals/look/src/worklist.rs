//! The worklist: what a case manager sees, as plain structs that the service fills in.
//!
//! Invariants: nothing here judges or sorts: the caller gives the alerts in the order to show, most urgent first, and
//! keeps each list to a length a person can read. These types hold personal data, so none of them implements `Debug`.

mod view;

use crate::{
    page::NotRendered,
    words::{Condition, Urgency, Workflow},
};
use chrono::{DateTime, NaiveDate, Utc};
use vitals::{AlertId, ErrorCode, Kind, Measure, NhsNumber, Quality, TakenAt, Value, WhyUnassigned};

/// Longest note with an acknowledgement: a few sentences; the record of care is kept elsewhere.
pub const NOTE_CHARS_MAX: usize = 500;
/// The form field that proves the form is ours.
pub const CSRF_FIELD: &str = "csrf";
/// The form field of the optional note.
pub const NOTE_FIELD: &str = "note";

/// Where the button of an alert posts to: `/alerts/{id}/acknowledge`.
#[must_use]
pub fn acknowledge_path(alert: AlertId) -> String {
    format!("/alerts/{alert}/acknowledge")
}

/// Everything on the worklist page.
#[derive(Clone)]
pub struct WorklistPage {
    /// The service's own name.
    pub service_name: String,
    /// A permanent banner at the top, for example "Demo: simulated patients".
    pub banner: Option<String>,
    /// Who is signed in.
    pub signed_in_as: String,
    /// Whether they can sign out.
    pub can_sign_out: bool,
    /// When the team looks, as a sentence: "Your team looks Monday to Friday, 8am to 6pm."
    pub service_hours: String,
    /// What just happened, if something did.
    pub notice: Option<Notice>,
    /// Open alerts, most urgent first; those that somebody has taken are shown apart, in the same order.
    pub alerts: Vec<AlertRow>,
    /// Alerts that settled before anybody looked.
    pub settled: Vec<AlertRow>,
    /// Devices and hubs that need somebody.
    pub equipment: Vec<EquipmentRow>,
    /// Readings that belong to nobody yet.
    pub unassigned: Vec<ReadingRow>,
    /// The latest readings, newest first.
    pub recent: Vec<ReadingRow>,
    /// The token for [`CSRF_FIELD`].
    pub csrf: String,
    /// The moment the page shows.
    pub now: DateTime<Utc>,
}

impl WorklistPage {
    /// The page as HTML.
    ///
    /// # Errors
    /// [`NotRendered`] where the template refuses to be written, which a `String` never causes.
    pub fn html(&self) -> Result<String, NotRendered> {
        view::html(self)
    }
}

/// A person, as staff see them.
#[derive(Clone)]
pub struct Person {
    /// Their name.
    pub name: String,
    /// Their NHS number, where it is known; shown as 3, 3 and 4 digits.
    pub nhs_number: Option<NhsNumber>,
}

/// One alert.
#[derive(Clone)]
pub struct AlertRow {
    /// Which alert.
    pub id: AlertId,
    /// How urgent it is.
    pub urgency: Urgency,
    /// Who it is about.
    pub person: Person,
    /// Why the person cannot be reached as usual, if so.
    pub away: Option<Away>,
    /// Why, as one sentence with the value: "Blood pressure 182/118mmHg is at or above 180/110mmHg."
    pub why: String,
    /// What the person was told, if they were told anything.
    pub told: Option<String>,
    /// When the alert was raised.
    pub raised_at: DateTime<Utc>,
    /// When the reading that raised it was taken.
    pub taken_at: DateTime<Utc>,
    /// When that reading reached the service.
    pub reached_at: DateTime<Utc>,
    /// Whether the reading is marked late.
    pub late: bool,
    /// Whether the reason for the alert still stands.
    pub condition: Condition,
    /// How far people are with it.
    pub workflow: Workflow,
    /// The readings behind it, newest first.
    pub evidence: Vec<EvidenceRow>,
    /// The rule that raised it, in the version that did.
    pub rule: RuleSource,
    /// Who took it, if somebody has.
    pub acknowledged: Option<Acknowledged>,
    /// When it settled by itself, if it did.
    pub settled_at: Option<DateTime<Utc>>,
    /// Whether the person signed in may take it now.
    pub can_acknowledge: bool,
}

/// What the register has of a person who is not at home as usual, and since which day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Away {
    /// They are in hospital.
    Admitted(NaiveDate),
    /// They moved away: another service looks after them.
    Moved(NaiveDate),
    /// They died.
    Deceased(NaiveDate),
}

/// One reading behind an alert.
#[derive(Clone)]
pub struct EvidenceRow {
    /// What kind of measure it is.
    pub kind: Kind,
    /// The value, or why there is none.
    pub value: Value<Measure>,
    /// When it was taken, and by whose clock.
    pub taken: TakenAt,
    /// What people call the device.
    pub device: String,
}

/// Where an alert comes from.
#[derive(Clone)]
pub struct RuleSource {
    /// What people call the rule.
    pub rule: String,
    /// What people call the protocol.
    pub protocol: String,
    /// The protocol's version.
    pub version: String,
}

/// Who took an alert.
#[derive(Clone)]
pub struct Acknowledged {
    /// Their name.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// What they noted.
    pub note: Option<String>,
}

/// One reading.
#[derive(Clone)]
pub struct ReadingRow {
    /// Whose it is.
    pub whose: Whose,
    /// What kind of measure it is.
    pub kind: Kind,
    /// The value, or why there is none.
    pub value: Value<Measure>,
    /// When it was taken, and by whose clock.
    pub taken: TakenAt,
    /// When it reached the service.
    pub reached_at: DateTime<Utc>,
    /// Whether it is marked late.
    pub late: bool,
    /// What was noticed about it.
    pub quality: Quality,
    /// What people call the device.
    pub device: String,
}

/// Whose a reading is.
#[derive(Clone)]
pub enum Whose {
    /// This person's.
    Person(Person),
    /// Nobody's yet, and why.
    Nobody(WhyUnassigned),
}

/// A device, a hub or a part of the service that needs somebody.
#[derive(Clone)]
pub struct EquipmentRow {
    /// What people call it.
    pub name: String,
    /// Where it is, if known.
    pub place: Option<String>,
    /// What is the matter, as one sentence.
    pub what: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// What to do, as one sentence, where somebody can do something.
    pub advice: Option<String>,
}

/// What just happened, shown once above the list.
#[derive(Clone)]
pub enum Notice {
    /// It was done: one sentence.
    Done(String),
    /// It was refused, with the reason from the registry.
    Refused(ErrorCode),
}
