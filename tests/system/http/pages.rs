//! The pages: plain HTML without script, shut to other sites, never kept by a cache, and shut where nobody signs in.

use super::{is_refused, one, refused, settled, start, taken_now, words_of};
use harness::{
    service::{ADA, Setup, TestService, personal_words_in},
    signed_client::{Answer, Call},
};
use look::{PAGE_HEADERS, assets};
use vitals::ErrorCode::{self, *};

/// Whether an answer is a page that says what is wrong: status, code, what happened, what it means and what to do, and
/// nothing about anybody.
pub(super) fn is_problem_page(answer: &Answer, code: ErrorCode) -> Result<(), String> {
    let meaning = code.meaning();
    let happened = meaning.happened.trim_end_matches('.');
    let has_words = [happened, meaning.means, meaning.advice].iter().all(|words| words_of(answer).contains(words));
    let is_page = answer.status == meaning.status && answer.body.contains(&format!(">{}</code>", meaning.code));
    let is_safe = has_page_headers(answer) && personal_words_in(&answer.body).is_none();
    if has_words && is_page && is_safe { Ok(()) } else { Err(format!("want the page of {code:?}: {answer:?}")) }
}

fn has_page_headers(answer: &Answer) -> bool {
    PAGE_HEADERS.iter().all(|(name, value)| answer.header(name) == Some(*value))
}

fn get(service: &TestService, target: &str) -> Answer {
    service.send(&Call::new("GET", target)).unwrap()
}

/// `curl` of the page shows the alert; a browser is allowed our own style sheets and forms, and nothing else.
#[test]
fn the_worklist_is_plain_html_without_script() {
    let service = start();
    one(&service, &taken_now(&service, ADA, 1, "182/118"));
    let page = get(&service, "/");
    assert_eq!(page.status, 200);
    assert!(has_page_headers(&page), "{:?}", page.headers);
    let policy = page.header("content-security-policy").unwrap();
    for rule in
        ["default-src 'none'", "style-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"]
    {
        assert!(policy.split("; ").any(|one| one == rule), "{rule} is not in {policy}");
    }
    let lower = page.body.to_lowercase();
    for active in ["<script", "javascript:", " onclick=", " onload=", "style=\"", "<iframe", "http://", "https://"] {
        assert!(!lower.contains(active), "{active} is in the page");
    }
    for shown in ["1 act now", ADA.1, ADA.2, "182/118", "I'm dealing with this", "Signed in as", "Mara Usual"] {
        assert!(words_of(&page).contains(shown), "{shown} is not in {}", page.body);
    }
}

#[test]
fn what_a_device_or_a_person_wrote_is_text_on_the_page() {
    let service = start();
    let mut reading = taken_now(&service, ADA, 1, "128/79");
    let source = vitals::SourceId::device("<script>alert(1)</script>".replace('/', "|").as_str(), "\"><b>x").unwrap();
    let record = vitals::RecordNumber::parse(reading["record"].as_str().unwrap()).unwrap();
    reading["id"] = vitals::record::reading_id(&source, record).to_string().into();
    reading["source"] = source.to_string().into();
    assert_eq!(one(&service, &reading).outcome, vitals::wire::v1::Outcome::Stored);
    let page = get(&service, "/").body;
    assert!(!page.contains("<script>") && !page.contains("<b>"), "{page}");
    assert!(page.contains("alert(1)"), "it is shown as text: {page}");
}

/// A web site that makes its own name point to this machine reaches nothing: only this machine's names are answered.
#[test]
fn a_page_for_this_machine_answers_to_its_own_names_only() {
    let service = start();
    one(&service, &taken_now(&service, ADA, 1, "182/118"));
    for host in [
        "evil.example",
        "evil.example:8080",
        "127.0.0.1.evil.example:80",
        "localhost.evil.example",
        "",
        "127.0.0.1@evil.example",
        "10.0.0.1:80",
    ] {
        let foreign = |method, target| Call::new(method, target).with("host", host);
        is_problem_page(&service.send(&foreign("GET", "/")).unwrap(), NotAllowed)
            .unwrap_or_else(|wrong| panic!("{host}: {wrong}"));
        is_refused(&service.send(&foreign("GET", "/v1/alerts")).unwrap(), NotAllowed)
            .unwrap_or_else(|wrong| panic!("{host}: {wrong}"));
    }
    for host in ["localhost", "localhost:1234", "127.0.0.1", "[::1]:80"] {
        assert_eq!(service.send(&Call::new("GET", "/").with("host", host)).unwrap().status, 200, "{host}");
    }
}

#[test]
fn where_nobody_signs_in_the_pages_are_shut() {
    let service = TestService::start(Setup { has_staff: false, ..Setup::default() }).unwrap();
    let alert = match one(&service, &taken_now(&service, ADA, 1, "182/118")).verdict {
        Some(vitals::wire::v1::Verdict::Evaluated { alerts, .. }) => alerts[0].clone(),
        other => panic!("{other:?}"),
    };
    let before = settled(&service);
    is_problem_page(&get(&service, "/"), SignInRequired).unwrap();
    refused(&get(&service, "/v1/alerts"), SignInRequired);
    let form = Call::new("POST", &format!("/alerts/{alert}/acknowledge"))
        .with("content-type", "application/x-www-form-urlencoded");
    is_problem_page(&service.send(&form.body("csrf=&note=")).unwrap(), SignInRequired).unwrap();
    let json = Call::new("POST", &format!("/v1/alerts/{alert}/acknowledge"))
        .with("content-type", "application/json")
        .body("{}");
    refused(&service.send(&json).unwrap(), SignInRequired);
    assert_eq!(service.see().unwrap().alerts, before.alerts);
    assert_eq!(get(&service, "/livez").status, 200, "who asks whether it lives needs no sign-in");
}

#[test]
fn assets_are_cached_for_ever_because_their_path_changes_with_them() {
    let service = start();
    let page = get(&service, "/").body;
    for path in assets::paths() {
        assert!(page.contains(path), "{path}");
        let answer = get(&service, path);
        let asset = assets::get(path).unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert_eq!(
            (answer.header("content-type"), answer.header("etag")),
            (Some(asset.content_type), Some(asset.etag))
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    for path in ["/assets/derwent.css", "/assets/..%2f..%2fetc%2fpasswd", "/assets/"] {
        refused(&get(&service, path), NotFound);
    }
}

#[test]
fn machines_are_told_whether_the_service_lives_and_is_ready() {
    let service = start();
    for (target, body) in [("/livez", "lives\n"), ("/readyz", "ready\n")] {
        let answer = get(&service, target);
        assert_eq!((answer.status, answer.body.as_str()), (200, body));
    }
}

#[test]
fn a_method_that_an_address_does_not_have_is_refused_with_those_it_has() {
    let service = start();
    for (target, allow) in [
        ("/v1/batches", "POST"),
        ("/v1/alerts", "GET"),
        ("/v1/alerts/al-00/acknowledge", "POST"),
        ("/alerts/al-00/acknowledge", "POST"),
        ("/", "GET"),
        ("/livez", "GET"),
        ("/readyz", "GET"),
        ("/assets/derwent.css", "GET"),
    ] {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"] {
            if method != allow {
                let answer = service.send(&Call::new(method, target)).unwrap();
                refused(&answer, MethodNotAllowed);
                assert_eq!(answer.header("allow"), Some(allow), "{method} {target}");
            }
        }
    }
    for target in ["/nowhere", "/v1", "/v2/batches", "/v1/batches/", "/assets", "/alerts", "/v1/alerts/"] {
        refused(&service.send(&Call::new("GET", target)).unwrap(), NotFound);
    }
}
