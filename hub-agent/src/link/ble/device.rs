//! Drives the conversation with one connected device: makes the calls it asks for and tells it what came.
//!
//! Invariants: values are taken before anything else, and handed over before the next is taken; one call is under way at
//! a time, each with its limit; what the device sent before it hung up is taken before the conversation ends.

use super::{
    Shared,
    bus::tell,
    calls::{self, Done, Table},
    watchdog::{MISSES_MAX, POLL_EVERY, POLL_WITHIN},
    way::{self, Way},
};
use crate::{
    link::Heard,
    session::{Action, Attribute, Event, Remembered, Session, Trouble},
};
use btleplug::api::Peripheral as _;
use futures_util::{FutureExt, future::BoxFuture};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// How a conversation ended.
pub(super) struct Ended {
    /// The way to the device.
    pub(super) way: Way,
    /// What was learnt.
    pub(super) remembered: Remembered,
    /// How long to leave the device alone.
    pub(super) pause: Duration,
}

/// One conversation under way.
pub(super) struct Meeting {
    way: Way,
    session: Session,
    shared: Arc<Shared>,
    /// The adapter says that the connection may have changed; closed when the adapter is gone.
    hints: mpsc::Receiver<()>,
    listed: Table,
    waiting: VecDeque<Action>,
    call: Option<BoxFuture<'static, Done>>,
    timer: Option<BoxFuture<'static, ()>>,
    poll: Option<BoxFuture<'static, Result<bool, Trouble>>>,
    misses: u8,
    is_adapter_gone: bool,
    pause: Option<Duration>,
}

impl Meeting {
    pub(super) fn new(way: Way, session: Session, shared: Arc<Shared>, hints: mpsc::Receiver<()>) -> Self {
        Self {
            way,
            session,
            shared,
            hints,
            listed: Table::new(),
            waiting: VecDeque::new(),
            call: None,
            timer: None,
            poll: None,
            misses: 0,
            is_adapter_gone: false,
            pause: None,
        }
    }

    /// Holds the conversation to its end.
    pub(super) async fn hold(mut self) -> Ended {
        if !self.way.is_open()
            && let Ok(values) = way::listen(self.way.session.clone(), self.way.id.clone()).await
        {
            self.way.open(values);
        }
        self.tell_session(Event::Advertised).await;
        while self.pause.is_none() || self.call.is_some() || !self.waiting.is_empty() {
            self.begin_call();
            tokio::select! {
                biased;
                value = self.way.next_value() => self.take_value(value).await,
                done = wait(&mut self.call) => {
                    self.call = None;
                    self.take_done(done).await;
                }
                hint = self.hints.recv(), if !self.is_adapter_gone => match hint {
                    // Not believed as such: it may tell of an earlier connection.
                    Some(()) => self.ask_whether_connected(Duration::ZERO),
                    None => {
                        self.is_adapter_gone = true;
                        self.tell_session(Event::Gone).await;
                    }
                },
                still = wait(&mut self.poll) => {
                    self.poll = None;
                    self.take_poll(still).await;
                }
                () = wait(&mut self.timer) => {
                    self.timer = None;
                    self.tell_session(Event::TimerFired).await;
                }
            }
        }
        self.take_what_came().await;
        Ended { way: self.way, remembered: self.session.remembered(), pause: self.pause.unwrap_or_default() }
    }

    /// Tells the conversation what happened and does what it says.
    async fn tell_session(&mut self, event: Event) {
        if event == Event::Connected {
            self.ask_whether_connected(POLL_EVERY);
        } else if matches!(event, Event::Disconnected | Event::Gone) {
            self.poll = None;
        }
        let at = self.shared.clock.now();
        for action in self.session.on(event, at) {
            self.take_action(action).await;
        }
    }

    async fn take_action(&mut self, action: Action) {
        match action {
            Action::Met { device, clock } => self.say(Heard::Connected { device, clock }).await,
            Action::Heard(frame) => self.say(Heard::Frame(frame)).await,
            Action::MemoryRead(device, place) => self.say(Heard::MemoryRead { device, place }).await,
            Action::Parted { device } => self.say(Heard::Disconnected { device }).await,
            Action::Report(event) => self.shared.events.emit(&event),
            Action::SetTimer(after) => {
                let clock = Arc::clone(&self.shared.clock);
                self.timer = Some(Box::pin(async move { clock.sleep(after).await }));
            }
            Action::Over(pause) => {
                self.pause = Some(pause);
                self.timer = None;
                self.poll = None;
                self.call = None;
                self.waiting.retain(|waiting| *waiting == Action::Disconnect && !self.is_adapter_gone);
            }
            Action::Connect
            | Action::Discover
            | Action::OpenNotifications
            | Action::Read(_)
            | Action::Write(..)
            | Action::Subscribe(_)
            | Action::AskMemory(..)
            | Action::Disconnect => self.waiting.push_back(action),
        }
    }

    /// Says what was heard; waits where the agent is still keeping what was heard before.
    async fn say(&mut self, heard: Heard) {
        // Where nobody listens any more the agent is stopping, and the device keeps what it can.
        drop(self.shared.heard.send(heard).await);
    }

    /// Takes a value. The stream of them ends only with the connection to the bus, which is noticed elsewhere.
    async fn take_value(&mut self, value: Option<(Attribute, Vec<u8>)>) {
        if let Some((attribute, bytes)) = value {
            self.shared.note_heard();
            self.tell_session(Event::Value(attribute, bytes)).await;
        }
    }

    /// Takes every value that has come, without waiting for more.
    async fn take_what_came(&mut self) {
        while let Some(Some(value)) = self.way.next_value().now_or_never() {
            self.take_value(Some(value)).await;
        }
    }

    async fn take_done(&mut self, done: Done) {
        let Done { event, listed, values } = done;
        if let Some((listed, names)) = listed {
            self.listed = listed;
            self.way.name(names);
        }
        if let Some(values) = values {
            self.way.open(values);
        }
        self.tell_session(event).await;
    }

    fn ask_whether_connected(&mut self, after: Duration) {
        let (clock, peripheral) = (Arc::clone(&self.shared.clock), self.way.peripheral.clone());
        self.poll = Some(Box::pin(async move {
            if !after.is_zero() {
                clock.sleep(after).await;
            }
            tell(POLL_WITHIN, peripheral.is_connected()).await
        }));
    }

    async fn take_poll(&mut self, still: Result<bool, Trouble>) {
        match still {
            Ok(true) => {
                self.misses = 0;
                return self.ask_whether_connected(POLL_EVERY);
            }
            Ok(false) => {}
            // A dead service says so; a dead bus says nothing, and one missed answer may be a busy machine.
            Err(_) if self.misses + 1 < MISSES_MAX => {
                self.misses += 1;
                return self.ask_whether_connected(Duration::ZERO);
            }
            Err(_) => {}
        }
        self.misses = 0;
        self.take_what_came().await;
        self.tell_session(Event::Disconnected).await;
    }

    /// Begins the next call, where none is under way.
    fn begin_call(&mut self) {
        if self.call.is_none()
            && let Some(action) = self.waiting.pop_front()
        {
            self.call = calls::of(action, &self.way, &self.listed, &self.shared);
        }
    }
}

/// What a wait brings; for ever, where nothing is waited for.
async fn wait<T>(waited: &mut Option<BoxFuture<'static, T>>) -> T {
    match waited {
        Some(waited) => waited.await,
        None => std::future::pending().await,
    }
}
