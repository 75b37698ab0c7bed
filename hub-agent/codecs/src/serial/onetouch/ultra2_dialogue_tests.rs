//! A meter that answers only `DMF` and `DMP`, sleeps through the first question, and damages a line.

use super::*;
use crate::serial::{
    checksum::sum16,
    far_side::{Line, Step, clock, device, hints, records},
};

fn line(text: &str) -> Vec<u8> {
    format!("{text} {:04X}\r\n", sum16(text.as_bytes())).into_bytes()
}

fn record(value: u16) -> Vec<u8> {
    line(&format!(r#"P "SAT","01/03/26","22:12:00   ","  {value:03} ","N","00", 00"#))
}

/// What it answers to `DMP`, told which time it is asked.
fn meter(mut dump: impl FnMut(usize) -> Vec<u8> + 'static) -> Line<'static> {
    let (mut clocks, mut dumps) = (0, 0);
    Line::new(move |bytes| match bytes {
        b"\x11\rDMF\r" => {
            clocks += 1;
            let answer = [b"\x11\r".to_vec(), line(r#"F "SAT","01/03/26","22:15:00   ""#)].concat();
            if clocks == 1 { Vec::new() } else { answer }
        }
        b"\x11\rDMP\r" => {
            dumps += 1;
            [b"\x11\r".to_vec(), dump(dumps)].concat()
        }
        other => panic!("sent {other:02x?}"),
    })
}

fn header(records: usize) -> Vec<u8> {
    line(&format!(r#"P {records:03},"ABC123DEY","MMOL/L""#))
}

#[test]
fn all_records_come_with_clock_and_serial_number() {
    let dump = |_| [header(3), record(100), record(101), record(102)].concat();
    let steps = meter(dump).run(&mut Ultra2Dialogue::new());
    assert_eq!(records(&steps), [record(100), record(101), record(102)]);
    assert_eq!(clock(&steps).as_deref(), Some("2026-01-03T22:15:00"));
    let who = ("LifeScan", Some("OneTouch Ultra 2".to_owned()), Some("ABC123DEY".to_owned()));
    assert_eq!((device(&steps), hints(&steps)), (Some(who), vec![]));
    assert_eq!(steps.last(), Some(&Step::Did(Do::Done)));
}

#[test]
fn a_damaged_line_is_asked_for_again_and_the_others_come_once() {
    let dump = |time: usize| {
        let mut second = record(101);
        if time == 1 {
            second[40] ^= 1;
        }
        [header(3), record(100), second, record(102)].concat()
    };
    let steps = meter(dump).run(&mut Ultra2Dialogue::new());
    assert_eq!(records(&steps), [record(100), record(102), record(101)]);
    assert_eq!(hints(&steps), []);
}

#[test]
fn a_meter_that_breaks_off_each_time_gives_what_came() {
    let steps = meter(|_| [header(3), record(100)].concat()).run(&mut Ultra2Dialogue::new());
    assert_eq!((records(&steps), hints(&steps)), (vec![record(100)], vec![Hint::BrokeOff]));
}

#[test]
fn an_empty_meter_says_so() {
    let steps = meter(|_| header(0)).run(&mut Ultra2Dialogue::new());
    assert_eq!((records(&steps), hints(&steps)), (vec![], vec![Hint::NothingStored]));
}
