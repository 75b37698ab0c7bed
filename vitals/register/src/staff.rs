//! Staff, and the posts they hold.

use crate::{NotInOrder, Place, Span, contact::check_count};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use vitals::{bounded::Text, id::StaffId};

/// Most posts one person holds or held.
const POSTS_MAX: usize = 40;

vitals::named! {
    /// What somebody does, and so what they may see and do for the people of the place they do it in.
    Role {
        /// Looks at alerts and acts on them.
        CaseManager = "case_manager",
        /// A nurse, doctor or allied health professional who also writes care plans.
        Clinician = "clinician",
        /// Cares for residents of a home.
        HomeStaff = "home_staff",
        /// Runs a care home.
        HomeManager = "home_manager",
        /// Keeps people and places in order; sees no readings.
        Administrator = "administrator",
        /// Sends, cleans and repairs devices and hubs; sees no readings.
        Equipment = "equipment",
        /// Is answerable for the protocols.
        ClinicalLead = "clinical_lead",
        /// Is answerable for the safety of the service.
        SafetyOfficer = "clinical_safety_officer",
        /// Is answerable for who looked at what.
        PrivacyOfficer = "privacy_officer",
    }
}

/// A role at a place, from when until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Post {
    /// The role.
    pub role: Role,
    /// Where.
    pub place: Place,
    /// From when until when.
    pub span: Span,
}

/// A member of staff.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Staff {
    /// Their id.
    pub id: StaffId,
    /// The name colleagues see.
    pub name: Text<120>,
    /// What they do where.
    pub posts: Vec<Post>,
    /// When they left, if they did: from then on they may do nothing, whatever their posts say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_at: Option<DateTime<Utc>>,
}

/// Debug shows the id only.
impl fmt::Debug for Staff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Staff({})", self.id)
    }
}

impl Staff {
    /// The posts somebody holds at a moment; none once they have left.
    pub fn posts_at(&self, at: DateTime<Utc>) -> impl Iterator<Item = &Post> {
        let is_here = self.left_at.is_none_or(|left| at < left);
        self.posts.iter().filter(move |post| is_here && post.span.has(at))
    }

    pub(crate) fn check(&self) -> Result<(), NotInOrder> {
        check_count(self.posts.len(), POSTS_MAX, "posts")?;
        self.posts.iter().try_for_each(|post| post.span.check("posts"))
    }
}
