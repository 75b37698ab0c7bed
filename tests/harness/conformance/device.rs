//! What the product says about a device's frame, under the public case's own field names.
//!
//! Invariant: nothing is worked out here. Each answer is what `hub-agent decode` says of the same bytes, renamed; so the
//! same table judges the library and the printed lines of the program.

use super::{
    compare::{Answer, Got},
    row::Row,
};
use chrono_tz::Tz;
use device_codecs::decoders;
use hub_agent::cli::decode::decode;
use std::collections::BTreeMap;
use vitals::{DeviceTime, wire::v1::moment};

/// A public case's name for a frame, where it is not the decoder's: theirs, then ours.
const FRAMES: [(&str, &str); 23] = [
    ("SFLOAT", "sfloat"),
    ("FLOAT32", "float"),
    ("E2E-CRC (MCRF4XX)", "e2e_crc"),
    ("Xiaomi service-data 181D", "181d"),
    ("Xiaomi service-data 181B", "181b"),
    ("2A9C (Xiaomi, non-conformant)", "2a9c"),
    ("PRST scan-report-fixed (10404 pulse oximeter)", "phd_20601"),
    ("PRST scan-report-fixed (10415 scale, 4 obs)", "phd_20601"),
    ("PRST scan-report-fixed (10408 thermometer)", "phd_20601"),
    ("live 5-byte", "cms50_v4_live"),
    ("recorded 3-byte", "cms50_v4_point"),
    ("9-byte packet", "cms50_v7_packet"),
    ("command encode", "cms50_v7_command"),
    ("125-byte packet", "nonin_df2"),
    ("two frames", "nonin_df2_frames"),
    ("partial", "nonin_df2_frames"),
    ("line", "masimo_ascii1"),
    ("result record", "contour_astm"),
    ("ultra2 checksum16", "sum16"),
    ("ultra2 line", "onetouch_ultra2"),
    ("ultraeasy packet", "onetouch_ultraeasy_packet"),
    ("crc_ccitt", "crc_ccitt"),
    ("clock line", "freestyle_clock"),
];

/// Frames whose public name goes on with the model they were captured from.
const FRAMES_OF_MODELS: [(&str, &str); 2] = [("record LE", "omron_14"), ("record BE", "omron_14_be")];

/// Fields under the public cases' names: theirs, then ours.
const FIELDS: [(&str, &str); 15] = [
    ("timestamp", "time"),
    ("local", "time"),
    ("measured_local", "time"),
    ("map", "mean"),
    ("user_id", "user_index"),
    ("type", "specimen_type"),
    ("computed_crc", "computed"),
    ("sys", "systolic"),
    ("dia", "diastolic"),
    ("bpm", "pulse"),
    ("special", "value_why"),
    ("reject_as_standard", "is_makers_own_layout"),
    ("xiaomi_weight_kg", "weight"),
    ("xiaomi_timestamp", "time"),
    ("xiaomi_stable", "is_stable"),
];

/// What `hub-agent decode` says about a row, renamed.
pub(super) fn to(frame: &str, row: &Row) -> Answer {
    let Some(name) = decoder(frame) else { return Answer::NotCovered };
    let Some(hex) = row.text("hex") else { return Answer::InputUnreadable("the input has no hex".to_owned()) };
    match decode(name, hex) {
        Ok(spoken) => Answer::Device(renamed(Got::from(&spoken.shown()), row)),
        Err(error) => Answer::InputUnreadable(error.to_string()),
    }
}

/// What a program printed about a row, renamed.
pub(super) fn printed(said: &serde_json::Value, row: &Row) -> Answer {
    Answer::Device(renamed(Got::from(said), row))
}

/// The decoder for a public case's frame, where there is one.
pub(super) fn decoder(frame: &str) -> Option<&'static str> {
    let renamed = FRAMES.iter().find(|(theirs, _)| *theirs == frame);
    let of_a_model = || FRAMES_OF_MODELS.iter().find(|(theirs, _)| frame.starts_with(theirs));
    let name = renamed.or_else(of_a_model).map_or(frame, |(_, ours)| ours);
    decoders::named(name).map(|decoder| decoder.name)
}

/// Words under the public cases' names: the frames they use them for, the field, theirs, then ours.
const WORDS: [(&str, &str, &str, &str); 5] = [
    ("2A1C", "unit", "C", "°C"),
    ("2A9C", "unit", "SI", "kg"),
    // Their test calls every packet without a message an acknowledgement; this one ends the session.
    ("ultraeasy packet", "kind", "ack", "link"),
    ("SFLOAT", "special", "NaN", "nan"),
    ("SFLOAT", "special", "+INF", "+inf"),
];

/// How a case asks for a device's local time in UTC: this, and the zone it is to be taken in.
const IN_UTC: &str = "measured_utc_if_zone_";

/// Everything said, under our names and theirs.
fn renamed(said: Got, row: &Row) -> BTreeMap<String, Got> {
    let frame = row.frame.as_deref().unwrap_or_default();
    let Got::Named(mut answer) = said else { return BTreeMap::from([("value".to_owned(), said)]) };
    // A recording's frame holds points; the public cases give one.
    if let Some(Got::List(points)) = answer.get("points")
        && let [Got::Named(point)] = points.as_slice()
    {
        answer = point.clone();
    }
    for (theirs, ours) in FIELDS {
        if let Some(got) = answer.get(ours).cloned() {
            answer.entry(theirs.to_owned()).or_insert(got);
        }
    }
    for (frames, field, theirs, ours) in WORDS {
        if frame.starts_with(frames) && answer.get(field) == Some(&Got::Text(ours.to_owned())) {
            answer.insert(field.to_owned(), Got::Text(theirs.to_owned()));
        }
    }
    if let Some(Got::Decimal(share)) = answer.get("body_fat_pct_by_the_standard") {
        let reason = format!("standard parse gives body fat {share} %, an impossible value");
        answer.insert("reason".to_owned(), Got::Text(reason));
    }
    if let Some(Got::List(observations)) = answer.get("observations")
        && let Some(first) = observations.first().cloned()
    {
        answer.insert("error_or_first".to_owned(), first);
    }
    if let (Some(Got::Text(what)), field) = (answer.get("what"), answer.get("field")) {
        let error = their_error(what, field);
        answer.insert("error".to_owned(), error);
    }
    if let Some(Got::Text(local)) = answer.get("time").cloned() {
        for asked in row.expected.keys().filter(|key| key.starts_with(IN_UTC)) {
            answer.insert(asked.clone(), Got::text(in_utc(&local, asked)));
        }
    }
    answer
}

/// A device's local time in UTC, taken in the zone that a case asks for, as the hub takes it in its own.
fn in_utc(local: &str, asked: &str) -> Option<String> {
    let zone: Tz = asked.strip_prefix(IN_UTC)?.replacen('_', "/", 1).parse().ok()?;
    let local = DeviceTime::parse(local).ok()?.local()?;
    let (moments, _noticed) = hub_agent::admit::in_utc(local, zone)?;
    moments.into_iter().max().map(moment)
}

/// The public cases' name for a refusal.
fn their_error(what: &str, field: Option<&Got>) -> Got {
    let field = if let Some(Got::Text(field)) = field { field.as_str() } else { "" };
    let name = match (what, field) {
        ("truncated", "the time") => "truncated_timestamp",
        ("truncated", _) => "too_short",
        ("checksum_wrong", _) => "crc_mismatch",
        ("out_of_step", _) => "sync",
        ("malformed", "the checksum") => "missing_checksum",
        (other, _) => other,
    };
    Got::Text(name.to_owned())
}
