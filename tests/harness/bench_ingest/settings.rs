//! The settings and the protocol of the service under the bench: every hub, every person, and rules that remember.

use super::world::World;
use crate::trouble::{Doing, Trouble};
use base64::{Engine, engine::general_purpose::STANDARD};
use rules::{ActivePack, Pack, Person, pack::SHIPPED};
use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};
use vitals::{NhsNumber, bounded::Text, nhs::Realm};

/// The protocol, see its own first lines.
const PACK: &str = include_str!("../../bench/bench-ingest.toml");

/// The protocol we ship that may stand beside it.
const BESIDE: &str = "home-blood-pressure";

/// The fewest rules that a reading of the bench must meet.
pub(super) const RULES_A_READING_MIN: u32 = 8;

/// The protocols of a service under the bench, and how they come to judge somebody.
pub(super) struct Protocols {
    texts: Vec<String>,
    packs: Vec<ActivePack>,
    judges_without_plan: bool,
}

impl Protocols {
    /// The bench's own, which judges everybody; or none.
    fn for_everybody(has_rules: bool) -> Result<Self, Trouble> {
        let texts = if has_rules { vec![PACK.to_owned()] } else { Vec::new() };
        Self::of(texts, true)
    }

    /// The bench's own and the home blood pressure that we ship, each for whose care plan names it.
    pub(super) fn by_plan() -> Result<Self, Trouble> {
        let shipped = SHIPPED.iter().find(|text| text.contains(&format!("\nid = \"{BESIDE}\"\n")));
        let shipped = shipped.ok_or_else(|| Trouble::new("find a protocol we ship", BESIDE))?;
        // As a footprint does that edits it, confirms every parameter, and approves it.
        Self::of(vec![PACK.to_owned(), shipped.replace("\ndraft = true\n", "\n")], false)
    }

    fn of(texts: Vec<String>, judges_without_plan: bool) -> Result<Self, Trouble> {
        let packs = texts.iter().map(|text| approved(text)).collect::<Result<_, _>>()?;
        Ok(Self { texts, packs, judges_without_plan })
    }

    pub(super) fn all(&self) -> &[ActivePack] {
        &self.packs
    }

    /// The bench's own.
    pub(super) fn first(&self) -> Result<&ActivePack, Trouble> {
        self.packs.first().ok_or_else(|| Trouble::new("find a protocol", "there is none"))
    }
}

/// Writes settings and protocol into a folder; the store's data goes beneath it.
pub(super) fn write(world: &World, folder: &Path, has_rules: bool) -> Result<PathBuf, Trouble> {
    write_with(world, folder, &Protocols::for_everybody(has_rules)?, None)
}

/// The same with other protocols, and where staff are told.
pub(super) fn write_with(
    world: &World,
    folder: &Path,
    protocols: &Protocols,
    webhook: Option<&str>,
) -> Result<PathBuf, Trouble> {
    let mut packs = Vec::new();
    for (text, pack) in protocols.texts.iter().zip(&protocols.packs) {
        let path = folder.join(format!("{}.toml", pack.pack().id));
        fs::write(&path, text).doing("write the protocol")?;
        fs::write(path.with_extension("signed.toml"), approvals(pack.pack())?)
            .doing("write the protocol's approvals")?;
        packs.push(format!("'{}'", path.display()));
    }
    let webhook = webhook.map(|url| format!("webhook = '{url}'\n")).unwrap_or_default();
    let mut text = format!(
        "listen = '127.0.0.1:0'\ndata = '{}'\npacks = [{}]\njudge_without_plan = {}\n{webhook}service_name = 'Bench'\n\
         service_hours = 'Always.'\npeople_are = 'invented'\n",
        folder.join("data").display(),
        packs.join(", "),
        protocols.judges_without_plan
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
    approved(PACK)
}

fn approved(text: &str) -> Result<ActivePack, Trouble> {
    let pack = Pack::read(text).doing("read a protocol of the bench")?;
    let approvals = approvals(&pack)?;
    ActivePack::new(pack, &approvals).doing("approve a protocol of the bench")
}

/// Approvals of these very bytes by people who are not, who confirm every parameter as it stands.
fn approvals(pack: &Pack) -> Result<String, Trouble> {
    let Pack { id, version, content_hash: hash, .. } = pack;
    let mut text = format!("pack = '{id}'\nversion = '{version}'\ncontent_hash = '{hash}'\nstatus = 'approved'\n");
    for (role, name) in
        [("author", "Bench author"), ("clinical_lead", "Bench lead"), ("safety_officer", "Bench safety officer")]
    {
        write!(text, "\n[[approval]]\nrole = '{role}'\nname = '{name}'\n").doing("write an approval")?;
    }
    if pack.engine_min >= 2 {
        text.push_str("\n[confirmed]\n");
        for (name, value) in pack.parameters.iter().filter_map(|(name, one)| Some((name, one.default?))) {
            writeln!(text, "{name} = '{value}'").doing("confirm a parameter")?;
        }
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
