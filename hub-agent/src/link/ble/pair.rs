//! `hub-agent pair`: a device and this hub get to know each other, once, with a person beside them.
//!
//! The agent itself never pairs: a cuff whose bond is lost needs somebody at its buttons. What happens is said in plain
//! sentences as it happens. Invariants: nothing but pairing and trusting is changed, on the device nothing is written and
//! nothing subscribed to; every way it can fail says what to do; a code is never logged.

mod reason;

use super::{
    agent1::{Agent, Question, Wants, trust},
    bus::{CALL_WITHIN, Fault, Probe, SCAN_WITHIN, adapter_id, ask_bluez},
};
use crate::{clock::Clock, config::BluetoothAddress, session::source_of};
use bluez_async::{BluetoothSession, DeviceId, DeviceInfo, DiscoveryFilter, uuid_from_u16};
use std::time::Duration;
use tokio::time::timeout;
use vitals::SourceId;

pub use reason::PairError;

/// A device is looked for this long: time to find the button that makes it pair.
pub const LOOK_FOR: Duration = Duration::from_secs(90);

/// How often the list of devices is read meanwhile.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Pairing may take this long: a person may have to read and type a code, and BlueZ gives an agent a minute for that.
const PAIR_WITHIN: Duration = Duration::from_secs(90);

/// Connecting, to read who the device is.
const CONNECT_WITHIN: Duration = Duration::from_secs(35);

/// Which device is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The one with this address.
    Address(BluetoothAddress),
    /// The one whose name holds this, upper or lower case.
    Name(String),
}

impl Wanted {
    /// An address where the text is one, else a part of a name.
    ///
    /// ```
    /// use hub_agent::link::ble::pair::Wanted;
    /// assert!(matches!(Wanted::parse("C0:26:DA:23:8F:68"), Wanted::Address(_)));
    /// assert!(matches!(Wanted::parse("UA-651"), Wanted::Name(_)));
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Self {
        BluetoothAddress::parse(text).map_or_else(|_a_name| Self::Name(text.to_owned()), Self::Address)
    }

    fn is(&self, device: &DeviceInfo) -> bool {
        match self {
            Self::Address(address) => address_of(device) == Some(*address),
            Self::Name(part) => name_of(device).to_lowercase().contains(&part.to_lowercase()),
        }
    }
}

/// A device that is paired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paired {
    /// Its address: the identity address, where it has one.
    pub address: BluetoothAddress,
    /// Its name.
    pub name: String,
    /// Its maker, where it says.
    pub maker: Option<String>,
    /// Its model, where it says.
    pub model: Option<String>,
    /// Its serial number, where it says.
    pub serial: Option<String>,
    /// The hub keeps the bond over a restart.
    pub is_bonded: bool,
}

impl Paired {
    /// The source of its readings, where it says who it is.
    fn source(&self) -> Option<SourceId> {
        source_of(self.maker.as_deref(), self.serial.as_deref())
    }

    /// The lines to add to the settings. The person is for a human to fill in.
    #[must_use]
    pub fn settings(&self) -> String {
        // What JSON escapes in a string, TOML reads the same.
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let label = if self.name.is_empty() { "cuff in the day room" } else { &self.name };
        let mut lines = format!("[[bluetooth.device]]\naddress = \"{}\"\nlabel = {}\n", self.address, quoted(label));
        if let Some(source) = self.source() {
            let binding = format!("\n[[binding]]\nsource = {}\npatient = \"pt-…\"\n", quoted(source.as_str()));
            lines.push_str(&binding);
        }
        lines
    }
}

/// Pairs a device with this hub. `say` gets a sentence for each thing that happens; `ask` gets a question and gives the
/// line that a person typed, or nothing to refuse. Both may block.
///
/// # Errors
/// [`PairError`]; its [`PairError::advice`] says what to do.
pub async fn pair(
    wanted: &Wanted,
    adapter: Option<&str>,
    clock: &dyn Clock,
    say: &mut dyn FnMut(&str),
    ask: &mut dyn FnMut(&str) -> Option<String>,
) -> Result<Paired, PairError> {
    let Probe { session, lost: _ } = Probe::new().await.map_err(PairError::Bluetooth)?;
    let adapter = adapter_id(&session, adapter).await.map_err(PairError::Bluetooth)?;
    // The scan goes on until the end: devices vanish from the list when it stops.
    let filter = DiscoveryFilter { duplicate_data: Some(true), ..DiscoveryFilter::default() };
    let scan = session.start_discovery_on_adapter_with_filter(&adapter, &filter);
    ask_bluez(SCAN_WITHIN, scan).await.map_err(PairError::Bluetooth)?;
    let paired = find_and_pair(&session, &adapter, wanted, clock, say, ask).await;
    // It ends with this connection in any case.
    ask_bluez(CALL_WITHIN, session.stop_discovery_on_adapter(&adapter)).await.ok();
    paired
}

async fn find_and_pair(
    session: &BluetoothSession,
    adapter: &bluez_async::AdapterId,
    wanted: &Wanted,
    clock: &dyn Clock,
    say: &mut dyn FnMut(&str),
    ask: &mut dyn FnMut(&str) -> Option<String>,
) -> Result<Paired, PairError> {
    say(&format!(
        "Looking for the device for {} s. Put it into pairing mode now, close to the hub.",
        LOOK_FOR.as_secs()
    ));
    let device = find(session, adapter, wanted, clock).await?;
    let shown = format!("{} ({})", name_of(&device), device.mac_address);
    if device.paired {
        say(&format!("Found {shown}. It is paired with this hub already; looking whether it still knows that."));
    } else {
        say(&format!("Found {shown}. Pairing; this takes up to {} s.", PAIR_WITHIN.as_secs()));
        let agent = Agent::register(device.id.clone().into()).await.map_err(PairError::Bluetooth)?;
        bond(session, &device.id, agent, say, ask).await?;
    }
    trust(device.id.clone().into()).await.map_err(PairError::Bluetooth)?;
    let after = info(session, &device.id).await?;
    if !after.paired || !after.bonded {
        return Err(PairError::NotBonded);
    }
    say("Paired: the hub keeps the bond and trusts the device. Reading who made it.");
    let words = words(session, &device.id).await;
    let Some(address) = address_of(&after) else { return Err(PairError::Failed) };
    let Ok([maker, model, serial]) = words else {
        return Err(if device.paired { PairError::AlreadyPaired(address) } else { PairError::NotReached });
    };
    ask_bluez(CALL_WITHIN, session.disconnect(&device.id)).await.ok();
    let paired = Paired { address, name: name_of(&after), maker, model, serial, is_bonded: after.bonded };
    let unknown = "does not say".to_owned();
    say(&format!(
        "Maker: {}. Model: {}. Serial number: {}.",
        paired.maker.as_ref().unwrap_or(&unknown),
        paired.model.as_ref().unwrap_or(&unknown),
        paired.serial.as_ref().unwrap_or(&unknown)
    ));
    if paired.source().is_none() {
        say(
            "It does not say who it is, so its readings are known by this hub and its address only: bind them to a person \
             on the worklist when they come.",
        );
    }
    Ok(paired)
}

/// The one device that is meant and is there now: one that the service only remembers has no signal strength.
async fn find(
    session: &BluetoothSession,
    adapter: &bluez_async::AdapterId,
    wanted: &Wanted,
    clock: &dyn Clock,
) -> Result<DeviceInfo, PairError> {
    let until = clock.now() + LOOK_FOR;
    while clock.now() < until {
        let devices =
            ask_bluez(CALL_WITHIN, session.get_devices_on_adapter(adapter)).await.map_err(PairError::Bluetooth)?;
        let is_there = |device: &DeviceInfo| device.rssi.is_some() || device.connected;
        let mut found: Vec<DeviceInfo> =
            devices.into_iter().filter(|device| is_there(device) && wanted.is(device)).collect();
        if found.len() > 1 {
            let names = found.iter().map(|device| format!("{} ({})", name_of(device), device.mac_address));
            return Err(PairError::Several(names.collect()));
        }
        if let Some(device) = found.pop() {
            return Ok(device);
        }
        clock.sleep(LOOK_EVERY).await;
    }
    Err(PairError::NotFound)
}

/// Pairs, and answers what the service asks meanwhile.
async fn bond(
    session: &BluetoothSession,
    device: &DeviceId,
    mut agent: Agent,
    say: &mut dyn FnMut(&str),
    ask: &mut dyn FnMut(&str) -> Option<String>,
) -> Result<(), PairError> {
    let pairing = timeout(PAIR_WITHIN, session.pair_with_timeout(device, PAIR_WITHIN));
    tokio::pin!(pairing);
    let result = loop {
        tokio::select! {
            result = &mut pairing => break result,
            Some(question) = agent.questions.recv() => answer(question, say, ask),
        }
    };
    match result {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            // Some cuffs hang up as soon as they are paired, before they list anything.
            if info(session, device).await.is_ok_and(|device| device.paired) {
                Ok(())
            } else {
                Err(PairError::of(&error))
            }
        }
        Err(_too_long) => {
            ask_bluez(CALL_WITHIN, session.cancel_pairing(device)).await.ok();
            Err(PairError::TimedOut)
        }
    }
}

fn answer(question: Question, say: &mut dyn FnMut(&str), ask: &mut dyn FnMut(&str) -> Option<String>) {
    let typed = |line: Option<String>| line.map(|line| line.trim().to_owned()).filter(|line| !line.is_empty());
    let answer = match question.wants {
        Wants::Code => typed(ask("Type the code that the device shows, or that is printed on it, and press Enter:")),
        Wants::Entering(code) => {
            say(&format!("Enter the code {code} on the device."));
            None
        }
        Wants::SameCode(code) => {
            let line = typed(ask(&format!("Does the device show {code}? Type yes or no, and press Enter:")));
            line.filter(|line| line.eq_ignore_ascii_case("yes") || line.eq_ignore_ascii_case("y"))
        }
    };
    // Where nobody waits for it any more, the service has given up.
    drop(question.answer.send(answer));
}

async fn info(session: &BluetoothSession, device: &DeviceId) -> Result<DeviceInfo, PairError> {
    ask_bluez(CALL_WITHIN, session.get_device_info(device)).await.map_err(PairError::Bluetooth)
}

/// Maker, model and serial number, as far as the device says.
async fn words(session: &BluetoothSession, device: &DeviceId) -> Result<[Option<String>; 3], Fault> {
    ask_bluez(CONNECT_WITHIN, session.connect(device)).await?;
    let mut words = [None, None, None];
    for (word, uuid) in words.iter_mut().zip([0x2a29, 0x2a24, 0x2a25]) {
        let read = async {
            let (service, uuid) = (uuid_from_u16(0x180a), uuid_from_u16(uuid));
            let found = session.get_service_characteristic_by_uuid(device, service, uuid).await?;
            session.read_characteristic_value(&found.id).await
        };
        *word = match timeout(CALL_WITHIN, read).await {
            Ok(Ok(bytes)) => crate::session::text(&bytes),
            Ok(Err(error)) if super::bus::is_lost_bond(&error) => return Err(Fault::NotAllowed),
            Ok(Err(_)) | Err(_) => None,
        };
    }
    Ok(words)
}

fn address_of(device: &DeviceInfo) -> Option<BluetoothAddress> {
    BluetoothAddress::parse(&device.mac_address.to_string()).ok()
}

fn name_of(device: &DeviceInfo) -> String {
    device.name.clone().or_else(|| device.alias.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_for_the_settings_can_be_read_back() {
        let paired = Paired {
            address: BluetoothAddress::parse("C0:26:DA:23:8F:68").unwrap(),
            name: "A&D_UA-651BLE \"upstairs\"".to_owned(),
            maker: Some("A&D Medical".to_owned()),
            model: None,
            serial: Some("5161000042".to_owned()),
            is_bonded: true,
        };
        let read: toml::Table = toml::from_str(&paired.settings()).unwrap();
        assert_eq!(read["bluetooth"]["device"][0]["address"].as_str(), Some("C0:26:DA:23:8F:68"));
        assert_eq!(read["binding"][0]["source"].as_str(), Some("device/A&D Medical/5161000042"));
        let nameless = Paired { serial: None, ..paired };
        assert!(!nameless.settings().contains("binding"));
    }
}
