//! Two trusts with a team each, a care home with a resident who is also a team's, and everybody who might want to look.

use super::*;
use register::{Role, Span, place::OrganisationKind};
use vitals::{NhsNumber, bounded::Text};

fn text<const MAX: usize>(words: &str) -> Text<MAX> {
    Text::new(words).unwrap()
}

fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
}

fn pt(id: &str) -> PatientId {
    PatientId::parse(id).unwrap()
}

fn st(id: &str) -> StaffId {
    StaffId::parse(id).unwrap()
}

fn tm(id: &str) -> TeamId {
    TeamId::parse(id).unwrap()
}

fn organisation(id: &str) -> Item {
    let (id, name) = (OrganisationId::parse(id).unwrap(), text("Trust"));
    Organisation { id, name, kind: OrganisationKind::Trust, ods_code: None }.into()
}

fn team(id: &str, of: &str) -> Item {
    let organisation = OrganisationId::parse(of).unwrap();
    Team { id: tm(id), name: text("Team"), organisation, telephone: None, service_hours: None }.into()
}

fn home(id: &str, of: &str) -> Item {
    let (id, organisation) = (HomeId::parse(id).unwrap(), OrganisationId::parse(of).unwrap());
    Home { id, name: text("Home"), organisation, address: None, telephone: None }.into()
}

fn person(id: &str, team: Option<&str>, home: Option<&str>) -> Item {
    let mut person = Patient::new(pt(id), text("Invented Person"), NhsNumber::parse("9990000018").unwrap());
    person.team = team.map(tm);
    person.home = home.map(|home| HomeId::parse(home).unwrap());
    person.into()
}

fn staff(id: &str, posts: &[(Role, Place)]) -> Item {
    let post = |(role, place): &(Role, Place)| Post { role: *role, place: place.clone(), span: Span::since(at(0)) };
    Staff { id: st(id), name: text("Staff"), posts: posts.iter().map(post).collect(), left_at: None }.into()
}

fn in_team(role: Role, team: &str) -> (Role, Place) {
    (role, Place::Team(tm(team)))
}

fn county() -> Relations {
    let mut relations = Relations::default();
    for item in [
        organisation("org-north"),
        organisation("org-south"),
        team("tm-north", "org-north"),
        team("tm-south", "org-south"),
        home("hm-lime", "org-south"),
        person("pt-north", Some("tm-north"), None),
        person("pt-south", Some("tm-south"), None),
        person("pt-lime", Some("tm-north"), Some("hm-lime")),
        staff("st-north", &[in_team(Role::CaseManager, "tm-north")]),
        staff("st-south", &[in_team(Role::CaseManager, "tm-south")]),
        staff("st-lime", &[(Role::HomeStaff, Place::Home(HomeId::parse("hm-lime").unwrap()))]),
        staff("st-org", &[(Role::Clinician, Place::Organisation(OrganisationId::parse("org-south").unwrap()))]),
        staff("st-two", &[in_team(Role::Administrator, "tm-north"), in_team(Role::Clinician, "tm-south")]),
        staff("st-privacy", &[(Role::PrivacyOfficer, Place::Footprint)]),
    ] {
        relations.learn(&item);
    }
    relations
}

/// Whom somebody may do something for, as one text.
fn whom(relations: &Relations, id: &str, permission: Permission, when: i64) -> String {
    let powers = relations.powers(&st(id), at(when));
    let held = powers.as_ref().and_then(|powers| powers.held(permission));
    held.map_or("may not".to_owned(), |held| {
        held.caseload.patients.iter().map(PatientId::as_str).collect::<Vec<_>>().join(" ")
    })
}

#[test]
fn a_post_opens_the_people_of_its_place_for_what_its_role_may_do() {
    let county = county();
    for (who, permission, expected) in [
        ("st-north", Permission::SeeReadings, "pt-lime pt-north"),
        ("st-north", Permission::WritePlan, "may not"),
        ("st-lime", Permission::SeeReadings, "pt-lime"),
        ("st-lime", Permission::WriteDetails, "may not"),
        ("st-org", Permission::WritePlan, "pt-lime pt-south"),
        ("st-two", Permission::SeeReadings, "pt-south"),
        ("st-two", Permission::SeeDetails, "pt-lime pt-north pt-south"),
        ("st-privacy", Permission::SeeReadings, "may not"),
        ("st-privacy", Permission::SeeLog, "pt-lime pt-north pt-south"),
        ("st-nobody", Permission::SeeDetails, "may not"),
    ] {
        assert_eq!(whom(&county, who, permission, 1), expected, "{who} {permission:?}");
    }
}

#[test]
fn an_objection_narrows_what_a_post_opens_while_it_lasts_and_nothing_that_is_owed() {
    let cases = [
        (Against::Staff(st("st-north")), "st-north", "pt-lime"),
        (Against::Staff(st("st-south")), "st-north", "pt-lime pt-north"),
        (Against::Team(tm("tm-north")), "st-north", "pt-lime"),
        (Against::Organisation(OrganisationId::parse("org-north").unwrap()), "st-north", "pt-lime"),
    ];
    for (against, who, expected) in cases {
        let mut county = county();
        let span = Span { from: at(10), until: Some(at(20)) };
        let (id, patient) = (RecordId::parse("rc-1").unwrap(), pt("pt-north"));
        county.learn(&Objection { id, patient, against: against.clone(), reason: text("a neighbour"), span }.into());
        assert_eq!(whom(&county, who, Permission::SeeReadings, 9), "pt-lime pt-north", "not yet: {against:?}");
        assert_eq!(whom(&county, who, Permission::SeeReadings, 10), expected, "{against:?}");
        assert_eq!(whom(&county, who, Permission::SeeReadings, 20), "pt-lime pt-north", "no longer: {against:?}");
        assert_eq!(whom(&county, "st-privacy", Permission::SeeLog, 10), "pt-lime pt-north pt-south");
        assert_eq!(county.answered_until(&st(who), at(1)), at(10));
        assert_eq!(county.answered_until(&st(who), at(10)), at(20));
    }
}

#[test]
fn whoever_moved_is_their_new_teams_and_no_longer_the_old_ones() {
    let mut county = county();
    county.learn(&person("pt-north", Some("tm-south"), None));
    assert_eq!(whom(&county, "st-north", Permission::SeeReadings, 1), "pt-lime");
    assert_eq!(whom(&county, "st-south", Permission::SeeReadings, 1), "pt-north pt-south");
}

#[test]
fn whoever_left_may_do_nothing_from_that_moment_whatever_their_posts_say() {
    let mut county = county();
    let Item::Staff(mut staff) = staff("st-north", &[in_team(Role::CaseManager, "tm-north")]) else { unreachable!() };
    staff.left_at = Some(at(5));
    county.learn(&Item::Staff(staff));
    assert!(county.powers(&st("st-north"), at(4)).is_some());
    assert_eq!(county.powers(&st("st-north"), at(5)), None);
}

#[test]
fn emergency_access_opens_one_record_until_it_ends() {
    let mut county = county();
    let span = Span { from: at(10), until: Some(at(70)) };
    let (id, patient, staff) = (RecordId::parse("rc-2").unwrap(), pt("pt-south"), st("st-north"));
    county.learn(&Emergency { id, patient, staff, reason: text("found on the floor"), span, reviewed_by: None }.into());
    assert_eq!(whom(&county, "st-north", Permission::SeeReadings, 10), "pt-lime pt-north pt-south");
    assert_eq!(whom(&county, "st-north", Permission::WriteDetails, 10), "pt-lime pt-north", "to look, not to change");
    assert_eq!(whom(&county, "st-north", Permission::SeeReadings, 70), "pt-lime pt-north");
}

#[test]
fn a_device_was_somebodys_only_where_one_person_had_it() {
    let mut county = county();
    let cuff = DeviceId::parse("dv-cuff").unwrap();
    for (n, patient, user_index, from, until) in
        [(1, "pt-north", None, 0, Some(10)), (2, "pt-south", Some(1), 10, None), (3, "pt-lime", Some(2), 10, None)]
    {
        let (id, patient) = (RecordId::parse(&format!("rc-{n}")).unwrap(), pt(patient));
        let span = Span { from: at(from), until: until.map(at) };
        county.learn(&Assignment { id, device: cuff.clone(), patient, user_index, span }.into());
    }
    for (user_index, when, expected) in [
        (None, 5, Some("pt-north")),
        (Some(1), 9, Some("pt-north")),
        (Some(1), 10, Some("pt-south")),
        (Some(2), 10, Some("pt-lime")),
        (Some(3), 10, None),
        (None, 10, None),
    ] {
        assert_eq!(county.had(&cuff, user_index, at(when)).map(PatientId::as_str), expected, "{user_index:?} {when}");
    }
}

#[test]
fn what_may_change_an_answer_is_told_and_what_changes_none_is_not() {
    let mut county = county();
    let moment = at(12);
    let everybody = ["st-north", "st-south", "st-lime", "st-org", "st-two", "st-privacy", "st-new"];
    let answers = |county: &Relations| everybody.map(|id| county.powers(&st(id), moment));
    let span = Span { from: at(10), until: Some(at(70)) };
    let patient = |id: &str, change: fn(&mut Patient)| {
        let Item::Patient(mut patient) = person(id, Some("tm-north"), None) else { unreachable!() };
        change(&mut patient);
        Item::Patient(patient)
    };
    let device = DeviceId::parse("dv-cuff").unwrap();
    let objection = Objection {
        id: RecordId::parse("rc-1").unwrap(),
        patient: pt("pt-north"),
        against: Against::Staff(st("st-north")),
        reason: text("a neighbour"),
        span,
    };
    let emergency = Emergency {
        id: RecordId::parse("rc-2").unwrap(),
        patient: pt("pt-south"),
        staff: st("st-north"),
        reason: text("found on the floor"),
        span,
        reviewed_by: None,
    };
    let (id, north) = (RecordId::parse("rc-3").unwrap(), pt("pt-north"));
    let cases: [(Item, bool); 13] = [
        (organisation("org-north"), false),
        (team("tm-south", "org-south"), false),
        (patient("pt-north", |_| {}), false),
        (patient("pt-north", |patient| patient.name = text("Another Name")), false),
        (Assignment { id, device, patient: north, user_index: None, span }.into(), false),
        (patient("pt-new", |_| {}), true),
        (patient("pt-new", |patient| patient.team = None), true),
        (team("tm-south", "org-north"), true),
        (home("hm-lime", "org-north"), true),
        (staff("st-new", &[in_team(Role::Clinician, "tm-north")]), true),
        (objection.clone().into(), true),
        (objection.into(), false),
        (emergency.into(), true),
    ];
    for (item, expected) in cases {
        let before = answers(&county);
        assert_eq!(county.learn(&item), expected, "{item:?}");
        assert_eq!(before != answers(&county), expected, "{item:?}");
    }
}
