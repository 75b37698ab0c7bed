//! The place of a bluetoothd that has died, on a bus that answers for it that the service is not there, as dbus-daemon
//! does where nothing may start the service. `busd` by itself says nothing, as where the bus tries to start it.

use crate::trouble::{Doing, Trouble};
use futures_util::StreamExt;
use std::thread::{self, JoinHandle};
use zbus::{
    Connection, MessageStream,
    connection::Builder,
    fdo::RequestNameFlags,
    message::{Message, Type},
};

/// Answers every call to `org.bluez` while nobody else does. It makes room when this is dropped.
pub(super) struct Vacancy {
    connection: Connection,
    thread: Option<JoinHandle<()>>,
}

impl Vacancy {
    /// Takes the place.
    pub(super) fn declare(address: &str) -> Result<Self, Trouble> {
        let connection = zbus::block_on(Builder::address(address).build()).doing("connect to the bus")?;
        let mut stream = MessageStream::from(&connection);
        let take = connection.request_name_with_flags("org.bluez", RequestNameFlags::DO_NOT_QUEUE);
        zbus::block_on(take).doing("take the place of bluetoothd")?;
        let answering = connection.clone();
        let thread = thread::Builder::new().name("no bluetoothd".to_owned()).spawn(move || {
            zbus::block_on(async {
                while let Some(Ok(message)) = stream.next().await {
                    if message.message_type() == Type::MethodCall {
                        // A bus that has gone ends the stream.
                        drop(refuse(&answering, &message).await);
                    }
                }
            });
        });
        Ok(Self { connection, thread: Some(thread.doing("start the thread of nobody")?) })
    }
}

async fn refuse(connection: &Connection, call: &Message) -> zbus::Result<()> {
    let text = "The name org.bluez was not provided by any .service files";
    connection.reply_error(&call.header(), "org.freedesktop.DBus.Error.ServiceUnknown", &text).await
}

impl Drop for Vacancy {
    fn drop(&mut self) {
        drop(zbus::block_on(self.connection.clone().close()));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
