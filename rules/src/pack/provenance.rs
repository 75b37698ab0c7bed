//! Whose numbers a rule takes: of whatever comes, or only of what a device measured.
//!
//! Invariant: what a person typed neither opens nor ends an alert of a rule that takes devices alone, stands in none of its
//! lists, and is no repeat for it.

use super::{Item, Rule, When, problem::At, read::Reader};
use serde::Deserialize;
use std::collections::BTreeSet;
use vitals::{Admitted, Flag, Kind};

/// Whose numbers a rule takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// Whatever comes, from a device or typed by a person.
    #[default]
    Any,
    /// Only what a device measured and sent.
    Device,
}

/// What only people say: no device sends it.
const SAID: [Kind; 3] = [Kind::Consciousness, Kind::SuppliedOxygen, Kind::Symptom];

impl Provenance {
    /// What is left out of the lists of such a rule.
    pub(super) fn without(self) -> &'static [Flag] {
        match self {
            Self::Any => &[],
            Self::Device => &[Flag::TypedIn],
        }
    }

    /// What is left out of a list of this: a word is always a person's.
    pub(super) fn without_of(self, item: &Item) -> &'static [Flag] {
        match item {
            Item::Number(_) | Item::Postured(..) => self.without(),
            Item::Consciousness | Item::Oxygen | Item::Answer(_) => &[],
        }
    }
}

impl Rule {
    /// Whether it is asked about a reading that was measured in this way.
    pub(crate) fn takes(&self, admitted: &Admitted) -> bool {
        !self.provenance.without().iter().any(|flag| admitted.reading.quality.has(*flag))
    }
}

impl Reader<'_> {
    /// Refuses a rule of devices alone that is about what people say, or about a list that other rules share.
    pub(super) fn only_devices(&mut self, rule: &str, conditions: [&When; 2], kinds: &BTreeSet<Kind>, place: At) {
        let is_shared = |leaf: &When| matches!(leaf, When::Score(_) | When::Missing(_) | When::Stale(_));
        if conditions.iter().any(|condition| condition.leaves().any(is_shared)) {
            let words = "a score, and what waits for readings, take whatever comes | leave provenance out";
            self.problem(place, format!("rule {rule}: {words}"));
        }
        if kinds.iter().any(|kind| SAID.contains(kind)) {
            let words = "no device sends what a person says | leave provenance out, or compare what is measured";
            self.problem(place, format!("rule {rule}: {words}"));
        }
    }
}
