//! Did we change a promise? The golden files are what the code says, read back into their types, and an old reader of
//! the wire steps over what it does not know.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use harness::{
    golden::{self, FILES, differences},
    tree,
};
use httpsig::prelude::{AlgorithmName, PublicKey, VerifyingKey as _};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fmt::Debug};
use vitals::{
    HubId, Kind,
    wire::{hello::HelloAnswer, sealed::SealedFor, v1},
};

/// Objects whose keys are names of things and not fields: the numbers and words of a reading, the one variant of a verdict,
/// and the people of a hello's heads.
const KEYS_ARE_NAMES: [&str; 4] = ["measured", "said", "verdict", "heads"];

#[test]
fn golden_files_are_what_the_code_says() {
    let found: Vec<String> = differences(FILES, &tree::root()).iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "run `cargo golden` and read the difference:\n{}", found.join("\n"));
}

/// The text of a golden file, as it lies in the tree.
fn text(name: &str) -> String {
    std::fs::read_to_string(tree::root().join(name)).unwrap()
}

/// Proves it for one file: it reads into its type, is the example, writes the same bytes again, and reads the same with
/// an unknown field planted in every object.
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, example: &T) {
    let text = text(name);
    let read: T = serde_json::from_str(&text).unwrap();
    assert_eq!(read, *example, "{name}");
    assert_eq!(serde_json::to_string_pretty(&read).unwrap() + "\n", text, "{name}");

    let mut planted: Value = serde_json::from_str(&text).unwrap();
    let places = plant(&mut planted);
    assert!(places > 0, "{name}: nothing was planted");
    assert_eq!(
        serde_json::from_value::<T>(planted).unwrap(),
        *example,
        "{name} with an unknown field in {places} places"
    );
}

/// Plants a field from the future in every object whose keys are fields, and counts them.
fn plant(value: &mut Value) -> usize {
    match value {
        Value::Object(fields) => {
            let inside: usize = fields.iter_mut().map(|(key, value)| plant_under(key, value)).sum();
            fields.insert("of_tomorrow".to_owned(), json!({"version": [2, null]}));
            inside + 1
        }
        Value::Array(values) => values.iter_mut().map(plant).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

fn plant_under(key: &str, value: &mut Value) -> usize {
    match value.as_object_mut() {
        Some(named) if KEYS_ARE_NAMES.contains(&key) => named.values_mut().map(plant).sum(),
        _ => plant(value),
    }
}

#[test]
fn the_wire_reads_back_and_ignores_fields_it_does_not_know() {
    check("vitals/golden/batch.json", &golden::batch().unwrap());
    check("vitals/golden/measures.json", &golden::measures().unwrap());
    check("vitals/golden/receipt.json", &golden::receipt().unwrap());
    check("vitals/golden/problem.json", &golden::problem().unwrap());
    check("vitals/golden/hello.json", &golden::hello().unwrap());
    check("vitals/golden/hello_answer.json", &golden::hello_answer().unwrap());
    check("vitals/golden/heartbeat.json", &golden::heartbeat().unwrap());
}

/// The hub's own check takes the golden answer's signature with the golden key, and no other document under it.
#[test]
fn the_golden_heartbeat_is_signed() {
    let answer: HelloAnswer = serde_json::from_str(&text("vitals/golden/hello_answer.json")).unwrap();
    let sealed = answer.heartbeat.unwrap();
    let heartbeat: Value = serde_json::from_str(&text("vitals/golden/heartbeat.json")).unwrap();
    let document = STANDARD.decode(&sealed.document).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&document).unwrap(), heartbeat);
    let public: [u8; 32] =
        STANDARD.decode(text("vitals/golden/server_public_key.txt").trim()).unwrap().try_into().unwrap();
    assert_eq!(sealed.key, vitals::wire::sealed::key_id(&public));
    let key = PublicKey::from_bytes(&AlgorithmName::Ed25519, &public).unwrap();
    let fits = |what: SealedFor, document: &[u8]| {
        key.verify(&what.to_sign(document), &STANDARD.decode(&sealed.signature).unwrap()).is_ok()
    };
    assert!(fits(SealedFor::Heartbeat, &document));
    assert!(!fits(SealedFor::Root, &document) && !fits(SealedFor::Heartbeat, b"{}"));
}

/// A hub of another version is judged by this file: the service takes every reading in it, as it stands.
#[test]
fn the_service_admits_every_golden_measure() {
    let batch: v1::Batch = serde_json::from_str(&text("vitals/golden/measures.json")).unwrap();
    let (hub, at) = (HubId::parse("hub-1").unwrap(), ingest::admit::moment(&batch.made_at).unwrap());
    for reading in &batch.readings {
        let admitted =
            ingest::admit::admit(&reading.into(), &hub, at, at).map(|admitted| v1::Reading::from(&admitted.reading));
        assert_eq!(admitted.as_ref(), Ok(reading), "{}", reading.kind);
    }
    let kinds: BTreeSet<&str> = batch.readings.iter().map(|reading| reading.kind.as_str()).collect();
    assert_eq!(kinds, Kind::ALL.iter().map(|kind| kind.name()).collect());
}

/// Every golden JSON of the wire is checked above: a new one without a line there is found here.
#[test]
fn every_golden_json_is_read_back() {
    let mine = include_str!("golden.rs");
    for file in FILES.iter().filter(|file| file.path.starts_with("vitals/") && file.path.ends_with(".json")) {
        assert!(mine.contains(&format!("check(\"{}\"", file.path)), "{} is not read back", file.path);
    }
}
