//! Playing an act on a store, through the trait alone, and what the caller was told.

use super::{
    cast::Cast,
    disk::StoreDisk,
    load::{Act, Fold, Request, event},
};
use crate::trouble::{Doing, Trouble};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use ingest::{
    access::{Access, Purpose},
    store::{
        ApplyError, Committed, Outcome, ReadError, ReadingOutcome, Slice, Store, StoredReading, Subject, Witness,
        embedded::{EmbeddedStore, OpenError},
    },
};
use register::Item;
use rules::{Alert, Because, Delivery, Event, Mistake};
use std::collections::BTreeMap;
use vitals::{Admitted, PatientId, ReadingId, Who};

/// More than any run writes.
pub const ROWS: usize = 10_000;

/// Most timers, readings or notifications taken in one act.
const TAKEN_MAX: usize = 64;

/// What a caller was told.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// What became of readings, those that were acknowledged.
    pub readings: Vec<ReadingOutcome>,
    /// Alerts that are new or changed.
    pub alerts: Vec<Alert>,
    /// The heads of people's chains.
    pub heads: Vec<(PatientId, Witness)>,
    /// Why something was not done.
    pub refused: Vec<Refusal>,
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The store was open and said so.
    Unavailable(String),
    /// The request's number was known.
    Replayed,
    /// It did not open.
    NotOpened(String),
    /// Something else, which no fault of a disk explains.
    Other(String),
}

impl Told {
    /// Whether everything asked for was done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.refused.is_empty()
    }

    fn take(&mut self, subjects: Vec<Subject>, answers: Vec<Result<Committed<Outcome>, ApplyError>>) {
        for (subject, answer) in subjects.into_iter().zip(answers) {
            match answer.map(Committed::into_inner) {
                Ok(outcome) => {
                    if let (Subject::Patient(patient), Some(head)) = (subject, outcome.chain_head) {
                        self.heads.push((patient, head));
                    }
                    self.readings.extend(outcome.readings);
                    self.alerts.extend(outcome.alerts);
                }
                Err(ApplyError::Unavailable(why)) => self.refused.push(Refusal::Unavailable(why)),
                Err(ApplyError::Replayed) => self.refused.push(Refusal::Replayed),
                Err(other) => self.refused.push(Refusal::Other(format!("{other:?}"))),
            }
        }
    }

    fn refuse(&mut self, error: &ReadError) {
        self.refused.push(match error {
            ReadError::Unavailable(why) => Refusal::Unavailable(why.clone()),
            ReadError::Busy | ReadError::Damaged { .. } | ReadError::Denied(_) => Refusal::Other(error.to_string()),
        });
    }
}

/// A store and the disk under it.
pub struct Stage<'a> {
    /// Everybody.
    pub cast: &'a Cast,
    /// The disk.
    pub disk: StoreDisk,
    /// The store; none where it did not open.
    pub store: Option<EmbeddedStore>,
    /// Planted: every connection is weakened as soon as it is open.
    pub is_weak: bool,
}

/// What takes back the newest reading that counts, if there is one.
fn withdrawn(cast: &Cast, readings: &[StoredReading]) -> Result<Option<Slice>, Trouble> {
    let counts = readings.iter().find(|stored| stored.withdrawn.is_none());
    let Some((reading, Who::Patient(whose))) = counts.map(|stored| (stored.reading.id, &stored.reading.who)) else {
        return Ok(None);
    };
    let (because, mistake) = (Because::EnteredInError, Some(Mistake::Test));
    let events = vec![Event::Withdrawn { reading, because, mistake, by: cast.actor()?, note: None }];
    Ok(Some(Slice { subject: Subject::Patient(whose.clone()), events }))
}

/// The slices of a request: its number, what was refused, and a slice for each person and for nobody.
#[must_use]
pub fn slices(request: &Request) -> Vec<Slice> {
    let mut of: BTreeMap<Option<PatientId>, Vec<Event>> = BTreeMap::new();
    for admitted in &request.readings {
        of.entry(patient(admitted)).or_default().push(event(admitted));
    }
    let refused = request.refused.iter().map(|refused| Event::Refused(Box::new(refused.clone())));
    of.entry(None).or_default().extend(refused);
    let received = Event::Received { hub: request.hub.clone(), number: request.number };
    let own = Slice { subject: Subject::Service, events: vec![received] };
    let rest = of.into_iter().filter(|(_, events)| !events.is_empty()).map(|(patient, events)| Slice {
        subject: patient.map_or_else(|| Subject::Unassigned(request.hub.clone()), Subject::Patient),
        events,
    });
    std::iter::once(own).chain(rest).collect()
}

/// What the service writes into the register at its start: a slice for each person, then its own, with the accounts.
#[must_use]
pub fn registered(cast: &Cast) -> Vec<Slice> {
    let people = cast.people.iter().cloned().map(Item::from);
    let mut slices: BTreeMap<Subject, Vec<Event>> = BTreeMap::new();
    for item in people.chain(cast.things.iter().cloned()) {
        let subject = item.patient().map_or(Subject::Service, |patient| Subject::Patient(patient.clone()));
        slices.entry(subject).or_default().push(Event::written(item));
    }
    let accounts = cast.accounts.iter().cloned().map(Event::AccountSet);
    slices.entry(Subject::Service).or_default().extend(accounts);
    slices.into_iter().map(|(subject, events)| Slice { subject, events }).collect()
}

/// Whose reading it is said to be.
#[must_use]
pub fn patient(admitted: &Admitted) -> Option<PatientId> {
    match &admitted.reading.who {
        Who::Patient(patient) => Some(patient.clone()),
        Who::Unassigned(_) => None,
    }
}

/// Which reading an outcome is about, and whether the store holds it under that id.
#[must_use]
pub fn reading_of(outcome: &ReadingOutcome) -> ReadingId {
    match outcome {
        ReadingOutcome::Stored { id, .. }
        | ReadingOutcome::Unassigned { id }
        | ReadingOutcome::Duplicate { id, .. }
        | ReadingOutcome::Erased { id }
        | ReadingOutcome::Conflict { id } => *id,
    }
}

impl<'a> Stage<'a> {
    /// A store on a disk.
    ///
    /// # Errors
    /// [`OpenError`] where the store refuses.
    pub fn open(cast: &'a Cast, disk: StoreDisk, is_weak: bool) -> Result<Self, OpenError> {
        let mut stage = Self { cast, disk, store: None, is_weak };
        stage.open_again()?;
        Ok(stage)
    }

    fn open_again(&mut self) -> Result<(), OpenError> {
        let store = self.disk.try_open_store()?;
        if self.is_weak {
            // What does not take is seen when the plant is not caught.
            drop(self.disk.weaken());
        }
        self.store = Some(store);
        Ok(())
    }

    /// Closes the store in order.
    pub async fn close(&mut self) {
        if let Some(store) = self.store.take() {
            store.close().await;
        }
    }

    /// Plays one act.
    ///
    /// # Errors
    /// [`Trouble`] of the harness itself; what the store refuses is told.
    pub async fn play(&mut self, act: &Act, at: DateTime<Utc>) -> Result<Told, Trouble> {
        let mut told = Told::default();
        if matches!(act, Act::Reopen) {
            self.close().await;
        }
        if self.store.is_none()
            && let Err(error) = self.open_again()
        {
            told.refused.push(Refusal::NotOpened(error.to_string()));
            return Ok(told);
        }
        let Some(store) = &self.store else { return Ok(told) };
        let cast = self.cast;
        let apply = async |who: &Access, slices: Vec<Slice>| {
            let subjects = slices.iter().map(|slice| slice.subject.clone()).collect();
            (subjects, store.apply(who, slices, cast.decide.clone(), at).await)
        };
        let mut take = |(subjects, answers)| told.take(subjects, answers);
        match act {
            Act::Reopen => {}
            Act::Register => {
                take(apply(&Access::system(Purpose::SetUp), registered(cast)).await);
            }
            Act::Requests(requests) => {
                let asked = requests.iter().map(|request| Ok((cast.hub(&request.hub)?, slices(request))));
                let asked = asked.collect::<Result<Vec<_>, Trouble>>()?;
                let answers = asked.into_iter().map(|(who, slices)| apply(who, slices));
                join_all(answers).await.into_iter().for_each(take);
            }
            Act::Sweep => {
                let who = Access::system(Purpose::Sweep);
                match (store.due_timers(&who, TAKEN_MAX, at).await, store.unevaluated(&who, 0, TAKEN_MAX).await) {
                    (Ok(due), Ok(unjudged)) => {
                        let due = due.into_iter().map(|(patient, timer)| (Some(patient), Event::Due(timer)));
                        let unjudged = unjudged
                            .into_iter()
                            .map(|admitted| (patient(&admitted), Event::Reconsider(Box::new(admitted))));
                        let slice = |(patient, event): (Option<PatientId>, Event)| {
                            Some(Slice { subject: Subject::Patient(patient?), events: vec![event] })
                        };
                        take(apply(&who, due.chain(unjudged).filter_map(slice).collect()).await);
                    }
                    (Err(error), _) | (_, Err(error)) => told.refuse(&error),
                }
            }
            Act::Notify { accepts } => {
                let who = Access::system(Purpose::Notify);
                match store.lease_jobs(&who, at + TimeDelta::seconds(20), TAKEN_MAX, at).await {
                    Ok(jobs) => {
                        let next_try_at = at + TimeDelta::seconds(60);
                        let delivery = if *accepts { Delivery::Accepted } else { Delivery::Failed { next_try_at } };
                        let slice = |job: Committed<rules::Job>| {
                            let job = job.into_inner();
                            let events = vec![Event::Delivered { job: job.id, alert: job.alert, delivery }];
                            Slice { subject: Subject::Patient(job.patient), events }
                        };
                        take(apply(&who, jobs.into_iter().map(slice).collect()).await);
                    }
                    Err(error) => told.refuse(&error),
                }
            }
            Act::Take => match store.alerts(&cast.everybodys, ROWS).await {
                Ok(alerts) => {
                    if let Some(alert) = alerts.into_iter().find(Alert::is_waiting) {
                        let events = vec![Event::Acknowledged { alert: alert.id, by: cast.actor()?, note: None }];
                        let slice = Slice { subject: Subject::Patient(alert.patient), events };
                        take(apply(&cast.everybodys, vec![slice]).await);
                    }
                }
                Err(error) => told.refuse(&error),
            },
            Act::Withdraw => match store.readings(&cast.everybodys, ROWS).await {
                Ok(readings) => {
                    if let Some(slice) = withdrawn(cast, &readings)? {
                        take(apply(&cast.everybodys, vec![slice]).await);
                    }
                }
                Err(error) => told.refuse(&error),
            },
            Act::Fold(fold) => {
                if let Err(error) = self.fold(*fold) {
                    told.refused.push(Refusal::Unavailable(error.to_string()));
                }
            }
        }
        Ok(told)
    }

    /// Folds the log back over a connection of its own, as careful as the store's.
    fn fold(&self, fold: Fold) -> Result<(), Trouble> {
        let conn = self.disk.beside()?;
        conn.pragma_update(None, "synchronous", if self.is_weak { "NORMAL" } else { "FULL" }).doing("settle it")?;
        let sql = format!("PRAGMA wal_checkpoint({})", fold.name());
        conn.query_row(&sql, [], |_row| Ok(())).doing("fold the log back")
    }
}
