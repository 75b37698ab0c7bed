//! Every decoder of this family by its name: those of frames that carry readings first, then the parts that a person
//! looking at a line may meet: answers, headers, checksums.

use super::{checksum, cms50, contour, freestyle, masimo, nonin, omron, onetouch, phd};
use crate::{Fields, decoders::Decoder};

/// Every decoder of this family.
pub const DECODERS: &[Decoder] = &[
    Decoder {
        name: "nonin_df2",
        plain: "Nonin data format 2, one packet",
        read: |bytes| nonin::decode_packet(bytes, nonin::PacketFormat::Df2).map(|packet| packet.shown().into()),
    },
    Decoder {
        name: "nonin_df2_frames",
        plain: "Nonin data format 2, the frames of a stretch of the line",
        read: |bytes| Ok(nonin::shown_frames(bytes).into()),
    },
    Decoder {
        name: "nonin_df7",
        plain: "Nonin data format 7, one packet",
        read: |bytes| nonin::decode_packet(bytes, nonin::PacketFormat::Df7).map(|packet| packet.shown().into()),
    },
    Decoder {
        name: "nonin_df8",
        plain: "Nonin data format 8, one second",
        read: |bytes| nonin::decode_second(bytes).map(|second| second.shown().into()),
    },
    Decoder {
        name: "nonin_df13",
        plain: "Nonin data format 13, one spot check",
        read: |bytes| nonin::decode_spot_check(bytes).map(|check| check.shown().into()),
    },
    Decoder {
        name: "cms50_v4_live",
        plain: "Contec CMS50, older generation, one live record",
        read: |bytes| cms50::decode_v4_live(bytes).map(|live| live.shown().into()),
    },
    Decoder {
        name: "cms50_v4_recorded",
        plain: "Contec CMS50, older generation, points of a recording",
        read: |bytes| cms50::decode_v4_points(bytes).map(|points| cms50::shown_v4_points(&points).into()),
    },
    Decoder {
        name: "cms50_v7_live",
        plain: "Contec CMS50, newer generation, one live packet",
        read: |bytes| cms50::decode_v7_live(bytes).map(|live| live.shown().into()),
    },
    Decoder {
        name: "cms50_v7_recorded",
        plain: "Contec CMS50, newer generation, packets of a recording",
        read: |bytes| cms50::decode_v7_stored(bytes).map(|points| cms50::shown_v7_stored(&points).into()),
    },
    Decoder {
        name: "masimo_ascii1",
        plain: "Masimo Rad, one line of ASCII 1",
        read: |bytes| masimo::decode(bytes).map(|line| line.shown().into()),
    },
    Decoder {
        name: "contour_astm",
        plain: "Ascensia Contour, one result record",
        read: |bytes| contour::decode(bytes).map(|result| result.shown().into()),
    },
    Decoder {
        name: "onetouch_ultra2",
        plain: "LifeScan OneTouch Ultra 2, one record",
        read: |bytes| onetouch::decode_ultra2(bytes).map(|record| record.shown().into()),
    },
    Decoder {
        name: "onetouch_ultraeasy",
        plain: "LifeScan OneTouch UltraEasy, one record",
        read: |bytes| onetouch::decode_ultraeasy(bytes).map(|record| record.shown().into()),
    },
    Decoder {
        name: "freestyle_optium",
        plain: "Abbott FreeStyle Optium, one result",
        read: |bytes| freestyle::decode(bytes).map(|result| result.shown().into()),
    },
    Decoder {
        name: "omron_14",
        plain: "Omron, one 14-byte record, low byte first (HEM-7142T2)",
        read: |bytes| omron::decode(bytes, omron::Layout::LittleEndian).map(|record| record.shown().into()),
    },
    Decoder {
        name: "omron_14_be",
        plain: "Omron, one 14-byte record, bit-packed (HEM-7600T)",
        read: |bytes| omron::decode(bytes, omron::Layout::BigEndian).map(|record| record.shown().into()),
    },
    Decoder {
        name: "phd_20601",
        plain: "IEEE 11073-20601, one message",
        read: |bytes| phd::decode(bytes).map(|apdu| apdu.shown().into()),
    },
    Decoder {
        name: "cms50_v4_point",
        plain: "Contec CMS50, older generation, one recorded point",
        read: |bytes| cms50::decode_v4_point(bytes).map(|point| point.shown().into()),
    },
    Decoder {
        name: "cms50_v7_packet",
        plain: "Contec CMS50, newer generation, one packet of any type",
        read: |bytes| cms50::decode_v7_packet(bytes).map(|packet| packet.shown().into()),
    },
    Decoder {
        name: "cms50_v7_command",
        plain: "Contec CMS50, newer generation, one command to it",
        read: |bytes| cms50::shown_v7_command(bytes).map(Into::into),
    },
    Decoder {
        name: "contour_frame",
        plain: "Ascensia Contour, one frame",
        read: |bytes| contour::decode_frame(bytes).map(|frame| frame.shown().into()),
    },
    Decoder {
        name: "onetouch_ultra2_line",
        plain: "LifeScan OneTouch Ultra 2, one line with its checksum",
        read: |bytes| onetouch::decode_line(bytes).map(|line| Fields::new().with("line", line).into()),
    },
    Decoder {
        name: "onetouch_ultraeasy_packet",
        plain: "LifeScan OneTouch UltraEasy, one packet",
        read: |bytes| onetouch::decode_packet(bytes).map(|packet| packet.shown().into()),
    },
    Decoder {
        name: "freestyle_clock",
        plain: "Abbott FreeStyle Optium, its clock",
        read: |bytes| freestyle::decode_clock(bytes).map(|clock| Fields::new().with("local", clock).into()),
    },
    Decoder {
        name: "sum16",
        plain: "The 16-bit sum of bytes",
        read: |bytes| Ok(Fields::new().with("checksum", checksum::sum16(bytes)).into()),
    },
    Decoder {
        name: "crc_ccitt",
        plain: "The CRC-CCITT of bytes, started at 0xFFFF",
        read: |bytes| Ok(Fields::new().with("crc", checksum::crc_ccitt(bytes)).into()),
    },
];
