//! Every decoder of the table over every public row, every part of one and any bytes.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Rows 1 to 87 of tests/vectors/devices.jsonl, by the name of their decoder: but for the six whose source says that
/// they cannot be read, and the two that are any bytes with their CRC. Row 78 stands under the layout it is in.
const VECTORS: &[(&str, &str)] = &[
    ("2a35", "1e8a00580078000000041114293b3c00012700"),
    ("2a35", "00bdf00b009ff0"),
    ("2a35", "1686004d006400e10701100d00183d000000"),
    ("2a35", "16ff07ff07ff07e107011000391cff070000"),
    ("2a35", "de88f420f3ff07e4070113163700bcf2014401"),
    ("2a36", "156ff0000000003c001200"),
    ("2a49", "3f00"),
    ("2a1c", "06b00e00fedc070c050b321b04"),
    ("2a1c", "06b00e00fedc070c050b092704"),
    ("2a1c", "06840f00fedc070c050b0c1504"),
    ("2a1c", "06680100ffe207030a15340002"),
    ("2a1c", "06700100ffe207030a141b0002"),
    ("float", "6c0100ff"),
    ("float", "710e00fe"),
    ("sfloat", "01d0"),
    ("sfloat", "ff07"),
    ("sfloat", "fe07"),
    ("2a18", "1b0100e307021b0b0a1efbff1e00120501"),
    ("2a18", "0b0400e407050e0c311d4e0168b0f80000"),
    ("2a18", "027b00e807030f0a1e0001d011"),
    ("2a18", "010100e807030f110000d4fe"),
    ("2a18", "0a0200e807030f0a1e0001d0110100"),
    ("2a18", "100400e807030f0a1e00"),
    ("2a18", "120100e40701010c000001d011"),
    ("2a18", "000100d0070102030405"),
    ("2a34", "030500017b0002"),
    ("2a34", "030d00015a0002"),
    ("2a34", "5f0f00015a00023208074b020f000600"),
    ("2a34", "02070002"),
    ("2a52", "06000101"),
    ("2a52", "06000c02"),
    ("2a52", "06000307"),
    ("2a52", "050001"),
    ("2a52", "050004030201"),
    ("2aa7", "06000c100600"),
    ("2aa7", "07808d000a0003"),
    ("2aa7", "08608f0014000805"),
    ("2aa7", "080191001e000900"),
    ("2aa7", "0de3930028000308050a005f00"),
    ("2aa8", "6e8e0116ffff"),
    ("2aa9", "0600010101"),
    ("2aa9", "0a00000800"),
    ("2aaa", "000004180d08180802"),
    ("2aab", "020008c3"),
    ("2aab", "a800"),
    ("2aac", "1c02013c3b"),
    ("2aac", "030a8a75"),
    ("2aac", "0c0bc034be"),
    ("2aac", "120a20"),
    ("2aac", "180a40"),
    ("2aac", "0601200a00321400010004bfb2"),
    ("2a5f", "0064005a00"),
    ("2a5f", "1fdef3caf3caf35af5d4f3b2f220010000007ae3"),
    ("2a5e", "0facf3bef5e8070b1d170839204022000066e3"),
    ("2a60", "a3004010800100"),
    ("2a60", "ff00"),
    ("2a37", "04ff"),
    ("2a37", "1f0101320101000201ffff"),
    ("2a37", "0050"),
    ("2a37", "0e4b8000"),
    ("2a9d", "00b036"),
    ("2a9d", "02b036e7070c190e1e2d"),
    ("2a9d", "08b036f500d606"),
    ("2a9e", "07000000"),
    ("181d", "223e30e607020e10293a"),
    ("181d", "237233e607020e10293a"),
    ("2a9c", "00003200"),
    ("2a9c", "0c007800054006"),
    ("2a9c", "c0015000e02e1027401f"),
    ("181b", "0204e307011d1135010000282d"),
    ("181b", "0224e607020e10293a00009a38"),
    ("181b", "0326e607020e10293af701f136"),
    ("2a19", "32"),
    ("2a19", "64"),
    ("2a50", "02ac0520020100"),
    ("2a2b", "e907010f0e1e2d032101"),
    ("2a2b", "e9070c1f173b3b07ff06"),
    ("2a08", "00000000121a20"),
    ("2a08", "e3070c190a1e2d"),
];

/// The parts of rows that can be read by themselves, because their layout has a tail that may be left out: the beats of
/// a heart rate, the size of a count (one, two or four bytes), the supported statuses of an oximeter, a CRC.
const PARTS_THAT_DECODE: &[(&str, &str, &[usize])] = &[
    ("2a37", "1f0101320101000201ffff", &[7, 9]),
    ("2a52", "050004030201", &[3, 4]),
    ("2a60", "a3004010800100", &[2]),
    ("2aab", "020008c3", &[2]),
    ("2aac", "1c02013c3b", &[3]),
    ("2aac", "030a8a75", &[2]),
    ("2aac", "0c0bc034be", &[3]),
    ("2aac", "0601200a00321400010004bfb2", &[11]),
];

fn read(name: &str, bytes: &[u8]) -> Result<Shown, DecodeError> {
    (DECODERS.iter().find(|decoder| decoder.name == name).unwrap().read)(bytes)
}

#[test]
fn every_row_decodes_and_every_part_of_one_is_truncated_or_in_the_list() {
    let mut parts = BTreeSet::new();
    for (name, hex) in VECTORS {
        let bytes = vitals::hex::decode(hex).unwrap();
        assert!(read(name, &bytes).is_ok(), "{name} {hex}: {:?}", read(name, &bytes));
        for length in 0..bytes.len() {
            match read(name, &bytes[..length]) {
                Ok(_) => {
                    parts.insert((*name, *hex, length));
                }
                Err(error) => {
                    assert!(matches!(error, DecodeError::Truncated { .. }), "{name} {hex} cut to {length}: {error:?}");
                }
            }
        }
    }
    let golden = PARTS_THAT_DECODE.iter().flat_map(|(name, hex, cuts)| cuts.iter().map(|cut| (*name, *hex, *cut)));
    assert_eq!(parts, golden.collect());
}

/// The rows that their source says cannot be read.
#[test]
fn every_bad_row_is_refused_for_its_reason() {
    for (name, hex, code) in [
        ("2a35", "03020304050607", "frame_truncated"),
        ("2a52", "0101", "frame_truncated"),
        ("2aa7", "08000c100600586f", "frame_checksum_wrong"),
        ("2aa8", "6e9e0116", "frame_truncated"),
        ("2aab", "020009c3", "frame_checksum_wrong"),
        ("2aac", "1c0202a701", "frame_checksum_wrong"),
    ] {
        let error = read(name, &vitals::hex::decode(hex).unwrap()).unwrap_err();
        assert_eq!(error.code().code(), code, "{name} {hex}");
    }
}

#[test]
fn primitive_rows_say_what_their_source_says() {
    let value = |name: &str, hex: &str| match read(name, &vitals::hex::decode(hex).unwrap()) {
        Ok(Shown::Fields(fields)) => fields.iter().next().unwrap().1.clone(),
        other => panic!("{name} {hex}: {other:?}"),
    };
    use float11073::Special::{NotANumber, PositiveInfinity};
    assert_eq!(value("sfloat", "01d0"), Shown::Decimal("0.001".into()));
    assert_eq!(value("sfloat", "ff07"), Shown::NoNumber(NotANumber));
    assert_eq!(value("sfloat", "fe07"), Shown::NoNumber(PositiveInfinity));
    assert_eq!(value("sfloat", "fff7"), Shown::Decimal("204.7".into()));
    assert_eq!(value("float", "6c0100ff"), Shown::Decimal("36.4".into()));
    assert_eq!(value("float", "710e00fe"), Shown::Decimal("36.97".into()));
    assert_eq!(value("e2e_crc", "313233343536373839"), Shown::Whole(28561));
    assert_eq!(value("e2e_crc", "58251f98"), Shown::Whole(2033));
}

#[test]
fn names_are_unique_and_every_measuring_kind_has_its_row() {
    let names: BTreeSet<_> = DECODERS.iter().map(|decoder| decoder.name).collect();
    assert_eq!(names.len(), DECODERS.len());
    for kind in FrameKind::all().filter(|kind| super::super::decode(*kind, &[]).is_some()) {
        assert!(names.contains(kind.name()), "{kind}");
    }
    assert!(
        DECODERS.iter().all(|decoder| decoder.name == decoder.name.to_ascii_lowercase() && !decoder.plain.is_empty())
    );
}

proptest! {
    /// No bytes make any decoder panic; those whose flags and sizes vary most are also reached with a plausible start.
    #[test]
    fn no_bytes_make_any_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        for decoder in DECODERS {
            let _read = (decoder.read)(&bytes);
        }
        for kind in FrameKind::all() {
            let _read = super::super::decode(kind, &bytes);
        }
    }

    /// Nor does any one changed byte of a real frame.
    #[test]
    fn no_changed_byte_makes_any_decoder_panic(row in 0..VECTORS.len(), at: prop::sample::Index, byte: u8) {
        let (name, hex) = VECTORS[row];
        let mut bytes = vitals::hex::decode(hex).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _read = read(name, &bytes);
    }
}
