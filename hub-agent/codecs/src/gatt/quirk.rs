//! Devices known to send a maker's own layout under a standard's number, as data: which kind of frame to read theirs
//! as.
//!
//! Asked before the standard's decoder, with what the device says of itself (2A29, 2A24). The decoder of the standard
//! still refuses what it can tell is not its own
//! ([`DecodeError::MakersOwnLayout`](crate::DecodeError::MakersOwnLayout)), for the devices that say nothing of
//! themselves.

use crate::FrameKind;

/// One row: frames of `kind` from a device whose manufacturer and model begin so are read as `read_as`.
struct Quirk {
    kind: FrameKind,
    manufacturer: &'static str,
    model: &'static str,
    read_as: FrameKind,
}

/// Every device known. An empty beginning fits every text, also none.
///
/// Sources: openScale issue 392 (a Mi Body Composition Scale 2 sends 2A9C in its own layout) and its wiki page "Xiaomi
/// Bluetooth Mi Scale" (a Mi Scale sends 2A9D at every change of weight, with bits of its own where the standard has
/// reserved ones: unstable, removed); names of models from theengs/decoder (XMTZC01HM to XMTZC05HM) and
/// `lolouk44/xiaomi_mi_scale` issue 4 (MIBFS, MIBCS).
const QUIRKS: [Quirk; 9] = [
    own_composition("Xiaomi", ""),
    own_composition("Huami", ""),
    own_composition("", "XMTZC"),
    own_composition("", "MIBFS"),
    own_composition("", "MIBCS"),
    own_weight("Xiaomi", ""),
    own_weight("Huami", ""),
    own_weight("", "XMTZC"),
    own_weight("", "MI SCALE"),
];

const fn own_composition(manufacturer: &'static str, model: &'static str) -> Quirk {
    Quirk { kind: FrameKind::BodyComposition, manufacturer, model, read_as: FrameKind::AdvertisedBodyComposition }
}

const fn own_weight(manufacturer: &'static str, model: &'static str) -> Quirk {
    Quirk { kind: FrameKind::Weight, manufacturer, model, read_as: FrameKind::AdvertisedWeight }
}

/// The kind to read a frame as, given what the device says of itself: nearly always the kind it came as.
///
/// ```
/// use device_codecs::{FrameKind, gatt::quirk};
/// let kind = FrameKind::BodyComposition;
/// assert_eq!(quirk::read_as(kind, Some("Huami"), None), FrameKind::AdvertisedBodyComposition);
/// assert_eq!(quirk::read_as(kind, Some("Beurer GmbH"), Some("BF720")), kind);
/// assert_eq!(quirk::read_as(kind, None, None), kind);
/// ```
#[must_use]
pub fn read_as(kind: FrameKind, manufacturer: Option<&str>, model: Option<&str>) -> FrameKind {
    QUIRKS
        .iter()
        .find(|quirk| {
            quirk.kind == kind && begins_with(manufacturer, quirk.manufacturer) && begins_with(model, quirk.model)
        })
        .map_or(kind, |quirk| quirk.read_as)
}

/// Whether a text begins so, upper or lower case.
fn begins_with(text: Option<&str>, beginning: &str) -> bool {
    let text = text.unwrap_or_default().trim_start();
    text.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quirk_is_found_by_maker_or_model_and_changes_only_its_own_kind() {
        use FrameKind::{AdvertisedBodyComposition, AdvertisedWeight, BloodPressure, BodyComposition, Weight};
        for (kind, manufacturer, model, expected) in [
            (BodyComposition, Some("xiaomi inc."), None, AdvertisedBodyComposition),
            (BodyComposition, Some(" Huami"), Some("x"), AdvertisedBodyComposition),
            (BodyComposition, None, Some("XMTZC05HM"), AdvertisedBodyComposition),
            (BodyComposition, Some("Other"), Some("mibfs"), AdvertisedBodyComposition),
            (BodyComposition, Some("Xiaom"), None, BodyComposition),
            (BodyComposition, Some("é"), Some("éé"), BodyComposition),
            (Weight, Some("Xiaomi"), Some("XMTZC04HM"), AdvertisedWeight),
            (Weight, None, Some("Mi Scale2"), AdvertisedWeight),
            (Weight, None, Some("MIBFS"), Weight),
            (BloodPressure, Some("Xiaomi"), Some("XMTZC05HM"), BloodPressure),
        ] {
            assert_eq!(read_as(kind, manufacturer, model), expected, "{manufacturer:?} {model:?}");
        }
    }
}
