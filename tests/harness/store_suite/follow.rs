//! The log of changes: whoever follows it by cursor misses no commit and sees none twice.

use super::{
    Check, Fails, Holds, Plant,
    cast::{at, calm, pt},
    ensure,
    fault::{Fault, Page},
    same,
    stage::{Door, Stage},
};
use crate::trouble::Doing;
use async_trait::async_trait;
use ingest::{
    access::{Access, Purpose},
    store::{Change, Cursor, Store},
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
use tokio::task::JoinSet;
use vitals::PatientId;

const WRITERS: usize = 8;

/// How many readings each writer has acknowledged.
const EACH: u32 = 20;

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check {
            name: "a reader with the cursor misses no commit of eight writers, and sees none twice",
            run: |stage| Box::pin(eight_writers(stage)),
            plants: vec![
                Plant::new("a change that commits late is passed over", PassesOver::default),
                Plant::new("the cursor stands before the last change it gave", || StandsBefore),
                Plant::new("a page is told backwards", || Backwards),
            ],
        },
        Check {
            name: "pages of changes join to the whole, and where nothing is new the place stays",
            run: |stage| Box::pin(pages(stage)),
            plants: vec![
                Plant::new("the cursor begins again where nothing is new", || BeginsAgain),
                Plant::new("a page is one longer than asked", || OneMore),
                Plant::new("the change log forgets who sent it", || ForgetsTheHub),
            ],
        },
    ]
}

fn follow() -> Access {
    Access::system(Purpose::Follow)
}

/// The ids of the readings that were stored, with whose they are, in the order of the log.
fn stored(changes: &[Change]) -> Vec<(Option<PatientId>, String)> {
    let stored = changes.iter().filter(|change| change.kind == "reading-stored");
    stored.map(|change| (change.patient.clone(), change.what.clone())).collect()
}

/// Follows by pages of a size until nothing more comes after the writers have ended.
async fn follow_to_the_end(door: Door, page: usize, is_done: Arc<AtomicBool>) -> Result<Vec<Change>, Fails> {
    let (mut seen, mut cursor) = (Vec::new(), Cursor::default());
    loop {
        let was_done = is_done.load(Ordering::SeqCst);
        let (changes, next) = door.store.changes(&follow(), cursor, page).await?;
        if changes.is_empty() && was_done {
            return Ok(seen);
        }
        seen.extend(changes);
        // More than could ever be there: a cursor that goes round.
        ensure(seen.len() < 10_000, "a follower comes to an end")?;
        cursor = next;
    }
}

/// One person's readings, one commit each; what was acknowledged, in order.
async fn write(door: Door, person: usize) -> Result<Vec<String>, Fails> {
    let mut acknowledged = Vec::new();
    for number in 0..EACH {
        let admitted = calm(person, number, number.into());
        door.offer(&admitted, at(100)).await?;
        acknowledged.push(admitted.reading.id.to_string());
    }
    Ok(acknowledged)
}

async fn eight_writers(stage: &mut Stage) -> Holds {
    let is_done = Arc::new(AtomicBool::new(false));
    let mut readers = JoinSet::new();
    for page in [1, 7, 64] {
        readers.spawn(follow_to_the_end(stage.door(), page, is_done.clone()));
    }
    let writers: Vec<_> = (0..WRITERS).map(|person| tokio::spawn(write(stage.door(), person))).collect();
    let mut acknowledged = Vec::new();
    let mut ended = Ok(());
    for writer in writers {
        match writer.await.doing("join a writer")? {
            Ok(ids) => acknowledged.push(ids),
            Err(fails) => ended = Err(fails),
        }
    }
    is_done.store(true, Ordering::SeqCst);
    ended?;
    let (whole, _) = stage.store.changes(&follow(), Cursor::default(), super::stage::ALL).await?;
    while let Some(reader) = readers.join_next().await {
        let seen = stored(&reader.doing("join a reader")??);
        for (person, ids) in acknowledged.iter().enumerate() {
            let of_person = seen.iter().filter(|(patient, _)| *patient == Some(pt(person)));
            let of_person: Vec<String> = of_person.map(|(_, id)| id.clone()).collect();
            same(&of_person, ids, "what a reader saw of one writer, in order")?;
        }
        same(&seen.len(), &acknowledged.iter().map(Vec::len).sum(), "readings that a reader saw")?;
        ensure(seen == stored(&whole), "every reader sees the order that the whole log has")?;
    }
    Ok(())
}

async fn pages(stage: &mut Stage) -> Holds {
    for (number, person) in (0_u32..9).zip([0, 1, 2].into_iter().cycle()) {
        stage.offer(&calm(person, number, 0), at(number.into())).await?;
    }
    let (whole, end) = stage.store.changes(&follow(), Cursor::default(), super::stage::ALL).await?;
    let (mut joined, mut cursor) = (Vec::new(), Cursor::default());
    loop {
        let (page, next) = stage.store.changes(&follow(), cursor, 2).await?;
        ensure(page.len() <= 2 && joined.len() <= whole.len(), "a page is as long as asked, and the pages end")?;
        if page.is_empty() {
            break ensure(next == cursor && next == end, "where nothing is new the place stays")?;
        }
        joined.extend(page);
        cursor = next;
    }
    same(&joined, &whole, "the pages together")?;
    let first = whole.first().map(|change| (change.patient.clone(), change.hub.clone(), change.kind, change.at));
    same(&first, &Some((Some(pt(0)), Some(super::cast::hub(0)), "reading-stored", at(0))), "the first change")
}

/// Drops the last change of every fifth page, as a serial that was drawn before and committed after the page was read.
#[derive(Default)]
struct PassesOver(AtomicUsize);

#[async_trait]
impl Fault for PassesOver {
    async fn changes(&self, real: &dyn Store, who: &Access, after: Cursor, limit: usize) -> Page {
        let (mut page, cursor) = real.changes(who, after, limit).await?;
        if !page.is_empty() && self.0.fetch_add(1, Ordering::SeqCst) % 5 == 4 {
            page.pop();
        }
        Ok((page, cursor))
    }
}

struct StandsBefore;

#[async_trait]
impl Fault for StandsBefore {
    async fn changes(&self, real: &dyn Store, who: &Access, after: Cursor, limit: usize) -> Page {
        let (page, cursor) = real.changes(who, after, limit).await?;
        if page.len() < 2 {
            return Ok((page, cursor));
        }
        let (_, before) = real.changes(who, after, page.len() - 1).await?;
        Ok((page, before))
    }
}

struct Backwards;

#[async_trait]
impl Fault for Backwards {
    async fn changes(&self, real: &dyn Store, who: &Access, after: Cursor, limit: usize) -> Page {
        let (mut page, cursor) = real.changes(who, after, limit).await?;
        page.reverse();
        Ok((page, cursor))
    }
}

struct BeginsAgain;

#[async_trait]
impl Fault for BeginsAgain {
    async fn changes(&self, real: &dyn Store, who: &Access, after: Cursor, limit: usize) -> Page {
        let (page, cursor) = real.changes(who, after, limit).await?;
        let cursor = if page.is_empty() { Cursor::default() } else { cursor };
        Ok((page, cursor))
    }
}

struct OneMore;

#[async_trait]
impl Fault for OneMore {
    async fn changes(&self, real: &dyn Store, who: &Access, after: Cursor, limit: usize) -> Page {
        real.changes(who, after, limit.saturating_add(1)).await
    }
}

struct ForgetsTheHub;

#[async_trait]
impl Fault for ForgetsTheHub {
    async fn changes(&self, real: &dyn Store, who: &Access, after: Cursor, limit: usize) -> Page {
        let (mut page, cursor) = real.changes(who, after, limit).await?;
        page.iter_mut().for_each(|change| change.hub = None);
        Ok((page, cursor))
    }
}
