//! Our own side: load on the service at its top rate, then at half of it, and what the service counted meanwhile.

use super::{
    Options,
    client::{Answered, Lines, Load, Pace},
    probe,
    request::{Encoding, Written, write_all},
    server::{Counts, Server},
    settings::RULES_A_READING_MIN,
    stats::{Spread, real},
    world::{Draft, World},
};
use crate::trouble::Trouble;
use chrono::{DateTime, Utc};
use ingest::clock::{Clock, WallClock};
use std::{collections::BTreeMap, path::Path, time::Duration};
use vitals::wire::v1::{Outcome, Receipt, Verdict};

/// Connections while every hub's first readings are sent, and at a pace: hubs do not wait for one another's connection.
pub(super) const MANY_CONNECTIONS: usize = 64;

/// How much more than it should need is written for a window, so that it ends by time.
pub(super) const SPARE: f64 = 1.3;

/// What one window at the top rate and one at half of it came to.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) requests: usize,
    pub(super) readings_a_second: f64,
    pub(super) readings_a_cpu_second: f64,
    pub(super) top: Spread,
    pub(super) half_rate: f64,
    pub(super) half: Spread,
    pub(super) probe: Spread,
    /// What the service counted in both windows.
    pub(super) counts: Counts,
}

/// What is sent: readings a request, how the body is sent, and down how many connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) size: usize,
    pub(super) encoding: Encoding,
    pub(super) connections: usize,
}

impl Shape {
    pub(super) fn is_compressed(self) -> bool {
        self.encoding == Encoding::Gzip
    }

    /// How many requests find its rate.
    pub(super) fn first_requests(self, options: &Options) -> usize {
        options.first_readings.div_ceil(self.size).max(self.connections)
    }
}

/// The service with its county.
pub(super) struct Ours {
    server: Server,
    /// Readings a second found so far, by readings a request and encoding.
    rates: BTreeMap<(usize, &'static str), f64>,
}

impl Ours {
    /// Starts the service and sends each hub's first readings, so that everybody has a state to be read and written.
    pub(super) fn start(program: &Path, settings: &Path, world: &mut World) -> Result<Self, Trouble> {
        let ours = Self { server: Server::start(program, settings)?, rates: BTreeMap::new() };
        let drafts = world.one_of_each(now())?;
        let requests = write_all(world, &drafts, Encoding::Identity)?;
        ours.send(&requests, MANY_CONNECTIONS, Pace::AsFastAsAnswered(Duration::MAX))?;
        Ok(ours)
    }

    /// Its process, for a profiler.
    pub(super) fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Stops the service in order.
    pub(super) fn stop(self) -> Result<(), Trouble> {
        self.server.stop()
    }

    /// One window of each kind, with the probe before and after the second.
    pub(super) fn sample(
        &mut self,
        world: &mut World,
        shape: Shape,
        options: &Options,
        folder: &Path,
    ) -> Result<Sample, Trouble> {
        let lasts = options.window;
        let key = (shape.size, shape.encoding.name());
        if !self.rates.contains_key(&key) {
            let requests = self.written(world, shape, shape.first_requests(options))?;
            let (first, ..) = self.send(&requests, shape.connections, Pace::AsFastAsAnswered(Duration::MAX))?;
            self.rates.insert(key, rate(&first, &requests));
        }
        let rate_before = self.rates.get(&key).copied().unwrap_or(1.0);
        let requests = self.written(world, shape, requests_for(rate_before * SPARE, shape.size, lasts))?;
        let (top, counted_top, cpu) = self.send(&requests, shape.connections, Pace::AsFastAsAnswered(lasts))?;
        let readings = readings_of(&top, &requests);
        let readings_a_second = rate(&top, &requests);
        self.rates.insert(key, readings_a_second);

        let half_rate = readings_a_second / 2.0;
        let requests = self.written(world, shape, requests_for(half_rate, shape.size, lasts))?;
        let probe_lasts = lasts / 4;
        let probe_before = probe::burst(folder, probe_lasts)?;
        let pace = Pace::EverySecond(half_rate / real(shape.size));
        let (half, counted_half, _) = self.send(&requests, MANY_CONNECTIONS, pace)?;
        let probe_after = probe::burst(folder, probe_lasts)?;
        Ok(Sample {
            requests: top.answers.len() + half.answers.len(),
            readings_a_second,
            readings_a_cpu_second: real(readings) / cpu.as_secs_f64(),
            top: spread(&top),
            half_rate,
            half: spread(&half),
            probe: probe::together(probe_before, probe_after),
            counts: counted_top.plus(counted_half),
        })
    }

    fn written(&self, world: &mut World, shape: Shape, count: usize) -> Result<Vec<Written>, Trouble> {
        let drafts: Vec<Draft> = world.drafts(count, shape.size, now())?;
        write_all(world, &drafts, shape.encoding)
    }

    /// Sends requests, and then checks every receipt and what the service counted; and the CPU time it took for them.
    fn send(&self, requests: &[Written], connections: usize, pace: Pace) -> Result<(Load, Counts, Duration), Trouble> {
        let lines = Lines::connect(self.server.address(), connections)?;
        let (counts_before, cpu_before) = (self.server.counts()?, self.server.cpu()?);
        let load = lines.send(requests, pace)?;
        let (cpu, counts) = (self.server.cpu()?.saturating_sub(cpu_before), self.server.counts()?.since(counts_before));
        for answered in &load.answers {
            let sent = requests.get(answered.request).map(|written| written.readings);
            is_all_stored(answered, sent.unwrap_or_default()).map_err(|why| Trouble::new("count a void run", why))?;
        }
        let readings = readings_of(&load, requests);
        is_counted(counts, load.answers.len(), readings).map_err(|why| Trouble::new("count a void run", why))?;
        Ok((load, counts, cpu))
    }
}

pub(super) fn now() -> DateTime<Utc> {
    WallClock.now()
}

/// The fewest whole requests that last so long at a rate.
pub(super) fn requests_for(readings_a_second: f64, size: usize, lasts: Duration) -> usize {
    let wanted = readings_a_second / real(size) * lasts.as_secs_f64();
    (1_usize..).find(|count| real(*count) >= wanted).unwrap_or(1)
}

fn readings_of(load: &Load, requests: &[Written]) -> usize {
    let of = |answered: &Answered| requests.get(answered.request).map(|written| written.readings);
    load.answers.iter().filter_map(of).sum()
}

/// Readings a second.
fn rate(load: &Load, requests: &[Written]) -> f64 {
    real(readings_of(load, requests)) / load.lasted.as_secs_f64()
}

fn spread(load: &Load) -> Spread {
    Spread::new(load.answers.iter().map(|answered| answered.took).collect())
}

/// Whether a receipt says of as many readings as were sent that each is stored and judged.
pub(super) fn is_all_stored(answered: &Answered, sent: usize) -> Result<(), String> {
    let receipt: Receipt =
        serde_json::from_slice(&answered.body).map_err(|error| format!("a receipt does not read: {error}"))?;
    let is_good = |outcome, verdict: Option<&Verdict>| {
        outcome == Outcome::Stored && matches!(verdict, Some(Verdict::Evaluated { .. }))
    };
    match receipt.readings.iter().find(|line| !is_good(line.outcome, line.verdict.as_ref())) {
        Some(line) => Err(format!("a reading is not stored and judged: {:?}, {:?}", line.outcome, line.code)),
        None if receipt.readings.len() != sent => {
            Err(format!("a receipt names {} readings of {sent}", receipt.readings.len()))
        }
        None => Ok(()),
    }
}

/// Whether the service itself counted a signature for each request, and rules that ran on each reading.
pub(super) fn is_counted(counts: Counts, requests: usize, readings: usize) -> Result<(), String> {
    let (requests, readings) = (u64::try_from(requests).unwrap_or(0), u64::try_from(readings).unwrap_or(0));
    if requests == 0 {
        Err("no request was answered".to_owned())
    } else if counts.signatures != requests {
        Err(format!("the service verified {} signatures of {requests} requests", counts.signatures))
    } else if counts.judged != readings {
        Err(format!("the rules judged {} of {readings} readings", counts.judged))
    } else if counts.rules < readings * u64::from(RULES_A_READING_MIN) {
        let rules = counts.rules;
        Err(format!(
            "the service evaluated {rules} rules on {readings} readings; {RULES_A_READING_MIN} each are few enough"
        ))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::instant;

    #[test]
    fn a_run_without_signatures_or_rules_is_void() {
        let counts = |signatures, rules| Counts { signatures, judged: 20, rules, alerts: 0 };
        assert_eq!(is_counted(counts(2, 160), 2, 20), Ok(()));
        assert!(is_counted(counts(2, 0), 2, 20).unwrap_err().contains("0 rules"));
        assert!(is_counted(counts(2, 159), 2, 20).unwrap_err().contains("159 rules"));
        assert!(is_counted(counts(0, 160), 2, 20).unwrap_err().contains("0 signatures"));
        assert!(is_counted(counts(3, 160), 2, 20).is_err(), "a signature too many");
        assert!(is_counted(counts(0, 0), 0, 0).is_err(), "nothing was sent");
    }

    #[test]
    fn a_receipt_that_does_not_store_everything_voids_the_run() {
        let line = |outcome: &str| {
            format!(
                r#"{{"position":0,"id":"x","outcome":"{outcome}","verdict":{{"evaluated":{{"late":false,"alerts":[]}}}}}}"#
            )
        };
        let check = |lines: &[String], sent| {
            let body = format!(r#"{{"received_at":"x","readings":[{}]}}"#, lines.join(","));
            let (from, took) = (instant(), Duration::ZERO);
            let answered = Answered { request: 0, from, took, status: 200, body: body.into_bytes() };
            is_all_stored(&answered, sent).is_ok()
        };
        let stored = line("stored");
        assert!(check(std::slice::from_ref(&stored), 1));
        assert!(!check(std::slice::from_ref(&stored), 2));
        assert!(!check(&[stored, line("duplicate")], 2));
        assert!(!check(&[line("unassigned")], 1));
        let unjudged = r#"{"position":0,"id":"x","outcome":"stored","verdict":{"unevaluated":{"reason":"x"}}}"#;
        assert!(!check(&[unjudged.to_owned()], 1));
    }
}
