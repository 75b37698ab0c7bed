//! The whole agent: a replay heard, kept and sent over a real socket, and an ordered stop.

use super::*;
use crate::{
    link::{NoDevices, ReplayLink, replay::Replay},
    test_parts::{
        CAPTURE_NAN, CAPTURE_UA651, Reply, Script, ScriptedServer, answer, config, fixture, june_frame, noon, receipt,
        stored,
    },
};
use vitals::wire::v1::{Outcome, Prompt, Urgency};

/// The captures, one of them on both sides of a reconnect, then a made red one and a broken frame.
fn replay() -> Replay {
    let device = r#""device":{"maker":"A&D Medical","serial":"5161000042"}"#;
    let capture = |hex: &str, at: u32| {
        format!(
            r#"{{"frame":{{"kind":"capture",{device},"characteristic":"2a35","hex":"{hex}","at_secs":{at},"source":"a log"}}}}"#
        )
    };
    let connect = |at: u32| format!(r#"{{"connect":{{{device},"device_ahead_secs":0,"at_secs":{at}}}}}"#);
    let lines = [
        connect(1),
        capture(CAPTURE_UA651, 2),
        capture(CAPTURE_NAN, 3),
        format!(r#"{{"disconnect":{{{device},"at_secs":4}}}}"#),
        connect(10),
        capture(CAPTURE_NAN, 11),
        format!(
            r#"{{"frame":{{"kind":"made",{device},"characteristic":"2a35","at_secs":12,"taken_secs":-5,"systolic":"182","diastolic":"118"}}}}"#
        ),
        capture("16ff", 13),
    ];
    Replay::read(&lines.join("\n"), noon()).unwrap()
}

fn stored_with_prompt() -> Box<dyn FnOnce(&crate::test_parts::Seen) -> Reply + Send> {
    let prompt = Prompt { urgency: Urgency::CheckAgain, text: "Rest five minutes.".into() };
    Box::new(move |seen| Reply::Answer(200, "", receipt(seen, Outcome::Stored, Some(prompt))))
}

#[tokio::test]
async fn a_replay_is_heard_kept_once_and_sent_and_then_the_agent_stops() {
    let folder = tempfile::tempdir().unwrap();
    // Busy at first: the agent waits on its own clock and tries again. Live and backfill go in requests of their own.
    let script: Script = vec![answer(503, "retry-after: 30", ""), stored_with_prompt(), stored()];
    let server = ScriptedServer::start(script);
    let fixture = fixture(folder.path());
    let agent = Agent::new(fixture.parts.clone(), &config(&server.url, folder.path())).await.unwrap();
    for step in replay() {
        fixture.clock.set(step.at);
        if let Heard::Frame(frame) = step.heard {
            agent.hear(frame).await.map(drop).unwrap();
        }
    }
    let (_stop, shutdown) = shutdown::channel();
    agent.run(&mut ReplayLink::at_once(Replay::read("", noon()).unwrap()), shutdown).await.unwrap();

    let names = fixture.events.names();
    let count = |name: &str| names.iter().filter(|other| **other == name).count();
    assert_eq!((count("reading_kept"), count("reading_already_kept"), count("frame_undecodable")), (4, 1, 1));
    assert_eq!((count("batch_sent"), count("link_down"), count("reading_settled")), (3, 1, 4));
    assert_eq!(fixture.screen.texts(), ["Rest five minutes."]);
    let slept = fixture.clock.slept();
    let as_asked = Duration::from_secs(30)..=Duration::from_secs(60);
    assert!(slept.len() == 1 && as_asked.contains(&slept[0]), "{slept:?}");
    assert_eq!(fixture.events.all().last(), Some(&HubEvent::AgentStopped { waiting: 0 }));
    let settled: usize = server.seen().iter().skip(1).map(|seen| seen.ids().len()).sum();
    assert_eq!(settled, 4);
}

#[tokio::test]
async fn a_paced_replay_waits_on_the_agents_clock() {
    let fixture = fixture(tempfile::tempdir().unwrap().path());
    let mut link = ReplayLink::paced(replay(), fixture.parts.clock.clone());
    let mut heard = 0;
    while link.next().await.is_some() {
        heard += 1;
    }
    assert_eq!((heard, fixture.clock.slept().iter().sum::<Duration>()), (8, Duration::from_secs(13)));
}

#[tokio::test]
async fn a_stop_is_heeded_while_nothing_happens_and_while_the_service_is_away() {
    for minutes in [vec![], vec![55]] {
        let folder = tempfile::tempdir().unwrap();
        let fixture = fixture(folder.path());
        // Nobody listens on port 1 of this machine.
        let agent = Agent::new(fixture.parts.clone(), &config("http://127.0.0.1:1", folder.path())).await.unwrap();
        for minute in &minutes {
            agent.hear(june_frame(*minute)).await.map(drop).unwrap();
        }
        let (stop, shutdown) = shutdown::channel();
        let mut no_devices = NoDevices;
        let (ended, ()) = tokio::join!(agent.run(&mut no_devices, shutdown), async {
            // Level-triggered: not before the agent is under way.
            while !minutes.is_empty() && !fixture.events.names().contains(&"link_down") {
                tokio::task::yield_now().await;
            }
            stop.ask();
        });
        ended.unwrap();
        assert_eq!(
            fixture.events.all().last(),
            Some(&HubEvent::AgentStopped { waiting: u64::try_from(minutes.len()).unwrap() })
        );
        assert!(matches!(agent.hear(june_frame(1)).await, Err(OutboxError::Closed)), "closed means closed");
    }
}

#[tokio::test]
async fn readings_kept_before_a_restart_are_sent_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = ScriptedServer::start(vec![stored()]);
    let config = config(&server.url, folder.path());
    let before = Agent::new(fixture(folder.path()).parts, &config).await.unwrap();
    before.hear(june_frame(55)).await.map(drop).unwrap();
    drop(before);
    let fixture = fixture(folder.path());
    let after = Agent::new(fixture.parts.clone(), &config).await.unwrap();
    assert_eq!(fixture.events.all(), [HubEvent::AgentStarted { epoch: 1, waiting: 1 }]);
    assert_eq!(after.send_waiting().await.unwrap().settled, 1);
    server.seen();
}
