//! The arrows between our packages: exactly those of the design, for normal, build and test dependencies alike.

use super::{
    ask_cargo::{members, metadata},
    assert_none,
};

/// What each package may depend on, of ours. Not in the list: hub-agent and ingest, which meet only in `vitals::wire`.
const ARROWS: [(&str, &[&str]); 12] = [
    ("vitals", &[]),
    ("look", &["vitals"]),
    ("device-codecs", &["vitals"]),
    ("register", &["vitals"]),
    ("rules", &["register", "vitals"]),
    ("hub-agent", &["device-codecs", "rules", "look", "vitals"]),
    ("ingest", &["rules", "register", "look", "vitals"]),
    ("demo", &["hub-agent", "ingest", "rules", "register", "look", "vitals"]),
    ("fuzz-codecs", &["device-codecs", "vitals"]),
    ("burden", &["rules", "vitals"]),
    // A disk for SQLite, which knows nothing of what is kept on it.
    ("faults", &[]),
    (
        "system-tests",
        &["vitals", "look", "register", "device-codecs", "rules", "hub-agent", "ingest", "demo", "faults"],
    ),
];

/// The arrows, from and to, that the list does not allow; a package that is not in the list is refused too.
fn forbidden(edges: &[(String, String)]) -> Vec<String> {
    let allowed = |from: &str, to: &str| ARROWS.iter().any(|(name, targets)| *name == from && targets.contains(&to));
    edges.iter().filter(|(from, to)| !allowed(from, to)).map(|(from, to)| format!("{from} -> {to}")).collect()
}

fn edges() -> Vec<(String, String)> {
    let metadata = metadata();
    let members = members(&metadata);
    let is_ours = |name: &str| members.iter().any(|member| member.name.as_str() == name);
    let of = |from: &str, names: Vec<String>| names.into_iter().map(|to| (from.to_owned(), to)).collect::<Vec<_>>();
    members
        .iter()
        .flat_map(|member| {
            let names =
                member.dependencies.iter().filter(|dependency| dependency.path.is_some() || is_ours(&dependency.name));
            of(&member.name, names.map(|dependency| dependency.name.clone()).collect())
        })
        .collect()
}

#[test]
fn every_arrow_of_the_workspace_is_in_the_design() {
    assert_none(&forbidden(&edges()));
}

#[test]
fn every_member_has_a_place_in_the_list() {
    let metadata = metadata();
    for member in members(&metadata) {
        assert!(
            ARROWS.iter().any(|(name, _)| *name == member.name.as_str()),
            "{} has no place in the design",
            member.name
        );
    }
}

#[test]
fn a_planted_arrow_is_named() {
    for (from, to) in [
        ("hub-agent", "ingest"),
        ("ingest", "hub-agent"),
        ("rules", "ingest"),
        ("vitals", "look"),
        ("look", "rules"),
        ("ingest", "device-codecs"),
        ("ingest", "demo"),
        ("ingest", "faults"),
        ("faults", "ingest"),
        ("vitals", "a-new-common-crate"),
        ("a-new-common-crate", "vitals"),
    ] {
        let mut planted = edges();
        planted.push((from.to_owned(), to.to_owned()));
        assert_eq!(forbidden(&planted), [format!("{from} -> {to}")]);
    }
}
