//! What a hub makes of the service's word on its next key and certificate, with forgeries; the same forgeries are shown to a
//! hub that skips the signature, which takes them.

use super::*;
use crate::{disk::Folder, tls, uplink::sign::HubKey};
use httpsig::prelude::SigningKey;
use serde::Serialize;
use tempfile::TempDir;

/// Any Ed25519 key signs alike; the hub has this one's maker at hand.
fn signer(seed: u8) -> HubKey {
    HubKey::from_seed([seed; 32]).unwrap()
}

fn key(seed: u8) -> ServiceKey {
    ServiceKey::from_bytes(signer(seed).public_key().unwrap()).unwrap()
}

fn seal(by: u8, what: SealedFor, document: &impl Serialize) -> Sealed {
    let document = serde_json::to_vec(document).unwrap();
    let signature = STANDARD.encode(signer(by).sign(&what.to_sign(&document)).unwrap());
    Sealed { key: String::new(), document: STANDARD.encode(document), signature }
}

/// What says that one key follows another, signed by whoever.
fn next_key(by: u8, from: u8, to: u8) -> Sealed {
    let text = |seed: u8| STANDARD.encode(key(seed).bytes());
    let document = NextKey { made_at: "2026-06-01T12:00:00Z".to_owned(), key: text(from), next: text(to) };
    seal(by, SealedFor::NextKey, &document)
}

fn seeds(keys: &[ServiceKey]) -> Vec<u8> {
    let seed = |known: &ServiceKey| (1..20).find(|seed| key(*seed).bytes() == known.bytes()).unwrap();
    keys.iter().map(seed).collect()
}

/// What holds of every way to follow: no forged statement leads to another key. `Err` names the first that does.
fn follows_no_forgery(is_signed: Judge) -> Result<(), &'static str> {
    let for_another_use = {
        let honest = next_key(1, 1, 2);
        let document = STANDARD.decode(&honest.document).unwrap();
        let signature = signer(1).sign(&SealedFor::Heartbeat.to_sign(&document)).unwrap();
        Sealed { signature: STANDARD.encode(signature), ..honest }
    };
    for (what, statement) in [
        ("signed by a stranger", next_key(9, 1, 9)),
        ("signed by the key it names as the next", next_key(2, 1, 2)),
        ("another document's signature", Sealed { signature: next_key(1, 1, 3).signature, ..next_key(1, 1, 2) }),
        ("signed for another use", for_another_use),
    ] {
        if line(key(1), &[statement], is_signed).len() > 1 {
            return Err(what);
        }
    }
    Ok(())
}

#[test]
fn a_hub_follows_each_key_by_the_word_of_the_one_before_and_no_forgery() {
    let honest = [next_key(1, 1, 2), next_key(2, 2, 3), next_key(3, 3, 4)];
    let follow = |from: u8, statements: &[Sealed]| seeds(&line(key(from), statements, ServiceKey::signed));
    assert_eq!(follow(1, &honest), [1, 2, 3, 4], "a hub that slept through two of them");
    assert_eq!(follow(3, &honest), [3, 4], "what was before it is passed over");
    assert_eq!(follow(4, &honest), [4]);
    assert_eq!(follow(1, &honest[1..]), [1], "a gap is not jumped");
    let endless: Vec<Sealed> = (1..15).map(|seed| next_key(seed, seed, seed + 1)).collect();
    assert_eq!(follow(1, &endless).len(), 1 + NEXT_KEYS_MAX);
    assert_eq!(follows_no_forgery(ServiceKey::signed), Ok(()));
    assert_eq!(follows_no_forgery(|_, _, _| true), Err("signed by a stranger"), "a hub that skips the check is found");
}

fn followed(folder: &TempDir, settings: u8) -> Followed {
    Followed::new(Arc::new(Folder::open(folder.path()).unwrap()), Some(key(settings)), None).unwrap()
}

#[tokio::test]
async fn once_the_service_has_signed_with_a_newer_key_the_older_one_counts_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let hub = followed(&folder, 1);
    let statements = [next_key(1, 1, 2)];
    assert_eq!(seeds(&hub.keys(&statements)), [1, 2], "both, until the newer one is used");
    assert!(!hub.signed_with(&key(1)).await.unwrap());
    assert!(hub.signed_with(&key(2)).await.unwrap());
    assert_eq!(seeds(&hub.keys(&statements)), [2]);
    assert_eq!(seeds(&hub.keys(&[next_key(1, 1, 9)])), [2], "who has stolen the old key names no other");
    assert_eq!(seeds(&followed(&folder, 1).keys(&statements)), [2], "after a restart too");
    assert_eq!(seeds(&followed(&folder, 5).keys(&[])), [5], "other settings start anew");
}

#[tokio::test]
async fn a_certificate_is_followed_by_the_services_word_alone() {
    let folder = tempfile::tempdir().unwrap();
    let print = |byte: u8| Fingerprint::of([byte; 32]);
    let hub = || {
        let pins = Arc::new(tls::Pins::new(vec![print(1)], None));
        let disk = Arc::new(Folder::open(folder.path()).unwrap());
        (Followed::new(disk, Some(key(1)), Some(Arc::clone(&pins))).unwrap(), pins)
    };
    let says = |in_use: u8, next: Option<u8>| Certificates {
        in_use: print(in_use).to_string(),
        next: next.map(|next| print(next).to_string()),
    };
    let is_known = |pins: &Pins, byte: u8| pins.changed_by(&says(byte, Some(77))).is_some();
    let (followed, pins) = hub();
    let word = says(1, Some(2));
    for (what, sealed) in [
        ("a stranger's", seal(9, SealedFor::Certificates, &word)),
        ("for another use", seal(1, SealedFor::Heartbeat, &word)),
        ("of nothing that is known", seal(1, SealedFor::Certificates, &says(8, Some(9)))),
    ] {
        assert!(!followed.take_certificates(Some(&sealed), &[key(1)]).await.unwrap(), "{what}");
        assert!(is_known(&pins, 1) && !is_known(&pins, 2) && !is_known(&pins, 9), "{what}");
    }
    let announced = seal(1, SealedFor::Certificates, &word);
    assert!(followed.take_certificates(Some(&announced), &[key(1)]).await.unwrap());
    assert!(is_known(&pins, 1) && is_known(&pins, 2));
    let (followed, pins) = hub();
    assert!(is_known(&pins, 2), "after a restart too");
    let used = seal(1, SealedFor::Certificates, &says(2, None));
    assert!(followed.take_certificates(Some(&used), &[key(1)]).await.unwrap());
    assert!(is_known(&pins, 2) && !is_known(&pins, 1));
    let (_, pins) = hub();
    assert!(is_known(&pins, 2) && !is_known(&pins, 1), "and is not brought back by the settings");
}
