//! How long what is kept, and whose time is over.
//!
//! Invariants: nothing is disposed of by itself; a period that nobody could check says so; whoever is still looked after, is
//! on hold, or was in touch within the time, is not due. The rules look back 100 days at most, which is shorter than every
//! period here.

use chrono::{DateTime, Months, NaiveDate, Utc};
use register::{Patient, Status};

/// A type of record, and how long it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// What it is.
    pub of: &'static str,
    /// For how many years.
    pub years: u32,
    /// From when on.
    pub since: &'static str,
    /// Who says so.
    pub source: &'static str,
    /// Whether the source was read for this table.
    pub is_checked: bool,
}

/// Every type of record there is, and how long it is kept.
pub const PERIODS: &[Period] = &[
    Period {
        of: "a person's record: readings, alerts, what was done, the register's versions, who looked",
        years: 8,
        since: "the person died or moved away, or the newest entry if that is later",
        source: "NHS Records Management Code of Practice: \"generally most health and care records are kept for eight years \
                 after your last treatment\" (guidance for patients and service users)",
        is_checked: true,
    },
    Period {
        of: "who works where, devices, hubs, accounts, and who signed in: the service's own record",
        years: 6,
        since: "the person left, or the device was taken out of use",
        source: "NHS Records Management Code of Practice, appendix II, staff and equipment records: to be checked by the \
                 organisation before it is used",
        is_checked: false,
    },
    Period {
        of: "statements of what was erased or disposed of, and signed roots",
        years: 20,
        since: "the statement",
        source: "NHS Records Management Code of Practice, appendix II, destruction certificates: to be checked by the \
                 organisation before it is used",
        is_checked: false,
    },
];

/// Years for which a person's record is kept.
const PERSON_YEARS: u32 = 8;

/// The first day on which a person's record may be disposed of; none while somebody looks after them.
#[must_use]
pub fn due_on(patient: &Patient, newest_entry: DateTime<Utc>) -> Option<NaiveDate> {
    let ended_on = match patient.status {
        Status::Active | Status::Admitted(_) => return None,
        Status::Moved(on) | Status::Deceased(on) => on,
    };
    ended_on.max(newest_entry.date_naive()).checked_add_months(Months::new(12 * PERSON_YEARS))?.succ_opt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use vitals::{NhsNumber, PatientId, bounded::Text};

    #[test]
    fn a_record_is_due_eight_years_after_the_person_left_and_the_last_entry() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let id = PatientId::parse("pt-1").unwrap();
        let mut person = Patient::new(id, Text::new("Ada Test").unwrap(), NhsNumber::parse("9990000018").unwrap());
        let entry = |text: &str| day(text).and_hms_opt(12, 0, 0).unwrap().and_utc();
        let mut check = |status, newest: &str, due: Option<&str>| {
            person.status = status;
            assert_eq!(due_on(&person, entry(newest)), due.map(day), "{status:?} {newest}");
        };
        check(Status::Active, "2010-01-01", None);
        check(Status::Admitted(day("2010-01-01")), "2010-01-01", None);
        check(Status::Deceased(day("2018-02-28")), "2017-01-01", Some("2026-03-01"));
        check(Status::Moved(day("2018-02-28")), "2019-06-30", Some("2027-07-01"));
    }

    #[test]
    fn every_period_is_longer_than_the_rules_look_back() {
        assert!(PERIODS.iter().all(|period| period.years * 365 > 100));
        assert_eq!(PERIODS[0].years, PERSON_YEARS);
    }
}
