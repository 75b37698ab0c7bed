//! Oxygen: saturation by a pulse oximeter, and what the person breathed.

use crate::quantity::{LitresPerMinute, PerMinute, Percent, Quantity, WrongUnit};
use serde::{Deserialize, Serialize};

/// One measurement by a pulse oximeter: the pulse rate and the strength of the signal belong to the saturation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OxygenSaturation {
    /// Peripheral oxygen saturation.
    pub saturation: Percent,
    /// Pulse rate from the oximeter, where it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pulse: Option<PerMinute>,
    /// Perfusion index (pulse amplitude), where it gave one: how strong the signal was, not how well the person is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perfusion: Option<Percent>,
}

impl OxygenSaturation {
    /// A saturation with nothing beside it.
    #[must_use]
    pub fn alone(saturation: Percent) -> Self {
        Self { saturation, pulse: None, perfusion: None }
    }
}

/// As stored before a saturation had parts.
impl TryFrom<Quantity> for OxygenSaturation {
    type Error = WrongUnit;

    fn try_from(bare: Quantity) -> Result<Self, WrongUnit> {
        Percent::exactly(bare).map(Self::alone)
    }
}

/// What the person breathed. NEWS2 scores oxygen by itself, so "not known" is no value of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuppliedOxygen {
    /// Room air.
    Air,
    /// Supplied oxygen.
    Oxygen {
        /// How much, where somebody said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        flow: Option<LitresPerMinute>,
    },
}

impl SuppliedOxygen {
    /// The SNOMED CT concept. Source: `UKCore-Observation-InspiredOxygen`, value set.
    #[must_use]
    pub fn snomed(self) -> &'static str {
        match self {
            Self::Air => "722742002",
            Self::Oxygen { .. } => "371825009",
        }
    }
}
