//! The pack file as written: TOML, unknown fields refused.

use crate::duration::Span;
use serde::{Deserialize, Deserializer, de};
use std::{collections::BTreeMap, fmt};
use toml::Spanned;
use vitals::{Decimal, Unit};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PackFile {
    pub(super) pack: Head,
    #[serde(default)]
    pub(super) param: BTreeMap<String, Spanned<ParameterFile>>,
    #[serde(default)]
    pub(super) message: BTreeMap<String, MessageFile>,
    #[serde(default)]
    pub(super) rule: Vec<Spanned<RuleFile>>,
    #[serde(default)]
    pub(super) test: Vec<Spanned<TestFile>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) version: String,
    pub(super) engine_min: u32,
    #[serde(default)]
    pub(super) demo_only: bool,
    #[serde(default)]
    pub(super) sources: Vec<SourceFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceFile {
    #[serde(rename = "ref")]
    pub(super) reference: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ParameterFile {
    pub(super) unit: Unit,
    pub(super) default: Number,
    #[serde(default, rename = "override")]
    pub(super) levels: LevelsFile,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LevelsFile {
    pub(super) footprint: Option<(Number, Number)>,
    pub(super) team: Option<(Number, Number)>,
    pub(super) patient: Option<(Number, Number)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MessageFile {
    pub(super) en: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleFile {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) harm: Harm,
    pub(super) onset: Onset,
    pub(super) when: WhenFile,
    pub(super) clear: ClearFile,
    pub(super) actionable_for: Span,
    pub(super) raise_again_after: Span,
    pub(super) retest: Option<RetestFile>,
    #[serde(default)]
    pub(super) yields_to: Vec<String>,
    pub(super) patient_message: Option<String>,
    pub(super) late_patient_message: Option<String>,
    pub(super) clinician_message: String,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Harm {
    Irreversible,
    Reversible,
    Minor,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Onset {
    Immediate,
    Prompt,
    Delayed,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WhenFile {
    pub(super) any: Option<Vec<WhenFile>>,
    pub(super) all: Option<Vec<WhenFile>>,
    pub(super) latest: Option<String>,
    pub(super) at_least: Option<BoundFile>,
    pub(super) at_most: Option<BoundFile>,
    pub(super) above: Option<BoundFile>,
    pub(super) below: Option<BoundFile>,
    pub(super) plus: Option<Number>,
    pub(super) minus: Option<Number>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClearFile {
    pub(super) when: WhenFile,
    pub(super) count: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RetestFile {
    pub(super) after: Span,
    pub(super) within: Span,
    pub(super) prompt: Option<String>,
    pub(super) confirm: Confirm,
    pub(super) on_no_answer: OnNoAnswer,
    pub(super) opens: Opens,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Confirm {
    Same,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum OnNoAnswer {
    Raise,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Opens {
    AtFirstReading,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TestFile {
    pub(super) name: String,
    pub(super) given: Vec<(String, String, Number)>,
    #[serde(default)]
    pub(super) unsure: Vec<UnsureFile>,
    pub(super) expect: Vec<(String, String, String)>,
}

/// What is not sure of the readings at one time of a test.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnsureFile {
    pub(super) at: String,
    #[serde(default)]
    pub(super) quality: Vec<String>,
    pub(super) clock: Option<ClockFile>,
    pub(super) dated_before: Option<Span>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ClockFile {
    NotRead,
}

/// A number a clinician writes: a whole number, or a decimal in quotes so that no digit is lost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number(pub(super) Decimal);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number, or a decimal in quotes such as \"3.9\"")
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Number, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                Decimal::parse(text).map(Number).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// A bound: a number, or `param:NAME`.
#[derive(Debug, Clone)]
pub(super) enum BoundFile {
    Parameter(String),
    Number(Decimal),
}

impl<'de> Deserialize<'de> for BoundFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = BoundFile;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number, a decimal in quotes, or \"param:NAME\"")
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<BoundFile, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<BoundFile, E> {
                match text.strip_prefix("param:") {
                    Some(name) => Ok(BoundFile::Parameter(name.to_owned())),
                    None => Decimal::parse(text).map(BoundFile::Number).map_err(E::custom),
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}
