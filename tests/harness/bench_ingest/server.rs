//! The service under the bench, seen from outside: a process with what it counted and the CPU time it took.

use super::machine;
use crate::{
    ingest_process::IngestProcess,
    signed_client::Call,
    trouble::{Doing, Trouble},
};
use std::{net::SocketAddr, path::Path, time::Duration};

/// How much the service logs: what it logs where nobody says otherwise.
const LOG: &str = "info";

/// What a service has counted since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Requests whose signature was verified.
    pub(super) signatures: u64,
    /// Readings that the rules judged.
    pub(super) judged: u64,
    /// Rules evaluated, all readings together.
    pub(super) rules: u64,
    /// Alerts made or changed.
    pub(super) alerts: u64,
}

impl Counts {
    /// What `/metrics` says.
    fn read(text: &str) -> Result<Self, Trouble> {
        Ok(Self {
            signatures: total(text, "ingest_signatures_verified_total")?,
            judged: total(text, "ingest_readings_total{outcome=\"judged\"}")?,
            rules: total(text, "ingest_rules_evaluated_total")?,
            alerts: total(text, "ingest_alert_changes_total{")?,
        })
    }

    pub(super) fn since(self, before: Self) -> Self {
        Self {
            signatures: self.signatures.saturating_sub(before.signatures),
            judged: self.judged.saturating_sub(before.judged),
            rules: self.rules.saturating_sub(before.rules),
            alerts: self.alerts.saturating_sub(before.alerts),
        }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            signatures: self.signatures + other.signatures,
            judged: self.judged + other.judged,
            rules: self.rules + other.rules,
            alerts: self.alerts + other.alerts,
        }
    }
}

/// The sum of a metric over the lines that begin like this; none is an error, so that a metric of another name is no nought.
fn total(text: &str, begins: &str) -> Result<u64, Trouble> {
    let lines = text
        .lines()
        .filter(|line| line.strip_prefix(begins).is_some_and(|rest| begins.ends_with('{') || rest.starts_with(' ')));
    let values: Vec<u64> =
        lines.filter_map(|line| line.rsplit_once(' ')).filter_map(|(_, value)| value.parse().ok()).collect();
    if values.is_empty() {
        Err(Trouble::new("read the service's metrics", format!("no {begins}")))
    } else {
        Ok(values.iter().sum())
    }
}

/// `ingest serve` as a process of its own. Ended when dropped.
pub(super) struct Server(IngestProcess);

impl Server {
    /// Starts a program as the service and waits until it listens. It logs beside its settings.
    pub(super) fn start(program: &Path, settings: &Path) -> Result<Self, Trouble> {
        IngestProcess::start_logging(program, settings, &settings.with_extension("log"), LOG).map(Self)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.0.address()
    }

    pub(super) fn pid(&self) -> u32 {
        self.0.pid()
    }

    /// User and system time it has taken.
    pub(super) fn cpu(&self) -> Result<Duration, Trouble> {
        machine::cpu_of(self.pid())
    }

    /// What it has counted.
    pub(super) fn counts(&self) -> Result<Counts, Trouble> {
        let answer = Call::new("GET", "/metrics").send(self.address()).doing("ask the service for its metrics")?;
        Counts::read(&answer.body)
    }

    /// Stops it in order.
    pub(super) fn stop(self) -> Result<(), Trouble> {
        let (status, _) = self.0.stop()?;
        if status.success() {
            Ok(())
        } else {
            Err(Trouble::new("stop the service", format!("{status}; {}", self.0.log())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_the_metrics_and_never_taken_for_nought() {
        let text = "# HELP ingest_signatures_verified_total x\ningest_signatures_verified_total 3\n\
                    ingest_readings_total{outcome=\"judged\"} 30\ningest_readings_total{outcome=\"unjudged\"} 1\n\
                    ingest_rules_evaluated_total 240\ningest_alert_changes_total{stage=\"raised\"} 2\n\
                    ingest_alert_changes_total{stage=\"cleared\"} 1\n";
        let counts = Counts { signatures: 3, judged: 30, rules: 240, alerts: 3 };
        assert_eq!(Counts::read(text).unwrap(), counts);
        assert!(Counts::read(&text.replace("rules_evaluated_total", "rules_total")).is_err());
        assert_eq!(counts.since(counts), Counts::default());
    }
}
