//! The one form, held to what reads every form: each head below goes to our verifier and to the `httpsig` crate, used as
//! the service used it before, and both must say the same. Heads are good ones, spoilt in ways somebody thought of and in
//! ways nobody did, before the hub signs and after.
//!
//! The one difference is stated: in the Signature header the crate lets pass what nobody writes (parameters, a label
//! twice, base64 without its padding or with bits of no byte), and we do not.

use super::*;
use crate::access::HubEntry;
use actix_web::{http::header::HeaderName, test::TestRequest};
use ed25519_dalek::{Signer as _, SigningKey};
use httpsig::prelude::{
    AlgorithmName, HttpSignatureBase, HttpSignatureHeaders, PublicKey,
    message_component::{HttpMessageComponent, HttpMessageComponentId},
};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// What both say of a head: which hub, number and digest, or which code.
type Said = Result<(HubId, RequestNumber, String), ErrorCode>;

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn hubs() -> HubRegistry {
    let entry = |key: &SigningKey| HubEntry { public_key: key.verifying_key().to_bytes(), patients: BTreeSet::new() };
    let hub = |name| HubId::parse(name).unwrap();
    HubRegistry::new([(hub("hub-1"), entry(&key())), (hub("hub-2"), entry(&SigningKey::from_bytes(&[8; 32])))].into())
}

/// A request's head before it is made.
#[derive(Debug, Clone)]
struct Head {
    target: String,
    headers: Vec<(String, Vec<u8>)>,
}

impl Head {
    fn good() -> Self {
        let digest = digest_of(b"{}");
        let input = r#"hub=("@method" "@path" "@query" "content-type" "content-encoding" "content-digest");created=1780297200;nonce="3.42";keyid="hub-1";tag="derwent-hub-v1""#;
        let headers = [
            ("content-type", "application/json"),
            ("content-encoding", "identity"),
            ("content-digest", digest.as_str()),
            ("signature-input", input),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
        Self { target: "/v1/batches".to_owned(), headers: headers.into() }
    }

    fn value(&mut self, name: &str) -> &mut Vec<u8> {
        &mut self.headers.iter_mut().find(|(known, _)| known == name).unwrap().1
    }

    /// Signs what Signature-Input says, as it stands there, whatever it says.
    fn sign(mut self) -> Self {
        let input = String::from_utf8_lossy(self.value("signature-input")).into_owned();
        let params = input.strip_prefix("hub=").unwrap_or(&input).to_owned();
        let Some(request) = self.request() else { return self };
        let base = base(request.head(), &params).unwrap_or_default();
        let signature = STANDARD.encode(key().sign(base.as_bytes()).to_bytes());
        self.headers.push(("signature".to_owned(), format!("hub=:{signature}:").into_bytes()));
        self
    }

    /// The request, where HTTP has such a one.
    fn request(&self) -> Option<actix_web::HttpRequest> {
        self.target.parse::<actix_web::http::Uri>().ok()?;
        let mut request = TestRequest::post().uri(&self.target);
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            let value = actix_web::http::header::HeaderValue::from_bytes(value).ok()?;
            request = request.append_header((name, value));
        }
        Some(request.to_http_request())
    }

    /// What our verifier and the crate say; none where HTTP has no such head.
    fn said(&self) -> Option<(Said, Said)> {
        let (request, hubs) = (self.request()?, hubs());
        let ours = verify(request.head(), &hubs, DateTime::UNIX_EPOCH)
            .map(|signed| (signed.hub.id().clone(), signed.number, signed.digest));
        Some((ours, by_httpsig(request.head())))
    }

    /// Whether the Signature header is spelled as the crate itself would write what it read there.
    fn signature_is_in_its_one_spelling(&self) -> bool {
        let value = |wanted| {
            let (_, value) = self.headers.iter().find(|(name, _)| name == wanted)?;
            str::from_utf8(value).ok().map(str::trim)
        };
        let (Some(signature), Some(input)) = (value("signature"), value("signature-input")) else { return false };
        let read = HttpSignatureHeaders::try_parse(signature, input);
        read.is_ok_and(|read| read.get(LABEL).is_some_and(|ours| ours.signature_header_value() == signature))
    }

    fn check(&self) {
        let Some((ours, theirs)) = self.said() else { return };
        if ours != theirs {
            assert_eq!(ours, Err(ErrorCode::SignatureMalformed), "{self:?}: the crate says {theirs:?}");
            assert!(!self.signature_is_in_its_one_spelling(), "{self:?}: the crate says {theirs:?}");
        }
    }
}

/// The verifier as it was when the crate parsed, built the base, and verified.
fn by_httpsig(head: &RequestHead) -> Said {
    let signature = one(&head.headers, "signature", ErrorCode::SignatureMissing)?;
    let input = one(&head.headers, "signature-input", ErrorCode::SignatureMissing)?;
    let digest = one(&head.headers, "content-digest", ErrorCode::DigestMissing)?;
    if !digest.starts_with("sha-256=:") {
        return Err(ErrorCode::DigestMissing);
    }
    let malformed = ErrorCode::SignatureMalformed;
    let mut labelled = HttpSignatureHeaders::try_parse(signature, input).map_err(|_cause| malformed)?;
    let signed = labelled.swap_remove(LABEL).filter(|_| labelled.is_empty()).ok_or(malformed)?;
    let params = signed.signature_params();
    if input != signed.signature_input_header_value() {
        return Err(malformed);
    }
    let is_agreed = params.tag.as_deref() == Some(TAG)
        && params.created.is_some()
        && params.expires.is_none()
        && params.alg.is_none();
    if !is_agreed {
        return Err(malformed);
    }
    let lines = COMPONENTS.map(|component| {
        let value = match component {
            "@method" => head.method.as_str().to_owned(),
            "@path" => head.uri.path().to_owned(),
            "@query" => head.uri.query().map_or_else(|| EMPTY_QUERY.to_owned(), |query| format!("?{query}")),
            field => one(&head.headers, field, malformed)?.to_owned(),
        };
        let id = HttpMessageComponentId::try_from(format!("\"{component}\"").as_str()).unwrap();
        HttpMessageComponent::try_from((&id, [value].as_slice())).map_err(|_cause| malformed)
    });
    let lines = lines.into_iter().collect::<Result<Vec<_>, _>>()?;
    if !params.covered_components.iter().eq(lines.iter().map(|line| &line.id)) {
        return Err(malformed);
    }
    let number = params.nonce.as_deref().and_then(|nonce| RequestNumber::parse(nonce).ok()).ok_or(malformed)?;
    let hub = params.keyid.as_deref().and_then(|keyid| HubId::parse(keyid).ok()).ok_or(malformed)?;
    let seed = match hub.as_str() {
        "hub-1" => [7; 32],
        "hub-2" => [8; 32],
        _ => return Err(ErrorCode::HubUnknown),
    };
    let public = SigningKey::from_bytes(&seed).verifying_key().to_bytes();
    let public = PublicKey::from_bytes(&AlgorithmName::Ed25519, &public).unwrap();
    let base = HttpSignatureBase::try_new(&lines, params).map_err(|_cause| malformed)?;
    base.verify_signature_headers(&public, &signed).map_err(|_cause| ErrorCode::SignatureInvalid)?;
    Ok((hub, number, digest.to_owned()))
}

/// Both verifiers take a good head, so that agreeing on the others means something.
#[test]
fn a_good_head_is_taken_by_both() {
    let number = RequestNumber { epoch: 3, sequence: 42 };
    let good = (HubId::parse("hub-1").unwrap(), number, digest_of(b"{}"));
    assert_eq!(Head::good().sign().said(), Some((Ok(good.clone()), Ok(good))));
}

/// Texts that stand in for one another: what is near the agreed form without being it.
#[test]
fn what_is_near_the_agreed_form_is_judged_as_the_crate_judges_it() {
    let swaps: &[(&str, &[&str])] = &[
        (
            "hub=",
            &["hub =", "hub= ", " hub=", "Hub=", "sig1=", "hub", "=", "", "hub=?1, hub=", "hub=1;", "hub=();x, hub="],
        ),
        (
            "(\"@method\"",
            &["(  \"@method\"", "(\"@method\";req", "(\"@METHOD\"", "(@method", "(\"\\@method\"", "((\"@method\""],
        ),
        (
            " \"@path\"",
            &["  \"@path\"", "\t\"@path\"", "", " \"@path\" \"@path\"", " \"@request-target\"", " \"@path\";sf"],
        ),
        (" \"@query\"", &[" \"@query-param\"", " \"@query-param\";name=\"x\"", " \"@query\";req"]),
        (
            " \"content-type\"",
            &[" \"Content-Type\"", " \"content-type\";sf", " \"content-type\";bs", " \"content-type\";key=\"a\""],
        ),
        (
            "\"content-digest\")",
            &["\"content-digest\" )", "\"content-digest\"", "\"content-digest\"))", "\"content-digest\" \"date\")"],
        ),
        (
            "created=1780297200",
            &[
                "created=0",
                "created=00",
                "created=-0",
                "created=-1",
                "created=01",
                "created=1.0",
                "created=@1",
                "created=\"1\"",
                "created",
                "created=",
                "created=?1",
                "created=999999999999999",
                "created=1000000000000000",
                "created=18446744073709551615",
                "created=1;created=2",
                "created=2;expires=3",
                "created= 1",
                "created=1 ",
                "CREATED=1",
                "created=+1",
                "created=:AA==:",
                "created=1e3",
                "created=1\u{660}",
            ],
        ),
        (";created", &[" ;created", "; created", ";;created", ";", ""]),
        (
            "nonce=\"3.42\"",
            &[
                "nonce=\"0.1\"",
                "nonce=\"3.42\\\"\"",
                "nonce=\"3\\.42\"",
                "nonce=3.42",
                "nonce=\"03.42\"",
                "nonce=\"3.042\"",
                "nonce=\"4294967295.18446744073709551615\"",
                "nonce=\"4294967296.1\"",
                "nonce=\"1.18446744073709551616\"",
                "nonce=\"+3.42\"",
                "nonce=\"3.\"",
                "nonce=\".42\"",
                "nonce=\"3.42.1\"",
                "nonce=\"\"",
                "nonce=\"3.42\";alg=\"ed25519\"",
                "nonce=\"3.42\";nonce=\"3.43\"",
                "nonce=\"9.9\";nonce=\"3.42\"",
                "nonce=\" 3.42\"",
                "nonce=\"3.42",
                "nonce=\"3.42\";x",
                "nonce=\"3.42\";expires=99999999999",
                "nonce=\"3.-42\"",
                "nonce=\"\\\"",
                "nonce=\"\\\\\"",
                "nonce=%\"3.42\"",
            ],
        ),
        (
            "keyid=\"hub-1\"",
            &[
                "keyid=\"hub-2\"",
                "keyid=\"hub-3\"",
                "keyid=\"hub-\"",
                "keyid=\"pt-1\"",
                "keyid=\"hub-1 \"",
                "keyid=hub-1",
                "keyid=\"hub-1\";keyid=\"hub-2\"",
                "keyid=\"HUB-1\"",
                "keyid=\"hub-\\\\1\"",
                "keyid=:aHViLTE=:",
                "keyid=\"\"",
                "keyid=\"hub-1\";tag=\"x\"",
                "keyid=\"hub-1\";nonce=\"3.42\"",
                "keyid=\"hub-1\";keyid=\"hub-1\"",
            ],
        ),
        (
            "tag=\"derwent-hub-v1\"",
            &[
                "tag=\"derwent-hub-v2\"",
                "tag=derwent-hub-v1",
                "tag=\"derwent-hub-v1\" ",
                "tag=\"derwent-hub-v1\";tag=\"derwent-hub-v1\"",
                "tag=\"derwent-hub-v1\";x=1",
                "tag=\"derwent-hub-v1\", other=()",
                "tag=\"derwent-hub-v1\",",
                "tag=\"derwent-hub-v1",
                "tag=\"derwent-hub-v1\"\"",
                "tag",
                "tag=\"derwent-hub-v1\\\"",
                "tag=\"derwent-hub-v1\";",
                "tag=\"Derwent-hub-v1\"",
            ],
        ),
    ];
    let mut seen = BTreeSet::new();
    for (text, others) in swaps {
        for other in *others {
            let mut head = Head::good();
            let input = String::from_utf8(head.value("signature-input").clone()).unwrap();
            assert!(input.contains(text), "{text}");
            *head.value("signature-input") = input.replacen(text, other, 1).into_bytes();
            for head in [head.clone().sign(), {
                let mut signed = Head::good().sign();
                signed.value("signature-input").clone_from(head.value("signature-input"));
                signed
            }] {
                head.check();
                seen.extend(head.said().map(|(ours, _)| ours.err()));
            }
        }
    }
    let codes =
        [None, Some(ErrorCode::SignatureMalformed), Some(ErrorCode::SignatureInvalid), Some(ErrorCode::HubUnknown)];
    assert_eq!(seen, codes.into(), "the rows reach every answer there is");
}

/// The Signature header: what the crate lets pass and we do not is exactly what it would not write itself.
#[test]
fn a_signature_has_one_spelling() {
    let good = Head::good().sign();
    let text = String::from_utf8(good.clone().value("signature").clone()).unwrap();
    let base64 = text.strip_prefix("hub=:").and_then(|rest| rest.strip_suffix(':')).unwrap();
    let bare = base64.strip_suffix("==").unwrap();
    // The last letter before the padding holds four bits that are of no byte; the next letter has one of them set.
    let (last, rest) = bare.as_bytes().split_last().unwrap();
    let same_bytes = format!("{}{}==", str::from_utf8(rest).unwrap(), char::from(last + 1));
    let rows = [
        (format!("hub=:{base64}:;x=1"), true),
        (format!("hub=:AAAA:, hub=:{base64}:"), true),
        (format!("hub=1, hub=:{base64}:"), true),
        (format!("hub=:{bare}:"), true),
        (format!("hub=:{base64}:, other=:AAAA:"), false),
        (format!("hub=:{base64}"), false),
        (format!("hub={base64}"), false),
        (format!("hub=\"{base64}\""), false),
        (format!("hub=:{base64} :"), false),
        (format!("hub=:{}:", base64.replace('+', "-").replace('/', "_") + "-_"), false),
        (format!("hub=:{same_bytes}:"), true),
        (format!("sig1=:{base64}:"), false),
        (format!("hub=:{base64}{base64}:"), false),
        ("hub=::".to_owned(), false),
        ("hub=:AAAA:".to_owned(), false),
        (format!("hub=:{}==:", "A".repeat(86)), false),
    ];
    for (signature, passes_the_crate) in rows {
        let mut head = good.clone();
        *head.value("signature") = signature.clone().into_bytes();
        head.check();
        let (ours, theirs) = head.said().unwrap();
        assert_eq!((ours.is_ok(), theirs.is_ok()), (false, passes_the_crate), "{signature}");
    }
}

/// A key that is no point, or one of small order, verifies nothing; and the number that the crate and RFC 8032 refuse, too.
#[test]
fn weak_keys_and_second_spellings_of_a_signature_verify_nothing() {
    let hub = HubId::parse("hub-1").unwrap();
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut no_point = [0; 32];
    no_point[0] = 2;
    for public_key in [identity, [0; 32], no_point] {
        let registry = HubRegistry::new([(hub.clone(), HubEntry { public_key, patients: BTreeSet::new() })].into());
        let mut forged = [0; 64];
        forged[0] = 1;
        assert!(
            registry.known(&hub).unwrap().verify(b"anything", &forged, DateTime::UNIX_EPOCH).is_err(),
            "{public_key:?}"
        );
    }
    let registry = hubs();
    let known = registry.known(&hub).unwrap();
    let good = key().sign(b"base").to_bytes();
    assert!(known.verify(b"base", &good, DateTime::UNIX_EPOCH).is_ok());
    // The order of the group, added to S: the same number in the equation, and another signature.
    let order = vitals::hex::decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").unwrap();
    let (mut second, mut carry) = (good, 0);
    for (digit, add) in second[32..].iter_mut().zip(order) {
        let sum = u16::from(*digit) + u16::from(add) + carry;
        (*digit, carry) = (sum.to_le_bytes()[0], sum >> 8);
    }
    assert!(known.verify(b"base", &second, DateTime::UNIX_EPOCH).is_err());
}

/// One spoiling of a head nobody thought of: bytes replaced, put in, taken out or moved in one of its texts.
fn spoilt(head: &mut Head, (which, place, how, what): (usize, usize, u8, u8)) {
    const TELLING: &[u8] = b"\"\\;=,:()@ \t?%-+.0129azAZ*\x7f\x80\xff";
    let names = ["signature-input", "signature", "content-digest", "content-type", "content-encoding"];
    let mut name = names[which % names.len()];
    if !head.headers.iter().any(|(known, _)| known == name) {
        name = "signature-input";
    }
    let byte = TELLING[usize::from(what) % TELLING.len()];
    let value = head.value(name);
    let place = place % (value.len() + 1);
    match how % 5 {
        0 => value.insert(place, byte),
        1 if place < value.len() => value[place] = byte,
        2 if place < value.len() => drop(value.remove(place)),
        3 => {
            let end = (place + usize::from(what)).min(value.len());
            let part = value[place..end].to_vec();
            value.splice(place..place, part);
        }
        4 => drop(value.drain(place..(place + usize::from(what) % 24).min(value.len()))),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    /// Spoilt before the hub signs, so that only the form can be wrong, and after, so that anything can.
    #[test]
    fn ours_and_the_crate_agree_on_any_head(
        before in proptest::collection::vec((0_usize..5, 0_usize..300, 0_u8..5, any::<u8>()), 0..3),
        after in proptest::collection::vec((0_usize..5, 0_usize..300, 0_u8..5, any::<u8>()), 0..3),
        target in prop_oneof![4 => Just("/v1/batches".to_owned()), 1 => "/v1/batches(\\?[a-z=&%]{0,5})?"],
    ) {
        let mut head = Head { target, ..Head::good() };
        before.into_iter().for_each(|spoil| spoilt(&mut head, spoil));
        let mut head = head.sign();
        after.into_iter().for_each(|spoil| spoilt(&mut head, spoil));
        head.check();
    }
}
