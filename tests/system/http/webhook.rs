//! The webhook that does not answer as it should: the notification is tried again until it is accepted, and never lost.

use super::{later, one, taken_now, until};
use chrono::TimeDelta;
use harness::{
    service::{ADA, BO, Setup, TestService},
    webhook::{Reply, WebhookListener},
};
use ingest::events::ServiceEvent;
use rules::Channel;
use serde_json::Value;

fn sent(service: &TestService, by: Channel) -> usize {
    service.events.count(|event| matches!(event, ServiceEvent::NotificationSent { channel, .. } if *channel == by))
}

fn failed(service: &TestService) -> usize {
    service.events.count(|event| matches!(event, ServiceEvent::NotificationFailed { channel: Channel::Webhook, .. }))
}

/// The ids of what was posted: the same on every attempt, so that the other side can tell a repeat.
fn ids(webhook: &WebhookListener) -> Vec<String> {
    let id = |body: &String| serde_json::from_str::<Value>(body).unwrap()["id"].as_str().unwrap().to_owned();
    webhook.bodies().iter().map(id).collect()
}

/// A red while the webhook answers so; it fails, is not tried before its time, fails again, and is accepted once the
/// webhook is well, and only once.
fn check(reply: Reply) {
    let webhook = WebhookListener::start(reply).unwrap();
    let service = TestService::start(Setup { webhook: Some(webhook.url()), ..Setup::default() }).unwrap();
    one(&service, &taken_now(&service, ADA, 1, "182/118"));
    until("the first attempt failed", || failed(&service) == 1);
    assert_eq!((webhook.posts().len(), sent(&service, Channel::Webhook)), (1, 0), "{reply:?}");
    until("the console was told all the same", || sent(&service, Channel::Console) == 1);

    webhook.reply(Reply::Status(500));
    later(&service, TimeDelta::seconds(20), "the second attempt failed", || failed(&service) == 2);

    webhook.reply(Reply::Status(200));
    later(&service, TimeDelta::seconds(20), "the third was accepted", || sent(&service, Channel::Webhook) == 1);
    let ids = ids(&webhook);
    assert!(ids.len() == 3 && ids.iter().all(|id| *id == ids[0]), "{reply:?}: {ids:?}");

    service.clock.advance(TimeDelta::hours(3));
    one(&service, &taken_now(&service, BO, 1, "182/118"));
    until("the next one was sent", || sent(&service, Channel::Webhook) == 2);
    assert_eq!(webhook.posts().len(), 4, "what was accepted is not sent again");
}

#[test]
fn a_webhook_that_says_500_is_tried_again_until_it_accepts() {
    check(Reply::Status(500));
}

/// An answer that is no success is none: a redirect leads nowhere we were told to go.
#[test]
fn a_webhook_that_redirects_is_tried_again_until_it_accepts() {
    check(Reply::Status(302));
}

#[test]
fn a_webhook_that_closes_is_tried_again_until_it_accepts() {
    check(Reply::Close);
}

/// The one slow test of these: the channel gives up after ten seconds of the machine's time.
#[test]
fn a_webhook_that_hangs_is_tried_again_until_it_accepts() {
    check(Reply::Hang);
}

/// While one notification hangs, the next red's are sent at once: every channel of another alert, and this one's console.
#[test]
fn one_notification_that_hangs_holds_up_no_other() {
    let webhook = WebhookListener::start(Reply::Hang).unwrap();
    let service = TestService::start(Setup { webhook: Some(webhook.url()), ..Setup::default() }).unwrap();
    one(&service, &taken_now(&service, ADA, 1, "182/118"));
    until("the first post hangs", || webhook.posts().len() == 1);
    webhook.reply(Reply::Status(200));
    one(&service, &taken_now(&service, BO, 1, "182/118"));
    until("the second was accepted by both", || {
        sent(&service, Channel::Webhook) == 1 && sent(&service, Channel::Console) == 2
    });
    assert_eq!(failed(&service), 0, "the first still hangs");
}

/// Nobody listens, and the service is restarted in between: the notification is a row and outlives it.
#[test]
fn a_notification_outlives_a_restart() {
    let webhook = WebhookListener::start(Reply::Close).unwrap();
    let mut service = TestService::start(Setup { webhook: Some(webhook.url()), ..Setup::default() }).unwrap();
    one(&service, &taken_now(&service, ADA, 1, "182/118"));
    until("the first attempt failed", || failed(&service) == 1);
    service.stop().unwrap();
    webhook.reply(Reply::Status(200));
    service.clock.advance(TimeDelta::seconds(21));
    service.restart().unwrap();
    until("it was accepted", || sent(&service, Channel::Webhook) == 1);
    assert_eq!(ids(&webhook).len(), 2);
}
