//! Would a clinician agree? Each case in `cases/*.toml` is one person's story under the demo's protocol: what arrived
//! when, and what must come of it. This reads every row, applies it to a fresh record and compares everything that came
//! of it: each alert, the instruction, the notifications, the timers. What a row does not mention must not happen.

use crate::support::{CHANNELS, Clock, Kept, When, demo_plan, pressure, reading, start};
use chrono::{DateTime, TimeDelta, Utc};
use rules::{
    Actor, Alert, ClearedBecause, Condition, Decisions, Delivery, Event, Plan, Refused, Repeat, Timer, Verdict, Why,
    Workflow, alert::RuleRef, decide, duration::Span, unevaluated,
};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};
use vitals::{
    Admitted, AlertId, Decimal, ErrorCode, Flag, JobId, Kind, Measure, NoValue, Quality, Quantity, Unit, Value,
    bounded::Text,
    id::StaffId,
    measure::{GlucoseReading, Specimen},
    quantity::{Glucose, Ketone, PerMinute},
    wire::v1::{Prompt, Urgency},
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    rows: Vec<Row>,
}

/// One thing that happened, and what must come of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// When the service heard of it.
    at: Since,
    /// A reading: `182/118`, or a word for the measure and a number, such as `pulse 120`, `glucose 5.4` (of blood),
    /// `sensor 5.4` (of the fluid under the skin; `fluid 5.4` as a meter says it) or `ketone 0.6`; instead of the number `HI`, `LO`, `none` or `impossible`.
    /// A blood pressure without its numbers is `cuff HI`.
    reading: Option<String>,
    /// What was noticed about it.
    #[serde(default)]
    quality: Vec<String>,
    /// When it was taken, by whatever clock says so; at once where not given.
    taken: Option<Since>,
    /// When the hub heard it; at once where not given.
    heard: Option<Since>,
    /// When the hub sent it, by its own clock; at once where not given.
    sent: Option<Since>,
    /// Whose clock; `known` where not given.
    clock: Option<Clock>,
    /// A name by which a later row judges it again.
    name: Option<String>,
    /// The reading of this name is judged again.
    judged_again: Option<String>,
    /// The rules fail on this row.
    #[serde(default)]
    rules_fail: bool,
    /// It came in one request with the next row; what must come of both stands there.
    #[serde(default)]
    with_next: bool,
    /// The timer of this rule's last alert comes due for this moment, whether or not it is still wanted.
    due: Option<String>,
    /// A person takes this rule's last alert.
    taken_by: Option<(String, String)>,
    /// A channel accepts the notification of this rule's last alert.
    delivered: Option<String>,

    /// Every alert there is by now, in the order opened.
    alerts: Option<Vec<String>>,
    /// The instruction to the person.
    told: Option<String>,
    /// Who is told, down every channel.
    #[serde(default)]
    jobs: Vec<String>,
    /// The timers that wait; not compared where not given.
    timers: Option<Vec<String>>,
    /// Whether the reading is marked late.
    #[serde(default)]
    late: bool,
    /// Why it was refused.
    refused: Option<String>,
}

/// Time from the start of the story: `0m`, `90s`, `15m`, `2h`, `-3d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct Since(TimeDelta);

impl TryFrom<String> for Since {
    type Error = rules::duration::NotASpan;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text == "0m" {
            return Ok(Self(TimeDelta::zero()));
        }
        match text.strip_prefix('-') {
            Some(before) => Ok(Self(-Span::parse(before)?.delta())),
            None => Ok(Self(Span::parse(&text)?.delta())),
        }
    }
}

struct Story {
    plan: Plan,
    kept: Kept,
    readings: u32,
    named: BTreeMap<String, Admitted>,
    /// The messages of the protocol and what a row calls them.
    messages: Vec<(String, &'static str)>,
}

/// Rules as rows call them.
const RULES: [(&str, &str); 8] = [
    ("red", "home-bp-red"),
    ("amber", "home-bp-amber"),
    ("service", "reading-not-judged"),
    ("beyond", "value-beyond-device/blood_pressure"),
    ("glucose beyond", "value-beyond-device/glucose"),
    ("sensor beyond", "value-beyond-device/glucose_interstitial"),
    ("ketone beyond", "value-beyond-device/ketone"),
    ("impossible", "value-implausible/blood_pressure"),
];

/// The service's own words to a person, where no protocol has any, by something only they say.
const OWN_WORDS: [(&str, &str); 5] = [
    ("beyond what it can measure", "beyond"),
    ("beyond what your device can measure", "beyond-late"),
    ("could not take the measurement", "no-value"),
    ("The number from your device is outside what people can have", "impossible"),
    ("An earlier number from your device was outside what people can have", "impossible-late"),
];

fn rule_in_short(made_by: &RuleRef) -> &'static str {
    RULES.iter().find(|(_, rule)| *rule == made_by.rule).expect("a rule of the demo").0
}

impl Story {
    fn new() -> Self {
        let plan = demo_plan();
        let rule = |id: &str| {
            plan.packs()[0].pack().rules.iter().find(|rule| rule.id == id).expect("a rule of the demo").clone()
        };
        let (red, amber) = (rule("home-bp-red"), rule("home-bp-amber"));
        let message = |text: Option<String>| text.expect("the demo has all its messages");
        let messages = vec![
            (message(red.patient_message), "act-now"),
            (message(red.late_patient_message), "late"),
            (message(amber.retest.and_then(|retest| retest.prompt)), "check-again"),
            (message(amber.patient_message), "higher"),
        ];
        Self { plan, kept: Kept::new(), readings: 0, named: BTreeMap::new(), messages }
    }

    fn last_alert(&self, rule: &str) -> AlertId {
        let of_rule = |alert: &&Alert| rule_in_short(&alert.made_by) == rule;
        self.kept.alerts.iter().rfind(of_rule).map_or(AlertId::derive(&[b"no such alert"]), |alert| alert.id)
    }

    fn admitted(&mut self, row: &Row, value: &str) -> Admitted {
        self.readings += 1;
        let when = When {
            clock: row.clock.unwrap_or(Clock::Known),
            taken: row.taken.unwrap_or(row.at).0,
            heard: row.heard.unwrap_or(row.at).0,
            sent: row.sent.unwrap_or(row.at).0,
            received: row.at.0,
        };
        let heard = heard(value);
        let mut admitted = reading(self.readings, heard.value, when);
        admitted.reading.kind = heard.kind;
        admitted.reading.raw.characteristic = heard.characteristic.to_owned();
        let flag = |name: &String| Flag::from_name(name).unwrap_or_else(|| panic!("no flag is called {name}"));
        admitted.reading.quality = row.quality.iter().map(flag).collect::<Quality>();
        if let Some(name) = &row.name {
            self.named.insert(name.clone(), admitted.clone());
        }
        admitted
    }

    fn event(&mut self, row: &Row) -> Event {
        if let Some(value) = &row.reading {
            return Event::Reading(Box::new(self.admitted(row, value)));
        }
        if let Some(name) = &row.judged_again {
            return Event::Reconsider(Box::new(self.named[name].clone()));
        }
        if let Some(rule) = &row.due {
            return Event::Due(Timer { alert: self.last_alert(rule), due_at: start() + row.at.0 });
        }
        if let Some((rule, by)) = &row.taken_by {
            return Event::Acknowledged { alert: self.last_alert(rule), by: actor(by), note: None };
        }
        let rule = row.delivered.as_ref().expect("a row says what happened");
        let job = JobId::derive(&[b"any"]);
        Event::Delivered { job, alert: self.last_alert(rule), delivery: Delivery::Accepted }
    }

    fn alerts(&self) -> Vec<String> {
        self.kept.alerts.iter().map(describe).collect()
    }

    fn timers(&self) -> Vec<String> {
        let rule =
            |id: &AlertId| rule_in_short(&self.kept.alerts.iter().find(|alert| alert.id == *id).unwrap().made_by);
        let minutes = |due_at: DateTime<Utc>| (due_at - start()).num_minutes();
        // By their words: the order of ids says nothing.
        let timers = self.kept.timers.iter().map(|(id, due_at)| format!("{} at {}m", rule(id), minutes(*due_at)));
        timers.collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn jobs(&self, decisions: &Decisions, before: usize) -> Vec<String> {
        let new = &self.kept.jobs[before..];
        if new.len() < decisions.jobs.len() {
            return vec!["a notification under an id already used: the store drops it and nobody is told".to_owned()];
        }
        let mut told: Vec<(AlertId, Why)> = new.iter().map(|job| (job.alert, job.why)).collect();
        told.dedup();
        for (alert, why) in &told {
            let channels: Vec<_> =
                new.iter().filter(|job| (job.alert, job.why) == (*alert, *why)).map(|job| job.channel).collect();
            assert_eq!(channels, CHANNELS, "told down every channel once");
        }
        let rule = |id: AlertId| rule_in_short(&self.kept.alerts.iter().find(|alert| alert.id == id).unwrap().made_by);
        told.into_iter().map(|(alert, why)| format!("{}: {}", rule(alert), why.name())).collect()
    }

    fn told(&self, prompts: &[Prompt]) -> Option<String> {
        assert!(prompts.len() <= 1, "one instruction at a time");
        let prompt = prompts.first()?;
        let urgency = match prompt.urgency {
            Urgency::ActNow => "red",
            Urgency::CheckAgain => "amber",
            Urgency::AsPlanned => "green",
        };
        let of_demo = self.messages.iter().find(|(text, _)| *text == prompt.text).map(|(_, message)| message);
        let own = OWN_WORDS.iter().find(|(words, _)| prompt.text.contains(words)).map(|(_, message)| message);
        let message = of_demo.or(own).expect("words of the demo or of the service");
        Some(format!("{urgency}: {message}"))
    }
}

fn actor(name: &str) -> Actor {
    Actor { id: StaffId::parse(&format!("st-{name}")).unwrap(), name: Text::new(name).unwrap() }
}

/// What a device sent, and how.
struct Heard {
    kind: Kind,
    characteristic: &'static str,
    value: Value<Measure>,
}

fn heard(text: &str) -> Heard {
    if let Some((systolic, diastolic)) = text.split_once('/') {
        let value = pressure(systolic.parse().unwrap(), diastolic.parse().unwrap());
        return Heard { kind: Kind::BloodPressure, characteristic: "2a35", value };
    }
    let (what, shown) = text.split_once(' ').expect("a measure and a number");
    let (kind, characteristic) = match what {
        "cuff" => (Kind::BloodPressure, "2a35"),
        "pulse" => (Kind::Pulse, "2a37"),
        "glucose" => (Kind::Glucose, "2a18"),
        "sensor" => (Kind::Glucose, "2aa7"),
        "fluid" => (Kind::Glucose, "2a18"),
        "ketone" => (Kind::Ketone, "freestyle_optium"),
        _ => panic!("no device measures {what}"),
    };
    let value = match shown {
        "none" => Value::NotMeasured(NoValue::NotANumber),
        "HI" => Value::NotMeasured(NoValue::PositiveInfinity),
        "LO" => Value::NotMeasured(NoValue::NegativeInfinity),
        "impossible" => Value::NotMeasured(NoValue::Implausible),
        number => Value::Measured(measured(what, Decimal::parse(number).unwrap())),
    };
    Heard { kind, characteristic, value }
}

fn measured(what: &str, number: Decimal) -> Measure {
    let concentration = Quantity::new(number, Unit::MillimolesPerLitre);
    let glucose = |specimen| {
        Measure::Glucose(GlucoseReading::new(Glucose::new(concentration).unwrap(), specimen, None, None).unwrap())
    };
    match what {
        "pulse" => Measure::Pulse(PerMinute::new(number)),
        "glucose" => glucose(Specimen::CapillaryPlasma),
        "sensor" | "fluid" => glucose(Specimen::InterstitialFluid),
        "ketone" => Measure::Ketone(Ketone::new(concentration).unwrap()),
        _ => panic!("{what} has no single number"),
    }
}

/// An alert as a row writes it: `red: active, raised, repeat asked, 1 reading`.
fn describe(alert: &Alert) -> String {
    let condition = match alert.condition {
        Condition::Pending => "pending",
        Condition::Active => "active",
        Condition::Cleared(ClearedBecause::Improved) => "improved",
        Condition::Cleared(ClearedBecause::Superseded(_)) => "superseded",
        Condition::Cleared(ClearedBecause::Judged) => "judged",
        Condition::Cleared(ClearedBecause::Unfounded) => "unfounded",
        Condition::Cleared(ClearedBecause::ProtocolEnded) => "protocol_ended",
    };
    let workflow = match &alert.workflow {
        Workflow::Raised => "raised".to_owned(),
        Workflow::Notified { .. } => "notified".to_owned(),
        Workflow::Acknowledged { by, .. } => format!("taken by {}", by.name.as_str()),
    };
    let repeat = match alert.repeat {
        Repeat::NotAsked => "no repeat asked",
        Repeat::Asked { .. } => "repeat asked",
        Repeat::Confirmed => "repeat confirmed",
        Repeat::Improved => "repeat improved",
        Repeat::NotDone => "repeat not done",
    };
    let readings = alert.evidence.len();
    let mut words = format!(
        "{}: {condition}, {workflow}, {repeat}, {readings} reading{}",
        rule_in_short(&alert.made_by),
        if readings == 1 { "" } else { "s" }
    );
    if alert.late {
        words.push_str(", late");
    }
    if alert.occasions > 1 {
        words.push_str(&format!(", {} occasions", alert.occasions));
    }
    words
}

fn refusal(refused: &Refused) -> String {
    match refused {
        Refused::NotOpen => "not open".to_owned(),
        Refused::NotRaised => "not raised".to_owned(),
        Refused::NotCounted | Refused::NotInError | Refused::SettingsUnusable => "not about an alert".to_owned(),
        Refused::AlreadyAcknowledged { by, .. } => format!("{} was first", by.name.as_str()),
    }
}

/// Runs one case; gives what differs, row by row.
fn run(case: &Case) -> Vec<String> {
    let (mut story, mut differs, mut waiting) = (Story::new(), Vec::new(), Vec::new());
    for (row_number, row) in case.rows.iter().enumerate() {
        waiting.push((story.event(row), row));
        if row.with_next {
            continue;
        }
        let (events, rows): (Vec<Event>, Vec<&Row>) = std::mem::take(&mut waiting).into_iter().unzip();
        let at = start() + row.at.0;
        let decisions = if row.rules_fail {
            unevaluated(&CHANNELS, &story.kept.state, &events, ErrorCode::RulePanicked, at)
        } else {
            decide(&story.plan, &story.kept.state, &events, at)
        };
        let jobs_before = story.kept.jobs.len();
        story.kept.keep(&events, &decisions);
        let mut compare = |what: &str, expected: String, got: String| {
            if expected != got {
                differs.push(format!(
                    "  {}, row {}: {what}\n    expected {expected}\n    got      {got}",
                    case.name,
                    row_number + 1
                ));
            }
        };
        let alerts = row.alerts.as_ref().expect("a row says which alerts there are");
        compare("alerts", format!("{alerts:?}"), format!("{:?}", story.alerts()));
        compare("jobs", format!("{:?}", row.jobs), format!("{:?}", story.jobs(&decisions, jobs_before)));
        if let Some(timers) = &row.timers {
            compare("timers", format!("{timers:?}"), format!("{:?}", story.timers()));
        }
        compare("refused", format!("{:?}", row.refused), format!("{:?}", decisions.refused.as_ref().map(refusal)));
        for (event, row) in events.iter().zip(rows) {
            let (Event::Reading(admitted) | Event::Reconsider(admitted)) = event else {
                compare("told", format!("{:?}", row.told), "None".to_owned());
                continue;
            };
            let verdict =
                decisions.judged.iter().find(|(id, _)| *id == admitted.reading.id).map(|(_, verdict)| verdict);
            match verdict.expect("every reading has its verdict") {
                Verdict::Evaluated { late, prompts, .. } => {
                    compare("told", format!("{:?}", row.told), format!("{:?}", story.told(prompts)));
                    compare("late", row.late.to_string(), late.to_string());
                    compare("judged", row.rules_fail.to_string(), "false".to_owned());
                }
                Verdict::Unevaluated { .. } => compare("judged", row.rules_fail.to_string(), "true".to_owned()),
            }
        }
    }
    assert!(waiting.is_empty(), "{}: the last row says with_next", case.name);
    differs
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: &Path| -> Vec<Case> {
        let text = std::fs::read_to_string(path).unwrap();
        toml::from_str::<File>(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())).case
    };
    files.iter().flat_map(|path| read(path)).collect()
}

#[test]
fn every_case_ends_as_a_clinician_wrote_it() {
    let cases = cases();
    assert!(cases.len() >= 40, "only {} cases were found", cases.len());
    let differs: Vec<String> = cases.iter().flat_map(run).collect();
    assert!(differs.is_empty(), "{} rows differ:\n{}", differs.len(), differs.join("\n"));
}

/// The runner bites: any expectation changed is seen.
#[test]
fn a_case_that_expects_something_else_is_seen() {
    let row = |expect: &str| {
        let text = format!("[[case]]\nname = \"x\"\nrows = [ {{ at = \"0m\", reading = \"182/118\", {expect} }} ]");
        run(&toml::from_str::<File>(&text).unwrap().case[0]).len()
    };
    let right = r#"alerts = ["red: active, raised, repeat asked, 1 reading"], told = "red: act-now", jobs = ["red: first"], timers = ["red at 15m"]"#;
    assert_eq!(row(right), 0);
    for (from, to) in [
        ("active", "pending"),
        ("raised", "notified"),
        ("repeat asked", "repeat confirmed"),
        ("1 reading", "2 readings"),
        ("red: act-now", "red: late"),
        ("red: first", "red: again"),
        ("red at 15m", "red at 16m"),
        ("told =", "refused = \"not open\", told ="),
        ("told =", "late = true, told ="),
        ("told =", "rules_fail = true, told ="),
    ] {
        assert_ne!(row(&right.replace(from, to)), 0, "{from} -> {to}");
    }
}

/// The words themselves: a fresh red says when to call 999 now, what is late never does and asks for a fresh reading.
#[test]
fn only_a_fresh_red_says_999_now_and_what_is_late_asks_for_a_fresh_reading() {
    for (text, message) in Story::new().messages {
        assert_eq!(text.contains("call 999 now"), message == "act-now", "{message}: {text}");
        let asks_again = text.contains("again now") || text.contains("take it again");
        assert_eq!(asks_again, message != "higher", "{message}: {text}");
    }
}
