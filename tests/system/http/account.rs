//! An administrator gives somebody a password for their first sign-in, and takes accounts away: within their reach, never
//! for themselves, and every session ends at once.

use super::county::{Answered, County, request, staff, with_cookie};
use ingest::access::{Access, Purpose};
use serde_json::{Value, json};
use std::sync::Arc;

fn in_county<T>(work: impl AsyncFnOnce(County) -> T) -> T {
    actix_web::rt::System::new().block_on(async {
        let county = County::new(Arc::new(|store| store)).await;
        let north = json!({ "organisation": "org-north" });
        let mut two_posts =
            serde_json::to_value(staff("st-two", "clinician", json!({ "team": "tm-a" }), false)).unwrap();
        let elsewhere =
            json!({ "role": "clinician", "place": { "team": "tm-c" }, "span": { "from": "2020-01-01T00:00:00Z" } });
        two_posts["staff"]["posts"].as_array_mut().unwrap().push(elsewhere);
        county
            .write([
                staff("st-admin", "administrator", north.clone(), false),
                staff("st-other-admin", "administrator", north, false),
                staff("st-ada", "case_manager", json!({ "team": "tm-a" }), false),
                staff("st-south", "case_manager", json!({ "team": "tm-c" }), false),
                staff("st-above", "administrator", json!("footprint"), false),
                staff("st-officer", "privacy_officer", json!({ "organisation": "org-north" }), false),
                serde_json::from_value(two_posts).unwrap(),
            ])
            .await;
        work(county).await
    })
}

async fn account(county: &County, by: &str, method: &str, of: &str) -> Answered {
    county.ask_as(by, method, &format!("/v1/staff/{of}/account"), "").await
}

async fn sign_in(county: &County, name: &str, password: &str) -> Answered {
    county.ask(request("POST", "/v1/session", &json!({ "staff": name, "password": password }).to_string())).await
}

fn is(answer: &Answered, status: u16, code: Option<&str>) {
    assert_eq!((answer.status, answer.code.as_deref()), (status, code), "{answer:?}");
}

#[test]
fn a_password_is_shown_once_ends_every_session_and_must_be_changed() {
    in_county(async |county| {
        let session = county.session("st-ada", county.clock.read(), false);
        let alerts = async || county.ask(with_cookie(request("GET", "/v1/alerts", ""), &session)).await;
        is(&alerts().await, 200, None);
        let made = account(&county, "st-admin", "POST", "st-ada").await;
        is(&made, 201, None);
        assert_eq!(made.header("cache-control"), Some("no-store"));
        is(&alerts().await, 401, Some("sign_in_required"));
        let made = made.json();
        assert_eq!(made["staff"], "st-ada");
        let password = made["password"].as_str().unwrap();
        let begun = sign_in(&county, "st-ada", password).await;
        is(&begun, 200, None);
        assert_eq!(begun.json()["must_change_password"], true);
        let first = county.ask(with_cookie(request("GET", "/v1/alerts", ""), &begun.cookie())).await;
        is(&first, 403, Some("password_change_needed"));
        let again = account(&county, "st-other-admin", "POST", "st-ada").await.json();
        assert_ne!(again["password"], made["password"]);
        is(&sign_in(&county, "st-ada", password).await, 401, Some("sign_in_refused"));
        let told = format!("{:?}", county.events.all());
        assert!(!told.contains(password), "a password is in an event");
        let changes = county.shared.store.changes(&Access::system(Purpose::Follow), Default::default(), 10_000).await;
        let audits =
            changes.unwrap().0.iter().filter(|change| change.kind == "audit" && change.patient.is_none()).count();
        assert_eq!(audits, 4, "two accounts and two sign-ins");
    });
}

#[test]
fn an_account_that_was_taken_away_signs_nobody_in() {
    in_county(async |county| {
        let password = account(&county, "st-admin", "POST", "st-ada").await.json()["password"].clone();
        let password = password.as_str().unwrap();
        let begun = sign_in(&county, "st-ada", password).await;
        is(&begun, 200, None);
        is(&account(&county, "st-admin", "DELETE", "st-ada").await, 204, None);
        let after = county.ask(with_cookie(request("GET", "/v1/session", ""), &begun.cookie())).await;
        is(&after, 401, Some("sign_in_required"));
        is(&sign_in(&county, "st-ada", password).await, 401, Some("sign_in_refused"));
    });
}

#[test]
fn nobody_sets_their_own_account_nor_one_beyond_their_reach() {
    in_county(async |county| {
        let refused = [
            ("st-admin", "st-admin", 403, "not_allowed"),
            ("st-admin", "st-south", 403, "not_allowed"),
            ("st-admin", "st-above", 403, "not_allowed"),
            ("st-admin", "st-two", 403, "not_allowed"),
            ("st-ada", "st-two", 403, "not_allowed"),
            ("st-admin", "st-nobody", 404, "item_not_found"),
            ("st-admin", "nobody", 404, "item_not_found"),
            // Two officers erase a record: nobody may make both.
            ("st-admin", "st-officer", 403, "not_allowed"),
            ("st-above", "st-officer", 403, "not_allowed"),
        ];
        for (by, of, status, code) in refused {
            for method in ["POST", "DELETE"] {
                let answer = account(&county, by, method, of).await;
                assert_eq!((answer.status, answer.code.as_deref()), (status, Some(code)), "{method} {by} {of}");
            }
        }
        for (role, id, status) in [("privacy_officer", "st-new-officer", 403), ("clinician", "st-new", 201)] {
            let item = staff(id, role, json!({ "organisation": "org-north" }), false);
            let body = json!({ "version": 1, "item": item, "why": "A new post." }).to_string();
            let written = county.ask_as("st-above", "PUT", &format!("/v1/register/staff/{id}"), &body).await;
            assert_eq!(written.status, status, "{role}: {written:?}");
        }
        // The twin: whoever keeps the whole footprint reaches them all, but for themselves.
        for of in ["st-admin", "st-south", "st-two"] {
            is(&account(&county, "st-above", "POST", of).await, 201, None);
        }
        is(&account(&county, "st-above", "POST", "st-above").await, 403, Some("not_allowed"));
        let asked: Value = account(&county, "st-above", "POST", "st-admin").await.json();
        assert!(asked["password"].is_string());
    });
}
