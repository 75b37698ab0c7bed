//! The oximeter forgets a spot check when it is acknowledged: so nothing is acknowledged that is not kept.

use super::*;
use crate::serial::far_side::{Line, Step, clock, records, sent};

const RECORD: &str = "0002000d000e20150412103059000200004800618f03";

fn record() -> Vec<u8> {
    vitals::hex::decode(RECORD).unwrap()
}

/// An oximeter that answers for its clock, has two spot checks in memory, and sends the next once one is acknowledged.
#[test]
fn each_spot_check_is_acknowledged_once_and_only_when_it_is_kept() {
    let mut left = 2;
    let line = Line::new(move |bytes| match bytes {
        [0x02, 0x72, 0x00, 0x03] => [vitals::hex::decode("02f2061504120a1e3b03").unwrap(), record()].concat(),
        [ACKNOWLEDGED] => {
            left -= 1;
            if left > 0 { record() } else { Vec::new() }
        }
        other => panic!("sent {other:02x?}"),
    });
    let steps = line.run(&mut SpotCheckDialogue::new());
    assert_eq!(records(&steps), [record(), record()]);
    assert_eq!(clock(&steps).as_deref(), Some("2021-04-18T10:30:59"));
    let after_record = |step: &Step| matches!(step, Step::Did(Do::Record { .. }));
    for (place, _) in steps.iter().enumerate().filter(|(_, step)| after_record(step)) {
        assert_eq!(steps[place + 1..place + 3], [Step::Kept, Step::Did(Do::Send(vec![ACKNOWLEDGED]))]);
    }
    assert_eq!(sent(&steps).iter().filter(|bytes| **bytes == [ACKNOWLEDGED]).count(), 2);
}

#[test]
fn a_damaged_spot_check_is_not_acknowledged() {
    let mut damaged = record();
    damaged[12] ^= 1;
    let mut dialogue = SpotCheckDialogue::new();
    dialogue.start();
    assert_eq!(dialogue.hear(&damaged), [Do::Dropped { bytes: 22, why: crate::serial::Dropped::ChecksumWrong }]);
    assert_eq!(dialogue.kept(), []);
}

/// Set to another format, a silent oximeter is switched to this one.
#[test]
fn a_silent_oximeter_is_asked_for_this_format() {
    let mut is_in_format = false;
    let line = Line::new(move |bytes| match bytes {
        [0x02, 0x70, 0x02, 0x02, 13, 0x03] => {
            is_in_format = true;
            vec![ACKNOWLEDGED]
        }
        [0x02, 0x72, 0x00, 0x03] if is_in_format => record(),
        _ => Vec::new(),
    });
    assert_eq!(records(&line.run(&mut SpotCheckDialogue::new())), [record()]);
}
