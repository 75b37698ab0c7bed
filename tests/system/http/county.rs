//! A small county, asked within this process: two trusts with three teams, a care home, people, and staff with accounts.
//!
//! The routes and the store are the real ones; only sockets are left out, the clock stands until a test moves it, and
//! sessions are begun by the test where it is not signing in that is asked about.

use actix_web::{
    App,
    http::{Method, header},
    test::{TestRequest, call_service, init_service, read_body},
    web,
};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::LocalBoxFuture;
use harness::{
    service::{MORNING, Recorder, SetClock, Wrap, bare, reading_of},
    signed_client::{Call, TestHub, batch},
};
use ingest::{
    access::{Access, Caseload, HubEntry, Password, PasswordHash, Purpose, SESSION_COOKIE, Token},
    decide::ByPlan,
    http::{Lists, PageSettings, Shared},
    service::{Parts, StaffSignIn, in_process},
    store::{
        Decide, Slice, Store, Subject,
        embedded::{EmbeddedStore, StoreKeys},
    },
};
use register::Item;
use rules::{Actor, Channel, Event, event::Account};
use serde_json::{Value, json};
use std::{cell::Cell, rc::Rc, sync::Arc};
use tempfile::TempDir;
use vitals::{AlertId, HubId, PatientId, bounded::Text, id::StaffId, nhs::Realm};

/// An answer, as far as these tests look.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    pub(super) status: u16,
    /// The stable code of a refusal, whether it is JSON or a page.
    pub(super) code: Option<String>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Answered {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of the session's cookie.
    pub(super) fn cookie(&self) -> String {
        let cookie = self.header("set-cookie").unwrap_or_else(|| panic!("no cookie: {self:?}"));
        cookie.split(';').next().unwrap().split_once('=').unwrap().1.to_owned()
    }
}

type Ask = Box<dyn Fn(TestRequest) -> LocalBoxFuture<'static, Answered>>;

/// The service and everybody in it.
pub(super) struct County {
    pub(super) shared: web::Data<Shared>,
    pub(super) clock: Arc<SetClock>,
    pub(super) events: Arc<Recorder>,
    pub(super) hub: TestHub,
    ask: Ask,
    tokens: Cell<u64>,
    _folder: TempDir,
}

/// A request of the interface or of a page; forms and JSON are told apart by the path.
pub(super) fn request(method: &str, path: &str, body: &str) -> TestRequest {
    let kind = if path.starts_with("/v1/") { "application/json" } else { "application/x-www-form-urlencoded" };
    TestRequest::with_uri(path)
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .insert_header((header::HOST, "localhost"))
        .insert_header((header::CONTENT_TYPE, kind))
        .set_payload(body.to_owned())
}

/// With a session's cookie.
pub(super) fn with_cookie(request: TestRequest, token: &str) -> TestRequest {
    request.append_header((header::COOKIE, format!("{SESSION_COOKIE}={token}")))
}

pub(super) fn staff_id(id: &str) -> StaffId {
    StaffId::parse(id).unwrap()
}

/// A thing of the register from its JSON.
pub(super) fn item(value: Value) -> Item {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))
}

/// A moment as JSON has it.
pub(super) fn at(minutes: i64) -> DateTime<Utc> {
    MORNING + TimeDelta::minutes(minutes)
}

/// An invented NHS number of the kind that nobody has.
pub(super) fn nhs_number(n: u32) -> String {
    let nine = format!("999{n:06}");
    let sum: u32 = nine.bytes().zip((2..=10).rev()).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    match 11 - sum % 11 {
        11 => format!("{nine}0"),
        // Such a number does not exist: the next one is taken.
        10 => nhs_number(n + 500_000),
        digit => format!("{nine}{digit}"),
    }
}

pub(super) fn patient(id: &str, n: u32, team: Option<&str>, home: Option<&str>) -> Item {
    let mut value = json!({ "id": id, "name": format!("Invented {}", id.trim_start_matches("pt-")), "nhs_number": nhs_number(n),
        "choices": {} });
    for (field, place) in [("team", team), ("home", home)] {
        if let Some(place) = place {
            value[field] = json!(place);
        }
    }
    item(json!({ "patient": value }))
}

/// Staff who hold a role at a place since yesterday.
pub(super) fn staff(id: &str, role: &str, place: Value, left: bool) -> Item {
    let posts = if role == "none" {
        json!([])
    } else {
        json!([{ "role": role, "place": place, "span": { "from": at(-1440) } }])
    };
    let mut value = json!({ "id": id, "name": format!("Staff {}", id.trim_start_matches("st-")), "posts": posts });
    if left {
        value["left_at"] = json!(at(-60));
    }
    item(json!({ "staff": value }))
}

impl County {
    /// The places, on a store of its own that may be wrapped.
    pub(super) async fn new(wrap: Wrap<dyn Store>) -> Self {
        let packs = vec![rules::pack::demo_pack().unwrap()];
        Self::judged_by(wrap, Arc::new(ByPlan::for_demo(packs, [Channel::Console].into()).unwrap())).await
    }

    /// The same, where somebody else judges.
    pub(super) async fn judged_by(wrap: Wrap<dyn Store>, decide: Arc<dyn Decide>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = Arc::new(ingest::disk::Folder::new(folder.path()));
        let store: Arc<dyn Store> = Arc::new(EmbeddedStore::open(disk, StoreKeys { chain: [0xc; 32] }).unwrap());
        let hub = TestHub::new("hub-county", [0xa; 32]).unwrap();
        let entry = HubEntry {
            public_key: hub.key().public_key().unwrap(),
            patients: super::matrix::TARGETS.iter().map(|id| PatientId::parse(id).unwrap()).collect(),
        };
        let (clock, events) = (Arc::new(SetClock::at(MORNING)), Arc::new(Recorder::default()));
        let parts = Parts {
            clock: clock.clone(),
            events: events.clone(),
            decide,
            lists: Some(Arc::new(Lists::new(folder.path(), &[0xc; 32], Realm::Demo))),
            sign_in: StaffSignIn::Accounts,
            pages: PageSettings {
                service_name: "County".to_owned(),
                banner: None,
                service_hours: "Your team looks Monday to Friday.".to_owned(),
                is_loopback_only: false,
            },
            ..bare(wrap(store), [(HubId::parse("hub-county").unwrap(), entry)].into()).unwrap()
        };
        let shared = in_process(parts).await.unwrap();
        let app = Rc::new(init_service(App::new().app_data(shared.clone()).configure(ingest::http::configure)).await);
        let ask: Ask = Box::new(move |request| {
            let app = app.clone();
            Box::pin(async move {
                let response = call_service(&*app, request.to_request()).await;
                let status = response.status().as_u16();
                let headers = response.headers().iter();
                let headers: Vec<(String, String)> = headers
                    .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
                    .collect();
                let body = String::from_utf8_lossy(&read_body(response).await).into_owned();
                Answered { status, code: code_of(&body), headers, body }
            })
        });
        let county = Self { shared, clock, events, hub, ask, tokens: Cell::new(0), _folder: folder };
        county.write(places()).await;
        county
    }

    pub(super) async fn ask(&self, request: TestRequest) -> Answered {
        (self.ask)(request).await
    }

    /// Asks as somebody who is signed in.
    pub(super) async fn ask_as(&self, staff: &str, method: &str, path: &str, body: &str) -> Answered {
        let token = self.session(staff, self.clock.read(), false);
        self.ask(with_cookie(request(method, path, body), &token)).await
    }

    /// Begins a session.
    pub(super) fn session(&self, staff: &str, began: DateTime<Utc>, must_change: bool) -> String {
        self.tokens.set(self.tokens.get() + 1);
        let mut token: Token = [0x5a; 32];
        token[..8].copy_from_slice(&self.tokens.get().to_be_bytes());
        let sessions = &self.shared.accounts.as_ref().unwrap().sessions;
        sessions.begin(&token, staff_id(staff), must_change, began);
        vitals::hex::encode(&token)
    }

    /// Writes things into the register as the service itself.
    pub(super) async fn write(&self, items: impl IntoIterator<Item = Item>) {
        let slice = |item: Item| Slice {
            subject: item.patient().cloned().map_or(Subject::Service, Subject::Patient),
            events: vec![Event::written(item)],
        };
        self.apply(&Access::system(Purpose::SetUp), items.into_iter().map(slice).collect()).await;
    }

    pub(super) async fn apply(&self, who: &Access, slices: Vec<Slice>) {
        let at = self.clock.read();
        for answer in self.shared.store.apply(who, slices, self.shared.decide.clone(), at).await {
            answer.unwrap();
        }
    }

    /// Sets somebody's password.
    pub(super) async fn password(&self, staff: &str, password: &str, is_first: bool) {
        let kept = PasswordHash::of(&Password::given(password.to_owned()), [7; 16]).unwrap();
        let secret = Text::new(&serde_json::to_string(&kept).unwrap()).ok();
        let account = Account { staff: staff_id(staff), secret, by: None, at: self.clock.read(), is_first };
        let slice = Slice { subject: Subject::Service, events: vec![Event::AccountSet(account)] };
        self.apply(&Access::system(Purpose::SetUp), vec![slice]).await;
    }

    /// A red alert for each of these people, by a signed batch of the county's hub; their ids in the same order.
    pub(super) async fn alerts(&self, people: &[&str]) -> Vec<AlertId> {
        self.send(people, 1, "182/118").await;
        let alerts = self.shared.store.alerts(&everywhere(people), 100).await.unwrap();
        let of = |person: &&str| alerts.iter().find(|alert| alert.patient.as_str() == *person).expect("an alert").id;
        people.iter().map(of).collect()
    }

    /// The same blood pressure of each of these people, by a signed batch of the county's hub, numbered from `first` on; the
    /// answer.
    pub(super) async fn send(&self, people: &[&str], first: u32, value: &str) -> Value {
        let at = self.clock.read();
        let readings: Vec<Value> = (first..)
            .zip(people)
            .map(|(n, person)| serde_json::to_value(reading_of(person, n, value, at).unwrap()).unwrap())
            .collect();
        let Call { method, target, headers, body, .. } = self.hub.signed(batch(&readings, at), at).unwrap();
        let mut request = TestRequest::with_uri(&target).method(Method::from_bytes(method.as_bytes()).unwrap());
        for (name, value) in &headers {
            request = request.insert_header((name.as_str(), value.as_str()));
        }
        let answer = self.ask(request.set_payload(body)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }
}

/// Somebody who may do everything a case manager may, for these people.
#[expect(clippy::disallowed_methods, reason = "tests make what they need to set a scene")]
pub(super) fn everywhere(people: &[&str]) -> Access {
    let patients = people.iter().map(|id| PatientId::parse(id).unwrap()).collect();
    let who = Actor { id: staff_id("st-everywhere"), name: Text::new("Everywhere").unwrap() };
    ingest::access::demo_case_manager(who, Caseload { patients, hubs: Default::default() })
}

fn code_of(body: &str) -> Option<String> {
    let json = serde_json::from_str::<Value>(body).ok();
    if let Some(code) = json.as_ref().and_then(|json| json["code"].as_str()) {
        return Some(code.to_owned());
    }
    let (_, after) = body.split_once("<code class=\"derwent-code\">")?;
    after.split_once('<').map(|(code, _)| code.to_owned())
}

/// Two trusts, their teams, and a home of the first.
fn places() -> Vec<Item> {
    let organisation = |id: &str| item(json!({ "organisation": { "id": id, "name": id, "kind": "trust" } }));
    let team = |id: &str, of: &str| item(json!({ "team": { "id": id, "name": id, "organisation": of } }));
    vec![
        organisation("org-north"),
        organisation("org-south"),
        team("tm-a", "org-north"),
        team("tm-b", "org-north"),
        team("tm-c", "org-south"),
        item(json!({ "home": { "id": "hm-oak", "name": "hm-oak", "organisation": "org-north" } })),
    ]
}
