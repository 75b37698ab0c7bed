//! The service as a role of the harness's own programs: `PROGRAM serve --config FILE` is `ingest serve`.
//!
//! So one program is enough to run the service and to judge it. What is planted in it, if anything, comes by the
//! environment.

use crate::{
    faults::process::fails_a_sync,
    kill::{
        early_store::acknowledges_early,
        points::{self, with_points},
    },
    say,
    weak_sync::synchronous_normal,
};
use std::{ffi::OsString, process::ExitCode};

/// The environment variable that says what is planted. Nothing, where it is not set.
pub const PLANT: &str = "DERWENT_TEST_PLANT";

/// Commits are not synced: what `synchronous=NORMAL` does to a write-ahead log.
pub const SYNCHRONOUS_NORMAL: &str = "synchronous-normal";

/// Readings are acknowledged before they are committed.
pub const ACKNOWLEDGES_EARLY: &str = "acknowledges-early";

/// The disk fails a sync.
pub const FAILS_A_SYNC: &str = "fails-a-sync";

/// Whether these arguments ask for the service.
#[must_use]
pub fn is_asked_for(arguments: &[OsString]) -> bool {
    arguments.get(1).is_some_and(|first| first == "serve")
}

/// The service: genuine, or with what the environment plants in its store.
#[must_use]
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    let plant = match std::env::var(PLANT) {
        Err(_nothing) => return ingest::cli::run(arguments),
        Ok(plant) => plant,
    };
    match (plant.as_str(), plant.parse()) {
        (SYNCHRONOUS_NORMAL, _) => ingest::cli::run_with(arguments, synchronous_normal),
        (FAILS_A_SYNC, _) => ingest::cli::run_with(arguments, fails_a_sync),
        (ACKNOWLEDGES_EARLY, _) => ingest::cli::run_with(arguments, acknowledges_early),
        (_, Ok(at_points)) => {
            points::arm(at_points);
            ingest::cli::run_with(arguments, with_points)
        }
        (_, Err(_no_such_point)) => {
            say::error_line(&format!("{PLANT}={plant} plants nothing that is known"));
            ExitCode::FAILURE
        }
    }
}
