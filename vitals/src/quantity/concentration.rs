//! Glucose and ketone between mg/dL and mmol/L, for display only: they are kept and judged in the unit they were sent in.

use super::{Quantity, Unit};
use crate::decimal::Decimal;

/// What a concentration is of: mg/dL and mmol/L differ by its molar mass, so there is no conversion without saying it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Analyte {
    /// Glucose.
    Glucose,
    /// Ketone: beta-hydroxybutyrate.
    Ketone,
}

impl Analyte {
    /// mg/dL in one mmol/L: a tenth of the molar mass in g/mol. Source: glucose C6H12O6 180.156, beta-hydroxybutyric
    /// acid C4H8O3 104.105, by the abridged standard atomic weights of IUPAC (C 12.011, H 1.008, O 15.999).
    fn milligrams_per_decilitre(self) -> &'static str {
        match self {
            Self::Glucose => "18.0156",
            Self::Ketone => "10.4105",
        }
    }

    /// A concentration in mmol/L for display: as it is where it came so, otherwise rounded to 0.1 mmol/L, as meters
    /// show it. `None` for any other unit and for a number too large to convert.
    ///
    /// ```
    /// use vitals::{Decimal, Quantity, Unit, quantity::Analyte};
    /// let sent = Quantity::new(Decimal::from(250), Unit::MilligramsPerDecilitre);
    /// assert_eq!(Analyte::Glucose.in_millimoles(sent).unwrap().to_string(), "13.9 mmol/L");
    /// assert_eq!(Analyte::Ketone.in_millimoles(sent).unwrap().to_string(), "24.0 mmol/L");
    /// ```
    #[must_use]
    pub fn in_millimoles(self, sent: Quantity) -> Option<Quantity> {
        let factor = Decimal::parse(self.milligrams_per_decilitre()).ok()?;
        shown_in(sent, Unit::MillimolesPerLitre, Unit::MilligramsPerDecilitre, |amount| {
            amount.divided_rounded(factor, 1)
        })
    }

    /// A concentration in mg/dL for display: as it is where it came so, otherwise rounded to a whole number. `None` for
    /// any other unit and for a number too large to convert.
    ///
    /// ```
    /// use vitals::{Decimal, Quantity, Unit, quantity::Analyte};
    /// let sent = Quantity::new(Decimal::parse("3.9").unwrap(), Unit::MillimolesPerLitre);
    /// assert_eq!(Analyte::Glucose.in_milligrams(sent).unwrap().to_string(), "70 mg/dL");
    /// ```
    #[must_use]
    pub fn in_milligrams(self, sent: Quantity) -> Option<Quantity> {
        let factor = Decimal::parse(self.milligrams_per_decilitre()).ok()?;
        shown_in(sent, Unit::MilligramsPerDecilitre, Unit::MillimolesPerLitre, |amount| amount.times_rounded(factor, 0))
    }
}

fn shown_in(
    sent: Quantity,
    want: Unit,
    other: Unit,
    convert: impl FnOnce(Decimal) -> Option<Decimal>,
) -> Option<Quantity> {
    if sent.unit() == want {
        Some(sent)
    } else if sent.unit() == other {
        convert(sent.value()).map(|amount| Quantity::new(amount, want))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str, unit: Unit) -> Quantity {
        Quantity::new(Decimal::parse(text).unwrap(), unit)
    }

    #[test]
    fn glucose_pairs_of_the_consensus_agree() {
        // ATTD consensus, Table 1; 70 and 140 from the same bands.
        for (mg, mmol) in [
            ("54", "3.0"),
            ("70", "3.9"),
            ("140", "7.8"),
            ("180", "10.0"),
            ("250", "13.9"),
            ("0", "0.0"),
            ("18.0156", "1.0"),
            ("99", "5.5"),
        ] {
            let shown = Analyte::Glucose.in_millimoles(amount(mg, Unit::MilligramsPerDecilitre));
            assert_eq!(shown, Some(amount(mmol, Unit::MillimolesPerLitre)), "{mg}");
            assert_eq!(shown.unwrap().value().to_string(), mmol, "one place, no more and no less");
        }
        for (mmol, mg) in [("3.9", "70"), ("10.0", "180"), ("13.9", "250"), ("3.0", "54"), ("20", "360")] {
            let shown = Analyte::Glucose.in_milligrams(amount(mmol, Unit::MillimolesPerLitre)).unwrap();
            assert_eq!(shown.to_string(), format!("{mg} mg/dL"));
        }
    }

    #[test]
    fn ketone_is_not_converted_as_glucose() {
        let shown = |mg| Analyte::Ketone.in_millimoles(amount(mg, Unit::MilligramsPerDecilitre)).unwrap().to_string();
        for (mg, mmol) in [("6", "0.6 mmol/L"), ("16", "1.5 mmol/L"), ("31", "3.0 mmol/L"), ("104.105", "10.0 mmol/L")]
        {
            assert_eq!(shown(mg), mmol, "{mg}");
        }
        let back = Analyte::Ketone.in_milligrams(amount("3.0", Unit::MillimolesPerLitre)).unwrap();
        assert_eq!(back.to_string(), "31 mg/dL");
    }

    #[test]
    fn a_concentration_in_the_unit_wanted_stays_digit_for_digit() {
        let sent = amount("6.10", Unit::MillimolesPerLitre);
        assert_eq!(Analyte::Glucose.in_millimoles(sent).unwrap().to_string(), "6.10 mmol/L");
        let sent = amount("99.50", Unit::MilligramsPerDecilitre);
        assert_eq!(Analyte::Ketone.in_milligrams(sent).unwrap().to_string(), "99.50 mg/dL");
        assert_eq!(Analyte::Glucose.in_milligrams(amount("999999999999", Unit::MillimolesPerLitre)), None, "too large");
        for unit in [Unit::Percent, Unit::Kilograms, Unit::Milligrams] {
            assert_eq!(Analyte::Glucose.in_millimoles(amount("5", unit)), None);
            assert_eq!(Analyte::Glucose.in_milligrams(amount("5", unit)), None);
        }
    }
}
