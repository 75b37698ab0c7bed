//! The settings and the protocol of the service under the bench: every hub, every person, and rules that remember.

use super::world::World;
use crate::trouble::{Doing, Trouble};
use base64::{Engine, engine::general_purpose::STANDARD};
use rules::{ActivePack, Pack, Person};
use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};
use vitals::{NhsNumber, bounded::Text, nhs::Realm};

/// The protocol, see its own first lines.
const PACK: &str = include_str!("../../bench/bench-ingest.toml");

/// The fewest rules that a reading of the bench must meet.
pub(super) const RULES_A_READING_MIN: u32 = 8;

/// Writes settings and protocol into a folder; the store's data goes beneath it.
pub(super) fn write(world: &World, folder: &Path, has_rules: bool) -> Result<PathBuf, Trouble> {
    fs::write(folder.join("bench-ingest.toml"), PACK).doing("write the protocol")?;
    fs::write(folder.join("bench-ingest.signed.toml"), approvals()?).doing("write the protocol's approvals")?;
    let packs = if has_rules { format!("'{}'", folder.join("bench-ingest.toml").display()) } else { String::new() };
    let mut text = format!(
        "listen = '127.0.0.1:0'\ndata = '{}'\npacks = [{packs}]\njudge_without_plan = true\nservice_name = 'Bench'\nservice_hours = 'Always.'\n\
         people_are = 'invented'\n",
        folder.join("data").display()
    );
    for home in world.homes() {
        let key = STANDARD.encode(home.key.public_key().doing("take a hub's public key")?);
        let people: Vec<String> = home.people.iter().map(|person| format!("'{person}'")).collect();
        let (hub, people) = (&home.hub, people.join(", "));
        write!(text, "\n[[hub]]\nid = '{hub}'\npublic_key = '{key}'\npeople = [{people}]\n").doing("write a hub")?;
    }
    for Person { id, name, nhs_number, .. } in people(world)? {
        let number = nhs_number.spaced();
        write!(text, "\n[[person]]\nid = '{id}'\nname = '{}'\nnhs_number = '{number}'\n", name.as_str())
            .doing("write a person")?;
    }
    let path = folder.join("ingest.toml");
    fs::write(&path, text).doing("write the service's settings")?;
    Ok(path)
}

/// The protocol as a service takes it.
pub(super) fn pack() -> Result<ActivePack, Trouble> {
    let pack = Pack::read(PACK).doing("read the bench's protocol")?;
    ActivePack::new(pack, &approvals()?).doing("approve the bench's protocol")
}

/// Approvals of these very bytes by people who are not.
fn approvals() -> Result<String, Trouble> {
    let version = Pack::read(PACK).doing("read the bench's protocol")?.version;
    let hash = blake3::hash(PACK.as_bytes());
    let mut text =
        format!("pack = 'bench-ingest'\nversion = '{version}'\ncontent_hash = '{hash}'\nstatus = 'approved'\n");
    for (role, name) in
        [("author", "Bench author"), ("clinical_lead", "Bench lead"), ("safety_officer", "Bench safety officer")]
    {
        write!(text, "\n[[approval]]\nrole = '{role}'\nname = '{name}'\n").doing("write an approval")?;
    }
    Ok(text)
}

/// Everybody, with a name and a number of the range that nobody is ever given.
pub(super) fn people(world: &World) -> Result<Vec<Person>, Trouble> {
    let mut numbers = nhs_numbers();
    let everybody = world.homes().iter().flat_map(|home| &home.people);
    everybody
        .map(|id| {
            let number = numbers.next().ok_or_else(|| Trouble::new("invent an NHS number", "there are no more"))?;
            let name = Text::new(&format!("Bench {id}")).doing("name a person")?;
            let number = NhsNumber::parse_in(&number, Realm::Demo).doing("read an NHS number")?;
            Ok(Person::new(id.clone(), name, number))
        })
        .collect()
}

fn nhs_numbers() -> impl Iterator<Item = String> {
    (0..1_000_000).filter_map(|number| {
        let digits = format!("999{number:06}");
        let mut nine = [0; 9];
        for (digit, byte) in nine.iter_mut().zip(digits.bytes()) {
            *digit = byte - b'0';
        }
        vitals::nhs::check_digit(nine).map(|check| format!("{digits}{check}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use vitals::Kind;

    #[test]
    fn the_protocol_passes_its_own_tests_and_has_eight_rules_for_each_measure() {
        let pack = pack().unwrap();
        assert_eq!(pack.pack().failed_tests(), Vec::<String>::new());
        let mut rules: BTreeMap<Kind, u32> = BTreeMap::new();
        for rule in &pack.pack().rules {
            for kind in &rule.kinds {
                *rules.entry(*kind).or_default() += 1;
            }
            assert!(rule.clear.1 > 1, "{} must remember", rule.id);
        }
        let kinds = [Kind::BloodPressure, Kind::Spo2, Kind::Weight, Kind::Temperature, Kind::Glucose];
        assert!(kinds.iter().all(|kind| rules.get(kind) == Some(&RULES_A_READING_MIN)), "{rules:?}");
    }
}
