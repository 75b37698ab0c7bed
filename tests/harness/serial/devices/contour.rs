//! An Ascensia Contour meter on a serial line, after Bayer's interface specification 99993952 Rev. C and the header in
//! glucometers-tech/glucometerutils `test_contourusb.py`.

use super::{Device, Wrongs, hex, turning};

const ENQ: u8 = 0x05;
const ACK: u8 = 0x06;
const NAK: u8 = 0x15;
const EOT: u8 = 0x04;

/// How often the meter sends a frame that is refused.
const TRIES_MAX: usize = 6;

/// The header as captured, but for its time, which is now.
const HEADER: &str = "H|\\^&||7w3LBL|Bayer7390^01.24\\01.04\\09.02.20^7390-2336773^7403-|A=1^C=63^G=1^I=0200^R=0^S=1^U=0\
                      ^V=10600^X=070070070070180130150250^Y=360126090050099050300089^Z=1|1714||||||1|202606011300";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nobody has spoken to it.
    Waiting,
    /// It asked whether it may send.
    Asking,
    /// It sent this frame, so often.
    Sending {
        frame: usize,
        tries: usize,
    },
    Over,
}

/// The meter.
#[derive(Debug)]
pub struct Contour {
    results: Vec<String>,
    stage: Stage,
    /// How many were kept when this transfer began.
    kept_before: usize,
    wrongs: Wrongs,
}

impl Contour {
    /// One with so many results; `first` tells those of different tests apart.
    #[must_use]
    pub fn with(first: usize, results: usize) -> Self {
        let result = |(place, number): (usize, usize)| {
            let (value, day) = (80 + turning(number, 100), 1 + turning(number / 1_440, 28));
            let (hour, minute) = (turning(number / 60, 24), turning(number, 60));
            format!("R|{}|^^^Glucose|{value}|mg/dL^P|||||||202605{day:02}{hour:02}{minute:02}", place + 1)
        };
        let results = (first..first + results).enumerate().map(result).collect();
        Self { results, stage: Stage::Waiting, kept_before: 0, wrongs: Wrongs::default() }
    }

    /// Header, patient, results, closing record.
    fn frame(&self, place: usize) -> Option<Vec<u8>> {
        let last = self.results.len() + 2;
        let text = match place {
            0 => HEADER,
            1 => "P|1",
            _ if place == last => "L|1|N",
            _ => self.results.get(place - 2)?,
        };
        let number = (place + 1) % 8;
        let end = if place == last { '\u{3}' } else { '\u{17}' };
        let summed = format!("{number}{text}\r{end}");
        let sum = summed.bytes().fold(0_u8, u8::wrapping_add);
        Some(format!("\u{2}{summed}{sum:02X}\r\n").into_bytes())
    }

    fn send(&mut self, frame: usize, tries: usize) -> Vec<Vec<u8>> {
        match self.frame(frame) {
            Some(bytes) if tries <= TRIES_MAX => {
                self.stage = Stage::Sending { frame, tries };
                vec![bytes]
            }
            Some(_) | None => {
                self.stage = Stage::Over;
                vec![vec![EOT]]
            }
        }
    }
}

impl Device for Contour {
    fn is_plugged_in(&mut self) {
        self.stage = Stage::Waiting;
    }

    fn hears(&mut self, byte: u8, kept: usize) -> Vec<Vec<u8>> {
        match (self.stage, byte) {
            (Stage::Asking, ACK) => {
                self.kept_before = kept;
                self.send(0, 1)
            }
            (Stage::Sending { frame, .. }, ACK) => {
                let is_last = frame == self.results.len() + 2;
                if is_last && kept < self.kept_before + self.results.len() {
                    self.wrongs.note("told that all arrived before all was kept");
                }
                self.send(frame + 1, 1)
            }
            (Stage::Sending { frame, tries }, NAK) => self.send(frame, tries + 1),
            (Stage::Waiting | Stage::Over | Stage::Asking, NAK) | (Stage::Waiting | Stage::Over, ACK) => {
                self.wrongs.note(format!("answered {} to nothing", hex(&[byte])));
                Vec::new()
            }
            // Any other character makes a meter ask; one that is sending begins anew.
            (Stage::Waiting | Stage::Over | Stage::Asking, _) => {
                self.stage = Stage::Asking;
                vec![vec![ENQ]]
            }
            (Stage::Sending { .. }, _) => {
                self.wrongs.note(format!("interrupted by {}", hex(&[byte])));
                Vec::new()
            }
        }
    }

    fn records(&self) -> Vec<Vec<u8>> {
        self.results.iter().map(|result| result.clone().into_bytes()).collect()
    }

    fn wrongs(&self) -> &[String] {
        self.wrongs.all()
    }
}
