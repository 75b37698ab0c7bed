//! What came of many cuts, in one line for each file system.

use super::volume::FileSystem;
use std::fmt;

/// What came of the cuts of one store on one file system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cuts {
    /// How many.
    pub cuts: u32,
    /// Those of them that fell while the service started.
    pub while_starting: u32,
    /// Readings acknowledged before a cut.
    pub acknowledged: usize,
    /// Readings acknowledged before a cut, and not there after it.
    pub lost: usize,
    /// Readings there twice, or stored twice.
    pub duplicated: usize,
    /// Cuts that caught a reading sent and not stored.
    pub before_commit: usize,
    /// Cuts that caught a reading stored and not acknowledged.
    pub after_commit: usize,
    /// Readings beyond a limit, each of another person, that are stored.
    pub breaches: usize,
    /// Alerts that are there for them.
    pub alerts: usize,
    /// Stores that `ingest verify` found sound, after their last cut and everything offered again.
    pub sound: u32,
    /// Everything that was broken.
    pub broken: Vec<String>,
}

/// What came of one file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Which.
    pub file_system: FileSystem,
    /// How many cuts were asked for.
    pub wanted: u32,
    /// With the genuine store.
    pub genuine: Cuts,
    /// With the store that does not sync its commits.
    pub planted: Cuts,
}

impl Summary {
    /// Whether every promise was kept, in all cuts, and the planted store was caught.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.broken().is_empty()
    }

    /// Everything that is wrong, in words.
    #[must_use]
    pub fn broken(&self) -> Vec<String> {
        let Self { file_system, wanted, genuine, planted } = self;
        let mut broken: Vec<String> =
            genuine.broken.iter().map(|broken| format!("{}: {broken}", file_system.name())).collect();
        for (is_wrong, what) in [
            (planted.lost == 0, "the planted store was not caught"),
            (genuine.cuts < *wanted, "not all cuts were made"),
            (*wanted > 0 && genuine.acknowledged == 0, "nothing was acknowledged before a cut"),
            (*wanted > 0 && genuine.breaches == 0, "no breach was stored"),
            (genuine.lost > 0, "acknowledged readings were lost"),
            (genuine.duplicated > 0, "readings were stored twice"),
            (genuine.alerts != genuine.breaches, "not every breach has one alert"),
            (*wanted > 0 && genuine.sound == 0, "no store was found sound at its end"),
        ] {
            if is_wrong {
                broken.push(format!("{}: {what}", file_system.name()));
            }
        }
        broken
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file_system, genuine, planted, .. } = self;
        let Cuts { cuts, while_starting, acknowledged, lost, duplicated, breaches, alerts, sound, .. } = genuine;
        write!(
            f,
            "{}: power cuts {cuts} ({while_starting} while starting, {} between a reading and its commit, {} between a \
             commit and its answer), acknowledged {acknowledged}, lost {lost}, duplicated {duplicated}, breaches \
             {breaches}, alerts {alerts}; `ingest verify`: {sound} stores are sound; planted synchronous=NORMAL: lost {} in {} cuts",
            file_system.name(),
            genuine.before_commit,
            genuine.after_commit,
            planted.lost,
            planted.cuts
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_broken_promise_or_a_planted_store_that_was_not_caught_is_not_good() {
        let genuine = Cuts { cuts: 2, acknowledged: 9, breaches: 3, alerts: 3, sound: 1, ..Cuts::default() };
        let planted = Cuts { cuts: 1, lost: 4, ..Cuts::default() };
        let good = Summary { file_system: FileSystem::Ext4, wanted: 2, genuine: genuine.clone(), planted };
        assert!(good.is_good(), "{:?}", good.broken());
        let with = |genuine: Cuts| Summary { genuine, ..good.clone() };
        for bad in [
            Summary { planted: Cuts::default(), ..good.clone() },
            with(Cuts { cuts: 1, ..genuine.clone() }),
            with(Cuts { acknowledged: 0, ..genuine.clone() }),
            with(Cuts { breaches: 0, alerts: 0, ..genuine.clone() }),
            with(Cuts { lost: 1, ..genuine.clone() }),
            with(Cuts { duplicated: 1, ..genuine.clone() }),
            with(Cuts { alerts: 2, ..genuine.clone() }),
            with(Cuts { sound: 0, ..genuine.clone() }),
            with(Cuts { broken: vec!["something".to_owned()], ..genuine.clone() }),
        ] {
            assert_eq!(bad.broken().len(), 1, "{bad:?}");
        }
    }
}
