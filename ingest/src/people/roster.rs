//! The roster: everybody who is looked after, as another system lists them.
//!
//! A column that is not in the file leaves what the register has. An empty cell says that there is none. The telephone
//! numbers are those of the file, and no others. The file has room for one contact, who takes the first place; others whom
//! somebody typed stay behind them.

use super::{
    ids::PersonIds,
    known::{Holder, Known, KnownPeople},
    list::{List, Who},
    sheet::{Given, Out, Row, RowRefused, Why},
};
use chrono::{Days, NaiveDate};
use register::{KeyContact, Need, OdsCode, Patient, Stratum, Telephone};
use vitals::{
    NhsNumber, PatientId,
    bounded::{Text, TextRefused},
    id::{HomeId, NotAnId, TeamId},
    nhs::{NhsNumberRefused, Realm},
};

/// The columns.
pub const COLUMNS: [&str; 19] = [
    "id",
    "nhs_number",
    "name",
    "born",
    "team",
    "home",
    "practice",
    "stratum",
    "pathway",
    "telephone",
    "telephone_2",
    "contact_name",
    "contact_relation",
    "contact_telephone",
    "needs",
    "text_message",
    "call",
    "letter",
    "access_notes",
];

/// Longest that anybody has lived, and some years: an older birthday is a mistake.
const OLDEST_DAYS: u64 = 130 * 366;

/// A list of everybody.
pub struct Roster {
    /// Makes the ids of people whom it names by NHS number alone.
    pub ids: PersonIds,
    /// Whose numbers the service may hold.
    pub realm: Realm,
    /// The day it is read on.
    pub today: NaiveDate,
}

impl List for Roster {
    const COLUMNS: &'static [&'static str] = &COLUMNS;
    const NEEDED: &'static [&'static str] = &["nhs_number", "name"];
    const IS_WHOLE: bool = true;

    fn who(&self, row: &Row<'_>, known: &KnownPeople) -> Result<Who, RowRefused> {
        let number = nhs_number(row, self.realm)?;
        let number =
            number.ok_or_else(|| row.refused("nhs_number", Why::Cell, "want the NHS number: every person has one"))?;
        let given = person_id(row)?;
        let another = |column, advice: String| row.refused(column, Why::AnotherPerson, advice);
        let id = match (given, known.holder(number)) {
            (None, Some(Holder::One(holder))) => holder.clone(),
            (Some(given), Some(Holder::One(holder))) if given != *holder => {
                return Err(another("id", format!("the register has this NHS number under {holder}")));
            }
            (None, Some(Holder::Several)) => {
                let advice = "the register has this NHS number under more than one id: give the id";
                return Err(another("nhs_number", advice.to_owned()));
            }
            (Some(given), _) => given,
            (None, None) => self
                .ids
                .of(number)
                .ok_or_else(|| row.refused("id", Why::Cell, "no id can be made of this number: give one"))?,
        };
        if known.number(&id).is_some_and(|held| held != number) {
            let advice = format!(
                "the register has {id} with another NHS number: where the register is wrong, put it right there first"
            );
            return Err(another("nhs_number", advice));
        }
        Ok(Who { id, number: Some(number) })
    }

    fn after(
        &self,
        row: &Row<'_>,
        who: &Who,
        before: Option<&Known>,
        known: &KnownPeople,
    ) -> Result<Patient, RowRefused> {
        let refused = |column, advice: &'static str| row.refused(column, Why::Cell, advice);
        let name = row.read("name", text::<120>)?.value().ok_or_else(|| refused("name", "want the name"))?;
        let number = who.number.ok_or_else(|| refused("nhs_number", "want the NHS number"))?;
        let mut after = match before {
            Some(before) => before.patient.clone(),
            None => Patient::new(who.id.clone(), name.clone(), number),
        };
        after.name = name;
        after.nhs_number = number;
        after.born = row.read("born", |cell| self.birthday(cell))?.over(after.born);
        after.team = row.read("team", |cell| team(cell, known))?.over(after.team);
        after.home = row.read("home", |cell| home(cell, known))?.over(after.home);
        after.practice = row.read("practice", OdsCode::parse)?.over(after.practice);
        after.stratum = row.read("stratum", stratum)?.over(after.stratum);
        after.pathway = row.read("pathway", text::<80>)?.over(after.pathway);
        after.access_notes = row.read("access_notes", text::<500>)?.over(after.access_notes);
        after.needs = row.read("needs", needs)?.over(Some(after.needs)).unwrap_or_default();
        if let Some(telephones) = telephones(row)? {
            after.telephones = telephones;
        }
        if let Some(contact) = contact(row)? {
            put_first(&mut after.contacts, contact);
        }
        for (column, choice) in [
            ("text_message", &mut after.choices.text_message),
            ("call", &mut after.choices.call),
            ("letter", &mut after.choices.letter),
        ] {
            *choice = row.read(column, yes_or_no)?.over(Some(*choice)).unwrap_or(false);
        }
        Ok(after)
    }
}

/// The NHS number of a row, where it says one.
pub(super) fn nhs_number(row: &Row<'_>, realm: Realm) -> Result<Option<NhsNumber>, RowRefused> {
    let read = |cell: &str| {
        NhsNumber::parse_in(cell, realm).map_err(|refused| match refused {
            NhsNumberRefused::Form => "want ten digits, plain or as 3-3-4 with spaces or with hyphens",
            NhsNumberRefused::CheckDigit => "its check digit is wrong: look for a digit that was mistyped",
            NhsNumberRefused::Range => {
                "this service may not hold it: real people never have 9xx numbers, invented ones always 999"
            }
        })
    };
    Ok(row.read("nhs_number", read)?.value())
}

/// Our own id in a row, where it says one.
pub(super) fn person_id(row: &Row<'_>) -> Result<Option<PatientId>, RowRefused> {
    let advice = |_refused: NotAnId| "want pt- and up to 43 of a-z, 0-9 and -, fewer than ten digits in a row";
    Ok(row.read("id", |cell| PatientId::parse(cell).map_err(advice))?.value())
}

fn text<const MAX: usize>(cell: &str) -> Result<Text<MAX>, TextRefused> {
    Text::new(cell)
}

/// A day.
pub(super) fn day(cell: &str) -> Result<NaiveDate, &'static str> {
    // The form is asked for exactly: nobody can tell whether 3/4 is in March or in April.
    let is_form = cell.len() == 10 && cell.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    is_form.then(|| cell.parse().ok()).flatten().ok_or("want a day as YYYY-MM-DD, such as 1948-07-05")
}

impl Roster {
    fn birthday(&self, cell: &str) -> Result<NaiveDate, &'static str> {
        let born = day(cell)?;
        let oldest = self.today.checked_sub_days(Days::new(OLDEST_DAYS));
        match born <= self.today && oldest.is_none_or(|oldest| born >= oldest) {
            true => Ok(born),
            false => Err("want a birthday of somebody who may be alive"),
        }
    }
}

fn team(cell: &str, known: &KnownPeople) -> Result<TeamId, &'static str> {
    let team = TeamId::parse(cell).map_err(|_refused| "want the id of a team: tm- and up to 43 of a-z, 0-9 and -")?;
    if known.has_team(&team) { Ok(team) } else { Err("the register has no such team: write the team first") }
}

fn home(cell: &str, known: &KnownPeople) -> Result<HomeId, &'static str> {
    let home =
        HomeId::parse(cell).map_err(|_refused| "want the id of a care home: hm- and up to 43 of a-z, 0-9 and -")?;
    if known.has_home(&home) { Ok(home) } else { Err("the register has no such care home: write the home first") }
}

fn stratum(cell: &str) -> Result<Stratum, &'static str> {
    Stratum::from_name(cell).ok_or("want intensive_case_management or condition_management")
}

fn yes_or_no(cell: &str) -> Result<bool, &'static str> {
    match cell {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("want yes or no"),
    }
}

fn needs(cell: &str) -> Result<Vec<Need>, String> {
    let mut needs = Vec::new();
    for name in cell.split(';').map(str::trim).filter(|name| !name.is_empty()) {
        let Some(need) = Need::from_name(name) else {
            let all: Vec<&str> = Need::ALL.iter().map(|need| need.name()).collect();
            return Err(format!("want words of this list with ; between: {}", all.join(", ")));
        };
        if !needs.contains(&need) {
            needs.push(need);
        }
    }
    Ok(needs)
}

/// The numbers of a row; none where the file has no column for them.
fn telephones(row: &Row<'_>) -> Result<Option<Vec<Telephone>>, RowRefused> {
    let mut is_there = false;
    let mut numbers = Vec::new();
    for column in ["telephone", "telephone_2"] {
        let given = row.read(column, Telephone::parse)?;
        is_there |= given != Given::NoColumn;
        if let Some(number) = given.value().filter(|number| !numbers.contains(number)) {
            numbers.push(number);
        }
    }
    Ok(is_there.then_some(numbers))
}

/// The contact of a row, where it says one.
fn contact(row: &Row<'_>) -> Result<Option<KeyContact>, RowRefused> {
    let name = row.read("contact_name", text::<120>)?.value();
    let relation = row.read("contact_relation", text::<60>)?.value();
    let telephone = row.read("contact_telephone", Telephone::parse)?.value();
    match (name, relation, telephone) {
        (None, None, None) => Ok(None),
        (Some(name), Some(relation), Some(telephone)) => {
            Ok(Some(KeyContact { name, relation, telephone, has_key: false }))
        }
        (name, relation, _) => {
            let column = match (name, relation) {
                (None, _) => "contact_name",
                (_, None) => "contact_relation",
                _ => "contact_telephone",
            };
            Err(row.refused(column, Why::Cell, "want name, relation and telephone of a contact, or none of them"))
        }
    }
}

/// Puts a contact in the first place. Whether they have a key, which the file does not say, stays as it was.
fn put_first(contacts: &mut Vec<KeyContact>, contact: KeyContact) {
    let before = contacts.iter().position(|known| known.name == contact.name).map(|place| contacts.remove(place));
    contacts.insert(0, KeyContact { has_key: before.is_some_and(|before| before.has_key), ..contact });
}

/// The people of the register as a roster that reads in again.
#[must_use]
pub fn written<'p>(people: impl IntoIterator<Item = &'p Patient>) -> Vec<u8> {
    let mut out = Out::new(&COLUMNS);
    for patient in people {
        let cells = COLUMNS.map(|column| cell(patient, column));
        out.row(cells.iter().map(String::as_str));
    }
    out.bytes()
}

fn cell(patient: &Patient, column: &str) -> String {
    let contact = patient.contacts.first();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let yes_or_no = |is_chosen| if is_chosen { "yes" } else { "no" }.to_owned();
    match column {
        "id" => patient.id.as_str().to_owned(),
        "nhs_number" => patient.nhs_number.spaced(),
        "name" => patient.name.as_str().to_owned(),
        "born" => patient.born.map(|born| born.to_string()).unwrap_or_default(),
        "team" => text(patient.team.as_ref().map(TeamId::as_str)),
        "home" => text(patient.home.as_ref().map(HomeId::as_str)),
        "practice" => text(patient.practice.as_ref().map(OdsCode::as_str)),
        "stratum" => text(patient.stratum.map(Stratum::name)),
        "pathway" => text(patient.pathway.as_ref().map(Text::as_str)),
        "telephone" => text(patient.telephones.first().map(Telephone::as_str)),
        "telephone_2" => text(patient.telephones.get(1).map(Telephone::as_str)),
        "contact_name" => text(contact.map(|contact| contact.name.as_str())),
        "contact_relation" => text(contact.map(|contact| contact.relation.as_str())),
        "contact_telephone" => text(contact.map(|contact| contact.telephone.as_str())),
        "needs" => patient.needs.iter().map(|need| need.name()).collect::<Vec<_>>().join(";"),
        "text_message" => yes_or_no(patient.choices.text_message),
        "call" => yes_or_no(patient.choices.call),
        "letter" => yes_or_no(patient.choices.letter),
        "access_notes" => text(patient.access_notes.as_ref().map(Text::as_str)),
        _ => String::new(),
    }
}

#[cfg(test)]
pub(in crate::people) mod tests;
