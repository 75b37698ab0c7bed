//! The rule worker: takes what is committed, judges it, and writes state and alerts in one transaction.
//!
//! What is committed is known by transaction number: all below the oldest that still runs has ended. So nothing is passed
//! over, and nothing judged twice, because how far it came is in the same transaction. The state of everybody is in memory
//! as well; only this worker writes it.

use super::{
    cluster,
    minimal::{Change, Rules, State},
};
use crate::trouble::{Doing, Trouble};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};
use tokio_postgres::{Client, NoTls, Row, Statement};

/// The word by which the bench starts its own program as the worker.
pub const WORK: &str = "rule-worker";

/// How long it rests where there is nothing new: short beside what a clinician waits, long beside a look.
const RESTS: Duration = Duration::from_millis(5);

struct Statements {
    from: Statement,
    upto: Statement,
    new: Statement,
    state: Statement,
    open: Statement,
    close: Statement,
    progress: Statement,
}

impl Statements {
    async fn prepare(client: &Client) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            from: client.prepare("SELECT upto FROM progress").await?,
            upto: client.prepare("SELECT pg_snapshot_xmin(pg_current_snapshot())::text").await?,
            new: client
                .prepare(
                    "SELECT patient, kind, taken, a, b, c FROM reading \
                     WHERE tx >= ($1::text)::xid8 AND tx < ($2::text)::xid8 ORDER BY patient, taken",
                )
                .await?,
            state: client
                .prepare(
                    "INSERT INTO state SELECT * FROM unnest($1::int[], $2::bytea[]) \
                     ON CONFLICT (patient) DO UPDATE SET memory = excluded.memory",
                )
                .await?,
            open: client
                .prepare(
                    "INSERT INTO alert (patient, rule, opened) \
                     SELECT * FROM unnest($1::int[], $2::smallint[], $3::bigint[])",
                )
                .await?,
            close: client
                .prepare(
                    "UPDATE alert SET cleared = new.at FROM unnest($1::int[], $2::smallint[], $3::bigint[]) \
                     AS new (patient, rule, at) \
                     WHERE alert.patient = new.patient AND alert.rule = new.rule AND alert.cleared IS NULL \
                     AND alert.opened <= new.at",
                )
                .await?,
            progress: client.prepare("UPDATE progress SET upto = $1, judged = judged + $2, rules = rules + $3").await?,
        })
    }
}

/// Works on the PostgreSQL whose socket is in a folder, until that has gone.
///
/// # Errors
/// [`Trouble`] with what went wrong.
pub fn work(folder: &Path) -> Result<(), Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().doing("start a runtime")?;
    runtime.block_on(async {
        let (mut client, connection) = cluster::config(folder).connect(NoTls).await.doing("connect to PostgreSQL")?;
        tokio::spawn(async move { drop(connection.await) });
        let rules = Rules::read()?;
        let statements = Statements::prepare(&client).await.doing("prepare the worker's statements")?;
        let rows = client.query("SELECT patient, memory FROM state", &[]).await.doing("read everybody's state")?;
        let mut states: BTreeMap<i32, State> =
            rows.iter().map(|row| (row.get(0), State::from_bytes(row.get(1)))).collect();
        loop {
            if round(&mut client, &statements, &rules, &mut states).await.doing("judge what is new")? == 0 {
                tokio::time::sleep(RESTS).await;
            }
        }
    })
}

/// Judges what is new, and says how many readings that was.
async fn round(
    client: &mut Client,
    statements: &Statements,
    rules: &Rules,
    states: &mut BTreeMap<i32, State>,
) -> Result<usize, tokio_postgres::Error> {
    let transaction = client.transaction().await?;
    let from: String = transaction.query_one(&statements.from, &[]).await?.get(0);
    let upto: String = transaction.query_one(&statements.upto, &[]).await?.get(0);
    let rows = transaction.query(&statements.new, &[&from, &upto]).await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let judged = Judged::of(&rows, rules, states);
    let memories: Vec<Vec<u8>> =
        judged.touched.iter().map(|patient| states.get(patient).map(State::to_bytes).unwrap_or_default()).collect();
    let patients: Vec<i32> = judged.touched.into_iter().collect();
    transaction.execute(&statements.state, &[&patients, &memories]).await?;
    for (statement, (patients, numbers, times)) in
        [(&statements.open, judged.opened), (&statements.close, judged.cleared)]
    {
        if !patients.is_empty() {
            transaction.execute(statement, &[&patients, &numbers, &times]).await?;
        }
    }
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    transaction.execute(&statements.progress, &[&upto, &count, &judged.rules]).await?;
    transaction.commit().await?;
    Ok(rows.len())
}

type Columns = (Vec<i32>, Vec<i16>, Vec<i64>);

/// What a round came to.
#[derive(Default)]
struct Judged {
    touched: BTreeSet<i32>,
    opened: Columns,
    cleared: Columns,
    rules: i64,
}

impl Judged {
    fn of(rows: &[Row], rules: &Rules, states: &mut BTreeMap<i32, State>) -> Self {
        let mut judged = Self::default();
        for row in rows {
            let (patient, kind, taken): (i32, i16, i64) = (row.get(0), row.get(1), row.get(2));
            let numbers: Vec<i32> = (3..6).map_while(|column| row.get::<_, Option<i32>>(column)).collect();
            let (ran, changes) = rules.judge(states.entry(patient).or_default(), kind, taken, &numbers);
            judged.rules += i64::try_from(ran).unwrap_or(0);
            judged.touched.insert(patient);
            for change in changes {
                let (columns, rule) = match change {
                    Change::Opened(rule) => (&mut judged.opened, rule),
                    Change::Cleared(rule) => (&mut judged.cleared, rule),
                };
                columns.0.push(patient);
                columns.1.push(rule);
                columns.2.push(taken);
            }
        }
        judged
    }
}
