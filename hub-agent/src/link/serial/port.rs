//! A port's days: opened, spoken on, gone, tried again; and between two conversations, left in peace.
//!
//! Invariant: every turn of every loop here waits for the port or for the clock.

use super::{
    Delivery, SerialParts, Speak,
    open::{Gone, OpenPort, Opener},
    talk::{Ended, Talk},
    tally::Tally,
};
use crate::clock::Clock;
use device_codecs::serial::Protocol;
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;
use vitals::SourceId;

/// How long to wait before a port is tried again, at first: a plug that is pushed in bounces for less.
const RETRY_FIRST: Duration = Duration::from_secs(1);

/// How long at most: somebody stands there with the device in hand. A try is one system call where there is no port.
const RETRY_MAX: Duration = Duration::from_secs(10);

/// How long a device must have been silent before what it says counts as a call: the rest of what it was saying, or a
/// stream that goes on beside a recording, is no reason to begin anew.
const SILENT_BEFORE_CALL: Duration = Duration::from_secs(2);

/// How long until a line on which nobody had anything is asked again: how soon a meter is noticed that is plugged into
/// a cable which stays plugged in, and that does not speak first.
const REST_AFTER_NOTHING: Duration = Duration::from_secs(60);

/// How long until a meter that gave its records is asked again. It takes minutes to make a new one, and each asking
/// reads its whole memory.
const REST_AFTER_RECORDS: Duration = Duration::from_secs(300);

/// How long until an oximeter that gave its recording is asked again. A recording takes hours, and is brought by
/// plugging the oximeter in, which ends every rest.
const REST_AFTER_RECORDING: Duration = Duration::from_secs(3_600);

/// One port and everything it needs.
pub(super) struct Port {
    pub(super) parts: SerialParts,
    /// What a device goes by that does not say who it is.
    pub(super) source: SourceId,
    pub(super) speak: Speak,
    pub(super) to_agent: mpsc::Sender<Delivery>,
    pub(super) tally: Tally,
    opener: Opener,
}

impl Port {
    pub(super) fn new(parts: SerialParts, source: SourceId, speak: Speak, to_agent: mpsc::Sender<Delivery>) -> Self {
        let opener = Opener::new(parts.port.port.clone(), parts.port.protocol.line_settings());
        let tally = Tally::new(parts.port.port.clone(), Arc::clone(&parts.events));
        Self { parts, source, speak, to_agent, tally, opener }
    }

    /// Opens the port and speaks on it, again and again, until the link is dropped.
    pub(super) async fn run(mut self) {
        let mut retry = Retry::new();
        while !self.to_agent.is_closed() {
            let gone = match self.opener.open().await {
                Ok(mut open) => {
                    self.tally.opened();
                    self.speak_on(&mut open, &mut retry).await
                }
                Err(why) => why,
            };
            self.tally.gone(gone);
            self.parts.clock.sleep(retry.next()).await;
        }
    }

    /// Holds one conversation after the other until the port goes.
    async fn speak_on(&mut self, open: &mut OpenPort, retry: &mut Retry) -> Gone {
        let mut heard = Vec::new();
        loop {
            let ended = Talk::new(self, open).hold(heard).await;
            if ended.records() > 0 {
                retry.reset();
            }
            let rest = match ended {
                Ended::Gone { why, .. } => return why,
                Ended::Over { records: 0 } => REST_AFTER_NOTHING,
                Ended::Over { .. } if self.is_recording() => REST_AFTER_RECORDING,
                Ended::Over { .. } => REST_AFTER_RECORDS,
            };
            self.tally.say_all();
            heard = match self.rest(open, rest).await {
                Ok(heard) => heard,
                Err(why) => return why,
            };
        }
    }

    /// Leaves the device in peace until this long has passed or it calls. The call is for the next conversation.
    async fn rest(&mut self, open: &mut OpenPort, how_long: Duration) -> Result<Vec<u8>, Gone> {
        let clock = Arc::clone(&self.parts.clock);
        let rested = clock.sleep(how_long);
        tokio::pin!(rested);
        let mut is_silent = false;
        loop {
            tokio::select! {
                biased;
                read = open.read() => {
                    let call = read?;
                    if is_silent {
                        return Ok(call.to_vec());
                    }
                }
                () = &mut rested => return Ok(Vec::new()),
                () = clock.sleep(SILENT_BEFORE_CALL), if !is_silent => is_silent = true,
            }
        }
    }

    /// Whether what is read here takes hours to be made.
    fn is_recording(&self) -> bool {
        matches!(self.protocol(), Protocol::Cms50V4Recorded | Protocol::Cms50V7Recorded)
    }

    /// The protocol spoken here.
    pub(super) fn protocol(&self) -> Protocol {
        self.parts.port.protocol
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        self.parts.clock.as_ref()
    }
}

/// How long to wait before a port is tried again: twice as long each time, until a device was heard on it.
struct Retry(Duration);

impl Retry {
    fn new() -> Self {
        Self(RETRY_FIRST)
    }

    fn next(&mut self) -> Duration {
        let now = self.0;
        self.0 = (now * 2).min(RETRY_MAX);
        now
    }

    fn reset(&mut self) {
        self.0 = RETRY_FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_grow_apart_up_to_a_limit_and_start_anew_after_a_record() {
        let mut retry = Retry::new();
        let waits: Vec<u64> = (0..6).map(|_try| retry.next().as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 10, 10]);
        retry.reset();
        assert_eq!(retry.next(), RETRY_FIRST);
    }
}
