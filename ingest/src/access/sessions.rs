//! Sessions of signed-in staff, and how often somebody may try to sign in.
//!
//! Invariants: a session lives on the server; a browser holds a random token of which only the hash is kept here, so that
//! whoever reads this memory cannot sign in; a session that has ended, been idle too long or whose owner left opens
//! nothing from that moment; every map has a limit. A restart ends every session.

use chrono::{DateTime, TimeDelta, Utc};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};
use vitals::id::StaffId;

/// Longest a session may be idle: whoever walks away from a shared computer is signed out by the time they are back from
/// a home visit, not by the time they have taken a call.
pub const IDLE_AT_MOST: TimeDelta = TimeDelta::minutes(30);

/// Longest a session lasts at all: one long shift.
pub const LASTS_AT_MOST: TimeDelta = TimeDelta::hours(13);

/// Most sessions at once; the one that was idle longest gives way.
const SESSIONS_MAX: usize = 20_000;

/// Most sessions of one person.
const SESSIONS_OF_ONE_MAX: usize = 5;

/// Most guesses in [`GUESSES_WITHIN`].
///
/// Source: Cyber Essentials, requirements for IT infrastructure: no more than 10 guesses in 5 minutes.
pub const GUESSES_MAX: usize = 10;

/// See [`GUESSES_MAX`].
pub const GUESSES_WITHIN: TimeDelta = TimeDelta::minutes(5);

/// Most names and addresses whose guesses are counted at once.
const GUESSERS_MAX: usize = 50_000;

/// What a browser holds: 32 random bytes.
pub type Token = [u8; 32];

/// Who is signed in, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Who.
    pub staff: StaffId,
    /// When they signed in.
    pub began: DateTime<Utc>,
    /// When they were last here.
    pub seen: DateTime<Utc>,
    /// Whether somebody else chose their password: then they must choose one of their own before anything else.
    pub must_change: bool,
}

/// Every session.
#[derive(Debug, Default)]
pub struct Sessions(Mutex<HashMap<[u8; 32], Session>>);

fn kept_as(token: &Token) -> [u8; 32] {
    *blake3::hash(token).as_bytes()
}

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a session. `token` is random and new; `must_change` where somebody else chose the password.
    pub fn begin(&self, token: &Token, staff: StaffId, must_change: bool, at: DateTime<Utc>) {
        let mut sessions = self.lock();
        sessions.retain(|_, session| is_live(session, at));
        let of_one = |session: &Session| session.staff == staff;
        while sessions.values().filter(|session| of_one(session)).count() >= SESSIONS_OF_ONE_MAX {
            end_oldest(&mut sessions, of_one);
        }
        while sessions.len() >= SESSIONS_MAX {
            end_oldest(&mut sessions, |_any| true);
        }
        sessions.insert(kept_as(token), Session { staff, began: at, seen: at, must_change });
    }

    /// The session of a token, if there is one that still lives; it counts as used.
    pub fn used(&self, token: &Token, at: DateTime<Utc>) -> Option<Session> {
        let mut sessions = self.lock();
        let key = kept_as(token);
        let session = sessions.get_mut(&key)?;
        if !is_live(session, at) {
            sessions.remove(&key);
            return None;
        }
        session.seen = session.seen.max(at);
        Some(session.clone())
    }

    /// Ends a session.
    pub fn end(&self, token: &Token) {
        self.lock().remove(&kept_as(token));
    }

    /// Ends every session of one person: they left, or their password was changed.
    pub fn end_all_of(&self, staff: &StaffId) {
        self.lock().retain(|_, session| session.staff != *staff);
    }
}

fn is_live(session: &Session, at: DateTime<Utc>) -> bool {
    at - session.seen < IDLE_AT_MOST && at - session.began < LASTS_AT_MOST
}

fn end_oldest(sessions: &mut HashMap<[u8; 32], Session>, which: impl Fn(&Session) -> bool) {
    let oldest = sessions.iter().filter(|(_, session)| which(session)).min_by_key(|(_, session)| session.seen);
    if let Some(key) = oldest.map(|(key, _)| *key) {
        sessions.remove(&key);
    }
}

/// How often somebody has tried to sign in, by name and by address.
#[derive(Debug, Default)]
pub struct Guesses(Mutex<BTreeMap<String, VecDeque<DateTime<Utc>>>>);

impl Guesses {
    /// Counts one more guess; false where there were too many, and then it is not even looked at.
    pub fn one_more(&self, by: &str, at: DateTime<Utc>) -> bool {
        let mut guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |guess: &DateTime<Utc>| at - *guess < GUESSES_WITHIN;
        if guesses.len() >= GUESSERS_MAX && !guesses.contains_key(by) {
            guesses.retain(|_, times| times.back().is_some_and(is_recent));
            if guesses.len() >= GUESSERS_MAX {
                return false;
            }
        }
        let times = guesses.entry(by.to_owned()).or_default();
        while times.front().is_some_and(|guess| !is_recent(guess)) {
            times.pop_front();
        }
        if times.len() >= GUESSES_MAX {
            return false;
        }
        times.push_back(at);
        true
    }

    /// Forgets the guesses of somebody who has signed in.
    pub fn forget(&self, by: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    fn staff(name: &str) -> StaffId {
        StaffId::parse(name).unwrap()
    }

    #[test]
    fn a_session_ends_when_it_is_idle_when_the_shift_is_over_and_when_its_owner_leaves() {
        let sessions = Sessions::default();
        sessions.begin(&[1; 32], staff("st-1"), false, at(0));
        sessions.begin(&[2; 32], staff("st-2"), false, at(0));
        assert_eq!(sessions.used(&[1; 32], at(29)).unwrap().staff, staff("st-1"));
        assert_eq!(sessions.used(&[2; 32], at(30)), None, "idle for half an hour");
        assert_eq!(sessions.used(&[2; 32], at(1)), None, "and gone for good, whatever the clock says");
        for minute in (30..13 * 60).step_by(20) {
            assert!(sessions.used(&[1; 32], at(minute)).is_some(), "{minute}");
        }
        assert_eq!(sessions.used(&[1; 32], at(13 * 60)), None, "the shift is over");
        sessions.begin(&[3; 32], staff("st-1"), false, at(0));
        sessions.end_all_of(&staff("st-1"));
        assert_eq!(sessions.used(&[3; 32], at(1)), None);
    }

    #[test]
    fn one_person_has_few_sessions_and_the_one_idle_longest_gives_way() {
        let sessions = Sessions::default();
        for n in 0..6 {
            sessions.begin(&[n; 32], staff("st-1"), false, at(i64::from(n)));
        }
        assert_eq!(sessions.used(&[0; 32], at(6)), None);
        assert!((1..6).all(|n| sessions.used(&[n; 32], at(6)).is_some()));
    }

    #[test]
    fn the_eleventh_guess_in_five_minutes_is_not_looked_at() {
        let guesses = Guesses::default();
        assert!((0..10).all(|_| guesses.one_more("st-1", at(0))));
        assert!(!guesses.one_more("st-1", at(4)));
        assert!(guesses.one_more("st-2", at(4)), "somebody else's guesses are their own");
        assert!(guesses.one_more("st-1", at(5)), "after five minutes there may be another");
        guesses.forget("st-1");
        assert!((0..10).all(|_| guesses.one_more("st-1", at(5))));
    }
}
