//! What it costs to take a county's roster into the register: the dry run, the import, the same list again, and taking a
//! small import back.
//!
//! The probe of the same run inserts the same rows into plain SQLite, as many at a time and synced in the same way.
//!
//! Figures are for reading and comparing, not for passing or failing. But a run in which the same list writes anything, or
//! in which somebody is not written, is void.

use crate::{
    bench::Figures,
    clock::time_of,
    trouble::{Doing, Trouble},
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use ingest::{
    access::{Access, Purpose},
    decide::ByPlan,
    disk::{DATABASE_FILE, Folder},
    people::{Beside, Hand, ImportId, KnownPeople, List, PersonIds, Roster, Sheet, WRITTEN_TOGETHER, roster, undo},
    store::{
        Slice, Store, Subject,
        embedded::{EmbeddedStore, StoreKeys},
    },
};
use register::{
    ContactChoices, KeyContact, Need, OdsCode, Organisation, Patient, Stratum, Team, Telephone, place::OrganisationKind,
};
use rules::Event;
use rusqlite::{Connection, OpenFlags};
use std::{collections::BTreeMap, fmt, fs, path::Path, sync::Arc, time::Duration};
use tokio::runtime::Runtime;
use vitals::{
    NhsNumber, PatientId,
    bounded::Text,
    id::{OrganisationId, TeamId},
    nhs::{Realm, check_digit},
};

/// People of a county (design, load model).
pub const COUNTY: u32 = 210_000;

/// Teams they are spread over.
const TEAMS: u32 = 40;

/// People of the import that is taken back.
const TAKEN_BACK: usize = 1_000;

/// The key of the store of the bench.
const KEY: [u8; 32] = [0xb; 32];

/// What one step took.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    what: &'static str,
    name: &'static str,
    took: Duration,
    people: u32,
    /// The most memory the process had in the step, in kB; none where it is not asked for.
    peak_kb: Option<u64>,
}

/// All figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    people: u32,
    file_bytes: u64,
    store_bytes: u64,
    probe_bytes: u64,
    probe: Duration,
    rows: Vec<Row>,
}

/// Measures with so many people, in a new folder beneath this one.
///
/// # Errors
/// [`Trouble`] where something does not work, and where the run is void.
pub fn measure(people: u32, folder: &Path) -> Result<Table, Trouble> {
    let folder = tempfile::Builder::new().prefix("derwent-bench-").tempdir_in(folder).doing("make a folder")?;
    let Invented { file, small_file, probe, probe_bytes } = invent(people, &folder.path().join("probe"))?;
    let data = folder.path().join("data");
    fs::create_dir(&data).doing("make the store's folder")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let mut bench = Bench { runtime: runtime.doing("start a runtime")?, data: &data, rows: Vec::new() };
    let store = bench.open()?;
    bench.places(&store)?;
    let (all, first) = (u64::from(people), import_id("im-0000000000000001")?);
    let found = bench.dry("dry run, all new", "dry_new", &store, &file)?;
    bench.expect("find everybody new", found, all)?;
    let written = bench.import("import, all new", "import", &store, &file, &first)?;
    bench.expect("write everybody", written, all)?;
    let before = bench.entries()?;
    let found = bench.dry("dry run, nothing new", "dry_same", &store, &file)?;
    bench.expect("find nothing to write", found, 0)?;
    let again = import_id("im-0000000000000002")?;
    let written = bench.import("the same list again", "import_same", &store, &file, &again)?;
    bench.expect("write nothing", written + bench.entries()? - before, 0)?;
    let small = import_id("im-0000000000000003")?;
    let few = u64::try_from(TAKEN_BACK).unwrap_or(u64::MAX).min(all);
    let written = bench.import("import of some who moved", "import_some", &store, &small_file, &small)?;
    bench.expect("write those who moved", written, few)?;
    let undone = bench.undo(&store, &small_file, &small)?;
    bench.expect("put back those who moved", undone, few)?;
    let found = bench.dry("dry run after taking it back", "dry_after", &store, &file)?;
    bench.expect("find everybody as they were", found, 0)?;
    bench.runtime.block_on(store.close());
    let store_bytes = size(&data.join(DATABASE_FILE));
    let file_bytes = u64::try_from(file.len()).unwrap_or(u64::MAX);
    Ok(Table { people, file_bytes, store_bytes, probe_bytes, probe, rows: bench.rows })
}

/// When everything happens.
fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

fn import_id(name: &str) -> Result<ImportId, Trouble> {
    ImportId::parse(name).ok_or_else(|| Trouble::new("name an import", "it is no name"))
}

/// What is invented at once: what was in memory while inventing would count as the list's otherwise.
const INVENTED_AT_ONCE: usize = 10_000;

struct Invented {
    file: Vec<u8>,
    small_file: Vec<u8>,
    probe: Duration,
    probe_bytes: u64,
}

/// Everybody, with every column of the roster filled for most; and the probe, which takes the same people.
fn invent(people: u32, path: &Path) -> Result<Invented, Trouble> {
    let ids = PersonIds::new(&KEY);
    let numbers = (0..10_000_000_u32).filter_map(|place| {
        let ten = format!("999{place:07}");
        let digits: Vec<u8> = ten.bytes().take(9).map(|byte| byte - b'0').collect();
        let last = check_digit(digits.try_into().ok()?)?;
        // One number of each ten has this check digit.
        ten.ends_with(char::from(b'0' + last)).then_some(ten)
    });
    let mut places = (0..people).zip(numbers);
    let mut sqlite = open_probe(path)?;
    let (mut file, mut small_file, mut probe) = (Vec::new(), Vec::new(), Duration::ZERO);
    let mut invented = 0;
    loop {
        let some = places.by_ref().take(INVENTED_AT_ONCE).map(|(place, number)| person(&ids, place, &number));
        let some: Vec<Patient> = some.collect::<Result<_, _>>()?;
        if some.is_empty() {
            break;
        }
        invented += some.len();
        let text = roster::written(&some);
        if file.is_empty() {
            file = text;
            let moved: Vec<Patient> = some.iter().take(TAKEN_BACK).map(elsewhere).collect::<Result<_, _>>()?;
            small_file = roster::written(&moved);
        } else {
            file.extend(text.into_iter().skip_while(|byte| *byte != b'\n').skip(1));
        }
        probe += insert_all(&mut sqlite, &some)?;
    }
    drop(sqlite);
    if u32::try_from(invented).ok() == Some(people) {
        Ok(Invented { file, small_file, probe, probe_bytes: size(path) })
    } else {
        Err(Trouble::new("invent people", "there are no more numbers"))
    }
}

fn person(ids: &PersonIds, place: u32, number: &str) -> Result<Patient, Trouble> {
    let number = NhsNumber::parse_in(number, Realm::Demo).doing("read an NHS number")?;
    let id = ids.of(number).ok_or_else(|| Trouble::new("make an id", "there is none"))?;
    let name = Text::new(&format!("Test Person {place}")).doing("name a person")?;
    let telephone = |place: u32| Telephone::parse(&format!("+4477009{place:06}")).doing("make a telephone number");
    Ok(Patient {
        born: NaiveDate::from_ymd_opt(1930, 1, 1)
            .and_then(|day| day.checked_add_signed(TimeDelta::days((place % 15_000).into()))),
        team: Some(team(place % TEAMS)?),
        stratum: Some(if place.is_multiple_of(4) { Stratum::Intensive } else { Stratum::Condition }),
        pathway: Some(Text::new("heart failure").doing("name a pathway")?),
        practice: Some(OdsCode::parse(&format!("Y{:05}", place % 300)).doing("name a practice")?),
        telephones: vec![telephone(place)?],
        contacts: vec![KeyContact {
            name: Text::new(&format!("Test Contact {place}")).doing("name a contact")?,
            relation: Text::new("daughter").doing("name a relation")?,
            telephone: telephone(place + 1)?,
            has_key: false,
        }],
        choices: ContactChoices { text_message: place.is_multiple_of(2), call: true, letter: false },
        needs: if place.is_multiple_of(10) { vec![Need::LargePrint] } else { vec![] },
        access_notes: place
            .is_multiple_of(5)
            .then(|| Text::new("Key safe beside the door"))
            .transpose()
            .doing("note")?,
        ..Patient::new(id, name, number)
    })
}

fn team(place: u32) -> Result<TeamId, Trouble> {
    TeamId::parse(&format!("tm-{place}")).doing("name a team")
}

/// The same person in another team.
fn elsewhere(person: &Patient) -> Result<Patient, Trouble> {
    let team = if person.team == Some(team(0)?) { team(1)? } else { team(0)? };
    Ok(Patient { team: Some(team), ..person.clone() })
}

/// Plain SQLite, synced as the store is.
fn open_probe(path: &Path) -> Result<Connection, Trouble> {
    let sqlite = Connection::open(path).doing("open the probe's database")?;
    sqlite
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             CREATE TABLE person (id TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT;",
        )
        .doing("make the probe's table")?;
    Ok(sqlite)
}

/// The same rows, as many in a transaction: how long that takes.
fn insert_all(sqlite: &mut Connection, people: &[Patient]) -> Result<Duration, Trouble> {
    let rows: Vec<(String, Vec<u8>)> = people
        .iter()
        .map(|person| Ok((person.id.to_string(), serde_json::to_vec(person).doing("write a person")?)))
        .collect::<Result<_, Trouble>>()?;
    let mut done: rusqlite::Result<()> = Ok(());
    let took = time_of(|| done = rows.chunks(WRITTEN_TOGETHER).try_for_each(|rows| insert(sqlite, rows)));
    done.doing("insert the probe's rows")?;
    Ok(took)
}

fn insert(sqlite: &mut Connection, rows: &[(String, Vec<u8>)]) -> rusqlite::Result<()> {
    let transaction = sqlite.transaction()?;
    {
        let mut statement = transaction.prepare_cached("INSERT INTO person (id, body) VALUES (?1, ?2)")?;
        for (id, body) in rows {
            statement.execute((id, body))?;
        }
    }
    transaction.commit()
}

/// Bytes of a database and what belongs to it.
fn size(database: &Path) -> u64 {
    ["", "-wal"]
        .iter()
        .filter_map(|ending| fs::metadata(format!("{}{ending}", database.display())).ok())
        .map(|file| file.len())
        .sum()
}

struct Bench<'a> {
    runtime: Runtime,
    data: &'a Path,
    rows: Vec<Row>,
}

impl Bench<'_> {
    fn open(&self) -> Result<EmbeddedStore, Trouble> {
        let _inside = self.runtime.enter();
        EmbeddedStore::open(Arc::new(Folder::new(self.data)), StoreKeys { chain: KEY }).doing("open the store")
    }

    fn expect(&self, what: &str, found: u64, expected: u64) -> Result<(), Trouble> {
        if found == expected { Ok(()) } else { Err(Trouble::new(what, format!("{found} instead of {expected}"))) }
    }

    /// The organisation and its teams.
    fn places(&self, store: &EmbeddedStore) -> Result<(), Trouble> {
        let organisation = OrganisationId::parse("org-bench").doing("name an organisation")?;
        let name = Text::new("Bench").doing("name a place")?;
        let kind = OrganisationKind::Trust;
        let item = Organisation { id: organisation.clone(), name: name.clone(), kind, ods_code: None };
        let mut events = vec![Event::written(item)];
        for place in 0..TEAMS {
            let (id, name, organisation) = (team(place)?, name.clone(), organisation.clone());
            events.push(Event::written(Team { id, name, organisation, telephone: None, service_hours: None }));
        }
        let slices = vec![Slice { subject: Subject::Service, events }];
        let who = Access::system(Purpose::SetUp);
        let decide = Arc::new(ByPlan::default());
        for answer in self.runtime.block_on(store.apply(&who, slices, decide, now())) {
            answer.doing("write the places")?;
        }
        Ok(())
    }

    /// Times a step, with the most memory the process had in it.
    fn step<T>(
        &mut self,
        what: &'static str,
        name: &'static str,
        work: impl FnOnce(&Self) -> Result<(u32, T), Trouble>,
    ) -> Result<T, Trouble> {
        let is_fresh = forget_peak();
        let mut done = Err(Trouble::new(what, "it was not done"));
        let took = time_of(|| done = work(self));
        let (people, came_to) = done?;
        let peak_kb = if is_fresh { peak_kb() } else { None };
        self.rows.push(Row { what, name, took, people, peak_kb });
        Ok(came_to)
    }

    /// Looks a list through, as the command does: how many people it would write.
    fn dry(
        &mut self,
        what: &'static str,
        name: &'static str,
        store: &EmbeddedStore,
        file: &[u8],
    ) -> Result<u64, Trouble> {
        self.step(what, name, |bench| {
            let list = list();
            let (sheet, known) = bench.beside(store, file)?;
            let findings = Beside::new(&list, &sheet, &known).findings();
            if findings.refused() > 0 {
                return Err(Trouble::new(what, format!("{} rows are refused", findings.refused())));
            }
            Ok((u32::try_from(findings.rows).unwrap_or(u32::MAX), findings.new + findings.changed))
        })
    }

    /// Takes a list in, as the command does: looked through first, then written.
    fn import(
        &mut self,
        what: &'static str,
        name: &'static str,
        store: &EmbeddedStore,
        file: &[u8],
        import: &ImportId,
    ) -> Result<u64, Trouble> {
        self.step(what, name, |bench| {
            let list = list();
            let (sheet, known) = bench.beside(store, file)?;
            let beside = Beside::new(&list, &sheet, &known);
            let findings = beside.findings();
            let hand = Hand::of_service(store, Arc::new(ByPlan::default()), now());
            let writing = beside.write(hand, import);
            let applied = bench.runtime.block_on(writing).doing("write a list")?;
            if !applied.stale.is_empty() {
                return Err(Trouble::new(what, "somebody was changed meanwhile"));
            }
            Ok((u32::try_from(findings.rows).unwrap_or(u32::MAX), applied.written))
        })
    }

    /// Takes an import back.
    fn undo(&mut self, store: &EmbeddedStore, file: &[u8], import: &ImportId) -> Result<u64, Trouble> {
        let list = list();
        let (sheet, known) = self.beside(store, file)?;
        let people: Vec<PatientId> =
            Beside::new(&list, &sheet, &known).steps().flatten().map(|(id, _unchanged)| id).collect();
        drop(known);
        self.step("take that import back", "undo", |bench| {
            let count = u32::try_from(people.len()).unwrap_or(u32::MAX);
            let hand = Hand::of_service(store, Arc::new(ByPlan::default()), now());
            let undoing = undo(hand, import, people, false);
            let undone = bench.runtime.block_on(undoing).doing("take an import back")?;
            Ok((count, undone.put_back))
        })
    }

    fn beside<'f>(&self, store: &EmbeddedStore, file: &'f [u8]) -> Result<(Sheet<'f>, KnownPeople), Trouble> {
        let sheet = Sheet::read(file, Roster::COLUMNS, Roster::NEEDED).doing("read the list")?;
        let known = self.runtime.block_on(KnownPeople::read(store)).doing("read the register")?;
        Ok((sheet, known))
    }

    /// How many entries the journal has.
    fn entries(&self) -> Result<u64, Trouble> {
        let path = self.data.join(DATABASE_FILE);
        let sqlite = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).doing("open the store")?;
        let count: i64 =
            sqlite.query_row("SELECT coalesce(max(seq), 0) FROM entry", [], |row| row.get(0)).doing("count entries")?;
        u64::try_from(count).doing("count entries")
    }
}

fn list() -> Roster {
    Roster { ids: PersonIds::new(&KEY), realm: Realm::Demo, today: now().date_naive() }
}

/// Has Linux count the most memory anew from here on (`proc_pid_clear_refs(5)`); false where it does not.
fn forget_peak() -> bool {
    fs::write("/proc/self/clear_refs", "5").is_ok()
}

/// The most memory this process had since, in kB (`VmHWM`, `proc_pid_status(5)`).
fn peak_kb() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?.parse().ok()
}

fn per(bytes: u64, people: u32) -> f64 {
    f64::from(u32::try_from(bytes / 1024).unwrap_or(u32::MAX)) * 1024.0 / f64::from(people.max(1))
}

impl Table {
    fn to_probe(&self, row: &Row) -> f64 {
        let each = self.probe.as_secs_f64() / f64::from(self.people.max(1));
        row.took.as_secs_f64() / f64::from(row.people.max(1)) / each
    }
}

impl Figures for Table {
    fn named(&self) -> BTreeMap<String, f64> {
        let mut named: BTreeMap<String, f64> = [
            ("people".to_owned(), f64::from(self.people)),
            ("probe_secs".to_owned(), self.probe.as_secs_f64()),
            ("file_bytes_per_person".to_owned(), per(self.file_bytes, self.people)),
            ("store_bytes_per_person".to_owned(), per(self.store_bytes, self.people)),
            ("probe_bytes_per_person".to_owned(), per(self.probe_bytes, self.people)),
        ]
        .into();
        for row in &self.rows {
            named.insert(format!("{}_secs", row.name), row.took.as_secs_f64());
            named.insert(format!("{}_to_probe", row.name), self.to_probe(row));
            if let Some(peak) = row.peak_kb {
                named.insert(
                    format!("{}_peak_mib", row.name),
                    f64::from(u32::try_from(peak).unwrap_or(u32::MAX)) / 1024.0,
                );
            }
        }
        named
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<32} {:>9} {:>10} {:>12} {:>9} {:>10}",
            "", "people", "seconds", "µs a person", "to probe", "peak MiB"
        )?;
        for row in &self.rows {
            let Row { what, took, people, peak_kb, .. } = row;
            let secs = took.as_secs_f64();
            let each = secs * 1e6 / f64::from((*people).max(1));
            let peak = peak_kb.map_or_else(|| "-".to_owned(), |kb| (kb / 1024).to_string());
            writeln!(f, "{what:<32} {people:>9} {secs:>10.2} {each:>12.1} {:>8.2}× {peak:>10}", self.to_probe(row))?;
        }
        let (probe, people) = (self.probe.as_secs_f64(), self.people);
        writeln!(
            f,
            "{:<32} {people:>9} {probe:>10.2} {:>12.1} {:>8.2}×",
            "probe: plain inserts",
            probe * 1e6 / f64::from(people.max(1)),
            1.0
        )?;
        writeln!(
            f,
            "the file has {} bytes ({:.0} a person), the store {} ({:.0}), the probe's table {} ({:.0})",
            self.file_bytes,
            per(self.file_bytes, people),
            self.store_bytes,
            per(self.store_bytes, people),
            self.probe_bytes,
            per(self.probe_bytes, people)
        )?;
        write!(
            f,
            "import: the register read, the list looked through, then {WRITTEN_TOGETHER} people in a commit, each an entry of \
             their own chain; probe: the same people as JSON, as many in a transaction, synced at each; peak: the most memory of \
             this process in the step, the list's file with it"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_county_has_every_figure_and_the_same_list_writes_nothing() {
        let table = measure(1_300, &std::env::temp_dir()).unwrap();
        let named = table.named();
        for name in ["dry_new", "import", "dry_same", "import_same", "import_some", "undo", "dry_after"] {
            assert!(named[&format!("{name}_to_probe")] > 0.0, "{name}");
        }
        assert!(named["store_bytes_per_person"] > named["file_bytes_per_person"], "{named:?}");
        assert!(table.to_string().contains("take that import back"), "{table}");
    }

    /// The plant: a list that says something else than the first.
    #[test]
    fn a_run_in_which_the_same_list_writes_something_is_void() {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let bench = Bench { runtime, data: folder.path(), rows: Vec::new() };
        let void = bench.expect("write nothing", 1, 0).unwrap_err().to_string();
        assert_eq!(void, "write nothing: 1 instead of 0");
    }
}
