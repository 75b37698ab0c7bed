//! `ingest record`: one person's record, given out, looked into, erased or disposed of. On the store of a service that is
//! stopped.

use super::{CommandError, StoreMaker, keys, out, people::On, stopped::Stopped};
use crate::{
    access::{Access, Purpose},
    clock::{Clock, WallClock},
    config::Config,
    disk::sync_folder,
    records::{
        NotGiven, export,
        incident::{self, Between, NotABundle},
        retention,
    },
    rng::OsRandomness,
    server_key::ServerKey,
    store::{
        RegisterPlace, Slice, Subject, Tombstone,
        embedded::{NotEnded, StoreKeys, Why, end_record},
    },
};
use chrono::{DateTime, Utc};
use clap::Subcommand;
use register::Item;
use rules::{
    Event,
    event::{Audit, AuditKind},
};
use std::{
    fs,
    io::{self, BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};
use thiserror::Error;
use vitals::{PatientId, bounded::Text, id::RecordId};

/// Things of the register read at once.
const PAGE: usize = 1_000;

/// What to do with a record.
#[derive(Debug, Subcommand)]
pub(super) enum RecordCommand {
    /// Writes everything held about a person into a new file for its owner only, and notes that in their record
    Export {
        #[command(flatten)]
        on: On,
        /// The person.
        #[arg(long, value_parser = PatientId::parse)]
        person: PatientId,
        /// Why: it stands in their record. No names.
        #[arg(long, value_parser = reason)]
        reason: Text<120>,
        /// The new file.
        #[arg(long)]
        out: PathBuf,
        /// As text to read instead of lines of JSON.
        #[arg(long)]
        text: bool,
    },
    /// Writes what the service knew and did for a person between two times into a new file for its owner only, signed
    Incident {
        #[command(flatten)]
        on: On,
        /// The person.
        #[arg(long, value_parser = PatientId::parse)]
        person: PatientId,
        /// From when, such as 2026-06-01T08:00:00Z.
        #[arg(long)]
        from: DateTime<Utc>,
        /// Until when.
        #[arg(long)]
        until: DateTime<Utc>,
        /// Why: it stands in their record. No names.
        #[arg(long, value_parser = reason)]
        reason: Text<120>,
        /// The new file.
        #[arg(long)]
        out: PathBuf,
    },
    /// Checks such a file with the service's key
    Check {
        #[command(flatten)]
        on: On,
        /// The file.
        file: PathBuf,
    },
    /// Erases a person's record as two people agreed, and leaves a signed statement. Nothing brings it back
    Erase {
        #[command(flatten)]
        on: On,
        /// The person.
        #[arg(long, value_parser = PatientId::parse)]
        person: PatientId,
        /// What the two agreed to: the erasure's id in the register.
        #[arg(long, value_parser = RecordId::parse)]
        request: RecordId,
    },
    /// Shows how long records are kept, and how many people's time is over
    Retention {
        #[command(flatten)]
        on: On,
        /// Also shows their ids.
        #[arg(long)]
        ids: bool,
    },
    /// Disposes of a person's record whose time is over, and leaves a signed statement. Nothing brings it back
    Dispose {
        #[command(flatten)]
        on: On,
        /// The person.
        #[arg(long, value_parser = PatientId::parse)]
        person: PatientId,
    },
}

fn reason(text: &str) -> Result<Text<120>, String> {
    Text::new(text).map_err(|error| error.to_string())
}

/// Why a command on a record failed.
#[derive(Debug, Error)]
pub enum RecordError {
    /// It was not given out.
    #[error(transparent)]
    Given(#[from] NotGiven),
    /// It does not end.
    #[error(transparent)]
    Ended(#[from] NotEnded),
    /// It is no bundle.
    #[error(transparent)]
    Bundle(#[from] NotABundle),
}

/// Does it.
pub(super) fn run(command: RecordCommand, make_store: StoreMaker) -> Result<(), CommandError> {
    match command {
        RecordCommand::Export { on, person, reason, out, text } => Stopped::work(&on.config, make_store, |stopped| {
            note(stopped, &person, &format!("export by command: {reason}")).map_err(RecordError::from)?;
            let form = if text { export::Form::Text } else { export::Form::Json };
            let file = |cause| CommandError::File { path: out.clone(), cause };
            let mut to = BufWriter::new(private(&out).map_err(file)?);
            let (store, who) = (stopped.store.as_ref(), Access::system(Purpose::Export));
            let given = stopped.wait(export::write(store, &who, &person, form, &mut to, stopped.at));
            let given = given.map_err(RecordError::from)?;
            finish(to, &out).map_err(file)?;
            out::line(&format!(
                "Wrote {} entries with {} readings, {} alerts and {} things of the register into {}.",
                given.entries,
                given.readings,
                given.alerts,
                given.items,
                out.display()
            ));
            Ok(())
        }),
        RecordCommand::Incident { on, person, from, until, reason, out } => {
            Stopped::work(&on.config, make_store, |stopped| {
                note(stopped, &person, &format!("incident by command: {reason}")).map_err(RecordError::from)?;
                let key = server_key(&stopped.config.data)?;
                let (store, who) = (stopped.store.as_ref(), Access::system(Purpose::Export));
                let asked = (&person, Between { from, until });
                let bundle = stopped.wait(incident::bundle(store, &who, &key, asked, stopped.at));
                let bundle = bundle.map_err(RecordError::from)?;
                let file = |cause| CommandError::File { path: out.clone(), cause };
                let mut to = BufWriter::new(private(&out).map_err(file)?);
                writeln!(to, "{bundle}").and_then(|()| finish(to, &out)).map_err(file)?;
                out::line(&format!("Wrote {} bytes into {}.", bundle.len(), out.display()));
                Ok(())
            })
        }
        RecordCommand::Check { on, file } => {
            let key = server_key(&Config::read(&on.config)?.data)?;
            let text = fs::read_to_string(&file).map_err(|cause| CommandError::File { path: file, cause })?;
            let entries = incident::check(text.trim_end(), &key.public()).map_err(RecordError::from)?;
            out::line(&format!("The bundle is whole and signed by this service: {entries} entries."));
            Ok(())
        }
        RecordCommand::Erase { on, person, request } => end(&on.config, &person, &Why::Erasure(request), make_store),
        RecordCommand::Retention { on, ids } => {
            Stopped::work(&on.config, make_store, |stopped| retention_report(stopped, ids))
        }
        RecordCommand::Dispose { on, person } => {
            Stopped::work(&on.config, make_store, |stopped| {
                let is_due = due(stopped)?.contains(&person);
                if is_due { Ok(()) } else { Err(RecordError::Ended(NotEnded::NotDue).into()) }
            })?;
            end(&on.config, &person, &Why::TimeIsOver, make_store)
        }
    }
}

fn server_key(folder: &Path) -> Result<ServerKey, CommandError> {
    keys::server_key(folder, &OsRandomness).map_err(|cause| CommandError::File { path: folder.to_owned(), cause })
}

/// Says in the record that it is given out, before it is.
fn note(stopped: &Stopped, person: &PatientId, about: &str) -> Result<(), NotGiven> {
    let who = Access::system(Purpose::Export);
    if stopped.wait(stopped.store.whole_record(&who, person))?.is_none() {
        return Err(NotGiven::Nobody);
    }
    let about = Text::new(about).map_err(|_too_long| NotGiven::Write(io::ErrorKind::InvalidInput.into()))?;
    let audit = Audit { what: AuditKind::Exported, about, by: None };
    let slice = Slice { subject: Subject::Patient(person.clone()), events: vec![Event::Audited(audit)] };
    for answer in stopped.wait(stopped.store.apply(&who, vec![slice], Stopped::decide(), stopped.at)) {
        drop(answer?);
    }
    Ok(())
}

/// A new file for its owner only: it holds all there is about somebody.
fn private(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn finish(to: BufWriter<fs::File>, path: &Path) -> io::Result<()> {
    to.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    sync_folder(path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}

fn end(config: &Path, person: &PatientId, why: &Why, make_store: StoreMaker) -> Result<(), CommandError> {
    // The folder is this program's alone while it is done.
    let (folder, chain, _only) = Stopped::folder_only(config, make_store)?;
    let key = server_key(&folder)?;
    let ended = end_record(&folder, &StoreKeys { chain }, &key, (person, why), |_step| {}, WallClock.now());
    let Tombstone { statement, .. } = ended.map_err(RecordError::from)?;
    out::line(&format!(
        "The record has ended ({}): {} entries of it and {} of others were emptied, {} alerts, {} notifications and {} things \
         of the register. What was sent to others, and backups, are not touched by this.",
        statement.how.name(),
        statement.entries,
        statement.others,
        statement.alerts,
        statement.notifications,
        statement.items
    ));
    Ok(())
}

/// Everybody whose time is over.
fn due(stopped: &Stopped) -> Result<Vec<PatientId>, CommandError> {
    let directory = Access::system(Purpose::Directory);
    let (mut people, mut held, mut after) = (Vec::new(), Vec::new(), RegisterPlace::default());
    loop {
        let page = stopped.wait(stopped.store.register(&directory, after, PAGE));
        let (kept, place) = page.map_err(NotGiven::from).map_err(RecordError::from)?;
        let is_last = kept.len() < PAGE;
        for kept in kept {
            if let Item::Hold(hold) = kept.item {
                let is_over = hold.span.until.is_some_and(|until| until <= stopped.at);
                held.extend((!is_over).then_some(hold.patient));
            } else if let Item::Patient(patient) = kept.item
                && !patient.status.may_be_told()
            {
                people.push(patient);
            }
        }
        if is_last {
            break;
        }
        after = place;
    }
    let who = Access::system(Purpose::Export);
    let mut due = Vec::new();
    for patient in people {
        let entries = stopped.wait(stopped.store.entries_of(&who, &patient.id, None, 1));
        let (entries, _) = entries.map_err(NotGiven::from).map_err(RecordError::from)?;
        let Some(newest) = entries.first() else { continue };
        let is_over = retention::due_on(&patient, newest.at).is_some_and(|on| on <= stopped.at.date_naive());
        if is_over && !held.contains(&patient.id) {
            due.push(patient.id);
        }
    }
    Ok(due)
}

fn retention_report(stopped: &Stopped, ids: bool) -> Result<(), CommandError> {
    for period in retention::PERIODS {
        let checked = if period.is_checked { "" } else { " (not checked)" };
        out::line(&format!(
            "{} years, {}: {}.{checked} Source: {}.",
            period.years, period.since, period.of, period.source
        ));
    }
    let due = due(stopped)?;
    out::line(&format!("{} people's time is over.", due.len()));
    for person in due.iter().filter(|_| ids) {
        out::line(person.as_str());
    }
    Ok(())
}
