//! What the register says of one person, as far as the rules depend on it: an argument of every decision.
//!
//! Invariant: it is what stood in the register when the slice was stored, not before and not after.

use register::{CarePlan, Place, PlacePlan};
use rules::pack::OverrideRefused;
use std::sync::Arc;
use thiserror::Error;
use vitals::{
    ErrorCode, Kind,
    id::{HomeId, TeamId},
};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Care {
    /// The team that looks after them.
    pub team: Option<TeamId>,
    /// The care home they live in.
    pub home: Option<HomeId>,
    /// Whether they are with us now.
    pub status: register::Status,
    /// Their care plan.
    pub plan: Option<Box<CarePlan>>,
    /// What their places say, the widest first: the footprint, then their team, then their home.
    pub places: Vec<Arc<PlacePlan>>,
}

impl Care {
    /// The places whose word counts for them, the widest first.
    #[must_use]
    pub fn of_places(team: Option<&TeamId>, home: Option<&HomeId>) -> Vec<Place> {
        let footprint = std::iter::once(Place::Footprint);
        footprint.chain(team.cloned().map(Place::Team)).chain(home.cloned().map(Place::Home)).collect()
    }
}

/// Why a plan of a person or a place is not taken: it names a protocol or a parameter, never a person.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlanRefused {
    /// A parameter that may not be set so.
    #[error("{0}")]
    Parameter(#[from] OverrideRefused),
    /// No such protocol is approved here.
    #[error("this service has no approved protocol {pack}{}", if *is_other { " of this content" } else { "" })]
    NotHere {
        /// Its name.
        pack: String,
        /// Whether one of the name is here, with other content.
        is_other: bool,
    },
    /// Two protocols judge one measure of one person.
    #[error("the protocols {one} and {other} both judge {}: a person has one of them, or one says that it may stand beside the other", kind.name())]
    Together {
        /// One of them.
        one: String,
        /// The other.
        other: String,
        /// The measure.
        kind: Kind,
    },
}

impl PlanRefused {
    /// Its stable code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Parameter(_) => ErrorCode::ParameterRefused,
            Self::NotHere { .. } => ErrorCode::ProtocolNotHere,
            Self::Together { .. } => ErrorCode::ProtocolsContest,
        }
    }
}
