//! Lines of three models, what each exception takes away, and the two mistakes people make with the settings.

use super::*;
use crate::serial::{
    Dialogue, Do,
    far_side::{Line, device, hints, records},
    framer::{Framed, Framer},
};
use vitals::Value;

/// Sources: MD PnP `poxrad_discrete.h` (Rad-5, Radical-7); comments of nmenon/masimo-datacapture `masimo-capture.py`
/// (Rad-8 without a sensor, Radical-7 with colour screen).
#[test]
fn lines_of_every_model_are_read() {
    for (line, saturation, pulse, exceptions) in [
        ("09/15/10 15:10:29 SPO2=097% BPM=064 PI=11.82% ALARM=20 EXC=800", Some("97"), Some("64"), "masimo_set"),
        (
            "12/01/05 11:56:29 SN=0123456780 SPO2=098% BPM=240 PI=20.00% SPCO=01.0% SPMET=00.5% DESAT=01 PIDELTA=-02 \
             PVI=027 ALARM=0000 EXC=000820",
            Some("98"),
            Some("240"),
            "sensor_off masimo_set",
        ),
        (
            "03/19/16 13:37:12 SN=0000093112 SPO2=---% BPM=---% DESAT=-- PIDELTA=+-- ALARM=0000 EXC=000001",
            None,
            None,
            "no_sensor",
        ),
        (
            "03/17/16 19:19:36 SN=---------- SPO2=098% BPM=123 PI=00.55 SPCO=--% SPMET=--.-% SPHB=--.- SPOC=-- \
             RESVD=--- DESAT=-- PIDELTA=+-- PVI=--- ALARM=000000 EXC=0000C00 EXC1=00000000",
            Some("98"),
            Some("123"),
            "low_signal_iq masimo_set",
        ),
    ] {
        let read = decode(format!("{line}\r\n").as_bytes()).unwrap_or_else(|error| panic!("{line}: {error}"));
        let text = |number: MasimoNumber| number.number().map(|number| number.to_string());
        assert_eq!((text(read.saturation).as_deref(), text(read.pulse).as_deref()), (saturation, pulse), "{line}");
        assert_eq!(read.exception_names().join(" "), exceptions, "{line}");
    }
    let line = decode(b"12/01/05 11:56:29 SPO2=098% BPM=240 PIDELTA=-02 SPCO=01.0% ALARM=003A EXC=0\r\n").unwrap();
    assert_eq!(line.perfusion_change.number().unwrap().to_string(), "-2");
    assert_eq!(line.carboxyhaemoglobin.number().unwrap().to_string(), "1.0");
    assert_eq!(line.alarm_names(), ["spo2_low", "pulse_low", "alarm_active", "alarm_silenced"]);
}

#[test]
fn each_exception_takes_away_what_it_must() {
    let read = |exceptions: u32| {
        let line = format!("09/15/10 15:10:29 SPO2=097% BPM=064 EXC={exceptions:06X}\n");
        decode(line.as_bytes()).unwrap().patient_value()
    };
    let problems = [0, 1, 3, 5, 7, 8, 12, 14, 15, 16];
    for bit in 0..23 {
        let value = read(1 << bit);
        if problems.contains(&bit) {
            assert_eq!(value, Oximetry::without(NoValue::SensorProblem), "bit {bit}");
        } else if bit == 17 {
            assert_eq!(value, Oximetry::without(NoValue::MeasurementInvalid));
        } else {
            assert_eq!(value.saturation, Value::Measured(Decimal::from(97)), "bit {bit}");
        }
    }
}

#[test]
fn lines_with_something_wrong_are_refused() {
    for line in [
        "09/15/10 15:10:29 BPM=064 PI=11.82%",
        "09/15/10 15:10:29 SPO2=9x7% BPM=064",
        "09/15/10 15:10:29 SPO2=097% BPM=064 nonsense",
        "09-15-10 15:10:29 SPO2=097% BPM=064",
        "09/15/10 15:10:29 SPO2=097% BPM=064 EXC=8G0",
    ] {
        assert!(matches!(decode(format!("{line}\r\n").as_bytes()), Err(DecodeError::Malformed { .. })), "{line}");
    }
    let february = decode(b"02/30/16 15:10:29 SPO2=097% BPM=064\n").unwrap();
    assert!(matches!(february.taken_at, DeviceTimeField::Impossible(_)));
}

#[test]
fn a_line_that_broke_off_gives_way_to_the_next() {
    let line = b"09/15/10 15:10:30 SPO2=097% BPM=064 EXC=800\r\n".to_vec();
    let broken = [b"09/15/10 15:10:29 SPO2=09".to_vec(), line.clone()].concat();
    let found = framer().push(&broken);
    assert_eq!(found, [Framed::Dropped { bytes: 25, why: Dropped::CutShort }, Framed::Record(line)]);
}

/// A weak or disturbed signal leaves its value, for those with the weakest pulse are not to go unread, and says so.
#[test]
fn each_exception_that_disturbs_a_value_makes_it_doubtful() {
    for bit in 0..23 {
        let line = format!("09/15/10 15:10:29 SPO2=097% BPM=064 EXC={:06X}\n", 1 << bit);
        let is_doubtful = decode(line.as_bytes()).unwrap().is_doubtful();
        assert_eq!(is_doubtful, [2, 4, 6, 10].contains(&bit), "bit {bit}");
    }
}

/// Found by reading the code: the oximeter's clock was in every line and never told, so none of its readings could put an
/// alert to rest. It is told with the first line, when it was set, and once an hour, and before the device is named.
#[test]
fn the_clock_in_the_lines_is_told_when_there_is_news_of_it() {
    let mut dialogue = dialogue();
    let mut told = |time: &str| {
        let line = format!("{time} SN=0000056661 SPO2=098% BPM=097\r\n");
        let todo = dialogue.hear(line.as_bytes());
        let first = todo.into_iter().next();
        if let Some(Do::Clock(clock)) = first { Some(clock.to_string()) } else { None }
    };
    for (line, clock) in [
        ("02/22/16 22:47:45", Some("2016-02-22T22:47:45")),
        ("02/22/16 22:47:46", None),
        ("02/22/16 22:47:46", None),
        ("02/22/16 22:47:56", None),
        ("02/22/16 22:48:07", Some("2016-02-22T22:48:07")),
        ("02/22/16 22:48:05", Some("2016-02-22T22:48:05")),
        ("06/01/26 22:59:59", Some("2026-06-01T22:59:59")),
        ("06/01/26 23:00:00", Some("2026-06-01T23:00:00")),
        ("02/30/26 23:00:01", None),
        ("06/01/26 23:00:02", None),
    ] {
        assert_eq!(told(line).as_deref(), clock, "{line}");
    }
}

/// The factory setting of the Rad-8.
#[test]
fn a_rad_in_ascii_2_is_told_how_to_be_set() {
    let mut line = Line::new(|_| Vec::new());
    line.unasked =
        b"DATE     TIME     SPO2 BPM PI\r\n09/15/10 15:10:29 97 64 11.8\r\n09/15/10 15:10:30 97 64 11.8\r\n".to_vec();
    let steps = line.run(&mut dialogue());
    assert_eq!(hints(&steps).first(), Some(&Hint::MasimoAscii2));
    assert_eq!(records(&steps), Vec::<Vec<u8>>::new());
}

#[test]
fn the_oximeter_is_named_by_its_serial_number_once() {
    let line = "02/22/16 22:47:45 SN=0000056661 SPO2=098% BPM=097\r\n\r\n";
    let mut dialogue = dialogue();
    dialogue.start();
    let todo: Vec<Do> = (0..3).flat_map(|_| dialogue.hear(line.as_bytes())).collect();
    let devices = todo.iter().filter(|item| matches!(item, Do::Device { .. })).count();
    assert_eq!(devices, 1);
    let mut far = Line::new(|_| Vec::new());
    far.unasked = line.as_bytes().to_vec();
    let steps = far.run(&mut super::dialogue());
    assert_eq!(device(&steps), Some(("Masimo", None, Some("0000056661".to_owned()))));
}
