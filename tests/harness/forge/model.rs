//! A verifier written from the agreement alone, and the same with one check left out: what the forger must find.

use super::corpus::{Corpus, EPOCH, HIGHEST};
use crate::{
    signed_client::Call,
    trouble::{Doing, Trouble},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use httpsig::prelude::{AlgorithmName, PublicKey, VerifyingKey as _};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use vitals::wire::signing::{RequestNumber, WINDOW};

macro_rules! skips {
    ($($(#[$doc:meta])* $skips:ident = $name:literal,)+) => {
        /// The one check that is left out.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Skips {
            $($(#[$doc])* $skips,)+
        }

        impl Skips {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$skips,)+];

            /// What such a verifier does.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$skips => $name,)+
                }
            }
        }
    };
}

skips! {
    /// Any 64 bytes pass for a signature.
    Signature = "takes any signature",
    /// The method is not looked at.
    Method = "does not look at the method",
    /// The path is not looked at.
    Path = "does not look at the path",
    /// The query is not looked at.
    Query = "does not look at the query",
    /// The type is not looked at.
    ContentType = "does not look at the content type",
    /// The encoding is not looked at.
    ContentEncoding = "does not look at the content encoding",
    /// The digest that was signed is not looked at.
    SignedDigest = "does not look at the digest that was signed",
    /// The body is not compared with its digest.
    Body = "does not compare the body with its digest",
    /// The parameters are not part of what is verified.
    Parameters = "does not look at the parameters",
    /// Any hub's key will do.
    WhoseKey = "takes any hub's key",
    /// A key that has ended will do.
    EndedKeys = "takes keys that have ended",
    /// Numbers that were taken are forgotten.
    Replays = "forgets the numbers it has taken",
    /// Numbers are only looked at where they are within the window.
    Window = "does not look below the window",
    /// Epochs are not looked at.
    Epochs = "lets an epoch that has ended begin again",
}

struct Key {
    hub: &'static str,
    key: PublicKey,
    has_ended: bool,
}

pub(super) struct Model {
    skips: Option<Skips>,
    keys: Vec<Key>,
    /// By hub, the numbers taken in the epoch that counts.
    taken: BTreeMap<String, BTreeSet<u64>>,
}

impl Model {
    /// A verifier that has taken what was sent.
    pub(super) fn new(corpus: &Corpus, skips: Option<Skips>) -> Result<Self, Trouble> {
        let (mut keys, mut taken) = (Vec::new(), BTreeMap::new());
        for signer in corpus.signers() {
            let own = [(Some(&signer.key), false), (signer.ended.as_ref(), true)];
            for (key, has_ended) in own.into_iter().filter_map(|(key, has_ended)| Some((key?, has_ended))) {
                let public = key.public_key().doing("take a public key")?;
                let key = PublicKey::from_bytes(&AlgorithmName::Ed25519, &public).doing("take a public key")?;
                keys.push(Key { hub: signer.name, key, has_ended });
            }
            taken.insert(signer.name.to_owned(), [1, 2, 3, HIGHEST - 1, HIGHEST].into());
        }
        Ok(Self { skips, keys, taken })
    }

    /// Whether it takes a request. What it does not look at, it believes to be as in `original`.
    pub(super) fn takes(&mut self, original: &Call, call: &Call) -> bool {
        self.looks_good(original, call).unwrap_or(false)
    }

    fn looks_good(&mut self, original: &Call, call: &Call) -> Option<bool> {
        let looks_at = |part: Skips| if self.skips == Some(part) { original } else { call };
        for name in ["signature", "signature-input", "content-digest", "content-type", "content-encoding"] {
            let count = call.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).count();
            if count != 1 {
                return None;
            }
        }
        let input = call.header("signature-input")?.strip_prefix("hub=")?;
        let covered = r#"("@method" "@path" "@query" "content-type" "content-encoding" "content-digest");created="#;
        let (_created, rest) = input.strip_prefix(covered)?.split_once(";nonce=\"")?;
        let (nonce, rest) = rest.split_once("\";keyid=\"")?;
        let (hub, rest) = rest.split_once("\";tag=\"")?;
        let tag = rest.strip_suffix('"')?;
        let is_ours = tag == "derwent-hub-v1" || self.skips == Some(Skips::Parameters);
        let target: actix_web::http::Uri = looks_at(Skips::Path).target.parse().ok()?;
        let query: actix_web::http::Uri = looks_at(Skips::Query).target.parse().ok()?;
        let signed_input = looks_at(Skips::Parameters).header("signature-input")?.strip_prefix("hub=")?;
        let base = [
            format!("\"@method\": {}", looks_at(Skips::Method).method),
            format!("\"@path\": {}", target.path()),
            format!("\"@query\": ?{}", query.query().unwrap_or_default()),
            format!("\"content-type\": {}", looks_at(Skips::ContentType).header("content-type")?),
            format!("\"content-encoding\": {}", looks_at(Skips::ContentEncoding).header("content-encoding")?),
            format!("\"content-digest\": {}", looks_at(Skips::SignedDigest).header("content-digest")?),
            format!("\"@signature-params\": {signed_input}"),
        ]
        .join("\n");
        let signature = STANDARD.decode(call.header("signature")?.strip_prefix("hub=:")?.strip_suffix(':')?).ok()?;
        let digest = format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(&call.body)));
        let is_whole = self.skips == Some(Skips::Body) || call.header("content-digest") == Some(digest.as_str());
        if !(is_ours && is_whole && self.is_signed(hub, base.as_bytes(), &signature)) {
            return None;
        }
        // The epoch and the number last: only a request that is the hub's own takes one.
        let RequestNumber { epoch, sequence } = RequestNumber::parse(nonce).ok()?;
        let is_later = epoch > EPOCH || (epoch < EPOCH && self.skips == Some(Skips::Epochs));
        if !is_later && epoch != EPOCH {
            return None;
        }
        let taken = if is_later { &BTreeSet::new() } else { self.taken.get(hub)? };
        let highest = taken.last().copied().unwrap_or(0);
        let is_below = sequence == 0 || highest.saturating_sub(sequence) >= WINDOW;
        let is_new = self.skips == Some(Skips::Replays) || !taken.contains(&sequence);
        Some(is_new && (!is_below || matches!(self.skips, Some(Skips::Window | Skips::Replays))))
    }

    fn is_signed(&self, hub: &str, base: &[u8], signature: &[u8]) -> bool {
        if self.skips == Some(Skips::Signature) {
            return signature.len() == 64 && self.keys.iter().any(|key| key.hub == hub);
        }
        let may = |key: &&Key| {
            (key.hub == hub || self.skips == Some(Skips::WhoseKey))
                && (!key.has_ended || self.skips == Some(Skips::EndedKeys))
        };
        self.keys.iter().filter(may).any(|key| key.key.verify(base, signature).is_ok())
    }
}
