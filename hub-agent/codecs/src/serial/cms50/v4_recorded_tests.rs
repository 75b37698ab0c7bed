//! An oximeter of the older generation that talks live all the while, and sends its recording when it is asked.

use super::*;
use crate::serial::far_side::{Line, Step, device, hints, records, sent};

const LIVE: [u8; 5] = [0x85, 0x10, 0x05, 0x48, 0x61];

/// The answer to F5 F5: a header that tells of so many points, then points.
fn recording(told: usize, points: usize) -> Vec<u8> {
    let length = told * 3 - 1;
    let seven = |shift: usize| u8::try_from(length >> shift & 0x7f).unwrap();
    let header = [0xf2, 0x80, 0x00].repeat(3);
    let point = |n: usize| [0xf0, 0x80 | u8::try_from(60 + n % 40).unwrap(), 97];
    [header, vec![0x80 | seven(14), 0x80 | seven(7), seven(0)], (0..points).flat_map(point).collect()].concat()
}

fn oximeter(told: usize, points: usize) -> Line<'static> {
    let mut line = Line::new(move |bytes| match bytes {
        [0xf5, 0xf5] => [LIVE.repeat(3), recording(told, points)].concat(),
        [0xf6, 0xf6, 0xf6] => Vec::new(),
        other => panic!("sent {other:02x?}"),
    });
    line.unasked = LIVE.repeat(4);
    line
}

#[test]
fn a_recording_comes_in_pieces_that_a_frame_can_hold() {
    let steps = oximeter(400, 400).run(&mut RecordedV4::new());
    let records = records(&steps);
    assert_eq!(records.iter().map(Vec::len).collect::<Vec<_>>(), [510, 510, 180]);
    let points: usize = records.iter().map(|piece| v4::decode_points(piece).unwrap().len()).sum();
    assert_eq!(points, 400);
    assert_eq!(device(&steps), Some(("Contec", None, None)));
    assert_eq!(sent(&steps), [vec![0xf5, 0xf5], vec![0xf6, 0xf6, 0xf6]]);
    assert_eq!((hints(&steps), steps.last()), (vec![], Some(&Step::Did(Do::Done))));
}

#[test]
fn a_recording_that_breaks_off_gives_what_came_and_says_so() {
    let steps = oximeter(400, 100).run(&mut RecordedV4::new());
    assert_eq!(records(&steps).iter().map(Vec::len).sum::<usize>(), 300);
    assert_eq!(hints(&steps), [Hint::BrokeOff]);
}

#[test]
fn an_oximeter_that_only_talks_live_has_no_recording() {
    let line = Line::new(|bytes| if bytes == ASK { LIVE.repeat(400) } else { Vec::new() });
    let steps = line.run(&mut RecordedV4::new());
    assert_eq!((records(&steps), hints(&steps)), (vec![], vec![Hint::NothingStored]));
    assert_eq!(sent(&steps).iter().filter(|bytes| **bytes == ASK).count(), 3);
}

#[test]
fn noise_in_place_of_talk_is_another_device_or_another_speed() {
    let line = Line::new(|_| vec![0xff; 2_000]);
    let steps = line.run(&mut RecordedV4::new());
    assert_eq!(hints(&steps), [Hint::NotThisProtocol]);
}
