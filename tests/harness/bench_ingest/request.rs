//! Requests as they go over the wire: signed as a hub signs them, and written before any clock runs.

use super::world::{Draft, Home, World};
use crate::trouble::{Doing, Trouble};
use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, write::GzEncoder};
use hub_agent::uplink::sign::{Signed, sign};
use sha2::{Digest, Sha256};
use std::io::Write;
use vitals::wire::v1;

/// What a body is.
const JSON: &str = "application/json";

/// How a body is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Identity,
    /// Compressed; the digest is over the bytes as sent.
    Gzip,
}

impl Encoding {
    /// As the header has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
        }
    }
}

/// A request, ready to be written to a socket.
pub(super) struct Written {
    pub(super) bytes: Vec<u8>,
    pub(super) readings: usize,
}

impl AsRef<[u8]> for Written {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Threads that write requests, while nothing is measured.
const WRITERS: usize = 2;

/// Every draft as a signed request.
pub(super) fn write_all(world: &World, drafts: &[Draft], encoding: Encoding) -> Result<Vec<Written>, Trouble> {
    let part = drafts.len().div_ceil(WRITERS).max(1);
    std::thread::scope(|scope| {
        let parts: Vec<_> = drafts
            .chunks(part)
            .map(|drafts| {
                scope.spawn(move || {
                    drafts.iter().map(|draft| write(world.home(draft.home)?, draft, encoding)).collect::<Vec<_>>()
                })
            })
            .collect();
        let written = parts.into_iter().map(|part| {
            part.join().map_err(|_panicked| Trouble::new("write requests", "the thread that writes them has ended"))
        });
        written.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect()
    })
}

fn write(home: &Home, draft: &Draft, encoding: Encoding) -> Result<Written, Trouble> {
    let batch = v1::Batch {
        made_at: v1::moment(draft.made_at),
        lane: v1::Lane::Live,
        readings: draft.readings.iter().map(v1::Reading::from).collect(),
    };
    let json = serde_json::to_vec(&batch).doing("write a batch")?;
    let body = match encoding {
        Encoding::Identity => json,
        Encoding::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(&json).doing("compress a batch")?;
            encoder.finish().doing("compress a batch")?
        }
    };
    let mut bytes =
        format!("POST {} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {}\r\n", v1::BATCHES_PATH, body.len());
    for (name, value) in headers(home, draft, encoding, &body)? {
        bytes.extend([name, ": ", &value, "\r\n"]);
    }
    let mut bytes = (bytes + "\r\n").into_bytes();
    bytes.extend(body);
    Ok(Written { bytes, readings: draft.readings.len() })
}

/// The headers of a request with a body, the signature's among them.
pub(super) fn headers(
    home: &Home,
    draft: &Draft,
    encoding: Encoding,
    body: &[u8],
) -> Result<[(&'static str, String); 5], Trouble> {
    let digest = format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(body)));
    let signed = Signed {
        method: "POST",
        path: v1::BATCHES_PATH,
        content_type: JSON,
        content_encoding: encoding.name(),
        content_digest: &digest,
    };
    let headers = sign(signed, &home.hub, draft.number, &home.key, draft.made_at).doing("sign a request")?;
    Ok([
        ("content-type", JSON.to_owned()),
        ("content-encoding", encoding.name().to_owned()),
        ("signature-input", headers.signature_input),
        ("signature", headers.signature),
        ("content-digest", digest),
    ])
}
