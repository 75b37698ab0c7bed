//! The nightly status file: who died, moved away, is in hospital or back, and whose practice changed.
//!
//! A death stops every message to the person at once: from the commit on nothing is asked of them (see
//! [`register::Status::may_be_told`]). No list takes a death back: that is done for one person, by somebody who knows.

use super::{
    known::{Holder, Known, KnownPeople},
    list::{List, Who},
    roster::{day, nhs_number, person_id},
    sheet::{Row, RowRefused, Why},
};
use chrono::NaiveDate;
use register::{OdsCode, Patient, Status};
use vitals::nhs::Realm;

/// A list of what became of people.
#[derive(Debug, Clone, Copy)]
pub struct StatusList {
    /// Whose numbers the service may hold.
    pub realm: Realm,
    /// The day it is read on.
    pub today: NaiveDate,
}

vitals::named! {
    /// What a row says became of a person.
    Became {
        /// Died.
        Deceased = "deceased",
        /// Moved away.
        Moved = "moved",
        /// In hospital.
        Admitted = "admitted",
        /// At home, or in their care home.
        Active = "active",
    }
}

impl List for StatusList {
    const COLUMNS: &'static [&'static str] = &["id", "nhs_number", "status", "on", "practice"];
    const NEEDED: &'static [&'static str] = &[];
    const IS_WHOLE: bool = false;

    fn who(&self, row: &Row<'_>, known: &KnownPeople) -> Result<Who, RowRefused> {
        let number = nhs_number(row, self.realm)?;
        let given = person_id(row)?;
        let refused = |column, advice: &'static str| row.refused(column, Why::Cell, advice);
        let another = |column, advice: &'static str| row.refused(column, Why::AnotherPerson, advice);
        let id = match (given, number.map(|number| known.holder(number))) {
            (None, None) => return Err(refused("nhs_number", "want the NHS number or the id")),
            (None, Some(None)) => return Err(refused("nhs_number", "nobody in the register has this NHS number")),
            (None, Some(Some(Holder::Several))) => {
                return Err(another(
                    "nhs_number",
                    "the register has this NHS number under more than one id: give the id",
                ));
            }
            (None, Some(Some(Holder::One(holder)))) => holder.clone(),
            (Some(given), _) => match known.number(&given) {
                None => return Err(refused("id", "nobody in the register has this id")),
                Some(held) if number.is_some_and(|number| number != held) => {
                    return Err(another("id", "the register has this id with another NHS number"));
                }
                Some(_) => given,
            },
        };
        Ok(Who { id, number })
    }

    fn after(
        &self,
        row: &Row<'_>,
        _who: &Who,
        before: Option<&Known>,
        _known: &KnownPeople,
    ) -> Result<Patient, RowRefused> {
        let refused = |column, advice: &'static str| row.refused(column, Why::Cell, advice);
        let mut after = before
            .map(|before| before.patient.clone())
            .ok_or_else(|| refused("id", "nobody in the register has it"))?;
        let became = |cell: &str| Became::from_name(cell).ok_or("want deceased, moved, admitted or active");
        let status = row.read("status", became)?.value();
        let on = row.read("on", |cell| self.day_past(cell))?.value();
        let practice = row.read("practice", OdsCode::parse)?.value();
        if status.is_none() && practice.is_none() {
            return Err(refused("status", "want what became of the person, or their new practice"));
        }
        if let Some(became) = status {
            let on = || on.ok_or_else(|| refused("on", "want the day, as YYYY-MM-DD"));
            let status = match became {
                Became::Deceased => Status::Deceased(on()?),
                Became::Moved => Status::Moved(on()?),
                Became::Admitted => Status::Admitted(on()?),
                Became::Active => Status::Active,
            };
            let is_back = matches!(after.status, Status::Deceased(_)) && !matches!(status, Status::Deceased(_));
            if is_back {
                let advice =
                    "the register has the person as deceased: where that is wrong, put it right for this person alone";
                return Err(refused("status", advice));
            }
            after.status = status;
        }
        // A status file says what changed: an empty cell says nothing.
        after.practice = practice.or(after.practice);
        Ok(after)
    }
}

impl StatusList {
    fn day_past(&self, cell: &str) -> Result<NaiveDate, &'static str> {
        match day(cell)? {
            day if day <= self.today => Ok(day),
            _later => Err("the day is in the future: want the day it happened"),
        }
    }
}

#[cfg(test)]
mod tests;
