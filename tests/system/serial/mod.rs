//! Do records survive the line? The real link on real pseudo-terminals, and scripted devices that answer only what is
//! right: every record once, whatever is split, garbled or pulled out, and no device told to forget before the record
//! is kept.

mod live;
mod memory;
mod ports;
mod process;
mod summary;
mod whole;
