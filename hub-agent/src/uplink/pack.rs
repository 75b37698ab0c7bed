//! A body as it is sent: packed where that pays, with the digest of the bytes that go out.

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, write::GzEncoder};
use hyper::body::Bytes;
use sha2::{Digest, Sha256};
use std::io::Write;

/// The encodings there are, as headers name them.
const IDENTITY: &str = "identity";
const GZIP: &str = "gzip";

/// From this many bytes a body is packed. A smaller one fits into a packet with its head, so packing saves nothing; of larger
/// ones a fifth is left, and mobile lines are paid for by the byte.
pub(super) const PACKED_FROM_BYTES: usize = 1024;

/// A body ready to be signed.
#[derive(Debug, Clone)]
pub(super) struct Packed {
    /// The bytes that go out.
    pub(super) body: Bytes,
    /// Content-Encoding.
    pub(super) encoding: &'static str,
    /// Content-Digest.
    pub(super) digest: String,
}

impl Packed {
    /// Packs JSON where the service unpacks and there is enough of it.
    pub(super) fn of(json: Vec<u8>, may_pack: bool) -> Self {
        let packed = if may_pack && json.len() >= PACKED_FROM_BYTES { gzip(&json) } else { None };
        let (body, encoding) = packed.map_or((json, IDENTITY), |packed| (packed, GZIP));
        let digest = format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(&body)));
        Self { body: body.into(), encoding, digest }
    }

    pub(super) fn is_packed(&self) -> bool {
        self.encoding == GZIP
    }
}

/// None where it cannot be packed, which does not happen in memory: then it goes as it is.
fn gzip(json: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(json).ok()?;
    encoder.finish().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_packed_from_its_size_on_where_it_may_be() {
        for (bytes, may_pack, encoding) in [
            (PACKED_FROM_BYTES - 1, true, "identity"),
            (PACKED_FROM_BYTES, true, "gzip"),
            (PACKED_FROM_BYTES, false, "identity"),
        ] {
            let packed = Packed::of(vec![b' '; bytes], may_pack);
            assert_eq!((packed.encoding, packed.is_packed()), (encoding, encoding == "gzip"), "{bytes} bytes");
            assert_eq!(packed.body.len() < bytes, packed.is_packed());
            let digest = format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(&packed.body)));
            assert_eq!(packed.digest, digest, "the digest is that of the bytes as sent");
        }
    }
}
