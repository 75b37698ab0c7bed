//! The manifests: every dependency and every ban says why, every root forbids unsafe code, and a panic unwinds.

use super::{
    ask_cargo::{PRODUCTS, members, metadata},
    assert_none,
};
use harness::tree::{self, Source};
use toml::{Table, Value};

/// A reason shorter than this is a word, not a reason.
const REASON_LETTERS_MIN: usize = 12;

fn read(path: &str) -> String {
    std::fs::read_to_string(tree::root().join(path)).unwrap()
}

/// The entries of `[workspace.dependencies]`, not ours, with no comment above them or above the group they stand in.
fn unexplained(manifest: &str) -> Vec<String> {
    let lines = manifest.lines().skip_while(|line| line.trim() != "[workspace.dependencies]").skip(1);
    let mut is_explained = false;
    let mut found = Vec::new();
    for line in lines.take_while(|line| !line.starts_with('[')).map(str::trim) {
        if let Some(comment) = line.strip_prefix('#') {
            // "# --- the two programs" is a heading, not a reason.
            is_explained = !comment.trim().starts_with("---") && comment.trim().len() >= REASON_LETTERS_MIN;
        } else if line.is_empty() {
            is_explained = false;
        } else if let Some((name, value)) = line.split_once('=')
            && !value.contains("path =")
            && !is_explained
        {
            found.push(name.trim().trim_end_matches(".workspace").to_owned());
        }
    }
    found
}

/// Dependencies of a member that do not come from the workspace's table.
fn not_from_the_table(manifest: &str) -> Vec<String> {
    let manifest: Table = toml::from_str(manifest).unwrap();
    let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
    let entries = tables.iter().filter_map(|table| manifest.get(*table)?.as_table()).flatten();
    entries
        .filter(|(_, entry)| entry.get("workspace") != Some(&Value::Boolean(true)))
        .map(|(name, _)| name.clone())
        .collect()
}

/// The bans of a `clippy.toml` that carry no reason.
fn bans_without_reason(config: &str) -> Vec<String> {
    let config: Table = toml::from_str(config).unwrap();
    let tables = ["disallowed-methods", "disallowed-types", "disallowed-macros", "await-holding-invalid-types"];
    let bans = tables.iter().filter_map(|table| config.get(*table)?.as_array()).flatten();
    let has_reason = |ban: &Value| {
        ban.get("reason").and_then(Value::as_str).is_some_and(|reason| reason.len() >= REASON_LETTERS_MIN)
    };
    let name = |ban: &Value| ban.get("path").unwrap_or(ban).as_str().unwrap_or("a ban without a path").to_owned();
    bans.filter(|ban| !has_reason(ban)).map(name).collect()
}

/// Profiles of a manifest or of cargo's configuration in which a panic ends the program.
fn aborting_profiles(text: &str) -> Vec<String> {
    let manifest: Table = toml::from_str(text).unwrap();
    let profiles = manifest.get("profile").and_then(Value::as_table).into_iter().flatten();
    profiles
        .filter(|(_, profile)| profile.get("panic").and_then(Value::as_str) == Some("abort"))
        .map(|(name, _)| name.clone())
        .collect()
}

/// Whether a crate root refuses unsafe code, in code and not in a comment.
fn forbids_unsafe(root: &str) -> bool {
    root.lines().any(|line| line.trim() == "#![forbid(unsafe_code)]")
}

fn manifests() -> Vec<Source> {
    let is_manifest = |source: &Source| source.path == "Cargo.toml" || source.path.ends_with("/Cargo.toml");
    let found: Vec<Source> = tree::sources().unwrap().into_iter().filter(is_manifest).collect();
    assert!(found.len() > PRODUCTS.len(), "the manifests were not found");
    found
}

#[test]
fn every_dependency_says_why_it_is_there() {
    assert_none(&unexplained(&read("Cargo.toml")));
    let planted = "[workspace.dependencies]\n# --- ours\nvitals = { path = \"vitals\" }\n\n# --- theirs\nrand = \"1\"\n# A reason, for two.\nhyper = \"1\"\nhyper-util = \"1\"\n\nrayon = \"1\"\n[profile.dev]\ndebug = 1\n";
    assert_eq!(unexplained(planted), ["rand", "rayon"]);
}

#[test]
fn every_dependency_of_a_member_comes_from_the_table() {
    for manifest in manifests().iter().filter(|manifest| manifest.path != "Cargo.toml") {
        assert_none(&not_from_the_table(&manifest.text));
    }
    assert_eq!(
        not_from_the_table("[dependencies]\nserde.workspace = true\n[dev-dependencies]\nrand = \"1\"\n"),
        ["rand"]
    );
}

#[test]
fn every_ban_carries_its_reason() {
    assert_none(&bans_without_reason(&read("clippy.toml")));
    let planted =
        "disallowed-methods = [\"a::b\", { path = \"c::d\" }, { path = \"e::f\", reason = \"it hides a race\" }]\n";
    assert_eq!(bans_without_reason(planted), ["a::b", "c::d"]);
}

#[test]
fn a_panic_unwinds_in_every_profile() {
    for manifest in manifests() {
        assert_none(&aborting_profiles(&manifest.text));
    }
    assert_none(&aborting_profiles(&read(".cargo/config.toml")));
    assert_eq!(aborting_profiles("[profile.release]\npanic = \"abort\"\n"), ["release"]);
}

#[test]
fn cargo_is_configured_with_aliases_and_the_flags_of_sqlite_and_of_signatures_only() {
    let config: Table = toml::from_str(&read(".cargo/config.toml")).unwrap();
    assert_eq!(config.keys().collect::<Vec<_>>(), ["alias", "env", "target"]);
    // What a processor may lack is chosen when the program runs, and never when it is built.
    let target: Table =
        toml::from_str("x86_64-unknown-linux-gnu.rustflags = [\"--cfg\", 'curve25519_dalek_backend=\"avx512\"']")
            .unwrap();
    assert_eq!(config.get("target"), Some(&toml::Value::Table(target)));
    let env = config.get("env").and_then(toml::Value::as_table).unwrap();
    assert_eq!(env.keys().collect::<Vec<_>>(), ["LIBSQLITE3_FLAGS"]);
}

/// Whether a program has tests of its own.
fn has_tests(program: &str) -> bool {
    program.lines().any(|line| ["#[test]", "#[cfg(test)]"].contains(&line.trim()))
}

#[test]
fn a_program_that_cargo_does_not_test_has_no_tests() {
    let metadata = metadata();
    let targets = members(&metadata).into_iter().flat_map(|member| &member.targets);
    for target in targets.filter(|target| target.is_bin() && !target.test) {
        assert!(!has_tests(&std::fs::read_to_string(&target.src_path).unwrap()), "{}", target.src_path);
    }
    assert!(has_tests("fn main() {}\n\n#[cfg(test)]\nmod tests {}\n"));
}

#[test]
fn every_root_of_a_product_forbids_unsafe_code() {
    let metadata = metadata();
    let products: Vec<_> =
        members(&metadata).into_iter().filter(|member| PRODUCTS.contains(&member.name.as_str())).collect();
    assert_eq!(products.len(), PRODUCTS.len());
    let roots =
        products.iter().flat_map(|product| &product.targets).filter(|target| target.is_lib() || target.is_bin());
    for target in roots {
        assert!(
            forbids_unsafe(&std::fs::read_to_string(&target.src_path).unwrap()),
            "{} does not forbid unsafe code",
            target.src_path
        );
    }
    assert!(!forbids_unsafe("//! A crate.\n// #![forbid(unsafe_code)]\n#![deny(unsafe_code)]\n"));
}

/// What the lints say of unsafe code, for the workspace and for each member.
#[test]
fn unsafe_code_is_denied_in_the_workspace_and_no_member_has_lints_of_its_own() {
    let denies = |manifest: &str| -> bool {
        let manifest: Table = toml::from_str(manifest).unwrap();
        let lints = manifest.get("workspace").and_then(|workspace| workspace.get("lints"));
        lints.and_then(|lints| lints.get("rust")?.get("unsafe_code")?.as_str()) == Some("deny")
    };
    let leaves_it_so = |manifest: &str| -> bool {
        let manifest: Table = toml::from_str(manifest).unwrap();
        let lints = manifest.get("lints").and_then(Value::as_table);
        lints.is_some_and(|lints| lints.len() == 1 && lints.get("workspace") == Some(&Value::Boolean(true)))
    };
    for manifest in manifests() {
        let is_right = if manifest.path == "Cargo.toml" { denies } else { leaves_it_so };
        assert!(is_right(&manifest.text), "{}", manifest.path);
    }
    assert!(!denies("[workspace.lints.rust]\nunsafe_code = \"allow\"\n"));
    assert!(!leaves_it_so("[lints.rust]\nunsafe_code = \"allow\"\n"));
}
