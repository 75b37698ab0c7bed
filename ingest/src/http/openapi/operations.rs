//! What each route takes and answers, beside the table that mounts it: the tests hold every route to having one of these.

use super::corrections::reading_id;
use super::form::{Form, digest_id, moment, words, yes_or_no};
use super::lists::import_id;
use super::schemas::{hub_id, key_of, of_kind, patient_id, record_id, staff_id};
use super::viewer;
use crate::http::Route;
use crate::pages;
use register::ItemKind;
use serde_json::{Value, json};
use vitals::{
    ErrorCode,
    wire::{enrol::ENROL_PATH, hello::HELLO_PATH, v1::BATCHES_PATH},
};

/// What a request's body holds.
#[derive(Debug, Clone)]
pub(super) enum Body {
    /// None.
    None,
    /// JSON of a named schema.
    Json(String),
    /// JSON of a named schema, signed by a hub.
    Signed(&'static str),
    /// A list, as comma-separated values.
    List,
    /// A form of a page, with these fields.
    Form(&'static [&'static str]),
}

/// What comes back where all is well.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// JSON of a named schema.
    Json(u16, String, &'static str),
    /// Text, a page or a file.
    Other(u16, &'static str, &'static str),
    /// One of several kinds of text, as it was asked for.
    AnyOf(u16, &'static [&'static str], &'static str),
    /// Nothing.
    Nothing(u16, &'static str),
    /// Another page to go to.
    Go(&'static str),
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum In {
    /// In the path.
    Path,
    /// In the query.
    Query,
}

/// A parameter.
#[derive(Debug, Clone)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) stands: In,
    pub(super) about: &'static str,
    pub(super) form: Form,
    pub(super) is_needed: bool,
}

/// What a route takes and answers.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) tag: &'static str,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Body,
    pub(super) answers: Vec<Answer>,
    /// What it refuses with, beside what every route of its kind does.
    pub(super) codes: Vec<ErrorCode>,
}

impl Operation {
    fn new(id: impl Into<String>, tag: &'static str) -> Self {
        Self { id: id.into(), tag, parameters: vec![], body: Body::None, answers: vec![], codes: vec![] }
    }

    fn of(mut self, name: &'static str, form: Form, about: &'static str) -> Self {
        self.parameters.push(Parameter { name, stands: In::Path, about, form, is_needed: true });
        self
    }

    fn asked(mut self, name: &'static str, form: Form, about: &'static str) -> Self {
        self.parameters.push(Parameter { name, stands: In::Query, about, form, is_needed: false });
        self
    }

    fn must_ask(mut self, name: &'static str, form: Form, about: &'static str) -> Self {
        self.parameters.push(Parameter { name, stands: In::Query, about, form, is_needed: true });
        self
    }

    fn takes(self, schema: impl Into<String>) -> Self {
        Self { body: Body::Json(schema.into()), ..self }
    }

    fn signed(self, schema: &'static str) -> Self {
        Self { body: Body::Signed(schema), ..self }
    }

    fn form(self, fields: &'static [&'static str]) -> Self {
        Self { body: Body::Form(fields), ..self }
    }

    fn list(self) -> Self {
        Self { body: Body::List, ..self }
    }

    fn gives(mut self, status: u16, schema: impl Into<String>, about: &'static str) -> Self {
        self.answers.push(Answer::Json(status, schema.into(), about));
        self
    }

    fn answers(mut self, answer: Answer) -> Self {
        self.answers.push(answer);
        self
    }

    fn or(mut self, codes: &[ErrorCode]) -> Self {
        self.codes.extend_from_slice(codes);
        self
    }
}

/// The tags, with what each is about.
pub(super) const TAGS: &[(&str, &str)] = &[
    ("hubs", "What hubs send: readings, how they stand, and themselves to be enrolled."),
    ("session", "Signing in and out."),
    ("alerts", "Alerts, and taking them."),
    ("people", "One person: what is kept of them, who looked, and access in an emergency."),
    ("register", "People, places, staff, devices and what was agreed, each with its history."),
    ("service", "Whether the service lives, and what it counts."),
    ("pages", "Pages for people, and their forms. They answer with pages."),
];

fn after(kind: ItemKind) -> Form {
    // Any text is a place in the order of ids; none is before all of them.
    Form { schema: json!({ "type": "string", "maxLength": 48, "default": "" }), example: key_of(kind).example }
}

/// What a route takes and answers; none for one that nobody has described.
pub(super) fn of(route: &Route) -> Option<Operation> {
    of_register(route).or_else(|| of_main(route)).or_else(|| of_pages(route))
}

fn of_register(route: &Route) -> Option<Operation> {
    let mut parts = route.path.strip_prefix("/v1/register/")?.split('/');
    let kind = ItemKind::from_name(parts.next()?)?;
    let (name, schema) = (kind.name(), of_kind(kind));
    let one = |id: String| Operation::new(id, "register").of("key", key_of(kind), "Its id.");
    Some(match (route.method, parts.next(), parts.next()) {
        ("GET", None, None) => Operation::new(format!("list_{name}"), "register")
            .asked("after", after(kind), "From which id on: what the page before said.")
            .gives(200, format!("{schema}List"), "A page of them."),
        ("GET", Some(_key), None) => one(format!("show_{name}")).gives(200, format!("{schema}Shown"), "It."),
        ("PUT", Some(_key), None) => one(format!("write_{name}"))
            .takes(format!("{schema}ToWrite"))
            .gives(200, "WrittenAs", "The next version is written.")
            .gives(201, "WrittenAs", "The first version is written.")
            .or(&[ErrorCode::ItemNotInOrder, ErrorCode::ItemStale, ErrorCode::RecordEnded]),
        ("GET", Some(_key), Some("versions")) => {
            one(format!("versions_of_{name}")).gives(200, format!("{schema}Versions"), "Its versions.")
        }
        _ => return None,
    })
}

fn of_main(route: &Route) -> Option<Operation> {
    use ErrorCode::{
        AlertAlreadyAcknowledged, AlertNotFound, AlertNotRaised, CodeMistyped, CodeRefused, ItemNotInOrder, ItemStale,
        KeyRefused, NoteRefused, PasswordRefused, SignInRefused, StoreUnavailable, TooManyCodes, TooManyGuesses,
        TooManyReadings,
    };
    let new = |id: &str, tag: &'static str| Operation::new(id, tag);
    let person = |id: &str, tag: &'static str| new(id, tag).of("patient", patient_id(), "The person.");
    let correction = |id: &str, schema: &str| {
        person(id, "people")
            .of("reading", reading_id(), "The reading.")
            .takes(schema)
            .gives(200, "Corrected", "How the reading stands now.")
            .or(&[NoteRefused, ErrorCode::CorrectionNotPossible, ErrorCode::RecordEnded])
    };
    let list = |id: &str| {
        new(id, "people")
            .asked("dry_run", yes_or_no(true), "Only says what it would change.")
            .asked("accept_refused", yes_or_no(false), "Takes in the good rows although others are refused.")
            .list()
            .gives(200, "ListTaken", "What became of it.")
            .or(&[ErrorCode::NotFound])
    };
    Some(match (route.method, route.path) {
        ("POST", BATCHES_PATH) => new("send_batch", "hubs")
            .signed("Batch")
            .gives(200, "Receipt", "What became of each reading.")
            .or(&[TooManyReadings]),
        ("POST", HELLO_PATH) => {
            new("say_hello", "hubs").signed("Hello").gives(200, "HelloAnswer", "What the service has for the hub.")
        }
        ("POST", ENROL_PATH) => new("enrol_hub", "hubs")
            .takes("Enrol")
            .gives(200, "Enrolled", "The hub is enrolled.")
            .or(&[CodeRefused, CodeMistyped, TooManyCodes, KeyRefused]),
        ("POST", "/v1/hubs/{hub}/code") => new("make_code", "hubs")
            .of("hub", hub_id(), "The hub.")
            .gives(200, "Issued", "The code, shown this once.")
            .or(&[TooManyCodes, ItemStale, ItemNotInOrder]),
        ("GET", "/v1/session") => new("show_session", "session").gives(200, "Session", "Who is signed in."),
        ("POST", "/v1/session") => new("sign_in", "session")
            .takes("SignIn")
            .gives(200, "Session", "Signed in: the session's cookie is set.")
            .or(&[SignInRefused, TooManyGuesses, ErrorCode::NotFound, ErrorCode::FormExpired]),
        ("DELETE", "/v1/session") => {
            new("sign_out", "session").answers(Answer::Nothing(204, "Signed out: the cookie is taken away."))
        }
        ("POST", "/v1/session/password") => new("change_password", "session")
            .takes("PasswordChange")
            .gives(200, "Session", "Changed: a new session's cookie is set, and every other session has ended.")
            .or(&[SignInRefused, TooManyGuesses, PasswordRefused, ErrorCode::NotFound]),
        ("POST", "/v1/staff/{staff}/account") => new("make_account", "session")
            .of("staff", staff_id(), "Whose.")
            .gives(201, "AccountMade", "The password, shown this once.")
            .or(&[ErrorCode::NotFound]),
        ("DELETE", "/v1/staff/{staff}/account") => new("take_account_away", "session")
            .of("staff", staff_id(), "Whose.")
            .answers(Answer::Nothing(204, "Nobody can sign in with it any more."))
            .or(&[ErrorCode::NotFound]),
        ("GET", "/v1/alerts") => new("list_alerts", "alerts").gives(200, "Alerts", "The alerts."),
        ("POST", "/v1/alerts/{id}/acknowledge") => new("take_alert", "alerts")
            .of("id", digest_id("al-"), "The alert.")
            .takes("Acknowledgement")
            .gives(200, "Alert", "The alert as it now is.")
            .or(&[AlertNotFound, AlertAlreadyAcknowledged, AlertNotRaised, NoteRefused, ErrorCode::RecordEnded]),
        ("GET", "/v1/people/{patient}") => {
            person("show_person", "people").gives(200, "Items", "What the register holds of them.")
        }
        ("GET", "/v1/people/{patient}/log") => {
            let whom = Form {
                schema: json!({ "type": "string", "enum": ["person", "officer"], "default": "person" }),
                ..words([], "officer")
            };
            person("show_log", "people")
                .asked("for", whom, "For whom: the officer's copy also says who.")
                .gives(200, "Log", "The log.")
        }
        ("GET", "/v1/people/{patient}/export") => {
            let form = json!({ "type": "string", "enum": ["json", "text"], "default": "json" });
            person("export_person", "people")
                .asked("form", Form { schema: form, ..words([], "json") }, "As lines of JSON, or as text to read.")
                .answers(Answer::AnyOf(
                    200,
                    &["application/jsonl", "text/plain"],
                    "Everything held about them; the last line of JSON counts the others.",
                ))
        }
        ("GET", "/v1/people/{patient}/incident") => person("show_incident", "people")
            .must_ask("from", moment(), "From when.")
            .must_ask(
                "until",
                Form { example: "2026-06-02T08:00:00Z".into(), ..moment() },
                "Until when; not within it.",
            )
            .answers(Answer::Other(200, "application/json", "What the service knew and did, signed."))
            .or(&[ErrorCode::ItemNotInOrder]),
        ("GET", "/v1/people/{patient}/ended") => {
            person("show_ended", "people").gives(200, "Tombstone", "The statement in the place of the record.")
        }
        ("POST", "/v1/people/{patient}/readings/{reading}/entered-in-error") => {
            correction("withdraw_reading", "InError").or(&[ErrorCode::ReadingNotFound])
        }
        ("POST", "/v1/people/{patient}/readings/{reading}/move") => {
            correction("move_reading", "MoveTo").or(&[ErrorCode::ReadingNotFound, ItemNotInOrder])
        }
        ("POST", "/v1/people/{patient}/readings/{reading}/count-again") => {
            correction("count_reading_again", "CountsAgain")
                .or(&[ErrorCode::ReadingNotFound, ErrorCode::ReadingNotInError])
        }
        ("POST", "/v1/people/{patient}/emergency") => person("take_emergency", "people")
            .takes("EmergencyAsked")
            .gives(201, "EmergencyTaken", "The record is open, until then.")
            .or(&[ItemNotInOrder, ErrorCode::RecordEnded]),
        ("POST", "/v1/lists/roster") => list("take_roster_in"),
        ("POST", "/v1/lists/status") => list("take_status_in"),
        ("POST", "/v1/imports/{import}/undo") => new("take_import_back", "people")
            .of("import", import_id(), "The import.")
            .asked("dry_run", yes_or_no(true), "Only says what it would come to.")
            .gives(200, "ImportTakenBack", "What it came to.")
            .or(&[ErrorCode::NotFound]),
        ("GET", "/v1/emergencies") => {
            new("list_emergencies", "people").gives(200, "Emergencies", "Emergency accesses.")
        }
        ("POST", "/v1/emergencies/{id}/review") => new("review_emergency", "people")
            .of("id", record_id(), "The emergency access.")
            .gives(200, "WrittenAs", "Noted.")
            .or(&[ItemStale, ItemNotInOrder, ErrorCode::RecordEnded]),
        ("GET", "/livez") => new("lives", "service").answers(Answer::Other(200, "text/plain", "The process answers.")),
        ("GET", "/readyz") => new("is_ready", "service")
            .answers(Answer::Other(200, "text/plain", "Readings are taken."))
            .or(&[StoreUnavailable, ErrorCode::ServiceBusy]),
        ("GET", "/metrics") => new("show_metrics", "service")
            .answers(Answer::Other(200, "text/plain", "Counts and gauges, in Prometheus's text form."))
            .or(&[ErrorCode::NotAllowed]),
        ("GET", super::DOCUMENT_PATH) => {
            new("show_document", "service").answers(Answer::Other(200, "application/json", "This document."))
        }
        ("GET", viewer::VIEWER_PATH) => {
            new("show_viewer", "service").answers(Answer::Other(200, "text/html", "This document, for people to read."))
        }
        ("GET", viewer::VIEWER_FILE_PATH) => new("show_viewer_file", "service")
            .of("file", words(viewer::names(), "show.js"), "The file.")
            .answers(Answer::Other(200, "*/*", "The file."))
            .or(&[ErrorCode::NotFound]),
        _ => return None,
    })
}

fn of_pages(route: &Route) -> Option<Operation> {
    let new = |id: &str| Operation::new(id, "pages");
    let page = |about| Answer::Other(200, "text/html", about);
    let file = Form { schema: json!({ "type": "string", "maxLength": 100 }), example: Value::from("derwent.css") };
    Some(match (route.method, route.path) {
        ("GET", pages::WORKLIST_PATH) => new("page_worklist").answers(page("The worklist.")),
        ("POST", "/alerts/{id}/acknowledge") => new("page_take_alert")
            .of("id", digest_id("al-"), "The alert.")
            .form(&["csrf", "note"])
            .answers(Answer::Go("Back to the worklist."))
            .or(&[
                ErrorCode::AlertNotFound,
                ErrorCode::AlertAlreadyAcknowledged,
                ErrorCode::AlertNotRaised,
                ErrorCode::NoteRefused,
            ]),
        ("GET", pages::SIGN_IN_PATH) => {
            new("page_sign_in").answers(page("The form to sign in.")).or(&[ErrorCode::NotFound])
        }
        ("POST", pages::SIGN_IN_PATH) => new("page_begin_session")
            .form(&["staff", "password"])
            .answers(Answer::Go("To the worklist, or to the page to choose a password at."))
            .or(&[ErrorCode::SignInRefused, ErrorCode::TooManyGuesses, ErrorCode::NotFound, ErrorCode::FormExpired]),
        ("POST", pages::SIGN_OUT_PATH) => {
            new("page_sign_out").form(&["csrf"]).answers(Answer::Go("To the page to sign in at."))
        }
        ("GET", pages::PASSWORD_PATH) => {
            new("page_password").answers(page("The form for a new password.")).or(&[ErrorCode::NotFound])
        }
        ("POST", pages::PASSWORD_PATH) => new("page_change_password")
            .form(&["csrf", "old", "new", "again"])
            .answers(Answer::Go("To the worklist."))
            .or(&[
                ErrorCode::SignInRefused,
                ErrorCode::TooManyGuesses,
                ErrorCode::PasswordRefused,
                ErrorCode::NotFound,
            ]),
        ("GET", "/assets/{file}") => new("page_asset")
            .of("file", file, "The file.")
            .answers(Answer::Other(200, "*/*", "The file."))
            .or(&[ErrorCode::NotFound]),
        _ => return None,
    })
}
