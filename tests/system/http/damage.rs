//! A record that is damaged: told on the page and in the log, everything else shown, and made good by its hub.

use super::{
    hello::{hello, say},
    later,
    metrics::metric,
    one, receipt, settled, start, taken_now, until, words_of,
};
use chrono::TimeDelta;
use harness::{
    service::{ADA, BO, ODD, STAFF_HEADER, TestService},
    signed_client::Call,
};
use ingest::events::ServiceEvent;

/// Flips a bit in the newest entry that holds a reading.
fn damage(service: &TestService) {
    let sqlite = rusqlite::Connection::open(service.database()).unwrap();
    let sql = "SELECT seq, body FROM entry WHERE seq = (SELECT max(entry) FROM known)";
    let (seq, mut body): (i64, Vec<u8>) = sqlite.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let middle = body.len() / 2;
    body[middle] ^= 1;
    sqlite.execute("UPDATE entry SET body = ?1 WHERE seq = ?2", (body, seq)).unwrap();
}

fn page(service: &TestService, staff: Option<&str>) -> (u16, String) {
    let mut call = Call::new("GET", "/");
    if let Some(staff) = staff {
        call = call.with(STAFF_HEADER, staff);
    }
    let answer = service.send(&call).unwrap();
    (answer.status, words_of(&answer))
}

/// The whole of it: a page that meets damage is refused once, and from then on says what is missing; the hub is asked at its
/// next hello, and what it sends again is stored, with the alert that it raised before and no other.
#[test]
fn a_damaged_record_is_told_and_sent_again() {
    let service = start();
    let red = taken_now(&service, ADA, 1, "182/118");
    let calm = taken_now(&service, BO, 1, "128/79");
    one(&service, &calm);
    let first = one(&service, &red);
    let before = settled(&service);
    assert_eq!(say(&service, &service.hub_a, &hello(service.clock.read())).offer_again, Vec::<String>::new());
    // The entry of Ada's that holds the reading, and the alert with it.
    damage(&service);
    let sentence = format!("1 record of {} is damaged. We have asked the hub to send it again.", ADA.1);
    later(&service, TimeDelta::seconds(1), "the page says so, and shows the rest", || {
        let (status, words) = page(&service, None);
        status == 200 && words.contains(&sentence) && words.contains("128/79")
    });
    assert!(!page(&service, Some(ODD)).1.contains("damaged"), "whoever does not look after them is not told");
    let told = |is_like: fn(&ServiceEvent) -> bool| service.events.count(is_like);
    until("it is marked", || told(|event| matches!(event, ServiceEvent::EntryMarked { .. })) == 1);
    assert_eq!(told(|event| matches!(event, ServiceEvent::RowDamaged { bad } if bad.table == "entry")), 1);
    assert_eq!(metric(&service, "ingest_damaged_rows_total"), Some(1));
    assert_eq!(metric(&service, "ingest_marked_entries_total"), Some(1));

    let wanted = say(&service, &service.hub_a, &hello(service.clock.read())).offer_again;
    assert!(wanted.iter().any(|id| Some(id.as_str()) == red["id"].as_str()), "{wanted:?}");
    let again = receipt(&service, &service.hub_a, std::slice::from_ref(&red)).readings.remove(0);
    assert_eq!(again.id, first.id);
    let after = settled(&service);
    assert_eq!((after.alerts, after.readings.len()), (before.alerts, before.readings.len()));
    assert_eq!(told(|event| matches!(event, ServiceEvent::NotificationSent { .. })), 1, "nobody is told twice");
    let (status, words) = page(&service, None);
    assert!(status == 200 && !words.contains("damaged") && words.contains("182/118"), "{words}");
    let left = say(&service, &service.hub_a, &hello(service.clock.read())).offer_again;
    assert!(!left.iter().any(|id| Some(id.as_str()) == red["id"].as_str()), "{left:?}");
}

/// Damage that nobody meets is found by the walk round the store, and once a day its root is signed.
#[test]
fn damage_that_nobody_meets_is_found_and_a_day_ends_with_a_root() {
    let service = start();
    one(&service, &taken_now(&service, ADA, 1, "182/118"));
    settled(&service);
    later(&service, TimeDelta::minutes(2), "the store was looked at", || {
        service.events.count(|event| *event == ServiceEvent::ScrubbedOnce) > 1
    });
    assert_eq!(service.events.count(|event| matches!(event, ServiceEvent::RowDamaged { .. })), 0);
    let sqlite = rusqlite::Connection::open(service.database()).unwrap();
    sqlite.execute("UPDATE job SET attempts = attempts + 1", []).unwrap();
    let is_told = |event: &ServiceEvent| matches!(event, ServiceEvent::RowDamaged { bad } if bad.table == "job");
    later(&service, TimeDelta::minutes(2), "the damage is found", || service.events.count(is_told) == 1);
    later(&service, TimeDelta::hours(24), "the root is signed", || {
        service.events.count(|event| matches!(event, ServiceEvent::RootSigned { n: 1, .. })) == 1
    });
    assert_eq!(metric(&service, "ingest_roots_signed_total"), Some(1));
}
