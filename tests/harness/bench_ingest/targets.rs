//! What each figure has to be.

use std::collections::BTreeMap;

/// A figure by name, whether it is to be at least or at most this, and what it is in words.
const TARGETS: [(&str, Bound, f64, &str); 16] = [
    ("ours_100_readings_per_cpu_second", Bound::AtLeast, 40_000.0, "readings a CPU second at 100 a request"),
    ("ours_to_influx_1", Bound::AtLeast, 2.0, "times InfluxDB's bare write at 1"),
    ("ours_to_influx_10", Bound::AtLeast, 1.0, "times InfluxDB's bare write at 10"),
    ("ours_to_postgres_1", Bound::AtLeast, 4.0, "times PostgreSQL with rule worker at 1"),
    ("ours_to_postgres_10", Bound::AtLeast, 4.0, "times PostgreSQL with rule worker at 10"),
    ("ours_to_postgres_100", Bound::AtLeast, 2.0, "times PostgreSQL with rule worker at 100"),
    ("ours_to_postgres_1000", Bound::AtLeast, 2.0, "times PostgreSQL with rule worker at 1000"),
    ("ours_1_p50_to_probe", Bound::AtMost, 5.0, "times the probe, p50 at half load, at 1"),
    ("ours_1_p99_to_probe", Bound::AtMost, 5.0, "times the probe, p99 at half load, at 1"),
    ("ours_10_p50_to_probe", Bound::AtMost, 5.0, "times the probe, p50 at half load, at 10"),
    ("ours_10_p99_to_probe", Bound::AtMost, 5.0, "times the probe, p99 at half load, at 10"),
    ("ours_100_p50_to_probe", Bound::AtMost, 5.0, "times the probe, p50 at half load, at 100"),
    ("ours_100_p99_to_probe", Bound::AtMost, 5.0, "times the probe, p99 at half load, at 100"),
    ("ours_1000_p50_to_probe", Bound::AtMost, 5.0, "times the probe, p50 at half load, at 1000"),
    ("ours_1000_p99_to_probe", Bound::AtMost, 5.0, "times the probe, p99 at half load, at 1000"),
    ("bytes_per_reading", Bound::AtMost, 160.0, "bytes a reading, without patient state"),
];

#[derive(Debug, Clone, Copy)]
enum Bound {
    AtLeast,
    AtMost,
}

/// Each target as a line: what it is, what was measured, and whether that is enough.
pub(super) fn lines(named: &BTreeMap<String, f64>) -> Vec<String> {
    let line = |(name, bound, target, words): &(&str, Bound, f64, &str)| {
        let (said, is_reached): (&str, fn(f64, f64) -> bool) = match bound {
            Bound::AtLeast => ("at least", |figure, target| figure >= target),
            Bound::AtMost => ("at most", |figure, target| figure <= target),
        };
        let found = match named.get(*name) {
            Some(figure) if is_reached(*figure, *target) => format!("{figure:.2}, reached"),
            Some(figure) => format!("{figure:.2}, not reached"),
            None => "not measured".to_owned(),
        };
        format!("{said} {target} {words}: {found}")
    };
    TARGETS.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_reached_not_reached_or_not_measured() {
        let named = [("ours_to_influx_1", 2.0), ("ours_to_influx_10", 0.99), ("bytes_per_reading", 160.1)];
        let lines = lines(&named.map(|(name, figure)| (name.to_owned(), figure)).into());
        let ends = |end: &str| lines.iter().filter(|line| line.ends_with(end)).count();
        assert_eq!((ends(", reached"), ends(", not reached"), ends("not measured")), (1, 2, 13), "{lines:#?}");
    }
}
