//! Every question that the interface and the pages ask a store, and its answer.

use super::{
    cast::Cast,
    load::Request,
    play::{ROWS, reading_of, slices},
    truth::Truth,
    view::{far, in_order},
};
use crate::trouble::{Doing, Trouble};
use chrono::{DateTime, Utc};
use ingest::{
    access::{Access, Purpose},
    store::{
        Change, Committed, Cursor, KeptItem, Logged, Outcome, ReadError, ReadingOutcome, RegisterPlace, Store,
        StoredReading, StoredRefusal, Version, Witness,
    },
};
use register::ItemRef;
use rules::{Alert, Job, Person, Timer, event::Account};
use vitals::{
    Admitted, AlertId, HubId, PatientId,
    id::StaffId,
    wire::signing::{ReplayWindow, RequestNumber},
};

/// Rows that a page shows.
const PAGE: usize = 30;

/// Most alerts that the interface lists.
const ALERTS: usize = 500;

/// A list that is cut short.
const FEW: usize = 3;

/// Changes that a follower takes at once.
const CHANGES: usize = 50;

/// Whose rows are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The service's follower sees everything.
    Follower,
    /// Somebody who looks after everybody.
    Everybodys,
    /// Somebody who looks after one person.
    OneOf(usize),
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Readings of people.
    Readings(Who, usize),
    /// Readings of nobody.
    Unassigned(Who, usize),
    /// What was refused.
    Refusals(Who, usize),
    /// Alerts.
    Alerts(Who, usize),
    /// One alert.
    Alert(AlertId),
    /// People.
    People(Who),
    /// Timers.
    Timers(usize),
    /// What could not be judged.
    Unevaluated(usize),
    /// Changes after a place.
    Changes(Cursor, usize),
    /// A hub's request numbers.
    Window(HubId),
    /// Whether heads are the store's.
    Witnessed(Vec<(PatientId, Witness)>),
    /// The register after a place, so many rows.
    Register(RegisterPlace, usize),
    /// One thing of the register.
    Item(Who, ItemRef),
    /// What the register holds of one person.
    ItemsOf(Who, PatientId),
    /// Every version of a thing.
    Versions(Who, ItemRef),
    /// Who looked at one person's record, so many lines.
    Log(PatientId, usize),
    /// Somebody's account.
    Account(StaffId),
    /// Notifications to send. A write.
    Jobs,
    /// A hub offers everything again that it has of one person. A write.
    Offer(usize),
}

/// Its answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Readings.
    Readings(Vec<StoredReading>),
    /// Refusals.
    Refusals(Vec<StoredRefusal>),
    /// Alerts.
    Alerts(Vec<Alert>),
    /// One alert, or none.
    Alert(Box<Option<Alert>>),
    /// People.
    People(Vec<Person>),
    /// Timers.
    Timers(Vec<(PatientId, Timer)>),
    /// Readings that were not judged.
    Unevaluated(Vec<Admitted>),
    /// Changes, and the place after them.
    Changes(Vec<Change>, Cursor),
    /// Request numbers.
    Window(Option<(u32, ReplayWindow)>),
    /// Whether each head is one of the store's.
    Witnessed(Vec<bool>),
    /// Things of the register, and the place after them.
    Register(Vec<KeptItem>, RegisterPlace),
    /// One thing, or none.
    Item(Box<Option<KeptItem>>),
    /// What the register holds of one person.
    ItemsOf(Vec<KeptItem>),
    /// Versions.
    Versions(Vec<Version>),
    /// Who looked.
    Log(Vec<Logged>),
    /// An account, or none.
    Account(Option<Account>),
    /// Notifications.
    Jobs(Vec<Job>),
    /// What became of readings; an answer of the store that it could not is an error.
    Offered(Vec<ReadingOutcome>),
}

impl Question {
    /// Whether asking it changes the store.
    #[must_use]
    pub fn is_write(&self) -> bool {
        matches!(self, Self::Jobs | Self::Offer(_))
    }

    /// What it has in common with questions that differ in nothing but whom or which row they ask for.
    #[must_use]
    pub fn sort(&self) -> (&'static str, usize) {
        match self {
            Self::Readings(_, rows) => ("readings", *rows),
            Self::Unassigned(_, rows) => ("unassigned", *rows),
            Self::Refusals(_, rows) => ("refusals", *rows),
            Self::Alerts(_, rows) => ("alerts", *rows),
            Self::Alert(_) => ("alert", 1),
            Self::People(_) => ("people", 0),
            Self::Timers(rows) => ("timers", *rows),
            Self::Unevaluated(rows) => ("unevaluated", *rows),
            Self::Changes(_, rows) => ("changes", *rows),
            Self::Window(_) => ("window", 1),
            Self::Witnessed(heads) => ("witnessed", heads.len()),
            Self::Register(_, rows) => ("register", *rows),
            Self::Item(..) => ("item", 1),
            Self::ItemsOf(..) => ("items of a person", 0),
            Self::Versions(..) => ("versions", 0),
            Self::Log(_, rows) => ("log", *rows),
            Self::Account(_) => ("account", 1),
            Self::Jobs => ("jobs", 0),
            Self::Offer(_) => ("offer", 1),
        }
    }

    /// The question without its limit, where it is about what the service has to do and nobody is shown it.
    #[must_use]
    pub fn whole(&self) -> Option<Self> {
        match self {
            Self::Jobs => Some(Self::Jobs),
            Self::Timers(_) => Some(Self::Timers(ROWS)),
            Self::Unevaluated(_) => Some(Self::Unevaluated(ROWS)),
            Self::Readings(..)
            | Self::Unassigned(..)
            | Self::Refusals(..)
            | Self::Alerts(..)
            | Self::Alert(_)
            | Self::People(_)
            | Self::Changes(..)
            | Self::Window(_)
            | Self::Witnessed(_)
            | Self::Register(..)
            | Self::Item(..)
            | Self::ItemsOf(..)
            | Self::Versions(..)
            | Self::Log(..)
            | Self::Account(_)
            | Self::Offer(_) => None,
        }
    }

    /// Whether its answer holds so much that it is asked only now and then.
    #[must_use]
    pub fn is_broad(&self) -> bool {
        match self {
            Self::Readings(Who::Follower | Who::Everybodys, rows)
            | Self::Unassigned(Who::Follower | Who::Everybodys, rows)
            | Self::Refusals(Who::Follower | Who::Everybodys, rows)
            | Self::Alerts(Who::Follower | Who::Everybodys, rows)
            | Self::Register(_, rows)
            | Self::Log(_, rows)
            | Self::Changes(_, rows) => *rows > CHANGES,
            Self::Witnessed(heads) => heads.len() > 1,
            // What one person has in all is asked for anyway.
            Self::Readings(Who::OneOf(_), rows)
            | Self::Unassigned(Who::OneOf(_), rows)
            | Self::Refusals(Who::OneOf(_), rows)
            | Self::Alerts(Who::OneOf(_), rows)
            | Self::Timers(rows)
            | Self::Unevaluated(rows) => *rows < ROWS,
            Self::Offer(_)
            | Self::Alert(_)
            | Self::People(_)
            | Self::Window(_)
            | Self::Item(..)
            | Self::ItemsOf(..)
            | Self::Versions(..)
            | Self::Account(_)
            | Self::Jobs => false,
        }
    }
}

impl Answer {
    /// How many rows it has.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self {
            Self::Readings(rows) => rows.len(),
            Self::Refusals(rows) => rows.len(),
            Self::Alerts(rows) => rows.len(),
            Self::Alert(row) => usize::from(row.is_some()),
            Self::People(rows) => rows.len(),
            Self::Timers(rows) => rows.len(),
            Self::Unevaluated(rows) => rows.len(),
            Self::Changes(rows, _) => rows.len(),
            Self::Window(row) => usize::from(row.is_some()),
            Self::Witnessed(rows) => rows.len(),
            Self::Register(rows, _) | Self::ItemsOf(rows) => rows.len(),
            Self::Item(row) => usize::from(row.is_some()),
            Self::Versions(rows) => rows.len(),
            Self::Log(rows) => rows.len(),
            Self::Account(row) => usize::from(row.is_some()),
            Self::Jobs(rows) => rows.len(),
            Self::Offered(rows) => rows.len(),
        }
    }

    /// Whether another answer is this one, but that readings which were known are not recognised.
    #[must_use]
    pub fn is_but_not_recognised(&self, other: &Self) -> bool {
        let (Self::Offered(all), Self::Offered(others)) = (self, other) else { return false };
        let pairs = || all.iter().zip(others);
        all.len() == others.len() && pairs().all(|(one, other)| one == other || is_not_recognised(one, other))
    }

    /// Whether another answer is this one with rows left out, and nothing else.
    #[must_use]
    pub fn is_with_rows_left_out(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Timers(all), Self::Timers(some)) => is_part(all, some),
            (Self::Unevaluated(all), Self::Unevaluated(some)) => is_part(all, some),
            (Self::Jobs(all), Self::Jobs(some)) => is_part(all, some),
            _ => false,
        }
    }
}

/// Whether a reading that was known is stored, or in conflict, and nothing else is the matter.
fn is_not_recognised(known: &ReadingOutcome, now: &ReadingOutcome) -> bool {
    let was_known = matches!(known, ReadingOutcome::Duplicate { .. } | ReadingOutcome::Conflict { .. });
    was_known && !matches!(now, ReadingOutcome::Duplicate { .. }) && reading_of(known) == reading_of(now)
}

/// Whether all of `some` stand in `all`, in the same order.
fn is_part<T: PartialEq>(all: &[T], some: &[T]) -> bool {
    let mut all = all.iter();
    some.iter().all(|one| all.any(|other| other == one))
}

/// A store to be asked, and what it takes to ask.
pub struct Asking<'a> {
    /// Everybody.
    pub cast: &'a Cast,
    /// What was offered.
    pub truth: &'a Truth,
    /// A moment after the last act.
    pub now: DateTime<Utc>,
    follower: Access,
}

impl<'a> Asking<'a> {
    /// Everything it takes.
    #[must_use]
    pub fn new(cast: &'a Cast, truth: &'a Truth, now: DateTime<Utc>) -> Self {
        Self { cast, truth, now, follower: Access::system(Purpose::Follow) }
    }

    fn access(&self, who: Who) -> &Access {
        match who {
            Who::Follower => &self.follower,
            Who::Everybodys => &self.cast.everybodys,
            Who::OneOf(place) => self.cast.one_each.get(place).unwrap_or(&self.cast.everybodys),
        }
    }

    /// All questions there are about a sound store.
    ///
    /// # Errors
    /// [`Trouble`] where the store, which is sound, does not answer.
    pub async fn questions(&self, store: &dyn Store, heads: &[(PatientId, Witness)]) -> Result<Vec<Question>, Trouble> {
        let mut all = Vec::new();
        let each = || (0..self.cast.one_each.len()).map(Who::OneOf);
        for who in [Who::Follower, Who::Everybodys].into_iter().chain(each()) {
            for rows in [ROWS, PAGE, FEW] {
                all.extend([
                    Question::Readings(who, rows),
                    Question::Unassigned(who, rows),
                    Question::Refusals(who, rows),
                ]);
            }
            for rows in [ROWS, ALERTS, FEW] {
                all.push(Question::Alerts(who, rows));
            }
            all.push(Question::People(who));
        }
        for rows in [ROWS, FEW] {
            all.extend([
                Question::Timers(rows),
                Question::Unevaluated(rows),
                Question::Changes(Cursor::default(), rows),
            ]);
        }
        let mut cursor = Cursor::default();
        loop {
            let (some, next) =
                store.changes(&self.follower, cursor, CHANGES).await.doing("follow a store's changes")?;
            all.push(Question::Changes(cursor, CHANGES));
            if some.is_empty() {
                break;
            }
            cursor = next;
        }
        let alerts = store.alerts(&self.follower, ROWS).await.doing("list a store's alerts")?;
        all.extend(alerts.iter().map(|alert| Question::Alert(alert.id)));
        all.push(Question::Alert(AlertId::derive(&[b"no such alert"])));
        all.extend(self.cast.hubs.iter().map(|(hub, _)| Question::Window(hub.clone())));
        let wrong = |(patient, witness): &(PatientId, Witness)| {
            (patient.clone(), Witness { head: witness.head.map(|byte| byte ^ 1), ..*witness })
        };
        for head in heads {
            all.push(Question::Witnessed(vec![head.clone()]));
            all.push(Question::Witnessed(vec![wrong(head)]));
        }
        all.push(Question::Witnessed(heads.to_vec()));
        all.extend(self.about_register(store).await?);
        all.push(Question::Jobs);
        all.extend((0..self.cast.people.len()).map(Question::Offer));
        Ok(all)
    }

    /// The questions about the register, its history, and accounts.
    async fn about_register(&self, store: &dyn Store) -> Result<Vec<Question>, Trouble> {
        let mut all = vec![Question::Register(RegisterPlace::default(), ROWS)];
        let mut place = RegisterPlace::default();
        loop {
            let (some, next) =
                store.register(&Access::system(Purpose::Directory), place, FEW).await.doing("read the register")?;
            all.push(Question::Register(place, FEW));
            if some.is_empty() {
                break;
            }
            for which in some.iter().map(|kept| kept.item.reference()) {
                all.push(Question::Item(Who::Everybodys, which.clone()));
                all.push(Question::Versions(Who::Everybodys, which));
            }
            place = next;
        }
        for (n, person) in self.cast.people.iter().enumerate() {
            all.extend([Who::Everybodys, Who::OneOf(n)].map(|who| Question::ItemsOf(who, person.id.clone())));
            all.push(Question::Item(Who::OneOf(n), ItemRef::Patient(person.id.clone())));
            all.extend([ROWS, FEW].map(|rows| Question::Log(person.id.clone(), rows)));
        }
        let nobody = PatientId::parse("pt-nobody").doing("name nobody")?;
        all.push(Question::Item(Who::Everybodys, ItemRef::Patient(nobody.clone())));
        all.push(Question::ItemsOf(Who::Everybodys, nobody));
        let accounts = self.cast.accounts.iter().map(|account| account.staff.clone());
        all.extend(accounts.map(Question::Account));
        all.push(Question::Account(StaffId::parse("st-nobody").doing("name nobody")?));
        Ok(all)
    }

    /// Asks one question. What the store says of itself that it cannot answer is an error in words.
    ///
    /// # Errors
    /// [`ReadError`], or what stands for it where it was a write.
    pub async fn ask(&self, store: &dyn Store, question: &Question) -> Result<Answer, ReadError> {
        let (sweep, receive) = (Access::system(Purpose::Sweep), Access::system(Purpose::Receive));
        let far = far(self.now);
        Ok(match question {
            Question::Readings(who, rows) => Answer::Readings(store.readings(self.access(*who), *rows).await?),
            Question::Unassigned(who, rows) => Answer::Readings(store.unassigned(self.access(*who), *rows).await?),
            Question::Refusals(who, rows) => {
                Answer::Refusals(in_order(store.refusals(self.access(*who), *rows).await?))
            }
            Question::Alerts(who, rows) => Answer::Alerts(store.alerts(self.access(*who), *rows).await?),
            Question::Alert(id) => Answer::Alert(Box::new(store.alert(&self.cast.everybodys, *id).await?)),
            Question::People(who) => Answer::People(store.people(self.access(*who)).await?),
            Question::Timers(rows) => Answer::Timers(store.due_timers(&sweep, *rows, far).await?),
            Question::Unevaluated(rows) => Answer::Unevaluated(store.unevaluated(&sweep, 0, *rows).await?),
            Question::Changes(after, rows) => {
                let (changes, cursor) = store.changes(&self.follower, *after, *rows).await?;
                Answer::Changes(changes, cursor)
            }
            Question::Window(hub) => Answer::Window(store.replay_window(&receive, hub).await?),
            Question::Witnessed(heads) => Answer::Witnessed(store.witnessed(&receive, heads.clone()).await?),
            Question::Register(after, rows) => {
                let (things, place) = store.register(&Access::system(Purpose::Directory), *after, *rows).await?;
                Answer::Register(things, place)
            }
            Question::Item(who, which) => Answer::Item(Box::new(store.item(self.access(*who), which).await?)),
            Question::ItemsOf(who, patient) => Answer::ItemsOf(store.items_of(self.access(*who), patient).await?),
            Question::Versions(who, which) => Answer::Versions(store.versions(self.access(*who), which, ROWS).await?),
            Question::Log(patient, rows) => {
                Answer::Log(store.log_of(&self.cast.privacy_officer, patient, *rows).await?)
            }
            Question::Account(staff) => Answer::Account(store.account(&Access::system(Purpose::SignIn), staff).await?),
            Question::Jobs => {
                let notify = Access::system(Purpose::Notify);
                let jobs = store.lease_jobs(&notify, far, ROWS, far).await?;
                Answer::Jobs(jobs.into_iter().map(Committed::into_inner).collect())
            }
            Question::Offer(place) => self.offer(store, *place).await?,
        })
    }

    async fn offer(&self, store: &dyn Store, place: usize) -> Result<Answer, ReadError> {
        let unavailable = |why: String| ReadError::Unavailable(why);
        let person = self.cast.people.get(place).map(|person| &person.id);
        let hub = self.cast.hubs.iter().find(|(_, people)| person.is_some_and(|person| people.contains(person)));
        let Some((hub, _)) = hub else { return Ok(Answer::Offered(Vec::new())) };
        let is_own = |admitted: &&Admitted| {
            admitted.hub == *hub && super::play::patient(admitted).is_none_or(|patient| Some(&patient) == person)
        };
        let own = self.truth.readings.iter().map(|known| &known.admitted).filter(is_own);
        let sequence = 2_000_000 + u64::try_from(place).unwrap_or(0);
        let number = RequestNumber { epoch: 1, sequence };
        let request = Request { hub: hub.clone(), number, readings: own.cloned().collect(), refused: Vec::new() };
        let who = self.cast.hub(hub).map_err(|trouble| unavailable(trouble.to_string()))?;
        let mut outcomes = Vec::new();
        for answer in store.apply(who, slices(&request), self.cast.decide.clone(), self.now).await {
            let Outcome { readings, .. } =
                answer.map(Committed::into_inner).map_err(|error| unavailable(error.to_string()))?;
            outcomes.extend(readings);
        }
        Ok(Answer::Offered(outcomes))
    }
}
