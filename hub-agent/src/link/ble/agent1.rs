//! The pairing agent: the D-Bus object (`org.bluez.Agent1`) that the Bluetooth service asks for codes and consents while a
//! device is being paired, on a connection and a thread of its own.
//!
//! Source: BlueZ, `org.bluez.Agent(5)` and `org.bluez.AgentManager(5)`. Invariants: only the device that is being paired
//! is answered, any other is rejected; a code is never logged; the agent is gone when [`Agent`] is dropped.

use super::bus::Fault;
use dbus::{
    Message, Path,
    blocking::{LocalConnection, Proxy, stdintf::org_freedesktop_dbus::Properties},
    channel::{MatchingReceiver, Sender},
    message::MatchRule,
    strings::ErrorName,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc as answers,
    },
    time::Duration,
};
use tokio::sync::{mpsc, oneshot};

/// Where the agent lies on its connection.
const PATH: &str = "/derwent/pairing";

/// It shows codes and takes them: BlueZ then chooses the strongest way that the device can do.
const CAPABILITY: &str = "KeyboardDisplay";

/// Calls to the service may take this long.
const CALL_WITHIN: Duration = Duration::from_secs(5);

/// A person has this long to answer; BlueZ gives the agent a minute.
const ANSWER_WITHIN: Duration = Duration::from_secs(55);

/// How often the agent looks whether it is to end.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Questions that wait: one pairing asks one at a time.
const QUESTIONS_MAX: usize = 4;

/// What the service wants of the person who pairs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wants {
    /// The code that the device shows or has printed on it.
    Code,
    /// That this code is entered on the device. Nothing is answered.
    Entering(String),
    /// Whether the device shows this code.
    SameCode(String),
}

/// A question, and where its answer goes.
pub(super) struct Question {
    pub(super) wants: Wants,
    pub(super) answer: answers::Sender<Option<String>>,
}

/// The agent, registered for as long as this lives.
pub(super) struct Agent {
    pub(super) questions: mpsc::Receiver<Question>,
    stop: Arc<AtomicBool>,
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Agent {
    /// Registers the agent for pairing this device.
    pub(super) async fn register(device: Path<'static>) -> Result<Self, Fault> {
        let (ask, questions) = mpsc::channel(QUESTIONS_MAX);
        let stop = Arc::new(AtomicBool::new(false));
        let (ready, registered) = oneshot::channel();
        let is_stopped = Arc::clone(&stop);
        std::thread::Builder::new()
            .name("bluetooth-agent".to_owned())
            .spawn(move || serve(device, ask, &is_stopped, ready))
            .map_err(|_no_thread| Fault::Failed)?;
        let agent = Self { questions, stop };
        registered.await.unwrap_or(Err(Fault::Failed))?;
        Ok(agent)
    }
}

fn manager(connection: &LocalConnection) -> Proxy<'_, &LocalConnection> {
    connection.with_proxy("org.bluez", "/org/bluez", CALL_WITHIN)
}

fn serve(
    device: Path<'static>,
    ask: mpsc::Sender<Question>,
    is_stopped: &AtomicBool,
    ready: oneshot::Sender<Result<(), Fault>>,
) {
    let registered = connect(device, ask);
    let connection = match registered {
        Ok(connection) => {
            ready.send(Ok(())).ok();
            connection
        }
        Err(error) => {
            ready.send(Err(Fault::of(&error.into()))).ok();
            return;
        }
    };
    while !is_stopped.load(Ordering::Relaxed) {
        if connection.process(LOOK_EVERY).is_err() {
            return;
        }
    }
    let path = Path::from(PATH);
    // The service forgets the agent of a connection that has gone, too.
    drop(manager(&connection).method_call::<(), _, _, _>("org.bluez.AgentManager1", "UnregisterAgent", (path,)));
}

fn connect(device: Path<'static>, ask: mpsc::Sender<Question>) -> Result<LocalConnection, dbus::Error> {
    let connection = LocalConnection::new_system()?;
    let rule = MatchRule::new_method_call().with_path(PATH);
    connection.start_receive(
        rule,
        Box::new(move |message, connection| {
            // Where the reply cannot be sent, the connection has gone, and the pairing with it.
            connection.send(reply(&message, &device, &ask)).ok();
            true
        }),
    );
    let path = Path::from(PATH);
    let register = (path.clone(), CAPABILITY);
    manager(&connection).method_call::<(), _, _, _>("org.bluez.AgentManager1", "RegisterAgent", register)?;
    manager(&connection).method_call::<(), _, _, _>("org.bluez.AgentManager1", "RequestDefaultAgent", (path,))?;
    Ok(connection)
}

/// The answer to one call of the service.
fn reply(message: &Message, device: &Path<'static>, ask: &mpsc::Sender<Question>) -> Message {
    let member = message.member().map(|member| member.to_string()).unwrap_or_default();
    if matches!(member.as_str(), "Release" | "Cancel") {
        return message.method_return();
    }
    if message.get1::<Path<'_>>().as_ref() != Some(device) {
        return rejected(message);
    }
    let code = |message: &Message| message.get2::<Path<'_>, u32>().1.map(|code| format!("{code:06}"));
    let wants = match member.as_str() {
        "RequestPinCode" | "RequestPasskey" => Wants::Code,
        "DisplayPinCode" => match message.get2::<Path<'_>, String>().1 {
            Some(code) => Wants::Entering(code),
            None => return rejected(message),
        },
        "DisplayPasskey" => match code(message) {
            Some(code) => Wants::Entering(code),
            None => return rejected(message),
        },
        "RequestConfirmation" => match code(message) {
            Some(code) => Wants::SameCode(code),
            None => return rejected(message),
        },
        // We began this pairing ourselves, with this device.
        "RequestAuthorization" | "AuthorizeService" => return message.method_return(),
        _ => return message.error(&ErrorName::from("org.freedesktop.DBus.Error.UnknownMethod"), c"unknown method"),
    };
    let (answer, answered) = answers::channel();
    let is_shown_only = matches!(wants, Wants::Entering(_));
    if ask.blocking_send(Question { wants, answer }).is_err() {
        return rejected(message);
    }
    if is_shown_only {
        return message.method_return();
    }
    let answer = answered.recv_timeout(ANSWER_WITHIN).ok().flatten();
    match (member.as_str(), answer) {
        ("RequestPinCode", Some(code)) => message.method_return().append1(code),
        ("RequestPasskey", Some(code)) => match code.parse::<u32>() {
            Ok(code) if code <= 999_999 => message.method_return().append1(code),
            Ok(_) | Err(_) => rejected(message),
        },
        ("RequestConfirmation", Some(_)) => message.method_return(),
        (_, _) => rejected(message),
    }
}

fn rejected(message: &Message) -> Message {
    message.error(&ErrorName::from("org.bluez.Error.Rejected"), c"rejected")
}

/// Marks a device as trusted: it may connect by itself and is never asked about again.
pub(super) async fn trust(device: Path<'static>) -> Result<(), Fault> {
    let (done, trusted) = oneshot::channel();
    std::thread::Builder::new()
        .name("bluetooth-trust".to_owned())
        .spawn(move || {
            let trust = || -> Result<(), dbus::Error> {
                let connection = LocalConnection::new_system()?;
                connection.with_proxy("org.bluez", device, CALL_WITHIN).set("org.bluez.Device1", "Trusted", true)
            };
            done.send(trust().map_err(|error| Fault::of(&error.into()))).ok();
        })
        .map_err(|_no_thread| Fault::Failed)?;
    trusted.await.unwrap_or(Err(Fault::Failed))
}

#[cfg(test)]
mod tests {
    //! Calls as the service makes them, answered without a bus.

    use super::*;

    const DEVICE: &str = "/org/bluez/hci0/dev_C0_26_DA_00_00_01";

    fn call(member: &str) -> Message {
        let mut message =
            Message::call_with_args("org.example", PATH, "org.bluez.Agent1", member, (Path::from(DEVICE), 42_u32));
        message.set_serial(1);
        message
    }

    fn answered(message: &Message, answer: Option<&str>) -> (Message, Option<Wants>) {
        let (ask, mut questions) = mpsc::channel::<Question>(1);
        let answer = answer.map(str::to_owned);
        let person = std::thread::spawn(move || {
            let question: Question = questions.blocking_recv()?;
            drop(question.answer.send(answer));
            Some(question.wants)
        });
        let reply = reply(message, &Path::from(DEVICE), &ask);
        drop(ask);
        (reply, person.join().unwrap())
    }

    #[test]
    fn a_code_is_asked_for_and_given() {
        let (reply, wants) = answered(&call("RequestPasskey"), Some("001234"));
        assert_eq!((reply.get1::<u32>(), wants), (Some(1234), Some(Wants::Code)));
        let (reply, wants) = answered(&call("RequestConfirmation"), Some("yes"));
        assert_eq!(
            (reply.msg_type(), wants),
            (dbus::MessageType::MethodReturn, Some(Wants::SameCode("000042".into())))
        );
        let (reply, wants) = answered(&call("DisplayPasskey"), None);
        assert_eq!(
            (reply.msg_type(), wants),
            (dbus::MessageType::MethodReturn, Some(Wants::Entering("000042".into())))
        );
    }

    #[test]
    fn no_answer_another_device_and_an_unknown_call_are_refused() {
        for (message, answer) in [
            (call("RequestPasskey"), None),
            (call("RequestPasskey"), Some("1234567")),
            (call("RequestPasskey"), Some("abc")),
            (call("RequestConfirmation"), None),
            (call("Elope"), Some("yes")),
        ] {
            assert_eq!(answered(&message, answer).0.msg_type(), dbus::MessageType::Error);
        }
        let (ask, _questions) = mpsc::channel(1);
        let other = Path::from("/org/bluez/hci0/dev_00_00_00_00_00_02");
        assert_eq!(reply(&call("RequestAuthorization"), &other, &ask).msg_type(), dbus::MessageType::Error);
        let ours = Path::from(DEVICE);
        assert_eq!(reply(&call("RequestAuthorization"), &ours, &ask).msg_type(), dbus::MessageType::MethodReturn);
    }
}
