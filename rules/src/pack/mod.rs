//! A pack: a clinical protocol as data, with its sources, its parameters, its rules and its own tests.
//!
//! Invariants: closed and typed, no expression text; an unknown field is refused; what decides has a source; the
//! approvals name the content by hash, so a changed pack is not an approved pack.

mod conditions;
mod expected;
mod file;
mod how;
mod item;
mod looks_back;
pub mod operator;
mod own_tests;
mod parameter;
mod postural;
mod problem;
mod provenance;
mod questions;
mod read;
mod schedule;
pub mod score;
mod score_test;
mod scores;
mod signed;
mod when;

pub(crate) use expected::Waited;
pub use expected::{Asked, Day, Expectations, Pause, Times};
pub use item::{Item, Stance};
#[cfg(test)]
pub(crate) use own_tests::reading;
pub use parameter::{Override, OverrideRefused, Setting, Settings, Temporary, Then, setting};
pub use postural::Postural;
pub use problem::{PackError, Problem};
pub use provenance::Provenance;
pub use questions::{AskedQuestion, QUESTIONS_MAX};
pub use schedule::{Missing, Schedule, Stale};
use score::{OnlyIf, Part, Points, Score, Table};
pub use score_test::{KnownScores, ScoreTest};
pub use signed::{Approval, Role, SignedError, Status};
pub use when::{Among, Bound, For, Limit, Numbers, Over, Said, Source, Threshold, View, When};

use crate::{
    alert::Audience,
    duration::Span,
    state::{READINGS_MAX, RuleKey, SeriesKey},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use vitals::{Decimal, Flag, Kind, Quality, Unit, wire::v1::Urgency};

/// The format this engine reads. A pack that needs a newer one is refused whole, never read in part. 2 brought the operators
/// that look back, scores, and parameters without a default.
pub const ENGINE: u32 = 2;

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
    /// The format it needs.
    pub engine_min: u32,
    /// Whether it may only run in the demo.
    pub is_demo_only: bool,
    /// Whether it says of itself that it is a draft: then no approval can put it in force as it stands.
    pub is_draft: bool,
    /// Whether it is on trial: it judges every reading, and nobody is told.
    pub is_on_trial: bool,
    /// Protocols that may judge the same measures of one person: who reviews the pack reviews that too.
    pub beside: Vec<String>,
    /// Whether it may only ever be on trial: what it looks for, no published protocol does.
    pub is_for_trials: bool,
    /// Whom its alerts are for.
    pub audience: Audience,
    /// What the person is asked with a reading.
    pub questions: Vec<AskedQuestion>,
    /// Where it comes from.
    pub sources: Vec<String>,
    /// Its parameters by name.
    pub parameters: BTreeMap<String, Parameter>,
    /// Its scores.
    pub scores: Vec<Arc<Score>>,
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
    /// Its value where nobody has set another; none where somebody must, and what compares with it is not known until then.
    pub default: Option<Decimal>,
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
    /// The measures whose readings it is asked about.
    pub kinds: BTreeSet<Kind>,
    /// Whose numbers it takes.
    pub provenance: Provenance,
    /// What must be kept for it; nothing where it does not look back.
    pub needs: Vec<Need>,
    /// How far back it looks, in seconds: its horizon. Values are kept for twice as long, so that a late reading finds its
    /// place.
    pub reach: i64,
    /// What asking it costs, as the budget of a decision counts.
    pub cost: usize,
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
    /// What is done where its reading came too late to act on.
    pub late: Late,
    /// How long after it last held it stands, whatever is measured in between.
    pub keep_firing: Option<Span>,
    /// Whether it waits for readings that do not come: then no reading opens its alert, and time does.
    pub waits: bool,
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

/// What is done where a reading came too late to act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    /// An alert like any other.
    Alert,
    /// An alert that is marked late.
    AlertAsLate,
    /// It is kept with its reading, and opens nothing.
    RecordOnly,
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

/// Values that must be kept for an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// Of what.
    pub item: Item,
    /// Readings with one of these flags are left out.
    pub without: Vec<Flag>,
    /// Under what they are kept.
    pub key: SeriesKey,
    /// How far back the operator looks, in seconds.
    pub span: i64,
}

impl Need {
    /// How long its values are kept, in seconds.
    #[must_use]
    pub fn kept_secs(&self) -> i64 {
        looks_back::kept_secs(self.span)
    }
}

/// What a reading in a pack's own test says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// A number, in the unit the measure catalogue has for it.
    Number(Decimal),
    /// A word.
    Word(String),
}

/// A pack's own test: readings in, what must come of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackTest {
    /// What it shows.
    pub name: String,
    /// Readings: when, counted from the test's start, and what they say by component.
    pub given: Vec<(Span0, Vec<(String, Given)>)>,
    /// What is not sure of the readings at some of these times.
    pub unsure: Vec<(Span0, Unsure)>,
    /// Parameters set for the person, by name.
    pub set: Vec<(String, Decimal)>,
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
    pack: Arc<Pack>,
    approvals: Vec<Approval>,
    /// The places of the rules on each measure, in the pack's order, and what asking them costs. The pack never changes
    /// once it is active.
    by_kind: Arc<BTreeMap<Kind, (Vec<usize>, usize)>>,
}

impl ActivePack {
    pub(crate) fn of(pack: Pack, approvals: Vec<Approval>) -> Self {
        // What may only be on trial is never anything else, whoever approved it.
        let pack = if pack.is_for_trials { pack.on_trial() } else { pack };
        let mut by_kind: BTreeMap<Kind, (Vec<usize>, usize)> = BTreeMap::new();
        for (place, rule) in pack.rules.iter().enumerate() {
            for kind in &rule.kinds {
                let (places, cost) = by_kind.entry(*kind).or_default();
                places.push(place);
                *cost = cost.saturating_add(rule.cost);
            }
        }
        Self { pack: Arc::new(pack), approvals, by_kind: Arc::new(by_kind) }
    }

    /// The same on trial: it judges, nobody is told, and what it remembers of a person is its own, so that two versions of one
    /// protocol can be compared on the same readings.
    #[must_use]
    pub fn on_trial(&self) -> Self {
        let pack = (*self.pack).clone().on_trial();
        Self::of(pack, self.approvals.clone())
    }

    /// The rules on a measure, the most urgent first.
    pub fn rules_on(&self, kind: Kind) -> impl Iterator<Item = &Rule> {
        self.places(kind).iter().filter_map(|place| self.pack.rules.get(*place))
    }

    /// What asking the rules on a measure costs, as the budget of a decision counts.
    #[must_use]
    pub fn cost_on(&self, kind: Kind) -> usize {
        self.by_kind.get(&kind).map_or(0, |(_, cost)| *cost)
    }

    fn places(&self, kind: Kind) -> &[usize] {
        self.by_kind.get(&kind).map_or(&[], |(places, _)| places)
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

impl Pack {
    fn on_trial(mut self) -> Self {
        if self.is_on_trial {
            return self;
        }
        self.is_on_trial = true;
        let name = format!("{} on trial {}", self.id, self.content_hash);
        for rule in &mut self.rules {
            rule.key = RuleKey::of(&name, &rule.id);
        }
        self
    }

    /// A measure that both judge although neither says that it may stand beside the other: then one person cannot have both.
    ///
    /// ```
    /// use rules::pack::{Pack, SHIPPED};
    /// let pack = |id: &str| SHIPPED.iter().filter_map(|text| Pack::read(text).ok()).find(|pack| pack.id == id).unwrap();
    /// let (copd, at_home) = (pack("copd-oximetry"), pack("oximetry-at-home"));
    /// assert!(copd.contests(&at_home).is_some(), "one oximetry plan a person");
    /// ```
    #[must_use]
    pub fn contests(&self, other: &Self) -> Option<Kind> {
        if self.audience != other.audience || self.beside.contains(&other.id) || other.beside.contains(&self.id) {
            return None;
        }
        let mut kinds = self.rules.iter().flat_map(|rule| &rule.kinds);
        kinds.find(|kind| other.rules.iter().any(|rule| rule.kinds.contains(kind))).copied()
    }

    /// Whether the two are one: the same content, and both on trial or both not.
    #[must_use]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (self.is_on_trial, &self.content_hash) == (other.is_on_trial, &other.content_hash)
    }

    /// Whether an alert was made by this protocol: in this or an earlier version where it is in force, in this version where
    /// it is on trial.
    #[must_use]
    pub(crate) fn made(&self, alert: &crate::alert::Alert) -> bool {
        let is_of_trial = alert.audience == crate::alert::Audience::Nobody;
        let is_of_version = !self.is_on_trial || alert.made_by.content_hash == self.content_hash;
        alert.made_by.pack == self.id && is_of_trial == self.is_on_trial && is_of_version
    }
}

/// The protocols we ship, as they stand in the source: drafts all of them, which a footprint edits, confirms and approves.
pub const SHIPPED: [&str; 9] = [
    include_str!("../../packs/adherence.toml"),
    include_str!("../../packs/copd-oximetry.toml"),
    include_str!("../../packs/diabetes.toml"),
    include_str!("../../packs/equipment.toml"),
    include_str!("../../packs/heart-failure.toml"),
    include_str!("../../packs/home-blood-pressure.toml"),
    include_str!("../../packs/news2.toml"),
    include_str!("../../packs/oximetry-at-home.toml"),
    include_str!("../../packs/vital-signs.toml"),
];

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
