//! Lines come in the order of arrival whatever order they stand in, and what does not read is named by number and code.

use super::*;
use std::io::Write;
use vitals::{
    RecordNumber, SourceId,
    record::{RecordKey, reading_id},
    wire::v1,
};

/// A line of an invented person's weight, taken in minute `minute` and, where that is said, arrived in another.
pub(in crate::cli::protocols) fn line(person: &str, minute: u32, kilos: &str, arrived: Option<u32>) -> String {
    let at = |minute: u32| {
        v1::moment(DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_000) + chrono::TimeDelta::minutes(minute.into()))
    };
    let source = SourceId::device("scale", person).unwrap();
    let record = RecordNumber::of("181d", RecordKey::Number(minute), None, &[]);
    let reading = v1::Reading {
        id: reading_id(&source, record).to_string(),
        source: source.to_string(),
        record: record.to_string(),
        user_index: None,
        patient: Some(person.to_owned()),
        unassigned: None,
        kind: "weight".to_owned(),
        measured: Some([("weight".to_owned(), v1::Number { value: kilos.to_owned(), unit: "kg".to_owned() })].into()),
        said: std::collections::BTreeMap::new(),
        rr_intervals_1024ths: Vec::new(),
        sequence: None,
        not_measured: None,
        posture: None,
        arm: None,
        device_time: None,
        hub_received: at(minute),
        taken_at: at(minute),
        taken_by: "hub".to_owned(),
        device_ahead_secs: None,
        quality: Vec::new(),
        raw: v1::Raw { service: "181d".to_owned(), characteristic: "2a9d".to_owned(), hex: String::new() },
    };
    let mut line = serde_json::to_value(reading).unwrap();
    if let Some(arrived) = arrived {
        line["arrived_at"] = at(arrived).into();
    }
    line.to_string()
}

/// What comes of these lines: each one's number, and its code where it is no reading.
fn read(lines: &[String]) -> Vec<(u64, Option<ErrorCode>)> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    lines.iter().for_each(|line| writeln!(file, "{line}").unwrap());
    let mut lines = Lines::open(file.path(), HubId::parse("hub-test").unwrap()).unwrap();
    let mut seen = Vec::new();
    lines.each(|number, reading| seen.push((number, reading.err()))).unwrap();
    seen
}

#[test]
fn lines_come_in_the_order_of_arrival() {
    let one = |minute, arrived| line("pt-a", minute, "80", arrived);
    assert_eq!(read(&[one(1, None), one(2, None)]), [(1, None), (2, None)]);
    assert_eq!(read(&[one(1, Some(9)), one(2, None), one(3, Some(3))]), [(2, None), (3, None), (1, None)]);
    assert_eq!(read(&[one(5, None), one(5, None)]), [(1, None), (2, None)], "of one moment as they stand");
    assert_eq!(read(&[]), []);
}

#[test]
fn what_does_not_read_is_named_by_its_line_and_code_and_the_rest_is_read() {
    use ErrorCode as E;
    let good = || line("pt-a", 1, "80", None);
    let table = [
        (String::from("{"), E::ReadingMalformed),
        (String::from("[]"), E::ReadingMalformed),
        (good().replace("\"kg\"", "\"stone\""), E::UnitNotSupported),
        (good().replace("\"weight\"", "\"mood\""), E::KindNotSupported),
        (good().replace("pt-a", "pt-9990000018"), E::ReadingMalformed),
        (good().replace("\"value\":\"80\"", "\"value\":\"eighty\""), E::ValueMalformed),
        (good().replace("00Z\"", "00\""), E::TimeMalformed),
        (format!("{{\"x\": \"{}\"}}", "x".repeat(usize::try_from(LINE_BYTES_MAX).unwrap())), E::ReadingMalformed),
    ];
    for (bad, code) in table {
        assert_ne!(bad, good());
        let shown: String = bad.chars().take(80).collect();
        assert_eq!(
            read(&[good(), bad.clone(), line("pt-a", 2, "81", None)]),
            [(1, None), (2, Some(code)), (3, None)],
            "{shown}"
        );
        let mut out_of_order = read(&[line("pt-a", 9, "81", None), bad, good()]);
        out_of_order.sort_by_key(|(number, _)| *number);
        assert_eq!(out_of_order, [(1, None), (2, Some(code)), (3, None)], "{shown}");
    }
    assert_eq!(read(&[String::new(), good()]), [(2, None)], "an empty line is none");
}
