//! Who gets which protocol, with which numbers: by the care plan, the places and the levels of the register, through the real
//! interface and store.

mod expected;
mod levels;
mod life;
mod looks_back;

use super::county::{Answered, County, at, patient, staff};
use harness::service::Wrap;
use ingest::{
    decide::{ByPlan, WithoutPlan},
    store::{Decide, Store},
};
use rules::{ActivePack, Channel, pack::Pack};
use serde_json::{Value, json};
use std::sync::Arc;

const PACK: &str = r#"
[pack]
id = "test-bp"
title = "Test: home blood pressure"
version = "1.0.0"
engine_min = 2

[[pack.sources]]
ref = "Invented for a test"

[param.systolic_red]
unit = "mm[Hg]"
default = 170
override = { footprint = [160, 180], team = [150, 185], patient = [140, 190] }

[message.red]
en = "Your blood pressure is very high. If you have chest pain, call 999."

[message.late]
en = "An earlier reading of yours was high. Please take your blood pressure again now."

[message.c]
en = "High home blood pressure."

[[rule]]
id = "red"
title = "Very high"
harm = "irreversible"
onset = "prompt"
when = { latest = "systolic", at_least = "param:systolic_red" }
clear = { count = 1, when = { latest = "systolic", below = "param:systolic_red" } }
actionable_for = "30m"
raise_again_after = "1h"
patient_message = "red"
late_patient_message = "late"
clinician_message = "c"
"#;

/// A pack of this text, approved by three invented people.
fn approved(text: &str) -> ActivePack {
    let pack = Pack::read(text).unwrap_or_else(|error| panic!("{error}"));
    let parameters = pack.parameters.iter().filter_map(|(name, one)| Some(format!("{name} = \"{}\"\n", one.default?)));
    let people = [("author", "A"), ("clinical_lead", "B"), ("safety_officer", "C")]
        .map(|(role, name)| format!("[[approval]]\nrole = \"{role}\"\nname = \"{name}\"\n"));
    let signed = format!(
        "pack = \"{}\"\nversion = \"{}\"\ncontent_hash = \"{}\"\nstatus = \"approved\"\n{}\n[confirmed]\n{}",
        pack.id,
        pack.version,
        pack.content_hash,
        people.concat(),
        parameters.collect::<String>()
    );
    ActivePack::new(pack, &signed).unwrap()
}

/// What judges: these packs, each where a place says so.
fn judging(texts: &[&str]) -> ByPlan {
    let packs = texts.iter().map(|text| approved(text)).collect();
    ByPlan::for_service(packs, vec![Channel::Console], WithoutPlan::NotJudged).unwrap()
}

fn hash(text: &str) -> String {
    Pack::read(text).unwrap().content_hash
}

/// A county with a clinical lead of everything, one of a team, and a clinician for everybody.
fn in_county<T>(decide: Arc<dyn Decide>, work: impl AsyncFnOnce(County) -> T) -> T {
    in_county_of(Arc::new(|store| store), decide, work)
}

/// The same on a store that may be wrapped.
fn in_county_of<T>(wrap: Wrap<dyn Store>, decide: Arc<dyn Decide>, work: impl AsyncFnOnce(County) -> T) -> T {
    actix_web::rt::System::new().block_on(async {
        let county = County::judged_by(wrap, decide).await;
        county
            .write([
                patient("pt-own", 1, Some("tm-a"), None),
                patient("pt-other-team", 2, Some("tm-b"), None),
                patient("pt-other-trust", 3, Some("tm-c"), None),
                patient("pt-resident", 4, Some("tm-a"), Some("hm-oak")),
                staff("st-lead", "clinical_lead", json!("footprint"), false),
                staff("st-lead-b", "clinical_lead", json!({ "team": "tm-b" }), false),
                staff("st-clin", "clinician", json!("footprint"), false),
            ])
            .await;
        work(county).await
    })
}

async fn put(county: &County, who: &str, kind: &str, id: &str, version: u32, body: &Value) -> Answered {
    let asked = json!({ "version": version, "item": { kind: body }, "why": "Agreed." }).to_string();
    county.ask_as(who, "PUT", &format!("/v1/register/{kind}/{id}"), &asked).await
}

fn is(answer: &Answered, status: u16, code: Option<&str>) {
    assert_eq!((answer.status, answer.code.as_deref()), (status, code), "{answer:?}");
}

fn parameter(pack: &str, name: &str, value: &str) -> Value {
    json!({ "pack": pack, "name": name, "value": value, "author": "st-clin", "reason": "Agreed in clinic.",
        "at": at(-60), "review_at": at(60 * 24 * 90) })
}

/// Somebody's care plan: these protocols, these parameters.
async fn plan(county: &County, person: &str, version: u32, packs: &[&str], parameters: &[Value]) -> Answered {
    let id = format!("rc-{}", person.trim_start_matches("pt-"));
    let body = json!({ "id": id, "patient": person, "packs": packs, "parameters": parameters });
    put(county, "st-clin", "plan", &id, version, &body).await
}

/// What a place says: each protocol by its text and stage, and parameters.
async fn at_place(
    county: &County,
    who: &str,
    place: Value,
    version: u32,
    packs: &[(&str, &str)],
    parameters: &[Value],
) -> Answered {
    let name = place.as_str().or_else(|| place.as_object().and_then(|place| place.values().next()?.as_str())).unwrap();
    let id = format!("rc-{name}");
    let packs: Vec<Value> = packs
        .iter()
        .map(
            |(text, stage)| json!({ "pack": Pack::read(text).unwrap().id, "content_hash": hash(text), "stage": stage }),
        )
        .collect();
    let body = json!({ "id": id, "place": place, "packs": packs, "parameters": parameters });
    put(county, who, "place_plan", &id, version, &body).await
}
