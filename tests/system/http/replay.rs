//! Every request number is used once: over a connection, over many at once, and after a restart.

use super::{is_refused, receipt, refused, settled, signed, start, taken_now};
use harness::{
    service::{ADA, TestService},
    signed_client::{Call, Seal, TestHub, batch},
};
use std::thread;
use vitals::ErrorCode::{self, EpochRetired, RequestReplayed};

/// A batch of one reading under a number of the test's own choice.
fn numbered(service: &TestService, nonce: &str) -> Call {
    let at = service.clock.read();
    let call = TestHub::unsigned(batch(&[taken_now(service, ADA, 1, "128/79")], at));
    Seal::new(service.hub_a.name(), nonce, at).put_on(call, service.hub_a.key()).unwrap()
}

fn check(service: &TestService, nonce: &str, expected: Result<(), ErrorCode>) {
    let (before, answer) = (service.see().unwrap(), service.send(&numbered(service, nonce)).unwrap());
    match expected {
        Ok(()) => assert_eq!(answer.status, 200, "{nonce}: {answer:?}"),
        Err(code) => {
            is_refused(&answer, code).unwrap_or_else(|wrong| panic!("{nonce}: {wrong}"));
            assert_eq!(service.see().unwrap(), before, "{nonce}: it was refused, and yet it changed something");
        }
    }
}

/// The same bytes twice: the second is refused and the store is as it was. Where the store has forgotten the number (a
/// fresh one stands in for it), the very same bytes are taken: so the refusal comes from what is kept, and the test
/// would see a store that keeps nothing.
#[test]
fn the_same_bytes_are_taken_once() {
    let service = start();
    let call = signed(&service, &service.hub_a, &[taken_now(&service, ADA, 1, "182/118")]);
    assert_eq!(service.send(&call).unwrap().status, 200);
    let before = settled(&service);
    for _ in 0..3 {
        refused(&service.send(&call).unwrap(), RequestReplayed);
    }
    assert_eq!(service.see().unwrap(), before);

    let forgetful = start();
    assert_eq!(forgetful.send(&call).unwrap().status, 200, "a store that forgets takes it again");
    assert_eq!(forgetful.see().unwrap().count("reading-stored"), 1);
}

#[test]
fn of_the_same_bytes_sent_at_once_exactly_one_is_taken() {
    let service = start();
    for number in 1..=5 {
        let call = signed(&service, &service.hub_a, &[taken_now(&service, ADA, number, "128/79")]);
        let answers: Vec<_> = thread::scope(|scope| {
            let senders: Vec<_> = (0..8).map(|_| scope.spawn(|| service.send(&call).unwrap())).collect();
            senders.into_iter().map(|sender| sender.join().unwrap()).collect()
        });
        let (taken, others): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
        assert_eq!(taken.len(), 1);
        others.into_iter().for_each(|answer| refused(answer, RequestReplayed));
    }
    assert_eq!(service.see().unwrap().count("reading-stored"), 5);
}

/// Rows in order: numbers may come late within the window, and never twice.
#[test]
fn numbers_may_come_late_within_the_window_and_never_twice() {
    let service = start();
    for (nonce, expected) in [
        ("1.0", Err(RequestReplayed)),
        ("1.100", Ok(())),
        ("1.36", Err(RequestReplayed)),
        ("1.37", Ok(())),
        ("1.37", Err(RequestReplayed)),
        ("1.99", Ok(())),
        ("1.101", Ok(())),
        ("1.38", Ok(())),
        ("1.1", Err(RequestReplayed)),
        ("1.18446744073709551615", Ok(())),
        ("1.101", Err(RequestReplayed)),
        ("1.18446744073709551615", Err(RequestReplayed)),
        ("1.18446744073709551614", Ok(())),
    ] {
        check(&service, nonce, expected);
    }
}

#[test]
fn a_hub_set_up_anew_starts_again_and_its_old_numbers_end() {
    let mut service = start();
    for (nonce, expected) in [
        ("3.5", Ok(())),
        ("2.6", Err(EpochRetired)),
        ("4.1", Ok(())),
        ("3.6", Err(EpochRetired)),
        ("4.1", Err(RequestReplayed)),
        ("4294967295.1", Ok(())),
        ("4.2", Err(EpochRetired)),
    ] {
        check(&service, nonce, expected);
    }
    service.restart().unwrap();
    for (nonce, expected) in
        [("4.3", Err(EpochRetired)), ("4294967295.1", Err(RequestReplayed)), ("4294967295.2", Ok(()))]
    {
        check(&service, nonce, expected);
    }
}

/// One hub's numbers say nothing of another's.
#[test]
fn each_hub_has_numbers_of_its_own() {
    let service = start();
    let readings = [taken_now(&service, ADA, 1, "128/79")];
    receipt(&service, &service.hub_a, &readings);
    receipt(&service, &service.hub_b, &readings);
}

#[test]
fn a_replay_is_refused_after_a_restart() {
    let mut service = start();
    let old = signed(&service, &service.hub_a, &[taken_now(&service, ADA, 1, "182/118")]);
    assert_eq!(service.send(&old).unwrap().status, 200);
    let empty = signed(&service, &service.hub_a, &[]);
    assert_eq!(service.send(&empty).unwrap().status, 200);
    let late = service.hub_a.next_number().to_string();
    let last = signed(&service, &service.hub_a, &[serde_json::json!("a reading that is refused")]);
    assert_eq!(service.send(&last).unwrap().status, 200);
    service.restart().unwrap();
    let before = settled(&service);
    for call in [&old, &empty, &last] {
        refused(&service.send(call).unwrap(), RequestReplayed);
    }
    assert_eq!(service.see().unwrap(), before);
    check(&service, &late, Ok(()));
    check(&service, &late, Err(RequestReplayed));
}
