//! The bans of `clippy.toml` bite: each is broken on purpose in a crate made for it, and clippy must name it. And the
//! demo's seeded sign-in is made by the demo and the tests alone.

use harness::tree::{self, Source};
use std::{fs, path::Path, process::Command};

/// One call for each ban that needs nothing but the standard library.
const BROKEN: &str = concat!(
    "pub fn time() -> std::time::SystemTime { std::time::SystemTime:",
    ":now() }\n",
    "pub fn monotonic() -> std::time::Instant { std::time::Instant:",
    ":now() }\n",
    "pub fn rest() { std::thread::sl",
    "eep(std::time::Duration::ZERO) }\n",
);

const BANNED: [&str; 3] = [concat!("SystemTime:", ":now"), concat!("Instant:", ":now"), concat!("thread::sl", "eep")];

/// What clippy says of a crate of one file under this project's own `clippy.toml`.
fn clippy_says(source: &str) -> (bool, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    write(
        "Cargo.toml",
        "[package]\nname = \"broken\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n[lints.clippy]\ndisallowed_methods = \"deny\"\n",
    );
    write("clippy.toml", &fs::read_to_string(tree::root().join("clippy.toml")).expect("clippy.toml"));
    write("src/lib.rs", source);
    let output = Command::new(env!("CARGO"))
        .args(["clippy", "--offline", "--quiet"])
        .current_dir(folder.path())
        .env("CARGO_TARGET_DIR", folder.path().join("target"))
        .output()
        .expect("cargo clippy starts");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn clippy_names_every_planted_call_to_a_clock_and_to_sleep() {
    let (is_clean, said) = clippy_says(BROKEN);
    assert!(!is_clean, "clippy let all of it pass");
    for banned in BANNED {
        assert!(said.contains(banned), "clippy did not name {banned}:\n{said}");
    }
    let (is_clean, said) = clippy_says("pub fn nothing() {}\n");
    assert!(is_clean, "clippy refuses a harmless crate, so the refusal above proves nothing:\n{said}");
}

/// The name of the demo's maker of access, in halves, so that this file does not find itself.
const DEMO_SIGN_IN: &str = concat!("demo_case_", "manager(");

/// Files that make the demo's access and may not.
fn makers(sources: &[Source]) -> Vec<&str> {
    let at_home = ["deploy/demo/", "tests/", "ingest/src/access/mod.rs", "ingest/src/store/embedded/tests/"];
    let may = |path: &str| at_home.iter().any(|home| path.starts_with(home));
    let rust = sources.iter().filter(|source| source.has_extension(&["rs"]) && !may(&source.path));
    rust.filter(|source| source.text.contains(DEMO_SIGN_IN)).map(|source| source.path.as_str()).collect()
}

#[test]
fn only_the_demo_and_the_tests_make_the_seeded_sign_in() {
    super::assert_none(&makers(&tree::sources().expect("the tree reads")));
    let planted = Source::planted("ingest/src/cli/mod.rs", &format!("let access = {DEMO_SIGN_IN}who, caseload);"));
    assert_eq!(makers(std::slice::from_ref(&planted)), ["ingest/src/cli/mod.rs"]);
}

/// The service's own access, in halves.
const SYSTEM_ACCESS: &str = concat!("Access::sys", "tem(");

/// Where the service acts for itself, each for one purpose.
const OWN_WORK: [&str; 22] = [
    "ingest/src/cli/hub.rs",
    "ingest/src/cli/people.rs",
    "ingest/src/cli/protocols/backtest/tests.rs",
    "ingest/src/cli/protocols/kept.rs",
    "ingest/src/cli/record.rs",
    "ingest/src/cli/register.rs",
    "ingest/src/cli/staff.rs",
    "ingest/src/heartbeat.rs",
    "ingest/src/http/enrol.rs",
    "ingest/src/http/health.rs",
    "ingest/src/http/hello.rs",
    "ingest/src/http/replay.rs",
    "ingest/src/http/session.rs",
    "ingest/src/notify/mod.rs",
    "ingest/src/people/",
    "ingest/src/records/tests.rs",
    "ingest/src/rounds.rs",
    "ingest/src/scrub.rs",
    "ingest/src/service.rs",
    "ingest/src/sweep.rs",
    "ingest/src/store/audited.rs",
    "ingest/src/store/embedded/tests/",
];

/// Files that act as the service and may not.
fn acts_as_the_service(sources: &[Source]) -> Vec<&str> {
    let may = |path: &str| path.starts_with("tests/") || OWN_WORK.iter().any(|own| path.starts_with(own));
    let rust = sources.iter().filter(|source| source.has_extension(&["rs"]) && !may(&source.path));
    rust.filter(|source| source.text.contains(SYSTEM_ACCESS)).map(|source| source.path.as_str()).collect()
}

#[test]
fn only_the_services_own_work_acts_as_the_service() {
    super::assert_none(&acts_as_the_service(&tree::sources().expect("the tree reads")));
    let planted = Source::planted("ingest/src/pages/mod.rs", &format!("{SYSTEM_ACCESS}Purpose::Follow)"));
    assert_eq!(acts_as_the_service(std::slice::from_ref(&planted)), ["ingest/src/pages/mod.rs"]);
}
