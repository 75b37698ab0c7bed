//! A hub's identity: how it gets a key with a code, and how soon a key that was withdrawn is worth nothing.
//!
//! The service is the real one with its real store, asked within this process by its own routes; the clock is the machine's
//! where a time is measured.

use super::SOON;
use actix_web::{
    App, Error,
    body::{MessageBody, to_bytes},
    dev::{Service, ServiceResponse},
    http::{Method, header},
    test::{TestRequest, init_service},
    web,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use harness::{
    clock::instant,
    service::{HUB_A, HUB_B, MORNING, Recorder, SetClock, server_key},
    signed_client::{Call, Seal, TestHub, batch},
};
use httpsig::prelude::SigningKey as _;
use hub_agent::{
    config::Server,
    uplink::{
        enrol::{EnrolError, enrol as enrol_hub},
        sign::HubKey,
    },
};
use ingest::{
    access::{Directory, HubEntry, HubRegistry, LocalSignIn, SESSION_COOKIE, Sessions},
    clock::{Clock, WallClock},
    decide::ByPlan,
    disk::Folder,
    http::{PageSettings, Shared},
    service::{Parts, Service as IngestService, StaffSignIn, in_process},
    store::{
        Slice, Store, Subject,
        embedded::{EmbeddedStore, StoreKeys},
    },
};
use register::{Item, Place, Post, Role, Span, Staff};
use serde_json::{Value, json};
use std::{collections::BTreeMap, net::TcpListener, path::Path, rc::Rc, sync::Arc, time::Duration};
use vitals::{
    ErrorCode::{self, *},
    HubId,
    bounded::Text,
    id::StaffId,
    wire::{
        enrol::{Code, ENROL_PATH, Enrolled, Issued},
        hello::HELLO_PATH,
        v1::{self, Problem},
    },
};

/// Soonest a withdrawn key must be worth nothing.
const WITHIN: Duration = Duration::from_secs(1);

fn key(seed: u8) -> HubKey {
    HubKey::from_seed([seed; 32]).unwrap()
}

fn public(seed: u8) -> [u8; 32] {
    key(seed).public_key().unwrap()
}

/// Signs in somebody who looks after the equipment of the whole footprint.
fn equipment(at: DateTime<Utc>) -> (Arc<LocalSignIn>, String) {
    let (directory, sessions) = (Arc::<Directory>::default(), Arc::<Sessions>::default());
    let id = StaffId::parse("st-eve").unwrap();
    let post = Post { role: Role::Equipment, place: Place::Footprint, span: Span::since(DateTime::UNIX_EPOCH) };
    let staff = Staff { id: id.clone(), name: Text::new("Eve Equipment").unwrap(), posts: vec![post], left_at: None };
    directory.learn([&Item::from(staff)]);
    let token = [7; 32];
    sessions.begin(&token, id, false, at);
    (Arc::new(LocalSignIn { directory, sessions }), vitals::hex::encode(&token))
}

async fn start(folder: &Path, clock: Arc<dyn Clock>, sign_in: Arc<LocalSignIn>) -> web::Data<Shared> {
    in_process(parts(folder, clock, sign_in)).await.unwrap()
}

fn parts(folder: &Path, clock: Arc<dyn Clock>, sign_in: Arc<LocalSignIn>) -> Parts {
    let store = EmbeddedStore::open(Arc::new(Folder::new(folder)), StoreKeys { chain: [0xc; 32] }).unwrap();
    let hubs: BTreeMap<HubId, HubEntry> = [(HUB_A, 0xa), (HUB_B, 0xb)]
        .map(|(name, seed)| (HubId::parse(name).unwrap(), HubEntry { public_key: public(seed), patients: [].into() }))
        .into();
    Parts {
        clock,
        rng: Arc::new(ingest::rng::OsRandomness),
        events: Arc::new(Recorder::default()),
        store: Arc::new(store),
        server_key: server_key(),
        decide: Arc::new(ByPlan::default()),
        hubs: HubRegistry::new(hubs),
        people: Vec::new(),
        sign_in: StaffSignIn::Seeded(sign_in),
        pages: PageSettings {
            service_name: "Hubs".to_owned(),
            banner: None,
            service_hours: "Never.".to_owned(),
            is_loopback_only: false,
        },
        lists: None,
        channels: BTreeMap::new(),
        listener: TcpListener::bind("127.0.0.1:0").unwrap(),
    }
}

/// What came back: the status and the body.
type Answer = (u16, Vec<u8>);

async fn answered<B: MessageBody + 'static>(answer: Result<ServiceResponse<B>, Error>) -> Answer {
    let response = match answer {
        Ok(response) => response.into_parts().1.map_into_boxed_body(),
        Err(error) => error.error_response(),
    };
    let status = response.status().as_u16();
    let Ok(body) = to_bytes(response.into_body()).await else { panic!("the answer broke off") };
    (status, body.to_vec())
}

/// Asks the routes. A macro, because the type of what they take has no name here.
macro_rules! ask {
    ($app:expr, $request:expr) => {
        async { answered($app.call($request.to_request()).await).await }
    };
}

fn of_hub(call: &Call) -> TestRequest {
    let request = TestRequest::default().method(Method::POST).uri(&call.target);
    let headers = call
        .headers
        .iter()
        .fold(request, |request, (name, value)| request.append_header((name.as_str(), value.as_str())));
    headers.append_header((header::CONTENT_LENGTH, call.body.len())).set_payload(call.body.clone())
}

fn of_staff(method: Method, path: &str, token: &str, body: &Value) -> TestRequest {
    let body = body.to_string();
    TestRequest::default()
        .method(method)
        .uri(path)
        .append_header((header::COOKIE, format!("{SESSION_COOKIE}={token}")))
        .append_header((header::CONTENT_TYPE, "application/json"))
        .append_header((header::CONTENT_LENGTH, body.len()))
        .set_payload(body)
}

fn from(address: &str, body: &Value) -> TestRequest {
    TestRequest::post()
        .uri(ENROL_PATH)
        .peer_addr(format!("{address}:1000").parse().unwrap())
        .append_header((header::CONTENT_TYPE, "application/json"))
        .set_payload(body.to_string())
}

fn signed(name: &str, seed: u8, nonce: &str, call: Call) -> TestRequest {
    of_hub(&Seal::new(name, nonce, MORNING).put_on(call, &key(seed)).unwrap())
}

fn a_batch(name: &str, seed: u8, nonce: &str) -> TestRequest {
    signed(name, seed, nonce, TestHub::unsigned(batch(&[], MORNING)))
}

fn a_hello(name: &str, seed: u8, nonce: &str) -> TestRequest {
    let hello = json!({
        "made_at": v1::moment(MORNING), "build": "0.1.0", "boot": "0011223344556677",
        "outbox": { "waiting_live": 0, "waiting_backfill": 0, "room_readings": 72_000 }, "wait_secs": 40,
    });
    signed(name, seed, nonce, TestHub::unsigned_to(HELLO_PATH, "identity", hello.to_string()))
}

fn enrolment(code: &str, seed: u8) -> Value {
    let parsed = Code::parse(code).unwrap_or_else(|_mistyped| Code::of([0; 8]).unwrap());
    let signature = key(seed).sign(&parsed.to_sign(&public(seed))).unwrap();
    json!({
        "code": code, "public_key": STANDARD.encode(public(seed)), "signature": STANDARD.encode(signature),
        "build": "0.1.0",
    })
}

fn check(what: &str, answer: &Answer, expected: Result<(), ErrorCode>) {
    let text = String::from_utf8_lossy(&answer.1).into_owned();
    match expected {
        Ok(()) => assert_eq!(answer.0, 200, "{what}: {text}"),
        Err(code) => {
            let problem: Problem = serde_json::from_slice(&answer.1).unwrap_or_else(|_none| panic!("{what}: {text}"));
            assert_eq!((answer.0, problem.code.as_str()), (code.meaning().status, code.code()), "{what}");
        }
    }
}

/// A new version of a hub, as the register shows it, its keys ended at a moment.
fn withdrawn(shown: &[u8], until: DateTime<Utc>) -> Value {
    let shown: Value = serde_json::from_slice(shown).unwrap();
    let mut item = shown["item"].clone();
    for key in item["hub"]["keys"].as_array_mut().unwrap() {
        key["span"]["until"] = json!(until);
    }
    json!({ "version": shown["version"].as_u64().unwrap() + 1, "item": item, "why": "it was stolen" })
}

/// Staff end the key of a hub while its hello waits. The hello ends, and whatever the key signs is refused, within a second;
/// the other hub is heard as before. That a second is not simply the end of the hello's own wait is in its length: 40 s.
#[test]
fn a_key_that_is_withdrawn_is_worth_nothing_within_a_second() {
    let folder = tempfile::tempdir().unwrap();
    actix_web::rt::System::new().block_on(async {
        let (sign_in, token) = equipment(WallClock.now());
        let shared = start(folder.path(), Arc::new(WallClock), sign_in).await;
        let app = Rc::new(init_service(App::new().app_data(shared.clone()).configure(ingest::http::configure)).await);
        check("a good batch", &ask!(app, a_batch(HUB_A, 0xa, "1.1")).await, Ok(()));
        let waits = app.clone();
        let hello = actix_web::rt::spawn(async move { ask!(waits, a_hello(HUB_A, 0xa, "1.2")).await });
        let is_waiting = async {
            while shared.waiting_hellos.load(std::sync::atomic::Ordering::Relaxed) == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(SOON, is_waiting).await.unwrap();
        let path = format!("/v1/register/hub/{HUB_A}");
        let shown = ask!(app, of_staff(Method::GET, &path, &token, &json!({}))).await;
        check("the hub is shown", &shown, Ok(()));
        let began = instant();
        let written = withdrawn(&shown.1, WallClock.now());
        check("the key is withdrawn", &ask!(app, of_staff(Method::PUT, &path, &token, &written)).await, Ok(()));
        let ended = tokio::time::timeout(SOON, hello).await.unwrap().unwrap();
        let hello_after = began.elapsed();
        check("the hello that waited", &ended, Err(HubKeyEnded));
        check("the next batch", &ask!(app, a_batch(HUB_A, 0xa, "1.3")).await, Err(HubKeyEnded));
        let batch_after = began.elapsed();
        check("another hub", &ask!(app, a_batch(HUB_B, 0xb, "1.1")).await, Ok(()));
        assert!(hello_after < WITHIN && batch_after < WITHIN, "{hello_after:?} {batch_after:?}");
        println!(
            "From asking for it: the hello ended after {hello_after:?}, a batch was refused after {batch_after:?}."
        );
        shared.store.close().await;
    });
    // Neither the end of the process nor the settings revive it.
    actix_web::rt::System::new().block_on(async {
        let shared = start(folder.path(), Arc::new(WallClock), equipment(WallClock.now()).0).await;
        let app = init_service(App::new().app_data(shared.clone()).configure(ingest::http::configure)).await;
        check("after a restart", &ask!(app, a_batch(HUB_A, 0xa, "1.4")).await, Err(HubKeyEnded));
        check("the other", &ask!(app, a_batch(HUB_B, 0xb, "1.2")).await, Ok(()));
        shared.store.close().await;
    });
}

/// From a code to the first batch: rows of what is tried with it, in order.
#[test]
fn a_hub_is_enrolled_once_with_a_code_and_its_older_keys_end() {
    let folder = tempfile::tempdir().unwrap();
    actix_web::rt::System::new().block_on(async {
        let clock = Arc::new(SetClock::at(MORNING));
        let (sign_in, token) = equipment(MORNING);
        let shared = start(folder.path(), clock.clone(), sign_in).await;
        let app = init_service(App::new().app_data(shared.clone()).configure(ingest::http::configure)).await;
        let path = format!("/v1/hubs/{HUB_A}/code");
        let ask_for_code = async || {
            let (status, body) = ask!(app, of_staff(Method::POST, &path, &token, &json!({}))).await;
            assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
            serde_json::from_slice::<Issued>(&body).unwrap()
        };
        check("before", &ask!(app, a_batch(HUB_A, 0xa, "7.1")).await, Ok(()));
        let nobody = "/v1/hubs/hub-nobody/code";
        check("no such hub", &ask!(app, of_staff(Method::POST, nobody, &token, &json!({}))).await, Err(ItemNotFound));
        let old = ask_for_code().await;
        let Issued { hub, code, until, .. } = ask_for_code().await;
        assert_eq!((hub.as_str(), until.as_str()), (HUB_A, v1::moment(MORNING + TimeDelta::minutes(15)).as_str()));
        let mut mistyped = code.clone().into_bytes();
        mistyped[0] = if mistyped[0] == b'2' { b'3' } else { b'2' };
        let mistyped = String::from_utf8(mistyped).unwrap();
        let mut unsigned = enrolment(&code, 1);
        unsigned["signature"] = json!(STANDARD.encode([1; 64]));
        for (what, body, expected) in [
            ("no enrolment at all", json!({}), Err(BodyMalformed)),
            ("a mistake in the code", enrolment(&mistyped, 1), Err(CodeMistyped)),
            ("a code that was replaced", enrolment(&old.code, 1), Err(CodeRefused)),
            ("a key that did not sign", unsigned, Err(KeyRefused)),
            ("the hub's own old key", enrolment(&code, 0xa), Err(KeyRefused)),
            ("another hub's key", enrolment(&code, 0xb), Err(KeyRefused)),
        ] {
            check(what, &ask!(app, from("192.0.2.1", &body)).await, expected);
        }
        check("nothing of it has changed the key", &ask!(app, a_batch(HUB_A, 0xa, "7.2")).await, Ok(()));
        // Two with one code at once, each with its own key: one is enrolled.
        let (one, other) = (enrolment(&code, 1), enrolment(&code, 2));
        let both = tokio::join!(ask!(app, from("192.0.2.2", &one)), ask!(app, from("192.0.2.3", &other)));
        let (winner, enrolled, loser) = if both.0.0 == 200 { (1, both.0, both.1) } else { (2, both.1, both.0) };
        check("the one", &enrolled, Ok(()));
        check("the other", &loser, Err(CodeRefused));
        let enrolled: Enrolled = serde_json::from_slice(&enrolled.1).unwrap();
        assert_eq!((enrolled.hub.as_str(), enrolled.epoch), (HUB_A, 7));
        assert_eq!(enrolled.server_key, STANDARD.encode(server_key().public()));
        check("again", &ask!(app, from("192.0.2.2", &enrolment(&code, winner))).await, Err(CodeRefused));
        check("with the new key", &ask!(app, a_batch(HUB_A, winner, "8.1")).await, Ok(()));
        check("with the other's", &ask!(app, a_batch(HUB_A, 3 - winner, "8.2")).await, Err(SignatureInvalid));
        check("with the older one", &ask!(app, a_batch(HUB_A, 0xa, "8.3")).await, Err(SignatureInvalid));
        let late = ask_for_code().await;
        clock.advance(TimeDelta::minutes(15));
        check("too late", &ask!(app, from("192.0.2.4", &enrolment(&late.code, 4))).await, Err(CodeRefused));
        check("the key stays", &ask!(app, a_batch(HUB_A, winner, "8.4")).await, Ok(()));
        let guess = Code::of([30; 8]).unwrap().shown();
        for _ in 0..9 {
            check("a guess", &ask!(app, from("192.0.2.4", &enrolment(&guess, 5))).await, Err(CodeRefused));
        }
        let live = ask_for_code().await;
        check("too many guesses", &ask!(app, from("192.0.2.4", &enrolment(&live.code, 5))).await, Err(TooManyCodes));
        check("from elsewhere", &ask!(app, from("192.0.2.5", &enrolment(&live.code, 5))).await, Ok(()));
        assert!(!format!("{live:?}").contains(&live.code), "nobody's log shows a code");
        shared.store.close().await;
    });
}

/// The hub's own half, over a socket: it makes its key for its owner only, pins the service's, numbers its requests above what
/// the service has seen, and what its key signs is taken. A second use of the code leaves nothing that looks like a hub.
#[test]
fn hub_agent_enrols_itself_and_is_heard() {
    use ingest::access::{Access, Purpose, enrol};
    let (folder, hub) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    actix_web::rt::System::new().block_on(async {
        let code = Code::of([1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
        let of_service = ingest::http::code_key(&server_key());
        let id = HubId::parse("hub-new").unwrap();
        let with = enrol::with_code(&enrol::new_hub(id.clone()), &code, &of_service, [], MORNING).unwrap();
        let slice = Slice { subject: Subject::Service, events: vec![rules::Event::written(with)] };
        let store = EmbeddedStore::open(Arc::new(Folder::new(folder.path())), StoreKeys { chain: [0xc; 32] }).unwrap();
        let written =
            store.apply(&Access::system(Purpose::SetUp), vec![slice], Arc::new(ByPlan::default()), MORNING).await;
        assert!(written[0].is_ok(), "{written:?}");
        store.close().await;
        let clock = Arc::new(SetClock::at(MORNING));
        let service = IngestService::start(parts(folder.path(), clock, equipment(MORNING).0)).await.unwrap();
        let server = Server::parse(&format!("http://{}", service.address())).unwrap();
        let try_in = async |name: &str| {
            let folder = hub.path().join(name);
            let network = Arc::new(hub_agent::net::TcpNetwork);
            let (rng, code) = (&hub_agent::rng::OsRandomness, code.shown().to_lowercase());
            let clock = Arc::new(SetClock::at(MORNING));
            let enrolled = enrol_hub(network, rng, &server, &code, &folder, None, clock).await;
            (enrolled, folder)
        };
        let (enrolled, first) = try_in("first").await;
        assert_eq!(enrolled.unwrap(), id);
        let config = hub_agent::Config::load(&first.join("hub.toml")).unwrap();
        assert_eq!((config.hub, config.service_key.is_some()), (id.clone(), true));
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(first.join("hub.key")).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        let call = Seal::new("hub-new", "1.1", MORNING).put_on(TestHub::unsigned(batch(&[], MORNING)), &config.key);
        let (call, address) = (call.unwrap(), service.address());
        let answer = tokio::task::spawn_blocking(move || call.send(address)).await.unwrap().unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        let (again, second) = try_in("second").await;
        assert!(matches!(again, Err(EnrolError::Refused(Some(CodeRefused)))), "{again:?}");
        assert!(!second.join("hub.toml").exists());
        let (over, _) = try_in("first").await;
        assert!(matches!(over, Err(EnrolError::IsThere(_))), "{over:?}");
        assert!(service.stop().await);
    });
}
