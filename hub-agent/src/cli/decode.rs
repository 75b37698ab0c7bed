//! `hub-agent decode`: what one frame says, as JSON for tools and as a sentence for people.
//!
//! Invariant: nothing is worked out here; every value is the decoder's own, digit for digit.

use device_codecs::{
    DecodeError, Shown,
    decoders::{self, Decoder},
};
use serde::{Serialize, Serializer, ser::Error as _, ser::SerializeMap};
use serde_json::value::RawValue;
use thiserror::Error;
use vitals::reading::FRAME_BYTES_MAX;

/// Why there was nothing to decode.
#[derive(Debug, Error)]
pub enum NothingToDecode {
    /// No decoder has this name.
    #[error("find a decoder named {name:?}; there are: {known}")]
    UnknownName {
        /// The name asked for.
        name: String,
        /// Every name there is.
        known: String,
    },
    /// The bytes are no hexadecimal digits.
    #[error("read the bytes: {why}")]
    NotHex {
        /// Why.
        why: String,
    },
    /// More bytes than any frame.
    #[error("read the bytes: {bytes} are more than the {FRAME_BYTES_MAX} that a frame may have")]
    TooMany {
        /// How many.
        bytes: usize,
    },
}

/// What a decoder said about a frame.
#[derive(Debug)]
pub struct Spoken {
    decoder: Decoder,
    said: Result<Shown, DecodeError>,
}

/// Decodes the bytes (hexadecimal, blanks and colons allowed) of a characteristic or serial format.
///
/// # Errors
/// [`NothingToDecode`] where the name is not known or the bytes are none. A frame that does not decode is no error here:
/// that it does not is what was asked.
///
/// ```
/// let spoken = hub_agent::cli::decode::decode("2A35", "00bdf00b 009ff0").unwrap();
/// assert!(spoken.json().unwrap().starts_with(r#"{"systolic":18.9,"diastolic":11,"#));
/// assert!(spoken.sentence().starts_with("Blood Pressure Measurement: systolic 18.9, diastolic 11, "));
/// ```
pub fn decode(name: &str, hex: &str) -> Result<Spoken, NothingToDecode> {
    let decoder = decoders::named(name).ok_or_else(|| NothingToDecode::UnknownName {
        name: name.to_owned(),
        known: decoders::all().map(|decoder| decoder.name).collect::<Vec<_>>().join(", "),
    })?;
    let digits: String = hex.chars().filter(|letter| !letter.is_whitespace() && *letter != ':').collect();
    let bytes = vitals::hex::decode(&digits).map_err(|error| NothingToDecode::NotHex { why: error.to_string() })?;
    if bytes.len() > FRAME_BYTES_MAX {
        return Err(NothingToDecode::TooMany { bytes: bytes.len() });
    }
    Ok(Spoken { decoder, said: (decoder.read)(&bytes) })
}

impl Spoken {
    /// Whether the frame decoded.
    #[must_use]
    pub fn is_decoded(&self) -> bool {
        self.said.is_ok()
    }

    /// The values, or the refusal, by name.
    #[must_use]
    pub fn shown(&self) -> Shown {
        match &self.said {
            Ok(shown) => shown.clone(),
            Err(error) => refusal(*error),
        }
    }

    /// One line of JSON: the values by name, `null` where there is none and then `NAME_why` with the device's reason;
    /// or `error` with its stable code.
    ///
    /// # Errors
    /// Where a value cannot be written as JSON, which no decoder gives.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Json(&self.shown()))
    }

    /// One plain sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let plain = self.decoder.plain;
        match &self.said {
            Ok(shown) => format!("{plain}: {}.", words(shown)),
            Err(error) => format!("{plain}: {error}. {}", error.code().sentence()),
        }
    }
}

/// A refusal as named values.
fn refusal(error: DecodeError) -> Shown {
    let what = match error {
        DecodeError::Truncated { .. } => "truncated",
        DecodeError::TooLong { .. } => "too_long",
        DecodeError::ChecksumWrong { .. } => "checksum_wrong",
        DecodeError::OutOfStep { .. } => "out_of_step",
        DecodeError::Malformed { .. } => "malformed",
        DecodeError::EmptySlot => "empty_slot",
        DecodeError::MakersOwnLayout => "makers_own_layout",
        DecodeError::NotSupported { .. } => "not_read_yet",
    };
    let fields = device_codecs::Fields::new().with("error", error.code().code()).with("what", what);
    match error {
        DecodeError::Truncated { field } | DecodeError::OutOfStep { field } | DecodeError::Malformed { field } => {
            fields.with("field", field)
        }
        DecodeError::TooLong { left_bytes } => fields.with("left_bytes", u32::try_from(left_bytes).unwrap_or(u32::MAX)),
        DecodeError::ChecksumWrong { computed, sent } => fields.with("computed", computed).with("sent", sent),
        DecodeError::EmptySlot | DecodeError::MakersOwnLayout | DecodeError::NotSupported { .. } => fields,
    }
    .into()
}

/// Values as JSON: decimals as numbers with every digit.
struct Json<'a>(&'a Shown);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Shown::Absent | Shown::NoNumber(_) => serializer.serialize_none(),
            Shown::Flag(flag) => serializer.serialize_bool(*flag),
            Shown::Whole(number) => serializer.serialize_i64(*number),
            Shown::Decimal(digits) => {
                RawValue::from_string(digits.clone()).map_err(S::Error::custom)?.serialize(serializer)
            }
            Shown::Text(text) => serializer.serialize_str(text),
            Shown::List(values) => serializer.collect_seq(values.iter().map(Json)),
            Shown::Fields(fields) => {
                let mut map = serializer.serialize_map(None)?;
                for (name, value) in fields.iter() {
                    map.serialize_entry(name, &Json(value))?;
                    if let Shown::NoNumber(special) = value {
                        map.serialize_entry(&format!("{name}_why"), special.name())?;
                    }
                }
                map.end()
            }
        }
    }
}

/// Values as words: what is absent is not mentioned.
fn words(shown: &Shown) -> String {
    match shown {
        Shown::Absent => "none".to_owned(),
        Shown::NoNumber(special) => format!("no number ({})", special.name()),
        Shown::Flag(true) => "yes".to_owned(),
        Shown::Flag(false) => "no".to_owned(),
        Shown::Whole(number) => number.to_string(),
        Shown::Decimal(text) | Shown::Text(text) => text.clone(),
        Shown::List(values) if values.is_empty() => "none".to_owned(),
        Shown::List(values) => values.iter().map(words).collect::<Vec<_>>().join("; "),
        Shown::Fields(fields) => {
            let mut text = String::new();
            for (name, value) in fields.iter().filter(|(_, value)| **value != Shown::Absent) {
                let comma = if text.is_empty() { "" } else { ", " };
                text.push_str(&format!("{comma}{} {}", name.replace('_', " "), words(value)));
            }
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_special_value_is_null_with_its_reason_and_never_a_number() {
        let spoken = decode("2a35", "16ff07ff07ff07e107011000391cff070000").unwrap();
        let json: serde_json::Value = serde_json::from_str(&spoken.json().unwrap()).unwrap();
        assert!(json["systolic"].is_null());
        assert_eq!((&json["systolic_why"], &json["time"]), (&"nan".into(), &"2017-01-16T00:57:28".into()));
        assert!(spoken.sentence().contains("systolic no number (nan)"), "{}", spoken.sentence());
    }

    #[test]
    fn a_frame_that_does_not_decode_says_where_and_what_to_do() {
        let spoken = decode("2a35", "03020304050607").unwrap();
        assert!(!spoken.is_decoded());
        assert_eq!(spoken.json().unwrap(), r#"{"error":"frame_truncated","what":"truncated","field":"the time"}"#);
        assert!(spoken.sentence().contains("Take the measurement again"), "{}", spoken.sentence());
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        assert!(matches!(decode("2a99x", "00"), Err(NothingToDecode::UnknownName { .. })));
        assert!(matches!(decode("2a35", "0g"), Err(NothingToDecode::NotHex { .. })));
        let long = "00".repeat(FRAME_BYTES_MAX + 1);
        assert!(matches!(decode("2a35", &long), Err(NothingToDecode::TooMany { .. })));
    }
}
