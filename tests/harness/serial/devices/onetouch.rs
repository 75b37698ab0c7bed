//! LifeScan OneTouch meters, after glucometers-tech/glucometerutils `otultra2.py` and `otultraeasy.py` and their tests:
//! the Ultra 2 speaks in lines, the UltraEasy in packets.

use super::{Device, Wrongs, hex, turning};

/// An Ultra 2: woken by DC1 CR, asked by a command and CR.
#[derive(Debug)]
pub struct Ultra2 {
    lines: Vec<Vec<u8>>,
    command: Vec<u8>,
    wrongs: Wrongs,
}

/// A line with its checksum: the 16-bit sum of the bytes before the space.
fn line(text: &str) -> Vec<u8> {
    let sum = text.bytes().fold(0_u16, |sum, byte| sum.wrapping_add(u16::from(byte)));
    format!("{text} {sum:04X}\r\n").into_bytes()
}

impl Ultra2 {
    /// One with so many results; `first` tells those of different tests apart.
    #[must_use]
    pub fn with(first: usize, results: usize) -> Self {
        let result = |number: usize| {
            let (value, day) = (80 + turning(number, 100), 1 + turning(number / 1_440, 28));
            let (hour, minute) = (turning(number / 60, 24), turning(number, 60));
            line(&format!(
                "P \"SUN\",\"05/{day:02}/26\",\"{hour:02}:{minute:02}:00   \",\"  {value:03} \",\"N\",\"00\", 00"
            ))
        };
        let lines = (first..first + results).map(result).collect();
        Self { lines, command: Vec::new(), wrongs: Wrongs::default() }
    }
}

impl Device for Ultra2 {
    fn is_plugged_in(&mut self) {
        self.command.clear();
    }

    fn hears(&mut self, byte: u8, _kept: usize) -> Vec<Vec<u8>> {
        self.command.push(byte);
        match self.command.as_slice() {
            b"\x11\rDMF\r" => {
                self.command.clear();
                vec![line("F \"MON\",\"06/01/26\",\"13:00:05   \"")]
            }
            b"\x11\rDMP\r" => {
                self.command.clear();
                let header = line(&format!("P {:03},\"CDE12345Y\",\"MG/DL \"", self.lines.len()));
                [vec![header], self.lines.clone()].concat()
            }
            heard if b"\x11\rDMF\r".starts_with(heard) || b"\x11\rDMP\r".starts_with(heard) => Vec::new(),
            _ => {
                self.wrongs.note(format!("not a command: {}", hex(&std::mem::take(&mut self.command))));
                Vec::new()
            }
        }
    }

    fn records(&self) -> Vec<Vec<u8>> {
        self.lines.clone()
    }

    fn wrongs(&self) -> &[String] {
        self.wrongs.all()
    }
}

const ENDS: u8 = 0x08;
const ACKNOWLEDGES: u8 = 0x04;

/// An UltraEasy: numbered packets, each acknowledged, question by question.
#[derive(Debug)]
pub struct UltraEasy {
    /// Messages of the records.
    records: Vec<Vec<u8>>,
    heard: Vec<u8>,
    is_in_conversation: bool,
    /// The number of its next packet, and the one it expects.
    number: u8,
    expected: u8,
    /// The answer that awaits its acknowledgement, and whether it is a record.
    waits_for: Option<(Vec<u8>, bool)>,
    kept_before: usize,
    given: Vec<Vec<u8>>,
    wrongs: Wrongs,
}

/// CRC-CCITT from 0xFFFF, as LifeScan's specification writes it out: not the table of the code under test.
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xffff_u16, |crc, byte| {
        let mut crc = crc.rotate_left(8) ^ u16::from(*byte);
        crc ^= (crc & 0xff) >> 4;
        crc ^= crc << 12;
        crc ^ (crc & 0xff) << 5
    })
}

fn packet(link: u8, message: &[u8]) -> Vec<u8> {
    let length = u8::try_from(message.len() + 6).unwrap_or(u8::MAX);
    let mut bytes = [&[0x02, length, link], message, &[0x03]].concat();
    bytes.extend(crc(&bytes).to_le_bytes());
    bytes
}

impl UltraEasy {
    /// One with so many results; `first` tells those of different tests apart.
    #[must_use]
    pub fn with(first: usize, results: usize) -> Self {
        // 05 06, seconds since 1970 by its own clock, mg/dL.
        let record = |number: usize| {
            let seconds = 1_779_000_000 + u32::try_from(number).unwrap_or(0) * 60;
            let value = u32::from(80 + turning(number, 100));
            [&[0x05, 0x06], seconds.to_le_bytes().as_slice(), value.to_le_bytes().as_slice()].concat()
        };
        Self {
            records: (first..first + results).map(record).collect(),
            heard: Vec::new(),
            is_in_conversation: false,
            number: 0,
            expected: 0,
            waits_for: None,
            kept_before: 0,
            given: Vec::new(),
            wrongs: Wrongs::default(),
        }
    }

    fn link(&self) -> u8 {
        self.number | self.expected << 1
    }

    fn takes(&mut self, heard: &[u8], kept: usize) -> Vec<Vec<u8>> {
        let [0x02, _, link, message @ .., 0x03, low, high] = heard else {
            self.wrongs.note(format!("not a packet: {}", hex(heard)));
            return Vec::new();
        };
        let summed = heard.get(..heard.len() - 2).unwrap_or_default();
        if crc(summed) != u16::from_le_bytes([*low, *high]) {
            self.wrongs.note(format!("a wrong CRC: {}", hex(heard)));
            return Vec::new();
        }
        if link & ENDS != 0 {
            self.is_in_conversation = true;
            (self.number, self.expected, self.waits_for) = (0, 0, None);
            return vec![packet(ENDS | ACKNOWLEDGES, &[])];
        }
        if !self.is_in_conversation {
            self.wrongs.note("asked before the old conversation was ended");
        }
        if link & ACKNOWLEDGES != 0 {
            return self.is_acknowledged(*link, kept);
        }
        if link & 1 != self.expected {
            // A question heard before: the answer goes out again.
            return self.waits_for.iter().map(|(answer, _)| answer.clone()).collect();
        }
        if self.waits_for.is_some() {
            self.wrongs.note("asked on before the answer was acknowledged");
        }
        self.expected ^= 1;
        self.answers(message, kept)
    }

    fn is_acknowledged(&mut self, link: u8, kept: usize) -> Vec<Vec<u8>> {
        let is_expected = link >> 1 & 1 == self.number ^ 1;
        match self.waits_for.take() {
            Some((_, is_record)) if is_expected => {
                if is_record && kept <= self.kept_before {
                    self.wrongs.note("acknowledged a record that is not kept");
                }
                self.number ^= 1;
            }
            // A second acknowledgement of the same answer is no harm.
            waits_for => self.waits_for = waits_for,
        }
        Vec::new()
    }

    fn answers(&mut self, message: &[u8], kept: usize) -> Vec<Vec<u8>> {
        let count = u16::try_from(self.records.len()).unwrap_or(u16::MAX);
        let mut is_record = false;
        let answer = match message {
            [0x05, 0x0b, 0x02, ..] => [&[0x05, 0x06], b"CDE12345T".as_slice()].concat(),
            // The clock: 1 June 2026, 13:00:05 by the meter.
            [0x05, 0x20, 0x02, ..] => [&[0x05, 0x06], 1_780_318_805_u32.to_le_bytes().as_slice()].concat(),
            [0x05, 0x1f, low, high] => {
                let number = u16::from_le_bytes([*low, *high]);
                match self.records.get(usize::from(number)) {
                    Some(record) => {
                        is_record = true;
                        record.clone()
                    }
                    None => [&[0x05, 0x0f], count.to_le_bytes().as_slice()].concat(),
                }
            }
            _ => {
                self.wrongs.note(format!("not a question: {}", hex(message)));
                return Vec::new();
            }
        };
        let answer = packet(self.link(), &answer);
        if is_record {
            self.given.push(answer.clone());
        }
        self.kept_before = kept;
        self.waits_for = Some((answer.clone(), is_record));
        vec![packet(self.link() | ACKNOWLEDGES, &[]), answer]
    }
}

impl Device for UltraEasy {
    fn is_plugged_in(&mut self) {
        self.heard.clear();
        self.is_in_conversation = false;
        self.given.clear();
        self.waits_for = None;
    }

    fn hears(&mut self, byte: u8, kept: usize) -> Vec<Vec<u8>> {
        self.heard.push(byte);
        let is_whole =
            matches!(self.heard.as_slice(), [_, length, ..] if self.heard.len() >= usize::from(*length).max(6));
        if !is_whole {
            return Vec::new();
        }
        let heard = std::mem::take(&mut self.heard);
        self.takes(&heard, kept)
    }

    fn records(&self) -> Vec<Vec<u8>> {
        // The numbers in a packet depend on the conversation: what was really sent is the record.
        let mut given: Vec<Vec<u8>> = self.given.clone();
        given.dedup();
        given
    }

    fn wrongs(&self) -> &[String] {
        self.wrongs.all()
    }
}
