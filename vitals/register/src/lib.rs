//! Who and where: people, places, staff, devices, hubs and care plans, as the register keeps them.
//!
//! Invariants: pure (no clock, no input or output); what is in the register was checked when it was made, so that it can
//! be relied on wherever it goes; nothing is ever overwritten without a trace, because every version is an entry of the
//! journal; `Debug` of what is personal shows ids only.
#![forbid(unsafe_code)]

pub mod access;
pub mod contact;
pub mod device;
pub mod erasure;
pub mod hub;
pub mod patient;
pub mod place;
pub mod plan;
pub mod span;
pub mod staff;

pub use access::{Carer, Consent, ConsentFor, Emergency, GivenBy, Objection};
pub use contact::{ContactChoices, KeyContact, Need, Telephone};
pub use device::{Assignment, Device, DeviceState};
pub use erasure::{Erasure, Ground, Hold};
pub use hub::{EnrolmentCode, Hub, HubKey};
pub use patient::{Health, Patient, Status, Stratum};
pub use place::{Home, OdsCode, Organisation, Place, Team};
pub use plan::{CarePlan, PlacePlan, Stage};
pub use span::Span;
pub use staff::{Post, Role, Staff};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use vitals::{
    HubId, PatientId,
    bounded::Text,
    id::{CarerId, DeviceId, HomeId, ItemId, OrganisationId, RecordId, StaffId, TeamId},
};

/// Why something cannot stand in the register. Nothing of it is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{field}: {advice}")]
pub struct NotInOrder {
    /// Which field.
    pub field: &'static str,
    /// What it should be.
    pub advice: &'static str,
}

impl NotInOrder {
    /// A refusal of this field.
    #[must_use]
    pub fn new(field: &'static str, advice: &'static str) -> Self {
        Self { field, advice }
    }
}

/// Refuses unless something holds.
pub(crate) fn want(holds: bool, field: &'static str, advice: &'static str) -> Result<(), NotInOrder> {
    if holds { Ok(()) } else { Err(NotInOrder::new(field, advice)) }
}

macro_rules! items {
    ($($(#[$doc:meta])* $kind:ident($type:ty, $id:ty) = $name:literal,)+) => {
        vitals::named! {
            /// What kind of thing stands in the register.
            ItemKind {
                $($(#[$doc])* $kind = $name,)+
            }
        }

        /// One thing of the register, as it now is or was.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Item {
            $($(#[$doc])* $kind(Box<$type>),)+
        }

        /// Which thing of the register.
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum ItemRef {
            $($(#[$doc])* $kind($id),)+
        }

        impl Item {
            /// Which it is.
            #[must_use]
            pub fn reference(&self) -> ItemRef {
                match self {
                    $(Self::$kind(item) => ItemRef::$kind(item.id.clone()),)+
                }
            }

            /// Checks what its fields cannot say one by one.
            ///
            /// # Errors
            /// [`NotInOrder`] with the first field that is wrong.
            pub fn check(&self) -> Result<(), NotInOrder> {
                match self {
                    $(Self::$kind(item) => item.check(),)+
                }
            }
        }

        impl ItemRef {
            /// What kind it is.
            #[must_use]
            pub fn kind(&self) -> ItemKind {
                match self {
                    $(Self::$kind(_) => ItemKind::$kind,)+
                }
            }

            /// Its own id as text.
            #[must_use]
            pub fn key(&self) -> &str {
                match self {
                    $(Self::$kind(id) => id.as_str(),)+
                }
            }

            /// The thing of this kind and key; none where the key is not of the kind's form.
            #[must_use]
            pub fn parse(kind: ItemKind, key: &str) -> Option<Self> {
                match kind {
                    $(ItemKind::$kind => <$id>::parse(key).ok().map(Self::$kind),)+
                }
            }
        }

        $(
            impl From<$type> for Item {
                fn from(item: $type) -> Self {
                    Self::$kind(Box::new(item))
                }
            }
        )+
    };
}

items! {
    /// An organisation.
    Organisation(Organisation, OrganisationId) = "organisation",
    /// A team.
    Team(Team, TeamId) = "team",
    /// A care home.
    Home(Home, HomeId) = "home",
    /// A member of staff.
    Staff(Staff, StaffId) = "staff",
    /// A device.
    Device(Device, DeviceId) = "device",
    /// A hub.
    Hub(Hub, HubId) = "hub",
    /// A person we watch over.
    Patient(Patient, PatientId) = "patient",
    /// What is known of a person's health.
    Health(Health, PatientId) = "health",
    /// A person's care plan.
    Plan(CarePlan, RecordId) = "plan",
    /// A family carer of a person.
    Carer(Carer, CarerId) = "carer",
    /// Who has a device.
    Assignment(Assignment, RecordId) = "assignment",
    /// What a person, or somebody who may speak for them, agreed to.
    Consent(Consent, RecordId) = "consent",
    /// What a person does not want, or a restriction on who may look.
    Objection(Objection, RecordId) = "objection",
    /// Emergency access of a member of staff to a person's record.
    Emergency(Emergency, RecordId) = "emergency",
    /// That a person's record is to be erased: one asks, another agrees.
    Erasure(Erasure, RecordId) = "erasure",
    /// That a person's record must be kept, whoever asks for its end.
    Hold(Hold, RecordId) = "hold",
    /// What a place says of protocols for all its people.
    PlacePlan(PlacePlan, RecordId) = "place_plan",
}

impl Item {
    /// Whose record it belongs to; none where it is the service's own.
    #[must_use]
    pub fn patient(&self) -> Option<&PatientId> {
        match self {
            Self::Patient(patient) => Some(&patient.id),
            Self::Health(health) => Some(&health.id),
            Self::Plan(plan) => Some(&plan.patient),
            Self::Carer(carer) => Some(&carer.patient),
            Self::Assignment(assignment) => Some(&assignment.patient),
            Self::Consent(consent) => Some(&consent.patient),
            Self::Objection(objection) => Some(&objection.patient),
            Self::Emergency(emergency) => Some(&emergency.patient),
            Self::Erasure(erasure) => Some(&erasure.patient),
            Self::Hold(hold) => Some(&hold.patient),
            Self::Organisation(_)
            | Self::Team(_)
            | Self::Home(_)
            | Self::Staff(_)
            | Self::Device(_)
            | Self::Hub(_)
            | Self::PlacePlan(_) => None,
        }
    }
}

impl ItemRef {
    /// Sixteen bytes that name it.
    #[must_use]
    pub fn id(&self) -> ItemId {
        ItemId::derive(&[self.kind().name().as_bytes(), self.key().as_bytes()])
    }
}

/// Why something was changed, in somebody's words.
pub type Reason = Text<400>;

/// A new version of a thing of the register: all of it as it is from now on, who wrote it and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// The thing.
    pub item: Item,
    /// Which version it is of: 1 for a new one, else one more than the one it was made from, so that of two who change the
    /// same thing at once the second hears of it. None for whatever comes next: settings and lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Who wrote it; none where the service did, from its settings or a list it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<StaffId>,
    /// Why, where somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Reason>,
}

impl Written {
    /// What the service itself writes, from its settings or a list it was given: the next version, whichever that is.
    #[must_use]
    pub fn by_service(item: impl Into<Item>) -> Self {
        Self { item: item.into(), version: None, by: None, why: None }
    }
}
