//! A person's record, given out to those who may, and what stands in the place of one that has ended.

use super::{
    Refusal, Shared,
    guard::{Allowed, needs},
    json,
};
use crate::access::Permission;
use crate::records::{
    NotGiven,
    export::{self, Form, Lines},
    incident::{self, Between},
};
use actix_web::{
    HttpResponse,
    body::{BodySize, MessageBody},
    http::{StatusCode, header},
    web::{self, Bytes},
};
use chrono::{DateTime, Utc};
use register::NotInOrder;
use serde::Deserialize;
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::sync::mpsc;
use vitals::{ErrorCode, PatientId};

/// Lines that wait for whoever reads slowly: beyond it the store is not read on.
const LINES_WAITING: usize = 64;

/// In which form it is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(default)]
    form: AskedForm,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AskedForm {
    #[default]
    Json,
    Text,
}

/// Lines as they come. One that is cut off has no last line that counts them, and the connection breaks, so that no program takes
/// it for whole.
struct Body(mpsc::Receiver<io::Result<String>>);

/// The other end of it.
struct Sender(mpsc::Sender<io::Result<String>>);

#[async_trait::async_trait]
impl Lines for Sender {
    async fn take(&mut self, line: String) -> io::Result<()> {
        self.0.send(Ok(line)).await.map_err(|_gone| io::ErrorKind::BrokenPipe.into())
    }
}

impl MessageBody for Body {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        self.0.poll_recv(cx).map(|line| line.map(|line| line.map(Bytes::from)))
    }
}

fn person(path: &str) -> Result<PatientId, Refusal> {
    PatientId::parse(path).map_err(|_not_an_id| ErrorCode::ItemNotFound.into())
}

/// The person, where whoever asks may give their record out: to anybody else there is no such person.
fn theirs(allowed: &Allowed<needs::Export>, path: &str) -> Result<PatientId, Refusal> {
    let patient = person(path)?;
    if allowed.access().may(Permission::Export, &patient) { Ok(patient) } else { Err(ErrorCode::ItemNotFound.into()) }
}

/// `GET /v1/people/{patient}/export`, with `?form=text` for text to read.
pub(super) async fn export(
    allowed: Allowed<needs::Export>,
    path: web::Path<String>,
    asked: web::Query<Asked>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let (patient, access) = (theirs(&allowed, &path)?, allowed.access().clone());
    // Before the first byte: whether they may, whether there is anybody, and the line in the record that says so.
    if shared.store.whole_record(&access, &patient).await?.is_none() {
        return Err(ErrorCode::ItemNotFound.into());
    }
    let (form, kind) = match asked.form {
        AskedForm::Json => (Form::Json, "application/jsonl; charset=utf-8"),
        AskedForm::Text => (Form::Text, "text/plain; charset=utf-8"),
    };
    let (lines, body) = mpsc::channel(LINES_WAITING);
    actix_web::rt::spawn(async move {
        let (at, mut to) = (shared.clock.now(), Sender(lines.clone()));
        let given = export::write(shared.store.as_ref(), &access, &patient, form, &mut to, at).await;
        if let Err(error) = given {
            tracing::warn!(%error, "An export was cut off.");
            // Where nobody listens any more, there is nobody to be told.
            drop(lines.send(Err(io::Error::other("cut off"))).await);
        }
    });
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_TYPE, kind))
        .insert_header((header::CONTENT_DISPOSITION, "attachment"))
        .body(Body(body)))
}

/// From when until when.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Times {
    from: DateTime<Utc>,
    until: DateTime<Utc>,
}

/// `GET /v1/people/{patient}/incident?from=TIME&until=TIME`.
pub(super) async fn incident(
    allowed: Allowed<needs::Export>,
    path: web::Path<String>,
    times: web::Query<Times>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let (patient, Times { from, until }) = (theirs(&allowed, &path)?, times.into_inner());
    let (store, key, at) = (shared.store.as_ref(), &shared.announced.key, shared.clock.now());
    let bundle = incident::bundle(store, allowed.access(), key, (&patient, Between { from, until }), at).await;
    let bundle = bundle.map_err(|error| match error {
        NotGiven::Nobody => Refusal::from(ErrorCode::ItemNotFound),
        NotGiven::Read(error) => error.into(),
        NotGiven::TooMuch { .. } => NotInOrder::new("until", "want a shorter time: at most 10,000 entries").into(),
        NotGiven::NotNoted(_) | NotGiven::Write(_) | NotGiven::Json(_) => ErrorCode::Internal.into(),
    })?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .insert_header((header::CONTENT_DISPOSITION, "attachment"))
        .body(bundle))
}

/// `GET /v1/people/{patient}/ended`: the statement in the place of a record that was erased or disposed of.
pub(super) async fn ended(
    allowed: Allowed<needs::Erase>,
    path: web::Path<String>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let tombstone = shared.store.ended(allowed.access(), &person(&path)?).await?;
    Ok(json::answer(StatusCode::OK, &tombstone.ok_or(ErrorCode::ItemNotFound)?))
}
