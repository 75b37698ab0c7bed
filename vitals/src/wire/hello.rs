//! The hello: how a hub stands, said at least every 40 s, and what the service has for it.
//!
//! Batches carry readings and nothing else: the heads that make a hub a witness ride in the hello alone, because a hub says
//! hello within 40 s of any start of the service, whether or not somebody measures. A head names a person by our id, so a
//! hello holds no more about anybody than a batch does.

use super::sealed::Sealed;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// Where hubs say hello.
pub const HELLO_PATH: &str = "/v1/hello";

/// Largest body of a hello, in bytes: [`HEADS_MAX`] heads take 16 KiB, and there is room for fields of tomorrow.
pub const HELLO_BODY_BYTES_MAX: usize = 64 * 1024;

/// Most heads in one hello: a care home of 60 beds, twice. A hub with more people returns them in turn.
pub const HEADS_MAX: usize = 128;

/// Most links that can be deaf at once, one for each kind of link with room for kinds of tomorrow.
pub const DEAF_MAX: usize = 8;

/// Most readings asked for in one answer: a hello a minute brings back a day of a whole care home within ten.
pub const OFFER_AGAIN_MAX: usize = 256;

/// A hub lets no longer than this pass between two hellos.
pub const HELLO_EVERY: Duration = Duration::from_secs(40);

/// Longest the service holds a hello back for want of news, so that the next one is not late.
pub const HELLO_WAIT_MAX: Duration = Duration::from_secs(40);

/// How often the service signs a new heartbeat.
pub const HEARTBEAT_EVERY: Duration = Duration::from_secs(10);

/// How long the last word of the other side stands: three hellos with time to spare. After it a hub says that it is not
/// connected, and the service that it does not hear the hub.
pub const HEARD_FOR: Duration = Duration::from_secs(120);

/// How a hub stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// When the hub wrote it, by its own clock.
    pub made_at: String,
    /// The hub's program: its version.
    pub build: String,
    /// This run of the program, 16 hexadecimal digits: another one means that the hub was started again.
    pub boot: String,
    /// What waits on the hub.
    pub outbox: OutboxStanding,
    /// The links over which the hub hears nothing, at most [`DEAF_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deaf: Vec<Deaf>,
    /// By person, the newest head of their chain that a receipt gave this hub, as the receipt spelled it; at most
    /// [`HEADS_MAX`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub heads: BTreeMap<String, String>,
    /// How long the service may hold the answer back until it has news for this hub, in seconds; 0: answer at once. No more
    /// than [`HELLO_WAIT_MAX`] is given.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub wait_secs: u64,
}

fn is_zero(secs: &u64) -> bool {
    *secs == 0
}

/// What waits on a hub.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxStanding {
    /// How many readings that were just taken.
    pub waiting_live: u64,
    /// How many that were held back.
    pub waiting_backfill: u64,
    /// When the one that has waited longest was taken, or heard where that is not known, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_at: Option<String>,
    /// How many more readings the hub can keep.
    pub room_readings: u64,
}

/// A link over which a hub hears nothing, whatever devices say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deaf {
    /// Which kind of link: `bluetooth` or `serial`.
    pub link: String,
    /// Since when, by the hub's clock, UTC.
    pub since: String,
    /// Why: a word of the hub's.
    pub why: String,
}

/// What the service answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelloAnswer {
    /// When the service received the hello, UTC.
    pub received_at: String,
    /// The newest heartbeat: one for all hubs, a [`Heartbeat`] signed by the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<Sealed>,
    /// Readings the service asks for again, at most [`OFFER_AGAIN_MAX`]: it had them and can no longer read them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offer_again: Vec<String>,
    /// Which key followed which, each a [`super::announced::NextKey`] signed with the older: the newest
    /// [`super::announced::NEXT_KEYS_MAX`], oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next_keys: Vec<Sealed>,
    /// The certificates the service shows, where it has TLS of its own: a [`super::announced::Certificates`] signed by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificates: Option<Sealed>,
}

/// The service says that it lives and decides: one document for all hubs, signed every [`HEARTBEAT_EVERY`].
///
/// A hub takes one only where it is newer than the last it took, so that an old one, sent again by whoever is on the line,
/// passes for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// When it was made, by the service's clock, UTC.
    pub made_at: String,
    /// How many were made since the service started.
    pub sequence: u64,
    /// Every reading the service acknowledged before this moment has its verdict. Left out where the service cannot tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules_evaluated_up_to: Option<String>,
    /// How the store stands.
    pub store: StoreStanding,
}

/// How the service's store stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreStanding {
    /// It takes readings, and is read.
    Ready,
    /// It has more to do than it can take on.
    Busy,
    /// It takes no readings: it cannot be written or read, or its disk is full.
    Unavailable,
    /// A standing of a later version.
    #[serde(other)]
    Unknown,
}
