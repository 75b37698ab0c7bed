//! What goes on inside the link, seen through the seam at which it takes its conversations: how many began and ended,
//! how many bytes were heard. Planted faults go in here as well.
//!
//! Invariant: without a planted fault, the protocol's own dialogue is passed through unchanged.

use device_codecs::serial::{Dialogue, Do, Hint, Protocol};
use hub_agent::link::serial::Speak;
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// A fault that a test must catch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planted {
    /// None: the protocol as it is.
    Nothing,
    /// Tells the device to forget before the record is kept.
    ForgetsEarly,
    /// Takes each read for whole records: what a read broke off is lost.
    LosesAtSplits,
}

/// What was seen of the conversations so far.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// How many began.
    pub begun: usize,
    /// How many ended.
    pub ended: usize,
    /// How many bytes the last one has heard.
    pub heard: usize,
    /// The records that the last one has found, as they came.
    pub records: Vec<Vec<u8>>,
    /// The hints of all.
    pub hints: Vec<Hint>,
    /// How often they were told that the device is quiet.
    pub quiet: usize,
}

/// The conversations on one port.
#[derive(Clone)]
pub struct Line(Arc<watch::Sender<Seen>>);

impl Line {
    /// Nothing was seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(watch::channel(Seen::default()).0))
    }

    /// What was seen so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.0.borrow().clone()
    }

    /// Returns when this is so of what was seen.
    pub async fn until(&self, is_so: impl FnMut(&Seen) -> bool) {
        // The sender is in our own hands.
        drop(self.0.subscribe().wait_for(is_so).await);
    }

    /// Conversations of this protocol, listened to and with this fault.
    #[must_use]
    pub fn speak(&self, protocol: Protocol, planted: Planted) -> Speak {
        let line = self.clone();
        Box::new(move || {
            Box::new(Overheard { line: line.clone(), inner: protocol.dialogue(), protocol, planted, is_held: false })
        })
    }
}

impl Default for Line {
    fn default() -> Self {
        Self::new()
    }
}

/// One conversation, listened to.
struct Overheard {
    line: Line,
    inner: Box<dyn Dialogue>,
    protocol: Protocol,
    planted: Planted,
    /// Whether the last read ended inside a record.
    is_held: bool,
}

impl Overheard {
    fn note(&self, answer: &[Do]) {
        self.line.0.send_modify(|seen| {
            for step in answer {
                match step {
                    Do::Record { bytes, .. } => seen.records.push(bytes.clone()),
                    Do::Hint(hint) => seen.hints.push(*hint),
                    Do::Send(_) | Do::Device { .. } | Do::Clock(_) | Do::Dropped { .. } | Do::Done => {}
                }
            }
        });
    }
}

impl Dialogue for Overheard {
    fn start(&mut self) -> Vec<Do> {
        self.line.0.send_modify(|seen| {
            seen.begun += 1;
            seen.heard = 0;
            seen.records.clear();
        });
        let answer = self.inner.start();
        self.note(&answer);
        answer
    }

    fn hear(&mut self, bytes: &[u8]) -> Vec<Do> {
        if self.planted == Planted::LosesAtSplits && self.is_held {
            self.inner = self.protocol.dialogue();
        }
        let mut answer = self.inner.hear(bytes);
        self.is_held = answer.is_empty();
        self.note(&answer);
        let has_records = answer.iter().any(|step| matches!(step, Do::Record { .. }));
        if self.planted == Planted::ForgetsEarly && has_records {
            answer.splice(0..0, self.inner.kept());
        }
        self.line.0.send_modify(|seen| seen.heard += bytes.len());
        answer
    }

    fn kept(&mut self) -> Vec<Do> {
        if self.planted == Planted::ForgetsEarly {
            return Vec::new();
        }
        let answer = self.inner.kept();
        self.note(&answer);
        answer
    }

    fn quiet(&mut self) -> Vec<Do> {
        self.line.0.send_modify(|seen| seen.quiet += 1);
        let answer = self.inner.quiet();
        self.note(&answer);
        answer
    }

    fn patience(&self) -> Duration {
        self.inner.patience()
    }
}

impl Drop for Overheard {
    fn drop(&mut self) {
        self.line.0.send_modify(|seen| seen.ended += 1);
    }
}
