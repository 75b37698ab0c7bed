//! Plays a device on a wire: cuts what it says where the story wants, puts noise between, hangs up, and lets time pass
//! only when nobody has anything to say.
//!
//! Invariants: after each piece the far side waits until the link has heard it, so that every cut is a real one; time
//! passes only while the link sleeps and has nothing unread, so that no story depends on the machine's speed.

use super::{
    devices::{Device, Stream},
    near::Near,
    socket::Wire,
};
use crate::trouble::Trouble;
use chrono::{DateTime, TimeDelta, Utc};
use std::{fmt, ops::Range, sync::Arc};

/// How often a conversation may fall silent before the story is given up: far above what any protocol asks again.
const SILENCES_MAX: usize = 60;

/// Where what a device says is cut in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Nowhere: each answer comes whole.
    Nowhere,
    /// Once, after this many bytes of all it says.
    After(usize),
    /// After every byte.
    Everywhere,
}

/// How a device's story is told.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// Where what it says is cut.
    pub cut: Cut,
    /// What comes before it says anything.
    pub before: &'a [u8],
    /// What comes between two of its answers.
    pub between: &'a [u8],
    /// After how many bytes of all it says the line hangs up.
    pub hangs_up_after: Option<usize>,
    /// After how many bytes of all it says one comes with a bit turned over.
    pub damaged_after: Option<usize>,
}

impl Plan<'_> {
    /// Nothing out of the ordinary.
    pub const PLAIN: Self =
        Self { cut: Cut::Nowhere, before: &[], between: &[], hangs_up_after: None, damaged_after: None };
}

/// How a conversation went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Went {
    /// To its end.
    ToItsEnd,
    /// The line hung up.
    HungUp,
}

/// What was done in a run, for the summary.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Places at which something was cut.
    pub cuts: usize,
    /// Bytes of noise.
    pub garbage_bytes: usize,
    /// How often the plug was pulled, in the middle or at the end.
    pub hang_ups: usize,
    /// Bytes the device said.
    pub said_bytes: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cuts, garbage_bytes, hang_ups, said_bytes } = self;
        write!(f, "{said_bytes} bytes said, {cuts} cuts, {garbage_bytes} bytes of noise, {hang_ups} plugs pulled")
    }
}

/// Tells a device's story on one socket.
pub struct Teller<'a> {
    near: &'a Near,
    wire: Option<Arc<Wire>>,
    /// How many conversations the link has begun, the present one included.
    conversation: usize,
    /// How many bytes were sent in the present one.
    sent: usize,
    /// How many of them the device said.
    said: usize,
    /// What was done.
    pub counts: Counts,
}

impl<'a> Teller<'a> {
    /// A story that has not begun.
    #[must_use]
    pub fn new(near: &'a Near) -> Self {
        Self { near, wire: None, conversation: 0, sent: 0, said: 0, counts: Counts::default() }
    }

    /// Plugs the device in and waits until the link begins to speak.
    ///
    /// # Errors
    /// [`Trouble`] where there is no terminal.
    pub async fn plug(&mut self) -> Result<(), Trouble> {
        self.wire = Some(self.near.socket.plug()?);
        self.next_conversation().await;
        Ok(())
    }

    /// Waits until the link begins its next conversation.
    pub async fn next_conversation(&mut self) {
        self.conversation += 1;
        (self.sent, self.said) = (0, 0);
        let conversation = self.conversation;
        self.near.clock.pass_until(self.near.line.until(|seen| seen.begun >= conversation)).await;
    }

    /// Pulls the plug and waits until the link has noticed.
    ///
    /// # Errors
    /// [`Trouble`] where the path cannot be taken away.
    pub async fn unplug(&mut self) -> Result<(), Trouble> {
        let gone = self.near.notes.came().said("port_gone");
        self.wire = None;
        self.near.socket.unplug()?;
        self.counts.hang_ups += 1;
        self.near.notes.until(|came| came.said("port_gone") > gone).await;
        Ok(())
    }

    /// Sends noise between two conversations, and waits until the link has taken it.
    ///
    /// # Errors
    /// [`Trouble`] where the line fails.
    pub async fn noise_in_rest(&mut self, noise: &[u8]) -> Result<(), Trouble> {
        self.counts.garbage_bytes += noise.len();
        self.near.clock.all_asleep().await;
        let slept = self.near.clock.slept();
        self.wire()?.send(noise).await?;
        self.near.clock.sleeps_again(slept).await;
        Ok(())
    }

    /// Sends noise and waits until it is heard.
    ///
    /// # Errors
    /// [`Trouble`] where the line fails.
    pub async fn noise(&mut self, noise: &[u8]) -> Result<(), Trouble> {
        self.counts.garbage_bytes += noise.len();
        self.send(noise).await
    }

    /// Holds the present conversation to its end.
    ///
    /// # Errors
    /// [`Trouble`] where the line fails or the conversation does not end.
    pub async fn hold(&mut self, device: &mut dyn Device, plan: Plan<'_>) -> Result<Went, Trouble> {
        self.noise(plan.before).await?;
        let mut answers = device.wakes();
        let mut silences = 0;
        loop {
            for answer in answers {
                if self.say(&answer, plan).await? == Went::HungUp {
                    return Ok(Went::HungUp);
                }
                if !plan.between.is_empty() && !self.has_ended() {
                    self.noise(plan.between).await?;
                }
            }
            self.until_idle().await;
            let wire = self.wire()?;
            wire.look(self.near.notes.kept());
            let heard = wire.take();
            if self.has_ended() || heard.is_empty() && device.is_done() {
                return Ok(Went::ToItsEnd);
            }
            answers = if heard.is_empty() {
                silences += 1;
                if silences > SILENCES_MAX {
                    return Err(Trouble::new("hold a conversation", "the link waits for something for ever"));
                }
                self.near.clock.pass_to_next().await;
                device.waits()
            } else {
                heard.into_iter().flat_map(|(byte, kept)| device.hears(byte, kept)).collect()
            };
        }
    }

    /// Streams these records, each cut at another place, and gives what was sent when.
    ///
    /// # Errors
    /// [`Trouble`] where the line fails, or the device never begins to send.
    pub async fn stream(
        &mut self,
        device: &mut dyn Stream,
        numbers: Range<usize>,
        plan: Plan<'_>,
    ) -> Result<Vec<(DateTime<Utc>, Vec<u8>)>, Trouble> {
        let mut sent = Vec::new();
        let step = TimeDelta::nanoseconds(1_000_000_000 / i64::from(device.a_second().max(1)));
        self.noise(plan.before).await?;
        for number in numbers {
            let mut silences = 0;
            while self.listen(device).await? || !device.is_sending() {
                silences += 1;
                if silences > SILENCES_MAX {
                    return Err(Trouble::new("stream records", "the hub never asks for them"));
                }
                if !device.is_sending() {
                    self.near.clock.pass_to_next().await;
                }
            }
            self.near.clock.pass(step);
            let record = device.record(number);
            let cut = match plan.cut {
                Cut::After(_) => Cut::After(self.said + 1 + number % record.len().saturating_sub(1).max(1)),
                Cut::Nowhere | Cut::Everywhere => plan.cut,
            };
            if self.say(&record, Plan { cut, ..plan }).await? == Went::HungUp {
                return Ok(sent);
            }
            device.has_sent();
            sent.push((self.near.clock_now(), record));
            if !plan.between.is_empty() {
                self.noise(plan.between).await?;
            }
        }
        self.until_idle().await;
        Ok(sent)
    }

    /// Pulls the plug inside a record, once the device sends.
    ///
    /// # Errors
    /// [`Trouble`] where the line fails, or the device never begins to send.
    pub async fn pull_out_inside(
        &mut self,
        device: &mut dyn Stream,
        number: usize,
        plan: Plan<'_>,
    ) -> Result<(), Trouble> {
        let plan = Plan { hangs_up_after: Some(self.said + 1), ..plan };
        self.stream(device, number..number + 1, plan).await.map(drop)
    }

    /// Lets a streaming device hear what the hub sent; whether there was anything.
    async fn listen(&mut self, device: &mut dyn Stream) -> Result<bool, Trouble> {
        self.until_idle().await;
        let wire = self.wire()?;
        wire.look(self.near.notes.kept());
        let heard = wire.take();
        let was_anything = !heard.is_empty();
        for (byte, _kept) in heard {
            for answer in device.hears(byte) {
                self.send(&answer).await?;
            }
        }
        Ok(was_anything)
    }

    /// Says one answer in the pieces of the plan.
    async fn say(&mut self, answer: &[u8], plan: Plan<'_>) -> Result<Went, Trouble> {
        let mut rest = answer;
        while !rest.is_empty() {
            let until_cut = match plan.cut {
                Cut::Nowhere => rest.len(),
                Cut::After(place) => place.checked_sub(self.said).filter(|left| *left > 0).unwrap_or(rest.len()),
                Cut::Everywhere => 1,
            };
            let until_end = plan.hangs_up_after.map_or(rest.len(), |place| place.saturating_sub(self.said));
            let (piece, after) = rest.split_at_checked(until_cut.min(until_end)).unwrap_or((rest, &[]));
            match plan.damaged_after.and_then(|place| place.checked_sub(self.said)) {
                Some(place) if place < piece.len() => self.send(&damaged(piece, place)).await?,
                Some(_) | None => self.send(piece).await?,
            }
            self.said += piece.len();
            self.counts.said_bytes += piece.len();
            if plan.hangs_up_after.is_some_and(|place| self.said >= place) {
                self.unplug().await?;
                return Ok(Went::HungUp);
            }
            self.counts.cuts += usize::from(!after.is_empty());
            rest = after;
        }
        Ok(Went::ToItsEnd)
    }

    /// Sends bytes and returns when they are heard.
    async fn send(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.wire()?.send(bytes).await?;
        self.sent += bytes.len();
        self.until_heard().await;
        Ok(())
    }

    /// Returns when the link has heard everything or the conversation has ended.
    async fn until_heard(&self) {
        let (sent, conversation) = (self.sent, self.conversation);
        self.near
            .line
            .until(|seen| seen.begun == conversation && seen.heard >= sent || seen.ended >= conversation)
            .await;
    }

    /// Returns when the link has heard everything, has done what is to be done about it, and sleeps.
    pub async fn until_idle(&self) {
        self.until_heard().await;
        self.near.clock.all_asleep().await;
    }

    /// Whether the present conversation has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.near.line.seen().ended >= self.conversation
    }

    fn wire(&self) -> Result<Arc<Wire>, Trouble> {
        self.wire.clone().ok_or_else(|| Trouble::new("tell a story", "nothing is plugged in"))
    }
}

/// These bytes with the lowest bit of one turned over.
fn damaged(bytes: &[u8], place: usize) -> Vec<u8> {
    bytes.iter().enumerate().map(|(at, byte)| if at == place { byte ^ 1 } else { *byte }).collect()
}
