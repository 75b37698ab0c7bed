//! Nonin data format 8: four bytes a second, the numbers as displayed.
//!
//! Only the first byte has its highest bit set. Source: Nonin, "Onyx II Model 9560 OEM Specification and Technical
//! Information" 6470-000-01, "Serial Data Format #8" (in mattjlewis/NoninPulseOx); status bit 6, reserved there, is
//! "sensor disconnected" in format 1 of earlier devices, which is this one without the last byte (pastebin.com
//! 7WvErGqY). There is no checksum: a byte changed on the way is not noticed.

use crate::{
    Fields,
    cursor::Cursor,
    error::DecodeError,
    serial::oximetry::{Oximetry, no_number},
};
use vitals::{Decimal, NoValue};

/// Bytes in a record.
pub const SECOND_BYTES: usize = 4;

const DISCONNECTED: u8 = 0b0100_0000;
const OUT_OF_TRACK: u8 = 0b0010_0000;
const LOW_PERFUSION: u8 = 0b0001_0000;
const MARGINAL_PERFUSION: u8 = 0b0000_1000;
const ARTIFACT: u8 = 0b0000_0100;
const SMART_POINT: u8 = 0b0010_0000;
const SENSOR_ALARM: u8 = 0b0000_1000;
const LOW_BATTERY: u8 = 0b0000_0001;

/// One second as the oximeter said it. A number it marks as missing (rate 511, saturation 127) is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoninSecond {
    /// Pulse rate over 4 beats, as displayed.
    pub rate: Option<u16>,
    /// Saturation over 4 beats, as displayed.
    pub saturation: Option<u8>,
    /// The first status byte, as sent.
    pub status: u8,
    /// The second status byte, as sent.
    pub status2: u8,
}

impl NoninSecond {
    /// What it says of a person; see [`patient_value`](super::NoninPacket::patient_value) of a packet.
    #[must_use]
    pub fn patient_value(&self) -> Oximetry {
        let spoilt = if self.status & DISCONNECTED != 0 || self.status2 & SENSOR_ALARM != 0 {
            Some(NoValue::SensorProblem)
        } else if self.status & OUT_OF_TRACK != 0 {
            Some(NoValue::MeasurementInvalid)
        } else {
            None
        };
        let saturation = self.saturation.map(|percent| Decimal::from(u16::from(percent)));
        Oximetry::new(saturation, self.rate.map(Decimal::from), spoilt)
    }

    /// Whether the oximeter doubts its value: a weak or marginal signal, or a disturbed beat.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        self.status & (LOW_PERFUSION | MARGINAL_PERFUSION | ARTIFACT) != 0
    }

    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        Fields::new()
            .with("hr_d", no_number(self.rate))
            .with("spo2_d", no_number(self.saturation))
            .with("disconnected", self.status & DISCONNECTED != 0)
            .with("out_of_track", self.status & OUT_OF_TRACK != 0)
            .with("low_perfusion", self.status & LOW_PERFUSION != 0)
            .with("marginal_perfusion", self.status & MARGINAL_PERFUSION != 0)
            .with("artifact", self.status & ARTIFACT != 0)
            .with("smart_point", self.status2 & SMART_POINT != 0)
            .with("sensor_alarm", self.status2 & SENSOR_ALARM != 0)
            .with("low_battery", self.status2 & LOW_BATTERY != 0)
    }
}

/// The second that four bytes hold.
///
/// # Errors
/// [`DecodeError::Truncated`] or [`DecodeError::TooLong`] for another length, [`DecodeError::OutOfStep`] where the
/// highest bits are not set as they must be.
///
/// ```
/// use device_codecs::serial::nonin::decode_second;
/// let second = decode_second(&[0x80, 72, 97, 0]).unwrap();
/// assert_eq!((second.rate, second.saturation), (Some(72), Some(97)));
/// assert_eq!(decode_second(&[0x83, 127, 127, 0x08]).unwrap().rate, None);
/// ```
pub fn decode(bytes: &[u8]) -> Result<NoninSecond, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let status = cursor.byte("the status")?;
    if status & 0x80 == 0 {
        return Err(DecodeError::OutOfStep { field: "the status" });
    }
    let mut low_byte = |field: &'static str| {
        let byte = cursor.byte(field)?;
        if byte & 0x80 == 0 { Ok(byte) } else { Err(DecodeError::OutOfStep { field }) }
    };
    let rate = u16::from(status & 0b11) << 7 | u16::from(low_byte("the pulse rate")?);
    let saturation = low_byte("the saturation")?;
    let status2 = low_byte("the second status")?;
    cursor.finish()?;
    Ok(NoninSecond {
        rate: Some(rate).filter(|rate| *rate != 511),
        saturation: Some(saturation).filter(|percent| *percent != 127),
        status,
        status2,
    })
}
