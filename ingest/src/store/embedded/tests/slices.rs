//! A slice is stored whole or not at all, whatever happens beside it.

use super::*;
use crate::store::{Care, ReadError};
use rules::{Audience, Decisions, PatientState, Person, Refused, Workflow};
use vitals::NhsNumber;

/// Rules that panic for some people, and whose stand-in may panic too.
pub(super) struct Panics {
    pub(super) rules: Arc<dyn Decide>,
    pub(super) on: Vec<PatientId>,
    pub(super) stand_in_too: bool,
}

impl Decide for Panics {
    fn decide(&self, care: &Care, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
        assert!(!self.on.contains(&before.patient), "planted");
        self.rules.decide(care, before, events, at)
    }

    fn unevaluated(&self, before: &PatientState, events: &[Event], reason: ErrorCode, at: DateTime<Utc>) -> Decisions {
        assert!(!(self.stand_in_too && self.on.contains(&before.patient)), "planted");
        self.rules.unevaluated(before, events, reason, at)
    }
}

/// Rules that forget to judge.
struct Forgets;

impl Decide for Forgets {
    fn decide(&self, care: &Care, before: &PatientState, _events: &[Event], at: DateTime<Utc>) -> Decisions {
        by_demo_pack().decide(care, before, &[], at)
    }

    fn unevaluated(&self, before: &PatientState, events: &[Event], reason: ErrorCode, at: DateTime<Utc>) -> Decisions {
        by_demo_pack().unevaluated(before, events, reason, at)
    }
}

#[tokio::test]
async fn a_panic_in_one_persons_slice_leaves_the_others_alone() {
    let mut it = Fixture::new();
    it.decide = Arc::new(Panics { rules: by_demo_pack(), on: vec![pt(2)], stand_in_too: false });
    let all = [red(&pt(3), 1, 0), red(&pt(2), 1, 0), red(&pt(1), 1, 0)];
    let answers = it.apply(&hub_of(&[&pt(1), &pt(2), &pt(3)]), all.iter().map(slice).collect(), at(1)).await;
    let outcomes: Vec<&Outcome> = answers.iter().map(|answer| answer.as_ref().unwrap().get()).collect();
    for (outcome, admitted) in outcomes.iter().zip(&all) {
        assert!(
            matches!(outcome.readings[0], ReadingOutcome::Stored { id, .. } if id == admitted.reading.id),
            "answers stand in the caller's order"
        );
    }
    assert_eq!(verdict_of(&outcomes[1].readings[0]), Some(Verdict::unevaluated(ErrorCode::RulePanicked)));
    assert_eq!((outcomes[1].alerts[0].audience, outcomes[1].jobs), (Audience::Technical, 1));
    assert_eq!(outcomes[0].alerts[0].audience, Audience::Clinical);
    let waiting = it.store.unevaluated(&Access::system(Purpose::Sweep), 0, 10).await.unwrap();
    assert_eq!(waiting, [all[1].clone()]);

    // The rule is mended: the sweep judges it again, the verdict is replaced, the technical alert ends.
    it.decide = by_demo_pack();
    let sweep = Access::system(Purpose::Sweep);
    let again = vec![Event::Reconsider(Box::new(waiting[0].clone()))];
    let judged = it.apply_one(&sweep, Subject::Patient(pt(2)), again.clone(), at(60)).await.unwrap();
    assert_eq!(judged.alerts.len(), 2, "{judged:?}");
    assert_eq!(it.store.unevaluated(&sweep, 0, 10).await.unwrap(), []);
    let duplicate = it.offer(&all[1], at(61)).await;
    assert!(matches!(verdict_of(&duplicate.readings[0]), Some(Verdict::Evaluated { .. })));
    let twice = it.apply_one(&sweep, Subject::Patient(pt(2)), again, at(62)).await.unwrap();
    assert_eq!((twice.alerts.len(), twice.chain_head), (0, judged.chain_head), "judged once is enough");
}

#[tokio::test]
async fn a_sweep_that_fails_again_and_again_fills_nothing() {
    let mut it = Fixture::new();
    it.decide = Arc::new(Panics { rules: by_demo_pack(), on: vec![pt(1)], stand_in_too: false });
    let reading = red(&pt(1), 1, 0);
    it.offer(&reading, at(1)).await;
    let entries = it.count("entry");
    for secs in 2..5 {
        let again = vec![Event::Reconsider(Box::new(reading.clone()))];
        let outcome =
            it.apply_one(&Access::system(Purpose::Sweep), Subject::Patient(pt(1)), again, at(secs)).await.unwrap();
        assert_eq!((outcome.alerts.len(), outcome.jobs), (0, 0));
    }
    assert_eq!(it.count("entry"), entries);
}

#[tokio::test]
async fn where_even_the_stand_in_panics_only_that_slice_fails() {
    let mut it = Fixture::new();
    it.decide = Arc::new(Panics { rules: by_demo_pack(), on: vec![pt(2)], stand_in_too: true });
    let slices = [1, 2, 3].map(|n| slice(&calm(&pt(n), 1, 0)));
    let answers = it.apply(&hub_of(&[&pt(1), &pt(2), &pt(3)]), slices.to_vec(), at(1)).await;
    assert_eq!(answers.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    assert!(matches!(answers[1], Err(ApplyError::Unavailable(_))));
    assert_eq!((it.stored().await, it.told("reading-stored").await, it.count("entry")), (2, 2, 2));
    assert!(!it.store.failed());
}

#[tokio::test]
async fn rules_that_forget_a_reading_count_as_failed() {
    let mut it = Fixture::new();
    it.decide = Arc::new(Forgets);
    let outcome = it.offer(&calm(&pt(1), 1, 0), at(1)).await;
    assert_eq!(verdict_of(&outcome.readings[0]), Some(Verdict::unevaluated(ErrorCode::RulePanicked)));
}

#[tokio::test]
async fn a_timer_the_rules_panic_on_stays_due() {
    let mut it = Fixture::new();
    it.offer(&pressure(&pt(1), 1, 0, 155, 97), at(1)).await;
    let sweep = Access::system(Purpose::Sweep);
    let due_at = at(1) + TimeDelta::minutes(15);
    assert_eq!(it.store.due_timers(&sweep, 10, due_at - TimeDelta::microseconds(1)).await.unwrap(), []);
    let (patient, timer) = it.store.due_timers(&sweep, 10, due_at).await.unwrap().remove(0);
    let due = || vec![Event::Due(timer.clone())];
    it.decide = Arc::new(Panics { rules: by_demo_pack(), on: vec![pt(1)], stand_in_too: false });
    assert!(it.apply_one(&sweep, Subject::Patient(patient.clone()), due(), due_at).await.is_err());
    assert_eq!(it.store.due_timers(&sweep, 10, due_at).await.unwrap().len(), 1, "or the alert would never come");
    it.decide = by_demo_pack();
    let outcome = it.apply_one(&sweep, Subject::Patient(patient), due(), due_at).await.unwrap();
    assert_eq!((outcome.alerts.len(), outcome.jobs), (1, 1), "raised: nobody measured again");
    assert_eq!(it.store.due_timers(&sweep, 10, due_at).await.unwrap(), []);
}

#[tokio::test]
async fn a_timer_is_exact_whatever_the_clock_gives() {
    // The clock may tell nanoseconds; the store keeps microseconds. A timer rounded one way and a state rounded the
    // other would never meet.
    let it = Fixture::new();
    let odd = at(1) + TimeDelta::nanoseconds(123_456_789);
    it.offer(&pressure(&pt(1), 1, 0, 155, 97), odd).await;
    let sweep = Access::system(Purpose::Sweep);
    let later = odd + TimeDelta::minutes(15);
    let (patient, timer) = it.store.due_timers(&sweep, 10, later).await.unwrap().remove(0);
    let outcome = it.apply_one(&sweep, Subject::Patient(patient), vec![Event::Due(timer)], later).await.unwrap();
    assert_eq!((outcome.alerts.len(), it.count("timer")), (1, 0));
}

#[tokio::test]
async fn a_second_acknowledgement_is_refused_and_names_the_first() {
    let it = Fixture::new();
    let alert = it.offer(&red(&pt(1), 1, 0), at(1)).await.alerts.remove(0);
    let take = |name| Slice {
        subject: Subject::Patient(pt(1)),
        events: vec![Event::Acknowledged { alert: alert.id, by: actor(name), note: None }],
    };
    // Together with a slice that is stored: the refusal takes back only itself.
    let first = it.apply(&staff("ada", &[&pt(1)]), vec![take("ada")], at(10)).await.remove(0).unwrap();
    assert!(matches!(&first.get().alerts[0].workflow, Workflow::Acknowledged { by, .. } if *by == actor("ada")));
    let entries = it.count("entry");
    let second = it.apply(&staff("grace", &[&pt(1)]), vec![take("grace")], at(20)).await.remove(0).unwrap_err();
    let ApplyError::Refused(Refused::AlreadyAcknowledged { by, at: when }) = second else { panic!("{second:?}") };
    assert_eq!((by, when), (actor("ada"), at(10)));
    assert_eq!(it.count("entry"), entries);
    let shown = it.store.alert(&staff("grace", &[&pt(1)]), alert.id).await.unwrap().unwrap();
    assert!(matches!(shown.workflow, Workflow::Acknowledged { by, .. } if by == actor("ada")));
}

#[tokio::test]
async fn a_refused_slice_takes_back_only_itself() {
    let it = Fixture::new();
    let unknown = vitals::AlertId::derive(&[b"no such alert"]);
    let known = it.offer(&red(&pt(2), 1, 0), at(1)).await.alerts.remove(0);
    let take = |patient, alert| Slice {
        subject: Subject::Patient(patient),
        events: vec![Event::Acknowledged { alert, by: actor("ada"), note: None }],
    };
    let answers =
        it.apply(&staff("ada", &[&pt(1), &pt(2)]), vec![take(pt(2), known.id), take(pt(1), unknown)], at(2)).await;
    assert!(answers[0].is_ok());
    assert!(matches!(answers[1], Err(ApplyError::Refused(Refused::NotOpen))));
    assert_eq!(it.told("alert-acknowledged").await, 1);
}

#[tokio::test]
async fn what_is_not_allowed_stores_and_shows_nothing() {
    let it = Fixture::new();
    let hub_one = hub_of(&[&pt(1)]);
    let mut mixed_up = slice(&calm(&pt(1), 2, 0));
    if let Event::Reading(admitted) = &mut mixed_up.events[0] {
        admitted.reading.who = Who::Patient(pt(2));
    }
    let answers =
        it.apply(&hub_one, vec![slice(&calm(&pt(2), 1, 0)), slice(&calm(&pt(1), 1, 0)), mixed_up], at(1)).await;
    assert!(matches!(answers[0], Err(ApplyError::Denied(_))), "another's person");
    assert!(answers[1].is_ok(), "the allowed one beside it is stored");
    assert!(matches!(answers[2], Err(ApplyError::Denied(_))), "a reading of one person in another's slice");
    assert_eq!(it.stored().await, 1);

    let empty = Slice { subject: Subject::Patient(pt(1)), events: vec![] };
    let told = it.apply(&hub_of(&[]), vec![empty], at(2)).await.remove(0).unwrap();
    assert_eq!(told.get(), &Outcome::default(), "an empty slice tells nobody the head of a chain");

    let alert = it.offer(&red(&pt(1), 9, 2), at(3)).await.alerts.remove(0);
    let other = staff("grace", &[&pt(2)]);
    assert_eq!(
        (it.store.readings(&other, 10).await.unwrap(), it.store.alerts(&other, 10).await.unwrap()),
        (vec![], vec![])
    );
    assert_eq!(it.store.alert(&other, alert.id).await.unwrap(), None);
    assert!(matches!(it.store.readings(&hub_one, 10).await, Err(ReadError::Denied(_))));
    for purpose in [Purpose::SetUp, Purpose::Sweep, Purpose::Notify, Purpose::Receive] {
        let changes = it.store.changes(&Access::system(purpose), Default::default(), 10).await;
        assert!(matches!(changes, Err(ReadError::Denied(_))), "{purpose:?}");
    }
    assert!(matches!(it.store.lease_jobs(&other, at(9), 10, at(3)).await, Err(ReadError::Denied(_))));
    assert!(matches!(it.store.due_timers(&other, 10, at(3)).await, Err(ReadError::Denied(_))));
    assert!(matches!(it.store.replay_window(&hub_one, &hub()).await, Err(ReadError::Denied(_))));
}

#[tokio::test]
async fn reopening_sees_everything() {
    let it = Fixture::new();
    let set_up = Access::system(Purpose::SetUp);
    let person = Person::new(pt(1), Text::new("Invented Person").unwrap(), NhsNumber::parse("999 000 0018").unwrap());
    let registered = vec![Event::written(person.clone())];
    it.apply_one(&set_up, Subject::Patient(pt(1)), registered.clone(), at(0)).await.unwrap();
    it.offer(&red(&pt(1), 1, 0), at(1)).await;
    it.offer(&pressure(&pt(1), 2, 30, 155, 97), at(31)).await;
    let follow = Access::system(Purpose::Follow);
    let look = async |it: &Fixture| {
        let readings = it.store.readings(&follow, 10).await.unwrap();
        let changes = it.store.changes(&follow, Default::default(), 100).await.unwrap();
        let due = it.store.due_timers(&Access::system(Purpose::Sweep), 10, at(100_000)).await.unwrap();
        (readings, it.alerts().await, it.store.people(&follow).await.unwrap(), changes, due)
    };
    let before = look(&it).await;
    assert_eq!((before.0.len(), before.2.clone()), (2, vec![person]));
    let it = it.reopened().await;
    assert_eq!(look(&it).await, before);
    it.apply_one(&set_up, Subject::Patient(pt(1)), registered, at(90)).await.unwrap();
    assert_eq!(look(&it).await, before, "registering the same person at every start is no change");
}
