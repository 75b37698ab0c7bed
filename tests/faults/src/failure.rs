//! Which storage call fails, and how.

use rusqlite::ffi;

/// What kind of call it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallKind {
    /// A file is opened.
    Open,
    /// Bytes are read.
    Read,
    /// Bytes are written.
    Write,
    /// A file is synced.
    Sync,
    /// A file is cut to a length.
    Truncate,
    /// A file is deleted.
    Delete,
    /// A file's length is asked for.
    Size,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Failure {
    /// Nothing of it is done, and the answer is an error of input and output.
    Error,
    /// Nothing of it is done, and the answer is "no room"; the next call has room again.
    Full,
    /// As [`Failure::Full`], and no file grows until [`crate::MemoryDisk::make_room`].
    FullFromHereOn,
    /// Half of the bytes (whole sectors of them) are written and stay; the answer is an error of input and output.
    ShortError,
    /// Half of the bytes are written and stay; the answer is "no room".
    ShortFull,
    /// The sync fails and what it should have made safe is dropped: what Linux does with dirty pages after such a failure.
    /// A later sync succeeds and saves nothing of it.
    SyncDrops,
    /// The same, and the answer is that all is well: what a store that overlooks a failed sync does to itself. Planted.
    SyncDropsInSilence,
}

impl Failure {
    /// How a call of this kind can fail.
    #[must_use]
    pub fn of(kind: CallKind) -> &'static [Self] {
        match kind {
            CallKind::Open | CallKind::Read | CallKind::Truncate | CallKind::Delete | CallKind::Size => &[Self::Error],
            CallKind::Write => &[Self::Error, Self::Full, Self::FullFromHereOn, Self::ShortError, Self::ShortFull],
            CallKind::Sync => &[Self::Error, Self::SyncDrops],
        }
    }

    /// Whether a call of this kind can fail so, planted failures included.
    pub(crate) fn fits(self, kind: CallKind) -> bool {
        Self::of(kind).contains(&self) || (self == Self::SyncDropsInSilence && kind == CallKind::Sync)
    }

    /// Whether what was not synced is dropped.
    pub(crate) fn drops(self) -> bool {
        matches!(self, Self::SyncDrops | Self::SyncDropsInSilence)
    }

    /// Whether only room is missing.
    #[must_use]
    pub fn is_full(self) -> bool {
        matches!(self, Self::Full | Self::FullFromHereOn | Self::ShortFull)
    }

    /// The code SQLite gets.
    pub(crate) fn code(self, kind: CallKind) -> i32 {
        if self.is_full() {
            return ffi::SQLITE_FULL;
        }
        if self == Self::SyncDropsInSilence {
            return ffi::SQLITE_OK;
        }
        match kind {
            CallKind::Open => ffi::SQLITE_CANTOPEN,
            CallKind::Read => ffi::SQLITE_IOERR_READ,
            CallKind::Write => ffi::SQLITE_IOERR_WRITE,
            CallKind::Sync => ffi::SQLITE_IOERR_FSYNC,
            CallKind::Truncate => ffi::SQLITE_IOERR_TRUNCATE,
            CallKind::Delete => ffi::SQLITE_IOERR_DELETE,
            CallKind::Size => ffi::SQLITE_IOERR_FSTAT,
        }
    }
}
