//! Readings from a file of lines, one in wire form on each: in the order in which they arrived, whatever order they stand in.
//!
//! Invariants: a file whose lines stand in order is read through and never held; of one that does not, only the place of each
//! line is. A line that does not read is named by its number and a stable code, and never shown.

use crate::admit::{admit, moment};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use std::{
    borrow::Cow,
    fs,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::Path,
};
use vitals::{Admitted, ErrorCode, HubId, wire::v1::lent};

/// Longest line: a reading is about 600 bytes, and its frame at most a few hundred more.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// A file of readings.
pub(super) struct Lines {
    file: BufReader<fs::File>,
    /// Where each line begins and its number, by arrival; none where they stand in that order.
    order: Option<Vec<Place>>,
    /// When the last reading of all arrived; none where no line says when.
    pub(super) end: Option<DateTime<Utc>>,
    hub: HubId,
}

/// A line's place, in the order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    arrived_at: DateTime<Utc>,
    number: u64,
    begins: u64,
}

/// The times of a line that say when it arrived.
#[derive(Deserialize)]
struct Arrival<'a> {
    #[serde(borrow, default)]
    arrived_at: Option<Cow<'a, str>>,
    #[serde(borrow)]
    hub_received: Cow<'a, str>,
    #[serde(borrow)]
    taken_at: Cow<'a, str>,
}

/// When a line's reading arrived, where that is said; otherwise when it was taken, or when a hub had it where that was later.
fn arrived_at(line: &[u8]) -> Result<DateTime<Utc>, ErrorCode> {
    let times: Arrival<'_> = serde_json::from_slice(line).map_err(|_not_a_reading| ErrorCode::ReadingMalformed)?;
    match &times.arrived_at {
        Some(arrived_at) => moment(arrived_at),
        None => Ok(moment(&times.taken_at)?.max(moment(&times.hub_received)?)),
    }
}

impl Lines {
    /// Opens a file and sees how its lines stand. Its readings count as those of one hub that sent each the moment it arrived.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn open(path: &Path, hub: HubId) -> io::Result<Self> {
        let mut lines = Self { file: BufReader::new(fs::File::open(path)?), order: None, end: None, hub };
        if !lines.is_in_order()? {
            let mut places = lines.places()?;
            places.sort_unstable();
            lines.order = Some(places);
        }
        Ok(lines)
    }

    /// Reads through all lines; also finds the end.
    fn is_in_order(&mut self) -> io::Result<bool> {
        let (mut is_in_order, mut end) = (true, None);
        self.through(|_, line| {
            if let Ok(at) = arrived_at(line) {
                is_in_order &= end.is_none_or(|end| end <= at);
                end = end.max(Some(at));
            }
        })?;
        self.end = end;
        Ok(is_in_order)
    }

    /// Where every line is. One that does not say when it arrived comes with the line before it.
    fn places(&mut self) -> io::Result<Vec<Place>> {
        let (mut places, mut arrived) = (Vec::new(), DateTime::UNIX_EPOCH);
        self.through(|(number, begins), line| {
            arrived = arrived_at(line).unwrap_or(arrived);
            places.push(Place { arrived_at: arrived, number, begins });
        })?;
        Ok(places)
    }

    /// Every line as it stands, with its number and where it begins.
    fn through(&mut self, mut take: impl FnMut((u64, u64), &[u8])) -> io::Result<()> {
        self.file.rewind()?;
        let (mut number, mut begins, mut line) = (0_u64, 0_u64, Vec::new());
        loop {
            let read = next_line(&mut self.file, &mut line)?;
            if read == 0 {
                return Ok(());
            }
            number = number.saturating_add(1);
            take((number, begins), &line);
            begins = begins.saturating_add(read);
        }
    }

    /// Every reading in the order of arrival, each with its line's number, or why it is none.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn each(&mut self, mut take: impl FnMut(u64, Result<Admitted, ErrorCode>)) -> io::Result<()> {
        let hub = self.hub.clone();
        let mut read = |number: u64, line: &[u8]| {
            if !line.trim_ascii().is_empty() {
                take(number, reading(line, &hub));
            }
        };
        let Some(places) = self.order.take() else { return self.through(|(number, _), line| read(number, line)) };
        let mut line = Vec::new();
        for place in &places {
            self.file.seek(SeekFrom::Start(place.begins))?;
            next_line(&mut self.file, &mut line)?;
            read(place.number, &line);
        }
        self.order = Some(places);
        Ok(())
    }
}

/// Reads one line into `line`, without what is beyond the limit, and says how many bytes it takes in the file.
fn next_line(file: &mut BufReader<fs::File>, line: &mut Vec<u8>) -> io::Result<u64> {
    line.clear();
    let count = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
    let mut read = count(file.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', line)?);
    if read == LINE_BYTES_MAX && !line.ends_with(b"\n") {
        // Too long to be a reading: it is passed over, and what is left of it reads as none.
        read = read.saturating_add(count(file.skip_until(b'\n')?));
        line.truncate(1);
    }
    Ok(read)
}

/// A line as the service would have admitted it when it arrived.
fn reading(line: &[u8], hub: &HubId) -> Result<Admitted, ErrorCode> {
    let at = arrived_at(line)?;
    let reading: lent::Reading<'_> =
        serde_json::from_slice(line).map_err(|_not_a_reading| ErrorCode::ReadingMalformed)?;
    admit(&reading, hub, at, at)
}

#[cfg(test)]
pub(in crate::cli::protocols) mod tests;
