//! A protocol that looks back, put in force for people who have long been measured: its lists are made of what was stored.

use super::*;
use crate::http::{county::everywhere, protocols::expected::go_round};
use chrono::{DateTime, TimeDelta, Utc};
use ingest::store::Care;
use register::Item;
use rules::{Audience, Condition, Decisions, Event, PatientState};
use vitals::ErrorCode;

/// The mean of three days, and of a single value.
const AVERAGE: &str = r#"
[pack]
id = "test-average"
title = "Test: an average"
version = "1.0.0"
engine_min = 2

[[pack.sources]]
ref = "Invented for a test"

[message.c]
en = "High average."

[[rule]]
id = "average"
title = "High on average"
harm = "minor"
onset = "delayed"
when = { mean = "systolic", over = "3d", readings_min = 4, above = 150 }
clear = { count = 1, when = { mean = "systolic", over = "3d", readings_min = 4, below = 150 } }
actionable_for = "ACTIONABLE"
raise_again_after = "1d"
clinician_message = "c"
"#;

/// Asks for nothing that nobody kept.
struct ListensFromNowOn(ByPlan);

impl Decide for ListensFromNowOn {
    fn decide(&self, care: &Care, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
        self.0.decide(care, before, events, at)
    }

    fn unevaluated(&self, before: &PatientState, events: &[Event], reason: ErrorCode, at: DateTime<Utc>) -> Decisions {
        self.0.unevaluated(before, events, reason, at)
    }

    fn may_stand(&self, item: &Item) -> Result<(), ingest::store::PlanRefused> {
        self.0.may_stand(item)
    }
}

/// Four high values in a day; then the protocol is put in force; then, where one is given, another value. What is open.
fn open_after(decide: impl Decide + 'static, text: &str, then: Option<&str>) -> Vec<(String, usize)> {
    in_county(Arc::new(decide), async |county| {
        is(&plan(&county, "pt-own", 1, &["test-average"], &[]).await, 201, None);
        for (first, value) in [(1, "158/80"), (2, "156/80"), (3, "152/80"), (4, "154/80")] {
            county.send(&["pt-own"], first, value).await;
            county.clock.advance(TimeDelta::hours(6));
        }
        is(&at_place(&county, "st-lead", json!("footprint"), 1, &[(text, "active")], &[]).await, 201, None);
        for _ in 0..2 {
            go_round(&county).await;
        }
        if let Some(value) = then {
            county.send(&["pt-own"], 5, value).await;
        }
        let alerts = county.shared.store.alerts(&everywhere(&["pt-own"]), 100).await.unwrap();
        let open = alerts.into_iter().filter(|alert| alert.audience == Audience::Clinical);
        open.filter(|alert| alert.condition == Condition::Active)
            .map(|alert| (alert.made_by.rule, alert.evidence.len()))
            .collect()
    })
}

/// The average of four high values and a normal one is high: seen at once where what was stored is looked at.
#[test]
fn a_protocol_put_in_force_looks_back_on_what_was_stored_before() {
    let text = AVERAGE.replace("ACTIONABLE", "1h");
    let average = || vec![("average".to_owned(), 1)];
    assert_eq!(open_after(judging(&[&text]), &text, Some("140/80")), average());
    assert_eq!(open_after(ListensFromNowOn(judging(&[&text])), &text, Some("140/80")), [], "planted");
}

/// What was measured before a protocol was in force opens an alert where it can be acted on still, once, and no other.
#[test]
fn what_can_be_acted_on_still_is_told_when_a_protocol_is_put_in_force() {
    let (long, short) = (AVERAGE.replace("ACTIONABLE", "1d"), AVERAGE.replace("ACTIONABLE", "1h"));
    assert_eq!(open_after(judging(&[&long]), &long, None), [("average".to_owned(), 1)]);
    assert_eq!(open_after(judging(&[&short]), &short, None), []);
}

/// A protocol is withdrawn and put back: what was measured in between is in its lists.
#[test]
fn a_protocol_that_was_withdrawn_looks_back_on_the_time_between() {
    let text = AVERAGE.replace("ACTIONABLE", "1h");
    in_county(Arc::new(judging(&[&text])), async |county| {
        is(&plan(&county, "pt-own", 1, &["test-average"], &[]).await, 201, None);
        for (version, stage, status) in [(1, "active", 201), (2, "retired", 200), (3, "active", 200)] {
            let answer = at_place(&county, "st-lead", json!("footprint"), version, &[(&text, stage)], &[]).await;
            is(&answer, status, None);
            go_round(&county).await;
            if stage == "retired" {
                for (first, value) in [(1, "158/80"), (2, "156/80"), (3, "152/80"), (4, "154/80")] {
                    county.send(&["pt-own"], first, value).await;
                    county.clock.advance(TimeDelta::hours(6));
                }
            }
        }
        county.send(&["pt-own"], 5, "140/80").await;
        let alerts = county.shared.store.alerts(&everywhere(&["pt-own"]), 100).await.unwrap();
        let clinical = alerts.iter().filter(|alert| alert.audience == Audience::Clinical);
        assert_eq!(clinical.count(), 1, "{alerts:?}");
    });
}
