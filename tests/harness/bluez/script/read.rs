//! A script is read and checked whole, so that a slip of the pen never passes for a behaviour.

use super::Script;
use crate::trouble::{Doing, Trouble};
use std::{collections::BTreeSet, fs, path::Path};

impl Script {
    /// Reads a script and checks it.
    ///
    /// # Errors
    /// [`Trouble`] naming the script and what is wrong in it.
    pub fn load(path: &Path) -> Result<Self, Trouble> {
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let doing = format!("read the script {name}");
        let text = fs::read_to_string(path).doing(&doing)?;
        Self::read(&name, &text).doing(&doing)
    }

    /// Reads a script's text and checks it.
    ///
    /// # Errors
    /// [`Trouble`] with what is wrong in it.
    pub fn read(name: &str, text: &str) -> Result<Self, Trouble> {
        let mut script: Self = toml::from_str(text).doing("read it")?;
        name.clone_into(&mut script.name);
        match script.what_is_wrong() {
            Some(wrong) => Err(Trouble::new("check it", wrong)),
            None => Ok(script),
        }
    }

    /// What serde cannot see.
    fn what_is_wrong(&self) -> Option<String> {
        let mut tags = BTreeSet::new();
        if self.why.trim().is_empty() || self.source.trim().is_empty() {
            return Some("it has no reason or no source".to_owned());
        }
        for device in &self.device {
            let tag = device.tag();
            if device.address.len() != 17 || !tags.insert(tag) {
                return Some(format!("{}: want an address of its own last byte", device.address));
            }
            let has = |uuid: &str| device.characteristics().any(|characteristic| characteristic.uuid == uuid);
            let used = device.connection.iter().flat_map(|connection| &connection.on).flat_map(|reaction| {
                let sends = reaction.sends.iter().filter_map(|sending| sending.characteristic.as_deref());
                sends.chain(reaction.to.split(' ').nth(1))
            });
            let clock = device.clock.iter().map(|clock| clock.characteristic.as_str());
            if let Some(missing) = used.chain(clock).find(|uuid| !has(uuid)) {
                return Some(format!("{tag} has no characteristic {missing}"));
            }
            let words = ["resolved", "subscribe", "subscribe-again", "read", "write"];
            let reactions = device.connection.iter().flat_map(|connection| &connection.on);
            if let Some(odd) =
                reactions.map(|on| on.to.split(' ').next().unwrap_or("")).find(|word| !words.contains(word))
            {
                return Some(format!("{tag} reacts to {odd:?}, which nothing does"));
            }
            let unknown = device.characteristics().flat_map(|characteristic| &characteristic.flags);
            if let Some(flag) = unknown.into_iter().find(|flag| !FLAGS.contains(&flag.as_str())) {
                return Some(format!("{tag} has the flag {flag:?}, which BlueZ has not"));
            }
        }
        self.expect.what_is_wrong(&tags)
    }
}

/// The flags of a characteristic that BlueZ names (`org.bluez.GattCharacteristic` manual page, "Flags").
const FLAGS: [&str; 9] = [
    "broadcast",
    "read",
    "write-without-response",
    "write",
    "notify",
    "indicate",
    "authenticated-signed-writes",
    "encrypt-read",
    "encrypt-write",
];
