//! Protocols that nobody sane would write: whatever reads is judged without a panic, keeps a state that can be stored, and never
//! costs more than a decision may.

use super::checks::held;
use super::history::{Engine, real};
use super::{caught, holds};
use crate::support::{CHANNELS, Clock, Kept, When, patient, pressure, reading, start};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::{prelude::*, sample::select};
use rules::{
    Event, PatientState, Plan, Timer, Verdict, decide,
    decide::{COST_MAX, RULES_ASKED_MAX},
    pack::Pack,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use vitals::{Decimal, Flag, Measure, Value, measure::BodyWeight, quantity::Kilograms};

/// Numbers on every edge there is: of bounds, of what a list holds, and of nothing.
const NUMBERS: [&str; 8] =
    ["0", "1", "\"-1\"", "\"0.000000001\"", "170", "1000000", "\"999999.999999999\"", "\"-1000000\""];
const SPANS: [&str; 7] = ["1s", "1m", "59m", "1d", "7d", "49d", "100d"];
const COMPARISONS: [&str; 4] = ["at_least", "at_most", "above", "below"];
const FOLDS: [&str; 10] =
    ["mean", "median", "lowest", "highest", "home_average", "unusual", "slope", "rate", "cusum", "change"];

fn a_leaf() -> impl Strategy<Value = String> {
    let parts = (select(FOLDS.to_vec()), 0..5_u8, select(NUMBERS.to_vec()), select(COMPARISONS.to_vec()));
    let times = (select(SPANS.to_vec()), select(SPANS.to_vec()), 0..66_usize, 0..66_usize);
    (parts, times, 0..9_u8).prop_map(|((fold, from, number, comparison), (over, per, least, last), form)| {
        let compared = format!("{comparison} = {number}");
        let of = if from % 2 == 0 { "systolic" } else { "weight" };
        let without = if from == 3 { ", without = [\"irregular_pulse\"]" } else { "" };
        let text = match form {
            0 => format!("latest = \"{of}\", {compared}"),
            1 => format!("latest = \"{of}\", max_age = \"{over}\", {compared}{without}"),
            2 => format!("latest = \"{of}\", n_of = [{least}, {last}], over = \"{over}\", {compared}{without}"),
            3 => format!("latest = \"{of}\", for = \"{over}\", gap_max = \"{per}\", {compared}"),
            4 => "quality_without = [\"device_doubts\"]".to_owned(),
            _ => {
                let more = match fold {
                    "slope" | "rate" => format!(", per = \"{per}\""),
                    "cusum" => ", slack = 1".to_owned(),
                    "change" => {
                        let from = ["lowest", "highest", "previous", "usual", "resting"][usize::from(from)];
                        format!(", from = \"{from}\"")
                    }
                    _ => String::new(),
                };
                format!("{fold} = \"{of}\", over = \"{over}\"{more}, {compared}{without}")
            }
        };
        format!("{{ {text} }}")
    })
}

fn a_condition() -> impl Strategy<Value = String> {
    let several = || prop::collection::vec(a_leaf(), 1..6);
    prop_oneof![
        3 => a_leaf(),
        2 => (select(vec!["any", "all"]), several()).prop_map(|(how, parts)| format!("{{ {how} = [{}] }}", parts.join(", "))),
        1 => a_leaf().prop_map(|part| format!("{{ not = {part} }}")),
        1 => (several(), several()).prop_map(|(one, other)| {
            format!("{{ any = [{{ all = [{}] }}, {{ not = {{ any = [{}] }} }}] }}", one.join(", "), other.join(", "))
        }),
    ]
}

const AGAIN: &str = "retest = { after = \"1m\", within = \"15m\", prompt = \"m\", confirm = \"same\", on_no_answer = \"raise\", opens = \"at-first-reading\" }\n";

fn a_rule() -> impl Strategy<Value = String> {
    let what = (a_condition(), a_condition(), 0..4_u32);
    let how = (
        select(vec!["irreversible", "reversible", "minor"]),
        select(vec!["immediate", "prompt", "delayed"]),
        select(vec![
            "",
            "late = \"alert\"\n",
            "late = \"record-only\"\n",
            "keep_firing = \"30m\"\n",
            AGAIN,
            "provenance = \"device\"\n",
        ]),
        select(SPANS.to_vec()),
    );
    (what, how).prop_map(|((when, clear, count), (harm, onset, more, span))| {
        format!(
            "title = \"R\"\nharm = \"{harm}\"\nonset = \"{onset}\"\nwhen = {when}\nclear = {{ count = {count}, when = {clear} }}\n\
             actionable_for = \"{span}\"\nraise_again_after = \"{span}\"\n{more}patient_message = \"m\"\n\
             late_patient_message = \"l\"\nclinician_message = \"m\"\n"
        )
    })
}

fn a_pack() -> impl Strategy<Value = String> {
    prop::collection::vec(a_rule(), 1..5).prop_map(|rules| {
        let rules: Vec<String> =
            (0..).zip(rules).map(|(number, rule): (u32, _)| format!("[[rule]]\nid = \"r{number}\"\n{rule}")).collect();
        format!(
            "[pack]\nid = \"p\"\ntitle = \"P\"\nversion = \"1\"\nengine_min = 2\ntrial_only = true\n[[pack.sources]]\nref = \"invented\"\n\
             [message.m]\nen = \"If you feel very unwell, call 999.\"\n[message.l]\nen = \"Again.\"\n{}",
            rules.concat()
        )
    })
}

/// A number in hundredths, whether it is a weight, minutes on, minutes it comes late, and whether its device doubts it.
type Given = (i64, bool, i64, i64, bool);

fn readings() -> impl Strategy<Value = Vec<Given>> {
    let number = select(vec![0_i64, 1, 16_999, 17_000, 17_001, 99_999_999, 100_000_001, -100]);
    let on = select(vec![0_i64, 0, 1, 15, 60, 1440, 1440 * 60]);
    let late = select(vec![0_i64, 0, 0, 1, 31, 1500, -20_000, 1440 * 99]);
    prop::collection::vec((number, any::<bool>(), on, late, prop::bool::weighted(0.1)), 1..20)
}

fn admitted(number: u32, (hundredths, is_weight, _, late, doubted): Given, now: TimeDelta) -> vitals::Admitted {
    let amount = Decimal::from_parts(hundredths, -2).unwrap();
    let value = if is_weight {
        Value::Measured(Measure::Weight(BodyWeight { mass: Kilograms::new(amount), bmi: None, height: None }))
    } else {
        pressure(u16::try_from(hundredths / 100).unwrap_or(u16::MAX), 80)
    };
    let when =
        When { clock: Clock::Known, taken: now - TimeDelta::minutes(late), heard: now, sent: now, received: now };
    let mut admitted = reading(number, value, when);
    if doubted {
        admitted.reading.quality = [Flag::DeviceDoubts].into_iter().collect();
    }
    admitted
}

/// A pack either does not read, or judges whatever comes: each reading has its verdict, no rule counts twice, and what is kept
/// is read as it was written.
fn is_judged(engine: &Engine, (text, readings): &(String, Vec<Given>)) -> Result<(), String> {
    let Ok(pack) = Pack::read(text) else { return Ok(()) };
    let rules = u32::try_from(pack.rules.len()).unwrap();
    let plan = Plan::for_backtest(vec![pack], CHANNELS.to_vec()).map_err(|refused| refused.to_string())?;
    let (mut kept, mut now) = (Kept::new(), TimeDelta::zero());
    let decided = |before: &PatientState, events: &[Event], at: DateTime<Utc>| {
        catch_unwind(AssertUnwindSafe(|| (engine.decide)(&plan, before, events, at)))
            .map_err(|_panic| "it panicked".to_owned())
    };
    for (number, given) in (1..).zip(readings) {
        now += TimeDelta::minutes(given.2);
        let due: Vec<_> = kept.timers.iter().map(|(alert, due_at)| (*alert, *due_at)).collect();
        for (alert, due_at) in due.into_iter().filter(|(_, due_at)| *due_at <= start() + now) {
            let events = [Event::Due(Timer { alert, due_at })];
            let decisions = decided(&kept.state, &events, due_at)?;
            kept.keep(&events, &decisions);
        }
        let events = [Event::Reading(Box::new(admitted(number, *given, now)))];
        let decisions = decided(&kept.state, &events, start() + now)?;
        held(decisions.evaluated <= rules, || format!("{} rules of {rules} were evaluated", decisions.evaluated))?;
        let is_evaluated = |verdict: &Verdict| matches!(verdict, Verdict::Evaluated { .. });
        held(decisions.judged.len() == 1 && decisions.judged.iter().all(|(_, verdict)| is_evaluated(verdict)), || {
            "a reading was not judged".to_owned()
        })?;
        kept.keep(&events, &decisions);
        let bytes = kept.state.to_bytes();
        let read = PatientState::from_bytes(&patient(), &bytes).map_err(|error| error.to_string())?;
        held(read == kept.state, || "what is kept is read otherwise".to_owned())?;
    }
    Ok(())
}

#[test]
fn whatever_protocol_reads_judges_whatever_comes() {
    let inputs = (a_pack(), readings());
    holds(&inputs, |input| is_judged(&real(), input));
    let panics = || Engine {
        decide: Box::new(|plan, before, events, at| {
            let decisions = decide(plan, before, events, at);
            assert!(decisions.alerts.len() < 2, "planted");
            decisions
        }),
        ..real()
    };
    assert_eq!(caught(&inputs, |input| is_judged(&panics(), input)).as_deref(), Some("it panicked"));
    let twice = || Engine {
        decide: Box::new(|plan, before, events, at| {
            let mut decisions = decide(plan, before, events, at);
            decisions.evaluated *= 2;
            decisions
        }),
        ..real()
    };
    assert!(caught(&inputs, |input| is_judged(&twice(), input)).is_some_and(|why| why.contains("were evaluated")));
    // Both ways are taken: a property over what never reads proves nothing.
    for reads in [true, false] {
        let never = |(text, _): &(String, _)| held(Pack::read(text).is_ok() != reads, String::new);
        assert!(
            caught(&inputs, never).is_some(),
            "no generated protocol {}",
            if reads { "reads" } else { "is refused" }
        );
    }
}

/// As many rules as may be in force, each as dear as one may be: of a slice that is dearer than a decision may be, so many
/// readings are judged as the budget pays for, and the others say why not.
#[test]
fn no_slice_is_judged_beyond_its_budget_however_dear_the_protocols() {
    let leaf = "{ mean = \"weight\", over = \"50d\", above = 900 }, ".repeat(20);
    let rule = |number: usize| {
        format!(
            "[[rule]]\nid = \"r{number}\"\ntitle = \"R\"\nharm = \"minor\"\nonset = \"delayed\"\nwhen = {{ any = [{leaf}] }}\n\
             clear = {{ count = 1, when = {{ latest = \"weight\", below = 1 }} }}\nactionable_for = \"1d\"\n\
             raise_again_after = \"1d\"\nclinician_message = \"m\"\n"
        )
    };
    let rules: String = (0..rules::pack::RULES_MAX).map(rule).collect();
    let pack = |number: usize| {
        let head = "title = \"P\"\nversion = \"1\"\nengine_min = 2\n[[pack.sources]]\nref = \"invented\"\n[message.m]\nen = \"m\"\n";
        Pack::read(&format!("[pack]\nid = \"p{number}\"\n{head}{rules}")).expect("reads")
    };
    let in_force = |count: usize| Plan::for_backtest((0..count).map(pack).collect(), CHANNELS.to_vec());
    let most = (1..).take_while(|count| in_force(*count).is_ok()).last().expect("one may be in force");
    let plan = in_force(most).expect("they may");
    let cost: usize = plan.packs().iter().map(|active| active.cost_on(vitals::Kind::Weight)).sum();
    assert!(cost <= COST_MAX && 2 * cost > COST_MAX, "{cost}: as dear as they may be");
    let events: Vec<Event> = (1..=20)
        .map(|number| {
            let now = TimeDelta::minutes(i64::from(number));
            Event::Reading(Box::new(admitted(number, (8_000, true, 0, 0, false), now)))
        })
        .collect();
    let decisions = decide(&plan, &PatientState::new(patient()), &events, start() + TimeDelta::minutes(21));
    let judged = decisions.judged.iter().filter(|(_, verdict)| matches!(verdict, Verdict::Evaluated { .. })).count();
    assert_eq!((judged, decisions.judged.len()), (RULES_ASKED_MAX / cost, 20));
    assert!(judged < 20, "the slice is dearer than a decision may be");
    assert_eq!(usize::try_from(decisions.state.unjudged).unwrap(), 20 - judged);
}
