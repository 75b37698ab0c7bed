//! What every page has in common: its frame, its headers and the last look over what leaves.

use crate::assets;
use askama::Template;
use thiserror::Error;

/// What a browser may do with our pages: our own style sheets, images and forms, and nothing else.
pub const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The headers every page is sent with. Pages hold personal data, so no cache keeps them.
pub const PAGE_HEADERS: [(&str, &str); 5] = [
    ("content-type", "text/html; charset=utf-8"),
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    // With `no-referrer`, a browser would send our own forms with `Origin: null`.
    ("referrer-policy", "same-origin"),
];

/// A page was not rendered.
#[derive(Debug, Error)]
#[error("render a page")]
pub struct NotRendered(#[source] askama::Error);

/// The frame around a page: what `templates/frame.html` needs.
pub(crate) struct Frame<'a> {
    pub(crate) title: String,
    pub(crate) service_name: &'a str,
    pub(crate) banner: Option<&'a str>,
    pub(crate) signed_in_as: Option<&'a str>,
    /// The token of the form to sign out with; none where there is nothing to sign out of.
    pub(crate) sign_out: Option<&'a str>,
}

impl Frame<'_> {
    pub(crate) fn framework_css(&self) -> &'static str {
        assets::framework_css()
    }

    pub(crate) fn own_css(&self) -> &'static str {
        assets::own_css()
    }

    pub(crate) fn icon(&self) -> &'static str {
        assets::icon()
    }

    pub(crate) fn not_a_device(&self) -> &'static str {
        crate::words::NOT_A_DEVICE
    }
}

/// Renders a template, then looks once over all of it, so that no single template can forget.
pub(crate) fn render(template: &impl Template) -> Result<String, NotRendered> {
    let page = template.render().map_err(NotRendered)?;
    Ok(page.chars().map(visible).collect())
}

/// Characters that act instead of being seen become the replacement character: those that reorder text, so that a name
/// could rewrite the words beside it, and control characters. Escaping leaves both alone.
fn visible(letter: char) -> char {
    let reorders = matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let controls = letter.is_control() && !matches!(letter, '\n' | '\t');
    if reorders || controls { '\u{fffd}' } else { letter }
}
