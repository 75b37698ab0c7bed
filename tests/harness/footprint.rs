//! A small footprint on this machine: one hub, two invented people with a cuff each, a signed protocol, and the settings
//! of both halves in a folder that is gone afterwards.
//!
//! The protocol is the demo's under another name and with other signatures: `ingest serve` refuses the demo's own.

use crate::trouble::{Doing, Trouble};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use demo::seed::Seeded;
use hub_agent::{
    Config, Replay,
    assign::{Binding, Bindings, User},
    config::Server,
    uplink::sign::HubKey,
};
use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;
use vitals::{HubId, PatientId, SourceId};

/// The people by place: id, name, an NHS number that is never issued, and the serial number of their cuff.
const PEOPLE: [(&str, &str, &str, &str); 2] =
    [("pt-ada", "Ada Test", "999 000 0018", "ADA-1"), ("pt-ben", "Ben Test", "999 000 0026", "BEN-1")];

const MAKER: &str = "Test cuffs";
const HUB: &str = "hub-test";
const DEMO_PACK: &str = include_str!("../../rules/packs/demo-home-bp.toml");

/// Seconds between two frames: each person measures once a minute, so that the next one counts as the repeat.
const SECS_BETWEEN_FRAMES: usize = 30;

/// Systolic and diastolic that no rule minds, that are amber, and that are red.
pub const NORMAL: (u16, u16) = (124, 78);
/// Above the amber limit.
pub const AMBER: (u16, u16) = (156, 97);
/// Above the red limit.
pub const RED: (u16, u16) = (182, 118);

/// One frame that a cuff sends: whose (place in the list of people), systolic and diastolic.
pub type Pressure = (usize, (u16, u16));

/// The footprint. Its folder is removed when it is dropped.
pub struct Footprint {
    folder: TempDir,
    hub: HubId,
    key: HubKey,
    bindings: Bindings,
}

impl Footprint {
    /// Writes a footprint; hubs of different seeds have different keys.
    ///
    /// # Errors
    /// [`Trouble`] where a file cannot be written.
    pub fn new(seed: u64) -> Result<Self, Trouble> {
        let folder = tempfile::Builder::new().prefix("derwent-test-").tempdir().doing("make a folder")?;
        let key = HubKey::from_seed(Seeded::new(seed, "hub key").key()).doing("make the hub's key")?;
        let bindings = PEOPLE.map(|(id, _, _, serial)| -> Result<Binding, Trouble> {
            let source = SourceId::device(MAKER, serial).doing("name a cuff")?;
            Ok(Binding { source, user: User::Any, patient: PatientId::parse(id).doing("name a person")? })
        });
        let bindings = Bindings::new(bindings.into_iter().collect::<Result<Vec<_>, _>>()?).doing("bind the cuffs")?;
        let footprint = Self { folder, hub: HubId::parse(HUB).doing("name the hub")?, key, bindings };
        write_pack(&footprint.pack())?;
        fs::write(footprint.settings(), footprint.settings_text()?).doing("write the service's settings")?;
        Ok(footprint)
    }

    /// The folder of everything.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The service's data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder().join("ingest")
    }

    /// The service's settings file.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        self.folder().join("ingest.toml")
    }

    /// What the hub needs to know.
    ///
    /// # Errors
    /// [`Trouble`] where the address does not read.
    pub fn hub_config(&self, server: &str) -> Result<Config, Trouble> {
        Ok(Config {
            hub: self.hub.clone(),
            server: Server::parse(server).doing("read the service's address")?,
            service_key: None,
            data_folder: self.folder().join("hub"),
            key: self.key.clone(),
            bindings: self.bindings.clone(),
            bluetooth: None,
            serial: Vec::new(),
        })
    }

    fn pack(&self) -> PathBuf {
        self.folder().join("test-home-bp.toml")
    }

    fn settings_text(&self) -> Result<String, Trouble> {
        let key = STANDARD.encode(self.key.public_key().doing("take the hub's public key")?);
        let people = PEOPLE.map(|(id, ..)| format!("'{id}'")).join(", ");
        let mut text = format!(
            "listen = '127.0.0.1:0'\ndata = '{}'\npacks = ['{}']\njudge_without_plan = true\nservice_name = 'Test'\nservice_hours = 'Always.'\n\
             people_are = 'invented'\n\n[[hub]]\nid = '{HUB}'\npublic_key = '{key}'\npeople = [{people}]\n",
            self.data().display(),
            self.pack().display()
        );
        for (id, name, nhs_number, _) in PEOPLE {
            write!(text, "\n[[person]]\nid = '{id}'\nname = '{name}'\nnhs_number = '{nhs_number}'\n")
                .doing("write a person")?;
        }
        Ok(text)
    }
}

/// The demo's protocol under a name of the tests, with approvals for these very bytes.
pub(crate) fn write_pack(path: &Path) -> Result<(), Trouble> {
    let text = DEMO_PACK.replace("demo_only = true\n", "").replace("id = \"demo-home-bp\"", "id = \"test-home-bp\"");
    let version = rules::Pack::read(&text).doing("read the tests' protocol")?.version;
    let hash = blake3::hash(text.as_bytes());
    let mut signed =
        format!("pack = 'test-home-bp'\nversion = '{version}'\ncontent_hash = '{hash}'\nstatus = 'approved'\n");
    for (role, name) in
        [("author", "Test author"), ("clinical_lead", "Test lead"), ("safety_officer", "Test safety officer")]
    {
        write!(signed, "\n[[approval]]\nrole = '{role}'\nname = '{name}'\n").doing("write an approval")?;
    }
    fs::write(path, text).doing("write the protocol")?;
    fs::write(path.with_extension("signed.toml"), signed).doing("write the protocol's approvals")
}

/// The pressures as a replay that has just ended: made frames, both cuffs connected throughout.
///
/// # Errors
/// [`Trouble`] where it does not read as a replay, or names somebody who is not there.
pub fn replay(pressures: &[Pressure], now: DateTime<Utc>) -> Result<Replay, Trouble> {
    let device = |serial: &str| format!(r#""device":{{"maker":"{MAKER}","serial":"{serial}"}}"#);
    let mut lines = PEOPLE
        .map(|(_, _, _, serial)| format!(r#"{{"connect":{{{},"device_ahead_secs":0,"at_secs":0}}}}"#, device(serial)))
        .to_vec();
    for (place, (person, (systolic, diastolic))) in pressures.iter().enumerate() {
        let (_, _, _, serial) = PEOPLE.get(*person).ok_or_else(|| Trouble::new("find a person", "nobody is there"))?;
        let (device, at) = (device(serial), (place + 1) * SECS_BETWEEN_FRAMES);
        lines.push(format!(
            r#"{{"frame":{{"kind":"made",{device},"characteristic":"2a35","at_secs":{at},"taken_secs":{},"systolic":"{systolic}","diastolic":"{diastolic}"}}}}"#,
            at - 2
        ));
    }
    let text = lines.join("\n");
    let lasts = Replay::read(&text, now).doing("read the replay")?.lasts();
    Replay::read(&text, now - lasts).doing("read the replay")
}
