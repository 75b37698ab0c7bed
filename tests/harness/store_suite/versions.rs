//! The register: of two who change the same thing one is told, every version stays as it was written, and what is known of
//! a person is for those who look after them.

use super::{
    Check, Fails, Holds, Plant,
    cast::{actor, at, calm, consent, hub, in_post, person, pt, staff, subject_of, team},
    ensure,
    fault::{Answers, Call, Fault, Read, Things},
    only, same,
    stage::{ALL, Stage},
};
use crate::trouble::Doing;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ingest::{
    access::{Access, Purpose},
    store::{ApplyError, KeptItem, Logged, ReadError, RegisterPlace, Store, Version},
};
use register::{Item, ItemRef, Place, Role, Team, Written};
use rules::{
    Event,
    event::{Account, Audit, AuditKind},
};
use std::sync::Arc;
use tokio::sync::Barrier;
use vitals::{PatientId, bounded::Text, id::StaffId};

/// Who writes at once.
const WRITERS: usize = 8;

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check {
            name: "of all who make a version of one thing at once one is first, and the others hear which is there",
            run: |stage| Box::pin(conflicts(stage)),
            plants: vec![
                Plant::new("the last writer wins", || LastWins),
                Plant::new("whoever is late hears nothing", || LateHearNothing),
            ],
        },
        Check {
            name: "every version stays as it was written, by whom and why, and the same again is none",
            run: |stage| Box::pin(histories(stage)),
            plants: vec![
                Plant::new("a history has no beginning", || {
                    Tells(|mut versions| {
                        versions.pop();
                        versions
                    })
                }),
                Plant::new("a history is told the oldest first", || {
                    Tells(|mut versions| {
                        versions.reverse();
                        versions
                    })
                }),
                Plant::new("every version tells what is there now", || {
                    Tells(|mut versions| {
                        if let Some(newest) = versions.first().map(|newest| newest.written.item.clone()) {
                            versions.iter_mut().for_each(|version| version.written.item = newest.clone());
                        }
                        versions
                    })
                }),
                Plant::new("a history does not tell who wrote", || {
                    Tells(|mut versions| {
                        versions.iter_mut().for_each(|version| version.written.by = None);
                        versions
                    })
                }),
                Plant::new("the same content again is another version", || WritesAlways),
            ],
        },
        Check {
            name: "the register is read whole and in the order it was first written, whatever the page",
            run: |stage| Box::pin(pages(stage)),
            plants: vec![
                Plant::new("what is written again moves to the end", || MovesToTheEnd),
                Plant::new("a page begins with the last of the one before it", || Overlaps),
            ],
        },
        Check {
            name: "a person's things are shown to those who look after them, as far as their work needs it, and to nobody else",
            run: |stage| Box::pin(own_things(stage)),
            plants: vec![
                Plant::new("staff are told any thing they name", || Open { item: true, items: false, versions: false }),
                Plant::new("staff are told anybody's things", || Open { item: false, items: true, versions: false }),
                Plant::new("staff are told how any thing came to be", || Open {
                    item: false,
                    items: false,
                    versions: true,
                }),
            ],
        },
        Check {
            name: "the log of a person tells who looked and who wrote, the newest first, to whoever may see it",
            run: |stage| Box::pin(logs(stage)),
            plants: vec![
                Plant::new("the log forgets what was written", || Logs(|line| line.audit.what != AuditKind::Written)),
                Plant::new("the log forgets who looked", || Logs(|line| line.audit.what != AuditKind::Read)),
                Plant::new("whoever looks after somebody may see who else did", || LogForAll),
            ],
        },
        Check {
            name: "an account is kept as it was last set, and told to whoever signs people in",
            run: |stage| Box::pin(accounts(stage)),
            plants: vec![Plant::new("an account stays as it was first set", || KeepsFirst)],
        },
    ]
}

fn set_up() -> Access {
    Access::system(Purpose::SetUp)
}

fn the_team() -> ItemRef {
    Item::from(team("Any")).reference()
}

/// A version of a thing, by a member of staff or by the service.
fn version(item: impl Into<Item>, version: Option<u32>, by: Option<&str>) -> Written {
    Written { item: item.into(), version, by: by.map(|name| actor(name).id), why: None }
}

/// Writes a version, and says what came of it.
async fn write(
    stage: &Stage,
    who: &Access,
    written: Written,
    at: DateTime<Utc>,
) -> Result<Result<(), ApplyError>, Fails> {
    let subject = subject_of(&written.item);
    Ok(stage.one(who, subject, vec![Event::Written(Box::new(written))], at).await?.map(drop))
}

fn stale(answer: &Result<(), ApplyError>, there: u32, what: &str) -> Holds {
    match answer {
        Err(ApplyError::Stale { version }) => same(version, &there, what),
        other => ensure(false, &format!("{what}: {other:?}")),
    }
}

async fn conflicts(stage: &mut Stage) -> Holds {
    stale(&write(stage, &set_up(), version(team("Zero"), Some(2), None), at(1)).await?, 0, "a second without a first")?;
    // The first version, then the second of it, each by all at once.
    for next in [1, 2] {
        let start = Arc::new(Barrier::new(WRITERS));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (door, start) = (stage.door(), Arc::clone(&start));
                tokio::spawn(async move {
                    start.wait().await;
                    let written = version(team(&format!("Writer {writer}")), Some(next), None);
                    let events = vec![Event::Written(Box::new(written))];
                    door.one(&set_up(), ingest::store::Subject::Service, events, at(2)).await
                })
            })
            .collect();
        let mut first = Vec::new();
        for (writer, writing) in writers.into_iter().enumerate() {
            match writing.await.doing("join a writer")?? {
                Ok(_) => first.push(writer),
                Err(ApplyError::Stale { version }) => same(&version, &next, "the version that is there")?,
                Err(other) => return Err(other.into()),
            }
        }
        let winner = only(first, "who were first")?;
        let kept = stage.store.item(&set_up(), &the_team()).await?;
        let kept = kept.map(|KeptItem { item, version }| (item, version));
        same(&kept, &Some((team(&format!("Writer {winner}")).into(), next)), "what is there is the winner's")?;
    }
    // The other writes nothing of the slice in which they were late.
    let before = stage.changes().await?.len();
    let late = vec![Event::written(team("Beside")), Event::Written(Box::new(version(team("Late"), Some(2), None)))];
    let answer = stage.one(&set_up(), ingest::store::Subject::Service, late, at(3)).await?.map(drop);
    stale(&answer, 3, "late, with something before it")?;
    same(&stage.changes().await?.len(), &before, "changes after that")
}

async fn histories(stage: &mut Stage) -> Holds {
    let ada = staff("ada", &[1]);
    let why = Text::new("They asked for it").doing("say why")?;
    let by_ada = |n: u32| {
        let mut item = consent(1, "rc-1");
        item.span.until = Some(at(i64::from(n)));
        Written { why: Some(why.clone()), ..version(item, Some(n), Some("ada")) }
    };
    let mut expected = Vec::new();
    for n in 1..=4 {
        let secs = i64::from(n);
        write(stage, &ada, by_ada(n), at(secs)).await??;
        stage.offer(&calm(1, n, secs), at(secs)).await?;
        expected.insert(0, (by_ada(n), at(secs)));
    }
    let by_service = version(by_ada(4).item, None, None);
    write(stage, &set_up(), by_service, at(5)).await??;
    same(&stage.changes().await?.len(), &8, "changes: four readings, four versions")?;
    write(stage, &set_up(), version(consent(1, "rc-1"), None, None), at(6)).await??;
    expected.insert(0, (version(consent(1, "rc-1"), Some(5), None), at(6)));
    let which = Item::from(consent(1, "rc-1")).reference();
    for _ in 0..2 {
        for who in [&ada, &set_up()] {
            let versions = stage.store.versions(who, &which, ALL).await?;
            let told: Vec<_> = versions.iter().map(|version| (version.written.clone(), version.at)).collect();
            same(&told, &expected, "versions, the newest first")?;
            same(&stage.store.versions(who, &which, 2).await?.len(), &2, "of five the newest two")?;
        }
        stage.reopen().await?;
    }
    stage.store.verify(&Access::system(Purpose::Verify), &|_progress| {}).await.doing("verify the store")?;
    Ok(())
}

async fn pages(stage: &mut Stage) -> Holds {
    let directory = Access::system(Purpose::Directory);
    let things: [Item; 5] = [
        person(2, "Bo Test").into(),
        team("First Team").into(),
        person(1, "Ada Test").into(),
        consent(2, "rc-2").into(),
        consent(1, "rc-1").into(),
    ];
    for (secs, item) in (0..).zip(things.clone()) {
        stage.write(item, at(secs)).await??;
    }
    stage.write(person(2, "Bo Other"), at(10)).await??;
    let mut expected: Vec<(Item, u32)> = things.into_iter().map(|item| (item, 1)).collect();
    if let Some(first) = expected.first_mut() {
        *first = (person(2, "Bo Other").into(), 2);
    }
    for limit in [1, 2, 3, 5, 100] {
        let (mut all, mut place) = (Vec::new(), RegisterPlace::default());
        loop {
            let (page, next) = stage.store.register(&directory, place, limit).await?;
            ensure(page.len() <= limit, "a page is no longer than was asked")?;
            if page.is_empty() || all.len() > expected.len() {
                break;
            }
            all.extend(page.into_iter().map(|kept| (kept.item, kept.version)));
            place = next;
        }
        same(&all, &expected, &format!("the register by pages of {limit}"))?;
    }
    Ok(())
}

async fn own_things(stage: &mut Stage) -> Holds {
    for n in [1, 2] {
        stage.write(person(n, "Somebody"), at(1)).await??;
        stage.write(consent(n, &format!("rc-{n}")), at(2)).await??;
    }
    stage.write(team("First Team"), at(3)).await??;
    let things = |n: usize| [ItemRef::Patient(pt(n)), Item::from(consent(n, &format!("rc-{n}"))).reference()];
    let team_admin = Place::Team(Team::clone(&team("Any")).id);
    let callers = [
        // Who they are; what they see of the first person, and of the second.
        ("who looks after one", staff("ada", &[1]), [2, 0]),
        ("who looks after another", staff("grace", &[2]), [0, 2]),
        ("who looks after nobody", staff("eve", &[]), [0, 0]),
        // Everybody's, and details only; nobody's but the log.
        ("who keeps people in order", in_post("abel", Role::Administrator, Place::Footprint, &[1, 2]), [1, 1]),
        ("who keeps a team without people in order", in_post("abel", Role::Administrator, team_admin, &[1, 2]), [0, 0]),
        ("who watches who looked", in_post("priya", Role::PrivacyOfficer, Place::Footprint, &[1, 2]), [0, 0]),
        ("the service", set_up(), [2, 2]),
    ];
    for (name, who, sees) in &callers {
        for (n, seen) in (1..).zip(sees) {
            let whose = format!("of person {n} by {name}");
            same(&stage.store.items_of(who, &pt(n)).await?.len(), seen, &format!("things {whose}"))?;
            let (mut found, mut told) = (0, 0);
            for which in things(n) {
                found += usize::from(stage.store.item(who, &which).await?.is_some());
                told += stage.store.versions(who, &which, ALL).await?.len();
            }
            same(&(found, told), &(*seen, *seen), &format!("things and versions one by one {whose}"))?;
        }
        let is_there = stage.store.item(who, &the_team()).await?.is_some();
        ensure(is_there, &format!("a team is shown to {name}"))?;
        // What is not there is told like what is somebody else's.
        same(&stage.store.item(who, &ItemRef::Patient(pt(3))).await?, &None, "somebody who is not there")?;
        same(&stage.store.items_of(who, &pt(3)).await?.len(), &0, "things of somebody who is not there")?;
    }
    let denied = stage.store.items_of(&stage.hub(&hub(0))?, &pt(1)).await;
    ensure(matches!(denied, Err(ReadError::Denied(_))), "a hub is told nothing")
}

async fn logs(stage: &mut Stage) -> Holds {
    let looked = |about: &str| -> Result<Event, Fails> {
        let about = Text::new(about).doing("say what was looked at")?;
        Ok(Event::Audited(Audit { what: AuditKind::Read, about, by: None }))
    };
    stage.write(person(1, "Ada Test"), at(1)).await??;
    stage.own(Purpose::Audit, &pt(1), looked("readings")?, at(2)).await??;
    stage.offer(&calm(1, 1, 3), at(3)).await?;
    write(stage, &staff("ada", &[1]), version(consent(1, "rc-1"), Some(1), Some("ada")), at(4)).await??;
    stage.own(Purpose::Audit, &pt(2), looked("readings")?, at(5)).await??;
    let officer = in_post("priya", Role::PrivacyOfficer, Place::Footprint, &[1, 2]);
    let told = |lines: &[Logged]| -> Vec<(AuditKind, String, DateTime<Utc>)> {
        lines.iter().map(|line| (line.audit.what, line.audit.about.to_string(), line.at)).collect()
    };
    let expected = [
        (AuditKind::Written, "consent rc-1 version 1 by st-ada".to_owned(), at(4)),
        (AuditKind::Read, "readings".to_owned(), at(2)),
        (AuditKind::Written, "patient pt-1 version 1".to_owned(), at(1)),
    ];
    for limit in [10, 2, 0] {
        let lines = stage.store.log_of(&officer, &pt(1), limit).await?;
        same(&told(&lines), &expected.iter().take(limit).cloned().collect(), "the log, the newest first")?;
    }
    same(&stage.store.log_of(&officer, &pt(2), 10).await?.len(), &1, "the log of another")?;
    for who in [staff("ada", &[1]), set_up(), Access::system(Purpose::Audit)] {
        let answer = stage.store.log_of(&who, &pt(1), 10).await;
        ensure(matches!(answer, Err(ReadError::Denied(_))), "the log is for whoever may see it")?;
    }
    Ok(())
}

async fn accounts(stage: &mut Stage) -> Holds {
    let account = |name: &str, secret: &str, secs: i64| -> Result<Account, Fails> {
        let secret = Some(Text::new(secret).doing("keep a secret")?);
        Ok(Account { staff: actor(name).id, secret, by: None, at: at(secs), is_first: false })
    };
    let all = [account("ada", "one", 1)?, account("grace", "two", 2)?, account("ada", "three", 3)?];
    for (changes, account) in (1..).zip(&all) {
        for _ in 0..2 {
            let events = vec![Event::AccountSet(account.clone())];
            stage.one(&set_up(), ingest::store::Subject::Service, events, account.at).await??;
            same(&stage.changes().await?.len(), &changes, "changes: the same again is none")?;
        }
    }
    for change in stage.changes().await? {
        ensure(!["one", "two", "three"].iter().any(|secret| change.what.contains(secret)), "no secret is told")?;
    }
    let sign_in = Access::system(Purpose::SignIn);
    for _ in 0..2 {
        let [_, grace, ada] = &all;
        same(&stage.store.account(&sign_in, &ada.staff).await?.as_ref(), &Some(ada), "an account that was set anew")?;
        same(&stage.store.account(&sign_in, &grace.staff).await?.as_ref(), &Some(grace), "an account")?;
        same(&stage.store.account(&sign_in, &actor("eve").id).await?, &None, "an account that is not there")?;
        stage.reopen().await?;
    }
    Ok(())
}

/// Writes what is late all the same.
struct LastWins;

#[async_trait]
impl Fault for LastWins {
    async fn apply(&self, real: &dyn Store, mut call: Call) -> Answers {
        for event in call.slices.iter_mut().flat_map(|slice| &mut slice.events) {
            if let Event::Written(written) = event
                && call.who == set_up()
            {
                written.version = None;
            }
        }
        call.on(real).await
    }
}

/// Answers those who are late with what was done by whoever was first.
struct LateHearNothing;

#[async_trait]
impl Fault for LateHearNothing {
    async fn apply(&self, real: &dyn Store, call: Call) -> Answers {
        let mut answers = call.clone().on(real).await;
        for (answer, slice) in answers.iter_mut().zip(&call.slices) {
            if matches!(answer, Err(ApplyError::Stale { .. })) {
                let nothing = vec![ingest::store::Slice { subject: slice.subject.clone(), events: Vec::new() }];
                let done = Call { slices: nothing, ..call.clone() }.on(real).await;
                if let Some(done) = done.into_iter().next() {
                    *answer = done;
                }
            }
        }
        answers
    }
}

/// Makes a version of whatever is written.
struct WritesAlways;

#[async_trait]
impl Fault for WritesAlways {
    async fn apply(&self, real: &dyn Store, mut call: Call) -> Answers {
        for event in call.slices.iter_mut().flat_map(|slice| &mut slice.events) {
            if let Event::Written(written) = event
                && written.version.is_none()
                && let Ok(kept) = real.item(&set_up(), &written.item.reference()).await
            {
                written.version = Some(kept.map_or(0, |kept| kept.version) + 1);
            }
        }
        call.on(real).await
    }
}

/// Tells another history than the genuine one.
struct Tells(fn(Vec<Version>) -> Vec<Version>);

#[async_trait]
impl Fault for Tells {
    async fn versions(&self, real: &dyn Store, who: &Access, which: &ItemRef, limit: usize) -> Read<Version> {
        real.versions(who, which, limit).await.map(self.0)
    }
}

struct MovesToTheEnd;

#[async_trait]
impl Fault for MovesToTheEnd {
    async fn register(&self, real: &dyn Store, who: &Access, after: RegisterPlace, limit: usize) -> Things {
        let (mut page, next) = real.register(who, after, limit).await?;
        page.sort_by_key(|kept| kept.version);
        Ok((page, next))
    }
}

struct Overlaps;

#[async_trait]
impl Fault for Overlaps {
    async fn register(&self, real: &dyn Store, who: &Access, after: RegisterPlace, limit: usize) -> Things {
        let (page, next) = real.register(who, after, limit).await?;
        if page.len() < 2 {
            return Ok((page, next));
        }
        // As far as all but the last of it.
        let (_, before_last) = real.register(who, after, page.len() - 1).await?;
        Ok((page, before_last))
    }
}

/// Tells staff what is anybody's, in some of the ways to ask.
struct Open {
    item: bool,
    items: bool,
    versions: bool,
}

fn opened(is_open: bool, who: &Access) -> Access {
    if is_open && who.actor().is_some() { Access::system(Purpose::Directory) } else { who.clone() }
}

#[async_trait]
impl Fault for Open {
    async fn item(&self, real: &dyn Store, who: &Access, which: &ItemRef) -> Result<Option<KeptItem>, ReadError> {
        real.item(&opened(self.item, who), which).await
    }

    async fn items_of(&self, real: &dyn Store, who: &Access, patient: &PatientId) -> Read<KeptItem> {
        real.items_of(&opened(self.items, who), patient).await
    }

    async fn versions(&self, real: &dyn Store, who: &Access, which: &ItemRef, limit: usize) -> Read<Version> {
        real.versions(&opened(self.versions, who), which, limit).await
    }
}

/// Leaves lines out of the log.
struct Logs(fn(&Logged) -> bool);

#[async_trait]
impl Fault for Logs {
    async fn log_of(&self, real: &dyn Store, who: &Access, patient: &PatientId, limit: usize) -> Read<Logged> {
        let mut lines = real.log_of(who, patient, limit).await?;
        lines.retain(self.0);
        Ok(lines)
    }
}

struct LogForAll;

#[async_trait]
impl Fault for LogForAll {
    async fn log_of(&self, real: &dyn Store, who: &Access, patient: &PatientId, limit: usize) -> Read<Logged> {
        let officer = in_post("priya", Role::PrivacyOfficer, Place::Footprint, &[1, 2]);
        real.log_of(if who.actor().is_some() { &officer } else { who }, patient, limit).await
    }
}

/// Keeps no account anew.
struct KeepsFirst;

#[async_trait]
impl Fault for KeepsFirst {
    async fn apply(&self, real: &dyn Store, mut call: Call) -> Answers {
        for slice in &mut call.slices {
            for event in &mut slice.events {
                if let Event::AccountSet(account) = event
                    && let Ok(Some(known)) = real.account(&Access::system(Purpose::SignIn), &known_as(account)).await
                {
                    *account = known;
                }
            }
        }
        call.on(real).await
    }
}

fn known_as(account: &Account) -> StaffId {
    account.staff.clone()
}
