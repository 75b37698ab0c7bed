//! What the product says about a case's input, under the case's own field names. What is about devices, codes and
//! numbers is here; what the rules answer is in `rules`.
//!
//! Invariant: nothing is worked out here. Each answer is one call of a product function, renamed.

use super::{
    compare::{Answer, Fields, Got},
    device,
    row::Row,
    rules,
};
use vitals::{
    Decimal, NhsNumber, Quantity, Unit,
    codes::{self, news2::News2Score},
    float11073::{self, DeviceNumber},
    gtin, hex,
    measure::Acvpu,
    nhs,
    quantity::Analyte,
};

/// What the product says about a row.
pub(super) fn to(row: &Row) -> Answer {
    if let Some(frame) = &row.frame {
        return device::to(frame, row);
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
        "mdc_code32" => half(row, "partition").and_then(|partition| {
            let term = half(row, "term")?;
            Ok(one("code", Got::whole(Some(codes::mdc::code32(partition, term)))))
        }),
        "phd_bits" => whole(row, "mdc").and_then(|mdc| {
            let names = codes::bits::names(mdc, &bits(row)?).into_iter();
            Ok(one("flags", Got::List(names.map(|name| Got::Text(name.to_owned())).collect())))
        }),
        "uk_core_coding" => text(row, "type").map(|vital_sign| {
            let coding = codes::uk_core::coding(vital_sign);
            Fields::from([
                ("snomed", Got::text(coding.map(|coding| coding.snomed))),
                ("loinc", Got::text(coding.map(|coding| coding.loinc))),
                ("ucum", Got::text(coding.and_then(|coding| coding.ucum))),
            ])
        }),
        "news2_snomed" => {
            text(row, "part").map(|part| one("snomed", Got::text(News2Score::from_name(part).map(News2Score::snomed))))
        }
        "acvpu_snomed" => {
            text(row, "level").map(|letter| one("snomed", Got::text(Acvpu::from_letter(letter).map(Acvpu::snomed))))
        }
        "glucose_unit" => milligrams(row).map(|sent| {
            let shown = Analyte::Glucose.in_millimoles(sent);
            one("mmol_1dp", Got::decimal(shown.map(Quantity::value)))
        }),
        _ => return rules::to(row),
    };
    fields.map_or_else(Answer::InputUnreadable, Answer::Fields)
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

/// A whole number of the input.
fn whole(row: &Row, key: &str) -> Result<u32, String> {
    let number = row.input.get(key).and_then(serde_json::Value::as_u64);
    let number = number.and_then(|number| u32::try_from(number).ok());
    number.ok_or_else(|| format!("the input has no whole number {key:?} of 32 bits"))
}

/// A whole number of the input that is half of a code.
fn half(row: &Row, key: &str) -> Result<u16, String> {
    u16::try_from(whole(row, key)?).map_err(|error| format!("the input's {key} is not half of a code: {error}"))
}

/// The places of the bits that are set.
fn bits(row: &Row) -> Result<Vec<u8>, String> {
    let places = row.input.get("set_bits").and_then(serde_json::Value::as_array).ok_or("the input has no set_bits")?;
    let place = |bit: &serde_json::Value| bit.as_u64().and_then(|bit| u8::try_from(bit).ok());
    places.iter().map(place).collect::<Option<_>>().ok_or_else(|| "a set bit is not a place".to_owned())
}

/// The input's milligrams a decilitre, as the number is written.
fn milligrams(row: &Row) -> Result<Quantity, String> {
    let number = row.input.get("mgdl").filter(|number| number.is_number()).ok_or("the input has no number \"mgdl\"")?;
    let number = Decimal::parse(&number.to_string()).map_err(|error| error.to_string())?;
    Ok(Quantity::new(number, Unit::MilligramsPerDecilitre))
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
