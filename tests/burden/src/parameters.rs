//! What the cohort is made of: the rows of `cohort.toml`, each with its unit, its grade and its source.
//!
//! Invariant: a row without a source is refused, and a row that the generator asks for and does not find is an error,
//! never a default.

use serde::Deserialize;
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};
use thiserror::Error;

/// The file as it lies beside the code.
pub const FILE: &str = include_str!("../cohort.toml");

/// A source shorter than this is a word, not a source; our own assumption says so in as many letters.
const SOURCE_LETTERS_MIN: usize = 12;

/// How far a number is to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// A figure as printed.
    Published,
    /// Our arithmetic on printed figures.
    Derived,
    /// Ours.
    Assumption,
}

/// How soon a deterioration must be acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, serde::Serialize)]
pub enum Class {
    /// Instruction at once, staff within 15 minutes.
    E,
    /// The same service day.
    U,
    /// Seven days.
    R,
}

/// One parameter.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// What the generator asks for it by.
    pub id: String,
    /// A decimal with at most three places.
    pub value: String,
    /// Its unit, spelled.
    pub unit: String,
    /// How far it is to be trusted.
    pub grade: Grade,
    /// A key of the table of sources.
    pub source: String,
}

/// A way to get worse.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cause {
    /// Its name, as in labels.
    pub name: String,
    /// How soon it must be acted on.
    pub class: Class,
    /// Whether it ends in hospital, where nobody measures at home.
    pub is_admitted: bool,
}

/// Why the parameters are refused.
#[derive(Debug, Error)]
pub enum NotParameters {
    /// The file is not in its form.
    #[error("read the cohort's parameters")]
    Form(#[from] toml::de::Error),
    /// A row names no source, or one that is not in the table.
    #[error("read the cohort's parameters: {0} has no source")]
    NoSource(String),
    /// A row's value is no decimal with at most three places.
    #[error("read the cohort's parameters: {0} is no decimal with at most three places")]
    NoNumber(String),
    /// Two rows with one id.
    #[error("read the cohort's parameters: {0} stands there twice")]
    Twice(String),
    /// The generator asked for a row that is not there.
    #[error("make a cohort: there is no parameter {0}")]
    Missing(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    cause: Vec<Cause>,
    parameter: Vec<Row>,
    source: BTreeMap<String, String>,
}

/// All parameters, in thousandths of their units.
#[derive(Debug, Clone)]
pub struct Parameters {
    causes: Vec<Cause>,
    rows: Vec<Row>,
    sources: BTreeMap<String, String>,
    thousandths: BTreeMap<String, i64>,
    asked: RefCell<BTreeSet<String>>,
}

impl Parameters {
    /// Reads the rows of a file.
    ///
    /// # Errors
    /// [`NotParameters`] for another form, a row without source, a value that is no number, or an id given twice.
    pub fn read(text: &str) -> Result<Self, NotParameters> {
        let file: File = toml::from_str(text)?;
        let mut thousandths = BTreeMap::new();
        for row in &file.parameter {
            let source = file.source.get(&row.source).map_or("", String::as_str);
            if source.trim().len() < SOURCE_LETTERS_MIN {
                return Err(NotParameters::NoSource(row.id.clone()));
            }
            let value = in_thousandths(&row.value).ok_or_else(|| NotParameters::NoNumber(row.id.clone()))?;
            if thousandths.insert(row.id.clone(), value).is_some() {
                return Err(NotParameters::Twice(row.id.clone()));
            }
        }
        let asked = RefCell::default();
        Ok(Self { causes: file.cause, rows: file.parameter, sources: file.source, thousandths, asked })
    }

    /// A parameter in thousandths of its unit.
    ///
    /// # Errors
    /// [`NotParameters::Missing`] where there is no such row.
    pub fn milli(&self, id: &str) -> Result<i64, NotParameters> {
        self.maybe(id).ok_or_else(|| NotParameters::Missing(id.to_owned()))
    }

    /// A parameter in whole units.
    ///
    /// # Errors
    /// [`NotParameters::Missing`] where there is no such row.
    pub fn whole(&self, id: &str) -> Result<i64, NotParameters> {
        self.milli(id).map(|milli| milli / 1000)
    }

    /// A parameter in thousandths, where there is one: what a stratum does not have is not in the file.
    #[must_use]
    pub fn maybe(&self, id: &str) -> Option<i64> {
        let found = self.thousandths.get(id).copied();
        if found.is_some() {
            self.asked.borrow_mut().insert(id.to_owned());
        }
        found
    }

    /// The same parameters with every number whose id begins and ends so multiplied: for the stress cohorts.
    #[must_use]
    pub fn scaled(mut self, prefix: &str, suffix: &str, times: i64, by: i64) -> Self {
        for (id, value) in &mut self.thousandths {
            if id.starts_with(prefix) && id.ends_with(suffix) {
                *value = *value * times / by;
            }
        }
        self
    }

    /// The ways to get worse.
    #[must_use]
    pub fn causes(&self) -> &[Cause] {
        &self.causes
    }

    /// Every row, in the order of the file.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// A source by its key.
    #[must_use]
    pub fn source(&self, key: &str) -> &str {
        self.sources.get(key).map_or("", String::as_str)
    }

    /// Rows that nobody has asked for yet, and sources that no row names.
    #[must_use]
    pub fn unused(&self) -> Vec<String> {
        let asked = self.asked.borrow();
        let rows = self.rows.iter().filter(|row| !asked.contains(&row.id)).map(|row| row.id.clone());
        let named: BTreeSet<&String> = self.rows.iter().map(|row| &row.source).collect();
        rows.chain(self.sources.keys().filter(|key| !named.contains(key)).cloned()).collect()
    }
}

/// A decimal with at most three places, in thousandths.
fn in_thousandths(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_negative = whole.starts_with('-');
    if part.len() > 3 || (!part.is_empty() && !part.bytes().all(|byte| byte.is_ascii_digit())) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let part: i64 = format!("{part:0<3}").parse().ok()?;
    whole.checked_mul(1000)?.checked_add(if is_negative { -part } else { part })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        for (text, milli) in [("0.3", 300), ("-0.7", -700), ("12", 12_000), ("2.857", 2_857), ("-4.5", -4_500)] {
            assert_eq!(in_thousandths(text), Some(milli), "{text}");
        }
        for bad in ["", "x", "1.2345", "1.-2", "1e3", "."] {
            assert_eq!(in_thousandths(bad), None, "{bad:?}");
        }
    }

    fn file(row: &str) -> String {
        format!(
            "cause = []\nparameter = [\n{row}\n]\n[source]\nguess = \"Our assumption, nothing found\"\nshort = \"x\"\n"
        )
    }

    #[test]
    fn a_row_without_a_source_is_refused() {
        let row = |source: &str| {
            file(&format!(
                "{{ id = \"a\", value = \"1\", unit = \"u\", grade = \"assumption\", source = \"{source}\" }}"
            ))
        };
        assert!(Parameters::read(&row("guess")).is_ok());
        for without in ["", "short", "nobody"] {
            assert!(
                matches!(Parameters::read(&row(without)), Err(NotParameters::NoSource(id)) if id == "a"),
                "{without}"
            );
        }
        let unsaid = file("{ id = \"a\", value = \"1\", unit = \"u\", grade = \"assumption\" }");
        assert!(matches!(Parameters::read(&unsaid), Err(NotParameters::Form(_))));
        let ungraded = file("{ id = \"a\", value = \"1\", unit = \"u\", source = \"guess\" }");
        assert!(matches!(Parameters::read(&ungraded), Err(NotParameters::Form(_))));
    }

    #[test]
    fn a_row_asked_for_and_not_there_is_an_error() {
        let parameters = Parameters::read(FILE).unwrap();
        assert!(matches!(parameters.milli("nothing"), Err(NotParameters::Missing(_))));
        assert_eq!(parameters.whole("days").unwrap(), 90);
    }
}
