//! What `hub-agent check` finds: one line for each thing that was looked at, good or bad, and what to do about it.
//!
//! Invariant: a finding holds no name and no value of a person, and no key; ports, addresses and states only.

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at, for example `serial port /dev/ttyUSB0`.
    pub what: String,
    /// Whether it is as it should be.
    pub is_good: bool,
    /// What was found, as a sentence.
    pub sentence: String,
    /// What to do, where there is something to do.
    pub advice: Option<String>,
}

impl Finding {
    /// Something is as it should be.
    #[must_use]
    pub fn good(what: impl Into<String>, sentence: impl Into<String>) -> Self {
        Self { what: what.into(), is_good: true, sentence: sentence.into(), advice: None }
    }

    /// Something is not as it should be, and this can be done.
    ///
    /// ```
    /// use hub_agent::check::Finding;
    /// let finding = Finding::bad("adapter hci0", "It is switched off.", "Run `bluetoothctl power on`.");
    /// assert_eq!(finding.advice.as_deref(), Some("Run `bluetoothctl power on`."));
    /// ```
    #[must_use]
    pub fn bad(what: impl Into<String>, sentence: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what: what.into(), is_good: false, sentence: sentence.into(), advice: Some(advice.into()) }
    }
}
