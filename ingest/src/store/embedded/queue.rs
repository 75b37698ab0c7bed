//! What waits for the writer, in two lanes: what is happening now, and what was measured while a line was down.
//!
//! Invariants: a live request never waits behind more than one commit of the other lane; both lanes are bounded in
//! requests and in events, and a full one says so at once; the backfill lane can never take the room of the live one.

use super::writer::{NotDone, Queued, Work};
use crate::access::Lane;
use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Semaphore;

/// Most requests that wait in a lane: at a commit of a few milliseconds this is about a second of work, and longer than a
/// hub should wait for its receipt.
const REQUESTS_MAX: usize = 1024;

/// Most live events that wait, in all requests together: about 64 MiB, a reading with its frame taking about 1 KiB.
const LIVE_EVENTS_MAX: u32 = 65_536;

/// Most events of the backfill lane that wait: a second of work, so that what is shed is shed early.
const BACKFILL_EVENTS_MAX: u32 = 32_768;

/// Most requests in one commit: beyond this, sharing the sync gains nothing.
const GROUP_REQUESTS_MAX: usize = 256;

/// No request joins a group that already has this many events: a commit then lasts about a tenth of a second, which
/// is what the last to join waits.
const GROUP_EVENTS_MAX: usize = 4096;

/// No request of the backfill lane joins a group that already has this many events: what comes live meanwhile waits for
/// about ten milliseconds of it.
const BACKFILL_GROUP_EVENTS_MAX: usize = 512;

/// After so many groups of live requests alone one request of the backfill lane goes too, so that it moves on under any
/// load.
const LIVE_GROUPS_MAX: u32 = 8;

/// The way to the writer.
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    /// Told when something came, or nothing more will.
    came: Condvar,
    live_room: Arc<Semaphore>,
    backfill_room: Arc<Semaphore>,
}

#[derive(Default)]
struct Waiting {
    live: VecDeque<Queued>,
    backfill: VecDeque<Queued>,
    /// Groups in a row that took nothing of the backfill lane while something waited there.
    live_groups: u32,
    is_closed: bool,
    halt: Option<String>,
}

/// What the writer does next.
pub(super) enum Next {
    /// Commits these.
    Group(Vec<Queued>),
    /// Halts: another part found that the disk can no longer be believed.
    Halt(String),
    /// Ends: the store is closed, and nothing waits.
    End,
}

impl Queue {
    pub(super) fn new() -> Self {
        let room = |events| Arc::new(Semaphore::new(usize::try_from(events).unwrap_or(usize::MAX)));
        Self {
            waiting: Mutex::default(),
            came: Condvar::new(),
            live_room: room(LIVE_EVENTS_MAX),
            backfill_room: room(BACKFILL_EVENTS_MAX),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts work in its lane.
    pub(super) fn submit(&self, work: Work, events: usize, lane: Lane) -> Result<(), NotDone> {
        let (room, most) = match lane {
            Lane::Live => (&self.live_room, LIVE_EVENTS_MAX),
            Lane::Backfill => (&self.backfill_room, BACKFILL_EVENTS_MAX),
        };
        // A request larger than the whole lane takes all of it.
        let events = u32::try_from(events).unwrap_or(u32::MAX).clamp(1, most);
        let room = Arc::clone(room).try_acquire_many_owned(events).map_err(|_full| NotDone::Busy)?;
        let mut waiting = self.waiting();
        if waiting.is_closed {
            return Err(NotDone::Gone);
        }
        let lane = match lane {
            Lane::Live => &mut waiting.live,
            Lane::Backfill => &mut waiting.backfill,
        };
        if lane.len() >= REQUESTS_MAX {
            return Err(NotDone::Busy);
        }
        lane.push_back(Queued { work, room });
        drop(waiting);
        self.came.notify_one();
        Ok(())
    }

    /// What is queued now, within the bounds. Waits where nothing is; never where something is.
    pub(super) fn next(&self) -> Next {
        let mut waiting = self.waiting();
        loop {
            if let Some(why) = waiting.halt.take() {
                return Next::Halt(why);
            }
            let group = waiting.group();
            if !group.is_empty() {
                return Next::Group(group);
            }
            if waiting.is_closed {
                return Next::End;
            }
            waiting = self.came.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes no more work; what waits is still to be done.
    pub(super) fn close(&self) {
        self.waiting().is_closed = true;
        self.came.notify_all();
    }

    /// Takes no more work and drops what waits: whoever waits for it hears that the store is gone.
    pub(super) fn abandon(&self) {
        let mut waiting = self.waiting();
        waiting.is_closed = true;
        drop((std::mem::take(&mut waiting.live), std::mem::take(&mut waiting.backfill)));
    }

    /// Makes the writer halt.
    pub(super) fn halt(&self, why: String) {
        self.waiting().halt = Some(why);
        self.came.notify_all();
    }

    /// How many events wait or are being committed.
    pub(super) fn depth(&self) -> usize {
        let taken = |room: &Semaphore, most: u32| {
            usize::try_from(most).unwrap_or(usize::MAX).saturating_sub(room.available_permits())
        };
        taken(&self.live_room, LIVE_EVENTS_MAX) + taken(&self.backfill_room, BACKFILL_EVENTS_MAX)
    }
}

impl Waiting {
    /// Live requests first, then of the other lane what still fits.
    fn group(&mut self) -> Vec<Queued> {
        let mut group = Group::default();
        if self.live_groups >= LIVE_GROUPS_MAX {
            group.add_from(&mut self.backfill, 1);
        }
        group.add_from(&mut self.live, GROUP_EVENTS_MAX);
        let of_live = group.requests.len();
        group.add_from(&mut self.backfill, BACKFILL_GROUP_EVENTS_MAX);
        let is_live_alone = group.requests.len() == of_live && !self.backfill.is_empty() && of_live > 0;
        self.live_groups = if is_live_alone && self.live_groups < LIVE_GROUPS_MAX { self.live_groups + 1 } else { 0 };
        group.requests
    }
}

#[derive(Default)]
struct Group {
    requests: Vec<Queued>,
    events: usize,
}

impl Group {
    /// Adds requests while the group has fewer events than this.
    fn add_from(&mut self, lane: &mut VecDeque<Queued>, events_max: usize) {
        while self.requests.len() < GROUP_REQUESTS_MAX
            && self.events < events_max
            && let Some(next) = lane.pop_front()
        {
            self.events += next.events();
            self.requests.push(next);
        }
    }
}
