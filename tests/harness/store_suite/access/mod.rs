//! Least access: who may ask for what, row by row; what is denied is neither stored nor told, not even by a count.

mod faults;

use super::{
    Check, Fails, Holds, Plant,
    cast::{
        OUTSIDER, actor, at, calm, consent, elsewhere, heard_by, hub, in_post, person, pt, red, slice, staff, team,
    },
    ensure, same,
    stage::{Stage, far},
};
use crate::trouble::Doing;
use faults::{
    AnyoneIsTheService, CutsFirst, DeniesAll, HubsFollow, NobodyVerifies, OpenTo, Proof, StaffSeeAll, StoresAnyway,
    TellsItExists,
};
use ingest::{
    access::{Access, Purpose},
    server_key::ServerKey,
    store::{ApplyError, Cursor, ReadError, RegisterPlace, Slice, Subject, evidence::NotVerified},
};
use register::{ItemRef, Place, Role, Written};
use rules::{
    Delivery, Event, Timer,
    event::{Account, Audit, AuditKind, RefusedReading},
};
use vitals::{AlertId, ErrorCode, HubId, JobId, bounded::Text, wire::signing::RequestNumber};

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check {
            name: "each read is open to those who need it and denied to everybody else",
            run: |stage| Box::pin(reads(stage)),
            plants: vec![
                Plant::new("whoever asks for a list of the service's own is the service", || AnyoneIsTheService),
                Plant::new("a hub reads like a follower", || HubsFollow),
                Plant::new("whoever asks is told which readings are wanted again", || OpenTo(Proof::Wanted)),
                Plant::new("whoever asks is told what is damaged", || OpenTo(Proof::Damaged)),
                Plant::new("whoever asks may scrub", || OpenTo(Proof::Scrub)),
                Plant::new("whoever asks may verify", || OpenTo(Proof::Verify)),
                Plant::new("whoever asks may have a root signed", || OpenTo(Proof::SignRoot)),
                Plant::new("whoever asks is told the newest root", || OpenTo(Proof::NewestRoot)),
                Plant::new("nobody may verify", || NobodyVerifies),
                Plant::new("whoever asks reads the register", || OpenTo(Proof::Register)),
                Plant::new("whoever asks is told a thing of the register", || OpenTo(Proof::Item)),
                Plant::new("whoever asks is told a person's things", || OpenTo(Proof::ItemsOf)),
                Plant::new("whoever asks is told how a thing came to be", || OpenTo(Proof::Versions)),
                Plant::new("whoever asks is told who looked", || OpenTo(Proof::LogOf)),
                Plant::new("whoever asks is told what is kept of a password", || OpenTo(Proof::Account)),
            ],
        },
        Check {
            name: "each event may be caused by those whose work it is, and nothing of what is denied is stored",
            run: |stage| Box::pin(events(stage)),
            plants: vec![
                Plant::new("a slice that is denied is stored by whoever may", || StoresAnyway),
                Plant::new("a slice that is denied denies the whole request", || DeniesAll),
            ],
        },
        Check {
            name: "an audit entry is the auditor's alone, in a person's record or in the service's",
            run: |stage| Box::pin(audits(stage)),
            plants: vec![Plant::new("a slice that is denied denies the whole request", || DeniesAll)],
        },
        Check {
            name: "a list holds the caller's own rows only, as many as asked, and other rows are as good as none",
            run: |stage| Box::pin(own_rows(stage)),
            plants: vec![
                Plant::new("a list is cut before it is sorted by whose it is", || CutsFirst),
                Plant::new("somebody else's alert is told to exist", || TellsItExists),
                Plant::new("staff see everybody", || StaffSeeAll),
            ],
        },
    ]
}

const HUB: &str = "hub";
const STAFF: &str = "staff";
const PRIVACY: &str = "privacy officer";

const PURPOSES: [(&str, Purpose); 9] = [
    ("set-up", Purpose::SetUp),
    ("sweep", Purpose::Sweep),
    ("notify", Purpose::Notify),
    ("follow", Purpose::Follow),
    ("receive", Purpose::Receive),
    ("audit", Purpose::Audit),
    ("verify", Purpose::Verify),
    ("directory", Purpose::Directory),
    ("sign-in", Purpose::SignIn),
];

/// Is answerable for who looked at what.
fn privacy_officer() -> Access {
    in_post("priya", Role::PrivacyOfficer, Place::Footprint, &[1])
}

/// One of each kind.
fn everybody(stage: &Stage) -> Result<Vec<(&'static str, Access)>, Fails> {
    let mut everybody = vec![(HUB, stage.hub(&hub(0))?), (STAFF, staff("ada", &[1])), (PRIVACY, privacy_officer())];
    everybody.extend(PURPOSES.map(|(name, purpose)| (name, Access::system(purpose))));
    Ok(everybody)
}

async fn reads(stage: &mut Stage) -> Holds {
    let alert = super::only(stage.offer(&red(1, 1, 0), at(1)).await?.alerts, "alerts of one red")?;
    let witness = stage.offer(&calm(1, 2, 0), at(1)).await?.chain_head;
    let heads: Vec<_> = witness.map(|witness| (pt(1), witness)).into_iter().collect();
    let key = ServerKey::from_seed(&[5; 32]);
    for (name, who) in everybody(stage)? {
        let (store, people, hubs) = (&stage.store, &[STAFF, "sweep", "notify", "follow"][..], &[STAFF, "follow"][..]);
        let verified = store.verify(&who, &|_progress| {}).await.map(|_| ()).map_err(|not| match not {
            NotVerified::Denied(denied) => denied.into(),
            NotVerified::Read(error) => error,
            NotVerified::Bad(_) | NotVerified::Marked { .. } | NotVerified::File(_) | NotVerified::Open(_) => {
                ReadError::Unavailable("the store is not sound".to_owned())
            }
        });
        let things = &[STAFF, PRIVACY, "set-up", "directory"][..];
        let (which, ada) = (ItemRef::Patient(pt(1)), actor("ada").id);
        let rows: [(&str, Result<(), ReadError>, &[&str]); 24] = [
            ("alerts", store.alerts(&who, 10).await.map(|_| ()), people),
            ("an alert", store.alert(&who, alert.id).await.map(|_| ()), people),
            ("people", store.people(&who).await.map(|_| ()), people),
            ("readings", store.readings(&who, 10).await.map(|_| ()), people),
            ("readings of nobody", store.unassigned(&who, 10).await.map(|_| ()), hubs),
            ("refusals", store.refusals(&who, 10).await.map(|_| ()), hubs),
            ("changes", store.changes(&who, Cursor::default(), 10).await.map(|_| ()), &["follow"]),
            ("jobs", store.lease_jobs(&who, far(), 0, at(2)).await.map(|_| ()), &["notify"]),
            ("timers", store.due_timers(&who, 10, far()).await.map(|_| ()), &["sweep"]),
            ("what waits to be judged", store.unevaluated(&who, 0, 10).await.map(|_| ()), &["sweep"]),
            ("a replay window", store.replay_window(&who, &hub(0)).await.map(|_| ()), &["receive"]),
            ("heads", store.witnessed(&who, heads.clone()).await.map(|_| ()), &["receive"]),
            ("what is wanted again", store.wanted(&who, &hub(0), 10).await.map(|_| ()), &["receive"]),
            ("what is damaged", store.damaged(&who, 10).await.map(|_| ()), people),
            ("what a scrub finds", store.scrub(&who, 1, at(3)).await.map(|_| ()), &["verify"]),
            ("the whole, to verify it", verified, &["verify"]),
            ("a root to sign", store.sign_root(&who, &key, at(3)).await.map(|_| ()), &["verify"]),
            ("the newest root", store.newest_root(&who).await.map(|_| ()), &["verify"]),
            ("the register", store.register(&who, RegisterPlace::default(), 10).await.map(|_| ()), &["directory"]),
            ("a thing of the register", store.item(&who, &which).await.map(|_| ()), things),
            ("a person's things", store.items_of(&who, &pt(1)).await.map(|_| ()), things),
            ("how a thing came to be", store.versions(&who, &which, 10).await.map(|_| ()), things),
            ("who looked", store.log_of(&who, &pt(1), 10).await.map(|_| ()), &[PRIVACY]),
            ("an account", store.account(&who, &ada).await.map(|_| ()), &["sign-in"]),
        ];
        for (what, answer, may) in rows {
            match answer {
                Ok(()) => ensure(may.contains(&name), &format!("{name} may not read {what}"))?,
                Err(ReadError::Denied(_)) => ensure(!may.contains(&name), &format!("{name} may read {what}"))?,
                Err(other) => return Err(other.into()),
            }
        }
    }
    Ok(())
}

/// What is tried, for which subject, by which event, and who may.
type Row = (&'static str, Subject, Event, &'static [&'static str]);

/// Each kind of event for each kind of subject, and who may cause it.
fn rows(alert: AlertId, job: JobId) -> Vec<Row> {
    let of = |n: usize| Subject::Patient(pt(n));
    let reading = |person: usize, number: u32, by: &HubId| {
        let mut admitted = heard_by(&calm(person, number, 0), by, 0);
        admitted.reading.who = vitals::Who::Patient(pt(person));
        super::cast::event(&admitted)
    };
    let nobodys =
        |number: u32, by: &HubId| super::cast::event(&super::cast::of_nobody(&heard_by(&calm(1, number, 0), by, 0)));
    let refused = |by: &HubId| {
        let body = "{}".to_owned();
        Event::Refused(Box::new(RefusedReading { hub: by.clone(), id: None, code: ErrorCode::UnitNotSupported, body }))
    };
    let acknowledged = |name: &str| Event::Acknowledged { alert, by: actor(name), note: None };
    let agreed = |whose: usize, version: Option<u32>, by: &str| {
        let item = consent(whose, &format!("rc-{whose}")).into();
        Event::Written(Box::new(Written { item, version, by: Some(actor(by).id), why: None }))
    };
    let account =
        || Event::AccountSet(Account { staff: actor("ada").id, secret: None, by: None, at: at(1), is_first: true });
    let number = |by: &HubId| Event::Received { hub: by.clone(), number: RequestNumber { epoch: 1, sequence: 1000 } };
    vec![
        ("a reading", of(1), reading(1, 50, &hub(0)), &[HUB]),
        ("a reading by another hub's name", of(1), reading(1, 51, &hub(1)), &[]),
        ("a reading of somebody on another hub", of(OUTSIDER), reading(OUTSIDER, 52, &hub(0)), &[]),
        ("a reading of nobody", Subject::Unassigned(hub(0)), nobodys(53, &hub(0)), &[HUB]),
        ("a reading of nobody at another hub", Subject::Unassigned(hub(1)), nobodys(54, &hub(0)), &[]),
        ("a reading of nobody by another hub's name", Subject::Unassigned(hub(0)), nobodys(55, &hub(1)), &[]),
        ("a reading for the service", Subject::Service, reading(1, 56, &hub(0)), &[]),
        ("a reading to be judged again", of(1), Event::Reconsider(Box::new(calm(1, 1, 0))), &["sweep"]),
        ("a refusal", Subject::Unassigned(hub(0)), refused(&hub(0)), &[HUB]),
        ("a refusal at another hub", Subject::Unassigned(hub(1)), refused(&hub(0)), &[]),
        ("a refusal by another hub's name", Subject::Unassigned(hub(0)), refused(&hub(1)), &[]),
        ("a refusal in a person's record", of(1), refused(&hub(0)), &[]),
        ("a timer", of(1), Event::Due(Timer { alert, due_at: at(9) }), &["sweep"]),
        ("an acknowledgement in another's name", of(1), acknowledged("grace"), &[]),
        ("an acknowledgement for another person", of(2), acknowledged("ada"), &[]),
        ("an acknowledgement for the service", Subject::Service, acknowledged("ada"), &[]),
        ("an acknowledgement", of(1), acknowledged("ada"), &[STAFF]),
        ("a person", of(1), Event::written(person(1, "Ada Test")), &["set-up"]),
        ("a person in another's record", of(2), Event::written(person(1, "Ada Test")), &[]),
        ("a team", Subject::Service, Event::written(team("First Team")), &["set-up"]),
        ("a team in a person's record", of(1), Event::written(team("First Team")), &[]),
        ("a consent in the service's record", Subject::Service, Event::written(consent(1, "rc-1")), &[]),
        ("a consent at a hub", Subject::Unassigned(hub(0)), Event::written(consent(1, "rc-1")), &[]),
        ("a consent by staff", of(1), agreed(1, Some(1), "ada"), &[STAFF, "set-up"]),
        ("a consent by staff, whichever version comes next", of(1), agreed(1, None, "ada"), &["set-up"]),
        ("a consent in another's name", of(1), agreed(1, Some(1), "grace"), &["set-up"]),
        ("a consent of another person", of(2), agreed(2, Some(1), "ada"), &["set-up"]),
        ("an account", Subject::Service, account(), &["set-up", "sign-in"]),
        ("an account in a person's record", of(1), account(), &[]),
        ("a request's number", Subject::Service, number(&hub(0)), &[HUB, "receive"]),
        ("another hub's number", Subject::Service, number(&hub(1)), &["receive"]),
        ("a number in a person's record", of(1), number(&hub(0)), &[]),
        ("a delivery", of(1), Event::Delivered { job, alert, delivery: Delivery::Accepted }, &["notify"]),
    ]
}

/// Who may put an audit entry where.
fn audit_rows() -> Result<Vec<Row>, Fails> {
    let about = Text::new("hub-0").doing("write what an audit entry is about")?;
    let audited = || Event::Audited(Audit { what: AuditKind::RootSigned, about: about.clone(), by: None });
    Ok(vec![
        ("an audit entry at a hub", Subject::Unassigned(hub(0)), audited(), &[]),
        ("an audit entry of the service", Subject::Service, audited(), &["audit"]),
        ("an audit entry in a person's record", Subject::Patient(pt(1)), audited(), &["audit"]),
    ])
}

async fn audits(stage: &mut Stage) -> Holds {
    stage.offer(&calm(1, 1, 0), at(1)).await?;
    caused(stage, audit_rows()?).await
}

/// Tries each event by everybody.
async fn caused(stage: &Stage, rows: Vec<Row>) -> Holds {
    for (what, subject, event, may) in rows {
        for (name, who) in everybody(stage)? {
            let before = stage.changes().await?.len();
            let slice = Slice { subject: subject.clone(), events: vec![event.clone()] };
            // Beside one that is allowed to everybody, because there is nothing in it.
            let empty = Slice { subject: Subject::Service, events: Vec::new() };
            let answers = stage.apply(&who, vec![empty.clone(), slice, empty], at(3)).await?;
            let [Ok(_), answer, Ok(_)] = answers.as_slice() else {
                return ensure(false, &format!("what is allowed beside {what} by {name} is answered"));
            };
            // One that is allowed may still be refused, for example as told before.
            let is_denied = matches!(answer, Err(ApplyError::Denied(_)));
            same(&is_denied, &!may.contains(&name), &format!("{what} by {name} is denied"))?;
            if is_denied {
                same(&stage.changes().await?.len(), &before, &format!("changes after {what} by {name} was denied"))?;
            }
        }
    }
    Ok(())
}

async fn events(stage: &mut Stage) -> Holds {
    let alert = super::only(stage.offer(&red(1, 1, 0), at(1)).await?.alerts, "alerts of one red")?;
    let job = super::only(stage.lease(at(2), at(1)).await?, "notifications of one red")?;
    caused(stage, rows(alert.id, job.id)).await?;
    // In one request, each slice is allowed or denied by itself.
    let access = stage.hub(&elsewhere())?;
    let of_hub = |admitted: &vitals::Admitted| slice(&heard_by(admitted, &elsewhere(), 0));
    let slices = vec![of_hub(&calm(1, 60, 0)), of_hub(&calm(OUTSIDER, 60, 0)), of_hub(&calm(2, 60, 0))];
    let answers = stage.apply(&access, slices, at(5)).await?;
    ensure(
        matches!(answers.as_slice(), [Err(ApplyError::Denied(_)), Ok(_), Err(ApplyError::Denied(_))]),
        "of three slices the one that is allowed is stored",
    )?;
    let stored: Vec<_> = stage.readings().await?.into_iter().filter(|stored| stored.hub == elsewhere()).collect();
    same(&super::only(stored, "readings of that hub")?.reading.source, &super::cast::cuff(OUTSIDER), "whose it is")
}

async fn own_rows(stage: &mut Stage) -> Holds {
    let own = super::only(stage.offer(&red(1, 1, 0), at(1)).await?.alerts, "alerts of one red")?;
    let mut others = Vec::new();
    for n in 2..6 {
        others.push(super::only(stage.offer(&red(n, 1, 10), at(11)).await?.alerts, "alerts of one red")?);
        let nobodys = heard_by(&super::cast::of_nobody(&calm(20 + n, 1, 10)), &hub(1), 1);
        stage.offer(&nobodys, at(12)).await?;
    }
    stage.offer(&super::cast::of_nobody(&calm(20, 1, 0)), at(1)).await?;
    for (n, name) in [(1, "Ada Test"), (2, "Bo Test")] {
        stage.own(Purpose::SetUp, &pt(n), Event::written(person(n, name)), at(20)).await??;
    }
    let (ada, none) = (staff("ada", &[1]), staff("nobody", &[]));
    let store = &stage.store;
    // A limit of one is one of the caller's own, however many newer ones others have.
    let reading = super::only(store.readings(&ada, 1).await?, "own readings")?;
    same(&reading.reading.source, &super::cast::cuff(1), "whose reading")?;
    same(&super::only(store.alerts(&ada, 1).await?, "own alerts")?.id, &own.id, "whose alert")?;
    let inbox = super::only(store.unassigned(&ada, 1).await?, "readings of nobody at the own hub")?;
    same(&inbox.hub, &hub(0), "whose inbox")?;
    same(&store.people(&ada).await?, &vec![person(1, "Ada Test")], "own people")?;
    same(&store.readings(&ada, 10).await?.len(), &1, "own readings, of many")?;
    same(&store.alerts(&ada, 10).await?.len(), &1, "own alerts, of many")?;
    same(&store.unassigned(&ada, 10).await?.len(), &1, "own inbox, of many")?;
    same(&store.alert(&ada, own.id).await?, &Some(own), "the own alert")?;
    // Somebody else's alert and one that is not there are told alike, and nothing is told to whoever has nobody.
    for other in
        [others.first().map(|alert| alert.id), Some(AlertId::derive(&[b"no such alert"]))].into_iter().flatten()
    {
        for who in [&ada, &none] {
            match store.alert(who, other).await {
                Ok(found) => same(&found, &None, "an alert of somebody else, or of nobody")?,
                Err(error) => return Err(error.into()),
            }
        }
    }
    same(&store.readings(&none, 10).await?, &Vec::new(), "readings of nobody's people")?;
    same(&store.alerts(&none, 10).await?, &Vec::new(), "alerts of nobody's people")?;
    same(&store.people(&none).await?, &Vec::new(), "people of nobody")
}
