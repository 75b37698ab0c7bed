//! A value as a script writes it: hexadecimal digits, and words in braces for what the device's clock decides.
//!
//! | in a script | bytes |
//! |---|---|
//! | `1686 004d` | these bytes; spaces are for the reader |
//! | `{clock}` `{clock-300}` | the device's clock now, or some seconds before or after, as the seven bytes of 2A08 |
//! | `{start-3600}` | what the device's clock said when the script began, and some seconds before or after |
//! | `{crc}` | the E2E-CRC over the bytes before it (Continuous Glucose Monitoring Service, 3.1.1.4) |

use chrono::{Datelike, NaiveDateTime, TimeDelta, Timelike};
use serde::{Deserialize, Deserializer};
use thiserror::Error;

/// A value, perhaps with parts that are filled in when it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Bytes(Vec<u8>),
    Clock(TimeDelta),
    Start(TimeDelta),
    Crc,
}

/// A text is no value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("read a value: {text:?} is neither hexadecimal nor one of {{clock}}, {{start}} and {{crc}}")]
pub struct NotAPayload {
    text: String,
}

/// What a device's clock says.
#[derive(Debug, Clone, Copy)]
pub struct Dial {
    /// Now.
    pub now: NaiveDateTime,
    /// When the script began.
    pub start: NaiveDateTime,
}

impl Payload {
    /// Reads a value.
    ///
    /// # Errors
    /// [`NotAPayload`] naming the part that is wrong.
    ///
    /// ```
    /// use harness::bluez::payload::Payload;
    /// assert!(Payload::parse("16 ff07 {clock-300} {crc}").is_ok());
    /// assert!(Payload::parse("16f").is_err() && Payload::parse("{now}").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, NotAPayload> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (bytes, after) = rest.split_once('{').unwrap_or((rest, ""));
            let digits: String = bytes.split_whitespace().collect();
            let refused = |text: &str| NotAPayload { text: text.to_owned() };
            parts.push(Part::Bytes(vitals::hex::decode(&digits).map_err(|_not_hex| refused(bytes))?));
            if bytes.len() == rest.len() {
                break;
            }
            let (word, after) = after.split_once('}').ok_or_else(|| refused(after))?;
            parts.push(part(word).ok_or_else(|| refused(word))?);
            rest = after;
        }
        Ok(Self(parts))
    }

    /// A value of plain bytes.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(vec![Part::Bytes(bytes.to_vec())])
    }

    /// The bytes, as they are sent when the device's clock stands there.
    #[must_use]
    pub fn bytes(&self, dial: Dial) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in &self.0 {
            match part {
                Part::Bytes(more) => bytes.extend_from_slice(more),
                Part::Clock(later) => bytes.extend(date_time(dial.now + *later)),
                Part::Start(later) => bytes.extend(date_time(dial.start + *later)),
                Part::Crc => bytes.extend(crc(&bytes).to_le_bytes()),
            }
        }
        bytes
    }

    /// The same value with one bit of its second byte turned over, after the flags: how a faulty device is planted.
    #[must_use]
    pub fn garbled(&self) -> Self {
        let mut parts = self.0.clone();
        let byte = parts.iter_mut().find_map(|part| match part {
            Part::Bytes(bytes) => bytes.get_mut(1),
            Part::Clock(_) | Part::Start(_) | Part::Crc => None,
        });
        if let Some(byte) = byte {
            *byte ^= 1;
        }
        Self(parts)
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// The part that a word in braces stands for.
fn part(word: &str) -> Option<Part> {
    let later = |seconds: &str| -> Option<TimeDelta> {
        if seconds.is_empty() { Some(TimeDelta::zero()) } else { TimeDelta::try_seconds(seconds.parse().ok()?) }
    };
    match word.strip_prefix("clock") {
        Some(seconds) => later(seconds).map(Part::Clock),
        None => match word.strip_prefix("start") {
            Some(seconds) => later(seconds).map(Part::Start),
            None => (word == "crc").then_some(Part::Crc),
        },
    }
}

/// A moment as the seven bytes of Date Time, 2A08.
#[must_use]
pub fn date_time(at: NaiveDateTime) -> [u8; 7] {
    let small = |part: u32| u8::try_from(part).unwrap_or(0);
    let [low, high] = u16::try_from(at.year()).unwrap_or(0).to_le_bytes();
    [low, high, small(at.month()), small(at.day()), small(at.hour()), small(at.minute()), small(at.second())]
}

/// The moment that seven bytes of Date Time say, if they say one.
#[must_use]
pub fn moment(bytes: &[u8]) -> Option<NaiveDateTime> {
    let [low, high, month, day, hour, minute, second] = *bytes.first_chunk::<7>()?;
    let year = i32::from(u16::from_le_bytes([low, high]));
    let day = chrono::NaiveDate::from_ymd_opt(year, month.into(), day.into())?;
    day.and_hms_opt(hour.into(), minute.into(), second.into())
}

/// CRC-16/MCRF4XX, the E2E-CRC of the Bluetooth services.
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xffff_u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _bit| if crc & 1 == 1 { crc >> 1 ^ 0x8408 } else { crc >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value is the CRC catalogue's for CRC-16/MCRF4XX; 2AAB `0200 08c3` is a Nordic test's.
    #[test]
    fn values_are_filled_in_by_the_devices_clock() {
        assert_eq!(crc(b"123456789"), 0x6f91);
        let start = moment(&[0xea, 0x07, 6, 1, 8, 0, 0]).unwrap();
        let dial = Dial { now: start + TimeDelta::seconds(90), start };
        for (text, bytes) in [
            ("0200 {crc}", vec![2, 0, 8, 0xc3]),
            ("ff {clock-90} 01", vec![0xff, 0xea, 0x07, 6, 1, 8, 0, 0, 1]),
            ("{start-1}", vec![0xea, 0x07, 6, 1, 7, 59, 59]),
            ("", vec![]),
        ] {
            assert_eq!(Payload::parse(text).unwrap().bytes(dial), bytes, "{text}");
        }
        for text in ["f", "{clock", "{clock+x}", "{crc8}", "zz", "00 {}"] {
            assert!(Payload::parse(text).is_err(), "{text}");
        }
        assert_eq!(moment(&date_time(start)), Some(start));
    }
}
