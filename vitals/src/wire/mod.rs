//! The wire: what hub and service say to each other, and the only thing they share.
//!
//! Invariants: the wire ignores fields it does not know; everything that needs judgement is text here and becomes a
//! type in `ingest/src/admit/mod.rs`; a field is never renamed or reused (`golden/` holds the promise).

pub mod announced;
pub mod enrol;
pub mod hello;
pub mod sealed;
pub mod signing;
pub mod v1;
