//! Receives, keeps, decides, tells: the service that stores readings and raises alerts.
//!
//! Invariants: nothing is acknowledged before it is committed and synced; every store call takes a proof of access;
//! a reading is stored with its verdict, its alert and its notification in one commit.
#![forbid(unsafe_code)]

pub mod access;
pub mod admit;
pub mod cli;
pub mod clock;
pub mod config;
pub mod decide;
pub mod disk;
pub mod events;
pub mod heartbeat;
pub mod http;
pub mod metrics;
pub mod net;
pub mod notify;
pub mod pages;
pub mod people;
pub mod records;
pub mod rng;
pub mod rounds;
pub mod scrub;
pub mod server_key;
pub mod service;
pub mod store;
pub mod sweep;
pub mod tls;
