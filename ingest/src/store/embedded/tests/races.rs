//! Eight at once: one row for each reading, one alert for each breach, and no follower misses a commit.

use super::*;
use std::sync::atomic::{AtomicBool, Ordering};

const WRITERS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn eight_writers_racing_the_same_readings_give_one_row_each() {
    let it = Arc::new(Fixture::new());
    let people: Vec<PatientId> = (0..4).map(pt).collect();
    let batch: Arc<Vec<Admitted>> = Arc::new(
        people
            .iter()
            .flat_map(|who| (0..10).map(|n| if n == 5 { red(who, n, 5) } else { calm(who, n, n.into()) }))
            .collect(),
    );
    let race = |writer: usize| {
        let (it, batch, people) = (it.clone(), batch.clone(), people.clone());
        tokio::spawn(async move {
            let mut stored = Vec::new();
            // Each starts elsewhere, so that they meet in the middle of one another's work.
            for n in 0..batch.len() {
                let admitted = &batch[(n + writer * 5) % batch.len()];
                let answers =
                    it.apply(&hub_of(&people.iter().collect::<Vec<_>>()), vec![slice(admitted)], at(20)).await;
                let outcome = answers[0].as_ref().unwrap().get();
                stored.extend(is_stored(&outcome.readings[0]).then_some(admitted.reading.id));
            }
            stored
        })
    };
    let races: Vec<_> = (0..WRITERS).map(race).collect();
    let mut stored = Vec::new();
    for one in races {
        stored.extend(one.await.unwrap());
    }
    assert_eq!(
        (stored.len(), stored.iter().collect::<BTreeSet<_>>().len()),
        (batch.len(), batch.len()),
        "each was stored for exactly one writer"
    );
    assert_eq!(it.stored().await, 40);
    assert_eq!(it.told("alert-opened").await, it.alerts().await.len());
    assert_eq!(it.count("alert"), 4, "one breach each");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 10)]
async fn a_follower_misses_no_commit_of_eight_writers() {
    const EACH: u32 = 40;
    let it = Arc::new(Fixture::new());
    let is_done = Arc::new(AtomicBool::new(false));
    let follower = {
        let (it, is_done) = (it.clone(), is_done.clone());
        tokio::spawn(async move {
            let (mut seen, mut cursor) = (Vec::new(), Cursor::default());
            loop {
                let was_done = is_done.load(Ordering::SeqCst);
                let (changes, next) = it.store.changes(&Access::system(Purpose::Follow), cursor, 7).await.unwrap();
                if changes.is_empty() && was_done {
                    return seen;
                }
                seen.extend(
                    changes.into_iter().filter(|change| change.kind == "reading-stored").map(|change| change.what),
                );
                cursor = next;
            }
        })
    };
    let write = |writer: usize| {
        let it = it.clone();
        tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for n in 0..EACH {
                let admitted = calm(&pt(writer), n, n.into());
                it.offer(&admitted, at(100)).await;
                acknowledged.push(admitted.reading.id.to_string());
            }
            acknowledged
        })
    };
    let writers: Vec<_> = (0..WRITERS).map(write).collect();
    let mut acknowledged = BTreeSet::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    is_done.store(true, Ordering::SeqCst);
    let seen = follower.await.unwrap();
    assert_eq!(seen.len(), acknowledged.len(), "each once");
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), acknowledged);
}
