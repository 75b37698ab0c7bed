//! The uplink against a tiny real HTTP server on loopback: what is sent, and what each answer leads to.

use super::*;
use crate::{
    agent::{Agent, Parts},
    outbox::Keeping,
    prompt::{PROMPT_STANDS_FOR, Withheld},
    test_parts::{Fixture, Reply, SEED, Script, ScriptedServer, answer, config, fixture, june_frame, receipt, stored},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use httpsig::prelude::{
    AlgorithmName, HttpSignatureBase, HttpSignatureHeaders, PublicKey, message_component::HttpMessageComponent,
};
use send::NoAnswer;
use sha2::{Digest, Sha256};
use std::net::TcpListener;
use vitals::wire::{
    signing::{COMPONENTS, LABEL},
    v1::{Lane, Outcome, Prompt, Urgency},
};

/// An agent with these June minutes kept, in front of a server with this script.
async fn with(script: Script, minutes: &[u8]) -> (Agent, Fixture, ScriptedServer, tempfile::TempDir) {
    let (folder, server) = (tempfile::tempdir().unwrap(), ScriptedServer::start(script));
    let fixture = fixture(folder.path());
    let agent = Agent::new(fixture.parts.clone(), &config(&server.url, folder.path())).await.unwrap();
    for minute in minutes {
        assert!(matches!(agent.hear(june_frame(*minute)).await.unwrap(), Keeping::Kept(_)));
    }
    (agent, fixture, server, folder)
}

fn lost() -> Box<dyn FnOnce(&crate::test_parts::Seen) -> Reply + Send> {
    Box::new(|_| Reply::Lost)
}

#[tokio::test]
async fn a_batch_is_signed_digested_and_settled() {
    let (agent, fixture, server, _folder) = with(vec![stored()], &[50, 55]).await;
    assert_eq!(agent.send_waiting().await.unwrap(), Sent { batches: 1, settled: 2 });
    assert_eq!(agent.counts().await.unwrap().waiting, 0);
    assert_eq!(agent.send_waiting().await.unwrap(), Sent::default(), "nothing waits, nothing is sent");

    let seen = server.seen().remove(0);
    assert_eq!(seen.line, "POST /v1/batches HTTP/1.1");
    let header = |name: &str| seen.headers[name].clone();
    assert_eq!(
        (header("content-type").as_str(), header("content-encoding").as_str()),
        ("application/json", "gzip"),
        "two readings are worth packing"
    );
    assert_eq!(header("content-digest"), format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(&seen.body))));
    assert_eq!((seen.batch().lane, seen.batch().made_at.as_str()), (Lane::Live, "2026-06-01T12:00:00Z"));

    // As a receiver: the base rebuilt from the request that came over the socket, checked with the public key.
    let received = HttpSignatureHeaders::try_parse(&header("signature"), &header("signature-input")).unwrap();
    let received = received.get(LABEL).unwrap();
    let values = [
        "POST".into(),
        "/v1/batches".into(),
        "?".into(),
        header("content-type"),
        header("content-encoding"),
        header("content-digest"),
    ];
    let lines: Vec<HttpMessageComponent> = COMPONENTS
        .iter()
        .zip(values)
        .map(|(component, value)| HttpMessageComponent::try_from(format!("\"{component}\": {value}").as_str()).unwrap())
        .collect();
    let base = HttpSignatureBase::try_new(&lines, received.signature_params()).unwrap();
    let public = HubKey::from_seed(SEED).unwrap().public_key().unwrap();
    base.verify_signature_headers(&PublicKey::from_bytes(&AlgorithmName::Ed25519, &public).unwrap(), received).unwrap();

    let sent = fixture.events.all().into_iter().find(|event| event.name() == "batch_sent").unwrap();
    let HubEvent::BatchSent { number, digest, request_line, bytes, .. } = sent else { panic!("it is named so") };
    assert_eq!((number.to_string(), digest, bytes), (seen.nonce(), header("content-digest"), seen.body.len()));
    assert_eq!(request_line, "POST /v1/batches");
}

#[tokio::test]
async fn one_reading_goes_as_it_is() {
    let (agent, _fixture, server, _folder) = with(vec![stored()], &[50]).await;
    assert_eq!(agent.send_waiting().await.unwrap().settled, 1);
    assert_eq!(server.seen().remove(0).headers["content-encoding"], "identity");
}

/// A service of before it unpacked: the hub packs no more, and the readings arrive.
#[tokio::test]
async fn a_service_that_does_not_unpack_gets_bodies_as_they_are() {
    let refuses = answer(415, "", r#"{"code":"encoding_not_supported","message":""}"#);
    let (agent, fixture, server, _folder) = with(vec![refuses, stored()], &[50, 55]).await;
    let error = agent.send_waiting().await.unwrap_err();
    assert!(matches!(error, SendError::Busy { retry_after: None, .. }), "{error:?}");
    assert_eq!(agent.send_waiting().await.unwrap().settled, 2);
    let seen = server.seen();
    let encodings: Vec<&str> = seen.iter().map(|seen| seen.headers["content-encoding"].as_str()).collect();
    assert_eq!(encodings, ["gzip", "identity"]);
    assert_eq!(seen[0].batch().readings, seen[1].batch().readings);
    assert!(!fixture.events.names().contains(&"batch_refused"), "nobody needs to come");
}

#[tokio::test]
async fn a_lost_answer_is_retried_with_a_new_number_and_the_same_readings() {
    let prompt = Prompt { urgency: Urgency::ActNow, text: "Ring your team now.".into() };
    let duplicate: Script =
        vec![lost(), Box::new(move |seen| Reply::Answer(200, "", receipt(seen, Outcome::Duplicate, Some(prompt))))];
    let (agent, fixture, server, _folder) = with(duplicate, &[50, 55]).await;
    assert!(matches!(agent.send_waiting().await, Err(SendError::NoAnswer { .. })));
    assert_eq!(agent.counts().await.unwrap().waiting, 2);
    assert_eq!(agent.send_waiting().await.unwrap().settled, 2);

    let seen = server.seen();
    assert_eq!((seen[0].nonce().as_str(), seen[1].nonce().as_str()), ("1.1", "1.2"));
    assert_eq!(seen[0].batch().readings, seen[1].batch().readings);
    assert_ne!(seen[0].headers["signature"], seen[1].headers["signature"]);
    assert_eq!(fixture.screen.texts(), ["Ring your team now."], "one instruction for the person");
    assert!(fixture.events.names().contains(&"link_down"));
}

#[tokio::test]
async fn a_verdict_repeated_too_late_is_not_put_before_the_person() {
    let prompt = Prompt { urgency: Urgency::ActNow, text: "Ring your team now.".into() };
    let script: Script =
        vec![lost(), Box::new(move |seen| Reply::Answer(200, "", receipt(seen, Outcome::Duplicate, Some(prompt))))];
    let (agent, fixture, _server, _folder) = with(script, &[55]).await;
    assert!(agent.send_waiting().await.is_err());
    fixture.clock.set(fixture.clock.now() + PROMPT_STANDS_FOR + TimeDelta::seconds(1));
    assert_eq!(agent.send_waiting().await.unwrap().settled, 1);
    assert_eq!(fixture.screen.texts(), [""; 0]);
    assert!(
        fixture
            .events
            .all()
            .iter()
            .any(|event| matches!(event, HubEvent::PromptWithheld { why: Withheld::TooLongAgo, .. }))
    );
}

#[tokio::test]
async fn live_readings_are_sent_before_backfill() {
    let (agent, _fixture, server, _folder) = with(vec![stored(), stored()], &[5, 55, 10]).await;
    assert_eq!(agent.send_waiting().await.unwrap(), Sent { batches: 2, settled: 3 });
    let lanes: Vec<(Lane, usize)> = server.seen().iter().map(|seen| (seen.batch().lane, seen.ids().len())).collect();
    assert_eq!(lanes, [(Lane::Live, 1), (Lane::Backfill, 2)]);
}

/// Every answer that is not a fitting receipt leaves the readings where they are.
#[tokio::test]
async fn no_answer_but_a_fitting_receipt_settles_a_reading() {
    let changed = |change: fn(&mut wire::v1::Receipt)| -> Box<dyn FnOnce(&crate::test_parts::Seen) -> Reply + Send> {
        Box::new(move |seen| {
            let mut whole = serde_json::from_slice(&receipt(seen, Outcome::Stored, None)).unwrap();
            change(&mut whole);
            Reply::Answer(200, "", serde_json::to_vec(&whole).unwrap())
        })
    };
    let busy = r#"{"code":"service_busy","message":""}"#;
    let replayed = r#"{"code":"request_replayed","message":""}"#;
    let unknown = r#"{"code":"hub_unknown","message":""}"#;
    let retried = |error: &SendError| {
        matches!(error, SendError::Busy { .. } | SendError::NoAnswer { .. } | SendError::Receipt { .. })
    };
    for (reply, expected, is_retried) in [
        (changed(|whole| drop(whole.readings.pop())), "receipt", true),
        (changed(|whole| whole.readings.push(whole.readings[0].clone())), "receipt", true),
        (changed(|whole| whole.readings.swap(0, 1)), "receipt", true),
        (changed(|whole| whole.readings[1].position = 0), "receipt", true),
        (changed(|whole| whole.readings[1].id = "rd-00000000000000000000000000000000".into()), "receipt", true),
        (answer(200, "", "<html>a sign-in page</html>"), "receipt", true),
        (answer(302, "location: http://127.0.0.1:1/", ""), "status 302", false),
        (answer(503, "retry-after: 30", busy), "status 503", true),
        (answer(500, "", ""), "status 500", true),
        (answer(401, "", replayed), "status 401", true),
        (answer(401, "", unknown), "status 401", false),
        (answer(404, "", ""), "status 404", false),
        (Box::new(|_| Reply::Answer(200, "", vec![b' '; send::ANSWER_BYTES_MAX + 1])), "send request", true),
        (lost(), "send request", true),
    ] {
        let (agent, fixture, server, _folder) = with(vec![reply], &[50, 55]).await;
        let error = agent.send_waiting().await.unwrap_err();
        let chain = format!("{error}: {:?}", std::error::Error::source(&error).map(ToString::to_string));
        assert!(chain.contains(expected), "want {expected:?} in {chain}");
        assert!(error.is_worth_a_retry());
        assert_eq!(retried(&error), is_retried, "{chain}");
        assert_eq!(agent.counts().await.unwrap().waiting, 2, "{chain}");
        let names = fixture.events.names();
        assert_eq!(names.contains(&"batch_refused"), !is_retried, "{chain}");
        assert!(!names.contains(&"reading_settled"), "{chain}");
        server.seen();
    }
}

#[tokio::test]
async fn a_service_that_takes_smaller_batches_gets_smaller_batches() {
    let too_many = || answer(413, "", r#"{"code":"too_many_readings","message":""}"#);
    let (agent, _fixture, server, _folder) =
        with(vec![too_many(), too_many(), stored(), stored(), stored(), stored()], &[40, 41, 42, 43]).await;
    assert!(agent.send_waiting().await.is_err());
    assert!(agent.send_waiting().await.is_err());
    assert_eq!(agent.send_waiting().await.unwrap(), Sent { batches: 4, settled: 4 });
    assert_eq!(server.seen().iter().map(|seen| seen.ids().len()).collect::<Vec<_>>(), [4, 2, 1, 1, 1, 1]);
}

/// A receipt whose lines carry an outcome and a code, as text, so that a later service's words can be tried too.
fn coded(seen: &crate::test_parts::Seen, outcome: &str, code: &str) -> Reply {
    let line = |(position, id): (usize, String)| serde_json::json!({ "position": position, "id": id, "outcome": outcome, "code": code });
    let readings: Vec<_> = seen.ids().into_iter().enumerate().map(line).collect();
    Reply::Answer(
        200,
        "",
        serde_json::json!({ "received_at": "2026-06-01T12:00:00Z", "readings": readings }).to_string().into(),
    )
}

/// Rejected for good is settled as well: the service keeps the reading for inspection, and the others are not held up.
/// What is not stored is offered again: where the code says later, or this hub does not know the outcome or the code.
#[tokio::test]
async fn every_outcome_settles_its_reading_unless_the_service_has_not_stored_it() {
    for (outcome, code, is_settled) in [
        ("stored", "", true),
        ("unassigned", "", true),
        ("duplicate", "", true),
        ("conflict", "reading_conflict", true),
        ("rejected", "value_implausible", true),
        ("rejected", "reading_not_stored", false),
        ("rejected", "a_code_of_a_later_version", false),
        ("an_outcome_of_a_later_version", "", false),
    ] {
        let script: Script = vec![Box::new(move |seen| coded(seen, outcome, code))];
        let (agent, fixture, server, _folder) = with(script, &[55]).await;
        let sent = agent.send_waiting().await;
        assert_eq!(sent.is_ok(), is_settled, "{outcome} {code}: {sent:?}");
        assert_eq!(agent.counts().await.unwrap().waiting, u64::from(!is_settled), "{outcome} {code}");
        assert_eq!(fixture.events.names().contains(&"reading_settled"), is_settled, "{outcome} {code}");
        server.seen();
    }
}

/// One reading that the service cannot store now holds up nothing: the others are settled, and it alone is sent again.
#[tokio::test]
async fn only_what_was_not_stored_is_sent_again() {
    let first_fails: Box<dyn FnOnce(&crate::test_parts::Seen) -> Reply + Send> = Box::new(|seen| {
        let mut whole: wire::v1::Receipt = serde_json::from_slice(&receipt(seen, Outcome::Stored, None)).unwrap();
        whole.readings[0].outcome = Outcome::Rejected;
        whole.readings[0].code = Some("reading_not_stored".into());
        Reply::Answer(200, "", serde_json::to_vec(&whole).unwrap())
    });
    let (agent, _fixture, server, _folder) = with(vec![first_fails, stored()], &[50, 55]).await;
    let error = agent.send_waiting().await.unwrap_err();
    assert!(matches!(error, SendError::NotStored { readings: 1, .. }) && error.is_worth_a_retry(), "{error:?}");
    assert_eq!(agent.send_waiting().await.unwrap().settled, 1);
    let ids: Vec<_> = server.seen().iter().map(|seen| seen.ids()).collect();
    assert_eq!((ids[0].len(), &ids[1]), (2, &vec![ids[0][0].clone()]));
}

#[tokio::test]
async fn a_service_that_is_not_there_is_said_and_the_readings_wait() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let fixture = fixture(folder.path());
    let parts: Parts = fixture.parts.clone();
    let agent = Agent::new(parts, &config(&format!("http://{nobody}"), folder.path())).await.unwrap();
    assert!(matches!(agent.hear(june_frame(55)).await.unwrap(), Keeping::Kept(_)));
    let error = agent.send_waiting().await.unwrap_err();
    assert!(matches!(error, SendError::NoAnswer { source: NoAnswer::Connect(_), .. }), "{error:?}");
    assert_eq!(
        fixture.events.all().last(),
        Some(&HubEvent::LinkDown { number: RequestNumber { epoch: 1, sequence: 1 }, why: "connect" })
    );
    assert_eq!(agent.counts().await.unwrap().waiting, 1);
}

#[tokio::test]
async fn a_prompt_for_a_reading_of_nobody_is_shown_to_nobody_and_said() {
    let prompt = Prompt { urgency: Urgency::ActNow, text: "Ring your team now.".into() };
    let script: Script =
        vec![Box::new(move |seen| Reply::Answer(200, "", receipt(seen, Outcome::Unassigned, Some(prompt))))];
    let (agent, fixture, _server, _folder) = with(script, &[]).await;
    let mut frame = june_frame(55);
    frame.device = vitals::SourceId::device("A&D Medical", "nobody's").unwrap();
    assert!(matches!(agent.hear(frame).await.unwrap(), Keeping::Kept(_)));
    assert_eq!(agent.send_waiting().await.unwrap().settled, 1);
    assert_eq!(fixture.screen.texts(), [""; 0]);
    assert!(
        fixture
            .events
            .all()
            .iter()
            .any(|event| matches!(event, HubEvent::PromptWithheld { why: Withheld::NobodyToTell, .. }))
    );
}
