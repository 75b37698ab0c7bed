//! An oximeter of the newer generation: silent unless asked, and silent again unless it is kept awake.

use super::*;
use crate::serial::far_side::{Line, Step, device, hints, records, sent};

fn live() -> Vec<u8> {
    vitals::hex::decode("0180c5c0c8c8e1b280").unwrap()
}

/// One packet with three stored points.
fn stored() -> Vec<u8> {
    vitals::hex::decode("0f80e1c8e1c9e0ca").unwrap()
}

/// Five seconds of live packets for each sign of life.
#[test]
fn a_live_stream_is_kept_awake() {
    let mut signs = 0;
    let mut line = Line::new(|bytes| {
        let is_known = bytes == Command::StartLive.to_bytes() || bytes == Command::KeepAlive.to_bytes();
        assert!(is_known, "sent {bytes:02x?}");
        signs += 1;
        if signs <= 3 { live().repeat(300) } else { Vec::new() }
    });
    line.silences = 0;
    let steps = line.run(&mut LiveV7::new());
    assert_eq!(records(&steps).len(), 900);
    assert_eq!(device(&steps), Some(("Contec", None, None)));
    assert_eq!(sent(&steps).len(), 1 + 900 / PACKETS_PER_KEEP_ALIVE);
}

#[test]
fn a_stream_that_stops_is_asked_for_again() {
    let mut starts = 0;
    let mut line = Line::new(|bytes| {
        starts += usize::from(bytes == Command::StartLive.to_bytes());
        let end = vitals::hex::decode("0d8082").unwrap();
        if bytes == Command::StartLive.to_bytes() && starts <= 2 {
            [live().repeat(5), end].concat()
        } else {
            Vec::new()
        }
    });
    line.silences = 2;
    let steps = line.run(&mut LiveV7::new());
    assert_eq!((records(&steps).len(), hints(&steps)), (10, vec![]));
}

#[test]
fn an_older_oximeter_is_recognised() {
    let line = Line::new(|bytes| {
        if bytes == Command::StartLive.to_bytes() { [0x85, 0x10, 0x05, 0x48, 0x61].repeat(20) } else { Vec::new() }
    });
    let steps = line.run(&mut LiveV7::new());
    assert_eq!(hints(&steps).first(), Some(&Hint::Cms50IsOlder));
    let mut older = crate::serial::Protocol::Cms50V4Live.dialogue();
    let heard = older.hear(&live().repeat(6));
    assert!(heard.contains(&Do::Hint(Hint::Cms50IsNewer)), "{heard:?}");
}

#[test]
fn a_recording_ends_when_the_oximeter_falls_silent_or_says_so() {
    for end in ["", "0d8080"] {
        let line = Line::new(|bytes| {
            if bytes == Command::StartStored.to_bytes() {
                [stored().repeat(100), vitals::hex::decode(end).unwrap()].concat()
            } else {
                assert_eq!(bytes, Command::StopStored.to_bytes());
                Vec::new()
            }
        });
        let steps = line.run(&mut RecordedV7::new());
        let records = records(&steps);
        assert_eq!(records.iter().map(Vec::len).collect::<Vec<_>>(), [504, 296]);
        let points: usize = records.iter().map(|piece| v7::decode_stored(piece).unwrap().len()).sum();
        assert_eq!((points, hints(&steps)), (300, vec![]));
        assert_eq!(steps.last(), Some(&Step::Did(Do::Done)));
    }
}

#[test]
fn an_empty_memory_is_said_to_be_empty() {
    let line = Line::new(|bytes| {
        if bytes == Command::StartStored.to_bytes() { vitals::hex::decode("0d8081").unwrap() } else { Vec::new() }
    });
    let steps = line.run(&mut RecordedV7::new());
    assert_eq!((records(&steps), hints(&steps)), (vec![], vec![Hint::NothingStored]));
}
