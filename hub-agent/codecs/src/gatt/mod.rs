//! What Bluetooth devices send: GATT characteristics and advertised service data, each in the device's own words.
//!
//! Invariants: a module reads one service's layouts as its page has them, cited at its head; reserved bits are ignored
//! and kept; what a value may be used for is said beside the words (`patient_value`), never by changing them.

mod bits;
pub mod blood_pressure;
pub mod body_composition;
pub mod cgm;
pub mod cgm_control;
pub mod cgm_session;
pub mod continuous_oximetry;
pub mod cuff_pressure;
pub mod current_time;
pub mod device_information;
pub mod e2e_crc;
pub mod glucose;
pub mod glucose_context;
pub mod glucose_feature;
pub mod heart_rate;
pub mod oximetry;
pub mod quirk;
pub mod record_access;
pub mod spot_oximetry;
mod table;
pub mod temperature;
mod units;
pub mod user_data;
pub mod weight;
pub mod xiaomi;

use crate::{DecodeError, FrameKind, decoders::Decoder};
pub use blood_pressure::{BloodPressureMeasurement, PressureUnit};
pub use body_composition::BodyComposition;
pub use cgm::CgmRecord;
pub use continuous_oximetry::ContinuousOximetry;
pub use cuff_pressure::CuffPressure;
pub use glucose::GlucoseMeasurement;
pub use glucose_context::GlucoseContext;
pub use heart_rate::HeartRateMeasurement;
pub use spot_oximetry::SpotOximetry;
pub use table::DECODERS;
pub use temperature::TemperatureMeasurement;
pub use units::{NOT_SUCCESSFUL, Units, tenths};
pub use weight::WeightMeasurement;
pub use xiaomi::XiaomiWeighing;

/// A measurement from a characteristic or an advertisement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measurement {
    /// A meter's measurement, 2A18.
    Glucose(GlucoseMeasurement),
    /// What stood beside a meter's measurement, 2A34.
    GlucoseContext(GlucoseContext),
    /// A thermometer's measurement, 2A1C.
    Temperature(TemperatureMeasurement),
    /// A thermometer still rising, 2A1E.
    IntermediateTemperature(TemperatureMeasurement),
    /// A cuff's measurement, 2A35.
    BloodPressure(BloodPressureMeasurement),
    /// A cuff still filling, 2A36.
    CuffPressure(CuffPressure),
    /// A strap's measurement, 2A37.
    HeartRate(HeartRateMeasurement),
    /// An oximeter's spot check, 2A5E.
    SpotOximetry(SpotOximetry),
    /// One moment of an oximeter's running measurement, 2A5F.
    ContinuousOximetry(ContinuousOximetry),
    /// A scale's weighing, 2A9D.
    Weight(WeightMeasurement),
    /// An analyser's measurement, 2A9C.
    BodyComposition(BodyComposition),
    /// One record of a continuous glucose sensor, 2AA7.
    Cgm(CgmRecord),
    /// A weighing in Xiaomi's layout, 181D.
    AdvertisedWeight(XiaomiWeighing),
    /// A weighing with impedance in Xiaomi's layout, 181B or 2A9C.
    AdvertisedBodyComposition(XiaomiWeighing),
}

/// What the bytes of a kind of frame say; `None` where the kind is not of this family.
pub(crate) fn decode(kind: FrameKind, bytes: &[u8]) -> Option<Result<Measurement, DecodeError>> {
    Some(match kind {
        FrameKind::Glucose => glucose::decode(bytes).map(Measurement::Glucose),
        FrameKind::GlucoseContext => glucose_context::decode(bytes).map(Measurement::GlucoseContext),
        FrameKind::Temperature => temperature::decode(bytes).map(Measurement::Temperature),
        FrameKind::IntermediateTemperature => temperature::decode(bytes).map(Measurement::IntermediateTemperature),
        FrameKind::BloodPressure => blood_pressure::decode(bytes).map(Measurement::BloodPressure),
        FrameKind::CuffPressure => cuff_pressure::decode(bytes).map(Measurement::CuffPressure),
        FrameKind::HeartRate => heart_rate::decode(bytes).map(Measurement::HeartRate),
        FrameKind::SpotOximetry => spot_oximetry::decode(bytes).map(Measurement::SpotOximetry),
        FrameKind::ContinuousOximetry => continuous_oximetry::decode(bytes).map(Measurement::ContinuousOximetry),
        FrameKind::Weight => weight::decode(bytes).map(Measurement::Weight),
        FrameKind::BodyComposition => body_composition::decode(bytes).map(Measurement::BodyComposition),
        FrameKind::Cgm => cgm::decode(bytes).map(Measurement::Cgm),
        FrameKind::AdvertisedWeight => xiaomi::decode_weight(bytes).map(Measurement::AdvertisedWeight),
        FrameKind::AdvertisedBodyComposition => {
            xiaomi::decode_composition(bytes).map(Measurement::AdvertisedBodyComposition)
        }
        FrameKind::NoninDf2
        | FrameKind::NoninDf7
        | FrameKind::NoninDf8
        | FrameKind::NoninDf13
        | FrameKind::ContecV4Live
        | FrameKind::ContecV4Recorded
        | FrameKind::ContecV7Live
        | FrameKind::ContecV7Recorded
        | FrameKind::MasimoAscii1
        | FrameKind::ContourAstm
        | FrameKind::LifescanUltra2
        | FrameKind::LifescanUltraEasy
        | FrameKind::FreestyleOptium
        | FrameKind::OmronRecord => return None,
    })
}
