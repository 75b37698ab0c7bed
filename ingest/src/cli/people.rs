//! `ingest people`: who is in the register, lists in bulk, and moving people. On the store of a service that is stopped.

use super::{CommandError, StoreMaker, out, register::shown, roster, stopped::Stopped};
use crate::{
    access::{Access, Purpose},
    people::{
        Destination, Hand, Known, KnownPeople, MoveRefused, NotUndone, NotWritten, SheetRefused, Step, Writer,
        roster as csv,
    },
    rng::NoRandomness,
    store::ReadError,
};
use clap::{Args, Subcommand};
use register::{Patient, Reason, Status};
use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};
use thiserror::Error;
use vitals::{
    PatientId,
    id::{HomeId, TeamId},
};

/// What to do with the people of the register.
#[derive(Debug, Subcommand)]
pub(super) enum PeopleCommand {
    /// Lists the people of the register: ids and places, and names only where they are asked for
    List {
        #[command(flatten)]
        on: On,
        /// Only the people of this team.
        #[arg(long, value_parser = TeamId::parse)]
        team: Option<TeamId>,
        /// Only the residents of this care home.
        #[arg(long, value_parser = HomeId::parse)]
        home: Option<HomeId>,
        /// Also shows names and NHS numbers.
        #[arg(long)]
        names: bool,
        /// Writes them as a roster, with everything it holds, into a new file for its owner only.
        #[arg(long, value_name = "FILE")]
        csv: Option<PathBuf>,
    },
    /// Shows what the register has of one person
    Show {
        #[command(flatten)]
        on: On,
        /// The person.
        #[arg(value_parser = PatientId::parse)]
        person: PatientId,
        /// Also shows what is personal.
        #[arg(long)]
        names: bool,
    },
    /// Takes in a roster of everybody, as CSV with a header. Who is not in it stays in the register
    Import {
        #[command(flatten)]
        list: roster::ListArguments,
    },
    /// Takes in a status file, as CSV with a header: who died, moved away, is in hospital or back, or has a new practice
    Status {
        #[command(flatten)]
        list: roster::ListArguments,
    },
    /// Takes an import back: everybody becomes as they were before it, unless they were changed since
    Undo {
        #[command(flatten)]
        on: On,
        /// The import, such as im-00112233445566aa.
        import: String,
        /// Says what it would come to, and writes nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Moves a person, or everybody of a team, to another team or care home. History and thresholds stay
    Move {
        #[command(flatten)]
        on: On,
        /// The person.
        #[arg(value_parser = PatientId::parse, required_unless_present = "everybody_of", conflicts_with = "everybody_of")]
        person: Option<PatientId>,
        /// Everybody of this team instead.
        #[arg(long, value_name = "TEAM", value_parser = TeamId::parse)]
        everybody_of: Option<TeamId>,
        /// To this team.
        #[arg(long, value_parser = TeamId::parse)]
        team: Option<TeamId>,
        /// To this care home.
        #[arg(long, value_parser = HomeId::parse, conflicts_with = "no_home")]
        home: Option<HomeId>,
        /// Out of their care home, into none.
        #[arg(long)]
        no_home: bool,
        /// Why, for whoever reads the history.
        #[arg(long, value_parser = reason)]
        why: Reason,
        /// Says who would move, and writes nothing.
        #[arg(long)]
        dry_run: bool,
    },
}

/// Which store.
#[derive(Debug, Args)]
pub(super) struct On {
    /// The settings of the service, which must be stopped.
    #[arg(long)]
    pub(super) config: PathBuf,
}

/// A reason as it is typed.
pub(super) fn reason(text: &str) -> Result<Reason, vitals::bounded::TextRefused> {
    Reason::new(text)
}

/// Why a command on people failed.
#[derive(Debug, Error)]
pub enum PeopleError {
    /// The store cannot be read.
    #[error("read the register")]
    Read(#[from] ReadError),
    /// The store cannot be written.
    #[error(transparent)]
    NotWritten(#[from] NotWritten),
    /// An import cannot be taken back.
    #[error("take the import back")]
    NotUndone(#[from] NotUndone),
    /// The list is none.
    #[error("take in the list")]
    Sheet(#[from] SheetRefused),
    /// The list is too large.
    #[error("take in the list: it has more than {max} bytes")]
    TooLarge {
        /// Most that are taken.
        max: u64,
    },
    /// Rows are refused.
    #[error(
        "take in the list: {refused} rows are refused and nothing was written: put them right, or take in the others with \
         --accept-refused"
    )]
    RowsRefused {
        /// How many.
        refused: u64,
    },
    /// Nobody can be moved.
    #[error(transparent)]
    Move(#[from] MoveRefused),
    /// Some were changed meanwhile.
    #[error("write into the register: {count} people were changed meanwhile and were left as they are: run it again")]
    Stale {
        /// How many.
        count: usize,
    },
    /// No such person.
    #[error("find the person: the register has nobody of this id")]
    Nobody,
    /// Not the name of an import.
    #[error("find the import: want im- and 16 hexadecimal digits")]
    NotAnImport,
    /// No name for an import.
    #[error("name the import")]
    Randomness(#[from] NoRandomness),
}

/// Does it.
pub(super) fn run(command: PeopleCommand, make_store: StoreMaker) -> Result<(), CommandError> {
    match command {
        PeopleCommand::List { on, team, home, names, csv } => Stopped::work(&on.config, make_store, |stopped| {
            let is_asked = |patient: &Patient| {
                team.as_ref().is_none_or(|team| patient.team.as_ref() == Some(team))
                    && home.as_ref().is_none_or(|home| patient.home.as_ref() == Some(home))
            };
            list(stopped, is_asked, names, csv.as_deref())
        }),
        PeopleCommand::Show { on, person, names } => {
            Stopped::work(&on.config, make_store, |stopped| show(stopped, &person, names))
        }
        PeopleCommand::Import { list } => roster::import(&list, make_store),
        PeopleCommand::Status { list } => roster::status(&list, make_store),
        PeopleCommand::Undo { on, import, dry_run } => {
            Stopped::work(&on.config, make_store, |stopped| roster::undo(stopped, &import, dry_run))
        }
        PeopleCommand::Move { on, person, everybody_of, team, home, no_home, why, dry_run } => {
            let home = if no_home { Some(None) } else { home.map(Some) };
            let to = Destination { team, home };
            Stopped::work(&on.config, make_store, |stopped| {
                move_people(stopped, person.as_ref(), everybody_of.as_ref(), &to, why, dry_run)
            })
        }
    }
}

/// The register as it now is.
pub(super) fn known(stopped: &Stopped) -> Result<KnownPeople, PeopleError> {
    Ok(stopped.wait(KnownPeople::read(stopped.store.as_ref()))?)
}

fn list(
    stopped: &Stopped,
    is_asked: impl Fn(&Patient) -> bool,
    names: bool,
    csv: Option<&Path>,
) -> Result<(), CommandError> {
    let known = known(stopped)?;
    let people = known.ids().into_iter().filter_map(|id| known.person(id));
    let people = people.filter(|person| is_asked(&person.patient));
    if let Some(path) = csv {
        let people: Vec<Patient> = people.map(|person| person.patient).collect();
        write_private(path, &csv::written(&people))
            .map_err(|cause| CommandError::File { path: path.to_owned(), cause })?;
        out::line(&format!("Wrote {} people into {}, readable by its owner only.", people.len(), path.display()));
        return Ok(());
    }
    out::line(&["id", "team", "home", "status", "care level"].join("\t"));
    for Known { patient, .. } in people {
        let dash = "-".to_owned();
        let or_dash = |text: Option<&str>| text.map_or(dash.clone(), str::to_owned);
        let mut cells = vec![
            patient.id.to_string(),
            or_dash(patient.team.as_ref().map(TeamId::as_str)),
            or_dash(patient.home.as_ref().map(HomeId::as_str)),
            status_words(patient.status),
            or_dash(patient.stratum.map(register::Stratum::name)),
        ];
        if names {
            cells.extend([patient.nhs_number.spaced(), patient.name.as_str().to_owned()]);
        }
        out::line(&cells.join("\t"));
    }
    Ok(())
}

fn status_words(status: Status) -> String {
    match status {
        Status::Active => "active".to_owned(),
        Status::Admitted(on) => format!("in hospital since {on}"),
        Status::Moved(on) => format!("moved away on {on}"),
        Status::Deceased(on) => format!("died on {on}"),
    }
}

/// A new file for its owner only: it holds names and NHS numbers.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn show(stopped: &Stopped, person: &PatientId, names: bool) -> Result<(), CommandError> {
    let who = Access::system(Purpose::Directory);
    let items = stopped.wait(stopped.store.items_of(&who, person)).map_err(PeopleError::Read)?;
    if items.is_empty() {
        return Err(PeopleError::Nobody.into());
    }
    for kept in items {
        let reference = kept.item.reference();
        out::line(&format!("{} {}, version {}", reference.kind().name(), reference.key(), kept.version));
        out::line(&shown(&kept.item, names));
    }
    Ok(())
}

fn move_people(
    stopped: &Stopped,
    person: Option<&PatientId>,
    everybody_of: Option<&TeamId>,
    to: &Destination,
    why: Reason,
    dry_run: bool,
) -> Result<(), CommandError> {
    let known = known(stopped)?;
    let moves: Vec<(PatientId, Step)> = match (person, everybody_of) {
        (Some(person), _) => {
            let step = crate::people::move_person(&known, person, to).map_err(PeopleError::Move)?;
            vec![(person.clone(), step)]
        }
        (None, Some(team)) => crate::people::move_team(&known, team, to).map_err(PeopleError::Move)?.collect(),
        (None, None) => return Err(PeopleError::Nobody.into()),
    };
    let mut count = 0_usize;
    for (id, step) in &moves {
        if let Step::Write { changed, .. } = step {
            count += 1;
            out::line(&format!("{id}: {}", changed.join(", ")));
        }
    }
    if dry_run {
        out::line(&format!("{count} people would move. Nothing was written."));
        return Ok(());
    }
    let written = stopped.wait(async {
        let mut writer =
            Writer::new(Hand::of_service(stopped.store.as_ref(), Stopped::decide(), stopped.at), Some(why));
        for (id, step) in moves {
            writer.take(id, step).await?;
        }
        writer.finish().await
    });
    let applied = written.map_err(PeopleError::NotWritten)?;
    out::line(&format!("{} people moved.", applied.written));
    match applied.stale.len() {
        0 => Ok(()),
        count => Err(PeopleError::Stale { count }.into()),
    }
}
