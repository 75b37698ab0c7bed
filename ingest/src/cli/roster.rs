//! `ingest people import`, `status` and `undo`: lists in bulk, looked through before anything is written.

use super::{
    CommandError, StoreMaker, out,
    people::{On, PeopleError, known},
    stopped::Stopped,
};
use crate::{
    people::{
        Beside, Findings, Hand, ImportFiles, ImportId, List, PersonIds, Roster, Sheet, StatusList, Turn, Wanted, Why,
        day_of_list, sheet::FILE_BYTES_MAX, undo as take_back,
    },
    rng::OsRandomness,
};
use clap::Args;
use std::{fs, io, path::Path, path::PathBuf};
use vitals::PatientId;

/// A list to take in.
#[derive(Debug, Args)]
pub(super) struct ListArguments {
    #[command(flatten)]
    on: On,
    /// The list.
    file: PathBuf,
    /// Says what it would change, and writes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Takes in the good rows although others are refused.
    #[arg(long)]
    accept_refused: bool,
}

/// Takes in a roster.
pub(super) fn import(arguments: &ListArguments, make_store: StoreMaker) -> Result<(), CommandError> {
    Stopped::work(&arguments.on.config, make_store, |stopped| {
        let ids = PersonIds::new(&stopped.chain_key);
        let list = Roster { ids, realm: stopped.config.realm, today: day_of_list(stopped.at) };
        take_in(stopped, &list, arguments)
    })
}

/// Takes in a status file.
pub(super) fn status(arguments: &ListArguments, make_store: StoreMaker) -> Result<(), CommandError> {
    Stopped::work(&arguments.on.config, make_store, |stopped| {
        let list = StatusList { realm: stopped.config.realm, today: day_of_list(stopped.at) };
        take_in(stopped, &list, arguments)
    })
}

fn take_in<L: List>(stopped: &Stopped, list: &L, arguments: &ListArguments) -> Result<(), CommandError> {
    let bytes = read_file(&arguments.file)?;
    let sheet = Sheet::read(&bytes, L::COLUMNS, L::NEEDED).map_err(PeopleError::Sheet)?;
    let known = known(stopped)?;
    let beside = Beside::new(list, &sheet, &known);
    let findings = beside.findings();
    say(&findings);
    match findings.turn(Wanted { dry_run: arguments.dry_run, accept_refused: arguments.accept_refused }) {
        Turn::LookedAt => {
            out::line("Nothing was written.");
            return Ok(());
        }
        Turn::RowsRefused => return Err(PeopleError::RowsRefused { refused: findings.refused() }.into()),
        Turn::NothingNew => {
            out::line("The register says all of it already. Nothing was written.");
            return Ok(());
        }
        Turn::Write => {}
    }
    let import = ImportId::new(&OsRandomness).map_err(PeopleError::Randomness)?;
    let folder = &stopped.config.data;
    let noted = ImportFiles::new(folder).note(&import, &beside.to_write());
    noted.map_err(|cause| CommandError::File { path: folder.clone(), cause })?;
    out::line(&format!("This is import {import}."));
    let hand = Hand::of_service(stopped.store.as_ref(), Stopped::decide(), stopped.at);
    let applied = stopped.wait(beside.write(hand, &import)).map_err(PeopleError::NotWritten)?;
    out::line(&format!("{} people were written.", applied.written));
    if !applied.ended.is_empty() {
        out::line(&format!("The records of {} people have ended: nothing is written of them.", applied.ended.len()));
        applied.ended.iter().for_each(|id| out::line(&format!("  {id}")));
    }
    match applied.stale.len() {
        0 => Ok(()),
        count => Err(PeopleError::Stale { count }.into()),
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, CommandError> {
    let file = |cause: io::Error| CommandError::File { path: path.to_owned(), cause };
    if fs::metadata(path).map_err(file)?.len() > FILE_BYTES_MAX {
        return Err(PeopleError::TooLarge { max: FILE_BYTES_MAX }.into());
    }
    fs::read(path).map_err(file)
}

/// Says what a list comes to: ids, lines and columns, never what stands in a cell.
fn say(findings: &Findings) {
    let Findings { rows, new, changed, unchanged, .. } = findings;
    out::line(&format!(
        "{rows} rows: {new} new, {changed} changed, {unchanged} unchanged, {} refused.",
        findings.refused()
    ));
    for (field, count) in &findings.fields {
        out::line(&format!("  {field} changes: {count}"));
    }
    for (id, fields) in &findings.changes {
        out::line(&format!("  {id}: {}", fields.join(", ")));
    }
    more(findings.changed, findings.changes.len());
    for (why, count) in &findings.refused {
        let why = match why {
            Why::Cell => "are refused because of what stands in them",
            Why::Twice => "are about somebody who is in the list more than once",
            Why::AnotherPerson => "name somebody whom the register has otherwise",
        };
        out::line(&format!("{count} rows {why}."));
    }
    for refused in &findings.refusals {
        out::line(&format!("  {refused}"));
    }
    more(findings.refused(), findings.refusals.len());
    if findings.absent > 0 {
        out::line(&format!("{} people are in the register and not in the list. They stay.", findings.absent));
    }
    for id in &findings.absentees {
        out::line(&format!("  {id}"));
    }
    more(findings.absent, findings.absentees.len());
}

/// Says that there are more than were named.
fn more(all: u64, named: usize) {
    let rest = all.saturating_sub(u64::try_from(named).unwrap_or(u64::MAX));
    if rest > 0 {
        out::line(&format!("  and {rest} more"));
    }
}

/// Takes an import back.
pub(super) fn undo(stopped: &Stopped, import: &str, dry_run: bool) -> Result<(), CommandError> {
    let import = ImportId::parse(import).ok_or(PeopleError::NotAnImport)?;
    let folder = &stopped.config.data;
    let noted = ImportFiles::new(folder).people(&import);
    let people: Vec<PatientId> = match noted.map_err(|cause| CommandError::File { path: folder.clone(), cause })? {
        Some(people) => people,
        None => {
            out::line("There is no note of whom it wrote: everybody's record is looked at.");
            known(stopped)?.ids().into_iter().cloned().collect()
        }
    };
    let hand = Hand::of_service(stopped.store.as_ref(), Stopped::decide(), stopped.at);
    let undone = stopped.wait(take_back(hand, &import, people, dry_run));
    let undone = undone.map_err(PeopleError::NotUndone)?;
    let would = if dry_run { "would be" } else { "are" };
    out::line(&format!("{} people {would} as they were before import {import}.", undone.put_back));
    out::line(&format!("{} people had been taken back already.", undone.already));
    let new = undone.left_out.len();
    out::line(&format!(
        "{new} people were new with it: they stay in the register, and {would} without team and care home."
    ));
    undone.left_out.iter().for_each(|id| out::line(&format!("  {id}")));
    out::line(&format!("{} people were changed since, and stay as they are.", undone.changed_since.len()));
    undone.changed_since.iter().for_each(|id| out::line(&format!("  {id}")));
    if !undone.unreadable.is_empty() {
        let count = undone.unreadable.len();
        out::line(&format!("What {count} people were before is damaged; they stay as they are. Run `ingest verify`."));
        undone.unreadable.iter().for_each(|id| out::line(&format!("  {id}")));
    }
    if dry_run {
        out::line("Nothing was written.");
    }
    Ok(())
}
