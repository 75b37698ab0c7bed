//! Which of our protocols are in force for whom, and with which numbers: what a clinic would set on the first day.
//!
//! Invariants: a number of a person's own follows from what a clinician knows of them on the first day (what is usual for
//! them, a target of 88 to 92%, oxygen), which is what comparator B is given; one that the protocol does not allow becomes
//! the nearest it allows, as a clinician would choose it.

use super::{NotPlayed, family::Family, written::written};
use crate::{
    calendar::Calendar,
    cohort::{Person, Signal, Stratum, moment},
};
use chrono::TimeDelta;
use rules::{
    Channel, Plan,
    pack::{ActivePack, Expectations, Level, Override, Pack, Pause, SHIPPED, Settings, Times},
};
use serde::Deserialize;
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};
use toml::{Table, Value};
use vitals::{Decimal, bounded::Text, id::StaffId};

/// The file as it lies beside the code.
pub const FILE: &str = include_str!("../../ours.toml");

/// Seconds since 1970 on which everybody's numbers were set: before the cohort's first day.
const SET_AT: i64 = 1_767_225_600;

/// What nobody waits for in a stratum, because another measure of the same sitting is waited for: by the schedules of the
/// protocol `adherence`.
const NOT_WAITED_FOR: [(Stratum, &str); 3] =
    [(Stratum::HeartFailure, "blood-pressure"), (Stratum::HeartFailure, "oxygen"), (Stratum::CareHome, "oxygen")];

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A protocol and whom it is for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct For {
    /// Its name.
    pub pack: String,
    /// For whom.
    pub strata: Vec<Stratum>,
    /// Only for people with a target of 88 to 92%, or only for those without; none for both.
    pub scale_2: Option<bool>,
    /// Why.
    pub why: String,
}

/// What a clinic sets for a person.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Own {
    /// The protocol.
    pub pack: String,
    /// The parameter.
    pub param: String,
    /// From which usual value; none where a number is meant, or the usual NEWS2.
    pub usual: Option<Signal>,
    /// Whether it is the score of the person's usual values.
    #[serde(default)]
    pub usual_news2: bool,
    /// Added to it: a decimal.
    #[serde(default)]
    pub by: Option<String>,
    /// Never above this.
    pub at_most: Option<String>,
    /// Never below this.
    pub at_least: Option<String>,
    /// Only for these.
    pub strata: Option<Vec<Stratum>>,
    /// Only for people with a target of 88 to 92%, or only for those without; none for both.
    pub scale_2: Option<bool>,
    /// Decimal places.
    #[serde(default)]
    pub places: u8,
    /// Added for each step of the curve towards more alerts.
    #[serde(default)]
    pub step: Option<String>,
    /// Why.
    pub why: String,
}

/// The file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Which protocols.
    pub protocol: Vec<For>,
    /// Which numbers.
    #[serde(default)]
    pub own: Vec<Own>,
}

impl File {
    /// Reads the file.
    ///
    /// # Errors
    /// [`NotPlayed::Protocol`] where it does not read.
    pub fn read(text: &str) -> Result<Self, NotPlayed> {
        toml::from_str(text)
            .map_err(|source| NotPlayed::Protocol { name: "ours.toml".to_owned(), source: source.into() })
    }
}

/// How our protocols are meant in a run.
#[derive(Debug, Clone, Default)]
pub struct Meant {
    /// Protocols to take in place of those we ship: their texts.
    pub packs: Option<Vec<String>>,
    /// What is in force for whom, in place of [`FILE`].
    pub own: Option<String>,
    /// Steps of the curve towards more alerts.
    pub steps: i64,
    /// What is switched off.
    pub without: Option<Family>,
}

/// Our protocols, in force.
pub struct InForce {
    file: File,
    packs: BTreeMap<String, ActivePack>,
    plans: RefCell<BTreeMap<Vec<String>, Plan>>,
    steps: i64,
    without: Option<Family>,
}

impl InForce {
    /// Puts protocols in force, approved by invented people for this run.
    ///
    /// # Errors
    /// [`NotPlayed::Protocol`] where one does not read or cannot be in force.
    pub fn new(meant: &Meant) -> Result<Self, NotPlayed> {
        let file = File::read(meant.own.as_deref().unwrap_or(FILE))?;
        let shipped = || SHIPPED.iter().map(|text| (*text).to_owned()).collect();
        let mut packs = BTreeMap::new();
        for text in meant.packs.clone().unwrap_or_else(shipped) {
            let active = active(&text, meant.without).map_err(|source| NotPlayed::Protocol {
                name: text.lines().find(|line| line.starts_with("id = ")).unwrap_or("?").to_owned(),
                source,
            })?;
            packs.extend(active.map(|active| (active.pack().id.clone(), active)));
        }
        Ok(Self { file, packs, plans: RefCell::default(), steps: meant.steps, without: meant.without })
    }

    /// Whether what people answer to questions reaches the rules.
    #[must_use]
    pub fn asks_questions(&self) -> bool {
        self.without != Some(Family::Questions)
    }

    /// Every rule, as pack/rule.
    #[must_use]
    pub fn rules(&self) -> BTreeSet<String> {
        let wanted: BTreeSet<&str> = self.file.protocol.iter().map(|one| one.pack.as_str()).collect();
        let packs = self.packs.values().map(ActivePack::pack).filter(|pack| wanted.contains(pack.id.as_str()));
        packs.flat_map(|pack| pack.rules.iter().map(|rule| format!("{}/{}", pack.id, rule.id))).collect()
    }

    /// Whether a stratum has a protocol.
    #[must_use]
    pub fn covers(&self, stratum: Stratum) -> bool {
        self.file.protocol.iter().any(|one| one.strata.contains(&stratum) && self.packs.contains_key(&one.pack))
    }

    /// What is in force for somebody; none where there is no protocol for them.
    ///
    /// # Errors
    /// [`NotPlayed::Protocol`] where their protocols cannot be in force together, or a number cannot be set.
    pub fn plan_of(&self, person: &Person) -> Result<Option<Plan>, NotPlayed> {
        let is_for = |one: &&For| {
            one.strata.contains(&person.stratum) && one.scale_2.is_none_or(|scale_2| scale_2 == person.scale_2)
        };
        let of_them: Vec<&ActivePack> =
            self.file.protocol.iter().filter(is_for).filter_map(|one| self.packs.get(&one.pack)).collect();
        if of_them.is_empty() {
            return Ok(None);
        }
        let names: Vec<String> = of_them.iter().map(|active| active.pack().id.clone()).collect();
        let refused = |source: Cause| NotPlayed::Protocol {
            name: format!("{} for {}", names.join(", "), person.stratum.name()),
            source,
        };
        let contests = |one: &&&ActivePack| {
            of_them.iter().any(|other| one.pack().id != other.pack().id && one.pack().contests(other.pack()).is_some())
        };
        if let Some(one) = of_them.iter().find(contests) {
            return Err(refused(
                format!("{} judges what another does, and neither stands beside the other", one.pack().id).into(),
            ));
        }
        let mut plans = self.plans.borrow_mut();
        if !plans.contains_key(&names) {
            let plan = Plan::new(of_them.iter().map(|active| (*active).clone()).collect(), vec![Channel::Console]);
            plans.insert(names.clone(), plan.map_err(|why| refused(why.into()))?);
        }
        let settings = self.settings(person, &of_them).map_err(refused)?;
        Ok(plans.get(&names).map(|plan| plan.with(settings)))
    }

    /// What is in force for somebody with a sensor, with the protocol's own numbers.
    ///
    /// # Errors
    /// As [`Self::plan_of`].
    pub fn plan_of_sensor(&self) -> Result<Option<Plan>, NotPlayed> {
        let is_for = |one: &&For| one.strata.contains(&Stratum::Sensor);
        let of_them = self.file.protocol.iter().filter(is_for).filter_map(|one| self.packs.get(&one.pack)).cloned();
        let packs: Vec<ActivePack> = of_them.collect();
        if packs.is_empty() {
            return Ok(None);
        }
        let refused =
            |why: rules::PlanRefused| NotPlayed::Protocol { name: "the sensor".to_owned(), source: why.into() };
        Plan::new(packs, vec![Channel::Console]).map(Some).map_err(refused)
    }

    fn settings(&self, person: &Person, packs: &[&ActivePack]) -> Result<Settings, Cause> {
        // Everything is measured in one sitting: a clinic waits for one of them, not for each.
        let nothing = Times { at: Vec::new(), days: BTreeSet::new() };
        let not_waited_for = NOT_WAITED_FOR.iter().filter(|(stratum, _)| *stratum == person.stratum);
        let mut expected = not_waited_for.fold(Expectations::default(), |expected, (_, schedule)| {
            expected.with_times("adherence", schedule, nothing.clone())
        });
        expected.pauses = pauses(person);
        if self.without == Some(Family::Own) {
            return Ok(Settings::default().expecting(expected));
        }
        let mut all: Vec<Override> = Vec::new();
        for active in packs {
            let pack = active.pack();
            for own in self.file.own.iter().filter(|own| own.pack == pack.id && own.is_for(person)) {
                let Some(value) = own.value(pack, person, self.steps)? else { continue };
                all.retain(|other| (&other.pack, &other.name) != (&own.pack, &own.param));
                all.push(Override {
                    pack: own.pack.clone(),
                    name: own.param.clone(),
                    level: Level::Patient,
                    value,
                    author: StaffId::parse("st-burden").map_err(|error| error.to_string())?,
                    reason: Text::new("Invented").map_err(|error| error.to_string())?,
                    at: moment(SET_AT),
                    review_at: moment(SET_AT) + TimeDelta::days(365),
                    temporary: None,
                });
            }
        }
        Ok(Settings::new(packs.iter().map(|active| active.pack()), &all, moment(SET_AT))?.expecting(expected))
    }
}

impl Own {
    fn is_for(&self, person: &Person) -> bool {
        self.strata.as_ref().is_none_or(|strata| strata.contains(&person.stratum))
            && self.scale_2.is_none_or(|scale_2| scale_2 == person.scale_2)
    }

    /// The number for a person, the nearest that the protocol allows; none where the person has no such usual value.
    fn value(&self, pack: &Pack, person: &Person, steps: i64) -> Result<Option<Decimal>, Cause> {
        let parameter =
            pack.parameters.get(&self.param).ok_or_else(|| format!("{} has no parameter {}", pack.id, self.param))?;
        let (low, high) =
            parameter.levels.get(&Level::Patient).ok_or_else(|| format!("{} is nobody's own", self.param))?;
        let start = match (self.usual, self.usual_news2) {
            (Some(signal), _) => person.usual(signal),
            (None, true) => usual_news2(person).map(|points| points * 1000),
            (None, false) => Some(0),
        };
        let Some(start) = start else { return Ok(None) };
        let milli = |text: &Option<String>| text.as_deref().map(in_milli).transpose();
        let mut value = start + milli(&self.by)?.unwrap_or(0) + steps * milli(&self.step)?.unwrap_or(0);
        value = value.min(milli(&self.at_most)?.unwrap_or(i64::MAX)).max(milli(&self.at_least)?.unwrap_or(i64::MIN));
        let step = 10_i64.pow(3_u32.saturating_sub(u32::from(self.places)));
        let shown = (value + step / 2).div_euclid(step);
        let exponent = -i8::try_from(self.places)?;
        let value = Decimal::from_parts(shown, exponent).ok_or("a number has no form")?;
        Ok(Some(value.clamp(*low, *high)))
    }
}

/// When nothing is expected of somebody: each run of days on which their plan pauses, as comparators are given it too.
fn pauses(person: &Person) -> Vec<Pause> {
    let calendar = Calendar::new(i64::try_from(person.paused.len()).unwrap_or(0));
    let mut pauses: Vec<Pause> = Vec::new();
    for day in (0..).zip(&person.paused).filter(|(_, is_paused)| **is_paused).map(|(day, _)| day) {
        let (from, until) = (moment(calendar.start(day)), Some(moment(calendar.start(day + 1))));
        match pauses.last_mut() {
            Some(pause) if pause.until == Some(from) => pause.until = until,
            Some(_) | None => pauses.push(Pause { from, until }),
        }
    }
    pauses
}

fn in_milli(text: &str) -> Result<i64, Cause> {
    let milli = || {
        let (mantissa, scale) = Decimal::parse(text).ok()?.to_parts();
        mantissa.checked_mul(10_i64.checked_pow(3_u32.checked_sub(scale)?)?)
    };
    milli().ok_or_else(|| format!("{text} is no decimal of three places").into())
}

/// NEWS2 of what is usual for somebody, as a care home records it when they are well (Royal College of Physicians, NEWS2,
/// 2017, Chart 1). None for whom not all of it is known.
fn usual_news2(person: &Person) -> Option<i64> {
    let of = |signal| person.usual(signal).map(|milli| (milli + 500) / 1000);
    let saturation = of(Signal::Saturation)?;
    let mut points = match of(Signal::Breaths)? {
        ..=8 | 25.. => 3,
        9..=11 => 1,
        12..=20 => 0,
        21..=24 => 2,
    };
    points += match (person.scale_2, person.on_oxygen, saturation) {
        (false, _, ..=91) | (true, _, ..=83) | (true, true, 97..) => 3,
        (false, _, 92..=93) | (true, _, 84..=85) | (true, true, 95..=96) => 2,
        (false, _, 94..=95) | (true, _, 86..=87) | (true, true, 93..=94) => 1,
        (false, _, 96..) | (true, _, 88..) => 0,
    };
    points += if person.on_oxygen { 2 } else { 0 };
    points += match of(Signal::Systolic)? {
        ..=90 | 220.. => 3,
        91..=100 => 2,
        101..=110 => 1,
        111..=219 => 0,
    };
    points += match of(Signal::Pulse)? {
        ..=40 | 131.. => 3,
        111..=130 => 2,
        41..=50 | 91..=110 => 1,
        51..=90 => 0,
    };
    points += match (person.usual(Signal::Temperature)? + 50) / 100 {
        ..=350 => 3,
        351..=360 | 381..=390 => 1,
        361..=380 => 0,
        391.. => 2,
    };
    Some(points)
}

/// A protocol in force as it would be after a footprint has edited, confirmed and approved it; none where a family that is
/// off leaves nothing of it.
fn active(text: &str, without: Option<Family>) -> Result<Option<ActivePack>, Cause> {
    let mut table: Table = text.parse()?;
    // Its own tests name what it does as it is.
    table.remove("test");
    if let Some(head) = table.get_mut("pack").and_then(Value::as_table_mut) {
        head.remove("draft");
    }
    if let Some(family) = without {
        family.leave_out(&mut table);
    }
    if table.get("rule").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        return Ok(None);
    }
    let pack = Pack::read(&written(&table))?;
    let mut approvals = format!(
        "pack = \"{}\"\nversion = \"{}\"\ncontent_hash = \"{}\"\nstatus = \"approved\"\n",
        pack.id, pack.version, pack.content_hash
    );
    for (role, name) in [("author", "A"), ("clinical_lead", "B"), ("safety_officer", "C")] {
        approvals += &format!("[[approval]]\nrole = \"{role}\"\nname = \"Invented {name}\"\n");
    }
    approvals += "[confirmed]\n";
    for (name, value) in pack.parameters.iter().filter_map(|(name, one)| Some((name, one.default?))) {
        approvals += &format!("{name} = \"{value}\"\n");
    }
    Ok(Some(ActivePack::new(pack, &approvals)?))
}
