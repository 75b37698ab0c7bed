//! The burden benchmark: how many people who needed help got it in time, and how little of anyone's time was spent on
//! those who did not.
//!
//! A [`cohort`] of invented people with labels made before any rule runs; [`comparators`] and our own rules ([`ours`])
//! played over the same readings; a [`judge`] that knows nothing of rules. Definition: `docs/reference/burden.md`.
//!
//! Invariants: the cohort and the judge do not use `rules`; everything follows from the seed, on every machine; what the
//! cohort is made of is frozen by hash ([`frozen`]).
#![forbid(unsafe_code)]

pub mod bench;
pub mod calendar;
pub mod cgm;
pub mod cohort;
pub mod comparators;
pub mod frozen;
pub mod judge;
pub mod lines;
pub mod ours;
pub mod page;
pub mod parameters;
pub mod rng;
pub mod staff;
pub mod table;
pub mod thresholds;
