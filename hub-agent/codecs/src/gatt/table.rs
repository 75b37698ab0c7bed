//! Every decoder of what Bluetooth numbers, by name: four hexadecimal digits, or a word for what is not a value of its
//! own.

use super::*;
use crate::{Fields, Shown, cursor::Cursor, date_time};
use vitals::float11073;

/// A row that shows what `decode` of one module gives.
macro_rules! row {
    ($name:literal, $plain:literal, $decode:path) => {
        Decoder { name: $name, plain: $plain, read: |bytes| $decode(bytes).map(|read| read.shown().into()) }
    };
}

/// A row that shows one value under a name.
macro_rules! one_value {
    ($name:literal, $plain:literal, $field:literal, $decode:path) => {
        Decoder { name: $name, plain: $plain, read: |bytes| $decode(bytes).map(|read| one($field, read)) }
    };
}

/// Every decoder of this family.
pub const DECODERS: &[Decoder] = &[
    Decoder {
        name: "2a08",
        plain: "Date Time",
        read: |bytes| date_time::decode(bytes).map(|time| date_time::shown(time).into()),
    },
    row!("2a18", "Glucose Measurement", glucose::decode),
    one_value!("2a19", "Battery Level", "percent", device_information::decode_battery),
    row!("2a1c", "Temperature Measurement", temperature::decode),
    Decoder {
        name: "2a1d",
        plain: "Temperature Type",
        read: |bytes| {
            temperature::decode_type(bytes)
                .map(|place| Fields::new().with("type", place.0).with("type_name", place.name()).into())
        },
    },
    row!("2a1e", "Intermediate Temperature", temperature::decode),
    one_value!("2a21", "Measurement Interval", "seconds", temperature::decode_interval),
    row!("2a23", "System ID", device_information::decode_system_id),
    one_value!("2a24", "Model Number String", "text", device_information::decode_text),
    one_value!("2a25", "Serial Number String", "text", device_information::decode_text),
    one_value!("2a26", "Firmware Revision String", "text", device_information::decode_text),
    one_value!("2a27", "Hardware Revision String", "text", device_information::decode_text),
    one_value!("2a28", "Software Revision String", "text", device_information::decode_text),
    one_value!("2a29", "Manufacturer Name String", "text", device_information::decode_text),
    row!("2a2b", "Current Time", current_time::decode),
    row!("2a34", "Glucose Measurement Context", glucose_context::decode),
    row!("2a35", "Blood Pressure Measurement", blood_pressure::decode),
    row!("2a36", "Intermediate Cuff Pressure", cuff_pressure::decode),
    row!("2a37", "Heart Rate Measurement", heart_rate::decode),
    row!("2a49", "Blood Pressure Feature", cuff_pressure::decode_feature),
    row!("2a50", "PnP ID", device_information::decode_pnp_id),
    row!("2a51", "Glucose Feature", glucose_feature::decode),
    row!("2a52", "Record Access Control Point, an answer", record_access::decode),
    row!("2a52_command", "Record Access Control Point, a command", record_access::decode_command),
    row!("2a5e", "PLX Spot-check Measurement", spot_oximetry::decode),
    row!("2a5f", "PLX Continuous Measurement", continuous_oximetry::decode),
    row!("2a60", "PLX Features", oximetry::decode_features),
    one_value!("2a99", "Database Change Increment", "increment", user_data::decode_change_increment),
    one_value!("2a9a", "User Index", "user_index", user_data::decode_user_index),
    row!("2a9b", "Body Composition Feature", body_composition::decode_feature),
    Decoder { name: "2a9c", plain: "Body Composition Measurement", read: body_composition::shown_whichever },
    row!("2a9d", "Weight Measurement", weight::decode),
    row!("2a9e", "Weight Scale Feature", weight::decode_feature),
    row!("2a9f", "User Control Point", user_data::decode),
    Decoder {
        name: "2aa7",
        plain: "CGM Measurement, the records of one notification",
        read: |bytes| cgm::shown_notification(bytes).map(Into::into),
    },
    row!("2aa8", "CGM Feature", cgm_session::decode_feature),
    row!("2aa9", "CGM Status", cgm_session::decode_status),
    row!("2aaa", "CGM Session Start Time", cgm_session::decode_session_start),
    row!("2aab", "CGM Session Run Time", cgm_session::decode_run_time),
    row!("2aac", "CGM Specific Ops Control Point", cgm_control::decode),
    row!("181b", "service data 181B, Xiaomi's layout (also sent as 2A9C)", xiaomi::decode_composition),
    row!("181d", "service data 181D, Xiaomi's layout", xiaomi::decode_weight),
    one_value!("sfloat", "IEEE 11073 SFLOAT, two bytes", "value", decode_sfloat),
    one_value!("float", "IEEE 11073 FLOAT, four bytes", "value", decode_float),
    Decoder { name: "e2e_crc", plain: "the CRC of any bytes", read: |bytes| Ok(one("crc", e2e_crc::of(bytes))) },
];

fn one(name: &'static str, value: impl Into<Shown>) -> Shown {
    Fields::new().with(name, value).into()
}

fn decode_sfloat(bytes: &[u8]) -> Result<float11073::DeviceNumber, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let number = cursor.number("the number")?;
    cursor.finish()?;
    Ok(number)
}

fn decode_float(bytes: &[u8]) -> Result<float11073::DeviceNumber, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let number = cursor.long_number("the number")?;
    cursor.finish()?;
    Ok(number)
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
