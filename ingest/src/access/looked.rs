//! What one request of a member of staff has looked at: each person's record once, for the log of who looked.

use super::{Access, Grant};
use rules::event::By;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use vitals::PatientId;

/// One request: what was asked, and whose records it has looked at already. Clones of an access share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Request {
    what: Option<Arc<str>>,
    looked_at: Arc<Mutex<BTreeSet<PatientId>>>,
}

/// What was looked at changes nothing about what may be.
impl PartialEq for Request {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for Request {}

impl Request {
    fn looked_at(&self) -> MutexGuard<'_, BTreeSet<PatientId>> {
        self.looked_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Access {
    /// The same access for a new request, which has looked at nobody yet; `what` is asked, such as the method and the
    /// pattern of a path, never a path itself.
    #[must_use]
    pub fn for_request(self, what: &str) -> Self {
        let Grant::Staff { who, powers, .. } = self.grant else { return self };
        let request = Request { what: Some(what.into()), looked_at: Arc::default() };
        Self { grant: Grant::Staff { who, powers, request }, lane: self.lane }
    }

    /// Who looks at this person's record, as what, and why they may; none where it is not staff, or nothing opens that
    /// record to them.
    #[must_use]
    pub fn by(&self, patient: &PatientId) -> Option<By> {
        match &self.grant {
            Grant::Staff { who, powers, .. } => powers.by(&who.id, patient),
            Grant::Hub { .. } | Grant::System(_) | Grant::Account { .. } => None,
        }
    }

    /// What its request asked; none outside a request, or where it is not staff's.
    pub(crate) fn asked(&self) -> Option<&str> {
        match &self.grant {
            Grant::Staff { request, .. } => request.what.as_deref(),
            Grant::Hub { .. } | Grant::System(_) | Grant::Account { .. } => None,
        }
    }

    /// Those of these people whose record this request has not looked at before.
    pub(crate) fn newly_looked_at(&self, people: BTreeSet<PatientId>) -> BTreeSet<PatientId> {
        match &self.grant {
            Grant::Staff { request, .. } => people.difference(&request.looked_at()).cloned().collect(),
            Grant::Hub { .. } | Grant::System(_) | Grant::Account { .. } => BTreeSet::new(),
        }
    }

    /// Notes that looking at them stands in their records.
    pub(crate) fn note_looked_at(&self, people: BTreeSet<PatientId>) {
        if let Grant::Staff { request, .. } = &self.grant {
            request.looked_at().extend(people);
        }
    }
}
