//! Stores in which one slice touches another.

use super::super::fault::{Answers, Call, Fault};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ingest::store::{ApplyError, Care, Decide, Slice, Store};
use rules::{Decisions, Event, PatientState, Refused};
use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use vitals::ErrorCode;

/// Rules that note when something goes wrong.
struct Noting {
    rules: Arc<dyn Decide>,
    wrong: Arc<AtomicUsize>,
    /// Whether everything is refused, so that nothing is stored.
    is_dry: bool,
}

impl Noting {
    fn noted(&self, decide: impl FnOnce() -> Decisions) -> Decisions {
        let mut decisions = catch_unwind(AssertUnwindSafe(decide)).unwrap_or_else(|panicked| {
            self.wrong.fetch_add(1, Ordering::SeqCst);
            resume_unwind(panicked)
        });
        if decisions.refused.is_some() {
            self.wrong.fetch_add(1, Ordering::SeqCst);
        } else if self.is_dry {
            decisions.refused = Some(Refused::NotOpen);
        }
        decisions
    }
}

impl Decide for Noting {
    fn decide(&self, care: &Care, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
        self.noted(|| self.rules.decide(care, before, events, at))
    }

    fn unevaluated(&self, before: &PatientState, events: &[Event], reason: ErrorCode, at: DateTime<Utc>) -> Decisions {
        self.noted(|| self.rules.unevaluated(before, events, reason, at))
    }
}

/// One transaction for a request, without a savepoint for each slice: tries everything first, and stores nothing where
/// anything goes wrong.
pub(super) struct WholeRequest;

#[async_trait]
impl Fault for WholeRequest {
    async fn apply(&self, real: &dyn Store, call: Call) -> Answers {
        let wrong = Arc::new(AtomicUsize::new(0));
        let trial = Noting { rules: Arc::clone(&call.decide), wrong: Arc::clone(&wrong), is_dry: true };
        let tried = call.clone().by(Arc::new(trial), real).await;
        if wrong.load(Ordering::SeqCst) == 0 {
            return call.on(real).await;
        }
        tried.into_iter().map(|_| Err(ApplyError::Unavailable("planted: taken back whole".to_owned()))).collect()
    }
}

/// One transaction for a commit: whoever shares it with something that went wrong in another request is told that nothing
/// was stored.
#[derive(Default)]
pub(super) struct WholeCommit {
    wrong: AtomicUsize,
}

#[async_trait]
impl Fault for WholeCommit {
    async fn apply(&self, real: &dyn Store, call: Call) -> Answers {
        let (before, own) = (self.wrong.load(Ordering::SeqCst), Arc::new(AtomicUsize::new(0)));
        let noting = Noting { rules: Arc::clone(&call.decide), wrong: Arc::clone(&own), is_dry: false };
        let answers = call.by(Arc::new(noting), real).await;
        let own = own.load(Ordering::SeqCst);
        if self.wrong.fetch_add(own, Ordering::SeqCst) == before || own > 0 {
            return answers;
        }
        answers.into_iter().map(|_| Err(ApplyError::Unavailable("planted: taken back whole".to_owned()))).collect()
    }
}

pub(super) struct OtherOrder;

#[async_trait]
impl Fault for OtherOrder {
    async fn apply(&self, real: &dyn Store, call: Call) -> Answers {
        let mut answers = call.on(real).await;
        answers.reverse();
        answers
    }
}

/// Rules whose panic refuses the slice.
struct Dropping(Arc<dyn Decide>);

impl Decide for Dropping {
    fn decide(&self, care: &Care, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
        catch_unwind(AssertUnwindSafe(|| self.0.decide(care, before, events, at))).unwrap_or_else(|_panicked| {
            Decisions { refused: Some(Refused::NotOpen), ..rules::decide(&rules::Plan::default(), before, &[], at) }
        })
    }

    fn unevaluated(&self, before: &PatientState, events: &[Event], reason: ErrorCode, at: DateTime<Utc>) -> Decisions {
        self.0.unevaluated(before, events, reason, at)
    }
}

pub(super) struct DropsWhatPanics;

#[async_trait]
impl Fault for DropsWhatPanics {
    async fn apply(&self, real: &dyn Store, call: Call) -> Answers {
        let dropping = Arc::new(Dropping(Arc::clone(&call.decide)));
        call.by(dropping, real).await
    }
}

/// Rules whose panic finds nothing wrong with the person.
struct Calming(Arc<dyn Decide>);

impl Decide for Calming {
    fn decide(&self, care: &Care, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
        catch_unwind(AssertUnwindSafe(|| self.0.decide(care, before, events, at)))
            .unwrap_or_else(|_panicked| rules::decide(&rules::Plan::default(), before, events, at))
    }

    fn unevaluated(&self, before: &PatientState, events: &[Event], reason: ErrorCode, at: DateTime<Utc>) -> Decisions {
        self.0.unevaluated(before, events, reason, at)
    }
}

pub(super) struct PanicIsCalm;

#[async_trait]
impl Fault for PanicIsCalm {
    async fn apply(&self, real: &dyn Store, call: Call) -> Answers {
        let calming = Arc::new(Calming(Arc::clone(&call.decide)));
        call.by(calming, real).await
    }
}

/// Each event in a slice of its own.
pub(super) struct OneByOne;

#[async_trait]
impl Fault for OneByOne {
    async fn apply(&self, real: &dyn Store, call: Call) -> Answers {
        let mut answers = Vec::new();
        for slice in call.slices {
            let mut last = None;
            for event in slice.events {
                let slices = vec![Slice { subject: slice.subject.clone(), events: vec![event] }];
                let one = Call { who: call.who.clone(), slices, decide: Arc::clone(&call.decide), at: call.at };
                last = one.on(real).await.pop();
            }
            answers.extend(last);
        }
        answers
    }
}
