//! A gate in the rules: holds up a store's writer until the others are queued behind it, so that what follows happens
//! together on purpose and not by chance.

use super::{Fails, Holds, cast::calm, stage::Door};
use crate::trouble::Trouble;
use ingest::store::{Care, Decide, Outcome};
use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Condvar, Mutex, PoisonError},
    task::Poll,
    time::Duration,
};
use tokio::{sync::watch, task::JoinHandle};

/// Longest anybody waits at the gate: a check that failed meanwhile must not hold up the run.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// Who is held up at the gate: nobody else in the suite.
pub(super) const HELD: usize = super::cast::PEOPLE - 2;

#[derive(Default)]
struct Bar {
    is_open: Mutex<bool>,
    changed: Condvar,
}

impl Bar {
    fn open(&self) {
        *self.is_open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    fn wait(&self) {
        let is_open = self.is_open.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_timeout_while(is_open, WAIT_MAX, |is_open| !*is_open));
    }
}

/// A writer that stands at the gate; it goes on when this is opened or dropped.
pub(super) struct Held {
    bar: Arc<Bar>,
    first: JoinHandle<Result<Outcome, Fails>>,
}

struct Gated {
    rules: Arc<dyn Decide>,
    bar: Arc<Bar>,
    arrived: watch::Sender<bool>,
}

impl Decide for Gated {
    fn decide(
        &self,
        care: &Care,
        before: &rules::PatientState,
        events: &[rules::Event],
        at: chrono::DateTime<chrono::Utc>,
    ) -> rules::Decisions {
        self.arrived.send_replace(true);
        self.bar.wait();
        self.rules.decide(care, before, events, at)
    }

    fn unevaluated(
        &self,
        before: &rules::PatientState,
        events: &[rules::Event],
        reason: vitals::ErrorCode,
        at: chrono::DateTime<chrono::Utc>,
    ) -> rules::Decisions {
        self.rules.unevaluated(before, events, reason, at)
    }
}

impl Held {
    /// Sends one calm reading of [`HELD`] and returns when its decision has begun and stands at the gate.
    pub(super) async fn at_the_gate(door: &Door) -> Result<Self, Fails> {
        let bar = Arc::new(Bar::default());
        let (arrived, mut has_arrived) = watch::channel(false);
        let gated = door.by(Arc::new(Gated { rules: Arc::clone(&door.decide), bar: Arc::clone(&bar), arrived }));
        let first = tokio::spawn(async move { gated.offer(&calm(HELD, 1, 0), super::cast::at(0)).await });
        let held = Self { bar, first };
        let arrived = tokio::time::timeout(WAIT_MAX, has_arrived.wait_for(|has_arrived| *has_arrived)).await;
        match arrived {
            Ok(Ok(_)) => Ok(held),
            Ok(Err(_)) | Err(_) => Err(Trouble::new("hold up a writer", "no decision was asked for").into()),
        }
    }

    /// Opens the gate and waits for what was held up.
    pub(super) async fn open(mut self) -> Holds {
        self.bar.open();
        match (&mut self.first).await {
            Ok(outcome) => outcome.map(|_| ()),
            Err(error) => Err(Trouble::new("join the writer that was held up", error).into()),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.bar.open();
    }
}

/// Begins a request: what it comes to, where it comes to it at once.
pub(super) async fn begin<F: Future + Unpin>(request: &mut F) -> Option<F::Output> {
    poll_fn(|context| match Pin::new(&mut *request).poll(context) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}
