//! Findings: what a rule compared, with the reading it came from. No alert exists without one.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use vitals::{Decimal, Kind, Measure, Quantity, ReadingId, SourceId, TakenAt, Value};

/// How a number was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// At or above the bound.
    AtLeast,
    /// At or below the bound.
    AtMost,
    /// Above the bound.
    Above,
    /// Below the bound.
    Below,
}

impl Comparison {
    /// Whether `value` compares so with `bound`. Exact: no rounding, no floating point.
    #[must_use]
    pub fn holds(self, value: Decimal, bound: Decimal) -> bool {
        match self {
            Self::AtLeast => value >= bound,
            Self::AtMost => value <= bound,
            Self::Above => value > bound,
            Self::Below => value < bound,
        }
    }

    /// Whether it holds for what is large enough.
    #[must_use]
    pub(crate) fn is_upward(self) -> bool {
        matches!(self, Self::AtLeast | Self::Above)
    }

    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::AtLeast => "at or above",
            Self::AtMost => "at or below",
            Self::Above => "above",
            Self::Below => "below",
        }
    }
}

/// One comparison a rule made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The component of the reading, as the catalogue names it.
    pub component: String,
    /// The value as kept.
    pub value: Quantity,
    /// How it was compared.
    pub comparison: Comparison,
    /// With what.
    pub bound: Decimal,
    /// The parameter that set the bound; none where the pack wrote a number.
    pub parameter: Option<String>,
    /// Whether the comparison held.
    pub held: bool,
}

/// Debug shows what was compared, not the value.
impl fmt::Debug for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Finding({} {:?}, held: {})", self.component, self.comparison, self.held)
    }
}

/// The reading behind a finding.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The reading.
    pub reading: ReadingId,
    /// The device it came from.
    pub source: SourceId,
    /// What was measured.
    pub kind: Kind,
    /// The value as kept, or why there was none.
    pub value: Value<Measure>,
    /// When it was taken, and by whose clock.
    pub taken: TakenAt,
    /// Its place among the others: when it was taken, or received by the hub where its age is not known.
    pub event_time: DateTime<Utc>,
    /// When the service received it.
    pub received_at: DateTime<Utc>,
    /// What was compared, whether it held or not.
    pub findings: Vec<Finding>,
    /// Why it no longer counts, where it does not: what was once shown is amended, never taken out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Because>,
}

impl Evidence {
    /// Whether it still counts.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.withdrawn.is_none()
    }
}

/// Why a reading no longer counts for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// It was entered in error: nobody's value.
    EnteredInError,
    /// It is another person's.
    AnotherPersons,
}

impl Because {
    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::EnteredInError => "entered_in_error",
            Self::AnotherPersons => "another_persons",
        }
    }
}

vitals::named! {
    /// What went wrong where a reading was entered in error: our own list.
    ///
    /// Source: FHIR R4 gives one status for all of them, `entered-in-error` of ObservationStatus ("withdrawn following previous
    /// final release"), and leaves the reason open.
    Mistake {
        /// The number is not what the device or the person said.
        WrongNumber = "wrong-number",
        /// It was not taken as it should be: the cuff over a sleeve, the person moving or talking.
        Technique = "technique",
        /// The device was faulty.
        Device = "device",
        /// Its time is wrong.
        WrongTime = "wrong-time",
        /// It was a test, or somebody was shown how.
        Test = "test",
        /// The same measurement stands there twice.
        Twice = "twice",
        /// It is another person's, and nobody knows whose.
        AnotherPersons = "another-persons",
    }
}

/// Debug shows which reading, not what it said.
impl fmt::Debug for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Evidence({}, {:?})", self.reading, self.findings)
    }
}
