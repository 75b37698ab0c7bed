//! What a disk holds at one moment: files by name.

use std::{collections::BTreeMap, sync::Arc};

/// Files by name. Cheap to clone: contents are shared until somebody changes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image(pub(crate) BTreeMap<String, Arc<Vec<u8>>>);

impl Image {
    /// The contents of a file.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(|bytes| bytes.as_slice())
    }

    /// The same with a file put in.
    #[must_use]
    pub fn with(mut self, name: &str, bytes: Vec<u8>) -> Self {
        self.0.insert(name.to_owned(), Arc::new(bytes));
        self
    }

    /// Every file's name and length.
    pub fn files(&self) -> impl Iterator<Item = (&str, usize)> {
        self.0.iter().map(|(name, bytes)| (name.as_str(), bytes.len()))
    }

    /// The same with one bit of a file flipped; nothing changes where the file has no such bit.
    #[must_use]
    pub fn flipped(mut self, name: &str, bit: usize) -> Self {
        if let Some(bytes) = self.0.get_mut(name)
            && bit / 8 < bytes.len()
            && let Some(byte) = Arc::make_mut(bytes).get_mut(bit / 8)
        {
            *byte ^= 1 << (bit % 8);
        }
        self
    }
}
