//! People in bulk: lists that come from elsewhere are read, looked through beside the register, and written into it.
//!
//! Invariants: nothing is guessed: a row that cannot be read whole is refused with its line and column, never with what
//! stands there; what a list does not say stays as it is; a list that says what the register has changes nothing; who is
//! not in a list stays in the register; every version that is written names its import, so that it can be taken back.

mod beside;
mod ids;
mod imports;
mod known;
pub mod list;
mod move_;
pub mod roster;
pub mod sheet;
pub mod status;
mod undo;
mod write;

pub use beside::Beside;
pub use ids::PersonIds;
pub use imports::{ImportFiles, ImportId};
pub use known::{Known, KnownPeople};
pub use list::{Findings, List, Step, Turn, Wanted, day_of_list};
pub use move_::{Destination, MoveRefused, move_person, move_team};
pub use roster::Roster;
pub use sheet::{RowRefused, Sheet, SheetRefused, Why};
pub use status::StatusList;
pub use undo::{NotUndone, Undone, undo};
pub use write::{Applied, Hand, NotWritten, WRITTEN_TOGETHER, Writer};
