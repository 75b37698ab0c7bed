//! The invented people of the demo, their cuffs, their hub, and the case manager who looks after them.

use hub_agent::assign::{Binding, BindingRefused, Bindings, User};
use ingest::access::{Access, Caseload, SignIn};
use rules::{Actor, Person};
use thiserror::Error;
use vitals::{
    HubId, NhsNumber, PatientId, SourceId,
    bounded::{Text, TextRefused},
    id::{NotAnId, StaffId},
    nhs::{NhsNumberRefused, Realm},
    record::NotASource,
};

/// The banner on every page.
pub const BANNER: &str = "Demo: simulated patients";

/// When the demo's team looks.
pub const SERVICE_HOURS: &str = "Your team looks Monday to Friday, 8am to 6pm.";

/// One row: id, name, NHS number (999 only), the maker, serial number and user index of their cuff.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str, User);

const ROWS: [Row; 4] = [
    ("pt-edith", "Edith Demo", "999 000 0018", "A&D Medical", "UA-651BLE-238F68", User::Any),
    ("pt-george", "George Demo", "999 000 0026", "Maker not recorded", "SO-78176577", User::Index(1)),
    ("pt-arthur", "Arthur Demo", "999 000 0042", "Demo cuffs", "ARTHUR-1", User::Index(1)),
    ("pt-rose", "Rose Demo", "999 000 0077", "Demo cuffs", "ROSE-1", User::Index(1)),
];

/// The demo's people do not read; a test holds that they do.
#[derive(Debug, Error)]
#[error("put the demo's people in place: {0}")]
pub struct PeopleError(String);

macro_rules! from_error {
    ($($error:ty),*) => {
        $(impl From<$error> for PeopleError {
            fn from(error: $error) -> Self {
                Self(error.to_string())
            }
        })*
    };
}
from_error!(NotAnId, TextRefused, NhsNumberRefused, NotASource, BindingRefused);

/// Everybody, and what is theirs.
pub struct Cast {
    /// The people.
    pub people: Vec<Person>,
    /// Whose cuff is whose.
    pub bindings: Bindings,
    /// Their hub.
    pub hub: HubId,
    /// The case manager's access.
    pub case_manager: DemoSignIn,
}

/// Puts everybody in place.
///
/// # Errors
/// [`PeopleError`] where a row above is not what it should be.
pub fn cast() -> Result<Cast, PeopleError> {
    let hub = HubId::parse("hub-demo")?;
    let mut people = Vec::new();
    let mut bindings = Vec::new();
    for (id, name, nhs_number, maker, serial, user) in ROWS {
        let id = PatientId::parse(id)?;
        bindings.push(Binding { source: SourceId::device(maker, serial)?, user, patient: id.clone() });
        people.push(Person::new(id, Text::new(name)?, NhsNumber::parse_in(nhs_number, Realm::Demo)?));
    }
    let caseload =
        Caseload { patients: people.iter().map(|person| person.id.clone()).collect(), hubs: [hub.clone()].into() };
    let who = Actor { id: StaffId::parse("st-demo")?, name: Text::new("Demo case manager")? };
    Ok(Cast { people, bindings: Bindings::new(bindings)?, hub, case_manager: DemoSignIn::new(who, caseload) })
}

/// Everybody who opens the demo's pages is its case manager. Only the demo has this; `ingest serve` has no such path.
#[derive(Debug, Clone)]
pub struct DemoSignIn(Access);

impl DemoSignIn {
    #[expect(clippy::disallowed_methods, reason = "the demo is the one program that has this sign-in")]
    fn new(who: Actor, caseload: Caseload) -> Self {
        Self(ingest::access::demo_case_manager(who, caseload))
    }
}

impl SignIn for DemoSignIn {
    fn signed_in(&self, _request: &ingest::access::RequestHead, _at: chrono::DateTime<chrono::Utc>) -> Option<Access> {
        Some(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cast_reads_and_every_number_is_an_invented_one() {
        let cast = cast().unwrap();
        assert_eq!(cast.people.len(), ROWS.len());
        assert!(cast.people.iter().all(|person| person.nhs_number.digits().starts_with("999")));
    }
}
