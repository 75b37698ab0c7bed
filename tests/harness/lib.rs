//! The harness: what the system tests, the conformance runner and the golden tool share.
//!
//! Planted bugs are built here, through the seams the product injects its clock, disk and network through; never as a
//! feature of a product crate, because features unify and would ship.

pub mod bench;
pub mod bench_admit;
pub mod bench_codecs;
pub mod bench_ingest;
pub mod bench_roster;
pub mod bench_rules;
pub mod bluez;
pub mod clock;
pub mod conformance;
pub mod contents;
pub mod cut_proxy;
pub mod cuts;
pub mod fault;
pub mod faults;
pub mod footprint;
pub mod forge;
pub mod golden;
pub mod history;
pub mod hub_access;
pub mod ingest_process;
pub mod kill;
pub mod no_reserve;
pub mod planted;
pub mod say;
pub mod serial;
pub mod service;
pub mod signed_client;
pub mod staff;
pub mod store_suite;
pub mod stored_before;
pub mod tree;
pub mod trouble;
pub mod under_test;
pub mod weak_sync;
pub mod webhook;
