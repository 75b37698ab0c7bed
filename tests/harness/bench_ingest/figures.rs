//! The figures of one kind of request: medians over the runs, each with its name.

use super::{
    ours::{Sample, Shape},
    peers::PeerSample,
    sides::Turn,
    stats::{median, real},
};

/// One kind of request and what its runs came to.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) shape: Shape,
    ours: Vec<Sample>,
    postgres: Vec<PeerSample>,
    influx: Vec<PeerSample>,
}

impl Turn {
    /// One run's figures, while it goes on.
    pub(super) fn line(&self, shape: Shape) -> String {
        let mut line = format!("{} a request, {}", shape.size, shape.encoding.name());
        if let Some(ours) = &self.ours {
            line += &format!(
                "; ours {:.0}/s, {:.0} a CPU second, at half p50 {:.0} µs, p99 {:.0} µs, probe {:.0} µs, {:.0} µs",
                ours.readings_a_second,
                ours.readings_a_cpu_second,
                ours.half.micros(50),
                ours.half.micros(99),
                ours.probe.micros(50),
                ours.probe.micros(99),
            );
        }
        for (name, peer) in [("PostgreSQL", &self.postgres), ("InfluxDB", &self.influx)] {
            if let Some(peer) = peer {
                let (rate, of_cpu) = (peer.readings_a_second, peer.readings_a_cpu_second);
                line += &format!("; {name} {rate:.0}/s, {of_cpu:.0} a CPU second");
            }
        }
        line
    }
}

impl Row {
    pub(super) fn new(shape: Shape) -> Self {
        Self { shape, ours: Vec::new(), postgres: Vec::new(), influx: Vec::new() }
    }

    pub(super) fn add(&mut self, turn: Turn) {
        self.ours.extend(turn.ours);
        self.postgres.extend(turn.postgres);
        self.influx.extend(turn.influx);
    }

    /// How many readings a request, and whether compressed, as names have it.
    pub(super) fn size(&self) -> String {
        if self.shape.is_compressed() { format!("{}_gzip", self.shape.size) } else { self.shape.size.to_string() }
    }

    /// The row's figures by name; what was not measured is not there.
    pub(super) fn figures(&self) -> Vec<(String, f64)> {
        let mut figures = Vec::new();
        let size = self.size();
        figures.extend(self.ours().into_iter().map(|(name, figure)| (format!("ours_{size}_{name}"), figure)));
        for (peer, samples) in [("postgres", &self.postgres), ("influx", &self.influx)] {
            figures
                .extend(of_peer(samples).into_iter().map(|(name, figure)| (format!("{peer}_{size}_{name}"), figure)));
            let figure = |sample: &PeerSample| sample.readings_a_cpu_second;
            let ratio = self.median(|sample| sample.readings_a_cpu_second) / median(samples.iter().map(figure));
            figures.push((format!("ours_to_{peer}_{size}"), ratio));
        }
        figures.retain(|(_, figure)| figure.is_finite());
        figures
    }

    fn median(&self, figure: impl Fn(&Sample) -> f64) -> f64 {
        median(self.ours.iter().map(figure))
    }

    fn ours(&self) -> Vec<(&'static str, f64)> {
        let sum = |count: fn(&Sample) -> u64| real(self.ours.iter().map(count).sum::<u64>());
        let readings = sum(|sample| sample.counts.judged);
        vec![
            ("readings_per_second", self.median(|sample| sample.readings_a_second)),
            ("readings_per_cpu_second", self.median(|sample| sample.readings_a_cpu_second)),
            ("top_p50_us", self.median(|sample| sample.top.micros(50))),
            ("top_p99_us", self.median(|sample| sample.top.micros(99))),
            ("half_readings_per_second", self.median(|sample| sample.half_rate)),
            ("half_requests", self.median(|sample| real(sample.half.count()))),
            ("half_p50_us", self.median(|sample| sample.half.micros(50))),
            ("half_p99_us", self.median(|sample| sample.half.micros(99))),
            ("probe_p50_us", self.median(|sample| sample.probe.micros(50))),
            ("probe_p99_us", self.median(|sample| sample.probe.micros(99))),
            ("p50_to_probe", self.median(|sample| sample.half.micros(50) / sample.probe.micros(50))),
            ("p99_to_probe", self.median(|sample| sample.half.micros(99) / sample.probe.micros(99))),
            ("rules_per_reading", sum(|sample| sample.counts.rules) / readings),
            ("alert_changes_per_1000_readings", sum(|sample| sample.counts.alerts) * 1000.0 / readings),
            ("signatures_verified", sum(|sample| sample.counts.signatures)),
            ("requests", real(self.ours.iter().map(|sample| sample.requests).sum::<usize>())),
        ]
    }
}

fn of_peer(samples: &[PeerSample]) -> Vec<(&'static str, f64)> {
    let median = |figure: fn(&PeerSample) -> f64| median(samples.iter().map(figure));
    vec![
        ("readings_per_second", median(|sample| sample.readings_a_second)),
        ("readings_per_cpu_second", median(|sample| sample.readings_a_cpu_second)),
        ("top_p50_us", median(|sample| sample.top.micros(50))),
        ("top_p99_us", median(|sample| sample.top.micros(99))),
    ]
}
