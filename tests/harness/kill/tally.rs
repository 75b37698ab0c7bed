//! What came of many runs, added up.

use super::{points::Point, run::Run};
use std::{collections::BTreeMap, fmt};

/// What came of many runs with one program.
#[derive(Debug, Default)]
pub struct Tally {
    /// Runs with a kill.
    pub kills: usize,
    /// Kills with an acknowledgement before and one after them, counted in the histories.
    pub between: usize,
    /// How often the service killed itself at each point, and 0 where it never came there.
    pub at_points: BTreeMap<Point, usize>,
    /// Readings acknowledged, in all runs.
    pub acknowledged: usize,
    /// Runs whose history does not hold, right after the kill or at the end.
    pub caught: usize,
    /// Readings acknowledged and in no store, at the end of all runs.
    pub lost: usize,
    /// Readings stored twice, at the end of all runs.
    pub duplicated: usize,
    /// Kills that caught a reading stored and not yet acknowledged.
    pub after_commit: usize,
    /// Kills that caught a reading sent and not yet stored.
    pub before_commit: usize,
    /// Stores that `ingest verify` found sound, after the last check of their run.
    pub sound: usize,
    /// Everything that was broken, each with its run.
    pub broken: Vec<String>,
}

impl Tally {
    /// Adds a run, and what it decided otherwise than a run without a kill.
    pub(super) fn add(&mut self, which: &str, run: &Run, expected: &[String]) {
        self.kills += usize::from(run.was_killed);
        self.between += usize::from(run.was_killed && run.is_between());
        self.acknowledged += run.at_end.acked;
        self.caught += usize::from(!run.holds());
        self.lost += run.at_end.lost.len();
        self.duplicated += run.at_end.duplicated.len();
        self.after_commit += usize::from(run.right_after.unknown_present > 0);
        self.before_commit += usize::from(run.right_after.unknown_absent > 0);
        self.sound += usize::from(run.is_sound);
        for (when, verdict) in [("right after the kill", &run.right_after), ("at the end", &run.at_end)] {
            if !verdict.holds() {
                self.broken.push(format!("{which}, {when}: {verdict}"));
            }
        }
        self.broken.extend(run.broken.iter().map(|broken| format!("{which}, {broken}")));
        let otherwise = run
            .decided
            .iter()
            .filter(|line| !expected.contains(line))
            .chain(expected.iter().filter(|line| !run.decided.contains(line)));
        self.broken.extend(otherwise.map(|line| format!("{which}, differs from the run without a kill: {line}")));
    }

    /// Notes whether a run's kill fell at its point.
    pub(super) fn count(&mut self, point: Point, run: &Run) {
        *self.at_points.entry(point).or_default() += usize::from(run.was_killed);
    }

    /// Adds another tally.
    pub fn join(&mut self, other: Self) {
        let Self {
            kills,
            between,
            at_points,
            acknowledged,
            caught,
            lost,
            duplicated,
            after_commit,
            before_commit,
            sound,
            mut broken,
        } = other;
        for (point, kills) in at_points {
            *self.at_points.entry(point).or_default() += kills;
        }
        for (mine, theirs) in [
            (&mut self.kills, kills),
            (&mut self.between, between),
            (&mut self.acknowledged, acknowledged),
            (&mut self.caught, caught),
            (&mut self.lost, lost),
            (&mut self.duplicated, duplicated),
            (&mut self.after_commit, after_commit),
            (&mut self.before_commit, before_commit),
            (&mut self.sound, sound),
        ] {
            *mine += theirs;
        }
        self.broken.append(&mut broken);
    }

    /// How often the service killed itself at each point, in one line.
    #[must_use]
    pub fn points(&self) -> String {
        let kills: Vec<String> =
            self.at_points.iter().map(|(point, kills)| format!("{} {kills}", point.name())).collect();
        kills.join(", ")
    }
}

/// As the summary of a gate says it, with a genuine store.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, between, at_points, acknowledged, lost, duplicated, sound, .. } = self;
        write!(
            f,
            "kills {kills}, {} of them at steps of a commit, between first and last acknowledgement {between}, \
             acknowledged {acknowledged}, lost {lost}, duplicated {duplicated}; `ingest verify`: {sound} stores are sound",
            at_points.values().sum::<usize>()
        )
    }
}
