//! What went wrong in the harness itself, and while doing what. Not a finding: a test that meets one has judged nothing.

use std::error::Error;

/// Something a test needed did not work.
#[derive(Debug, thiserror::Error)]
#[error("{doing}: {cause}")]
pub struct Trouble {
    doing: String,
    cause: Box<dyn Error + Send + Sync>,
}

impl Trouble {
    /// Trouble with a cause in words.
    #[must_use]
    pub fn new(doing: &str, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { doing: doing.to_owned(), cause: cause.into() }
    }
}

/// Says what was being done when something failed.
pub trait Doing<T> {
    /// Adds what was being done.
    ///
    /// # Errors
    /// [`Trouble`] where this is an error.
    ///
    /// ```
    /// use harness::trouble::Doing;
    /// let read = "x".parse::<u8>().doing("read a number");
    /// assert_eq!(read.unwrap_err().to_string(), "read a number: invalid digit found in string");
    /// ```
    fn doing(self, what: &str) -> Result<T, Trouble>;
}

impl<T, E: Into<Box<dyn Error + Send + Sync>>> Doing<T> for Result<T, E> {
    fn doing(self, what: &str) -> Result<T, Trouble> {
        self.map_err(|cause| Trouble::new(what, cause))
    }
}
