//! How much room readings take: so many through the store, as a county sends them, then the file itself is asked.
//!
//! Everything counts but what the rules remember of each person, which does not grow with readings and is told apart.

use super::{
    frames::ZONE,
    request::{self, Encoding},
    settings,
    stats::real,
    world::{Draft, World},
};
use crate::trouble::{Doing, Trouble};
use actix_web::test::TestRequest;
use chrono::{DateTime, Days, TimeDelta, TimeZone, Utc};
use futures_util::future::join_all;
use ingest::{
    access::{Access, HubEntry, HubRegistry, Purpose},
    decide::{ByPlan, WithoutPlan},
    disk::{DATABASE_FILE, Folder},
    http::signature::verify,
    store::{
        ReadingOutcome, Slice, Store, Subject,
        embedded::{EmbeddedStore, StoreKeys},
    },
};
use rules::{Channel, Event};
use rusqlite::Connection;
use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
};
use vitals::{Admitted, Who};

/// Requests applied together, so that they share a sync as requests of many hubs do, and more wait while some commit.
const TOGETHER: usize = 512;

/// Groups of requests that are drafted ahead.
const DRAFTED_MAX: usize = 4;

/// People of the county under condition management for each hub of the intensive kind: 157,500 beside 42,000 hubs, on which
/// are 52,500 people.
const LIGHT_FOR_EACH_HUB: (usize, usize) = (15, 4);

/// Hubs of the whole county's intensive kind.
pub(super) const COUNTY_HUBS: usize = 42_000;

/// How long one reading may travel.
const ON_ITS_WAY: TimeDelta = TimeDelta::seconds(2);

/// What the store came to.
#[derive(Debug, Clone, Default)]
pub(super) struct Room {
    pub(super) readings: usize,
    /// Requests, and slices: one for each person of a request.
    pub(super) requests: usize,
    pub(super) slices: usize,
    /// Bytes of each table with its indexes.
    pub(super) tables: BTreeMap<String, u64>,
    /// Bytes of the database's file and of its log.
    pub(super) file: u64,
    pub(super) log: u64,
}

/// The table of what the rules remember of each person, with the end of each chain.
pub(super) const STATE: &str = "record";

impl Room {
    /// Bytes a reading of one table.
    pub(super) fn a_reading(&self, table: &str) -> f64 {
        real(self.tables.get(table).copied().unwrap_or_default() / 1024) * 1024.0 / real(self.readings)
    }

    /// Bytes a reading of everything but the state.
    pub(super) fn without_state(&self) -> f64 {
        let all = self.file + self.log - self.tables.get(STATE).copied().unwrap_or_default();
        real(all / 1024) * 1024.0 / real(self.readings)
    }
}

/// Stores at least so many readings in a folder and measures the room they take.
pub(super) fn measure(readings: usize, hubs: usize, seed: u64, folder: &Path) -> Result<Room, Trouble> {
    let (each, of) = LIGHT_FOR_EACH_HUB;
    let mut world = World::with_light(hubs, hubs * each / of, seed)?;
    let data = folder.join("bytes");
    fs::create_dir_all(&data).doing("make the store's folder")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.doing("start a runtime")?;
    let disk = Arc::new(Folder::new(&data));
    let store = EmbeddedStore::open(disk, StoreKeys { chain: [0xb; 32] }).doing("open the store")?;
    let plan = ByPlan::for_service(vec![settings::pack()?], vec![Channel::Console], WithoutPlan::Judged)
        .doing("activate the protocol")?;
    let filling = Filling { store, decide: Arc::new(plan), access: accesses(&mut world)? };
    runtime.block_on(filling.register(&world))?;
    // What is next is drafted while the store works.
    let (sender, drafted) = sync_channel(DRAFTED_MAX);
    let mut room = std::thread::scope(|scope| {
        let drafting = scope.spawn(move || draft_days(&mut world, &sender));
        let room = runtime.block_on(filling.fill(readings, drafted));
        drafting.join().map_err(|_panicked| Trouble::new("draft requests", "the thread that drafts has ended"))??;
        room
    })?;
    runtime.block_on(filling.store.close());
    let path = data.join(DATABASE_FILE);
    room.tables = tables(&path)?;
    room.file = fs::metadata(&path).doing("look at the database")?.len();
    room.log = fs::metadata(path.with_extension("sqlite3-wal")).map_or(0, |log| log.len());
    Ok(room)
}

/// Requests that arrive together, and when.
type Drafted = (Vec<Draft>, DateTime<Utc>);

/// Days of the county, one after the other, until nobody takes them any more.
fn draft_days(world: &mut World, sender: &SyncSender<Drafted>) -> Result<(), Trouble> {
    let mut day = ZONE.with_ymd_and_hms(2026, 6, 1, 8, 0, 0).single().map(|day| day.to_utc()).unwrap_or_default();
    loop {
        for (hours, round) in [(0, Round::Morning), (1, Round::Light), (10, Round::Evening)] {
            let at = day + TimeDelta::hours(hours);
            let mut together = Vec::new();
            for place in 0..world.homes().len() {
                together.extend(round.of(world, place, at)?);
                if together.len() == TOGETHER && sender.send((std::mem::take(&mut together), at)).is_err() {
                    return Ok(());
                }
            }
            if sender.send((together, at)).is_err() {
                return Ok(());
            }
        }
        day = day.checked_add_days(Days::new(1)).ok_or_else(|| Trouble::new("go on a day", "the calendar ends"))?;
    }
}

/// A round of a day.
#[derive(Clone, Copy)]
enum Round {
    /// Three readings of each person on a hub, in one request.
    Morning,
    /// One of each person under condition management.
    Light,
    /// One more of each person on a hub.
    Evening,
}

impl Round {
    /// What a hub sends in this round, if anything.
    fn of(self, world: &mut World, place: usize, at: DateTime<Utc>) -> Result<Option<Draft>, Trouble> {
        let home = world.home(place)?;
        let each = match (self, home.is_light) {
            (Self::Morning, false) => 3,
            (Self::Evening, false) | (Self::Light, true) => 1,
            (Self::Morning | Self::Evening, true) | (Self::Light, false) => return Ok(None),
        };
        let people = home.people.len();
        world.draft(place, each * people, at).map(Some)
    }
}

struct Filling {
    store: EmbeddedStore,
    decide: Arc<ByPlan>,
    access: Vec<Access>,
}

impl Filling {
    /// Applies what is drafted until there are enough readings; then nobody takes more.
    async fn fill(&self, readings: usize, drafted: Receiver<Drafted>) -> Result<Room, Trouble> {
        let mut room = Room::default();
        while room.readings < readings {
            let (drafts, at) = drafted.recv().doing("take drafted requests")?;
            self.apply(drafts, at + ON_ITS_WAY, &mut room).await?;
        }
        Ok(room)
    }

    async fn register(&self, world: &World) -> Result<(), Trouble> {
        let people = settings::people(world)?;
        for people in people.chunks(TOGETHER) {
            let slices = people.iter().map(|person| Slice {
                subject: Subject::Patient(person.id.clone()),
                events: vec![Event::written(person.clone())],
            });
            let who = Access::system(Purpose::SetUp);
            let answers = self.store.apply(&who, slices.collect(), self.decide.clone(), DateTime::UNIX_EPOCH).await;
            for answer in answers {
                answer.doing("register a person")?;
            }
        }
        Ok(())
    }

    /// Applies requests as the service does: the number, what was refused, and a slice for each person.
    async fn apply(&self, drafts: Vec<Draft>, at: DateTime<Utc>, room: &mut Room) -> Result<(), Trouble> {
        let mut waiting = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let who = self.access.get(draft.home).ok_or_else(|| Trouble::new("find a hub", "there is none"))?;
            room.requests += 1;
            let slices = slices(draft, at)?;
            waiting.push(self.store.apply(who, slices, self.decide.clone(), at));
        }
        for answer in join_all(waiting).await.into_iter().flatten() {
            let outcome = answer.doing("apply a slice")?;
            let readings = &outcome.get().readings;
            if readings.iter().any(|reading| !matches!(reading, ReadingOutcome::Stored { .. })) {
                return Err(Trouble::new("store readings", "one was not new"));
            }
            room.readings += readings.len();
            room.slices += usize::from(!readings.is_empty());
        }
        Ok(())
    }
}

fn slices(draft: Draft, at: DateTime<Utc>) -> Result<Vec<Slice>, Trouble> {
    let Draft { hub, number, made_at, readings, .. } = draft;
    let mut of_people: BTreeMap<Subject, Vec<Event>> = BTreeMap::new();
    for reading in readings {
        let Who::Patient(patient) = &reading.who else { return Err(Trouble::new("store readings", "one is nobody's")) };
        let subject = Subject::Patient(patient.clone());
        let admitted = Admitted { reading, hub: hub.clone(), sent_at: made_at, server_received: at };
        of_people.entry(subject).or_default().push(Event::Reading(Box::new(admitted)));
    }
    let number = vec![Event::Received { hub: hub.clone(), number }];
    let first = [
        Slice { subject: Subject::Service, events: number },
        Slice { subject: Subject::Unassigned(hub), events: Vec::new() },
    ];
    Ok(first.into_iter().chain(of_people.into_iter().map(|(subject, events)| Slice { subject, events })).collect())
}

/// Each hub's access, got as every hub gets it: by its signature.
fn accesses(world: &mut World) -> Result<Vec<Access>, Trouble> {
    let entries = world.homes().iter().map(|home| {
        let public_key = home.key.public_key().doing("take a public key")?;
        Ok((home.hub.clone(), HubEntry { public_key, patients: home.people.iter().cloned().collect() }))
    });
    let hubs = HubRegistry::new(entries.collect::<Result<BTreeMap<_, _>, Trouble>>()?);
    let places = 0..world.homes().len();
    places
        .map(|place| {
            let draft = world.draft(place, 0, DateTime::UNIX_EPOCH)?;
            let mut request = TestRequest::post().uri(vitals::wire::v1::BATCHES_PATH);
            for (name, value) in request::headers(world.home(place)?, &draft, Encoding::Identity, &[])? {
                request = request.insert_header((name, value));
            }
            let signed = verify(request.to_http_request().head(), &hubs, DateTime::UNIX_EPOCH);
            let signed = signed.map_err(|code| Trouble::new("verify a hub's request", code.code()))?;
            Ok(Access::hub(signed.hub()))
        })
        .collect()
}

/// Bytes of each table, its indexes with it, by SQLite's own count of pages.
fn tables(path: &Path) -> Result<BTreeMap<String, u64>, Trouble> {
    let conn = Connection::open(path).doing("open the database")?;
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_row| Ok(())).doing("fold the log into the database")?;
    let sql = "SELECT coalesce(s.tbl_name, d.name), sum(d.pgsize) FROM dbstat d LEFT JOIN sqlite_schema s ON s.name = d.name \
               WHERE d.aggregate = TRUE GROUP BY 1";
    let mut statement = conn.prepare(sql).doing("ask for the size of each table")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)));
    let mut tables = BTreeMap::new();
    for row in rows.doing("ask for the size of each table")? {
        let (name, bytes) = row.doing("ask for the size of each table")?;
        tables.insert(name, u64::try_from(bytes).unwrap_or_default());
    }
    Ok(tables)
}
