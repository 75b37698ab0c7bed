//! Devices, and who had which when.

use crate::{NotInOrder, Span, want};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use vitals::{
    PatientId, SourceId,
    bounded::Text,
    gtin,
    id::{DeviceId, RecordId},
};

vitals::named! {
    /// Where a device is in its life.
    DeviceState {
        /// In the store, clean and ready.
        InStore = "in_store",
        /// With a person or in a home.
        Sent = "sent",
        /// Back, and not cleaned yet.
        Returned = "returned",
        /// Cleaned, and not checked yet.
        Cleaned = "cleaned",
        /// Nobody knows where it is.
        Lost = "lost",
        /// Broken or withdrawn.
        Withdrawn = "withdrawn",
    }
}

vitals::named! {
    /// The size of a blood pressure cuff, by the arm it fits.
    CuffSize {
        /// Small adult.
        Small = "small",
        /// Adult.
        Medium = "medium",
        /// Large adult.
        Large = "large",
        /// Extra large.
        ExtraLarge = "extra_large",
    }
}

/// A device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// What it is, such as "upper-arm blood pressure monitor".
    pub what: Text<120>,
    /// Who made it.
    pub maker: Text<120>,
    /// Which model.
    pub model: Text<120>,
    /// The number under its barcode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gtin: Option<Text<14>>,
    /// Its serial number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<Text<60>>,
    /// The source its readings come from, once a hub has heard it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceId>,
    /// Which list says that it was validated, such as "BIHS home use" with the date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validated_by: Option<Text<120>>,
    /// The size of its cuff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cuff: Option<CuffSize>,
    /// Where it is in its life.
    pub state: DeviceState,
    /// When it must be calibrated again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration_due: Option<NaiveDate>,
}

impl Device {
    pub(crate) fn check(&self) -> Result<(), NotInOrder> {
        let is_gtin = self.gtin.as_ref().is_none_or(|gtin| gtin::is_valid(gtin.as_str()));
        want(is_gtin, "gtin", "want 8, 12, 13 or 14 digits with a right check digit")
    }
}

/// Who had a device when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// Its id.
    pub id: RecordId,
    /// The device.
    pub device: DeviceId,
    /// The person.
    pub patient: PatientId,
    /// Which of the device's users they are, where it knows several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_index: Option<u8>,
    /// From when until when.
    pub span: Span,
}

impl Assignment {
    pub(crate) fn check(&self) -> Result<(), NotInOrder> {
        self.span.check("span")
    }
}
