//! A list beside the register: what it would change, and then the change.

use super::{
    imports::ImportId,
    known::KnownPeople,
    list::{Findings, List, Looked, Step, steps},
    sheet::{RowRefused, Sheet},
    write::{Applied, Hand, NotWritten, Writer},
};
use vitals::PatientId;

/// See the module.
pub struct Beside<'a, L> {
    list: &'a L,
    sheet: &'a Sheet<'a>,
    known: &'a KnownPeople,
    looked: Looked,
}

impl<'a, L: List> Beside<'a, L> {
    /// Puts a list beside the register.
    #[must_use]
    pub fn new(list: &'a L, sheet: &'a Sheet<'a>, known: &'a KnownPeople) -> Self {
        Self { list, sheet, known, looked: Looked::at(list, sheet, known) }
    }

    /// What it would change: the dry run.
    #[must_use]
    pub fn findings(&self) -> Findings {
        Findings::of(self.list, self.sheet, &self.looked, self.known)
    }

    /// What each row comes to.
    pub fn steps(&self) -> impl Iterator<Item = Result<(PatientId, Step), RowRefused>> + '_ {
        steps(self.list, self.sheet, &self.looked, self.known)
    }

    /// Who would be written, in the order of the list.
    #[must_use]
    pub fn to_write(&self) -> Vec<PatientId> {
        let written = |step: Result<(PatientId, Step), RowRefused>| match step {
            Ok((id, Step::Write { .. })) => Some(id),
            Ok((_, Step::Unchanged)) | Err(_) => None,
        };
        self.steps().filter_map(written).collect()
    }

    /// Writes what the good rows come to; the others are passed over.
    ///
    /// # Errors
    /// [`NotWritten`] where the store cannot write.
    pub async fn write(&self, hand: Hand<'_>, import: &ImportId) -> Result<Applied, NotWritten> {
        let mut writer = Writer::new(hand, import.reason());
        for (id, step) in self.steps().flatten() {
            writer.take(id, step).await?;
        }
        writer.finish().await
    }
}
