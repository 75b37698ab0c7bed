//! One bad reading among good ones: it gets its code and sentence and is kept; the good ones are stored.

use super::{later, receipt, start, taken_now, words_of};
use harness::{
    service::{ADA, BO, HUB_A, ODD, TestService},
    signed_client::Call,
};
use serde_json::{Value, json};
use vitals::{
    ErrorCode::{self, *},
    ReadingId,
    wire::v1::{Outcome, Receipt, Urgency},
};

type Spoil = fn(&mut Value);

/// What is wrong with a reading, and the code it must get.
const ROWS: [(&str, Spoil, ErrorCode); 35] = [
    ("no id", |r| drop(r.as_object_mut().unwrap().remove("id")), ReadingMalformed),
    ("an id that is a number", |r| r["id"] = json!(7), ReadingMalformed),
    ("an id that is none", |r| r["id"] = json!("rd-00"), ReadingMalformed),
    ("the id of another", |r| r["id"] = json!(ReadingId::derive(&[b"another"]).to_string()), ReadingIdMismatch),
    ("another record under the same id", |r| r["record"] = json!("0000000000000000"), ReadingIdMismatch),
    ("a record that is none", |r| r["record"] = json!("xyz"), ReadingMalformed),
    ("a source that is none", |r| r["source"] = json!("somewhere"), ReadingMalformed),
    ("a user that is a word", |r| r["user_index"] = json!("one"), ReadingMalformed),
    ("a user that is too large", |r| r["user_index"] = json!(256), ReadingMalformed),
    ("nobody's, and no reason", |r| r["patient"] = json!(null), ReadingMalformed),
    ("somebody's and nobody's", |r| r["unassigned"] = json!("not_bound"), ReadingMalformed),
    ("an NHS number for a person", |r| r["patient"] = json!("pt-9990000018"), ReadingMalformed),
    ("a kind nobody knows", |r| r["kind"] = json!("mood"), KindNotSupported),
    ("a kind that is a list", |r| r["kind"] = json!(["blood_pressure"]), ReadingMalformed),
    ("a number of another kind", |r| r["measured"]["spo2"] = json!({ "value": "97", "unit": "%" }), KindNotSupported),
    ("numbers of another kind", |r| r["kind"] = json!("weight"), ReadingMalformed),
    ("no number and no reason", |r| r["measured"] = json!(null), ReadingMalformed),
    ("a number and a reason for none", |r| r["not_measured"] = json!("value_not_a_number"), ReadingMalformed),
    ("numbers that are a list", |r| r["measured"] = json!([]), ReadingMalformed),
    ("half a blood pressure", |r| drop(r["measured"].as_object_mut().unwrap().remove("diastolic")), ReadingMalformed),
    ("a number that is a number", |r| r["measured"]["systolic"]["value"] = json!(128), ReadingMalformed),
    (
        "a number without unit",
        |r| drop(r["measured"]["systolic"].as_object_mut().unwrap().remove("unit")),
        ReadingMalformed,
    ),
    ("another unit", |r| r["measured"]["systolic"]["unit"] = json!("kPa"), UnitNotSupported),
    ("a unit in other letters", |r| r["measured"]["systolic"]["unit"] = json!("mmHg"), UnitNotSupported),
    ("a power of ten", |r| r["measured"]["systolic"]["value"] = json!("1e2"), ValueMalformed),
    ("not a number", |r| r["measured"]["systolic"]["value"] = json!("NaN"), ValueMalformed),
    ("a comma", |r| r["measured"]["systolic"]["value"] = json!("128,5"), ValueMalformed),
    ("a word nobody knows", |r| all_words(r, json!({ "consciousness": "sleepy" })), WordNotSupported),
    ("words that are no texts", |r| all_words(r, json!({ "consciousness": 7 })), ReadingMalformed),
    ("a time in summer time", |r| r["taken_at"] = json!("2026-06-01T08:00:00+01:00"), TimeMalformed),
    ("30 February", |r| r["taken_at"] = json!("2026-02-30T08:00:00Z"), TimeMalformed),
    ("an impossible device time", |r| r["device_time"] = json!("2026-13-01T08:00:00"), TimeMalformed),
    ("a clock nobody has", |r| r["taken_by"] = json!("somebody"), TimeMalformed),
    ("bytes that are none", |r| r["raw"]["hex"] = json!("0g"), ReadingMalformed),
    ("more bytes than a frame has", |r| r["raw"]["hex"] = json!("00".repeat(513)), ReadingMalformed),
];

/// A reading without a number, of which only this is said.
fn all_words(reading: &mut Value, said: Value) {
    reading["kind"] = json!("consciousness");
    reading["measured"] = json!({});
    reading["said"] = said;
}

/// What is not even an object.
const NO_READINGS: [fn() -> Value; 6] =
    [|| json!(null), || json!(7), || json!("reading"), || json!([]), || json!({}), || json!([[["deep"]]])];

/// All bad readings in one batch, a good one before and after each. Every good one is stored and judged, in its place;
/// every bad one is rejected with its code and sentence, and kept.
#[test]
fn one_bad_reading_never_sinks_its_batch() {
    let service = start();
    let mut sent = Vec::new();
    let mut expected = Vec::new();
    let mut number = 0;
    let mut good = |sent: &mut Vec<Value>, expected: &mut Vec<_>, person| {
        number += 1;
        sent.push(taken_now(&service, person, number, "128/79"));
        expected.push(("good", None));
    };
    for (what, spoil, code) in ROWS {
        good(&mut sent, &mut expected, ADA);
        let mut bad = taken_now(&service, ADA, 1000, "128/79");
        spoil(&mut bad);
        sent.push(bad);
        expected.push((what, Some(code)));
    }
    for make in NO_READINGS {
        good(&mut sent, &mut expected, BO);
        sent.push(make());
        expected.push(("no object of that form", Some(ReadingMalformed)));
    }
    good(&mut sent, &mut expected, BO);

    let receipt = receipt(&service, &service.hub_a, &sent);
    for (line, (what, code)) in receipt.readings.iter().zip(&expected) {
        let outcome = if code.is_some() { Outcome::Rejected } else { Outcome::Stored };
        assert_eq!((line.outcome, line.code.as_deref()), (outcome, code.map(ErrorCode::code)), "{what}");
        assert_eq!(line.message, code.map(ErrorCode::sentence), "{what}");
        assert!(line.message.as_ref().is_none_or(|message| super::has_three_sentences(message)), "{what}: {line:?}");
        assert_eq!(line.verdict.is_some(), code.is_none(), "{what}");
    }
    let seen = service.see().unwrap();
    assert_eq!(seen.readings.len(), ROWS.len() + NO_READINGS.len() + 1, "every good one is stored, and nothing else");
    let mut kept: Vec<ErrorCode> = seen.refusals.iter().map(|refusal| refusal.code).collect();
    let mut refused: Vec<ErrorCode> = expected.iter().filter_map(|(_, code)| *code).collect();
    kept.sort();
    refused.sort();
    assert_eq!(kept, refused, "every bad one is kept with its code");
    assert!(seen.refusals.iter().all(|refusal| refusal.hub.as_str() == HUB_A && refusal.at == service.clock.read()));
    assert_eq!(service.see_as(ODD).unwrap().refusals, [], "staff of other hubs do not see them");
}

/// Every code a single reading can get has a row above, so that a new one is not forgotten.
#[test]
fn every_code_of_a_single_reading_has_a_row() {
    let about_requests = ErrorCode::ALL.iter().position(|code| *code == BodyTooLarge).unwrap();
    let first = ErrorCode::ALL.iter().position(|code| *code == ReadingMalformed).unwrap();
    for code in &ErrorCode::ALL[first..about_requests] {
        // The others have tests of their own: here nothing is wrong with the reading itself.
        let elsewhere = [ReadingConflict, ReadingNotStored, ReadingErased];
        let has_row = ROWS.iter().any(|(_, _, known)| known == code) || elsewhere.contains(code);
        assert!(has_row, "{code:?} has no row");
    }
}

/// Found 2026-11-22: a number that nobody can have was refused, so a true 310/120 told nobody anything. It is stored, the
/// person is asked for another with the receipt, and staff see it once the window for another has ended.
#[test]
fn a_number_that_nobody_can_have_is_stored_and_never_silent() {
    for (systolic, diastolic) in [("300.1", "79"), ("310", "120"), ("0", "79"), ("128", "128"), ("79", "128")] {
        let service = start();
        let mut sent = taken_now(&service, ADA, 1, "128/79");
        sent["measured"]["systolic"]["value"] = json!(systolic);
        sent["measured"]["diastolic"]["value"] = json!(diastolic);
        let receipt = receipt(&service, &service.hub_a, &[sent]);
        let line = &receipt.readings[0];
        assert_eq!((line.outcome, line.code.as_deref()), (Outcome::Stored, None), "{systolic}/{diastolic}");
        let [prompt] = line.prompts.as_slice() else { panic!("one instruction: {line:?}") };
        assert!(prompt.urgency == Urgency::CheckAgain && prompt.text.contains("take it again now"), "{}", prompt.text);
        assert_eq!(service.see().unwrap().count("notification-made"), 0, "another reading is awaited");
        later(&service, chrono::TimeDelta::minutes(16), "staff are told", || {
            service.see().unwrap().count("notification-made") > 0
        });
        let page = page(&service);
        assert!(page.contains("outside what a living person can have"), "{page}");
        assert_eq!(service.see().unwrap().refusals, []);
    }
}

/// Found 2026-11-22: 210/120 with a pulse of nought was refused for its pulse.
#[test]
fn a_red_with_an_impossible_pulse_is_a_red() {
    let service = start();
    let mut sent = taken_now(&service, ADA, 1, "210/120");
    sent["measured"]["cuff_pulse"] = json!({ "value": "0", "unit": "/min" });
    let receipt = receipt(&service, &service.hub_a, &[sent]);
    let line = &receipt.readings[0];
    assert_eq!(line.outcome, Outcome::Stored);
    assert!(line.prompts.iter().any(|prompt| prompt.urgency == Urgency::ActNow), "{line:?}");
    assert!(words_of(&service.send(&Call::new("GET", "/")).unwrap()).contains("was left out"));
}

/// The part of a page between a heading and the next section.
pub(super) fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let (_, after) = page.split_once(&format!(">{heading}</h2>")).unwrap_or_else(|| panic!("no {heading} on the page"));
    after.split("</section>").next().unwrap()
}

fn page(service: &TestService) -> String {
    words_of(&service.send(&Call::new("GET", "/")).unwrap())
}

#[test]
fn a_refused_reading_is_shown_under_equipment_and_connection() {
    let service = start();
    let mut bad = taken_now(&service, ADA, 1, "128/79");
    bad["measured"]["systolic"]["unit"] = json!("kPa");
    assert!(!section(&page(&service), "Equipment and connection").contains(HUB_A));
    receipt(&service, &service.hub_a, &[bad]);
    let shown = page(&service);
    let meaning = UnitNotSupported.meaning();
    for words in [HUB_A, "unit does not fit", meaning.means, meaning.advice] {
        assert!(section(&shown, "Equipment and connection").contains(words), "{words} is not in {shown}");
    }
    assert!(!shown.contains("128"), "a value that was refused is shown nowhere");
}

/// A number that no float can hold, brackets too deep to follow, half a character: each reading of a batch is read on its
/// own, so what cannot be read spoils its own reading only.
#[test]
fn json_that_cannot_be_read_spoils_its_own_reading_only() {
    let service = start();
    let good = taken_now(&service, ADA, 1, "128/79").to_string();
    for bad in ["1e999".to_owned(), format!("{}{}", "[".repeat(200), "]".repeat(200)), "\"\\ud800\"".to_owned()] {
        let body = format!("{{\"made_at\":\"2026-06-01T07:00:00Z\",\"lane\":\"live\",\"readings\":[{good},{bad}]}}");
        let call = service.hub_a.signed(body, service.clock.read()).unwrap();
        let answer = service.send(&call).unwrap();
        let receipt: Receipt = serde_json::from_str(&answer.body).unwrap();
        let outcomes: Vec<_> = receipt.readings.iter().map(|line| (line.outcome, line.code.clone())).collect();
        // The good one is stored the first time and known the next times.
        assert!(matches!(outcomes[0], (Outcome::Stored | Outcome::Duplicate, None)), "{bad}: {outcomes:?}");
        assert_eq!(outcomes[1], (Outcome::Rejected, Some("reading_malformed".to_owned())), "{bad}");
    }
    let seen = service.see().unwrap();
    assert_eq!((seen.readings.len(), seen.refusals.len()), (1, 3));
}
