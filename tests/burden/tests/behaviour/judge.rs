//! Each clause of the definition by a tiny case. Every case is judged twice: as defined, and by a judge that leaves the
//! clause out, which must come to something else, or the case proves nothing.

use crate::world::{DAY, HOUR, alert, at, due, episode, prompt, reading, stream, without, world};
use burden::{
    cohort::Stratum,
    judge::{
        Clause, Figures, Outcome, Subgroup, Verdict, World,
        compare::{Cell, Equal, compare, detection},
        judge,
    },
    lines::{Fate, Priority, Stream, Touch},
    parameters::Class,
};

fn figures(verdict: &Verdict) -> &Figures {
    &verdict.figures[&Stratum::HeartFailure]
}

fn found(verdict: &Verdict) -> u64 {
    verdict.outcomes.iter().map(|outcome| u64::from(outcome.detected.is_some())).sum()
}

/// Judges as defined and without the clause: the measure must be the one number, then the other.
fn check(world: &World, stream: &Stream, clause: Clause, measure: fn(&Verdict) -> u64, expected: u64, left_out: u64) {
    assert_ne!(expected, left_out, "{clause:?} makes no difference here");
    assert_eq!(measure(&judge(world, stream, 1)), expected, "{clause:?}");
    assert_eq!(measure(&judge(&without(world, clause), stream, 1)), left_out, "without {clause:?}");
}

/// Due on three days; a reading on the first, on the second none, on the third one that came the day after.
#[test]
fn a_monitored_day_has_a_due_reading_received_that_day_and_a_silent_day_is_no_denominator() {
    let mut world = world();
    for day in 0..3 {
        due(&mut world, 0, day);
    }
    reading(&mut world, 0, 8, 8);
    reading(&mut world, 0, 56, 80);
    reading(&mut world, 1, 32, 32);
    let nothing = Stream::default();
    check(&world, &nothing, Clause::SilentDays, |verdict| figures(verdict).monitored_days, 1, 3);
    check(&world, &nothing, Clause::ThatDay, |verdict| figures(verdict).silent_days, 2, 1);
}

/// A paused day, on which nothing is due, is neither; nor is a reading of another kind than was due.
#[test]
fn what_was_not_due_makes_no_monitored_day() {
    let mut world = world();
    due(&mut world, 0, 0);
    reading(&mut world, 0, 8, 8);
    reading(&mut world, 0, 32, 32);
    assert_eq!(figures(&judge(&world, &Stream::default(), 1)).monitored_days, 1);
    world.due[0].kind = burden::cohort::Kind::Pressure;
    let verdict = judge(&world, &Stream::default(), 1);
    assert_eq!((figures(&verdict).monitored_days, figures(&verdict).silent_days), (0, 1));
}

#[test]
fn every_showing_is_a_touch() {
    let mut world = world();
    let seen = reading(&mut world, 0, 8, 8);
    let mut told_again = alert(0, 8, &[seen]);
    let further = [Touch::Repeat, Touch::Rung, Touch::Reopened, Touch::Returned];
    told_again.again = further.into_iter().zip(9..).map(|(touch, hour)| (touch, at(hour))).collect();
    let one = stream([told_again]);
    check(&world, &one, Clause::FurtherShowings, |verdict| figures(verdict).clinical, 5, 1);
    for touch in further {
        assert_eq!(figures(&judge(&world, &one, 1)).touches[&touch], 1);
    }
}

/// Open for two days and a half: two more touches, until somebody takes it or it ends.
#[test]
fn an_open_alert_that_nobody_touches_counts_again_each_day() {
    let mut world = world();
    let seen = reading(&mut world, 0, 8, 8);
    let mut left = alert(0, 8, &[seen]);
    left.taken_at = Some(at(8 + 60));
    check(&world, &stream([left.clone()]), Clause::Untouched, |verdict| figures(verdict).clinical, 3, 1);
    left.cleared_at = Some(at(8 + 25));
    assert_eq!(figures(&judge(&world, &stream([left.clone()]), 1)).clinical, 2);
    // Nobody ever: each day to the end of the cohort.
    (left.taken_at, left.cleared_at) = (None, None);
    assert_eq!(figures(&judge(&world, &stream([left]), 1)).clinical, 30);
}

#[test]
fn what_is_no_alert_and_is_put_before_staff_is_a_touch_in_its_lane_with_its_minutes() {
    let world = world();
    let other = [
        Touch::WelfareCall,
        Touch::Unassigned,
        Touch::Equipment,
        Touch::IsThisYou,
        Touch::CarerPrompt,
        Touch::GpLetter,
    ];
    let stream = Stream { touches: other.map(|touch| (0, touch, at(9))).into(), ..Stream::default() };
    check(&world, &stream, Clause::OtherTouches, |verdict| figures(verdict).welfare, 4, 0);
    check(&world, &stream, Clause::OtherTouches, |verdict| figures(verdict).clinical, 2, 0);
    assert_eq!(figures(&judge(&world, &stream, 1)).minutes_milli, 12_000);
}

/// An alert about somebody who did not measure is a welfare call, not a clinician's touch.
#[test]
fn an_alert_counts_in_the_lane_of_its_rule() {
    let mut call = alert(0, 34, &[]);
    call.rule = "r/call".into();
    let verdict = judge(&world(), &stream([call]), 1);
    assert_eq!((figures(&verdict).clinical, figures(&verdict).welfare), (0, 1));
    assert_eq!(figures(&verdict).touches[&Touch::WelfareCall], 1);
}

/// One episode of a class, seen at hour 10 in a reading, useful for four hours; and the reading's place.
fn one_episode(class: Class) -> (World, u32) {
    let mut world = world();
    let seen = reading(&mut world, 0, 10, 10);
    episode(&mut world, class, 0, 4, seen, 4);
    (world, seen)
}

#[test]
fn an_alert_on_the_reading_that_shows_it_detects_an_episode_with_its_delay() {
    let (world, seen) = one_episode(Class::U);
    let verdict = judge(&world, &stream([alert(0, 12, &[seen])]), 1);
    let detected = verdict.outcomes[0].detected.unwrap();
    assert_eq!((detected.raised_at, detected.delay), (at(12), 2 * HOUR));
    assert!(verdict.void.is_empty());
}

#[test]
fn nothing_is_detected_by_foresight() {
    let (mut world, seen) = one_episode(Class::U);
    let theirs = reading(&mut world, 1, 10, 10);
    let to_come = reading(&mut world, 0, 11, 13);
    let mut of_nothing = alert(0, 12, &[seen]);
    of_nothing.evidence.push(None);
    check(&world, &stream([of_nothing]), Clause::EvidenceExists, found, 0, 1);
    check(&world, &stream([alert(0, 12, &[seen, 99])]), Clause::EvidenceExists, found, 0, 1);
    check(&world, &stream([alert(0, 12, &[seen, theirs])]), Clause::EvidenceIsTheirs, found, 0, 1);
    check(&world, &stream([alert(0, 12, &[seen, to_come])]), Clause::EvidenceHadArrived, found, 0, 1);
    // A void alert is counted as void, and was a touch all the same.
    let verdict = judge(&world, &stream([alert(0, 12, &[seen, theirs])]), 1);
    assert_eq!((verdict.void.values().sum::<u64>(), figures(&verdict).clinical), (1, 1));
}

#[test]
fn the_rule_must_be_listed_for_the_cause() {
    let (world, seen) = one_episode(Class::U);
    let mut other = alert(0, 12, &[seen]);
    other.rule = "r/other".into();
    check(&world, &stream([other.clone()]), Clause::Listed, found, 0, 1);
    other.rule = "r/unheard-of".into();
    assert_eq!(judge(&world, &stream([other]), 1).void.values().sum::<u64>(), 1, "what no list names voids a run");
}

#[test]
fn the_priority_must_reach_the_class() {
    for (class, enough, too_low) in
        [(Class::E, Priority::High, Priority::Medium), (Class::U, Priority::Medium, Priority::Low)]
    {
        let (world, seen) = one_episode(class);
        let with = |priority| {
            let mut alert = alert(0, 12, &[seen]);
            alert.priority = priority;
            Stream { prompts: vec![prompt(0, 11)], ..stream([alert]) }
        };
        check(&world, &with(too_low), Clause::Priority, found, 0, 1);
        assert_eq!(found(&judge(&world, &with(enough), 1)), 1);
    }
}

#[test]
fn some_evidence_must_be_from_after_onset() {
    let (mut world, _) = one_episode(Class::U);
    let before = reading(&mut world, 0, 3, 3);
    check(&world, &stream([alert(0, 12, &[before])]), Clause::AfterOnset, found, 0, 1);
    let both = alert(0, 12, &[before, 0]);
    assert_eq!(found(&judge(&world, &stream([both]), 1)), 1);
}

#[test]
fn an_alert_must_be_opened_between_the_first_visible_reading_and_the_latest_useful_time() {
    let (mut world, seen) = one_episode(Class::U);
    let early = reading(&mut world, 0, 5, 5);
    check(&world, &stream([alert(0, 9, &[early])]), Clause::NotBeforeVisible, found, 0, 1);
    check(&world, &stream([alert(0, 15, &[seen])]), Clause::NotAfterUseful, found, 0, 1);
    assert_eq!(found(&judge(&world, &stream([alert(0, 14, &[seen])]), 1)), 1, "the last moment counts");
}

#[test]
fn in_class_e_the_person_is_told_as_well() {
    let (world, seen) = one_episode(Class::E);
    let mut red = alert(0, 11, &[seen]);
    red.priority = Priority::High;
    let silent = stream([red.clone()]);
    check(&world, &silent, Clause::PersonTold, found, 0, 1);
    let told = Stream { prompts: vec![prompt(0, 11)], ..stream([red.clone()]) };
    assert_eq!(judge(&world, &told, 1).outcomes[0].detected.unwrap().told_at, Some(at(11)));
    for prompts in [vec![prompt(1, 11)], vec![prompt(0, 9)], vec![prompt(0, 15)]] {
        let elsewhere = Stream { prompts, ..stream([red.clone()]) };
        assert_eq!(found(&judge(&world, &elsewhere, 1)), 0, "another person, too early, too late");
    }
}

#[test]
fn what_was_settled_withheld_or_merged_detects_nothing_and_is_no_touch() {
    let (world, seen) = one_episode(Class::U);
    for fate in [Fate::Settled, Fate::Withheld, Fate::Merged] {
        let mut unseen = alert(0, 12, &[seen]);
        unseen.fate = fate;
        check(&world, &stream([unseen.clone()]), Clause::Shown, found, 0, 1);
        assert_eq!(figures(&judge(&world, &stream([unseen]), 1)).clinical, 0);
    }
}

/// Two episodes of one person that one alert could be about, and an alert that only the second can have.
#[test]
fn one_alert_detects_at_most_one_episode() {
    let (mut world, seen) = one_episode(Class::U);
    episode(&mut world, Class::U, 0, 6, seen, 20);
    check(&world, &stream([alert(0, 12, &[seen])]), Clause::OneEach, found, 1, 2);
    // With a second alert both are found, though the first alert fits both and the second only the longer.
    let both = [alert(0, 12, &[seen]), alert(0, 20, &[seen])];
    assert_eq!(found(&judge(&world, &stream(both), 1)), 2);
}

/// Both people have an episode at the same time and an alert for it: whoever's alerts they get find it, so it is all luck.
/// Where only the one has an alert, the other's silence finds nothing.
#[test]
fn informed_detection_is_without_what_another_persons_alerts_would_find() {
    let (mut world, seen) = one_episode(Class::U);
    let theirs = reading(&mut world, 1, 10, 10);
    let one = stream([alert(0, 12, &[seen])]);
    let luck = |verdict: &Verdict| u64::from(verdict.outcomes[0].by_luck);
    check(&world, &one, Clause::AnotherPersons, luck, 0, 10);
    let everywhere = stream([alert(0, 12, &[seen]), alert(1, 12, &[theirs])]);
    let verdict = judge(&world, &everywhere, 1);
    let (episodes, detected, informed) = detection(&verdict.outcomes, |_| true);
    assert_eq!((episodes, verdict.outcomes[0].by_luck), (1, 10));
    assert!((detected - 100.0).abs() < 1e-9 && informed.abs() < 1e-9);
}

#[test]
fn a_red_reading_is_seen_by_a_human_within_the_hour() {
    let (mut world, seen) = one_episode(Class::U);
    world.readings[0].is_red = true;
    let unseen = |verdict: &Verdict| figures(verdict).reds_unseen;
    check(&world, &stream([alert(0, 12, &[seen])]), Clause::RedWithinTheHour, unseen, 1, 0);
    assert_eq!(unseen(&judge(&world, &stream([alert(0, 11, &[seen])]), 1)), 0);
    let mut settled = alert(0, 11, &[seen]);
    settled.fate = Fate::Settled;
    assert_eq!(unseen(&judge(&world, &stream([settled]), 1)), 1, "settled by itself: nobody saw it");
    assert_eq!(unseen(&judge(&world, &Stream::default(), 1)), 1);
}

/// A finding that nobody saw, 71 and 73 hours before an episode.
#[test]
fn silenced_harm_is_what_follows_within_72_hours() {
    let mut world = world();
    let early = reading(&mut world, 0, 1, 1);
    let seen = reading(&mut world, 0, 80, 80);
    episode(&mut world, Class::E, 0, 76, seen, 1);
    let settled = |hour| {
        let mut alert = alert(0, hour, &[early]);
        alert.fate = Fate::Withheld;
        stream([alert])
    };
    let harm = |verdict: &Verdict| figures(verdict).silenced_harm;
    check(&world, &settled(3), Clause::HarmWithin72Hours, harm, 0, 1);
    assert_eq!(harm(&judge(&world, &settled(5), 1)), 1);
    world.labels[0].class = Class::R;
    assert_eq!(harm(&judge(&world, &settled(5), 1)), 0, "of class R it is no harm");
}

#[test]
fn advice_to_call_999_is_right_only_during_an_e_episode() {
    let (world, _) = one_episode(Class::E);
    let advice =
        |hours: &[i64]| Stream { prompts: hours.iter().map(|hour| prompt(0, *hour)).collect(), ..Stream::default() };
    let right = |verdict: &Verdict| figures(verdict).right_999;
    check(&world, &advice(&[2, 6]), Clause::Right999, right, 1, 2);
    assert_eq!(figures(&judge(&world, &advice(&[2, 6]), 1)).says_999, 2);
    let (urgent, _) = one_episode(Class::U);
    assert_eq!(right(&judge(&urgent, &advice(&[6]), 1)), 0);
}

#[test]
fn more_than_two_instructions_to_a_person_in_a_day_are_counted() {
    let prompts = |hours: &[i64]| {
        let stream = Stream { prompts: hours.iter().map(|hour| prompt(0, *hour)).collect(), ..Stream::default() };
        let verdict = judge(&world(), &stream, 1);
        (figures(&verdict).prompts, figures(&verdict).days_over_prompted)
    };
    assert_eq!(prompts(&[8, 12]), (2, 0));
    assert_eq!(prompts(&[8, 12, 20]), (3, 1));
    assert_eq!(prompts(&[8, 12, 25]), (3, 0), "the third is on the next day");
}

/// Silent on days 0 and 1: a call on the next morning is in time for both, one on day 3 for the second alone.
#[test]
fn a_welfare_call_is_in_time_by_the_end_of_the_next_day() {
    let mut world = world();
    due(&mut world, 0, 0);
    due(&mut world, 0, 1);
    let call = |hour| Stream { touches: vec![(0, Touch::WelfareCall, at(hour))], ..Stream::default() };
    let called = |verdict: &Verdict| figures(verdict).silent_days_called;
    assert_eq!(called(&judge(&world, &call(34), 1)), 2);
    assert_eq!(called(&judge(&world, &call(50), 1)), 1);
    check(&world, &call(73), Clause::CallInTime, called, 0, 2);
}

/// Outcomes of one class: each found or not, after so many seconds.
fn outcomes(class: Class, found: &[Option<i64>]) -> Vec<Outcome> {
    let one = |(label, delay): (usize, &Option<i64>)| Outcome {
        label,
        stratum: Stratum::Copd,
        class,
        subgroups: if label % 2 == 0 { vec![Subgroup::Scale2] } else { Vec::new() },
        is_visible: true,
        detected: delay.map(|delay| burden::judge::Detected { raised_at: delay, told_at: Some(delay), delay }),
        by_luck: 0,
    };
    found.iter().enumerate().map(one).collect()
}

fn equal(
    class: Class,
    ours: &[Option<i64>],
    a: &[Option<i64>],
    b: &[Option<i64>],
    cell: Cell,
) -> (Equal, &'static str) {
    let (a, b) = (outcomes(class, a), outcomes(class, b));
    let all = compare(&outcomes(class, ours), &[("A", &a), ("B", &b)]);
    let one = all.iter().find(|one| one.class == class && one.cell == cell).unwrap();
    (one.equal, one.rival)
}

/// So many found after 60 seconds, then so many not.
fn of(found: usize, not: usize) -> Vec<Option<i64>> {
    [vec![Some(60); found], vec![None; not]].concat()
}

#[test]
fn no_e_episode_is_missed_that_a_or_b_found_in_at_least_a_thousand() {
    let e = |ours: &[Option<i64>], a: &[Option<i64>], b: &[Option<i64>]| equal(Class::E, ours, a, b, Cell::All).0;
    assert_eq!(e(&of(1000, 0), &of(1000, 0), &of(900, 100)), Equal::Met);
    assert_eq!(e(&of(999, 0), &of(999, 0), &of(0, 999)), Equal::TooFew);
    // More found in all, and still one missed that the lesser comparator found.
    let mut missed = of(1000, 0);
    missed[0] = None;
    let mut lesser = of(0, 1000);
    lesser[0] = Some(60);
    assert_eq!(e(&missed, &of(0, 1000), &lesser), Equal::NotMet);
    // What nobody found may be missed.
    assert_eq!(e(&of(999, 1), &of(999, 1), &of(999, 1)), Equal::Met);
    // Neither the alert nor the instruction later, by a second, in a single episode.
    let mut later = of(1000, 0);
    later[7] = Some(61);
    assert_eq!(e(&later, &of(1000, 0), &of(1000, 0)), Equal::NotMet);
}

#[test]
fn u_and_r_are_within_two_points_of_the_better_comparator_by_the_lower_limit_on_800() {
    for class in [Class::U, Class::R] {
        let one = |ours: &[Option<i64>], a: &[Option<i64>], b: &[Option<i64>]| equal(class, ours, a, b, Cell::All);
        assert_eq!(one(&of(800, 0), &of(700, 100), &of(800, 0)), (Equal::Met, "B"));
        assert_eq!(one(&of(700, 99), &of(700, 99), &of(0, 799)).0, Equal::TooFew);
        // Five missed in 800: the limit is -1.1 points. Ten: -1.9. Twelve: -2.2.
        assert_eq!(one(&of(790, 10), &of(800, 0), &of(0, 800)).0, Equal::Met);
        assert_eq!(one(&of(788, 12), &of(800, 0), &of(0, 800)).0, Equal::NotMet);
        // Judged against the better: beating A alone is not enough.
        assert_eq!(one(&of(700, 100), &of(600, 200), &of(800, 0)), (Equal::NotMet, "B"));
        // As many, later at the ninetieth percentile.
        let mut slow = of(800, 0);
        slow.iter_mut().take(100).for_each(|delay| *delay = Some(61));
        assert_eq!(one(&slow, &of(800, 0), &of(800, 0)).0, Equal::NotMet);
    }
}

/// Equal in all and worse in a subgroup is seen in the subgroup.
#[test]
fn a_subgroup_is_compared_by_itself() {
    let ours: Vec<Option<i64>> = (0..2000).map(|place| (place % 2 == 1).then_some(60)).collect();
    let theirs: Vec<Option<i64>> = (0..2000).map(|place| (place % 2 == 0).then_some(60)).collect();
    let cell = |cell| equal(Class::R, &ours, &theirs, &of(0, 2000), cell).0;
    assert_eq!(cell(Cell::Group(Subgroup::Scale2)), Equal::NotMet);
    assert_eq!(cell(Cell::Condition(Stratum::Copd)), cell(Cell::All));
}

/// The days of the fixtures are those of the calendar.
#[test]
fn hours_are_counted_from_a_monday_midnight() {
    assert_eq!(
        (at(0) / DAY) % 7,
        4,
        "1 January 1970 was a Thursday, so a Monday is four days after a multiple of seven"
    );
}
