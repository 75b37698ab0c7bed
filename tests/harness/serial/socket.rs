//! A place where a device is plugged in: a real pseudo-terminal behind a path that comes and goes.
//!
//! Invariants: the path is taken away before the terminal is closed, because the system gives its name to the next
//! test's; our own hold on the near end keeps the terminal alive while the link opens and closes it.

use crate::trouble::{Doing, Trouble};
use std::{
    fs,
    future::poll_fn,
    io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_serial::{SerialPort as _, SerialStream};

/// A socket: a path that leads to a terminal while something is plugged in.
pub struct Socket {
    folder: TempDir,
    wire: Mutex<Option<Arc<Wire>>>,
}

impl Socket {
    /// An empty socket.
    ///
    /// # Errors
    /// [`Trouble`] where no folder can be made.
    pub fn new() -> Result<Self, Trouble> {
        Ok(Self { folder: TempDir::new().doing("make a folder for a port")?, wire: Mutex::default() })
    }

    /// The path under which the link finds the port.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("ttyTEST0")
    }

    /// Plugs a wire in.
    ///
    /// # Errors
    /// [`Trouble`] where the system has no terminal to give.
    pub fn plug(&self) -> Result<Arc<Wire>, Trouble> {
        let (far, near) = SerialStream::pair().doing("make a pseudo-terminal")?;
        let name = near.name().ok_or_else(|| Trouble::new("make a pseudo-terminal", "it has no name"))?;
        let wire = Arc::new(Wire { far: Mutex::new(far), _near: near, unread: Mutex::default() });
        // In one move, so that the link never finds half a path.
        let new = self.folder.path().join("new");
        symlink(name, &new).doing("make the port's path")?;
        fs::rename(&new, self.path()).doing("make the port's path")?;
        *lock(&self.wire) = Some(Arc::clone(&wire));
        Ok(wire)
    }

    /// Pulls the wire out. The link sees the line hang up once the last hold on the wire is gone.
    ///
    /// # Errors
    /// [`Trouble`] where the path cannot be taken away.
    pub fn unplug(&self) -> Result<(), Trouble> {
        fs::remove_file(self.path()).doing("take the port's path away")?;
        drop(lock(&self.wire).take());
        Ok(())
    }

    /// Puts something that is no terminal where the port was.
    ///
    /// # Errors
    /// [`Trouble`] where that cannot be done.
    pub fn put(&self, thing: &Path) -> Result<(), Trouble> {
        symlink(thing, self.path()).doing("put something in the port's place")
    }

    /// The wire that is plugged in.
    #[must_use]
    pub fn wire(&self) -> Option<Arc<Wire>> {
        lock(&self.wire).clone()
    }
}

/// The far end of the line.
pub struct Wire {
    far: Mutex<SerialStream>,
    _near: SerialStream,
    /// What the hub sent, not yet taken by the device: each byte with how many records were kept when it was seen.
    unread: Mutex<Vec<(u8, usize)>>,
}

impl Wire {
    /// Sends bytes to the hub.
    ///
    /// # Errors
    /// [`Trouble`] where the line fails.
    pub async fn send(&self, bytes: &[u8]) -> Result<(), Trouble> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let sent = poll_fn(|cx| Pin::new(&mut *lock(&self.far)).poll_write(cx, rest)).await;
            rest = rest.get(sent.doing("send to the hub")?..).unwrap_or_default();
        }
        Ok(())
    }

    /// Takes in everything the hub has sent so far, noting how many records were kept by now.
    pub fn look(&self, kept: usize) {
        let mut buffer = [0; 1_024];
        loop {
            match lock(&self.far).try_read(&mut buffer) {
                Ok(length) if length > 0 => {
                    let bytes = buffer.get(..length).unwrap_or_default();
                    lock(&self.unread).extend(bytes.iter().map(|byte| (*byte, kept)));
                }
                Ok(_) | Err(_) => return,
            }
        }
    }

    /// What the hub sent since this was asked last.
    #[must_use]
    pub fn take(&self) -> Vec<(u8, usize)> {
        std::mem::take(&mut *lock(&self.unread))
    }

    /// Returns when the hub has sent something that no look has taken in yet.
    ///
    /// # Errors
    /// [`Trouble`] where the line fails.
    pub async fn has_sent(&self, kept: impl Fn() -> usize) -> Result<(), Trouble> {
        let mut buffer = [0; 1_024];
        let length = poll_fn(|cx| {
            let mut into = ReadBuf::new(&mut buffer);
            match Pin::new(&mut *lock(&self.far)).poll_read(cx, &mut into) {
                Poll::Ready(Ok(())) => Poll::Ready(Ok::<_, io::Error>(into.filled().len())),
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
        .doing("hear the hub")?;
        let bytes = buffer.get(..length).unwrap_or_default();
        lock(&self.unread).extend(bytes.iter().map(|byte| (*byte, kept())));
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
