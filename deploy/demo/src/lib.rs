//! The whole of Derwent in one process: the real hub code and the real service, over a real loopback socket, with
//! simulated patients.
//!
//! Invariants: this machine only; a store that is gone afterwards; two runs with one seed give equal event files.
#![forbid(unsafe_code)]

pub mod account;
pub mod cli;
pub mod clock;
pub mod event_log;
pub mod morning;
pub mod people;
pub mod seed;
pub mod sink;
