//! The examples of the maker's specification as rows, with what may be made of each.

use super::*;
use proptest::prelude::*;

/// Source: "Bayer Corporation Blood Glucose Meter Computer Interface Specification" 99993952 Rev. C, table 12, by the
/// number of its example (7 with the two digits too many that are printed there taken out); then the later form, from
/// glucometerutils `test_contourusb.py` and tidepool-org/uploader `bayerContourNext.js`.
#[test]
fn the_examples_of_the_specification_mean_what_it_says() {
    use NoValue as N;
    let glucose = |amount: &str, unit: Unit| Ok(Quantity::new(Decimal::parse(amount).unwrap(), unit));
    let (mg, mmol) = (Unit::MilligramsPerDecilitre, Unit::MillimolesPerLitre);
    let rows = [
        ("R|1|^^^GlucoseA|224|mg/dL^B||", Err(N::MeasurementInvalid), None),
        ("R|1|^^^GlucoseA|224|mg/dL^C", Err(N::MeasurementInvalid), None),
        ("R|1|^^^Glucose|113|mg/dL^B|||A||||200611081013", glucose("113", mg), Some("2006-11-08T10:13:00")),
        ("R|1|^^^Glucose|9|mg/dL^P||<|D||||200611081045", Err(N::NegativeInfinity), Some("2006-11-08T10:45:00")),
        ("R|1|^^^Glucose|609|mg/dL^P||||E|||200611081212", Err(N::ControlSolution), Some("2006-11-08T12:12:00")),
        ("R|1|^^^Glucose|99|mg/dL^B|||B||||200608080948", glucose("99", mg), Some("2006-08-08T09:48:00")),
        ("R|1|^^^Glucose|5.5|mmol/L^P||||E\\D|||200612121108", Err(N::ControlSolution), Some("2006-12-12T11:08:00")),
        ("R|2|^^^GlucoseA1|82|mg/dL^B|450|", Err(N::MeasurementInvalid), None),
        ("R|5|^^^GlucoseA4|0|mg/dL^B|1260|<|", Err(N::MeasurementInvalid), None),
        ("R|6|^^^Glucose|9|mg/dL^B||<|||||200208311007", Err(N::NegativeInfinity), Some("2002-08-31T10:07:00")),
        ("R|7|^^^Glucose|100|mg/dL^B||||D|||200208311008", Err(N::MeasurementInvalid), Some("2002-08-31T10:08:00")),
        ("R|8|^^^Glucose|37|mg/dL^C|||||||200208311009", glucose("37", mg), Some("2002-08-31T10:09:00")),
        ("R|10|^^^Glucose|2.61|mmol/L^P|||||||200208311011", glucose("2.61", mmol), Some("2002-08-31T10:11:00")),
        ("R|12|^^^Glucose|601|mg/dL^P||>|||||200208311013", Err(N::PositiveInfinity), Some("2002-08-31T10:13:00")),
        ("R|13|^^^Glucose|9|mg/dL^P||<\\T|||||200208311013", Err(N::NegativeInfinity), Some("2002-08-31T10:13:00")),
        ("R|14|^^^Glucose|100|mg/dL^P||T|||||200208311013", glucose("100", mg), Some("2002-08-31T10:13:00")),
        ("R|8|^^^Glucose|133|mg/dL^P||B/X||201202052034", glucose("133", mg), Some("2012-02-05T20:34:00")),
        ("R|3|^^^Glucose|93|mg/dL^P||A/M0/T1||201505261150", glucose("93", mg), Some("2015-05-26T11:50:00")),
        ("R|3|^^^Glucose|93|mg/dL^P||C||20150526115059", Err(N::ControlSolution), Some("2015-05-26T11:50:59")),
        ("R|3|^^^Glucose|600|mg/dL^P||>/A||201505261150", Err(N::PositiveInfinity), Some("2015-05-26T11:50:00")),
        ("R|3|^^^Glucose|93|mg/dL^P||||201513261150", glucose("93", mg), None),
    ];
    for (record, expected, time) in rows {
        for record in [record.to_owned(), format!("{record}\r")] {
            let result = decode(record.as_bytes()).unwrap_or_else(|error| panic!("{record}: {error}"));
            assert_eq!(result.patient_value(), expected, "{record}");
            assert_eq!(result.taken_at.stated().map(|time| time.to_string()).as_deref(), time, "{record}");
        }
    }
}

#[test]
fn a_result_without_its_time_or_in_a_strange_unit_is_refused() {
    for (record, error) in [
        ("R|8|^^^Glucose|133|mg/dL^P||B/X||", DecodeError::Truncated { field: "the date" }),
        ("R|8|^^^Glucose|133|mg/dL^P", DecodeError::Truncated { field: "the reference range" }),
        ("R|8|^^^Glucose|133|g/L^P||||200611081013", DecodeError::Malformed { field: "the unit" }),
        ("R|8|^^^Glucose|1x3|mg/dL^P||||200611081013", DecodeError::Malformed { field: "the value" }),
        ("L|1|N", DecodeError::OutOfStep { field: "the record type" }),
    ] {
        assert_eq!(decode(record.as_bytes()), Err(error), "{record}");
    }
}

/// Sources: the specification, 6.4.6, and the capture in glucometerutils `test_contourusb.py`.
#[test]
fn headers_say_who_sends() {
    for (record, product, serial, clock) in [
        (
            r"H|\^&||-7880|Bayer7150^1.05\0.00^7150-SAM2193|||||||P|1|200305121635",
            "Bayer7150",
            "7150-SAM2193",
            "2003-05-12T16:35:00",
        ),
        (
            r"H|\^&||7w3LBL|Bayer7390^01.24\01.04\09.02.20^7390-2336773^7403-|A=1^C=63|1714||||||1|201909221304",
            "Bayer7390",
            "7390-2336773",
            "2019-09-22T13:04:00",
        ),
    ] {
        let header = decode_header(record).unwrap();
        assert_eq!((header.product.as_str(), header.serial.as_str()), (product, serial));
        assert_eq!(header.clock.stated().unwrap().to_string(), clock);
    }
    assert!(decode_header("P|1").is_err());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(record in "R\\|[0-9]{1,3}\\|\\^\\^\\^Glucose\\|[0-9.]{1,5}\\|mg/dL\\^P\\|[|A-Z0-9/<>]{0,30}") {
        let _result = decode(record.as_bytes()).map(|result| result.patient_value());
    }
}
