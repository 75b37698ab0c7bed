//! Takes up a certificate whose files have changed, while the service runs.

use super::{LOOK_AGAIN_EVERY, Tls, TlsError};
use crate::{
    clock::Clock,
    events::{Events, ServiceEvent},
};
use std::sync::Arc;
use tokio::sync::watch;

/// Looks after the certificate's files. With no TLS there is nothing to look after.
pub(crate) struct Renewal {
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) events: Arc<dyn Events>,
}

impl Renewal {
    /// Looks again and again until told to stop.
    pub(crate) async fn run(&self, mut stop: watch::Receiver<bool>) {
        let Some(tls) = &self.tls else {
            // Nobody but the one who stops ever sends; where they are gone, there is nothing to wait for either.
            drop(stop.wait_for(|stops| *stops).await);
            return;
        };
        // What was last said to be wrong, so that it is said once and not every minute.
        let mut said = None;
        while !*stop.borrow() {
            tokio::select! {
                () = self.clock.sleep(LOOK_AGAIN_EVERY) => self.look(tls, &mut said).await,
                _ = stop.changed() => {}
            }
        }
    }

    async fn look(&self, tls: &Arc<Tls>, said: &mut Option<String>) {
        let (looked, at) = (tls.clone(), self.clock.now());
        // Reads files: not where requests are served.
        let found = tokio::task::spawn_blocking(move || looked.look_again(at)).await;
        match found {
            Ok(Ok(is_new)) => {
                match tls.next_unread() {
                    Some(why) => self.not_taken(chain(&why), said),
                    None => *said = None,
                }
                if is_new {
                    let (in_use, next) = (tls.fingerprint(), tls.next_fingerprint());
                    self.events.emit(&ServiceEvent::CertificateTaken { in_use, next });
                }
            }
            Ok(Err(error)) => self.not_taken(chain(&error), said),
            Err(_panicked) => self.not_taken("look at the certificate's files".to_owned(), said),
        }
    }

    fn not_taken(&self, why: String, said: &mut Option<String>) {
        if said.as_ref() != Some(&why) {
            self.events.emit(&ServiceEvent::CertificateNotTaken { why: why.clone() });
            *said = Some(why);
        }
    }
}

/// What failed and why, in one line.
fn chain(error: &TlsError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
