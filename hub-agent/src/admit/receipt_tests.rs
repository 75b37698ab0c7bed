//! What a record's number rests on: the receipt stands in only for what the device does not say. Each frame is heard at two
//! moments, and the store is told the truth about it.

use super::kinds_tests::heard;
use crate::test_parts::noon;
use chrono::TimeDelta;
use device_codecs::FrameKind as F;
use vitals::ClockOffset;

/// How the number of a frame's record comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// The device's number or time, or the bytes of a record that it tells again: the same wherever it is heard.
    Device,
    /// The hub's receipt.
    Receipt,
}

#[test]
fn only_what_the_device_does_not_number_date_or_tell_again_is_told_apart_by_its_receipt() {
    let rows = [
        // Numbered, and its clock was never set, so that it states no usable time.
        (F::Glucose, "0b0400000005 0e0c311d4e0168b0f80000", By::Device),
        (F::OmronRecord, "6558541a331ade1800004c00ba00", By::Device),
        // A context without the measurement that would date it.
        (F::GlucoseContext, "02040002", By::Device),
        // Dated.
        (F::BloodPressure, "1e 8a00 5800 7800 e207 04 11 14 29 3b 3c00 01 2700", By::Device),
        // Told again, with neither.
        (F::ContecV4Recorded, "f08061", By::Device),
        // Neither (of the first, the year is unknown), and heard once.
        (F::BloodPressure, "1e 8a00 5800 7800 0000 04 11 14 29 3b 3c00 01 2700", By::Receipt),
        (F::Weight, "00401f", By::Receipt),
        (F::NoninDf8, "80486100", By::Receipt),
    ];
    for (kind, hex, by) in rows {
        let at = |later| heard(kind, hex, None, noon() + TimeDelta::seconds(later), ClockOffset::NotRead);
        let (first, later) = (at(0), at(40));
        let is_same = first.record == later.record;
        assert_eq!(is_same, by == By::Device, "{kind} {hex}: {first:?} {:?}", first.times);
        assert_eq!(first.is_told_apart_by_receipt(), by == By::Receipt, "{kind} {hex}: {:?}", first.quality);
    }
}
