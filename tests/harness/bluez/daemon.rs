//! bluetoothd without a radio: a D-Bus service that owns `org.bluez`, on a thread of its own, that can die and come back.
//!
//! Invariant: when it dies its connection is gone at once and no device is said to have disconnected, as when the real
//! one is killed.

use super::{effects::Effects, record::Record, script::Script, vacancy::Vacancy, world::World};
use crate::trouble::{Doing, Trouble};
use futures_util::StreamExt;
use std::{
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};
use tokio::sync::{mpsc::unbounded_channel, oneshot};
use zbus::{Connection, MessageStream, connection::Builder};

/// How long a start may take on a machine that is busy with other tests; it takes hundredths of a second.
const STARTS_WITHIN: Duration = Duration::from_secs(30);

const CLIENTS_THAT_LEAVE: &str = "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged'";

/// bluetoothd. It dies when this is dropped.
pub struct Bluetoothd {
    record: Arc<Record>,
    state: State,
    vacancy: Option<Vacancy>,
}

/// What callers are told while bluetoothd is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// Nothing: the bus holds their calls back while it tries to start the service, as systems with activation do.
    Silent,
    /// At once that the service is unknown.
    SaidSo,
}

enum State {
    Dead(World),
    Alive {
        die: oneshot::Sender<()>,
        thread: JoinHandle<(World, Result<(), Trouble>)>,
    },
    /// Its thread panicked: there is nothing left to start again.
    Lost,
}

impl Bluetoothd {
    /// bluetoothd with the devices of a script, on a bus.
    ///
    /// # Errors
    /// [`Trouble`] where it does not get its name on the bus.
    pub fn start(script: &Script, address: &str) -> Result<Self, Trouble> {
        let record = Arc::<Record>::default();
        let state = State::Dead(World::new(script, Arc::clone(&record)));
        let mut daemon = Self { state, record, vacancy: None };
        daemon.start_again(address)?;
        Ok(daemon)
    }

    /// What was asked of it.
    #[must_use]
    pub fn record(&self) -> &Arc<Record> {
        &self.record
    }

    /// Comes back with its devices as they are now. Where it is alive, it goes on.
    ///
    /// # Errors
    /// [`Trouble`] where it does not get its name on the bus.
    pub fn start_again(&mut self, address: &str) -> Result<(), Trouble> {
        let mut world = match std::mem::replace(&mut self.state, State::Lost) {
            State::Dead(world) => world,
            alive @ State::Alive { .. } => {
                self.state = alive;
                return Ok(());
            }
            State::Lost => return Err(Trouble::new("start bluetoothd", "its thread panicked before")),
        };
        self.vacancy = None;
        world.begin_life();
        let (die, dies) = oneshot::channel();
        let (ready, is_ready) = mpsc::channel();
        let address = address.to_owned();
        let thread = thread::Builder::new().name("bluetoothd".to_owned());
        let thread = thread.spawn(move || live(world, &address, &ready, dies)).doing("start bluetoothd's thread")?;
        self.state = State::Alive { die, thread };
        match is_ready.recv_timeout(STARTS_WITHIN) {
            Ok(()) => Ok(()),
            Err(mpsc::RecvTimeoutError::Timeout) => Err(Trouble::new("start bluetoothd", "it has no name on the bus")),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                Err(self.kill().err().unwrap_or_else(|| Trouble::new("start bluetoothd", "it ended without a word")))
            }
        }
    }

    /// Dies as [`Bluetoothd::kill`], on a bus that answers callers so.
    ///
    /// # Errors
    /// [`Trouble`] that it had met in its life, or where nobody can be put in its place.
    pub fn kill_with(&mut self, absence: Absence, address: &str) -> Result<(), Trouble> {
        self.kill()?;
        self.vacancy = if absence == Absence::SaidSo { Some(Vacancy::declare(address)?) } else { None };
        Ok(())
    }

    /// Dies: its connection is gone, and nobody is told of any device.
    ///
    /// # Errors
    /// [`Trouble`] that it had met in its life.
    pub fn kill(&mut self) -> Result<(), Trouble> {
        match std::mem::replace(&mut self.state, State::Lost) {
            State::Alive { die, thread } => {
                // Where nobody hears this, the thread has ended, and says how.
                die.send(()).ok();
                let Ok((world, lived)) = thread.join() else {
                    return Err(Trouble::new("run bluetoothd", "its thread panicked"));
                };
                self.state = State::Dead(world);
                lived
            }
            dead @ (State::Dead(_) | State::Lost) => {
                self.state = dead;
                Ok(())
            }
        }
    }
}

impl Drop for Bluetoothd {
    fn drop(&mut self) {
        // A failed test has said what is wrong already.
        drop(self.kill());
    }
}

/// One life, and the world after it.
fn live(
    mut world: World,
    address: &str,
    ready: &mpsc::Sender<()>,
    dies: oneshot::Receiver<()>,
) -> (World, Result<(), Trouble>) {
    let lived = tokio::runtime::Builder::new_current_thread().enable_time().build().doing("start bluetoothd's runtime");
    let lived = lived.and_then(|runtime| runtime.block_on(serve(&mut world, address, ready, dies)));
    (world, lived)
}

async fn serve(
    world: &mut World,
    address: &str,
    ready: &mpsc::Sender<()>,
    mut dies: oneshot::Receiver<()>,
) -> Result<(), Trouble> {
    let connection = Builder::address(address).build().await.doing("connect bluetoothd to the bus")?;
    let mut stream = MessageStream::from(&connection);
    let bus = Some("org.freedesktop.DBus");
    connection
        .call_method(bus, "/org/freedesktop/DBus", bus, "AddMatch", &CLIENTS_THAT_LEAVE)
        .await
        .doing("listen for clients that leave")?;
    connection.request_name("org.bluez").await.doing("take the name org.bluez")?;
    ready.send(()).ok();
    let (later, mut due) = unbounded_channel();
    let lived = loop {
        let mut effects = Effects::default();
        tokio::select! {
            biased;
            _told_or_forgotten = &mut dies => break Ok(()),
            message = stream.next() => match message {
                Some(Ok(message)) => world.message(&message, &mut effects),
                // The bus has gone, and bluetoothd with it.
                Some(Err(_)) | None => break Ok(()),
            },
            Some(wake) = due.recv() => world.wake(wake, &mut effects),
        }
        for (after, wake) in std::mem::take(&mut effects.wakes) {
            let later = later.clone();
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                // After its end nobody needs to be woken.
                later.send(wake).ok();
            });
        }
        if let Err(trouble) = tell(&connection, effects).await {
            break Err(trouble);
        }
    };
    // A bus that has gone has closed it already.
    drop(connection.close().await);
    lived
}

async fn tell(connection: &Connection, effects: Effects) -> Result<(), Trouble> {
    if let Some(error) = effects.troubles.into_iter().next() {
        return Err(Trouble::new("put an answer of bluetoothd together", error));
    }
    // Where the bus has gone nobody hears it, and the next message says so.
    drop(connection.send_all(&effects.messages).await);
    Ok(())
}
