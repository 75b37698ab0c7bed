//! The conformance suite of `Store`: what every backend must keep, wherever it keeps it.
//!
//! A backend gives stores that can be opened again on the same data ([`Backend`]); [`run`] judges them through the trait
//! alone. Each check runs on stores of its own: first on stores with a planted fault, which it must notice in this very
//! run, then on the genuine one. A check that notices none of its faults proves nothing, so that is a failure too.
//!
//! A fault is a wrapper around the genuine store ([`Fault`]), or around the rules on their way into it.

mod access;
mod busy;
mod cast;
pub mod embedded;
mod evidence;
mod follow;
mod gate;
mod hearing;
mod hubs;
mod leases;
mod limits;
mod line;
mod many;
mod neighbours;
mod numbers;
mod once;
mod planted;
mod property;
mod races;
mod reopened;
mod shapes;
mod stage;
mod timers;
mod undated;
mod unjudged;
mod versions;
mod whole;
mod whose;
mod witness;

use crate::{
    fault::{self, Fault},
    say,
    trouble::Trouble,
};
use async_trait::async_trait;
use futures_util::{FutureExt as _, future::BoxFuture};
use hubs::Hubs;
use ingest::store::{ApplyError, ReadError, Store};
pub use line::Line;
use planted::Planted;
use stage::Stage;
use std::{error::Error, fmt, sync::Arc, time::Duration};

/// Longest one check may take on one store: none takes more than a few seconds, and a store that never answers must not
/// hold up the run.
const CHECK_MAX: Duration = Duration::from_secs(60);

/// A kind of store.
#[async_trait]
pub trait Backend: Send + Sync {
    /// What it is called.
    fn name(&self) -> &'static str;

    /// Most rows it gives in one answer, whatever was asked for.
    fn rows_max(&self) -> usize;

    /// The checks that it is known not to pass yet. One that passes all the same fails the run, so that nothing stays
    /// on the list once it is true.
    fn pending(&self) -> &'static [&'static str] {
        &[]
    }

    /// A store without anything in it.
    ///
    /// # Errors
    /// [`Trouble`] where there is none to be had.
    async fn fresh(&self) -> Result<Box<dyn OpenStore>, Trouble>;
}

/// A store that is open, and the data under it. The data goes when this is dropped.
#[async_trait]
pub trait OpenStore: Send + Sync {
    /// The store.
    fn store(&self) -> Arc<dyn Store>;

    /// Closes the store and opens it again on the same data.
    ///
    /// # Errors
    /// [`Trouble`] where it does not open.
    async fn reopen(&mut self) -> Result<(), Trouble>;

    /// One more way to the same data while the store is open, as another process has it. For reading only.
    ///
    /// # Errors
    /// [`Trouble`] where it does not open.
    async fn beside(&self) -> Result<Arc<dyn Store>, Trouble>;
}

/// Why a check does not hold.
#[derive(Debug)]
enum Fails {
    /// The store breaks what was checked.
    Broken(String),
    /// The harness itself did not work, so nothing was judged.
    Trouble(Trouble),
}

impl From<Trouble> for Fails {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<ApplyError> for Fails {
    fn from(error: ApplyError) -> Self {
        Self::Broken(format!("could not {error}: {}", cause(&error)))
    }
}

impl From<ReadError> for Fails {
    fn from(error: ReadError) -> Self {
        Self::Broken(format!("could not {error}: {}", cause(&error)))
    }
}

fn cause(error: &dyn Error) -> String {
    error.source().map(ToString::to_string).unwrap_or_default()
}

/// Whether something is as it must be.
type Holds = Result<(), Fails>;

/// Must be so.
fn ensure(is_so: bool, what: &str) -> Holds {
    if is_so { Ok(()) } else { Err(Fails::Broken(format!("not so: {what}"))) }
}

/// Must be equal.
fn same<T: PartialEq + fmt::Debug>(got: &T, want: &T, what: &str) -> Holds {
    if got == want { Ok(()) } else { Err(Fails::Broken(format!("{what}: {got:?}, not {want:?}"))) }
}

/// Exactly one.
fn only<T>(mut found: Vec<T>, what: &str) -> Result<T, Fails> {
    let count = found.len();
    found.pop().filter(|_| count == 1).ok_or_else(|| Fails::Broken(format!("{what}: {count}, not one")))
}

type Run = for<'a> fn(&'a mut Stage) -> BoxFuture<'a, Holds>;

/// One thing that every store must keep.
struct Check {
    /// What must hold, as a sentence.
    name: &'static str,
    run: Run,
    plants: Vec<Plant>,
}

/// A fault that a check must notice.
struct Plant {
    /// What is wrong with the planted store.
    name: &'static str,
    make: Make,
}

/// Makes the fault, by the hubs' access and with whatever else it needs of the backend.
type Make =
    Arc<dyn Fn(Arc<Hubs>, Arc<dyn Backend>) -> BoxFuture<'static, Result<Arc<dyn Fault>, Trouble>> + Send + Sync>;

/// Stores of one kind, genuine or planted.
struct Kind {
    fresh: Fresh,
    is_genuine: bool,
    rows_max: usize,
}

/// Gives stores without anything in them.
type Fresh = Arc<dyn Fn() -> BoxFuture<'static, Result<Box<dyn OpenStore>, Trouble>> + Send + Sync>;

impl Plant {
    fn new<F: Fault + 'static>(name: &'static str, make: impl Fn() -> F + Send + Sync + 'static) -> Self {
        Self::of_hubs(name, move |_| make())
    }

    /// A fault that acts by the access of a hub.
    fn of_hubs<F: Fault + 'static>(name: &'static str, make: impl Fn(Arc<Hubs>) -> F + Send + Sync + 'static) -> Self {
        let make = move |hubs| -> Arc<dyn Fault> { Arc::new(make(hubs)) };
        Self { name, make: Arc::new(move |hubs, _| std::future::ready(Ok(make(hubs))).boxed()) }
    }

    /// A fault that keeps things in a second store, empty at first.
    fn with_scratch<F: Fault + 'static>(name: &'static str, make: fn(Box<dyn OpenStore>) -> F) -> Self {
        let make = move |_, backend: Arc<dyn Backend>| {
            async move { Ok::<Arc<dyn Fault>, Trouble>(Arc::new(make(backend.fresh().await?))) }.boxed()
        };
        Self { name, make: Arc::new(make) }
    }
}

/// Every check, by topic.
fn checks() -> Vec<Check> {
    [
        follow::checks(),
        races::checks(),
        neighbours::checks(),
        once::checks(),
        hearing::checks(),
        undated::checks(),
        whose::checks(),
        whole::checks(),
        reopened::checks(),
        access::checks(),
        limits::checks(),
        many::checks(),
        busy::checks(),
        leases::checks(),
        timers::checks(),
        unjudged::checks(),
        numbers::checks(),
        witness::checks(),
        evidence::checks(),
        versions::checks(),
        property::checks(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Runs every check on a backend, printing a line for each as it ends.
///
/// # Errors
/// [`Trouble`] where no hub's access could be had, so that nothing was judged.
pub async fn run(backend: Arc<dyn Backend>) -> Result<Vec<Line>, Trouble> {
    run_some(backend, |_| true).await
}

/// Runs the checks whose name is wanted.
///
/// # Errors
/// As [`run`].
pub async fn run_some(backend: Arc<dyn Backend>, is_wanted: impl Fn(&str) -> bool) -> Result<Vec<Line>, Trouble> {
    let hubs = Arc::new(Hubs::signed_in().await?);
    let mut lines = Vec::new();
    for check in checks().into_iter().filter(|check| is_wanted(check.name)) {
        let line = judge(&backend, &hubs, &check).await;
        say::line(&format!("{}: {line}", backend.name()));
        lines.push(line);
    }
    let known: Vec<&str> = checks().iter().map(|check| check.name).collect();
    match backend.pending().iter().find(|name| !known.contains(name)) {
        Some(name) => Err(Trouble::new("read the list of what is pending", format!("no check is called {name:?}"))),
        None => Ok(lines),
    }
}

async fn judge(backend: &Arc<dyn Backend>, hubs: &Arc<Hubs>, check: &Check) -> Line {
    let is_pending = backend.pending().contains(&check.name);
    let mut planted = Vec::new();
    // Where the genuine store fails anyway, a planted one that fails shows nothing.
    for plant in check.plants.iter().filter(|_| !is_pending) {
        let (kind, make, by_hubs) = (Arc::clone(backend), Arc::clone(&plant.make), Arc::clone(hubs));
        let fresh: Fresh = Arc::new(move || {
            let (kind, fault) = (Arc::clone(&kind), make(Arc::clone(&by_hubs), Arc::clone(&kind)));
            Box::pin(async move {
                let planted: Box<dyn OpenStore> = Box::new(Planted { fault: fault.await?, inner: kind.fresh().await? });
                Ok(planted)
            })
        });
        let noticed = match on(check, &Kind { fresh, is_genuine: false, rows_max: backend.rows_max() }, hubs).await {
            Err(Fails::Broken(how)) => Ok(how),
            Err(Fails::Trouble(trouble)) => Err(trouble.to_string()),
            Ok(()) => Err("the check passed".to_owned()),
        };
        planted.push((plant.name, noticed));
    }
    let kind = Arc::clone(backend);
    let fresh: Fresh = Arc::new(move || {
        let kind = Arc::clone(&kind);
        Box::pin(async move { kind.fresh().await })
    });
    let kind = Kind { fresh, is_genuine: true, rows_max: backend.rows_max() };
    let genuine = on(check, &kind, hubs).await.map_err(|fails| match fails {
        Fails::Broken(how) => how,
        Fails::Trouble(trouble) => trouble.to_string(),
    });
    Line { check: check.name, genuine, planted, is_pending }
}

/// Runs a check on a store and closes it.
async fn on(check: &Check, kind: &Kind, hubs: &Arc<Hubs>) -> Holds {
    let mut stage = Stage::new(kind, Arc::clone(hubs)).await?;
    let ran = tokio::time::timeout(CHECK_MAX, (check.run)(&mut stage)).await;
    stage.store.close().await;
    ran.unwrap_or_else(|_late| Err(Fails::Broken(format!("no end within {CHECK_MAX:?}"))))
}
