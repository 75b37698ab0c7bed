//! Proof that something is committed and synced. Only a store of this module makes one.

/// Something that is in the store, committed and synced.
///
/// Nobody outside the store can make one, so a notification can only be about something that is kept:
///
/// ```compile_fail,E0423
/// let job = ingest::store::Committed("not in any store");
/// ```
///
/// while taking one is open to all:
///
/// ```
/// fn tell(job: &ingest::store::Committed<String>) -> usize { job.get().len() }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed<T>(T);

impl<T> Committed<T> {
    /// Made by a store after its commit returned.
    pub(in crate::store) fn new(what: T) -> Self {
        Self(what)
    }

    /// What is committed.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// What was committed, no longer as proof.
    pub fn into_inner(self) -> T {
        self.0
    }
}
