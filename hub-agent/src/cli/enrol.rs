//! `hub-agent enrol`: makes the hub's key, enrols it with a code, and writes the settings.

use super::{Failure, out, runtime};
use crate::{config::Server, net::TcpNetwork, rng::OsRandomness, uplink::enrol};
use std::{path::Path, process::ExitCode, sync::Arc};

/// Enrols, and says what is left to do.
pub(super) fn run(server: &Server, code: &str, folder: &Path) -> Result<ExitCode, Failure> {
    let enrolled = enrol::enrol(Arc::new(TcpNetwork), &OsRandomness, server, code, folder);
    let hub = runtime()?.block_on(enrolled)?;
    let settings = folder.join(enrol::SETTINGS_FILE);
    out::line(&format!("This is {hub} now; its older keys have ended. Its settings are in {}.", settings.display()));
    out::line("Add its devices to them, and whose each is; then: hub-agent run --config FILE");
    Ok(ExitCode::SUCCESS)
}
