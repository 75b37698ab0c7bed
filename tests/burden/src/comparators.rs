//! What we are compared with: A, published fixed thresholds; B, thresholds set to each person's usual values with one repeat.
//!
//! Both open one alert a rule, which ends with the first reading back in range; while it is open, a breach on another day
//! is told again. Both put somebody of whom nothing came for a day into a list of calls the morning after.

use crate::{
    calendar::{Calendar, DAY},
    cohort::{Cohort, Person, Reading, Stratum},
    lines::{Alert, Fate, Priority, Prompt, Stream, Touch},
    staff::taken_at,
    thresholds::{Judged, Threshold},
};
use std::collections::{BTreeMap, BTreeSet};

/// The reading that came of a repeat of the reading at a place.
const REPEATS: u32 = crate::cohort::REPEATS_FROM;

/// How long B waits for a repeat before it raises without one.
const REPEAT_WINDOW: i64 = 15 * 60;

/// When, in the morning, people are called of whom nothing came the day before: seconds of the day.
const CALLS_AT: i64 = 10 * 3600;

/// Which comparator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparator {
    /// Published fixed thresholds.
    A,
    /// Thresholds from usual values, with one repeat.
    B,
}

impl Comparator {
    fn prefix(self) -> &'static str {
        match self {
            Self::A => "a/",
            Self::B => "b/",
        }
    }
}

/// Plays a comparator over a cohort. `wider` moves every bound towards the usual value, in thousandths of its distance: the
/// setting of the curve, 0 as published.
#[must_use]
pub fn play(comparator: Comparator, judged: &Judged, cohort: &Cohort, wider: i64) -> Stream {
    let mut stream = Stream::default();
    for person in &cohort.people {
        let of_person =
            |threshold: &&Threshold| threshold.rule.starts_with(comparator.prefix()) && threshold.is_for(person);
        let thresholds: Vec<&Threshold> = judged.thresholds.iter().filter(of_person).collect();
        let mut playing = Playing { comparator, cohort, person, thresholds: &thresholds, wider, stream: &mut stream };
        playing.readings();
        playing.nothing_received();
    }
    stream
}

struct Playing<'a> {
    comparator: Comparator,
    cohort: &'a Cohort,
    person: &'a Person,
    thresholds: &'a [&'a Threshold],
    wider: i64,
    stream: &'a mut Stream,
}

impl Playing<'_> {
    fn readings(&mut self) {
        let mut open: BTreeMap<usize, usize> = BTreeMap::new();
        let mut weights: Vec<(i64, i64)> = Vec::new();
        let cohort = self.cohort;
        for (place, reading) in cohort.readings_of(self.person.number) {
            let asked_once = &mut None;
            for (number, threshold) in self.thresholds.iter().enumerate() {
                let Some(value) = reading.value(threshold.signal) else { continue };
                let is_breached = self.is_breached(threshold, value, reading, &weights);
                match (open.get(&number).copied(), is_breached) {
                    (None, true) => {
                        if let Some(opened) = self.breach(threshold, place, reading, &weights, asked_once) {
                            open.insert(number, opened);
                        }
                    }
                    (Some(alert), true) => self.again(alert, reading.arrived, &cohort.calendar),
                    (Some(alert), false) => {
                        if let Some(alert) = self.stream.alerts.get_mut(alert) {
                            alert.cleared_at = Some(reading.arrived.max(alert.raised_at));
                        }
                        open.remove(&number);
                    }
                    (None, false) => {}
                }
            }
            if reading.kind == crate::cohort::Kind::Weight {
                weights.push((reading.taken, reading.values.first().copied().map_or(0, i64::from)));
            }
        }
    }

    fn is_breached(&self, threshold: &Threshold, value: i64, reading: &Reading, weights: &[(i64, i64)]) -> bool {
        match threshold.rise_in_days {
            Some(days) => {
                let from = reading.taken - days * DAY - DAY / 2;
                let lowest =
                    weights.iter().rev().take_while(|(taken, _)| *taken >= from).map(|(_, weight)| *weight).min();
                lowest.is_some_and(|lowest| threshold.is_breached(value - lowest, 0, self.wider))
            }
            None => {
                let usual = self.person.usual(threshold.signal).unwrap_or(value);
                threshold.is_breached(value, usual, self.wider)
            }
        }
    }

    /// A first breach: told at once by A, after a repeat by B. Gives back the place of the alert where one opened.
    fn breach(
        &mut self,
        threshold: &Threshold,
        place: u32,
        reading: &Reading,
        weights: &[(i64, i64)],
        asked: &mut Option<Option<Reading>>,
    ) -> Option<usize> {
        let (mut raised_at, mut evidence, mut fate) = (reading.arrived, vec![Some(place)], Fate::Shown);
        if self.comparator == Comparator::B && reading.kind.can_be_repeated() {
            // Somebody is asked once for each reading, whichever rules it breaches.
            if asked.is_none() {
                self.tell(Priority::Medium, reading.arrived, false);
                *asked = Some(self.cohort.repeat(place, reading.arrived));
                if self.person.stratum == Stratum::CareHome {
                    // A carer measures outside the round.
                    self.stream.touches.push((self.person.number, Touch::CarerPrompt, reading.arrived));
                }
            }
            match asked.clone().flatten() {
                None => raised_at = reading.arrived + REPEAT_WINDOW,
                Some(repeat) => {
                    let value = repeat.value(threshold.signal)?;
                    if !self.is_breached(threshold, value, &repeat, weights) {
                        fate = Fate::Settled;
                    }
                    raised_at = repeat.arrived;
                    evidence.push(Some(place | REPEATS));
                    self.stream.repeats.insert(place, repeat);
                }
            }
        }
        let is_shown = fate == Fate::Shown;
        if is_shown && threshold.priority == Priority::High {
            self.tell(Priority::High, raised_at, true);
        }
        self.stream.alerts.push(Alert {
            person: self.person.number,
            rule: threshold.rule.clone(),
            priority: threshold.priority,
            raised_at,
            cleared_at: if is_shown { None } else { Some(raised_at) },
            taken_at: is_shown.then(|| taken_at(threshold.priority, raised_at, &self.cohort.calendar)),
            late: reading.arrived - reading.taken > 1800,
            evidence,
            fate,
            again: Vec::new(),
        });
        is_shown.then(|| self.stream.alerts.len() - 1)
    }

    /// A breach while the alert is open: told again on another day.
    fn again(&mut self, alert: usize, at: i64, calendar: &Calendar) {
        let Some(alert) = self.stream.alerts.get_mut(alert) else { return };
        let last = alert.again.last().map_or(alert.raised_at, |(_, told)| *told);
        if calendar.day_of(at) > calendar.day_of(last) {
            alert.again.push((Touch::Repeat, at));
        }
    }

    fn tell(&mut self, priority: Priority, at: i64, says_999: bool) {
        let is_told =
            |known: &&Prompt| known.person == self.person.number && known.at == at && known.priority == priority;
        if self.stream.prompts.iter().rev().take(4).find(is_told).is_none() {
            self.stream.prompts.push(Prompt { person: self.person.number, at, priority, says_999 });
        }
    }

    /// Somebody of whom nothing came on a day on which something was due is on the list of the next morning, once until
    /// something comes.
    fn nothing_received(&mut self) {
        let calendar = &self.cohort.calendar;
        let came: BTreeSet<i64> =
            self.cohort.readings_of(self.person.number).map(|(_, reading)| calendar.day_of(reading.arrived)).collect();
        let mut is_on_list = false;
        for day in 0..self.cohort.days {
            if came.contains(&day) {
                is_on_list = false;
            } else if !self.person.is_paused(day) && !is_on_list {
                is_on_list = true;
                let raised_at = calendar.at(day + 1, CALLS_AT);
                self.stream.alerts.push(Alert {
                    person: self.person.number,
                    rule: format!("{}nothing-received", self.comparator.prefix()),
                    priority: Priority::Medium,
                    raised_at,
                    cleared_at: None,
                    taken_at: Some(taken_at(Priority::Medium, raised_at, calendar)),
                    late: false,
                    evidence: Vec::new(),
                    fate: Fate::Shown,
                    again: Vec::new(),
                });
            }
        }
    }
}
