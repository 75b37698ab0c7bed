//! Golden files: what the code generates and people review, written by `cargo golden` and compared in the tests.
//!
//! To add one, add a line to [`FILES`]. The values are fixed and the people are invented; the frames are public captures.

mod hello;
mod measures;

pub use hello::{heartbeat, hello, hello_answer};
pub use measures::measures;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use serde::Serialize;
use std::{fmt, fs, io, path::Path};
use vitals::{
    BloodPressure, ClockOffset, Decimal, DeviceTime, ErrorCode, Flag, Kind, Measure, NoValue, PatientId, Quality,
    RawFrame, Reading, RecordNumber, SourceId, TakenAt, Times, Value, Who, WhyUnassigned,
    id::AlertId,
    quantity::{MmHg, PerMinute},
    record::{RecordKey, reading_id},
    wire::v1,
};

/// One golden file: where it lies, and the code that makes it.
#[derive(Debug, Clone, Copy)]
pub struct Golden {
    /// Its path from the root of the workspace.
    pub path: &'static str,
    /// Its contents, or why they could not be made.
    pub make: fn() -> Result<String, String>,
}

/// Every golden file.
pub const FILES: &[Golden] = &[
    Golden { path: "docs/reference/error-codes.md", make: || Ok(ErrorCode::reference_page()) },
    Golden { path: "docs/reference/api.md", make: || Ok(ingest::http::reference_page()) },
    Golden { path: "docs/reference/openapi.json", make: || Ok(ingest::http::openapi::text()) },
    Golden { path: "docs/reference/commands.md", make: || Ok(commands_page()) },
    Golden { path: "docs/reference/metrics.md", make: || Ok(ingest::metrics::reference_page()) },
    Golden { path: "vitals/golden/batch.json", make: || json(&batch()?) },
    Golden { path: "vitals/golden/measures.json", make: || json(&measures()?) },
    Golden { path: "vitals/golden/receipt.json", make: || json(&receipt()?) },
    Golden { path: "vitals/golden/problem.json", make: || json(&problem()?) },
    Golden { path: "vitals/golden/hello.json", make: || json(&hello()?) },
    Golden { path: "vitals/golden/hello_answer.json", make: || json(&hello_answer()?) },
    Golden { path: "vitals/golden/heartbeat.json", make: || json(&heartbeat()?) },
    Golden { path: "vitals/golden/server_public_key.txt", make: || Ok(hello::public_key()) },
];

/// Every command of every program with its options, as the programs themselves say them.
fn commands_page() -> String {
    let programs = [demo::cli::commands(), ingest::cli::commands(), hub_agent::cli::commands()];
    let mut page = "# Commands\n\nGenerated from the programs' own help by `cargo golden`; do not edit.\n".to_owned();
    for program in programs {
        describe(&mut page, program.disable_version_flag(true), "", 2);
    }
    page
}

/// A command and everything below it. The line of usage names the whole path.
fn describe(page: &mut String, command: clap::Command, above: &str, depth: usize) {
    let name = format!("{above}{}", command.get_name());
    let mut command = command.bin_name(&name).disable_help_subcommand(true);
    let help = command.render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    page.push_str(&format!("\n{} `{name}`\n\n```text\n{}\n```\n", "#".repeat(depth), lines.join("\n").trim_end()));
    for below in command.get_subcommands() {
        describe(page, below.clone(), &format!("{name} "), depth + 1);
    }
}

/// A golden file that is not what the code says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The file.
    pub path: String,
    /// The first line that differs, from 1.
    pub line: usize,
    /// That line as it lies in the tree, or what is wrong with the file.
    pub is: String,
    /// That line as the code says it.
    pub should_be: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, is, should_be } = self;
        write!(f, "{path}:{line}: the file says {is:?}, the code says {should_be:?}")
    }
}

/// Writes every file whose contents have changed, and returns their paths.
///
/// # Errors
/// Where an example could not be made, or a file or its folder not written.
pub fn regenerate(files: &[Golden], root: &Path) -> io::Result<Vec<&'static str>> {
    let mut written = Vec::new();
    for golden in files {
        let made = (golden.make)().map_err(io::Error::other)?;
        let path = root.join(golden.path);
        if fs::read_to_string(&path).is_ok_and(|there| there == made) {
            continue;
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, made)?;
        written.push(golden.path);
    }
    Ok(written)
}

/// The first difference of each file, as a list that is empty where all is well.
#[must_use]
pub fn differences(files: &[Golden], root: &Path) -> Vec<Difference> {
    files.iter().filter_map(|golden| difference(golden, root)).collect()
}

fn difference(golden: &Golden, root: &Path) -> Option<Difference> {
    let differs = |line, is: &str, should_be: &str| {
        Some(Difference { path: golden.path.to_owned(), line, is: is.to_owned(), should_be: should_be.to_owned() })
    };
    let should_be = match (golden.make)() {
        Ok(made) => made,
        Err(reason) => return differs(0, "", &reason),
    };
    let is = match fs::read_to_string(root.join(golden.path)) {
        Ok(text) => text,
        Err(error) => return differs(0, &error.to_string(), "a file"),
    };
    if is == should_be {
        return None;
    }
    // Split and not `lines`: a missing last line break is a difference too.
    let (is, should_be): (Vec<&str>, Vec<&str>) = (is.split('\n').collect(), should_be.split('\n').collect());
    let line = is.iter().zip(&should_be).take_while(|(is, should_be)| is == should_be).count();
    let at = |lines: &[&str]| lines.get(line).copied().unwrap_or("the end").to_owned();
    differs(line + 1, &at(&is), &at(&should_be))
}

fn json(example: &impl Serialize) -> Result<String, String> {
    serde_json::to_string_pretty(example).map(|text| text + "\n").map_err(said)
}

fn said(error: impl fmt::Display) -> String {
    error.to_string()
}

/// The cuff of the examples is three seconds slow.
const DEVICE_AHEAD_SECS: i64 = -3;

/// When everything in the examples happens: a working day at eight, summer time in London.
fn eight_o_clock() -> Result<DateTime<Utc>, String> {
    Utc.with_ymd_and_hms(2026, 6, 1, 7, 0, 0).single().ok_or_else(|| "make the moment of the examples".to_owned())
}

/// A frame of a cuff, with what the hub made of it.
struct Example {
    frame: &'static str,
    who: Who,
    value: Value<Measure>,
    device: DeviceTime,
    taken: TakenAt,
    user_index: Option<u8>,
    quality: Quality,
}

impl Example {
    fn reading(self) -> Result<Reading, String> {
        let at = eight_o_clock()?;
        let source = SourceId::device("A&D Medical", "5161 00042").map_err(said)?;
        let bytes = vitals::hex::decode(self.frame).map_err(said)?;
        let record = RecordNumber::of("1810", RecordKey::Time(self.device), self.user_index, &bytes);
        let offset = ClockOffset::ReadAtConnection { device_ahead_secs: DEVICE_AHEAD_SECS };
        Ok(Reading {
            id: reading_id(&source, record),
            source,
            record,
            user_index: self.user_index,
            who: self.who,
            kind: Kind::BloodPressure,
            value: self.value,
            times: Times { device: Some(self.device), hub_received: at, taken: self.taken, offset },
            quality: self.quality,
            raw: RawFrame { service: "1810".to_owned(), characteristic: "2a35".to_owned(), bytes },
        })
    }
}

/// One reading with its value, one the cuff broke off, and one that belongs to nobody yet.
fn readings() -> Result<[Reading; 3], String> {
    let at = eight_o_clock()?;
    let pressure = |number: u16| MmHg::new(Decimal::from(number));
    let by_the_device = |taken: DateTime<Utc>| TakenAt::DeviceClock(taken - TimeDelta::seconds(DEVICE_AHEAD_SECS));
    let patient = PatientId::parse("pt-4c1e").map_err(said)?;
    // Made: a minute before eight in London, by the cuff's slow clock.
    let measured = Example {
        frame: "1686004d006400ea0706010739393d000000",
        who: Who::Patient(patient.clone()),
        value: Value::Measured(Measure::BloodPressure(BloodPressure {
            systolic: pressure(134),
            diastolic: pressure(77),
            mean: Some(pressure(100)),
            pulse: Some(PerMinute::new(Decimal::from(61))),
            posture: None,
            arm: None,
        })),
        device: DeviceTime::new(2026, 6, 1, 7, 57, 57).map_err(said)?,
        taken: by_the_device(at - TimeDelta::seconds(123)),
        user_index: None,
        quality: Quality::none(),
    };
    // A public capture (tests/vectors/devices.jsonl): every number is "not a number", and it is years old.
    let broken_off = Example {
        frame: "16ff07ff07ff07e107011000391cff070000",
        who: Who::Patient(patient),
        value: Value::NotMeasured(NoValue::NotANumber),
        device: DeviceTime::new(2017, 1, 16, 0, 57, 28).map_err(said)?,
        taken: by_the_device(Utc.with_ymd_and_hms(2017, 1, 16, 0, 57, 28).single().ok_or("make a moment in winter")?),
        user_index: None,
        quality: Quality::none(),
    };
    // A public test frame: the cuff's year was never set, so the hub's clock dates it.
    let of_nobody = Example {
        frame: "1e8a00580078000000041114293b3c00012700",
        who: Who::Unassigned(WhyUnassigned::NotBound),
        value: Value::Measured(Measure::BloodPressure(BloodPressure {
            systolic: pressure(138),
            diastolic: pressure(88),
            mean: Some(pressure(120)),
            pulse: Some(PerMinute::new(Decimal::from(60))),
            posture: Some(vitals::measure::Posture::Sitting),
            arm: Some(vitals::measure::Arm::Left),
        })),
        device: DeviceTime::new(0, 4, 17, 20, 41, 59).map_err(said)?,
        taken: TakenAt::HubClock(at),
        user_index: Some(1),
        quality: [
            Flag::BodyMovement,
            Flag::CuffTooLoose,
            Flag::IrregularPulse,
            Flag::ImproperPosition,
            Flag::DeviceClockNotSet,
        ]
        .into_iter()
        .collect(),
    };
    Ok([measured.reading()?, broken_off.reading()?, of_nobody.reading()?])
}

/// What a hub sends.
///
/// # Errors
/// Where a part of the example is refused by its type.
pub fn batch() -> Result<v1::Batch, String> {
    let readings = readings()?.iter().map(v1::Reading::from).collect();
    Ok(v1::Batch { made_at: v1::moment(eight_o_clock()?), lane: v1::Lane::Live, readings })
}

/// What the service answers: a line of each outcome, and both verdicts.
///
/// # Errors
/// Where a part of the example is refused by its type.
pub fn receipt() -> Result<v1::Receipt, String> {
    let ids = readings()?.map(|reading| reading.id.to_string());
    let [measured, broken_off, of_nobody] = &ids;
    let alert = AlertId::derive(&[measured.as_bytes()]).to_string();
    let head =
        |person: &str| Some(vitals::hex::encode(AlertId::derive(&[b"a chain head", person.as_bytes()]).as_bytes()));
    let evaluated = v1::Verdict::Evaluated { late: false, alerts: vec![alert] };
    let unevaluated = v1::Verdict::Unevaluated { reason: ErrorCode::RulePanicked.code().to_owned() };
    let prompt = v1::Prompt {
        urgency: v1::Urgency::CheckAgain,
        text: "Rest for five minutes. Then take your blood pressure again.".to_owned(),
    };
    let line = |position, id: &str, outcome, code: Option<ErrorCode>| v1::ReceiptLine {
        position,
        id: id.to_owned(),
        outcome,
        code: code.map(|code| code.code().to_owned()),
        message: code.map(ErrorCode::sentence),
        verdict: None,
        prompts: Vec::new(),
        chain_head: None,
    };
    let stored = v1::ReceiptLine {
        verdict: Some(evaluated),
        prompts: vec![prompt],
        chain_head: head("pt-4c1e"),
        ..line(0, measured, v1::Outcome::Stored, None)
    };
    let not_judged = v1::ReceiptLine {
        verdict: Some(unevaluated),
        chain_head: head("pt-4c1e"),
        ..line(1, broken_off, v1::Outcome::Stored, None)
    };
    Ok(v1::Receipt {
        received_at: v1::moment(eight_o_clock()?),
        readings: vec![
            stored.clone(),
            not_judged,
            line(2, of_nobody, v1::Outcome::Unassigned, None),
            v1::ReceiptLine { position: 3, outcome: v1::Outcome::Duplicate, ..stored },
            line(4, of_nobody, v1::Outcome::Conflict, Some(ErrorCode::ReadingConflict)),
            line(5, "", v1::Outcome::Rejected, Some(ErrorCode::ReadingMalformed)),
        ],
    })
}

/// How a whole request is refused.
///
/// # Errors
/// Where a part of the example is refused by its type.
pub fn problem() -> Result<v1::Problem, String> {
    let [measured, ..] = readings()?;
    Ok(v1::Problem { reading: Some(measured.id.to_string()), ..v1::Problem::new(ErrorCode::DigestMismatch) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &[Golden] = &[Golden { path: "folder/one.txt", make: || Ok("first\nsecond\n".to_owned()) }];

    #[test]
    fn a_missing_a_changed_and_a_cut_file_are_each_found() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(differences(ONE, folder.path()).len(), 1, "missing");
        assert_eq!(regenerate(ONE, folder.path()).unwrap(), ["folder/one.txt"]);
        assert_eq!(differences(ONE, folder.path()), []);
        assert!(regenerate(ONE, folder.path()).unwrap().is_empty(), "nothing changed, nothing written");
        for (text, line) in
            [("first\nplanted\n", 2), ("first\n", 2), ("first\nsecond", 3), ("first\nsecond\n\n", 4), ("", 1)]
        {
            fs::write(folder.path().join("folder/one.txt"), text).unwrap();
            let found = differences(ONE, folder.path());
            assert_eq!(found.iter().map(|difference| difference.line).collect::<Vec<_>>(), [line], "{text:?}");
        }
    }

    #[test]
    fn the_examples_have_every_outcome_and_both_kinds_of_value() {
        let receipt = receipt().unwrap();
        for outcome in [
            v1::Outcome::Stored,
            v1::Outcome::Unassigned,
            v1::Outcome::Duplicate,
            v1::Outcome::Conflict,
            v1::Outcome::Rejected,
        ] {
            assert!(receipt.readings.iter().any(|line| line.outcome == outcome), "{outcome:?}");
        }
        let batch = batch().unwrap();
        assert!(batch.readings.iter().any(|reading| reading.measured.is_some() && reading.patient.is_some()));
        assert!(batch.readings.iter().any(|reading| reading.not_measured.is_some()));
        assert!(batch.readings.iter().any(|reading| reading.unassigned.is_some()));
        assert!(readings().unwrap().iter().all(Reading::has_own_id));
    }
}
