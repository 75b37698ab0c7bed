//! `hub-agent enrol`: makes the hub's key, enrols it with a code, and writes the settings.

use super::{Failure, out, runtime};
use crate::{
    clock::WallClock,
    config::{ConfigError, Server, authorities},
    net::TcpNetwork,
    rng::OsRandomness,
    tls::Trust,
    uplink::enrol::{self, EnrolError},
};
use std::{path::Path, process::ExitCode, sync::Arc};
use vitals::wire::announced::FingerprintStart;

/// Enrols, and says what is left to do.
pub(super) fn run(
    server: Server,
    code: &str,
    fingerprint: Option<FingerprintStart>,
    ca: Option<&Path>,
    folder: &Path,
) -> Result<ExitCode, Failure> {
    let ca = ca.map(|path| path.canonicalize().map_err(|cause| EnrolError::File { path: path.to_owned(), cause }));
    let ca = ca.transpose()?;
    let trust = match (fingerprint, &ca) {
        (Some(start), _) => Trust::Start(start),
        (None, Some(path)) => authorities(path).map_err(ConfigError::from)?,
        (None, None) => Trust::Nobody,
    };
    let server = server.known_by(trust);
    let (network, clock) = (Arc::new(TcpNetwork), Arc::new(WallClock));
    let enrolled = enrol::enrol(network, &OsRandomness, &server, code, folder, ca.as_deref(), clock);
    let hub = runtime()?.block_on(enrolled)?;
    let settings = folder.join(enrol::SETTINGS_FILE);
    out::line(&format!("This is {hub} now; its older keys have ended. Its settings are in {}.", settings.display()));
    out::line("Add its devices to them, and whose each is; then: hub-agent run --config FILE");
    Ok(ExitCode::SUCCESS)
}
