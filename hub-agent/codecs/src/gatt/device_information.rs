//! What a device says of itself: maker, model, serial number and versions as text, System ID 2A23, `PnP` ID 2A50,
//! and Battery Level 2A19.
//!
//! Source: Bluetooth Device Information Service 1.1, section 3, Battery Service 1.0, section 3.1, and GATT
//! Specification Supplement. Texts are UTF-8; many devices send them with NULs behind, which are taken off, as is the
//! space beside. A text that is not UTF-8 is malformed: half of a serial number is not one. Control characters inside a
//! text are taken out, so that no device can write to a terminal or a log.

use crate::{Fields, cursor::Cursor, error::DecodeError};

/// The text of 2A24 (model), 2A25 (serial number), 2A26 (firmware), 2A27 (hardware), 2A28 (software) or 2A29 (maker).
///
/// # Errors
/// [`DecodeError::Malformed`] where the bytes are not UTF-8.
///
/// ```
/// use device_codecs::gatt::device_information::decode_text;
/// assert_eq!(decode_text(b"A&D Medical\0\0").unwrap(), "A&D Medical");
/// assert!(decode_text(b"\xff").is_err());
/// ```
pub fn decode_text(bytes: &[u8]) -> Result<String, DecodeError> {
    let text = std::str::from_utf8(bytes).map_err(|_not_utf8| DecodeError::Malformed { field: "the text" })?;
    Ok(text.trim_end_matches('\0').chars().filter(|letter| !letter.is_control()).collect::<String>().trim().to_owned())
}

/// The 64 bits that name one device, 2A23.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SystemId {
    /// What the maker chose, 40 bits.
    pub manufacturer: u64,
    /// The maker's number (OUI), 24 bits.
    pub organisation: u32,
}

impl SystemId {
    /// What it says, as named values: hexadecimal, highest digit first.
    #[must_use]
    pub fn shown(self) -> Fields {
        Fields::new()
            .with("manufacturer", format!("{:010x}", self.manufacturer))
            .with("organisation", format!("{:06x}", self.organisation))
    }
}

/// The System ID of a device, 2A23: manufacturer's 5 bytes, organisation's 3 bytes, lowest first.
///
/// # Errors
/// [`DecodeError`] unless there are exactly eight bytes.
pub fn decode_system_id(bytes: &[u8]) -> Result<SystemId, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let [a, b, c, d, e] = cursor.take("the manufacturer's identifier")?;
    let organisation = cursor.three_bytes("the organisation's identifier")?;
    cursor.finish()?;
    Ok(SystemId { manufacturer: u64::from_le_bytes([a, b, c, d, e, 0, 0, 0]), organisation })
}

/// What a device is by the numbers of its maker, 2A50.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PnpId {
    /// Who numbers the makers: 1 Bluetooth SIG, 2 USB Implementer's Forum.
    pub vendor_source: u8,
    /// The maker.
    pub vendor: u16,
    /// The product.
    pub product: u16,
    /// Its version.
    pub version: u16,
}

impl PnpId {
    /// What it says, as named values.
    #[must_use]
    pub fn shown(self) -> Fields {
        Fields::new()
            .with("vendor_source", self.vendor_source)
            .with("vendor", self.vendor)
            .with("product", self.product)
            .with("version", self.version)
    }
}

/// The `PnP` ID of a device, 2A50.
///
/// # Errors
/// [`DecodeError`] unless there are exactly seven bytes.
pub fn decode_pnp_id(bytes: &[u8]) -> Result<PnpId, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let id = PnpId {
        vendor_source: cursor.byte("the vendor's source")?,
        vendor: cursor.word("the vendor")?,
        product: cursor.word("the product")?,
        version: cursor.word("the version")?,
    };
    cursor.finish()?;
    Ok(id)
}

/// How full the battery is in per cent, 2A19. Advisory only: cuffs are known to say nought without being empty.
///
/// # Errors
/// [`DecodeError`] unless there is exactly one byte; [`DecodeError::Malformed`] above 100, which is reserved.
pub fn decode_battery(bytes: &[u8]) -> Result<u8, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let percent = cursor.byte("the battery level")?;
    cursor.finish()?;
    if percent <= 100 { Ok(percent) } else { Err(DecodeError::Malformed { field: "the battery level" }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Shown;

    #[test]
    fn texts_are_printable_and_whole() {
        for (bytes, text) in [
            (b"A&D Medical".as_slice(), "A&D Medical"),
            (b"UA-651BLE\0\0\0", "UA-651BLE"),
            (b" 5160950142 \0", "5160950142"),
            (b"\0\0", ""),
            (b"", ""),
            (b"a\x1b[31mb\nc\0d", "a[31mbcd"),
            ("Gerät".as_bytes(), "Gerät"),
        ] {
            assert_eq!(decode_text(bytes).unwrap(), text);
        }
        assert_eq!(decode_text(b"12\xc3"), Err(DecodeError::Malformed { field: "the text" }));
    }

    /// Rows 81 to 83 of tests/vectors/devices.jsonl, and a System ID made of a device address.
    #[test]
    fn numbers_say_what_their_source_says() {
        assert_eq!((decode_battery(&[0x32]), decode_battery(&[0x64])), (Ok(50), Ok(100)));
        assert_eq!(decode_battery(&[101]), Err(DecodeError::Malformed { field: "the battery level" }));
        let pnp = decode_pnp_id(&[0x02, 0xac, 0x05, 0x20, 0x02, 0x01, 0x00]).unwrap();
        assert_eq!((pnp.vendor_source, pnp.vendor, pnp.product, pnp.version), (2, 1452, 544, 1));
        let id = decode_system_id(&[0x68, 0x8f, 0x23, 0xfe, 0xff, 0xa5, 0x9f, 0x4c]).unwrap();
        assert_eq!(id.shown().get("manufacturer"), Some(&Shown::Text("fffe238f68".into())));
        assert_eq!(id.shown().get("organisation"), Some(&Shown::Text("4c9fa5".into())));
        for length in [0, 2] {
            assert!(decode_battery(&vec![0; length]).is_err());
        }
        for length in [0, 6, 8] {
            assert!(decode_pnp_id(&vec![0; length]).is_err());
        }
        for length in [0, 7, 9] {
            assert!(decode_system_id(&vec![0; length]).is_err());
        }
    }
}
