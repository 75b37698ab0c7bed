//! `ingest register`: one thing of the register at a time. On the store of a service that is stopped.

use super::{
    CommandError, StoreMaker, out,
    people::{On, reason},
    stopped::Stopped,
};
use crate::{
    access::{Access, Purpose},
    decide::reviews,
    people::sheet::FILE_BYTES_MAX,
    store::{ApplyError, KeptItem, ReadError, RegisterPlace, Slice, Subject},
};
use chrono::TimeDelta;
use clap::Subcommand;
use register::{Item, ItemKind, ItemRef, NotInOrder, Place, Reason, Written};
use rules::Event;
use serde_json::{Map, Value};
use std::{
    fs,
    path::{Path, PathBuf},
};
use thiserror::Error;
use vitals::NhsNumber;

/// Most versions that are shown.
const VERSIONS_MAX: usize = 1_000;

/// The fields of a person's things that say nothing of who they are or how they are: shown without being asked for.
const OPEN: [&str; 15] = [
    "id",
    "patient",
    "team",
    "home",
    "status",
    "stratum",
    "practice",
    "packs",
    "device",
    "span",
    "staff",
    "user_index",
    "schedule",
    "absences",
    "against",
];

/// What stands in the place of what is not shown.
const HIDDEN: &str = "(--names shows it)";

/// What to do with one thing of the register.
#[derive(Debug, Subcommand)]
pub(super) enum RegisterCommand {
    /// Writes the things of a file (TOML, or JSON as `get --names` prints it) as their next versions, in the order of the list
    /// of kinds: organisations first. Nothing is written unless all of it reads
    Put {
        #[command(flatten)]
        on: On,
        /// The file: a table for each thing, named after its kind, such as [[team]].
        file: PathBuf,
        /// Why, for whoever reads the history.
        #[arg(long, value_parser = reason)]
        why: Option<Reason>,
    },
    /// Shows a thing as it now is, as JSON
    Get {
        #[command(flatten)]
        on: On,
        /// What kind of thing, such as team.
        #[arg(value_parser = kind)]
        kind: ItemKind,
        /// Its id.
        key: String,
        /// Also shows what is personal.
        #[arg(long)]
        names: bool,
    },
    /// Shows every version of a thing, the newest first, with who wrote it when and why
    History {
        #[command(flatten)]
        on: On,
        /// What kind of thing, such as team.
        #[arg(value_parser = kind)]
        kind: ItemKind,
        /// Its id.
        key: String,
        /// Also shows what is personal.
        #[arg(long)]
        names: bool,
    },
    /// Lists whom to ask about numbers that were set for people and places: those whose review is due, and those that end by
    /// themselves soon. No number is changed
    Reviews {
        #[command(flatten)]
        on: On,
        /// How many days ahead an end is told.
        #[arg(long, default_value_t = 14)]
        days: u16,
    },
}

fn kind(name: &str) -> Result<ItemKind, String> {
    let all = || ItemKind::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
    ItemKind::from_name(name).ok_or_else(|| format!("want one of {}", all()))
}

/// Why a command on the register failed. What stands in a file is not repeated.
#[derive(Debug, Error)]
pub enum RegisterError {
    /// The file is not TOML or JSON.
    #[error("read the things of the file: line {line}: it is not in the form of its kind")]
    Form {
        /// The line, from 1.
        line: usize,
    },
    /// There is no such kind, or nothing under it.
    #[error("read the things of the file: want tables named after kinds, and {name} is none")]
    Kind {
        /// What stands there, where it could be the name of a kind.
        name: String,
    },
    /// One is not what it should be.
    #[error("read the things of the file: {kind} {place}: {advice}")]
    Thing {
        /// The kind.
        kind: &'static str,
        /// Which of its kind, from 1.
        place: usize,
        /// What is wrong.
        advice: String,
    },
    /// One is not in order.
    #[error("read the things of the file: {kind} {key}: {refused}")]
    NotInOrder {
        /// The kind.
        kind: &'static str,
        /// Its id.
        key: String,
        /// What is wrong.
        refused: NotInOrder,
    },
    /// It names something that is not there.
    #[error("read the things of the file: {kind} {key}: the register has no {missing}: write it first")]
    Missing {
        /// The kind.
        kind: &'static str,
        /// Its id.
        key: String,
        /// What it names.
        missing: String,
    },
    /// The store cannot be read.
    #[error("read the register")]
    Read(#[from] ReadError),
    /// The store cannot be written.
    #[error("write into the register")]
    Write(#[from] ApplyError),
    /// Nothing of this id.
    #[error("find it: the register has no {kind} of this id")]
    Nothing {
        /// The kind.
        kind: &'static str,
    },
    /// The file is too large.
    #[error("read the things of the file: it has more than {FILE_BYTES_MAX} bytes")]
    TooLarge,
}

/// Does it.
pub(super) fn run(command: RegisterCommand, make_store: StoreMaker) -> Result<(), CommandError> {
    match command {
        RegisterCommand::Put { on, file, why } => {
            let items = read(&file)?;
            Stopped::work(&on.config, make_store, |stopped| put(stopped, items, why.as_ref()))
        }
        RegisterCommand::Get { on, kind, key, names } => {
            Stopped::work(&on.config, make_store, |stopped| get(stopped, kind, &key, names))
        }
        RegisterCommand::History { on, kind, key, names } => {
            Stopped::work(&on.config, make_store, |stopped| history(stopped, kind, &key, names))
        }
        RegisterCommand::Reviews { on, days } => {
            Stopped::work(&on.config, make_store, |stopped| list_reviews(stopped, days))
        }
    }
}

fn read(path: &Path) -> Result<Vec<Item>, CommandError> {
    let file = |cause| CommandError::File { path: path.to_owned(), cause };
    if fs::metadata(path).map_err(file)?.len() > FILE_BYTES_MAX {
        return Err(RegisterError::TooLarge.into());
    }
    let text = fs::read_to_string(path).map_err(file)?;
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    Ok(items(&text, is_json)?)
}

/// The things of a file, in the order of the kinds.
fn items(text: &str, is_json: bool) -> Result<Vec<Item>, RegisterError> {
    let mut tables: Map<String, Value> = if is_json {
        serde_json::from_str(text).map_err(|error| RegisterError::Form { line: error.line() })?
    } else {
        toml::from_str(text).map_err(|error: toml::de::Error| {
            let before = error.span().map_or(0, |span| span.start);
            RegisterError::Form { line: 1 + text.bytes().take(before).filter(|byte| *byte == b'\n').count() }
        })?
    };
    let mut items = Vec::new();
    for kind in ItemKind::ALL.iter().map(|kind| kind.name()) {
        let of_kind = match tables.remove(kind) {
            None => continue,
            Some(Value::Array(several)) => several,
            Some(one) => vec![one],
        };
        for (place, body) in (1..).zip(of_kind) {
            let item = Value::Object([(kind.to_owned(), without_dates(body))].into_iter().collect());
            let item: Item = serde_json::from_value(item).map_err(|error| RegisterError::Thing {
                kind,
                place,
                advice: safe(&error.to_string()),
            })?;
            let key = item.reference().key().to_owned();
            item.check().map_err(|refused| RegisterError::NotInOrder { kind, key, refused })?;
            items.push(item);
        }
    }
    match tables.keys().next() {
        None => Ok(items),
        Some(name) => {
            let is_name = name.len() <= 32 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            Err(RegisterError::Kind { name: if is_name { format!("\"{name}\"") } else { "one of them".to_owned() } })
        }
    }
}

/// TOML's dates are values of their own; the register's are texts.
fn without_dates(value: Value) -> Value {
    match value {
        Value::Object(table) => match table.get("$__toml_private_datetime") {
            Some(date) => date.clone(),
            None => Value::Object(table.into_iter().map(|(key, value)| (key, without_dates(value))).collect()),
        },
        Value::Array(several) => Value::Array(several.into_iter().map(without_dates).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

/// What a reader says of a value that is not what it should be, without the value.
fn safe(message: &str) -> String {
    let repeats = ["invalid type", "invalid value", "invalid length", "unknown variant"];
    match message.split_once(", expected ") {
        Some((_, expected)) if repeats.iter().any(|start| message.starts_with(start)) => format!("want {expected}"),
        _ if repeats.iter().any(|start| message.starts_with(start)) => "a value is of another kind".to_owned(),
        _ => message.to_owned(),
    }
}

fn put(stopped: &Stopped, items: Vec<Item>, why: Option<&Reason>) -> Result<(), CommandError> {
    for item in &items {
        let thing = || (item.reference().kind().name(), item.reference().key().to_owned());
        if let Item::Patient(patient) = item
            && NhsNumber::parse_in(&patient.nhs_number.digits(), stopped.config.realm).is_err()
        {
            let (kind, key) = thing();
            let refused = NotInOrder::new("nhs_number", "this service may not hold it: see people_are in the settings");
            return Err(RegisterError::NotInOrder { kind, key, refused }.into());
        }
        for named in named_by(item) {
            let is_here = items.iter().any(|other| other.reference() == named) || kept(stopped, &named)?.is_some();
            if !is_here {
                let (kind, key) = thing();
                let missing = format!("{} {}", named.kind().name(), named.key());
                return Err(RegisterError::Missing { kind, key, missing }.into());
            }
        }
    }
    let decide = stopped.by_settings()?;
    for item in items {
        let reference = item.reference();
        let version = match kept(stopped, &reference)? {
            Some((kept, version)) if kept == item => {
                out::line(&format!(
                    "{} {}: the register says so already, version {version}.",
                    reference.kind().name(),
                    reference.key()
                ));
                continue;
            }
            Some((_, version)) => version.saturating_add(1),
            None => 1,
        };
        let subject = item.patient().cloned().map_or(Subject::Service, Subject::Patient);
        let written = Written { item, version: Some(version), by: None, why: why.cloned() };
        let slice = Slice { subject, events: vec![Event::Written(Box::new(written))] };
        let who = Access::system(Purpose::SetUp);
        let answers = stopped.wait(stopped.store.apply(&who, vec![slice], decide.clone(), stopped.at));
        for answer in answers {
            answer.map_err(RegisterError::Write)?;
        }
        out::line(&format!("{} {}: version {version} written.", reference.kind().name(), reference.key()));
    }
    Ok(())
}

/// What a thing names that must be there: whose or where it is.
fn named_by(item: &Item) -> Vec<ItemRef> {
    match item {
        Item::Patient(patient) => {
            let team = patient.team.clone().map(ItemRef::Team);
            team.into_iter().chain(patient.home.clone().map(ItemRef::Home)).collect()
        }
        Item::Team(team) => vec![ItemRef::Organisation(team.organisation.clone())],
        Item::Home(home) => vec![ItemRef::Organisation(home.organisation.clone())],
        Item::Assignment(assignment) => {
            vec![ItemRef::Device(assignment.device.clone()), ItemRef::Patient(assignment.patient.clone())]
        }
        Item::PlacePlan(plan) => match &plan.place {
            Place::Team(team) => vec![ItemRef::Team(team.clone())],
            Place::Home(home) => vec![ItemRef::Home(home.clone())],
            Place::Organisation(_) | Place::Footprint => Vec::new(),
        },
        Item::Organisation(_) | Item::Staff(_) | Item::Device(_) | Item::Hub(_) => Vec::new(),
        Item::Health(_)
        | Item::Plan(_)
        | Item::Carer(_)
        | Item::Consent(_)
        | Item::Objection(_)
        | Item::Emergency(_)
        | Item::Erasure(_)
        | Item::Hold(_) => item.patient().cloned().map(ItemRef::Patient).into_iter().collect(),
    }
}

fn kept(stopped: &Stopped, which: &ItemRef) -> Result<Option<(Item, u32)>, RegisterError> {
    let kept = stopped.wait(stopped.store.item(&Access::system(Purpose::Directory), which))?;
    Ok(kept.map(|kept| (kept.item, kept.version)))
}

fn named(kind: ItemKind, key: &str) -> Result<ItemRef, RegisterError> {
    ItemRef::parse(kind, key).ok_or(RegisterError::Nothing { kind: kind.name() })
}

fn get(stopped: &Stopped, kind: ItemKind, key: &str, names: bool) -> Result<(), CommandError> {
    let (item, _version) = kept(stopped, &named(kind, key)?)?.ok_or(RegisterError::Nothing { kind: kind.name() })?;
    out::line(&shown(&item, names));
    Ok(())
}

fn history(stopped: &Stopped, kind: ItemKind, key: &str, names: bool) -> Result<(), CommandError> {
    let who = Access::system(Purpose::Directory);
    let versions = stopped.wait(stopped.store.versions(&who, &named(kind, key)?, VERSIONS_MAX));
    let versions = versions.map_err(RegisterError::Read)?;
    if versions.is_empty() {
        return Err(RegisterError::Nothing { kind: kind.name() }.into());
    }
    for version in versions {
        let Written { item, version: number, by, why } = version.written;
        let by = by.map_or_else(|| "the service".to_owned(), |by| by.to_string());
        // A reason is somebody's words, and may be personal.
        let is_import =
            |why: &&Reason| why.as_str().starts_with("import im-") || why.as_str().starts_with("undo of import im-");
        let why = match why.as_ref().filter(|why| names || is_import(why)) {
            Some(why) => why.as_str(),
            None if why.is_some() => HIDDEN,
            None => "no reason given",
        };
        let at = version.at.format("%Y-%m-%d %H:%M:%S");
        out::line(&format!("version {}, {at} UTC, by {by}: {why}", number.unwrap_or_default()));
        out::line(&shown(&item, names));
    }
    Ok(())
}

/// How many things of the register are looked at together.
const READ_AT_ONCE: usize = 1_000;

fn list_reviews(stopped: &Stopped, days: u16) -> Result<(), CommandError> {
    let who = Access::system(Purpose::Directory);
    let (mut after, mut count) = (RegisterPlace::default(), 0_usize);
    loop {
        let (kept, place) =
            stopped.wait(stopped.store.register(&who, after, READ_AT_ONCE)).map_err(RegisterError::Read)?;
        for KeptItem { item, .. } in &kept {
            let which = item.reference();
            for review in reviews(item, TimeDelta::days(days.into()), stopped.at) {
                out::line(&format!("{} {}: {review}.", which.kind().name(), which.key()));
                count += 1;
            }
        }
        if kept.len() < READ_AT_ONCE {
            out::line(&format!("{count} to ask or to tell."));
            return Ok(());
        }
        after = place;
    }
}

/// A thing as JSON. Of what belongs to a person, and of staff, only what is not personal, unless that is asked for.
pub(super) fn shown(item: &Item, names: bool) -> String {
    let mut value = serde_json::to_value(item).unwrap_or_default();
    let is_personal = item.patient().is_some() || matches!(item, Item::Staff(_));
    if is_personal
        && !names
        && let Some(fields) =
            value.as_object_mut().and_then(|kinds| kinds.values_mut().next()).and_then(Value::as_object_mut)
    {
        for (_, field) in fields.iter_mut().filter(|(name, _)| !OPEN.contains(&name.as_str())) {
            *field = Value::String(HIDDEN.to_owned());
        }
    }
    serde_json::to_string_pretty(&value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOML: &str = r#"
[[patient]]
id = "pt-1"
name = "Ada Test"
nhs_number = "9990000018"
born = 1948-07-05
team = "tm-a"

[organisation]
id = "org-a"
name = "Test trust"
kind = "trust"

[[team]]
id = "tm-a"
name = "Team A"
organisation = "org-a"
"#;

    #[test]
    fn a_file_reads_in_the_order_of_the_kinds_and_what_is_printed_reads_again() {
        let read = items(TOML, false).unwrap();
        let kinds: Vec<&str> = read.iter().map(|item| item.reference().kind().name()).collect();
        assert_eq!(kinds, ["organisation", "team", "patient"]);
        for item in &read {
            assert_eq!(items(&shown(item, true), true).unwrap(), std::slice::from_ref(item));
        }
        let person = shown(&read[2], false);
        assert!(person.contains("pt-1") && person.contains("tm-a"), "{person}");
        assert!(!person.contains("Ada") && !person.contains("999") && !person.contains("1948"), "{person}");
    }

    /// Whatever is wrong, the line or place is told, and no value is.
    #[test]
    fn what_does_not_read_is_told_without_what_stands_there() {
        let check = |from: &str, to: &str, expected: &str| {
            let refused = items(&TOML.replace(from, to), false).unwrap_err().to_string();
            assert_eq!(refused.strip_prefix("read the things of the file: "), Some(expected), "{to}");
        };
        check("\"Ada Test\"", "Ada Test", "line 4: it is not in the form of its kind");
        check("\"9990000018\"", "9990000018", "patient 1: want a string");
        check("\"9990000018\"", "\"9990000019\"", "patient 1: read an NHS number: the check digit is wrong");
        check("1948-07-05", "\"Ada\"", "patient 1: input contains invalid characters");
        check(
            "kind = \"trust\"",
            "kind = \"Ada\"",
            "organisation 1: read a OrganisationKind: not one of its stable names",
        );
        check("[[team]]", "[[teams]]", "want tables named after kinds, and \"teams\" is none");
        check("[[team]]", "[[\"Ada Test\"]]", "want tables named after kinds, and one of them is none");
    }
}
