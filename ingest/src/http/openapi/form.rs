//! The parts schemas are written with: each form comes with an example of itself, so that no schema is without one.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What a value looks like, and one that looks like that.
#[derive(Debug, Clone)]
pub(super) struct Form {
    /// Its JSON Schema (2020-12, as `OpenAPI` 3.1 has it).
    pub(super) schema: Value,
    /// An example.
    pub(super) example: Value,
}

impl Form {
    fn new(schema: Value, example: impl Into<Value>) -> Self {
        Self { schema, example: example.into() }
    }

    /// The same, or null.
    pub(super) fn or_null(self) -> Self {
        let Self { schema, example } = self;
        Self { schema: json!({ "oneOf": [schema, { "type": "null" }] }), example }
    }
}

/// One field of an object.
#[derive(Debug, Clone)]
pub(super) struct Field {
    name: &'static str,
    about: &'static str,
    is_needed: bool,
    form: Form,
}

/// A field that must be there.
pub(super) fn needed(name: &'static str, form: Form, about: &'static str) -> Field {
    Field { name, about, is_needed: true, form }
}

/// A field that may be left out.
pub(super) fn may(name: &'static str, form: Form, about: &'static str) -> Field {
    Field { name, about, is_needed: false, form }
}

/// What becomes of a field that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Others {
    /// It is refused.
    Refused,
    /// It is passed over, as on the wire between hub and service.
    PassedOver,
}

/// Text of 1 to `bytes_max` bytes without control characters.
pub(super) fn text(bytes_max: usize, example: &str) -> Form {
    Form::new(
        json!({
            "type": "string",
            "minLength": 1,
            "maxLength": bytes_max,
            "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
        }),
        example,
    )
}

/// Text of which the service makes nothing.
pub(super) fn any_text(example: &str) -> Form {
    Form::new(json!({ "type": "string" }), example)
}

/// Text of a pattern.
pub(super) fn of_pattern(pattern: &str, example: &str) -> Form {
    Form::new(json!({ "type": "string", "pattern": pattern }), example)
}

/// A name id, see `vitals::id`.
pub(super) fn name_id(prefix: &str, example: &str) -> Form {
    let pattern = format!("^{prefix}[a-z0-9-]+$");
    let is_long = prefix.len() + 1;
    Form::new(json!({ "type": "string", "pattern": pattern, "minLength": is_long, "maxLength": 48 }), example)
}

/// An id derived from what it names, see `vitals::id`.
pub(super) fn digest_id(prefix: &str) -> Form {
    of_pattern(&format!("^{prefix}[0-9a-f]{{32}}$"), &format!("{prefix}0123456789abcdef0123456789abcdef"))
}

/// A moment, UTC.
pub(super) fn moment() -> Form {
    Form::new(json!({ "type": "string", "format": "date-time" }), "2026-06-01T08:00:00Z")
}

/// A day.
pub(super) fn day() -> Form {
    Form::new(json!({ "type": "string", "format": "date" }), "2026-06-01")
}

/// A whole number within bounds.
pub(super) fn whole(least: u64, most: u64, example: u64) -> Form {
    Form::new(json!({ "type": "integer", "minimum": least, "maximum": most }), example)
}

/// Yes or no.
pub(super) fn yes_or_no(example: bool) -> Form {
    Form::new(json!({ "type": "boolean" }), example)
}

/// One word of a list.
pub(super) fn words<'w>(all: impl IntoIterator<Item = &'w str>, example: &str) -> Form {
    let all: Vec<&str> = all.into_iter().collect();
    Form::new(json!({ "type": "string", "enum": all }), example)
}

/// Several of a form.
pub(super) fn list(of: Form, most: usize) -> Form {
    Form::new(json!({ "type": "array", "maxItems": most, "items": of.schema }), vec![of.example])
}

/// A map from names to a form.
pub(super) fn map(name: &str, to: Form) -> Form {
    let example: Map<String, Value> = [(name.to_owned(), to.example)].into_iter().collect();
    Form::new(json!({ "type": "object", "additionalProperties": to.schema }), example)
}

/// An object with these fields.
pub(super) fn object(fields: impl IntoIterator<Item = Field>, others: Others) -> Form {
    let (mut properties, mut required, mut example) = (Map::new(), Vec::new(), Map::new());
    for Field { name, about, is_needed, form } in fields {
        let mut schema = form.schema;
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("description".to_owned(), about.into());
        }
        properties.insert(name.to_owned(), schema);
        example.insert(name.to_owned(), form.example);
        if is_needed {
            required.push(Value::from(name));
        }
    }
    let mut schema = json!({ "type": "object", "properties": properties });
    if let Some(schema) = schema.as_object_mut() {
        if !required.is_empty() {
            schema.insert("required".to_owned(), required.into());
        }
        if others == Others::Refused {
            schema.insert("additionalProperties".to_owned(), false.into());
        }
    }
    Form::new(schema, example)
}

/// One of several forms; the first gives the example.
pub(super) fn one_of(forms: impl IntoIterator<Item = Form>) -> Form {
    let mut forms = forms.into_iter().peekable();
    let example = forms.peek().map_or(Value::Null, |form| form.example.clone());
    let schemas: Vec<Value> = forms.map(|form| form.schema).collect();
    Form::new(json!({ "oneOf": schemas }), example)
}

/// A word that stands alone, among others that come with something.
pub(super) fn word(word: &str) -> Form {
    Form::new(json!({ "const": word }), word)
}

/// A word that comes with something: `{"word": …}`.
pub(super) fn with(word: &'static str, about: &'static str, form: Form) -> Form {
    object([needed(word, form, about)], Others::Refused)
}

/// A measure: one property, named after its kind.
pub(super) fn measure<'k>(kinds: impl IntoIterator<Item = &'k str>, example: Value) -> Form {
    let kinds: Vec<&str> = kinds.into_iter().collect();
    let of_kind =
        json!({ "type": "object", "propertyNames": { "enum": kinds }, "minProperties": 1, "maxProperties": 1 });
    Form::new(of_kind, example)
}

/// The schemas that have a name.
#[derive(Debug, Default)]
pub(super) struct Book(BTreeMap<String, Value>);

impl Book {
    /// Takes a schema in, under a name.
    pub(super) fn name(&mut self, name: &str, about: &str, form: Form) {
        let Form { mut schema, example } = form;
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("description".to_owned(), about.into());
            schema.insert("examples".to_owned(), vec![example].into());
        }
        self.0.insert(name.to_owned(), schema);
    }

    /// The form of a schema that has a name already.
    pub(super) fn of(&self, name: &str) -> Form {
        let example = self.0.get(name).and_then(|schema| schema.pointer("/examples/0")).cloned();
        Form::new(json!({ "$ref": format!("#/components/schemas/{name}") }), example.unwrap_or_default())
    }

    /// All of them.
    pub(super) fn into_schemas(self) -> BTreeMap<String, Value> {
        self.0
    }
}
