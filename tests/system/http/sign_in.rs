//! Signing in with an account: the same answer for every wrong try, few tries, sessions that end when they must, and a
//! password of one's own before anything else.

use super::county::{Answered, County, request, staff, with_cookie};
use chrono::TimeDelta;
use ingest::access::{Access, Purpose};
use serde_json::json;
use std::sync::Arc;

const GOOD: &str = "three random words";

fn in_county<T>(work: impl AsyncFnOnce(County) -> T) -> T {
    actix_web::rt::System::new().block_on(async {
        let county = County::new(Arc::new(|store| store)).await;
        let team = json!({ "team": "tm-a" });
        county
            .write([staff("st-ada", "case_manager", team.clone(), false), staff("st-bo", "clinician", team, false)])
            .await;
        county.password("st-ada", GOOD, false).await;
        county.password("st-bo", GOOD, true).await;
        work(county).await
    })
}

async fn sign_in(county: &County, name: &str, password: &str) -> Answered {
    let body = json!({ "staff": name, "password": password }).to_string();
    county.ask(request("POST", "/v1/session", &body)).await
}

async fn get(county: &County, path: &str, token: &str) -> Answered {
    county.ask(with_cookie(request("GET", path, ""), token)).await
}

/// How many lines the service's own record has: each is a sign-in or a refused one.
async fn audited(county: &County) -> usize {
    let changes = county.shared.store.changes(&Access::system(Purpose::Follow), Default::default(), 10_000).await;
    changes.unwrap().0.iter().filter(|change| change.kind == "audit" && change.patient.is_none()).count()
}

fn is(answer: &Answered, status: u16, code: Option<&str>) {
    assert_eq!((answer.status, answer.code.as_deref()), (status, code), "{answer:?}");
}

#[test]
fn a_session_begins_with_a_cookie_for_this_host_alone_and_ends_with_signing_out() {
    in_county(async |county| {
        is(&get(&county, "/v1/alerts", "").await, 401, Some("sign_in_required"));
        let begun = sign_in(&county, "st-ada", GOOD).await;
        is(&begun, 200, None);
        let cookie = begun.header("set-cookie").unwrap();
        let parts: Vec<&str> = cookie.split("; ").collect();
        assert!(parts[0].starts_with("__Host-session=") && parts[0].len() == "__Host-session=".len() + 64, "{cookie}");
        assert_eq!(parts[1..], ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"]);
        assert!(!begun.body.contains(&begun.cookie()), "the token is in the cookie and nowhere else");
        is(&get(&county, "/v1/alerts", &begun.cookie()).await, 200, None);
        let shown = get(&county, "/v1/session", &begun.cookie()).await.json();
        assert_eq!((&shown["staff"], &shown["must_change_password"]), (&json!("st-ada"), &json!(false)));
        assert!(shown["permissions"].as_array().unwrap().contains(&json!("take-alerts")));
        assert_ne!(
            sign_in(&county, "st-ada", GOOD).await.cookie(),
            begun.cookie(),
            "each sign-in has a token of its own"
        );
        let out = county.ask(with_cookie(request("DELETE", "/v1/session", ""), &begun.cookie())).await;
        is(&out, 204, None);
        assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
        is(&get(&county, "/v1/alerts", &begun.cookie()).await, 401, Some("sign_in_required"));
    });
}

#[test]
fn a_wrong_password_and_a_name_that_nobody_has_get_the_same_answer_and_few_tries() {
    in_county(async |county| {
        let wrong = sign_in(&county, "st-ada", "three wrong words").await;
        is(&wrong, 401, Some("sign_in_refused"));
        assert_eq!(wrong.header("set-cookie"), None);
        for name in ["st-nobody", "no id at all", "", "st-ada' or 1=1"] {
            let other = sign_in(&county, name, GOOD).await;
            assert_eq!((other.status, &other.body), (401, &wrong.body), "{name}");
        }
        for _ in 1..10 {
            is(&sign_in(&county, "st-ada", "three wrong words").await, 401, Some("sign_in_refused"));
        }
        let before = audited(&county).await;
        assert_eq!(before, 14, "each guess that was looked at, and no other");
        is(&sign_in(&county, "st-ada", GOOD).await, 429, Some("too_many_guesses"));
        assert_eq!(audited(&county).await, before);
        county.clock.advance(TimeDelta::minutes(5));
        is(&sign_in(&county, "st-ada", GOOD).await, 200, None);
        assert_eq!(audited(&county).await, before + 1);
    });
}

/// Ten tries from one address, whatever names they are for; a proxy on this machine says which address.
#[test]
fn tries_are_counted_for_the_address_too() {
    in_county(async |county| {
        let from = async |address: &str, n: usize| {
            let body = json!({ "staff": format!("st-guess{n}"), "password": GOOD }).to_string();
            county.ask(request("POST", "/v1/session", &body).insert_header(("x-forwarded-for", address))).await
        };
        for n in 0..10 {
            is(&from("10.9.9.9, 192.0.2.7", n).await, 401, Some("sign_in_refused"));
        }
        is(&from("10.1.1.1, 192.0.2.7", 10).await, 429, Some("too_many_guesses"));
        is(&from("192.0.2.7, 192.0.2.8", 11).await, 401, Some("sign_in_refused"));
    });
}

#[test]
fn a_password_that_somebody_else_chose_is_changed_before_anything_else() {
    in_county(async |county| {
        let begun = sign_in(&county, "st-bo", GOOD).await;
        assert_eq!(begun.json()["must_change_password"], json!(true));
        let (first, second) = (begun.cookie(), sign_in(&county, "st-bo", GOOD).await.cookie());
        is(&get(&county, "/v1/alerts", &first).await, 403, Some("password_change_needed"));
        let page = get(&county, "/", &first).await;
        assert_eq!((page.status, page.header("location")), (303, Some("/password")));
        let change = async |old: &str, new: &str| {
            let body = json!({ "old": old, "new": new }).to_string();
            county.ask(with_cookie(request("POST", "/v1/session/password", &body), &first)).await
        };
        is(&change(GOOD, "short").await, 400, Some("password_refused"));
        is(&change(GOOD, GOOD).await, 400, Some("password_refused"));
        is(&change("not the old one", "four other random words").await, 401, Some("sign_in_refused"));
        is(&get(&county, "/v1/alerts", &first).await, 403, Some("password_change_needed"));
        let changed = change(GOOD, "four other random words").await;
        is(&changed, 200, None);
        for ended in [&first, &second] {
            is(&get(&county, "/v1/alerts", ended).await, 401, Some("sign_in_required"));
        }
        is(&get(&county, "/v1/alerts", &changed.cookie()).await, 200, None);
        is(&sign_in(&county, "st-bo", GOOD).await, 401, Some("sign_in_refused"));
        assert_eq!(
            sign_in(&county, "st-bo", "four other random words").await.json()["must_change_password"],
            json!(false)
        );
    });
}

#[test]
fn who_has_left_is_out_at_the_next_request_and_stays_out() {
    in_county(async |county| {
        let token = sign_in(&county, "st-ada", GOOD).await.cookie();
        is(&get(&county, "/v1/alerts", &token).await, 200, None);
        let team = json!({ "team": "tm-a" });
        county.write([staff("st-ada", "case_manager", team.clone(), true)]).await;
        is(&get(&county, "/v1/alerts", &token).await, 401, Some("sign_in_required"));
        is(&sign_in(&county, "st-ada", GOOD).await, 401, Some("sign_in_refused"));
        county.write([staff("st-ada", "case_manager", team, false)]).await;
        is(&get(&county, "/v1/alerts", &token).await, 401, Some("sign_in_required"));
        is(&sign_in(&county, "st-ada", GOOD).await, 200, None);
    });
}

#[test]
fn signing_in_from_another_site_or_with_something_else_than_a_password_is_refused() {
    in_county(async |county| {
        let body = json!({ "staff": "st-ada", "password": GOOD }).to_string();
        let foreign = request("POST", "/v1/session", &body).insert_header(("origin", "https://evil.example"));
        is(&county.ask(foreign).await, 403, Some("form_expired"));
        for (body, status, code) in [
            ("{}", 400, "body_malformed"),
            ("{\"staff\":\"st-ada\"}", 400, "body_malformed"),
            ("{\"staff\":\"st-ada\",\"password\":7}", 400, "body_malformed"),
            ("{\"staff\":\"st-ada\",\"password\":\"x\",\"more\":1}", 400, "body_malformed"),
        ] {
            is(&county.ask(request("POST", "/v1/session", body)).await, status, Some(code));
        }
        let long = json!({ "staff": "st-ada", "password": "x".repeat(9_000) }).to_string();
        is(&county.ask(request("POST", "/v1/session", &long)).await, 413, Some("body_too_large"));
        let text = request("POST", "/v1/session", &body).insert_header(("content-type", "text/plain"));
        is(&county.ask(text).await, 415, Some("content_type_not_supported"));
    });
}

#[test]
fn the_pages_sign_in_change_a_password_and_sign_out() {
    in_county(async |county| {
        let page = county.ask(request("GET", "/sign-in", "")).await;
        assert!(page.status == 200 && page.body.contains("type=\"password\"") && !page.body.contains("<script"));
        let wrong = county.ask(request("POST", "/sign-in", "staff=st-bo&password=no")).await;
        is(&wrong, 401, Some("sign_in_refused"));
        assert!(!wrong.body.contains("st-bo"), "what was typed is not shown again");
        let inside = county.ask(request("POST", "/sign-in", "staff=st-bo&password=three+random+words")).await;
        assert_eq!((inside.status, inside.header("location")), (303, Some("/password")));
        let token = inside.cookie();
        let page = get(&county, "/password", &token).await;
        let csrf = page.body.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let post = async |path: &str, body: &str, token: &str| {
            county.ask(with_cookie(request("POST", path, body), token)).await
        };
        let fields = "old=three+random+words&new=four+other+random+words";
        is(
            &post("/password", &format!("{fields}&again=four+other+random+words"), &token).await,
            403,
            Some("form_expired"),
        );
        let unlike = post("/password", &format!("csrf={csrf}&{fields}&again=something+else+again"), &token).await;
        assert!(unlike.status == 400 && unlike.body.contains("not alike"), "{unlike:?}");
        let changed = post("/password", &format!("csrf={csrf}&{fields}&again=four+other+random+words"), &token).await;
        assert_eq!((changed.status, changed.header("location")), (303, Some("/")));
        let token = changed.cookie();
        let worklist = get(&county, "/", &token).await;
        assert!(worklist.status == 200 && worklist.body.contains("Sign out"), "{worklist:?}");
        is(&post("/sign-out", "csrf=", &token).await, 403, Some("form_expired"));
        let out = post("/sign-out", &format!("csrf={csrf}"), &token).await;
        assert_eq!((out.status, out.header("location")), (303, Some("/sign-in")));
        let shut = get(&county, "/", &token).await;
        assert_eq!((shut.status, shut.header("location")), (303, Some("/sign-in")));
    });
}
