//! Results and clocks, in all their months.

use super::*;

#[test]
fn results_say_what_was_measured_and_how() {
    use NoValue as N;
    let mg = |mg: u16| Ok(Quantity::new(Decimal::from(mg), Unit::MilligramsPerDecilitre));
    for (line, value, time) in [
        ("093  Apr  22 2014 02:14 G 0x00", mg(93), "2014-04-22T02:14:00"),
        ("350  June 01 2014 23:59 G 0x00", mg(350), "2014-06-01T23:59:00"),
        ("350  July 31 2014 00:00 G 0x02", mg(350), "2014-07-31T00:00:00"),
        ("HI   Apr  22 2014 02:14 G 0x00", Err(N::PositiveInfinity), "2014-04-22T02:14:00"),
        ("LO   Apr  22 2014 02:14 G 0x00", Err(N::NegativeInfinity), "2014-04-22T02:14:00"),
        ("110  Apr  22 2014 02:14 G 0x01", Err(N::ControlSolution), "2014-04-22T02:14:00"),
        ("003  Apr  22 2014 02:14 K 0x00", Err(N::NotReadYet), "2014-04-22T02:14:00"),
        ("HI   Apr  22 2014 02:14 K 0x03", Err(N::ControlSolution), "2014-04-22T02:14:00"),
    ] {
        let result = decode(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(result.patient_value(), value, "{line}");
        assert_eq!(result.taken_at.stated().unwrap().to_string(), time, "{line}");
        assert_eq!(result.is_time_lost(), line.ends_with('2') || line.ends_with('3'), "{line}");
    }
}

#[test]
fn a_ketone_is_kept_apart_from_glucose() {
    let ketone = decode(b"003  Apr  22 2014 02:14 K 0x00").unwrap();
    assert_eq!((ketone.test, ketone.value), (OptiumTest::Ketone, OptiumValue::Number(3)));
}

#[test]
fn lines_of_another_form_are_refused() {
    for line in [
        "93   Apr  22 2014 02:14 G 0x00",
        "093  Apr  22 2014 02:14 X 0x00",
        "093  Apx  22 2014 02:14 G 0x00",
        "093  Aprx 22 2014 02:14 G 0x00",
        "093  Apr  2x 2014 02:14 G 0x00",
        "093  Apr  22 2014 0214  G 0x00",
        "093 xApr  22 2014 02:14 G 0x00",
        "093  Apr  22 2014 02:14 G 0xZZ",
    ] {
        assert!(matches!(decode(line.as_bytes()), Err(DecodeError::Malformed { .. })), "{line}");
    }
    assert_eq!(decode(b"093  Apr  22 2014 02:14 G 0x00 "), Err(DecodeError::TooLong { left_bytes: 1 }));
}

#[test]
fn the_two_forms_of_clock_are_read() {
    let clock = decode_clock(b"Clock:\tApr  22 2014\t02:14:37\r\n").unwrap();
    assert_eq!(memory_clock("Apr  22 2014 02:14:37"), Some(clock));
    assert_eq!(memory_clock("June 22 2014 02:14:37").unwrap().stated().unwrap().to_string(), "2014-06-22T02:14:37");
    for line in ["", "Log Empty", "Apr  22 2014", "093  Apr  22 2014 02:14 G 0x00"] {
        assert_eq!(memory_clock(line), None, "{line}");
    }
}
