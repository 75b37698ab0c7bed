//! What a device lists after it connected, and which of it the hub uses, in which order.
//!
//! Sources: the Bluetooth services' own pages and Assigned Numbers; the order is of devices in the field (see
//! [`MEASUREMENTS`]).

use device_codecs::FrameKind;

/// Most characteristics taken from one device: a rich health device lists about sixty.
pub const LISTED_MAX: usize = 512;

/// One characteristic of one service, both as Bluetooth's 16-bit numbers. What a maker numbers by itself is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Attribute {
    /// The service.
    pub service: u16,
    /// The characteristic.
    pub uuid: u16,
}

/// A characteristic and what may be done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// Which it is.
    pub attribute: Attribute,
    /// It may be read.
    pub can_read: bool,
    /// It may be written, and says whether that went well.
    pub can_write: bool,
    /// It notifies or indicates.
    pub can_notify: bool,
}

/// Device Information: the maker's name.
pub(super) const MAKER: u16 = 0x2a29;
/// Device Information: the serial number.
pub(super) const SERIAL: u16 = 0x2a25;
/// Device Information: the model.
pub(super) const MODEL: u16 = 0x2a24;
/// Date Time, in a measuring service.
pub(super) const DATE_TIME: u16 = 0x2a08;
/// Current Time, of its own service.
pub(super) const CURRENT_TIME: u16 = 0x2a2b;
/// User Control Point of the User Data service.
pub(super) const USER_CONTROL: u16 = 0x2a9f;
/// Record Access Control Point.
pub(super) const RECORD_ACCESS: u16 = 0x2a52;
/// CGM Session Start Time.
pub(super) const SESSION_START: u16 = 0x2aaa;
/// Battery Level.
pub(super) const BATTERY: u16 = 0x2a19;

/// The characteristics that bring readings, in the order in which they are subscribed to. What stands beside a record
/// comes before the record, streams before single measurements, and the cuff last: an old cuff sends all it has once it
/// is subscribed to, and then drops the link. What a device sends while it is still measuring (2A36, 2A1E) is left out:
/// it is never a reading.
const MEASUREMENTS: [FrameKind; 10] = [
    FrameKind::GlucoseContext,
    FrameKind::ContinuousOximetry,
    FrameKind::HeartRate,
    FrameKind::BodyComposition,
    FrameKind::Weight,
    FrameKind::SpotOximetry,
    FrameKind::Temperature,
    FrameKind::Cgm,
    FrameKind::Glucose,
    FrameKind::BloodPressure,
];

/// Everything one device lists.
#[derive(Debug, Clone, Default)]
pub(super) struct Listing(Vec<Listed>);

impl Listing {
    /// At most [`LISTED_MAX`], each once.
    pub(super) fn new(listed: Vec<Listed>) -> Self {
        let mut all: Vec<Listed> = listed.into_iter().take(LISTED_MAX).collect();
        all.sort_by_key(|listed| listed.attribute);
        all.dedup_by_key(|listed| listed.attribute);
        Self(all)
    }

    /// Whether the device lists nothing that Bluetooth numbers.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What brings readings, in the order in which to subscribe.
    pub(super) fn measurements(&self) -> Vec<(FrameKind, Attribute)> {
        let of_kind = |kind: FrameKind| {
            let can_bring = move |listed: &&Listed| listed.can_notify && kind_of(listed.attribute.uuid) == Some(kind);
            self.0.iter().filter(can_bring).map(move |listed| (kind, listed.attribute))
        };
        MEASUREMENTS.into_iter().flat_map(of_kind).collect()
    }

    /// The first with this number that may be read.
    pub(super) fn readable(&self, uuid: u16) -> Option<Attribute> {
        self.find(uuid, |listed| listed.can_read)
    }

    /// The first with this number that may be written.
    pub(super) fn writable(&self, uuid: u16) -> Option<Attribute> {
        self.find(uuid, |listed| listed.can_write)
    }

    /// The control point of a service: it takes commands and answers them.
    pub(super) fn control(&self, service: u16, uuid: u16) -> Option<Attribute> {
        self.find(uuid, |listed| listed.can_write && listed.can_notify && listed.attribute.service == service)
    }

    /// A control point of any service.
    pub(super) fn any_control(&self, uuid: u16) -> Option<Attribute> {
        self.find(uuid, |listed| listed.can_write && listed.can_notify)
    }

    fn find(&self, uuid: u16, suits: impl Fn(&Listed) -> bool) -> Option<Attribute> {
        self.0.iter().find(|listed| listed.attribute.uuid == uuid && suits(listed)).map(|listed| listed.attribute)
    }
}

/// The kind of frame a characteristic brings, where the hub listens to it.
pub(super) fn kind_of(uuid: u16) -> Option<FrameKind> {
    FrameKind::of_characteristic(uuid).ok().filter(|kind| MEASUREMENTS.contains(kind))
}
