//! One story told to both: each step to the store and to the model, and what each then shows.

use super::{
    super::{
        Fails, Holds, cast, ensure, same,
        stage::{ALL, Door, Stage, far, panicking},
    },
    model::{Model, Not},
    steps::{Heard, PERSONS, Says, Step},
};
use chrono::{DateTime, TimeDelta, Utc};
use ingest::{
    access::{Access, Purpose},
    store::{ApplyError, Change, Committed, Cursor, Outcome, Slice, Subject},
};
use rules::{Delivery, Event, Job, event::RefusedReading};
use std::{collections::BTreeMap, sync::Arc};
use vitals::{Admitted, AlertId, ErrorCode, JobId, NoValue, PatientId, Value, wire::signing::RequestNumber};

/// How long after one step the next comes: long enough that no two have one moment.
const BETWEEN: TimeDelta = TimeDelta::seconds(7);

/// How long a lease lasts.
const LEASE: TimeDelta = TimeDelta::minutes(2);

pub(super) struct Play<'a> {
    stage: &'a mut Stage,
    model: Model,
    now: DateTime<Utc>,
    /// Where the log of changes was read to.
    place: Cursor,
    lent: Vec<Job>,
}

impl<'a> Play<'a> {
    pub(super) fn new(stage: &'a mut Stage) -> Self {
        // Late enough that no record of a cuff is of a time to come.
        Self { stage, model: Model::default(), now: cast::at(900), place: Cursor::default(), lent: Vec::new() }
    }

    /// Takes one step in both, and compares what it came to.
    pub(super) async fn step(&mut self, step: &Step) -> Holds {
        self.now += BETWEEN;
        match step {
            Step::Offer { hub, heard, panics } => self.offer(*hub, heard, *panics).await?,
            Step::Refuse { hub, body } => {
                let by = cast::hub(*hub);
                let body = body.to_string();
                let refused = RefusedReading { hub: by.clone(), id: None, code: ErrorCode::UnitNotSupported, body };
                let slice =
                    Slice { subject: Subject::Unassigned(by.clone()), events: vec![Event::Refused(Box::new(refused))] };
                self.apply(&self.stage.hub(&by)?, vec![slice], false).await?;
            }
            Step::Number { hub, epoch, sequence } => {
                let by = cast::hub(*hub);
                let number = RequestNumber { epoch: *epoch, sequence: *sequence };
                let events = vec![Event::Received { hub: by.clone(), number }];
                let slice = Slice { subject: Subject::Service, events };
                self.apply(&self.stage.hub(&by)?, vec![slice], false).await?;
            }
            Step::Pass { minutes } => self.now += TimeDelta::minutes(*minutes),
            Step::Sweep { panics } => self.sweep(*panics).await?,
            Step::Take { n, by } => self.take(*n, *by).await?,
            Step::Lease { limit } => self.lease(*limit).await?,
            Step::Deliver { n, is_accepted } => self.deliver(*n, *is_accepted).await?,
            Step::Judge { n, panics } => self.judge(*n, *panics).await?,
            Step::Register { whose, name } => {
                let name = if *name == 0 { "Ada Test" } else { "Bo Test" };
                let event = Event::written(cast::person(*whose, name));
                self.own(Purpose::SetUp, &cast::pt(*whose), event, false).await?;
            }
            Step::Reopen => {
                self.stage.reopen().await?;
                self.reads_the_same().await?;
            }
        }
        self.same_changes().await
    }

    /// Applies slices to both and compares the answers.
    async fn apply(&mut self, who: &Access, slices: Vec<Slice>, panics: bool) -> Result<(), Fails> {
        let rules = if panics { panicking(&self.stage.decide) } else { Arc::clone(&self.stage.decide) };
        let got = self.stage.by(Arc::clone(&rules)).apply(who, slices.clone(), self.now).await?;
        // One person's slices stand together, in the order of the people.
        let mut places: Vec<(usize, Slice)> = slices.into_iter().enumerate().collect();
        places.sort_by(|(_, one), (_, other)| one.subject.cmp(&other.subject));
        let mut wanted = BTreeMap::new();
        for (place, slice) in places {
            wanted.insert(place, self.model.apply(who, slice, &rules, self.now));
        }
        let told = |answer: Result<Outcome, ApplyError>| match answer {
            Ok(outcome) => Ok(Outcome { chain_head: None, ..outcome }),
            Err(ApplyError::Denied(_)) => Err(Not::Denied),
            Err(ApplyError::Refused(refused)) => Err(Not::Refused(refused)),
            Err(ApplyError::Replayed) => Err(Not::Replayed),
            // The model writes into the register what fits there, so these are never wanted.
            Err(
                ApplyError::Stale { .. }
                | ApplyError::NotInOrder(_)
                | ApplyError::Plan(_)
                | ApplyError::Ended
                | ApplyError::Busy
                | ApplyError::Unavailable(_),
            ) => Err(Not::Unavailable),
        };
        let got: Vec<_> = got.into_iter().map(told).collect();
        same(&got, &wanted.into_values().collect(), "what the slices came to")
    }

    async fn own(&mut self, purpose: Purpose, patient: &PatientId, event: Event, panics: bool) -> Holds {
        let slice = Slice { subject: Subject::Patient(patient.clone()), events: vec![event] };
        self.apply(&Access::system(purpose), vec![slice], panics).await
    }

    async fn offer(&mut self, hub: usize, heard: &[Heard], panics: bool) -> Holds {
        let by = cast::hub(hub);
        let mut slices: BTreeMap<Subject, Vec<Event>> = BTreeMap::new();
        for heard in heard {
            let admitted = self.reading(heard, hub);
            let subject = match heard.whose {
                Some(n) => Subject::Patient(cast::pt(n)),
                None => Subject::Unassigned(by.clone()),
            };
            slices.entry(subject).or_default().push(cast::event(&admitted));
        }
        let slices = slices.into_iter().map(|(subject, events)| Slice { subject, events }).collect();
        self.apply(&self.stage.hub(&by)?, slices, panics).await
    }

    fn reading(&self, heard: &Heard, hub: usize) -> Admitted {
        let (cuff, record, secs) = (heard.cuff, heard.record, i64::from(heard.record) * 100);
        let mut admitted = match heard.says {
            Says::Calm | Says::Nothing => cast::calm(cuff, record, secs),
            Says::Amber => cast::amber(cuff, record, secs),
            Says::Red => cast::red(cuff, record, secs),
        };
        if heard.says == Says::Nothing {
            admitted.reading.value = Value::NotMeasured(NoValue::MeasurementFailed);
        }
        admitted = match heard.whose {
            Some(n) => cast::of_person(&admitted, n),
            None => cast::of_nobody(&admitted),
        };
        (admitted.hub, admitted.sent_at, admitted.server_received) = (cast::hub(hub), self.now, self.now);
        admitted
    }

    async fn sweep(&mut self, panics: bool) -> Holds {
        let due: Vec<_> = self.model.timers.values().filter(|(_, timer)| timer.due_at <= self.now).cloned().collect();
        for (patient, timer) in due {
            self.own(Purpose::Sweep, &patient, Event::Due(timer), panics).await?;
        }
        Ok(())
    }

    async fn take(&mut self, n: usize, by: usize) -> Holds {
        let known = self.model.alerts.iter().rev().cycle().nth(n).map(|alert| (alert.id, alert.patient.clone()));
        let (alert, patient) = known.unwrap_or_else(|| (AlertId::derive(&[b"none"]), cast::pt(0)));
        let name = if by == 0 { "ada" } else { "grace" };
        let people: Vec<usize> = (0..PERSONS).collect();
        let events = vec![Event::Acknowledged { alert, by: cast::actor(name), note: None }];
        let slice = Slice { subject: Subject::Patient(patient), events };
        self.apply(&cast::staff(name, &people), vec![slice], false).await
    }

    /// Which of those that have waited equally long is lent, the store may choose.
    async fn lease(&mut self, limit: usize) -> Holds {
        let until = self.now + LEASE;
        let notify = Access::system(Purpose::Notify);
        let lent = self.stage.store.lease_jobs(&notify, until, limit, self.now).await?;
        let lent: Vec<Job> = lent.into_iter().map(Committed::into_inner).collect();
        let free: Vec<_> = self.model.may_be_lent(self.now).into_iter().cloned().collect();
        same(&lent.len(), &limit.min(free.len()), "how many notifications are lent")?;
        let waits = |job: &Job| free.iter().find(|waiting| waiting.job == *job).map(|waiting| waiting.next_try_at);
        let lent_waits: Vec<_> = lent.iter().map(waits).collect();
        ensure(lent_waits.iter().all(Option::is_some), "what is lent is free to be lent")?;
        let left = free.iter().filter(|waiting| !lent.contains(&waiting.job)).map(|waiting| waiting.next_try_at).min();
        let latest = lent_waits.into_iter().flatten().max();
        ensure(
            left.is_none_or(|left| latest.is_none_or(|latest| latest <= left)),
            "the longest waiting is lent first",
        )?;
        for waiting in self.model.jobs.iter_mut().filter(|waiting| lent.contains(&waiting.job)) {
            waiting.leased_until = Some(until);
        }
        self.lent.extend(lent);
        Ok(())
    }

    async fn deliver(&mut self, n: usize, is_accepted: bool) -> Holds {
        let known = self.lent.iter().rev().cycle().nth(n).map(|job| (job.id, job.alert, job.patient.clone()));
        let (job, alert, patient) =
            known.unwrap_or_else(|| (JobId::derive(&[b"none"]), AlertId::derive(&[b"none"]), cast::pt(0)));
        let next_try_at = self.now + TimeDelta::minutes(1);
        let delivery = if is_accepted { Delivery::Accepted } else { Delivery::Failed { next_try_at } };
        self.own(Purpose::Notify, &patient, Event::Delivered { job, alert, delivery }, false).await
    }

    async fn judge(&mut self, n: usize, panics: bool) -> Holds {
        let waiting = self.model.unevaluated();
        let admitted = waiting.iter().cycle().nth(n).cloned().unwrap_or_else(|| cast::calm(0, 1, 100));
        let vitals::Who::Patient(patient) = admitted.reading.who.clone() else { return Ok(()) };
        self.own(Purpose::Sweep, &patient, Event::Reconsider(Box::new(admitted)), panics).await
    }

    /// What the step added to the log: the same entries, whatever the order within one commit.
    async fn same_changes(&mut self) -> Holds {
        let (mut got, next) = self.stage.store.changes(&Access::system(Purpose::Follow), self.place, ALL).await?;
        self.place = next;
        // Whether the log tells of requests is the backend's own affair: no follower of records asks.
        got.retain(|change| change.kind != "request-received");
        let mut wanted = std::mem::take(&mut self.model.changes);
        let key = |change: &Change| (change.kind, change.what.clone());
        got.sort_by_key(key);
        wanted.sort_by_key(key);
        same(&got, &wanted, "what the step added to the log")
    }

    /// Compares everything that can be read.
    pub(super) async fn reads_the_same(&mut self) -> Holds {
        let (door, model): (&Door, &Model) = (self.stage, &self.model);
        for (got, of_people) in [(door.readings().await?, true), (door.unassigned().await?, false)] {
            ensure(got.is_sorted_by_key(|stored| std::cmp::Reverse(stored.server_received)), "the newest first")?;
            let key = |stored: &ingest::store::StoredReading| (stored.server_received, stored.reading.id);
            let (mut got, mut wanted) = (got, model.readings(of_people));
            got.sort_by_key(key);
            wanted.sort_by_key(key);
            same(&got, &wanted, "readings")?;
        }
        let mut got = door.refusals().await?;
        ensure(got.is_sorted_by_key(|refusal| std::cmp::Reverse(refusal.at)), "the newest first")?;
        let mut wanted = model.refusals.clone();
        let key = |refusal: &ingest::store::StoredRefusal| (refusal.at, refusal.hub.clone(), refusal.code.code());
        got.sort_by_key(key);
        wanted.sort_by_key(key);
        same(&got, &wanted, "refusals")?;
        let alerts = door.alerts().await?;
        let order = |alert: &rules::Alert| (!alert.is_waiting(), std::cmp::Reverse(alert.opened_at));
        ensure(alerts.is_sorted_by_key(order), "alerts that wait first, each the newest first")?;
        let by_id = |alerts: Vec<rules::Alert>| -> BTreeMap<AlertId, rules::Alert> {
            alerts.into_iter().map(|alert| (alert.id, alert)).collect()
        };
        same(&by_id(alerts), &by_id(model.alerts.clone()), "alerts")?;
        same(&door.people().await?, &model.people.values().cloned().collect(), "people")?;
        let timers = door.timers(far()).await?;
        ensure(timers.is_sorted_by_key(|(_, timer)| timer.due_at), "timers, the first due first")?;
        let timers: BTreeMap<AlertId, _> = timers.into_iter().map(|row| (row.1.alert, row)).collect();
        same(&timers, &model.timers, "timers")?;
        let ids = |readings: Vec<Admitted>| -> BTreeMap<_, _> {
            readings.into_iter().map(|admitted| (admitted.reading.id, admitted)).collect()
        };
        same(&ids(door.unevaluated().await?), &ids(model.unevaluated()), "what waits to be judged")?;
        for n in 0..2 {
            let receive = Access::system(Purpose::Receive);
            let window = door.store.replay_window(&receive, &cast::hub(n)).await?;
            same(&window, &model.windows.get(&cast::hub(n)).copied(), "a replay window")?;
        }
        Ok(())
    }
}
