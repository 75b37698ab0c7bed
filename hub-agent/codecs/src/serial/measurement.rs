//! What a record of a serial line says, by the kind of its frame.

use super::{cms50, contour, freestyle, masimo, nonin, omron, onetouch, oximetry::Oximetry, sample::Live};
use crate::{DecodeError, FrameKind, date_time::DeviceTimeField};
use vitals::Kind;

/// A measurement from a serial line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measurement {
    /// A packet of Nonin's data format 2 or 7.
    NoninPacket(Box<nonin::NoninPacket>),
    /// A second of Nonin's data format 8.
    NoninSecond(nonin::NoninSecond),
    /// A spot check, Nonin's data format 13.
    NoninSpotCheck(nonin::NoninSpotCheck),
    /// A live record of an older CMS50.
    ContecV4Live(cms50::Cms50Live),
    /// Points of a recording of an older CMS50, without times.
    ContecV4Recorded(Vec<cms50::Cms50Point>),
    /// A live packet of a newer CMS50.
    ContecV7Live(cms50::Cms50LivePacket),
    /// Points of a recording of a newer CMS50, without times.
    ContecV7Recorded(Vec<cms50::Cms50StoredPoint>),
    /// A line of a Masimo Rad.
    Masimo(Box<masimo::MasimoLine>),
    /// A result of a Contour meter.
    Contour(Box<contour::ContourResult>),
    /// A record of a OneTouch Ultra 2.
    Ultra2(onetouch::Ultra2Record),
    /// A record of a OneTouch UltraEasy.
    UltraEasy(onetouch::UltraEasyRecord),
    /// A result of a FreeStyle Optium.
    Optium(freestyle::OptiumResult),
    /// A record of an Omron cuff's memory.
    Omron(omron::OmronRecord),
}

impl Measurement {
    /// What it says of a person's oxygen, where it is an oximeter's. A recording without times says nothing that could
    /// become a reading.
    #[must_use]
    pub fn oximetry(&self) -> Option<Oximetry> {
        match self {
            Self::NoninPacket(packet) => Some(packet.patient_value()),
            Self::NoninSecond(second) => Some(second.patient_value()),
            Self::NoninSpotCheck(check) => Some(check.patient_value()),
            Self::ContecV4Live(live) => Some(live.patient_value()),
            Self::ContecV7Live(live) => Some(live.patient_value()),
            Self::Masimo(line) => Some(line.patient_value()),
            Self::ContecV4Recorded(_)
            | Self::ContecV7Recorded(_)
            | Self::Contour(_)
            | Self::Ultra2(_)
            | Self::UltraEasy(_)
            | Self::Optium(_)
            | Self::Omron(_) => None,
        }
    }

    /// What was measured: as the kind of frame says, but for a ketone among the results of a glucose meter.
    #[must_use]
    pub fn measures(&self) -> Kind {
        match self {
            Self::Optium(result) if result.test == freestyle::OptiumTest::Ketone => Kind::Ketone,
            Self::Contour(_) | Self::Ultra2(_) | Self::UltraEasy(_) | Self::Optium(_) => Kind::Glucose,
            Self::Omron(_) => Kind::BloodPressure,
            Self::NoninPacket(_)
            | Self::NoninSecond(_)
            | Self::NoninSpotCheck(_)
            | Self::ContecV4Live(_)
            | Self::ContecV4Recorded(_)
            | Self::ContecV7Live(_)
            | Self::ContecV7Recorded(_)
            | Self::Masimo(_) => Kind::Spo2,
        }
    }

    /// The device's own date and time of the measurement; absent too where the device says that it had lost the time.
    #[must_use]
    pub fn taken_at(&self) -> DeviceTimeField {
        match self {
            Self::NoninSpotCheck(check) => check.taken_at,
            Self::Masimo(line) => line.taken_at,
            Self::Contour(result) => result.taken_at,
            Self::Ultra2(record) => record.taken_at,
            Self::UltraEasy(record) => record.taken_at,
            Self::Optium(result) if result.is_time_lost() => DeviceTimeField::Absent,
            Self::Optium(result) => result.taken_at,
            Self::Omron(record) => record.taken_at,
            Self::NoninPacket(_)
            | Self::NoninSecond(_)
            | Self::ContecV4Live(_)
            | Self::ContecV4Recorded(_)
            | Self::ContecV7Live(_)
            | Self::ContecV7Recorded(_) => DeviceTimeField::Absent,
        }
    }

    /// Whether the device doubts the value that it sends all the same: a weak pulse, a disturbance. A CMS50 says how strong
    /// its signal is and not from where on that is weak, so it never doubts.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        match self {
            Self::NoninPacket(packet) => packet.is_doubtful(),
            Self::NoninSecond(second) => second.is_doubtful(),
            Self::NoninSpotCheck(check) => check.is_doubtful(),
            Self::Masimo(line) => line.is_doubtful(),
            Self::ContecV4Live(_)
            | Self::ContecV4Recorded(_)
            | Self::ContecV7Live(_)
            | Self::ContecV7Recorded(_)
            | Self::Contour(_)
            | Self::Ultra2(_)
            | Self::UltraEasy(_)
            | Self::Optium(_)
            | Self::Omron(_) => false,
        }
    }

    /// As the sampler sees it, where it is an oximeter's.
    #[must_use]
    pub fn live(&self) -> Option<Live> {
        self.oximetry().map(|oximetry| oximetry.live())
    }
}

/// What the bytes of a kind of frame say; `None` where the kind is not of this family.
pub(crate) fn decode(kind: FrameKind, bytes: &[u8]) -> Option<Result<Measurement, DecodeError>> {
    use Measurement as M;
    let packet = |format| nonin::decode_packet(bytes, format).map(|packet| M::NoninPacket(Box::new(packet)));
    Some(match kind {
        FrameKind::NoninDf2 => packet(nonin::PacketFormat::Df2),
        FrameKind::NoninDf7 => packet(nonin::PacketFormat::Df7),
        FrameKind::NoninDf8 => nonin::decode_second(bytes).map(M::NoninSecond),
        FrameKind::NoninDf13 => nonin::decode_spot_check(bytes).map(M::NoninSpotCheck),
        FrameKind::ContecV4Live => cms50::decode_v4_live(bytes).map(M::ContecV4Live),
        FrameKind::ContecV4Recorded => cms50::decode_v4_points(bytes).map(M::ContecV4Recorded),
        FrameKind::ContecV7Live => cms50::decode_v7_live(bytes).map(M::ContecV7Live),
        FrameKind::ContecV7Recorded => cms50::decode_v7_stored(bytes).map(M::ContecV7Recorded),
        FrameKind::MasimoAscii1 => masimo::decode(bytes).map(|line| M::Masimo(Box::new(line))),
        FrameKind::ContourAstm => contour::decode(bytes).map(|result| M::Contour(Box::new(result))),
        FrameKind::LifescanUltra2 => onetouch::decode_ultra2(bytes).map(M::Ultra2),
        FrameKind::LifescanUltraEasy => onetouch::decode_ultraeasy(bytes).map(M::UltraEasy),
        FrameKind::FreestyleOptium => freestyle::decode(bytes).map(M::Optium),
        // The one layout whose every field a capture proves; `omron_14_be` reads the other for whoever knows the model.
        FrameKind::OmronRecord => omron::decode(bytes, omron::Layout::LittleEndian).map(M::Omron),
        FrameKind::Glucose
        | FrameKind::GlucoseContext
        | FrameKind::Temperature
        | FrameKind::IntermediateTemperature
        | FrameKind::BloodPressure
        | FrameKind::CuffPressure
        | FrameKind::HeartRate
        | FrameKind::SpotOximetry
        | FrameKind::ContinuousOximetry
        | FrameKind::Weight
        | FrameKind::BodyComposition
        | FrameKind::Cgm
        | FrameKind::AdvertisedWeight
        | FrameKind::AdvertisedBodyComposition => return None,
    })
}
