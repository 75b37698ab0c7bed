//! BlueZ without a radio: a bus, a bluetoothd whose devices follow scripts, and the unmodified hub agent against them.
//!
//! Our side is never faked: the agent runs as a process of its own with its real Bluetooth link, and is given only the
//! address of the bus. Everything a device does is data (`tests/bluez/*.toml`). Not covered: the radio, pairing and
//! bonding as such, bluetoothd's own caches and connection parameters; for those a run-sheet with a real device remains.

pub mod agent;
pub mod bus;
pub mod careless;
mod daemon;
mod effects;
pub mod expect;
pub mod faults;
pub mod home;
pub mod meter;
pub mod payload;
mod peripheral;
pub mod record;
pub mod row;
pub mod runner;
pub mod script;
mod tree;
mod vacancy;
mod world;

pub use daemon::{Absence, Bluetoothd};

use hub_agent::clock::{Clock, WallClock};

/// The time on a wall in London, to the second: what a device's clock should say.
fn true_local() -> chrono::NaiveDateTime {
    let now = wall_clock(WallClock.now());
    chrono::Timelike::with_nanosecond(&now, 0).unwrap_or(now)
}

/// The time on a wall in London at a moment.
fn wall_clock(at: chrono::DateTime<chrono::Utc>) -> chrono::NaiveDateTime {
    at.with_timezone(&hub_agent::agent::ZONE).naive_local()
}
