//! A reading that no longer counts: who may say so, what follows, what stays, and what comes after it.

use super::{scrub::pass, slices::Panics, whole::dated, *};
use rules::{Because, ClearedBecause, Condition, Job, Refused};

fn withdrawn(reading: &Admitted, by: &str) -> Event {
    let note = Some(Text::new("it is my neighbour's").unwrap());
    Event::Withdrawn {
        reading: reading.reading.id,
        because: Because::EnteredInError,
        mistake: None,
        by: actor(by),
        note,
    }
}

/// A red, withdrawn by a member of their team: the alert is amended and over, both notifications are there, an entry says who
/// and why, the reading itself stays, and a second time is refused. The store stands as it stood after it is opened again.
#[tokio::test]
async fn a_withdrawn_reading_amends_its_alert_and_stays_in_the_record() {
    let it = Fixture::new();
    let (person, ada) = (pt(1), staff("ada", &[&pt(1)]));
    let (fine, red) = (calm(&person, 1, 0), red(&person, 2, 60));
    it.offer(&fine, at(1)).await;
    it.offer(&red, at(61)).await;
    let to = || Subject::Patient(person.clone());

    let stranger = it.apply_one(&staff("eve", &[&pt(2)]), to(), vec![withdrawn(&red, "eve")], at(70)).await;
    assert!(matches!(stranger, Err(ApplyError::Denied(_))), "{stranger:?}");
    let as_another = it.apply_one(&ada, to(), vec![withdrawn(&red, "eve")], at(70)).await;
    assert!(matches!(as_another, Err(ApplyError::Denied(_))), "{as_another:?}");
    assert!(matches!(it.alerts().await.as_slice(), [alert] if alert.condition == Condition::Active));

    let outcome = it.apply_one(&ada, to(), vec![withdrawn(&red, "ada")], at(80)).await.unwrap();
    assert_eq!((outcome.jobs, outcome.alerts.len()), (1, 1), "whoever was told is told");
    let it = it.reopened().await;
    let alerts = it.alerts().await;
    assert_eq!(alerts[0].condition, Condition::Cleared(ClearedBecause::Unfounded));
    assert_eq!(alerts[0].evidence[0].withdrawn, Some(Because::EnteredInError));
    assert_eq!((it.told("reading-withdrawn").await, it.stored().await), (1, 2), "the reading is kept as it came");

    let again = it.apply_one(&ada, to(), vec![withdrawn(&red, "ada")], at(90)).await;
    assert!(matches!(again, Err(ApplyError::Refused(Refused::NotCounted))), "{again:?}");
    let unknown = it.apply_one(&ada, to(), vec![withdrawn(&calm(&person, 9, 0), "ada")], at(90)).await;
    assert!(matches!(unknown, Err(ApplyError::Refused(Refused::NotCounted))), "{unknown:?}");
    let sent_again = it.offer(&red, at(91)).await;
    assert!(is_duplicate(&sent_again.readings[0]), "what its hub sends again changes nothing");
    assert!(it.store.verify(&Access::system(Purpose::Verify), &|_progress| {}).await.is_ok(), "and the store is sound");
}

/// What follows is worked out from what is stored, and not from what was remembered: the better reading that is withdrawn after
/// a restart had ended a red, and the red is back and told again.
#[tokio::test]
async fn what_a_withdrawn_reading_had_ended_is_back() {
    let it = Fixture::new();
    let (person, ada) = (pt(1), staff("ada", &[&pt(1)]));
    let better = calm(&person, 2, 300);
    it.offer(&red(&person, 1, 0), at(1)).await;
    it.offer(&better, at(301)).await;
    assert_eq!(it.alerts().await[0].condition, Condition::Cleared(ClearedBecause::Improved));
    let it = it.reopened().await;
    let outcome =
        it.apply_one(&ada, Subject::Patient(person.clone()), vec![withdrawn(&better, "ada")], at(400)).await.unwrap();
    assert_eq!((outcome.alerts[0].condition, outcome.alerts[0].occasions), (Condition::Active, 2));
    let lent = it.store.lease_jobs(&Access::system(Purpose::Notify), at(500), 10, at(401)).await.unwrap();
    let jobs: Vec<Job> = lent.into_iter().map(Committed::into_inner).collect();
    assert_eq!(jobs.len(), 2, "first, and again");
}

fn moved(reading: &Admitted, to: &PatientId, by: &str) -> Event {
    Event::Moved { reading: reading.reading.id, to: to.clone(), by: actor(by), note: None }
}

impl Fixture {
    async fn is_sound(&self) {
        assert!(
            self.store.verify(&Access::system(Purpose::Verify), &|_progress| {}).await.is_ok(),
            "the store is sound"
        );
    }

    /// Whose a reading counts for.
    async fn counts_for(&self, reading: &Admitted) -> Vec<PatientId> {
        let stored = self.store.readings(&Access::system(Purpose::Follow), 100).await.unwrap();
        let counting = stored.into_iter().filter(|stored| stored.reading.id == reading.reading.id);
        let whose = counting.filter(|stored| stored.withdrawn.is_none()).map(|stored| match stored.reading.who {
            Who::Patient(patient) => patient,
            Who::Unassigned(_) => panic!("of nobody"),
        });
        whose.collect()
    }

    /// How a person's alerts stand, the oldest first.
    async fn alerts_of(&self, patient: &PatientId) -> Vec<Alert> {
        let mut alerts = self.alerts().await;
        alerts.retain(|alert| alert.patient == *patient);
        alerts.sort_by_key(|alert| alert.opened_at);
        alerts
    }
}

/// A red that was the neighbour's: the one's alert is amended and over, the other's is raised, the reading has its own times,
/// device and id, both records say who did it, and back again it raises an alert of its own beside the first. Whoever may act for
/// one of them alone is refused.
#[tokio::test]
async fn a_reading_moves_to_the_person_it_was_of_and_back() {
    let it = Fixture::new();
    let (one, other) = (pt(1), pt(2));
    let (both, half) = (staff("ada", &[&one, &other]), staff("eve", &[&one]));
    let red = red(&one, 1, 0);
    it.offer(&red, at(1)).await;
    it.offer(&calm(&other, 1, 5), at(6)).await;
    let from = |patient: &PatientId| Subject::Patient(patient.clone());

    let stranger = it.apply_one(&half, from(&one), vec![moved(&red, &other, "eve")], at(20)).await;
    assert!(matches!(stranger, Err(ApplyError::Denied(_))), "{stranger:?}");
    assert_eq!(it.counts_for(&red).await, vec![one.clone()]);

    let outcome = it.apply_one(&both, from(&one), vec![moved(&red, &other, "ada")], at(30)).await.unwrap();
    assert_eq!(outcome.jobs, 2, "amended, and first");
    assert_eq!(it.counts_for(&red).await, vec![other.clone()]);
    let theirs = it.alerts_of(&one).await;
    assert_eq!(theirs[0].condition, Condition::Cleared(ClearedBecause::Unfounded));
    assert_eq!(theirs[0].evidence[0].withdrawn, Some(Because::AnotherPersons));
    let came = it.alerts_of(&other).await;
    assert_eq!((came.len(), came[0].evidence[0].reading), (1, red.reading.id));
    assert!(came[0].is_waiting() && !came[0].late, "half a minute old: it can be acted on");
    let stored = it.store.readings(&Access::system(Purpose::Follow), 100).await.unwrap();
    let copy = stored
        .iter()
        .find(|stored| stored.reading.who == Who::Patient(other.clone()) && stored.reading.id == red.reading.id);
    let mut expected = red.reading.clone();
    expected.who = Who::Patient(other.clone());
    assert_eq!(copy.map(|copy| (&copy.reading, copy.server_received)), Some((&expected, red.server_received)));
    assert_eq!((it.told("reading-withdrawn").await, it.told("reading-assigned").await), (1, 1));

    let it = it.reopened().await;
    it.is_sound().await;
    let again = it.apply_one(&both, from(&one), vec![moved(&red, &other, "ada")], at(40)).await;
    assert!(matches!(again, Err(ApplyError::Refused(Refused::NotCounted))), "{again:?}");
    let for_two = it.apply_one(&both, from(&one), vec![moved(&red, &one, "ada")], at(40)).await;
    assert!(
        matches!(for_two, Err(ApplyError::Refused(Refused::NotInError))),
        "it is the other's to give back: {for_two:?}"
    );
    assert!(is_duplicate(&it.offer(&red, at(45)).await.readings[0]), "its hub knows nothing of it");

    it.apply_one(&both, from(&other), vec![moved(&red, &one, "ada")], at(50)).await.unwrap();
    assert_eq!(it.counts_for(&red).await, vec![one.clone()]);
    // The red that nobody took is the same occasion: it is back.
    let back = it.alerts_of(&one).await;
    assert_eq!((back.len(), back[0].condition, back[0].evidence[0].withdrawn), (1, Condition::Active, None));
    // A newer calm reading of the other's own had ended it before.
    let theirs = &it.alerts_of(&other).await[0];
    assert_eq!(theirs.evidence[0].withdrawn, Some(Because::AnotherPersons));
    assert!(theirs.condition != Condition::Active && theirs.is_waiting(), "a person must still close it: {theirs:?}");
    it.is_sound().await;
}

/// What was entered in error counts after all. The alert that somebody took meanwhile stays as it was, and another is opened.
#[tokio::test]
async fn a_reading_counts_after_all() {
    let it = Fixture::new();
    let (person, ada) = (pt(1), staff("ada", &[&pt(1)]));
    let red = red(&person, 1, 0);
    let first = it.offer(&red, at(1)).await.alerts[0].id;
    let to = || Subject::Patient(person.clone());
    let early = it.apply_one(&ada, to(), vec![moved(&red, &person, "ada")], at(5)).await;
    assert!(matches!(early, Err(ApplyError::Refused(Refused::NotInError))), "it counts already: {early:?}");
    let taken = Event::Acknowledged { alert: first, by: actor("ada"), note: None };
    it.apply_one(&ada, to(), vec![taken], at(10)).await.unwrap();
    it.apply_one(&ada, to(), vec![withdrawn(&red, "ada")], at(20)).await.unwrap();
    assert!(it.counts_for(&red).await.is_empty());
    it.apply_one(&ada, to(), vec![moved(&red, &person, "ada")], at(30)).await.unwrap();
    assert_eq!(it.counts_for(&red).await, vec![person.clone()]);
    let alerts = it.alerts_of(&person).await;
    assert_eq!((alerts.len(), alerts[0].id, alerts[1].condition), (2, first, Condition::Active));
    assert!(!alerts[0].evidence[0].counts(), "what was said of the first stays said");
    assert!(matches!(alerts[0].workflow, rules::Workflow::Acknowledged { .. }), "and who took it is named");
    let it = it.reopened().await;
    it.is_sound().await;
    it.apply_one(&ada, to(), vec![withdrawn(&red, "ada")], at(40)).await.unwrap();
    assert!(it.counts_for(&red).await.is_empty(), "and it can be said again");
    it.is_sound().await;
}

/// A reading on which the rules had failed, and which is said not to count before they are asked again: it is off the list, the
/// technical alert is over, and the sweep judges nothing. Where the rules fail on the other person, nothing moves.
#[tokio::test]
async fn what_does_not_count_is_not_judged_later_and_a_move_is_whole_or_not_at_all() {
    let mut it = Fixture::new();
    let (one, other) = (pt(1), pt(2));
    let ada = staff("ada", &[&one, &other]);
    let fails = |on: &PatientId| Arc::new(Panics { rules: by_demo_pack(), on: vec![on.clone()], stand_in_too: false });
    it.decide = fails(&one);
    let (wrong, moves) = (red(&one, 1, 0), red(&one, 2, 5));
    it.offer(&wrong, at(1)).await;
    it.offer(&moves, at(6)).await;
    let waiting =
        async |it: &Fixture| it.store.unevaluated(&Access::system(Purpose::Sweep), 0, 10).await.unwrap().len();
    assert_eq!(waiting(&it).await, 2);
    let refused = it.apply_one(&ada, Subject::Patient(one.clone()), vec![withdrawn(&wrong, "ada")], at(10)).await;
    assert!(refused.is_err() && waiting(&it).await == 2, "what the rules fail on stays undone: {refused:?}");

    it.decide = by_demo_pack();
    it.apply_one(&ada, Subject::Patient(one.clone()), vec![withdrawn(&wrong, "ada")], at(20)).await.unwrap();
    assert_eq!(waiting(&it).await, 1);
    let sweep = Access::system(Purpose::Sweep);
    let reconsider = Event::Reconsider(Box::new(wrong.clone()));
    it.apply_one(&sweep, Subject::Patient(one.clone()), vec![reconsider], at(21)).await.unwrap();
    let clinical = |alerts: &[Alert]| alerts.iter().filter(|alert| alert.audience == rules::Audience::Clinical).count();
    assert_eq!(clinical(&it.alerts_of(&one).await), 0, "nothing comes of it");

    // Planted: the rules fail on the person it is to go to.
    it.decide = fails(&other);
    let half = it.apply_one(&ada, Subject::Patient(one.clone()), vec![moved(&moves, &other, "ada")], at(30)).await;
    assert!(half.is_err(), "{half:?}");
    assert_eq!((it.counts_for(&moves).await, waiting(&it).await), (vec![one.clone()], 1), "nothing is half done");
    it.decide = by_demo_pack();
    it.apply_one(&ada, Subject::Patient(one.clone()), vec![moved(&moves, &other, "ada")], at(40)).await.unwrap();
    assert_eq!((it.counts_for(&moves).await, waiting(&it).await), (vec![other.clone()], 0));
    assert_eq!((clinical(&it.alerts_of(&one).await), clinical(&it.alerts_of(&other).await)), (0, 1));
    let it = it.reopened().await;
    it.is_sound().await;
}

/// The entry of a reading that does not count is damaged, and its hub sends it again: it is stored again and still does not
/// count, while one beside it that was never taken back does.
#[tokio::test]
async fn what_is_sent_again_after_damage_still_does_not_count() {
    let it = Fixture::new();
    let (person, ada) = (pt(1), staff("ada", &[&pt(1)]));
    let (wrong, right) = (dated(red(&person, 1, 0)), dated(calm(&person, 2, 60)));
    let both = [&wrong, &right].map(event);
    it.apply_one(&hub_of(&[&person]), Subject::Patient(person.clone()), both.to_vec(), at(61)).await.unwrap();
    it.apply_one(&ada, Subject::Patient(person.clone()), vec![withdrawn(&wrong, "ada")], at(70)).await.unwrap();
    it.flip(it.entry_of(&wrong).await);
    pass(&it, 10).await;
    assert!(it.counts_for(&right).await.is_empty(), "its entry cannot be read");
    for reading in [&wrong, &right] {
        it.offer(reading, at(100)).await;
    }
    assert_eq!((it.counts_for(&wrong).await, it.counts_for(&right).await), (vec![], vec![person.clone()]));
    let again = it.apply_one(&ada, Subject::Patient(person.clone()), vec![withdrawn(&wrong, "ada")], at(110)).await;
    assert!(matches!(again, Err(ApplyError::Refused(Refused::NotCounted))), "{again:?}");
}
