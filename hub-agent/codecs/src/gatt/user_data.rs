//! The User Data Service: User Index 2A9A, Database Change Increment 2A99, and User Control Point 2A9F, by which scales
//! that keep their measurements to their users are asked for them.
//!
//! Source: Bluetooth User Data Service 1.1, section 3.4 and its subsections: op code u8, operand. Register New User
//! takes a consent code u16 (0 to 9999), Consent a user u8 and their code u16, Delete User Data nothing, List All Users
//! nothing, Delete Users a user u8. The answer is op code 0x20, the request's op code, the response value, and a
//! parameter for some requests (the new user's index). User 255 is "unknown".

use crate::{
    Fields,
    cursor::Cursor,
    error::{DecodeError, EncodeError},
};
use std::fmt;

const OP_REGISTER: u8 = 0x01;
const OP_CONSENT: u8 = 0x02;
const OP_DELETE_DATA: u8 = 0x03;
const OP_LIST: u8 = 0x04;
const OP_DELETE_USER: u8 = 0x05;
const OP_ANSWER: u8 = 0x20;

/// The largest consent code there is.
const CONSENT_CODE_MAX: u16 = 9999;

/// Longest parameter of an answer that is kept: a list of all 255 users with its length.
const PARAMETER_BYTES_MAX: usize = 256;

/// The code by which a person lets a hub at their data. Debug hides it: it is a secret between scale and hub.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ConsentCode(u16);

impl ConsentCode {
    /// A code of at most four decimal digits.
    ///
    /// # Errors
    /// [`EncodeError::NumberDoesNotFit`] above 9999.
    pub fn new(code: u16) -> Result<Self, EncodeError> {
        if code <= CONSENT_CODE_MAX {
            Ok(Self(code))
        } else {
            Err(EncodeError::NumberDoesNotFit { field: "the consent code" })
        }
    }
}

impl fmt::Debug for ConsentCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConsentCode(…)")
    }
}

/// What is asked of a scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserCommand {
    /// Make a new user with this code.
    Register(ConsentCode),
    /// Let this hub at the data of this user.
    Consent {
        /// The scale's index of the user.
        user_index: u8,
        /// Their code.
        code: ConsentCode,
    },
    /// Delete the data of the user of this connection.
    DeleteData,
    /// List every user.
    ListUsers,
    /// Delete a user; 255 for all.
    DeleteUser(u8),
}

/// What passes through the control point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserControl {
    /// What is asked.
    Command(UserCommand),
    /// What the scale answers.
    Answer {
        /// The op code of the request.
        request: u8,
        /// How it went: 1 is success; see [`response_name`].
        response: u8,
        /// What comes with it, as sent: for a registration, the new user's index.
        parameter: Vec<u8>,
    },
}

/// What the response value means, where it is not reserved.
#[must_use]
pub fn response_name(response: u8) -> Option<&'static str> {
    match response {
        1 => Some("success"),
        2 => Some("opcode_not_supported"),
        3 => Some("invalid_parameter"),
        4 => Some("operation_failed"),
        5 => Some("user_not_authorized"),
        _ => None,
    }
}

impl UserControl {
    /// The index of the user who was just registered, where this answers a registration that went well.
    #[must_use]
    pub fn registered_user(&self) -> Option<u8> {
        match self {
            Self::Answer { request: OP_REGISTER, response: 1, parameter } => parameter.first().copied(),
            Self::Answer { .. } | Self::Command(_) => None,
        }
    }

    /// What it says, as named values; never a consent code.
    #[must_use]
    pub fn shown(&self) -> Fields {
        let named = |op: &'static str| Fields::new().with("op", op);
        match self {
            Self::Command(UserCommand::Register(_)) => named("register_new_user"),
            Self::Command(UserCommand::Consent { user_index, .. }) => named("consent").with("user_index", *user_index),
            Self::Command(UserCommand::DeleteData) => named("delete_user_data"),
            Self::Command(UserCommand::ListUsers) => named("list_all_users"),
            Self::Command(UserCommand::DeleteUser(user_index)) => named("delete_user").with("user_index", *user_index),
            Self::Answer { request, response, parameter } => named("response")
                .with("request", *request)
                .with("code", *response)
                .with("meaning", response_name(*response))
                .with("parameter", parameter.clone()),
        }
    }
}

/// What a 2A9F value asks or answers.
///
/// # Errors
/// [`DecodeError`] where it ends early or goes on, its op code is reserved, or its consent code above 9999.
pub fn decode(bytes: &[u8]) -> Result<UserControl, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let command = match cursor.byte("the op code")? {
        OP_REGISTER => UserCommand::Register(consent_code(&mut cursor)?),
        OP_CONSENT => {
            UserCommand::Consent { user_index: cursor.byte("the user index")?, code: consent_code(&mut cursor)? }
        }
        OP_DELETE_DATA => UserCommand::DeleteData,
        OP_LIST => UserCommand::ListUsers,
        OP_DELETE_USER => UserCommand::DeleteUser(cursor.byte("the user index")?),
        OP_ANSWER => return answer(cursor),
        _ => return Err(DecodeError::Malformed { field: "the op code" }),
    };
    cursor.finish()?;
    Ok(UserControl::Command(command))
}

fn consent_code(cursor: &mut Cursor<'_>) -> Result<ConsentCode, DecodeError> {
    let code = cursor.word("the consent code")?;
    ConsentCode::new(code).map_err(|_above_9999| DecodeError::Malformed { field: "the consent code" })
}

fn answer(mut cursor: Cursor<'_>) -> Result<UserControl, DecodeError> {
    let request = cursor.byte("the op code of the request")?;
    let response = cursor.byte("the response value")?;
    let mut parameter = Vec::new();
    while cursor.left() > 0 && parameter.len() < PARAMETER_BYTES_MAX {
        parameter.push(cursor.byte("the parameter")?);
    }
    cursor.finish()?;
    Ok(UserControl::Answer { request, response, parameter })
}

/// The 2A9F value that asks or answers this.
///
/// # Errors
/// [`EncodeError::TooMany`] for a parameter longer than any answer has.
pub fn encode(control: &UserControl) -> Result<Vec<u8>, EncodeError> {
    match control {
        UserControl::Command(command) => Ok(encode_command(*command)),
        UserControl::Answer { parameter, .. } if parameter.len() > PARAMETER_BYTES_MAX => {
            Err(EncodeError::TooMany { field: "the parameter" })
        }
        UserControl::Answer { request, response, parameter } => {
            Ok([&[OP_ANSWER, *request, *response], parameter.as_slice()].concat())
        }
    }
}

/// The 2A9F value of a command.
///
/// ```
/// use device_codecs::gatt::user_data::{ConsentCode, UserCommand, encode_command};
/// let code = ConsentCode::new(1234).unwrap();
/// assert_eq!(encode_command(UserCommand::Register(code)), [0x01, 0xd2, 0x04]);
/// assert_eq!(encode_command(UserCommand::Consent { user_index: 2, code }), [0x02, 2, 0xd2, 0x04]);
/// ```
#[must_use]
pub fn encode_command(command: UserCommand) -> Vec<u8> {
    match command {
        UserCommand::Register(ConsentCode(code)) => {
            let [low, high] = code.to_le_bytes();
            vec![OP_REGISTER, low, high]
        }
        UserCommand::Consent { user_index, code: ConsentCode(code) } => {
            let [low, high] = code.to_le_bytes();
            vec![OP_CONSENT, user_index, low, high]
        }
        UserCommand::DeleteData => vec![OP_DELETE_DATA],
        UserCommand::ListUsers => vec![OP_LIST],
        UserCommand::DeleteUser(user_index) => vec![OP_DELETE_USER, user_index],
    }
}

/// Which user a connection is for, 2A9A; 255 is "unknown".
///
/// # Errors
/// [`DecodeError`] unless there is exactly one byte.
pub fn decode_user_index(bytes: &[u8]) -> Result<u8, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let index = cursor.byte("the user index")?;
    cursor.finish()?;
    Ok(index)
}

/// How often a user's data was changed, 2A99: whoever changes it adds one.
///
/// # Errors
/// [`DecodeError`] unless there are exactly four bytes.
pub fn decode_change_increment(bytes: &[u8]) -> Result<u32, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let increment = cursor.long_word("the change increment")?;
    cursor.finish()?;
    Ok(increment)
}

/// The 2A99 value of a change increment.
#[must_use]
pub fn encode_change_increment(increment: u32) -> [u8; 4] {
    increment.to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_answer_to_a_registration_names_the_user() {
        let answer = decode(&[0x20, 0x01, 0x01, 0x03]).unwrap();
        assert_eq!(answer.registered_user(), Some(3));
        assert_eq!(decode(&[0x20, 0x01, 0x04]).unwrap().registered_user(), None, "it failed");
        assert_eq!(decode(&[0x20, 0x02, 0x01]).unwrap().registered_user(), None, "it answers a consent");
        assert_eq!(response_name(5), Some("user_not_authorized"));
    }

    #[test]
    fn a_consent_code_has_four_digits_and_is_never_shown() {
        assert!(ConsentCode::new(9999).is_ok() && ConsentCode::new(10_000).is_err());
        assert_eq!(decode(&[0x01, 0x10, 0x27]), Err(DecodeError::Malformed { field: "the consent code" }));
        let command = decode(&[0x02, 0x01, 0xd2, 0x04]).unwrap();
        assert!(!format!("{command:?} {:?}", command.shown()).contains("1234"));
    }

    #[test]
    fn commands_and_values_have_one_length() {
        for (bytes, prefixes) in [(vec![1, 0, 0], 3), (vec![2, 1, 0, 0], 4), (vec![5, 1], 2), (vec![0x20, 1, 1], 3)] {
            assert!(decode(&bytes).is_ok());
            for length in 0..prefixes {
                assert!(matches!(decode(&bytes[..length]), Err(DecodeError::Truncated { .. })), "{bytes:?}");
            }
        }
        assert_eq!(decode(&[3, 0]), Err(DecodeError::TooLong { left_bytes: 1 }));
        assert_eq!(decode(&[6]), Err(DecodeError::Malformed { field: "the op code" }));
        assert_eq!(decode(&[0x20; 300]), Err(DecodeError::TooLong { left_bytes: 41 }));
        assert_eq!((decode_user_index(&[255]), decode_change_increment(&[1, 0, 0, 0])), (Ok(255), Ok(1)));
        assert_eq!(decode_change_increment(&encode_change_increment(0x0102_0304)), Ok(0x0102_0304));
        assert!(decode_user_index(&[]).is_err() && decode_change_increment(&[0; 3]).is_err());
    }

    fn any_command() -> impl Strategy<Value = UserCommand> {
        let code = || (0_u16..=CONSENT_CODE_MAX).prop_map(ConsentCode);
        prop_oneof![
            code().prop_map(UserCommand::Register),
            (any::<u8>(), code()).prop_map(|(user_index, code)| UserCommand::Consent { user_index, code }),
            Just(UserCommand::DeleteData),
            Just(UserCommand::ListUsers),
            any::<u8>().prop_map(UserCommand::DeleteUser),
        ]
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_the_same(
            command in any_command(), request: u8, response: u8,
            parameter in proptest::collection::vec(any::<u8>(), 0..20),
        ) {
            for control in [UserControl::Command(command), UserControl::Answer { request, response, parameter }] {
                prop_assert_eq!(decode(&encode(&control).unwrap()), Ok(control));
            }
        }
    }
}
