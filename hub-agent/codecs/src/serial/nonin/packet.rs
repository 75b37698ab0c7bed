//! Nonin data formats 2 and 7: a packet of 25 five-byte frames, three packets a second.
//!
//! Each frame carries a status, a piece of the pulse wave, one slow value that depends on the frame's place in the
//! packet, and the 8-bit sum of the bytes before. In format 2 a frame begins with 01 and the wave has 8 bits; in
//! format 7 there is no 01 and the wave has 16. Bit 0 of the status marks the first frame of a packet.
//!
//! Source: Nonin, "Onyx II Model 9560 OEM Specification and Technical Information" 6470-000-01, "Serial Data Format
//! #2" and "#7" (in mattjlewis/NoninPulseOx). That status bit 6, reserved there, is "sensor disconnected" on OEM III
//! modules: pez-globo/pufferfish-software `Driver/Serial/Nonin`.

use crate::{
    Fields, Shown,
    cursor::Cursor,
    error::DecodeError,
    serial::{
        checksum::sum8,
        framer::{Dropped, Front, Marks},
        oximetry::{Oximetry, no_number},
    },
};
use vitals::{Decimal, NoValue};

/// Frames in a packet.
const FRAMES: usize = 25;
/// Bytes in a frame.
const FRAME_BYTES: usize = 5;
/// Bytes in a packet.
pub const PACKET_BYTES: usize = FRAMES * FRAME_BYTES;

const STATUS_ALWAYS: u8 = 0b1000_0000;
const STATUS_DISCONNECTED: u8 = 0b0100_0000;
const STATUS_ARTIFACT: u8 = 0b0010_0000;
const STATUS_OUT_OF_TRACK: u8 = 0b0001_0000;
const STATUS_SENSOR_ALARM: u8 = 0b0000_1000;
const STATUS_RED: u8 = 0b0000_0100;
const STATUS_GREEN: u8 = 0b0000_0010;
const STATUS_FIRST: u8 = 0b0000_0001;

const STATUS2_SMART_POINT: u8 = 0b0010_0000;
const STATUS2_LOW_BATTERY: u8 = 0b0000_0001;

/// The two formats that come in packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PacketFormat {
    /// Data format 2.
    Df2,
    /// Data format 7.
    Df7,
}

/// How strong the pulse signal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Perfusion {
    /// High.
    Green,
    /// Low or marginal.
    Yellow,
    /// Low or none.
    Red,
}

impl Perfusion {
    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Red => "red",
        }
    }

    fn of_status(status: u8) -> Option<Self> {
        match (status & STATUS_RED != 0, status & STATUS_GREEN != 0) {
            (false, false) => None,
            (false, true) => Some(Self::Green),
            (true, true) => Some(Self::Yellow),
            (true, false) => Some(Self::Red),
        }
    }
}

/// One packet as the oximeter said it. A number it marks as missing (rate 511, saturation 127) is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoninPacket {
    /// Pulse rate over 4 beats, for recording: missing at once when the finger is out.
    pub rate: Option<u16>,
    /// Saturation over 4 beats, for recording.
    pub saturation: Option<u8>,
    /// Pulse rate over 4 beats, for display: the last one is held for 10 s after the finger is out.
    pub rate_shown: Option<u16>,
    /// Saturation over 4 beats, for display.
    pub saturation_shown: Option<u8>,
    /// Pulse rate over 8 beats, for recording.
    pub rate_extended: Option<u16>,
    /// Saturation over 8 beats, for recording.
    pub saturation_extended: Option<u8>,
    /// Pulse rate over 8 beats, for display.
    pub rate_extended_shown: Option<u16>,
    /// Saturation over 8 beats, for display.
    pub saturation_extended_shown: Option<u8>,
    /// Saturation over 4 beats, tuned to respond fast.
    pub saturation_fast: Option<u8>,
    /// Saturation of the last beat.
    pub saturation_beat: Option<u8>,
    /// Firmware revision.
    pub firmware: u8,
    /// Thirds of a second, 14 bits.
    pub timer: u16,
    /// The second status byte, as sent.
    pub status2: u8,
    /// The status bytes of all frames, or-ed; bit 0, the first frame's mark, is always set.
    pub status_any: u8,
    /// The weakest pulse signal among the beats of this packet, where there was one.
    pub perfusion: Option<Perfusion>,
    /// The pulse wave, one number a frame.
    pub wave: [u16; FRAMES],
}

impl NoninPacket {
    /// The sensor is not plugged in (OEM III; reserved elsewhere).
    #[must_use]
    pub fn is_disconnected(&self) -> bool {
        self.status_any & STATUS_DISCONNECTED != 0
    }

    /// The sensor gives nothing usable: the finger is out.
    #[must_use]
    pub fn is_sensor_alarm(&self) -> bool {
        self.status_any & STATUS_SENSOR_ALARM != 0
    }

    /// No good pulse for several beats.
    #[must_use]
    pub fn is_out_of_track(&self) -> bool {
        self.status_any & STATUS_OUT_OF_TRACK != 0
    }

    /// A beat was disturbed.
    #[must_use]
    pub fn is_artifact(&self) -> bool {
        self.status_any & STATUS_ARTIFACT != 0
    }

    /// Whether the oximeter doubts its value: a beat with a weak or marginal signal, or a disturbed one.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        self.is_artifact() || self.perfusion > Some(Perfusion::Green)
    }

    /// What it says of a person: the numbers that the oximeter displays, unless it says at the same time that they are
    /// held from before (sensor alarm) or come from a sustained artifact (out of track). A single disturbed beat takes
    /// nothing away: the displayed numbers are made to stand through it.
    #[must_use]
    pub fn patient_value(&self) -> Oximetry {
        let spoilt = if self.is_disconnected() || self.is_sensor_alarm() {
            Some(NoValue::SensorProblem)
        } else if self.is_out_of_track() {
            Some(NoValue::MeasurementInvalid)
        } else {
            None
        };
        let saturation = self.saturation_shown.map(|percent| Decimal::from(u16::from(percent)));
        Oximetry::new(saturation, self.rate_shown.map(Decimal::from), spoilt)
    }

    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        Fields::new()
            .with("hr", no_number(self.rate))
            .with("hr_d", no_number(self.rate_shown))
            .with("e_hr", no_number(self.rate_extended))
            .with("e_hr_d", no_number(self.rate_extended_shown))
            .with("spo2", no_number(self.saturation))
            .with("spo2_d", no_number(self.saturation_shown))
            .with("e_spo2", no_number(self.saturation_extended))
            .with("e_spo2_d", no_number(self.saturation_extended_shown))
            .with("spo2_b_b", no_number(self.saturation_beat))
            .with("spo2_fast", no_number(self.saturation_fast))
            .with("firmware", self.firmware)
            .with("timer", self.timer)
            .with("disconnected", self.is_disconnected())
            .with("artifact", self.is_artifact())
            .with("out_of_track", self.is_out_of_track())
            .with("sensor_alarm", self.is_sensor_alarm())
            .with("perfusion", self.perfusion.map(Perfusion::name))
            .with("smart_point", self.status2 & STATUS2_SMART_POINT != 0)
            .with("low_battery", self.status2 & STATUS2_LOW_BATTERY != 0)
            .with("wave", Shown::List(self.wave.iter().map(|sample| Shown::from(*sample)).collect()))
    }
}

/// The rate of two value bytes: 2 bits and 7 bits; 511 is "missing".
fn rate(high: u8, low: u8) -> Option<u16> {
    Some(u16::from(high & 0b11) << 7 | u16::from(low & 0x7f)).filter(|rate| *rate != 511)
}

/// The saturation of a value byte; 127 is "missing".
fn saturation(byte: u8) -> Option<u8> {
    Some(byte & 0x7f).filter(|percent| *percent != 127)
}

/// Status, wave and value of one frame.
struct Parts {
    status: u8,
    wave: u16,
    value: u8,
}

/// One frame, if its checksum holds and it is where it must be.
fn parts(frame: [u8; FRAME_BYTES], place: usize, format: PacketFormat) -> Result<Parts, DecodeError> {
    let [first, second, third, fourth, sent] = frame;
    let (status, wave) = match format {
        PacketFormat::Df2 if first != 1 => return Err(DecodeError::OutOfStep { field: "the start of a frame" }),
        PacketFormat::Df2 => (second, u16::from(third)),
        PacketFormat::Df7 => (first, u16::from_be_bytes([second, third])),
    };
    if status & STATUS_ALWAYS == 0 {
        return Err(DecodeError::OutOfStep { field: "the status of a frame" });
    }
    if (status & STATUS_FIRST != 0) != (place == 0) {
        return Err(DecodeError::OutOfStep { field: "the first frame of a packet" });
    }
    let computed = sum8(&[first, second, third, fourth]);
    if computed != sent {
        return Err(DecodeError::ChecksumWrong { computed: computed.into(), sent: sent.into() });
    }
    Ok(Parts { status, wave, value: fourth })
}

/// What a stretch of a data format 2 line says about its frames, for people who look at a line: how many are whole,
/// whether each whole one's checksum holds, and whether the line waits for more.
pub fn shown_frames(bytes: &[u8]) -> Fields {
    let (mut frames, mut checksums_hold, mut rest) = (0_u32, true, bytes);
    while let Some((frame, after)) = rest.split_first_chunk::<FRAME_BYTES>() {
        let [first, second, third, fourth, sent] = *frame;
        checksums_hold &= sum8(&[first, second, third, fourth]) == sent;
        frames += 1;
        rest = after;
    }
    Fields::new()
        .with("frames", frames)
        .with("checksum_ok", checksums_hold)
        .with("status", if rest.is_empty() { "whole" } else { "waiting" })
}

/// The packet that 125 bytes hold.
///
/// # Errors
/// [`DecodeError::Truncated`] before the last frame is whole; before that, [`DecodeError::OutOfStep`] or
/// [`DecodeError::ChecksumWrong`] at the first frame that is not right; [`DecodeError::TooLong`] beyond 125 bytes.
pub fn decode(bytes: &[u8], format: PacketFormat) -> Result<NoninPacket, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let mut values = [0; FRAMES];
    let mut wave = [0; FRAMES];
    let mut status_any = 0;
    let mut perfusion = None;
    for (place, (value, sample)) in values.iter_mut().zip(&mut wave).enumerate() {
        let parts = parts(cursor.take("a frame")?, place, format)?;
        (*value, *sample) = (parts.value, parts.wave);
        status_any |= parts.status;
        perfusion = perfusion.max(Perfusion::of_status(parts.status));
    }
    cursor.finish()?;
    let [
        hr_high,
        hr_low,
        spo2,
        firmware,
        _,
        timer_high,
        timer_low,
        status2,
        spo2_d,
        spo2_fast,
        spo2_beat,
        _,
        _,
        e_hr_high,
        e_hr_low,
        e_spo2,
        e_spo2_d,
        _,
        _,
        hr_d_high,
        hr_d_low,
        e_hr_d_high,
        e_hr_d_low,
        _,
        _,
    ] = values;
    Ok(NoninPacket {
        rate: rate(hr_high, hr_low),
        saturation: saturation(spo2),
        rate_shown: rate(hr_d_high, hr_d_low),
        saturation_shown: saturation(spo2_d),
        rate_extended: rate(e_hr_high, e_hr_low),
        saturation_extended: saturation(e_spo2),
        rate_extended_shown: rate(e_hr_d_high, e_hr_d_low),
        saturation_extended_shown: saturation(e_spo2_d),
        saturation_fast: saturation(spo2_fast),
        saturation_beat: saturation(spo2_beat),
        firmware,
        timer: u16::from(timer_high & 0x7f) << 7 | u16::from(timer_low & 0x7f),
        status2,
        status_any,
        perfusion,
        wave,
    })
}

/// Where packets begin and end.
pub(crate) struct PacketMarks(pub(crate) PacketFormat);

impl Marks for PacketMarks {
    /// A packet is 25 good frames, the first marked as such. At the first bad one all before it is given up, for a
    /// packet with a frame missing has its slow values in the wrong places.
    fn front(&self, bytes: &[u8]) -> Front {
        let (frames, rest) = bytes.as_chunks::<FRAME_BYTES>();
        for (place, frame) in frames.iter().take(FRAMES).enumerate() {
            if let Err(error) = parts(*frame, place, self.0) {
                let is_checksum = matches!(error, DecodeError::ChecksumWrong { .. });
                return match place {
                    0 if is_checksum => Front::Drop(1, Dropped::ChecksumWrong),
                    0 => Front::Drop(1, Dropped::OutOfStep),
                    _ if is_checksum => Front::Drop(place * FRAME_BYTES, Dropped::ChecksumWrong),
                    _ => Front::Drop(place * FRAME_BYTES, Dropped::CutShort),
                };
            }
        }
        if frames.len() >= FRAMES {
            return Front::Record(PACKET_BYTES);
        }
        // The first byte alone may already tell that nothing begins here.
        let is_hopeless = frames.is_empty()
            && rest.first().is_some_and(|first| match self.0 {
                PacketFormat::Df2 => *first != 1,
                PacketFormat::Df7 => *first & (STATUS_ALWAYS | STATUS_FIRST) != (STATUS_ALWAYS | STATUS_FIRST),
            });
        if is_hopeless { Front::Drop(1, Dropped::OutOfStep) } else { Front::NotYet }
    }
}

#[cfg(test)]
#[path = "packet_tests.rs"]
mod tests;
