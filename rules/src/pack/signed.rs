//! The approvals of a pack, in a file of their own: they name the pack's bytes by hash, so a changed pack is not an
//! approved pack.

use super::{ActivePack, Pack};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;
use vitals::Decimal;

/// Where a pack stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Being written.
    Draft,
    /// Being reviewed.
    InReview,
    /// Approved by three people.
    Approved,
    /// No longer used.
    Retired,
}

/// In what role a person approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Wrote it.
    Author,
    /// Leads the care it is for.
    ClinicalLead,
    /// Answers for its safety.
    SafetyOfficer,
}

/// One person's approval.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// In what role.
    pub role: Role,
    /// Who.
    pub name: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignedFile {
    pack: String,
    version: String,
    content_hash: String,
    status: Status,
    #[serde(default)]
    approval: Vec<Approval>,
    /// What the footprint has confirmed each parameter to be.
    #[serde(default)]
    confirmed: BTreeMap<String, Decimal>,
}

/// The first format whose parameters a footprint confirms one by one.
const CONFIRMED_FROM: u32 = 2;

/// Why a pack may not run.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SignedError {
    /// The approvals file does not read.
    #[error("read a pack's approvals: {0}")]
    Form(String),
    /// The approvals are for another pack or version.
    #[error("activate a pack: the approvals are for {pack} {version}")]
    OtherPack {
        /// The pack they are for.
        pack: String,
        /// Its version.
        version: String,
    },
    /// The pack has changed since it was approved.
    #[error("activate a pack: it has changed since it was approved (its hash is now {now})")]
    Changed {
        /// Its hash now.
        now: String,
    },
    /// Not approved, or retired.
    #[error("activate a pack: its status is not approved")]
    NotApproved,
    /// Author, clinical lead and safety officer are not three different people.
    #[error("activate a pack: author, clinical lead and safety officer must be three different people")]
    NotThreePeople,
    /// The pack says of itself that it is a draft.
    #[error("activate a pack: it is a draft: edit it, take draft = true out, and have that approved")]
    Draft,
    /// A parameter that nobody in the footprint has confirmed at the value the pack gives it.
    #[error(
        "activate a pack: {name} is {value} in the pack, and the approvals do not confirm that: add it under [confirmed]"
    )]
    NotConfirmed {
        /// Its name.
        name: String,
        /// What the pack has it at.
        value: Decimal,
    },
}

impl ActivePack {
    /// A pack with its approvals.
    ///
    /// # Errors
    /// [`SignedError`] where the approvals are for other bytes, or are not those of three different people.
    pub fn new(pack: Pack, approvals: &str) -> Result<Self, SignedError> {
        let file: SignedFile =
            toml::from_str(approvals).map_err(|error| SignedError::Form(error.message().to_owned()))?;
        if (file.pack.as_str(), file.version.as_str()) != (pack.id.as_str(), pack.version.as_str()) {
            return Err(SignedError::OtherPack { pack: file.pack, version: file.version });
        }
        if file.content_hash != pack.content_hash {
            return Err(SignedError::Changed { now: pack.content_hash });
        }
        if file.status != Status::Approved {
            return Err(SignedError::NotApproved);
        }
        if pack.is_draft {
            return Err(SignedError::Draft);
        }
        if pack.engine_min >= CONFIRMED_FROM {
            let values = pack.parameters.iter().filter_map(|(name, parameter)| Some((name, parameter.default?)));
            for (name, value) in values {
                if file.confirmed.get(name) != Some(&value) {
                    return Err(SignedError::NotConfirmed { name: name.clone(), value });
                }
            }
        }
        let roles: BTreeSet<Role> = file.approval.iter().map(|approval| approval.role).collect();
        let names: BTreeSet<String> =
            file.approval.iter().map(|approval| approval.name.trim().to_lowercase()).collect();
        if roles.len() != 3 || names.len() != 3 || names.contains("") || file.approval.len() != 3 {
            return Err(SignedError::NotThreePeople);
        }
        Ok(Self::of(pack, file.approval))
    }
}
