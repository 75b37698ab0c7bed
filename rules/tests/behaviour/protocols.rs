//! Two protocols on one person do not speak for each other, and none speaks for the service.
//!
//! Found 2026-11-22: rules were told apart by their own name alone. A rule that yields to `home-bp-red` of its own
//! protocol fell silent for a `home-bp-red` of another; and a protocol whose rule was called `reading-not-judged`
//! swallowed the service's own alert of that name.

use crate::support::{CHANNELS, Clock, Kept, When, demo_plan, patient, pressure, reading, start};
use rules::{
    Alert, Audience, Condition, Event, PatientState, Plan, decide,
    pack::{ActivePack, Pack},
    unevaluated,
};
use vitals::ErrorCode;

const DEMO: &str = include_str!("../../packs/demo-home-bp.toml");

/// Another protocol by the demo's invented people: the demo's with some words replaced.
pub(crate) fn another(replaced: &[(&str, &str)]) -> ActivePack {
    let text = replaced.iter().fold(DEMO.replace("\"demo-home-bp\"", "\"other\""), |text, (from, to)| {
        assert!(text.contains(from), "{from} is not in the pack");
        text.replace(from, to)
    });
    let pack = Pack::read(&text).expect("the other protocol reads");
    let approval = |role: &str, name: &str| format!("[[approval]]\nrole = \"{role}\"\nname = \"{name}\"\n");
    let approvals = format!(
        "pack = \"other\"\nversion = \"1.0.0\"\ncontent_hash = \"{}\"\nstatus = \"approved\"\n{}{}{}",
        pack.content_hash,
        approval("author", "a"),
        approval("clinical_lead", "b"),
        approval("safety_officer", "c")
    );
    ActivePack::new(pack, &approvals).expect("approved")
}

fn at_once(number: u32, systolic: u16, diastolic: u16, minute: i64) -> Vec<Event> {
    let now = chrono::TimeDelta::minutes(minute);
    let when = When { clock: Clock::Known, taken: now, heard: now, sent: now, received: now };
    vec![Event::Reading(Box::new(reading(number, pressure(systolic, diastolic), when)))]
}

fn named(alerts: &[Alert]) -> Vec<(&str, &str, Condition)> {
    alerts.iter().map(|alert| (alert.made_by.pack.as_str(), alert.made_by.rule.as_str(), alert.condition)).collect()
}

#[test]
fn a_rule_yields_only_to_the_rule_of_its_own_protocol() {
    let demo = demo_plan();
    // The other protocol calls red what is amber for the demo's.
    let stricter = another(&[("default = 170", "default = 160"), ("default = 115", "default = 105")]);
    let plan = Plan::new(vec![stricter, demo.packs()[0].clone()], CHANNELS.to_vec()).unwrap();
    let decisions = decide(&plan, &PatientState::new(patient()), &at_once(1, 162, 90, 0), start());
    let expected = [("other", "home-bp-red", Condition::Active), ("demo-home-bp", "home-bp-amber", Condition::Pending)];
    assert_eq!(named(&decisions.alerts), expected);
    let rules::Verdict::Evaluated { prompts, .. } = &decisions.judged[0].1 else { panic!("it was judged") };
    assert_eq!(prompts.len(), 1, "one instruction at a time, whatever the number of protocols");
    assert!(prompts[0].text.contains("999"), "and the most urgent of them");
}

#[test]
fn a_protocol_cannot_swallow_the_services_own_alert() {
    let named_alike = another(&[("home-bp-red", "reading-not-judged")]);
    let plan = Plan::new(vec![named_alike], CHANNELS.to_vec()).unwrap();
    let mut kept = Kept::new();
    let red = at_once(1, 182, 118, 0);
    kept.keep(&red, &decide(&plan, &kept.state, &red, start()));
    let failed = at_once(2, 130, 80, 1);
    let decisions = unevaluated(&CHANNELS, &kept.state, &failed, ErrorCode::RulePanicked, start());
    assert_eq!(decisions.jobs.len(), CHANNELS.len(), "someone technical is told");
    kept.keep(&failed, &decisions);
    let Event::Reading(admitted) = failed[0].clone() else { panic!("a reading") };
    let again = [Event::Reconsider(admitted)];
    kept.keep(&again, &decide(&plan, &kept.state, &again, start()));
    let waiting: Vec<_> = kept.state.alerts.iter().map(|alert| alert.audience).collect();
    assert_eq!(waiting, [Audience::Clinical], "judged: the technical alert is over, the red is not");
    assert!(kept.jobs.len() == 2 * CHANNELS.len() && kept.timers.len() <= 1);
}
