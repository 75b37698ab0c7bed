//! Where a check plays: a store of its own, the hubs, the demo's rules, and the ways to ask and to look.

use super::{
    Fails, Fresh, Kind, OpenStore,
    cast::{self, at},
    hubs::Hubs,
    only,
};
use crate::trouble::{Doing, Trouble};
use chrono::{DateTime, Utc};
use ingest::{
    access::{Access, Purpose},
    decide::ByPlan,
    store::{
        ApplyError, Care, Change, Committed, Cursor, Decide, KeptItem, Outcome, ReadingOutcome, RegisterPlace, Slice,
        Store, StoredReading, StoredRefusal, Subject, Version,
    },
};
use register::Item;
use rules::{Alert, Channel, Event, Job, PatientState, Person, Timer, Verdict};
use std::{ops::Deref, sync::Arc};
use vitals::{Admitted, HubId, PatientId};

/// More rows than a check makes.
pub(super) const ALL: usize = 5_000;

/// The ways into a store, to be handed to tasks.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) store: Arc<dyn Store>,
    pub(super) hubs: Arc<Hubs>,
    pub(super) decide: Arc<dyn Decide>,
}

/// Where a check plays.
pub(super) struct Stage {
    door: Door,
    open: Box<dyn OpenStore>,
    fresh: Fresh,
    /// Whether nothing is planted.
    pub(super) is_genuine: bool,
    /// Most rows in one answer.
    pub(super) rows_max: usize,
}

impl Deref for Stage {
    type Target = Door;

    fn deref(&self) -> &Door {
        &self.door
    }
}

/// The demo's protocol, with one channel.
pub(super) fn by_demo_pack() -> Result<Arc<dyn Decide>, Trouble> {
    let packs = vec![rules::pack::demo_pack().doing("read the demo's protocol")?];
    Ok(Arc::new(ByPlan::for_demo(packs, vec![Channel::Console]).doing("activate the demo's protocol")?))
}

/// Everything that can be read, as it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seen {
    pub(super) readings: Vec<StoredReading>,
    pub(super) unassigned: Vec<StoredReading>,
    pub(super) refusals: Vec<StoredRefusal>,
    pub(super) alerts: Vec<Alert>,
    pub(super) people: Vec<Person>,
    pub(super) timers: Vec<(PatientId, Timer)>,
    pub(super) unevaluated: Vec<Admitted>,
    pub(super) changes: Vec<Change>,
    pub(super) register: Vec<KeptItem>,
    pub(super) histories: Vec<Vec<Version>>,
}

impl Stage {
    pub(super) async fn new(kind: &Kind, hubs: Arc<Hubs>) -> Result<Self, Trouble> {
        let open = (kind.fresh)().await?;
        let door = Door { store: open.store(), hubs, decide: by_demo_pack()? };
        Ok(Self { door, open, fresh: Arc::clone(&kind.fresh), is_genuine: kind.is_genuine, rows_max: kind.rows_max })
    }

    /// Another store, without anything in it, in the place of this one.
    pub(super) async fn renew(&mut self) -> Result<(), Fails> {
        self.door.store.close().await;
        self.open = (self.fresh)().await?;
        self.door.store = self.open.store();
        Ok(())
    }

    pub(super) fn door(&self) -> Door {
        self.door.clone()
    }

    /// Closes the store and opens it again.
    pub(super) async fn reopen(&mut self) -> Result<(), Fails> {
        self.open.reopen().await?;
        self.door.store = self.open.store();
        Ok(())
    }

    /// Another way to the same data.
    pub(super) async fn beside(&self) -> Result<Door, Fails> {
        Ok(Door { store: self.open.beside().await?, ..self.door() })
    }
}

impl Door {
    /// The same way in, with rules that panic on everybody.
    pub(super) fn panicking(&self) -> Self {
        self.by(panicking(&self.decide))
    }

    /// The same way in, with other rules.
    pub(super) fn by(&self, decide: Arc<dyn Decide>) -> Self {
        Self { decide, ..self.clone() }
    }

    /// Applies slices; the answers are as many.
    pub(super) async fn apply(
        &self,
        who: &Access,
        slices: Vec<Slice>,
        at: DateTime<Utc>,
    ) -> Result<Vec<Result<Outcome, ApplyError>>, Fails> {
        let asked = slices.len();
        let answers = self.store.apply(who, slices, Arc::clone(&self.decide), at).await;
        if answers.len() == asked {
            Ok(answers.into_iter().map(|answer| answer.map(Committed::into_inner)).collect())
        } else {
            Err(Fails::Broken(format!("{} answers to {asked} slices", answers.len())))
        }
    }

    /// Applies one slice.
    pub(super) async fn one(
        &self,
        who: &Access,
        subject: Subject,
        events: Vec<Event>,
        at: DateTime<Utc>,
    ) -> Result<Result<Outcome, ApplyError>, Fails> {
        only(self.apply(who, vec![Slice { subject, events }], at).await?, "answers to one slice")
    }

    /// The access of a hub.
    pub(super) fn hub(&self, hub: &HubId) -> Result<Access, Fails> {
        self.hubs.of(hub)
    }

    /// One reading from its hub, which must be taken.
    pub(super) async fn offer(&self, admitted: &Admitted, at: DateTime<Utc>) -> Result<Outcome, Fails> {
        let answers = self.apply(&self.hub(&admitted.hub)?, vec![cast::slice(admitted)], at).await?;
        Ok(only(answers, "answers to one slice")??)
    }

    /// One reading from its hub, and what became of it.
    pub(super) async fn tell(&self, admitted: &Admitted, at: DateTime<Utc>) -> Result<ReadingOutcome, Fails> {
        only(self.offer(admitted, at).await?.readings, "outcomes of one reading")
    }

    /// An event of a person by the service itself.
    pub(super) async fn own(
        &self,
        purpose: Purpose,
        patient: &PatientId,
        event: Event,
        at: DateTime<Utc>,
    ) -> Result<Result<Outcome, ApplyError>, Fails> {
        self.one(&Access::system(purpose), Subject::Patient(patient.clone()), vec![event], at).await
    }

    /// Writes into the register as the service itself does.
    pub(super) async fn write(
        &self,
        item: impl Into<Item>,
        at: DateTime<Utc>,
    ) -> Result<Result<Outcome, ApplyError>, Fails> {
        let item = item.into();
        let subject = cast::subject_of(&item);
        self.one(&Access::system(Purpose::SetUp), subject, vec![Event::written(item)], at).await
    }

    pub(super) async fn readings(&self) -> Result<Vec<StoredReading>, Fails> {
        Ok(self.store.readings(&Access::system(Purpose::Follow), ALL).await?)
    }

    pub(super) async fn unassigned(&self) -> Result<Vec<StoredReading>, Fails> {
        Ok(self.store.unassigned(&Access::system(Purpose::Follow), ALL).await?)
    }

    pub(super) async fn refusals(&self) -> Result<Vec<StoredRefusal>, Fails> {
        Ok(self.store.refusals(&Access::system(Purpose::Follow), ALL).await?)
    }

    pub(super) async fn alerts(&self) -> Result<Vec<Alert>, Fails> {
        Ok(self.store.alerts(&Access::system(Purpose::Follow), ALL).await?)
    }

    pub(super) async fn people(&self) -> Result<Vec<Person>, Fails> {
        Ok(self.store.people(&Access::system(Purpose::Follow)).await?)
    }

    /// Timers due at a moment.
    pub(super) async fn timers(&self, at: DateTime<Utc>) -> Result<Vec<(PatientId, Timer)>, Fails> {
        Ok(self.store.due_timers(&Access::system(Purpose::Sweep), ALL, at).await?)
    }

    pub(super) async fn unevaluated(&self) -> Result<Vec<Admitted>, Fails> {
        Ok(self.store.unevaluated(&Access::system(Purpose::Sweep), 0, ALL).await?)
    }

    /// Every change from the first.
    pub(super) async fn changes(&self) -> Result<Vec<Change>, Fails> {
        let (mut all, mut cursor) = (Vec::new(), Cursor::default());
        loop {
            let (page, next) = self.store.changes(&Access::system(Purpose::Follow), cursor, 500).await?;
            if page.is_empty() || all.len() > ALL {
                return Ok(all);
            }
            all.extend(page);
            cursor = next;
        }
    }

    /// The whole register, page by page.
    pub(super) async fn register(&self) -> Result<Vec<KeptItem>, Fails> {
        let (mut all, mut place) = (Vec::new(), RegisterPlace::default());
        loop {
            let (page, next) = self.store.register(&Access::system(Purpose::Directory), place, 3).await?;
            if page.is_empty() || all.len() > ALL {
                return Ok(all);
            }
            all.extend(page);
            place = next;
        }
    }

    /// Every version of everything in the register.
    async fn histories(&self) -> Result<Vec<Vec<Version>>, Fails> {
        let mut histories = Vec::new();
        for kept in self.register().await? {
            let which = kept.item.reference();
            histories.push(self.store.versions(&Access::system(Purpose::Directory), &which, ALL).await?);
        }
        Ok(histories)
    }

    /// Leases what is to be sent now.
    pub(super) async fn lease(&self, until: DateTime<Utc>, at: DateTime<Utc>) -> Result<Vec<Job>, Fails> {
        let lent = self.store.lease_jobs(&Access::system(Purpose::Notify), until, ALL, at).await?;
        Ok(lent.into_iter().map(Committed::into_inner).collect())
    }

    /// Everything that can be read.
    pub(super) async fn see(&self) -> Result<Seen, Fails> {
        Ok(Seen {
            readings: self.readings().await?,
            unassigned: self.unassigned().await?,
            refusals: self.refusals().await?,
            alerts: self.alerts().await?,
            people: self.people().await?,
            timers: self.timers(far()).await?,
            unevaluated: self.unevaluated().await?,
            changes: self.changes().await?,
            histories: self.histories().await?,
            register: self.register().await?,
        })
    }
}

/// Later than anything that is made due here.
pub(super) fn far() -> DateTime<Utc> {
    at(100_000_000)
}

/// The verdict an outcome tells, if any.
pub(super) fn verdict(outcome: &ReadingOutcome) -> Option<&Verdict> {
    match outcome {
        ReadingOutcome::Stored { verdict, .. } => Some(verdict),
        ReadingOutcome::Duplicate { verdict, .. } => verdict.as_ref(),
        ReadingOutcome::Unassigned { .. } | ReadingOutcome::Conflict { .. } | ReadingOutcome::Erased { .. } => None,
    }
}

/// The verdict of a reading that must be new.
pub(super) fn stored(outcome: &ReadingOutcome) -> Result<&Verdict, Fails> {
    let ReadingOutcome::Stored { verdict, .. } = outcome else {
        return Err(Fails::Broken(format!("stored: {outcome:?}")));
    };
    Ok(verdict)
}

/// The verdict of a reading that must have been stored before.
pub(super) fn duplicate(outcome: &ReadingOutcome) -> Result<Option<&Verdict>, Fails> {
    let ReadingOutcome::Duplicate { verdict, .. } = outcome else {
        return Err(Fails::Broken(format!("a duplicate: {outcome:?}")));
    };
    Ok(verdict.as_ref())
}

/// Rules that panic, or whatever else, for whom it says so.
pub(super) struct Troubled<F> {
    pub(super) rules: Arc<dyn Decide>,
    /// Called before each decision, with whose it is and whether it is the stand-in's.
    pub(super) trouble: F,
}

impl<F: Fn(&PatientId, bool) + Send + Sync> Decide for Troubled<F> {
    fn decide(&self, care: &Care, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> rules::Decisions {
        (self.trouble)(&before.patient, false);
        self.rules.decide(care, before, events, at)
    }

    fn unevaluated(
        &self,
        before: &PatientState,
        events: &[Event],
        reason: vitals::ErrorCode,
        at: DateTime<Utc>,
    ) -> rules::Decisions {
        (self.trouble)(&before.patient, true);
        self.rules.unevaluated(before, events, reason, at)
    }
}

/// Rules that panic on everybody; what stands in for them does not.
pub(super) fn panicking(rules: &Arc<dyn Decide>) -> Arc<dyn Decide> {
    Arc::new(Troubled {
        rules: Arc::clone(rules),
        #[expect(clippy::panic, reason = "this is the fault that is planted")]
        trouble: |_: &PatientId, is_stand_in: bool| {
            if !is_stand_in {
                panic!("planted: a rule that panics");
            }
        },
    })
}
