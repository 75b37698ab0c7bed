//! Rules through the whole service: from a signed reading to what the person is told and what staff see and hear.

use super::{bad_readings::section, later, one, receipt, settled, start, taken_now, until, words_of};
use chrono::TimeDelta;
use harness::{
    service::{ADA, BO, CY, FRAME_HEX, Setup, TestService, personal_words_in, reading},
    signed_client::{Call, batch},
    webhook::{Reply, WebhookListener},
};
use ingest::{
    access::{Access, Purpose},
    events::{AlertStage, ServiceEvent},
    store::Witness,
};
use rules::{Alert, Channel, ClearedBecause, Condition, Repeat, Workflow};
use serde_json::{Value, json};
use vitals::wire::v1::{self, Outcome, Urgency, Verdict};

fn told(service: &TestService, channel: Channel) -> usize {
    service.events.count(|event| matches!(event, ServiceEvent::NotificationSent { channel: by, .. } if *by == channel))
}

fn only_alert(service: &TestService) -> Alert {
    let mut alerts = service.see().unwrap().alerts;
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    alerts.remove(0)
}

/// How many timers are due now.
fn due(service: &TestService) -> usize {
    let store = service.store().unwrap();
    service.block_on(store.due_timers(&Access::system(Purpose::Sweep), 10, service.clock.read())).unwrap().len()
}

fn page(service: &TestService) -> String {
    words_of(&service.send(&Call::new("GET", "/")).unwrap())
}

/// One red reading: in one commit the alert, the jobs and the verdict; in its receipt the prompt; then both channels.
#[test]
fn a_red_is_raised_at_the_first_reading_and_the_person_is_told_in_the_same_receipt() {
    let webhook = WebhookListener::start(Reply::Status(204)).unwrap();
    let service = TestService::start(Setup { webhook: Some(webhook.url()), ..Setup::default() }).unwrap();
    let line = one(&service, &taken_now(&service, ADA, 1, "182/118"));
    assert_eq!(line.outcome, Outcome::Stored);
    let alert = only_alert(&service);
    assert_eq!(line.verdict, Some(Verdict::Evaluated { late: false, alerts: vec![alert.id.to_string()] }));
    assert_eq!(line.prompts.len(), 1, "one instruction at a time");
    assert_eq!(line.prompts[0].urgency, Urgency::ActNow);
    assert!(line.prompts[0].text.contains("call 999 now"), "{:?}", line.prompts);
    assert_eq!(alert.patient_told.as_ref(), Some(&line.prompts[0].text), "staff see what the person was told");
    assert_eq!((alert.urgency, alert.condition, alert.late), (Urgency::ActNow, Condition::Active, false));
    assert!(line.chain_head.is_some_and(|head| Witness::parse(&head).is_some()));
    until("both channels were told", || told(&service, Channel::Console) == 1 && told(&service, Channel::Webhook) == 1);
    assert_eq!(only_alert(&service).workflow, Workflow::Notified { at: service.clock.read() });

    let posts = webhook.posts();
    assert_eq!(posts.len(), 1);
    let body: Value = serde_json::from_str(&webhook.bodies()[0]).unwrap();
    let mut fields: Vec<&String> = body.as_object().unwrap().keys().collect();
    fields.sort();
    assert_eq!(fields, ["alert", "id", "kind", "made_at", "urgency", "why"]);
    assert_eq!(
        (&body["alert"], &body["urgency"], &body["why"]),
        (&json!(alert.id.to_string()), &json!("act_now"), &json!("first"))
    );
    assert!(body["id"].as_str().unwrap().starts_with("jb-"));
    for what in ["182", "118", FRAME_HEX, ADA.0, "Harness", "blood"] {
        assert!(!posts[0].contains(what), "{what} went down the webhook: {}", posts[0]);
    }
    assert_eq!(personal_words_in(&posts[0]), None);
}

/// A second red of the same occasion tells nobody again, and the person again.
#[test]
fn a_red_that_goes_on_is_one_alert() {
    let service = start();
    let first = one(&service, &taken_now(&service, ADA, 1, "182/118"));
    settled(&service);
    service.clock.advance(TimeDelta::minutes(5));
    let second = one(&service, &taken_now(&service, ADA, 2, "184/119"));
    assert_eq!(first.verdict, second.verdict);
    assert_eq!(second.prompts.len(), 1);
    let alert = only_alert(&service);
    assert_eq!((alert.evidence.len(), alert.repeat), (2, Repeat::Confirmed));
    assert_eq!((settled(&service).count("notification-made"), told(&service, Channel::Console)), (1, 1));
}

/// An amber asks for a repeat and tells no member of staff; what the repeat says decides.
#[test]
fn an_amber_waits_for_its_repeat_and_the_repeat_decides() {
    for (repeat, condition, expected, told_after) in [
        ("154/96", Condition::Active, Repeat::Confirmed, 1),
        ("134/84", Condition::Cleared(ClearedBecause::Improved), Repeat::Improved, 0),
    ] {
        let service = start();
        let line = one(&service, &taken_now(&service, ADA, 1, "156/97"));
        assert_eq!(line.prompts.len(), 1);
        assert_eq!(line.prompts[0].urgency, Urgency::CheckAgain);
        assert!(line.prompts[0].text.contains("take it again"), "{:?}", line.prompts);
        let pending = only_alert(&service);
        assert_eq!((pending.condition, &pending.workflow), (Condition::Pending, &Workflow::Raised));
        assert_eq!(service.see().unwrap().count("notification-made"), 0, "an amber that waits tells no one");
        assert!(page(&service).contains("Waiting for a repeat measurement"));

        service.clock.advance(TimeDelta::minutes(6));
        let line = one(&service, &taken_now(&service, ADA, 2, repeat));
        let alert = only_alert(&service);
        assert_eq!((alert.id, alert.condition, alert.repeat), (pending.id, condition, expected), "{repeat}");
        assert_eq!(line.prompts.len(), told_after, "{repeat}");
        assert_eq!(service.see().unwrap().count("notification-made"), told_after, "{repeat}");
        until("who is to be told is told", || told(&service, Channel::Console) == told_after);
        // Long after its window nothing more comes of it: the timer ended with the repeat.
        service.clock.advance(TimeDelta::hours(2));
        assert_eq!(due(&service), 0);
        assert_eq!(only_alert(&service).repeat, expected);
    }
}

/// No repeat comes: once its window has passed, and not before, the alert is raised and says so; also where the service
/// was down while the window ended.
#[test]
fn an_amber_without_a_repeat_is_raised_when_its_window_ends() {
    for is_down in [false, true] {
        let mut service = start();
        one(&service, &taken_now(&service, ADA, 1, "156/97"));
        service.clock.advance(TimeDelta::minutes(15) - TimeDelta::seconds(1));
        assert_eq!((due(&service), only_alert(&service).condition), (0, Condition::Pending));
        if is_down {
            service.stop().unwrap();
            service.clock.advance(TimeDelta::seconds(2));
            service.restart().unwrap();
        }
        later(&service, TimeDelta::seconds(2), "it is raised", || only_alert(&service).condition == Condition::Active);
        assert_eq!(only_alert(&service).repeat, Repeat::NotDone);
        until("staff are told", || told(&service, Channel::Console) == 1);
        assert!(page(&service).contains("The repeat was not done."), "down: {is_down}");
        let is_raised =
            |event: &ServiceEvent| matches!(event, ServiceEvent::AlertChanged { stage: AlertStage::Raised, .. });
        assert_eq!(service.events.count(is_raised), 1);
    }
}

/// Taken days ago by a clock that was compared: an alert marked late, and no word of calling 999 now.
#[test]
fn a_late_red_opens_an_alert_marked_late_and_never_says_call_999_now() {
    let service = start();
    let mut late = taken_now(&service, ADA, 1, "182/118");
    let days_ago = service.clock.read() - TimeDelta::days(3);
    late["taken_at"] = json!(v1::moment(days_ago));
    let line = one(&service, &late);
    let alert = only_alert(&service);
    assert_eq!(line.verdict, Some(Verdict::Evaluated { late: true, alerts: vec![alert.id.to_string()] }));
    assert!(alert.late && alert.condition == Condition::Active);
    assert_eq!(line.prompts.len(), 1, "the person is asked for a fresh reading");
    assert!(!line.prompts[0].text.contains("999 now"), "{:?}", line.prompts);
    assert!(line.prompts[0].text.contains("again now"), "{:?}", line.prompts);
    until("staff are told all the same", || told(&service, Channel::Console) == 1);
    assert!(section(&page(&service), "Waiting for somebody").contains(">Late<"));
}

/// The line was down: today's normal reading came first, and then the red of two days ago. It is not hidden behind the
/// newer one.
#[test]
fn a_late_red_behind_a_newer_reading_opens_an_alert_all_the_same() {
    let service = start();
    assert_eq!(one(&service, &taken_now(&service, ADA, 2, "128/79")).prompts, []);
    let mut late = taken_now(&service, ADA, 1, "182/118");
    late["taken_at"] = json!(v1::moment(service.clock.read() - TimeDelta::days(2)));
    let line = one(&service, &late);
    let alert = only_alert(&service);
    assert_eq!(line.verdict, Some(Verdict::Evaluated { late: true, alerts: vec![alert.id.to_string()] }));
    assert!(alert.late && alert.urgency == Urgency::ActNow && alert.is_waiting(), "{alert:?}");
    assert!(line.prompts.iter().all(|prompt| !prompt.text.contains("999 now")), "{:?}", line.prompts);
    until("staff are told", || told(&service, Channel::Console) == 1);
}

/// A date of days ago by a clock nobody compared says nothing: heard live, it counts as fresh.
#[test]
fn a_red_of_unknown_age_counts_as_fresh() {
    let service = start();
    let mut unknown = taken_now(&service, ADA, 1, "182/118");
    unknown["taken_at"] = json!("2017-01-16T13:00:24Z");
    unknown["device_time"] = json!("2017-01-16T13:00:24");
    unknown.as_object_mut().unwrap().remove("device_ahead_secs");
    let line = one(&service, &unknown);
    assert!(matches!(line.verdict, Some(Verdict::Evaluated { late: false, .. })), "{line:?}");
    assert!(line.prompts[0].text.contains("call 999 now"), "{:?}", line.prompts);
    assert!(!only_alert(&service).late);
}

/// A hub whose clock is an hour slow hears a red live: what it sends is as fresh as its clock says, however late that
/// looks from here.
#[test]
fn a_live_red_from_a_hub_whose_clock_is_slow_counts_as_fresh() {
    let service = start();
    let slow = service.clock.read() - TimeDelta::hours(1);
    let red = serde_json::to_value(reading(ADA, 1, "182/118", slow).unwrap()).unwrap();
    let answer = service.send(&service.hub_a.signed(batch(&[red], slow), slow).unwrap()).unwrap();
    let line = answer.receipt().unwrap().readings.remove(0);
    assert!(matches!(line.verdict, Some(Verdict::Evaluated { late: false, .. })), "{line:?}");
    assert!(line.prompts[0].text.contains("call 999 now"), "{:?}", line.prompts);
}

/// A clock that is ahead: the reading is kept as it came, noticed, judged as fresh, and hides nothing that comes after.
#[test]
fn a_red_from_the_future_is_judged_and_hides_nothing_after_it() {
    let service = start();
    let mut ahead = taken_now(&service, ADA, 1, "128/79");
    let tomorrow = v1::moment(service.clock.read() + TimeDelta::days(1));
    (ahead["taken_at"], ahead["hub_received"]) = (json!(tomorrow), json!(tomorrow));
    assert_eq!(one(&service, &ahead).outcome, Outcome::Stored);
    service.clock.advance(TimeDelta::minutes(1));
    assert_eq!(one(&service, &taken_now(&service, ADA, 2, "182/118")).prompts.len(), 1);
    assert_eq!(only_alert(&service).urgency, Urgency::ActNow);
    assert!(page(&service).contains(look::words::flag(vitals::Flag::HubClockAhead)));
}

/// One step below, at and above each bound of the pack.
#[test]
fn a_value_at_a_bound_is_judged_on_the_side_the_pack_says() {
    let red = Some(Urgency::ActNow);
    let amber = Some(Urgency::CheckAgain);
    for (value, expected) in [
        ("149.9/94.9", None),
        ("150/94", amber),
        ("149/95", amber),
        ("169.9/114.9", amber),
        ("170/90", red),
        ("120/115", red),
    ] {
        let service = start();
        let line = one(&service, &taken_now(&service, ADA, 1, value));
        assert_eq!(line.prompts.first().map(|prompt| prompt.urgency), expected, "{value}");
    }
}

/// Two people in one batch, in the order red, green, red: each gets their own verdict and prompt, in their place.
#[test]
fn each_person_of_a_batch_gets_their_own_answer() {
    let service = start();
    let sent = [
        taken_now(&service, BO, 1, "182/118"),
        taken_now(&service, ADA, 1, "128/79"),
        taken_now(&service, BO, 2, "183/119"),
        taken_now(&service, CY, 1, "182/118"),
    ];
    let receipt = receipt(&service, &service.hub_a, &sent);
    let prompts: Vec<usize> = receipt.readings.iter().map(|line| line.prompts.len()).collect();
    assert_eq!(prompts, [1, 0, 1, 0], "Cy is not on this hub");
    assert_eq!(receipt.readings[0].chain_head, receipt.readings[2].chain_head, "one slice, one head");
    assert_ne!(receipt.readings[0].chain_head, receipt.readings[1].chain_head);
    assert_eq!(only_alert(&service).patient.as_str(), BO.0);
}
