//! A disk in memory under SQLite, for tests: it records every write and sync, builds the image a power cut could have
//! left, fails any call it is told to, and has its bits flipped.
//!
//! This is the one crate of the house with `unsafe`: a SQLite VFS is a table of C functions. All of it stands in
//! [`mod@vfs`], [`mod@shm`], [`mod@second`] and [`tapped`] (real files, for kills inside a commit), each block with its
//! reason; what a call does to a file in memory is safe code in [`disk`]. Nothing here knows the product, so that what it does to a store is judged from outside.
//!
//! ```
//! use faults::MemoryDisk;
//! use rusqlite::OpenFlags;
//! let disk = MemoryDisk::default();
//! let conn = disk.open("a.db", OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
//! conn.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)")?;
//! assert!(disk.image().file("a.db-wal").is_some());
//! # Ok::<(), rusqlite::Error>(())
//! ```

pub mod disk;
pub mod failure;
pub mod image;
mod locks;
pub mod replay;
pub mod rng;
mod second;
mod shm;
pub mod tapped;
mod vfs;

pub use disk::{MemoryDisk, SECTOR_BYTES};
pub use failure::{CallKind, Failure};
pub use image::Image;
pub use replay::{Operation, Record, Replay};
pub use rng::Rng;
pub use second::SecondHandle;
