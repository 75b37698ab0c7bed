//! One line of a Masimo Rad set to serial output ASCII 1: one a second, `MM/DD/YY HH:MM:SS` and then `NAME=value`.
//!
//! Which names there are depends on the model: a Rad-5 sends SPO2, BPM, PI, ALARM and EXC; a Rad-8 also SN, SPCO,
//! SPMET, DESAT and PIDELTA; a Radical-7 also PVI, SPHB, SPOC and EXC1. Dashes stand for "no value". Names not known
//! here are passed over.
//!
//! Sources: captures in yahnatan/pulseox `README.md` (Rad-8) and in comments of nmenon/masimo-datacapture
//! `masimo-capture.py` (Rad-8, Radical-7 with seven digits of EXC); the example lines and the alarm and exception bits
//! in MD PnP's `poxrad_discrete.h` (Rad-5, Radical-7). The lower twelve exception bits are also in Masimo's Rad-8
//! Operator's Manual, "Trend data format". The alarm bits are not published by Masimo: MD PnP lists them, and nmenon
//! found the same lower six by experiment. Line settings: 9600 8N1, Rad-87 Operator's Manual, "Serial Interface Setup".

use super::{
    dialogue::Hint,
    framer::{Dropped, Front, Scanner},
    listen::{Ear, Listener},
    oximetry::Oximetry,
    text,
};
use crate::{Fields, FrameKind, Shown, date_time::DeviceTimeField, error::DecodeError};
use vitals::{Decimal, NoValue, float11073::Special};

/// The length of `MM/DD/YY HH:MM:SS `.
const MARK_BYTES: usize = 18;
/// The longest line seen is 200 bytes; one without an end by then is none.
const LINE_BYTES_MAX: usize = 400;

/// The exception bits, lowest first. `None` is reserved.
const EXCEPTIONS: [Option<&str>; 23] = [
    Some("no_sensor"),
    Some("defective_sensor"),
    Some("low_perfusion"),
    Some("pulse_search"),
    Some("interference"),
    Some("sensor_off"),
    Some("ambient_light"),
    Some("unrecognized_sensor"),
    Some("incompatible_sensor"),
    None,
    Some("low_signal_iq"),
    Some("masimo_set"),
    Some("no_cable"),
    Some("cable_life_expired"),
    Some("incompatible_cable"),
    Some("unrecognized_cable"),
    Some("defective_cable"),
    Some("sensor_calibrating"),
    Some("sensor_life_expired"),
    Some("emitter_temperature_out_of_range"),
    Some("sensor_current_limit_exceeded"),
    Some("spco_low_confidence"),
    Some("spmet_low_confidence"),
];

/// Those that say nothing is being measured on a person: no, defective, off, unrecognised or incompatible sensor or
/// cable, and the search for a pulse.
const SENSOR_PROBLEMS: u32 = 0x0001_d1ab;
/// The sensor is calibrating.
const CALIBRATING: u32 = 0x0002_0000;
/// Those that make a value doubtful: low perfusion, interference, ambient light and low signal quality.
const DOUBTS: u32 = 0x0000_0454;

/// The alarm bits, lowest first. `None` is reserved.
const ALARMS: [Option<&str>; 14] = [
    Some("spo2_high"),
    Some("spo2_low"),
    Some("pulse_high"),
    Some("pulse_low"),
    Some("alarm_active"),
    Some("alarm_silenced"),
    Some("low_battery"),
    None,
    Some("spco_high"),
    Some("spco_low"),
    Some("spmet_high"),
    Some("spmet_low"),
    Some("desaturation_index"),
    Some("perfusion_change"),
];

/// What a name of the line holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MasimoNumber {
    /// The line does not have this name.
    Absent,
    /// Dashes: the oximeter has no value.
    NoValue,
    /// A number, with the places it was sent with.
    Number(Decimal),
}

impl MasimoNumber {
    /// The number, where there is one.
    #[must_use]
    pub fn number(self) -> Option<Decimal> {
        match self {
            Self::Number(number) => Some(number),
            Self::Absent | Self::NoValue => None,
        }
    }

    fn read(text: &str, field: &'static str) -> Result<Self, DecodeError> {
        let text = text.strip_suffix('%').unwrap_or(text);
        let is_dashes = text.contains('-') && text.bytes().all(|byte| matches!(byte, b'-' | b'+' | b'.'));
        if is_dashes { Ok(Self::NoValue) } else { text::decimal(text, field).map(Self::Number) }
    }
}

impl From<MasimoNumber> for Shown {
    fn from(number: MasimoNumber) -> Self {
        match number {
            MasimoNumber::Absent => Self::Absent,
            MasimoNumber::NoValue => Self::NoNumber(Special::NotANumber),
            MasimoNumber::Number(number) => number.into(),
        }
    }
}

/// One line as the oximeter said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasimoLine {
    /// The oximeter's own date and time.
    pub taken_at: DeviceTimeField,
    /// Its serial number; dashes, for "not known", are `None` too.
    pub serial: Option<String>,
    /// Oxygen saturation in per cent.
    pub saturation: MasimoNumber,
    /// Pulse rate in beats a minute.
    pub pulse: MasimoNumber,
    /// Perfusion index in per cent.
    pub perfusion: MasimoNumber,
    /// Carboxyhaemoglobin in per cent.
    pub carboxyhaemoglobin: MasimoNumber,
    /// Methaemoglobin in per cent.
    pub methaemoglobin: MasimoNumber,
    /// Total haemoglobin, in the unit set on the oximeter.
    pub haemoglobin: MasimoNumber,
    /// Desaturation index.
    pub desaturation: MasimoNumber,
    /// Change of the perfusion index.
    pub perfusion_change: MasimoNumber,
    /// Pleth variability index.
    pub pleth_variability: MasimoNumber,
    /// Which alarms are on, as sent.
    pub alarm: u32,
    /// What is out of the ordinary, as sent.
    pub exceptions: u32,
}

impl MasimoLine {
    /// The names of the exceptions; a bit without a known name is `unknown`.
    #[must_use]
    pub fn exception_names(&self) -> Vec<&'static str> {
        bit_names(self.exceptions, &EXCEPTIONS)
    }

    /// The names of the alarms; a bit without a known name is `unknown`.
    #[must_use]
    pub fn alarm_names(&self) -> Vec<&'static str> {
        bit_names(self.alarm, &ALARMS)
    }

    /// What it says of a person. Low signal quality, low perfusion and interference do not take a value away: the
    /// oximeter goes on showing it, and those with the weakest pulse are not to go unread.
    #[must_use]
    pub fn patient_value(&self) -> Oximetry {
        let spoilt = if self.exceptions & SENSOR_PROBLEMS != 0 {
            Some(NoValue::SensorProblem)
        } else if self.exceptions & CALIBRATING != 0 {
            Some(NoValue::MeasurementInvalid)
        } else {
            None
        };
        Oximetry::new(self.saturation.number(), self.pulse.number(), spoilt)
    }

    /// Whether the oximeter doubts its value: a weak signal, or a disturbed one.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        self.exceptions & DOUBTS != 0
    }

    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        Fields::new()
            .with("local", self.taken_at)
            .with("serial", self.serial.clone())
            .with("spo2", self.saturation)
            .with("pulse", self.pulse)
            .with("pi", self.perfusion)
            .with("spco", self.carboxyhaemoglobin)
            .with("spmet", self.methaemoglobin)
            .with("sphb", self.haemoglobin)
            .with("desat", self.desaturation)
            .with("pidelta", self.perfusion_change)
            .with("pvi", self.pleth_variability)
            .with("alarm", self.alarm)
            .with("alarms", self.alarm_names())
            .with("exc", self.exceptions)
            .with("exceptions", self.exception_names())
    }
}

fn bit_names(bits: u32, names: &[Option<&'static str>]) -> Vec<&'static str> {
    (0..u32::BITS)
        .filter(|bit| bits >> bit & 1 == 1)
        .map(|bit| usize::try_from(bit).ok().and_then(|bit| *names.get(bit)?).unwrap_or("unknown"))
        .collect()
}

/// The line that bytes hold, its line feed included.
///
/// # Errors
/// [`DecodeError::Truncated`] before the line feed, [`DecodeError::TooLong`] after it, [`DecodeError::Malformed`]
/// where a part is not of its form.
///
/// ```
/// use device_codecs::serial::masimo;
/// let line = b"09/15/10 15:10:29 SPO2=097% BPM=064 PI=11.82% ALARM=20 EXC=800\r\n";
/// let line = masimo::decode(line).unwrap();
/// assert_eq!(line.perfusion.number().unwrap().to_string(), "11.82");
/// assert_eq!(line.exception_names(), ["masimo_set"]);
/// ```
pub fn decode(bytes: &[u8]) -> Result<MasimoLine, DecodeError> {
    let mut words = text::line(bytes, "the line")?.split(' ').filter(|word| !word.is_empty());
    let date = words.next().unwrap_or_default();
    let time = words.next().unwrap_or_default();
    let mut line = MasimoLine {
        taken_at: text::american_date_time(date, time, "the date and time")?,
        serial: None,
        saturation: MasimoNumber::Absent,
        pulse: MasimoNumber::Absent,
        perfusion: MasimoNumber::Absent,
        carboxyhaemoglobin: MasimoNumber::Absent,
        methaemoglobin: MasimoNumber::Absent,
        haemoglobin: MasimoNumber::Absent,
        desaturation: MasimoNumber::Absent,
        perfusion_change: MasimoNumber::Absent,
        pleth_variability: MasimoNumber::Absent,
        alarm: 0,
        exceptions: 0,
    };
    for word in words {
        let (name, value) = word.split_once('=').ok_or(DecodeError::Malformed { field: "a named value" })?;
        match name {
            "SN" => line.serial = Some(value.to_owned()).filter(|serial| serial.bytes().any(|byte| byte != b'-')),
            "SPO2" => line.saturation = MasimoNumber::read(value, "SPO2")?,
            "BPM" => line.pulse = MasimoNumber::read(value, "BPM")?,
            "PI" => line.perfusion = MasimoNumber::read(value, "PI")?,
            "SPCO" => line.carboxyhaemoglobin = MasimoNumber::read(value, "SPCO")?,
            "SPMET" => line.methaemoglobin = MasimoNumber::read(value, "SPMET")?,
            "SPHB" => line.haemoglobin = MasimoNumber::read(value, "SPHB")?,
            "DESAT" => line.desaturation = MasimoNumber::read(value, "DESAT")?,
            "PIDELTA" => line.perfusion_change = MasimoNumber::read(value, "PIDELTA")?,
            "PVI" => line.pleth_variability = MasimoNumber::read(value, "PVI")?,
            "ALARM" => line.alarm = text::hexadecimal(value, "ALARM")?,
            "EXC" => line.exceptions = text::hexadecimal(value, "EXC")?,
            _not_known_here => {}
        }
    }
    if line.saturation == MasimoNumber::Absent || line.pulse == MasimoNumber::Absent {
        return Err(DecodeError::Malformed { field: "SPO2 and BPM" });
    }
    Ok(line)
}

/// Whether a line begins here: `MM/DD/YY HH:MM:SS `.
fn is_mark(bytes: &[u8]) -> bool {
    let form = b"00/00/00 00:00:00 ";
    bytes.get(..MARK_BYTES).is_some_and(|mark| {
        mark.iter().zip(form).all(|(byte, want)| if *want == b'0' { byte.is_ascii_digit() } else { byte == want })
    })
}

/// Lines that begin with a date and name a saturation.
fn front(bytes: &[u8]) -> Front {
    let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n' | 0)).count();
    if blank > 0 {
        return Front::Drop(blank, Dropped::Between);
    }
    let Some(end) = bytes.iter().take(LINE_BYTES_MAX).position(|byte| *byte == b'\n') else {
        return if bytes.len() < LINE_BYTES_MAX {
            Front::NotYet
        } else {
            Front::Drop(LINE_BYTES_MAX, Dropped::TooLong)
        };
    };
    let length = end + 1;
    let line = bytes.get(..length).unwrap_or(bytes);
    // The last mark counts: a line that broke off is followed by the next one's date.
    match (0..length).rev().find(|at| line.get(*at..).is_some_and(is_mark)) {
        Some(0) if line.windows(5).any(|window| window == b"SPO2=") => Front::Record(length),
        Some(0) | None => Front::Drop(length, Dropped::OutOfStep),
        Some(at) if is_mark(line) => Front::Drop(at, Dropped::CutShort),
        Some(at) => Front::Drop(at, Dropped::OutOfStep),
    }
}

/// Cuts the stream into lines.
#[must_use]
pub fn framer() -> impl super::Framer {
    Scanner::new(front)
}

/// Readable lines that are not ASCII 1. No public proof of the layout of ASCII 2 was found; the manuals only say that
/// it is text for a printer and the factory setting of the Rad-8.
fn tell(heard: &[u8]) -> Option<Hint> {
    const LINES_ENOUGH: usize = 3;
    let is_text = heard.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t' | 0x0c));
    let lines = heard.iter().filter(|byte| **byte == b'\n').count();
    (is_text && lines >= LINES_ENOUGH).then_some(Hint::MasimoAscii2)
}

/// Listens to a Rad.
pub(crate) fn dialogue() -> Listener<impl super::Framer> {
    let ear = Ear {
        kind: FrameKind::MasimoAscii1,
        maker: "Masimo",
        serial: |record| decode(record).ok().and_then(|line| line.serial),
        clock: |record| decode(record).ok().and_then(|line| line.taken_at.stated()),
        tell,
        ask: None,
    };
    Listener::new(framer(), ear)
}

#[cfg(test)]
#[path = "masimo_tests.rs"]
mod tests;
