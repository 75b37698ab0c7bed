//! The pure crates stay pure: what each is built from, package by package, is on a list of its own.
//!
//! `cargo tree --workspace` would unify features and pass; each package is asked for alone. What these lists allow has no
//! input or output, no clock, no randomness, no async and no logging.

use super::{ask_cargo::tree_of, assert_none};
use std::collections::BTreeSet;

/// What `vitals` is made of, and through it the others. Everything here only computes.
const VITALS: [&str; 23] = [
    // BLAKE3, without its thread pool.
    "blake3",
    "arrayvec",
    "cfg-if",
    "constant_time_eq",
    "cpufeatures",
    // Calendar arithmetic, without its clock.
    "chrono",
    "num-traits",
    // Exact decimals.
    "rust_decimal",
    // Types to and from text.
    "serde",
    "serde_core",
    "serde_derive",
    "serde_spanned",
    "toml",
    "toml_datetime",
    "toml_parser",
    "winnow",
    // Errors; and what the derives run on while compiling.
    "thiserror",
    "thiserror-impl",
    "proc-macro2",
    "quote",
    "syn",
    "unicode-ident",
    "vitals",
];

/// What `look` adds: HTML that is checked when compiled, and time zones as tables.
const LOOK: [&str; 12] = [
    "look",
    "askama",
    "askama_derive",
    "askama_macros",
    "askama_parser",
    "itoa",
    "memchr",
    "rustc-hash",
    "chrono-tz",
    "phf",
    "phf_shared",
    "siphasher",
];

/// What `rules` adds: the unfinished alerts in a person's stored state are JSON, text in and text out.
const RULES: [&str; 6] = ["rules", "register", "serde_json", "itoa", "memchr", "zmij"];

/// What each pure crate may be made of.
fn allowed(package: &str) -> Vec<&'static str> {
    let own: &[&str] = match package {
        "vitals" => &[],
        "look" => &LOOK,
        "device-codecs" => &["device-codecs"],
        "register" => &["register"],
        "rules" => &RULES,
        other => panic!("{other} is not one of the pure crates"),
    };
    [VITALS.as_slice(), own].concat()
}

const PURE: [&str; 5] = ["vitals", "look", "register", "device-codecs", "rules"];

/// Features of chrono that let code ask what time it is.
const CLOCK_FEATURES: [&str; 2] = ["clock", "now"];

/// The names in a tree (one `name vVERSION` a line) that are not on a list.
fn strangers(tree: &str, allowed: &[&str]) -> BTreeSet<String> {
    let names = tree.lines().filter_map(|line| line.split_whitespace().next());
    names.filter(|name| !allowed.contains(name)).map(str::to_owned).collect()
}

/// The features of chrono in a tree of features that read a clock.
fn clock_features(tree: &str) -> Vec<&'static str> {
    CLOCK_FEATURES.into_iter().filter(|feature| tree.contains(&format!("chrono feature \"{feature}\""))).collect()
}

#[test]
fn each_pure_crate_is_made_only_of_what_its_list_allows() {
    for package in PURE {
        let tree = tree_of(package, &["-e", "normal"]);
        assert!(tree.starts_with(&format!("{package} v")), "{tree}");
        assert_eq!(strangers(&tree, &allowed(package)), BTreeSet::new(), "{package} is no longer pure");
    }
}

/// The same check over the real tree of a program, which does read clocks and sockets, must fail and say why.
#[test]
fn the_same_check_names_what_makes_a_program_impure() {
    let found = strangers(&tree_of("hub-agent", &["-e", "normal"]), &allowed("look"));
    for name in ["tokio", "rusqlite", "getrandom"] {
        assert!(found.contains(name), "{name} was not named in {found:?}");
    }
}

#[test]
fn no_pure_crate_can_ask_chrono_what_time_it_is() {
    for package in PURE {
        let tree = tree_of(package, &["-e", "features,normal", "-i", "chrono"]);
        assert!(tree.contains("chrono feature \"std\""), "{package}: no features were listed: {tree}");
        assert_none(&clock_features(&tree));
    }
}

#[test]
fn a_planted_clock_feature_is_named() {
    let planted = "chrono v0.4.45\nchrono feature \"clock\"\nchrono feature \"now\"\nchrono feature \"std\"\n";
    assert_eq!(clock_features(planted), ["clock", "now"]);
}
