//! What the product says about a case's input, under the case's own field names. Here is every kind that is covered.
//!
//! Invariant: nothing is worked out here. Each answer is one call of a product function, renamed.

use super::{
    compare::{Answer, Fields, Got},
    row::Row,
};
use device_codecs::{BloodPressureMeasurement, Characteristic, DecodeError, Decoded, decode_bytes};
use vitals::{
    NhsNumber,
    float11073::{self, DeviceNumber},
    gtin, hex, nhs,
};

/// What the product says about a row.
pub(super) fn to(row: &Row) -> Answer {
    if let Some(frame) = &row.frame {
        return device(frame, row);
    }
    let fields = match row.group.as_str() {
        "nhs_number_valid" => {
            text(row, "number").map(|number| one("valid", Got::Flag(NhsNumber::parse(number).is_ok())))
        }
        "nhs_number_normalise" => {
            text(row, "text").map(|text| one("digits", Got::text(nhs::normalise(text).map(digits))))
        }
        "nhs_number_check_digit" => text(row, "first9").map(|nine| one("check_digit", Got::whole(check_digit(nine)))),
        "nhs_number_range" => text(row, "number").map(|number| {
            let region = nhs::normalise(number).map(nhs::region);
            one("region", Got::text(region.map(nhs::Region::name)))
        }),
        "sfloat16" => word(row).map(|bytes| number(float11073::sfloat(u16::from_be_bytes(bytes)))),
        "float32_11073" => word(row).map(|bytes| number(float11073::float(u32::from_be_bytes(bytes)))),
        "datetime_11073" => bytes(row, "bytes_le").map(|bytes| {
            let time = device_codecs::date_time::decode(&bytes).ok().and_then(device_codecs::DeviceTimeField::stated);
            one("local", Got::text(time.map(|time| time.to_string())))
        }),
        "gtin_valid" => text(row, "gtin").map(|gtin| one("valid", Got::Flag(gtin::is_valid(gtin)))),
        _ => return Answer::NotCovered,
    };
    fields.map_or_else(Answer::InputUnreadable, Answer::Fields)
}

/// A device's frame: what our decoder says, or that it does not read this frame yet.
fn device(frame: &str, row: &Row) -> Answer {
    let Ok(characteristic) = Characteristic::parse(frame) else {
        return Answer::NotCovered;
    };
    let bytes = match bytes(row, "hex") {
        Ok(bytes) => bytes,
        Err(reason) => return Answer::InputUnreadable(reason),
    };
    match decode_bytes(characteristic, &bytes) {
        Ok(Decoded::BloodPressure(measurement)) => Answer::Fields(blood_pressure(Ok(measurement))),
        Err(DecodeError::NotSupported { .. }) => Answer::NotCovered,
        Err(error) => Answer::Fields(blood_pressure(Err(error))),
    }
}

fn blood_pressure(decoded: Result<BloodPressureMeasurement, DecodeError>) -> Fields {
    let measured = decoded.ok();
    let pressure =
        |of: fn(&BloodPressureMeasurement) -> DeviceNumber| Got::decimal(measured.as_ref().map(of).filter(is_number));
    Fields::from([
        ("systolic", pressure(|measured| measured.systolic)),
        ("diastolic", pressure(|measured| measured.diastolic)),
        ("map", pressure(|measured| measured.mean)),
        ("unit", Got::text(measured.map(|measured| measured.unit.unit().plain()))),
        ("timestamp", Got::text(measured.and_then(|measured| measured.taken_at.stated()).map(|time| time.to_string()))),
        ("pulse", Got::decimal(measured.and_then(|measured| measured.pulse).filter(is_number))),
        ("user_id", Got::whole(measured.and_then(|measured| measured.user_index))),
        ("status", Got::whole(measured.and_then(|measured| measured.status))),
        ("error", Got::text(decoded.err().map(error_name))),
    ])
}

/// The public cases' name for a decoder's refusal: `truncated_` and their name for the field.
fn error_name(error: DecodeError) -> String {
    match error {
        DecodeError::Truncated { field } => {
            let name = match field {
                "the systolic pressure" => "systolic",
                "the diastolic pressure" => "diastolic",
                "the mean arterial pressure" => "map",
                "the time" => "timestamp",
                "the pulse rate" => "pulse",
                "the user index" => "user_id",
                "the status" => "status",
                other => other,
            };
            format!("truncated_{name}")
        }
        DecodeError::TooLong { .. } => "too_long".to_owned(),
        DecodeError::NotSupported { .. } => "not_supported".to_owned(),
    }
}

fn is_number(number: &DeviceNumber) -> bool {
    matches!(number, DeviceNumber::Number { .. })
}

fn number(number: DeviceNumber) -> Fields {
    let (mantissa, exponent, special) = match number {
        DeviceNumber::Number { mantissa, exponent } => (Some(mantissa), Some(exponent), None),
        DeviceNumber::Special(special) => (None, None, Some(special)),
    };
    Fields::from([
        ("mantissa", Got::whole(mantissa)),
        ("exponent", Got::whole(exponent)),
        ("decimal", Got::decimal(Some(number).filter(is_number))),
        ("special", Got::text(special.map(|special| special.name()))),
        ("fhir_data_absent_reason", Got::text(special.map(|special| special.reason().fhir_data_absent_reason()))),
    ])
}

fn one(name: &'static str, got: Got) -> Fields {
    Fields::from([(name, got)])
}

fn digits(ten: [u8; 10]) -> String {
    ten.iter().map(ToString::to_string).collect()
}

/// The check digit of nine digits. Anything else has no check digit.
fn check_digit(nine: &str) -> Option<u8> {
    let digit = |letter: char| letter.to_digit(10).and_then(|digit| u8::try_from(digit).ok());
    let digits: Vec<u8> = nine.chars().map(digit).collect::<Option<_>>()?;
    nhs::check_digit(digits.try_into().ok()?)
}

fn text<'row>(row: &'row Row, key: &str) -> Result<&'row str, String> {
    row.text(key).ok_or_else(|| format!("the input has no text {key:?}"))
}

fn bytes(row: &Row, key: &str) -> Result<Vec<u8>, String> {
    hex::decode(text(row, key)?).map_err(|error| format!("the input's {key} cannot be read: {error}"))
}

/// The word of a number, highest byte first, from `hex` (as one writes a number) or `bytes_le` (as a device sends it).
/// A case that gives both must give the same word.
fn word<const N: usize>(row: &Row) -> Result<[u8; N], String> {
    let written = row.text("hex").map(|text| text.trim_start_matches("0x").trim_start_matches("0X"));
    let written = written
        .map(hex::decode_array::<N>)
        .transpose()
        .map_err(|error| format!("the input's hex cannot be read: {error}"))?;
    let sent = row
        .text("bytes_le")
        .map(hex::decode_array::<N>)
        .transpose()
        .map_err(|error| format!("the input's bytes_le cannot be read: {error}"))?;
    let sent = sent.map(|mut bytes| {
        bytes.reverse();
        bytes
    });
    match (written, sent) {
        (Some(written), Some(sent)) if written != sent => {
            Err("the input's hex and bytes_le are different words".to_owned())
        }
        (Some(word), _) | (None, Some(word)) => Ok(word),
        (None, None) => Err("the input has neither hex nor bytes_le".to_owned()),
    }
}
