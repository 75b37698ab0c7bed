//! What the rules say about a case's input, under the case's own field names.
//!
//! Invariant: nothing is worked out here. Each answer is one call of a function of `rules`, renamed; NEWS2 is the protocol we
//! ship, with a person's scale set as a clinician sets it.

use super::{
    compare::{Answer, Fields, Got},
    row::Row,
};
use chrono::{DateTime, TimeDelta};
use rules::{
    pack::{Given, Level, Override, Pack, SHIPPED, Settings, score::Total},
    published::{self, Bands, News2Response, SensorLimits},
};
use serde_json::Value;
use std::{collections::BTreeMap, sync::LazyLock};
use vitals::{Decimal, bounded::Text, id::StaffId, measure::Acvpu};

/// Most minutes of a case about a sensor that speaks every minute.
const MINUTES_MAX: u32 = 10_080;

/// What the rules say about a row.
pub(super) fn to(row: &Row) -> Answer {
    let fields = match row.group.as_str() {
        "news2_param" => news2_param(row),
        "news2_total" => news2_total(row),
        "hbpm_average" => hbpm_average(row),
        "hf_weight_gain" => hf_weight_gain(row),
        "nightscout_ar2" => nightscout_ar2(row),
        "oximetry_home_band" => band(row, "spo2", published::OXIMETRY_AT_HOME, "band"),
        "spo2_target_88_92" => band(row, "spo2", published::TARGET_88_92, "position"),
        "glucose_band_mgdl" => band(row, "mgdl", published::GLUCOSE_MG, "band"),
        "glucose_band_mmol" => band(row, "mmol", published::GLUCOSE, "band"),
        "ketone_band" => band(row, "mmol", published::KETONE, "band"),
        "hbpm_average_stage" => two(row, "avg_systolic", "avg_diastolic")
            .map(|(systolic, diastolic)| one("stage", Got::text(published::home_average_stage(systolic, diastolic)))),
        "bp_severe_single" => two(row, "systolic", "diastolic")
            .map(|(systolic, diastolic)| one("severe", Got::Flag(published::is_severe(systolic, diastolic)))),
        "bp_intake_flag_example" => two(row, "systolic", "diastolic")
            .map(|(systolic, diastolic)| one("flag", Got::text(published::intake_flag(systolic, diastolic)))),
        "postural_drop" => postural_drop(row),
        "oximetry_home_retest" => oximetry_home_retest(row),
        "cgm_trend" => {
            decimal(row, "mgdl_per_min").map(|rate| one("trend", Got::text(Some(published::sensor_trend(rate)))))
        }
        "cgm_hypo_event_level2" => cgm_hypo_event(row),
        "nightscout_threshold" => {
            decimal(row, "mgdl").map(|amount| one("level", Got::text(SensorLimits::default().level(amount))))
        }
        "stale_data" => stale_data(row),
        _ => return Answer::NotCovered,
    };
    fields.map_or_else(Answer::InputUnreadable, Answer::Fields)
}

// --- NEWS2

/// The protocol, as we ship it.
static NEWS2: LazyLock<Option<Pack>> = LazyLock::new(|| {
    let packs = SHIPPED.iter().filter_map(|text| Pack::read(text).ok());
    packs.into_iter().find(|pack| pack.id == "news2")
});

/// Each part as a case's result calls it, as its input does, as the score does, and as a pack calls what it reads.
const PARTS: [(&str, &str, &str, &str); 7] = [
    ("respiratory_rate", "respiratory_rate", "breathing rate", "respiratory_rate"),
    ("spo2", "spo2", "oxygen level", "spo2"),
    ("air_or_oxygen", "on_oxygen", "air or oxygen", "oxygen"),
    ("systolic_bp", "systolic_bp", "upper blood pressure", "systolic"),
    ("pulse", "pulse", "pulse", "pulse"),
    ("consciousness", "consciousness", "consciousness", "consciousness"),
    ("temperature", "temperature", "temperature", "temperature"),
];

/// The only name by which the cases of single parts differ from those of whole sets.
const SUPPLEMENTAL_OXYGEN: &str = "supplemental_oxygen";

fn news2_param(row: &Row) -> Result<Fields, String> {
    let asked = text(row, "param")?;
    let is_asked = |(name, ..): &&(&str, &str, &str, &str)| {
        *name == asked || (asked == SUPPLEMENTAL_OXYGEN && *name == "air_or_oxygen")
    };
    let (name, _, part, item) = PARTS.iter().find(is_asked).ok_or_else(|| format!("{asked:?} is no part of NEWS2"))?;
    let mut given = vec![(*item, said(name, value(row, "value")?)?)];
    if let Some(on_oxygen) = row.input.get("on_oxygen") {
        given.push(("oxygen", said("air_or_oxygen", on_oxygen)?));
    }
    Ok(one("score", points(&score(&given, row.input.get("scale"))?, part)))
}

fn news2_total(row: &Row) -> Result<Fields, String> {
    let given = |(name, input, _, item): &(&str, &'static str, &str, &'static str)| {
        row.input.get(*input).map(|value| Ok((*item, said(name, value)?)))
    };
    let given = PARTS.iter().filter_map(given).collect::<Result<Vec<_>, String>>()?;
    let total = score(&given, row.input.get("spo2_scale"))?;
    let response = News2Response::to(&total);
    let parts: BTreeMap<String, Got> =
        PARTS.iter().map(|(name, _, part, _)| ((*name).to_owned(), points(&total, part))).collect();
    Ok(Fields::from([
        ("total", Got::whole((total.low == total.high).then_some(total.low))),
        ("parts", Got::Named(parts)),
        ("any_single_3", response.map_or(Got::Nothing, |response| Got::Flag(response.any_single_3))),
        ("risk", Got::text(response.map(|response| response.risk))),
        ("min_monitoring", Got::text(response.map(|response| response.min_monitoring))),
    ]))
}

/// What the shipped score comes to, with the scale of the person.
fn score(given: &[(&str, Given)], scale: Option<&Value>) -> Result<Total, String> {
    let pack = NEWS2.as_ref().ok_or("NEWS2 is not among the protocols")?;
    let scale = scale.map(|scale| Decimal::parse(&scale.to_string())).transpose().map_err(|error| error.to_string())?;
    let own: Vec<Override> = scale.map(own_scale).transpose()?.into_iter().collect();
    let settings = Settings::new([pack], &own, DateTime::UNIX_EPOCH).map_err(|error| error.to_string())?;
    let news2 = pack.scores.iter().find(|score| score.id == "news2").ok_or("the protocol has no score of that name")?;
    news2.total_of(given, &settings).ok_or_else(|| "no part is known".to_owned())
}

/// A scale as a clinician sets it for one person.
fn own_scale(value: Decimal) -> Result<Override, String> {
    let at = DateTime::UNIX_EPOCH;
    Ok(Override {
        pack: "news2".to_owned(),
        name: "spo2_scale".to_owned(),
        level: Level::Patient,
        value,
        author: StaffId::parse("st-case").map_err(|error| error.to_string())?,
        reason: Text::new("as the case has it").map_err(|error| error.to_string())?,
        at,
        review_at: at + TimeDelta::days(1),
        temporary: None,
    })
}

/// A part's value as a reading says it.
fn said(part: &str, value: &Value) -> Result<Given, String> {
    let word = match (part, value) {
        ("air_or_oxygen", Value::Bool(is_on_oxygen)) => if *is_on_oxygen { "oxygen" } else { "air" }.to_owned(),
        ("consciousness", Value::String(letter)) => {
            let level = Acvpu::from_letter(letter).ok_or_else(|| format!("{letter:?} is no level of consciousness"))?;
            level.name().to_owned()
        }
        (_, Value::Number(number)) => return number_of(&number.to_string()).map(Given::Number),
        (_, other) => return Err(format!("{part} cannot be {other}")),
    };
    Ok(Given::Word(word))
}

/// The points of a part, where they are known to be one number.
fn points(total: &Total, part: &str) -> Got {
    let points = total.parts.iter().find(|known| known.name == part).and_then(|known| known.points);
    Got::whole(points.filter(|(low, high)| low == high).map(|(low, _)| low))
}

// --- over days

fn hbpm_average(row: &Row) -> Result<Fields, String> {
    let reading = |pair: &Value| match list(pair)? {
        [systolic, diastolic] => Ok((number(systolic)?, number(diastolic)?)),
        _ => Err("a reading is no pair".to_owned()),
    };
    let day = |day: &Value| list(day)?.iter().map(reading).collect::<Result<Vec<_>, String>>();
    let days = list(value(row, "days")?)?.iter().map(day).collect::<Result<Vec<_>, String>>()?;
    let average = published::home_average(&days);
    let known = average.ok();
    Ok(Fields::from([
        ("sufficient", Got::Flag(average.is_ok())),
        ("reason", Got::text(average.err().map(|why| why.to_string()))),
        ("avg_systolic", Got::decimal(known.map(|average| average.systolic))),
        ("avg_diastolic", Got::decimal(known.map(|average| average.diastolic))),
        ("readings_used", Got::whole(known.and_then(|average| i64::try_from(average.readings).ok()))),
        ("stage", Got::text(known.map(|average| average.stage))),
    ]))
}

fn hf_weight_gain(row: &Row) -> Result<Fields, String> {
    let weight = |pair: &Value| match list(pair)? {
        [day, weight] => Ok((day.as_i64().ok_or("a day is no whole number")?, number(weight)?)),
        _ => Err("a weight is no pair of day and weight".to_owned()),
    };
    let weights = list(value(row, "day_weight_kg")?)?.iter().map(weight).collect::<Result<Vec<_>, String>>()?;
    let days = published::weight_gain_days(&weights, decimal(row, "limit_kg")?, whole(row, "window_days")?);
    let days = days.ok_or("a weight is too large")?;
    Ok(one("alert_days", Got::List(days.into_iter().map(Got::Whole).collect())))
}

// --- single values

fn band(row: &Row, key: &str, bands: Bands, name: &'static str) -> Result<Fields, String> {
    Ok(one(name, Got::text(bands.of(decimal(row, key)?))))
}

fn postural_drop(row: &Row) -> Result<Fields, String> {
    let systolic = two(row, "lying_or_seated_systolic", "standing_systolic")?;
    let is_given = row.input.contains_key("standing_diastolic");
    let diastolic = is_given.then(|| two(row, "lying_or_seated_diastolic", "standing_diastolic")).transpose()?;
    let drop = published::is_postural_drop(systolic, diastolic);
    Ok(one("flag", drop.map_or(Got::Nothing, Got::Flag)))
}

fn oximetry_home_retest(row: &Row) -> Result<Fields, String> {
    let last = list(value(row, "readings")?)?.last().ok_or("there is no reading")?;
    let [_, repeat] = list(last)? else { return Err("a reading is no pair of minute and value".to_owned()) };
    Ok(one("outcome", Got::text(published::oximetry_repeat(number(repeat)?))))
}

// --- sensors

/// A sensor that says the same every minute.
fn cgm_hypo_event(row: &Row) -> Result<Fields, String> {
    let (minutes, amount) = (small::<u32>(row, "minutes_below")?, small::<u16>(row, "mgdl")?);
    if minutes > MINUTES_MAX {
        return Err(format!("minutes_below is more than {MINUTES_MAX}"));
    }
    let values: Vec<(u32, u16)> = (0..=minutes).map(|minute| (minute, amount)).collect();
    Ok(one("events", Got::whole(i64::try_from(published::low_episodes(&values)).ok())))
}

fn nightscout_ar2(row: &Row) -> Result<Fields, String> {
    if whole(row, "minutes_between")? != 5 {
        return Err("the forecast is of values 5 minutes apart".to_owned());
    }
    let limits = value(row, "thresholds")?;
    let limit = |name: &str| {
        let limit = limits.get(name).and_then(Value::as_u64).and_then(|limit| u16::try_from(limit).ok());
        limit.ok_or_else(|| format!("the input has no threshold {name:?}"))
    };
    let limits = SensorLimits {
        low_urgent: limit("low_urgent")?,
        low: limit("low")?,
        high: limit("high")?,
        high_urgent: limit("high_urgent")?,
    };
    let found = published::forecast(small(row, "previous_mgdl")?, small(row, "current_mgdl")?, limits);
    Ok(Fields::from([
        ("level", Got::text(found.level)),
        ("event", Got::text(found.event)),
        ("forecast_mgdl_5min_steps", Got::List(found.steps.into_iter().map(|step| Got::decimal(Some(step))).collect())),
    ]))
}

fn stale_data(row: &Row) -> Result<Fields, String> {
    let level =
        published::staleness(whole(row, "minutes_since_last")?, whole(row, "warn_after")?, whole(row, "urgent_after")?);
    Ok(one("level", Got::text(level)))
}

// --- a case's input

fn one(name: &'static str, got: Got) -> Fields {
    Fields::from([(name, got)])
}

fn value<'row>(row: &'row Row, key: &str) -> Result<&'row Value, String> {
    row.input.get(key).ok_or_else(|| format!("the input has no {key:?}"))
}

fn text<'row>(row: &'row Row, key: &str) -> Result<&'row str, String> {
    row.text(key).ok_or_else(|| format!("the input has no text {key:?}"))
}

fn list(value: &Value) -> Result<&[Value], String> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| format!("{value} is no list"))
}

fn number_of(text: &str) -> Result<Decimal, String> {
    Decimal::parse(text).map_err(|error| error.to_string())
}

/// A number as it is written.
fn number(value: &Value) -> Result<Decimal, String> {
    if value.is_number() { number_of(&value.to_string()) } else { Err(format!("{value} is no number")) }
}

fn decimal(row: &Row, key: &str) -> Result<Decimal, String> {
    number(value(row, key)?)
}

fn two(row: &Row, one: &str, other: &str) -> Result<(Decimal, Decimal), String> {
    Ok((decimal(row, one)?, decimal(row, other)?))
}

fn whole(row: &Row, key: &str) -> Result<i64, String> {
    value(row, key)?.as_i64().ok_or_else(|| format!("the input's {key} is no whole number"))
}

fn small<T: TryFrom<i64>>(row: &Row, key: &str) -> Result<T, String> {
    T::try_from(whole(row, key)?).map_err(|_outside| format!("the input's {key} is outside what it may be"))
}
