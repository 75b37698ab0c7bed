//! Holds the document to the table of routes and to the types: each check is first shown a planted fault.

use super::*;
use crate::http::{account, alerts, corrections, people, register as of_register, session};
use register::{self as reg, access::Document, patient, plan};
use rules::alert;
use serde::{Serialize, de, de::DeserializeOwned};
use std::{collections::BTreeSet, fmt};
use vitals::wire::{enrol, hello, sealed, v1};

/// The names of the fields or values that serde knows of a type: what its derived code asks a format for.
fn names_of<T: DeserializeOwned>() -> Vec<&'static str> {
    struct Names(&'static [&'static str]);
    #[derive(Debug)]
    struct Told(Vec<&'static str>);
    impl fmt::Display for Told {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("names")
        }
    }
    impl std::error::Error for Told {}
    impl de::Error for Told {
        fn custom<M: fmt::Display>(_message: M) -> Self {
            Self(vec![])
        }
    }
    impl<'de> de::Deserializer<'de> for Names {
        type Error = Told;
        fn deserialize_any<V: de::Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Told> {
            Err(Told(self.0.to_vec()))
        }
        fn deserialize_struct<V: de::Visitor<'de>>(
            self,
            _name: &'static str,
            fields: &'static [&'static str],
            _visitor: V,
        ) -> Result<V::Value, Told> {
            Err(Told(fields.to_vec()))
        }
        fn deserialize_enum<V: de::Visitor<'de>>(
            self,
            _name: &'static str,
            values: &'static [&'static str],
            _visitor: V,
        ) -> Result<V::Value, Told> {
            Err(Told(values.to_vec()))
        }
        serde::forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
            newtype_struct seq tuple tuple_struct map identifier ignored_any
        }
    }
    T::deserialize(Names(&[])).map_or_else(|told| told.0, |_never| vec![])
}

/// The names a schema has: its properties, or the words of its alternatives.
fn names_in(schema: &Value) -> BTreeSet<String> {
    let keys =
        |schema: &Value| schema.get("properties").and_then(Value::as_object).map(|all| all.keys().cloned().collect());
    let words: Option<BTreeSet<String>> = schema.get("oneOf").and_then(Value::as_array).map(|forms| {
        let word = |form: &Value| form.get("const").and_then(Value::as_str).map(|word| [word.to_owned()].into());
        forms.iter().flat_map(|form| word(form).or_else(|| keys(form)).unwrap_or_default()).collect()
    });
    words.or_else(|| keys(schema)).unwrap_or_default()
}

/// What is wrong with a schema beside its type.
fn beside_type<T: DeserializeOwned + Serialize>(schema: &Value) -> Result<(), String> {
    same_names::<T>(schema)?;
    let example = schema.pointer("/examples/0").ok_or("it has no example")?;
    let read: T =
        serde_json::from_value(example.clone()).map_err(|error| format!("its example does not read: {error}"))?;
    let written = serde_json::to_value(&read).map_err(|error| error.to_string())?;
    if written == *example { Ok(()) } else { Err(format!("its example is written as {written}")) }
}

fn same_names<T: DeserializeOwned>(schema: &Value) -> Result<(), String> {
    let known: BTreeSet<String> = names_of::<T>().into_iter().map(str::to_owned).collect();
    let said = names_in(schema);
    if known == said { Ok(()) } else { Err(format!("the type has {known:?}, the schema {said:?}")) }
}

fn schema(name: &str) -> Value {
    document().pointer(&format!("/components/schemas/{name}")).unwrap_or_else(|| panic!("no schema {name}")).clone()
}

#[test]
fn each_schema_has_the_fields_of_its_type_and_its_example_goes_through_it_unchanged() {
    macro_rules! hold {
        ($($name:literal $type:ty;)+) => {
            vec![$(($name, beside_type::<$type>(&schema($name)))),+]
        };
    }
    let held: Vec<(&str, Result<(), String>)> = hold! {
        "Problem" v1::Problem; "Span" reg::Span; "KeyContact" reg::KeyContact; "ContactChoices" reg::ContactChoices;
        "Place" reg::Place; "Organisation" reg::Organisation; "Team" reg::Team; "Home" reg::Home; "Post" reg::Post;
        "Staff" reg::Staff; "Status" reg::Status; "Patient" reg::Patient; "ScaleChoice" patient::ScaleChoice;
        "Summary" patient::Summary; "EscalationPlan" patient::EscalationPlan; "Health" reg::Health;
        "Device" reg::Device; "Assignment" reg::Assignment; "HubKey" reg::HubKey;
        "EnrolmentCode" reg::EnrolmentCode; "Hub" reg::Hub; "Parameter" plan::Parameter; "Expected" plan::Expected; "Absence" plan::Absence;
        "CarePlan" reg::CarePlan; "Temporary" plan::Temporary; "AtPlace" plan::AtPlace; "PlacePlan" reg::PlacePlan; "Carer" reg::Carer; "Document" Document; "GivenBy" reg::GivenBy;
        "ConsentFor" reg::ConsentFor; "Consent" reg::Consent; "Against" reg::access::Against;
        "Objection" reg::Objection; "Emergency" reg::Emergency; "Erasure" reg::Erasure; "Hold" reg::Hold;
        "Quantity" vitals::Quantity; "Finding" rules::Finding; "Evidence" rules::Evidence; "RuleRef" rules::RuleRef;
        "Actor" rules::Actor; "Alert" rules::Alert; "Issued" enrol::Issued; "Enrol" enrol::Enrol;
        "Enrolled" enrol::Enrolled; "Number" v1::Number; "Raw" v1::Raw; "Reading" v1::Reading; "Batch" v1::Batch;
        "Prompt" v1::Prompt; "ReceiptLine" v1::ReceiptLine; "Receipt" v1::Receipt;
        "OutboxStanding" hello::OutboxStanding; "Deaf" hello::Deaf; "Hello" hello::Hello; "Sealed" sealed::Sealed;
        "HelloAnswer" hello::HelloAnswer; "AccountMade" account::AccountMade; "Corrected" corrections::Corrected; "Statement" crate::store::Statement; "Tombstone" crate::store::Tombstone;
    };
    let wrong: Vec<_> = held.iter().filter(|(_, held)| held.is_err()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");

    let mut planted = schema("Patient");
    planted["properties"].as_object_mut().unwrap().remove("born");
    assert!(beside_type::<reg::Patient>(&planted).is_err(), "a field left out");
    let mut planted = schema("Patient");
    planted["examples"][0]["born"] = "1 June 1940".into();
    assert!(beside_type::<reg::Patient>(&planted).is_err(), "an example that does not read");
    let mut planted = schema("Deaf");
    planted["examples"][0]["until"] = "never".into();
    assert!(beside_type::<hello::Deaf>(&planted).is_err(), "an example with a field that serde passes over");
}

#[test]
fn a_listed_alert_is_an_alert_with_how_its_person_is() {
    let example = schema("ListedAlert")["examples"][0].clone();
    let read: alerts::Listed = serde_json::from_value(example.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), example);
    let mut names = names_in(&schema("Alert"));
    names.insert("person_status".to_owned());
    assert_eq!(names_in(&schema("ListedAlert")), names);
}

#[test]
fn each_enum_of_an_alert_has_the_words_of_its_type() {
    let alert = schema("Alert");
    let of = |field: &str| alert.pointer(&format!("/properties/{field}")).unwrap().clone();
    let words = |schema: Value| -> BTreeSet<String> { serde_json::from_value(schema["enum"].clone()).unwrap() };
    let known = |names: Vec<&str>| -> BTreeSet<String> { names.into_iter().map(str::to_owned).collect() };
    assert_eq!(names_in(&of("condition")), known(names_of::<alert::Condition>()));
    assert_eq!(
        names_in(&of("condition")["oneOf"][2]["properties"]["cleared"]),
        known(names_of::<alert::ClearedBecause>())
    );
    assert_eq!(names_in(&of("workflow")), known(names_of::<alert::Workflow>()));
    assert_eq!(names_in(&of("repeat")), known(names_of::<alert::Repeat>()));
    assert_eq!(words(of("audience")), known(names_of::<alert::Audience>()));
    assert_eq!(words(of("urgency")), known(names_of::<v1::Urgency>()));
    assert_eq!(words(schema("LogLine")["properties"]["what"].clone()), known(names_of::<rules::event::AuditKind>()));
    assert_eq!(words(schema("Batch")["properties"]["lane"].clone()), known(names_of::<v1::Lane>()));
    let comparison = schema("Finding")["properties"]["comparison"].clone();
    assert_eq!(words(comparison), known(names_of::<rules::Comparison>()));
    let mut outcomes = words(schema("ReceiptLine")["properties"]["outcome"].clone());
    outcomes.insert("unknown".to_owned());
    assert_eq!(outcomes, known(names_of::<v1::Outcome>()), "what a hub makes of an outcome of tomorrow is not sent");
}

#[test]
fn each_body_that_is_taken_has_the_fields_that_its_handler_reads() {
    let wrong: Vec<(&str, String)> = [
        ("SignIn", same_names::<session::SignInAsked>(&schema("SignIn"))),
        ("PasswordChange", same_names::<session::PasswordAsked>(&schema("PasswordChange"))),
        ("EmergencyAsked", same_names::<people::EmergencyAsked>(&schema("EmergencyAsked"))),
        ("Acknowledgement", same_names::<alerts::Acknowledgement>(&schema("Acknowledgement"))),
        ("InError", same_names::<corrections::InError>(&schema("InError"))),
        ("MoveTo", same_names::<corrections::MoveTo>(&schema("MoveTo"))),
        ("CountsAgain", same_names::<corrections::CountsAgain>(&schema("CountsAgain"))),
        ("PatientToWrite", same_names::<of_register::ToWrite>(&schema("PatientToWrite"))),
    ]
    .into_iter()
    .filter_map(|(name, held)| held.err().map(|error| (name, error)))
    .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Every reference of a document that leads nowhere, and every schema that nothing refers to.
fn loose_ends(document: &Value) -> Vec<String> {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object).unwrap();
    let mut used = BTreeSet::new();
    references(&document["paths"], &mut used);
    let mut ends: Vec<String> = Vec::new();
    let mut waiting: Vec<String> = used.iter().cloned().collect();
    while let Some(reference) = waiting.pop() {
        match reference.strip_prefix("#/components/schemas/").and_then(|name| schemas.get(name)) {
            None => ends.push(format!("{reference} leads nowhere")),
            Some(schema) => {
                let mut more = BTreeSet::new();
                references(schema, &mut more);
                waiting.extend(more.into_iter().filter(|reference| used.insert(reference.clone())));
            }
        }
    }
    let is_used = |name: &&String| used.contains(&format!("#/components/schemas/{name}"));
    ends.extend(schemas.keys().filter(|name| !is_used(name)).map(|name| format!("nothing refers to {name}")));
    ends
}

/// What a careful reader would find wrong with a document.
fn findings(document: &Value) -> Vec<String> {
    let mut findings = loose_ends(document);
    let mut ids = BTreeSet::new();
    let mut there = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let wrong = |what: &str| format!("{} {path}: {what}", method.to_uppercase());
            there.insert((method.to_uppercase(), path.clone()));
            let text = |field: &str| operation.get(field).and_then(Value::as_str).unwrap_or_default();
            if text("operationId").is_empty() || !ids.insert(text("operationId").to_owned()) {
                findings.push(wrong("no operationId of its own"));
            }
            if !text("summary").ends_with('.') {
                findings.push(wrong("no summary"));
            }
            let tag = operation.pointer("/tags/0").and_then(Value::as_str).unwrap_or_default();
            if !operations::TAGS.iter().any(|(known, _)| *known == tag) {
                findings.push(wrong("no tag"));
            }
            if operation.get("security").is_none() {
                findings.push(wrong("does not say who may use it"));
            }
            let empty = Map::new();
            let responses = operation.get("responses").and_then(Value::as_object).unwrap_or(&empty);
            if !responses.keys().any(|status| status.starts_with('2') || status == "303") {
                findings.push(wrong("does not say what comes back"));
            }
            for (status, response) in responses {
                if response.get("description").and_then(Value::as_str).unwrap_or_default().is_empty() {
                    findings.push(wrong(&format!("{status} is not described")));
                }
                let is_refusal = status.starts_with('4') || status.starts_with('5');
                let problem = "/content/application~1problem+json/schema/$ref";
                if is_refusal && tag != "pages" && response.pointer(problem).is_none() {
                    findings.push(wrong(&format!("{status} is no problem")));
                }
            }
            let declared: BTreeSet<&str> = operation
                .get("parameters")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter(|parameter| parameter["in"] == "path")
                .filter_map(|parameter| parameter["name"].as_str())
                .collect();
            let named: BTreeSet<&str> =
                path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
            if declared != named {
                findings.push(wrong("its path and its parameters differ"));
            }
        }
    }
    let mounted: BTreeSet<(String, String)> =
        routes().map(|route| (route.method.to_owned(), route.path.to_owned())).collect();
    findings.extend(mounted.difference(&there).map(|(method, path)| format!("{method} {path}: not in the document")));
    findings.extend(there.difference(&mounted).map(|(method, path)| format!("{method} {path}: not in the table")));
    findings
}

#[test]
fn the_document_has_every_route_and_nothing_is_left_undescribed() {
    let document = document();
    assert_eq!(findings(&document), Vec::<String>::new());

    let plant = |path: &str, value: Value| {
        let mut planted = document.clone();
        *planted.pointer_mut(path).unwrap() = value;
        findings(&planted)
    };
    for (what, path, value) in [
        ("a route that is not mounted", "/paths", json!({ "/v1/nowhere": { "get": {} } })),
        ("no operationId", "/paths/~1v1~1alerts/get/operationId", Value::Null),
        ("no summary", "/paths/~1v1~1alerts/get/summary", Value::Null),
        ("no tag", "/paths/~1v1~1alerts/get/tags", json!([])),
        ("no answer", "/paths/~1v1~1alerts/get/responses/200", Value::Null),
        ("a refusal that is none", "/paths/~1v1~1alerts/get/responses/401/content", json!({})),
        ("a parameter with another name", "/paths/~1v1~1people~1{patient}/get/parameters/0/name", "person".into()),
        ("a reference to nowhere", "/components/schemas/Alerts/properties", json!({ "a": { "$ref": "#/nowhere" } })),
    ] {
        assert!(!plant(path, value).is_empty(), "{what}");
    }
    let mut planted = document;
    planted["components"]["schemas"]["Unused"] = json!({});
    assert!(!findings(&planted).is_empty(), "a schema that nothing refers to");
}

/// Whether a value is of a schema, as far as the schemas here go; patterns and formats are for the tools of the gate.
fn is_of(value: &Value, schema: &Value, all: &Value) -> Result<(), String> {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let to = all.pointer(name.trim_start_matches('#')).ok_or_else(|| format!("{name} leads nowhere"))?;
        return is_of(value, to, all);
    }
    if let Some(forms) = schema.get("oneOf").and_then(Value::as_array) {
        return match forms.iter().filter(|form| is_of(value, form, all).is_ok()).count() {
            1 => Ok(()),
            fit => Err(format!("{value} fits {fit} of the alternatives")),
        };
    }
    if schema.get("const").is_some_and(|word| word != value) {
        return Err(format!("{value} is another word"));
    }
    if schema.get("enum").and_then(Value::as_array).is_some_and(|words| !words.contains(value)) {
        return Err(format!("{value} is not one of the words"));
    }
    match (schema.get("type").and_then(Value::as_str), value) {
        (Some("object"), Value::Object(fields)) => {
            let properties = schema.get("properties").and_then(Value::as_object);
            for name in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
            {
                if !fields.contains_key(name) {
                    return Err(format!("{name} is missing"));
                }
            }
            for (name, value) in fields {
                match (properties.and_then(|known| known.get(name)), schema.get("additionalProperties")) {
                    (Some(of), _) => is_of(value, of, all).map_err(|error| format!("{name}: {error}"))?,
                    (None, Some(Value::Bool(false))) => return Err(format!("{name} is not known")),
                    (None, Some(of)) => is_of(value, of, all)?,
                    (None, None) => {}
                }
            }
            Ok(())
        }
        (Some("array"), Value::Array(values)) => {
            values.iter().try_for_each(|value| is_of(value, &schema["items"], all))
        }
        (Some("string"), Value::String(_))
        | (Some("boolean"), Value::Bool(_))
        | (Some("integer"), Value::Number(_))
        | (Some("null"), Value::Null)
        | (None, _) => Ok(()),
        (Some(wanted), _) => Err(format!("{value} is no {wanted}")),
    }
}

#[test]
fn every_example_is_of_its_schema() {
    let all = document();
    let schemas = all.pointer("/components/schemas").and_then(Value::as_object).unwrap();
    for (name, schema) in schemas {
        assert_eq!(is_of(&schema["examples"][0], schema, &all), Ok(()), "{name}");
    }
    let alert = &schemas["Alert"];
    let mut planted = alert["examples"][0].clone();
    planted["urgency"] = "purple".into();
    assert!(is_of(&planted, alert, &all).is_err());
    let mut planted = schemas["Patient"]["examples"][0].clone();
    planted["shoe_size"] = 9.into();
    assert!(is_of(&planted, &schemas["Patient"], &all).is_err());
}
