//! Every decoder by name, saying what it reads as named values: the one table that `hub-agent decode`, the fuzz binary,
//! the prefix tests and the benchmark go through.

use crate::{DecodeError, Shown, gatt, serial};

/// One decoder.
#[derive(Debug, Clone, Copy)]
pub struct Decoder {
    /// The stable name: four hexadecimal digits for what Bluetooth numbers, a word for a serial format.
    pub name: &'static str,
    /// What it reads, in plain words, for example "Blood Pressure Measurement".
    pub plain: &'static str,
    /// What the bytes say.
    pub read: fn(&[u8]) -> Result<Shown, DecodeError>,
}

/// Every decoder: those of characteristics and advertisements, then those of serial lines.
pub fn all() -> impl Iterator<Item = Decoder> {
    gatt::DECODERS.iter().chain(serial::DECODERS).copied()
}

/// The decoder of a name, upper or lower case.
///
/// ```
/// let bytes = vitals::hex::decode("00bdf00b009ff0").unwrap();
/// let shown = (device_codecs::decoders::named("2A35").unwrap().read)(&bytes).unwrap();
/// let device_codecs::Shown::Fields(fields) = shown else { panic!() };
/// assert_eq!(fields.get("systolic"), Some(&device_codecs::Shown::Decimal("18.9".into())));
/// ```
#[must_use]
pub fn named(name: &str) -> Option<Decoder> {
    all().find(|decoder| decoder.name.eq_ignore_ascii_case(name))
}
