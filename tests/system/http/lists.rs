//! Lists over HTTP: taken in while the service runs, by who keeps the whole footprint, with a dry run and a way back.

use super::county::{Answered, County, nhs_number, patient, request, staff, with_cookie};
use actix_web::http::header;
use chrono::TimeDelta;
use harness::{
    fault::put_before,
    planted::{Down, FaultyStore},
    service::Wrap,
};
use ingest::store::Store;
use serde_json::{Value, json};
use std::sync::Arc;

const ROSTER: &str = "/v1/lists/roster";
const STATUS: &str = "/v1/lists/status";
const KEEPER: &str = "st-keeper";

fn in_county<T>(wrap: Wrap<dyn Store>, work: impl AsyncFnOnce(County) -> T) -> T {
    actix_web::rt::System::new().block_on(async {
        let county = County::new(wrap).await;
        county
            .write([
                patient("pt-own", 1, Some("tm-a"), None),
                patient("pt-far", 2, Some("tm-c"), None),
                staff(KEEPER, "administrator", json!("footprint"), false),
                staff("st-admin-north", "administrator", json!({ "organisation": "org-north" }), false),
            ])
            .await;
        work(county).await
    })
}

fn plain() -> Wrap<dyn Store> {
    Arc::new(|store| store)
}

async fn post(county: &County, who: &str, path: &str, list: &str) -> Answered {
    let token = county.session(who, county.clock.read(), false);
    let asking = request("POST", path, list).insert_header((header::CONTENT_TYPE, "text/csv; charset=utf-8"));
    county.ask(with_cookie(asking, &token)).await
}

fn is(answer: &Answered, status: u16, code: Option<&str>) {
    assert_eq!((answer.status, answer.code.as_deref()), (status, code), "{answer:?}");
}

/// Everybody as they are, and somebody new without a team.
fn roster() -> String {
    let rows = [
        ("pt-own", nhs_number(1), "Invented own", "tm-b"),
        ("pt-far", nhs_number(2), "Invented far", "tm-c"),
        ("pt-new", nhs_number(3), "Invented new", ""),
    ];
    let rows: String = rows.map(|(id, number, name, team)| format!("{id},{number},{name},{team}\n")).concat();
    format!("id,nhs_number,name,team\n{rows}")
}

fn counts(taken: &Value) -> [u64; 5] {
    ["rows", "new", "changed", "unchanged", "refused"].map(|name| taken[name].as_u64().unwrap())
}

async fn team_of(county: &County, id: &str) -> Value {
    let shown = county.ask_as(KEEPER, "GET", &format!("/v1/register/patient/{id}"), "").await.json();
    shown["item"]["patient"]["team"].clone()
}

#[test]
fn a_roster_is_looked_at_taken_in_and_taken_back_while_the_service_runs() {
    in_county(plain(), async |county| {
        let looked = post(&county, KEEPER, &format!("{ROSTER}?dry_run=true"), &roster()).await;
        is(&looked, 200, None);
        let looked = looked.json();
        assert_eq!((&looked["outcome"], counts(&looked)), (&json!("looked_at"), [3, 1, 1, 1, 0]));
        assert_eq!(looked["changes"], json!([{ "id": "pt-own", "fields": ["team"] }]));
        assert_eq!(team_of(&county, "pt-own").await, json!("tm-a"), "nothing was written");

        let taken = post(&county, KEEPER, ROSTER, &roster()).await.json();
        assert_eq!((&taken["outcome"], &taken["written"]), (&json!("written"), &json!(2)), "{taken}");
        let import = taken["import"].as_str().unwrap().to_owned();
        assert_eq!(team_of(&county, "pt-own").await, json!("tm-b"), "access follows at the next request");
        let versions = county.ask_as(KEEPER, "GET", "/v1/register/patient/pt-own/versions", "").await.json();
        let newest = &versions["versions"][0];
        assert_eq!((&newest["by"], &newest["why"]), (&json!(KEEPER), &json!(format!("import {import}"))));

        let again = post(&county, KEEPER, ROSTER, &roster()).await.json();
        assert_eq!((&again["outcome"], &again["written"]), (&json!("nothing_new"), &json!(0)));

        let undo = format!("/v1/imports/{import}/undo");
        let dry = county.ask_as(KEEPER, "POST", &format!("{undo}?dry_run=true"), "").await.json();
        assert_eq!((&dry["put_back"], &dry["left_out"]), (&json!(1), &json!(["pt-new"])));
        assert_eq!(team_of(&county, "pt-own").await, json!("tm-b"));
        let back = county.ask_as(KEEPER, "POST", &undo, "").await.json();
        assert_eq!((&back["put_back"], &back["dry_run"]), (&json!(1), &json!(false)));
        assert_eq!(team_of(&county, "pt-own").await, json!("tm-a"));
        let back = county.ask_as(KEEPER, "POST", &undo, "").await.json();
        assert_eq!((&back["put_back"], &back["already"]), (&json!(0), &json!(2)));
        let unknown = county.ask_as(KEEPER, "POST", "/v1/imports/im-00112233445566aa/undo", "").await;
        is(&unknown, 404, Some("item_not_found"));
    });
}

#[test]
fn one_bad_row_holds_a_list_back_unless_asked_for_and_nothing_of_a_cell_is_repeated() {
    in_county(plain(), async |county| {
        let list = format!("{}pt-bad,999 000 0000,Quillfeather,tm-a\n", roster());
        let held = post(&county, KEEPER, ROSTER, &list).await.json();
        assert_eq!((&held["outcome"], &held["written"], counts(&held)[4]), (&json!("rows_refused"), &json!(0), 1));
        assert_eq!((&held["refusals"][0]["line"], &held["refusals"][0]["column"]), (&json!(5), &json!("nhs_number")));
        assert!(!held.to_string().contains("Quillfeather"), "{held}");
        assert_eq!(team_of(&county, "pt-own").await, json!("tm-a"));
        let taken = post(&county, KEEPER, &format!("{ROSTER}?accept_refused=true"), &list).await.json();
        assert_eq!((&taken["outcome"], &taken["written"]), (&json!("written"), &json!(2)));

        let odd = post(&county, KEEPER, ROSTER, "id,shoe_size\n").await;
        is(&odd, 400, Some("body_malformed"));
        assert!(odd.body.contains("shoe_size"), "{odd:?}");
        is(&county.ask_as(KEEPER, "POST", ROSTER, "{}").await, 415, Some("content_type_not_supported"));
        is(&post(&county, KEEPER, &format!("{ROSTER}?dry=1"), &list).await, 400, Some("body_malformed"));
    });
}

/// Who keeps a part of the footprint would learn of people beyond it, and write there.
#[test]
fn only_who_keeps_the_whole_footprint_sends_a_list() {
    in_county(plain(), async |county| {
        for path in [ROSTER, STATUS, "/v1/lists/roster?dry_run=true"] {
            is(&post(&county, "st-admin-north", path, &roster()).await, 403, Some("not_allowed"));
        }
        let undo = county.ask_as("st-admin-north", "POST", "/v1/imports/im-00112233445566aa/undo", "").await;
        is(&undo, 403, Some("not_allowed"));
        assert_eq!(team_of(&county, "pt-own").await, json!("tm-a"));
    });
}

/// The nightly list says that somebody died: from then on nothing is asked of them, and staff still hear of a reading.
#[test]
fn a_death_in_the_nightly_list_counts_at_once() {
    in_county(plain(), async |county| {
        let asked = async |first| {
            let receipt = county.send(&["pt-own"], first, "190/120").await;
            let line = &receipt["readings"][0];
            assert!(
                line["verdict"]["evaluated"]["alerts"].as_array().is_some_and(|alerts| !alerts.is_empty()),
                "{line}"
            );
            line["prompts"].as_array().map_or(0, Vec::len)
        };
        assert!(asked(1).await > 0, "there is something to leave out");
        let day = (county.clock.read() - TimeDelta::days(1)).date_naive();
        let taken = post(&county, KEEPER, STATUS, &format!("id,status,on\npt-own,deceased,{day}\n")).await;
        is(&taken, 200, None);
        assert_eq!((&taken.json()["outcome"], &taken.json()["written"]), (&json!("written"), &json!(1)));
        assert_eq!(asked(2).await, 0);
    });
}

/// A store that cannot write says so, and the same list again writes what is missing.
#[test]
fn a_list_that_was_not_written_says_so_and_is_written_when_it_is_sent_again() {
    let faulty = Arc::<FaultyStore>::default();
    in_county(put_before(faulty.clone()), async |county| {
        faulty.set(Some(Down::CannotWrite));
        let broken_off = post(&county, KEEPER, ROSTER, &roster()).await;
        is(&broken_off, 503, Some("store_unavailable"));
        let detail = broken_off.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with("import im-") && detail.ends_with(": 0 people were written"), "{detail}");
        faulty.set(None);
        assert_eq!(team_of(&county, "pt-own").await, json!("tm-a"));
        assert_eq!(post(&county, KEEPER, ROSTER, &roster()).await.json()["written"], json!(2));
    });
}
