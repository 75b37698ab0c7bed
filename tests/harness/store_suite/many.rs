//! More rows than one answer may hold: the answer is cut, however much was asked for, and pages still reach the end.

use super::{
    Check, Holds, Plant,
    cast::{at, hub},
    ensure,
    fault::{Fault, Page, Read},
    same,
    stage::Stage,
};
use async_trait::async_trait;
use ingest::{
    access::{Access, Purpose},
    store::{Cursor, Store, StoredRefusal, Subject},
};
use rules::{Event, event::RefusedReading};
use vitals::ErrorCode;

/// How many more than one answer may hold.
const MORE: usize = 50;

/// How many at a time.
const BATCH: usize = 1000;

pub(super) fn checks() -> Vec<Check> {
    vec![Check {
        name: "no answer is longer than the backend's most, whatever was asked for",
        run: |stage| Box::pin(clamped(stage)),
        plants: vec![
            Plant::new("changes come as many as asked", || AllChanges),
            Plant::new("refusals come as many as asked", || AllRefusals),
        ],
    }]
}

async fn clamped(stage: &mut Stage) -> Holds {
    let wanted = stage.rows_max + MORE;
    let bodies: Vec<usize> = (0..wanted).collect();
    let access = stage.hub(&hub(0))?;
    for batch in bodies.chunks(BATCH) {
        let refused = |n: &usize| {
            let body = n.to_string();
            Event::Refused(Box::new(RefusedReading { hub: hub(0), id: None, code: ErrorCode::UnitNotSupported, body }))
        };
        let events = batch.iter().map(refused).collect();
        stage.one(&access, Subject::Unassigned(hub(0)), events, at(1)).await??;
    }
    let follow = Access::system(Purpose::Follow);
    let refusals = stage.store.refusals(&follow, usize::MAX).await?;
    ensure(refusals.len() <= stage.rows_max && refusals.len() >= MORE, "refusals are cut, and not to nothing")?;
    let (mut all, mut cursor) = (0, Cursor::default());
    loop {
        let (page, next) = stage.store.changes(&follow, cursor, usize::MAX).await?;
        ensure(page.len() <= stage.rows_max, "a page of changes is cut")?;
        if page.is_empty() {
            break same(&all, &wanted, "changes of all pages");
        }
        all += page.len();
        cursor = next;
    }
}

struct AllChanges;

#[async_trait]
impl Fault for AllChanges {
    async fn changes(&self, real: &dyn Store, who: &Access, after: Cursor, limit: usize) -> Page {
        let (mut all, mut cursor) = real.changes(who, after, limit).await?;
        while all.len() < limit {
            let (page, next) = real.changes(who, cursor, limit - all.len()).await?;
            if page.is_empty() {
                break;
            }
            all.extend(page);
            cursor = next;
        }
        Ok((all, cursor))
    }
}

/// There is no second page of refusals, so the rows beyond the cut are made of those before it.
struct AllRefusals;

#[async_trait]
impl Fault for AllRefusals {
    async fn refusals(&self, real: &dyn Store, who: &Access, limit: usize) -> Read<StoredRefusal> {
        let mut refusals = real.refusals(who, limit).await?;
        if refusals.len() < limit {
            refusals.extend(refusals.clone());
            refusals.truncate(limit);
        }
        Ok(refusals)
    }
}
