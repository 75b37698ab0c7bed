//! `ingest rotate`: has another key or certificate follow the one in use. `ingest fingerprint`: says which certificate that is.
//!
//! Invariant: at every moment of a rotation, the files of the folder fit each other; a command that was cut off is given again.

use super::{CommandError, keys, lock, make_private_folder, out};
use crate::{
    clock::{Clock, WallClock},
    config::Config,
    rng::OsRandomness,
    tls::{self, NEXT_FILE, Tls, TlsError, TlsSettings},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Subcommand;
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use thiserror::Error;
use vitals::wire::announced::Fingerprint;

/// How long hubs are told of a certificate before it is shown: a hub keeps its readings for 30 days without the service, and one
/// that is away for longer is visited anyway.
const ANNOUNCED_FOR: TimeDelta = TimeDelta::days(35);

/// What is to be followed by another.
#[derive(Debug, Subcommand)]
pub(super) enum RotateCommand {
    /// Makes a new key to sign with, has the old one vouch for it, and signs with it from the next start on. Hubs follow when they
    /// next say hello, however many keys they have missed, up to eight. The service must be stopped
    Key {
        /// The settings.
        #[arg(long)]
        config: PathBuf,
    },
    /// Makes the certificate that will follow. A service that runs tells its hubs of it within two minutes
    AnnounceCertificate {
        /// The settings.
        #[arg(long)]
        config: PathBuf,
    },
    /// Shows the certificate that was announced. A service that runs shows it within a minute
    UseCertificate {
        /// The settings.
        #[arg(long)]
        config: PathBuf,
        /// Although hubs have not been told of it for 35 days: those that were away must be enrolled again
        #[arg(long)]
        early: bool,
    },
}

/// Why nothing followed.
#[derive(Debug, Error)]
pub enum RotateError {
    /// The settings have no TLS.
    #[error("use a certificate: the settings have no TLS")]
    NoTls,
    /// Hubs were not told of it for long enough.
    #[error(
        "show the next certificate: hubs that are away until {until} have not heard of it; wait, or say --early and enrol those again"
    )]
    Early {
        /// From when on it may be shown.
        until: String,
    },
}

pub(super) fn run(command: RotateCommand) -> Result<(), CommandError> {
    let at = WallClock.now();
    match command {
        RotateCommand::Key { config } => key(&config, at),
        RotateCommand::AnnounceCertificate { config } => {
            let (settings, folder) = with_tls(&config)?;
            // The first one first: it is the one that announces.
            drop(Tls::open(settings.clone(), &folder, at)?);
            let next = tls::make_next(&settings, &folder, at)?;
            out::line(&format!("Hubs are told of the next certificate: {next}."));
            let until = (at + ANNOUNCED_FOR).format("%d %B %Y");
            out::line(&format!("From {until} on, show it: ingest rotate use-certificate --config FILE"));
            Ok(())
        }
        RotateCommand::UseCertificate { config, early } => {
            let (settings, folder) = with_tls(&config)?;
            if !early {
                long_enough(&folder.join(NEXT_FILE), at)?;
            }
            let in_use = tls::use_next(&settings, &folder)?;
            say(&in_use);
            Ok(())
        }
    }
}

/// Prints which certificate the service shows.
pub(super) fn print_fingerprint(config: &Path) -> Result<(), CommandError> {
    let (settings, folder) = with_tls(config)?;
    let tls = Tls::open(settings, &folder, WallClock.now())?;
    say(&tls.fingerprint());
    if let Some(next) = tls.next_fingerprint() {
        out::line(&format!("The next one: {next}."));
    }
    Ok(())
}

fn say(in_use: &Fingerprint) {
    out::line(&format!("The service's certificate: {in_use}."));
    out::line(&format!("A hub is enrolled with its first groups: {}", in_use.first_groups()));
}

fn with_tls(config: &Path) -> Result<(TlsSettings, PathBuf), CommandError> {
    let Config { tls, data, .. } = Config::read(config)?;
    let settings = tls.ok_or(RotateError::NoTls)?;
    make_private_folder(&data).map_err(|cause| CommandError::File { path: data.clone(), cause })?;
    Ok((settings, data))
}

fn long_enough(next: &Path, at: DateTime<Utc>) -> Result<(), CommandError> {
    let made: DateTime<Utc> = match fs::metadata(next).and_then(|file| file.modified()) {
        Ok(made) => made.into(),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Err(TlsError::NoNext(next.to_owned()).into()),
        Err(cause) => return Err(CommandError::File { path: next.to_owned(), cause }),
    };
    let until = made + ANNOUNCED_FOR;
    if at < until {
        return Err(RotateError::Early { until: until.format("%d %B %Y").to_string() }.into());
    }
    Ok(())
}

fn key(config: &Path, at: DateTime<Utc>) -> Result<(), CommandError> {
    let folder = Config::read(config)?.data;
    let file = |cause| CommandError::File { path: folder.clone(), cause };
    make_private_folder(&folder).map_err(file)?;
    let _only = lock(&folder).map_err(file)?;
    let key = keys::rotate_server_key(&folder, &OsRandomness, at).map_err(file)?;
    out::line(&format!(
        "The service signs with {} from its next start on: {}",
        key.id(),
        STANDARD.encode(key.public())
    ));
    out::line("Hubs follow by themselves. Put server.key and server-keys.json into the backup.");
    Ok(())
}
