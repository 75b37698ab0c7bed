//! What must come of a script, and the judge of what came of it.
//!
//! Invariant: the judge says everything that is wrong, each under the check that found it, so that a test can see which
//! checks a planted fault sets off.

use super::{record::deeds, row::Row, script::Script};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// What must come of a script.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// How long it may take.
    #[serde(default = "within_secs")]
    pub within_secs: u64,
    /// The source of every reading that does not name one.
    #[serde(default)]
    pub source: String,
    /// The stored readings: these and no others.
    #[serde(default)]
    pub reading: Vec<ExpectedReading>,
    /// How many readings the hub must say it knew already.
    #[serde(default)]
    pub known_again: usize,
    /// Whether the hub may end a link that the device has not ended: only where a device never would.
    #[serde(default)]
    pub hub_may_hang_up: bool,
    /// How often each device must have been heard at least, where its script has no end.
    #[serde(default)]
    pub adverts: BTreeMap<String, usize>,
    /// The calls.
    #[serde(default)]
    pub call: Vec<CallRule>,
}

fn within_secs() -> u64 {
    60
}

/// A reading, and how often it must be there.
#[derive(Debug, Clone, Deserialize)]
pub struct ExpectedReading {
    /// How often.
    #[serde(default = "once")]
    pub times: usize,
    /// The reading.
    #[serde(flatten)]
    pub row: Row,
}

fn once() -> usize {
    1
}

/// A rule for the calls. A call is meant by its beginning: `Write 01 2a08` is a write of any bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum CallRule {
    /// It is made so often.
    Times {
        /// The call.
        call: String,
        /// How often.
        times: usize,
    },
    /// It is made at least once.
    Made {
        /// The call.
        made: String,
    },
    /// It is never made.
    Never {
        /// The call.
        never: String,
    },
    /// One is made before the other, at each connection of that device.
    Before {
        /// The one.
        first: String,
        /// The other.
        then: String,
    },
}

impl fmt::Display for CallRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Times { call, times } => write!(f, "{call}: {times} times"),
            Self::Made { made } => write!(f, "{made}: made"),
            Self::Never { never } => write!(f, "{never}: never"),
            Self::Before { first, then } => write!(f, "{then}: after {first}"),
        }
    }
}

impl CallRule {
    /// What is wrong with these calls by this rule.
    fn complaint(&self, calls: &[&str]) -> Option<String> {
        let count = |wanted: &str| calls.iter().filter(|call| is_call(call, wanted)).count();
        match self {
            Self::Times { call, times } => {
                let found = count(call);
                (found != *times).then(|| format!("it was made {found} times"))
            }
            Self::Made { made } => (count(made) == 0).then(|| "it was not made".to_owned()),
            Self::Never { never } => {
                let found = count(never);
                (found > 0).then(|| format!("it was made {found} times"))
            }
            Self::Before { first, then } => {
                let tag = then.split(' ').nth(1).unwrap_or_default();
                let connect = format!("Connect {tag}");
                let mut is_first = false;
                calls.iter().enumerate().find_map(|(place, call)| {
                    is_first = (is_first && !is_call(call, &connect)) || is_call(call, first);
                    (is_call(call, then) && !is_first).then(|| format!("call {} came too early", place + 1))
                })
            }
        }
    }
}

/// Whether a call begins with these whole words; the bytes of a write may go on.
fn is_call(call: &str, wanted: &str) -> bool {
    let is_write_of = wanted.split(' ').count() > 3;
    call.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with(' ') || is_write_of)
}

/// One thing that is wrong, and the check that found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The check.
    pub check: String,
    /// What it found.
    pub says: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.says)
    }
}

/// What came of a run.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Every call, in order.
    pub calls: Vec<String>,
    /// The stored readings.
    pub rows: Vec<Row>,
    /// How many readings the hub said it knew already.
    pub known_again: usize,
}

/// The check of the stored readings.
pub const READINGS: &str = "the readings";
/// The check of what the hub recognised.
pub const KNOWN_AGAIN: &str = "readings known again";

impl Expect {
    pub(super) fn what_is_wrong(&self, tags: &BTreeSet<&str>) -> Option<String> {
        let named = self.call.iter().flat_map(|rule| match rule {
            CallRule::Times { call, .. } | CallRule::Made { made: call } | CallRule::Never { never: call } => {
                vec![call]
            }
            CallRule::Before { first, then } => vec![first, then],
        });
        let mut tagged = named.filter_map(|call| call.split(' ').nth(1)).chain(self.adverts.keys().map(String::as_str));
        tagged.find(|tag| !tags.contains(tag)).map(|tag| format!("it expects something of {tag}, which is no device"))
    }

    /// The expected rows, each as often as it must be there.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let named = |row: &Row| {
            let source = if row.source.is_empty() { self.source.clone() } else { row.source.clone() };
            Row { source, ..row.clone() }
        };
        self.reading.iter().flat_map(|expected| std::iter::repeat_n(named(&expected.row), expected.times)).collect()
    }
}

impl Script {
    /// The rules of its calls: its own, and those that hold for every device.
    #[must_use]
    pub fn rules(&self) -> Vec<CallRule> {
        let never = |call: String| CallRule::Never { never: call };
        let mut rules = self.expect.call.clone();
        for device in &self.device {
            let tag = device.tag();
            if device.is_known {
                // Ending a subscription cost a real cuff its bond (eigger/hass-omron, pull request 136).
                if !device.connection.is_empty() {
                    rules.push(never(format!("StopNotify {tag}")));
                }
                if !self.expect.hub_may_hang_up {
                    let (first, then) = (format!("HungUp {tag}"), format!("Disconnect {tag}"));
                    rules.push(CallRule::Before { first, then });
                }
            } else {
                rules.push(never(format!("Connect {tag}")));
            }
            // Pairing is for people to begin: a UA-651BLE that is asked too early switches itself off.
            rules.push(never(format!("Pair {tag}")));
        }
        rules.push(never("StartDiscovery (in progress)".to_owned()));
        rules
    }

    /// Everything that is wrong with what came of it.
    #[must_use]
    pub fn judge(&self, outcome: &Outcome) -> Vec<Finding> {
        let deeds = deeds(&outcome.calls);
        let complaints = self
            .rules()
            .into_iter()
            .filter_map(|rule| rule.complaint(&deeds).map(|says| Finding { check: rule.to_string(), says }));
        let mut findings: Vec<Finding> = complaints.collect();
        let (missing, surplus) = differences(self.expect.rows(), &outcome.rows);
        let finding = |what: &str, row: Row| Finding { check: READINGS.to_owned(), says: format!("{what}: {row}") };
        findings.extend(missing.into_iter().map(|row| finding("missing", row)));
        findings.extend(surplus.into_iter().map(|row| finding("not expected", row)));
        if outcome.known_again != self.expect.known_again {
            let says = format!("the hub knew {} again, not {}", outcome.known_again, self.expect.known_again);
            findings.push(Finding { check: KNOWN_AGAIN.to_owned(), says });
        }
        findings
    }
}

/// What is expected and not there, and what is there and not expected.
fn differences(expected: Vec<Row>, found: &[Row]) -> (Vec<Row>, Vec<Row>) {
    let mut surplus: Vec<Row> = found.to_vec();
    let mut missing = Vec::new();
    for row in expected {
        match surplus.iter().position(|found| *found == row) {
            Some(place) => drop(surplus.remove(place)),
            None => missing.push(row),
        }
    }
    (missing, surplus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_finds_what_it_is_for() {
        let rule = |text: &str| toml::from_str::<CallRule>(text).unwrap();
        let calls = [
            "Connect 01",
            "Write 01 2a08 now",
            "StartNotify 01 2a35",
            "HungUp 01",
            "Connect 01",
            "StartNotify 01 2a35",
        ];
        for (text, is_wrong) in [
            ("call = 'Connect 01'\ntimes = 2", false),
            ("call = 'Connect 01'\ntimes = 1", true),
            ("made = 'Write 01 2a08 now'", false),
            ("made = 'Write 01 2a08 00'", true),
            ("never = 'StopNotify'", false),
            ("never = 'HungUp'", true),
            ("first = 'Write 01 2a08'\nthen = 'StartNotify 01 2a35'", true),
            ("first = 'Connect 01'\nthen = 'StartNotify 01 2a35'", false),
            ("first = 'HungUp 01'\nthen = 'Disconnect 01'", false),
        ] {
            assert_eq!(rule(text).complaint(&calls).is_some(), is_wrong, "{text}");
        }
        assert!(toml::from_str::<CallRule>("never = 'a'\ntimes = 2").is_err());
        assert!(is_call("Write 01 2a52 0101", "Write 01 2a52 01") && !is_call("Connect 011", "Connect 01"));
    }
}
