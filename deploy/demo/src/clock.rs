//! The demo's clock: set by the story while it is told, ticking with the machine's afterwards.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// A clock that the story moves.
#[derive(Debug)]
pub struct DemoClock {
    start: DateTime<Utc>,
    hands: Mutex<Hands>,
}

#[derive(Debug, Clone, Copy)]
enum Hands {
    /// Stands where the story put it, so that every run reads the same times.
    Set(DateTime<Utc>),
    /// Ticks on from where the story ended.
    Ticking { from: DateTime<Utc>, since: Instant },
}

impl DemoClock {
    /// A clock that stands at the story's start.
    #[must_use]
    pub fn new(start: DateTime<Utc>) -> Self {
        Self { start, hands: Mutex::new(Hands::Set(start)) }
    }

    /// Puts the clock at a moment of the story.
    pub fn set(&self, at: DateTime<Utc>) {
        *self.hands.lock().unwrap_or_else(PoisonError::into_inner) = Hands::Set(at);
    }

    /// Lets the clock tick.
    #[expect(clippy::disallowed_methods, reason = "this is the demo's one clock module")]
    pub fn tick(&self) {
        let from = self.read();
        *self.hands.lock().unwrap_or_else(PoisonError::into_inner) = Hands::Ticking { from, since: Instant::now() };
    }

    /// Whole seconds since the story's start.
    #[must_use]
    pub fn secs(&self) -> i64 {
        (self.read() - self.start).num_seconds()
    }

    /// Now, on this clock.
    #[must_use]
    pub fn read(&self) -> DateTime<Utc> {
        match *self.hands.lock().unwrap_or_else(PoisonError::into_inner) {
            Hands::Set(at) => at,
            Hands::Ticking { from, since } => from + TimeDelta::from_std(since.elapsed()).unwrap_or(TimeDelta::zero()),
        }
    }
}

#[async_trait]
impl ingest::clock::Clock for DemoClock {
    fn now(&self) -> DateTime<Utc> {
        self.read()
    }

    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}

#[async_trait]
impl hub_agent::clock::Clock for DemoClock {
    fn now(&self) -> DateTime<Utc> {
        self.read()
    }

    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}
