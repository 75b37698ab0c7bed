//! A notification is lent to one sender at a time, and tried until it is accepted.

use super::*;
use rules::{Delivery, Job, Workflow};

async fn lease(it: &Fixture, until: i64, secs: i64) -> Vec<Job> {
    let lent = it.store.lease_jobs(&Access::system(Purpose::Notify), at(until), 10, at(secs)).await.unwrap();
    lent.into_iter().map(Committed::into_inner).collect()
}

async fn say(it: &Fixture, job: &Job, delivery: Delivery, secs: i64) -> Outcome {
    let delivered = Event::Delivered { job: job.id, alert: job.alert, delivery };
    it.apply_one(&Access::system(Purpose::Notify), Subject::Patient(job.patient.clone()), vec![delivered], at(secs))
        .await
        .unwrap()
}

#[tokio::test]
async fn no_job_is_lent_twice_before_its_time() {
    let it = Fixture::new();
    for n in 0..5 {
        it.offer(&red(&pt(n), 1, 0), at(1)).await;
    }
    let notify = Access::system(Purpose::Notify);
    let lend = || it.store.lease_jobs(&notify, at(60), 2, at(2));
    let (one, two, three) = tokio::join!(lend(), lend(), lend());
    let lent: Vec<_> = [one, two, three].into_iter().flat_map(Result::unwrap).map(|job| job.get().id).collect();
    assert_eq!((lent.len(), lent.iter().collect::<BTreeSet<_>>().len()), (5, 5));
    assert_eq!(lease(&it, 90, 59).await, []);
    let it = it.reopened().await;
    assert_eq!(lease(&it, 90, 59).await, [], "a lease survives a restart");
    assert_eq!(lease(&it, 90, 60).await.len(), 5, "a sender that died gives back at the end of its lease");
}

#[tokio::test]
async fn a_failed_delivery_comes_back_at_its_time_and_an_accepted_one_never() {
    let it = Fixture::new();
    let alert = it.offer(&red(&pt(1), 1, 0), at(1)).await.alerts.remove(0);
    let job = lease(&it, 30, 2).await.remove(0);
    assert_eq!((job.alert, &job.patient), (alert.id, &pt(1)));
    say(&it, &job, Delivery::Failed { next_try_at: at(10) }, 3).await;
    assert_eq!(lease(&it, 40, 9).await, []);
    assert_eq!(
        lease(&it, 40, 10).await.as_slice(),
        std::slice::from_ref(&job),
        "before the lease would have ended, at its time"
    );
    let told = say(&it, &job, Delivery::Accepted, 11).await;
    assert_eq!(told.alerts[0].workflow, Workflow::Notified { at: at(11) });
    assert_eq!(lease(&it, 1000, 999).await, []);
    say(&it, &job, Delivery::Failed { next_try_at: at(20) }, 12).await;
    assert_eq!(lease(&it, 1000, 999).await, [], "a slower sender's failure does not open it again");
    let attempts: i64 = it.sqlite().query_row("SELECT attempts FROM job", [], |row| row.get(0)).unwrap();
    assert_eq!(attempts, 3);
}

#[tokio::test]
async fn a_damaged_notification_does_not_hold_back_the_others_and_is_told() {
    let it = Fixture::new();
    it.offer(&red(&pt(1), 1, 0), at(1)).await;
    it.offer(&red(&pt(2), 1, 0), at(2)).await;
    it.sqlite().execute("UPDATE job SET body = replace(body, 'console', 'webhook') WHERE seq = 1", []).unwrap();
    assert_eq!(lease(&it, 60, 3).await.iter().map(|job| job.patient.clone()).collect::<Vec<_>>(), [pt(2)]);
    let left = it.store.lease_jobs(&Access::system(Purpose::Notify), at(60), 10, at(4)).await;
    assert!(matches!(left, Err(crate::store::ReadError::Damaged { table: "job", row: 1 })), "{left:?}");
}
