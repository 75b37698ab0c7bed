//! The store as the service's own parts have it: whoever's record was looked at is told so in it, and what was written
//! into the register opens and closes access, both before the answer is given.
//!
//! Invariants: no answer about a person reaches staff without its line in the person's record, or the read fails; one line
//! for each person and request; whatever was committed into the register is learned before whoever wrote it hears so, in
//! the order of the commits, even where they have gone; whoever left or has a new password is signed out with that.

use super::{
    ApplyError, Change, Committed, Cursor, Decide, KeptItem, Logged, NotVerified, Outcome, Progress, ReadError,
    RecordEntry, RecordPlace, RegisterPlace, Scrubbed, SignedRoot, Slice, Store, StoreGauges, StoredDamage,
    StoredReading, StoredRefusal, Subject, Tombstone, Verified, Version, WholeRecord, Witness,
};
use crate::{
    access::{Access, Denied, Directory, Purpose, Sessions},
    clock::Clock,
    server_key::ServerKey,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use register::{Item, ItemRef};
use rules::{
    Alert, Event, Job, Person, Timer,
    event::{Account, Audit, AuditKind},
};
use std::{collections::BTreeSet, sync::Arc};
use tokio::sync::Mutex;
use vitals::{
    Admitted, AlertId, HubId, PatientId, ReadingId, Who, bounded::Text, id::StaffId, wire::signing::ReplayWindow,
};

/// See the module.
pub struct Audited {
    inner: Arc<dyn Store>,
    decide: Arc<dyn Decide>,
    clock: Arc<dyn Clock>,
    learner: Arc<Learner>,
}

/// Who learns what was written.
struct Learner {
    directory: Arc<Directory>,
    sessions: Arc<Sessions>,
    /// Held from before a commit until what it wrote is learned: of two versions the later one stays.
    turn: Mutex<()>,
}

/// What is learned of a slice once it is committed.
enum Learned {
    Item(Item),
    NewPassword(StaffId),
}

impl Audited {
    /// Around a store.
    #[must_use]
    pub fn new(
        inner: Arc<dyn Store>,
        decide: Arc<dyn Decide>,
        clock: Arc<dyn Clock>,
        directory: Arc<Directory>,
        sessions: Arc<Sessions>,
    ) -> Self {
        Self { inner, decide, clock, learner: Arc::new(Learner { directory, sessions, turn: Mutex::default() }) }
    }

    /// Writes into the record of each of these people that they were looked at, where staff did, and returns only once it
    /// is committed.
    async fn looked_at(
        &self,
        who: &Access,
        method: &'static str,
        people: BTreeSet<PatientId>,
    ) -> Result<(), ReadError> {
        self.noted(AuditKind::Read, who, method, people).await
    }

    /// As [`Self::looked_at`], where everything held of them is given out.
    async fn given_out(
        &self,
        who: &Access,
        method: &'static str,
        people: BTreeSet<PatientId>,
    ) -> Result<(), ReadError> {
        self.noted(AuditKind::Exported, who, method, people).await
    }

    async fn noted(
        &self,
        what: AuditKind,
        who: &Access,
        method: &'static str,
        people: BTreeSet<PatientId>,
    ) -> Result<(), ReadError> {
        let people = who.newly_looked_at(people);
        if people.is_empty() {
            return Ok(());
        }
        let about: Text<200> = Text::new(who.asked().unwrap_or(method))
            .or_else(|_too_long| Text::new(method))
            .map_err(|_never| ReadError::Unavailable("the name of a request is none that the log takes".to_owned()))?;
        let slice = |patient: &PatientId| {
            // Nothing opens this record to them, and yet it is in the answer: then there is no answer.
            let by = who.by(patient).ok_or(Denied)?;
            let audit = Audit { what, about: about.clone(), by: Some(by) };
            Ok(Slice { subject: Subject::Patient(patient.clone()), events: vec![Event::Audited(audit)] })
        };
        let slices = people.iter().map(slice).collect::<Result<Vec<Slice>, Denied>>()?;
        let writer = Access::system(Purpose::Audit);
        for answer in self.inner.apply(&writer, slices, self.decide.clone(), self.clock.now()).await {
            drop(answer.map_err(|error| {
                if matches!(error, ApplyError::Busy) {
                    return ReadError::Busy;
                }
                ReadError::Unavailable(format!("what was looked at could not be written into the record: {error}"))
            })?);
        }
        who.note_looked_at(people);
        Ok(())
    }

    /// Gives an answer once the people in it were told of.
    async fn telling<T: Send>(
        &self,
        who: &Access,
        method: &'static str,
        answer: T,
        people: BTreeSet<PatientId>,
    ) -> Result<T, ReadError> {
        self.looked_at(who, method, people).await?;
        Ok(answer)
    }
}

impl Learner {
    fn learn(&self, learned: &[Learned], at: DateTime<Utc>) {
        let items = learned.iter().filter_map(|learned| match learned {
            Learned::Item(item) => Some(item),
            Learned::NewPassword(_) => None,
        });
        self.directory.learn(items);
        for learned in learned {
            match learned {
                Learned::Item(Item::Staff(staff)) if staff.posts_at(at).next().is_none() => {
                    self.sessions.end_all_of(&staff.id);
                }
                Learned::NewPassword(staff) => self.sessions.end_all_of(staff),
                Learned::Item(_) => {}
            }
        }
    }
}

fn to_learn(slice: &Slice) -> Vec<Learned> {
    let learned = slice.events.iter().filter_map(|event| match event {
        Event::Written(written) => Some(Learned::Item(written.item.clone())),
        Event::AccountSet(account) => Some(Learned::NewPassword(account.staff.clone())),
        Event::Reading(_)
        | Event::Reconsider(_)
        | Event::Withdrawn { .. }
        | Event::Moved { .. }
        | Event::Assigned(_)
        | Event::Corrected(_)
        | Event::Expecting
        | Event::Refused(_)
        | Event::Due(_)
        | Event::Acknowledged { .. }
        | Event::Delivered { .. }
        | Event::Audited(_)
        | Event::Received { .. } => None,
    });
    learned.collect()
}

fn of_alerts(alerts: &[Alert]) -> BTreeSet<PatientId> {
    alerts.iter().map(|alert| alert.patient.clone()).collect()
}

fn of_readings(readings: &[StoredReading]) -> BTreeSet<PatientId> {
    let whose = readings.iter().filter_map(|stored| match &stored.reading.who {
        Who::Patient(patient) => Some(patient.clone()),
        Who::Unassigned(_) => None,
    });
    whose.collect()
}

fn of_items<'i>(items: impl IntoIterator<Item = &'i Item>) -> BTreeSet<PatientId> {
    items.into_iter().filter_map(Item::patient).cloned().collect()
}

#[async_trait]
impl Store for Audited {
    async fn apply(
        &self,
        who: &Access,
        slices: Vec<Slice>,
        decide: Arc<dyn Decide>,
        at: DateTime<Utc>,
    ) -> Vec<Result<Committed<Outcome>, ApplyError>> {
        let learned: Vec<Vec<Learned>> = slices.iter().map(to_learn).collect();
        if learned.iter().all(Vec::is_empty) {
            return self.inner.apply(who, slices, decide, at).await;
        }
        let (inner, learner, who, count) = (self.inner.clone(), self.learner.clone(), who.clone(), slices.len());
        // A task of its own: a caller that goes away between the commit and the learning must not leave access as it was.
        let applying = tokio::spawn(async move {
            let _turn = learner.turn.lock().await;
            let answers = inner.apply(&who, slices, decide, at).await;
            let committed = answers.iter().zip(&learned).filter(|(answer, _)| answer.is_ok());
            committed.for_each(|(_, learned)| learner.learn(learned, at));
            answers
        });
        applying.await.unwrap_or_else(|error| {
            tracing::error!(%error, "A write into the register failed within the service.");
            let failed = || Err(ApplyError::Unavailable("the write failed within the service".to_owned()));
            std::iter::repeat_with(failed).take(count).collect()
        })
    }

    async fn alerts(&self, who: &Access, limit: usize) -> Result<Vec<Alert>, ReadError> {
        let alerts = self.inner.alerts(who, limit).await?;
        let people = of_alerts(&alerts);
        self.telling(who, "alerts", alerts, people).await
    }

    async fn alert(&self, who: &Access, id: AlertId) -> Result<Option<Alert>, ReadError> {
        let alert = self.inner.alert(who, id).await?;
        let people = of_alerts(alert.as_slice());
        self.telling(who, "alert", alert, people).await
    }

    async fn people(&self, who: &Access) -> Result<Vec<Person>, ReadError> {
        let people = self.inner.people(who).await?;
        let ids = people.iter().map(|person| person.id.clone()).collect();
        self.telling(who, "people", people, ids).await
    }

    async fn readings(&self, who: &Access, limit: usize) -> Result<Vec<StoredReading>, ReadError> {
        let readings = self.inner.readings(who, limit).await?;
        let people = of_readings(&readings);
        self.telling(who, "readings", readings, people).await
    }

    async fn unassigned(&self, who: &Access, limit: usize) -> Result<Vec<StoredReading>, ReadError> {
        let readings = self.inner.unassigned(who, limit).await?;
        let people = of_readings(&readings);
        self.telling(who, "unassigned", readings, people).await
    }

    async fn refusals(&self, who: &Access, limit: usize) -> Result<Vec<StoredRefusal>, ReadError> {
        // They belong to hubs, and tell nothing of anybody.
        self.inner.refusals(who, limit).await
    }

    async fn damaged(&self, who: &Access, limit: usize) -> Result<Vec<StoredDamage>, ReadError> {
        let damaged = self.inner.damaged(who, limit).await?;
        let whose = damaged.iter().filter_map(|damage| match &damage.whose {
            Subject::Patient(patient) => Some(patient.clone()),
            Subject::Unassigned(_) | Subject::Service => None,
        });
        let people = whose.collect();
        self.telling(who, "damaged", damaged, people).await
    }

    async fn item(&self, who: &Access, which: &ItemRef) -> Result<Option<KeptItem>, ReadError> {
        let kept = self.inner.item(who, which).await?;
        let people = of_items(kept.iter().map(|kept| &kept.item));
        self.telling(who, "item", kept, people).await
    }

    async fn items_of(&self, who: &Access, patient: &PatientId) -> Result<Vec<KeptItem>, ReadError> {
        let kept = self.inner.items_of(who, patient).await?;
        let people = of_items(kept.iter().map(|kept| &kept.item));
        self.telling(who, "items-of", kept, people).await
    }

    async fn versions(&self, who: &Access, which: &ItemRef, limit: usize) -> Result<Vec<Version>, ReadError> {
        let versions = self.inner.versions(who, which, limit).await?;
        let people = of_items(versions.iter().map(|version| &version.written.item));
        self.telling(who, "versions", versions, people).await
    }

    async fn log_of(&self, who: &Access, patient: &PatientId, limit: usize) -> Result<Vec<Logged>, ReadError> {
        let log = self.inner.log_of(who, patient, limit).await?;
        self.telling(who, "log-of", log, [patient.clone()].into()).await
    }

    async fn ended(&self, who: &Access, patient: &PatientId) -> Result<Option<Tombstone>, ReadError> {
        self.inner.ended(who, patient).await
    }

    async fn whole_record(&self, who: &Access, patient: &PatientId) -> Result<Option<WholeRecord>, ReadError> {
        let record = self.inner.whole_record(who, patient).await?;
        let people = record.iter().map(|_| patient.clone()).collect();
        self.given_out(who, "whole-record", people).await?;
        Ok(record)
    }

    async fn entries_of(
        &self,
        who: &Access,
        patient: &PatientId,
        before: Option<RecordPlace>,
        limit: usize,
    ) -> Result<(Vec<RecordEntry>, Option<RecordPlace>), ReadError> {
        let entries = self.inner.entries_of(who, patient, before, limit).await?;
        let people = entries.0.iter().map(|_| patient.clone()).collect();
        self.given_out(who, "entries-of", people).await?;
        Ok(entries)
    }

    async fn register(
        &self,
        who: &Access,
        after: RegisterPlace,
        limit: usize,
    ) -> Result<(Vec<KeptItem>, RegisterPlace), ReadError> {
        self.inner.register(who, after, limit).await
    }

    async fn account(&self, who: &Access, staff: &StaffId) -> Result<Option<Account>, ReadError> {
        self.inner.account(who, staff).await
    }

    async fn changes(&self, who: &Access, after: Cursor, limit: usize) -> Result<(Vec<Change>, Cursor), ReadError> {
        self.inner.changes(who, after, limit).await
    }

    async fn lease_jobs(
        &self,
        who: &Access,
        until: DateTime<Utc>,
        limit: usize,
        at: DateTime<Utc>,
    ) -> Result<Vec<Committed<Job>>, ReadError> {
        self.inner.lease_jobs(who, until, limit, at).await
    }

    async fn due_timers(
        &self,
        who: &Access,
        limit: usize,
        at: DateTime<Utc>,
    ) -> Result<Vec<(PatientId, Timer)>, ReadError> {
        self.inner.due_timers(who, limit, at).await
    }

    async fn unevaluated(&self, who: &Access, skip: usize, limit: usize) -> Result<Vec<Admitted>, ReadError> {
        self.inner.unevaluated(who, skip, limit).await
    }

    async fn replay_window(&self, who: &Access, hub: &HubId) -> Result<Option<(u32, ReplayWindow)>, ReadError> {
        self.inner.replay_window(who, hub).await
    }

    async fn witnessed(&self, who: &Access, heads: Vec<(PatientId, Witness)>) -> Result<Vec<bool>, ReadError> {
        self.inner.witnessed(who, heads).await
    }

    async fn wanted(&self, who: &Access, hub: &HubId, limit: usize) -> Result<Vec<ReadingId>, ReadError> {
        self.inner.wanted(who, hub, limit).await
    }

    async fn scrub(&self, who: &Access, rows: u64, at: DateTime<Utc>) -> Result<Scrubbed, ReadError> {
        self.inner.scrub(who, rows, at).await
    }

    async fn met_damage(&self) {
        self.inner.met_damage().await;
    }

    async fn verify(
        &self,
        who: &Access,
        on_progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Verified, NotVerified> {
        self.inner.verify(who, on_progress).await
    }

    async fn sign_root(
        &self,
        who: &Access,
        key: &ServerKey,
        at: DateTime<Utc>,
    ) -> Result<Option<Committed<SignedRoot>>, ReadError> {
        self.inner.sign_root(who, key, at).await
    }

    async fn newest_root(&self, who: &Access) -> Result<Option<SignedRoot>, ReadError> {
        self.inner.newest_root(who).await
    }

    fn gauges(&self) -> StoreGauges {
        self.inner.gauges()
    }

    async fn halted(&self) {
        self.inner.halted().await;
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
