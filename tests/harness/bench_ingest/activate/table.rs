//! The figures of an activation as a table that people read, and by name.

use super::{super::stats::Spread, phase::Phase};
use crate::bench::Figures;
use std::{collections::BTreeMap, fmt, time::Duration};

/// The most that the time from a reading to its alert may be at p99, whatever is put in force, in milliseconds.
const TOLD_MS_MAX: f64 = 2_000.0;

/// What was measured.
#[derive(Debug)]
pub struct Activation {
    pub(super) machine: String,
    pub(super) filesystem: String,
    pub(super) load: (String, String),
    pub(super) people: usize,
    pub(super) rate: f64,
    /// How long the answer took to the word that puts it in force.
    pub(super) put: Duration,
    pub(super) phases: [(&'static str, Phase); 3],
    pub(super) probe: Spread,
}

/// A column: its heading, the figure's name, and the figure in milliseconds.
type Column = (&'static str, &'static str, fn(&Phase) -> f64);

const COLUMNS: [Column; 6] = [
    ("shown p50", "shown_p50_ms", |phase| phase.shown.micros(50) / 1e3),
    ("p99", "shown_p99_ms", |phase| phase.shown.micros(99) / 1e3),
    ("slowest", "shown_slowest_ms", |phase| phase.shown.micros(100) / 1e3),
    ("told p50", "told_p50_ms", |phase| phase.told.micros(50) / 1e3),
    ("p99", "told_p99_ms", |phase| phase.told.micros(99) / 1e3),
    ("slowest", "told_slowest_ms", |phase| phase.told.micros(100) / 1e3),
];

impl Activation {
    fn probe_ms(&self, of_a_hundred: usize) -> f64 {
        self.probe.micros(of_a_hundred) / 1e3
    }
}

impl Figures for Activation {
    fn named(&self) -> BTreeMap<String, f64> {
        let mut named: BTreeMap<String, f64> = BTreeMap::new();
        for (of, phase) in &self.phases {
            named.extend(COLUMNS.map(|(_, name, figure)| (format!("{of}_{name}"), figure(phase))));
            named.insert(format!("{of}_told_p99_to_probe"), phase.told.micros(99) / self.probe.micros(99));
            named.insert(format!("{of}_alerts"), f64::from(u32::try_from(phase.alerts).unwrap_or(u32::MAX)));
            named.insert(format!("{of}_rules_per_reading"), phase.rules_a_reading);
        }
        named.insert("put_ms".to_owned(), self.put.as_secs_f64() * 1e3);
        named.insert("probe_p50_ms".to_owned(), self.probe_ms(50));
        named.insert("probe_p99_ms".to_owned(), self.probe_ms(99));
        named
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}; {}; load {} before, {} after", self.machine, self.filesystem, self.load.0, self.load.1)?;
        writeln!(
            f,
            "{} people whose care plan names the protocol; {} readings a second, each in a request of its own; put in force \
             in {:.1} ms",
            self.people,
            self.rate,
            self.put.as_secs_f64() * 1e3
        )?;
        write!(f, "{:<8}{:>9}{:>8}{:>7}", "ms", "readings", "alerts", "rules")?;
        COLUMNS.iter().try_for_each(|(heading, ..)| write!(f, "{heading:>11}"))?;
        writeln!(f, "{:>11}", "p99 ×")?;
        for (of, phase) in &self.phases {
            write!(f, "{of:<8}{:>9}{:>8}{:>7.1}", phase.readings, phase.alerts, phase.rules_a_reading)?;
            COLUMNS.iter().try_for_each(|(_, _, figure)| write!(f, "{:>11.2}", figure(phase)))?;
            writeln!(f, "{:>11.2}", phase.told.micros(99) / self.probe.micros(99))?;
        }
        let worst = self.phases.iter().map(|(_, phase)| phase.told.micros(99) / 1e3).fold(0.0, f64::max);
        let reached = if worst <= TOLD_MS_MAX { "reached" } else { "not reached" };
        writeln!(
            f,
            "at most {TOLD_MS_MAX:.0} ms from reading to alert at p99, whatever is put in force: {worst:.2}, {reached}"
        )?;
        write!(
            f,
            "shown: from when the reading was due to its receipt, which names the alert; told: to the notification; probe: 4 KiB \
             appended and synced, {:.2} ms at p50 and {:.2} at p99",
            self.probe_ms(50),
            self.probe_ms(99)
        )
    }
}
