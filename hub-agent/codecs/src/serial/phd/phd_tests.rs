//! Messages of universAAL/lddi: associations, releases, reports of a real scale and a blood pressure monitor.

use super::*;
use crate::Shown;
use proptest::prelude::*;

fn read(text: &str) -> Apdu {
    decode(&vitals::hex::decode(&text.replace(' ', "")).unwrap()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn report(text: &str) -> Report {
    let apdu = read(text);
    let Apdu::Data(Data { content: Content::Report(report), .. }) = apdu else { panic!("{apdu:?}") };
    report
}

/// Source: `Aarq10407APDUtest.java`, `AareAPDUtest.java`.
#[test]
fn an_association_names_the_device_and_its_configuration() {
    let Apdu::AssociationRequest(association) = read(
        "e2000032 80000000 0001002a 5079 0026 80000000 a000 80000000 00000000 00800000 0008 1122334455667788 02bc 0001 \
         0100 00000000",
    ) else {
        panic!()
    };
    assert_eq!(association.system_id.as_deref(), Some("1122334455667788"));
    assert_eq!(association.configuration, Some(700));
    let Apdu::AssociationResponse { result, association } = read(
        "e300002c 0003 5079 0026 80000000 8000 80000000 00000000 80000000 0008 5453425f4d616e61 0000 0000 0000 0000 \
         0000",
    ) else {
        panic!()
    };
    assert_eq!((result, association.protocol), (3, 0x5079));
}

#[test]
fn releases_and_aborts_say_why() {
    assert_eq!(read("e40000020000"), Apdu::ReleaseRequest { reason: 0 });
    assert_eq!(read("e50000020000"), Apdu::ReleaseResponse { reason: 0 });
    assert_eq!(read("e60000020002"), Apdu::Abort { reason: 2 });
    assert!(decode(&[0xe8, 0, 0, 0]).is_err());
}

/// Source: `RealMeasure10415PrstAPDUtest.java`, the first of five measurements of a real scale, lengths adapted.
#[test]
fn a_variable_report_of_a_real_scale_has_value_time_and_unit() {
    let report = report(
        "e700003a 0038 1000 0101 0032 0000 ffffffff 0d1e 0028 f000 0000 0001 0020 0001 0003 001a 0a56 0004 fe001c5c \
         0990 0008 2012050815021600 0996 0002 06c3",
    );
    let [observation] = report.observations.as_slice() else { panic!("{report:?}") };
    assert_eq!(Shown::from(observation.shown()), {
        Fields::new()
            .with("person", None::<u16>)
            .with("handle", 1_u16)
            .with("simple_nu", Shown::Decimal("72.60".into()))
            .with("unit", 0x06c3_u16)
            .with("time", "2012-05-08T15:02:16")
            .into()
    });
}

/// Source: `Measure10407PrstAPDUtest.java`, the commented example: 120/80, mean 100, then the pulse.
#[test]
fn a_fixed_report_of_a_blood_pressure_monitor_has_three_numbers_in_one() {
    let report = report(
        "e700003e 003c 1236 0101 0036 0000 ffffffff 0d1d 002c f000 0000 0002 0024 0001 0012 0003 0006 0078 0050 0064 \
         2007120612100000 0002 000a 003c 2007120612100000",
    );
    let values: Vec<&PhdValue> = report.observations.iter().map(|observation| &observation.value).collect();
    let number = |mantissa| vitals::float11073::DeviceNumber::Number { mantissa, exponent: 0 };
    let pressures = PhdValue::CompoundBasic(vec![number(120), number(80), number(100)]);
    assert_eq!(values, [&pressures, &PhdValue::Basic(number(60))]);
}

#[test]
fn a_report_of_several_persons_says_whose_each_is() {
    let report = report(
        "e7000036 0034 0001 0101 002e 0000 ffffffff 0d1f 0024 f000 0000 0002 001c 0001 0001 0006 0001 0002 0062 0002 \
         0001 000a 0001 0006 ff0002fa0102",
    );
    let persons: Vec<_> = report.observations.iter().map(|observation| observation.person).collect();
    assert_eq!(persons, [Some(1), Some(2)]);
    let basic = PhdValue::Basic(vitals::float11073::DeviceNumber::Number { mantissa: 98, exponent: 0 });
    assert_eq!(report.observations[0].value, basic);
}

#[test]
fn bytes_of_no_known_form_are_kept_as_they_came() {
    let report = report("e700001f 001d 0001 0101 0017 0000 ffffffff 0d1d 000d f000 0000 0001 0005 0001 0001 ab");
    assert_eq!(report.observations[0].value, PhdValue::Other(vec![0xab]));
}

proptest! {
    /// Lengths that lie never make it panic or loop, and never take more than there is.
    #[test]
    fn lengths_may_lie(choice in 0xe2_u8..=0xe7, body in proptest::collection::vec(any::<u8>(), 0..120)) {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        let _apdu = decode(&[&[choice, 0], length.as_slice(), &body].concat());
        let inner = u16::try_from(body.len() + 20).unwrap();
        let head = [
            [0xe7, 0].as_slice(),
            &(inner).to_be_bytes(),
            &(inner - 2).to_be_bytes(),
            &[0, 1, 1, 1],
            &(inner - 8).to_be_bytes(),
            &[0, 0, 0xff, 0xff, 0xff, 0xff, 0x0d, 0x1d],
            &(inner - 18).to_be_bytes(),
            &[0xf0, 0],
        ]
        .concat();
        let _apdu = decode(&[head.as_slice(), &body].concat());
    }
}
