//! What a parameter comes to for one person at one moment, and who set it.
//!
//! Invariants: the most specific level wins, patient before team or home before footprint before the pack; a value outside
//! its safe range is refused, never moved into it; the day of its review changes no value; only what was declared temporary
//! ends by itself.

use super::{Expectations, Level, Pack, Parameter};
use crate::state::RuleKey;
use chrono::{DateTime, Utc};
use std::{collections::BTreeMap, sync::Arc};
use thiserror::Error;
use vitals::{Decimal, bounded::Text, id::StaffId};

/// A parameter set otherwise than the pack has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The pack.
    pub pack: String,
    /// The parameter's name in it.
    pub name: String,
    /// For whom.
    pub level: Level,
    /// The value, in the parameter's own unit.
    pub value: Decimal,
    /// Who set it.
    pub author: StaffId,
    /// Why; a text of nothing cannot be written.
    pub reason: Text<400>,
    /// When.
    pub at: DateTime<Utc>,
    /// When its owner is asked whether it still holds. Passing it never changes the value.
    pub review_at: DateTime<Utc>,
    /// Whether it ends by itself, and what then.
    pub temporary: Option<Temporary>,
}

/// A stretch of time after which an override no longer applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Temporary {
    /// From when it applies.
    pub from: DateTime<Utc>,
    /// From when it does not.
    pub until: DateTime<Utc>,
    /// What applies after.
    pub then: Then,
}

/// What applies after a temporary override.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// What applied without it.
    AsBefore,
    /// This value, at the same level.
    Value(Decimal),
}

impl Override {
    /// A parameter as the register has it: of a person's care plan, or of the plan of a place.
    #[must_use]
    pub fn of(own: &register::plan::Parameter, level: Level) -> Self {
        Self {
            pack: own.pack.as_str().to_owned(),
            name: own.name.as_str().to_owned(),
            level,
            value: own.value,
            author: own.author.clone(),
            reason: own.reason.clone(),
            at: own.at,
            review_at: own.review_at,
            temporary: own.temporary.as_ref().map(|span| Temporary {
                from: span.from,
                until: span.until,
                then: span.then.map_or(Then::AsBefore, Then::Value),
            }),
        }
    }
}

impl From<&register::plan::Parameter> for Override {
    /// A parameter of a person's care plan.
    fn from(own: &register::plan::Parameter) -> Self {
        Self::of(own, Level::Patient)
    }
}

/// Why a parameter may not be set so.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OverrideRefused {
    /// No such parameter.
    #[error("set a parameter: {pack} has no parameter {name}")]
    NoSuchParameter {
        /// The pack.
        pack: String,
        /// The name.
        name: String,
    },
    /// This level may not set it.
    #[error("set a parameter: {name} may not be set for a {level}")]
    NotAtThisLevel {
        /// Its name.
        name: String,
        /// The level.
        level: Level,
    },
    /// Outside the safe range of the level: a clinical lead widens the range in the protocol, or another value is chosen.
    #[error("set a parameter: {name} may be {low} to {high} for a {level}, not {value}")]
    OutOfRange {
        /// Its name.
        name: String,
        /// The level.
        level: Level,
        /// The value.
        value: Decimal,
        /// Lowest allowed.
        low: Decimal,
        /// Highest allowed.
        high: Decimal,
    },
    /// Its review is not after the day it was set.
    #[error("set a parameter: the review of {0} is not after the day it was set")]
    ReviewNotAfter(String),
    /// It ends before it begins.
    #[error("set a parameter: {0} ends before it begins")]
    EndsBeforeItBegins(String),
    /// One level sets one parameter twice.
    #[error("set a parameter: {name} is set twice for a {level}")]
    Twice {
        /// Its name.
        name: String,
        /// The level.
        level: Level,
    },
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Footprint => "footprint",
            Self::Team => "team",
            Self::Patient => "patient",
        })
    }
}

impl Override {
    /// Checks it against the pack it is for.
    ///
    /// # Errors
    /// [`OverrideRefused`] says what is wrong with it.
    pub fn check(&self, pack: &Pack) -> Result<(), OverrideRefused> {
        let name = || self.name.clone();
        let no_such = || OverrideRefused::NoSuchParameter { pack: self.pack.clone(), name: name() };
        let parameter = pack.parameters.get(&self.name).filter(|_| pack.id == self.pack).ok_or_else(no_such)?;
        self.check_value(parameter, self.value)?;
        if let Some(Temporary { from, until, then }) = self.temporary {
            if until <= from {
                return Err(OverrideRefused::EndsBeforeItBegins(name()));
            }
            if let Then::Value(then) = then {
                self.check_value(parameter, then)?;
            }
        }
        if self.review_at <= self.at {
            return Err(OverrideRefused::ReviewNotAfter(name()));
        }
        Ok(())
    }

    fn check_value(&self, parameter: &Parameter, value: Decimal) -> Result<(), OverrideRefused> {
        let (name, level) = (self.name.clone(), self.level);
        match parameter.levels.get(&level) {
            None => Err(OverrideRefused::NotAtThisLevel { name, level }),
            Some((low, high)) if value < *low || *high < value => {
                Err(OverrideRefused::OutOfRange { name, level, value, low: *low, high: *high })
            }
            Some(_) => Ok(()),
        }
    }

    /// The value it gives at a moment; none before it begins and after it has ended.
    #[must_use]
    pub fn value_at(&self, at: DateTime<Utc>) -> Option<Decimal> {
        match self.temporary {
            None => (self.at <= at).then_some(self.value),
            Some(Temporary { from, .. }) if at < from => None,
            Some(Temporary { until, .. }) if at < until => Some(self.value),
            Some(Temporary { then: Then::Value(then), .. }) => Some(then),
            Some(Temporary { then: Then::AsBefore, .. }) => None,
        }
    }

    /// Whether its owner is to be asked by now whether it still holds.
    #[must_use]
    pub fn is_to_be_reviewed(&self, at: DateTime<Utc>) -> bool {
        self.review_at <= at
    }

    /// When it ends by itself, where that is within `ahead` of a moment: so that it can be announced before.
    #[must_use]
    pub fn ends_within(&self, ahead: chrono::TimeDelta, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let until = self.temporary?.until;
        (at < until && until <= at + ahead).then_some(until)
    }
}

/// A parameter's value, and which level set it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The value, in the parameter's own unit.
    pub value: Decimal,
    /// Who set it: a level, or the pack itself.
    pub level: Option<Level>,
}

/// What a parameter comes to at a moment, and which level set it; none where neither the pack nor anybody gives a value.
/// Overrides for other parameters are passed over.
#[must_use]
pub fn setting(pack: &Pack, name: &str, overrides: &[Override], at: DateTime<Utc>) -> Option<Setting> {
    let of_it = overrides.iter().filter(|set| set.pack == pack.id && set.name == name);
    let most_specific = of_it.filter_map(|set| Some((set.level, set.value_at(at)?))).max_by_key(|(level, _)| *level);
    match most_specific {
        Some((level, value)) => Some(Setting { value, level: Some(level) }),
        None => {
            let value = pack.parameters.get(name)?.default?;
            Some(Setting { value, level: None })
        }
    }
}

/// What is set otherwise than the packs have it, for one person at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    set: BTreeMap<RuleKey, Setting>,
    /// What is expected of the person.
    pub(crate) expected: Arc<Expectations>,
}

impl Settings {
    /// What these overrides come to at a moment.
    ///
    /// # Errors
    /// The first [`OverrideRefused`]: a value that may not be set is never used, and nothing takes its place unsaid.
    pub fn new<'a>(
        packs: impl IntoIterator<Item = &'a Pack>,
        overrides: &[Override],
        at: DateTime<Utc>,
    ) -> Result<Self, OverrideRefused> {
        let mut set = BTreeMap::new();
        let packs: BTreeMap<&str, &Pack> = packs.into_iter().map(|pack| (pack.id.as_str(), pack)).collect();
        for (place, one) in overrides.iter().enumerate() {
            // An override for a protocol that is not in force waits until it is.
            let Some(pack) = packs.get(one.pack.as_str()) else { continue };
            one.check(pack)?;
            let is_same =
                |other: &&Override| (&other.pack, &other.name, other.level) == (&one.pack, &one.name, one.level);
            if overrides.iter().take(place).any(|other| is_same(&other)) {
                return Err(OverrideRefused::Twice { name: one.name.clone(), level: one.level });
            }
            if let Some(setting) = setting(pack, &one.name, overrides, at).filter(|setting| setting.level.is_some()) {
                set.insert(parameter_key(&one.pack, &one.name), setting);
            }
        }
        Ok(Self { set, expected: Arc::default() })
    }

    /// What a parameter is set to.
    #[must_use]
    pub fn get(&self, key: RuleKey) -> Option<Setting> {
        if self.set.is_empty() { None } else { self.set.get(&key).copied() }
    }
}

/// What a parameter is looked up by. No rule has a space in its key's name, so no rule has this key.
pub(super) fn parameter_key(pack: &str, name: &str) -> RuleKey {
    RuleKey::of(pack, &format!("parameter {name}"))
}
