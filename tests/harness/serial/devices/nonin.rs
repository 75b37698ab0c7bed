//! Nonin oximeters, after "Onyx II Model 9560 OEM Specification" 6470-000-01 and the packet of pez-globo/
//! pufferfish-software `TestNoninOEM3.cpp`: packets, seconds, and spot checks with a memory.

use super::{Device, Stream, Wrongs, hex, turning};

/// A 9560 that streams in format 2, 7 or 8, and only once it was told to.
#[derive(Debug)]
pub struct Onyx {
    format: u8,
    is_sending: bool,
    command: Vec<u8>,
    wrongs: Wrongs,
}

impl Onyx {
    /// One that is still set to another format.
    #[must_use]
    pub fn to_be_set_to(format: u8) -> Self {
        Self { format, is_sending: false, command: Vec::new(), wrongs: Wrongs::default() }
    }

    /// The slow value at this place of a packet: rate 72, saturation 97, as in the public packet.
    fn value(place: u8, number: usize) -> u8 {
        match place {
            1 | 14 | 20 | 22 => 72,
            2 | 8 | 9 | 10 | 15 | 16 => 97,
            3 => 0x30,
            // The timer, so that packets differ.
            5 => turning(number / 128, 128),
            6 => turning(number, 128),
            _ => 0,
        }
    }

    fn packet(&self, number: usize) -> Vec<u8> {
        (0..25_u8)
            .flat_map(|place| {
                let status = if place == 0 { 0x81 } else { 0x80 };
                let (wave, value) = (turning(number * 25 + usize::from(place), 200), Self::value(place, number));
                let frame = if self.format == 2 { [0x01, status, wave, value] } else { [status, wave, wave, value] };
                let sum = frame.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
                frame.into_iter().chain([sum])
            })
            .collect()
    }
}

impl Stream for Onyx {
    fn a_second(&self) -> u32 {
        if self.format == 8 { 1 } else { 3 }
    }

    fn record(&self, number: usize) -> Vec<u8> {
        // Rate 70 and a bit, so that neighbours differ; status, rate, saturation, second status.
        if self.format == 8 { vec![0x80, 70 + turning(number, 16), 97, 0x20] } else { self.packet(number) }
    }

    fn hears(&mut self, byte: u8) -> Vec<Vec<u8>> {
        self.command.push(byte);
        let choose = [0x02, 0x70, 0x02, 0x02, self.format, 0x03];
        if self.command == choose {
            self.command.clear();
            self.is_sending = true;
            return vec![vec![0x06]];
        }
        if !choose.starts_with(&self.command) {
            self.wrongs.note(format!("not a command: {}", hex(&std::mem::take(&mut self.command))));
        }
        Vec::new()
    }

    fn is_sending(&self) -> bool {
        self.is_sending
    }

    fn wrongs(&self) -> &[String] {
        self.wrongs.all()
    }
}

/// A 9560 in format 13, with spot checks in its memory: it sends the oldest, and forgets it when it is acknowledged.
#[derive(Debug)]
pub struct SpotChecker {
    memory: Vec<Vec<u8>>,
    /// Whether the oldest was sent and is not acknowledged.
    is_waiting: bool,
    /// How many were kept when this wait began.
    kept_before: usize,
    was_asked_the_time: bool,
    /// It waited in vain and switched itself off; its memory stays.
    is_off: bool,
    command: Vec<u8>,
    wrongs: Wrongs,
}

impl SpotChecker {
    /// One with so many spot checks; `first` tells those of different tests apart.
    #[must_use]
    pub fn with(first: usize, checks: usize) -> Self {
        let memory = (first..first + checks).map(spot_check).collect();
        let (command, wrongs) = (Vec::new(), Wrongs::default());
        Self { memory, is_waiting: false, kept_before: 0, was_asked_the_time: false, is_off: false, command, wrongs }
    }

    fn oldest(&mut self, kept: usize) -> Vec<Vec<u8>> {
        self.is_waiting = !self.memory.is_empty();
        self.kept_before = kept;
        self.memory.first().cloned().into_iter().collect()
    }

    fn acknowledged(&mut self, kept: usize) -> Vec<Vec<u8>> {
        if !std::mem::take(&mut self.is_waiting) {
            self.wrongs.note("acknowledged what was not sent");
            return Vec::new();
        }
        if kept <= self.kept_before {
            self.wrongs.note("told to forget a spot check that is not kept");
        }
        self.memory.remove(0);
        self.oldest(kept)
    }
}

/// A spot check: 00 02 00 0D, length 14, the data, the sum of the data, 03. Date and time are BCD.
fn spot_check(number: usize) -> Vec<u8> {
    let bcd = |number: u8| number / 10 * 16 + number % 10;
    let (day, hour) = (1 + turning(number / 1_440, 28), turning(number / 60, 24));
    let (minute, saturation) = (turning(number, 60), 90 + turning(number, 10));
    let time = [0x20, 0x26, 0x05, bcd(day), bcd(hour), bcd(minute), 0x30, 0x00];
    // Status: SmartPoint, from memory. Rate 72, one reserved byte.
    let data: Vec<u8> = time.into_iter().chain([0x02, 0x10, 0x00, 72, 0x00, saturation]).collect();
    let sum = data.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    [0x00, 0x02, 0x00, 0x0d, 0x00, 0x0e].into_iter().chain(data).chain([sum, 0x03]).collect()
}

impl Device for SpotChecker {
    fn is_plugged_in(&mut self) {
        self.is_waiting = false;
        self.is_off = false;
        self.was_asked_the_time = false;
        self.command.clear();
    }

    fn hears(&mut self, byte: u8, kept: usize) -> Vec<Vec<u8>> {
        if self.command.is_empty() && byte == 0x06 {
            return self.acknowledged(kept);
        }
        self.command.push(byte);
        match self.command.as_slice() {
            [0x02, 0x72, 0x00, 0x03] => {
                self.command.clear();
                self.was_asked_the_time = true;
                // 1 June 2026, 13:00:05 by its own clock: five seconds ahead of the hub's, in summer time.
                let time = vec![0x02, 0xf2, 0x06, 26, 6, 1, 13, 0, 5, 0x03];
                [vec![time], self.oldest(kept)].concat()
            }
            [0x02, 0x70, 0x02, 0x02, 13, 0x03] => {
                self.command.clear();
                vec![vec![0x06]]
            }
            [0x02] | [0x02, 0x72 | 0x70] | [0x02, 0x72, 0x00] | [0x02, 0x70, 0x02] | [0x02, 0x70, 0x02, 0x02, ..] => {
                Vec::new()
            }
            _ => {
                self.wrongs.note(format!("not a command: {}", hex(&std::mem::take(&mut self.command))));
                Vec::new()
            }
        }
    }

    fn waits(&mut self) -> Vec<Vec<u8>> {
        self.is_off = self.is_waiting;
        Vec::new()
    }

    fn is_done(&self) -> bool {
        self.is_off || self.was_asked_the_time && self.memory.is_empty()
    }

    fn records(&self) -> Vec<Vec<u8>> {
        self.memory.clone()
    }

    fn wrongs(&self) -> &[String] {
        self.wrongs.all()
    }
}
