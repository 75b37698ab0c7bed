//! IEEE 11073-20601 application messages (APDUs), as personal health devices send them over USB and Bluetooth classic.
//!
//! All numbers are high byte first. A message is its choice (E200 to E700), the length of the rest, and the rest:
//! E2 asks for an association, E3 answers, E4 and E5 release it, E6 breaks it off, E7 carries data. Lists say how many
//! entries they have and how many bytes: the bytes decide, for a public test vector's count is wrong.
//!
//! Sources: universAAL/lddi `testchannel20601/*` (vectors, one of them a real scale); signove/antidote
//! `asn1/phd_types.h` and `dim/nomenclature.h` (structures and numbers).

mod report;

pub use report::{Observation, PhdValue, Report};

use crate::{Fields, cursor::Cursor, error::DecodeError};

/// The protocol number of 20601 in an association.
const PROTOCOL_20601: u16 = 0x5079;
const CONFIRMED_EVENT_REPORT: u16 = 0x0101;
const EVENT_REPORT: u16 = 0x0100;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Apdu {
    /// E2: the device asks for an association.
    AssociationRequest(Association),
    /// E3: the answer; 0 accepted, 3 accepted but its configuration is not known, others refuse.
    AssociationResponse {
        /// The answer.
        result: u16,
        /// What it answers with.
        association: Association,
    },
    /// E4: asks to end the association.
    ReleaseRequest {
        /// Why; 0 is normal.
        reason: u16,
    },
    /// E5: the answer.
    ReleaseResponse {
        /// Why; 0 is normal.
        reason: u16,
    },
    /// E6: ends the association at once.
    Abort {
        /// Why.
        reason: u16,
    },
    /// E7: data.
    Data(Data),
}

/// Who associates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Association {
    /// The data protocol; 0x5079 is 20601.
    pub protocol: u16,
    /// The device's 8-byte id, in hexadecimal digits, where the protocol is 20601.
    pub system_id: Option<String>,
    /// Which configuration it has, where the protocol is 20601.
    pub configuration: Option<u16>,
}

/// What a data message carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data {
    /// Its number.
    pub invoke_id: u16,
    /// What is in it.
    pub content: Content,
}

/// The content of a data message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A scan report: measurements.
    Report(Report),
    /// An event of another kind, by its number.
    OtherEvent(u16),
    /// Anything else, by its choice.
    Other(u16),
}

impl Apdu {
    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        let fields = Fields::new();
        match self {
            Self::AssociationRequest(association) => association.shown(fields.with("apdu", "aarq")),
            Self::AssociationResponse { result, association } => {
                association.shown(fields.with("apdu", "aare").with("result", *result))
            }
            Self::ReleaseRequest { reason } => fields.with("apdu", "rlrq").with("reason", *reason),
            Self::ReleaseResponse { reason } => fields.with("apdu", "rlre").with("reason", *reason),
            Self::Abort { reason } => fields.with("apdu", "abrt").with("reason", *reason),
            Self::Data(data) => {
                let fields = fields.with("apdu", "prst").with("invoke_id", data.invoke_id);
                match &data.content {
                    Content::Report(report) => report.shown(fields),
                    Content::OtherEvent(event) => fields.with("event", *event),
                    Content::Other(choice) => fields.with("choice", *choice),
                }
            }
        }
    }
}

impl Association {
    fn shown(&self, fields: Fields) -> Fields {
        fields
            .with("protocol", self.protocol)
            .with("system_id", self.system_id.clone())
            .with("configuration", self.configuration)
    }
}

/// The next two bytes, high byte first.
fn word(cursor: &mut Cursor<'_>, field: &'static str) -> Result<u16, DecodeError> {
    cursor.take(field).map(u16::from_be_bytes)
}

/// As many bytes as the next two bytes say.
fn sized<'a>(bytes: &'a [u8], field: &'static str) -> Result<(&'a [u8], &'a [u8]), DecodeError> {
    let (length, rest) = bytes.split_first_chunk::<2>().ok_or(DecodeError::Truncated { field })?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(DecodeError::Truncated { field })
}

/// As many bytes as the next two bytes say, and nothing after them.
fn sized_all<'a>(bytes: &'a [u8], field: &'static str) -> Result<&'a [u8], DecodeError> {
    match sized(bytes, field)? {
        (all, []) => Ok(all),
        (_, left) => Err(DecodeError::TooLong { left_bytes: left.len() }),
    }
}

/// The bytes of a list: its count, which is passed over, and its length.
fn listed<'a>(bytes: &'a [u8], field: &'static str) -> Result<(&'a [u8], &'a [u8]), DecodeError> {
    let (_count, rest) = bytes.split_first_chunk::<2>().ok_or(DecodeError::Truncated { field })?;
    sized(rest, field)
}

/// The message that bytes hold.
///
/// # Errors
/// [`DecodeError::Truncated`] or [`DecodeError::TooLong`] where a length does not fit, [`DecodeError::OutOfStep`] for
/// an unknown choice, [`DecodeError::Malformed`] where a part is not of its form.
///
/// ```
/// use device_codecs::serial::phd::{Apdu, decode};
/// assert_eq!(decode(&[0xe6, 0, 0, 2, 0, 0]), Ok(Apdu::Abort { reason: 0 }));
/// ```
pub fn decode(bytes: &[u8]) -> Result<Apdu, DecodeError> {
    let (choice, rest) = bytes.split_first_chunk::<2>().ok_or(DecodeError::Truncated { field: "the choice" })?;
    let known = matches!(choice, [0xe2..=0xe7, 0]);
    if !known {
        return Err(DecodeError::OutOfStep { field: "the choice" });
    }
    let body = sized_all(rest, "the message")?;
    match choice {
        [0xe2, _] => {
            let (_version, list) =
                body.split_first_chunk::<4>().ok_or(DecodeError::Truncated { field: "the association" })?;
            let (protocols, left) = listed(list, "the protocols")?;
            all_used(left)?;
            // The first protocol offered; devices that only speak 20601 offer no other.
            association(protocols).map(Apdu::AssociationRequest)
        }
        [0xe3, _] => {
            let (result, protocol) =
                body.split_first_chunk::<2>().ok_or(DecodeError::Truncated { field: "the result" })?;
            let association = association(protocol)?;
            Ok(Apdu::AssociationResponse { result: u16::from_be_bytes(*result), association })
        }
        [0xe4, _] => reason(body).map(|reason| Apdu::ReleaseRequest { reason }),
        [0xe5, _] => reason(body).map(|reason| Apdu::ReleaseResponse { reason }),
        [0xe6, _] => reason(body).map(|reason| Apdu::Abort { reason }),
        _ => data(sized_all(body, "the data")?).map(Apdu::Data),
    }
}

fn all_used(left: &[u8]) -> Result<(), DecodeError> {
    if left.is_empty() { Ok(()) } else { Err(DecodeError::TooLong { left_bytes: left.len() }) }
}

fn reason(body: &[u8]) -> Result<u16, DecodeError> {
    let mut cursor = Cursor::new(body);
    let reason = word(&mut cursor, "the reason")?;
    cursor.finish()?;
    Ok(reason)
}

fn association(bytes: &[u8]) -> Result<Association, DecodeError> {
    const FIELD: &str = "the association";
    let (protocol, rest) = bytes.split_first_chunk::<2>().ok_or(DecodeError::Truncated { field: FIELD })?;
    let protocol = u16::from_be_bytes(*protocol);
    let (info, _other_protocols) = sized(rest, FIELD)?;
    if protocol != PROTOCOL_20601 {
        return Ok(Association { protocol, system_id: None, configuration: None });
    }
    // Protocol version, encoding rules, nomenclature version, functional units, system type.
    const BEFORE_ID_BYTES: usize = 18;
    let (_before, rest) = info.split_first_chunk::<BEFORE_ID_BYTES>().ok_or(DecodeError::Truncated { field: FIELD })?;
    let (id, rest) = sized(rest, "the system id")?;
    let configuration = word(&mut Cursor::new(rest), "the configuration")?;
    Ok(Association { protocol, system_id: Some(vitals::hex::encode(id)), configuration: Some(configuration) })
}

fn data(bytes: &[u8]) -> Result<Data, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let invoke_id = word(&mut cursor, "the invoke id")?;
    let choice = word(&mut cursor, "the kind of message")?;
    let body = sized_all(bytes.get(4..).unwrap_or_default(), "the message")?;
    if choice != CONFIRMED_EVENT_REPORT && choice != EVENT_REPORT {
        return Ok(Data { invoke_id, content: Content::Other(choice) });
    }
    let mut event = Cursor::new(body);
    let _object = word(&mut event, "the object")?;
    let _time: [u8; 4] = event.take("the event's time")?;
    let kind = word(&mut event, "the kind of event")?;
    let info = sized_all(body.get(8..).unwrap_or_default(), "the event")?;
    let content = match report::Form::of_event(kind) {
        Some(form) => Content::Report(report::decode(info, form)?),
        None => Content::OtherEvent(kind),
    };
    Ok(Data { invoke_id, content })
}

#[cfg(test)]
#[path = "phd_tests.rs"]
mod tests;
