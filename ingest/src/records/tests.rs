//! What is given out: all of one person and nothing of another, the same by file and by channel, signed where it must be.

use super::{
    NotGiven,
    export::{self, Form},
    incident::{self, Between, NotABundle},
};
use crate::{
    access::{Access, Purpose, VerifiedHub},
    decide::ByPlan,
    disk::Folder,
    server_key::ServerKey,
    store::{
        Slice, Store, Subject,
        embedded::{EmbeddedStore, StoreKeys},
    },
};
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use register::{Health, Item, Patient, Written, patient::Summary};
use rules::{
    Event,
    event::{Audit, AuditKind, By},
};
use serde_json::Value;
use std::{fs, io::BufWriter, sync::Arc};
use tempfile::TempDir;
use vitals::{
    Admitted, ClockOffset, Decimal, HubId, Kind, Measure, NhsNumber, PatientId, Quality, RawFrame, Reading,
    RecordNumber, SourceId, TakenAt, Times, Value as Measured, Who,
    bounded::Text,
    id::StaffId,
    record::{RecordKey, reading_id},
};

fn at(hours: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 1, 8, 0, 0).unwrap() + TimeDelta::hours(hours)
}

fn pt(n: usize) -> PatientId {
    PatientId::parse(&format!("pt-{n}")).unwrap()
}

/// A reading of oxygen, weighed by nobody else.
fn reading(n: u32, hours: i64) -> Event {
    let source = SourceId::device("made", "cuff-1").unwrap();
    let raw = RawFrame { service: "1810".into(), characteristic: "2a35".into(), bytes: n.to_le_bytes().to_vec() };
    let record = RecordNumber::of(&raw.service, RecordKey::Number(n), None, &raw.bytes);
    let mmhg = |number: u16| vitals::quantity::MmHg::new(Decimal::from(number));
    let measure = vitals::BloodPressure {
        systolic: mmhg(190),
        diastolic: mmhg(121),
        mean: None,
        pulse: None,
        posture: None,
        arm: None,
    };
    let times = Times {
        device: None,
        hub_received: at(hours),
        taken: TakenAt::DeviceClock(at(hours)),
        offset: ClockOffset::ReadAtConnection { device_ahead_secs: 0 },
    };
    let reading = Reading {
        id: reading_id(&source, record),
        source,
        record,
        user_index: None,
        who: Who::Patient(pt(1)),
        kind: Kind::BloodPressure,
        value: Measured::Measured(Measure::BloodPressure(measure)),
        times,
        quality: Quality::none(),
        raw,
    };
    let hub = HubId::parse("hub-1").unwrap();
    Event::Reading(Box::new(Admitted { reading, hub, sent_at: at(hours), server_received: at(hours) }))
}

struct Given {
    _folder: TempDir,
    store: Arc<EmbeddedStore>,
}

impl Given {
    async fn apply(&self, who: &Access, patient: &PatientId, event: Event, hours: i64) {
        let slice = Slice { subject: Subject::Patient(patient.clone()), events: vec![event] };
        let packs = vec![rules::pack::demo_pack().unwrap()];
        let decide = Arc::new(ByPlan::for_demo(packs, vec![rules::Channel::Console]).unwrap());
        self.store.apply(who, vec![slice], decide, at(hours)).await.remove(0).unwrap();
    }

    async fn medicine(&self, name: &str, hours: i64) {
        let (what, source) = (Text::new(name).unwrap(), Text::new("typed").unwrap());
        let medicines = vec![Summary { what, snomed: None, source, on: at(0).date_naive() }];
        let health = Health { id: pt(1), diagnoses: vec![], medicines, spo2_scale: None, escalation: None };
        let written = Written { by: Some(StaffId::parse("st-ada").unwrap()), ..Written::by_service(health) };
        self.apply(&Access::system(Purpose::SetUp), &pt(1), Event::Written(Box::new(written)), hours).await;
    }

    /// Two people; of the first a day with readings, an alert, two versions of their medicines, and somebody who looked.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = Arc::new(Folder::new(folder.path()));
        let it =
            Self { store: Arc::new(EmbeddedStore::open(disk, StoreKeys { chain: [7; 32] }).unwrap()), _folder: folder };
        for (n, name) in [(1, "Ayla Theirs"), (2, "Bert Another")] {
            let person = Patient::new(pt(n), Text::new(name).unwrap(), NhsNumber::parse("9990000018").unwrap());
            let written = Event::written(Item::from(person));
            it.apply(&Access::system(Purpose::SetUp), &pt(n), written, 0).await;
        }
        let hub = VerifiedHub::new(HubId::parse("hub-1").unwrap(), [pt(1)].into());
        it.medicine("Firstmycin", 1).await;
        for (n, hours) in [(1, 2), (2, 3), (3, 5)] {
            it.apply(&Access::hub(&hub), &pt(1), reading(n, hours), hours).await;
        }
        it.medicine("Secondmycin", 4).await;
        let by = By {
            staff: StaffId::parse("st-eve").unwrap(),
            role: register::Role::Clinician,
            organisation: None,
            basis: Text::new("direct-care").unwrap(),
        };
        let looked = Audit { what: AuditKind::Read, about: Text::new("GET /v1/alerts").unwrap(), by: Some(by) };
        it.apply(&Access::system(Purpose::Audit), &pt(1), Event::Audited(looked), 6).await;
        it
    }

    async fn exported(&self, form: Form) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut to = BufWriter::new(file.reopen().unwrap());
        let who = Access::system(Purpose::Export);
        export::write(self.store.as_ref(), &who, &pt(1), form, &mut to, at(9)).await.unwrap();
        to.into_inner().unwrap();
        fs::read_to_string(file.path()).unwrap()
    }

    async fn bundle(&self, from: i64, until: i64) -> Result<String, NotGiven> {
        let (who, between) = (Access::system(Purpose::Export), Between { from: at(from), until: at(until) });
        incident::bundle(self.store.as_ref(), &who, &key(), (&pt(1), between), at(9)).await
    }
}

fn key() -> ServerKey {
    ServerKey::from_seed(&[3; 32])
}

#[tokio::test]
async fn an_export_has_everything_of_one_person_and_nothing_of_another() {
    let it = Given::new().await;
    let file = it.exported(Form::Json).await;
    let lines: Vec<Value> = file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |name: &str| lines.iter().filter(|line| line.get(name).is_some()).count();
    assert_eq!((of("form"), of("item"), of("entry"), of("end")), (1, 2, 7, 1));
    assert!(of("alert") > 0 && of("notification") > 0, "{file}");
    let end = lines.last().unwrap();
    assert_eq!(end.pointer("/end/readings"), Some(&Value::from(3)));
    assert_eq!(end.pointer("/end/entries"), Some(&Value::from(7)));
    for held in ["Ayla Theirs", "Firstmycin", "Secondmycin", "9990000018", "clinician", "direct-care", "GET /v1/alerts"]
    {
        assert!(file.contains(held), "{held}");
    }
    for other in ["Bert", "pt-2", "st-ada", "st-eve"] {
        assert!(!file.contains(other), "{other}");
    }
    let text = it.exported(Form::Text).await;
    for held in ["Ayla Theirs", "Secondmycin", "role: clinician"] {
        assert!(text.contains(held), "{held}");
    }
    assert!(!text.contains("st-ada") && !text.contains('{'), "{text}");

    // The way over HTTP: line by line to somebody who reads meanwhile.
    let (mut to, mut lines) = tokio::sync::mpsc::channel(2);
    let store = it.store.clone();
    let writes = tokio::spawn(async move {
        let who = Access::system(Purpose::Export);
        export::write(store.as_ref(), &who, &pt(1), Form::Json, &mut to, at(9)).await.unwrap()
    });
    let mut streamed = String::new();
    while let Some(line) = lines.recv().await {
        streamed.push_str(&line);
    }
    writes.await.unwrap();
    assert_eq!(streamed, file);
}

#[tokio::test]
async fn whoever_may_not_give_a_record_out_gets_none_of_it() {
    let it = Given::new().await;
    let mut to = tokio::sync::mpsc::channel(1).0;
    for purpose in [Purpose::Follow, Purpose::Directory, Purpose::Audit, Purpose::SetUp] {
        let who = Access::system(purpose);
        let given = export::write(it.store.as_ref(), &who, &pt(1), Form::Json, &mut to, at(9)).await;
        assert!(matches!(given, Err(NotGiven::Read(crate::store::ReadError::Denied(_)))), "{purpose:?}");
    }
    let who = Access::system(Purpose::Export);
    let nobody = export::write(it.store.as_ref(), &who, &pt(9), Form::Json, &mut to, at(9)).await;
    assert!(matches!(nobody, Err(NotGiven::Nobody)));
}

#[tokio::test]
async fn an_incident_bundle_shows_what_was_known_then_and_cannot_be_changed() {
    let it = Given::new().await;
    let bundle = it.bundle(2, 4).await.unwrap();
    assert_eq!(incident::check(&bundle, &key().public()), Ok(2));
    let value: Value = serde_json::from_str(&bundle).unwrap();
    let in_force = value.pointer("/bundle/in_force/health pt-1/written/item/health/medicines/0/what");
    assert_eq!(in_force.and_then(Value::as_str), Some("Firstmycin"), "what stood there when it began");
    assert!(!bundle.contains("Secondmycin"), "{bundle}");
    let alerts = value.pointer("/bundle/alerts").and_then(Value::as_array).unwrap();
    assert!(!alerts.is_empty() && alerts[0].get("made_by").is_some());
    assert!(!value.pointer("/bundle/notifications").and_then(Value::as_array).unwrap().is_empty());
    let entries = value.pointer("/bundle/entries").and_then(Value::as_array).unwrap();
    assert_eq!(entries.len(), 2);
    assert!(entries.iter().all(|entry| entry.pointer("/readings/0/verdict").is_some()));
    let later = it.bundle(5, 8).await.unwrap();
    assert!(later.contains("Secondmycin") && later.contains("st-eve"), "who looked is in it");

    let changed = bundle.replace("Firstmycin", "Otherxycin");
    assert_eq!(incident::check(&changed, &key().public()), Err(NotABundle::Signature));
    let other = ServerKey::from_seed(&[4; 32]);
    assert_eq!(incident::check(&bundle, &other.public()), Err(NotABundle::Signature));
    assert_eq!(incident::check("{}", &key().public()), Err(NotABundle::Form));
}
