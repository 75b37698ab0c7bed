//! What a test puts in place of the machine: a clock it sets, a sink that remembers, and a sign-in by header.

use super::{MORNING, server_key};
use crate::trouble::{Doing, Trouble};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use ingest::{
    access::{Access, HubEntry, HubRegistry, NobodySignsIn, RequestHead, SignIn},
    decide::ByPlan,
    events::{Events, ServiceEvent},
    http::PageSettings,
    service::{Parts, StaffSignIn},
    store::Store,
};
use std::{
    collections::BTreeMap,
    net::TcpListener,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::watch;
use vitals::HubId;

/// A service of these hubs on this store, in the morning, with no rules, no staff and no channels: a test puts in place
/// what it wants otherwise.
///
/// # Errors
/// [`Trouble`] where there is no port.
pub fn bare(store: Arc<dyn Store>, hubs: BTreeMap<HubId, HubEntry>) -> Result<Parts, Trouble> {
    Ok(Parts {
        clock: Arc::new(SetClock::at(MORNING)),
        rng: Arc::new(ingest::rng::OsRandomness),
        events: Arc::new(Recorder::default()),
        store,
        server_key: server_key(),
        decide: Arc::new(ByPlan::default()),
        hubs: HubRegistry::new(hubs),
        people: Vec::new(),
        sign_in: StaffSignIn::Seeded(Arc::new(NobodySignsIn)),
        pages: PageSettings {
            service_name: "Service under test".to_owned(),
            banner: None,
            service_hours: "Your team looks Monday to Friday, 8am to 6pm.".to_owned(),
            is_loopback_only: true,
        },
        lists: None,
        channels: BTreeMap::new(),
        listener: TcpListener::bind("127.0.0.1:0").doing("find a port")?,
    })
}

/// A clock that stands still until a test moves it. Who sleeps by it wakes when it has been moved far enough, so that
/// nothing happens by the passing of time that the test did not ask for.
#[derive(Debug)]
pub struct SetClock(watch::Sender<DateTime<Utc>>);

impl SetClock {
    /// A clock that stands at a moment.
    #[must_use]
    pub fn at(at: DateTime<Utc>) -> Self {
        Self(watch::channel(at).0)
    }

    /// Now.
    #[must_use]
    pub fn read(&self) -> DateTime<Utc> {
        *self.0.borrow()
    }

    /// Moves the clock.
    pub fn advance(&self, by: TimeDelta) {
        self.0.send_modify(|now| *now += by);
    }

    async fn wait(&self, span: Duration) {
        let mut now = self.0.subscribe();
        let until = self.read() + TimeDelta::from_std(span).unwrap_or(TimeDelta::zero());
        // The sender lives as long as `self`, so the wait ends only by the clock.
        drop(now.wait_for(|now| *now >= until).await);
    }
}

#[async_trait]
impl ingest::clock::Clock for SetClock {
    fn now(&self) -> DateTime<Utc> {
        self.read()
    }

    async fn sleep(&self, span: Duration) {
        self.wait(span).await;
    }
}

#[async_trait]
impl hub_agent::clock::Clock for SetClock {
    fn now(&self) -> DateTime<Utc> {
        self.read()
    }

    async fn sleep(&self, span: Duration) {
        self.wait(span).await;
    }
}

/// Remembers every event of the service.
#[derive(Debug, Default)]
pub struct Recorder(Mutex<Vec<ServiceEvent>>);

impl Recorder {
    /// Every event so far, in order.
    #[must_use]
    pub fn all(&self) -> Vec<ServiceEvent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many events so far are like this.
    pub fn count(&self, is_like: impl Fn(&ServiceEvent) -> bool) -> usize {
        self.all().iter().filter(|event| is_like(event)).count()
    }
}

impl Events for Recorder {
    fn emit(&self, event: &ServiceEvent) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
    }
}

/// The header by which a request says which member of staff it is from.
pub const STAFF_HEADER: &str = "x-test-staff";

/// Signs in whoever the header names. Only tests have this.
pub(super) struct ByHeader {
    pub(super) staff: BTreeMap<String, Access>,
    /// Who it is where there is no header.
    pub(super) usual: &'static str,
}

impl SignIn for ByHeader {
    fn signed_in(&self, request: &RequestHead, _at: chrono::DateTime<chrono::Utc>) -> Option<Access> {
        let named = request.headers().get(STAFF_HEADER).and_then(|value| value.to_str().ok());
        self.staff.get(named.unwrap_or(self.usual)).cloned()
    }
}
