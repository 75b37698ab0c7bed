//! What a replay file says and what it may not say.

use super::*;
use crate::test_parts::{CAPTURE_NAN, at};

const DEVICE: &str = r#""device":{"maker":"A&D Medical","serial":"5161000042"}"#;

fn start() -> DateTime<Utc> {
    at("2026-06-01T08:00:00Z")
}

fn read(lines: &[String]) -> Result<Replay, ReplayError> {
    Replay::read(&lines.join("\n"), start())
}

fn connect(at_secs: u32, ahead: &str) -> String {
    format!(r#"{{"connect":{{{DEVICE},{ahead}"at_secs":{at_secs}}}}}"#)
}

fn disconnect(at_secs: u32) -> String {
    format!(r#"{{"disconnect":{{{DEVICE},"at_secs":{at_secs}}}}}"#)
}

fn capture(at_secs: u32) -> String {
    format!(
        r#"{{"frame":{{"kind":"capture",{DEVICE},"characteristic":"2a35","hex":"{CAPTURE_NAN}","at_secs":{at_secs},"source":"a log"}}}}"#
    )
}

fn made(fields: &str) -> String {
    format!(
        r#"{{"frame":{{"kind":"made",{DEVICE},"characteristic":"2a35","at_secs":300,"systolic":"182","diastolic":"118"{fields}}}}}"#
    )
}

fn frames(replay: Replay) -> Vec<Frame> {
    let frame = |step: Step| match step.heard {
        Heard::Frame(frame) => Some(frame),
        Heard::Connected { .. } | Heard::Disconnected { .. } | Heard::MemoryRead { .. } | Heard::Failed { .. } => None,
    };
    replay.into_iter().filter_map(frame).collect()
}

#[test]
fn a_record_repeated_across_a_reconnect_is_two_frames_of_equal_bytes() {
    let lines = [
        connect(60, r#""device_ahead_secs":5,"#),
        capture(61),
        disconnect(62),
        String::new(),
        connect(90, ""),
        capture(91),
    ];
    let replay = read(&lines).unwrap();
    assert_eq!(replay.lasts(), TimeDelta::seconds(91));
    let frames = frames(replay);
    assert_eq!(
        frames.iter().map(|frame| frame.seen_at - start()).collect::<Vec<_>>(),
        [TimeDelta::seconds(61), TimeDelta::seconds(91)]
    );
    assert_eq!(frames[0].bytes, frames[1].bytes);
    assert_eq!(frames[0].clock, ClockOffset::ReadAtConnection { device_ahead_secs: 5 });
    assert_eq!(frames[1].clock, ClockOffset::NotRead);
}

/// The cuff's clock shows local time, out by its own offset.
#[test]
fn a_made_frame_is_dated_by_the_devices_own_clock() {
    for (ahead, fields, taken, rest) in [
        (
            r#""device_ahead_secs":0,"#,
            r#","taken_secs":290,"mean":"139","pulse":"96","user_index":1,"status":0"#,
            Some("2026-06-01T09:04:50"),
            "139 96 Some(1) Some(0)",
        ),
        (r#""device_ahead_secs":-3600,"#, r#","taken_secs":-10"#, Some("2026-06-01T07:59:50"), "nan none None None"),
        ("", r#","taken_secs":0,"mean":"20.4""#, Some("2026-06-01T09:00:00"), "20.4 none None None"),
        ("", "", None, "nan none None None"),
    ] {
        let frames = frames(read(&[connect(0, ahead), made(fields)]).unwrap());
        let measurement = device_codecs::gatt::blood_pressure::decode(frames[0].bytes.as_slice()).unwrap();
        assert_eq!((measurement.systolic.to_string(), measurement.diastolic.to_string()), ("182".into(), "118".into()));
        assert_eq!(measurement.taken_at.stated().map(|time| time.to_string()).as_deref(), taken, "{ahead} {fields}");
        let pulse = measurement.pulse.map_or("none".to_owned(), |pulse| pulse.to_string());
        let (user, status) = (measurement.user_index, measurement.status);
        assert_eq!(format!("{} {pulse} {user:?} {status:?}", measurement.mean), rest);
    }
}

#[test]
fn what_cannot_be_played_is_refused_with_its_line() {
    let connected = connect(60, "");
    for (lines, line, says) in [
        (vec![capture(61)], 1, "not connected"),
        (vec![connected.clone(), connected.clone()], 2, "connected already"),
        (vec![disconnect(1)], 1, "not connected"),
        (vec![connected.clone(), disconnect(61), capture(62)], 3, "not connected"),
        (vec![connected.clone(), capture(59)], 2, "earlier"),
        (vec!["# a remark".into(), "{}".into()], 2, "expected value"),
        (vec!["not json".into()], 1, "expected"),
        (vec![r#"{"connect":{},"frame":{}}"#.into()], 1, "missing field"),
        (vec![r#"{"wait":{"at_secs":1}}"#.into()], 1, "unknown variant `wait`"),
        (vec![connect(60, r#""model":"UA-651","#)], 1, "unknown field `model`"),
        (vec![connected.clone(), capture(61).replace("\"source\"", "\"from\"")], 2, "unknown field `from`"),
        (vec![connected.clone(), capture(61).replace("16ff", "16f")], 2, "hex"),
        (vec![connected.clone(), capture(61).replace("2a35", "2a19")], 2, "characteristic"),
        (vec![connected.clone(), capture(61).replace(CAPTURE_NAN, &"00".repeat(513))], 2, "513 bytes"),
        (vec![connected.clone(), made(r#","systolic":"1""#)], 2, "duplicate field"),
        (vec![connected.clone(), made(r#","mean":139"#)], 2, "expected a string"),
        (vec![connected.clone(), made(r#","mean":"139.125""#)], 2, "does not fit"),
        (vec![connected.clone(), made("").replace("2a35", "2a18")], 2, "only 2a35"),
        (vec![connect(60, "").replace("A&D Medical", "")], 1, "device"),
        (vec![connected, format!("#{}", "x".repeat(LINE_BYTES_MAX))], 2, "more than"),
    ] {
        let error = read(&lines).unwrap_err();
        assert!(error.line == line && error.reason.contains(says), "want line {line} and {says:?}, got {error}");
    }
    let too_many = "\n".repeat(LINES_MAX + 1);
    assert_eq!(Replay::read(&too_many, start()).unwrap_err().line, LINES_MAX + 1);
}
