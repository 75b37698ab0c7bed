//! The hub's settings: a TOML file read once, checked whole, and refused with the key that is wrong.
//!
//! Invariants: unknown keys are refused; the key file is readable by its owner only; the key never appears in a
//! message or in Debug.

mod devices;

use crate::{
    assign::{Binding, BindingRefused, Bindings, User},
    tls::{FINGERPRINTS_MAX, Trust},
    uplink::sign::HubKey,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use httpsig::prelude::{AlgorithmName, PublicKey, VerifyingKey as _};
use rustls::pki_types::{
    CertificateDer,
    pem::{self, PemObject},
};
use serde::{Deserialize, Deserializer};
use std::{
    fmt, fs,
    io::{self, Read},
    path::{Path, PathBuf},
};
use thiserror::Error;
use vitals::{
    HubId, PatientId, SourceId,
    wire::announced::{Fingerprint, NotAFingerprint},
};

pub use devices::{
    BLUETOOTH_DEVICES_MAX, Bluetooth, BluetoothAddress, Consent, DevicesRefused, KnownDevice, NotAnAddress,
    SERIAL_PORTS_MAX, SerialPort,
};

/// Longest settings file in bytes: 600 bindings take about 100 kB.
pub const CONFIG_BYTES_MAX: u64 = 256 * 1024;

/// Longest key file in bytes: 44 characters of base64 and a line end, with room for spaces.
const KEY_FILE_BYTES_MAX: u64 = 128;

/// Why the settings were refused.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("read the settings from {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is larger than any settings.
    #[error("read the settings from {}: the file has more than {CONFIG_BYTES_MAX} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// A key is missing, unknown or wrong; the cause names it with its line.
    #[error("read the settings")]
    Key(#[from] toml::de::Error),
    /// The bindings contradict each other.
    #[error("read `binding` of the settings")]
    Binding(#[from] BindingRefused),
    /// The devices contradict each other.
    #[error("read `bluetooth` and `serial` of the settings")]
    Devices(#[from] DevicesRefused),
    /// The hub could not know its service.
    #[error("read where the service is")]
    NotKnown(#[from] NotKnown),
    /// The key file could not be read.
    #[error("read `key_file` {}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others than the owner may read the key file.
    #[error("read `key_file` {}: others may read it (mode {mode:o}); run `chmod 600` on it", path.display())]
    KeyFileOpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The service's key is none.
    #[error("read `service_public_key`: want what `ingest server-key` prints, an Ed25519 key in base64")]
    ServiceKey(#[from] NotAServiceKey),
    /// The key file does not hold 32 bytes in base64.
    #[error("read `key_file` {}: want 32 bytes in base64", path.display())]
    KeyMalformed {
        /// The file.
        path: PathBuf,
    },
}

/// Where the service is, and by what the hub knows it: `https://HOST:PORT`, or `http://HOST:PORT` on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    host: String,
    port: u16,
    has_tls: bool,
    trust: Trust,
}

/// A text is not a server's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("read a server address: want https://HOST:PORT, or http://HOST:PORT on this machine, and nothing after it")]
pub struct NotAServer;

/// The port of `https` where none is named.
const HTTPS_PORT: u16 = 443;

impl Server {
    /// Reads an address.
    ///
    /// # Errors
    /// [`NotAServer`] for another scheme, a missing port, or anything after it.
    ///
    /// ```
    /// use hub_agent::config::Server;
    /// assert_eq!(Server::parse("http://127.0.0.1:8080").unwrap().to_string(), "http://127.0.0.1:8080");
    /// assert_eq!(Server::parse("https://example.org").unwrap().to_string(), "https://example.org:443");
    /// assert!(Server::parse("ftp://example.org").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, NotAServer> {
        let uri: hyper::Uri = text.parse().map_err(|_not_a_uri| NotAServer)?;
        let is_bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        let (has_tls, port) = match (uri.scheme_str(), uri.port_u16()) {
            (Some("http"), Some(port)) => (false, port),
            (Some("https"), port) => (true, port.unwrap_or(HTTPS_PORT)),
            (Some(_) | None, _) => return Err(NotAServer),
        };
        match uri.host() {
            Some(host) if is_bare && !has_user => {
                Ok(Self { host: host.to_owned(), port, has_tls, trust: Trust::Nobody })
            }
            Some(_) | None => Err(NotAServer),
        }
    }

    /// The same, known by this.
    #[must_use]
    pub fn known_by(self, trust: Trust) -> Self {
        Self { trust, ..self }
    }

    /// By what it is known.
    #[must_use]
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Whether it is reached over TLS.
    #[must_use]
    pub fn has_tls(&self) -> bool {
        self.has_tls
    }

    /// Its name or address.
    #[must_use]
    pub fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Whether it is on this machine, so that nobody on a line reads along.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.host();
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.has_tls { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

/// The public half of the key the service signs with, pinned in the settings.
#[derive(Debug, Clone)]
pub struct ServiceKey {
    key: PublicKey,
    bytes: [u8; 32],
}

/// Not an Ed25519 public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("read a public key: want 32 bytes in base64")]
pub struct NotAServiceKey;

impl ServiceKey {
    /// The key of its 32 bytes.
    ///
    /// # Errors
    /// [`NotAServiceKey`] where they are no Ed25519 key.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, NotAServiceKey> {
        let key = PublicKey::from_bytes(&AlgorithmName::Ed25519, &bytes);
        key.map(|key| Self { key, bytes }).map_err(|_not_a_key| NotAServiceKey)
    }

    /// Its 32 bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// Reads a key as `ingest server-key` prints it.
    ///
    /// # Errors
    /// [`NotAServiceKey`] for anything else.
    pub fn parse(text: &str) -> Result<Self, NotAServiceKey> {
        let bytes = STANDARD.decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(NotAServiceKey)?;
        Self::from_bytes(bytes)
    }

    /// Whether this key's owner signed these bytes.
    pub(crate) fn signed(&self, bytes: &[u8], signature: &[u8]) -> bool {
        self.key.verify(bytes, signature).is_ok()
    }
}

/// What the agent needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// This hub.
    pub hub: HubId,
    /// Where the service is.
    pub server: Server,
    /// The key the service signs its heartbeats with; `None`: whoever answers passes for it.
    pub service_key: Option<ServiceKey>,
    /// Where the outbox lies.
    pub data_folder: PathBuf,
    /// The key this hub signs with.
    pub key: HubKey,
    /// Whose device is whose.
    pub bindings: Bindings,
    /// Which Bluetooth devices to listen to; `None`: Bluetooth is left alone.
    pub bluetooth: Option<Bluetooth>,
    /// Which serial ports to listen to.
    pub serial: Vec<SerialPort>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    hub: HubId,
    #[serde(deserialize_with = "server")]
    server: Server,
    #[serde(default)]
    server_fingerprints: Vec<String>,
    server_ca: Option<PathBuf>,
    service_public_key: Option<String>,
    data_folder: PathBuf,
    key_file: PathBuf,
    #[serde(default)]
    binding: Vec<FileBinding>,
    bluetooth: Option<Bluetooth>,
    #[serde(default)]
    serial: Vec<SerialPort>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileBinding {
    source: SourceId,
    user_index: Option<u8>,
    patient: PatientId,
}

fn server<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Server, D::Error> {
    Server::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

impl Config {
    /// Reads the settings and the key file they name. Relative paths count from the settings file's folder.
    ///
    /// ```toml
    /// hub = "hub-3f2a"
    /// server = "https://hubs.example.org:8443"     # http only to this machine, where a proxy or a tunnel begins
    /// server_fingerprints = ["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"]
    /// # or, where its certificate is from an authority: server_ca = "/etc/ssl/certs/ca-certificates.crt"
    /// service_public_key = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="    # what `ingest server-key` prints
    /// data_folder = "data"
    /// key_file = "hub.key"
    ///
    /// [[binding]]
    /// source = "device/A&D Medical/5161000042"
    /// user_index = 1      # left out: whoever uses the device
    /// patient = "pt-4c1e"
    ///
    /// [bluetooth]             # left out: Bluetooth is left alone
    /// adapter = "hci0"        # left out: the first there is
    ///
    /// [[bluetooth.device]]
    /// address = "C0:26:DA:23:8F:68"
    /// label = "cuff in the day room"
    /// consent = { user_index = 1, code = 1234 }    # only for scales that ask for it
    ///
    /// [[serial]]
    /// port = "/dev/serial/by-id/usb-Prolific-if00-port0"
    /// protocol = "nonin_df2"
    /// ```
    ///
    /// # Errors
    /// [`ConfigError`] naming the key that is wrong.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let read = |source| ConfigError::Read { path: path.to_owned(), source };
        let text = read_at_most(path, CONFIG_BYTES_MAX)
            .map_err(read)?
            .ok_or(ConfigError::TooLarge { path: path.to_owned() })?;
        let file: File = toml::from_str(&text)?;
        devices::check(file.bluetooth.as_ref(), &file.serial)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        Ok(Self {
            hub: file.hub,
            server: server_known(file.server, &file.server_fingerprints, file.server_ca.map(|ca| folder.join(ca)))?,
            service_key: file.service_public_key.as_deref().map(ServiceKey::parse).transpose()?,
            data_folder: folder.join(file.data_folder),
            key: key(&folder.join(file.key_file))?,
            bindings: bindings(file.binding)?,
            bluetooth: file.bluetooth,
            serial: file.serial,
        })
    }
}

/// Why the hub cannot know its service.
#[derive(Debug, Error)]
pub enum NotKnown {
    /// Somebody on the line would read along.
    #[error("`server` is another machine: want https://, or a proxy or tunnel on this one")]
    Plain,
    /// There is nothing to know it by, or both.
    #[error(
        "want either `server_fingerprints` (what `ingest fingerprint` prints) or `server_ca` with an https server, and neither without"
    )]
    ByWhat,
    /// Too many.
    #[error("`server_fingerprints` has more than {FINGERPRINTS_MAX}")]
    TooMany,
    /// A fingerprint is none.
    #[error("`server_fingerprints`")]
    Fingerprint(#[from] NotAFingerprint),
    /// The file of authorities does not read.
    #[error("`server_ca` {}: want certificates in PEM form", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: pem::Error,
    },
}

fn server_known(server: Server, fingerprints: &[String], ca: Option<PathBuf>) -> Result<Server, NotKnown> {
    match (server.has_tls(), fingerprints, ca) {
        (false, [], None) if server.is_loopback() => Ok(server),
        (false, [], None) => Err(NotKnown::Plain),
        (true, [_, ..], None) if fingerprints.len() > FINGERPRINTS_MAX => Err(NotKnown::TooMany),
        (true, [_, ..], None) => {
            let known = fingerprints.iter().map(|text| Fingerprint::parse(text)).collect::<Result<_, _>>()?;
            Ok(server.known_by(Trust::Fingerprints(known)))
        }
        (true, [], Some(path)) => Ok(server.known_by(authorities(&path)?)),
        (true, ..) | (false, ..) => Err(NotKnown::ByWhat),
    }
}

/// Reads the authorities of a file in PEM form.
///
/// # Errors
/// [`NotKnown::Authorities`] where there are none.
pub fn authorities(path: &Path) -> Result<Trust, NotKnown> {
    let read = || -> Result<Vec<CertificateDer<'static>>, pem::Error> {
        let all: Vec<_> = CertificateDer::pem_file_iter(path)?.collect::<Result<_, _>>()?;
        if all.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(all) }
    };
    read().map(Trust::Authorities).map_err(|cause| NotKnown::Authorities { path: path.to_owned(), cause })
}

fn bindings(list: Vec<FileBinding>) -> Result<Bindings, BindingRefused> {
    Bindings::new(list.into_iter().map(|FileBinding { source, user_index, patient }| Binding {
        source,
        user: user_index.map_or(User::Any, User::Index),
        patient,
    }))
}

/// Reads a hub's key: 32 bytes as base64 in a file that only its owner may read.
///
/// # Errors
/// [`ConfigError`] where it cannot be read, others may read it, or it is not a key.
pub fn key(path: &Path) -> Result<HubKey, ConfigError> {
    let key_file = |source| ConfigError::KeyFile { path: path.to_owned(), source };
    let malformed = || ConfigError::KeyMalformed { path: path.to_owned() };
    #[cfg(unix)]
    {
        let permissions = fs::metadata(path).map_err(key_file)?.permissions();
        let mode = std::os::unix::fs::PermissionsExt::mode(&permissions) & 0o777;
        if mode & 0o077 != 0 {
            return Err(ConfigError::KeyFileOpenToOthers { path: path.to_owned(), mode });
        }
    }
    let text = read_at_most(path, KEY_FILE_BYTES_MAX).map_err(key_file)?.ok_or_else(malformed)?;
    let seed = STANDARD.decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(malformed)?;
    HubKey::from_seed(seed).map_err(|_not_a_key| malformed())
}

/// The file's text, or `None` where it is longer than the limit.
fn read_at_most(path: &Path, bytes_max: u64) -> io::Result<Option<String>> {
    let mut text = String::new();
    let bytes = fs::File::open(path)?.take(bytes_max + 1).read_to_string(&mut text)?;
    Ok(u64::try_from(bytes).is_ok_and(|bytes| bytes <= bytes_max).then_some(text))
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
