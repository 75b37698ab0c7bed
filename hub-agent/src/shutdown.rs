//! How the agent is asked to stop, and how its parts hear of it.

use tokio::sync::watch;

/// What the agent's parts are to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Go on.
    Running,
    /// Nothing new will come: send what is waiting, then stop.
    Draining,
    /// Finish the request under way, then stop.
    Stopping,
}

/// Asks for a stop. Dropping it asks for nothing.
#[derive(Debug, Clone)]
pub struct Stop(watch::Sender<bool>);

/// Hears of a stop.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<bool>);

/// The two ends: one to ask, one to hear.
#[must_use]
pub fn channel() -> (Stop, Shutdown) {
    let (sender, receiver) = watch::channel(false);
    (Stop(sender), Shutdown(receiver))
}

impl Stop {
    /// Asks for an ordered stop. Asking twice is asking once.
    pub fn ask(&self) {
        self.0.send_replace(true);
    }
}

impl Shutdown {
    /// Returns once a stop was asked for; never, if that can no longer happen.
    pub async fn asked(&mut self) {
        if self.0.wait_for(|is_asked| *is_asked).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Whether a stop was asked for.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }
}
