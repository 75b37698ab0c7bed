//! The invented people of the cuts, their hubs, and the settings of the service.
//!
//! Every person is on two hubs, so that the same reading comes by two ways, and breaches a limit once at most, so that an
//! alert too many or too few is seen by counting.

use crate::{
    footprint::write_pack,
    signed_client::TestHub,
    trouble::{Doing, Trouble},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use demo::seed::Seeded;
use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};
use vitals::{NhsNumber, nhs::Realm};

/// How many hubs.
pub(super) const HUBS: usize = 8;

/// How many people live where each hub is.
pub(super) const PEOPLE_OF_A_HUB: usize = 20;

/// Everybody.
pub(super) struct People {
    pub(super) hubs: Vec<TestHub>,
    /// The ids, those of one hub together.
    pub(super) people: Vec<String>,
}

impl People {
    pub(super) fn new(seed: u64) -> Result<Self, Trouble> {
        let hub = |number: usize| {
            let key = Seeded::new(seed, &format!("key of hub {number}")).key();
            TestHub::new(&format!("hub-{number}"), key).doing("make a hub's key")
        };
        let hubs = (0..HUBS).map(hub).collect::<Result<_, _>>()?;
        let people = (0..HUBS * PEOPLE_OF_A_HUB).map(|number| format!("pt-{number}")).collect();
        Ok(Self { hubs, people })
    }

    /// The hub a person's readings come by first, and the one they come by again.
    pub(super) fn ways_of(&self, person: usize) -> Option<(&TestHub, &TestHub)> {
        let home = person / PEOPLE_OF_A_HUB;
        Some((self.hubs.get(home)?, self.hubs.get((home + 1) % HUBS)?))
    }

    /// The people at home where a hub is, by place.
    pub(super) fn at_home(hub: usize) -> std::ops::Range<usize> {
        hub * PEOPLE_OF_A_HUB..(hub + 1) * PEOPLE_OF_A_HUB
    }

    /// Writes the settings of a service with its data in a folder; they stay outside it. `more` are settings of its own.
    pub(super) fn write_settings(&self, folder: &Path, data: &Path, more: &str) -> Result<PathBuf, Trouble> {
        let (settings, pack) = (folder.join("ingest.toml"), folder.join("test-home-bp.toml"));
        write_pack(&pack)?;
        let mut text = format!(
            "listen = '127.0.0.1:0'\ndata = '{}'\npacks = ['{}']\njudge_without_plan = true\nservice_name = 'Test'\nservice_hours = 'Always.'\n\
             people_are = 'invented'\n{more}",
            data.display(),
            pack.display()
        );
        for (number, hub) in self.hubs.iter().enumerate() {
            let key = STANDARD.encode(hub.key().public_key().doing("take a hub's public key")?);
            let guests = Self::at_home((number + HUBS - 1) % HUBS);
            let people: Vec<String> = Self::at_home(number)
                .chain(guests)
                .filter_map(|person| self.people.get(person).map(|id| format!("'{id}'")))
                .collect();
            let people = people.join(", ");
            write!(text, "\n[[hub]]\nid = '{}'\npublic_key = '{key}'\npeople = [{people}]\n", hub.name())
                .doing("write a hub")?;
        }
        for (id, number) in self.people.iter().zip(numbers()) {
            write!(text, "\n[[person]]\nid = '{id}'\nname = 'Test {id}'\nnhs_number = '{number}'\n")
                .doing("write a person")?;
        }
        fs::write(&settings, text).doing("write the service's settings")?;
        Ok(settings)
    }
}

/// NHS numbers that are never issued.
fn numbers() -> impl Iterator<Item = String> {
    let text = |number: u32| format!("999 {:03} {:04}", number / 10_000, number % 10_000);
    (0..10_000_000).map(text).filter(|text| NhsNumber::parse_in(text, Realm::Demo).is_ok())
}
