//! The roster beside a small register: what each row comes to, and that nothing is guessed and nothing repeated.

use super::*;
use crate::people::{Beside, Findings, Sheet, Step};
use register::{Home, Item, Status, Team};
use vitals::id::OrganisationId;

const ADA: &str = "999 000 0018";
const BEN: &str = "999 000 0026";

pub(in crate::people) fn day_of_tests() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 22).unwrap()
}

fn roster() -> Roster {
    Roster { ids: PersonIds::new(&[7; 32]), realm: Realm::Demo, today: day_of_tests() }
}

/// Two teams, a home, and Ada, who is in one of the teams.
pub(in crate::people) fn register() -> KnownPeople {
    let organisation = OrganisationId::parse("org-a").unwrap();
    let mut known = KnownPeople::default();
    for id in ["tm-a", "tm-b"] {
        let (id, name) = (TeamId::parse(id).unwrap(), Text::new("A team").unwrap());
        let team = Team { id, name, organisation: organisation.clone(), telephone: None, service_hours: None };
        known.learn(&Item::from(team), 1).unwrap();
    }
    let (id, name) = (HomeId::parse("hm-a").unwrap(), Text::new("A home").unwrap());
    known.learn(&Item::from(Home { id, name, organisation, address: None, telephone: None }), 1).unwrap();
    known.learn(&Item::from(ada()), 3).unwrap();
    known
}

pub(in crate::people) fn ada() -> Patient {
    let mut ada = Patient::new(
        PatientId::parse("pt-ada").unwrap(),
        Text::new("Ada Test").unwrap(),
        NhsNumber::parse(ADA).unwrap(),
    );
    ada.team = TeamId::parse("tm-a").ok();
    ada.status = Status::Admitted(day_of_tests());
    ada.telephones = vec![Telephone::parse("01629 000001").unwrap()];
    let contact = |name, has_key| KeyContact {
        name: Text::new(name).unwrap(),
        relation: Text::new("daughter").unwrap(),
        telephone: Telephone::parse("01629 000002").unwrap(),
        has_key,
    };
    ada.contacts = vec![contact("Bea Test", false), contact("Cy Test", true)];
    ada
}

/// The person whom a step writes, if any.
pub(in crate::people) fn written_by(step: Step) -> Option<Patient> {
    let Step::Write { item: Item::Patient(patient), .. } = step else { return None };
    Some(*patient)
}

fn found(file: &str, known: &KnownPeople) -> (Findings, Vec<Patient>) {
    let sheet = Sheet::read(file.as_bytes(), Roster::COLUMNS, Roster::NEEDED).unwrap();
    let roster = roster();
    let beside = Beside::new(&roster, &sheet, known);
    let written = beside.steps().flatten().filter_map(|(_, step)| written_by(step));
    (beside.findings(), written.collect())
}

#[test]
fn a_new_person_has_everything_that_the_row_says() {
    let file = "nhs_number,name,born,team,home,practice,stratum,pathway,telephone,telephone_2,contact_name,contact_relation,contact_telephone,needs,text_message,call,letter,access_notes\r\n\
        999-000-0026,Ben Test,1948-07-05,tm-b,hm-a,y01234,condition_management,heart failure,'+441629 000003,(01629) 000004,Cy Test,son,01629 000005,large_print; interpreter,yes,no,,=2 dogs\r\n";
    let (findings, written) = found(file, &register());
    assert_eq!((findings.rows, findings.new, findings.refused(), findings.absent), (1, 1, 0, 1), "{findings:?}");
    let ben = &written[0];
    assert_eq!(ben.id, roster().ids.of(NhsNumber::parse(BEN).unwrap()).unwrap(), "an id that is no number");
    let expected = Patient {
        born: NaiveDate::from_ymd_opt(1948, 7, 5),
        team: TeamId::parse("tm-b").ok(),
        home: HomeId::parse("hm-a").ok(),
        practice: OdsCode::parse("Y01234").ok(),
        stratum: Some(Stratum::Condition),
        pathway: Text::new("heart failure").ok(),
        telephones: ["01629 000003", "01629 000004"].map(|number| Telephone::parse(number).unwrap()).to_vec(),
        contacts: vec![KeyContact {
            name: Text::new("Cy Test").unwrap(),
            relation: Text::new("son").unwrap(),
            telephone: Telephone::parse("01629 000005").unwrap(),
            has_key: false,
        }],
        choices: register::ContactChoices { text_message: true, call: false, letter: false },
        needs: vec![Need::LargePrint, Need::Interpreter],
        access_notes: Text::new("=2 dogs").ok(),
        ..Patient::new(ben.id.clone(), Text::new("Ben Test").unwrap(), NhsNumber::parse(BEN).unwrap())
    };
    assert_eq!(*ben, expected);
}

/// What the file does not say stays: columns that are missing, her stay in hospital, a contact somebody typed, a key.
#[test]
fn a_known_person_changes_only_in_what_the_file_says() {
    let check = |file: &str, fields: &[&str], expected: &dyn Fn(&mut Patient)| {
        let (findings, written) = found(file, &register());
        assert_eq!(findings.refusals, [], "{file}");
        let mut after = ada();
        expected(&mut after);
        assert_eq!(written, if fields.is_empty() { vec![] } else { vec![after] }, "{file}");
        assert_eq!(findings.fields.keys().copied().collect::<Vec<_>>(), fields, "{file}");
        assert_eq!((findings.absent, findings.unchanged), (0, u64::from(fields.is_empty())), "{file}");
    };
    check("nhs_number,name\n9990000018, Ada Test \n", &[], &|_| ());
    check("id,nhs_number,name\npt-ada,9990000018,Ada Test\n", &[], &|_| ());
    check("nhs_number,name,team,telephone\n9990000018,Ada Test,tm-a,+441629000001\n", &[], &|_| ());
    check("nhs_number,name,team\n9990000018,Ada Test,\n", &["team"], &|ada| ada.team = None);
    check("nhs_number,name,telephone_2\n9990000018,Ada Test,\n", &["telephones"], &|ada| ada.telephones.clear());
    let contact = "nhs_number,name,contact_name,contact_relation,contact_telephone\n9990000018,Ada Test,";
    check(&format!("{contact},,\n"), &[], &|_| ());
    check(&format!("{contact}Cy Test,daughter,01629 000002\n"), &["contacts"], &|ada| ada.contacts.reverse());
    check(&format!("{contact}Bea Test,niece,01629 000002\n"), &["contacts"], &|ada| {
        ada.contacts[0].relation = Text::new("niece").unwrap();
    });
}

/// Each kind of trouble has its line, its column and advice; nothing that stands in a row is repeated.
#[test]
fn a_row_that_is_wrong_is_refused_by_line_and_column_and_not_repeated() {
    let header = "id,nhs_number,name,born,team,home,stratum,telephone,contact_name,needs,call";
    let ben = "Ben Test";
    for (row, expected) in [
        (",9990000019,B,,,,,,,,", "nhs_number: its check digit is wrong: look for a digit that was mistyped"),
        (
            ",9434765919,B,,,,,,,,",
            "nhs_number: this service may not hold it: real people never have 9xx numbers, invented ones always 999",
        ),
        (",999000002,B,,,,,,,,", "nhs_number: want ten digits, plain or as 3-3-4 with spaces or with hyphens"),
        (",,B,,,,,,,,", "nhs_number: want the NHS number: every person has one"),
        (",9990000026,,,,,,,,,", "name: want the name"),
        ("Ben,9990000026,B,,,,,,,,", "id: want pt- and up to 43 of a-z, 0-9 and -, fewer than ten digits in a row"),
        (",9990000026,B,5/7/1948,,,,,,,", "born: want a day as YYYY-MM-DD, such as 1948-07-05"),
        (",9990000026,B,2026-11-23,,,,,,,", "born: want a birthday of somebody who may be alive"),
        (",9990000026,B,1848-07-05,,,,,,,", "born: want a birthday of somebody who may be alive"),
        (",9990000026,B,,tm-x,,,,,,", "team: the register has no such team: write the team first"),
        (",9990000026,B,,,hm-x,,,,,", "home: the register has no such care home: write the home first"),
        (",9990000026,B,,,,high,,,,", "stratum: want intensive_case_management or condition_management"),
        (
            ",9990000026,B,,,,,ask Bea,,,",
            "telephone: want digits as dialled in the United Kingdom, or + and the country",
        ),
        (
            ",9990000026,B,,,,,,Bea Test,,",
            "contact_relation: want name, relation and telephone of a contact, or none of them",
        ),
        (
            ",9990000026,B,,,,,,,glasses,",
            "needs: want words of this list with ; between: large_print, easy_read, braille, audio, sign_language, interpreter, text_instead_of_calls, advocate",
        ),
        (",9990000026,B,,,,,,,,Y", "call: want yes or no"),
        ("pt-ben,9990000018,B,,,,,,,,", "id: the register has this NHS number under pt-ada"),
        (
            "pt-ada,9990000026,B,,,,,,,,",
            "nhs_number: the register has pt-ada with another NHS number: where the register is wrong, put it right there first",
        ),
    ] {
        let file = format!("{header}\n{}\n", row.replace(",B,", &format!(",{ben},")));
        let (findings, written) = found(&file, &register());
        let told: Vec<String> = findings.refusals.iter().map(ToString::to_string).collect();
        assert_eq!(told, [format!("line 2, {expected}")]);
        assert_eq!(written, []);
        for cell in row.split(',').filter(|cell| cell.len() > 3 && *cell != "pt-ada") {
            assert!(!told[0].contains(cell), "{told:?} repeats a cell");
        }
    }
}

/// Of two rows about one person nobody can tell which is right: neither counts, whatever they are recognised by.
#[test]
fn a_person_who_is_there_twice_is_refused_twice() {
    let derived = roster().ids.of(NhsNumber::parse(BEN).unwrap()).unwrap();
    let file = format!(
        "id,nhs_number,name\n,9990000018,Ada Test\n,9990000026,Ben Test\npt-ada,999 000 0018,Ada Toast\n{derived},,Ben\npt-ben,9990000026,Ben\n"
    );
    let (findings, written) = found(&file, &register());
    let told: Vec<String> = findings.refusals.iter().map(ToString::to_string).collect();
    let twice = |line, other| {
        format!("line {line}, row: the same person is in line {other} as well: keep the one that is right")
    };
    let no_number = "line 5, nhs_number: want the NHS number: every person has one".to_owned();
    assert_eq!(told, [twice(2, 4), twice(3, 6), twice(4, 2), no_number, twice(6, 3)]);
    assert_eq!((written, findings.refused[&Why::Twice]), (vec![], 4));
}

#[test]
fn where_the_register_has_a_number_twice_the_id_must_be_given() {
    let mut known = register();
    let other = Patient { id: PatientId::parse("pt-other").unwrap(), ..ada() };
    known.learn(&Item::from(other), 1).unwrap();
    let (findings, _) = found("nhs_number,name\n9990000018,Ada Test\n", &known);
    assert_eq!(
        findings.refusals[0].to_string(),
        "line 2, nhs_number: the register has this NHS number under more than one id: give the id"
    );
    let (findings, _) = found("id,nhs_number,name\npt-other,9990000018,Ada Test\n", &known);
    assert_eq!((findings.unchanged, findings.absentees.len()), (1, 1), "{findings:?}");
}

/// What goes out comes in again and changes nothing, whatever looks like a formula.
#[test]
fn what_is_written_out_changes_nothing_when_it_comes_in() {
    let mut known = register();
    let strange = Patient {
        id: PatientId::parse("pt-ben").unwrap(),
        name: Text::new("=cmd|' /C calc'!A0").unwrap(),
        nhs_number: NhsNumber::parse(BEN).unwrap(),
        access_notes: Text::new("'-1, \"back\" door; @home").ok(),
        needs: Need::ALL.to_vec(),
        ..ada()
    };
    known.learn(&Item::from(strange.clone()), 1).unwrap();
    let file = String::from_utf8(written([&ada(), &strange])).unwrap();
    let cells = file.lines().skip(1).flat_map(|line| line.split(','));
    assert!(cells.clone().all(|cell| !cell.trim_start_matches('"').starts_with(['=', '+', '-', '@'])), "{file}");
    let (findings, _) = found(&file, &known);
    assert_eq!((findings.unchanged, findings.rows), (2, 2), "{findings:?}");
}
