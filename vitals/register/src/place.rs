//! Places: organisations, their teams, and care homes with residents.

use crate::{NotInOrder, Telephone, want};
use serde::{Deserialize, Deserializer, Serialize};
use vitals::{
    bounded::Text,
    id::{HomeId, OrganisationId, TeamId},
};

/// The code of an organisation or practice with the Organisation Data Service: three to ten capitals and digits.
///
/// Source: NHS Data Dictionary, "ORGANISATION IDENTIFIER" (min an3 max an10).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct OdsCode(String);

impl OdsCode {
    /// Reads a code; small letters are taken for capitals.
    ///
    /// # Errors
    /// [`NotInOrder`] for anything but three to ten letters and digits.
    ///
    /// ```
    /// use register::OdsCode;
    /// assert_eq!(OdsCode::parse(" y01234 ").unwrap().as_str(), "Y01234");
    /// assert!(OdsCode::parse("Y-1").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, NotInOrder> {
        let text = text.trim().to_ascii_uppercase();
        let is_form = (3..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        want(is_form, "ods_code", "want three to ten letters and digits, such as Y01234")?;
        Ok(Self(text))
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for OdsCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

vitals::named! {
    /// What an organisation is.
    OrganisationKind {
        /// An NHS trust.
        Trust = "trust",
        /// A general practice.
        Practice = "practice",
        /// A council.
        Council = "council",
        /// A provider of care homes or care at home.
        CareProvider = "care_provider",
        /// A charity.
        Charity = "charity",
        /// Another.
        Other = "other",
    }
}

/// An organisation whose teams look after people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organisation {
    /// Its id.
    pub id: OrganisationId,
    /// What it is called.
    pub name: Text<120>,
    /// What it is.
    pub kind: OrganisationKind,
    /// Its code, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ods_code: Option<OdsCode>,
}

/// A team of an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// What it is called.
    pub name: Text<120>,
    /// Whose team it is.
    pub organisation: OrganisationId,
    /// Its telephone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telephone: Option<Telephone>,
    /// When it looks at alerts, as a sentence for patients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_hours: Option<Text<200>>,
}

/// A care home, with residents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Home {
    /// Its id.
    pub id: HomeId,
    /// What it is called.
    pub name: Text<120>,
    /// Who runs it.
    pub organisation: OrganisationId,
    /// Its address, one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Text<300>>,
    /// Its telephone, day and night.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telephone: Option<Telephone>,
}

impl Organisation {
    pub(crate) fn check(&self) -> Result<(), NotInOrder> {
        Ok(())
    }
}

impl Team {
    pub(crate) fn check(&self) -> Result<(), NotInOrder> {
        Ok(())
    }
}

impl Home {
    pub(crate) fn check(&self) -> Result<(), NotInOrder> {
        Ok(())
    }
}

/// Where somebody works, or whose people they look after.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// One team: the people it looks after.
    Team(TeamId),
    /// One care home: its residents.
    Home(HomeId),
    /// One organisation: its teams and homes, with their people.
    Organisation(OrganisationId),
    /// The whole footprint.
    Footprint,
}
