//! Why protocols may not run here.

use rules::{
    PlanRefused,
    pack::{OverrideRefused, Pack},
};
use thiserror::Error;
use vitals::Kind;

/// Why a pack may not run here.
#[derive(Debug, Error)]
pub enum PackRefused {
    /// A demo pack outside the demo.
    #[error("activate protocol {0}: it is for the demo only, signed by invented people")]
    DemoOnly(String),
    /// It cannot be in force beside the others.
    #[error("activate the protocols")]
    Together(#[from] PlanRefused),
    /// Its own tests fail.
    #[error("activate protocol {pack}: its own tests fail: {}", failed.join("; "))]
    OwnTests {
        /// The pack.
        pack: String,
        /// What failed.
        failed: Vec<String>,
    },
    /// Two would judge one measure of people without a care plan.
    #[error("activate the protocols: {one} and {other} both judge {}, and without a care plan everybody has both", kind.name())]
    Contested {
        /// One of them.
        one: String,
        /// The other.
        other: String,
        /// The measure.
        kind: Kind,
    },
    /// The settings name one twice.
    #[error("activate the protocols: {0} is there twice with the same content")]
    Twice(String),
}

/// Why what the register says of somebody's protocols cannot be used.
#[derive(Debug, Error)]
pub enum Unusable {
    /// A number may not be set as it is.
    #[error(transparent)]
    Parameter(#[from] OverrideRefused),
    /// A protocol is in force at a place in a version that is not here.
    #[error("judge by protocol {0}: the version that is in force is not among those of this service")]
    NotHere(String),
    /// What is in force cannot be together.
    #[error("judge by the protocols in force")]
    Together(#[from] PlanRefused),
}

/// Refuses two that judge one measure.
pub(super) fn contested<'a>(packs: impl Iterator<Item = &'a Pack>) -> Result<(), PackRefused> {
    let packs: Vec<&Pack> = packs.collect();
    for (place, one) in packs.iter().enumerate() {
        for other in packs.iter().take(place).filter(|other| other.id != one.id) {
            if let Some(kind) = one.contests(other) {
                return Err(PackRefused::Contested { one: one.id.clone(), other: other.id.clone(), kind });
            }
        }
    }
    Ok(())
}

/// Refuses the same content twice.
pub(super) fn must_differ<'a>(packs: impl Iterator<Item = &'a Pack>) -> Result<(), PackRefused> {
    let packs: Vec<&Pack> = packs.collect();
    for (place, one) in packs.iter().enumerate() {
        if packs.iter().take(place).any(|other| other.content_hash == one.content_hash) {
            return Err(PackRefused::Twice(one.id.clone()));
        }
    }
    Ok(())
}
