//! The service's settings: one TOML file, unknown keys refused, every text turned into a type here.

use crate::{
    access::HubEntry,
    decide::WithoutPlan,
    notify::WebhookAddress,
    tls::{CertificateSource, TlsSettings},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rules::Person;
use rustls::pki_types::ServerName;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};
use thiserror::Error;
use vitals::{HubId, NhsNumber, PatientId, bounded::Text, nhs::Realm};

/// The settings of `ingest serve`.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// TLS of the service's own. None: whoever is on the line reads along, so that `listen` is on this machine and a proxy
    /// stands in front.
    pub tls: Option<TlsSettings>,
    /// The folder of the store.
    pub data: PathBuf,
    /// The service's own name.
    pub service_name: String,
    /// When the team looks, as a sentence.
    pub service_hours: String,
    /// The hubs: what the register is to have at least, see [`crate::access::HubRegistry::to_write`].
    pub hubs: BTreeMap<HubId, HubEntry>,
    /// Whose NHS numbers the service may hold: real people's, or invented ones.
    pub realm: Realm,
    /// The people.
    pub people: Vec<Person>,
    /// The protocols: pack files, each with its approvals beside it as `NAME.signed.toml`.
    pub packs: Vec<PathBuf>,
    /// Whether all of them judge people who have no care plan. Of everybody else their plan and their places say.
    pub without_plan: WithoutPlan,
    /// Where to tell staff's own system, if anywhere.
    pub webhook: Option<WebhookAddress>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    listen: SocketAddr,
    plain: Option<bool>,
    tls: Option<TlsFile>,
    data: PathBuf,
    service_name: String,
    service_hours: String,
    /// Whether the people are real (`real`) or invented (`invented`).
    people_are: RealmFile,
    #[serde(default)]
    packs: Vec<PathBuf>,
    #[serde(default)]
    judge_without_plan: bool,
    webhook: Option<String>,
    #[serde(default)]
    hub: Vec<HubFile>,
    #[serde(default)]
    person: Vec<PersonFile>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TlsFile {
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    next_certificate: Option<PathBuf>,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    allow_tls_1_2: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RealmFile {
    Real,
    Invented,
}

impl RealmFile {
    fn realm(self) -> Realm {
        match self {
            Self::Real => Realm::Production,
            Self::Invented => Realm::Demo,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HubFile {
    id: HubId,
    public_key: String,
    people: Vec<PatientId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonFile {
    id: PatientId,
    name: Text<120>,
    nhs_number: String,
}

/// Why the settings cannot be used. Names and numbers are not repeated.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("read the settings from {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("read the settings: line {line}: {message}")]
    Form {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A value is not what it should be.
    #[error("read the settings: {key}: {advice}")]
    Value {
        /// Which key.
        key: String,
        /// What it should be.
        advice: &'static str,
    },
}

impl Config {
    /// Reads the settings from a file.
    ///
    /// # Errors
    /// [`ConfigError`] with the key or line that is wrong.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|cause| ConfigError::Read { path: path.to_owned(), cause })?;
        Self::parse(&text)
    }

    /// Reads the settings from text.
    ///
    /// # Errors
    /// [`ConfigError`] with the key or line that is wrong.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let file: File = toml::from_str(text).map_err(|error| {
            let before = error.span().map_or(0, |span| span.start);
            let line = 1 + text.bytes().take(before).filter(|byte| *byte == b'\n').count();
            ConfigError::Form { line, message: error.message().to_owned() }
        })?;
        let value = |key: &str, advice| ConfigError::Value { key: key.to_owned(), advice };
        let webhook = file.webhook.as_deref().map(WebhookAddress::parse).transpose();
        Ok(Self {
            listen: file.listen,
            tls: tls(file.listen, file.plain, file.tls)?,
            data: file.data,
            service_name: file.service_name,
            service_hours: file.service_hours,
            hubs: hubs(file.hub)?,
            realm: file.people_are.realm(),
            people: file
                .person
                .into_iter()
                .map(|person| read_person(person, file.people_are.realm()))
                .collect::<Result<_, _>>()?,
            packs: file.packs,
            without_plan: if file.judge_without_plan { WithoutPlan::Judged } else { WithoutPlan::NotJudged },
            webhook: webhook.map_err(|_cause| value("webhook", "want http://HOST:PORT/PATH"))?,
        })
    }
}

/// Whether to speak TLS, and with what. Without a word of it: at an address that others can reach yes, on this machine no, where
/// a proxy may stand in front.
fn tls(listen: SocketAddr, plain: Option<bool>, file: Option<TlsFile>) -> Result<Option<TlsSettings>, ConfigError> {
    let value = |key: &str, advice| ConfigError::Value { key: key.to_owned(), advice };
    let is_loopback = listen.ip().is_loopback();
    match (plain, &file) {
        (Some(true), _) if !is_loopback => {
            return Err(value(
                "plain",
                "others can reach this address and would read along: leave it out for TLS, or listen on 127.0.0.1 and put a TLS proxy in front",
            ));
        }
        (Some(true), Some(_)) => return Err(value("plain", "want either plain = true or [tls], not both")),
        (Some(true), None) => return Ok(None),
        (None, None) if is_loopback => return Ok(None),
        (None, None | Some(_)) | (Some(false), _) => {}
    }
    let TlsFile { certificate, key, next_certificate, names, allow_tls_1_2 } = file.unwrap_or_default();
    let certificate = match (certificate, key, next_certificate) {
        (None, None, None) => CertificateSource::FirstRun,
        (Some(certificate), Some(key), next) => CertificateSource::Files { certificate, key, next },
        (None | Some(_), None | Some(_), _) => {
            return Err(value("tls", "want certificate and key together, or neither and the service makes its own"));
        }
    };
    if names.iter().any(|name| ServerName::try_from(name.as_str()).is_err()) {
        return Err(value("tls.names", "want host names and addresses, without a port"));
    }
    let names = match &certificate {
        CertificateSource::FirstRun if names.is_empty() => usual_names(listen),
        CertificateSource::FirstRun | CertificateSource::Files { .. } => names,
    };
    Ok(Some(TlsSettings { certificate, names, allow_tls_1_2 }))
}

/// What the service's own certificate is good for where the settings name nothing.
fn usual_names(listen: SocketAddr) -> Vec<String> {
    let address = (!listen.ip().is_unspecified()).then(|| listen.ip().to_string());
    std::iter::once("localhost".to_owned()).chain(address).collect()
}

fn hubs(files: Vec<HubFile>) -> Result<BTreeMap<HubId, HubEntry>, ConfigError> {
    let mut hubs = BTreeMap::new();
    for HubFile { id, public_key, people } in files {
        let value = |advice| ConfigError::Value { key: format!("hub {id}"), advice };
        let key = STANDARD.decode(public_key).ok().and_then(|key| key.try_into().ok());
        let public_key: [u8; 32] = key.ok_or_else(|| value("public_key is an Ed25519 key: 32 bytes as base64"))?;
        if hubs.contains_key(&id) {
            return Err(value("is there twice"));
        }
        hubs.insert(id, HubEntry { public_key, patients: people.into_iter().collect() });
    }
    Ok(hubs)
}

fn read_person(file: PersonFile, realm: Realm) -> Result<Person, ConfigError> {
    let advice =
        "nhs_number is not one this service may hold: real people never have 9xx numbers, invented ones always 999";
    let refused = |_cause| ConfigError::Value { key: format!("person {}", file.id), advice };
    let nhs_number = NhsNumber::parse_in(&file.nhs_number, realm).map_err(refused)?;
    Ok(Person::new(file.id, file.name, nhs_number))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
listen = "127.0.0.1:0"
data = "store"
service_name = "Test"
service_hours = "Your team looks Monday to Friday, 8am to 6pm."
people_are = "invented"

[[hub]]
id = "hub-1"
public_key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
people = ["pt-1"]

[[person]]
id = "pt-1"
name = "Ada Test"
nhs_number = "999 000 0018"
"#;

    #[test]
    fn each_mistake_names_its_key_and_never_the_person() {
        assert!(Config::parse(GOOD).is_ok());
        for (from, to, expected) in [
            ("127.0.0.1:0\"", "0.0.0.0:80\"\nplain = true", "TLS proxy"),
            ("127.0.0.1:0\"", "127.0.0.1:0\"\nplain = true\ntls = {}", "not both"),
            ("127.0.0.1:0\"", "127.0.0.1:0\"\ntls = { key = \"key.pem\" }", "together"),
            ("127.0.0.1:0\"", "127.0.0.1:0\"\ntls = { next_certificate = \"next.pem\" }", "together"),
            ("127.0.0.1:0\"", "127.0.0.1:0\"\ntls = { names = [\"a b\"] }", "host names"),
            ("service_name", "service_nam", "unknown field"),
            ("AAAAAAAAAAA=", "AAAA=", "32 bytes"),
            ("999 000 0018", "999 000 0019", "person pt-1"),
            ("999 000 0018", "400 000 0632", "person pt-1"),
            ("\"invented\"", "\"real\"", "person pt-1"),
            ("data = \"store\"", "data = \"store\"\nwebhook = \"nowhere\"", "webhook"),
        ] {
            let error = Config::parse(&GOOD.replace(from, to)).expect_err(to).to_string();
            assert!(error.contains(expected), "{to}: {error}");
            assert!(!error.contains("Ada") && !error.contains("999 000"), "{error}");
        }
    }

    /// Nobody gets an open line to others by leaving something out, and nobody's proxy breaks.
    #[test]
    fn an_address_that_others_can_reach_has_tls_and_this_machine_has_what_is_asked_for() {
        for (listen, more, has_tls) in [
            ("127.0.0.1:0", "", false),
            ("[::1]:0", "plain = true", false),
            ("127.0.0.1:0", "plain = false", true),
            ("127.0.0.1:0", "tls = {}", true),
            ("0.0.0.0:443", "", true),
            ("192.0.2.1:443", "tls = { allow_tls_1_2 = true }", true),
            ("[::]:443", "plain = false", true),
        ] {
            let text = GOOD.replace("listen = \"127.0.0.1:0\"", &format!("listen = \"{listen}\"\n{more}"));
            assert_eq!(Config::parse(&text).unwrap().tls.is_some(), has_tls, "{listen} {more}");
        }
        let names = |more: &str| {
            let text = GOOD.replace("127.0.0.1:0\"", &format!("192.0.2.1:443\"\n{more}"));
            Config::parse(&text).unwrap().tls.unwrap().names
        };
        assert_eq!(names(""), ["localhost", "192.0.2.1"]);
        assert_eq!(names("tls = { names = [\"hubs.example.org\"] }"), ["hubs.example.org"]);
        assert!(names("tls = { certificate = \"c.pem\", key = \"k.pem\" }").is_empty(), "a file's names are its own");
    }
}
