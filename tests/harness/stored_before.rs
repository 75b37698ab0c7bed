//! Stores as earlier programs wrote them, kept in `tests/fixtures/stores`: this program opens each, reads in it what was
//! written, and takes a reading it holds for the reading it is.
//!
//! Invariant: a folder there is never written again. A new version of the schema gets a folder of its own, made once by
//! `store-fixture`; what it says was written down by the program that made it.

use crate::{
    faults::{
        cast::{Cast, at},
        crash::runtime,
        disk::{KEYS, StoreDisk},
        load::{Act, Shape, script},
        play::Stage,
        view::View,
    },
    tree,
    trouble::{Doing, Trouble},
};
use ingest::{
    access::{Access, Purpose},
    disk::{DATABASE_FILE, Folder},
    server_key::ServerKey,
    store::{
        KeptItem, ReadingOutcome, Slice, Store, StoredReading, Subject,
        embedded::{EmbeddedStore, Why, end_record},
    },
};
use rules::Event;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};
use vitals::{Admitted, Who, hex, wire::v1};

/// What a fixture's store was found to say by the program that made it.
const SAYS_FILE: &str = "says.txt";

/// How much there is in a fixture: some of everything, in a file of about a hundred kilobytes.
const SHAPE: Shape = Shape { acts: 110, folds_every: 0, reopens_every: 0, is_in_turn: true, is_crowded: false };

/// The hubs of a fixture, with one person each.
const HUBS: usize = 5;

/// Where everything drawn comes from.
const SEED: u64 = 4;

/// The fixtures in the repository.
///
/// # Errors
/// [`Trouble`] where their folder cannot be read.
pub fn all() -> Result<Vec<PathBuf>, Trouble> {
    let folder = tree::root().join("tests/fixtures/stores");
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder).doing("list the stored stores")? {
        found.push(entry.doing("list the stored stores")?.path());
    }
    found.sort();
    Ok(found)
}

/// Makes a store with some of everything, and writes down what it says.
///
/// # Errors
/// [`Trouble`] where the folder is there already, or the store refuses anything.
pub fn make(folder: &Path) -> Result<(), Trouble> {
    let cast = Cast::new(HUBS, 1)?;
    runtime()?.block_on(make_with(&cast, folder))
}

async fn make_with(cast: &Cast, folder: &Path) -> Result<(), Trouble> {
    let disk = StoreDisk::default();
    let mut stage = Stage::open(cast, disk.clone(), false).doing("open a store")?;
    for (act, at) in script(cast, SEED, SHAPE)? {
        if matches!(act, Act::Reopen) {
            continue;
        }
        stage.play(&act, at).await?;
    }
    let last = at(40 * i64::try_from(SHAPE.acts).unwrap_or(0) + 86_400);
    let store = stage.store.as_ref().ok_or_else(|| Trouble::new("make a store", "it is not open"))?;
    let key = ServerKey::from_seed(&[5; 32]);
    store.sign_root(&Access::system(Purpose::Verify), &key, last).await.doing("sign a root")?;
    let people = store.people(&Access::system(Purpose::Follow)).await.doing("list people")?;
    let person = people.last().ok_or_else(|| Trouble::new("make a store", "there is nobody in it"))?;
    stage.close().await;
    let image = disk.memory.image();
    let file = image.file(DATABASE_FILE).ok_or_else(|| Trouble::new("make a store", "it has no file"))?;
    fs::create_dir(folder).doing("make the fixture's folder")?;
    fs::write(folder.join(DATABASE_FILE), file).doing("write the fixture")?;
    // One record among the others has ended.
    end_record(folder, &KEYS, &key, (&person.id, &Why::TimeIsOver), |_step| {}, last).doing("end a record")?;
    let store = EmbeddedStore::open(Arc::new(Folder::new(folder)), KEYS).doing("open it again")?;
    let says = says(&store, cast).await?;
    store.close().await;
    drop(store);
    for beside in ["reserve", "derwent.sqlite3-wal", "derwent.sqlite3-shm"] {
        drop(fs::remove_file(folder.join(beside)));
    }
    fs::write(folder.join(SAYS_FILE), says).doing("write what the fixture says")
}

/// Opens a copy of a fixture and compares everything it says; then offers a reading it holds once more, and checks the
/// whole store against itself.
///
/// # Errors
/// [`Trouble`] with the first line that differs.
pub fn check(fixture: &Path) -> Result<usize, Trouble> {
    let cast = Cast::new(HUBS, 1)?;
    runtime()?.block_on(check_with(&cast, fixture))
}

async fn check_with(cast: &Cast, fixture: &Path) -> Result<usize, Trouble> {
    let folder = tempfile::tempdir().doing("make a folder")?;
    fs::copy(fixture.join(DATABASE_FILE), folder.path().join(DATABASE_FILE)).doing("copy a fixture")?;
    let store = EmbeddedStore::open(Arc::new(Folder::new(folder.path())), KEYS).doing("open a fixture")?;
    let found = says(&store, cast).await?;
    let written = fs::read_to_string(fixture.join(SAYS_FILE)).doing("read what a fixture says")?;
    // What its program knew nothing of is not compared.
    let known: BTreeSet<&str> = written.lines().map(about).collect();
    let found: Vec<&str> = found.lines().filter(|line| known.contains(about(line))).collect();
    let differs = written.lines().zip(&found).find(|(written, found)| written != *found);
    if differs.is_some() || written.lines().count() != found.len() {
        return Err(Trouble::new(
            "read a fixture",
            format!("{differs:?}, lines {} and {}", written.lines().count(), found.len()),
        ));
    }
    offer_again(&store, cast).await?;
    store.verify(&Access::system(Purpose::Verify), &|_progress| {}).await.doing("verify a fixture")?;
    store.close().await;
    Ok(written.lines().count())
}

/// What a line is about: its first word, and of changes their kind, too.
fn about(line: &str) -> &str {
    let words = if line.starts_with("changes ") { 2 } else { 1 };
    let end = line.match_indices(' ').nth(words - 1).map_or(line.len(), |(end, _)| end);
    line.get(..end).unwrap_or(line)
}

/// A reading that is stored comes once more from its hub.
async fn offer_again(store: &EmbeddedStore, cast: &Cast) -> Result<(), Trouble> {
    let readings = store.readings(&Access::system(Purpose::Follow), 10_000).await.doing("list readings")?;
    let of_person = |stored: &StoredReading| match &stored.reading.who {
        Who::Patient(patient) => Some((patient.clone(), stored.clone())),
        Who::Unassigned(_) => None,
    };
    let (patient, stored) =
        readings.iter().find_map(of_person).ok_or_else(|| Trouble::new("offer a reading again", "there is none"))?;
    let admitted = Admitted {
        reading: stored.reading,
        hub: stored.hub.clone(),
        sent_at: stored.server_received,
        server_received: stored.server_received,
    };
    let slice = Slice { subject: Subject::Patient(patient), events: vec![Event::Reading(Box::new(admitted))] };
    let answers = store.apply(cast.hub(&stored.hub)?, vec![slice], Arc::clone(&cast.decide), at(999_999)).await;
    let readings = answers.into_iter().next().and_then(Result::ok).map(|answer| answer.into_inner().readings);
    match readings.as_deref() {
        Some([ReadingOutcome::Duplicate { verdict, .. }]) if *verdict == stored.verdict => Ok(()),
        other => Err(Trouble::new("offer a reading again", format!("{other:?}"))),
    }
}

/// Everything a store says, a line each, in words that later programs have too.
async fn says(store: &EmbeddedStore, cast: &Cast) -> Result<String, Trouble> {
    let view = View::of(store, cast, at(0)).await.doing("read a fixture")?;
    let mut lines = Vec::new();
    for stored in view.readings.iter().chain(&view.unassigned) {
        lines.push(reading(stored));
    }
    for alert in &view.alerts {
        let evidence = alert.evidence.len();
        lines.push(format!(
            "alert {} of {} by {}, waiting {}, evidence {evidence}",
            alert.id,
            alert.patient,
            alert.made_by.rule,
            alert.is_waiting()
        ));
    }
    lines.extend(view.people.iter().map(|person| format!("person {} {}", person.id, person.name)));
    lines.extend(
        view.refusals
            .iter()
            .map(|refusal| format!("refusal {} {} {}", refusal.hub, refusal.code.code(), v1::moment(refusal.at))),
    );
    lines.extend(
        view.timers
            .iter()
            .map(|(patient, timer)| format!("timer {patient} {} {}", timer.alert, v1::moment(timer.due_at))),
    );
    lines.extend(view.unevaluated.iter().map(|admitted| format!("unjudged {}", admitted.reading.id)));
    let mut changes: BTreeMap<&str, usize> = BTreeMap::new();
    for change in &view.changes {
        *changes.entry(change.kind).or_default() += 1;
    }
    lines.extend(changes.iter().map(|(kind, count)| format!("changes {kind} {count}")));
    for KeptItem { item, version } in &view.register {
        lines.push(format!("item {} {} version {version}", item.reference().kind().name(), item.reference().key()));
    }
    for version in &view.versions {
        let which = version.written.item.reference();
        let n = version.written.version.unwrap_or(0);
        lines.push(format!("version {n} of {} at {}", which.key(), v1::moment(version.at)));
    }
    lines.extend(view.logs.iter().map(|line| format!("log {} {}", line.audit.about, v1::moment(line.at))));
    lines.extend(view.accounts.iter().flatten().map(|account| format!("account {}", account.staff)));
    for window in view.windows.iter().flatten() {
        lines.push(format!("window {} {} {}", window.0, window.1.highest, window.1.seen));
    }
    Ok(lines.join("\n") + "\n")
}

fn reading(stored: &StoredReading) -> String {
    let reading = &stored.reading;
    let whose = match &reading.who {
        Who::Patient(patient) => patient.to_string(),
        Who::Unassigned(why) => why.name().to_owned(),
    };
    let flags: Vec<&str> = reading.quality.flags().map(vitals::Flag::name).collect();
    let value = match &reading.value {
        vitals::Value::Measured(measure) => {
            let parts = vitals::measure::Parts::of(measure);
            let numbers =
                parts.numbers.iter().map(|(name, number)| format!("{name}={}{}", number.value(), number.unit().ucum()));
            numbers
                .chain(parts.said.iter().map(|(about, word)| format!("{}={word}", about.name())))
                .collect::<Vec<_>>()
                .join(" ")
        }
        vitals::Value::NotMeasured(why) => why.code().code().to_owned(),
    };
    let verdict = match &stored.verdict {
        Some(rules::Verdict::Evaluated { late, alerts, prompts }) => {
            format!("late {late}, {} alerts, {} prompts", alerts.len(), prompts.len())
        }
        Some(rules::Verdict::Unevaluated { reason }) => reason.clone(),
        None => "nobody's".to_owned(),
    };
    format!(
        "reading {} of {whose} from {} by {}: {} [{value}] taken {} received {} and {} [{}] {} {}: {verdict}",
        reading.id,
        reading.source,
        stored.hub,
        reading.kind.name(),
        v1::moment(reading.times.taken.moment()),
        v1::moment(reading.times.hub_received),
        v1::moment(stored.server_received),
        flags.join(" "),
        reading.raw.characteristic,
        hex::encode(&reading.raw.bytes),
    )
}
