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
    no_reserve::without_reserve,
    say,
    staff::{LOOKS_AFTER, looks_after},
    weak_sync::synchronous_normal,
};
use ingest::{
    access::{NobodySignsIn, SignIn},
    cli::StoreMaker,
};
use std::{ffi::OsString, process::ExitCode, sync::Arc};

/// The environment variable that says what is planted. Nothing, where it is not set.
pub const PLANT: &str = "DERWENT_TEST_PLANT";

/// Commits are not synced: what `synchronous=NORMAL` does to a write-ahead log.
pub const SYNCHRONOUS_NORMAL: &str = "synchronous-normal";

/// Readings are acknowledged before they are committed.
pub const ACKNOWLEDGES_EARLY: &str = "acknowledges-early";

/// The disk fails a sync.
pub const FAILS_A_SYNC: &str = "fails-a-sync";

/// No room is set aside for alerts on a full disk.
pub const WITHOUT_RESERVE: &str = "without-reserve";

/// Whether these arguments ask for the service.
#[must_use]
pub fn is_asked_for(arguments: &[OsString]) -> bool {
    arguments.get(1).is_some_and(|first| first == "serve")
}

/// The service: genuine, or with what the environment plants in its store; and with staff, where the environment says whom
/// they look after.
#[must_use]
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    let staff: Arc<dyn SignIn> = match std::env::var(LOOKS_AFTER).map(|people| looks_after(&people)) {
        Err(_nobody) => Arc::new(NobodySignsIn),
        Ok(Ok(staff)) => staff,
        Ok(Err(trouble)) => {
            say::error_line(&trouble.to_string());
            return ExitCode::FAILURE;
        }
    };
    let maker: StoreMaker = match std::env::var(PLANT) {
        Err(_nothing) => ingest::cli::open_store,
        Ok(plant) => match (plant.as_str(), plant.parse()) {
            (SYNCHRONOUS_NORMAL, _) => synchronous_normal,
            (FAILS_A_SYNC, _) => fails_a_sync,
            (ACKNOWLEDGES_EARLY, _) => acknowledges_early,
            (WITHOUT_RESERVE, _) => without_reserve,
            (_, Ok(at_points)) => {
                points::arm(at_points);
                with_points
            }
            (_, Err(_no_such_point)) => {
                say::error_line(&format!("{PLANT}={plant} plants nothing that is known"));
                return ExitCode::FAILURE;
            }
        },
    };
    ingest::cli::run_as(arguments, maker, staff)
}
