//! Licences: every package in the build, judged as an SPDX expression and not by a search for words.
//!
//! `deny.toml` says the same for those who have cargo-deny; a test below holds the two lists together.

use super::{
    ask_cargo::{PRODUCTS, metadata},
    assert_none,
};
use cargo_metadata::{DependencyKind, Metadata, PackageId};
use harness::tree;
use spdx::{Expression, LicenseReq, ParseMode};
use std::collections::{BTreeMap, BTreeSet};

/// What may be linked into what we give away under MIT OR Apache-2.0.
const ALLOWED: [&str; 14] = [
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "CC0-1.0",
    "0BSD",
    "Unlicense",
    "MIT-0",
    "BSL-1.0",
    "NCSA",
];

/// Packages that may come under MPL-2.0, each with its reason. The licence asks that changes to its own files stay open.
const UNDER_MPL: [(&str, &str); 1] = [(
    "serialport",
    "under tokio-serial, for devices on a serial line; used as published, so there are no changed files of theirs",
)];

/// Why a licence is refused, or nothing where it is allowed.
fn refusal(package: &str, licence: Option<&str>) -> Option<String> {
    let Some(text) = licence else {
        return Some(format!("{package}: no licence is stated"));
    };
    // Lax, for the old form with a slash; an unknown name is an error in either mode.
    let expression = match Expression::parse_mode(text, ParseMode::LAX) {
        Ok(expression) => expression,
        Err(error) => return Some(format!("{package}: the licence {text:?} cannot be read: {}", error.reason)),
    };
    let is_named = UNDER_MPL.iter().any(|(name, _)| *name == package);
    let is_allowed = |licence: &LicenseReq| {
        let licence = licence.to_string();
        ALLOWED.contains(&licence.as_str()) || (is_named && licence == "MPL-2.0")
    };
    (!expression.evaluate(is_allowed)).then(|| format!("{package}: {text}"))
}

/// Everything our products are linked with, or need while they are compiled. The rest of the build only tests them.
fn in_products(metadata: &Metadata) -> BTreeSet<PackageId> {
    let resolve = metadata.resolve.as_ref().expect("cargo metadata resolves");
    let nodes: BTreeMap<&PackageId, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let is_product =
        |id: &&PackageId| metadata[*id].source.is_none() && PRODUCTS.contains(&metadata[*id].name.as_str());
    let mut found = BTreeSet::new();
    let mut open: Vec<&PackageId> = nodes.keys().copied().filter(is_product).collect();
    while let Some(id) = open.pop() {
        if found.insert(id.clone()) {
            let ships = |kinds: &[cargo_metadata::DepKindInfo]| {
                kinds.iter().any(|kind| kind.kind != DependencyKind::Development)
            };
            open.extend(
                nodes[id]
                    .deps
                    .iter()
                    .filter(|dependency| ships(&dependency.dep_kinds))
                    .map(|dependency| &dependency.pkg),
            );
        }
    }
    found
}

/// The refusals among packages chosen by `is_chosen`, and how many were judged.
fn judge(metadata: &Metadata, is_chosen: impl Fn(&PackageId) -> bool) -> (usize, Vec<String>) {
    let chosen: Vec<_> = metadata.packages.iter().filter(|package| is_chosen(&package.id)).collect();
    let refused = chosen.iter().filter_map(|package| refusal(&package.name, package.license.as_deref())).collect();
    (chosen.len(), refused)
}

#[test]
fn everything_linked_into_a_product_may_be_given_away() {
    let metadata = metadata();
    let products = in_products(&metadata);
    let (count, refused) = judge(&metadata, |id| products.contains(id));
    assert!(count > 50, "only {count} packages were judged");
    assert_none(&refused);
}

#[test]
fn everything_that_only_tests_is_free_too() {
    let metadata = metadata();
    let products = in_products(&metadata);
    let (count, refused) = judge(&metadata, |id| !products.contains(id));
    assert!(count > 0, "the tests' own packages were not found");
    assert_none(&refused);
}

#[test]
fn an_expression_is_judged_by_its_logic_and_not_by_its_words() {
    let table = [
        (Some("MIT"), true),
        (Some("MIT/Apache-2.0"), true),
        (Some("MIT OR GPL-3.0"), true),
        (Some("MIT OR Apache-2.0 OR LGPL-2.1-or-later"), true),
        (Some("(MIT OR Apache-2.0) AND Unicode-3.0"), true),
        (Some("Apache-2.0 WITH LLVM-exception"), true),
        (Some("GPL-3.0-or-later"), false),
        (Some("LGPL-3.0"), false),
        (Some("AGPL-3.0-only"), false),
        (Some("MIT AND GPL-3.0-or-later"), false),
        (Some("(MIT AND GPL-2.0) OR AGPL-3.0"), false),
        (Some("GPL-2.0 WITH Classpath-exception-2.0"), false),
        (Some("MPL-2.0"), false),
        (Some("LicenseRef-commercial"), false),
        (Some("MITnearly"), false),
        (Some("see LICENSE"), false),
        (Some(""), false),
        (None, false),
    ];
    for (licence, is_allowed) in table {
        assert_eq!(refusal("a-package", licence).is_none(), is_allowed, "{licence:?}");
    }
    assert!(refusal("a-package", None).is_some_and(|reason| reason.contains("a-package")));
}

#[test]
fn mpl_is_allowed_for_the_named_packages_only_and_with_a_reason() {
    for (name, reason) in UNDER_MPL {
        assert!(refusal(name, Some("MPL-2.0")).is_none(), "{name}");
        assert!(refusal(name, Some("GPL-3.0-only")).is_some(), "{name} is excepted for one licence, not for all");
        assert!(reason.len() > 20, "{name} has no reason");
    }
}

#[test]
fn the_gate_and_cargo_deny_allow_the_same_licences() {
    let text = std::fs::read_to_string(tree::root().join("deny.toml")).unwrap();
    let deny: toml::Table = toml::from_str(&text).unwrap();
    let listed: BTreeSet<&str> =
        deny["licenses"]["allow"].as_array().unwrap().iter().filter_map(toml::Value::as_str).collect();
    assert_eq!(listed, BTreeSet::from(ALLOWED));
    let excepted = deny["licenses"]["exceptions"].as_array().unwrap();
    let names: Vec<&str> = excepted.iter().filter_map(|entry| entry["crate"].as_str()).collect();
    assert_eq!(names, UNDER_MPL.map(|(name, _)| name));
}
