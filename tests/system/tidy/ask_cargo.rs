//! Questions to cargo: what is in the build, and what a package is made of.

use cargo_metadata::{Metadata, MetadataCommand, Package};
use harness::tree;
use std::process::Command;

/// The packages that ship. `system-tests` is the one member that does not.
pub(super) const PRODUCTS: [&str; 8] =
    ["vitals", "look", "register", "device-codecs", "rules", "hub-agent", "ingest", "demo"];

/// What we ship for, and so what is judged: the other platforms' packages need not even be on this machine.
const PLATFORMS: [&str; 2] = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];

/// The whole build as data.
pub(super) fn metadata() -> Metadata {
    let mut options = vec!["--offline".to_owned(), "--locked".to_owned()];
    options.extend(PLATFORMS.iter().flat_map(|platform| ["--filter-platform".to_owned(), (*platform).to_owned()]));
    MetadataCommand::new()
        .cargo_path(env!("CARGO"))
        .manifest_path(tree::root().join("Cargo.toml"))
        .other_options(options)
        .exec()
        .expect("cargo metadata --offline --locked; a fresh machine needs `cargo fetch --locked` first")
}

/// The packages of the workspace.
pub(super) fn members(metadata: &Metadata) -> Vec<&Package> {
    metadata.packages.iter().filter(|package| metadata.workspace_members.contains(&package.id)).collect()
}

/// `cargo tree` of one package on its own (never `--workspace`, which unifies features), as text.
pub(super) fn tree_of(package: &str, more: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--prefix", "none", "-p", package])
        .args(more)
        .current_dir(tree::root())
        .output()
        .expect("cargo tree starts");
    assert!(output.status.success(), "cargo tree -p {package}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo tree prints UTF-8")
}
