//! Imports by name: what was written together can be taken back together.
//!
//! Which people an import touched is noted in a file beside the store before anything is written, ids only. The record
//! itself names the import in every version it wrote, and only that is believed: the file saves looking at everybody.

use crate::rng::{NoRandomness, Randomness};
use register::Reason;
use std::{
    fmt, fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};
use vitals::{PatientId, hex};

/// The folder of the lists, in the store's.
const FOLDER: &str = "imports";

/// What an import is called.
///
/// ```
/// use ingest::people::ImportId;
/// let id = ImportId::parse("im-00112233445566aa").unwrap();
/// assert_eq!(id.to_string(), "im-00112233445566aa");
/// assert!(ImportId::parse("im-../../etc").is_none());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportId([u8; 8]);

impl ImportId {
    /// A new one.
    ///
    /// # Errors
    /// [`NoRandomness`] where there is none to be had.
    pub fn new(rng: &dyn Randomness) -> Result<Self, NoRandomness> {
        let mut bytes = [0; 8];
        rng.fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// Reads the text form; none for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        hex::decode_array(text.strip_prefix("im-")?).ok().map(Self)
    }

    /// What stands beside every version it wrote.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        Reason::new(&format!("import {self}")).ok()
    }

    /// What stands beside every version that takes it back.
    #[must_use]
    pub fn undo_reason(&self) -> Option<Reason> {
        Reason::new(&format!("undo of import {self}")).ok()
    }
}

impl fmt::Display for ImportId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "im-{}", hex::encode(&self.0))
    }
}

/// The lists of imports in a store's folder.
#[derive(Debug, Clone)]
pub struct ImportFiles {
    folder: PathBuf,
}

impl ImportFiles {
    /// Those beside a store.
    #[must_use]
    pub fn new(data: &Path) -> Self {
        Self { folder: data.join(FOLDER) }
    }

    fn path(&self, id: &ImportId) -> PathBuf {
        self.folder.join(format!("{id}.txt"))
    }

    /// Notes whom an import is about to write.
    ///
    /// # Errors
    /// Whatever the operating system says.
    pub fn note<'p>(&self, id: &ImportId, people: impl IntoIterator<Item = &'p PatientId>) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let new = self.folder.join(format!("{id}.new"));
        let file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        let mut file = io::BufWriter::new(file);
        for person in people {
            writeln!(file, "{person}")?;
        }
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        fs::rename(&new, self.path(id))?;
        fs::File::open(&self.folder)?.sync_all()
    }

    /// Takes somebody out of every list, and away what a kill left half-written: how many lists named them.
    ///
    /// # Errors
    /// Whatever the operating system says; the lists that were written before name them no more.
    pub fn forget(&self, person: &PatientId) -> io::Result<usize> {
        let files = match fs::read_dir(&self.folder) {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(error),
        };
        let mut forgotten = 0;
        for file in files {
            let path = file?.path();
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("new") => fs::remove_file(&path)?,
                Some("txt") => {
                    let name = path.file_stem().and_then(|name| name.to_str());
                    let Some(id) = name.and_then(ImportId::parse) else { continue };
                    let people = self.people(&id)?.unwrap_or_default();
                    if people.contains(person) {
                        self.note(&id, people.iter().filter(|other| *other != person))?;
                        forgotten += 1;
                    }
                }
                Some(_) | None => {}
            }
        }
        Ok(forgotten)
    }

    /// Whom an import was about to write; none where there is no such list.
    ///
    /// # Errors
    /// Whatever the operating system says; [`io::ErrorKind::InvalidData`] where the list is not one.
    pub fn people(&self, id: &ImportId) -> io::Result<Option<Vec<PatientId>>> {
        let text = match fs::read_to_string(self.path(id)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let people = text.lines().map(PatientId::parse).collect::<Result<_, _>>();
        people.map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn whom_an_import_wrote_is_noted_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let files = ImportFiles::new(folder.path());
        let id = ImportId::parse("im-00112233445566aa").unwrap();
        let people = ["pt-a", "pt-b"].map(|id| PatientId::parse(id).unwrap());
        assert_eq!(files.people(&id).unwrap(), None);
        files.note(&id, &people).unwrap();
        assert_eq!(files.people(&id).unwrap().unwrap(), people);
        assert_eq!(fs::metadata(files.path(&id)).unwrap().permissions().mode() & 0o777, 0o600);
        let gone = PatientId::parse("pt-a").unwrap();
        assert_eq!((files.forget(&gone).unwrap(), files.forget(&gone).unwrap()), (1, 0));
        assert_eq!(files.people(&id).unwrap().unwrap(), people[1..]);
        fs::write(files.path(&id), "Ada Test\n").unwrap();
        assert_eq!(files.people(&id).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
