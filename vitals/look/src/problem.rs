//! The problem page: what happened, what it means, what to do, and the stable code.

use crate::page::{Frame, NotRendered, render};
use askama::Template;
use vitals::{ErrorCode, error_code::Meaning};

/// A page that says that something was refused or went wrong.
///
/// ```
/// use look::{BackLink, ProblemPage};
/// let page = ProblemPage {
///     service_name: "Remote readings".to_owned(),
///     banner: None,
///     code: vitals::ErrorCode::AlertNotFound,
///     back: Some(BackLink { path: "/", words: "Back to the worklist" }),
/// };
/// assert!(page.html().unwrap().contains("There is no such alert among those you may see"));
/// ```
#[derive(Debug, Clone)]
pub struct ProblemPage {
    /// The service's own name.
    pub service_name: String,
    /// A permanent banner at the top, as on every other page.
    pub banner: Option<String>,
    /// What it was.
    pub code: ErrorCode,
    /// Where to go from here.
    pub back: Option<BackLink>,
}

/// A link within the service. Its parts are part of the program, so they cannot come from outside.
#[derive(Debug, Clone, Copy)]
pub struct BackLink {
    /// The path, beginning with a slash.
    pub path: &'static str,
    /// What the link says.
    pub words: &'static str,
}

impl ProblemPage {
    /// The page as HTML; its HTTP status is `code.meaning().status`.
    ///
    /// # Errors
    /// [`NotRendered`] where the template refuses to be written, which a `String` never causes.
    pub fn html(&self) -> Result<String, NotRendered> {
        let meaning = self.code.meaning();
        // A heading has no full stop.
        let happened = meaning.happened.strip_suffix('.').unwrap_or(meaning.happened);
        render(&ProblemTemplate {
            frame: Frame {
                title: format!("{happened} \u{2013} {}", self.service_name),
                service_name: &self.service_name,
                banner: self.banner.as_deref(),
                signed_in_as: None,
                sign_out: None,
            },
            happened,
            meaning,
            back: self.back,
        })
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemTemplate<'a> {
    frame: Frame<'a>,
    happened: &'static str,
    meaning: Meaning,
    back: Option<BackLink>,
}
