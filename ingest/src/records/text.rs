//! JSON as text that a person can read: each field on a line of its own, with its name in words.

use serde_json::Value;

/// The text of a value.
pub(super) fn of(value: &Value) -> String {
    let mut text = String::new();
    put(&mut text, value, 0);
    text
}

fn put(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                field(text, &name.replace('_', " "), value, depth);
            }
        }
        Value::Array(values) => {
            for value in values {
                field(text, "-", value, depth);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            text.push_str(&"  ".repeat(depth));
            text.push_str(&plain(value));
            text.push('\n');
        }
    }
}

fn field(text: &mut String, name: &str, value: &Value, depth: usize) {
    text.push_str(&"  ".repeat(depth));
    text.push_str(name);
    match value {
        Value::Object(_) | Value::Array(_) => {
            text.push('\n');
            put(text, value, depth + 1);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            text.push_str(if name == "-" { " " } else { ": " });
            text.push_str(&plain(value));
            text.push('\n');
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_value_stands_in_the_text_under_its_name() {
        let value = json!({ "entry": { "at": "2026-06-01T08:00:00Z", "readings": [{ "kind": "weight", "late": false }], "verdict": null } });
        let expected = "entry\n  at: 2026-06-01T08:00:00Z\n  readings\n    -\n      kind: weight\n      late: no\n  verdict: nothing\n";
        assert_eq!(of(&value), expected);
    }
}
