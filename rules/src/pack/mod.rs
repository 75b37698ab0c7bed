//! A pack: a clinical protocol as data, with its sources, its parameters, its rules and its own tests.
//!
//! Invariants: closed and typed, no expression text; an unknown field is refused; what decides has a source; the
//! approvals name the content by hash, so a changed pack is not an approved pack.

mod file;
mod own_tests;
mod read;
mod signed;
mod when;

#[cfg(test)]
pub(crate) use own_tests::reading;
pub use read::{PackError, Problem};
pub use signed::{Approval, Role, SignedError, Status};
pub use when::Numbers;

use crate::{duration::Span, finding::Comparison, state::RuleKey};
use std::collections::BTreeMap;
use vitals::{Decimal, Kind, Quality, Unit, catalogue::Component, wire::v1::Urgency};

/// The format this engine reads. A pack that needs a newer one is refused whole, never read in part.
pub const ENGINE: u32 = 1;

/// Most rules in a pack.
pub const RULES_MAX: usize = 64;

/// Largest pack file, in bytes: a protocol that needs more cannot be reviewed by a person.
pub const PACK_BYTES_MAX: usize = 128 * 1024;

/// A pack that was read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pack {
    /// Its name, such as `home-blood-pressure`.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// Its version.
    pub version: String,
    /// BLAKE3 of the file's bytes, hexadecimal.
    pub content_hash: String,
    /// Whether it may only run in the demo.
    pub is_demo_only: bool,
    /// Where it comes from.
    pub sources: Vec<String>,
    /// Its parameters by name.
    pub parameters: BTreeMap<String, Parameter>,
    /// Its rules, the most urgent first: a rule may yield to one before it.
    pub rules: Vec<Rule>,
    /// Its own tests.
    pub tests: Vec<PackTest>,
}

/// A number a clinician may set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its unit.
    pub unit: Unit,
    /// Its value where nobody has set another.
    pub default: Decimal,
    /// Where each level may set it, from lowest to highest; a value outside is refused, never clamped.
    pub levels: BTreeMap<Level, (Decimal, Decimal)>,
}

/// Who may set a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For everybody in a deployment.
    Footprint,
    /// For a team or care home.
    Team,
    /// For one person.
    Patient,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name within the pack.
    pub id: String,
    /// What its memory of a person is kept under.
    pub key: RuleKey,
    /// What people call it.
    pub title: String,
    /// The measure it reads.
    pub kind: Kind,
    /// How urgent: computed from harm and onset, never typed.
    pub urgency: Urgency,
    /// When it holds.
    pub when: When,
    /// When it no longer holds, and how many readings in a row must say so.
    pub clear: (When, u32),
    /// How old a reading may be to be acted on.
    pub actionable_for: Span,
    /// How long after somebody took its alert a breach is news again, and opens another.
    pub raise_again_after: Span,
    /// The repeat measurement it asks for.
    pub retest: Option<Retest>,
    /// The rules of this pack that speak for it: where one of them holds, this one is silent.
    pub yields_to: Vec<String>,
    /// What the person is told when the alert is raised.
    pub patient_message: Option<String>,
    /// What the person is told where the reading is too old to act on.
    pub late_patient_message: Option<String>,
    /// What the clinician is told.
    pub clinician_message: String,
}

/// A repeat measurement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retest {
    /// The soonest a reading counts as the repeat.
    pub after: Span,
    /// The window from the service's receipt of the first reading.
    pub within: Span,
    /// What the person is told while the repeat is awaited; a red says everything at once and has none.
    pub prompt: Option<String>,
}

/// A condition over one reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// A number compared with a bound.
    Threshold(Threshold),
    /// At least one holds.
    Any(Vec<When>),
    /// All hold.
    All(Vec<When>),
}

/// A number compared with a bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Threshold {
    /// The component: the catalogue's own entry, so that two are the same where they stand at one place.
    pub component: &'static Component,
    /// How.
    pub comparison: Comparison,
    /// With what.
    pub bound: Bound,
    /// What the bound comes to where nobody has set the parameter otherwise, worked out once.
    pub level: Decimal,
}

/// What a number is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// A parameter, moved by a margin.
    Parameter {
        /// Its name.
        name: String,
        /// Added to it.
        margin: Decimal,
    },
    /// A number written in the pack.
    Number(Decimal),
}

/// A pack's own test: readings in, what must come of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackTest {
    /// What it shows.
    pub name: String,
    /// Readings: when, counted from the test's start, and the numbers by component.
    pub given: Vec<(Span0, Vec<(String, Decimal)>)>,
    /// What is not sure of the readings at some of these times.
    pub unsure: Vec<(Span0, Unsure)>,
    /// What must come of them, in order: when, what (`pending`, `raise`, `clear`), which rule.
    pub expect: Vec<(Span0, String, String)>,
}

/// What is not sure of a reading in a pack's own test. Where nothing is said, it comes from a device with a right clock.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unsure {
    /// What was noticed about it.
    pub quality: Quality,
    /// Nobody compared the device's clock, which dated it this long before it was heard.
    pub dated_before: Option<Span0>,
}

/// Minutes and seconds from the start of a test; may be nought.
pub type Span0 = chrono::TimeDelta;

/// A pack together with the approvals that let it run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivePack {
    pack: Pack,
    approvals: Vec<Approval>,
    /// The places of the rules on each measure, in the pack's order. The pack never changes once it is active.
    by_kind: BTreeMap<Kind, Vec<usize>>,
}

impl ActivePack {
    fn of(pack: Pack, approvals: Vec<Approval>) -> Self {
        let mut by_kind: BTreeMap<Kind, Vec<usize>> = BTreeMap::new();
        for (place, rule) in pack.rules.iter().enumerate() {
            by_kind.entry(rule.kind).or_default().push(place);
        }
        Self { pack, approvals, by_kind }
    }

    /// The rules on a measure, the most urgent first.
    pub fn rules_on(&self, kind: Kind) -> impl Iterator<Item = &Rule> {
        self.places(kind).iter().filter_map(|place| self.pack.rules.get(*place))
    }

    /// How many rules there are on a measure.
    #[must_use]
    pub fn count_on(&self, kind: Kind) -> usize {
        self.places(kind).len()
    }

    fn places(&self, kind: Kind) -> &[usize] {
        self.by_kind.get(&kind).map_or(&[], Vec::as_slice)
    }

    /// The pack.
    #[must_use]
    pub fn pack(&self) -> &Pack {
        &self.pack
    }

    /// Who approved it.
    #[must_use]
    pub fn approvals(&self) -> &[Approval] {
        &self.approvals
    }
}

/// The demo's protocol and its approvals by invented people. `ingest serve` refuses it.
///
/// # Errors
/// The mistakes in either file; a test holds that there are none.
pub fn demo_pack() -> Result<ActivePack, DemoPackError> {
    let pack = Pack::read(include_str!("../../packs/demo-home-bp.toml"))?;
    Ok(ActivePack::new(pack, include_str!("../../packs/demo-home-bp.signed.toml"))?)
}

/// Why the demo's protocol cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DemoPackError {
    /// The pack does not read.
    #[error("read the demo protocol")]
    Pack(#[from] PackError),
    /// Its approvals do not fit it.
    #[error("activate the demo protocol")]
    Approvals(#[from] SignedError),
}
