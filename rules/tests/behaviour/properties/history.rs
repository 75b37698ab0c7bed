//! Histories: whatever may happen to one person, and what an engine makes of it.

use crate::support::{CHANNELS, Clock, Kept, When, demo_plan, pressure, reading, start};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::{prelude::*, sample::select};
use rules::{Actor, Decisions, Delivery, Event, PatientState, Plan, Timer, Verdict, decide, unevaluated};
use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
};
use vitals::{
    Admitted, Decimal, ErrorCode, Flag, Measure, NoValue, ReadingId, Value, bounded::Text, id::StaffId,
    quantity::PerMinute,
};

/// One thing that happens. Numbers choose among what there is by then.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// A blood pressure arrives: how long ago it was taken and heard, in seconds (below nought: the clock was ahead).
    Pressure {
        systolic: u16,
        diastolic: u16,
        clock: Clock,
        taken_ago: i64,
        heard_ago: i64,
        noticed: Option<Flag>,
    },
    NoValue,
    /// A number that no living person can have.
    Implausible,
    /// Above what the cuff can tell, or below.
    Beyond(bool),
    Pulse(u16),
    /// Something the rules failed on is judged again.
    JudgedAgain(usize),
    /// A timer that waits comes due.
    Due(usize),
    /// A timer for some alert and another moment.
    StaleTimer(usize),
    TakenBy(usize, &'static str),
    Delivered(usize),
}

/// One slice, so many seconds after the one before; the rules may fail on it.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) after_secs: i64,
    pub(super) rules_fail: bool,
    pub(super) acts: Vec<Act>,
}

/// Values on, beside and far from every limit.
pub(super) fn a_pressure(
    clock: impl Strategy<Value = Clock>,
    taken_ago: impl Strategy<Value = i64>,
) -> impl Strategy<Value = Act> {
    let systolic = select(vec![120_u16, 134, 149, 150, 156, 164, 165, 168, 169, 170, 182, 250]);
    let diastolic = select(vec![60_u16, 84, 94, 95, 100, 109, 110, 114, 115, 119]);
    let heard_ago = select(vec![0_i64, 0, 0, 0, 60, 2000, 90_000]);
    let noticed =
        prop_oneof![8 => Just(None), 1 => Just(Some(Flag::UndatedFromMemory)), 1 => Just(Some(Flag::DeviceDoubts))];
    (systolic, diastolic, clock, taken_ago, heard_ago, noticed).prop_map(
        |(systolic, diastolic, clock, taken_ago, heard_ago, noticed)| Act::Pressure {
            systolic,
            diastolic,
            clock,
            taken_ago,
            heard_ago,
            noticed,
        },
    )
}

pub(super) fn an_act() -> impl Strategy<Value = Act> {
    let clock = prop_oneof![4 => Just(Clock::Known), 1 => Just(Clock::Unknown), 1 => Just(Clock::None)];
    let ago = select(vec![0_i64, 0, 0, 0, 30, 60, 300, 1799, 1800, 1801, 7200, 7201, 90_000, -300, -900_000]);
    prop_oneof![
        8 => a_pressure(clock, ago),
        1 => Just(Act::NoValue),
        1 => Just(Act::Implausible),
        1 => any::<bool>().prop_map(Act::Beyond),
        1 => (20_u16..200).prop_map(Act::Pulse),
        1 => any::<usize>().prop_map(Act::JudgedAgain),
        2 => any::<usize>().prop_map(Act::Due),
        1 => any::<usize>().prop_map(Act::StaleTimer),
        2 => (any::<usize>(), select(vec!["ada", "grace"])).prop_map(|(which, by)| Act::TakenBy(which, by)),
        1 => any::<usize>().prop_map(Act::Delivered),
    ]
}

pub(super) fn histories() -> impl Strategy<Value = Vec<Step>> {
    let after_secs = select(vec![0_i64, 1, 20, 59, 60, 61, 300, 900, 3600, 86_400]);
    let step = (after_secs, prop::bool::weighted(0.08), prop::collection::vec(an_act(), 1..4))
        .prop_map(|(after_secs, rules_fail, acts)| Step { after_secs, rules_fail, acts })
        .boxed();
    // Mostly short, as faults are; sometimes long enough to fill every list.
    let steps = prop_oneof![15 => 1..14_usize, 1 => 30..50_usize];
    steps.prop_flat_map(move |steps| prop::collection::vec(step.clone(), steps))
}

type Decide = dyn Fn(&Plan, &PatientState, &[Event], DateTime<Utc>) -> Decisions;
type Unevaluated = dyn Fn(&PatientState, &[Event], DateTime<Utc>) -> Decisions;

/// What decides: the real one, or one with a planted fault.
pub(super) struct Engine {
    pub(super) decide: Box<Decide>,
    pub(super) unevaluated: Box<Unevaluated>,
}

pub(super) fn real() -> Engine {
    Engine {
        decide: Box::new(decide),
        unevaluated: Box::new(|before, events, at| unevaluated(&CHANNELS, before, events, ErrorCode::RulePanicked, at)),
    }
}

/// The real engine, its answer spoilt.
pub(super) fn spoilt(spoil: fn(&PatientState, &[Event], &mut Decisions)) -> Engine {
    let decide = move |plan: &Plan, before: &PatientState, events: &[Event], at: DateTime<Utc>| {
        let mut decisions = decide(plan, before, events, at);
        spoil(before, events, &mut decisions);
        decisions
    };
    Engine { decide: Box::new(decide), ..real() }
}

/// One slice: what was kept before, what happened, what was decided, what was kept after.
pub(super) struct Moment {
    pub(super) before: Kept,
    pub(super) events: Vec<Event>,
    pub(super) at: DateTime<Utc>,
    pub(super) rules_failed: bool,
    pub(super) decisions: Decisions,
    pub(super) after: Kept,
}

impl Moment {
    pub(super) fn is_refused(&self) -> bool {
        self.decisions.refused.is_some()
    }

    /// The readings that were judged, in the order of their times.
    pub(super) fn judged(&self) -> Vec<&Admitted> {
        if self.is_refused() || self.rules_failed {
            return Vec::new();
        }
        let mut readings: Vec<&Admitted> = readings_of(&self.events).collect();
        readings.sort_by_key(|admitted| (admitted.event_time(), admitted.reading.id));
        readings
    }

    /// Whether the rules had failed on it when it came: its receipt, and with it the way to the person, has gone.
    pub(super) fn is_again(&self, reading: ReadingId) -> bool {
        self.events.iter().any(|event| matches!(event, Event::Reconsider(again) if again.reading.id == reading))
    }

    pub(super) fn verdict(&self, reading: ReadingId) -> Option<&Verdict> {
        self.decisions.judged.iter().find(|(id, _)| *id == reading).map(|(_, verdict)| verdict)
    }
}

pub(super) fn readings_of(events: &[Event]) -> impl Iterator<Item = &Admitted> {
    events.iter().filter_map(|event| event.to_judge().map(|(admitted, _)| admitted))
}

pub(super) fn actor(name: &str) -> Actor {
    Actor { id: StaffId::parse(&format!("st-{name}")).unwrap(), name: Text::new(name).unwrap() }
}

pub(super) fn among<T>(all: &[T], which: usize) -> Option<&T> {
    all.get(which.checked_rem(all.len())?)
}

/// A history under way.
pub(super) struct Run {
    pub(super) plan: Plan,
    pub(super) kept: Kept,
    pub(super) now: DateTime<Utc>,
    pub(super) readings: u32,
    pub(super) unjudged: Vec<Admitted>,
}

impl Run {
    pub(super) fn new() -> Self {
        Self { plan: demo_plan(), kept: Kept::new(), now: start(), readings: 0, unjudged: Vec::new() }
    }

    fn reading(&mut self, value: Value<Measure>, clock: Clock, taken_ago: i64, heard_ago: i64) -> Admitted {
        self.readings += 1;
        let received = self.now - start();
        let ago = |secs| received - TimeDelta::seconds(secs);
        reading(
            self.readings,
            value,
            When { clock, taken: ago(taken_ago), heard: ago(heard_ago), sent: received, received },
        )
    }

    fn event(&mut self, act: &Act) -> Option<Event> {
        let new = |admitted| Some(Event::Reading(Box::new(admitted)));
        match *act {
            Act::Pressure { systolic, diastolic, clock, taken_ago, heard_ago, noticed } => {
                let mut admitted = self.reading(pressure(systolic, diastolic), clock, taken_ago, heard_ago);
                admitted.reading.quality = noticed.into_iter().collect();
                new(admitted)
            }
            Act::NoValue => new(self.reading(Value::NotMeasured(NoValue::NotANumber), Clock::Known, 0, 0)),
            Act::Implausible => new(self.reading(Value::NotMeasured(NoValue::Implausible), Clock::Known, 0, 0)),
            Act::Beyond(is_high) => {
                let reason = if is_high { NoValue::PositiveInfinity } else { NoValue::NegativeInfinity };
                new(self.reading(Value::NotMeasured(reason), Clock::Known, 0, 0))
            }
            Act::Pulse(rate) => {
                let rate = Measure::Pulse(PerMinute::new(Decimal::from(rate)));
                new(self.reading(Value::Measured(rate), Clock::Known, 0, 0))
            }
            Act::JudgedAgain(which) => {
                among(&self.unjudged, which).map(|admitted| Event::Reconsider(Box::new(admitted.clone())))
            }
            Act::Due(which) => {
                let timers: Vec<_> = self.kept.timers.iter().filter(|(_, due_at)| **due_at <= self.now).collect();
                among(&timers, which).map(|(alert, due_at)| Event::Due(Timer { alert: **alert, due_at: **due_at }))
            }
            Act::StaleTimer(which) => {
                let alert = among(&self.kept.alerts, which)?.id;
                Some(Event::Due(Timer { alert, due_at: self.now + TimeDelta::seconds(7) }))
            }
            Act::TakenBy(which, by) => {
                let alert = among(&self.kept.alerts, which)?.id;
                Some(Event::Acknowledged { alert, by: actor(by), note: None })
            }
            Act::Delivered(which) => {
                let job = among(&self.kept.jobs, which)?;
                Some(Event::Delivered { job: job.id, alert: job.alert, delivery: Delivery::Accepted })
            }
        }
    }

    /// One slice through an engine; what the store does around it is in [`Kept::keep`].
    pub(super) fn step(&mut self, engine: &Engine, step: &Step) -> Result<Moment, String> {
        self.now += TimeDelta::seconds(step.after_secs);
        // Time passes as far as the next timer where one is to come due.
        if step.acts.iter().any(|act| matches!(act, Act::Due(_)))
            && let Some(next) = self.kept.timers.values().min()
        {
            self.now = self.now.max(*next);
        }
        let mut events: Vec<Event> = step.acts.iter().filter_map(|act| self.event(act)).collect();
        // The store reconsiders a reading once a slice.
        let mut seen = BTreeSet::new();
        events.retain(|event| !matches!(event, Event::Reconsider(admitted) if !seen.insert(admitted.reading.id)));
        let rules_failed =
            step.rules_fail && events.iter().all(|event| matches!(event, Event::Reading(_) | Event::Reconsider(_)));
        let before = self.kept.clone();
        let decided = catch_unwind(AssertUnwindSafe(|| {
            if rules_failed {
                (engine.unevaluated)(&before.state, &events, self.now)
            } else {
                (engine.decide)(&self.plan, &before.state, &events, self.now)
            }
        }));
        let decisions = decided.map_err(|_panic| "it panicked".to_owned())?;
        self.kept.keep(&events, &decisions);
        if decisions.refused.is_none() {
            let ids: BTreeSet<ReadingId> = readings_of(&events).map(|admitted| admitted.reading.id).collect();
            self.unjudged.retain(|admitted| !ids.contains(&admitted.reading.id));
            if rules_failed {
                self.unjudged.extend(readings_of(&events).cloned());
            }
        }
        Ok(Moment { before, events, at: self.now, rules_failed, decisions, after: self.kept.clone() })
    }
}

/// Everything an engine makes of a history.
pub(super) fn run(engine: &Engine, steps: &[Step]) -> Result<Vec<Moment>, String> {
    let mut run = Run::new();
    steps.iter().map(|step| run.step(engine, step)).collect()
}
