//! Lists of people as whoever runs the service takes them in: the program itself, on the store of a service that is stopped.
//!
//! Whatever it says holds no name and no NHS number, unless they were asked for.

use demo::seed::Seeded;
use harness::{
    footprint::Footprint,
    ingest_process::IngestProcess,
    service::{ADA, MORNING, personal_words_in, reading},
    signed_client::{TestHub, batch},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use vitals::wire::v1::{Outcome, Receipt, Verdict};

const INGEST: &str = env!("CARGO_BIN_EXE_ingest-under-test");

const PLACES: &str = r#"
organisation = [{ id = "org-a", name = "Test trust", kind = "trust" }]
team = [
    { id = "tm-a", name = "Team A", organisation = "org-a" },
    { id = "tm-b", name = "Team B", organisation = "org-a" },
]
home = [{ id = "hm-a", name = "Test home", organisation = "org-a" }]
"#;

const ROSTER: &str = "id,nhs_number,name,team,telephone\n\
    pt-dee,9990000034,Dee Test,tm-a,01629 000001\n\
    ,9990000042,=Eve Test,tm-a,\n\
    pt-flo,9990000050,Flo Test,tm-b,\n";

struct Desk {
    footprint: Footprint,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { footprint: Footprint::new(7).unwrap() };
        let said = desk.does(&["register", "put", &desk.file("places.toml", PLACES)]);
        assert_eq!(said.lines().count(), 4, "{said}");
        desk
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path: PathBuf = self.footprint.folder().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn run(&self, arguments: &[&str]) -> (bool, String, String) {
        let mut command = Command::new(INGEST);
        let settings = self.footprint.settings();
        let Output { status, stdout, stderr } = command.args(arguments).arg("--config").arg(settings).output().unwrap();
        (status.success(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }

    fn does(&self, arguments: &[&str]) -> String {
        let (is_done, said, log) = self.run(arguments);
        assert!(is_done, "{arguments:?}: {said}{log}");
        if !arguments.contains(&"--names") {
            is_not_personal(&format!("{said}{log}"));
        }
        said
    }

    fn refuses(&self, arguments: &[&str]) -> String {
        let (is_done, said, log) = self.run(arguments);
        assert!(!is_done, "{arguments:?}: {said}{log}");
        is_not_personal(&format!("{said}{log}"));
        format!("{said}{log}")
    }

    fn import(&self, list: &str) -> (String, String) {
        let said = self.does(&["people", "import", &self.file("list.csv", list)]);
        let id = said.split("This is import ").nth(1).and_then(|rest| rest.split('.').next()).unwrap_or_default();
        (id.to_owned(), said)
    }

    fn people(&self) -> Vec<String> {
        self.does(&["people", "list"]).lines().skip(1).map(str::to_owned).collect()
    }

    fn is_sound(&self) {
        let said = self.does(&["verify", "--indexes"]);
        assert!(said.starts_with("The store is sound: "), "{said}");
    }
}

/// What is said of somebody, if anything is.
fn personal_in(said: &str) -> Option<String> {
    let words = ["Dee", "Eve", "Flo", "99900000", "999 000", "01629", "+441629"];
    words.into_iter().find(|word| said.contains(word)).map(str::to_owned).or_else(|| personal_words_in(said))
}

fn is_not_personal(said: &str) {
    assert_eq!(personal_in(said), None, "{said}");
}

#[test]
fn a_roster_is_looked_through_written_once_and_taken_back() {
    let desk = Desk::new();
    let list = desk.file("list.csv", ROSTER);
    let said = desk.does(&["people", "import", &list, "--dry-run"]);
    assert!(said.starts_with("3 rows: 3 new, 0 changed, 0 unchanged, 0 refused.\n"), "{said}");
    assert_eq!(desk.people().len(), 0, "a dry run writes nothing");

    let (first, said) = desk.import(ROSTER);
    assert!(said.ends_with("3 people were written.\n"), "{said}");
    let people = desk.people();
    assert!(people[0].starts_with("pt-") && people.len() == 3, "{people:?}");
    let named = desk.does(&["people", "list", "--names", "--team", "tm-b"]);
    assert!(named.ends_with("999 000 0050\tFlo Test\n") && named.lines().count() == 2, "{named}");
    assert!(personal_in(&named).is_some(), "the check of what is said finds what was asked for");
    let (_, said) = desk.import(ROSTER);
    assert!(said.ends_with("The register says all of it already. Nothing was written.\n"), "{said}");

    // One moves by hand, one by a list, one stays as the first import had them, and one is new.
    let moved = desk.does(&["people", "move", "pt-flo", "--team", "tm-a", "--why", "Moved house"]);
    assert_eq!(moved, "pt-flo: team\n1 people moved.\n");
    let next = "id,nhs_number,name,team\npt-dee,9990000034,Dee Test,tm-b\n,9990000069,Guy Test,tm-b\n";
    let (second, said) = desk.import(next);
    assert!(
        said.contains("  pt-dee: team\n") && said.contains("2 people are in the register and not in the list"),
        "{said}"
    );
    let after_second = desk.people();

    let said = desk.does(&["people", "undo", &first]);
    assert!(said.starts_with("0 people are as they were"), "{said}");
    assert!(said.contains("1 people were new with it") && said.contains("2 people were changed since"), "{said}");
    assert!(said.contains("\n  pt-dee\n") && said.contains("\n  pt-flo\n"), "{said}");
    let said = desk.does(&["people", "undo", &second, "--dry-run"]);
    assert!(said.starts_with("1 people would be as they were") && said.ends_with("Nothing was written.\n"), "{said}");
    fs::remove_dir_all(desk.footprint.data().join("imports")).unwrap();
    let said = desk.does(&["people", "undo", &second]);
    assert!(said.contains("There is no note") && said.contains("1 people are as they were"), "{said}");
    let said = desk.does(&["people", "undo", &second]);
    assert!(said.contains("2 people had been taken back already."), "{said}");
    let now = desk.people();
    assert_ne!(now, after_second);
    assert!(now.iter().any(|person| person.starts_with("pt-dee\ttm-a\t")), "{now:?}");
    assert_eq!(now.iter().filter(|person| person.contains("\t-\t-\tactive")).count(), 2, "{now:?}");
    desk.is_sound();
}

#[test]
fn a_list_with_a_wrong_row_is_taken_in_only_where_that_is_said() {
    let desk = Desk::new();
    let list = desk.file("list.csv", &format!("{ROSTER},9990000068,Guy Test,tm-a,\n"));
    let said = desk.refuses(&["people", "import", &list]);
    assert!(said.contains("  line 5, nhs_number: its check digit is wrong"), "{said}");
    assert!(said.contains("1 rows are refused and nothing was written"), "{said}");
    assert_eq!(desk.people().len(), 0);
    let said = desk.does(&["people", "import", &list, "--accept-refused"]);
    assert!(said.ends_with("3 people were written.\n"), "{said}");
    let said = desk.refuses(&["people", "import", &desk.file("none.csv", "Dee Test,9990000034\n")]);
    assert!(said.contains("there is no column as number 1, whose name is not shown"), "{said}");
    desk.is_sound();
}

/// What goes out is a roster for a spreadsheet, readable by its owner only, and changes nothing when it comes in.
#[test]
fn the_people_go_out_as_a_roster_that_comes_in_again() {
    let desk = Desk::new();
    desk.import(ROSTER);
    let out = desk.footprint.folder().join("out.csv");
    desk.does(&["people", "list", "--csv", out.to_str().unwrap()]);
    let text = fs::read_to_string(&out).unwrap();
    assert!(text.contains(",'=Eve Test,") && text.contains(",'+441629000001,"), "{text}");
    let said = desk.does(&["people", "import", out.to_str().unwrap()]);
    assert!(said.starts_with("3 rows: 0 new, 0 changed, 3 unchanged, 0 refused.\n"), "{said}");
    let said = desk.refuses(&["people", "list", "--csv", out.to_str().unwrap()]);
    assert!(said.contains("ingest failed to use"), "a file that is there is not written over: {said}");
}

/// A death is written by the status file, and no list takes it back. What the roster says of others goes on.
#[test]
fn a_death_is_not_taken_back_by_a_list() {
    let desk = Desk::new();
    desk.import(ROSTER);
    let status = desk
        .file("status.csv", "nhs_number,status,on,practice\n9990000034,deceased,2026-01-02,\n9990000050,,,Y01234\n");
    let said = desk.does(&["people", "status", &status]);
    assert!(said.contains("  pt-dee: status\n") && said.contains("  pt-flo: practice\n"), "{said}");
    assert!(desk.people().contains(&"pt-dee\ttm-a\t-\tdied on 2026-01-02\t-".to_owned()));
    let back = desk.file("status.csv", "nhs_number,status,on\n9990000034,active,2026-01-03\n");
    let said = desk.refuses(&["people", "status", &back]);
    assert!(said.contains("the register has the person as deceased"), "{said}");
    let (_, said) = desk.import(ROSTER);
    assert!(said.contains("3 unchanged"), "a roster says nothing of it: {said}");
    desk.is_sound();
}

/// One who has died, and whose cuff is used once more: the reading is stored and staff have their alert, and the hub has nothing
/// to say. The settings, which put her into the register when she came, do not take it back at the next start.
#[test]
fn somebody_who_has_died_is_asked_nothing_and_staff_still_hear() {
    let desk = Desk::new();
    let hub = TestHub::new("hub-test", Seeded::new(7, "hub key").key()).unwrap();
    let send = |number| {
        let log = desk.footprint.folder().join("log");
        let process = IngestProcess::start(Path::new(INGEST), &desk.footprint.settings(), &log).unwrap();
        let sent = vec![serde_json::to_value(reading(ADA, number, "182/118", MORNING).unwrap()).unwrap()];
        let answer = hub.signed(batch(&sent, MORNING), MORNING).unwrap().send(process.address()).unwrap();
        process.kill().unwrap();
        let receipt: Receipt = serde_json::from_str(&answer.body).unwrap();
        let [line] = receipt.readings.as_slice() else { panic!("one line") };
        let Some(Verdict::Evaluated { alerts, .. }) = &line.verdict else { panic!("it is judged") };
        assert_eq!((line.outcome, alerts.len()), (Outcome::Stored, 1));
        line.prompts.len()
    };
    assert!(send(1) > 0, "there is something to leave out");
    let status = desk.file("status.csv", "id,status,on\npt-ada,deceased,2026-01-02\n");
    assert!(desk.does(&["people", "status", &status]).contains("  pt-ada: status\n"));
    assert_eq!(send(2), 0);
    assert_eq!(send(3), 0, "nor after another start");
    desk.is_sound();
}

/// Everybody of a team moves; their care plans stay as they are, and the history says why.
#[test]
fn a_team_moves_and_history_and_thresholds_stay() {
    let desk = Desk::new();
    desk.import(ROSTER);
    let plan = "[plan]\nid = \"rc-plan\"\npatient = \"pt-dee\"\npacks = [\"test-home-bp\"]\n\n[[plan.parameters]]\npack = \"test-home-bp\"\nname = \"systolic_red\"\n\
        value = \"170\"\nauthor = \"st-mara\"\nreason = \"Agreed in clinic\"\nat = 2026-01-01T00:00:00Z\nreview_at = 2027-01-01T00:00:00Z\n";
    desk.does(&["register", "put", &desk.file("plan.toml", plan), "--why", "A new plan"]);
    let before = desk.does(&["register", "get", "plan", "rc-plan", "--names"]);
    let arguments = ["people", "move", "--everybody-of", "tm-a", "--team", "tm-b", "--why", "Team A closes"];
    let said = desk.does(&[&arguments[..], &["--dry-run"]].concat());
    assert!(said.ends_with("2 people would move. Nothing was written.\n"), "{said}");
    assert!(desk.does(&arguments).ends_with("2 people moved.\n"));
    assert!(desk.people().iter().all(|person| person.contains("\ttm-b\t")));
    assert_eq!(desk.does(&["register", "get", "plan", "rc-plan", "--names"]), before);
    let history = desk.does(&["register", "history", "patient", "pt-dee", "--names"]);
    let versions: Vec<&str> = history.lines().filter(|line| line.starts_with("version ")).collect();
    assert!(versions.len() == 2 && versions[0].ends_with("by the service: Team A closes"), "{history}");
    assert!(versions[1].contains("by the service: import im-"), "{history}");
    let shown = desk.does(&["people", "show", "pt-dee"]);
    assert!(shown.contains("patient pt-dee, version 2") && shown.contains("plan rc-plan, version 1"), "{shown}");
    let said = desk.refuses(&["people", "move", "pt-dee", "--team", "tm-x", "--why", "Nowhere"]);
    assert!(said.contains("the register has no such team"), "{said}");
    desk.is_sound();
}

#[test]
fn what_names_nothing_is_not_put_into_the_register() {
    let desk = Desk::new();
    let team = desk.file("team.toml", "[team]\nid = \"tm-x\"\nname = \"Team X\"\norganisation = \"org-x\"\n");
    let said = desk.refuses(&["register", "put", &team]);
    assert!(said.contains("team tm-x: the register has no organisation org-x: write it first"), "{said}");
    let again = desk.does(&["register", "put", &desk.file("places.toml", PLACES)]);
    assert_eq!(again.matches("the register says so already, version 1").count(), 4, "{again}");
    assert!(desk.refuses(&["register", "get", "team", "tm-x"]).contains("the register has no team of this id"));
}

/// Beside a service that runs nothing is taken in, and the command says why.
#[test]
fn beside_a_running_service_nothing_is_taken_in() {
    let desk = Desk::new();
    let process =
        IngestProcess::start(Path::new(INGEST), &desk.footprint.settings(), &desk.footprint.folder().join("log"))
            .unwrap();
    let said = desk.refuses(&["people", "import", &desk.file("list.csv", ROSTER)]);
    assert!(said.contains("another ingest runs on this folder: stop it first"), "{said}");
    process.kill().unwrap();
    let (_, said) = desk.import(ROSTER);
    assert!(said.ends_with("3 people were written.\n"), "{said}");
}
