//! The figures as a table that people read, and by name.

use super::{
    bytes::{Room, STATE},
    figures::Row,
    frames::{ONE_BREACH_IN, ONE_RED_IN},
    stats::real,
    targets,
    world::{ONE_CARE_HOME_IN, PEOPLE_OF_A_CARE_HOME},
};
use crate::bench::Figures;
use std::{collections::BTreeMap, fmt};

/// What was measured.
#[derive(Debug)]
pub struct Table {
    pub(super) machine: String,
    pub(super) filesystem: String,
    pub(super) load: (String, String),
    pub(super) versions: Vec<String>,
    pub(super) missing: Vec<&'static str>,
    /// Hubs and people.
    pub(super) county: Option<(usize, usize)>,
    pub(super) rows: Vec<Row>,
    pub(super) room: Option<Room>,
}

/// What no peer's figure says by itself.
const LEFT_OUT: &str = "\
ours: signature and rules on, acknowledged when readings, verdicts, alerts, state and chain are synced\n\
PostgreSQL and worker: synced inserts, each reading once; no signature, no checks, no verdict kept, no chain, no \
notification; acknowledged before the rules run, and the window lasts until the worker has caught up\n\
InfluxDB: synced writes alone; no signature, no checks, no rules, no reading known twice, no raw frame\n\
probe: 4 KiB appended and synced by one thread, just before and after the load at half of the top rate\n\
what is not measured is stopped meanwhile";

/// The columns of our own side: heading, and the figure's name.
const COLUMNS: [(&str, &str); 14] = [
    ("readings/s", "readings_per_second"),
    ("per CPU-s", "readings_per_cpu_second"),
    ("p50 µs", "top_p50_us"),
    ("p99 µs", "top_p99_us"),
    ("half/s", "half_readings_per_second"),
    ("p50 µs", "half_p50_us"),
    ("p99 µs", "half_p99_us"),
    ("probe p50", "probe_p50_us"),
    ("probe p99", "probe_p99_us"),
    ("p50 ×", "p50_to_probe"),
    ("p99 ×", "p99_to_probe"),
    ("rules", "rules_per_reading"),
    ("signatures", "signatures_verified"),
    ("requests", "requests"),
];

impl Figures for Table {
    fn named(&self) -> BTreeMap<String, f64> {
        let mut named: BTreeMap<String, f64> = self.rows.iter().flat_map(Row::figures).collect();
        if let Some(room) = &self.room {
            named.insert("bytes_readings".to_owned(), real(room.readings));
            named.insert("bytes_per_reading".to_owned(), room.without_state());
            named.extend(room.tables.keys().map(|table| (format!("bytes_per_reading_{table}"), room.a_reading(table))));
        }
        named
    }
}

impl Table {
    fn ours(&self, f: &mut fmt::Formatter<'_>, named: &BTreeMap<String, f64>) -> fmt::Result {
        write!(f, "\n{:<14}{:>6}", "ours", "conns")?;
        COLUMNS.iter().try_for_each(|(heading, _)| write!(f, "{heading:>11}"))?;
        for row in &self.rows {
            let size = row.size();
            write!(f, "\n{size:<14}{:>6}", row.shape.connections)?;
            for (heading, name) in COLUMNS {
                let places = usize::from(heading.ends_with('×') || heading == "rules") * 2;
                match named.get(&format!("ours_{size}_{name}")) {
                    Some(figure) => write!(f, "{figure:>11.places$}")?,
                    None => write!(f, "{:>11}", "-")?,
                }
            }
        }
        writeln!(f)
    }

    fn peers(&self, f: &mut fmt::Formatter<'_>, named: &BTreeMap<String, f64>) -> fmt::Result {
        for (peer, title) in [("postgres", "PostgreSQL and worker"), ("influx", "InfluxDB /write")] {
            if !named.keys().any(|name| name.starts_with(peer)) {
                continue;
            }
            write!(
                f,
                "\n{title:<24}{:>11}{:>11}{:>11}{:>11}{:>16}",
                "readings/s", "per CPU-s", "p50 µs", "p99 µs", "ours, CPU-s"
            )?;
            for row in self.rows.iter().filter(|row| !row.shape.is_compressed()) {
                let size = row.size();
                write!(f, "\n{size:<24}")?;
                for name in ["readings_per_second", "readings_per_cpu_second", "top_p50_us", "top_p99_us"] {
                    match named.get(&format!("{peer}_{size}_{name}")) {
                        Some(figure) => write!(f, "{figure:>11.0}")?,
                        None => write!(f, "{:>11}", "-")?,
                    }
                }
                if let Some(ratio) = named.get(&format!("ours_to_{peer}_{size}")) {
                    write!(f, "{ratio:>15.2}×")?;
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }

    fn room(&self, f: &mut fmt::Formatter<'_>, room: &Room) -> fmt::Result {
        let (readings, requests, slices) = (room.readings, room.requests, room.slices);
        writeln!(
            f,
            "\n{readings} readings in {requests} requests, {:.2} a request and {:.2} a person and request: each day a morning's \
             three and an evening's one of each person on a hub, and one of each of three times as many people",
            real(readings) / real(requests),
            real(readings) / real(slices)
        )?;
        writeln!(f, "database {} bytes, log {} bytes", room.file, room.log)?;
        writeln!(f, "{:<24}{:>16}{:>12}", "table with indexes", "bytes", "a reading")?;
        for (table, bytes) in &room.tables {
            writeln!(f, "{table:<24}{bytes:>16}{:>12.1}", room.a_reading(table))?;
        }
        writeln!(f, "{:<24}{:>16}{:>12.1}", format!("all but {STATE}"), "", room.without_state())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.named();
        writeln!(f, "bench-ingest {}, SQLite {}; {}", env!("CARGO_PKG_VERSION"), rusqlite::version(), self.machine)?;
        writeln!(f, "filesystem {}; load average {} before, {} after", self.filesystem, self.load.0, self.load.1)?;
        self.versions.iter().try_for_each(|version| writeln!(f, "beside {version}"))?;
        self.missing.iter().try_for_each(|missing| writeln!(f, "{missing}"))?;
        if let Some((hubs, people)) = self.county {
            writeln!(
                f,
                "{hubs} hubs (one in {ONE_CARE_HOME_IN} of a care home of {PEOPLE_OF_A_CARE_HOME}), {people} people with two or \
                 three devices; one reading in {ONE_BREACH_IN} is outside its limits, one in {} is red",
                ONE_BREACH_IN * ONE_RED_IN
            )?;
            self.ours(f, &named)?;
            self.peers(f, &named)?;
            writeln!(f, "\n{LEFT_OUT}")?;
        }
        if let Some(room) = &self.room {
            self.room(f, room)?;
        }
        writeln!(f)?;
        let lines: Vec<String> = targets::lines(&named);
        write!(f, "{}", lines.join("\n"))
    }
}
