//! P2, once: whatever is repeated is stored once, and says the same the second time.

use super::*;
use rules::event::RefusedReading;
use vitals::wire::signing::RequestNumber;

#[tokio::test]
async fn a_duplicate_repeats_the_first_verdict_and_prompts() {
    let it = Fixture::new();
    let reading = red(&pt(1), 1, 0);
    let first = it.offer(&reading, at(1)).await;
    assert!(is_stored(&first.readings[0]));
    let Some(Verdict::Evaluated { alerts, prompts, late: false }) = verdict_of(&first.readings[0]) else {
        panic!("{first:?}")
    };
    assert_eq!((alerts.len(), prompts.len(), first.alerts.len(), first.jobs), (1, 1, 1, 1));
    let again = it.offer(&reading, at(60)).await;
    assert!(is_duplicate(&again.readings[0]));
    assert_eq!(verdict_of(&again.readings[0]), verdict_of(&first.readings[0]));
    assert_eq!(
        (again.alerts.len(), again.jobs, again.chain_head),
        (0, 0, first.chain_head),
        "nothing happened the second time"
    );
    assert_eq!((it.stored().await, it.count("alert"), it.count("job")), (1, 1, 1));
}

#[tokio::test]
async fn two_hubs_that_hear_one_cuff_make_one_reading() {
    // Who heard it, when and how well may differ; what the cuff said may not.
    let it = Fixture::new();
    let reading = calm(&pt(1), 1, 0);
    it.offer(&reading, at(1)).await;
    let mut other = reading.clone();
    other.server_received = at(30);
    other.reading.times.hub_received = at(29);
    other.reading.quality = Quality::none().with(vitals::Flag::ArrivedLate);
    assert!(is_duplicate(&it.offer(&other, at(31)).await.readings[0]));
    assert_eq!((it.stored().await, it.conflicts().await), (1, 0));
}

/// Found 2026-11-22: a Contour numbers its results anew in each transfer, and the link byte and CRC of an UltraEasy depend
/// on what was said before. Each result of a second hub, or of a hub with a new memory, was kept as a conflict.
#[tokio::test]
async fn a_record_told_again_in_other_surroundings_is_the_same_and_another_record_is_not() {
    for (characteristic, first, again, other) in [
        ("contour_astm", &b"R|1|^^^Glucose|133"[..], &b"R|9|^^^Glucose|133"[..], &b"R|1|^^^Glucose|134"[..]),
        ("onetouch_ultraeasy", b"\x02\x06\x00AB\x03cc", b"\x02\x06\x03AB\x03dd", b"\x02\x06\x00AC\x03cc"),
    ] {
        let it = Fixture::new();
        let heard = |bytes: &[u8], service: &str| {
            let mut reading = calm(&pt(1), 1, 0);
            let raw =
                RawFrame { service: service.into(), characteristic: characteristic.into(), bytes: bytes.to_vec() };
            reading.reading.raw = raw;
            reading
        };
        it.offer(&heard(first, "meter"), at(1)).await;
        assert!(is_duplicate(&it.offer(&heard(again, "meter"), at(2)).await.readings[0]), "{characteristic}");
        assert_eq!((it.stored().await, it.conflicts().await), (1, 0), "{characteristic}");
        it.offer(&heard(other, "meter"), at(3)).await;
        it.offer(&heard(first, "another"), at(4)).await;
        assert_eq!((it.stored().await, it.conflicts().await), (1, 2), "{characteristic}");
    }
    // Bytes of a kind that puts nothing around its record differ only where the record does.
    let it = Fixture::new();
    it.offer(&calm(&pt(1), 1, 0), at(1)).await;
    let mut other = calm(&pt(1), 1, 0);
    other.reading.raw.bytes.push(0);
    it.offer(&other, at(2)).await;
    assert_eq!((it.stored().await, it.conflicts().await), (1, 1));
}

#[tokio::test]
async fn a_conflict_is_kept_beside_the_first_and_judged_by_nobody() {
    let it = Fixture::new();
    it.offer(&calm(&pt(1), 1, 0), at(1)).await;
    let other = red(&pt(1), 1, 0);
    for _ in 0..2 {
        let outcome = it.offer(&other, at(2)).await;
        assert_eq!(outcome.readings, [ReadingOutcome::Conflict { id: other.reading.id }]);
    }
    assert_eq!((it.stored().await, it.conflicts().await, it.count("alert")), (1, 1, 0), "once for each content");
    let stored = it.store.readings(&Access::system(Purpose::Follow), 10).await.unwrap();
    assert_eq!(stored[0].reading, calm(&pt(1), 1, 0).reading, "the first stays");
}

#[tokio::test]
async fn what_comes_twice_in_one_slice_is_judged_once() {
    let it = Fixture::new();
    let (first, other) = (red(&pt(1), 1, 0), calm(&pt(1), 1, 0));
    let events = vec![event(&first), event(&first), event(&other), event(&calm(&pt(1), 2, 5))];
    let outcome = it.apply_one(&hub_of(&[&pt(1)]), Subject::Patient(pt(1)), events, at(9)).await.unwrap();
    let [stored, duplicate, conflict, second] = outcome.readings.as_slice() else { panic!("{outcome:?}") };
    assert!(is_stored(stored) && is_duplicate(duplicate) && is_stored(second));
    assert_eq!(verdict_of(stored), verdict_of(duplicate));
    assert_eq!(*conflict, ReadingOutcome::Conflict { id: first.reading.id });
    assert_eq!((it.stored().await, it.conflicts().await, it.count("alert")), (2, 1, 1));
}

#[tokio::test]
async fn a_reading_of_nobody_is_stored_without_a_verdict() {
    let it = Fixture::new();
    let (reading, access) = (of_nobody(red(&pt(1), 1, 0)), hub_of(&[]));
    let subject = Subject::Unassigned(hub());
    let first = it.apply_one(&access, subject.clone(), vec![event(&reading)], at(1)).await.unwrap();
    assert_eq!((first.readings, first.chain_head), (vec![ReadingOutcome::Unassigned { id: reading.reading.id }], None));
    let again = it.apply_one(&access, subject, vec![event(&reading)], at(2)).await.unwrap();
    assert_eq!(again.readings, [ReadingOutcome::Duplicate { id: reading.reading.id, verdict: None }]);
    assert_eq!(it.count("alert"), 0);
    let inbox = it.store.unassigned(&staff("ada", &[]), 10).await.unwrap();
    assert_eq!((inbox.len(), inbox[0].verdict.clone()), (1, None));
    assert_eq!(it.store.readings(&staff("ada", &[&pt(1)]), 10).await.unwrap(), []);
}

#[tokio::test]
async fn a_hub_that_offers_somebody_elses_reading_learns_no_verdict() {
    let it = Fixture::new();
    let reading = red(&pt(1), 1, 0);
    it.offer(&reading, at(1)).await;
    let mut claimed = reading.clone();
    claimed.reading.who = Who::Patient(pt(2));
    let outcome = it.offer(&claimed, at(2)).await;
    assert_eq!(outcome.readings, [ReadingOutcome::Duplicate { id: reading.reading.id, verdict: None }]);
    assert_eq!(it.stored().await, 1);
}

#[tokio::test]
async fn a_refused_reading_is_kept_once_with_its_reason() {
    let it = Fixture::new();
    let refused = RefusedReading { hub: hub(), id: None, code: ErrorCode::UnitNotSupported, body: "{}".into() };
    for secs in [1, 2] {
        it.apply_one(
            &hub_of(&[]),
            Subject::Unassigned(hub()),
            vec![Event::Refused(Box::new(refused.clone()))],
            at(secs),
        )
        .await
        .unwrap();
    }
    let refusals = it.store.refusals(&staff("ada", &[]), 10).await.unwrap();
    assert_eq!(
        refusals.iter().map(|refusal| (refusal.code, refusal.at)).collect::<Vec<_>>(),
        [(ErrorCode::UnitNotSupported, at(1))]
    );
}

#[tokio::test]
async fn a_request_number_is_taken_once_and_across_restarts() {
    let mut it = Fixture::new();
    let received = |epoch, sequence| vec![Event::Received { hub: hub(), number: RequestNumber { epoch, sequence } }];
    for (epoch, sequence, expected) in [
        (1, 5, true),
        (1, 5, false),
        (1, 3, true),
        (2, 1, true),
        (1, 6, false),
        (2, 1, false),
        (2, 70, true),
        (2, 2, false),
    ] {
        let answer = it.apply_one(&hub_of(&[]), Subject::Service, received(epoch, sequence), at(1)).await;
        assert_eq!(answer.is_ok(), expected, "{epoch}.{sequence}");
        assert!(expected || matches!(answer, Err(ApplyError::Replayed)));
        it = it.reopened().await;
    }
    let (epoch, window) = it.store.replay_window(&Access::system(Purpose::Receive), &hub()).await.unwrap().unwrap();
    assert_eq!((epoch, window.highest), (2, 70));
    let large = received(2, u64::MAX);
    assert!(it.apply_one(&hub_of(&[]), Subject::Service, large, at(1)).await.is_ok(), "all 64 bits are kept");
    let (_, window) = it.store.replay_window(&Access::system(Purpose::Receive), &hub()).await.unwrap().unwrap();
    assert_eq!((window.highest, window.seen), (u64::MAX, 1));
}
