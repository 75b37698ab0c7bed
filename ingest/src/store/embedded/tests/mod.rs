//! The embedded store against its promises, with the real rules and the demo's protocol on a real folder.

mod chain;
mod corrected;
mod damage;
mod ends;
mod forms;
mod jobs;
mod once;
mod opening;
mod races;
mod scrub;
mod slices;
mod trouble;
mod verify;
mod versions;
mod whole;

use super::{EmbeddedStore, StoreKeys};
use crate::{
    access::{Access, Caseload, Purpose, VerifiedHub, demo_case_manager},
    decide::ByPlan,
    disk::{DATABASE_FILE, Folder},
    store::{ApplyError, Committed, Cursor, Decide, Outcome, ReadingOutcome, Slice, Store, Subject},
};
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use rules::{Actor, Alert, Channel, Event, Verdict};
use std::{collections::BTreeSet, sync::Arc};
use tempfile::TempDir;
use vitals::{
    Admitted, BloodPressure, ClockOffset, Decimal, ErrorCode, HubId, Kind, Measure, PatientId, Quality, RawFrame,
    Reading, RecordNumber, SourceId, TakenAt, Times, Value, Who, WhyUnassigned,
    bounded::Text,
    id::StaffId,
    quantity::MmHg,
    record::{RecordKey, reading_id},
};

const KEYS: StoreKeys = StoreKeys { chain: [7; 32] };

/// A store on a folder of its own.
struct Fixture {
    folder: TempDir,
    store: Arc<EmbeddedStore>,
    decide: Arc<dyn Decide>,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(open(&folder).unwrap());
        Self { folder, store, decide: by_demo_pack() }
    }

    /// Closes the store and opens it again.
    async fn reopened(self) -> Self {
        self.store.close().await;
        let Self { folder, store, decide } = self;
        drop(store);
        let store = Arc::new(open(&folder).unwrap());
        Self { folder, store, decide }
    }

    /// A connection past the store, to look at rows or to damage them.
    fn sqlite(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join(DATABASE_FILE)).unwrap()
    }

    fn count(&self, of: &str) -> i64 {
        self.sqlite().query_row(&format!("SELECT count(*) FROM {of}"), [], |row| row.get(0)).unwrap()
    }

    /// How many readings are stored, whoever's they are.
    async fn stored(&self) -> usize {
        let follow = Access::system(Purpose::Follow);
        let of_people = self.store.readings(&follow, super::ROWS_MAX).await.unwrap();
        of_people.len() + self.store.unassigned(&follow, super::ROWS_MAX).await.unwrap().len()
    }

    /// How many changes of this kind followers are told.
    async fn told(&self, kind: &str) -> usize {
        let follow = Access::system(Purpose::Follow);
        let (changes, _) = self.store.changes(&follow, Cursor::default(), super::ROWS_MAX).await.unwrap();
        changes.into_iter().filter(|change| change.kind == kind).count()
    }

    /// How many readings were kept beside one that says something else.
    async fn conflicts(&self) -> usize {
        let refusals = self.store.refusals(&Access::system(Purpose::Follow), super::ROWS_MAX).await.unwrap();
        refusals.into_iter().filter(|refusal| refusal.code == ErrorCode::ReadingConflict).count()
    }

    async fn apply(
        &self,
        who: &Access,
        slices: Vec<Slice>,
        at: DateTime<Utc>,
    ) -> Vec<Result<Committed<Outcome>, ApplyError>> {
        self.store.apply(who, slices, self.decide.clone(), at).await
    }

    async fn apply_one(
        &self,
        who: &Access,
        subject: Subject,
        events: Vec<Event>,
        at: DateTime<Utc>,
    ) -> Result<Outcome, ApplyError> {
        self.apply(who, vec![Slice { subject, events }], at).await.remove(0).map(Committed::into_inner)
    }

    /// One reading of a person from their hub.
    async fn offer(&self, admitted: &Admitted, at: DateTime<Utc>) -> Outcome {
        let Who::Patient(patient) = &admitted.reading.who else { panic!("of nobody") };
        self.apply_one(&hub_of(&[patient]), Subject::Patient(patient.clone()), vec![event(admitted)], at).await.unwrap()
    }

    /// Waits until the store has halted.
    async fn halts(&self) {
        tokio::time::timeout(std::time::Duration::from_secs(10), self.store.halted()).await.expect("it halts");
    }

    async fn alerts(&self) -> Vec<Alert> {
        self.store.alerts(&Access::system(Purpose::Follow), 100).await.unwrap()
    }
}

fn open(folder: &TempDir) -> Result<EmbeddedStore, super::OpenError> {
    EmbeddedStore::open(Arc::new(Folder::new(folder.path())), KEYS)
}

fn by_demo_pack() -> Arc<dyn Decide> {
    Arc::new(ByPlan::for_demo(vec![rules::pack::demo_pack().unwrap()], vec![Channel::Console]).unwrap())
}

/// Eight in the morning and so many seconds.
fn at(secs: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 1, 8, 0, 0).unwrap() + TimeDelta::seconds(secs)
}

fn pt(n: usize) -> PatientId {
    PatientId::parse(&format!("pt-{n}")).unwrap()
}

fn hub() -> HubId {
    HubId::parse("hub-1").unwrap()
}

fn hub_of(patients: &[&PatientId]) -> Access {
    Access::hub(&VerifiedHub::new(hub(), patients.iter().copied().cloned().collect()))
}

fn actor(name: &str) -> Actor {
    Actor { id: StaffId::parse(&format!("st-{name}")).unwrap(), name: Text::new(name).unwrap() }
}

#[expect(clippy::disallowed_methods, reason = "tests sign in as the demo does")]
fn staff(name: &str, patients: &[&PatientId]) -> Access {
    let caseload = Caseload {
        patients: patients.iter().copied().cloned().collect::<BTreeSet<_>>(),
        hubs: BTreeSet::from([hub()]),
    };
    demo_case_manager(actor(name), caseload)
}

fn event(admitted: &Admitted) -> Event {
    Event::Reading(Box::new(admitted.clone()))
}

fn slice(admitted: &Admitted) -> Slice {
    let subject = match &admitted.reading.who {
        Who::Patient(patient) => Subject::Patient(patient.clone()),
        Who::Unassigned(_) => Subject::Unassigned(admitted.hub.clone()),
    };
    Slice { subject, events: vec![event(admitted)] }
}

/// A blood pressure of a person: record `n` of their own cuff, taken and received at `at(secs)`.
fn pressure(patient: &PatientId, n: u32, secs: i64, systolic: u16, diastolic: u16) -> Admitted {
    let source = SourceId::device("made", patient.as_str()).unwrap();
    let raw = RawFrame { service: "1810".into(), characteristic: "2a35".into(), bytes: n.to_le_bytes().to_vec() };
    let record = RecordNumber::of(&raw.service, RecordKey::Number(n), None, &raw.bytes);
    let mmhg = |number: u16| MmHg::new(Decimal::from(number));
    let measure = BloodPressure {
        systolic: mmhg(systolic),
        diastolic: mmhg(diastolic),
        mean: None,
        pulse: None,
        posture: None,
        arm: None,
    };
    let times = Times {
        device: None,
        hub_received: at(secs),
        taken: TakenAt::DeviceClock(at(secs)),
        offset: ClockOffset::ReadAtConnection { device_ahead_secs: 0 },
    };
    let reading = Reading {
        id: reading_id(&source, record),
        source,
        record,
        user_index: None,
        who: Who::Patient(patient.clone()),
        kind: Kind::BloodPressure,
        value: Value::Measured(Measure::BloodPressure(measure)),
        times,
        quality: Quality::none(),
        raw,
    };
    Admitted { reading, hub: hub(), sent_at: at(secs), server_received: at(secs) }
}

fn calm(patient: &PatientId, n: u32, secs: i64) -> Admitted {
    pressure(patient, n, secs, 121, 79)
}

fn red(patient: &PatientId, n: u32, secs: i64) -> Admitted {
    pressure(patient, n, secs, 190, 121)
}

fn of_nobody(mut admitted: Admitted) -> Admitted {
    admitted.reading.who = Who::Unassigned(WhyUnassigned::NotBound);
    admitted
}

fn verdict_of(outcome: &ReadingOutcome) -> Option<Verdict> {
    match outcome {
        ReadingOutcome::Stored { verdict, .. } => Some(verdict.clone()),
        ReadingOutcome::Duplicate { verdict, .. } => verdict.clone(),
        ReadingOutcome::Unassigned { .. } | ReadingOutcome::Conflict { .. } | ReadingOutcome::Erased { .. } => None,
    }
}

fn is_stored(outcome: &ReadingOutcome) -> bool {
    matches!(outcome, ReadingOutcome::Stored { .. })
}

fn is_duplicate(outcome: &ReadingOutcome) -> bool {
    matches!(outcome, ReadingOutcome::Duplicate { .. })
}
