//! Lists over HTTP: a roster and a nightly status file are taken in while the service runs, and taken back.
//!
//! Invariants: a list is about the whole footprint, so only who keeps all of it may send one, and learns nothing of anybody that
//! they may not see; one list at a time; each version that is written says who sent the list and which import it was; a list
//! that is being written goes on when its sender is gone.

use super::{
    Refusal, Shared, body,
    guard::{Allowed, Needs, needs},
    json,
};
use crate::{
    access::Access,
    people::{
        Beside, Findings, Hand, ImportFiles, ImportId, KnownPeople, List, NotUndone, NotWritten, PersonIds, Roster,
        RowRefused, Sheet, StatusList, Turn, Undone, Wanted, day_of_list, undo as take_back,
    },
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap, path::Path, sync::Arc, time::Duration};
use tokio::{
    runtime::Handle,
    sync::{Mutex, OwnedMutexGuard},
};
use vitals::{ErrorCode, PatientId, nhs::Realm};

/// Largest list: a county's roster has about 50 MB.
const LIST_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Longest a list may take to arrive: the largest over 4 Mbit/s.
const ARRIVES_WITHIN: Duration = Duration::from_secs(150);

/// What lists need beside the store.
pub struct Lists {
    files: ImportFiles,
    ids: PersonIds,
    realm: Realm,
    turn: Arc<Mutex<()>>,
}

impl Lists {
    /// Those of a service with this folder, this key of its chains, and these people's numbers.
    #[must_use]
    pub fn new(data: &Path, chain_key: &[u8; 32], realm: Realm) -> Self {
        Self { files: ImportFiles::new(data), ids: PersonIds::new(chain_key), realm, turn: Arc::default() }
    }
}

/// How a list is to be taken in.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(default)]
    dry_run: bool,
    #[serde(default)]
    accept_refused: bool,
}

impl Asked {
    fn wanted(self) -> Wanted {
        Wanted { dry_run: self.dry_run, accept_refused: self.accept_refused }
    }
}

/// How an import is to be taken back.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedBack {
    #[serde(default)]
    dry_run: bool,
}

/// What became of a list. The names never change their meaning.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    LookedAt,
    RowsRefused,
    NothingNew,
    Written,
}

impl From<Turn> for Outcome {
    fn from(turn: Turn) -> Self {
        match turn {
            Turn::LookedAt => Self::LookedAt,
            Turn::RowsRefused => Self::RowsRefused,
            Turn::NothingNew => Self::NothingNew,
            Turn::Write => Self::Written,
        }
    }
}

/// What a list came to: ids, lines and columns, never what stands in a cell.
#[derive(Serialize)]
struct Taken {
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    import: Option<String>,
    written: u64,
    /// Who was changed by somebody else meanwhile, and stays as they are.
    stale: Vec<PatientId>,
    /// Whose record has ended; nothing is written of them.
    ended: Vec<PatientId>,
    rows: u64,
    new: u64,
    changed: u64,
    unchanged: u64,
    refused: u64,
    /// How many people change in each field.
    fields: BTreeMap<&'static str, u64>,
    /// The first of them.
    changes: Vec<Changed>,
    /// The first of the refused rows.
    refusals: Vec<Refused>,
    /// How many people are in the register and not in the list; they stay.
    absent: u64,
    /// The first of them.
    absentees: Vec<PatientId>,
}

#[derive(Serialize)]
struct Changed {
    id: PatientId,
    fields: Vec<&'static str>,
}

#[derive(Serialize)]
struct Refused {
    line: u64,
    column: &'static str,
    advice: Cow<'static, str>,
}

impl Taken {
    fn of(findings: Findings, turn: Turn) -> Self {
        let refused = findings.refused();
        let Findings { rows, new, changed, unchanged, fields, changes, refusals, absent, absentees, .. } = findings;
        let told = |RowRefused { line, column, advice, .. }: RowRefused| Refused { line, column, advice };
        Self {
            outcome: turn.into(),
            import: None,
            written: 0,
            stale: Vec::new(),
            ended: Vec::new(),
            rows,
            new,
            changed,
            unchanged,
            refused,
            fields,
            changes: changes.into_iter().map(|(id, fields)| Changed { id, fields }).collect(),
            refusals: refusals.into_iter().map(told).collect(),
            absent,
            absentees,
        }
    }
}

/// What taking an import back came to.
#[derive(Serialize)]
struct TakenBack {
    dry_run: bool,
    put_back: u64,
    already: u64,
    untouched: u64,
    left_out: Vec<PatientId>,
    changed_since: Vec<PatientId>,
    unreadable: Vec<PatientId>,
}

/// What one list is worked on with.
struct Desk {
    shared: web::Data<Shared>,
    lists: Arc<Lists>,
    access: Access,
    _only: OwnedMutexGuard<()>,
}

impl Desk {
    /// A place to work on a list, for who keeps the whole footprint; one at a time.
    fn new(shared: web::Data<Shared>, access: &Access) -> Result<Self, Refusal> {
        if !access.keeps_footprint(needs::WriteDetails::PERMISSION) {
            return Err(ErrorCode::NotAllowed.into());
        }
        let lists = shared.lists.clone().ok_or(ErrorCode::NotFound)?;
        let only = lists.turn.clone().try_lock_owned().map_err(|_another| ErrorCode::ServiceBusy)?;
        Ok(Self { shared, lists, access: access.clone(), _only: only })
    }

    fn hand(&self) -> Hand<'_> {
        let Shared { store, decide, clock, .. } = &**self.shared;
        Hand { store: store.as_ref(), decide: decide.clone(), who: self.access.clone(), at: clock.now() }
    }

    fn today(&self) -> NaiveDate {
        day_of_list(self.shared.clock.now())
    }

    async fn take_in<L: List>(&self, list: &L, bytes: &[u8], wanted: Wanted) -> Result<Taken, Refusal> {
        let sheet = Sheet::read(bytes, L::COLUMNS, L::NEEDED);
        // Which column is wrong, never a cell.
        let sheet = sheet.map_err(|refused| Refusal::new(ErrorCode::BodyMalformed).saying(refused.to_string()))?;
        let known = KnownPeople::read(self.shared.store.as_ref()).await?;
        let beside = Beside::new(list, &sheet, &known);
        let findings = beside.findings();
        let turn = findings.turn(wanted);
        let mut taken = Taken::of(findings, turn);
        if turn == Turn::Write {
            let import = ImportId::new(self.shared.rng.as_ref()).map_err(|_none| ErrorCode::Internal)?;
            self.lists.files.note(&import, &beside.to_write()).map_err(|error| {
                tracing::error!(%error, "Could not note whom a list is about; nothing of it was written.");
                ErrorCode::StoreUnavailable
            })?;
            let written = beside.write(self.hand(), &import).await;
            let applied = written.map_err(|error| unwritten(&import, &error))?;
            tracing::info!(%import, written = applied.written, "A list was taken in.");
            taken.import = Some(import.to_string());
            (taken.written, taken.stale, taken.ended) = (applied.written, applied.stale, applied.ended);
        }
        Ok(taken)
    }

    async fn take_back(&self, import: &ImportId, is_dry: bool) -> Result<TakenBack, Refusal> {
        let people = self.lists.files.people(import).map_err(|error| {
            tracing::error!(%error, "Could not read whom an import wrote.");
            ErrorCode::StoreUnavailable
        })?;
        let people = people.ok_or(ErrorCode::ItemNotFound)?;
        let undone = take_back(self.hand(), import, people, is_dry).await.map_err(|error| match error {
            NotUndone::Read(error) => error.into(),
            NotUndone::Write(error) => unwritten(import, &error),
            NotUndone::Name => ErrorCode::Internal.into(),
        })?;
        let Undone { put_back, left_out, already, changed_since, unreadable, untouched } = undone;
        Ok(TakenBack { dry_run: is_dry, put_back, already, untouched, left_out, changed_since, unreadable })
    }
}

/// The refusal where writing ended before its end: it names the import, so that what was written can be taken back. It stays, and
/// the same again goes on.
fn unwritten(import: &ImportId, error: &NotWritten) -> Refusal {
    tracing::warn!(%import, %error, "A list was not written to its end.");
    Refusal::from(error.cause.as_ref())
        .saying(format!("import {import}: {} people were written", error.applied.written))
}

/// Works on a list beside the requests: a county's takes seconds of a processor. It goes on when whoever asked is gone.
async fn beside_requests<T: Send + 'static>(
    work: impl AsyncFnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let handle = Handle::current();
    let done = tokio::task::spawn_blocking(move || handle.block_on(work())).await;
    done.unwrap_or_else(|failed| {
        tracing::error!(error = %failed, "Working on a list had failed.");
        Err(ErrorCode::Internal.into())
    })
}

/// The list that a request holds.
async fn list_of(request: &HttpRequest, payload: web::Payload) -> Result<web::Bytes, Refusal> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("text/csv") {
        return Err(ErrorCode::ContentTypeNotSupported.into());
    }
    Ok(body::read_within(payload, LIST_BYTES_MAX, ARRIVES_WITHIN).await?)
}

async fn take_in<L: List + Send + 'static>(
    make: impl FnOnce(&Desk) -> L,
    access: &Access,
    wanted: Wanted,
    (request, payload): (&HttpRequest, web::Payload),
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let desk = Desk::new(shared, access)?;
    let bytes = list_of(request, payload).await?;
    let list = make(&desk);
    let taken = beside_requests(async move || desk.take_in(&list, &bytes, wanted).await).await?;
    Ok(json::answer(StatusCode::OK, &taken))
}

/// `POST /v1/lists/roster`.
pub(super) async fn roster(
    allowed: Allowed<needs::WriteDetails>,
    asked: web::Query<Asked>,
    request: HttpRequest,
    payload: web::Payload,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let make = |desk: &Desk| Roster { ids: desk.lists.ids.clone(), realm: desk.lists.realm, today: desk.today() };
    take_in(make, allowed.access(), asked.wanted(), (&request, payload), shared).await
}

/// `POST /v1/lists/status`.
pub(super) async fn status(
    allowed: Allowed<needs::WriteDetails>,
    asked: web::Query<Asked>,
    request: HttpRequest,
    payload: web::Payload,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let make = |desk: &Desk| StatusList { realm: desk.lists.realm, today: desk.today() };
    take_in(make, allowed.access(), asked.wanted(), (&request, payload), shared).await
}

/// `POST /v1/imports/{import}/undo`.
pub(super) async fn undo(
    allowed: Allowed<needs::WriteDetails>,
    import: web::Path<String>,
    asked: web::Query<AskedBack>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let desk = Desk::new(shared, allowed.access())?;
    let import = ImportId::parse(&import).ok_or(ErrorCode::ItemNotFound)?;
    let is_dry = asked.dry_run;
    let undone = beside_requests(async move || desk.take_back(&import, is_dry).await).await?;
    Ok(json::answer(StatusCode::OK, &undone))
}
