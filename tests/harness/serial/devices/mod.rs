//! The devices, by protocol, and what all of them have in common.

pub mod contec;
pub mod contour;
pub mod freestyle;
pub mod masimo;
pub mod nonin;
pub mod onetouch;

/// A device that is asked and answers.
pub trait Device: Send {
    /// It is plugged in anew: whatever was half said or half heard is forgotten.
    fn is_plugged_in(&mut self);

    /// What it says once the hub listens, unasked.
    fn wakes(&mut self) -> Vec<Vec<u8>> {
        Vec::new()
    }

    /// The hub sent a byte; `kept` records were kept when it was seen on the line. What it answers.
    fn hears(&mut self, byte: u8, kept: usize) -> Vec<Vec<u8>>;

    /// Nothing has happened for a while: what it says of itself then.
    fn waits(&mut self) -> Vec<Vec<u8>> {
        Vec::new()
    }

    /// Whether it has nothing more to say, where the conversation itself goes on.
    fn is_done(&self) -> bool {
        false
    }

    /// The records it has to give, as the link must hand them over, in order.
    fn records(&self) -> Vec<Vec<u8>>;

    /// What the hub did wrong.
    fn wrongs(&self) -> &[String];
}

/// A device that talks unasked, record after record.
pub trait Stream: Send {
    /// How many records it sends a second.
    fn a_second(&self) -> u32;

    /// Its record of this number.
    fn record(&self, number: usize) -> Vec<u8>;

    /// It is plugged in anew.
    fn is_plugged_in(&mut self) {}

    /// The hub sent a byte. A device that is only listened to is told nothing at all.
    fn hears(&mut self, byte: u8) -> Vec<Vec<u8>>;

    /// It has sent a record.
    fn has_sent(&mut self) {}

    /// Whether it sends now.
    fn is_sending(&self) -> bool {
        true
    }

    /// What the hub did wrong.
    fn wrongs(&self) -> &[String];
}

/// What a device noted that the hub should not have said.
#[derive(Debug, Default, Clone)]
pub struct Wrongs(Vec<String>);

impl Wrongs {
    /// Notes one.
    pub fn note(&mut self, what: impl Into<String>) {
        self.0.push(what.into());
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[String] {
        &self.0
    }
}

/// A number of two digits at the place `number` of a count that begins anew after `every`.
fn turning(number: usize, every: u8) -> u8 {
    u8::try_from(number % usize::from(every.max(1))).unwrap_or(0)
}

/// Bytes in hexadecimal, for what a device noted.
fn hex(bytes: &[u8]) -> String {
    vitals::hex::encode(bytes)
}
