//! A rule that panics for one person: their reading is kept and said to be unjudged, nobody else is harmed, and it is
//! judged once the rule is mended.

use super::{one, receipt, taken_now, until};
use chrono::TimeDelta;
use harness::{
    planted::PanicsFor,
    service::{ADA, BO, Setup, TestService},
    signed_client::Call,
};
use ingest::{events::ServiceEvent, store::Decide};
use rules::{Alert, Audience, ClearedBecause, Condition, state::Verdict as Judged};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use vitals::wire::v1::{Outcome, Urgency, Verdict};

fn with_panic() -> (TestService, Arc<AtomicBool>) {
    let is_mended = Arc::new(AtomicBool::new(false));
    let mended = is_mended.clone();
    let decide = Arc::new(move |inner: Arc<dyn Decide>| -> Arc<dyn Decide> {
        Arc::new(PanicsFor::new(inner, ADA.0, mended.clone()))
    });
    (TestService::start(Setup { decide, ..Setup::default() }).unwrap(), is_mended)
}

fn alerts(service: &TestService, audience: Audience) -> Vec<Alert> {
    service.see().unwrap().alerts.into_iter().filter(|alert| alert.audience == audience).collect()
}

fn unjudged() -> Option<Verdict> {
    Some(Verdict::Unevaluated { reason: "rule_panicked".to_owned() })
}

/// Two people in one batch, Ada before and after Bo: Ada's readings are stored unjudged with one technical alert of
/// which staff are told; Bo's red is judged, told and raised as ever.
#[test]
fn a_rule_that_panics_for_one_person_harms_nobody_else() {
    let (service, _) = with_panic();
    let sent = [
        taken_now(&service, ADA, 1, "182/118"),
        taken_now(&service, BO, 1, "182/118"),
        taken_now(&service, ADA, 2, "128/79"),
    ];
    let answer = receipt(&service, &service.hub_a, &sent);
    assert!(answer.readings.iter().all(|line| line.outcome == Outcome::Stored && line.chain_head.is_some()));
    assert_eq!((&answer.readings[0].verdict, &answer.readings[2].verdict), (&unjudged(), &unjudged()));
    assert_eq!(answer.readings[0].prompts, [], "what could not be judged says nothing to the person");
    assert!(matches!(&answer.readings[1].verdict, Some(Verdict::Evaluated { alerts, .. }) if alerts.len() == 1));
    assert_eq!(answer.readings[1].prompts[0].urgency, Urgency::ActNow);

    let technical = alerts(&service, Audience::Technical);
    assert_eq!(technical.len(), 1, "one for the person, whatever number of readings");
    assert_eq!((technical[0].patient.as_str(), technical[0].evidence.len()), (ADA.0, 2));
    assert_eq!(alerts(&service, Audience::Clinical)[0].patient.as_str(), BO.0);
    until("staff are told of both", || {
        service.events.count(|event| matches!(event, ServiceEvent::NotificationSent { .. })) == 2
    });
    assert_eq!(
        service.events.count(|event| matches!(event, ServiceEvent::ReadingCommitted { is_judged: false, .. })),
        2
    );
    let page = service.send(&Call::new("GET", "/")).unwrap().body;
    assert!(page.contains("A reading could not be judged"), "{page}");
    assert!(
        service.see().unwrap().readings.iter().all(|stored| stored.verdict.is_some()),
        "no reading is without a verdict"
    );
    assert_eq!(one(&service, &sent[0]).verdict, unjudged(), "sent again, it says the same");
}

/// While the rule is broken the sweep tries and changes nothing; once it is mended the sweep judges, the red is raised
/// with staff told, and the technical alert clears.
#[test]
fn the_sweep_judges_what_a_mended_rule_can() {
    let (service, is_mended) = with_panic();
    one(&service, &taken_now(&service, ADA, 1, "182/118"));
    until("staff are told", || {
        service.events.count(|event| matches!(event, ServiceEvent::NotificationSent { .. })) == 1
    });
    let before = service.see().unwrap();
    service.clock.advance(TimeDelta::minutes(1));
    assert_eq!(service.see().unwrap().alerts, before.alerts, "broken as before");
    is_mended.store(true, Ordering::SeqCst);
    until("the reading is judged", || {
        // The sweep tries again only now and then; each look here is a second to it.
        service.clock.advance(TimeDelta::seconds(1));
        service.see().unwrap().readings.iter().all(|stored| matches!(stored.verdict, Some(Judged::Evaluated { .. })))
    });
    let seen = service.see().unwrap();
    assert_eq!((seen.count("reading-stored"), seen.count("reading-judged")), (1, 1));
    assert_eq!(alerts(&service, Audience::Technical)[0].condition, Condition::Cleared(ClearedBecause::Judged));
    let clinical = alerts(&service, Audience::Clinical);
    assert_eq!((clinical.len(), clinical[0].urgency, clinical[0].late), (1, Urgency::ActNow, false));
    until("staff are told of the red", || {
        service.events.count(|event| matches!(event, ServiceEvent::NotificationSent { .. })) == 2
    });
    let again = one(&service, &taken_now(&service, ADA, 2, "128/79"));
    assert!(matches!(again.verdict, Some(Verdict::Evaluated { .. })));
}

/// A restart with a mended rule, as an upgrade would be: what waited is judged at the start.
#[test]
fn a_restart_with_a_mended_rule_judges_what_waited() {
    let (mut service, is_mended) = with_panic();
    for number in 1..=3 {
        assert_eq!(one(&service, &taken_now(&service, ADA, number, "128/79")).verdict, unjudged());
        service.clock.advance(TimeDelta::minutes(1));
    }
    is_mended.store(true, Ordering::SeqCst);
    service.restart().unwrap();
    until("all are judged", || service.see().unwrap().count("reading-judged") == 3);
    assert!(alerts(&service, Audience::Technical).iter().all(|alert| matches!(alert.condition, Condition::Cleared(_))));
}
