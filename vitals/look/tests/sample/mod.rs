//! A worklist of invented people, for the tests and for looking at.
#![expect(clippy::unwrap_used, reason = "the sample is constant: it holds or no test can run")]

use chrono::{DateTime, TimeDelta, Utc};
use look::{
    Acknowledged, AlertRow, Condition, EquipmentRow, EvidenceRow, Person, ReadingRow, RuleSource, Urgency, Whose,
    Workflow, WorklistPage,
};
use vitals::{
    AlertId, BloodPressure, Decimal, Flag, Kind, Measure, NhsNumber, NoValue, Quality, TakenAt, Value, WhyUnassigned,
    measure::{OxygenSaturation, Posture},
    quantity::{MmHg, PerMinute, Percent},
};

/// The moment the sample shows: 10.24am on 1 June 2026 in summer time.
pub(crate) fn now() -> DateTime<Utc> {
    moment("2026-06-01T09:24:00Z")
}

pub(crate) fn moment(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn ago(minutes: i64) -> DateTime<Utc> {
    now() - TimeDelta::minutes(minutes)
}

pub(crate) fn person(name: &str, digits: Option<&str>) -> Person {
    Person { name: name.to_owned(), nhs_number: digits.map(|digits| NhsNumber::parse(digits).unwrap()) }
}

pub(crate) fn pressure(systolic: u16, diastolic: u16, pulse: Option<u16>) -> Value<Measure> {
    Value::Measured(Measure::BloodPressure(BloodPressure {
        systolic: MmHg::new(Decimal::from(systolic)),
        diastolic: MmHg::new(Decimal::from(diastolic)),
        mean: None,
        pulse: pulse.map(|rate| PerMinute::new(Decimal::from(rate))),
        posture: pulse.map(|_| Posture::Sitting),
        arm: None,
    }))
}

fn oxygen(saturation: u16) -> Value<Measure> {
    Value::Measured(Measure::Spo2(OxygenSaturation::alone(Percent::new(Decimal::from(saturation)))))
}

fn evidence(systolic: u16, diastolic: u16, minutes: i64) -> EvidenceRow {
    EvidenceRow {
        kind: Kind::BloodPressure,
        value: pressure(systolic, diastolic, Some(96)),
        taken: TakenAt::DeviceClock(ago(minutes)),
        device: "Blood pressure monitor, A&D UA-651BLE".to_owned(),
    }
}

pub(crate) fn alert(urgency: Urgency, who: Person, why: &str, minutes: i64) -> AlertRow {
    AlertRow {
        id: AlertId::derive(&[who.name.as_bytes(), why.as_bytes()]),
        urgency,
        person: who,
        away: None,
        why: why.to_owned(),
        told: Some("Sit down and rest for 5 minutes, then measure again.".to_owned()),
        raised_at: ago(minutes),
        taken_at: ago(minutes + 1),
        reached_at: ago(minutes),
        late: false,
        condition: Condition::Active,
        workflow: Workflow::Notified,
        evidence: vec![evidence(182, 118, minutes + 1)],
        rule: RuleSource {
            rule: "Blood pressure at or above the red threshold".to_owned(),
            protocol: "Demo blood pressure".to_owned(),
            version: "0.1.0".to_owned(),
        },
        acknowledged: None,
        settled_at: None,
        can_acknowledge: true,
    }
}

fn reading(whose: Whose, value: Value<Measure>, minutes: i64) -> ReadingRow {
    ReadingRow {
        whose,
        kind: Kind::BloodPressure,
        value,
        taken: TakenAt::DeviceClock(ago(minutes + 1)),
        reached_at: ago(minutes),
        late: false,
        quality: Quality::none(),
        device: "Blood pressure monitor, A&D UA-651BLE".to_owned(),
    }
}

/// A full worklist: a bit of everything.
pub(crate) fn page() -> WorklistPage {
    let ada = person("Ada Exampleton", Some("9990000018"));
    let brian = person("Brian Testerby", None);
    let clara = person("Clara Invented-Featherstonehaugh", None);
    let told_999 =
        Some("Call 999 now and tell them your blood pressure is 182/118mmHg. Your team has been told.".to_owned());
    let late = AlertRow {
        taken_at: moment("2017-01-16T13:00:24Z"),
        late: true,
        told: None,
        workflow: Workflow::Raised,
        ..alert(
            Urgency::CheckAgain,
            clara.clone(),
            "Blood pressure 151/96mmHg is at or above 150/90mmHg, the amber threshold of the plan.",
            128,
        )
    };
    let acknowledged = AlertRow {
        workflow: Workflow::Acknowledged,
        acknowledged: Some(Acknowledged {
            by: "Demo case manager".to_owned(),
            at: ago(20),
            note: Some("Called at 10.04am, nobody at home. Calling the daughter next.".to_owned()),
        }),
        ..alert(
            Urgency::CheckAgain,
            person("Dev Madeupson", None),
            "Blood pressure 158/94mmHg, confirmed by a repeat of 156/92mmHg.",
            45,
        )
    };
    let settled = AlertRow {
        condition: Condition::Cleared,
        can_acknowledge: false,
        settled_at: Some(ago(1500)),
        ..alert(Urgency::CheckAgain, brian.clone(), "Blood pressure 152/91mmHg; the repeat was 138/84mmHg.", 1520)
    };
    WorklistPage {
        service_name: "Demo remote readings".to_owned(),
        banner: Some("Demo: simulated patients".to_owned()),
        signed_in_as: "Demo case manager".to_owned(),
        can_sign_out: false,
        service_hours: "Your team looks Monday to Friday, 8am to 6pm.".to_owned(),
        notice: None,
        alerts: vec![
            AlertRow {
                told: told_999,
                evidence: vec![evidence(182, 118, 13), evidence(176, 112, 1453)],
                ..alert(
                    Urgency::ActNow,
                    ada.clone(),
                    "Blood pressure 182/118mmHg is at or above 180/110mmHg, the red threshold of the plan.",
                    12,
                )
            },
            late,
            acknowledged,
        ],
        settled: vec![settled],
        equipment: vec![EquipmentRow {
            name: "Hub in the hall".to_owned(),
            place: Some("14 Example Street".to_owned()),
            what: "Not connected. Readings are saved there but your team cannot see them yet.".to_owned(),
            since: ago(95),
            advice: Some("Telephone the home and ask whether the hub's light is on.".to_owned()),
        }],
        unassigned: vec![ReadingRow {
            quality: [Flag::DeviceTimeMissing].into_iter().collect(),
            taken: TakenAt::HubClock(ago(200)),
            ..reading(Whose::Nobody(WhyUnassigned::UserUnknown), pressure(128, 79, None), 199)
        }],
        recent: vec![
            reading(Whose::Person(ada.clone()), pressure(182, 118, Some(96)), 12),
            ReadingRow {
                kind: Kind::Spo2,
                device: "Pulse oximeter, Nonin 3230".to_owned(),
                ..reading(Whose::Person(ada), oxygen(94), 14)
            },
            ReadingRow {
                taken: TakenAt::DeviceClock(moment("2017-01-16T13:00:24Z")),
                late: true,
                quality: [Flag::BodyMovement, Flag::ArrivedLate].into_iter().collect(),
                ..reading(Whose::Person(clara), pressure(151, 96, Some(71)), 128)
            },
            reading(Whose::Person(brian), Value::NotMeasured(NoValue::NotANumber), 1441),
        ],
        csrf: "7f1d0c5e".to_owned(),
        now: now(),
    }
}

/// A worklist with nothing on it.
pub(crate) fn empty_page() -> WorklistPage {
    WorklistPage {
        alerts: Vec::new(),
        settled: Vec::new(),
        equipment: Vec::new(),
        unassigned: Vec::new(),
        recent: Vec::new(),
        ..page()
    }
}
