//! What a rule's memory is kept under.

use std::fmt;

/// Names what the key is made for, so that no other digest of ours is ever the same.
const CONTEXT: &str = "derwent 2026 rule key";

/// A rule of a pack, whatever the version: 8 bytes of BLAKE3 over the names of both.
///
/// Two rules with one key would share one memory: each would take the other's newest reading for its own, and count the
/// other's better readings towards its end. Among a thousand rules that comes by chance once in 10^13 plans, and
/// [`Plan::new`](crate::Plan::new) refuses it, so that it never decides anything.
///
/// ```
/// use rules::RuleKey;
/// assert_ne!(RuleKey::of("a", "b-c"), RuleKey::of("a-b", "c"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleKey(u64);

impl RuleKey {
    /// The key of a rule.
    #[must_use]
    pub fn of(pack: &str, rule: &str) -> Self {
        Self::from_bytes(of_names(CONTEXT, [pack, rule]))
    }

    /// Under what a rule that waits remembers from when on it does: beside its own memory, and in place of nobody else's.
    #[must_use]
    pub(crate) fn of_waiting(self) -> Self {
        Self(!self.0)
    }

    /// The eight bytes; keys stand in the order of their bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    /// A key from its eight bytes, as a store keeps them.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(bytes))
    }
}

impl fmt::Debug for RuleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Eight bytes of a hash over names, for one use.
pub(super) fn of_names<'n>(context: &str, names: impl IntoIterator<Item = &'n str>) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new_derive_key(context);
    for name in names {
        // With its length, so that no two lists of names run together.
        hasher.update(&u64::try_from(name.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(name.as_bytes());
    }
    let mut bytes = [0; 8];
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}
