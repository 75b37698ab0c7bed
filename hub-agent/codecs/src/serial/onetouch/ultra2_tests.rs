//! Lines of an Ultra 2: our own records in the form that glucometerutils and Tidepool read.

use super::*;
use crate::DecodeError as E;

fn line(text: &str) -> Vec<u8> {
    format!("{text} {:04X}\r\n", sum16(text.as_bytes())).into_bytes()
}

#[test]
fn records_say_value_meal_and_comment() {
    use NoValue as N;
    let rows = [
        (r#"P "SAT","08/03/13","22:12:00   ","  120 ","N","00", 00"#, Ok(120), Meal::None, 0),
        (r#"P "SUN","08/04/13","07:01:09   ","  020 ","B","11", 00"#, Ok(20), Meal::Before, 11),
        (r#"P "SUN","08/04/13","09:30:00   ","  600 ","A","03", 00"#, Ok(600), Meal::After, 3),
        (r#"P "SUN","08/04/13","09:30:00   ","  019 ","A","00", 00"#, Err(N::NegativeInfinity), Meal::After, 0),
        (r#"P "SUN","08/04/13","09:30:00   ","  601 ","N","00", 00"#, Err(N::PositiveInfinity), Meal::None, 0),
        (r#"P "SUN","08/04/13","09:30:00   ","C 120 ","N","00", 00"#, Err(N::ControlSolution), Meal::None, 0),
        (r#"P "SUN","08/04/13","09:30:00   ","  120?","N","00", 00"#, Err(N::MeasurementInvalid), Meal::None, 0),
    ];
    for (text, value, meal, comment) in rows {
        let record = decode(&line(text)).unwrap_or_else(|error| panic!("{text}: {error}"));
        let mg = |mg: u16| Quantity::new(Decimal::from(mg), Unit::MilligramsPerDecilitre);
        assert_eq!(record.patient_value(), value.map(mg), "{text}");
        assert_eq!((record.meal, record.comment), (meal, comment), "{text}");
    }
    let record = decode(&line(rows[1].0)).unwrap();
    assert_eq!(record.taken_at.stated().unwrap().to_string(), "2013-08-04T07:01:09");
}

#[test]
fn lines_that_are_no_records_are_refused() {
    for (text, error) in [
        (r#"P 002,"ABC123DEY","MG/DL ""#, E::OutOfStep { field: "a record" }),
        (r#"F "SAT","08/03/13","22:12:00   ""#, E::OutOfStep { field: "a record" }),
        (r#"P "SAT","08/03/13","22:12:00   ","  HI  ","N","00", 00"#, E::Malformed { field: "the result" }),
        (r#"P "SAT","08/03/13","22:12:00   ","X 120 ","N","00", 00"#, E::Malformed { field: "the result" }),
        (r#"P "SAT","08/03/13","22:12:00   ","  120 ","Q","00", 00"#, E::Malformed { field: "the meal" }),
        (r#"P "SAT","08/03/13","22:12:00   ","  120 ","N","12", 00"#, E::Malformed { field: "the comment" }),
    ] {
        assert_eq!(decode(&line(text)), Err(error), "{text}");
    }
    let wrong = b"A 0042\r\n";
    assert_eq!(decode_line(wrong), Err(E::ChecksumWrong { computed: 0x41, sent: 0x42 }));
}

#[test]
fn headers_and_clocks_are_read() {
    let header = decode_header(&line(r#"P 002,"ABC123DEY","MG/DL ""#)).unwrap();
    assert_eq!((header.records, header.serial.as_str()), (2, "ABC123DEY"));
    let clock = decode_clock(&line(r#"F "SAT","08/03/13","22:12:00   ""#)).unwrap();
    assert_eq!(clock.stated().unwrap().to_string(), "2013-08-03T22:12:00");
}
