//! A Masimo Rad-8 in ASCII 1, after the capture in yahnatan/pulseox `README.md`: a line a second, each with its own
//! time; and in ASCII 2.

use super::{Stream, Wrongs, hex};

/// The oximeter.
#[derive(Debug, Default)]
pub struct Rad8 {
    wrongs: Wrongs,
}

impl Stream for Rad8 {
    fn a_second(&self) -> u32 {
        1
    }

    fn record(&self, number: usize) -> Vec<u8> {
        let (minute, second) = (number / 60 % 60, number % 60);
        format!(
            "06/01/26 13:{minute:02}:{second:02} SN=0000056661 SPO2=098% BPM=097 PI=03.60% SPCO=--.-% SPMET=--.-% \
             DESAT=-- PIDELTA=+-- ALARM=0000 EXC=000800\r\n"
        )
        .into_bytes()
    }

    fn hears(&mut self, byte: u8) -> Vec<Vec<u8>> {
        self.wrongs.note(format!("an oximeter that takes no commands was sent {}", hex(&[byte])));
        Vec::new()
    }

    fn wrongs(&self) -> &[String] {
        self.wrongs.all()
    }
}

/// Lines as a Rad-8 sends them in ASCII 2, its factory setting: text for a printer. Their exact layout is not public.
#[derive(Debug, Default)]
pub struct Rad8Ascii2 {
    wrongs: Wrongs,
}

impl Stream for Rad8Ascii2 {
    fn a_second(&self) -> u32 {
        1
    }

    fn record(&self, number: usize) -> Vec<u8> {
        let second = number % 60;
        format!("SN 0000056661 06/01/26 13:00:{second:02}  SpO2  98 %  BPM  97  PI  3.60\r\n").into_bytes()
    }

    fn hears(&mut self, byte: u8) -> Vec<Vec<u8>> {
        self.wrongs.note(format!("an oximeter that takes no commands was sent {}", hex(&[byte])));
        Vec::new()
    }

    fn wrongs(&self) -> &[String] {
        self.wrongs.all()
    }
}
