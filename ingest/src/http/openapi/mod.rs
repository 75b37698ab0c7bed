//! The interface as a document: `OpenAPI` 3.1, made of the table of routes and of the schemas beside the types.
//!
//! Invariants: every route of the table is in it and nothing else is; every status that a route answers with is described;
//! every schema has an example that its type reads and writes unchanged. `docs/reference/openapi.json` is this document.

mod corrections;
mod form;
mod lists;
mod operations;
mod schemas;
#[cfg(test)]
mod tests;
pub(super) mod viewer;

use super::{
    Route,
    problem::PROBLEM_TYPE,
    routes::{Who, routes},
};
use crate::access::SESSION_COOKIE;
use actix_web::{HttpResponse, http::header};
use operations::{Answer, Body, In, Operation, Parameter};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, sync::LazyLock};
use vitals::{ErrorCode, error_code::Retry};

/// Where the document is.
pub(super) const DOCUMENT_PATH: &str = "/v1/openapi.json";

const ABOUT: &str = "\
Hubs send readings here, staff read and write what the service keeps, and pages are served to people.

Every refusal of `/v1/` has a body of `application/problem+json` with a stable `code`; pages answer with a page. A path that \
there is not is answered with 404, and a method that a path does not have with 405 and the header `Allow`, in the same form.

What is not HTTP at all is answered below all of that and has no body: 400 for a request line or header that cannot be read, \
431 for a head that is too large, 408 for a head that does not arrive within five seconds. The connection is closed then.

Whoever holds a permission holds it for the people and places of their posts; for anybody else's the answer is 404. A change \
that a browser asks for from another site is refused with 403.

Texts are trimmed and hold no control characters; their longest length counts bytes of UTF-8.";

/// `GET /v1/openapi.json`: the same for everybody, because it holds nothing of anybody.
pub(super) async fn show() -> HttpResponse {
    static TEXT: LazyLock<String> = LazyLock::new(text);
    HttpResponse::Ok()
        .insert_header(header::ContentType::json())
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(TEXT.as_str())
}

/// The document as text.
#[must_use]
pub fn text() -> String {
    serde_json::to_string_pretty(&document()).map_or_else(|_never| String::new(), |text| text + "\n")
}

/// The document.
#[must_use]
pub fn document() -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for route in routes() {
        // A route that nobody described is there all the same, and the tests say so.
        let operation = operations::of(route).map_or_else(|| json!({}), |operation| described(route, operation));
        paths.entry(route.path).or_default().insert(route.method.to_lowercase(), operation);
    }
    let tags: Vec<Value> =
        operations::TAGS.iter().map(|(name, about)| json!({ "name": name, "description": about })).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Derwent",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "MIT or Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "The service that gave out this document." }],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas::schemas(),
            "securitySchemes": {
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": SESSION_COOKIE,
                    "description": "A session of staff: POST /v1/session sets it.",
                },
                "hub": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Signature",
                    "description": "A hub's signature (RFC 9421, Ed25519) over method, path, query, content type, content encoding and digest, with Signature-Input and Content-Digest.",
                },
            },
        },
    })
}

fn described(route: &Route, operation: Operation) -> Value {
    let codes = codes(route, &operation);
    let Operation { id, tag, parameters, body, answers, .. } = operation;
    let is_page = tag == "pages";
    let mut responses: Map<String, Value> = answers.iter().map(answered).collect();
    if is_page && route.method == "GET" && matches!(route.who, Who::SignedIn | Who::Staff(_)) {
        let (status, answer) = answered(&Answer::Go("To the page to sign in at, or to choose a password at."));
        responses.insert(status, answer);
    }
    let mut refused: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    for code in codes {
        refused.entry(code.meaning().status).or_default().push(code);
    }
    // A file that is not there is no page.
    let answers_with_page = is_page && route.path != "/assets/{file}";
    responses.extend(refused.iter().map(|(status, codes)| (status.to_string(), refusal(codes, answers_with_page))));
    let mut described = json!({
        "operationId": id,
        "summary": route.summary,
        "tags": [tag],
        "responses": responses,
        "security": security(route, &body),
    });
    if let Some(described) = described.as_object_mut() {
        if let Who::Staff(permission) = route.who {
            let needs = format!("Needs the permission `{}`.", permission.name());
            described.insert("description".to_owned(), needs.into());
        }
        let parameters: Vec<Value> = parameters.iter().map(parameter).chain(signed(&body)).collect();
        if !parameters.is_empty() {
            described.insert("parameters".to_owned(), parameters.into());
        }
        if let Some(body) = request(&body) {
            described.insert("requestBody".to_owned(), body);
        }
    }
    described
}

fn security(route: &Route, body: &Body) -> Value {
    match (route.who, body) {
        (Who::Hub, Body::Signed(_)) => json!([{ "hub": [] }]),
        // A hub that enrols signs in its body: nobody knows its key yet.
        (Who::Hub | Who::Anybody | Who::ThisMachine, _) => json!([]),
        (Who::SignedIn | Who::Staff(_), _) => json!([{ "session": [] }]),
    }
}

/// Every code that a route may refuse with, in the order of the registry and each once.
fn codes(route: &Route, operation: &Operation) -> Vec<ErrorCode> {
    use ErrorCode as Code;
    let mut codes = operation.codes.clone();
    match route.who {
        Who::Anybody | Who::ThisMachine | Who::Hub => {}
        Who::SignedIn => codes.extend([Code::SignInRequired, Code::NotAllowed]),
        Who::Staff(_) => codes.extend([Code::SignInRequired, Code::NotAllowed, Code::PasswordChangeNeeded]),
    }
    if matches!(route.who, Who::SignedIn | Who::Staff(_)) {
        codes.extend([Code::StoreUnavailable, Code::ServiceBusy, Code::Internal]);
        if route.method != "GET" {
            codes.push(Code::FormExpired);
        }
    }
    let of_body = [Code::BodyMalformed, Code::BodyTooLarge, Code::RequestTooSlow];
    let of_store = [Code::StoreUnavailable, Code::ServiceBusy, Code::Internal];
    match &operation.body {
        Body::None => {}
        Body::Form(_) => codes.extend([Code::BodyMalformed, Code::BodyTooLarge].into_iter().chain(of_store)),
        Body::Json(_) | Body::List => {
            codes.extend(of_body.into_iter().chain(of_store).chain([Code::ContentTypeNotSupported]));
        }
        Body::Signed(_) => {
            codes.extend(of_body.into_iter().chain(of_store).chain([
                Code::ContentTypeNotSupported,
                Code::EncodingNotSupported,
                Code::DigestMissing,
                Code::DigestMismatch,
                Code::SignatureMissing,
                Code::SignatureMalformed,
                Code::SignatureInvalid,
                Code::HubUnknown,
                Code::HubKeyEnded,
                Code::RequestReplayed,
                Code::EpochRetired,
                Code::HubTooFast,
            ]));
        }
    }
    let stands = |wanted: In| operation.parameters.iter().any(|parameter| parameter.stands == wanted);
    if stands(In::Path) && operation.tag != "pages" {
        codes.push(Code::NotFound);
        if !codes.contains(&Code::AlertNotFound) && matches!(route.who, Who::Staff(_)) {
            codes.push(Code::ItemNotFound);
        }
    }
    if stands(In::Query) {
        codes.push(Code::BodyMalformed);
    }
    codes.sort_unstable();
    codes.dedup();
    codes
}

fn answered(answer: &Answer) -> (String, Value) {
    match answer {
        Answer::Json(status, schema, about) => {
            let schema = json!({ "$ref": format!("#/components/schemas/{schema}") });
            (
                status.to_string(),
                json!({ "description": about, "content": { "application/json": { "schema": schema } } }),
            )
        }
        Answer::Other(status, kind, about) => {
            let schema =
                if *kind == "application/json" { json!({ "type": "object" }) } else { json!({ "type": "string" }) };
            let schema = if *kind == "*/*" { json!({}) } else { schema };
            (status.to_string(), json!({ "description": about, "content": { *kind: { "schema": schema } } }))
        }
        Answer::AnyOf(status, kinds, about) => {
            let text = json!({ "schema": { "type": "string" } });
            let content: Map<String, Value> = kinds.iter().map(|kind| ((*kind).to_owned(), text.clone())).collect();
            (status.to_string(), json!({ "description": about, "content": content }))
        }
        Answer::Nothing(status, about) => (status.to_string(), json!({ "description": about })),
        Answer::Go(about) => {
            let location = json!({ "description": "Where to.", "required": true, "schema": { "type": "string" } });
            ("303".to_owned(), json!({ "description": about, "headers": { "Location": location } }))
        }
    }
}

fn refusal(codes: &[ErrorCode], is_page: bool) -> Value {
    let all: Vec<String> = codes.iter().map(|code| format!("`{}`: {}", code.code(), code.meaning().happened)).collect();
    let content = if is_page {
        json!({ "text/html": { "schema": { "type": "string" } } })
    } else {
        json!({ PROBLEM_TYPE: { "schema": { "$ref": "#/components/schemas/Problem" } } })
    };
    let mut refusal = json!({ "description": format!("Refused: {}.", all.join(" or ")), "content": content });
    let is_ours = codes.iter().any(|code| code.meaning().retry == Retry::Later && code.meaning().status >= 500);
    if let (true, false, Some(refusal)) = (is_ours, is_page, refusal.as_object_mut()) {
        let after = json!({ "description": "When to try again, in seconds.", "required": true, "schema": { "type": "integer", "minimum": 1 } });
        refusal.insert("headers".to_owned(), json!({ "Retry-After": after }));
    }
    refusal
}

fn parameter(parameter: &Parameter) -> Value {
    let Parameter { name, stands, about, form, is_needed } = parameter;
    let stands = match stands {
        In::Path => "path",
        In::Query => "query",
    };
    let mut parameter = json!({
        "name": name,
        "in": stands,
        "description": about,
        "schema": form.schema,
        "example": form.example,
    });
    if let (true, Some(parameter)) = (*is_needed, parameter.as_object_mut()) {
        parameter.insert("required".to_owned(), true.into());
    }
    parameter
}

/// What the head of a signed request holds beside the signature.
fn signed(body: &Body) -> Vec<Value> {
    if !matches!(body, Body::Signed(_)) {
        return Vec::new();
    }
    let header = |name, about, pattern| {
        json!({
            "name": name,
            "in": "header",
            "required": true,
            "description": about,
            "schema": { "type": "string", "pattern": pattern, "maxLength": 1024 },
        })
    };
    vec![
        header("Signature-Input", "What is signed, when, with which key, and the request's number.", "^hub="),
        header("Content-Digest", "The SHA-256 of the body as sent (RFC 9530).", "^sha-256=:[A-Za-z0-9+/]{43}=:$"),
        json!({
            "name": "Content-Encoding",
            "in": "header",
            "required": true,
            "description": "How the body is packed.",
            "schema": { "type": "string", "enum": ["identity", "gzip"] },
        }),
    ]
}

fn request(body: &Body) -> Option<Value> {
    let (kind, schema) = match body {
        Body::None => return None,
        Body::Json(schema) => ("application/json", json!({ "$ref": format!("#/components/schemas/{schema}") })),
        Body::Signed(schema) => ("application/json", json!({ "$ref": format!("#/components/schemas/{schema}") })),
        Body::List => ("text/csv", json!({ "type": "string" })),
        Body::Form(fields) => {
            let fields: Map<String, Value> =
                fields.iter().map(|field| ((*field).to_owned(), json!({ "type": "string" }))).collect();
            ("application/x-www-form-urlencoded", json!({ "type": "object", "properties": fields }))
        }
    };
    Some(json!({ "required": true, "content": { kind: { "schema": schema } } }))
}
