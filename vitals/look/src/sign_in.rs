//! The pages to sign in at and to choose a password at.
//!
//! Invariant: a password is never shown again, not even to whoever has just typed it.

use crate::page::{Frame, NotRendered, render};
use askama::Template;
use vitals::{ErrorCode, error_code::Meaning};

/// Where the form to sign in posts to.
pub const SIGN_IN_PATH: &str = "/sign-in";
/// Where the button to sign out posts to.
pub const SIGN_OUT_PATH: &str = "/sign-out";
/// Where the form for a new password posts to.
pub const PASSWORD_PATH: &str = "/password";
/// The form field of the name.
pub const STAFF_FIELD: &str = "staff";
/// The form field of the password.
pub const PASSWORD_FIELD: &str = "password";
/// The form field of the password so far.
pub const OLD_FIELD: &str = "old";
/// The form field of the new password.
pub const NEW_FIELD: &str = "new";
/// The form field of the new password, typed again.
pub const AGAIN_FIELD: &str = "again";
/// Most bytes of a password, as the service takes them.
pub const PASSWORD_BYTES_MAX: usize = 256;
/// Most characters of a name.
const STAFF_CHARS_MAX: usize = 48;

/// The page to sign in at.
///
/// ```
/// let page = look::SignInPage { service_name: "Remote readings".to_owned(), banner: None, refused: None };
/// assert!(page.html().unwrap().contains("Sign in"));
/// ```
#[derive(Debug, Clone)]
pub struct SignInPage {
    /// The service's own name.
    pub service_name: String,
    /// A permanent banner at the top, as on every other page.
    pub banner: Option<String>,
    /// Why the last try was refused, if there was one.
    pub refused: Option<ErrorCode>,
}

/// The page to choose a password at.
#[derive(Clone)]
pub struct PasswordPage {
    /// The service's own name.
    pub service_name: String,
    /// A permanent banner at the top, as on every other page.
    pub banner: Option<String>,
    /// Who is signed in.
    pub signed_in_as: String,
    /// Whether somebody else chose the password so far.
    pub is_first: bool,
    /// Why the last try was refused, if there was one.
    pub refused: Option<PasswordRefused>,
    /// The token for [`crate::worklist::CSRF_FIELD`].
    pub csrf: String,
}

/// Why a new password was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordRefused {
    /// The two new ones are not alike.
    NotAlike,
    /// The service says why.
    Because(ErrorCode),
}

/// What the summary of what went wrong says.
struct Summary {
    happened: &'static str,
    advice: &'static str,
    code: Option<&'static str>,
}

impl From<ErrorCode> for Summary {
    fn from(code: ErrorCode) -> Self {
        let Meaning { code, happened, advice, .. } = code.meaning();
        Self { happened: happened.strip_suffix('.').unwrap_or(happened), advice, code: Some(code) }
    }
}

impl SignInPage {
    /// The page as HTML.
    ///
    /// # Errors
    /// [`NotRendered`] where the template refuses to be written, which a `String` never causes.
    pub fn html(&self) -> Result<String, NotRendered> {
        let said = if self.refused.is_some() { "Error: Sign in" } else { "Sign in" };
        render(&SignInTemplate {
            frame: Frame {
                title: format!("{said} \u{2013} {}", self.service_name),
                service_name: &self.service_name,
                banner: self.banner.as_deref(),
                signed_in_as: None,
                sign_out: None,
            },
            refused: self.refused.map(Summary::from),
        })
    }
}

impl PasswordPage {
    /// The page as HTML.
    ///
    /// # Errors
    /// [`NotRendered`] where the template refuses to be written, which a `String` never causes.
    pub fn html(&self) -> Result<String, NotRendered> {
        let said = if self.refused.is_some() { "Error: Choose a password" } else { "Choose a password" };
        let refused = self.refused.map(|why| match why {
            PasswordRefused::NotAlike => Summary {
                happened: "The two new passwords are not alike",
                advice: "Nothing was changed. Type the new password twice.",
                code: None,
            },
            PasswordRefused::Because(ErrorCode::SignInRefused) => Summary {
                happened: "The password so far is not the one you gave",
                advice: "Nothing was changed. Type it again; after ten tries wait five minutes.",
                code: Some(ErrorCode::SignInRefused.code()),
            },
            PasswordRefused::Because(code) => Summary::from(code),
        });
        render(&PasswordTemplate {
            frame: Frame {
                title: format!("{said} \u{2013} {}", self.service_name),
                service_name: &self.service_name,
                banner: self.banner.as_deref(),
                signed_in_as: Some(&self.signed_in_as),
                sign_out: Some(&self.csrf),
            },
            is_first: self.is_first,
            refused,
            csrf: &self.csrf,
        })
    }
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInTemplate<'a> {
    frame: Frame<'a>,
    refused: Option<Summary>,
}

#[derive(Template)]
#[template(path = "password.html")]
struct PasswordTemplate<'a> {
    frame: Frame<'a>,
    is_first: bool,
    refused: Option<Summary>,
    csrf: &'a str,
}
