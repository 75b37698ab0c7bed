//! What holds of every page, whatever is on it: proven by reading the rendered HTML tag by tag.
#![expect(clippy::unwrap_used, reason = "clippy takes only functions marked as tests for tests")]

mod sample;

use chrono::NaiveDate;
use look::{
    AlertRow, Away, BackLink, Notice, PasswordPage, PasswordRefused, ProblemPage, SignInPage, Urgency, WorklistPage,
    assets, sign_in, words, worklist,
};
use std::collections::BTreeSet;
use vitals::ErrorCode;

/// One tag: its name and its attributes.
struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// The opening tags of a page, and the text a person reads.
fn read(html: &str) -> (Vec<Tag>, String) {
    let (mut tags, mut text, mut rest) = (Vec::new(), String::new(), html);
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        let mut quoted = false;
        let end = after.find(|letter| {
            quoted ^= letter == '"';
            letter == '>' && !quoted
        });
        let (inside, after) = after.split_at(end.unwrap_or(after.len()));
        if inside.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
            tags.push(tag(inside));
        }
        rest = after.strip_prefix('>').unwrap_or_default();
    }
    let text = text
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#38;", "&");
    (tags, text)
}

fn tag(inside: &str) -> Tag {
    let (name, mut rest) = inside.split_once(|letter: char| letter.is_whitespace()).unwrap_or((inside, ""));
    let mut attributes = Vec::new();
    while let Some((key, after)) = rest.split_once("=\"") {
        let (value, after) = after.split_once('"').unwrap_or((after, ""));
        attributes.push((key.trim().to_owned(), value.to_owned()));
        rest = after;
    }
    assert!(rest.trim().is_empty(), "an attribute without a quoted value: {inside}");
    Tag { name: name.to_owned(), attributes }
}

fn problem(code: ErrorCode) -> String {
    let page = sample::page();
    let back = Some(BackLink { path: "/", words: "Back to the worklist" });
    ProblemPage { service_name: page.service_name, banner: page.banner, code, back }.html().unwrap()
}

/// A worklist in which everything that comes from outside attacks.
fn hostile() -> WorklistPage {
    let attack = "\u{202e}\"'><script>alert(1)</script><img src=x onerror=alert(1)>\u{0}&amp;";
    let person = || sample::person(attack, None);
    let mut page = sample::page();
    for text in [&mut page.service_name, &mut page.signed_in_as, &mut page.service_hours, &mut page.csrf] {
        *text = attack.to_owned();
    }
    page.banner = Some(attack.to_owned());
    page.notice = Some(Notice::Done(attack.to_owned()));
    for alert in page.alerts.iter_mut().chain(&mut page.settled) {
        alert.person = person();
        alert.why = attack.to_owned();
        alert.told = Some(attack.to_owned());
        for text in [&mut alert.rule.rule, &mut alert.rule.protocol, &mut alert.rule.version] {
            *text = attack.to_owned();
        }
        alert.evidence.iter_mut().for_each(|row| row.device = attack.to_owned());
        if let Some(taken) = &mut alert.acknowledged {
            taken.by = attack.to_owned();
            taken.note = Some(attack.to_owned());
        }
    }
    for row in &mut page.equipment {
        row.name = attack.to_owned();
        row.place = Some(attack.to_owned());
        row.what = attack.to_owned();
        row.advice = Some(attack.to_owned());
    }
    for row in page.recent.iter_mut().chain(&mut page.unassigned) {
        row.device = attack.to_owned();
        if let look::Whose::Person(whose) = &mut row.whose {
            *whose = person();
        }
    }
    page
}

fn every_page() -> Vec<(String, String)> {
    let with = |notice| WorklistPage { notice: Some(notice), ..sample::page() };
    let mut pages = vec![
        ("worklist".to_owned(), sample::page().html().unwrap()),
        ("empty".to_owned(), sample::empty_page().html().unwrap()),
        ("done".to_owned(), with(Notice::Done("You are dealing with it.".to_owned())).html().unwrap()),
        ("refused".to_owned(), with(Notice::Refused(ErrorCode::AlertAlreadyAcknowledged)).html().unwrap()),
        ("hostile".to_owned(), hostile().html().unwrap()),
    ];
    pages.push(("signed in".to_owned(), WorklistPage { can_sign_out: true, ..sample::page() }.html().unwrap()));
    for refused in [None, Some(ErrorCode::SignInRefused), Some(ErrorCode::TooManyGuesses)] {
        pages.push((format!("sign in, {refused:?}"), sign_in_page(refused).html().unwrap()));
    }
    let refused = ErrorCode::ALL.iter().copied().map(PasswordRefused::Because).chain([PasswordRefused::NotAlike]);
    for refused in refused.map(Some).chain([None]) {
        pages.push((format!("password, {refused:?}"), password_page(refused).html().unwrap()));
    }
    pages.extend(ErrorCode::ALL.iter().map(|&code| (code.code().to_owned(), problem(code))));
    pages
}

fn sign_in_page(refused: Option<ErrorCode>) -> SignInPage {
    let page = sample::page();
    SignInPage { service_name: page.service_name, banner: page.banner, refused }
}

fn password_page(refused: Option<PasswordRefused>) -> PasswordPage {
    let WorklistPage { service_name, banner, signed_in_as, csrf, .. } = sample::page();
    PasswordPage { service_name, banner, signed_in_as, is_first: true, refused, csrf }
}

/// The fields of a page that take what somebody types.
fn typed(html: &str) -> Vec<Tag> {
    let inputs = read(html).0.into_iter().filter(|tag| tag.name == "input");
    inputs.filter(|tag| tag.get("type") != Some("hidden")).collect()
}

#[test]
fn the_pages_for_passwords_hide_them_help_a_password_manager_and_keep_none() {
    let pages = [
        (
            sign_in_page(Some(ErrorCode::SignInRefused)).html().unwrap(),
            sign_in::SIGN_IN_PATH,
            ["username", "current-password"].as_slice(),
        ),
        (
            password_page(Some(PasswordRefused::NotAlike)).html().unwrap(),
            sign_in::PASSWORD_PATH,
            &["current-password", "new-password", "new-password"],
        ),
    ];
    for (html, path, expected) in pages {
        let fields = typed(&html);
        let kinds: Vec<&str> = fields.iter().filter_map(|tag| tag.get("autocomplete")).collect();
        assert_eq!(kinds, expected, "{path}");
        for field in fields {
            assert_eq!(field.get("value"), None, "nothing that was typed is shown again");
            let is_password = field.get("autocomplete").is_some_and(|kind| kind.ends_with("password"));
            assert_eq!(field.get("type") == Some("password"), is_password, "{path}");
        }
        let forms = read(&html).0.into_iter().filter(|tag| tag.name == "form" && tag.get("method") == Some("post"));
        assert!(forms.into_iter().any(|form| form.get("action") == Some(path)), "{path}");
    }
}

#[test]
fn whoever_can_sign_out_has_a_button_with_the_forms_token() {
    let out = |page: WorklistPage| page.html().unwrap().matches("action=\"/sign-out\"").count();
    assert_eq!(out(sample::page()), 0, "a demo has nothing to sign out of");
    assert_eq!(out(WorklistPage { can_sign_out: true, ..sample::empty_page() }), 1);
    let html = WorklistPage { can_sign_out: true, ..sample::empty_page() }.html().unwrap();
    let hidden = read(&html).0.into_iter().find(|tag| tag.get("name") == Some(worklist::CSRF_FIELD)).unwrap();
    assert_eq!(hidden.get("value"), Some("7f1d0c5e"));
}

#[test]
fn no_page_has_script_inline_style_or_another_host() {
    for (name, html) in every_page() {
        let (tags, _) = read(&html);
        for tag in &tags {
            assert!(
                !["script", "style", "iframe", "object", "embed", "base", "img"].contains(&tag.name.as_str()),
                "{name}: <{}>",
                tag.name
            );
            for (key, value) in &tag.attributes {
                assert!(key != "style" && !key.starts_with("on"), "{name}: {key} on <{}>", tag.name);
                if ["href", "src", "action"].contains(&key.as_str()) {
                    let is_ours = value.starts_with(['/', '#', '?']) && !value.starts_with("//");
                    assert!(is_ours, "{name}: {key}={value}");
                }
            }
        }
        assert!(!html.contains("://"), "{name} names another host");
    }
}

#[test]
fn every_page_has_its_landmarks_and_language() {
    for (name, html) in every_page() {
        let (tags, _) = read(&html);
        for once in ["h1", "main", "header", "footer", "title"] {
            assert_eq!(tags.iter().filter(|tag| tag.name == once).count(), 1, "{name}: {once}");
        }
        let meta = |key, content| {
            tags.iter()
                .any(|tag| tag.name == "meta" && tag.get("name") == Some(key) && tag.get("content") == Some(content))
        };
        assert!(html.starts_with("<!doctype html>") && html.contains("<html lang=\"en-GB\">"), "{name}");
        assert!(
            meta("format-detection", "telephone=no") && meta("viewport", "width=device-width, initial-scale=1"),
            "{name}"
        );
        assert!(tags.iter().any(|tag| tag.get("href") == Some("#maincontent")), "{name}: skip link");
        assert!(tags.iter().any(|tag| tag.get("role") == Some("region")), "{name}: the banner is on every page");
        assert!(html.contains(words::NOT_A_DEVICE), "{name}");
    }
}

#[test]
fn every_input_has_its_label_and_every_id_is_its_own() {
    for (name, html) in every_page() {
        let (tags, _) = read(&html);
        let labels: BTreeSet<&str> =
            tags.iter().filter(|tag| tag.name == "label").filter_map(|tag| tag.get("for")).collect();
        for input in tags.iter().filter(|tag| ["input", "textarea", "select"].contains(&tag.name.as_str())) {
            let is_labelled =
                input.get("type") == Some("hidden") || input.get("id").is_some_and(|id| labels.contains(id));
            assert!(is_labelled, "{name}: input {:?}", input.get("name"));
        }
        let ids: Vec<&str> = tags.iter().filter_map(|tag| tag.get("id")).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{name}: an id is used twice");
        for reference in tags.iter().filter_map(|tag| tag.get("aria-labelledby")) {
            assert!(ids.contains(&reference), "{name}: nothing is called {reference}");
        }
    }
}

#[test]
fn tables_keep_their_roles_when_they_become_lists_on_a_phone() {
    for (name, html) in every_page() {
        for tag in read(&html).0 {
            let role = match tag.name.as_str() {
                "table" => "table",
                "thead" | "tbody" => "rowgroup",
                "tr" => "row",
                "th" => "columnheader",
                "td" => "cell",
                _ => continue,
            };
            assert_eq!(tag.get("role"), Some(role), "{name}: <{}>", tag.name);
        }
        assert_eq!(
            html.matches("<td ").count(),
            html.matches("nhsuk-table-responsive__heading").count(),
            "{name}: each cell is named"
        );
    }
}

#[test]
fn what_comes_from_outside_stays_text() {
    let html = hostile().html().unwrap();
    assert!(!html.contains("<script") && !html.contains("<img"), "unescaped");
    assert!(!html.contains(['\u{202e}', '\u{0}']), "characters that act instead of being seen");
    let (_, text) = read(&html);
    assert!(
        text.contains("\u{fffd}\"'><script>alert(1)</script>"),
        "it is shown as it was written, the reordering made visible"
    );
    assert!(text.contains("&amp;"), "nothing is unescaped twice");
}

/// Words that `words.md` keeps off the screen, with the letters around them that make them another word.
#[test]
fn no_page_says_a_forbidden_word() {
    let everywhere = [
        "monitored",
        "you are fine",
        "canary",
        "dead-man",
        "deadman",
        "storm guard",
        "rung",
        "latch",
        "epoch",
        "poison",
        "snooze",
        "break-glass",
        "stratum",
        "auto-closed",
        "technical lane",
        "inbox",
        "null",
        "none",
        "undefined",
    ];
    // The registry's sentences about requests speak to engineers; the worklist never does.
    let on_the_worklist =
        ["fine", "acknowledge", "unassigned", "pack", "shadow", "retired", "assign", "red", "amber", "green"];
    for (name, html) in every_page() {
        // Every word between two spaces, so that part of another word does not count.
        let plain: String = read(&html)
            .1
            .to_lowercase()
            .chars()
            .map(|letter| if letter.is_alphanumeric() || "_-".contains(letter) { letter } else { ' ' })
            .collect();
        let said = format!(" {} ", plain.split_whitespace().collect::<Vec<_>>().join(" "));
        let words = |list: &[&str], text: &str| -> Vec<String> {
            list.iter().filter(|word| text.contains(&format!(" {word} "))).map(|word| (*word).to_owned()).collect()
        };
        assert_eq!(words(&everywhere, &said), Vec::<String>::new(), "{name}");
        if ["empty", "worklist", "done"].contains(&name.as_str()) {
            // The sample's own sentences name thresholds by their colour, as a rule may.
            let ours = said.replace("red threshold", "").replace("amber threshold", "");
            assert_eq!(words(&on_the_worklist, &ours), Vec::<String>::new(), "{name}");
        }
    }
}

#[test]
fn taking_an_alert_is_a_plain_form() {
    let html = sample::page().html().unwrap();
    let alert = &sample::page().alerts[0];
    let (tags, text) = read(&html);
    let forms: Vec<&Tag> = tags.iter().filter(|tag| tag.name == "form").collect();
    assert_eq!(
        forms.len(),
        2,
        "one form for each alert that may be taken; none where somebody has, none where it settled"
    );
    assert_eq!(forms[0].get("method"), Some("post"));
    assert_eq!(forms[0].get("action"), Some(format!("/alerts/{}/acknowledge", alert.id).as_str()));
    let named = |name| tags.iter().find(|tag| tag.name == "input" && tag.get("name") == Some(name)).unwrap();
    assert_eq!(named(worklist::CSRF_FIELD).get("value"), Some("7f1d0c5e"));
    assert_eq!(named(worklist::NOTE_FIELD).get("maxlength"), Some("500"));
    assert_eq!(text.matches(words::TAKE_ALERT).count(), 2);
}

#[test]
fn an_alert_that_may_not_be_taken_has_no_button() {
    let alert = AlertRow { can_acknowledge: false, ..sample::page().alerts.remove(0) };
    let html = WorklistPage { alerts: vec![alert], ..sample::empty_page() }.html().unwrap();
    assert!(html.contains("Act now") && !html.contains("<form"));
}

/// Somebody who looks at an alert of a person who died must know before they ring the family; the alert itself stays.
#[test]
fn an_alert_of_somebody_who_died_moved_or_is_in_hospital_says_so_and_stays() {
    let day = NaiveDate::from_ymd_opt(2026, 6, 1).unwrap();
    for (away, said) in [
        (Away::Deceased(day), "Recorded as deceased on 1 June 2026. Nothing is sent to them."),
        (Away::Moved(day), "Recorded as moved away on 1 June 2026. Nothing is sent to them."),
        (Away::Admitted(day), "Recorded as in hospital since 1 June 2026. Nothing is sent to them."),
    ] {
        let alert = sample::page().alerts.remove(0);
        let usual = WorklistPage { alerts: vec![alert.clone()], ..sample::empty_page() }.html().unwrap();
        assert!(!read(&usual).1.contains("Recorded as") && usual.contains("Instruction sent to the hub"));
        let alert = AlertRow { away: Some(away), ..alert };
        let html = WorklistPage { alerts: vec![alert], ..sample::empty_page() }.html().unwrap();
        assert!(read(&html).1.contains(said), "{}", read(&html).1);
        assert!(html.contains("<form") && !html.contains("Instruction sent to the hub"));
    }
}

#[test]
fn the_page_says_what_a_case_manager_must_see() {
    let html = sample::page().html().unwrap();
    let text = read(&html).1;
    for said in [
        "1 act now, 1 check again \u{2013} Worklist \u{2013} Demo remote readings",
        "Demo: simulated patients",
        "Signed in as Demo case manager",
        "Shown as it was today at 10.24am",
        "Waiting 12 minutes",
        "999 000 0018",
        "182/118mmHg",
        "pulse 96 beats a minute",
        "no value: the device said that it has no value",
        "Taken 16 January 2017, reached us 1 June 2026",
        "Protocol: Demo blood pressure, version 0.1.0.",
        "Settled by itself, nobody has looked",
        "Equipment and connection",
        "Whose reading is this?",
        "by the hub's clock",
    ] {
        assert!(text.contains(said), "missing: {said}");
    }
    let order: Vec<usize> = ["Ada Exampleton", "Clara Invented", "Being dealt with", "Dev Madeupson"]
        .map(|said| text.find(said).unwrap())
        .to_vec();
    assert!(order.is_sorted(), "the caller's order stands, and what somebody has taken comes after what waits");
}

#[test]
fn an_empty_worklist_is_honest() {
    let text = read(&sample::empty_page().html().unwrap()).1;
    assert!(text.contains("No alerts are waiting. Your team looks Monday to Friday, 8am to 6pm."));
    assert!(text.contains("This does not mean that everybody is well"));
}

#[test]
fn urgency_is_said_in_words() {
    for urgency in Urgency::ALL {
        let alert = sample::alert(urgency, sample::person("Ada Exampleton", None), "Because.", 3);
        let html = WorklistPage { alerts: vec![alert], ..sample::empty_page() }.html().unwrap();
        assert!(html.contains(&format!(">{}</strong>", urgency.words())), "{urgency:?}");
    }
}

#[test]
fn every_asset_a_page_names_is_there() {
    for (name, html) in every_page() {
        for path in read(&html).0.iter().filter(|tag| tag.name == "link").filter_map(|tag| tag.get("href")) {
            assert!(assets::get(path).is_some(), "{name}: {path}");
        }
    }
}

#[test]
fn no_asset_asks_another_host() {
    for path in assets::paths() {
        let asset = assets::get(path).unwrap();
        assert!(
            path.starts_with(assets::PREFIX) && path.contains(asset.etag.trim_matches('"')),
            "the path holds the digest"
        );
        if let Ok(text) = std::str::from_utf8(asset.bytes) {
            for word in ["http:", "https:", "url(", "@import", "@font-face", "Frutiger", "sourceMappingURL"] {
                assert!(!text.contains(word), "{path} holds {word}");
            }
        }
    }
}

#[test]
fn no_template_names_another_host() {
    let templates: Vec<_> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/templates")).unwrap().collect();
    assert!(templates.len() >= 5, "the templates are looked for where they are");
    for template in templates {
        let path = template.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("//") && !text.contains("safe"), "{path:?} names another host or switches escaping off");
    }
}
