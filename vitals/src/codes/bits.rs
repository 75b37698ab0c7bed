//! What the bits of a device's status mean: the names of HL7/phd's code system `ASN1ToHL7`, which follows IEEE 11073-10206.
//!
//! A bit that the code system does not name has no name: reserved bits are ignored and stay in the raw bytes.
//! Source: HL7/phd `input/fsh/CodeSystem.ASN1ToHL7.fsh`; its examples bpm-status and bits-observation.

use crate::quality::Flag;

/// MDC code of the status of a blood pressure measurement.
pub const BLOOD_PRESSURE_STATUS: u32 = 8_410_608;
/// MDC code of the status of a pulse oximeter's sensor and signal.
pub const OXIMETER_STATUS: u32 = 150_604;
/// MDC code of the status of a glucose meter.
pub const GLUCOSE_METER_STATUS: u32 = 8_417_752;
/// MDC code of the status of a continuous glucose sensor.
pub const GLUCOSE_SENSOR_STATUS: u32 = 8_418_060;

/// The name of one bit of a status, or `None` for a status or a bit that the code system does not know.
///
/// ```
/// use vitals::codes::bits;
/// assert_eq!(bits::name(bits::BLOOD_PRESSURE_STATUS, 5), Some("improper-body-position"));
/// assert_eq!(bits::name(bits::BLOOD_PRESSURE_STATUS, 6), None);
/// ```
#[must_use]
pub fn name(mdc: u32, bit: u8) -> Option<&'static str> {
    let (_, bits) = STATUSES.iter().find(|(status, _)| *status == mdc)?;
    bits.iter().find(|(place, _)| *place == bit).map(|(_, name)| *name)
}

/// The names of the bits that are set, in the order given.
///
/// ```
/// use vitals::codes::bits;
/// assert_eq!(bits::names(bits::BLOOD_PRESSURE_STATUS, &[0, 5]), ["body-movement", "improper-body-position"]);
/// ```
#[must_use]
pub fn names(mdc: u32, set_bits: &[u8]) -> Vec<&'static str> {
    set_bits.iter().filter_map(|bit| name(mdc, *bit)).collect()
}

/// The status and bit that say the same as one of our flags; `None` for a flag of the hub or the service.
///
/// ```
/// use vitals::{Flag, codes::bits};
/// assert_eq!(bits::of_flag(Flag::IrregularPulse), Some((bits::BLOOD_PRESSURE_STATUS, 2)));
/// assert_eq!(bits::of_flag(Flag::ArrivedLate), None);
/// ```
#[must_use]
pub fn of_flag(flag: Flag) -> Option<(u32, u8)> {
    FLAGS.iter().find(|(known, ..)| *known == flag).map(|(_, status, bit)| (*status, *bit))
}

const FLAGS: &[(Flag, u32, u8)] = &[
    (Flag::BodyMovement, BLOOD_PRESSURE_STATUS, 0),
    (Flag::CuffTooLoose, BLOOD_PRESSURE_STATUS, 1),
    (Flag::IrregularPulse, BLOOD_PRESSURE_STATUS, 2),
    (Flag::PulseAboveRange, BLOOD_PRESSURE_STATUS, 3),
    (Flag::PulseBelowRange, BLOOD_PRESSURE_STATUS, 4),
    (Flag::ImproperPosition, BLOOD_PRESSURE_STATUS, 5),
];

/// The bits of one status, each with its name.
type Bits = &'static [(u8, &'static str)];

/// Every status of the code system.
const STATUSES: &[(u32, Bits)] = &[
    // Power status.
    (67_925, &[(0, "onMains"), (1, "onBattery"), (8, "chargingFull"), (9, "chargingTrickle"), (10, "chargingOff")]),
    // Regulation status.
    (532_354, &[(0, "negated-regulation-status")]),
    // Time capabilities and state.
    (
        68_219,
        &[
            (0, "mds-time-capab-real-time-clock"),
            (1, "mds-time-capab-set-clock"),
            (2, "mds-time-capab-relative-time"),
            (3, "mds-time-capab-high-res-relative-time"),
            (4, "mds-time-capab-sync-abs-time"),
            (5, "mds-time-capab-sync-rel-time"),
            (6, "mds-time-capab-sync-hi-res-relative-time"),
            (7, "mds-time-capab-bo-time"),
            (8, "mds-time-state-abs-time-synced"),
            (9, "mds-time-state-rel-time-synced"),
            (10, "mds-time-state-hi-res-relative-time-synced"),
            (11, "mds-time-mgr-set-time"),
            (12, "mds-time-capab-sync-bo-time"),
            (13, "mds-time-state-bo-time-synced"),
            (14, "mds-time-state-bo-time-UTC-aligned"),
            (15, "mds-time-dst-rules-enabled"),
        ],
    ),
    // Limits of alerts that are off.
    (67_846, &[(0, "lim-alert-off"), (1, "lim-low-off"), (2, "lim-high-off")]),
    (
        OXIMETER_STATUS,
        &[
            (0, "sensor-disconnected"),
            (1, "sensor-malfunction"),
            (2, "sensor-displaced"),
            (3, "sensor-unsupported"),
            (4, "sensor-off"),
            (5, "sensor-interference"),
            (6, "signal-searching"),
            (7, "signal-pulse-questionable"),
            (8, "signal-non-pulsatile"),
            (9, "signal-erratic"),
            (10, "signal-low-perfusion"),
            (11, "signal-poor"),
            (12, "signal-inadequate"),
            (13, "signal-processing-irregularity"),
            (14, "device-equipment-malfunction"),
            (15, "device-extended-update"),
        ],
    ),
    // Quality of the pulse.
    (
        150_605,
        &[
            (0, "pulse-qual-nominal"),
            (1, "pulse-qual-marginal"),
            (2, "pulse-qual-minimal"),
            (3, "pulse-qual-unacceptable"),
        ],
    ),
    // Status of an electrocardiograph.
    (
        8_410_584,
        &[
            (0, "leadwire-loss"),
            (1, "leadsignal-loss"),
            (2, "leadwire-loss-first-lead"),
            (3, "leadsignal-loss-first-lead"),
            (4, "leadwire-loss-second-lead"),
            (5, "leadsignal-loss-second-lead"),
            (6, "leadwire-loss-third-lead"),
            (7, "leadsignal-loss-third-lead"),
        ],
    ),
    (
        GLUCOSE_METER_STATUS,
        &[
            (0, "device-battery-low"),
            (1, "sensor-malfunction"),
            (2, "sensor-sample-size-insufficient"),
            (3, "sensor-strip-insertion"),
            (4, "sensor-strip-type-incorrect"),
            (5, "sensor-result-too-high"),
            (6, "sensor-result-too-low"),
            (7, "sensor-temp-too-high"),
            (8, "sensor-temp-too-low"),
            (9, "sensor-read-interrupt"),
            (10, "device-gen-fault"),
            (11, "sensor-temp-out-of-range"),
        ],
    ),
    // Status of a coagulation meter.
    (
        8_417_909,
        &[
            (0, "inr-device-battery-low"),
            (1, "inr-sensor-malfunction"),
            (2, "inr-sensor-sample-size-insufficient"),
            (3, "inr-sensor-strip-insertion"),
            (4, "inr-sensor-strip-type-incorrect"),
            (5, "inr-sensor-result-too-high"),
            (6, "inr-sensor-result-too-low"),
            (7, "inr-sensor-temp-too-high"),
            (8, "inr-sensor-temp-too-low"),
            (9, "inr-sensor-read-interrupt"),
            (10, "inr-device-gen-fault"),
            (11, "inr-sensor-calibration-due"),
        ],
    ),
    // Status of a device.
    (
        8_408_608,
        &[
            (0, "device-status-undetermined"),
            (1, "device-status-reset"),
            (5, "device-status-error"),
            (6, "device-status-error-mechanical"),
            (7, "device-status-error-electronic"),
            (8, "device-status-error-software"),
            (9, "device-status-error-battery"),
            (15, "device-status-service"),
            (16, "device-status-service-time-sync-required"),
            (17, "device-status-service-calibration-required"),
            (18, "device-status-service-replenishment-required"),
            (25, "device-status-battery-low"),
            (26, "device-status-battery-depleted"),
            (27, "device-status-battery-replaced"),
            (28, "device-status-battery-interrupted"),
        ],
    ),
    (
        GLUCOSE_SENSOR_STATUS,
        &[
            (0, "sensor-session-stopped"),
            (2, "sensor-type-incorrect"),
            (3, "sensor-malfunction"),
            (4, "device-specific-alert"),
            (7, "sensor-calibration-not-allowed"),
            (8, "sensor-calibration-recommended"),
            (9, "sensor-calibration-required"),
            (10, "sensor-temp-too-high"),
            (11, "sensor-temp-too-low"),
            (12, "sensor-result-below-patient-low"),
            (13, "sensor-result-above-patient-high"),
            (14, "sensor-low-hypo"),
            (15, "sensor-high-hyper"),
            (16, "sensor-rate-decrease-exceeded"),
            (17, "sensor-rate-increase-exceeded"),
            (18, "sensor-result-too-low"),
            (19, "sensor-result-too-high"),
            (20, "sensor-com-out-of-range"),
        ],
    ),
    // Status of a battery.
    (
        8_418_512,
        &[
            (0, "Battery-status-Undetermined"),
            (1, "Battery-absent"),
            (2, "Battery-active"),
            (3, "Battery-charging"),
            (4, "Battery-fullyCharged"),
            (5, "Battery-disposable"),
            (6, "Battery-rechargeable"),
            (7, "Battery-overTemperature"),
            (8, "Battery-faulty"),
            (9, "Battery-incompatible"),
        ],
    ),
    (
        BLOOD_PRESSURE_STATUS,
        &[
            (0, "body-movement"),
            (1, "cuff-too-loose"),
            (2, "irregular-pulse"),
            (3, "pulse-over-range-limit"),
            (4, "pulse-under-range-limit"),
            (5, "improper-body-position"),
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_two_examples_of_the_guide_have_their_names() {
        assert_eq!(names(8_410_608, &[0, 5]), ["body-movement", "improper-body-position"]);
        let oximeter = [
            "sensor-displaced",
            "signal-pulse-questionable",
            "signal-low-perfusion",
            "signal-poor",
            "signal-inadequate",
        ];
        assert_eq!(names(150_604, &[2, 7, 10, 11, 12]), oximeter);
    }

    #[test]
    fn what_the_code_system_does_not_know_has_no_name() {
        for (mdc, bit) in [(8_410_608, 6), (8_410_608, 255), (150_604, 16), (0, 0), (8_410_609, 0), (8_418_060, 1)] {
            assert_eq!(name(mdc, bit), None, "{mdc}.{bit}");
        }
        assert_eq!(names(150_456, &[0, 1]), [""; 0]);
    }

    #[test]
    fn every_status_stands_once_and_every_bit_in_it_once() {
        let statuses: BTreeSet<u32> = STATUSES.iter().map(|(mdc, _)| *mdc).collect();
        assert_eq!(statuses.len(), STATUSES.len());
        for (mdc, bits) in STATUSES {
            let places: BTreeSet<u8> = bits.iter().map(|(bit, _)| *bit).collect();
            assert_eq!(places.len(), bits.len(), "{mdc}");
        }
    }

    #[test]
    fn a_flag_of_a_cuff_is_the_bit_of_its_status() {
        for (flag, expected) in [
            (Flag::BodyMovement, "body-movement"),
            (Flag::CuffTooLoose, "cuff-too-loose"),
            (Flag::IrregularPulse, "irregular-pulse"),
            (Flag::PulseAboveRange, "pulse-over-range-limit"),
            (Flag::PulseBelowRange, "pulse-under-range-limit"),
            (Flag::ImproperPosition, "improper-body-position"),
        ] {
            let (status, bit) = of_flag(flag).unwrap();
            assert_eq!(name(status, bit), Some(expected), "{flag:?}");
        }
        assert_eq!(of_flag(Flag::DeviceTimeMissing), None);
    }
}
