//! Everybody of the county in the service's own store, before the service is started: each with a care plan, and the clinical
//! lead who will put a protocol in force.

use super::{
    super::{settings, world::World},
    place_plan,
};
use crate::trouble::{Doing, Trouble};
use chrono::{DateTime, TimeDelta, Utc};
use ingest::{
    access::{Access, Password, PasswordHash, Purpose},
    clock::{Clock, WallClock},
    decide::{ByPlan, WithoutPlan},
    disk::Folder,
    store::{
        Slice, Store, Subject,
        embedded::{EmbeddedStore, StoreKeys},
    },
};
use register::{CarePlan, Item, Place, Post, Role, Span, Staff};
use rules::{ActivePack, Channel, Event, event::Account};
use std::{
    fs::{self, OpenOptions, Permissions},
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
    sync::Arc,
};
use vitals::{
    bounded::Text,
    id::{RecordId, StaffId},
};

/// Who puts the protocol in force.
pub(super) const STAFF: &str = "st-bench";

/// How they sign in.
pub(super) const PASSWORD: &str = "three random words of a bench";

/// People written together.
const TOGETHER: usize = 512;

/// The key of the chains, in the file where the service looks for it.
const CHAIN_KEY: [u8; 32] = [0xb; 32];

/// Writes them into a new store in a folder.
pub(super) fn fill(world: &World, data: &Path, protocols: &settings::Protocols) -> Result<(), Trouble> {
    fs::create_dir_all(data).doing("make the store's folder")?;
    fs::set_permissions(data, Permissions::from_mode(0o700)).doing("make the store's folder private")?;
    let mut key = OpenOptions::new();
    let key = key.write(true).create_new(true).mode(0o600).open(data.join("chain.key"));
    key.and_then(|mut key| key.write_all(&CHAIN_KEY)).doing("write the chains' key")?;
    let store = EmbeddedStore::open(Arc::new(Folder::new(data)), StoreKeys { chain: CHAIN_KEY });
    let store = store.doing("open the store")?;
    let packs = protocols.all().to_vec();
    let channels = vec![Channel::Console, Channel::Webhook];
    let plan = ByPlan::for_service(packs, channels, WithoutPlan::NotJudged).doing("use the protocols")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().doing("start a runtime")?;
    let (plan, now) = (Arc::new(plan), WallClock.now());
    runtime.block_on(async {
        let first = vec![lead(now)?, in_force(protocols.first()?)?];
        let people = everybody(world, protocols.all())?;
        for slices in std::iter::once(first).chain(people) {
            let answers = store.apply(&Access::system(Purpose::SetUp), slices, plan.clone(), now).await;
            for answer in answers {
                answer.doing("write into the register")?;
            }
        }
        store.close().await;
        Ok(())
    })
}

/// A member of staff who may put protocols in force everywhere, and their password.
fn lead(now: DateTime<Utc>) -> Result<Slice, Trouble> {
    let id = StaffId::parse(STAFF).doing("name somebody")?;
    let span = Span { from: now - TimeDelta::days(1), until: None };
    let posts = vec![Post { role: Role::ClinicalLead, place: Place::Footprint, span }];
    let name = Text::new("Bench Lead").doing("name somebody")?;
    let staff = Staff { id: id.clone(), name, posts, left_at: None };
    let hash = PasswordHash::of(&Password::given(PASSWORD.to_owned()), [7; 16]);
    let hash = serde_json::to_string(&hash).doing("write a password's hash")?;
    let secret = Some(Text::new(&hash).doing("keep a password's hash")?);
    let account = Account { staff: id, secret, by: None, at: now, is_first: false };
    Ok(Slice { subject: Subject::Service, events: vec![Event::written(Item::from(staff)), Event::AccountSet(account)] })
}

fn in_force(first: &ActivePack) -> Result<Slice, Trouble> {
    Ok(Slice { subject: Subject::Service, events: vec![Event::written(Item::from(place_plan([first])?))] })
}

/// Everybody with a care plan that names every protocol, so many at a time.
fn everybody(world: &World, protocols: &[ActivePack]) -> Result<Vec<Vec<Slice>>, Trouble> {
    let names: Vec<&str> = protocols.iter().map(|pack| pack.pack().id.as_str()).collect();
    let mut slices = Vec::new();
    for person in settings::people(world)? {
        let plan = CarePlan {
            id: RecordId::parse(&format!("rc-{}", person.id)).doing("name a care plan")?,
            patient: person.id.clone(),
            packs: names.iter().map(|name| Text::new(name)).collect::<Result<_, _>>().doing("name a protocol")?,
            parameters: Vec::new(),
            schedule: Vec::new(),
            absences: Vec::new(),
            service_hours: None,
        };
        let subject = Subject::Patient(person.id.clone());
        slices.push(Slice { subject, events: vec![Event::written(person), Event::written(Item::from(plan))] });
    }
    let mut groups = Vec::new();
    while !slices.is_empty() {
        let rest = slices.split_off(slices.len().min(TOGETHER));
        groups.push(std::mem::replace(&mut slices, rest));
    }
    Ok(groups)
}
