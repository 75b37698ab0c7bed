//! A frame: raw bytes and the hub's time, nothing interpreted. Stage 1 of a reading's day.

use crate::CountsFrom;
use chrono::{DateTime, Utc};
use std::fmt;
use thiserror::Error;
use vitals::{ClockOffset, Kind, SourceId, reading::FRAME_BYTES_MAX};

/// What one device sent once, and when the hub saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The device that sent it.
    pub device: SourceId,
    /// What kind of frame it is.
    pub kind: FrameKind,
    /// The bytes, as they came.
    pub bytes: FrameBytes,
    /// When the hub received it, by the hub's clock.
    pub seen_at: DateTime<Utc>,
    /// How far the device's clock was from the hub's, where it was read at this connection.
    pub clock: ClockOffset,
    /// The device's time from which the frame counts its own, where the device tells it apart from the frame: a
    /// continuous glucose sensor says when its session began (2AAA), and each record says how many minutes later; a
    /// meter's context (2A34) has no time, and that of its measurement is its own.
    pub counts_from: Option<CountsFrom>,
}

/// A kind of frame that carries readings.
///
/// Only what measures something exists as a value, so every frame has a service and a kind of measure to be filed
/// under, also where its bytes cannot be read. Sources: Bluetooth Assigned Numbers and the services' own pages; for
/// serial protocols the page of each module in [`crate::serial`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FrameKind {
    /// Glucose Measurement, 2A18.
    Glucose,
    /// Glucose Measurement Context, 2A34: what stood beside a measurement, joined to it by its sequence number.
    GlucoseContext,
    /// Temperature Measurement, 2A1C.
    Temperature,
    /// Intermediate Temperature, 2A1E: still rising, never a reading.
    IntermediateTemperature,
    /// Blood Pressure Measurement, 2A35.
    BloodPressure,
    /// Intermediate Cuff Pressure, 2A36: the cuff filling, never a reading.
    CuffPressure,
    /// Heart Rate Measurement, 2A37.
    HeartRate,
    /// PLX Spot-check Measurement, 2A5E.
    SpotOximetry,
    /// PLX Continuous Measurement, 2A5F.
    ContinuousOximetry,
    /// Weight Measurement, 2A9D.
    Weight,
    /// Body Composition Measurement, 2A9C.
    BodyComposition,
    /// One record of a CGM Measurement, 2AA7.
    Cgm,
    /// What some scales advertise under the Weight Scale service, 181D (Xiaomi's layout).
    AdvertisedWeight,
    /// What some scales advertise under the Body Composition service, 181B (Xiaomi's layout, which they also send as
    /// 2A9C).
    AdvertisedBodyComposition,
    /// Nonin data format 2: 125 bytes, a third of a second.
    NoninDf2,
    /// Nonin data format 7: as format 2 with a finer pulse wave.
    NoninDf7,
    /// Nonin data format 8: 4 bytes, a second.
    NoninDf8,
    /// Nonin data format 13: one spot check from memory.
    NoninDf13,
    /// Contec CMS50, older generation, live: 5 bytes, a sixtieth of a second.
    ContecV4Live,
    /// Contec CMS50, older generation: points of a recording, 3 bytes each, without times.
    ContecV4Recorded,
    /// Contec CMS50, newer generation, live: one packet.
    ContecV7Live,
    /// Contec CMS50, newer generation: packets of a recording, without times.
    ContecV7Recorded,
    /// One line of a Masimo Rad in ASCII 1.
    MasimoAscii1,
    /// One result record of an Ascensia Contour meter (ASTM).
    ContourAstm,
    /// One record line of a LifeScan OneTouch Ultra 2.
    LifescanUltra2,
    /// One record of a LifeScan OneTouch UltraEasy.
    LifescanUltraEasy,
    /// One result line of an Abbott FreeStyle Optium.
    FreestyleOptium,
    /// One 14-byte record of an Omron cuff's memory.
    OmronRecord,
}

/// A text names no kind of frame that carries readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "read a kind of frame: want a characteristic that carries readings, such as 2a35, or a serial format, such as nonin_df2"
)]
pub struct NotAMeasurement;

/// Every kind of frame: its stable name, the service or protocol it belongs to, and what it measures.
const KINDS: [(FrameKind, &str, &str, Kind); 28] = {
    use FrameKind as F;
    [
        (F::Glucose, "2a18", "1808", Kind::Glucose),
        (F::GlucoseContext, "2a34", "1808", Kind::GlucoseContext),
        (F::Temperature, "2a1c", "1809", Kind::Temperature),
        (F::IntermediateTemperature, "2a1e", "1809", Kind::Temperature),
        (F::BloodPressure, "2a35", "1810", Kind::BloodPressure),
        (F::CuffPressure, "2a36", "1810", Kind::BloodPressure),
        (F::HeartRate, "2a37", "180d", Kind::HeartRate),
        (F::SpotOximetry, "2a5e", "1822", Kind::Spo2),
        (F::ContinuousOximetry, "2a5f", "1822", Kind::Spo2),
        (F::Weight, "2a9d", "181d", Kind::Weight),
        (F::BodyComposition, "2a9c", "181b", Kind::BodyComposition),
        (F::Cgm, "2aa7", "181f", Kind::Glucose),
        (F::AdvertisedWeight, "181d", "181d", Kind::Weight),
        (F::AdvertisedBodyComposition, "181b", "181b", Kind::Weight),
        (F::NoninDf2, "nonin_df2", "nonin", Kind::Spo2),
        (F::NoninDf7, "nonin_df7", "nonin", Kind::Spo2),
        (F::NoninDf8, "nonin_df8", "nonin", Kind::Spo2),
        (F::NoninDf13, "nonin_df13", "nonin", Kind::Spo2),
        (F::ContecV4Live, "cms50_v4_live", "cms50_v4", Kind::Spo2),
        (F::ContecV4Recorded, "cms50_v4_recorded", "cms50_v4", Kind::Spo2),
        (F::ContecV7Live, "cms50_v7_live", "cms50_v7", Kind::Spo2),
        (F::ContecV7Recorded, "cms50_v7_recorded", "cms50_v7", Kind::Spo2),
        (F::MasimoAscii1, "masimo_ascii1", "masimo", Kind::Spo2),
        (F::ContourAstm, "contour_astm", "astm", Kind::Glucose),
        (F::LifescanUltra2, "onetouch_ultra2", "onetouch", Kind::Glucose),
        (F::LifescanUltraEasy, "onetouch_ultraeasy", "onetouch", Kind::Glucose),
        (F::FreestyleOptium, "freestyle_optium", "freestyle", Kind::Glucose),
        (F::OmronRecord, "omron_14", "omron", Kind::BloodPressure),
    ]
};

impl FrameKind {
    /// Every kind of frame.
    pub fn all() -> impl Iterator<Item = Self> {
        KINDS.iter().map(|(kind, ..)| *kind)
    }

    /// The kind of a 16-bit characteristic.
    ///
    /// # Errors
    /// [`NotAMeasurement`] for one that carries no readings, such as battery level.
    ///
    /// ```
    /// use device_codecs::FrameKind;
    /// assert_eq!(FrameKind::of_characteristic(0x2a35).unwrap().service(), "1810");
    /// assert!(FrameKind::of_characteristic(0x2a19).is_err(), "a battery level is not a reading");
    /// ```
    pub fn of_characteristic(uuid: u16) -> Result<Self, NotAMeasurement> {
        Self::all().find(|kind| kind.characteristic() == Some(uuid)).ok_or(NotAMeasurement)
    }

    /// The kind of a stable name, upper or lower case.
    ///
    /// # Errors
    /// [`NotAMeasurement`] for any other text.
    pub fn parse(text: &str) -> Result<Self, NotAMeasurement> {
        Self::all().find(|kind| kind.name().eq_ignore_ascii_case(text)).ok_or(NotAMeasurement)
    }

    /// The stable name: four hexadecimal digits for what Bluetooth numbers, a word for a serial format.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// The GATT service as four hexadecimal digits, or the serial protocol.
    #[must_use]
    pub fn service(self) -> &'static str {
        self.row().2
    }

    /// What it measures.
    #[must_use]
    pub fn measures(self) -> Kind {
        self.row().3
    }

    /// The characteristic that carries it, where one does.
    #[must_use]
    pub fn characteristic(self) -> Option<u16> {
        let is_characteristic = self.name() != self.service();
        vitals::hex::decode_array(self.name()).ok().filter(|_| is_characteristic).map(u16::from_be_bytes)
    }

    /// Whether the device tells such a record again whenever it is asked: it stands in the device's memory. Cuffs and
    /// scales send theirs once, and sensors send what they feel now. So does Nonin's spot check: the oximeter forgets one
    /// that was acknowledged, and with a clock that was never set two checks of different days have the same bytes.
    #[must_use]
    pub fn is_told_again(self) -> bool {
        match self {
            Self::Glucose
            | Self::GlucoseContext
            | Self::ContecV4Recorded
            | Self::ContecV7Recorded
            | Self::ContourAstm
            | Self::LifescanUltra2
            | Self::LifescanUltraEasy
            | Self::FreestyleOptium
            | Self::OmronRecord => true,
            Self::Temperature
            | Self::IntermediateTemperature
            | Self::BloodPressure
            | Self::CuffPressure
            | Self::HeartRate
            | Self::SpotOximetry
            | Self::ContinuousOximetry
            | Self::Weight
            | Self::BodyComposition
            | Self::Cgm
            | Self::AdvertisedWeight
            | Self::AdvertisedBodyComposition
            | Self::NoninDf2
            | Self::NoninDf7
            | Self::NoninDf8
            | Self::NoninDf13
            | Self::ContecV4Live
            | Self::ContecV7Live
            | Self::MasimoAscii1 => false,
        }
    }

    /// The part of a frame that is the same whenever the device tells the record again ([`vitals::record::identity`]).
    ///
    /// ```
    /// use device_codecs::FrameKind;
    /// let [first, later] = [&b"R|1|^^^Glucose|133"[..], &b"R|9|^^^Glucose|133"[..]];
    /// assert_eq!(FrameKind::ContourAstm.identity(first), FrameKind::ContourAstm.identity(later));
    /// ```
    #[must_use]
    pub fn identity(self, bytes: &[u8]) -> &[u8] {
        vitals::record::identity(self.name(), bytes)
    }

    fn row(self) -> (Self, &'static str, &'static str, Kind) {
        // Never the fallback: a test holds that every kind is in the table, once.
        let unknown = (self, "unknown", "unknown", Kind::BloodPressure);
        KINDS.iter().find(|(kind, ..)| *kind == self).copied().unwrap_or(unknown)
    }
}

impl fmt::Display for FrameKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The bytes of one frame, at most [`FRAME_BYTES_MAX`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FrameBytes(Vec<u8>);

/// More bytes than any attribute value may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("take a frame of {bytes} bytes: want at most {FRAME_BYTES_MAX}")]
pub struct FrameTooLarge {
    /// How many bytes came.
    pub bytes: usize,
}

impl FrameBytes {
    /// Takes the bytes of a frame.
    ///
    /// # Errors
    /// [`FrameTooLarge`] above [`FRAME_BYTES_MAX`] bytes.
    pub fn new(bytes: Vec<u8>) -> Result<Self, FrameTooLarge> {
        if bytes.len() <= FRAME_BYTES_MAX { Ok(Self(bytes)) } else { Err(FrameTooLarge { bytes: bytes.len() }) }
    }

    /// The bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

/// Debug shows the length only: the bytes hold a person's values.
impl fmt::Debug for FrameBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FrameBytes({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_row_and_reads_back() {
        for (kind, name, service, measures) in KINDS {
            assert_eq!(FrameKind::parse(name), Ok(kind));
            assert_eq!((kind.name(), kind.service(), kind.measures()), (name, service, measures));
            if let Some(uuid) = kind.characteristic() {
                assert_eq!(FrameKind::of_characteristic(uuid), Ok(kind));
            }
        }
        assert_eq!(FrameKind::all().filter(|kind| kind.characteristic().is_some()).count(), 12);
        for text in ["", "2a3", "2a355", "2A19", "zzzz", "é"] {
            assert_eq!(FrameKind::parse(text), Err(NotAMeasurement), "{text}");
        }
        assert_eq!(FrameKind::parse("2A35"), Ok(FrameKind::BloodPressure));
    }

    #[test]
    fn a_frame_larger_than_an_attribute_is_refused() {
        assert!(FrameBytes::new(vec![0; FRAME_BYTES_MAX]).is_ok());
        assert_eq!(FrameBytes::new(vec![0; FRAME_BYTES_MAX + 1]), Err(FrameTooLarge { bytes: FRAME_BYTES_MAX + 1 }));
    }
}
