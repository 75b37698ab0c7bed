//! Scrubbing in the background: the store is walked round and round, slowly, so that damage is found before somebody needs
//! what is damaged; and once a day the root over all chains is signed.
//!
//! Invariants: it never takes more than a small part of one core while nothing is damaged; damage that somebody met is seen
//! to at once; what is found is an event each time it is new.

use crate::{
    access::{Access, Purpose},
    clock::Clock,
    events::{Events, ServiceEvent},
    server_key::ServerKey,
    store::{ReadError, Store},
};
use chrono::{DateTime, TimeDelta, Utc};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// Rows and readings looked at in one step: some milliseconds, in one short snapshot.
const STEP_ROWS: u64 = 2000;

/// Rows and readings looked at in a second: less than 5% of one core at the 350,000 to 700,000 a second that two busy cores
/// were measured at, and 20 million readings in about an hour.
const ROWS_A_SECOND: u64 = 12_000;

/// Rows and readings in one step while something is damaged of which it is not known whose it is: somebody waits for it.
const URGENT_STEP_ROWS: u64 = 50_000;

/// How long to rest between such steps: the writer has the core in between.
const URGENT_REST: Duration = Duration::from_millis(20);

/// Shortest and longest rest between two steps.
const REST_MIN: Duration = Duration::from_millis(100);
const REST_MAX: Duration = Duration::from_secs(60);

/// How long to rest after a pass: a small store need not be walked again at once.
const REST_AFTER_PASS: Duration = Duration::from_secs(60);

/// How often to ask whether a root is due: within a minute of midnight.
const ROOT_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Looks for damage, and signs the root.
pub struct Scrub {
    /// What is looked at.
    pub store: Arc<dyn Store>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where events go.
    pub events: Arc<dyn Events>,
    /// What roots are signed with.
    pub key: ServerKey,
}

impl Scrub {
    /// Goes round and round until told to stop.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        let (mut rows, mut root_at) = (STEP_ROWS, None);
        while !*stop.borrow() {
            if root_at.is_none_or(|at| self.clock.now() >= at) {
                root_at = Some(self.clock.now() + ROOT_EVERY);
                self.try_to_sign().await;
            }
            let rest = match self.step(rows, self.clock.now()).await {
                Ok(next) => {
                    rows = next.rows;
                    next.rest
                }
                Err(error) => {
                    self.events.emit(&ServiceEvent::TaskFailed { task: "scrub", why: error.to_string() });
                    REST_MAX
                }
            };
            tokio::select! {
                () = self.clock.sleep(rest) => {}
                () = self.store.met_damage() => rows = URGENT_STEP_ROWS,
                _ = stop.changed() => {}
            }
        }
    }

    /// Takes one step, and says what comes next.
    async fn step(&self, rows: u64, at: DateTime<Utc>) -> Result<Next, ReadError> {
        let scrubbed = self.store.scrub(&Access::system(Purpose::Verify), rows, at).await?;
        for bad in &scrubbed.found {
            self.events.emit(&ServiceEvent::RowDamaged { bad: *bad });
        }
        for entry in &scrubbed.marked {
            self.events.emit(&ServiceEvent::EntryMarked { entry: *entry });
        }
        if scrubbed.is_pass_over {
            self.events.emit(&ServiceEvent::ScrubbedOnce);
        }
        Ok(if scrubbed.is_urgent {
            Next { rows: URGENT_STEP_ROWS, rest: URGENT_REST }
        } else if scrubbed.is_pass_over {
            Next { rows: STEP_ROWS, rest: REST_AFTER_PASS }
        } else {
            // A step may be longer than it was asked to be: then so is the rest.
            let millis = scrubbed.checked.saturating_mul(1000) / ROWS_A_SECOND;
            Next { rows: STEP_ROWS, rest: Duration::from_millis(millis).clamp(REST_MIN, REST_MAX) }
        })
    }

    async fn try_to_sign(&self) {
        let who = Access::system(Purpose::Verify);
        match self.store.sign_root(&who, &self.key, self.clock.now()).await {
            Ok(None) => {}
            Ok(Some(root)) => {
                let root = root.get();
                let (n, entries, chains) = (root.n, root.entries, root.chains);
                self.events.emit(&ServiceEvent::RootSigned { n, entries, chains });
            }
            Err(error) => self.events.emit(&ServiceEvent::TaskFailed { task: "root", why: error.to_string() }),
        }
    }
}

/// What the next step is.
struct Next {
    rows: u64,
    rest: Duration,
}
