//! What a reading is: ids, NHS numbers, exact quantities, measures, codes, times, the wire form and the error-code registry.
//!
//! Invariants: pure (no input or output, no clock, no randomness, no async, no logging); a number never
//! loses or gains a digit between the device and the screen; "no value" always carries its reason.
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

pub mod bounded;
pub mod catalogue;
pub mod codes;
pub mod decimal;
pub mod error_code;
pub mod float11073;
pub mod gtin;
pub mod hex;
pub mod id;
pub mod measure;
mod named;
pub mod nhs;
pub mod quality;
pub mod quantity;
pub mod reading;
pub mod record;
pub mod time;
pub mod wire;

pub use decimal::Decimal;
pub use error_code::ErrorCode;
pub use id::{AlertId, HubId, JobId, PatientId, ReadingId};
pub use measure::{BloodPressure, Kind, Measure, NoValue, Value};
pub use nhs::NhsNumber;
pub use quality::{Flag, Quality};
pub use quantity::{Quantity, Unit};
pub use reading::{Admitted, RawFrame, Reading, Who, WhyUnassigned};
pub use record::{RecordNumber, SourceId};
pub use time::{ClockOffset, DeviceTime, TakenAt, Times};
