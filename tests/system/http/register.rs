//! The register over HTTP: versions, who may change what, access that follows at the next request, emergency access, and
//! the record of who looked.

use super::county::{Answered, County, item, patient, staff};
use chrono::TimeDelta;
use harness::{
    fault::put_before,
    planted::{Down, FaultyStore},
    service::Wrap,
};
use ingest::{events::ServiceEvent, store::Store};
use serde_json::{Value, json};
use std::sync::Arc;

fn in_county<T>(wrap: Wrap<dyn Store>, work: impl AsyncFnOnce(County) -> T) -> T {
    actix_web::rt::System::new().block_on(async {
        let county = County::new(wrap).await;
        let at = |place: &str, id: &str| json!({ place: id });
        county
            .write([
                patient("pt-own", 1, Some("tm-a"), None),
                staff("st-clin-a", "clinician", at("team", "tm-a"), false),
                staff("st-clin-b", "clinician", at("team", "tm-b"), false),
                staff("st-admin-a", "administrator", at("team", "tm-a"), false),
                staff("st-admin-north", "administrator", at("organisation", "org-north"), false),
                staff("st-admin-south", "administrator", at("organisation", "org-south"), false),
                staff("st-officer", "privacy_officer", json!("footprint"), false),
            ])
            .await;
        work(county).await
    })
}

fn plain() -> Wrap<dyn Store> {
    Arc::new(|store| store)
}

fn is(answer: &Answered, status: u16, code: Option<&str>) {
    assert_eq!((answer.status, answer.code.as_deref()), (status, code), "{answer:?}");
}

async fn get(county: &County, who: &str, path: &str) -> Answered {
    county.ask_as(who, "GET", path, "").await
}

async fn put(county: &County, who: &str, path: &str, version: u32, item: &Value) -> Answered {
    let body = json!({ "version": version, "item": item, "why": "Asked for by the team." }).to_string();
    county.ask_as(who, "PUT", path, &body).await
}

/// The kept item of an answer.
async fn now(county: &County, who: &str, path: &str) -> (u32, Value) {
    let shown = get(county, who, path).await.json();
    (u32::try_from(shown["version"].as_u64().unwrap()).unwrap(), shown["item"].clone())
}

const OWN: &str = "/v1/register/patient/pt-own";

#[test]
fn of_two_who_change_the_same_thing_the_second_hears_of_it_and_history_stays() {
    in_county(plain(), async |county| {
        let (version, mut item) = now(&county, "st-clin-a", OWN).await;
        assert_eq!(version, 1);
        item["patient"]["pathway"] = json!("heart failure");
        is(&put(&county, "st-clin-a", OWN, 2, &item).await, 200, None);
        item["patient"]["pathway"] = json!("diabetes");
        is(&put(&county, "st-admin-a", OWN, 2, &item).await, 409, Some("item_stale"));
        is(&put(&county, "st-admin-a", OWN, 4, &item).await, 409, Some("item_stale"));
        is(&put(&county, "st-admin-a", OWN, 3, &item).await, 200, None);
        let versions = get(&county, "st-clin-a", &format!("{OWN}/versions")).await.json();
        let versions = versions["versions"].as_array().unwrap();
        let told: Vec<_> =
            versions.iter().map(|one| (&one["version"], &one["by"], &one["item"]["patient"]["pathway"])).collect();
        assert_eq!(told[0], (&json!(3), &json!("st-admin-a"), &json!("diabetes")));
        assert_eq!(told[1], (&json!(2), &json!("st-clin-a"), &json!("heart failure")));
        assert_eq!((told.len(), versions[1]["why"].as_str()), (3, Some("Asked for by the team.")));
        let kept = get(&county, "st-clin-a", "/v1/people/pt-own").await.json();
        assert_eq!(kept["items"][0]["item"]["patient"]["pathway"], json!("diabetes"));
    });
}

#[test]
fn what_is_not_in_order_is_refused_with_the_field_and_not_with_what_it_held() {
    in_county(plain(), async |county| {
        let (_, item) = now(&county, "st-clin-a", OWN).await;
        let other = put(&county, "st-clin-a", "/v1/register/patient/pt-another", 1, &item).await;
        is(&other, 422, Some("item_not_in_order"));
        assert_eq!(other.json()["detail"], json!("item: want the kind and the id of the address"));
        let health = json!({ "health": { "id": "pt-own", "diagnoses": [{ "what": "Angina", "snomed": "12", "source": "GP", "on": "2026-01-01" }] } });
        let refused = put(&county, "st-clin-a", "/v1/register/health/pt-own", 1, &health).await;
        is(&refused, 422, Some("item_not_in_order"));
        assert_eq!(refused.json()["detail"], json!("snomed: want 6 to 18 digits"));
        for (body, code) in [
            ("{}".to_owned(), "body_malformed"),
            (json!({ "version": 2, "item": item, "force": true }).to_string(), "body_malformed"),
            (json!({ "version": 2, "item": { "patient": { "id": "pt-own" } } }).to_string(), "body_malformed"),
        ] {
            is(&county.ask_as("st-clin-a", "PUT", OWN, &body).await, 400, Some(code));
        }
        let large = json!({ "version": 2, "item": item, "why": "x".repeat(70_000) }).to_string();
        is(&county.ask_as("st-clin-a", "PUT", OWN, &large).await, 413, Some("body_too_large"));
    });
}

/// Each row is a way to reach other people's records by writing into the register; none changes anything.
#[test]
fn nobody_takes_over_what_is_somebody_elses() {
    in_county(plain(), async |county| {
        let stolen = json!({ "team": { "id": "tm-a", "name": "tm-a", "organisation": "org-south" } });
        is(&put(&county, "st-admin-south", "/v1/register/team/tm-a", 2, &stolen).await, 403, Some("not_allowed"));
        let (_, mut me) = now(&county, "st-admin-a", "/v1/register/staff/st-admin-a").await;
        me["staff"]["posts"][0]["role"] = json!("clinician");
        is(&put(&county, "st-admin-a", "/v1/register/staff/st-admin-a", 2, &me).await, 403, Some("not_allowed"));
        let (_, mut officer) = now(&county, "st-admin-a", "/v1/register/staff/st-officer").await;
        officer["staff"]["posts"] = json!([]);
        is(&put(&county, "st-admin-a", "/v1/register/staff/st-officer", 2, &officer).await, 403, Some("not_allowed"));
        let mut wide = serde_json::to_value(staff("st-new", "clinician", json!("footprint"), false)).unwrap();
        is(&put(&county, "st-admin-a", "/v1/register/staff/st-new", 1, &wide).await, 403, Some("not_allowed"));
        wide["staff"]["posts"][0]["place"] = json!({ "team": "tm-a" });
        is(&put(&county, "st-admin-a", "/v1/register/staff/st-new", 1, &wide).await, 201, None);
        // Somebody else's person, written anew as one's own team's.
        let anew = serde_json::to_value(patient("pt-own", 1, Some("tm-b"), None)).unwrap();
        is(&put(&county, "st-clin-b", OWN, 1, &anew).await, 409, Some("item_stale"));
        is(&put(&county, "st-clin-b", OWN, 2, &anew).await, 409, Some("item_stale"));
        is(&get(&county, "st-clin-b", OWN).await, 404, Some("item_not_found"));
        let team = now(&county, "st-admin-north", "/v1/register/team/tm-a").await;
        assert_eq!((team.0, &team.1["team"]["organisation"]), (1, &json!("org-north")));
    });
}

#[test]
fn a_person_who_moves_is_the_new_teams_at_the_next_request() {
    in_county(plain(), async |county| {
        is(&get(&county, "st-clin-b", OWN).await, 404, Some("item_not_found"));
        let (_, mut item) = now(&county, "st-clin-a", OWN).await;
        item["patient"]["team"] = json!("tm-b");
        is(&put(&county, "st-clin-a", OWN, 2, &item).await, 200, None);
        is(&get(&county, "st-clin-a", OWN).await, 404, Some("item_not_found"));
        is(&get(&county, "st-clin-b", OWN).await, 200, None);
        let listed = get(&county, "st-clin-b", "/v1/register/patient").await.json();
        assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn emergency_access_opens_for_its_time_is_told_and_looked_into() {
    in_county(plain(), async |county| {
        let ask = async |minutes: u32| {
            let body = json!({ "reason": "They did not answer the door.", "minutes": minutes }).to_string();
            county.ask_as("st-clin-b", "POST", "/v1/people/pt-own/emergency", &body).await
        };
        is(&get(&county, "st-clin-b", "/v1/people/pt-own").await, 404, Some("item_not_found"));
        is(&ask(241).await, 422, Some("item_not_in_order"));
        let taken = ask(30).await;
        is(&taken, 201, None);
        let id = taken.json()["id"].as_str().unwrap().to_owned();
        is(&get(&county, "st-clin-b", "/v1/people/pt-own").await, 200, None);
        let told = |event: &ServiceEvent| {
            matches!(event, ServiceEvent::EmergencyTaken { staff, patient, .. }
            if staff.as_str() == "st-clin-b" && patient.as_str() == "pt-own")
        };
        assert_eq!(county.events.count(told), 1);

        let log = get(&county, "st-officer", "/v1/people/pt-own/log").await.json();
        let reads: Vec<&Value> =
            log["log"].as_array().unwrap().iter().filter(|line| line["what"] == json!("read")).collect();
        assert_eq!(reads.len(), 1, "one look, one line: {log}");
        assert_eq!(
            (&reads[0]["role"], &reads[0]["organisation"], &reads[0]["basis"], &reads[0]["about"]),
            (&json!("clinician"), &json!("org-north"), &json!("emergency"), &json!("GET /v1/people/{patient}"))
        );
        assert!(reads[0].get("staff").is_none(), "the person's own copy says role and organisation");
        let log = get(&county, "st-officer", "/v1/people/pt-own/log?for=officer").await.json();
        assert!(log["log"].as_array().unwrap().iter().any(|line| line["staff"] == json!("st-clin-b")), "{log}");

        let listed = get(&county, "st-officer", "/v1/emergencies").await.json();
        assert_eq!(listed["items"][0]["item"]["emergency"]["id"], json!(id), "{listed}");
        let review = format!("/v1/emergencies/{id}/review");
        is(&county.ask_as("st-clin-a", "POST", &review, "{}").await, 403, Some("not_allowed"));
        is(&county.ask_as("st-officer", "POST", &review, "{}").await, 200, None);
        is(&county.ask_as("st-officer", "POST", &review, "{}").await, 409, Some("item_stale"));
        county.clock.advance(TimeDelta::minutes(30));
        is(&get(&county, "st-clin-b", "/v1/people/pt-own").await, 404, Some("item_not_found"));
    });
}

/// Where it cannot be written who looked, nobody looks.
#[test]
fn a_read_that_cannot_be_written_down_is_refused() {
    let store = Arc::<FaultyStore>::default();
    in_county(put_before(store.clone()), async |county| {
        county.alerts(&["pt-own"]).await;
        for path in [
            OWN,
            "/v1/people/pt-own",
            "/v1/register/patient/pt-own/versions",
            "/v1/alerts",
            "/",
            "/v1/register/patient",
        ] {
            is(&get(&county, "st-clin-a", path).await, 200, None);
            store.set(Some(Down::CannotWrite));
            let refused = get(&county, "st-clin-a", path).await;
            is(&refused, 503, Some("store_unavailable"));
            assert!(!refused.body.contains("Invented"), "{refused:?}");
            store.set(None);
        }
    });
}

#[test]
fn one_request_leaves_one_line_with_each_person_it_showed_and_none_with_others() {
    in_county(plain(), async |county| {
        county.write([patient("pt-other-team", 2, Some("tm-a"), None)]).await;
        county.alerts(&["pt-own"]).await;
        let reads = async |person: &str| {
            let log = get(&county, "st-officer", &format!("/v1/people/{person}/log")).await.json();
            // What the scene itself looked at went by no request.
            let about =
                |line: &Value| line["about"].as_str().filter(|about| about.starts_with("GET ")).map(str::to_owned);
            log["log"].as_array().unwrap().iter().filter_map(about).collect::<Vec<_>>()
        };
        is(&get(&county, "st-clin-a", "/").await, 200, None);
        assert_eq!(reads("pt-own").await, ["GET /"], "alerts, readings and details are one look");
        assert_eq!(reads("pt-other-team").await, Vec::<String>::new(), "who is not on the page was not looked at");
        assert_eq!(reads("pt-own").await, ["GET /v1/people/{patient}/log", "GET /"], "looking at the log is a look");
    });
}

#[test]
fn lists_go_on_where_the_page_before_ended() {
    in_county(plain(), async |county| {
        let devices = (0..501).map(|n| {
            item(json!({ "device": { "id": format!("dv-{n:03}"), "what": "monitor", "maker": "M", "model": "1", "state": "sent" } }))
        });
        county.write(devices.collect::<Vec<_>>()).await;
        let first = get(&county, "st-clin-a", "/v1/register/device").await.json();
        assert_eq!((first["items"].as_array().unwrap().len(), &first["after"]), (500, &json!("dv-499")));
        let rest = get(&county, "st-clin-a", "/v1/register/device?after=dv-499").await.json();
        assert_eq!((rest["items"].as_array().unwrap().len(), rest.get("after")), (1, None));
        is(&get(&county, "st-clin-a", "/v1/register/device?before=dv-1").await, 400, Some("body_malformed"));
        let wrong = county.ask_as("st-clin-a", "DELETE", "/v1/register/device/dv-001", "").await;
        is(&wrong, 405, Some("method_not_allowed"));
        assert_eq!(wrong.header("allow"), Some("GET, PUT"));
    });
}
