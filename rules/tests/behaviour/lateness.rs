//! What a rule does with a reading that came too late to act on, and how long its alert stands at the least.

use crate::{
    support::{Clock, Kept, When, demo_plan, pressure, reading, start},
    waiting::plan_of,
};
use chrono::TimeDelta;
use rules::{
    Actor, ClearedBecause, Condition, Event, Plan, decide,
    event::Timer,
    pack::{Late, Pack},
};
use vitals::{
    Decimal, Measure, Value, bounded::Text, id::StaffId, measure::BodyWeight, quantity::Kilograms, wire::v1::Urgency,
};

const HEAD: &str = r#"
[pack]
id = "late"
title = "Late"
version = "1.0.0"
engine_min = 2
[[pack.sources]]
ref = "invented"
[message.m]
en = "Call 999 now."
[message.again]
en = "Please take it again."
"#;

fn rule(id: &str, when: &str, more: &str) -> String {
    format!(
        "[[rule]]\nid = \"{id}\"\ntitle = \"T\"\nharm = \"reversible\"\nonset = \"prompt\"\nwhen = {{ {when}, above = 80 }}\n\
         clear = {{ count = 1, when = {{ {when}, at_most = 80 }} }}\nactionable_for = \"30m\"\nraise_again_after = \"1d\"\n\
         clinician_message = \"m\"\n{more}\n"
    )
}

/// A weight of so many kilograms, taken and received at these minutes.
fn weighs(plan: &Plan, kept: &mut Kept, kilograms: u16, taken: i64, received: i64) {
    let mass = Kilograms::new(Decimal::from(kilograms));
    let value = Value::Measured(Measure::Weight(BodyWeight { mass, bmi: None, height: None }));
    let (taken, received) = (TimeDelta::minutes(taken), TimeDelta::minutes(received));
    let when = When { clock: Clock::Known, taken, heard: received, sent: received, received };
    let number = u32::try_from(when.taken.num_minutes()).expect("from the start on");
    let events = [Event::Reading(Box::new(reading(number, value, when)))];
    let decisions = decide(plan, &kept.state, &events, start() + received);
    kept.keep(&events, &decisions);
}

/// Each policy by a rule that reads the newest value and by one that looks back, for a high weight that is fresh, one that is
/// late, and one that is late and older than a good one.
#[test]
fn each_rule_says_what_is_done_with_what_is_late() {
    let newest = "latest = \"weight\"";
    let back = "highest = \"weight\", over = \"4h\"";
    // The default is written as nothing.
    for (policy, late, is_opened, is_marked) in [
        ("", Late::AlertAsLate, true, true),
        ("late = \"alert-as-late\"", Late::AlertAsLate, true, true),
        ("late = \"alert\"", Late::Alert, true, false),
        ("late = \"record-only\"", Late::RecordOnly, false, false),
    ] {
        for when in [newest, back] {
            let text = format!("{HEAD}{}", rule("r", when, policy));
            assert_eq!(Pack::read(&text).unwrap_or_else(|error| panic!("{error}")).rules[0].late, late);
            let plan = plan_of(&text);

            let mut fresh = Kept::new();
            weighs(&plan, &mut fresh, 82, 300, 310);
            assert_eq!((fresh.alerts.len(), fresh.alerts[0].late), (1, false), "{policy} {when}: fresh");

            let mut alone = Kept::new();
            weighs(&plan, &mut alone, 82, 300, 400);
            assert_eq!(alone.alerts.len(), usize::from(is_opened), "{policy} {when}: late");
            assert!(alone.alerts.iter().all(|alert| alert.late == is_marked), "{policy} {when}");

            let mut before = Kept::new();
            weighs(&plan, &mut before, 79, 500, 500);
            weighs(&plan, &mut before, 82, 300, 500);
            assert_eq!(before.alerts.len(), usize::from(is_opened), "{policy} {when}: late and older");
        }
    }
}

#[test]
fn a_red_is_told_however_late() {
    let red = |more: &str| {
        let rule = rule("r", "latest = \"weight\"", more).replace("onset = \"prompt\"", "onset = \"immediate\"");
        Pack::read(&format!("{HEAD}{rule}\npatient_message = \"m\"\nlate_patient_message = \"again\"\n"))
    };
    assert!(red("late = \"alert\"").is_ok());
    let refused = red("late = \"record-only\"").unwrap_err();
    assert_eq!(refused.problems[0].advice, "leave out late = \"record-only\"", "{refused}");
}

/// A high weight, and a good one half an hour later: over at once where nothing is said, and after an hour where that is.
#[test]
fn an_alert_stands_as_long_as_its_rule_says() {
    for when in ["latest = \"weight\"", "highest = \"weight\", over = \"10m\""] {
        for (more, at_half, at_hour) in [("", false, false), ("keep_firing = \"1h\"", true, false)] {
            let plan = plan_of(&format!("{HEAD}{}", rule("r", when, more)));
            let mut kept = Kept::new();
            let is_active = |kept: &Kept| kept.alerts[0].condition == Condition::Active;
            weighs(&plan, &mut kept, 82, 0, 0);
            weighs(&plan, &mut kept, 79, 30, 30);
            assert_eq!(is_active(&kept), at_half, "{when} {more}");
            weighs(&plan, &mut kept, 79, 59, 59);
            assert_eq!(is_active(&kept), at_half, "{when} {more}");
            weighs(&plan, &mut kept, 79, 60, 60);
            assert_eq!(is_active(&kept), at_hour, "{when} {more}");
            assert_eq!(kept.alerts[0].condition, Condition::Cleared(ClearedBecause::Improved));
        }
    }
}

/// Somebody takes all that is open, at a minute.
fn take_all(plan: &Plan, kept: &mut Kept, minute: i64) {
    let by = Actor { id: StaffId::parse("st-ada").unwrap(), name: Text::new("ada").unwrap() };
    for alert in kept.state.alerts.iter().map(|alert| alert.id).collect::<Vec<_>>() {
        let events = [Event::Acknowledged { alert, by: by.clone(), note: None }];
        let decisions = decide(plan, &kept.state, &events, start() + TimeDelta::minutes(minute));
        kept.keep(&events, &decisions);
    }
}

/// The windows of repeats end.
fn let_repeats_end(plan: &Plan, kept: &mut Kept) {
    for (alert, due_at) in kept.timers.clone() {
        let events = [Event::Due(Timer { alert, due_at })];
        let decisions = decide(plan, &kept.state, &events, due_at);
        kept.keep(&events, &decisions);
    }
}

const DAY: i64 = 24 * 60;

/// What somebody took days ago does not speak for what is true now, in whatever order the readings of now arrive: by a rule that
/// reads the newest value, and by one that looks back.
#[test]
fn a_red_of_another_day_is_told_in_whatever_order_its_readings_come() {
    let heard = |plan: &Plan, kept: &mut Kept, (systolic, diastolic): (u16, u16), taken: i64, received: i64| {
        let (taken, received) = (TimeDelta::minutes(taken), TimeDelta::minutes(received));
        let when = When { clock: Clock::Known, taken, heard: received, sent: received, received };
        let number = u32::try_from(when.taken.num_minutes()).unwrap();
        let events = [Event::Reading(Box::new(reading(number, pressure(systolic, diastolic), when)))];
        let decisions = decide(plan, &kept.state, &events, start() + received);
        kept.keep(&events, &decisions);
    };
    for in_order in [true, false] {
        let plan = demo_plan();
        let mut kept = Kept::new();
        heard(&plan, &mut kept, (182, 118), 1, 1);
        take_all(&plan, &mut kept, 10);
        let_repeats_end(&plan, &mut kept);
        let (red, between) = (((185, 120), 3 * DAY, 3 * DAY + 11), ((167, 100), 3 * DAY + 10, 3 * DAY + 11));
        let arrived = if in_order { [red, between] } else { [between, red] };
        let jobs = kept.jobs.len();
        for (value, taken, received) in arrived {
            heard(&plan, &mut kept, value, taken, received);
        }
        let reds = kept.alerts.iter().filter(|alert| alert.urgency == Urgency::ActNow).count();
        assert_eq!((reds, kept.jobs.len() > jobs), (2, true), "in order: {in_order}");
    }
    let when = "latest = \"weight\", n_of = [2, 3], over = \"1d\"";
    let text = format!("{HEAD}{}", rule("r", when, "")).replace("at_most = 80", "at_most = 70");
    let plan = plan_of(&text);
    for in_order in [true, false] {
        let mut kept = Kept::new();
        weighs(&plan, &mut kept, 82, 1, 1);
        weighs(&plan, &mut kept, 82, 5, 5);
        assert_eq!(kept.alerts.len(), 1);
        take_all(&plan, &mut kept, 10);
        let (first, second) = (3 * DAY, 3 * DAY + 10);
        for taken in if in_order { [first, second] } else { [second, first] } {
            weighs(&plan, &mut kept, 82, taken, 3 * DAY + 11);
        }
        assert_eq!(kept.alerts.len(), 2, "looking back, in order: {in_order}");
    }
}
