//! A D-Bus of our own: `busd` on a thread, listening on a socket in a folder that is gone afterwards.
//!
//! Invariants: every client is brought all that bluetoothd says and chooses by its own rules, because `busd` keeps equal
//! rules once and ends them at the first removal, where D-Bus counts them (D-Bus Specification, `RemoveMatch`), and a
//! client that listens twice by one rule would be deaf after it stopped once; after [`Bus::kill`] the socket is gone and every connection over it is dead, as after the broker's own
//! process was killed; what is started again at the same address knows nothing of before.

use crate::trouble::{Doing, Trouble};
use busd::peers::Peers;
use futures_util::StreamExt;
use std::{
    path::PathBuf,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};
use tempfile::TempDir;
use tokio::sync::oneshot;
use zbus::{MatchRule, MessageStream, OwnedMatchRule, connection::Builder};

/// How long a start may take on a machine that is busy with other tests; it takes hundredths of a second.
const STARTS_WITHIN: Duration = Duration::from_secs(30);

const CLIENTS_THAT_COME: &str = "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged'";

/// The name of the broker itself among its peers.
const BROKER: &str = "org.freedesktop.DBus";

/// A bus. It ends when this is dropped.
pub struct Bus {
    folder: TempDir,
    running: Option<Running>,
}

struct Running {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), Trouble>>,
}

impl Bus {
    /// Starts a bus.
    ///
    /// # Errors
    /// [`Trouble`] where it does not listen: there is no test without a bus, and none is passed over.
    pub fn start() -> Result<Self, Trouble> {
        // The path of a Unix socket may have 107 bytes: a short name in the folder for temporary files.
        let folder = tempfile::Builder::new().prefix("bus-").tempdir().doing("make a folder for the bus")?;
        let mut bus = Self { folder, running: None };
        bus.start_again()?;
        Ok(bus)
    }

    /// Where it listens, as `DBUS_SYSTEM_BUS_ADDRESS` takes it.
    #[must_use]
    pub fn address(&self) -> String {
        format!("unix:path={}", self.socket().display())
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("bus")
    }

    /// Starts a bus at the same address. One that runs already goes on.
    ///
    /// # Errors
    /// [`Trouble`] where it does not listen.
    pub fn start_again(&mut self) -> Result<(), Trouble> {
        if self.running.is_some() {
            return Ok(());
        }
        let (stop, stopped) = oneshot::channel();
        let (ready, listens) = mpsc::channel();
        let address = self.address();
        let thread = thread::Builder::new()
            .name("bus".to_owned())
            .spawn(move || zbus::block_on(serve(&address, &ready, stopped)))
            .doing("start the bus's thread")?;
        match listens.recv_timeout(STARTS_WITHIN) {
            Ok(()) => {
                self.running = Some(Running { stop, thread });
                Ok(())
            }
            Err(mpsc::RecvTimeoutError::Timeout) => Err(Trouble::new("start the bus", "it does not listen")),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                Err(ended(thread).err().unwrap_or_else(|| Trouble::new("start the bus", "it ended without a word")))
            }
        }
    }

    /// Ends the bus at once: every connection is shut, the socket removed.
    ///
    /// # Errors
    /// [`Trouble`] where it had ended by itself before, or could not be ended.
    pub fn kill(&mut self) -> Result<(), Trouble> {
        let Some(Running { stop, thread }) = self.running.take() else { return Ok(()) };
        // Where nobody hears this, the thread has ended, and says how.
        stop.send(()).ok();
        ended(thread)?;
        if self.socket().exists() { Err(Trouble::new("end the bus", "its socket is still there")) } else { Ok(()) }
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        // A failed test has said what is wrong already.
        drop(self.kill());
    }
}

fn ended(thread: JoinHandle<Result<(), Trouble>>) -> Result<(), Trouble> {
    thread.join().unwrap_or_else(|_panic| Err(Trouble::new("run the bus", "its thread panicked")))
}

/// Serves the bus until it is told to stop.
async fn serve(address: &str, ready: &mpsc::Sender<()>, stopped: oneshot::Receiver<()>) -> Result<(), Trouble> {
    let mut bus = busd::bus::Bus::for_address(Some(address)).await.doing("listen for the bus")?;
    ready.send(()).ok();
    let peers = Arc::clone(bus.peers());
    let ran = tokio::select! {
        ran = bus.run() => ran.doing("run the bus"),
        brought = bring_all(address, &peers) => brought,
        _told_or_forgotten = stopped => Ok(()),
    };
    let connections: Vec<zbus::Connection> = {
        let peers = bus.peers().peers().await;
        peers.iter().filter(|(name, _)| name.as_str() != BROKER).map(|(_, peer)| peer.conn().clone()).collect()
    };
    for connection in connections {
        // One that its client has closed already is as dead.
        drop(connection.close().await);
    }
    bus.cleanup().await.doing("remove the bus's socket")?;
    ran
}

/// Gives every client the rule that brings it all that bluetoothd says.
async fn bring_all(address: &str, peers: &Peers) -> Result<(), Trouble> {
    let all = OwnedMatchRule::try_from("type='signal',sender='org.bluez'").doing("make a rule")?;
    let clients = MatchRule::try_from(CLIENTS_THAT_COME).doing("make a rule")?;
    let connection = Builder::address(address).build().await.doing("connect to the bus")?;
    let mut stream = MessageStream::for_match_rule(clients, &connection, None).await.doing("listen for clients")?;
    while let Some(Ok(message)) = stream.next().await {
        let (name, _old, _new): (String, String, String) =
            message.body().deserialize().doing("read a client's name")?;
        if let Some(peer) = peers.peers_mut().await.get_mut(name.as_str()) {
            peer.add_match_rule(all.clone());
        }
    }
    Err(Trouble::new("listen for clients of the bus", "the bus has gone"))
}

#[cfg(test)]
mod tests {
    //! The bus by itself: it carries calls, it can be killed, and what comes after it is another bus.

    use super::*;
    use crate::clock::wait_until;

    fn connect(bus: &Bus) -> zbus::Result<zbus::Connection> {
        zbus::block_on(Builder::address(bus.address().as_str()).build())
    }

    #[test]
    fn a_killed_bus_takes_every_connection_with_it_and_another_starts_in_its_place() {
        let mut bus = Bus::start().unwrap();
        let before = connect(&bus).unwrap();
        zbus::block_on(before.request_name("org.example.Here")).unwrap();
        bus.kill().unwrap();
        wait_until(Duration::from_secs(10), "the connection is dead", || before.is_closed()).unwrap();
        connect(&bus).unwrap_err();
        bus.start_again().unwrap();
        let after = connect(&bus).unwrap();
        zbus::block_on(after.request_name("org.example.Here")).unwrap();
    }

    #[test]
    fn a_bus_that_cannot_listen_is_trouble_and_not_silence() {
        let bus = Bus::start().unwrap();
        let (ready, _listens) = mpsc::channel();
        let (_stop, stopped) = oneshot::channel();
        let refused = zbus::block_on(serve(&bus.address(), &ready, stopped)).unwrap_err();
        assert!(refused.to_string().starts_with("listen for the bus: "), "{refused}");
    }
}
