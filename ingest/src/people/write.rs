//! Writing what a list came to into the register, some at a time.
//!
//! Invariant: each person is a slice of their own, of the version after the one that was looked at: where somebody changed
//! them meanwhile, or anything else is wrong, they alone are left as they are, and told.

use super::list::Step;
use crate::{
    access::{Access, Purpose},
    store::{ApplyError, Decide, Slice, Store, Subject},
};
use chrono::{DateTime, Utc};
use register::{Item, Reason, Written};
use rules::Event;
use std::{fmt, sync::Arc};
use thiserror::Error;
use vitals::PatientId;

/// How many people are written at once: a commit of some hundredths of a second, so that whatever else is written
/// meanwhile does not wait for a whole list.
pub const WRITTEN_TOGETHER: usize = 1_000;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// How many people.
    pub written: u64,
    /// Who was changed by somebody else meanwhile, and left as they are.
    pub stale: Vec<PatientId>,
    /// Whose record has ended; another system may go on listing them, and nothing is written of them.
    pub ended: Vec<PatientId>,
}

/// Why writing ended before its end. What was written stays: the same list again writes what is missing.
#[derive(Debug, Error)]
pub struct NotWritten {
    /// What was written before.
    pub applied: Applied,
    /// Why.
    #[source]
    pub cause: Arc<ApplyError>,
}

impl fmt::Display for NotWritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "write into the register: {} were written before, and stay", self.applied.written)
    }
}

/// Who writes a list into the register, and when.
#[derive(Clone)]
pub struct Hand<'s> {
    /// Where to.
    pub store: &'s dyn Store,
    /// What judges.
    pub decide: Arc<dyn Decide>,
    /// As whom.
    pub who: Access,
    /// When.
    pub at: DateTime<Utc>,
}

impl<'s> Hand<'s> {
    /// The service's own commands.
    #[must_use]
    pub fn of_service(store: &'s dyn Store, decide: Arc<dyn Decide>, at: DateTime<Utc>) -> Self {
        Self { store, decide, who: Access::system(Purpose::SetUp), at }
    }
}

/// Writes people into the register, in the name of one import.
pub struct Writer<'s> {
    hand: Hand<'s>,
    why: Option<Reason>,
    waiting: Vec<Slice>,
    applied: Applied,
}

impl<'s> Writer<'s> {
    /// A writer for this reason.
    #[must_use]
    pub fn new(hand: Hand<'s>, why: Option<Reason>) -> Self {
        Self { hand, why, waiting: Vec::with_capacity(WRITTEN_TOGETHER), applied: Applied::default() }
    }

    /// Takes what somebody comes to, and writes when enough wait.
    ///
    /// # Errors
    /// [`NotWritten`] where the store cannot write.
    pub async fn take(&mut self, id: PatientId, step: Step) -> Result<(), NotWritten> {
        match step {
            Step::Unchanged => Ok(()),
            Step::Write { item, version, .. } => self.write(id, item, version).await,
        }
    }

    pub(super) async fn write(&mut self, id: PatientId, item: Item, version: u32) -> Result<(), NotWritten> {
        let by = self.hand.who.actor().map(|who| who.id.clone());
        let written = Written { item, version: Some(version), by, why: self.why.clone() };
        let events = vec![Event::Written(Box::new(written))];
        self.waiting.push(Slice { subject: Subject::Patient(id), events });
        if self.waiting.len() >= WRITTEN_TOGETHER { self.flush().await } else { Ok(()) }
    }

    /// Writes what waits.
    ///
    /// # Errors
    /// [`NotWritten`] where the store cannot write.
    async fn flush(&mut self) -> Result<(), NotWritten> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let slices = std::mem::replace(&mut self.waiting, Vec::with_capacity(WRITTEN_TOGETHER));
        let subjects: Vec<Subject> = slices.iter().map(|slice| slice.subject.clone()).collect();
        // Nobody waits for a list: what is live goes first.
        let who = self.hand.who.clone().for_backfill();
        let answers = self.hand.store.apply(&who, slices, self.hand.decide.clone(), self.hand.at).await;
        let mut failed = None;
        for (subject, answer) in subjects.into_iter().zip(answers) {
            match (answer, subject) {
                (Ok(_committed), _) => self.applied.written += 1,
                (Err(ApplyError::Stale { .. }), Subject::Patient(id)) => self.applied.stale.push(id),
                (Err(ApplyError::Ended), Subject::Patient(id)) => self.applied.ended.push(id),
                (Err(cause), _) => failed = failed.or(Some(cause)),
            }
        }
        match failed {
            Some(cause) => Err(NotWritten { applied: self.applied.clone(), cause: Arc::new(cause) }),
            None => Ok(()),
        }
    }

    /// Writes what still waits, and says what was written.
    ///
    /// # Errors
    /// [`NotWritten`] where the store cannot write.
    pub async fn finish(mut self) -> Result<Applied, NotWritten> {
        self.flush().await?;
        Ok(self.applied)
    }
}
