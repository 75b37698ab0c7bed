//! The line between a hub and the service's process, and where on it the kill falls.
//!
//! The process is killed from inside the connection, at something that happens and never after a length of time: so each
//! seed kills at the same point of the conversation, on a slow machine as on a fast one.

use crate::{ingest_process::IngestProcess, trouble::Trouble};
use async_trait::async_trait;
use hub_agent::net::{ByteStream, Network};
use std::{
    fs, io,
    net::SocketAddr,
    path::PathBuf,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::watch,
};

/// When, once enough is acknowledged, the kill falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// At once, as the hub takes note of the acknowledgement.
    AtAcknowledgement,
    /// When this many bytes more were sent: the service has a part of a request, or a whole one that it just begins.
    InRequest {
        /// How many.
        bytes: usize,
    },
    /// When the store's log has grown after a request was sent: between a commit's write and its answer.
    InCommit,
    /// When an answer arrives; the hub never sees it.
    InAnswer,
}

#[derive(Clone, Copy)]
enum Stage {
    /// Too little is acknowledged yet.
    Waiting,
    /// What was sent since enough was acknowledged, and how long the store's log was then.
    Armed { sent: usize, log_bytes: u64 },
    /// It has fallen, or never will.
    Done,
}

struct State {
    stage: Stage,
    process: Option<Arc<IngestProcess>>,
    trouble: Option<Trouble>,
}

/// The line. While no process is behind it, a connection is refused as the operating system would.
pub struct Line {
    address: watch::Sender<Option<SocketAddr>>,
    killed: watch::Sender<bool>,
    state: Mutex<State>,
    moment: Moment,
    store_log: PathBuf,
}

impl Line {
    /// A line with nothing behind it.
    #[must_use]
    pub fn new(moment: Moment, store_log: PathBuf) -> Arc<Self> {
        let state = Mutex::new(State { stage: Stage::Waiting, process: None, trouble: None });
        Arc::new(Self { address: watch::channel(None).0, killed: watch::channel(false).0, state, moment, store_log })
    }

    /// A line to an address, on which nobody is ever killed.
    #[must_use]
    pub fn to(address: SocketAddr) -> Arc<Self> {
        let line = Self::new(Moment::AtAcknowledgement, PathBuf::new());
        line.address.send_replace(Some(address));
        line
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leads to this process from now on.
    pub fn lead_to(&self, process: &Arc<IngestProcess>) {
        self.state().process = Some(Arc::clone(process));
        self.address.send_replace(Some(process.address()));
    }

    /// Where the line leads, now and whenever that changes.
    #[must_use]
    pub fn address(&self) -> watch::Receiver<Option<SocketAddr>> {
        self.address.subscribe()
    }

    /// Enough is acknowledged: the kill falls at its moment from now on. Once only.
    pub fn arm(&self) {
        let mut state = self.state();
        if matches!(state.stage, Stage::Waiting) {
            state.stage = Stage::Armed { sent: 0, log_bytes: self.log_bytes() };
            if self.moment == Moment::AtAcknowledgement {
                self.strike(&mut state);
            }
        }
    }

    /// Kills now, if the kill has not fallen yet.
    pub fn kill(&self) {
        let mut state = self.state();
        if !matches!(state.stage, Stage::Done) {
            self.strike(&mut state);
        }
    }

    /// Returns once the kill has fallen.
    pub async fn killed(&self) {
        // The sender is this line's own: it is there for as long as anybody waits.
        drop(self.killed.subscribe().wait_for(|is_killed| *is_killed).await);
    }

    /// What went wrong while killing, if anything.
    pub fn trouble(&self) -> Option<Trouble> {
        self.state().trouble.take()
    }

    fn strike(&self, state: &mut State) {
        state.trouble = state.process.take().and_then(|process| process.kill().err());
        state.stage = Stage::Done;
        // Nobody else may answer at this address.
        self.address.send_replace(None);
        self.killed.send_replace(true);
    }

    fn log_bytes(&self) -> u64 {
        fs::metadata(&self.store_log).map_or(0, |log| log.len())
    }

    /// How many of these bytes may be sent before the kill falls.
    fn may_send(&self, bytes: usize) -> usize {
        match (self.state().stage, self.moment) {
            (Stage::Armed { sent, .. }, Moment::InRequest { bytes: limit }) => {
                bytes.min(limit.saturating_sub(sent)).max(1)
            }
            _ => bytes,
        }
    }

    fn was_sent(&self, bytes: usize) {
        let mut state = self.state();
        if let Stage::Armed { sent, .. } = &mut state.stage {
            *sent += bytes;
            if matches!(self.moment, Moment::InRequest { bytes: limit } if *sent >= limit) {
                self.strike(&mut state);
            }
        }
    }

    /// Whether an answer that arrives now is swallowed by the kill.
    fn swallows_answer(&self) -> bool {
        let mut state = self.state();
        let falls =
            matches!((state.stage, self.moment), (Stage::Armed { sent: 1.., .. }, Moment::InAnswer | Moment::InCommit));
        if falls {
            self.strike(&mut state);
        }
        falls
    }

    /// Looks whether the store's log has grown. True where it must be looked at again soon.
    fn watches_store_log(&self) -> bool {
        let mut state = self.state();
        let Stage::Armed { sent: 1.., log_bytes } = state.stage else { return false };
        if self.moment != Moment::InCommit {
            return false;
        }
        let has_grown = self.log_bytes() > log_bytes;
        if has_grown {
            self.strike(&mut state);
        }
        !has_grown
    }
}

/// The line as the hub's network.
pub struct Wire(pub Arc<Line>);

#[async_trait]
impl Network for Wire {
    async fn connect(&self, _host: &str, _port: u16) -> io::Result<Box<dyn ByteStream>> {
        let address = *self.0.address.borrow();
        let stream = TcpStream::connect(address.ok_or(io::ErrorKind::ConnectionRefused)?).await?;
        stream.set_nodelay(true)?;
        Ok(Box::new(Tapped { stream, line: Arc::clone(&self.0) }))
    }
}

/// A real connection that tells the line what passes.
struct Tapped {
    stream: TcpStream,
    line: Arc<Line>,
}

impl AsyncRead for Tapped {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        if read.is_pending() {
            if this.line.watches_store_log() {
                context.waker().wake_by_ref();
            }
        } else if buffer.filled().len() > before && this.line.swallows_answer() {
            buffer.set_filled(before);
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        read
    }
}

impl AsyncWrite for Tapped {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let (part, _) = bytes.split_at_checked(this.line.may_send(bytes.len())).unwrap_or((bytes, &[]));
        let sent = ready!(Pin::new(&mut this.stream).poll_write(context, part))?;
        this.line.was_sent(sent);
        Poll::Ready(Ok(sent))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
