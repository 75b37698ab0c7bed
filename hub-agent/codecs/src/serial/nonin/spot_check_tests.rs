//! Spot checks: our own records, made after the specification's table, for there is no public vector.

use super::*;
use vitals::Value;

/// A record with these data.
fn record(data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap().to_be_bytes();
    [START.as_slice(), &length, data, &[sum8(data), END]].concat()
}

const DATA: [u8; 14] = [0x20, 0x15, 0x04, 0x12, 0x10, 0x30, 0x59, 0x00, 0x02, 0x11, 0x01, 0x2c, 0x55, 0xe1];

#[test]
fn a_spot_check_says_when_and_how_good_it_was() {
    let check = decode(&record(&DATA)).unwrap();
    assert_eq!(check.taken_at.stated().unwrap().to_string(), "2015-04-12T10:30:59");
    assert_eq!((check.rate, check.saturation), (Some(300), Some(97)));
    assert!(check.is_smart_point() && check.is_from_memory());
    assert_eq!(check.patient_value().saturation, Value::Measured(Decimal::from(97)));
}

#[test]
fn later_models_may_add_data() {
    let longer = [DATA.as_slice(), &[1, 2, 3]].concat();
    assert_eq!(decode(&record(&longer)), decode(&record(&DATA)));
    assert_eq!(decode(&record(&DATA[..13])), Err(DecodeError::Malformed { field: "the length" }));
}

#[test]
fn no_measurement_and_missing_numbers_have_no_value() {
    let mut data = DATA;
    data[8] = 0x01;
    assert_eq!(decode(&record(&data)).unwrap().patient_value(), Oximetry::without(NoValue::MeasurementFailed));
    let mut data = DATA;
    (data[10], data[11], data[13]) = (0x01, 0xff, 0x7f);
    let check = decode(&record(&data)).unwrap();
    assert_eq!((check.rate, check.saturation), (None, None));
    assert_eq!(check.patient_value(), Oximetry::without(NoValue::MeasurementInvalid));
}

#[test]
fn a_date_that_is_not_bcd_or_not_in_the_calendar_is_impossible_and_keeps_the_value() {
    for (place, byte) in [(1, 0x1a), (2, 0x13), (3, 0x32), (4, 0x24)] {
        let mut data = DATA;
        data[place] = byte;
        let check = decode(&record(&data)).unwrap();
        assert!(matches!(check.taken_at, DeviceTimeField::Impossible(_)), "{place}");
        assert_eq!(check.saturation, Some(97));
    }
}

#[test]
fn a_wrong_checksum_is_refused_before_the_numbers_are_used() {
    let mut bytes = record(&DATA);
    bytes[16] ^= 1;
    assert!(matches!(decode(&bytes), Err(DecodeError::ChecksumWrong { .. })));
}
