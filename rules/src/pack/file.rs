//! The pack file as written: TOML, unknown fields refused.

use super::Provenance;
use crate::duration::Span;
use serde::{Deserialize, Deserializer, de};
use std::{collections::BTreeMap, fmt};
use toml::Spanned;
use vitals::{Decimal, Unit};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PackFile {
    pub(super) pack: Spanned<Head>,
    #[serde(default)]
    pub(super) param: BTreeMap<String, Spanned<ParameterFile>>,
    #[serde(default)]
    pub(super) message: BTreeMap<String, MessageFile>,
    #[serde(default)]
    pub(super) schedule: BTreeMap<String, Spanned<ScheduleFile>>,
    #[serde(default)]
    pub(super) question: Vec<Spanned<QuestionFile>>,
    #[serde(default)]
    pub(super) score: Vec<Spanned<ScoreFile>>,
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
    pub(super) draft: bool,
    #[serde(default)]
    pub(super) trial_only: bool,
    #[serde(default)]
    pub(super) audience: AudienceFile,
    #[serde(default)]
    pub(super) beside: Vec<String>,
    #[serde(default)]
    pub(super) sources: Vec<SourceFile>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AudienceFile {
    #[default]
    Clinical,
    Technical,
}

/// A yes or no question that is asked with a reading.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QuestionFile {
    pub(super) code: String,
    pub(super) with: Vec<String>,
    pub(super) after: Option<String>,
    pub(super) en: String,
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
    pub(super) default: Option<Spanned<Number>>,
    #[serde(default, rename = "override")]
    pub(super) levels: LevelsFile,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LevelsFile {
    pub(super) footprint: Option<Spanned<(Number, Number)>>,
    pub(super) team: Option<Spanned<(Number, Number)>>,
    pub(super) patient: Option<Spanned<(Number, Number)>>,
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
    #[serde(default)]
    pub(super) provenance: Provenance,
    #[serde(default)]
    pub(super) on: Vec<String>,
    pub(super) when: Spanned<WhenFile>,
    pub(super) clear: ClearFile,
    pub(super) actionable_for: Span,
    pub(super) raise_again_after: Span,
    pub(super) retest: Option<RetestFile>,
    #[serde(default)]
    pub(super) late: LateFile,
    pub(super) keep_firing: Option<Span>,
    #[serde(default)]
    pub(super) yields_to: Vec<String>,
    pub(super) patient_message: Option<String>,
    pub(super) late_patient_message: Option<String>,
    pub(super) clinician_message: String,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum LateFile {
    Alert,
    #[default]
    AlertAsLate,
    RecordOnly,
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

/// A condition. What it is about is exactly one of the first lines' fields; the rest say how.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WhenFile {
    pub(super) any: Option<Vec<Spanned<WhenFile>>>,
    pub(super) all: Option<Vec<Spanned<WhenFile>>>,
    pub(super) not: Option<Box<Spanned<WhenFile>>>,
    pub(super) latest: Option<String>,
    pub(super) mean: Option<String>,
    pub(super) median: Option<String>,
    pub(super) lowest: Option<String>,
    pub(super) highest: Option<String>,
    pub(super) home_average: Option<String>,
    pub(super) change: Option<String>,
    pub(super) slope: Option<String>,
    pub(super) rate: Option<String>,
    pub(super) unusual: Option<String>,
    pub(super) cusum: Option<String>,
    pub(super) forecast: Option<String>,
    pub(super) said: Option<String>,
    pub(super) score: Option<String>,
    pub(super) quality_without: Option<Vec<String>>,
    pub(super) is_set: Option<String>,
    pub(super) missing: Option<String>,
    pub(super) stale: Option<String>,

    pub(super) at_least: Option<BoundFile>,
    pub(super) at_most: Option<BoundFile>,
    pub(super) above: Option<BoundFile>,
    pub(super) below: Option<BoundFile>,
    pub(super) plus: Option<Number>,
    pub(super) minus: Option<Number>,

    pub(super) is: Option<String>,
    pub(super) part: Option<AnyPart>,
    pub(super) from: Option<AgainstFile>,
    pub(super) per: Option<Span>,
    pub(super) max_age: Option<Span>,
    pub(super) over: Option<Span>,
    pub(super) last: Option<usize>,
    pub(super) readings_min: Option<usize>,
    pub(super) in_a_row: Option<usize>,
    pub(super) n_of: Option<(usize, usize)>,
    #[serde(rename = "for")]
    pub(super) held_for: Option<Span>,
    pub(super) gap_max: Option<Span>,
    pub(super) slack: Option<Number>,
    #[serde(default)]
    pub(super) without: Vec<String>,
    pub(super) of: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AnyPart {
    Any,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AgainstFile {
    Lowest,
    Highest,
    Previous,
    Usual,
    Resting,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScoreFile {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) source: Option<String>,
    pub(super) max: u16,
    pub(super) max_age: Span,
    #[serde(default)]
    pub(super) part: Vec<Spanned<PartFile>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PartFile {
    pub(super) name: String,
    pub(super) of: Vec<String>,
    pub(super) unit: Option<Unit>,
    pub(super) step: Option<Number>,
    pub(super) max_age: Option<Span>,
    pub(super) words: Option<BTreeMap<String, u16>>,
    #[serde(default)]
    pub(super) table: Vec<Spanned<TableFile>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TableFile {
    #[serde(default)]
    pub(super) only_if: Vec<OnlyIfFile>,
    pub(super) bands: Vec<Spanned<BandFile>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OnlyIfFile {
    pub(super) param: Option<String>,
    pub(super) said: Option<String>,
    pub(super) is: WordOrNumber,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BandFile {
    pub(super) from: Option<Number>,
    pub(super) to: Option<Number>,
    pub(super) points: u16,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClearFile {
    pub(super) when: Spanned<WhenFile>,
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
    pub(super) given: Vec<(String, String, WordOrNumber)>,
    #[serde(default)]
    pub(super) unsure: Vec<UnsureFile>,
    /// Parameters set for the person.
    #[serde(default)]
    pub(super) set: BTreeMap<String, Number>,
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

/// When something is expected.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScheduleFile {
    pub(super) times: Vec<String>,
    #[serde(default)]
    pub(super) days: Vec<DayFile>,
    pub(super) before: Span,
    pub(super) grace: Span,
}

/// A day of the week, as `mon`.
#[derive(Debug, Clone, Copy)]
pub(super) struct DayFile(pub(super) chrono::Weekday);

impl<'de> Deserialize<'de> for DayFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Short {
            Mon,
            Tue,
            Wed,
            Thu,
            Fri,
            Sat,
            Sun,
        }
        use chrono::Weekday;
        Ok(Self(match Short::deserialize(deserializer)? {
            Short::Mon => Weekday::Mon,
            Short::Tue => Weekday::Tue,
            Short::Wed => Weekday::Wed,
            Short::Thu => Weekday::Thu,
            Short::Fri => Weekday::Fri,
            Short::Sat => Weekday::Sat,
            Short::Sun => Weekday::Sun,
        }))
    }
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

/// A number as [`Number`] is, or a word.
#[derive(Debug, Clone)]
pub(super) enum WordOrNumber {
    Word(String),
    Number(Decimal),
}

impl<'de> Deserialize<'de> for WordOrNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = WordOrNumber;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number, a decimal in quotes, or a word")
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<WordOrNumber, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<WordOrNumber, E> {
                Ok(Decimal::parse(text)
                    .map_or_else(|_a_word| WordOrNumber::Word(text.to_owned()), WordOrNumber::Number))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}
