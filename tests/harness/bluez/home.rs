//! A hub's folder: its settings for the devices of a script, its key, and the outbox that it fills.

use super::script::Script;
use crate::trouble::{Doing, Trouble};
use base64::{Engine, engine::general_purpose::STANDARD};
use rusqlite::Connection;
use std::{
    fmt::Write,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use tempfile::TempDir;
use vitals::wire::v1;

/// Nobody listens there.
const NO_SERVICE: &str = "http://127.0.0.1:1";

/// Who the hub is, and where it sends.
#[derive(Debug, Clone)]
pub struct Hub {
    /// Its id.
    pub id: String,
    /// Its key.
    pub key: [u8; 32],
    /// The service.
    pub server: String,
}

impl Default for Hub {
    fn default() -> Self {
        Self { id: "hub-test".to_owned(), key: [7; 32], server: NO_SERVICE.to_owned() }
    }
}

/// A hub's folder. It is removed when this is dropped.
pub struct Home(TempDir);

impl Home {
    /// Writes the settings that fit a script's devices and bindings.
    ///
    /// # Errors
    /// [`Trouble`] where a file cannot be written.
    pub fn new(script: &Script, hub: &Hub) -> Result<Self, Trouble> {
        let folder = tempfile::Builder::new().prefix("hub-").tempdir().doing("make the hub's folder")?;
        let key = folder.path().join("hub.key");
        fs::write(&key, STANDARD.encode(hub.key)).doing("write the hub's key")?;
        fs::set_permissions(&key, Permissions::from_mode(0o600)).doing("close the hub's key to others")?;
        fs::write(folder.path().join("hub.toml"), settings(script, hub)?).doing("write the hub's settings")?;
        Ok(Self(folder))
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The settings file.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        self.path().join("hub.toml")
    }

    /// The log of every agent that ran here.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.path().join("hub.log")
    }

    /// The readings in the outbox, in the order of hearing, read from a copy and not through the code under test.
    ///
    /// # Errors
    /// [`Trouble`] where the outbox cannot be read; while the agent writes, that may be so for a moment.
    pub fn stored(&self) -> Result<Vec<v1::Reading>, Trouble> {
        self.rows("SELECT wire FROM reading ORDER BY row")
    }

    /// The readings that the service has settled.
    ///
    /// # Errors
    /// As [`Home::stored`].
    pub fn settled(&self) -> Result<Vec<v1::Reading>, Trouble> {
        self.rows("SELECT wire FROM reading WHERE settled_us IS NOT NULL ORDER BY row")
    }

    fn rows(&self, sql: &str) -> Result<Vec<v1::Reading>, Trouble> {
        let (data, copy) = (self.path().join("data"), tempfile::tempdir().doing("make a folder")?);
        let database = hub_agent::outbox::DATABASE;
        if !data.join(database).exists() {
            return Ok(Vec::new());
        }
        for name in [database.to_owned(), format!("{database}-wal")] {
            if data.join(&name).exists() {
                fs::copy(data.join(&name), copy.path().join(&name)).doing("copy the outbox")?;
            }
        }
        let outbox = Connection::open(copy.path().join(database)).doing("open the copy")?;
        let mut statement = outbox.prepare(sql).doing("read the copy")?;
        let texts = statement.query_map([], |row| row.get::<_, String>(0)).doing("read the copy")?;
        texts.map(|text| serde_json::from_str(&text.doing("read a row")?).doing("read a row")).collect()
    }
}

fn settings(script: &Script, hub: &Hub) -> Result<String, Trouble> {
    let mut text = format!(
        "hub = '{}'\nserver = '{}'\ndata_folder = 'data'\nkey_file = 'hub.key'\n\n[bluetooth]\n",
        hub.id, hub.server
    );
    for device in script.device.iter().filter(|device| device.is_known) {
        write!(text, "\n[[bluetooth.device]]\naddress = '{}'\nlabel = 'device {}'\n", device.address, device.tag())
            .doing("write a device")?;
        if let Some(consent) = device.consent {
            writeln!(text, "consent = {{ user_index = {}, code = {} }}", consent.user_index, consent.code)
                .doing("write a consent")?;
        }
    }
    for binding in &script.binding {
        write!(text, "\n[[binding]]\nsource = \"{}\"\npatient = '{}'\n", binding.source, binding.patient)
            .doing("write a binding")?;
        if let Some(user) = binding.user_index {
            writeln!(text, "user_index = {user}").doing("write a binding")?;
        }
    }
    Ok(text)
}
