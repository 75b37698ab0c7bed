//! What one event leads to: messages to send, in order, and moments to wake up at. Nothing here waits or sends.

use super::tree::{Interfaces, Properties};
use serde::Serialize;
use std::time::Duration;
use zbus::{DynamicType, Message, ObjectPath, names::InterfaceName};

/// Why a device is looked at again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wake {
    /// It may advertise.
    Advertise { device: usize },
    /// The next thing on its tape is due.
    Tape { device: usize, generation: u64 },
    /// Nothing has happened for a while.
    Idle { device: usize, generation: u64, activity: u64 },
    /// An attempt to connect has lasted as long as it may.
    GiveUp { device: usize, generation: u64 },
    /// It has rested after its last connection.
    Rested { device: usize },
}

/// What one event leads to.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// To be sent, in order.
    pub(super) messages: Vec<Message>,
    /// To be woken, how much later.
    pub(super) wakes: Vec<(Duration, Wake)>,
    /// What could not be said, which is a fault of the harness.
    pub(super) troubles: Vec<zbus::Error>,
}

impl Effects {
    fn add(&mut self, message: zbus::Result<Message>) {
        match message {
            Ok(message) => self.messages.push(message),
            Err(error) => self.troubles.push(error),
        }
    }

    /// Wakes a device after some milliseconds.
    pub(super) fn wake(&mut self, after_ms: u64, wake: Wake) {
        self.wakes.push((Duration::from_millis(after_ms), wake));
    }

    /// Answers a call.
    pub(super) fn reply<B: Serialize + DynamicType>(&mut self, call: &Message, body: &B) {
        self.add(Message::method_return(&call.header()).build(body));
    }

    /// Answers a call with an error of BlueZ, by the last part of its name.
    pub(super) fn refuse(&mut self, call: &Message, error: &str, message: &str) {
        self.fail(call, &format!("org.bluez.Error.{error}"), message);
    }

    /// Answers a call with an error.
    pub(super) fn fail(&mut self, call: &Message, name: &str, message: &str) {
        self.add(Message::error(&call.header(), name).build(&message));
    }

    /// Says that properties of an object have changed.
    pub(super) fn changed(&mut self, path: &str, interface: &str, properties: &Properties) {
        let none_invalidated: [&str; 0] = [];
        let signal = Message::signal(path, "org.freedesktop.DBus.Properties", "PropertiesChanged").build(&(
            interface,
            properties,
            none_invalidated.as_slice(),
        ));
        self.add(signal);
    }

    /// Says that an object is there.
    pub(super) fn added(&mut self, path: &str, interfaces: &Interfaces) {
        let signal = ObjectPath::try_from(path).and_then(|path| {
            Message::signal("/", "org.freedesktop.DBus.ObjectManager", "InterfacesAdded").build(&(path, interfaces))
        });
        self.add(signal);
    }

    /// Says that an object has gone.
    pub(super) fn removed(&mut self, path: &str, interface: &str) {
        let signal = ObjectPath::try_from(path).and_then(|path| {
            let interfaces = vec![InterfaceName::try_from(interface)?];
            Message::signal("/", "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved").build(&(path, interfaces))
        });
        self.add(signal);
    }
}
