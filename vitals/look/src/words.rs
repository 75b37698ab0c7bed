//! Readings, urgency and states in the words that people see (`words.md`, and the NHS content guide for numbers).
//!
//! Invariants: nothing stands between an amount and its unit (182/118mmHg); every digit that came is shown and none is
//! added; where there is no value, the reason is said.

mod alert;
mod measure;
mod reading;

pub use alert::{Condition, Urgency, Workflow, counts, state};
pub use measure::{details, measure};
pub use reading::{flag, kind, no_value, quantity, unassigned, value};

/// The button that takes an alert.
pub const TAKE_ALERT: &str = "I'm dealing with this";
/// The heading over alerts that settled before anybody looked.
pub const SETTLED: &str = "Settled by itself, nobody has looked";
/// The heading of the technical lane.
pub const EQUIPMENT: &str = "Equipment and connection";
/// The heading over readings that belong to nobody yet.
pub const UNASSIGNED: &str = "Whose reading is this?";
/// What the service is not; at the foot of every page of the staff.
pub const NOT_A_DEVICE: &str =
    "Derwent is not a certified medical device. It is not an emergency service: in an emergency call 999.";
