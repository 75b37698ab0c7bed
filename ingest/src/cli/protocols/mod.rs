//! `ingest rules`: protocols before they judge anybody. Checked, run through their own tests, and tried on readings of the
//! past.
//!
//! Invariants: nothing here puts a protocol in force or changes a store; what is printed names people by their ids alone.

mod backtest;
mod check;
mod kept;
mod lines;
mod own_tests;
mod play;
mod report;

use super::{CommandError, StoreMaker, out};
use crate::store::{ApplyError, ReadError};
use clap::Subcommand;
use rules::{
    Pack, PlanRefused,
    pack::{OverrideRefused, PACK_BYTES_MAX, PackError},
};
use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};
use thiserror::Error;
use vitals::{PatientId, bounded::TextRefused, id::NotAnId};

/// What to do with protocols.
#[derive(Debug, Subcommand)]
pub(super) enum ProtocolsCommand {
    /// Reads protocols and shows every mistake in them, with its line and what to do
    Check {
        /// Protocols, or folders of them.
        #[arg(required = true)]
        packs: Vec<PathBuf>,
    },
    /// Runs the tests that stand in protocols themselves
    Test {
        /// Protocols, or folders of them.
        #[arg(required = true)]
        packs: Vec<PathBuf>,
    },
    /// Shows what protocols would have raised over readings of the past. Nobody is told
    Backtest(backtest::Asked),
}

/// Why a command on protocols failed.
#[derive(Debug, Error)]
pub enum ProtocolsError {
    /// Mistakes were shown.
    #[error("use the protocols: mistakes found: {mistakes}, in {files} of {all} files")]
    Mistakes {
        /// How many.
        mistakes: usize,
        /// In how many files.
        files: usize,
        /// Of how many.
        all: usize,
    },
    /// Tests failed.
    #[error("pass the protocols' own tests: {failed} of {all} failed")]
    OwnTests {
        /// How many.
        failed: usize,
        /// Of how many.
        all: usize,
    },
    /// A folder holds no protocol.
    #[error("find a protocol in {}", .0.display())]
    NoProtocol(PathBuf),
    /// A protocol does not read.
    #[error("read protocol {}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: PackError,
    },
    /// They cannot run together.
    #[error("run the protocols together")]
    Together(#[from] PlanRefused),
    /// A person's own parameter does not fit.
    #[error("use the parameters of {person}")]
    Parameter {
        /// Whose.
        person: PatientId,
        /// Why.
        #[source]
        cause: OverrideRefused,
    },
    /// The history could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// That it was read could not be noted.
    #[error(transparent)]
    Note(#[from] ApplyError),
    /// A name that is made here is none.
    #[error(transparent)]
    Name(#[from] NotAnId),
    /// A text that is made here is none.
    #[error(transparent)]
    Text(#[from] TextRefused),
    /// Lines could not be read. They were named, and the others counted.
    #[error("read {refused} of {all} lines; the figures are of the others")]
    Lines {
        /// How many.
        refused: u64,
        /// Of how many.
        all: u64,
    },
}

/// Does it.
pub(super) fn run(command: ProtocolsCommand, make_store: StoreMaker) -> Result<(), CommandError> {
    match command {
        ProtocolsCommand::Check { packs } => check::run(&files(&packs)?),
        ProtocolsCommand::Test { packs } => own_tests::run(&files(&packs)?),
        ProtocolsCommand::Backtest(asked) => backtest::run(&asked, make_store),
    }
}

/// A protocol's file.
struct PackFile {
    path: PathBuf,
    text: String,
}

impl PackFile {
    /// The file as it is named on the screen: without its folders, so that what is printed is the same wherever it lies.
    fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn read(&self) -> Result<Pack, ProtocolsError> {
        let cause = match Pack::read(&self.text) {
            Ok(pack) => return Ok(pack),
            Err(cause) => cause,
        };
        Err(ProtocolsError::Unreadable { path: self.path.clone(), cause })
    }
}

/// Every protocol that is named or lies in a folder that is, each folder's in the order of their names.
fn files(packs: &[PathBuf]) -> Result<Vec<PackFile>, CommandError> {
    let mut paths = Vec::new();
    for path in packs {
        let file = |cause| CommandError::File { path: path.clone(), cause };
        if !path.is_dir() {
            paths.push(path.clone());
            continue;
        }
        let mut within: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(path).map_err(file)? {
            within.extend(Some(entry.map_err(file)?.path()).filter(|path| is_protocol(path)));
        }
        if within.is_empty() {
            return Err(ProtocolsError::NoProtocol(path.clone()).into());
        }
        within.sort();
        paths.extend(within);
    }
    let read = |path: PathBuf| match text_of(&path) {
        Ok(text) => Ok(PackFile { path, text }),
        Err(cause) => Err(CommandError::File { path, cause }),
    };
    paths.into_iter().map(read).collect()
}

/// Whether a file of a folder is a protocol: not the approvals beside one.
fn is_protocol(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".toml") && !name.ends_with(".signed.toml")
}

/// A file's text; of one that is too long, as much as shows that it is.
fn text_of(path: &Path) -> io::Result<String> {
    let limit = u64::try_from(PACK_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    // A letter that was cut in two at the limit is no fault of the file's.
    let is_cut = bytes.len() > PACK_BYTES_MAX;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) if is_cut => Ok(String::from_utf8_lossy(error.as_bytes()).into_owned()),
        Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
    }
}

/// What is said of a protocol that reads.
fn said_of(name: &str, pack: &Pack) -> String {
    let draft = if pack.is_draft { " It is a draft: it cannot be put in force as it stands." } else { "" };
    format!("{name}: {} {}, {} rules, {} tests.{draft}", pack.title, pack.version, pack.rules.len(), pack.tests.len())
}

/// Writes several lines.
fn print(text: &str) {
    text.trim_end().lines().for_each(out::line);
}
