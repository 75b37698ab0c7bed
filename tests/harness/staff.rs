//! Somebody who is signed in to a service that runs as a process, so that a test can take an alert at its page.
//!
//! `ingest serve` has no such path: only the harness's own program puts it in, through the service's seam.

use crate::trouble::{Doing, Trouble};
use chrono::{DateTime, Utc};
use ingest::access::{Access, Caseload, RequestHead, SignIn};
use rules::Actor;
use std::sync::Arc;
use vitals::{HubId, PatientId, bounded::Text, id::StaffId};

/// The environment variable that names the people of whoever is signed in, with commas between.
pub const LOOKS_AFTER: &str = "DERWENT_TEST_LOOKS_AFTER";

/// Whoever asks is this one.
struct Always(Access);

impl SignIn for Always {
    fn signed_in(&self, _request: &RequestHead, _at: DateTime<Utc>) -> Option<Access> {
        Some(self.0.clone())
    }
}

/// Signs everybody in as the one who looks after these people.
///
/// # Errors
/// [`Trouble`] where the names are none.
#[expect(clippy::disallowed_methods, reason = "tests sign in as the demo does")]
pub fn looks_after(people: &str) -> Result<Arc<dyn SignIn>, Trouble> {
    let patients = people.split(',').map(PatientId::parse).collect::<Result<_, _>>().doing("name people")?;
    let hubs = [HubId::parse("hub-0").doing("name a hub")?].into();
    let id = StaffId::parse("st-mara").doing("name a member of staff")?;
    let who = Actor { id, name: Text::new("Mara Usual").doing("name somebody")? };
    Ok(Arc::new(Always(ingest::access::demo_case_manager(who, Caseload { patients, hubs }))))
}
