//! A meter that knows only `$xmem`, ignores the first command, and may damage its answer.

use super::*;
use crate::serial::far_side::{Line, Step, clock, device, hints, records};

const RESULTS: [&str; 2] = ["093  Apr  22 2014 02:14 G 0x00", "003  Apr  22 2014 02:30 K 0x00"];

fn answer(count: &str, results: &[&str], stx: bool) -> Vec<u8> {
    let header = ["", "CAMG113-S0123", "0.22", "Apr  22 2014 02:34:37", count];
    let lines: String = header.iter().chain(results).map(|line| format!("{line}\r\n")).collect();
    let summed = [if stx { vec![0x02] } else { Vec::new() }, lines.into_bytes()].concat();
    let end = format!("0x{:04X}  END\r\n", sum16(&summed));
    [summed, end.into_bytes(), if stx { vec![0x03] } else { Vec::new() }].concat()
}

/// What it answers, told which time it is asked.
fn meter(mut answer: impl FnMut(usize) -> Vec<u8> + 'static) -> Line<'static> {
    let mut times = 0;
    Line::new(move |bytes| {
        assert_eq!(bytes, b"$xmem\r\n");
        times += 1;
        answer(times)
    })
}

#[test]
fn results_come_once_the_sum_of_all_of_them_holds() {
    for stx in [false, true] {
        let line = meter(move |time| match time {
            1 => b"\r\n".to_vec(),
            2 => b"$xmem\r\n".to_vec(),
            _ => answer("002", &RESULTS, stx),
        });
        let steps = line.run(&mut OptiumDialogue::new());
        assert_eq!(records(&steps), RESULTS.map(|line| format!("{line}\r\n").into_bytes()));
        assert_eq!(clock(&steps).as_deref(), Some("2014-04-22T02:34:37"));
        let who = ("Abbott", Some("FreeStyle Optium".to_owned()), Some("CAMG113-S0123".to_owned()));
        assert_eq!((device(&steps), hints(&steps)), (Some(who), vec![]));
        assert_eq!(steps.last(), Some(&Step::Did(Do::Done)));
    }
}

#[test]
fn a_damaged_answer_gives_nothing_and_is_asked_for_again() {
    let damaged = |time: usize| {
        let mut bytes = answer("002", &RESULTS, false);
        if time == 1 {
            bytes[60] ^= 1;
        }
        bytes
    };
    let steps = meter(damaged).run(&mut OptiumDialogue::new());
    assert_eq!((records(&steps).len(), hints(&steps)), (2, vec![]));
    let steps = meter(|_| answer("003", &RESULTS, false)).run(&mut OptiumDialogue::new());
    assert_eq!((records(&steps), hints(&steps)), (vec![], vec![Hint::LineTooNoisy]));
    let cut = |_| answer("002", &RESULTS, false)[..70].to_vec();
    let steps = meter(cut).run(&mut OptiumDialogue::new());
    assert_eq!((records(&steps), hints(&steps)), (vec![], vec![Hint::BrokeOff]));
}

#[test]
fn an_empty_meter_says_so() {
    let steps = meter(|_| answer("Log Empty", &[], false)).run(&mut OptiumDialogue::new());
    assert_eq!((records(&steps), hints(&steps)), (vec![], vec![Hint::NothingStored]));
}
