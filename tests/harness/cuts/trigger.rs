//! When the power goes: drawn from a seed, and tied to something that happens, never to a length of time.

use super::load::Happened;
use crate::{
    ingest_process::Starting,
    trouble::{Doing, Trouble},
};
use demo::seed::Seeded;
use std::{fs, path::Path, sync::mpsc::Receiver, time::Duration};

/// How long what a cut waits for may take on a busy machine.
const HAPPENS_WITHIN: Duration = Duration::from_secs(60);

/// Most requests before a cut.
const REQUESTS_MAX: u64 = 60;

/// Most turns of the processor between a request and its cut: up to some milliseconds.
const TURNS_MAX: u64 = 2_000_000;

/// Most bytes of log at which a start is cut: more than a first start writes.
const LOG_BYTES_MAX: u64 = 256 * 1024;

/// Of so many cuts one falls while the service starts.
const ONE_WHILE_STARTING: u64 = 12;

/// When the power goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trigger {
    /// While the service starts, once its log has so many bytes or it listens.
    Starting { log_bytes: u64 },
    /// As the answer to so many requests was read.
    Acknowledged { requests: u64 },
    /// So many turns of the processor after so many requests were begun.
    Sent { requests: u64, turns: u64 },
    /// When the store's log is next written to, after so many requests were begun.
    Writing { requests: u64 },
}

/// A random number below a limit.
pub(super) fn below(random: &Seeded, limit: u64) -> u64 {
    let mut number = [0; 8];
    random.next(&mut number);
    u64::from_le_bytes(number) % limit.max(1)
}

impl Trigger {
    pub(super) fn draw(random: &Seeded) -> Self {
        let requests = 1 + below(random, REQUESTS_MAX);
        if below(random, ONE_WHILE_STARTING) == 0 {
            return Self::Starting { log_bytes: below(random, LOG_BYTES_MAX) };
        }
        match below(random, 3) {
            0 => Self::Acknowledged { requests },
            1 => Self::Sent { requests, turns: below(random, TURNS_MAX) },
            _ => Self::Writing { requests },
        }
    }

    /// Waits for it under load.
    pub(super) fn wait(self, happens: &Receiver<Happened>, log: &Path) -> Result<(), Trouble> {
        let (wanted, requests) = match self {
            Self::Acknowledged { requests } => (Happened::Acknowledged, requests),
            Self::Sent { requests, .. } | Self::Writing { requests } => (Happened::Begun, requests),
            Self::Starting { .. } => return Ok(()),
        };
        let mut seen = 0;
        while seen < requests {
            let happened = happens.recv_timeout(HAPPENS_WITHIN).doing("wait for the moment of a cut")?;
            seen += u64::from(happened == wanted);
        }
        match self {
            Self::Sent { turns, .. } => (0..turns).for_each(|_| std::hint::spin_loop()),
            Self::Writing { .. } => {
                let before = bytes(log);
                // It comes, or the load is at its end and no commit does.
                while bytes(log) == before && happens.try_recv() != Err(std::sync::mpsc::TryRecvError::Disconnected) {}
            }
            Self::Acknowledged { .. } | Self::Starting { .. } => {}
        }
        Ok(())
    }

    /// Waits for it during a start.
    pub(super) fn wait_for_start(log_bytes: u64, starting: &mut Starting, log: &Path) {
        let before = bytes(log);
        while !starting.has_spoken() && (bytes(log) == before || bytes(log) < log_bytes) {
            std::thread::yield_now();
        }
    }
}

fn bytes(log: &Path) -> u64 {
    fs::metadata(log).map_or(0, |log| log.len())
}
