//! A reading that no longer counts: who may say so, what follows, what stays, and what comes after it.

use super::*;
use rules::{Because, ClearedBecause, Condition, Job, Refused};

fn withdrawn(reading: &Admitted, by: &str) -> Event {
    let note = Some(Text::new("it is my neighbour's").unwrap());
    Event::Withdrawn { reading: reading.reading.id, because: Because::EnteredInError, by: actor(by), note }
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
