//! A store that is opened again shows what it showed before; one that is closed takes and tells nothing.

use super::{
    Check, Holds, Plant,
    cast::{amber, at, calm, consent, hub, of_nobody, person, pt, red, slice, staff, team},
    ensure,
    fault::{Fault, Read, Things, Timers},
    same,
    shapes::ChangesReadings,
    stage::{Seen, Stage},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ingest::{
    access::{Access, Purpose},
    store::{ApplyError, ReadError, RegisterPlace, Store, Subject, Version},
};
use register::ItemRef;
use rules::{Alert, Event, Person, event::RefusedReading};
use std::sync::atomic::{AtomicUsize, Ordering};
use vitals::{Admitted, ErrorCode};

pub(super) fn checks() -> Vec<Check> {
    let forgets = |name, what| Plant::new(name, move || InMemory { what, reopened: AtomicUsize::new(0) });
    vec![
        Check {
            name: "a store that is opened again shows all that it showed",
            run: |stage| Box::pin(same_again(stage)),
            plants: vec![
                forgets("timers are kept in memory only", What::Timers),
                forgets("people are kept in memory only", What::People),
                forgets("what waits to be judged is kept in memory only", What::Unevaluated),
                forgets("alerts are kept in memory only", What::Alerts),
                forgets("the register is kept in memory only", What::Register),
                forgets("versions are kept in memory only", What::Versions),
                Plant::new("a reading is kept otherwise than it came", || {
                    ChangesReadings::new(|admitted, _| admitted.reading.raw.bytes.push(0))
                }),
            ],
        },
        Check {
            name: "a store that is closed takes nothing and tells nothing",
            run: |stage| Box::pin(closed(stage)),
            plants: vec![Plant::new("closing does nothing", || NeverCloses)],
        },
    ]
}

/// A store with something in every list.
async fn filled(stage: &Stage) -> Result<Vec<Admitted>, super::Fails> {
    let panicking = stage.panicking();
    let readings = vec![red(1, 1, 0), amber(2, 1, 30), calm(1, 2, 60), calm(4, 1, 0)];
    for admitted in &readings {
        stage.offer(admitted, admitted.server_received).await?;
    }
    panicking.offer(&red(3, 1, 90), at(91)).await?;
    stage.offer(&of_nobody(&calm(5, 1, 0)), at(100)).await?;
    stage.offer(&red(4, 1, 0), at(101)).await?;
    for (n, name) in [(2, "Bo Test"), (1, "Ada Test")] {
        stage.own(Purpose::SetUp, &pt(n), Event::written(person(n, name)), at(110)).await??;
    }
    for name in ["First Team", "Second Team"] {
        stage.write(team(name), at(111)).await??;
    }
    stage.write(consent(1, "rc-1"), at(112)).await??;
    let refused = RefusedReading { hub: hub(0), id: None, code: ErrorCode::UnitNotSupported, body: "{}".to_owned() };
    let events = vec![Event::Refused(Box::new(refused))];
    stage.one(&stage.hub(&hub(0))?, Subject::Unassigned(hub(0)), events, at(120)).await??;
    Ok(readings)
}

async fn same_again(stage: &mut Stage) -> Holds {
    let offered = filled(stage).await?;
    let before = stage.see().await?;
    let Seen { readings, unassigned, refusals, alerts, people, timers, unevaluated, changes, register, histories } =
        &before;
    let counts = [readings.len(), unassigned.len(), refusals.len(), people.len(), timers.len(), unevaluated.len()];
    same(&counts, &[5, 1, 2, 2, 1, 1], "readings, of nobody, refusals, people, timers, unevaluated")?;
    ensure(alerts.len() == 3 && !changes.is_empty(), "alerts and changes")?;
    same(&(register.len(), histories.iter().map(Vec::len).sum()), &(4, 5), "things of the register, and versions")?;
    same(people, &vec![person(1, "Ada Test"), person(2, "Bo Test")], "people, by id")?;
    for admitted in &offered {
        let kept = readings.iter().find(|stored| stored.reading.id == admitted.reading.id);
        let kept = kept.map(|stored| (&stored.reading, &stored.hub, stored.server_received));
        same(&kept, &Some((&admitted.reading, &admitted.hub, admitted.server_received)), "what is kept of a reading")?;
    }
    for _ in 0..2 {
        stage.reopen().await?;
        ensure(stage.see().await? == before, "all that it showed, it shows again")?;
    }
    // The service registers its people at every start: that is no change. Another name is one.
    stage.own(Purpose::SetUp, &pt(1), Event::written(person(1, "Ada Test")), at(200)).await??;
    ensure(stage.see().await? == before, "registering the same person again is no change")?;
    stage.own(Purpose::SetUp, &pt(1), Event::written(person(1, "Ada Other")), at(201)).await??;
    same(&stage.people().await?, &vec![person(1, "Ada Other"), person(2, "Bo Test")], "people")?;
    same(&stage.changes().await?.len(), &(before.changes.len() + 1), "changes")
}

async fn closed(stage: &mut Stage) -> Holds {
    stage.offer(&calm(1, 1, 0), at(1)).await?;
    let (access, ada) = (stage.hub(&hub(0))?, staff("ada", &[1]));
    stage.store.close().await;
    stage.store.close().await;
    for admitted in [calm(1, 1, 0), calm(1, 2, 0)] {
        let answer = super::only(stage.apply(&access, vec![slice(&admitted)], at(2)).await?, "answers to one slice")?;
        ensure(matches!(answer, Err(ApplyError::Unavailable(_))), "a closed store takes nothing")?;
    }
    let unavailable = |answer: &Result<usize, ReadError>| matches!(answer, Err(ReadError::Unavailable(_)));
    let store = &stage.store;
    let told = [
        store.readings(&ada, 1).await.map(|rows| rows.len()),
        store.alerts(&ada, 1).await.map(|rows| rows.len()),
        store.people(&ada).await.map(|rows| rows.len()),
        store.refusals(&ada, 1).await.map(|rows| rows.len()),
        store.due_timers(&Access::system(Purpose::Sweep), 1, at(2)).await.map(|rows| rows.len()),
        store.lease_jobs(&Access::system(Purpose::Notify), at(3), 1, at(2)).await.map(|rows| rows.len()),
    ];
    ensure(told.iter().all(unavailable), "a closed store tells nothing")?;
    stage.reopen().await?;
    same(&stage.readings().await?.len(), &1, "readings once it is open again")?;
    // What the closed store did not take is new, what it had taken is not.
    super::stage::duplicate(&stage.tell(&calm(1, 1, 0), at(3)).await?)?;
    super::stage::stored(&stage.tell(&calm(1, 2, 0), at(3)).await?)?;
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Timers,
    People,
    Unevaluated,
    Alerts,
    Register,
    Versions,
}

/// Forgets one list once it was opened again.
struct InMemory {
    what: What,
    reopened: AtomicUsize,
}

impl InMemory {
    fn keep<T>(&self, what: What, mut list: Vec<T>) -> Vec<T> {
        if what == self.what && self.reopened.load(Ordering::SeqCst) > 0 {
            list.clear();
        }
        list
    }
}

#[async_trait]
impl Fault for InMemory {
    fn reopened(&self) {
        self.reopened.fetch_add(1, Ordering::SeqCst);
    }

    async fn due_timers(&self, real: &dyn Store, who: &Access, limit: usize, at: DateTime<Utc>) -> Timers {
        real.due_timers(who, limit, at).await.map(|list| self.keep(What::Timers, list))
    }

    async fn register(&self, real: &dyn Store, who: &Access, after: RegisterPlace, limit: usize) -> Things {
        let (list, place) = real.register(who, after, limit).await?;
        Ok((self.keep(What::Register, list), place))
    }

    async fn versions(&self, real: &dyn Store, who: &Access, which: &ItemRef, limit: usize) -> Read<Version> {
        real.versions(who, which, limit).await.map(|list| self.keep(What::Versions, list))
    }

    async fn people(&self, real: &dyn Store, who: &Access) -> Read<Person> {
        real.people(who).await.map(|list| self.keep(What::People, list))
    }

    async fn unevaluated(&self, real: &dyn Store, who: &Access, skip: usize, limit: usize) -> Read<Admitted> {
        real.unevaluated(who, skip, limit).await.map(|list| self.keep(What::Unevaluated, list))
    }

    async fn alerts(&self, real: &dyn Store, who: &Access, limit: usize) -> Read<Alert> {
        real.alerts(who, limit).await.map(|list| self.keep(What::Alerts, list))
    }
}

struct NeverCloses;

#[async_trait]
impl Fault for NeverCloses {
    async fn close(&self, _real: &dyn Store) {}
}
