//! Keeps a known, harmless panic of the Bluetooth client out of people's sight.
//!
//! When a stream of values is dropped, bluez-async (0.8.2, 0.9.0) takes its match rule back in a task of its own, and
//! panics there where the rule has gone already. The task ends and nothing else does, as long as panics unwind: which is
//! why no profile of this workspace aborts. Invariant: every other panic is reported as before.

use std::{panic, sync::Once};
use tracing::debug;

/// The file of the panic, in whatever folder crates lie.
const FILE: &str = "messagestream.rs";
const CRATE: &str = "bluez-async";

/// From now on that panic is a line in the log of those who look for it. Doing this twice is doing it once.
pub(super) fn hush() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |what| {
            if what.location().is_some_and(|place| is_known(place.file())) {
                debug!("The Bluetooth client dropped a stream whose match rule had gone.");
            } else {
                before(what);
            }
        }));
    });
}

fn is_known(file: &str) -> bool {
    file.ends_with(FILE) && file.contains(CRATE)
}

#[cfg(test)]
mod tests {
    use super::is_known;

    #[test]
    fn only_the_known_panic_is_hushed() {
        assert!(is_known("/somewhere/registry/src/index/bluez-async-0.9.0/src/messagestream.rs"));
        for other in ["/bluez-async-0.9.0/src/lib.rs", "hub-agent/src/link/ble/messagestream.rs", ""] {
            assert!(!is_known(other), "{other}");
        }
    }
}
