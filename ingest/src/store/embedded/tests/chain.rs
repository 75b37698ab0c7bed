//! The chain: every change to a person's record moves its head, and nothing else does.

use super::*;

/// A morning of one person, and the head after each step.
async fn morning(it: &Fixture, who: &PatientId) -> Vec<[u8; 16]> {
    let mut heads = Vec::new();
    for reading in [calm(who, 1, 0), pressure(who, 2, 60, 155, 97), red(who, 3, 400), calm(who, 3, 400)] {
        heads.extend(it.offer(&reading, reading.server_received).await.chain_head.map(|witness| witness.head));
    }
    let alert = it.alerts().await.into_iter().find(|alert| alert.patient == *who && alert.is_waiting()).unwrap();
    let take = vec![Event::Acknowledged { alert: alert.id, by: actor("ada"), note: None }];
    heads.extend(
        it.apply_one(&staff("ada", &[who]), Subject::Patient(who.clone()), take, at(500))
            .await
            .unwrap()
            .chain_head
            .map(|witness| witness.head),
    );
    heads
}

#[tokio::test]
async fn the_head_moves_with_every_event_and_is_each_persons_own() {
    let (one, two) = (Fixture::new(), Fixture::new());
    let heads = morning(&one, &pt(1)).await;
    assert_eq!(
        heads.iter().collect::<BTreeSet<_>>().len(),
        5,
        "two readings, a red, a conflict and an acknowledgement"
    );
    let elses = morning(&two, &pt(2)).await;
    assert!(elses.iter().all(|head| !heads.contains(head)), "the same morning of another person is another chain");
    assert!(morning(&two, &pt(1)).await.iter().all(|head| !elses.contains(head)));
    let folder = tempfile::tempdir().unwrap();
    let other_keys = EmbeddedStore::open(Arc::new(Folder::new(folder.path())), StoreKeys { chain: [9; 32] }).unwrap();
    let three = Fixture { folder, store: Arc::new(other_keys), decide: by_demo_pack() };
    assert!(morning(&three, &pt(1)).await.iter().all(|head| !heads.contains(head)));
}

#[tokio::test]
async fn changes_come_in_order_and_by_pages() {
    let it = Fixture::new();
    morning(&it, &pt(1)).await;
    let follow = Access::system(Purpose::Follow);
    let (whole, end) = it.store.changes(&follow, Cursor::default(), 1000).await.unwrap();
    let (mut pages, mut cursor) = (Vec::new(), Cursor::default());
    loop {
        let (page, next) = it.store.changes(&follow, cursor, 2).await.unwrap();
        if page.is_empty() {
            assert_eq!(next, end, "nothing more: the same place again");
            break;
        }
        let slices: BTreeSet<_> = page.iter().map(|change| (change.at, change.patient.clone())).collect();
        assert!(page.len() <= 2 || slices.len() == 1, "only a slice that is longer alone is not cut");
        pages.extend(page);
        cursor = next;
    }
    assert_eq!(pages, whole);
    let kinds: Vec<_> = whole.iter().map(|change| change.kind).collect();
    assert_eq!(kinds[..2], ["reading-stored", "reading-stored"]);
    for kind in ["alert-opened", "notification-made", "reading-conflict", "alert-acknowledged", "alert-changed"] {
        assert!(kinds.contains(&kind), "{kind} in {kinds:?}");
    }
    assert_eq!((whole[0].hub.clone(), whole[0].patient.clone(), whole[0].at), (Some(hub()), Some(pt(1)), at(0)));
}
