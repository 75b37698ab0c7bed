//! The two systems of units a scale may use, and whole numbers of steps as exact decimals.
//!
//! Source: GATT Specification Supplement, "Weight Measurement" and "Body Composition Measurement": masses in steps of
//! 0.005 kg or 0.01 lb, heights in steps of 0.001 m or 0.1 in. 0xFFFF says that the measurement was not successful.

use vitals::{Decimal, NoValue, Quantity, Unit};

/// What a scale sends in place of a number it could not measure.
pub const NOT_SUCCESSFUL: u16 = 0xffff;

/// The system of units of a whole frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Units {
    /// Kilograms and metres.
    Si,
    /// Pounds and inches.
    Imperial,
}

impl Units {
    pub(super) fn from_flag(is_imperial: bool) -> Self {
        if is_imperial { Self::Imperial } else { Self::Si }
    }

    /// The unit of its masses.
    #[must_use]
    pub fn mass_unit(self) -> Unit {
        match self {
            Self::Si => Unit::Kilograms,
            Self::Imperial => Unit::Pounds,
        }
    }

    /// The unit of its heights, as people write it.
    #[must_use]
    pub fn height_unit(self) -> &'static str {
        match self {
            Self::Si => "m",
            Self::Imperial => "in",
        }
    }

    /// The mass that a word of a frame holds.
    ///
    /// # Errors
    /// [`NoValue::MeasurementFailed`] for 0xFFFF.
    ///
    /// ```
    /// use device_codecs::gatt::Units;
    /// assert_eq!(Units::Si.mass(14_001).unwrap().to_string(), "70.005 kg");
    /// assert_eq!(Units::Imperial.mass(14_001).unwrap().to_string(), "140.01 [lb_av]");
    /// ```
    pub fn mass(self, word: u16) -> Result<Quantity, NoValue> {
        let amount = match self {
            Self::Si => steps(word, 5, -3),
            Self::Imperial => steps(word, 1, -2),
        };
        amount.map(|amount| Quantity::new(amount, self.mass_unit())).ok_or(NoValue::MeasurementFailed)
    }

    /// The height that a word of a frame holds, in [`Units::height_unit`]; `None` for 0xFFFF.
    #[must_use]
    pub fn height(self, word: u16) -> Option<Decimal> {
        match self {
            Self::Si => steps(word, 1, -3),
            Self::Imperial => steps(word, 1, -1),
        }
    }
}

/// A word of tenths; `None` for 0xFFFF.
pub fn tenths(word: u16) -> Option<Decimal> {
    steps(word, 1, -1)
}

/// `word × step × 10^exponent`, exactly; `None` for 0xFFFF.
fn steps(word: u16, step: i64, exponent: i8) -> Option<Decimal> {
    if word == NOT_SUCCESSFUL { None } else { Decimal::from_parts(i64::from(word) * step, exponent) }
}
