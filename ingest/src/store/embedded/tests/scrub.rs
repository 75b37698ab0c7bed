//! Damage that nobody met yet is found, marked and told; what is sound is shown beside it; what is sent again is stored again
//! and alerts nobody twice.

use super::{
    slices::Panics,
    whole::{dated, day, heard_by_other, other_hub, register, server_key},
    *,
};
use crate::store::{
    Care, ReadError, Scrubbed, StoredDamage, StoredReading,
    evidence::{BadRow, NotVerified},
};
use proptest::{prelude::*, test_runner::TestRunner};
use rules::{Decisions, PatientState};
use vitals::ReadingId;

/// More steps than any of these stores takes for a pass.
const STEPS_MAX: usize = 10_000;

fn verifier() -> Access {
    Access::system(Purpose::Verify)
}

/// Scrubs to the end of a pass, in steps of so many rows.
pub(super) async fn pass(it: &Fixture, rows: u64) -> Scrubbed {
    let mut all = Scrubbed::default();
    for _ in 0..STEPS_MAX {
        let step = it.store.scrub(&verifier(), rows, at(1_000_000)).await.unwrap();
        all.checked += step.checked;
        all.found.extend(step.found);
        all.marked.extend(step.marked);
        all.is_asking |= step.is_asking;
        if step.is_pass_over {
            return all;
        }
    }
    panic!("it has no end");
}

impl Fixture {
    async fn readings_of(&self, who: &PatientId) -> Vec<StoredReading> {
        self.store.readings(&staff("ada", &[who]), 1000).await.unwrap()
    }

    async fn damaged(&self) -> Vec<StoredDamage> {
        self.store.damaged(&Access::system(Purpose::Follow), 1000).await.unwrap()
    }

    async fn wanted(&self) -> BTreeSet<ReadingId> {
        self.store.wanted(&Access::system(Purpose::Receive), &hub(), 1000).await.unwrap().into_iter().collect()
    }

    /// The entry in which a reading stands.
    pub(super) async fn entry_of(&self, admitted: &Admitted) -> i64 {
        let (source, record) = (admitted.reading.source.clone(), admitted.reading.record);
        self.store
            .pool
            .read(move |view| {
                let no = view.names.find(super::super::names::Class::Source, source.as_str()).unwrap();
                Ok(super::super::known::find(view, no, super::super::known::key(record.as_bytes()))?.unwrap())
            })
            .await
            .unwrap()
            .cast_signed()
    }

    /// Flips a bit in an entry's body.
    pub(super) fn flip(&self, entry: i64) {
        let sqlite = self.sqlite();
        let mut body: Vec<u8> =
            sqlite.query_row("SELECT body FROM entry WHERE seq = ?1", [entry], |row| row.get(0)).unwrap();
        let middle = body.len() / 2;
        body[middle] ^= 4;
        sqlite.execute("UPDATE entry SET body = ?1 WHERE seq = ?2", (body, entry)).unwrap();
    }

    fn lose(&self, entry: i64) {
        assert_eq!(self.sqlite().execute("DELETE FROM entry WHERE seq = ?1", [entry]), Ok(1));
    }
}

fn ids(readings: &[StoredReading]) -> BTreeSet<ReadingId> {
    readings.iter().map(|stored| stored.reading.id).collect()
}

#[tokio::test]
async fn a_sound_store_is_walked_round_and_round_and_nothing_is_written() {
    let mut it = Fixture::new();
    day(&mut it, async |_| {}).await;
    let entries = it.count("entry");
    for rows in [1, 7, 1000, 50_000] {
        let scrubbed = pass(&it, rows).await;
        assert_eq!((scrubbed.found, scrubbed.marked, scrubbed.is_asking), (vec![], vec![], false), "{rows} at a time");
        assert!(scrubbed.checked > 200, "{rows}: {}", scrubbed.checked);
    }
    assert_eq!((it.count("entry"), it.damaged().await, it.wanted().await), (entries, vec![], BTreeSet::new()));
}

#[tokio::test]
async fn a_damaged_entry_is_marked_shown_and_stored_again_without_a_second_alert() {
    let it = Fixture::new();
    let (first, bad, last) = (dated(calm(&pt(1), 1, 0)), dated(red(&pt(1), 2, 60)), dated(calm(&pt(1), 3, 120)));
    it.offer(&first, at(0)).await;
    register(&it, &pt(2), 1).await;
    let verdict = verdict_of(&it.offer(&bad, at(60)).await.readings[0]);
    it.offer(&calm(&pt(2), 1, 70), at(70)).await;
    it.offer(&last, at(120)).await;
    let alerts = it.alerts().await;
    let entry = it.entry_of(&bad).await;
    it.flip(entry);

    assert!(matches!(
        it.store.readings(&staff("ada", &[&pt(1)]), 10).await,
        Err(ReadError::Damaged { table: "entry", .. })
    ));
    let again = it.apply(&hub_of(&[&pt(1)]), vec![slice(&bad)], at(130)).await.remove(0);
    assert!(matches!(again, Err(ApplyError::Unavailable(_))), "not stored again before it is known whose it was");
    let scrubbed = pass(&it, 3).await;
    let told = BadRow { table: "entry", row: entry, wrong: crate::store::evidence::Wrong::Content };
    assert_eq!((scrubbed.found, scrubbed.marked), (vec![told], vec![entry.cast_unsigned()]));

    // What is sound is shown, and what is not is said.
    assert_eq!(ids(&it.readings_of(&pt(1)).await), [first.reading.id, last.reading.id].into());
    assert_eq!(it.stored().await, 3);
    let [damage] = &it.damaged().await[..] else { panic!("{:?}", it.damaged().await) };
    assert_eq!((&damage.whose, damage.entry), (&Subject::Patient(pt(1)), entry.cast_unsigned()));
    assert_eq!((damage.at, damage.readings_missing), (at(1_000_000), Some(1)));
    assert_eq!(it.store.damaged(&staff("ada", &[&pt(1)]), 10).await.unwrap().len(), 1);
    assert_eq!(it.store.damaged(&staff("grace", &[&pt(2)]), 10).await.unwrap(), [], "not to everybody");
    assert!(matches!(it.store.damaged(&hub_of(&[&pt(1)]), 10).await, Err(ReadError::Denied(_))));
    assert_eq!(it.wanted().await, [bad.reading.id].into());
    assert_eq!((it.told("entry-damaged").await, it.told("audit").await), (1, 2), "marked, and asked for again");

    // Not into anybody else's record.
    let mut of_other = bad.clone();
    of_other.reading.who = Who::Patient(pt(2));
    assert_eq!(
        it.offer(&of_other, at(140)).await.readings,
        [ReadingOutcome::Duplicate { id: bad.reading.id, verdict: None }]
    );
    assert_eq!(it.wanted().await.len(), 1);

    // Its hub sends it again: stored, with the alert that it raised, and nobody is told.
    for _ in 0..2 {
        let again = it.offer(&bad, at(150)).await;
        assert_eq!((again.alerts.len(), again.jobs), (0, 0));
        let Some(Verdict::Evaluated { alerts: raised, .. }) = verdict_of(&again.readings[0]) else {
            panic!("{again:?}")
        };
        let Some(Verdict::Evaluated { alerts: first, .. }) = &verdict else { panic!("{verdict:?}") };
        assert_eq!(&raised, first);
    }
    assert!(is_duplicate(&it.offer(&bad, at(160)).await.readings[0]));
    assert_eq!((it.alerts().await, it.readings_of(&pt(1)).await.len()), (alerts, 3));
    assert_eq!((it.wanted().await.len(), it.damaged().await[0].readings_missing), (0, Some(0)));
    assert_eq!(pass(&it, 3).await.found, [], "it is told once");
    let it = it.reopened().await;
    assert_eq!((it.readings_of(&pt(1)).await.len(), it.wanted().await.len(), it.damaged().await.len()), (3, 0, 1));
    assert_eq!(pass(&it, 1000).await.found, [], "a mark is no new damage");
    let verified = it.store.verify(&verifier(), &|_| {}).await;
    assert!(
        matches!(verified, Err(NotVerified::Marked { marked: 1, .. })),
        "and stays a gap in the proof: {verified:?}"
    );
}

#[tokio::test]
async fn a_damaged_entry_that_somebody_meets_is_seen_to_first() {
    let it = Fixture::new();
    for n in 0..20 {
        it.offer(&dated(calm(&pt(1), n, n.into())), at(n.into())).await;
    }
    // The scrubber has come past it already.
    it.store.scrub(&verifier(), 30, at(30)).await.unwrap();
    it.flip(2);
    assert!(it.store.readings(&staff("ada", &[&pt(1)]), 100).await.is_err());
    tokio::time::timeout(std::time::Duration::from_secs(10), it.store.met_damage()).await.expect("it is woken");
    let mut steps = 0;
    while it.store.readings(&staff("ada", &[&pt(1)]), 100).await.is_err() {
        let step = it.store.scrub(&verifier(), 1000, at(40)).await.unwrap();
        assert!(steps == 0 || !step.found.iter().any(|bad| bad.table == "entry"), "told once");
        steps += 1;
        assert!(steps < 5);
    }
    assert_eq!(it.readings_of(&pt(1)).await.len(), 19);
    // A slice that meets one wakes it, too.
    it.flip(5);
    assert!(it.apply(&hub_of(&[&pt(1)]), vec![slice(&dated(calm(&pt(1), 4, 4)))], at(50)).await[0].is_err());
    tokio::time::timeout(std::time::Duration::from_secs(10), it.store.met_damage()).await.expect("it is woken");
}

#[tokio::test]
async fn damage_in_another_table_is_told_once_in_the_log_and_the_record() {
    for (table, sql) in [
        ("alert", "UPDATE alert SET body = zeroblob(length(body)) WHERE seq = 1"),
        ("alert", "DELETE FROM alert WHERE seq = 2"),
        ("item", "UPDATE item SET body = replace(body, 'Invented', 'Invanted')"),
        ("item", "DELETE FROM item WHERE seq = 2"),
        ("account", "UPDATE account SET staff = 'st-eve'"),
        ("account", "DELETE FROM account"),
        ("timer", "DELETE FROM timer"),
        ("job", "UPDATE job SET done_at = 1 WHERE seq = 1"),
        ("refusal", "DELETE FROM refusal WHERE n = 2"),
        ("known", "DELETE FROM known WHERE entry = 5"),
        ("record", "UPDATE record SET body = zeroblob(30) WHERE no = 1"),
        ("unjudged", "DELETE FROM unjudged"),
        ("root", "UPDATE root SET entries = entries - 1 WHERE n = 2"),
    ] {
        let mut it = Fixture::new();
        day(&mut it, async |_| {}).await;
        let audits = it.told("audit").await;
        it.sqlite().execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
        let found = pass(&it, 100).await.found;
        assert!(found.iter().any(|bad| bad.table == table), "{sql}: {found:?}");
        assert_eq!(it.told("audit").await, audits + found.len(), "{sql}");
        assert_eq!(pass(&it, 100).await.found, [], "{sql}, again");
        assert!(!it.store.failed());
    }
}

#[tokio::test]
async fn a_reading_of_nobody_and_what_two_hubs_heard_come_back() {
    let it = Fixture::new();
    let nobodys = of_nobody(dated(calm(&pt(9), 1, 0)));
    let inbox = Subject::Unassigned(hub());
    it.apply_one(&hub_of(&[]), inbox.clone(), vec![event(&nobodys)], at(0)).await.unwrap();
    let first = calm(&pt(1), 1, 100);
    let also = heard_by_other(first.clone(), 110);
    let both = Access::hub(&VerifiedHub::new(other_hub(), [pt(1)].into()));
    it.offer(&first, at(100)).await;
    it.apply_one(&both, Subject::Patient(pt(1)), vec![event(&also)], at(110)).await.unwrap();
    it.flip(it.entry_of(&nobodys).await);
    it.flip(it.entry_of(&first).await);
    pass(&it, 10).await;
    assert!(it.wanted().await.is_superset(&[nobodys.reading.id, first.reading.id, also.reading.id].into()));
    let again = it.apply_one(&hub_of(&[]), inbox, vec![event(&nobodys)], at(200)).await.unwrap();
    assert_eq!(again.readings, [ReadingOutcome::Unassigned { id: nobodys.reading.id }]);
    // Whichever hub is first, there is one reading.
    it.offer(&first, at(210)).await;
    let joined = it.apply_one(&both, Subject::Patient(pt(1)), vec![event(&also)], at(220)).await.unwrap();
    assert!(is_duplicate(&joined.readings[0]), "{joined:?}");
    assert_eq!((it.readings_of(&pt(1)).await.len(), it.stored().await), (1, 2));
    assert_eq!(it.wanted().await, BTreeSet::from([]), "not even under the key of its frame");
    assert_eq!(pass(&it, 10).await.found, []);
}

#[tokio::test]
async fn what_waited_to_be_judged_in_a_damaged_entry_is_judged_when_it_is_back() {
    let mut it = Fixture::new();
    it.decide = Arc::new(Panics { rules: by_demo_pack(), on: vec![pt(1)], stand_in_too: false });
    let reading = dated(red(&pt(1), 1, 0));
    it.offer(&reading, at(0)).await;
    it.decide = by_demo_pack();
    it.flip(it.entry_of(&reading).await);
    pass(&it, 10).await;
    let sweep = Access::system(Purpose::Sweep);
    assert_eq!(it.store.unevaluated(&sweep, 0, 10).await.unwrap(), [], "nothing that could be judged now");
    let back = it.offer(&reading, at(100)).await;
    assert!(matches!(verdict_of(&back.readings[0]), Some(Verdict::Unevaluated { .. })), "{back:?}");
    let waiting = it.store.unevaluated(&sweep, 0, 10).await.unwrap();
    assert_eq!(waiting.iter().map(|admitted| admitted.reading.id).collect::<Vec<_>>(), [reading.reading.id]);
    let again = vec![Event::Reconsider(Box::new(waiting[0].clone()))];
    let judged = it.apply_one(&sweep, Subject::Patient(pt(1)), again, at(110)).await.unwrap();
    assert!(judged.alerts.iter().any(|alert| alert.audience == rules::Audience::Clinical), "{judged:?}");
    assert_eq!(it.store.unevaluated(&sweep, 0, 10).await.unwrap(), []);
    assert_eq!(pass(&it, 10).await.found, []);
}

/// Rules that leave everything unjudged, for a reason of their own.
struct Leaves(ErrorCode);

impl Decide for Leaves {
    fn decide(&self, _care: &Care, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
        self.unevaluated(before, events, self.0, at)
    }

    fn unevaluated(&self, before: &PatientState, events: &[Event], reason: ErrorCode, at: DateTime<Utc>) -> Decisions {
        rules::unevaluated(&[], before, events, reason, at)
    }
}

#[tokio::test]
async fn why_a_reading_was_not_judged_is_known_again_when_it_is_back() {
    for reason in [ErrorCode::RulePanicked, ErrorCode::RuleBudgetExceeded] {
        let mut it = Fixture::new();
        it.decide = Arc::new(Leaves(reason));
        let reading = dated(calm(&pt(1), 1, 0));
        let first = verdict_of(&it.offer(&reading, at(0)).await.readings[0]);
        assert_eq!(first, Some(Verdict::unevaluated(reason)));
        it.flip(it.entry_of(&reading).await);
        pass(&it, 10).await;
        assert_eq!(verdict_of(&it.offer(&reading, at(100)).await.readings[0]), first);
    }
}

#[tokio::test]
async fn a_page_of_the_journal_that_cannot_be_read_leaves_the_rest() {
    use std::os::unix::fs::FileExt;
    let it = Fixture::new();
    let readings: Vec<Admitted> =
        (0..300).map(|n| dated(calm(&pt(usize::try_from(n % 3).unwrap()), n, n.into()))).collect();
    for reading in &readings {
        it.offer(reading, reading.server_received).await;
    }
    it.store.close().await;
    let sqlite = it.sqlite();
    let sql = "SELECT pageno FROM dbstat WHERE name = 'entry' AND pagetype = 'leaf' ORDER BY pageno LIMIT 1 OFFSET 2";
    let page = sqlite.query_row(sql, [], |row| row.get::<_, i64>(0));
    let page = page.unwrap_or_else(|_no_dbstat| leaf_of_entries(&sqlite)).cast_unsigned();
    let page_bytes: u64 = sqlite.query_row("PRAGMA page_size", [], |row| row.get::<_, i64>(0)).unwrap().cast_unsigned();
    drop(sqlite);
    let Fixture { folder, store, decide } = it;
    drop(store);
    let file = std::fs::File::options().write(true).open(folder.path().join(DATABASE_FILE)).unwrap();
    file.write_all_at(&[0xA5; 64], (page - 1) * page_bytes).unwrap();
    let it = Fixture { store: Arc::new(open(&folder).unwrap()), folder, decide };
    let marked = pass(&it, 50).await.marked;
    assert!(marked.len() > 5 && marked.len() < 100, "{}", marked.len());
    assert_eq!(it.stored().await, 300 - marked.len());
    assert_eq!(it.wanted().await.len(), marked.len());
    assert!(!it.store.failed());
}

/// The third leaf of the journal, found by what stands in it.
fn leaf_of_entries(sqlite: &rusqlite::Connection) -> i64 {
    let root: i64 =
        sqlite.query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'entry'", [], |row| row.get(0)).unwrap();
    let page_bytes: i64 = sqlite.query_row("PRAGMA page_size", [], |row| row.get(0)).unwrap();
    let path: String = sqlite.query_row("PRAGMA database_list", [], |row| row.get(2)).unwrap();
    let bytes = std::fs::read(path).unwrap();
    let page = &bytes[usize::try_from((root - 1) * page_bytes).unwrap()..];
    assert_eq!(page[0], 5, "an interior page of a table");
    // The third cell's left child (file format, section 1.6).
    let cell = usize::from(u16::from_be_bytes([page[12 + 4], page[12 + 5]]));
    i64::from(u32::from_be_bytes(page[cell..cell + 4].try_into().unwrap()))
}

/// Whatever entries are damaged, however: every other reading is listed, each comes back when it is sent again, once, and
/// no alert is raised a second time.
#[test]
fn any_damage_to_the_journal_leaves_the_rest_and_is_made_good() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let damages = proptest::collection::btree_map(0..40_usize, 0..5_u8, 1..12);
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&damages, |damages| {
            runtime.block_on(async {
                let it = Fixture::new();
                let readings: Vec<Admitted> = (0..40)
                    .map(|n: u32| {
                        let who = pt(usize::try_from(n % 3).unwrap());
                        dated(if n % 7 == 3 { red(&who, n, n.into()) } else { calm(&who, n, n.into()) })
                    })
                    .collect();
                for reading in &readings {
                    it.offer(reading, reading.server_received).await;
                }
                let alerts = it.alerts().await;
                for (place, how) in &damages {
                    let entry = it.entry_of(&readings[*place]).await;
                    let set = |what: &str| {
                        it.sqlite().execute(&format!("UPDATE entry SET {what} WHERE seq = ?1"), [entry]).unwrap();
                    };
                    match how {
                        0 => it.flip(entry),
                        1 => it.lose(entry),
                        2 => set("subject = subject + 1"),
                        3 => set("head = zeroblob(16)"),
                        _ => set("digest = zeroblob(8)"),
                    }
                }
                let marked = pass(&it, 13).await.marked;
                assert_eq!(marked.len(), damages.len(), "{marked:?}");
                let lost: BTreeSet<ReadingId> = damages.keys().map(|place| readings[*place].reading.id).collect();
                let all: BTreeSet<ReadingId> = readings.iter().map(|admitted| admitted.reading.id).collect();
                let mut listed = BTreeSet::new();
                for who in [pt(0), pt(1), pt(2)] {
                    listed.extend(ids(&it.readings_of(&who).await));
                }
                assert_eq!(listed, &all - &lost);
                assert_eq!(it.wanted().await, lost);
                assert_eq!(pass(&it, 1000).await.found, []);
                for reading in &readings {
                    let again = it.offer(reading, at(1000)).await;
                    assert_eq!((again.alerts.len(), again.jobs), (0, 0));
                    assert_eq!(is_duplicate(&again.readings[0]), !lost.contains(&reading.reading.id));
                }
                assert_eq!((it.stored().await, it.wanted().await.len()), (40, 0));
                assert_eq!(it.alerts().await, alerts);
                assert_eq!(pass(&it, 17).await.found, []);
            });
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn a_root_is_signed_once_a_day_and_covers_what_comes_while_it_is_made() {
    let it = Fixture::new();
    let sign = async |at| it.store.sign_root(&verifier(), &server_key(), at).await.unwrap().map(Committed::into_inner);
    assert_eq!(sign(at(0)).await, None, "there is nothing yet");
    it.offer(&calm(&pt(1), 1, 0), at(0)).await;
    assert_eq!(sign(at(60)).await, None, "not before the next day");
    // Eight in the morning plus 16 hours is midnight.
    assert_eq!(sign(at(16 * 3600) - TimeDelta::microseconds(1)).await, None);
    let first = sign(at(16 * 3600)).await.unwrap();
    assert_eq!((first.n, first.entries, first.chains, first.previous), (1, 1, 1, [0; 32]));
    assert_eq!(sign(at(20 * 3600)).await, None, "once a day");
    it.offer(&calm(&pt(2), 1, 0), at(1)).await;
    let it = it.reopened().await;
    let second = it.store.sign_root(&verifier(), &server_key(), at(90 * 3600)).await.unwrap().unwrap().into_inner();
    assert_eq!((second.n, second.entries, second.chains, second.previous), (2, 3, 3, first.root));
    assert_eq!(it.store.newest_root(&verifier()).await.unwrap(), Some(second.clone()));
    assert!(second.is_signed() && !crate::store::SignedRoot { chains: 4, ..second.clone() }.is_signed());
    let text = second.to_string();
    assert!(text.starts_with("derwent root 2\nentries 3\nchains 3\n") && text.contains("\nsignature "), "{text}");
    assert_eq!(it.told("audit").await, 2);
    let verified = it.store.verify(&verifier(), &|_| {}).await.unwrap();
    assert_eq!((verified.roots, verified.newest_root), (2, Some(second)));
    for purpose in [Purpose::SetUp, Purpose::Sweep, Purpose::Follow, Purpose::Receive, Purpose::Audit] {
        let who = Access::system(purpose);
        assert!(matches!(it.store.sign_root(&who, &server_key(), at(0)).await, Err(ReadError::Denied(_))));
        assert!(matches!(it.store.scrub(&who, 1, at(0)).await, Err(ReadError::Denied(_))));
        assert!(matches!(it.store.verify(&who, &|_| {}).await, Err(NotVerified::Denied(_))));
    }
}

#[test]
fn what_comes_while_the_ends_are_read_is_in_the_root() {
    use super::super::{names::Class, root::Gathering};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let it = Fixture::new();
        for n in 0..9 {
            it.offer(&dated(calm(&pt(n), 1, 0)), at(0)).await;
        }
        let gathering = Arc::new(std::sync::Mutex::new(Gathering::default()));
        let step = async |rows| {
            let here = gathering.clone();
            it.store.pool.read(move |view| here.lock().unwrap().step(view, rows)).await.unwrap()
        };
        // One row at a time, while people already read and people not read yet go on, and new ones come.
        for n in 0..30_usize {
            assert_eq!(step(1).await, None, "{n}");
            it.offer(&dated(calm(&pt(n % 12), 2 + u32::try_from(n).unwrap(), 1)), at(1)).await;
        }
        let by_steps = step(10_000).await.unwrap();
        let here = it.store.pool.read(|view| Gathering::default().step(view, 10_000)).await.unwrap().unwrap();
        assert_eq!(by_steps, here);
        let people = it.store.pool.read(|view| Ok(view.names.all(Class::Person).len())).await.unwrap();
        assert_eq!((here.chains, people), (12, 12));
    });
}

#[tokio::test]
async fn what_is_sent_again_before_the_readings_are_listed_is_not_wanted() {
    let it = Fixture::new();
    let readings: Vec<Admitted> = (0..10).map(|n| dated(calm(&pt(1), n, n.into()))).collect();
    for reading in &readings {
        it.offer(reading, reading.server_received).await;
    }
    it.flip(it.entry_of(&readings[4]).await);
    while it.damaged().await.is_empty() {
        it.store.scrub(&verifier(), 1, at(50)).await.unwrap();
    }
    assert_eq!(it.damaged().await[0].readings_missing, None, "marked, and not listed yet");
    assert!(is_stored(&it.offer(&readings[4], at(60)).await.readings[0]));
    assert_eq!(pass(&it, 1).await.found, []);
    assert_eq!((it.damaged().await[0].readings_missing, it.wanted().await), (Some(0), BTreeSet::new()));
    assert_eq!(it.readings_of(&pt(1)).await.len(), 10);
}

/// Where the row that would say whose an entry was is damaged, too, nothing is marked by guessing; and nobody hurries for ever.
#[tokio::test]
async fn an_entry_that_nothing_tells_of_is_told_and_left() {
    let it = Fixture::new();
    for n in 0..5 {
        it.offer(&dated(calm(&pt(1), n, n.into())), at(n.into())).await;
        it.offer(&dated(calm(&pt(2), n, n.into())), at(n.into())).await;
    }
    let last = it.entry_of(&dated(calm(&pt(1), 4, 4))).await;
    it.flip(last);
    it.sqlite().execute("UPDATE record SET digest = zeroblob(16) WHERE no = 1", []).unwrap();
    let first = pass(&it, 7).await;
    let tables: Vec<&str> = first.found.iter().map(|bad| bad.table).collect();
    assert_eq!((tables, first.marked), (vec!["entry", "record"], vec![]));
    for _ in 0..STEPS_MAX {
        let step = it.store.scrub(&verifier(), 7, at(99)).await.unwrap();
        assert!(!step.is_urgent && step.found.is_empty() && step.marked.is_empty());
        if step.is_pass_over {
            break;
        }
    }
    assert_eq!(it.readings_of(&pt(2)).await.len(), 5, "the other's are shown");
}

#[tokio::test]
async fn the_history_of_a_thing_goes_on_beside_a_marked_entry() {
    let it = Fixture::new();
    let set_up = Access::system(Purpose::SetUp);
    for n in 1..=6 {
        super::whole::register(&it, &pt(1), n).await;
        it.offer(&dated(calm(&pt(1), u32::try_from(n).unwrap(), n)), at(n)).await;
    }
    let which = register::ItemRef::Patient(pt(1));
    let versions = async || {
        let found = it.store.versions(&set_up, &which, 10).await?;
        Ok::<Vec<u32>, ReadError>(found.into_iter().filter_map(|version| version.written.version).collect())
    };
    assert_eq!(versions().await.unwrap(), [6, 5, 4, 3, 2, 1]);
    // The fourth version, and the newest: both are told by nothing else, and the thing as it now is stands all the same.
    for (entry, left) in [(7, &[6, 5, 3, 2, 1][..]), (11, &[5, 3, 2, 1]), (1, &[5, 3, 2])] {
        it.flip(entry);
        assert!(matches!(versions().await, Err(ReadError::Damaged { table: "entry", .. })), "{entry}");
        pass(&it, 10).await;
        assert_eq!(versions().await.unwrap(), left, "{entry}");
        assert_eq!(it.store.item(&set_up, &which).await.unwrap().unwrap().version, 6);
    }
    assert_eq!(pass(&it, 10).await.found, []);
}
