//! The examples of a hello, its answer and the heartbeat in it.

use super::{eight_o_clock, said};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use ingest::{server_key::ServerKey, store::Witness};
use vitals::{
    ReadingId,
    wire::{
        announced::Fingerprint,
        hello::{Deaf, Heartbeat, Hello, HelloAnswer, OutboxStanding, StoreStanding},
        sealed::SealedFor,
        v1,
    },
};

/// The seed of the examples' server key. Its public half is in nobody's settings.
const SEED: [u8; 32] = [0x60; 32];

/// What a hub says: readings wait, Bluetooth is deaf, one head is returned, and the service may take its time.
///
/// # Errors
/// Where a part of the example is refused by its type.
pub fn hello() -> Result<Hello, String> {
    let at = eight_o_clock()?;
    let head = Witness { place: 1234, head: [0xc4; 16] };
    Ok(Hello {
        made_at: v1::moment(at),
        build: "0.1.0".to_owned(),
        boot: "00112233445566ff".to_owned(),
        outbox: OutboxStanding {
            waiting_live: 1,
            waiting_backfill: 12,
            oldest_at: Some(v1::moment(at - TimeDelta::hours(9))),
            room_readings: 71_987,
        },
        deaf: vec![Deaf {
            link: "bluetooth".to_owned(),
            since: v1::moment(at - TimeDelta::minutes(5)),
            why: "no_service".to_owned(),
        }],
        heads: [("pt-4c1e".to_owned(), head.to_string())].into(),
        wait_secs: 20,
    })
}

/// What the service signs.
///
/// # Errors
/// Where a part of the example is refused by its type.
pub fn heartbeat() -> Result<Heartbeat, String> {
    let at = v1::moment(eight_o_clock()?);
    Ok(Heartbeat { made_at: at.clone(), sequence: 360, rules_evaluated_up_to: Some(at), store: StoreStanding::Ready })
}

/// What the service answers: the heartbeat, signed, and a reading it wants again.
///
/// # Errors
/// Where a part of the example is refused by its type.
pub fn hello_answer() -> Result<HelloAnswer, String> {
    let document = serde_json::to_vec(&heartbeat()?).map_err(said)?;
    Ok(HelloAnswer {
        received_at: v1::moment(eight_o_clock()?),
        heartbeat: Some(ServerKey::from_seed(&SEED).seal(SealedFor::Heartbeat, &document)),
        offer_again: vec![ReadingId::derive(&[b"a reading that was lost"]).to_string()],
        next_keys: vec![ServerKey::from_seed(&[6; 32]).hand_over(&ServerKey::from_seed(&SEED), eight_o_clock()?)],
        certificates: Some(ServerKey::from_seed(&SEED).certificates(&Fingerprint::of([0xab; 32]), None)),
    })
}

/// The public half of the examples' server key in base64, so that the signature of the example can be checked by hand.
#[must_use]
pub(super) fn public_key() -> String {
    STANDARD.encode(ServerKey::from_seed(&SEED).public()) + "\n"
}
