//! A meter that minds the numbers of packets, answers only what it knows, and repeats what is not acknowledged.

use super::*;
use crate::serial::far_side::{Line, Step, clock, device, hints, records, sent};
use std::{cell::RefCell, rc::Rc};

/// The meter's side: its own number, the number it expects, and the answer that awaits its acknowledgement.
#[derive(Default)]
struct Meter {
    number: bool,
    expected: bool,
    waiting: Option<Vec<u8>>,
    records: u16,
    /// Which packet of all it sends is damaged on its way, counted from one.
    damaged: usize,
    packets: usize,
    asked: Vec<Vec<u8>>,
}

impl Meter {
    fn hear(&mut self, bytes: &[u8]) -> Vec<u8> {
        let packet = decode_packet(bytes).unwrap();
        if packet.link.ends {
            (self.number, self.expected, self.waiting) = (false, false, None);
            return self.send(Link { ends: true, acknowledges: true, ..Link::default() }, &[]);
        }
        if packet.link.acknowledges {
            if self.waiting.is_some() && packet.link.expected != self.number {
                self.number = !self.number;
                self.waiting = None;
            }
            return Vec::new();
        }
        let is_new = packet.link.number == self.expected;
        if is_new {
            self.expected = !self.expected;
            self.asked.push(packet.message.clone());
            self.waiting = Some(self.answer(&packet.message));
        }
        let acknowledges = Link { acknowledges: true, ..self.link() };
        let acknowledged = self.send(acknowledges, &[]);
        let waiting = self.waiting.clone().unwrap();
        let answer = self.send(self.link(), &waiting);
        [acknowledged, answer].concat()
    }

    fn link(&self) -> Link {
        Link { number: self.number, expected: self.expected, ..Link::default() }
    }

    fn send(&mut self, link: Link, message: &[u8]) -> Vec<u8> {
        self.packets += 1;
        let mut bytes = encode_packet(link, message).unwrap();
        if self.packets == self.damaged {
            *bytes.last_mut().unwrap() ^= 0x55;
        }
        bytes
    }

    fn answer(&self, message: &[u8]) -> Vec<u8> {
        match message {
            [0x05, 0x0b, 0x02, ..] => b"\x05\x06C176SA0VN".to_vec(),
            [0x05, 0x20, 0x02, 0, 0, 0, 0] => [[0x05, 0x06].as_slice(), &1_767_225_600_u32.to_le_bytes()].concat(),
            [0x05, 0x1f, 0xf5, 0x01] => [[0x05, 0x0f].as_slice(), &self.records.to_le_bytes()].concat(),
            [0x05, 0x1f, low, high] => {
                let number = u32::from(u16::from_le_bytes([*low, *high]));
                assert!(number < u32::from(self.records), "asked for record {number}");
                [[0x05, 0x06].as_slice(), &(1_767_000_000 + number).to_le_bytes(), &(100 + number).to_le_bytes()]
                    .concat()
            }
            other => panic!("asked {other:02x?}"),
        }
    }
}

fn run(meter: Meter) -> (Vec<Step>, Rc<RefCell<Meter>>) {
    let meter = Rc::new(RefCell::new(meter));
    let far = Rc::clone(&meter);
    let steps = Line::new(move |bytes| far.borrow_mut().hear(bytes)).run(&mut UltraEasyDialogue::new());
    (steps, meter)
}

fn values(steps: &[Step]) -> Vec<u32> {
    records(steps).iter().map(|record| ultraeasy::decode(record).unwrap().mg_per_dl).collect()
}

#[test]
fn all_records_come_and_each_next_one_is_asked_for_when_the_last_is_kept() {
    let (steps, meter) = run(Meter { records: 5, ..Meter::default() });
    assert_eq!(values(&steps), [100, 101, 102, 103, 104]);
    let who = ("LifeScan", Some("OneTouch UltraEasy".to_owned()), Some("C176SA0VN".to_owned()));
    assert_eq!((device(&steps), clock(&steps).as_deref()), (Some(who), Some("2026-01-01T00:00:00")));
    assert_eq!((hints(&steps), steps.last()), (vec![], Some(&Step::Did(Do::Done))));
    let is_record = |step: &&Step| matches!(step, Step::Did(Do::Record { .. }));
    let after = steps.iter().zip(steps.iter().skip(1)).filter(|(step, _)| is_record(step)).map(|(_, after)| after);
    assert!(after.into_iter().all(|step| *step == Step::Kept));
    // Never the command that erases: 05 1A.
    assert!(meter.borrow().asked.iter().all(|message| message.get(1) != Some(&0x1a)));
    assert!(sent(&steps).iter().all(|bytes| decode_packet(bytes).is_ok()));
}

/// Any one packet of the meter damaged: all records come all the same, each once.
#[test]
fn one_damaged_packet_costs_a_repetition_and_no_record() {
    for damaged in 1..=18 {
        let (steps, _) = run(Meter { records: 4, damaged, ..Meter::default() });
        assert_eq!(values(&steps), [100, 101, 102, 103], "packet {damaged} damaged");
        assert_eq!(hints(&steps), [], "packet {damaged} damaged");
    }
}

#[test]
fn an_empty_meter_says_so() {
    let (steps, _) = run(Meter::default());
    assert_eq!((values(&steps), hints(&steps)), (vec![], vec![Hint::NothingStored]));
}
