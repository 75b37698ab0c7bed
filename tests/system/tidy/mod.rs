//! Is the house in order? Arrows, purity, licences, the words in the source, hazards, invented people, the paper.
//!
//! Each check is a function that judges what it is given and names what is wrong; each has a negative control that gives
//! it something wrong. Nothing here needs a network: cargo is asked with `--offline --locked`.

mod arrows;
mod ask_cargo;
mod bans;
mod fixtures;
mod hazards;
mod licences;
mod manifests;
mod paper;
mod purity;
mod words;

/// Fails with everything that was found, each on its line.
#[track_caller]
fn assert_none<T: std::fmt::Debug>(found: &[T]) {
    assert!(
        found.is_empty(),
        "found {}:\n{}",
        found.len(),
        found.iter().map(|one| format!("{one:?}\n")).collect::<String>()
    );
}
