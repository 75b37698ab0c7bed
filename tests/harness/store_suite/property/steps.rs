//! What can happen in a story.

use proptest::{collection::vec, option, prelude::*};

/// People, and as many cuffs.
pub(super) const PERSONS: usize = 3;

/// Most steps of a story.
const STEPS_MAX: usize = 56;

/// What a cuff says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    Calm,
    Amber,
    Red,
    Nothing,
}

/// One reading of a step: whose it is said to be, of which cuff, which record of it, and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) whose: Option<usize>,
    pub(super) cuff: usize,
    pub(super) record: u32,
    pub(super) says: Says,
}

/// One step. Where a step names the n-th of something and there are fewer, it goes round; where there is none, it names
/// one that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// A hub offers readings in one request, one slice a person.
    Offer { hub: usize, heard: Vec<Heard>, panics: bool },
    /// A hub had to refuse something.
    Refuse { hub: usize, body: u8 },
    /// A request's number.
    Number { hub: usize, epoch: u32, sequence: u64 },
    /// Time passes.
    Pass { minutes: i64 },
    /// What is due is applied.
    Sweep { panics: bool },
    /// Somebody takes the n-th alert.
    Take { n: usize, by: usize },
    /// A sender takes so many notifications.
    Lease { limit: usize },
    /// What came of the n-th notification that was ever lent.
    Deliver { n: usize, is_accepted: bool },
    /// The n-th reading that waits is judged again.
    Judge { n: usize, panics: bool },
    /// Somebody is registered, by one of two names.
    Register { whose: usize, name: usize },
    /// The store is closed and opened again.
    Reopen,
}

fn heard() -> impl Strategy<Value = Heard> {
    // Most readings are of the person whose cuff it is.
    let says =
        prop_oneof![4 => Just(Says::Calm), 3 => Just(Says::Amber), 2 => Just(Says::Red), 1 => Just(Says::Nothing)];
    (0..PERSONS, 0..8_u32, says, option::weighted(0.15, option::of(0..PERSONS)))
        .prop_map(|(cuff, record, says, other)| Heard { whose: other.unwrap_or(Some(cuff)), cuff, record, says })
}

fn step() -> impl Strategy<Value = Step> {
    let rarely = || prop::bool::weighted(0.15);
    prop_oneof![
        12 => (0..2_usize, vec(heard(), 1..4), rarely())
            .prop_map(|(hub, heard, panics)| Step::Offer { hub, heard, panics }),
        1 => (0..2_usize, 0..3_u8).prop_map(|(hub, body)| Step::Refuse { hub, body }),
        2 => (0..2_usize, 1..3_u32, 0..70_u64).prop_map(|(hub, epoch, sequence)| Step::Number { hub, epoch, sequence }),
        3 => (1..40_i64).prop_map(|minutes| Step::Pass { minutes }),
        3 => rarely().prop_map(|panics| Step::Sweep { panics }),
        2 => (0..4_usize, 0..2_usize).prop_map(|(n, by)| Step::Take { n, by }),
        5 => (0..4_usize).prop_map(|limit| Step::Lease { limit }),
        4 => (0..2_usize, prop::bool::weighted(0.3)).prop_map(|(n, is_accepted)| Step::Deliver { n, is_accepted }),
        2 => (0..3_usize, rarely()).prop_map(|(n, panics)| Step::Judge { n, panics }),
        1 => (0..PERSONS, 0..2_usize).prop_map(|(whose, name)| Step::Register { whose, name }),
        1 => Just(Step::Reopen),
    ]
}

/// A story.
pub(super) fn story() -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..STEPS_MAX)
}
