//! The good requests: some that were sent and taken, and some that never were.

use super::named;
use crate::{
    service::{ADA, CY, HUB_A, HUB_B, MORNING, reading},
    signed_client::{Call, Seal, TestHub, batch},
    trouble::{Doing, Trouble},
};
use flate2::{Compression, write::GzEncoder};
use hub_agent::uplink::sign::HubKey;
use serde_json::json;
use std::io::Write;
use vitals::wire::{hello::HELLO_PATH, v1};

/// A hub that changed its key this morning.
pub(super) const HUB_C: &str = "hub-c";

/// The epoch of every good request; the one before it has ended.
pub(super) const EPOCH: u32 = 2;

/// The highest number that was sent and taken in it.
pub(super) const HIGHEST: u64 = 1_000;

/// The numbers that were sent and taken, in this order.
const SENT: [u64; 5] = [1, 2, 3, 999, HIGHEST];

/// A hub that signs.
pub(super) struct Signer {
    pub(super) name: &'static str,
    pub(super) key: HubKey,
    /// A key it had, which has ended.
    pub(super) ended: Option<HubKey>,
}

/// A request that would be taken, and has never been sent.
#[derive(Clone)]
pub(super) struct Fresh {
    /// Whose: a place among the signers.
    pub(super) hub: usize,
    pub(super) call: Call,
}

pub(super) struct Corpus {
    signers: Vec<Signer>,
    sent: Vec<Call>,
    fresh: Vec<Fresh>,
}

impl Corpus {
    pub(super) fn new() -> Result<Self, Trouble> {
        let key = |seed| HubKey::from_seed([seed; 32]).doing("make a hub's key");
        let signers = vec![
            Signer { name: HUB_A, key: key(0xa)?, ended: None },
            Signer { name: HUB_B, key: key(0xb)?, ended: None },
            Signer { name: HUB_C, key: key(0xc)?, ended: Some(key(0xd)?) },
        ];
        let (mut sent, mut fresh) = (Vec::new(), Vec::new());
        for (hub, signer) in signers.iter().enumerate() {
            // The epoch before, which the others end.
            sent.push(signer.sign(bodies(hub, 0)?.swap_remove(0), EPOCH - 1, 1)?);
            for sequence in SENT {
                sent.push(signer.sign(bodies(hub, sequence)?.swap_remove(0), EPOCH, sequence)?);
            }
            for (call, sequence) in bodies(hub, HIGHEST + 1)?.into_iter().zip(HIGHEST + 1..) {
                fresh.push(Fresh { hub, call: signer.sign(call, EPOCH, sequence)? });
            }
        }
        Ok(Self { signers, sent, fresh })
    }

    pub(super) fn signers(&self) -> &[Signer] {
        &self.signers
    }

    /// Those that were sent and taken, in order.
    pub(super) fn sent(&self) -> &[Call] {
        &self.sent
    }

    /// Those that never were.
    pub(super) fn fresh(&self) -> &[Fresh] {
        &self.fresh
    }
}

impl Signer {
    pub(super) fn sign(&self, call: Call, epoch: u32, sequence: u64) -> Result<Call, Trouble> {
        let seal = Seal::new(self.name, &format!("{epoch}.{sequence}"), MORNING);
        seal.put_on(call, &self.key).doing("sign a request")
    }
}

/// One of each kind, not signed yet: batches with readings and without, packed and not, and a hello.
pub(super) fn bodies(hub: usize, number: u64) -> Result<Vec<Call>, Trouble> {
    let person = if hub == 0 { ADA } else { CY };
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    let measured = named(reading(person, number, "128/79", MORNING), "make a reading")?;
    let full = batch(&[serde_json::to_value(measured).doing("write a reading")?], MORNING);
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(full.as_bytes()).doing("pack a batch")?;
    let packed = packer.finish().doing("pack a batch")?;
    let hello = json!({
        "made_at": v1::moment(MORNING), "build": "0.1.0", "boot": "0011223344556677",
        "outbox": { "waiting_live": 0, "waiting_backfill": 0, "room_readings": 72_000 },
    });
    Ok(vec![
        TestHub::unsigned(batch(&[], MORNING)),
        TestHub::unsigned(full),
        TestHub::unsigned_to(v1::BATCHES_PATH, "gzip", packed),
        TestHub::unsigned_to(HELLO_PATH, "identity", hello.to_string()),
    ])
}
