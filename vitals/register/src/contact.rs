//! How to reach people, and what they need to be able to read or hear it.

use crate::{NotInOrder, want};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use vitals::bounded::Text;

/// A telephone number in its international form, such as `+441629000000`.
///
/// Source: ITU-T E.164: a plus, then at most fifteen digits of which the first is not nought.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Telephone(String);

/// Fewest digits of a number that can be called from elsewhere.
const DIGITS_MIN: usize = 7;

/// Most digits of an international number (E.164).
const DIGITS_MAX: usize = 15;

impl Telephone {
    /// Reads a number as people write it: with spaces, hyphens or brackets, international or as dialled within the United
    /// Kingdom.
    ///
    /// # Errors
    /// [`NotInOrder`] for anything else; the number is not repeated.
    ///
    /// ```
    /// use register::Telephone;
    /// assert_eq!(Telephone::parse("(01629) 00-0000").unwrap().as_str(), "+441629000000");
    /// assert_eq!(Telephone::parse("0044 7700 900000").unwrap().as_str(), "+447700900000");
    /// assert!(Telephone::parse("ask the neighbour").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, NotInOrder> {
        let refused =
            NotInOrder::new("telephone", "want digits as dialled in the United Kingdom, or + and the country");
        let bare: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.')).collect();
        let digits = match (bare.strip_prefix('+'), bare.strip_prefix("00"), bare.strip_prefix('0')) {
            (Some(international), _, _) | (None, Some(international), _) => international.to_owned(),
            (None, None, Some(national)) => format!("44{national}"),
            (None, None, None) => return Err(refused),
        };
        let is_form = (DIGITS_MIN..=DIGITS_MAX).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_form { Ok(Self(format!("+{digits}"))) } else { Err(refused) }
    }

    /// The international form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Debug shows no number.
impl fmt::Debug for Telephone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Telephone(..)")
    }
}

impl<'de> Deserialize<'de> for Telephone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Somebody to call about a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyContact {
    /// Their name.
    pub name: Text<120>,
    /// Who they are to the person, such as "daughter".
    pub relation: Text<60>,
    /// Their number.
    pub telephone: Telephone,
    /// Whether they have a key.
    #[serde(default)]
    pub has_key: bool,
}

/// How a person wants to be told. Nothing is sent in a way they did not choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContactChoices {
    /// By text message.
    pub text_message: bool,
    /// By telephone call.
    pub call: bool,
    /// By letter.
    pub letter: bool,
}

vitals::named! {
    /// What a person needs to be able to read, hear or understand what we tell them.
    ///
    /// Source: NHS England, Accessible Information Standard (DCB1605): needs are identified, recorded, flagged, shared and met.
    Need {
        /// Large print.
        LargePrint = "large_print",
        /// Easy read.
        EasyRead = "easy_read",
        /// Braille.
        Braille = "braille",
        /// Sound instead of print.
        Audio = "audio",
        /// A British Sign Language interpreter.
        SignLanguage = "sign_language",
        /// An interpreter of a spoken language.
        Interpreter = "interpreter",
        /// Text instead of calls: the person is deaf or hard of hearing.
        TextInsteadOfCalls = "text_instead_of_calls",
        /// An advocate or carer to be there.
        Advocate = "advocate",
    }
}

pub(crate) fn check_count(count: usize, max: usize, field: &'static str) -> Result<(), NotInOrder> {
    want(count <= max, field, "there are more than the register keeps")
}
