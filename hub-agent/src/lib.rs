//! Device to server: reads devices, keeps every reading, and sends it until the server has it.
//!
//! Invariants: a reading is shown as saved only after its commit reached the disk; it leaves the outbox's queue only
//! when the service's receipt names it; no request number is used twice; clock, randomness, disk, network, screen and
//! log are injected, so everything here runs the same in a simulation.
#![forbid(unsafe_code)]

pub mod admit;
pub mod agent;
pub mod assign;
pub mod check;
pub mod cli;
pub mod clock;
pub mod config;
pub mod disk;
pub mod events;
pub mod link;
pub mod listening;
pub mod net;
pub mod outbox;
pub mod prompt;
pub mod rng;
pub mod session;
pub mod shutdown;
#[cfg(test)]
mod test_parts;
pub mod tls;
pub mod uplink;

pub use agent::{Agent, Parts};
pub use config::Config;
pub use events::{Events, HubEvent};
pub use link::replay::Replay;
pub use prompt::{Instruction, Screen};
