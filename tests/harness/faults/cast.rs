//! The invented people, hubs and staff of the fault runs, with the access of each.

use crate::{
    hub_access::signed_in,
    service::MORNING,
    trouble::{Doing, Trouble},
};
use actix_web::{http::header::COOKIE, test::TestRequest};
use chrono::{DateTime, TimeDelta, Utc};
use ingest::{
    access::{Access, Caseload, Directory, LocalSignIn, SESSION_COOKIE, Sessions, SignIn},
    decide::ByPlan,
    store::{Care, Decide},
};
use register::{
    Consent, ContactChoices, Item, Place, Post, Role, Span, Staff, Team,
    access::{ConsentFor, GivenBy},
};
use rules::{Actor, Channel, Decisions, Event, PatientState, Person, event::Account};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use vitals::{
    ErrorCode, HubId, Measure, NhsNumber, PatientId, Value,
    bounded::Text,
    hex,
    id::{OrganisationId, RecordId, StaffId, TeamId},
    nhs::Realm,
};

/// Everybody in a run.
#[derive(Clone)]
pub struct Cast {
    /// The hubs, each with its people.
    pub hubs: Vec<(HubId, Vec<PatientId>)>,
    /// The people as the service registers them.
    pub people: Vec<Person>,
    /// What the service writes into the register beside them: a team, and what each of them agreed to.
    pub things: Vec<Item>,
    /// The accounts it sets.
    pub accounts: Vec<Account>,
    /// A member of staff who looks after everybody.
    pub everybodys: Access,
    /// A member of staff who may see who looked at whose record.
    pub privacy_officer: Access,
    /// Members of staff who look after one person each, and their hub.
    pub one_each: Vec<Access>,
    /// What judges.
    pub decide: Arc<dyn Decide>,
    access: BTreeMap<HubId, Access>,
}

impl Cast {
    /// So many hubs with so many people each.
    ///
    /// # Errors
    /// [`Trouble`] where the hubs could not sign in.
    pub fn new(hubs: usize, people_each: usize) -> Result<Self, Trouble> {
        let mut all = Vec::new();
        for hub in 0..hubs {
            let people: Result<_, _> =
                (0..people_each).map(|n| PatientId::parse(&format!("pt-{}", hub * people_each + n))).collect();
            all.push((HubId::parse(&format!("hub-{hub}")).doing("name a hub")?, people.doing("name a person")?));
        }
        let everybody: Vec<PatientId> = all.iter().flat_map(|(_, people): &(_, Vec<_>)| people.clone()).collect();
        let hubs_of_all = all.iter().map(|(hub, _)| hub.clone()).collect();
        let of_hub = |(hub, people): &(HubId, Vec<PatientId>)| -> Vec<(HubId, PatientId)> {
            people.iter().map(|patient| (hub.clone(), patient.clone())).collect()
        };
        let one_each = all.iter().flat_map(of_hub).map(|(hub, patient)| staff([patient].into(), [hub].into()));
        let one_each = one_each.collect::<Result<_, _>>()?;
        let packs = vec![rules::pack::demo_pack().doing("read the demo's protocol")?];
        let plan = ByPlan::for_demo(packs, vec![Channel::Console]).doing("activate the demo's protocol")?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let keyed = all.iter().map(|(hub, people)| (hub.clone(), people.iter().cloned().collect()));
        let access = runtime.doing("start a runtime")?.block_on(signed_in(keyed.collect()))?;
        let people = persons(&everybody)?;
        Ok(Self {
            things: things(&everybody)?,
            accounts: accounts()?,
            privacy_officer: privacy_officer(&people)?,
            people,
            one_each,
            everybodys: staff(everybody.into_iter().collect(), hubs_of_all)?,
            decide: Arc::new(GivesUp(plan)),
            hubs: all,
            access,
        })
    }

    /// The access of a hub.
    ///
    /// # Errors
    /// [`Trouble`] where there is no such hub.
    pub fn hub(&self, hub: &HubId) -> Result<&Access, Trouble> {
        self.access.get(hub).ok_or_else(|| Trouble::new("find a hub's access", format!("there is no {hub}")))
    }

    /// The member of staff as they sign what they take.
    ///
    /// # Errors
    /// [`Trouble`] where they are nobody.
    pub fn actor(&self) -> Result<Actor, Trouble> {
        let actor = self.everybodys.actor().cloned();
        actor.ok_or_else(|| Trouble::new("find a member of staff", "the access is not one's"))
    }
}

/// So many seconds after the morning on which every run begins.
#[must_use]
pub fn at(secs: i64) -> DateTime<Utc> {
    MORNING + TimeDelta::seconds(secs)
}

#[expect(clippy::disallowed_methods, reason = "the tests sign in as the demo does")]
fn staff(patients: BTreeSet<PatientId>, hubs: BTreeSet<HubId>) -> Result<Access, Trouble> {
    let name = "Mara Usual";
    let who = Actor { id: StaffId::parse("st-mara").doing("name staff")?, name: Text::new(name).doing("name staff")? };
    Ok(ingest::access::demo_case_manager(who, Caseload { patients, hubs }))
}

/// What the service writes into the register beside people.
fn things(people: &[PatientId]) -> Result<Vec<Item>, Trouble> {
    let organisation = OrganisationId::parse("org-1").doing("name an organisation")?;
    let (id, name) = (TeamId::parse("tm-1").doing("name a team")?, Text::new("First Team").doing("name a team")?);
    let mut things: Vec<Item> = vec![Team { id, name, organisation, telephone: None, service_hours: None }.into()];
    for (n, patient) in people.iter().enumerate() {
        let id = RecordId::parse(&format!("rc-{n}")).doing("name a consent")?;
        let to = ConsentFor::Messages(ContactChoices::default());
        let span = Span::since(MORNING);
        things.push(Consent { id, patient: patient.clone(), to, given_by: GivenBy::Person, span }.into());
    }
    Ok(things)
}

fn accounts() -> Result<Vec<Account>, Trouble> {
    let account = |name: &str| {
        let staff = StaffId::parse(name).doing("name staff")?;
        let secret = Some(Text::new("what is kept of a password").doing("keep a secret")?);
        Ok(Account { staff, secret, by: None, at: MORNING, is_first: true })
    };
    ["st-mara", "st-abel"].into_iter().map(account).collect()
}

/// Signed in as whoever is answerable for who looked at what.
fn privacy_officer(people: &[Person]) -> Result<Access, Trouble> {
    let id = StaffId::parse("st-priya").doing("name staff")?;
    let post = Post { role: Role::PrivacyOfficer, place: Place::Footprint, span: Span::since(MORNING) };
    let name = Text::new("Priya Usual").doing("name staff")?;
    let mut known: Vec<Item> = people.iter().cloned().map(Item::from).collect();
    known.push(Staff { id: id.clone(), name, posts: vec![post], left_at: None }.into());
    let (directory, sessions) = (Arc::new(Directory::default()), Arc::new(Sessions::default()));
    directory.learn(&known);
    let token = [7; 32];
    sessions.begin(&token, id, false, MORNING);
    let cookie = format!("{SESSION_COOKIE}={}", hex::encode(&token));
    let request = TestRequest::default().insert_header((COOKIE, cookie)).to_http_request();
    let signed_in = LocalSignIn { directory, sessions }.signed_in(request.head(), MORNING);
    signed_in.ok_or_else(|| Trouble::new("sign the privacy officer in", "nobody is signed in"))
}

/// Names and NHS numbers that are never issued.
fn persons(people: &[PatientId]) -> Result<Vec<Person>, Trouble> {
    let numbers = (0..10_000_u32).filter_map(|n| NhsNumber::parse_in(&format!("999{n:07}"), Realm::Demo).ok());
    let person = |(n, (id, nhs_number)): (usize, (&PatientId, NhsNumber))| {
        Ok(Person::new(id.clone(), Text::new(&format!("Invented {n}")).doing("name a person")?, nhs_number))
    };
    people.iter().zip(numbers).enumerate().map(person).collect()
}

/// A systolic pressure on which [`GivesUp`] gives up.
pub const UNDECIDED: u16 = 131;

/// The rules, but for readings of one value, which they cannot judge the first time.
struct GivesUp(ByPlan);

fn is_undecided(event: &Event) -> bool {
    let Event::Reading(admitted) = event else { return false };
    match &admitted.reading.value {
        Value::Measured(Measure::BloodPressure(pressure)) => {
            pressure.systolic.value() == vitals::Decimal::from(UNDECIDED)
        }
        Value::Measured(_) | Value::NotMeasured(_) => false,
    }
}

impl Decide for GivesUp {
    fn decide(&self, care: &Care, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
        if events.iter().any(is_undecided) && events.iter().all(|event| matches!(event, Event::Reading(_))) {
            return self.0.unevaluated(before, events, ErrorCode::RulePanicked, at);
        }
        self.0.decide(care, before, events, at)
    }

    fn unevaluated(&self, before: &PatientState, events: &[Event], reason: ErrorCode, at: DateTime<Utc>) -> Decisions {
        self.0.unevaluated(before, events, reason, at)
    }
}
