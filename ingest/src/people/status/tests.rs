//! The status file beside a small register.

use super::*;
use crate::people::{
    Beside, Findings, Sheet,
    roster::tests::{ada, day_of_tests, register, written_by},
};
use register::Item;

fn found(file: &str, known: &KnownPeople) -> (Findings, Vec<Patient>) {
    let sheet = Sheet::read(file.as_bytes(), StatusList::COLUMNS, StatusList::NEEDED).unwrap();
    let list = StatusList { realm: Realm::Demo, today: day_of_tests() };
    let beside = Beside::new(&list, &sheet, known);
    let written = beside.steps().flatten().filter_map(|(_, step)| written_by(step));
    (beside.findings(), written.collect())
}

#[test]
fn what_became_of_somebody_is_all_that_changes() {
    let on = NaiveDate::from_ymd_opt(2026, 11, 20).unwrap();
    for (row, status, practice) in [
        ("deceased,2026-11-20,", Status::Deceased(on), None),
        ("moved,2026-11-20,", Status::Moved(on), None),
        ("admitted,2026-11-20,", Status::Admitted(on), None),
        ("active,2026-11-20,y01234", Status::Active, Some("Y01234")),
        (",,Y01234", ada().status, Some("Y01234")),
    ] {
        for who in ["9990000018,", ",pt-ada", "999 000 0018,pt-ada"] {
            let (findings, written) = found(&format!("nhs_number,id,status,on,practice\n{who},{row}\n"), &register());
            assert_eq!((findings.changed, findings.absent), (1, 0), "{findings:?}");
            let practice = practice.map(|code| OdsCode::parse(code).unwrap());
            assert_eq!(written, [Patient { status, practice, ..ada() }], "{row}");
            assert_eq!(written[0].status.may_be_told(), status == Status::Active);
        }
    }
    let (findings, _) = found("nhs_number,status,on\n9990000018,admitted,2026-11-22\n", &register());
    assert_eq!(findings.unchanged, 1);
}

#[test]
fn what_nobody_can_be_sure_of_is_refused() {
    let mut known = register();
    let gone = Patient {
        id: vitals::PatientId::parse("pt-gone").unwrap(),
        nhs_number: vitals::NhsNumber::parse("9990000026").unwrap(),
        status: Status::Deceased(day_of_tests()),
        ..ada()
    };
    known.learn(&Item::from(gone), 1).unwrap();
    for (row, expected) in [
        (",,deceased,2026-11-20,", "nhs_number: want the NHS number or the id"),
        ("9990000034,,deceased,2026-11-20,", "nhs_number: nobody in the register has this NHS number"),
        (",pt-nobody,deceased,2026-11-20,", "id: nobody in the register has this id"),
        ("9990000026,pt-ada,deceased,2026-11-20,", "id: the register has this id with another NHS number"),
        ("9990000018,,dead,2026-11-20,", "status: want deceased, moved, admitted or active"),
        ("9990000018,,deceased,,", "on: want the day, as YYYY-MM-DD"),
        ("9990000018,,deceased,2026-11-23,", "on: the day is in the future: want the day it happened"),
        ("9990000018,,,2026-11-20,", "status: want what became of the person, or their new practice"),
        (
            "9990000026,,active,2026-11-22,",
            "status: the register has the person as deceased: where that is wrong, put it right for this person alone",
        ),
    ] {
        let (findings, written) = found(&format!("nhs_number,id,status,on,practice\n{row}\n"), &known);
        let told: Vec<String> = findings.refusals.iter().map(ToString::to_string).collect();
        assert_eq!((told, written), (vec![format!("line 2, {expected}")], vec![]), "{row}");
    }
}
