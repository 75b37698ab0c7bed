//! How it is shown: page templates, vendored styling, plain-English dates, values and words.
//!
//! Invariants: pure (no clock, no input or output); every text a person reads follows `words.md`; whatever came from
//! outside is escaped; a page needs no script, names no other host and says a state in words, never by colour alone.
#![forbid(unsafe_code)]

pub mod assets;
pub mod page;
pub mod problem;
pub mod sign_in;
pub mod time;
pub mod words;
pub mod worklist;

pub use page::{CONTENT_SECURITY_POLICY, NotRendered, PAGE_HEADERS};
pub use problem::{BackLink, ProblemPage};
pub use sign_in::{PasswordPage, PasswordRefused, SignInPage};
pub use words::{Condition, Urgency, Workflow};
pub use worklist::{
    Acknowledged, AlertRow, Away, EquipmentRow, EvidenceRow, Notice, Person, ReadingRow, RuleSource, Whose,
    WorklistPage,
};
