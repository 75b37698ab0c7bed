//! Scales that say the weight in their advertisements: no connection is made, what they advertise is the reading.
//!
//! Invariants: only a settled weighing of somebody who still stands there becomes a frame; one weighing is advertised
//! many times and becomes one frame; what cannot be read becomes a frame, so that its bytes are kept.

use crate::{config::BluetoothAddress, session::is_settled};
use bluez_async::BleUuid;
use chrono::{DateTime, Utc};
use device_codecs::{Frame, FrameBytes, FrameKind};
use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
};
use vitals::{ClockOffset, SourceId};

/// The services under which scales advertise their own layout.
const ADVERTISED: [(u16, FrameKind); 2] =
    [(0x181d, FrameKind::AdvertisedWeight), (0x181b, FrameKind::AdvertisedBodyComposition)];

/// Readings in an advertisement.
pub(super) type Readings = Vec<(FrameKind, Vec<u8>)>;

/// The readings among the data of an advertisement.
pub(super) fn readings<U: BleUuid + Eq + Hash>(data: &HashMap<U, Vec<u8>>) -> Readings {
    let of_service = |(service, bytes): (&U, &Vec<u8>)| {
        let (_, kind) = ADVERTISED.iter().find(|(known, _)| Some(*known) == service.to_ble_u16())?;
        Some((*kind, bytes.clone()))
    };
    data.iter().filter_map(of_service).collect()
}

/// What known devices advertised last. There are as many as known devices, twice.
#[derive(Debug, Default)]
pub(super) struct Advertised(BTreeMap<(BluetoothAddress, FrameKind), Vec<u8>>);

impl Advertised {
    /// Whether this device says its readings in advertisements.
    pub(super) fn knows(&self, address: BluetoothAddress) -> bool {
        ADVERTISED.iter().any(|(_, kind)| self.0.contains_key(&(address, *kind)))
    }

    /// The frame of an advertised reading, where it is one and new.
    pub(super) fn frame(
        &mut self,
        address: BluetoothAddress,
        kind: FrameKind,
        bytes: &[u8],
        device: &SourceId,
        at: DateTime<Utc>,
    ) -> Option<Frame> {
        let last = self.0.entry((address, kind)).or_default();
        if !is_settled(kind, bytes) || last.as_slice() == bytes {
            return None;
        }
        *last = bytes.to_vec();
        let frame_bytes = FrameBytes::new(bytes.to_vec()).ok()?;
        let device = device.clone();
        Some(Frame { device, kind, bytes: frame_bytes, seen_at: at, clock: ClockOffset::NotRead, counts_from: None })
    }

    /// The frame could not be handed over: the next advertisement of the same weighing is one again.
    pub(super) fn forget(&mut self, address: BluetoothAddress, kind: FrameKind) {
        self.0.insert((address, kind), Vec::new());
    }
}

#[cfg(test)]
mod tests {
    //! A Mi Scale as openScale's wiki shows it: unstable while stepping on, then stable, many times each.

    use super::*;
    use crate::test_parts::noon;
    use bluez_async::uuid_from_u16;

    fn hex(text: &str) -> Vec<u8> {
        vitals::hex::decode(text).unwrap()
    }

    #[test]
    fn a_settled_weighing_is_one_frame_however_often_it_is_advertised() {
        let address = BluetoothAddress::parse("C8:0F:10:00:00:01").unwrap();
        let port = SourceId::parse("port/hub-a/bluetooth").unwrap();
        let mut advertised = Advertised::default();
        assert!(!advertised.knows(address));
        let weighing = "96 38ea07060108020a".replace(' ', "");
        let mut heard = |status: &str| {
            let bytes = hex(&format!("{status}{weighing}"));
            advertised.frame(address, FrameKind::AdvertisedWeight, &bytes, &port, noon()).is_some()
        };
        let frames: Vec<bool> = ["02", "02", "22", "22", "22", "a2", "22"].into_iter().map(&mut heard).collect();
        assert_eq!(frames, [false, false, true, false, false, false, false]);
        assert!(advertised.knows(address));
        advertised.forget(address, FrameKind::AdvertisedWeight);
        let bytes = hex(&format!("22{weighing}"));
        assert!(advertised.frame(address, FrameKind::AdvertisedWeight, &bytes, &port, noon()).is_some());
    }

    #[test]
    fn only_the_two_services_are_readings() {
        let data = [(0x181d, vec![1]), (0x180d, vec![2])].map(|(service, bytes)| (uuid_from_u16(service), bytes));
        assert_eq!(readings(&data.into()), [(FrameKind::AdvertisedWeight, vec![1])]);
    }
}
