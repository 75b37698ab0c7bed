//! The invented people of these tests, their hubs, their staff, and the readings they take.
//!
//! Names, numbers and values are unlike anything else in the tree, so that one of them found where it must not be is a
//! leak and nothing else.

use crate::{
    signed_client::TestHub,
    trouble::{Doing, Trouble},
};
use chrono::{DateTime, TimeDelta, Utc};
use ingest::access::{Access, Caseload, HubEntry};
use rules::{Actor, Person};
use std::collections::BTreeMap;
use vitals::{
    HubId, NhsNumber, PatientId, RecordNumber, SourceId,
    bounded::Text,
    id::StaffId,
    nhs::Realm,
    record::{RecordKey, reading_id},
    wire::v1,
};

/// One person: id, name, NHS number.
pub type PersonRow = (&'static str, &'static str, &'static str);

/// On [`HUB_A`], looked after by [`MARA`] and [`SAM`].
pub const ADA: PersonRow = ("pt-ada", "Adalind Quillfeather", "999 000 0018");
/// On [`HUB_A`], looked after by [`MARA`] and [`SAM`].
pub const BO: PersonRow = ("pt-bo", "Bohumil Wrexstone", "999 000 0026");
/// On [`HUB_B`], looked after by [`ODD`].
pub const CY: PersonRow = ("pt-cy", "Cyprian Thackeroy", "999 000 0042");

/// Everybody.
pub const PEOPLE: [PersonRow; 3] = [ADA, BO, CY];

/// The hub of Ada and Bo.
pub const HUB_A: &str = "hub-a";
/// The hub of Cy.
pub const HUB_B: &str = "hub-b";

/// The case manager who is signed in where a request names nobody.
pub const MARA: &str = "st-mara";
/// A case manager with the same people as Mara.
pub const SAM: &str = "st-sam";
/// A case manager with other people.
pub const ODD: &str = "st-odd";

/// When every test begins: a Monday morning, 8am in London.
pub const MORNING: DateTime<Utc> = DateTime::from_timestamp_secs(1_780_297_200).expect("a moment of this century");

/// The people who are on each hub.
pub const ON_HUBS: [(&str, &[PersonRow]); 2] = [(HUB_A, &[ADA, BO]), (HUB_B, &[CY])];

/// Whether a text holds a name, a part of a name or an NHS number of anybody here; the first that is found.
#[must_use]
pub fn personal_words_in(text: &str) -> Option<String> {
    let words = PEOPLE.into_iter().flat_map(|(_, name, number)| {
        let mut words: Vec<String> = name.split(' ').map(str::to_owned).collect();
        words.extend([number.to_owned(), number.replace(' ', "")]);
        words
    });
    let mut words = words;
    words.find(|word| text.contains(word.as_str()))
}

pub(super) fn people() -> Result<Vec<Person>, Trouble> {
    PEOPLE.into_iter().map(person).collect()
}

fn person((id, name, number): PersonRow) -> Result<Person, Trouble> {
    let nhs_number = NhsNumber::parse_in(number, Realm::Demo).doing("read an NHS number")?;
    let id = PatientId::parse(id).doing("name a person")?;
    Ok(Person::new(id, Text::new(name).doing("name somebody")?, nhs_number))
}

/// What the service must know of a hub: its key and its people.
pub(super) fn entry(hub: &TestHub, people: &[PersonRow]) -> Result<HubEntry, Trouble> {
    let patients = people.iter().map(|(id, ..)| PatientId::parse(id)).collect::<Result<_, _>>();
    let public_key = hub.key().public_key().doing("take a public key")?;
    Ok(HubEntry { public_key, patients: patients.doing("name the people")? })
}

pub(super) fn staff() -> Result<BTreeMap<String, Access>, Trouble> {
    let rows = [
        (MARA, "Mara Usual", vec![ADA, BO], HUB_A),
        (SAM, "Sam Second", vec![ADA, BO], HUB_A),
        (ODD, "Odd Elsewhere", vec![CY], HUB_B),
    ];
    rows.into_iter().map(|(id, name, people, hub)| Ok((id.to_owned(), case_manager(id, name, &people, hub)?))).collect()
}

#[expect(clippy::disallowed_methods, reason = "the tests sign in by header; `ingest serve` has no such path")]
fn case_manager(id: &str, name: &str, people: &[PersonRow], hub: &str) -> Result<Access, Trouble> {
    let patients = people.iter().map(|(id, ..)| PatientId::parse(id)).collect::<Result<_, _>>();
    let hub = HubId::parse(hub).doing("name a hub")?;
    let caseload = Caseload { patients: patients.doing("name the people")?, hubs: [hub].into() };
    let id = StaffId::parse(id).doing("name a member of staff")?;
    let who = Actor { id, name: Text::new(name).doing("name somebody")? };
    Ok(ingest::access::demo_case_manager(who, caseload))
}

/// Where the cuff's bytes begin; the rest is the record's number. Kept as they came, never decoded by the service.
pub const FRAME_HEX: &str = "5eed5eed";

/// A blood pressure as a hub sends it: record `number` of this person's own cuff, taken and heard at `at` with clocks
/// that agree. `value` is "SYSTOLIC/DIASTOLIC", such as "182/118".
///
/// # Errors
/// [`Trouble`] where the row names nothing that can be a source.
pub fn reading((patient, ..): PersonRow, number: u32, value: &str, at: DateTime<Utc>) -> Result<v1::Reading, Trouble> {
    reading_of(patient, number, value, at)
}

/// As [`reading`], of anybody, by their id.
///
/// # Errors
/// [`Trouble`] where the id names nothing that can be a source.
pub fn reading_of(patient: &str, number: u32, value: &str, at: DateTime<Utc>) -> Result<v1::Reading, Trouble> {
    let source = SourceId::device("Harness", patient).doing("name a cuff")?;
    let hex = format!("{FRAME_HEX}{number:08x}");
    let bytes = vitals::hex::decode(&hex).doing("make a frame")?;
    let record = RecordNumber::of("1810", RecordKey::Number(number), Some(1), &bytes);
    let (systolic, diastolic) = value.split_once('/').unwrap_or((value, value));
    let number = |value: &str| v1::Number { value: value.to_owned(), unit: "mm[Hg]".to_owned() };
    Ok(v1::Reading {
        id: reading_id(&source, record).to_string(),
        source: source.to_string(),
        record: record.to_string(),
        user_index: Some(1),
        patient: Some(patient.to_owned()),
        unassigned: None,
        kind: "blood_pressure".to_owned(),
        measured: Some([("systolic".to_owned(), number(systolic)), ("diastolic".to_owned(), number(diastolic))].into()),
        said: BTreeMap::new(),
        rr_intervals_1024ths: Vec::new(),
        sequence: None,
        not_measured: None,
        posture: None,
        arm: None,
        device_time: Some((at + TimeDelta::hours(1)).format("%Y-%m-%dT%H:%M:%S").to_string()),
        hub_received: v1::moment(at),
        taken_at: v1::moment(at),
        taken_by: "device".to_owned(),
        device_ahead_secs: Some(0),
        quality: Vec::new(),
        raw: v1::Raw { service: "1810".to_owned(), characteristic: "2a35".to_owned(), hex },
    })
}
