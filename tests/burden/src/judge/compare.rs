//! Equal detection: ours against the best of the comparators on the same episodes, in each class, condition and subgroup.

use super::{
    Outcome, Subgroup,
    limits::{lower_of_difference, number, per_hundred, quantile},
};
use crate::{cohort::Stratum, parameters::Class};

/// Fewest E episodes on which "none missed" says anything.
pub const E_MIN: u64 = 1000;

/// Fewest U or R episodes on which the difference says anything.
pub const OTHERS_MIN: u64 = 800;

/// How far below the best comparator the lower limit may lie, in points.
pub const MARGIN: f64 = -2.0;

/// Whom a comparison is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    /// Everybody.
    All,
    /// A condition.
    Condition(Stratum),
    /// A subgroup.
    Group(Subgroup),
}

impl Cell {
    /// Every cell of a class.
    pub fn all() -> impl Iterator<Item = Self> {
        let conditions = Stratum::ALL.into_iter().map(Self::Condition);
        [Self::All].into_iter().chain(conditions).chain(Subgroup::ALL.into_iter().map(Self::Group))
    }

    fn holds(self, outcome: &Outcome) -> bool {
        match self {
            Self::All => true,
            Self::Condition(stratum) => outcome.stratum == stratum,
            Self::Group(group) => outcome.subgroups.contains(&group),
        }
    }
}

/// What equal detection comes to in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Equal {
    /// It is met.
    Met,
    /// It is not.
    NotMet,
    /// Too few episodes to say so; what there is does not contradict it.
    TooFew,
}

/// One comparison.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Paired {
    /// Of which class.
    pub class: Class,
    /// Of whom.
    pub cell: Cell,
    /// Episodes that could be seen.
    pub episodes: u64,
    /// Share we detected, in per cent.
    pub ours: f64,
    /// Share that the better comparator detected, in per cent.
    pub theirs: f64,
    /// Its name.
    pub rival: &'static str,
    /// The lower limit of the difference, in points.
    pub lower: f64,
    /// Episodes that any comparator found and we did not.
    pub missed: u64,
    /// E episodes in which a comparator's instruction or alert was earlier than ours.
    pub later: u64,
    /// Our delay and theirs, where both detected: median and 90th percentile, in seconds.
    pub delays: Option<[(i64, i64); 2]>,
    /// What it comes to.
    pub equal: Equal,
}

/// The outcomes of one service by name.
pub type Service<'a> = (&'static str, &'a [Outcome]);

/// Compares, in every cell that has an episode. The outcomes are those of the same labels in the same order.
#[must_use]
pub fn compare(ours: &[Outcome], rivals: &[Service<'_>]) -> Vec<Paired> {
    let classes = [Class::E, Class::U, Class::R];
    classes.into_iter().flat_map(|class| Cell::all().filter_map(move |cell| one(class, cell, ours, rivals))).collect()
}

fn one(class: Class, cell: Cell, ours: &[Outcome], rivals: &[Service<'_>]) -> Option<Paired> {
    let is_in = |outcome: &Outcome| outcome.class == class && outcome.is_visible && cell.holds(outcome);
    let places: Vec<usize> = (0..ours.len()).filter(|place| ours.get(*place).is_some_and(is_in)).collect();
    let count = |outcomes: &[Outcome]| {
        let found = places.iter().filter(|place| outcomes.get(**place).is_some_and(|one| one.detected.is_some()));
        u64::try_from(found.count()).unwrap_or(u64::MAX)
    };
    let (rival, theirs) = rivals.iter().max_by_key(|(_, outcomes)| count(outcomes))?;
    let (mut only_ours, mut only_theirs, mut missed, mut later) = (0, 0, 0, 0);
    let (mut our_delays, mut their_delays) = (Vec::new(), Vec::new());
    for place in &places {
        let mine = ours.get(*place).and_then(|one| one.detected);
        let best = theirs.get(*place).and_then(|one| one.detected);
        only_ours += u64::from(mine.is_some() && best.is_none());
        only_theirs += u64::from(mine.is_none() && best.is_some());
        let others = rivals.iter().filter_map(|(_, outcomes)| outcomes.get(*place)?.detected);
        let others: Vec<_> = others.collect();
        missed += u64::from(mine.is_none() && !others.is_empty());
        if let (Some(mine), Some(best)) = (mine, best) {
            our_delays.push(mine.delay);
            their_delays.push(best.delay);
        }
        if let (Some(mine), Class::E) = (mine, class) {
            let is_later = others.iter().any(|one| one.raised_at < mine.raised_at || one.told_at < mine.told_at);
            later += u64::from(is_later);
        }
    }
    let episodes = u64::try_from(places.len()).unwrap_or(u64::MAX);
    if episodes == 0 {
        return None;
    }
    our_delays.sort_unstable();
    their_delays.sort_unstable();
    let at = |hundredths| Some((quantile(&our_delays, hundredths)?, quantile(&their_delays, hundredths)?));
    let delays = at(50).zip(at(90)).map(|(median, ninetieth)| [median, ninetieth]);
    let lower = lower_of_difference(only_ours, only_theirs, episodes);
    let is_slower = delays.is_some_and(|delays| delays.iter().any(|(mine, theirs)| mine > theirs));
    let equal = match class {
        Class::E if missed > 0 || later > 0 || is_slower => Equal::NotMet,
        Class::E if episodes < E_MIN => Equal::TooFew,
        // Too few episodes excuse a wide limit, never a difference that is itself beyond the margin.
        Class::U | Class::R
            if is_slower || 100.0 * (number(only_ours) - number(only_theirs)) / number(episodes) <= MARGIN =>
        {
            Equal::NotMet
        }
        Class::U | Class::R if episodes < OTHERS_MIN => Equal::TooFew,
        Class::U | Class::R if lower <= MARGIN => Equal::NotMet,
        Class::E | Class::U | Class::R => Equal::Met,
    };
    Some(Paired {
        class,
        cell,
        episodes,
        ours: per_hundred(count(ours), episodes),
        theirs: per_hundred(count(theirs), episodes),
        rival,
        lower,
        missed,
        later,
        delays,
        equal,
    })
}

/// The share detected, in per cent of what could be seen, and of it the informed share: less what another person's alerts
/// would have detected.
#[must_use]
pub fn detection(outcomes: &[Outcome], is_in: impl Fn(&Outcome) -> bool) -> (u64, f64, f64) {
    let visible: Vec<&Outcome> = outcomes.iter().filter(|outcome| outcome.is_visible && is_in(outcome)).collect();
    let episodes = u64::try_from(visible.len()).unwrap_or(u64::MAX);
    let found = visible.iter().filter(|outcome| outcome.detected.is_some()).count();
    let luck: u64 = visible.iter().map(|outcome| u64::from(outcome.by_luck)).sum();
    let detected = per_hundred(u64::try_from(found).unwrap_or(u64::MAX), episodes);
    let by_luck = per_hundred(luck, episodes * u64::from(super::chance::EXCHANGES));
    (episodes, detected, detected - by_luck)
}
