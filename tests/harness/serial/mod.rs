//! Serial devices without hardware: scripted devices on real pseudo-terminals, and the real link on the near side.
//!
//! A device here has its own encoder of what the real one says, from public vectors and captures, and its own judgement
//! of what the hub says: it answers only correct commands, and notes every wrong one and every word that would let it
//! forget a record which is not kept yet.

pub mod clock;
pub mod devices;
pub mod line;
pub mod near;
pub mod noise;
pub mod process;
pub mod socket;
pub mod story;
