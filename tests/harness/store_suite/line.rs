//! What one check came to, as one line.

use std::fmt;

/// What one check came to.
#[derive(Debug)]
pub struct Line {
    /// What must hold.
    pub check: &'static str,
    /// Whether it holds for the genuine store, or why not.
    pub genuine: Result<(), String>,
    /// Each planted fault, and how it was noticed: an error where it was not.
    pub planted: Vec<(&'static str, Result<String, String>)>,
    /// Whether the backend is known not to pass.
    pub is_pending: bool,
}

impl Line {
    /// Whether all is as it must be: the genuine store passes (or is known not to), and every fault is noticed.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.genuine.is_ok() != self.is_pending && self.planted.iter().all(|(_, noticed)| noticed.is_ok())
    }

    /// How each planted fault showed, a line each.
    #[must_use]
    pub fn noticed(&self) -> String {
        let line = |(name, noticed): &(&str, Result<String, String>)| match noticed {
            Ok(told) => format!("  planted: {name}\n    noticed: {told}\n"),
            Err(why) => format!("  planted: {name}\n    NOT NOTICED: {why}\n"),
        };
        self.planted.iter().map(line).collect()
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.check)?;
        match (&self.genuine, self.is_pending) {
            (Ok(()), false) => f.write_str("holds")?,
            (Ok(()), true) => f.write_str("HOLDS, and is on the list of what does not: take it off")?,
            (Err(_), true) => f.write_str("pending")?,
            (Err(why), false) => write!(f, "BROKEN: {why}")?,
        }
        let names = self.planted.iter().map(|(name, noticed)| match noticed {
            Ok(_) => (*name).to_owned(),
            Err(why) => format!("NOT {name} ({why})"),
        });
        let caught = self.planted.iter().filter(|(_, noticed)| noticed.is_ok()).count();
        write!(f, "; {caught} of {} planted caught", self.planted.len())?;
        let names: Vec<String> = names.collect();
        if names.is_empty() { Ok(()) } else { write!(f, ": {}", names.join("; ")) }
    }
}
