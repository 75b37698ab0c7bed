//! What was asked of bluetoothd, in order, and how far the devices have come with their scripts.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Calls that only look: left out where people read the list, because how often a client looks is its own business.
const LOOKS: [&str; 4] = ["GetManagedObjects", "Introspect", "GetAll", "Get"];

/// Calls and progress, shared with bluetoothd's thread.
#[derive(Debug, Default)]
pub struct Record(Mutex<Inside>);

#[derive(Debug, Default)]
struct Inside {
    calls: Vec<String>,
    is_played_out: bool,
    adverts: BTreeMap<String, usize>,
    connected: Vec<String>,
}

impl Record {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a call, or that a device hung up.
    pub(super) fn call(&self, words: String) {
        self.inside().calls.push(words);
    }

    pub(super) fn progress(&self, is_played_out: bool, adverts: BTreeMap<String, usize>, connected: Vec<String>) {
        let mut inside = self.inside();
        (inside.is_played_out, inside.adverts, inside.connected) = (is_played_out, adverts, connected);
    }

    /// Every call so far, in order, one line each: `Connect 01`, `Read 01 2a29`, `Write 01 2a08 now`.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        self.inside().calls.clone()
    }

    /// Whether every device whose script ends has come to its end.
    #[must_use]
    pub fn is_played_out(&self) -> bool {
        self.inside().is_played_out
    }

    /// How often a device advertised and was heard.
    #[must_use]
    pub fn adverts(&self, tag: &str) -> usize {
        self.inside().adverts.get(tag).copied().unwrap_or(0)
    }

    /// Whether a device is connected now.
    #[must_use]
    pub fn is_connected(&self, tag: &str) -> bool {
        self.inside().connected.iter().any(|connected| connected == tag)
    }
}

/// The calls that do something.
#[must_use]
pub fn deeds(calls: &[String]) -> Vec<&str> {
    let is_look = |call: &str| LOOKS.contains(&call.split(' ').next().unwrap_or_default());
    calls.iter().map(String::as_str).filter(|call| !is_look(call)).collect()
}
