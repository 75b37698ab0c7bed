//! The hubs' proofs of access.

use super::{
    Fails,
    cast::{self, HUBS, OUTSIDER, PEOPLE},
};
use crate::{hub_access, trouble::Trouble};
use ingest::access::Access;
use std::collections::{BTreeMap, BTreeSet};
use vitals::{HubId, PatientId};

/// The access of each hub.
#[derive(Debug)]
pub(super) struct Hubs(BTreeMap<HubId, Access>);

impl Hubs {
    /// The access of a hub.
    pub(super) fn of(&self, hub: &HubId) -> Result<Access, Fails> {
        let access = self.0.get(hub).cloned();
        access.ok_or_else(|| Trouble::new("find a hub's access", format!("there is no {hub}")).into())
    }

    /// Each hub with its people, as the service knows it.
    pub(super) async fn signed_in() -> Result<Self, Trouble> {
        let everybody: BTreeSet<PatientId> = (0..PEOPLE).map(cast::pt).collect();
        let mut hubs: Vec<_> = (0..HUBS).map(|n| (cast::hub(n), everybody.clone())).collect();
        hubs.push((cast::elsewhere(), [cast::pt(OUTSIDER)].into()));
        hub_access::signed_in(hubs).await.map(Self)
    }
}
