//! One person's record as whoever runs the service handles it: the program itself, on the store of a service that is stopped.
//!
//! Whatever it says holds no name and no NHS number; the files it writes are their owner's only.

use harness::footprint::Footprint;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Output},
};

const INGEST: &str = env!("CARGO_BIN_EXE_ingest-under-test");

const PEOPLE: &str = r#"
organisation = [{ id = "org-a", name = "Test trust", kind = "trust" }]
team = [{ id = "tm-a", name = "Team A", organisation = "org-a" }]
patient = [
    { id = "pt-dee", name = "Dee Test", nhs_number = "9990000034", team = "tm-a" },
    { id = "pt-flo", name = "Flo Other", nhs_number = "9990000050", team = "tm-a" },
]
health = [{ id = "pt-dee", medicines = [{ what = "Testmycin", source = "typed", on = "2026-01-01" }] }]
"#;

const HELD: &str = r#"
hold = [{ id = "rc-held", patient = "pt-flo", reason = "An inquest.", span = { from = "2026-01-01T00:00:00Z" } }]
"#;

struct Desk {
    footprint: Footprint,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { footprint: Footprint::new(7).unwrap() };
        let (is_done, said) = desk.run(&["register", "put", &desk.file("people.toml", PEOPLE)]);
        assert!(is_done, "{said}");
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.footprint.folder().join(name)
    }

    fn file(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Whether it did it, and all it said.
    fn run(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = Command::new(INGEST);
        let settings = self.footprint.settings();
        let Output { status, stdout, stderr } = command.args(arguments).arg("--config").arg(settings).output().unwrap();
        let said = format!("{}{}", String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
        for personal in ["Dee", "Flo", "99900000", "999 000", "Testmycin"] {
            assert!(!said.contains(personal), "{said}");
        }
        (status.success(), said)
    }

    fn does(&self, arguments: &[&str]) -> String {
        let (is_done, said) = self.run(arguments);
        assert!(is_done, "{arguments:?}: {said}");
        said
    }

    fn refuses(&self, arguments: &[&str]) -> String {
        let (is_done, said) = self.run(arguments);
        assert!(!is_done, "{arguments:?}: {said}");
        said
    }

    /// A file that was written, which must be its owner's only.
    fn written(&self, name: &str) -> String {
        let mode = fs::metadata(self.path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn export(&self, name: &str, more: &[&str]) -> String {
        let out = self.path(name);
        let mut arguments = vec!["record", "export", "--person", "pt-dee", "--reason", "Asked by letter", "--out"];
        arguments.push(out.to_str().unwrap());
        arguments.extend(more);
        self.does(&arguments);
        self.written(name)
    }
}

#[test]
fn a_record_is_given_out_and_says_so_itself() {
    let desk = Desk::new();
    let first = desk.export("dee.jsonl", &[]);
    assert!(first.contains("Dee Test") && first.contains("Testmycin") && !first.contains("Flo"), "{first}");
    assert!(first.lines().last().unwrap().starts_with("{\"end\":"), "{first}");
    assert!(first.contains("export by command: Asked by letter"), "that it is given out stands in it: {first}");
    let text = desk.export("dee.txt", &["--text"]);
    assert!(text.contains("name: Dee Test") && !text.contains('{'), "{text}");
    assert_eq!(text.matches("export by command: Asked by letter").count(), 2, "{text}");
    let out = desk.path("dee.jsonl");
    let again = ["record", "export", "--person", "pt-dee", "--reason", "Again", "--out", out.to_str().unwrap()];
    desk.refuses(&again);
    assert_eq!(desk.written("dee.jsonl"), first, "a file that is there stays");
    let nobody = desk.path("nobody.jsonl");
    let nobody = ["record", "export", "--person", "pt-none", "--reason", "x", "--out", nobody.to_str().unwrap()];
    assert!(desk.refuses(&nobody).contains("there is nobody of this id"));
    assert!(!desk.path("nobody.jsonl").exists());
    assert!(desk.does(&["verify", "--indexes"]).starts_with("The store is sound: "));
}

#[test]
fn what_happened_is_given_out_signed_and_a_change_to_it_is_found() {
    let desk = Desk::new();
    let out = desk.path("case.json");
    let out = out.to_str().unwrap();
    desk.does(&[
        "record",
        "incident",
        "--person",
        "pt-dee",
        "--from",
        "2026-01-01T00:00:00Z",
        "--until",
        "2999-01-01T00:00:00Z",
        "--reason",
        "Case 12",
        "--out",
        out,
    ]);
    let bundle = desk.written("case.json");
    assert!(desk.does(&["record", "check", out]).contains("whole and signed by this service: "));
    let changed = desk.file("changed.json", &bundle.replace("Testmycin", "Othermycin"));
    assert!(desk.refuses(&["record", "check", &changed]).contains("the signature does not fit"));
}

#[test]
fn nothing_ends_that_nobody_agreed_to_or_whose_time_is_not_over() {
    let desk = Desk::new();
    let erase = ["record", "erase", "--person", "pt-dee", "--request", "rc-none"];
    assert!(desk.refuses(&erase).contains("two people must have asked and agreed within 14 days"));
    let said = desk.does(&["record", "retention"]);
    assert!(said.contains("8 years, ") && said.contains("(not checked)"), "{said}");
    assert!(said.contains("0 people's time is over."), "{said}");
    assert!(desk.refuses(&["record", "dispose", "--person", "pt-dee"]).contains("is not over, or cannot be told"));
    desk.does(&["register", "put", &desk.file("held.toml", HELD)]);
    let held = ["record", "erase", "--person", "pt-flo", "--request", "rc-none"];
    assert!(desk.refuses(&held).contains("it is on hold, so it stays"));
    assert!(desk.does(&["verify", "--indexes"]).starts_with("The store is sound: "));
}
