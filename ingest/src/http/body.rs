//! A request's body: read whole, within a size and a time, and unpacked where it is packed.
//!
//! Invariants: the digest is that of the bytes as sent and is checked before any of them is unpacked; what is unpacked never
//! grows beyond the length it names itself, nor beyond the limit; a packed body is one whole gzip member and nothing after it.

use super::{
    room::{Held, Room},
    signature::Signed,
};
use actix_web::{
    dev::RequestHead,
    http::header,
    web::{Bytes, Payload},
};
use flate2::bufread::GzDecoder;
use std::{
    io::{self, Read},
    time::Duration,
};
use vitals::ErrorCode;

/// Longest a body may take to arrive: a full batch over a slow mobile line takes some seconds.
const ARRIVES_WITHIN: Duration = Duration::from_secs(30);

/// The least bytes of a gzip member: ten of head, two of an empty block, eight of checksum and length (RFC 1952).
const GZIP_BYTES_MIN: usize = 20;

/// How a gzip member begins (RFC 1952).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// How a body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Not at all.
    Identity,
    /// By gzip.
    Gzip,
}

/// How a request's body is packed, where it is JSON and packed in a way we read.
///
/// # Errors
/// [`ErrorCode::ContentTypeNotSupported`] and [`ErrorCode::EncodingNotSupported`].
pub(super) fn encoding(head: &RequestHead) -> Result<Encoding, ErrorCode> {
    let is = |name, expected: &[u8]| {
        head.headers.get(name).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(expected))
    };
    if !is(header::CONTENT_TYPE, b"application/json") {
        return Err(ErrorCode::ContentTypeNotSupported);
    }
    if is(header::CONTENT_ENCODING, b"identity") {
        Ok(Encoding::Identity)
    } else if is(header::CONTENT_ENCODING, b"gzip") {
        Ok(Encoding::Gzip)
    } else {
        Err(ErrorCode::EncodingNotSupported)
    }
}

/// A body that was signed, unpacked, with the room it takes.
pub(super) struct Body {
    /// Its JSON.
    pub(super) bytes: Bytes,
    /// How many bytes were sent.
    pub(super) sent_bytes: usize,
    _room: (Held, Option<Held>),
}

/// The body of a signed request, at most `bytes_max` long, packed and unpacked.
///
/// # Errors
/// What [`read`] refuses, [`ErrorCode::DigestMismatch`], [`ErrorCode::BodyMalformed`] where it does not unpack, and
/// [`ErrorCode::ServiceBusy`] where there is no room for it.
pub(super) async fn take(
    head: &RequestHead,
    payload: Payload,
    signed: &Signed,
    encoding: Encoding,
    room: &Room,
    bytes_max: usize,
) -> Result<Body, ErrorCode> {
    let for_sent = room.hold(declared(head, bytes_max)?)?;
    let sent = read(payload, bytes_max).await?;
    signed.covers(&sent)?;
    let sent_bytes = sent.len();
    let (bytes, for_unpacked) = match encoding {
        Encoding::Identity => (sent, None),
        Encoding::Gzip => {
            let length = unpacked_length(&sent, bytes_max)?;
            let held = room.hold(length)?;
            (Bytes::from(unpack(&sent, length)?), Some(held))
        }
    };
    Ok(Body { bytes, sent_bytes, _room: (for_sent, for_unpacked) })
}

/// How long a body says it is. One that does not say may be the longest.
fn declared(head: &RequestHead, bytes_max: usize) -> Result<usize, ErrorCode> {
    let length = head.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    match length.and_then(|length| length.parse::<usize>().ok()) {
        Some(length) if length > bytes_max => Err(ErrorCode::BodyTooLarge),
        Some(length) => Ok(length),
        None => Ok(bytes_max),
    }
}

/// The whole body, at most `bytes_max` long.
///
/// # Errors
/// [`ErrorCode::BodyTooLarge`], [`ErrorCode::RequestTooSlow`], or [`ErrorCode::BodyMalformed`] where it broke off.
pub(super) async fn read(payload: Payload, bytes_max: usize) -> Result<Bytes, ErrorCode> {
    read_within(payload, bytes_max, ARRIVES_WITHIN).await
}

/// The whole body, at most `bytes_max` long, that may take so long to arrive.
///
/// # Errors
/// As [`read`].
pub(super) async fn read_within(payload: Payload, bytes_max: usize, within: Duration) -> Result<Bytes, ErrorCode> {
    match tokio::time::timeout(within, payload.to_bytes_limited(bytes_max)).await {
        Ok(Ok(Ok(body))) => Ok(body),
        Ok(Ok(Err(_broke_off))) => Err(ErrorCode::BodyMalformed),
        Ok(Err(_too_large)) => Err(ErrorCode::BodyTooLarge),
        Err(_elapsed) => Err(ErrorCode::RequestTooSlow),
    }
}

/// How long a gzip member says it is unpacked (the last four bytes). It is held to that. What says it is too long is unpacked
/// up to the limit and into nothing, so that a damaged body is not told to be smaller.
fn unpacked_length(packed: &[u8], bytes_max: usize) -> Result<usize, ErrorCode> {
    let is_member = packed.len() >= GZIP_BYTES_MIN && packed.starts_with(&GZIP_MAGIC);
    let length = packed.last_chunk::<4>().filter(|_| is_member).ok_or(ErrorCode::BodyMalformed)?;
    match usize::try_from(u32::from_le_bytes(*length)) {
        Ok(length) if length <= bytes_max => Ok(length),
        _ => {
            let beyond = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
            let unpacked = io::copy(&mut GzDecoder::new(packed).take(beyond), &mut io::sink());
            Err(if unpacked.is_ok_and(|bytes| bytes == beyond) {
                ErrorCode::BodyTooLarge
            } else {
                ErrorCode::BodyMalformed
            })
        }
    }
}

/// Unpacks one gzip member of a known length. On the worker's own thread: the largest body takes 3 ms, a hundred readings
/// 55 µs, which is less than reading their JSON.
fn unpack(packed: &[u8], length: usize) -> Result<Vec<u8>, ErrorCode> {
    let mut unpacked = Vec::with_capacity(length);
    let mut decoder = GzDecoder::new(packed);
    let limit = u64::try_from(length).unwrap_or(u64::MAX);
    decoder.by_ref().take(limit).read_to_end(&mut unpacked).map_err(|_damaged| ErrorCode::BodyMalformed)?;
    // The end of the member is read only now: its checksum, its length, and whether anything came before or after it.
    let more = decoder.read(&mut [0]).map_err(|_damaged| ErrorCode::BodyMalformed)?;
    let is_whole = unpacked.len() == length && more == 0 && decoder.into_inner().is_empty();
    if is_whole { Ok(unpacked) } else { Err(ErrorCode::BodyMalformed) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;
    use std::io::Write;

    const BYTES_MAX: usize = 100_000;

    fn pack(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn unpacked(packed: &[u8]) -> Result<Vec<u8>, ErrorCode> {
        unpack(packed, unpacked_length(packed, BYTES_MAX)?)
    }

    /// Each way to spoil a packed body has its code; one that names a length it does not have is not unpacked beyond it.
    #[test]
    fn only_one_whole_member_within_the_limit_is_unpacked() {
        let text = b"{\"readings\":[]}".repeat(100);
        let good = pack(&text);
        assert_eq!(unpacked(&good), Ok(text.clone()));
        assert_eq!(unpacked(&pack(b"")), Ok(vec![]));
        let naming = |bytes: &[u8], length: u32| {
            let mut packed = bytes.to_vec();
            let end = packed.len() - 4;
            packed[end..].copy_from_slice(&length.to_le_bytes());
            packed
        };
        let bomb = pack(&vec![b' '; 50 * BYTES_MAX]);
        let (malformed, too_large) = (Err(ErrorCode::BodyMalformed), Err(ErrorCode::BodyTooLarge));
        for (what, packed, expected) in [
            ("nothing", vec![], &malformed),
            ("a bomb that says so", bomb.clone(), &too_large),
            ("a bomb that says it is small", naming(&bomb, 1500), &malformed),
            ("a bomb that says it is nothing", naming(&bomb, 0), &malformed),
            ("one that says it is longer", naming(&good, 1501), &malformed),
            ("one that says it is shorter", naming(&good, 1499), &malformed),
            ("two members", [good.clone(), good.clone()].concat(), &malformed),
            ("a member and an empty one", [good.clone(), pack(b"")].concat(), &malformed),
            ("something after it", [good.as_slice(), b"more"].concat(), &malformed),
            ("its own length after it", [good.as_slice(), &1500_u32.to_le_bytes()].concat(), &malformed),
            ("not packed", text.clone(), &malformed),
        ] {
            assert_eq!(&unpacked(&packed), expected, "{what}");
        }
        for end in 0..good.len() {
            assert!(unpacked(&good[..end]).is_err(), "cut after {end} bytes");
        }
    }

    proptest! {
        /// Whatever byte is changed, the text comes out as it was (a byte of the head that says nothing) or not at all.
        #[test]
        fn a_changed_byte_never_gives_another_text(text in proptest::collection::vec(any::<u8>(), 0..2000), place in any::<proptest::sample::Index>(), mask in 1_u8..) {
            let mut packed = pack(&text);
            let place = place.index(packed.len());
            packed[place] ^= mask;
            if let Ok(read) = unpacked(&packed) {
                prop_assert_eq!(read, text, "byte {}", place);
            }
        }

        #[test]
        fn anything_at_all_is_unpacked_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
            if let Ok(read) = unpacked(&bytes) {
                prop_assert!(read.len() <= BYTES_MAX);
            }
        }
    }
}
