//! An Abbott FreeStyle Optium, after glucometers-tech/glucometerutils `fsoptium.py` and its test: commands that begin
//! with a dollar sign, answers in lines, a checksum over all of them.

use super::{Device, Wrongs, hex, turning};

/// The meter.
#[derive(Debug)]
pub struct Optium {
    lines: Vec<String>,
    command: Vec<u8>,
    wrongs: Wrongs,
}

impl Optium {
    /// One with so many results; `first` tells those of different tests apart.
    #[must_use]
    pub fn with(first: usize, results: usize) -> Self {
        let result = |number: usize| {
            let (value, day) = (80 + turning(number, 100), 1 + turning(number / 1_440, 28));
            let (hour, minute) = (turning(number / 60, 24), turning(number, 60));
            format!("{value:03}  May  {day:02} 2026 {hour:02}:{minute:02} G 0x00")
        };
        let lines = (first..first + results).map(result).collect();
        Self { lines, command: Vec::new(), wrongs: Wrongs::default() }
    }

    /// An empty line, the serial number, the version, the clock, the count, the results, and the sum of all before.
    fn memory(&self) -> Vec<u8> {
        let mut text = format!("\r\nDEF12345\r\n0.22        P\r\nJun  01 2026 13:00:05\r\n{:03}\r\n", self.lines.len());
        for line in &self.lines {
            text.push_str(line);
            text.push_str("\r\n");
        }
        let sum = text.bytes().fold(0_u16, |sum, byte| sum.wrapping_add(u16::from(byte)));
        text.push_str(&format!("0x{sum:04X}  END\r\n"));
        text.into_bytes()
    }

    fn about() -> Vec<u8> {
        let lines = ["S/N:\tDEF12345", "Ver:\t0.22        P\tMMOL", "Clock:\tJun  01 2026\t13:00:05", "CMD OK"];
        (lines.join("\r\n") + "\r\n").into_bytes()
    }
}

impl Device for Optium {
    fn is_plugged_in(&mut self) {
        self.command.clear();
    }

    fn hears(&mut self, byte: u8, _kept: usize) -> Vec<Vec<u8>> {
        self.command.push(byte);
        if byte != b'\n' {
            return Vec::new();
        }
        let heard = std::mem::take(&mut self.command);
        match heard.as_slice() {
            b"$xmem\r\n" => vec![self.memory()],
            b"$colq\r\n" => vec![Self::about()],
            _ => {
                self.wrongs.note(format!("not a command: {}", hex(&heard)));
                Vec::new()
            }
        }
    }

    fn records(&self) -> Vec<Vec<u8>> {
        self.lines.iter().map(|line| format!("{line}\r\n").into_bytes()).collect()
    }

    fn wrongs(&self) -> &[String] {
        self.wrongs.all()
    }
}
