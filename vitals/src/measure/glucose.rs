//! Glucose: a concentration, what was measured to get it, and where.
//!
//! Invariants: what stands between blood and interstitial fluid is never lost, and a control solution is never a
//! person's glucose: neither can be built.

use super::{Meal, NoValue, SampleSite, Specimen};
use crate::quantity::{Glucose, Quantity, WrongUnit};
use serde::{Deserialize, Deserializer, Serialize};

/// One glucose measurement of a person: the fields cannot be set apart, so that a control solution never gets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct GlucoseReading {
    concentration: Glucose,
    specimen: Specimen,
    #[serde(skip_serializing_if = "Option::is_none")]
    site: Option<SampleSite>,
    #[serde(skip_serializing_if = "Option::is_none")]
    meal: Option<Meal>,
}

impl GlucoseReading {
    /// A measurement of a person.
    ///
    /// # Errors
    /// [`NoValue::ControlSolution`] where specimen or site says that nobody was measured.
    ///
    /// ```
    /// use vitals::{Decimal, NoValue, Quantity, Unit, measure::{GlucoseReading, Specimen}, quantity::Glucose};
    /// let amount = Glucose::new(Quantity::new(Decimal::parse("6.1").unwrap(), Unit::MillimolesPerLitre)).unwrap();
    /// assert!(GlucoseReading::new(amount, Specimen::CapillaryPlasma, None, None).is_ok());
    /// let control = GlucoseReading::new(amount, Specimen::ControlSolution, None, None);
    /// assert_eq!(control, Err(NoValue::ControlSolution));
    /// ```
    pub fn new(
        concentration: Glucose,
        specimen: Specimen,
        site: Option<SampleSite>,
        meal: Option<Meal>,
    ) -> Result<Self, NoValue> {
        if specimen == Specimen::ControlSolution || site == Some(SampleSite::ControlSolution) {
            return Err(NoValue::ControlSolution);
        }
        Ok(Self { concentration, specimen, site, meal })
    }

    /// A measurement of a person by a device that says nothing else.
    #[must_use]
    pub fn of_unknown_specimen(concentration: Glucose) -> Self {
        Self { concentration, specimen: Specimen::Unknown, site: None, meal: None }
    }

    /// The concentration in the unit it was sent in.
    #[must_use]
    pub fn concentration(&self) -> Glucose {
        self.concentration
    }

    /// What was measured; never a control solution.
    #[must_use]
    pub fn specimen(&self) -> Specimen {
        self.specimen
    }

    /// Where the sample was taken, if known.
    #[must_use]
    pub fn site(&self) -> Option<SampleSite> {
        self.site
    }

    /// When it was by meals, if known.
    #[must_use]
    pub fn meal(&self) -> Option<Meal> {
        self.meal
    }
}

/// As stored before a glucose reading had parts.
impl TryFrom<Quantity> for GlucoseReading {
    type Error = WrongUnit;

    fn try_from(bare: Quantity) -> Result<Self, WrongUnit> {
        Glucose::new(bare).map(Self::of_unknown_specimen)
    }
}

impl<'de> Deserialize<'de> for GlucoseReading {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Parts {
            concentration: Glucose,
            specimen: Specimen,
            #[serde(default)]
            site: Option<SampleSite>,
            #[serde(default)]
            meal: Option<Meal>,
        }
        let Parts { concentration, specimen, site, meal } = Parts::deserialize(deserializer)?;
        Self::new(concentration, specimen, site, meal)
            .map_err(|_nobody| serde::de::Error::custom("read a glucose reading: a control solution is nobody's"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decimal, Unit};

    fn amount() -> Glucose {
        Glucose::new(Quantity::new(Decimal::parse("6.1").unwrap(), Unit::MillimolesPerLitre)).unwrap()
    }

    #[test]
    fn a_control_solution_is_refused_wherever_it_is_said() {
        let finger = Some(SampleSite::Finger);
        for (specimen, site) in [
            (Specimen::ControlSolution, None),
            (Specimen::ControlSolution, finger),
            (Specimen::CapillaryPlasma, Some(SampleSite::ControlSolution)),
            (Specimen::Unknown, Some(SampleSite::ControlSolution)),
        ] {
            assert_eq!(GlucoseReading::new(amount(), specimen, site, None), Err(NoValue::ControlSolution));
        }
        for specimen in Specimen::ALL.iter().filter(|specimen| **specimen != Specimen::ControlSolution) {
            assert!(GlucoseReading::new(amount(), *specimen, finger, None).is_ok(), "{specimen:?}");
        }
        let stored = r#"{"concentration":{"value":"6.1","unit":"mmol/L"},"specimen":"control_solution"}"#;
        assert!(serde_json::from_str::<GlucoseReading>(stored).is_err(), "not from the store either");
    }
}
