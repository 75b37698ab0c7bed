//! The ways to spoil a good request, or to send one that is none.

use super::{
    Draw,
    corpus::{Corpus, EPOCH, Fresh, HIGHEST, Signer, bodies},
};
use crate::{
    service::MORNING,
    signed_client::{Call, Seal},
    trouble::{Doing, Trouble},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hub_agent::uplink::sign::HubKey;
use sha2::{Digest, Sha256};
use vitals::wire::{hello::HELLO_PATH, signing::WINDOW, v1::BATCHES_PATH};

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)+) => {
        /// What is spoilt.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Kind {
            $($(#[$doc])* $kind,)+
        }

        impl Kind {
            pub(super) const ALL: &'static [Self] = &[$(Self::$kind,)+];

            pub(super) fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }
        }
    };
}

kinds! {
    /// A byte of the bytes of the signature, spelled properly.
    SignatureBytes = "a bit of the signature",
    /// A byte of the signature as it stands in its header.
    SignatureText = "the text of the signature header",
    /// The signature with the order of the group added, small points, noughts.
    SignatureForm = "a second form of the signature",
    /// A byte of what says what was signed.
    Input = "the text of signature-input",
    /// Another value of a parameter: number, hub, time, tag.
    Parameters = "a parameter of the signature",
    /// Components left out, swapped, doubled.
    Components = "the list of what is signed",
    /// A byte of the headers that are signed.
    Headers = "a signed header",
    /// A header left out or there twice.
    Presence = "a header left out or doubled",
    /// A byte of the body.
    Body = "the body",
    /// Another body with its right digest.
    BodyAndDigest = "the body and its digest",
    /// Another path or query.
    Target = "the path or query",
    /// Another method.
    Method = "the method",
    /// Parts of two good requests.
    Spliced = "parts of two good requests",
    /// Signed with another hub's key.
    OtherKey = "another hub's key",
    /// Signed with a key of the same hub that has ended.
    EndedKey = "a key that has ended",
    /// What was taken, again.
    Replayed = "sent again",
    /// Properly signed, its number too old to tell.
    TooOld = "a number below the window",
    /// Properly signed, of an epoch that has ended.
    OldEpoch = "an epoch that has ended",
    /// Another epoch or number put into what was signed.
    OtherEpoch = "another epoch written over",
}

/// A spoilt request.
pub(super) struct Spoilt {
    pub(super) kind: Kind,
    /// What it was made of.
    pub(super) original: Call,
    pub(super) call: Call,
}

/// One more; none where what was drawn says the same as the good request.
pub(super) fn spoil(corpus: &Corpus, draw: &Draw) -> Result<Option<Spoilt>, Trouble> {
    let kind = *draw.one(Kind::ALL)?;
    let Fresh { hub, call: original } = draw.one(corpus.fresh())?.clone();
    let signers = corpus.signers();
    let signer = signers.get(hub).ok_or_else(|| Trouble::new("forge", "a request is nobody's"))?;
    let good = original.clone();
    let call = match kind {
        Kind::SignatureBytes => {
            let mut bytes = signature_of(&good)?;
            let place = draw.below(bytes.len());
            if let Some(byte) = bytes.get_mut(place) {
                *byte ^= 1 << draw.below(8);
            }
            with_signature(good, &bytes)
        }
        Kind::SignatureText => in_header(good, "signature", draw),
        Kind::SignatureForm => {
            let bytes = another_form(&signature_of(&good)?, draw);
            with_signature(good, &bytes)
        }
        Kind::Input => in_header(good, "signature-input", draw),
        Kind::Parameters => parameters(good, signers, draw)?,
        Kind::Components => components(good, draw)?,
        Kind::Headers => in_header(good, draw.one(&["content-type", "content-encoding", "content-digest"])?, draw),
        Kind::Presence => presence(good, corpus, draw)?,
        Kind::Body => Call { body: in_bytes(good.body.clone(), draw), ..good },
        Kind::BodyAndDigest => {
            let body = in_bytes(good.body.clone(), draw);
            let digest = format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(&body)));
            good.changed("content-digest", &digest).body(body)
        }
        Kind::Target => target(good, draw)?,
        Kind::Method => {
            let methods = ["GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "POSTS", "post", "POS", "TRACE"];
            Call { method: (*draw.one(&methods)?).to_owned(), ..good }
        }
        Kind::Spliced => spliced(good, corpus, draw)?,
        Kind::OtherKey => {
            let others: Vec<&Signer> = signers.iter().filter(|other| other.name != signer.name).collect();
            let other = draw.one(&others)?;
            if draw.below(2) == 0 {
                // The other's key, under this hub's name.
                signed_anew(hub, signer.name, &other.key, draw)?
            } else {
                // This hub's key, under the other's name.
                signed_anew(hub, other.name, &signer.key, draw)?
            }
        }
        Kind::EndedKey => {
            let ended: Vec<(&Signer, &HubKey)> =
                signers.iter().filter_map(|signer| Some((signer, signer.ended.as_ref()?))).collect();
            let (signer, key) = draw.one(&ended)?;
            signed_anew(hub, signer.name, key, draw)?
        }
        Kind::Replayed => draw.one(corpus.sent())?.clone(),
        Kind::TooOld => {
            let sequence = 1 + u64::try_from(draw.below(1 << 20)).unwrap_or(0) % (HIGHEST - WINDOW);
            signer.sign(any_body(hub, draw)?, EPOCH, sequence)?
        }
        Kind::OldEpoch => {
            let epoch = u32::try_from(draw.below(2)).unwrap_or(0);
            let sequence = 1 + u64::from(draw.byte()) * 100_000;
            signer.sign(any_body(hub, draw)?, epoch, sequence)?
        }
        Kind::OtherEpoch => {
            let sequence = HIGHEST + 1 + u64::from(draw.byte());
            let epoch = EPOCH + u32::from(draw.byte());
            in_input(good, "nonce=\"", '"', &format!("{epoch}.{sequence}"))?
        }
    };
    let is_good = corpus.fresh().iter().any(|fresh| say_the_same(&fresh.call, &call));
    Ok((!is_good).then_some(Spoilt { kind, original, call }))
}

/// Whether two requests are one to whoever receives them. A query that is there and empty is one that is not there
/// (RFC 9421, section 2.2.7), and what follows `#` is never sent on.
fn say_the_same(one: &Call, other: &Call) -> bool {
    let target = |call: &Call| {
        let uri: Option<actix_web::http::Uri> = call.target.parse().ok();
        uri.map(|uri| (uri.path().to_owned(), uri.query().unwrap_or_default().to_owned()))
    };
    let headers = |call: &Call| {
        let mut headers = call.headers.clone();
        headers.sort();
        headers
    };
    one.method == other.method
        && one.body == other.body
        && headers(one) == headers(other)
        && target(one).is_some_and(|one| Some(one) == target(other))
}

fn any_body(hub: usize, draw: &Draw) -> Result<Call, Trouble> {
    Ok(draw.one(&bodies(hub, 1)?)?.clone())
}

/// A request under a number that nobody has used, signed with a key.
fn signed_anew(hub: usize, name: &str, key: &HubKey, draw: &Draw) -> Result<Call, Trouble> {
    let (epoch, sequence) = (EPOCH + u32::from(draw.byte()), HIGHEST + 100 + u64::from(draw.byte()));
    let seal = Seal::new(name, &format!("{epoch}.{sequence}"), MORNING);
    seal.put_on(any_body(hub, draw)?, key).doing("sign a request")
}

fn signature_of(call: &Call) -> Result<Vec<u8>, Trouble> {
    let text = call.header("signature").and_then(|text| text.strip_prefix("hub=:")?.strip_suffix(':'));
    STANDARD.decode(text.unwrap_or_default()).doing("read a good signature")
}

fn with_signature(call: Call, bytes: &[u8]) -> Call {
    call.changed("signature", &format!("hub=:{}:", STANDARD.encode(bytes)))
}

/// The order of the group, little-endian: added to the second half it gives the same number and another signature.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fn another_form(good: &[u8], draw: &Draw) -> Vec<u8> {
    let (commitment, answer) = good.split_at(good.len().min(32));
    match draw.below(6) {
        0 => {
            let mut carry = 0_u16;
            let sum = answer.iter().zip(ORDER).map(|(digit, add)| {
                let sum = u16::from(*digit) + u16::from(add) + carry;
                carry = sum >> 8;
                u8::try_from(sum & 0xff).unwrap_or(0)
            });
            [commitment.to_vec(), sum.collect()].concat()
        }
        1 => [answer, commitment].concat(),
        2 => vec![0; 64],
        3 => [&[1_u8][..], &[0; 63]].concat(),
        4 => [commitment, &[0; 32]].concat(),
        _ => {
            let length = draw.below(130);
            (0..length).map(|_| draw.byte()).collect()
        }
    }
}

/// A byte of a header's value replaced, put in or taken out; the value stays one that a header may have.
fn in_header(call: Call, name: &str, draw: &Draw) -> Call {
    let value = call.header(name).unwrap_or_default().as_bytes().to_vec();
    let spoilt = in_bytes(value, draw).into_iter().map(|byte| if (0x20..0x7f).contains(&byte) { byte } else { b'x' });
    let spoilt: String = spoilt.map(char::from).collect();
    call.changed(name, &spoilt)
}

fn in_bytes(mut bytes: Vec<u8>, draw: &Draw) -> Vec<u8> {
    let place = draw.below(bytes.len().max(1));
    match draw.below(4) {
        0 => bytes.insert(place.min(bytes.len()), 0x20 + draw.byte() % 0x5f),
        1 if place < bytes.len() => drop(bytes.remove(place)),
        2 => bytes.truncate(place),
        _ => {
            if let Some(byte) = bytes.get_mut(place) {
                *byte ^= 1 << draw.below(7);
            }
        }
    }
    bytes
}

/// Another text between two marks of Signature-Input.
fn in_input(call: Call, before: &str, after: char, text: &str) -> Result<Call, Trouble> {
    let input = call.header("signature-input").unwrap_or_default();
    let (head, rest) =
        input.split_once(before).ok_or_else(|| Trouble::new("forge", "a good request has no such mark"))?;
    let (_, tail) = rest.split_once(after).unwrap_or((rest, ""));
    let input = format!("{head}{before}{text}{after}{tail}");
    Ok(call.changed("signature-input", &input))
}

fn parameters(call: Call, signers: &[Signer], draw: &Draw) -> Result<Call, Trouble> {
    match draw.below(5) {
        0 => in_input(call, "created=", ';', &(MORNING.timestamp() + 1 + i64::from(draw.byte())).to_string()),
        1 => in_input(call, "nonce=\"", '"', &format!("{EPOCH}.{}", HIGHEST + 1 + u64::from(draw.byte()))),
        2 => in_input(call, "keyid=\"", '"', draw.one(signers)?.name),
        3 => in_input(call, "keyid=\"", '"', &format!("hub-{}", draw.byte())),
        _ => in_input(call, "tag=\"", '"', draw.one(&["derwent-hub-v2", "derwent-enrol-v1", "", "derwent-hub-v1 "])?),
    }
}

fn components(call: Call, draw: &Draw) -> Result<Call, Trouble> {
    let input = call.header("signature-input").unwrap_or_default().to_owned();
    let list = input.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(list, _)| list.to_owned());
    let mut list: Vec<String> = list.unwrap_or_default().split(' ').map(str::to_owned).collect();
    let (one, other) = (draw.below(list.len()), draw.below(list.len()));
    match draw.below(4) {
        0 if one < list.len() => drop(list.remove(one)),
        1 => list.swap(one, other),
        2 => list.extend(list.get(one).cloned()),
        _ => list.push((*draw.one(&["\"@authority\"", "\"date\"", "\"@target-uri\"", "\"x-anything\""])?).to_owned()),
    }
    in_input(call, "(", ')', &list.join(" "))
}

const SIGNED_HEADERS: [&str; 5] =
    ["signature", "signature-input", "content-digest", "content-type", "content-encoding"];

fn presence(call: Call, corpus: &Corpus, draw: &Draw) -> Result<Call, Trouble> {
    let name = *draw.one(&SIGNED_HEADERS)?;
    if draw.below(2) == 0 {
        return Ok(call.without(name));
    }
    let other = draw.one(corpus.fresh())?.call.header(name).unwrap_or_default().to_owned();
    Ok(call.with(name, &other))
}

fn target(mut call: Call, draw: &Draw) -> Result<Call, Trouble> {
    let other = if call.target == HELLO_PATH { BATCHES_PATH } else { HELLO_PATH };
    let good = call.target.clone();
    let escaped = good.replacen('b', "%62", 1).replacen("hel", "%68el", 1);
    call.target = match draw.below(6) {
        0 => other.to_owned(),
        1 => format!("{good}?{}", char::from(b'a' + draw.byte() % 26)),
        2 => format!("{good}/"),
        3 => format!("/{good}"),
        4 => escaped,
        _ => in_bytes(good.into_bytes(), draw).into_iter().map(char::from).collect(),
    };
    Ok(call)
}

/// Each part from one of two good requests, which may be of two hubs.
fn spliced(call: Call, corpus: &Corpus, draw: &Draw) -> Result<Call, Trouble> {
    let other = &draw.one(corpus.fresh())?.call;
    let mut made = call;
    for name in SIGNED_HEADERS {
        if draw.below(2) == 0 {
            made = made.changed(name, other.header(name).unwrap_or_default());
        }
    }
    if draw.below(2) == 0 {
        made.body.clone_from(&other.body);
    }
    if draw.below(2) == 0 {
        made.target.clone_from(&other.target);
    }
    Ok(made)
}
