//! Staff take an alert: through the page's own form and through the interface, once, and from no other site.

use super::{is_refused, one, pages::is_problem_page, refused, settled, start, taken_now};
use harness::{
    service::{ADA, CY, ODD, SAM, STAFF_HEADER, Seen, TestService, personal_words_in},
    signed_client::{Answer, Call},
};
use ingest::events::{AlertStage, ServiceEvent};
use rules::{Condition, Workflow};
use serde_json::{Value, json};
use vitals::ErrorCode::{self, *};

/// A service with one red alert of Ada's, of which staff have been told.
fn with_alert() -> (TestService, String) {
    let service = start();
    one(&service, &taken_now(&service, ADA, 1, "182/118"));
    let alert = settled(&service).alerts.remove(0).id.to_string();
    (service, alert)
}

fn page(service: &TestService, staff: &str) -> Answer {
    service.send(&Call::new("GET", "/").with(STAFF_HEADER, staff)).unwrap()
}

/// The token in the page's form.
fn token(page: &Answer) -> String {
    let field = page.body.split("name=\"csrf\" value=\"").nth(1).unwrap_or_else(|| panic!("no form on {page:?}"));
    field.split('"').next().unwrap().to_owned()
}

fn form(alert: &str, body: &str) -> Call {
    let call = Call::new("POST", &format!("/alerts/{alert}/acknowledge"));
    call.with("content-type", "application/x-www-form-urlencoded").body(body)
}

fn json_call(alert: &str, body: &str) -> Call {
    Call::new("POST", &format!("/v1/alerts/{alert}/acknowledge")).with("content-type", "application/json").body(body)
}

fn is_taken(service: &TestService) -> bool {
    matches!(service.see().unwrap().alerts[0].workflow, Workflow::Acknowledged { .. })
}

#[test]
fn taking_an_alert_through_the_page_shows_who_took_it() {
    let (service, alert) = with_alert();
    let page_of_sam = page(&service, SAM);
    let sent = form(&alert, &format!("csrf={}&note=Rang+her%2C+she+is+resting.%0D%0A%3Cb%3E", token(&page_of_sam)));
    let host = service.address().unwrap().to_string();
    let sent =
        sent.with(STAFF_HEADER, SAM).with("origin", &format!("http://{host}")).with("sec-fetch-site", "same-origin");
    let answer = service.send(&sent).unwrap();
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")), "{answer:?}");
    assert_eq!((answer.header("cache-control"), answer.body.as_str()), (Some("no-store"), ""));
    for staff in [SAM, harness::service::MARA] {
        let shown = page(&service, staff).body;
        let taken = super::bad_readings::section(&shown, "Being dealt with");
        assert!(taken.contains("Sam Second") && taken.contains("Rang her, she is resting."), "{taken}");
        assert!(!taken.contains("<b>") && !shown.contains("dealing with this"), "nobody can take it again: {shown}");
        assert!(shown.contains("No alerts are waiting"));
    }
    let seen = service.see().unwrap();
    assert_eq!(seen.count("alert-acknowledged"), 1);
    assert!(matches!(&seen.alerts[0].workflow, Workflow::Acknowledged { by, .. } if by.id.as_str() == SAM));
    let is_taken =
        |event: &ServiceEvent| matches!(event, ServiceEvent::AlertChanged { stage: AlertStage::Acknowledged, .. });
    assert_eq!(service.events.count(is_taken), 1);
}

#[test]
fn the_second_to_take_an_alert_is_refused_and_the_first_stays() {
    let (service, alert) = with_alert();
    let csrf = token(&page(&service, SAM));
    let mine = token(&page(&service, harness::service::MARA));
    assert_eq!(service.send(&form(&alert, &format!("csrf={mine}"))).unwrap().status, 303);
    let before = service.see().unwrap();
    let again = form(&alert, &format!("csrf={csrf}")).with(STAFF_HEADER, SAM);
    is_problem_page(&service.send(&again).unwrap(), AlertAlreadyAcknowledged).unwrap();
    refused(&service.send(&json_call(&alert, "{}").with(STAFF_HEADER, SAM)).unwrap(), AlertAlreadyAcknowledged);
    refused(&service.send(&json_call(&alert, "{}")).unwrap(), AlertAlreadyAcknowledged);
    // Each try looked at the alert, and that stands in the record; nothing else changed.
    let without_looks = |mut seen: Seen| {
        seen.changes.retain(|change| change.kind != "audit");
        seen
    };
    assert_eq!(without_looks(service.see().unwrap()), without_looks(before));
}

/// Of many at once, one takes it.
#[test]
fn of_several_who_take_an_alert_at_once_exactly_one_does() {
    let (service, alert) = with_alert();
    let call = json_call(&alert, "{}");
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let takers: Vec<_> = (0..6).map(|_| scope.spawn(|| service.send(&call).unwrap())).collect();
        takers.into_iter().map(|taker| taker.join().unwrap()).collect()
    });
    let (taken, others): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!(taken.len(), 1);
    others.into_iter().for_each(|answer| refused(answer, AlertAlreadyAcknowledged));
    assert_eq!(service.see().unwrap().count("alert-acknowledged"), 1);
}

/// Each row is a form or a request of the interface that did not come from our page; the alert stays open.
#[test]
fn a_change_from_another_site_or_an_old_form_is_refused() {
    let (mut service, alert) = with_alert();
    let csrf = token(&page(&service, harness::service::MARA));
    let of_sam = token(&page(&service, SAM));
    let good = form(&alert, &format!("csrf={csrf}"));
    let host = service.address().unwrap().to_string();
    let rows: Vec<(&str, Call, ErrorCode)> = vec![
        ("no token", form(&alert, "note=x"), FormExpired),
        ("an empty token", form(&alert, "csrf="), FormExpired),
        ("another token", form(&alert, &format!("csrf={}", "0".repeat(64))), FormExpired),
        ("a token that is none", form(&alert, "csrf=zzz"), FormExpired),
        ("a colleague's token", form(&alert, &format!("csrf={of_sam}")), FormExpired),
        ("another origin", good.clone().with("origin", "https://evil.example"), FormExpired),
        ("an origin that hides", good.clone().with("origin", "null"), FormExpired),
        (
            "an origin that begins alike",
            good.clone().with("origin", &format!("http://{host}.evil.example")),
            FormExpired,
        ),
        ("another port", good.clone().with("origin", "http://127.0.0.1:1"), FormExpired),
        ("a cross-site fetch", good.clone().with("sec-fetch-site", "cross-site"), FormExpired),
        ("a same-site fetch", good.clone().with("sec-fetch-site", "same-site"), FormExpired),
        ("a foreign host", good.clone().with("host", "evil.example"), NotAllowed),
        ("no such alert", form("al-00000000000000000000000000000000", &format!("csrf={csrf}")), AlertNotFound),
        ("no alert's id", form("1", &format!("csrf={csrf}")), AlertNotFound),
        ("a note too long", form(&alert, &format!("csrf={csrf}&note={}", "x".repeat(2001))), NoteRefused),
    ];
    for (what, call, code) in rows {
        is_problem_page(&service.send(&call).unwrap(), code).unwrap_or_else(|wrong| panic!("{what}: {wrong}"));
        assert!(!is_taken(&service), "{what}");
    }
    let not_a_form = [
        ("as JSON", good.clone().changed("content-type", "application/json"), BodyMalformed),
        ("no form at all", good.clone().without("content-type"), BodyMalformed),
        ("too long", form(&alert, &format!("csrf={csrf}&note={}", "x".repeat(20_000))), BodyTooLarge),
        ("a token twice", form(&alert, &format!("csrf={csrf}&csrf={csrf}")), BodyMalformed),
    ];
    for (what, call, code) in not_a_form {
        is_problem_page(&service.send(&call).unwrap(), code).unwrap_or_else(|wrong| panic!("{what}: {wrong}"));
        assert!(!is_taken(&service), "{what}");
    }
    for (what, call) in [
        ("another origin", json_call(&alert, "{}").with("origin", "https://evil.example")),
        ("a cross-site fetch", json_call(&alert, "{}").with("sec-fetch-site", "cross-site")),
    ] {
        is_refused(&service.send(&call).unwrap(), FormExpired).unwrap_or_else(|wrong| panic!("{what}: {wrong}"));
        assert!(!is_taken(&service), "{what}");
    }
    service.restart().unwrap();
    is_problem_page(&service.send(&good).unwrap(), FormExpired).unwrap();
    assert!(!is_taken(&service), "a form of before the restart");
    let fresh = token(&page(&service, harness::service::MARA));
    // The longest note the page lets anybody write, in letters of four bytes.
    let longest = "%F0%9F%99%82".repeat(look::worklist::NOTE_CHARS_MAX);
    let good = service.send(&form(&alert, &format!("csrf={fresh}&note={longest}"))).unwrap();
    assert_eq!(good.status, 303, "the good one does: {good:?}");
}

#[test]
fn the_interface_lists_alerts_and_takes_them() {
    let (service, alert) = with_alert();
    for (what, call, code) in [
        ("a form", json_call(&alert, "{}").changed("content-type", "text/plain"), ContentTypeNotSupported),
        ("no type", json_call(&alert, "{}").without("content-type"), ContentTypeNotSupported),
        ("no JSON", json_call(&alert, "note"), BodyMalformed),
        ("nothing", json_call(&alert, ""), BodyMalformed),
        ("a note that is a number", json_call(&alert, "{\"note\":7}"), BodyMalformed),
        ("a note too long", json_call(&alert, &json!({ "note": "x".repeat(501) }).to_string()), NoteRefused),
        ("a body too large", json_call(&alert, &json!({ "note": "x".repeat(9000) }).to_string()), BodyTooLarge),
        ("no such alert", json_call("al-00000000000000000000000000000000", "{}"), AlertNotFound),
        ("no alert's id", json_call("7", "{}"), AlertNotFound),
    ] {
        is_refused(&service.send(&call).unwrap(), code).unwrap_or_else(|wrong| panic!("{what}: {wrong}"));
        assert!(!is_taken(&service), "{what}");
    }
    let listed = service.send(&Call::new("GET", "/v1/alerts")).unwrap();
    assert_eq!((listed.status, listed.header("cache-control")), (200, Some("no-store")));
    let listed: Value = serde_json::from_str(&listed.body).unwrap();
    assert_eq!((listed["alerts"].as_array().unwrap().len(), &listed["alerts"][0]["id"]), (1, &json!(alert)));

    let taken = service.send(&json_call(&alert, "{\"note\":\"Rang her.\"}")).unwrap();
    assert_eq!((taken.status, taken.header("cache-control")), (200, Some("no-store")));
    let taken: Value = serde_json::from_str(&taken.body).unwrap();
    assert_eq!(taken["workflow"]["acknowledged"]["note"], json!("Rang her."));
    assert!(is_taken(&service));
}

/// Somebody else's caseload: they see nothing of it, and what they may not see is not there for them.
#[test]
fn a_case_manager_with_other_people_sees_and_takes_nothing() {
    let (service, alert) = with_alert();
    let mut nobodys = taken_now(&service, CY, 1, "183/119");
    nobodys["patient"] = json!(CY.0);
    one(&service, &nobodys);
    let shown = page(&service, ODD);
    assert_eq!(shown.status, 200);
    assert_eq!(personal_words_in(&shown.body), None);
    assert!(!shown.body.contains("182/118") && !shown.body.contains("183/119"), "{}", shown.body);
    let listed = service.send(&Call::new("GET", "/v1/alerts").with(STAFF_HEADER, ODD)).unwrap();
    assert_eq!((listed.status, listed.body.as_str()), (200, "{\"alerts\":[]}"));
    refused(&service.send(&json_call(&alert, "{}").with(STAFF_HEADER, ODD)).unwrap(), AlertNotFound);
    // The token of their own page: what keeps them out is their access, not the form.
    let cy = super::receipt(&service, &service.hub_b, &[taken_now(&service, CY, 2, "182/118")]);
    assert_eq!(cy.readings[0].prompts.len(), 1);
    let csrf = token(&page(&service, ODD));
    let taking = form(&alert, &format!("csrf={csrf}")).with(STAFF_HEADER, ODD);
    is_problem_page(&service.send(&taking).unwrap(), AlertNotFound).unwrap();
    let seen = service.see().unwrap();
    assert_eq!((seen.alerts.len(), seen.count("alert-acknowledged")), (1, 0));
}

/// An amber that waits for its repeat is not theirs to take yet; nor is one that has settled.
#[test]
fn an_alert_that_was_not_raised_cannot_be_taken() {
    let service = start();
    one(&service, &taken_now(&service, ADA, 1, "156/97"));
    let alert = service.see().unwrap().alerts.remove(0).id.to_string();
    refused(&service.send(&json_call(&alert, "{}")).unwrap(), AlertNotRaised);
    assert!(!page(&service, SAM).body.contains("name=\"csrf\""), "the page offers no button");
    service.clock.advance(chrono::TimeDelta::minutes(6));
    one(&service, &taken_now(&service, ADA, 2, "128/79"));
    assert!(matches!(service.see().unwrap().alerts[0].condition, Condition::Cleared(_)));
    let answer = service.send(&json_call(&alert, "{}")).unwrap();
    assert!(is_refused(&answer, AlertNotRaised).is_ok() || is_refused(&answer, AlertNotFound).is_ok(), "{answer:?}");
    assert!(page(&service, SAM).body.contains("Settled by itself, nobody has looked"));
}
