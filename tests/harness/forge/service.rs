//! The service, asked within this process: its own routes over its own store, and no sockets.

use super::corpus::HUB_C;
use crate::{
    service::{HUB_A, HUB_B, MORNING, bare},
    signed_client::Call,
    trouble::{Doing, Trouble},
};
use actix_web::{
    App, Error,
    body::MessageBody,
    dev::{Service as _, ServiceResponse},
    http::{
        Method, Uri,
        header::{HeaderName, HeaderValue},
    },
    test::{TestRequest, init_service},
    web,
};
use chrono::TimeDelta;
use hub_agent::uplink::sign::HubKey;
use ingest::{
    access::{Access, HubEntry, Purpose},
    events::{Events, ServiceEvent},
    http::Shared,
    service::{Parts, in_process},
    store::{
        Cursor,
        embedded::{EmbeddedStore, StoreKeys},
    },
};
use register::{Hub, HubKey as RegisteredKey, Item, Span};
use std::{pin::Pin, sync::Arc};
use vitals::{HubId, wire::v1::Problem};

/// Most changes that are looked at: more than the good requests make.
const CHANGES: usize = 10_000;

/// What the routes answer: status and body.
type Answered<'a> = Pin<Box<dyn Future<Output = Result<(u16, Vec<u8>), Trouble>> + 'a>>;

/// Sends a request to the routes.
type Routes<'a> = dyn Fn(TestRequest) -> Answered<'a> + 'a;

/// Ten million refusals are too many to remember.
struct Unheard;

impl Events for Unheard {
    fn emit(&self, _event: &ServiceEvent) {}
}

pub(super) struct InProcess<'a> {
    routes: &'a Routes<'a>,
    shared: web::Data<Shared>,
}

impl InProcess<'_> {
    /// Starts a service on a store of its own, and does something with it.
    pub(super) fn run<T>(work: impl AsyncFnOnce(InProcess<'_>) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let folder = tempfile::tempdir().doing("make a folder")?;
        actix_web::rt::System::new().block_on(async {
            let disk = Arc::new(ingest::disk::Folder::new(folder.path()));
            let store = EmbeddedStore::open(disk, StoreKeys { chain: [0xc; 32] }).doing("open the store")?;
            let shared = in_process(parts(Arc::new(store))?).await.doing("start the service")?;
            shared.directory.learn([&Item::from(hub_c()?)]);
            let app = init_service(App::new().app_data(shared.clone()).configure(ingest::http::configure)).await;
            let app = &app;
            let routes = move |request: TestRequest| -> Answered<'_> {
                Box::pin(async move { answered(app.call(request.to_request()).await).await })
            };
            let done = work(InProcess { routes: &routes, shared: shared.clone() }).await;
            shared.store.close().await;
            done
        })
    }

    /// Sends a request. `200`, or the code of the refusal; none where there is no such request in HTTP.
    pub(super) async fn send(&self, call: &Call) -> Result<Option<String>, Trouble> {
        let Some(request) = request(call) else { return Ok(None) };
        let (status, body) = (self.routes)(request).await?;
        if (200..300).contains(&status) {
            return Ok(Some(status.to_string()));
        }
        let code =
            serde_json::from_slice(&body).map_or_else(|_none| status.to_string(), |problem: Problem| problem.code);
        Ok(Some(code))
    }

    /// How many changes there are in the store.
    pub(super) async fn changes(&self) -> Result<usize, Trouble> {
        let who = Access::system(Purpose::Follow);
        let (changes, _) =
            self.shared.store.changes(&who, Cursor::default(), CHANGES).await.doing("look at the store")?;
        Ok(changes.len())
    }
}

async fn answered<B: MessageBody>(answer: Result<ServiceResponse<B>, Error>) -> Result<(u16, Vec<u8>), Trouble> {
    match answer {
        Ok(response) => {
            let status = response.status().as_u16();
            let body = actix_web::body::to_bytes(response.into_body()).await;
            let body = body.map_err(|_broken| Trouble::new("read an answer", "it broke off"))?;
            Ok((status, body.to_vec()))
        }
        Err(error) => {
            let response = error.error_response();
            let status = response.status().as_u16();
            let body = actix_web::body::to_bytes(response.into_body()).await;
            let body = body.map_err(|_broken| Trouble::new("read an answer", "it broke off"))?;
            Ok((status, body.to_vec()))
        }
    }
}

fn request(call: &Call) -> Option<TestRequest> {
    let target: Uri = call.target.parse().ok()?;
    let mut request =
        TestRequest::default().method(Method::from_bytes(call.method.as_bytes()).ok()?).uri(&target.to_string());
    for (name, value) in &call.headers {
        let (name, value) = (HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?);
        request = request.append_header((name, value));
    }
    Some(request.append_header(("content-length", call.body.len())).set_payload(call.body.clone()))
}

fn key(seed: u8) -> Result<[u8; 32], Trouble> {
    HubKey::from_seed([seed; 32]).doing("make a hub's key")?.public_key().doing("take a public key")
}

/// The hub that changed its key.
fn hub_c() -> Result<Hub, Trouble> {
    let began = MORNING - TimeDelta::hours(1);
    let ended = RegisteredKey { public_key: key(0xd)?, span: Span { from: began, until: Some(MORNING) } };
    let newest = RegisteredKey { public_key: key(0xc)?, span: Span::since(began) };
    let id = HubId::parse(HUB_C).doing("name a hub")?;
    Ok(Hub { id, name: None, place: None, patients: [].into(), keys: vec![newest, ended], code: None })
}

fn parts(store: Arc<EmbeddedStore>) -> Result<Parts, Trouble> {
    let entry = |(name, seed): (&str, u8)| {
        let entry = HubEntry { public_key: key(seed)?, patients: [].into() };
        Ok((HubId::parse(name).doing("name a hub")?, entry))
    };
    let hubs = [(HUB_A, 0xa), (HUB_B, 0xb)].into_iter().map(entry).collect::<Result<_, Trouble>>()?;
    Ok(Parts { events: Arc::new(Unheard), ..bare(store, hubs)? })
}
