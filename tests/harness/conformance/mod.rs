//! The conformance runner: public cases against what the product says, one line for each kind.
//!
//! Invariants: the runner only renames fields, so that every answer is the product's own; every key of `expected` but
//! `note` is compared, and a key that a covered kind does not answer is a mismatch; nothing that cannot be read passes.

mod answer;
mod compare;
mod device;
mod row;
mod rules;

pub use row::Row;

use compare::Answer;
use std::{collections::BTreeMap, fmt, fs, path::Path};

/// What one run found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    groups: Vec<Group>,
    mismatches: Vec<Mismatch>,
    unreadable: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    name: String,
    passed: usize,
    total: usize,
    /// Rows that nothing of the product answers yet, by frame (empty for a kind).
    not_covered: BTreeMap<String, usize>,
}

impl Group {
    fn named(name: &str) -> Self {
        Self { name: name.to_owned(), passed: 0, total: 0, not_covered: BTreeMap::new() }
    }
}

/// One expected value that the product does not give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    place: String,
    group: String,
    field: String,
    expected: String,
    got: String,
}

/// What became of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// Everything expected is what the product says.
    Passed,
    /// Nothing of the product answers this kind yet.
    NotCovered,
    /// Something is not.
    Failed(Vec<Mismatch>),
}

impl Report {
    /// Runs every row of every file, in order. What cannot be read is reported and the rest still runs.
    #[must_use]
    pub fn over_files(files: &[impl AsRef<Path>]) -> Self {
        let mut report = Self::default();
        for file in files {
            let name = file.as_ref().display().to_string();
            match fs::read(file) {
                Ok(bytes) => report.run(&name, &bytes),
                Err(error) => report.unreadable.push(format!("{name}: {error}")),
            }
        }
        report
    }

    /// Runs every row of one file.
    pub fn run(&mut self, file: &str, bytes: &[u8]) {
        for (position, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let place = format!("{file}:{}", position + 1);
            match Row::read(&place, line) {
                Ok(Some(row)) => self.take(&row),
                Ok(None) => {}
                Err(reason) => self.unreadable.push(format!("{place}: {reason}")),
            }
        }
    }

    fn take(&mut self, row: &Row) {
        let group = match self.groups.iter_mut().find(|group| group.name == row.group) {
            Some(group) => group,
            None => self.groups.push_mut(Group::named(&row.group)),
        };
        group.total += 1;
        match judge(row) {
            Judged::Passed => group.passed += 1,
            Judged::NotCovered => *group.not_covered.entry(row.frame.clone().unwrap_or_default()).or_default() += 1,
            Judged::Failed(mut mismatches) => self.mismatches.append(&mut mismatches),
        }
    }

    /// Whether everything could be read and nothing that is covered differs.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.mismatches.is_empty() && self.unreadable.is_empty()
    }
}

/// Judges one row.
#[must_use]
pub fn judge(row: &Row) -> Judged {
    compared(row, answer::to(row))
}

/// Judges what a program printed about a device's frame.
#[must_use]
pub fn judge_printed(row: &Row, printed: &serde_json::Value) -> Judged {
    compared(row, device::printed(printed, row))
}

/// The decoder that reads a row's frame, where there is one.
#[must_use]
pub fn decoder_of(row: &Row) -> Option<&'static str> {
    device::decoder(row.frame.as_deref()?)
}

fn compared(row: &Row, answer: Answer) -> Judged {
    let mismatch = |field: &str, expected: String, got: String| Mismatch {
        place: row.place.clone(),
        group: row.group.clone(),
        field: field.to_owned(),
        expected,
        got,
    };
    let whole = || serde_json::to_string(&row.expected).unwrap_or_default();
    let answer: BTreeMap<String, compare::Got> = match answer {
        Answer::NotCovered => return Judged::NotCovered,
        Answer::InputUnreadable(reason) => return Judged::Failed(vec![mismatch("input", whole(), reason)]),
        Answer::Fields(fields) => fields.into_iter().map(|(name, got)| (name.to_owned(), got)).collect(),
        Answer::Device(fields) => fields,
    };
    let compared: Vec<_> = row.expected.iter().filter(|(key, _)| *key != "note").collect();
    if compared.is_empty() {
        return Judged::Failed(vec![mismatch("expected", whole(), "nothing to compare".to_owned())]);
    }
    let mismatches: Vec<Mismatch> = compared
        .into_iter()
        .filter_map(|(key, expected)| match answer.get(key.as_str()) {
            Some(got) if got.agrees_with(expected) => None,
            Some(got) => Some(mismatch(key, expected.to_string(), got.to_string())),
            None => Some(mismatch(key, expected.to_string(), "a field that this runner does not know".to_owned())),
        })
        .collect();
    if mismatches.is_empty() { Judged::Passed } else { Judged::Failed(mismatches) }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, group, field, expected, got } = self;
        write!(f, "mismatch {place} {group} {field}: expected {expected}, got {got}")
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, passed, total, not_covered } = self;
        let left = not_covered.values().sum::<usize>();
        if left == *total {
            return write!(f, "{name} not covered 0/{total}");
        }
        write!(f, "{name} {passed}/{total}")?;
        if left > 0 {
            let frames: Vec<String> = not_covered.iter().map(|(frame, rows)| format!("{frame} 0/{rows}")).collect();
            write!(f, " (not covered: {})", frames.join(", "))?;
        }
        Ok(())
    }
}

/// Unreadable places and mismatches first, then a line for each kind.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in &self.unreadable {
            writeln!(f, "unreadable {place}")?;
        }
        for mismatch in &self.mismatches {
            writeln!(f, "{mismatch}")?;
        }
        for group in &self.groups {
            writeln!(f, "{group}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
