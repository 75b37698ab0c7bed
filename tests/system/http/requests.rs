//! Who a request is from: every way to leave out, reorder, forge or change a part of what a hub signs gets its code,
//! changes nothing, and leaves the hub able to go on.

use super::{receipt, start, taken_now};
use harness::{
    service::{ADA, HUB_B, Setup, TestService},
    signed_client::{Call, Seal, TestHub, batch},
};
use ingest::events::ServiceEvent;
use vitals::{
    ErrorCode::{self, *},
    wire::v1::Outcome,
};

/// A good request of hub A, not yet signed.
fn unsigned(service: &TestService) -> Call {
    let at = service.clock.read();
    TestHub::unsigned(batch(&[taken_now(service, ADA, 1, "128/79")], at))
}

/// Sends what must be refused: with this code, with one event that says so, and with nothing written.
fn check(service: &TestService, what: &str, call: &Call, code: ErrorCode) {
    let (before, is_refusal) =
        (service.see().unwrap(), |event: &ServiceEvent| matches!(event, ServiceEvent::RequestRefused { .. }));
    let refusals = service.events.count(is_refusal);
    let answer = service.send(call).unwrap();
    super::is_refused(&answer, code).unwrap_or_else(|wrong| panic!("{what}: {wrong}"));
    assert_eq!(service.see().unwrap(), before, "{what}: it was refused, and yet it changed something");
    assert_eq!(service.events.count(is_refusal), refusals + 1, "{what}");
    // Beside it the service's own work goes on, and says so.
    let last = service.events.all().into_iter().rev().find(is_refusal);
    assert_eq!(last, Some(ServiceEvent::RequestRefused { code }), "{what}");
}

/// How a seal is spoiled before it is put on.
type Spoil = Box<dyn Fn(Seal) -> Seal>;

/// Checks rows of what is spoiled, how, and the code, each under a number of its own.
fn check_seals(rows: Vec<(&str, Spoil, ErrorCode)>) {
    let service = start();
    for (what, spoil, code) in rows {
        let seal = spoil(service.hub_a.seal(service.clock.read()));
        let call = seal.put_on(unsigned(&service), service.hub_a.key()).unwrap();
        check(&service, what, &call, code);
    }
    goes_on(&service);
}

/// After everything above, hub A is heard as before.
fn goes_on(service: &TestService) {
    let line = receipt(service, &service.hub_a, &[taken_now(service, ADA, 99, "128/79")]).readings.remove(0);
    assert!(matches!(line.outcome, Outcome::Stored | Outcome::Duplicate), "{line:?}");
}

#[test]
fn a_signature_in_any_other_form_than_the_agreed_one_is_malformed() {
    let text = |text: &str| format!("\"{text}\"");
    let param = |name: &'static str, value: &str| -> Spoil {
        let value = value.to_owned();
        Box::new(move |seal| seal.param(name, &value))
    };
    let mut rows: Vec<(&str, Spoil, ErrorCode)> = vec![
        ("another label", Box::new(|seal| Seal { label: "sig1".into(), ..seal }), SignatureMalformed),
        (
            "components reordered",
            Box::new(|mut seal| {
                seal.components.swap(0, 1);
                seal
            }),
            SignatureMalformed,
        ),
        (
            "a component twice",
            Box::new(|mut seal| {
                seal.components.push("\"@path\"".into());
                seal
            }),
            SignatureMalformed,
        ),
        (
            "an extra component",
            Box::new(|mut seal| {
                seal.components.push("\"@authority\"".into());
                seal
            }),
            SignatureMalformed,
        ),
        (
            "an unknown component",
            Box::new(|mut seal| {
                seal.components.push("\"@bogus\"".into());
                seal
            }),
            SignatureMalformed,
        ),
        (
            "a component with a parameter",
            Box::new(|mut seal| {
                seal.components[3].push_str(";sf");
                seal
            }),
            SignatureMalformed,
        ),
        ("no components", Box::new(|seal| Seal { components: vec![], ..seal }), SignatureMalformed),
        ("another tag", param("tag", "\"derwent-hub-v2\""), SignatureMalformed),
        ("a tag that is no text", param("tag", "derwent-hub-v1"), SignatureMalformed),
        ("an algorithm", param("alg", "\"ed25519\""), SignatureMalformed),
        ("an algorithm that is no text", param("alg", "ed25519"), SignatureMalformed),
        ("an end long past", param("expires", "1"), SignatureMalformed),
        ("an end far away", param("expires", "99999999999"), SignatureMalformed),
        ("an end that is no number", param("expires", "\"tomorrow\""), SignatureMalformed),
        ("a parameter of tomorrow", param("of-tomorrow", "\"1\""), SignatureMalformed),
        ("made before 1970", param("created", "-1"), SignatureMalformed),
        ("made at no time", param("created", "\"now\""), SignatureMalformed),
        ("a key that is no hub's name", param("keyid", &text("pt-ada")), SignatureMalformed),
        ("a very long key name", param("keyid", &text(&"k".repeat(2000))), SignatureMalformed),
        ("a hub nobody knows", param("keyid", &text("hub-of-nobody")), HubUnknown),
        ("another hub's name", param("keyid", &text(HUB_B)), SignatureInvalid),
    ];
    for name in ["created", "nonce", "keyid", "tag"] {
        rows.push((name, Box::new(move |seal| seal.without(name)), SignatureMalformed));
    }
    for place in 0..6 {
        rows.push((
            "a component missing",
            Box::new(move |mut seal| {
                seal.components.remove(place);
                seal
            }),
            SignatureMalformed,
        ));
    }
    for nonce in [
        "",
        "1",
        "1.",
        ".1",
        "01.1",
        "1.01",
        "-1.1",
        "1.-1",
        "+1.1",
        "1.1.1",
        "a.b",
        " 1.1",
        "1.1 ",
        "1,1",
        "4294967296.1",
        "1.18446744073709551616",
    ] {
        rows.push(("a nonce that is no request number", param("nonce", &text(nonce)), SignatureMalformed));
    }
    check_seals(rows);
}

/// Each row changes one thing after the hub has signed.
#[test]
fn a_request_changed_after_signing_is_refused() {
    let service = start();
    let other = TestHub::unsigned(batch(&[], service.clock.read()));
    let (other_digest, other_body) = (other.header("content-digest").unwrap().to_owned(), other.body.clone());
    type Change = Box<dyn Fn(Call) -> Call>;
    let header = |name: &'static str, value: &str| -> Change {
        let value = value.to_owned();
        Box::new(move |call| call.changed(name, &value))
    };
    let target = |target: &'static str| -> Change { Box::new(move |call| Call { target: target.to_owned(), ..call }) };
    let again = |name: &'static str| -> Change {
        Box::new(move |call| {
            let value = call.header(name).unwrap().to_owned();
            call.with(name, &value)
        })
    };
    let without = |name: &'static str| -> Change { Box::new(move |call| call.without(name)) };
    let zeros = format!("hub=:{}:", "A".repeat(86) + "==");
    let flipped: Change = Box::new(|call| {
        let signature = call.header("signature").unwrap();
        let digits = signature.strip_prefix("hub=:").unwrap();
        let (first, rest) = (digits.chars().next().unwrap(), digits.chars().skip(1).collect::<String>());
        let flipped = format!("hub=:{}{rest}", if first == 'A' { 'B' } else { 'A' });
        call.changed("signature", &flipped)
    });
    let beside: Change = Box::new(|call| {
        let twice = |name| {
            let value = call.header(name).unwrap();
            format!("{value}, other{}", value.strip_prefix("hub").unwrap())
        };
        let (input, signature) = (twice("signature-input"), twice("signature"));
        call.changed("signature-input", &input).changed("signature", &signature)
    });
    let rows: Vec<(&str, Change, ErrorCode)> = vec![
        ("no signature", Box::new(|call| call.without("signature").without("signature-input")), SignatureMissing),
        ("no Signature", without("signature"), SignatureMissing),
        ("no Signature-Input", without("signature-input"), SignatureMissing),
        ("Signature twice", again("signature"), SignatureMalformed),
        ("Signature-Input twice", again("signature-input"), SignatureMalformed),
        ("a second signature beside it", beside, SignatureMalformed),
        ("a Signature that is no signature", header("signature", "hub=1"), SignatureMalformed),
        ("a Signature that does not parse", header("signature", "hub=:::"), SignatureMalformed),
        ("a Signature-Input that does not parse", header("signature-input", "hub=(((((("), SignatureMalformed),
        ("a Signature of another label", header("signature", "sig1=:AAAA:"), SignatureMalformed),
        ("a signature of noughts", header("signature", &zeros), SignatureInvalid),
        ("a signature of three bytes", header("signature", "hub=:AAAA:"), SignatureInvalid),
        ("one bit of the signature", flipped, SignatureInvalid),
        ("no digest", without("content-digest"), DigestMissing),
        ("the digest twice", again("content-digest"), SignatureMalformed),
        ("another digest", header("content-digest", &other_digest), SignatureInvalid),
        ("another body", Box::new(move |call| call.body(other_body.clone())), DigestMismatch),
        (
            "one byte more",
            Box::new(|mut call| {
                call.body.push(b' ');
                call
            }),
            DigestMismatch,
        ),
        ("a query", target("/v1/batches?x=1"), SignatureInvalid),
        ("the path in other letters", target("/v1/%62atches"), SignatureInvalid),
        ("the content type in other letters", header("content-type", "Application/JSON"), SignatureInvalid),
        ("the content type twice", again("content-type"), SignatureMalformed),
        ("the encoding twice", again("content-encoding"), SignatureMalformed),
    ];
    for (what, change, code) in rows {
        let call =
            change(service.hub_a.seal(service.clock.read()).put_on(unsigned(&service), service.hub_a.key()).unwrap());
        check(&service, what, &call, code);
    }
    goes_on(&service);
}

/// A digest that is signed and right, but not by SHA-256, is one we cannot check: not "damaged on the way", which would
/// make the hub send it for ever.
#[test]
fn a_digest_by_another_algorithm_is_no_digest() {
    let service = start();
    for digest in ["sha-512=:AAAA:", "md5=:AAAA:", "sha-256", "", "sha-256=AAAA"] {
        let call = unsigned(&service).changed("content-digest", digest);
        let call = service.hub_a.seal(service.clock.read()).put_on(call, service.hub_a.key()).unwrap();
        check(&service, digest, &call, DigestMissing);
    }
    goes_on(&service);
}

/// What is signed may hold a query, and what is advisory may be anything: these are heard.
#[test]
fn the_signature_covers_the_query_and_leaves_created_to_the_hub() {
    let service = start();
    let at = service.clock.read();
    for (what, target, created) in [
        ("a query that was signed", "/v1/batches?x=1", at),
        ("an empty query", "/v1/batches?", at),
        ("a hub whose clock is years behind", "/v1/batches", at - chrono::TimeDelta::weeks(500)),
        ("a hub whose clock is years ahead", "/v1/batches", at + chrono::TimeDelta::weeks(500)),
    ] {
        let call = Call { target: target.to_owned(), ..unsigned(&service) };
        let call = service.hub_a.seal(created).put_on(call, service.hub_a.key()).unwrap();
        let answer = service.send(&call).unwrap();
        assert_eq!(answer.status, 200, "{what}: {answer:?}");
    }
}

/// The verifier is shown keys that are not the hubs': the very request that a good service takes is refused.
#[test]
fn a_request_is_refused_where_the_service_knows_the_hub_by_another_key() {
    let wrong = TestService::start(Setup { has_wrong_keys: true, ..Setup::default() }).unwrap();
    let call = wrong.hub_a.seal(wrong.clock.read()).put_on(unsigned(&wrong), wrong.hub_a.key()).unwrap();
    check(&wrong, "another key", &call, SignatureInvalid);
    let right = start();
    assert_eq!(right.send(&call).unwrap().status, 200, "the same bytes, where the key is the hub's");
}

/// A forged request with a high number must not push the hub's own numbers out of the window.
#[test]
fn a_forged_request_does_not_move_the_window_of_numbers() {
    let service = start();
    goes_on(&service);
    let forged = Seal::new(service.hub_a.name(), "1.1000000", service.clock.read());
    check(&service, "forged", &forged.put_on(unsigned(&service), service.hub_b.key()).unwrap(), SignatureInvalid);
    let epoch = Seal::new(service.hub_a.name(), "7.1", service.clock.read());
    check(&service, "forged", &epoch.put_on(unsigned(&service), service.hub_b.key()).unwrap(), SignatureInvalid);
    goes_on(&service);
}
