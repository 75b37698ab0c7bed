//! The two forms of a reading read the same texts to the same readings: whole ones, ones with parts missing, doubled, of
//! another kind or unknown, and texts that are no reading at all.

use super::{super::Reading as Owned, Reading as Lent};
use proptest::{collection, prelude::*, sample};
use serde_json::{Value, json};

/// Both forms of a text: equal readings, or both refuse.
fn check(text: &str) -> bool {
    let (owned, lent) = (serde_json::from_str::<Owned>(text).ok(), serde_json::from_str::<Lent<'_>>(text).ok());
    assert_eq!(owned.as_ref().map(Lent::from), lent, "{text}");
    lent.is_some()
}

fn whole() -> Value {
    json!({
        "id": "rd-00", "source": "device/A&D/1", "record": "00", "user_index": 1, "patient": "pt-1", "unassigned": "not_bound",
        "kind": "blood_pressure",
        "measured": {"systolic": {"value": "138", "unit": "mm[Hg]"}, "diastolic": {"value": "88", "unit": "mm[Hg]"}},
        "said": {"meal": "fasting"}, "rr_intervals_1024ths": [1, 65535], "sequence": 7, "not_measured": "x",
        "posture": "sitting", "arm": "left", "device_time": "2026-06-01T08:59:30", "hub_received": "a", "taken_at": "b",
        "taken_by": "device", "device_ahead_secs": -3, "quality": ["irregular_pulse"],
        "raw": {"service": "1810", "characteristic": "2a35", "hex": "1e"}, "of_tomorrow": {"any": [1, null]},
    })
}

#[test]
fn whole_readings_escapes_and_repeats_are_read_alike() {
    let text = whole().to_string();
    assert!(check(&text));
    assert!(check(&text.replace("fasting", "f\\u0061sting\\n\\\"")));
    let twice = |object: &str| text.replace("\"said\":{", &format!("\"said\":{{{object},"));
    assert!(check(&twice(r#""z":"1","a":"2","z":"3","meal":"no""#)));
    assert!(!check(&twice(r#""z":1"#)), "a word is a string");
    assert!(!check(&text.replacen('{', r#"{"id":"rd-01","#, 1)), "a field twice is refused");
    for text in ["", "null", "[]", "{}", "1", "\"x\"", "{\"id\":\"\\ud800\"}", "[\"rd-00\"]"] {
        assert!(!check(text), "{text}");
    }
    let list = Value::Array(whole().as_object().unwrap().values().cloned().collect());
    check(&list.to_string());
}

fn any_value() -> impl Strategy<Value = Value> {
    sample::select(vec![
        json!(null),
        json!(1),
        json!(-1),
        json!(256),
        json!(65536),
        json!(1.5),
        json!(true),
        json!("text"),
        json!("\u{e9}\"\\\n"),
        json!([]),
        json!(["text", "\n"]),
        json!([1, 2]),
        json!([[]]),
        json!({}),
        json!({"a": "b"}),
        json!({"a": {"value": "1", "unit": "kg"}}),
        json!({"a": {"value": "1"}}),
        json!({"value": "1", "unit": "kg"}),
        json!({"service": "s", "characteristic": "c", "hex": ""}),
    ])
}

proptest! {
    /// Any fields replaced by values of any kind, and any left out.
    #[test]
    fn any_reading_is_read_alike(
        changes in collection::vec((0_usize..30, proptest::option::of(any_value())), 0..4),
        cut in proptest::option::weighted(0.1, 0_usize..900),
    ) {
        let mut reading = whole();
        for (place, value) in changes {
            let fields = reading.as_object_mut().unwrap();
            let Some(name) = fields.keys().nth(place % fields.len().max(1)).cloned() else { continue };
            match value {
                Some(value) => drop(fields.insert(name, value)),
                None => drop(fields.remove(&name)),
            }
        }
        let text = reading.to_string();
        check(cut.and_then(|end| text.get(..end)).unwrap_or(&text));
    }
}
