//! Hellos against a tiny real HTTP server on loopback: what is said, and what each answer leads to.

use super::*;
use crate::{
    agent::Agent,
    config::ServiceKey,
    outbox::Keeping,
    test_parts::{
        CountingBytes, Fixture, Reply, Script, ScriptedServer, Seen, answer, config, fixture, june_frame, noon,
        patient, receipt, stored,
    },
    uplink::sign::HubKey,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use httpsig::prelude::SigningKey;
use vitals::wire::{
    hello::{Heartbeat, StoreStanding},
    sealed::{Sealed, SealedFor},
    v1::{Outcome, Receipt},
};

const SERVICE_SEED: [u8; 32] = [0x5e; 32];

/// A hub that has pinned the service's key, in front of a server with this script.
async fn with(script: Script, pinned: bool) -> (Agent, Fixture, ScriptedServer, tempfile::TempDir) {
    let (folder, server) = (tempfile::tempdir().unwrap(), ScriptedServer::start(script));
    let fixture = fixture(folder.path());
    let key = HubKey::from_seed(SERVICE_SEED).unwrap().public_key().unwrap();
    let service_key = pinned.then(|| ServiceKey::from_bytes(key).unwrap());
    let config = crate::Config { service_key, ..config(&server.url, folder.path()) };
    let agent = Agent::new(fixture.parts.clone(), &config).await.unwrap();
    (agent, fixture, server, folder)
}

fn sealed(made_at: DateTime<Utc>) -> Sealed {
    let heartbeat = Heartbeat {
        made_at: v1::moment(made_at),
        sequence: 1,
        rules_evaluated_up_to: Some(v1::moment(made_at)),
        store: StoreStanding::Ready,
    };
    let document = serde_json::to_vec(&heartbeat).unwrap();
    let key = HubKey::from_seed(SERVICE_SEED).unwrap();
    let signature = STANDARD.encode(key.sign(&SealedFor::Heartbeat.to_sign(&document)).unwrap());
    Sealed { key: String::new(), document: STANDARD.encode(document), signature }
}

type Answers = Box<dyn FnOnce(&Seen) -> Reply + Send>;

fn says(heartbeat: Option<Sealed>, offer_again: Vec<String>) -> Answers {
    let answer =
        HelloAnswer { received_at: v1::moment(noon()), heartbeat, offer_again, next_keys: vec![], certificates: None };
    Box::new(move |_| Reply::Answer(200, "", serde_json::to_vec(&answer).unwrap()))
}

fn beats(secs: i64) -> Answers {
    says(Some(sealed(noon() + TimeDelta::seconds(secs))), Vec::new())
}

/// A receipt that stores everything and gives this head.
fn stored_with_head(head: &'static str) -> Answers {
    Box::new(move |seen| {
        let mut whole: Receipt = serde_json::from_slice(&receipt(seen, Outcome::Stored, None)).unwrap();
        whole.readings.iter_mut().for_each(|line| line.chain_head = Some(head.to_owned()));
        Reply::Answer(200, "", serde_json::to_vec(&whole).unwrap())
    })
}

#[tokio::test]
async fn a_hello_says_how_the_hub_stands_and_returns_its_heads() {
    let (agent, fixture, server, _folder) = with(vec![beats(0), stored_with_head("42.aa"), beats(10)], true).await;
    assert_eq!(agent.connection(), Connection::NotKnown);
    fixture.parts.events.emit(&HubEvent::BluetoothDeaf { since: noon(), why: "no_bus" });
    agent.events().emit(&HubEvent::PortGone { port: "/dev/ttyS0".into(), why: "unplugged" });
    assert!(matches!(agent.hear(june_frame(55)).await.unwrap(), Keeping::Kept(_)));
    agent.say_hello().await.unwrap();
    let made_at = Some(noon());
    assert_eq!(agent.connection().heartbeat().map(|taken| taken.made_at), made_at);
    assert_eq!(agent.connection().heartbeat().and_then(|taken| taken.rules_evaluated_up_to), made_at);
    agent.send_waiting().await.unwrap();
    agent.say_hello().await.unwrap();

    let seen = server.seen();
    assert_eq!(seen[0].line, "POST /v1/hello HTTP/1.1");
    let (first, second) = (seen[0].hello(), seen[2].hello());
    assert_eq!((first.outbox.waiting_live, first.outbox.waiting_backfill), (1, 0));
    assert_eq!(first.outbox.oldest_at.as_deref(), Some("2026-06-01T11:55:00Z"));
    assert_eq!((first.heads.len(), first.wait_secs, first.boot.len()), (0, 0, 16));
    let deaf: Vec<&str> = first.deaf.iter().map(|deaf| deaf.link.as_str()).collect();
    assert_eq!(deaf, ["serial"], "only what went by the agent's own events is known");
    assert_eq!((second.outbox.waiting_live, second.outbox.oldest_at), (0, None));
    assert_eq!(second.heads, [(patient().to_string(), "42.aa".to_owned())].into());
    let numbers: Vec<String> = seen.iter().map(Seen::nonce).collect();
    assert_eq!(numbers, ["1.1", "1.2", "1.3"], "hellos and batches share their numbers");
    let connected = fixture.events.names().iter().filter(|name| **name == "service_connected").count();
    assert_eq!(connected, 1, "said once");
}

/// Only a heartbeat that counts connects; each other answer says why not, once.
#[tokio::test]
async fn only_the_services_own_word_connects() {
    let forged = Sealed { signature: STANDARD.encode([1; 64]), ..sealed(noon()) };
    for (reply, expected) in [
        (says(None, Vec::new()), "missing"),
        (says(Some(forged), Vec::new()), "not_signed"),
        (answer(200, "", "<html>a sign-in page</html>"), ""),
        (answer(404, "", r#"{"code":"not_found","message":""}"#), ""),
        (answer(503, "retry-after: 5", r#"{"code":"service_busy","message":""}"#), ""),
        (Box::new(|_: &Seen| Reply::Lost), ""),
    ] {
        let (agent, fixture, server, _folder) = with(vec![reply], true).await;
        let error = agent.say_hello().await.unwrap_err();
        assert!(error.is_worth_a_retry(), "{error:?}");
        assert_eq!(agent.connection(), Connection::NotKnown, "{error:?}");
        let why: Vec<HubEvent> = fixture
            .events
            .all()
            .into_iter()
            .filter(|event| matches!(event, HubEvent::HeartbeatNotTaken { .. }))
            .collect();
        let said = if expected.is_empty() { vec![] } else { vec![HubEvent::HeartbeatNotTaken { why: expected }] };
        assert_eq!(why, said, "{error:?}");
        server.seen();
    }
}

/// A service of before there were hellos says 404: where no key is pinned, that is an answer like another.
#[tokio::test]
async fn a_service_without_hellos_is_no_trouble() {
    let (agent, fixture, server, _folder) = with(vec![answer(404, "", ""), stored()], false).await;
    agent.say_hello().await.unwrap();
    assert_eq!(agent.connection(), Connection::Connected { heartbeat: None });
    assert!(matches!(agent.hear(june_frame(55)).await.unwrap(), Keeping::Kept(_)));
    assert_eq!(agent.send_waiting().await.unwrap().settled, 1);
    assert!(!fixture.events.names().contains(&"link_down"));
    server.seen();
}

#[tokio::test]
async fn an_old_heartbeat_sent_again_counts_for_nothing() {
    let (agent, fixture, _server, _folder) = with(vec![beats(10), beats(0), beats(0), beats(20), beats(0)], true).await;
    agent.say_hello().await.unwrap();
    for _ in 0..2 {
        assert!(matches!(agent.say_hello().await, Err(SendError::Heartbeat(NotTaken::Old))));
    }
    agent.say_hello().await.unwrap();
    assert!(agent.say_hello().await.is_err());
    let said = fixture.events.names().iter().filter(|name| **name == "heartbeat_not_taken").count();
    assert_eq!(said, 2, "once for each time it begins");
}

#[tokio::test]
async fn readings_the_service_asks_for_are_sent_again_and_shown_to_nobody() {
    let prompt = v1::Prompt { urgency: v1::Urgency::ActNow, text: "Ring your team now.".into() };
    let with_prompt = |outcome| -> Answers {
        let prompt = prompt.clone();
        Box::new(move |seen| Reply::Answer(200, "", receipt(seen, outcome, Some(prompt))))
    };
    let id = {
        let (agent, ..) = with(Vec::new(), true).await;
        agent.hear(june_frame(55)).await.unwrap().id().to_string()
    };
    let nobodys = "rd-00000000000000000000000000000000".to_owned();
    let asks = says(Some(sealed(noon())), vec![id.clone(), nobodys, "no id".into()]);
    let (agent, fixture, server, _folder) =
        with(vec![with_prompt(Outcome::Stored), asks, with_prompt(Outcome::Stored)], true).await;
    assert!(matches!(agent.hear(june_frame(55)).await.unwrap(), Keeping::Kept(_)));
    agent.send_waiting().await.unwrap();
    agent.say_hello().await.unwrap();
    assert!(fixture.events.all().contains(&HubEvent::ReadingsOfferedAgain { asked: 2, offered: 1 }));
    assert_eq!(agent.send_waiting().await.unwrap().settled, 1);
    assert_eq!(fixture.screen.texts(), ["Ring your team now."], "once, when it was news");
    let seen = server.seen();
    assert_eq!((seen[0].ids(), seen[2].ids()), (vec![id.clone()], vec![id]));
}

/// A service that is busy for more than two minutes, and then is not: each is said once, while the hub goes on asking.
#[tokio::test]
async fn two_minutes_of_silence_are_said_once_and_so_is_their_end() {
    // Each wait after a failure is at least fifteen seconds, so these take more than three minutes.
    let mut script: Script = (0..13).map(|_| answer(503, "", "")).collect();
    script.push(beats(0));
    let server = ScriptedServer::start(script);
    let folder = tempfile::tempdir().unwrap();
    let mut fixture = fixture(folder.path());
    fixture.parts.clock = std::sync::Arc::new(Hurried);
    let agent = Agent::new(fixture.parts.clone(), &config(&server.url, folder.path())).await.unwrap();
    let is_connected = async {
        while !matches!(agent.connection(), Connection::Connected { .. }) {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        ended = agent.keep_in_touch() => panic!("{ended:?}"),
        () = is_connected => {}
    }
    let names = fixture.events.names();
    let said: Vec<&str> = names.into_iter().filter(|name| name.starts_with("service_")).collect();
    assert_eq!(said, ["service_key_not_pinned", "service_not_connected", "service_connected"]);
    assert_eq!(server.seen().len(), 14);
}

/// A clock on which a second lasts a millisecond.
struct Hurried;

#[async_trait::async_trait]
impl crate::clock::Clock for Hurried {
    fn now(&self) -> DateTime<Utc> {
        noon()
    }

    async fn sleep(&self, how_long: Duration) {
        tokio::time::sleep(how_long / 1000).await;
    }
}

#[test]
fn a_rest_is_between_half_a_minute_and_forty_seconds() {
    let randomness = CountingBytes::default();
    let rests: Vec<Duration> = (0..255).map(|_| rest(&randomness)).collect();
    assert!(rests.iter().all(|rest| (REST_MIN..=HELLO_EVERY).contains(rest)));
    let spread = *rests.iter().max().unwrap() - *rests.iter().min().unwrap();
    assert!(spread > Duration::from_secs(9), "hubs part: {spread:?}");
}
