use super::*;
use chrono::TimeDelta;

#[test]
fn the_service_refuses_the_demo_pack_that_the_demo_takes() {
    let pack = rules::pack::demo_pack().unwrap();
    let for_service = ByPlan::for_service(vec![pack.clone()], vec![], WithoutPlan::NotJudged);
    assert!(matches!(for_service, Err(PackRefused::DemoOnly(_))));
    assert!(ByPlan::for_demo(vec![pack], vec![]).is_ok());
}

/// The day of a review and the end of what is temporary are told to whoever set it, each at its time and not before.
#[test]
fn whoever_set_a_number_is_asked_at_its_review_and_told_before_it_ends() {
    let plan = r#"{ "plan": { "id": "rc-1", "patient": "pt-1", "packs": [], "parameters": [
        { "pack": "bp", "name": "red", "value": "160", "author": "st-1", "reason": "r", "at": "2026-01-01T00:00:00Z",
          "review_at": "2026-03-01T00:00:00Z" },
        { "pack": "bp", "name": "amber", "value": "140", "author": "st-2", "reason": "r", "at": "2026-01-01T00:00:00Z",
          "review_at": "2027-01-01T00:00:00Z", "temporary": { "from": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z" } }
    ] } }"#;
    let plan: Item = serde_json::from_str(plan).unwrap();
    let asked = |day: &str| -> Vec<String> {
        let at = format!("2026-{day}T00:00:00Z").parse().unwrap();
        reviews(&plan, TimeDelta::days(14), at).iter().map(ToString::to_string).collect()
    };
    assert_eq!(asked("01-17"), Vec::<String>::new());
    let ends = "tell st-2 that amber of bp ends by itself 2026-02-01 00:00 UTC";
    assert_eq!(asked("01-18"), [ends]);
    assert_eq!(asked("02-01"), Vec::<String>::new());
    let is_due = "ask st-1 whether red of bp still holds: its review was due 2026-03-01 00:00 UTC";
    assert_eq!(asked("03-01"), [is_due]);
}
