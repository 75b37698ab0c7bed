//! The load on PostgreSQL: the same readings, one insert a request, one request at a time on each connection.

use super::{
    super::super::{stats::Spread, world::Draft},
    minimal,
};
use crate::{
    clock,
    trouble::{Doing, Trouble},
};
use std::{cell::RefCell, collections::VecDeque, time::Duration};
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinSet,
};
use tokio_postgres::{Client, Config, NoTls, Statement, types::ToSql};
use vitals::{ClockOffset, DeviceTime, Measure, Reading, Who, catalogue};

/// A request of one reading: a plain prepared insert.
const ONE: &str = "INSERT INTO reading (source, record, patient, hub, kind, frame, taken, device_time, heard, ahead, flags, \
                   a, b, c, raw) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT DO NOTHING";

/// A request of more: arrays, so that there is one statement to run.
const MANY: &str = "INSERT INTO reading (source, record, patient, hub, kind, frame, taken, device_time, heard, ahead, flags, \
                    a, b, c, raw) \
                    SELECT * FROM unnest($1::int[], $2::bigint[], $3::int[], $4::int[], $5::smallint[], $6::smallint[], \
                    $7::bigint[], $8::bigint[], $9::bigint[], $10::int[], $11::int[], $12::int[], $13::int[], $14::int[], \
                    $15::bytea[]) ON CONFLICT DO NOTHING";

/// The readings of one request, column by column.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    source: Vec<i32>,
    record: Vec<i64>,
    patient: Vec<i32>,
    hub: Vec<i32>,
    kind: Vec<i16>,
    frame: Vec<i16>,
    taken: Vec<i64>,
    device_time: Vec<Option<i64>>,
    heard: Vec<i64>,
    ahead: Vec<Option<i32>>,
    flags: Vec<i32>,
    a: Vec<Option<i32>>,
    b: Vec<Option<i32>>,
    c: Vec<Option<i32>>,
    raw: Vec<Vec<u8>>,
}

type Value<'a> = &'a (dyn ToSql + Sync);

impl Rows {
    /// The rows that a request is.
    pub(super) fn of(draft: &Draft) -> Result<Self, Trouble> {
        let mut rows = Self::default();
        for reading in &draft.readings {
            rows.add(reading, i32::try_from(draft.home).doing("number a hub")?)?;
        }
        Ok(rows)
    }

    fn add(&mut self, reading: &Reading, hub: i32) -> Result<(), Trouble> {
        let Who::Patient(patient) = &reading.who else { return Err(Trouble::new("write a row", "it is nobody's")) };
        let number = patient.as_str().trim_start_matches("pt-").parse::<i32>().doing("number a person")?;
        let kind = minimal::kind_number(reading.kind);
        // A device is its person and what it measures, and so is the kind of its frames.
        self.source.push(number * 16 + i32::from(kind));
        self.record.push(i64::from_be_bytes(*reading.record.as_bytes()));
        self.patient.push(number);
        self.hub.push(hub);
        self.kind.push(kind);
        self.frame.push(kind);
        self.taken.push(reading.times.taken.moment().timestamp_micros());
        let device_time = reading.times.device.and_then(DeviceTime::local);
        self.device_time.push(device_time.map(|time| time.and_utc().timestamp_micros()));
        self.heard.push(reading.times.hub_received.timestamp_micros());
        self.ahead.push(match reading.times.offset {
            ClockOffset::ReadAtConnection { device_ahead_secs } => i32::try_from(device_ahead_secs).ok(),
            ClockOffset::NotRead => None,
        });
        self.flags.push(i32::try_from(reading.quality.flags().count()).doing("count the flags")?);
        let mut numbers = reading.value.measured().map(thousandths).transpose()?.unwrap_or_default().into_iter();
        for column in [&mut self.a, &mut self.b, &mut self.c] {
            column.push(numbers.next());
        }
        self.raw.push(reading.raw.bytes.clone());
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.record.len()
    }

    async fn insert(&self, client: &Client, one: &Statement, many: &Statement) -> Result<u64, tokio_postgres::Error> {
        match self.single() {
            Some(values) => client.execute(one, &values).await,
            None => client.execute(many, &self.columns()).await,
        }
    }

    fn columns(&self) -> [Value<'_>; 15] {
        let Self { source, record, patient, hub, kind, frame, taken, device_time, heard, ahead, flags, a, b, c, raw } =
            self;
        [source, record, patient, hub, kind, frame, taken, device_time, heard, ahead, flags, a, b, c, raw]
    }

    /// The values of the one reading, where there is one.
    fn single(&self) -> Option<[Value<'_>; 15]> {
        fn only<T: ToSql + Sync>(column: &[T]) -> Option<Value<'_>> {
            let [value] = column else { return None };
            Some(value)
        }
        let Self { source, record, patient, hub, kind, frame, taken, device_time, heard, ahead, flags, a, b, c, raw } =
            self;
        let (device_time, ahead) = (only(device_time)?, only(ahead)?);
        let [a, b, c] = [only(a)?, only(b)?, only(c)?];
        let [source, record, patient, hub] = [only(source)?, only(record)?, only(patient)?, only(hub)?];
        let [kind, frame, taken, heard] = [only(kind)?, only(frame)?, only(taken)?, only(heard)?];
        let [flags, raw] = [only(flags)?, only(raw)?];
        Some([source, record, patient, hub, kind, frame, taken, device_time, heard, ahead, flags, a, b, c, raw])
    }
}

/// The numbers of a measure that a row has, in thousandths.
fn thousandths(measure: &Measure) -> Result<Vec<i32>, Trouble> {
    let numbers = catalogue::numbers(measure);
    let named = |name: &&str| numbers.iter().find(|(component, _)| component.name == *name);
    let found = minimal::numbers_of(measure.kind()).iter().filter_map(named);
    found.map(|(_, quantity)| minimal::thousandths(quantity.value())).collect()
}

type Ready = (Client, Statement, Statement);

/// Connections to PostgreSQL, driven by one thread.
pub(super) struct Loader {
    config: Config,
    runtime: Runtime,
    own: Client,
    clients: RefCell<Vec<Ready>>,
}

impl Loader {
    pub(super) fn new(config: Config) -> Result<Self, Trouble> {
        let runtime = Builder::new_current_thread().enable_all().build().doing("start a runtime")?;
        let own = runtime.block_on(connect(&config))?;
        Ok(Self { config, runtime, own, clients: RefCell::default() })
    }

    pub(super) fn execute(&self, sql: &str) -> Result<(), Trouble> {
        self.runtime.block_on(self.own.batch_execute(sql)).doing("make the tables")
    }

    /// How many readings the worker has judged, and by how many rules.
    pub(super) fn progress(&self) -> Result<(i64, i64), Trouble> {
        let row = self.runtime.block_on(self.own.query_one("SELECT judged, rules FROM progress", &[]));
        let row = row.doing("ask how far the worker is")?;
        Ok((row.get(0), row.get(1)))
    }

    /// Opens so many connections with their statements prepared, where there are fewer.
    pub(super) fn connect(&self, count: usize) -> Result<(), Trouble> {
        let mut clients = self.clients.borrow_mut();
        while clients.len() < count {
            let ready = async {
                let client = connect(&self.config).await?;
                let one = client.prepare(ONE).await.doing("prepare an insert")?;
                let many = client.prepare(MANY).await.doing("prepare an insert")?;
                Ok::<Ready, Trouble>((client, one, many))
            };
            clients.push(self.runtime.block_on(ready)?);
        }
        Ok(())
    }

    /// Sends requests until a time has passed or all are answered, and says how long each took.
    pub(super) fn send(&self, rows: Vec<Rows>, connections: usize, lasts: Duration) -> Result<Spread, Trouble> {
        self.connect(connections)?;
        let mut waiting: Vec<VecDeque<Rows>> = (0..connections).map(|_| VecDeque::new()).collect();
        for (place, rows) in rows.into_iter().enumerate() {
            if let Some(queue) = waiting.get_mut(place % connections) {
                queue.push_back(rows);
            }
        }
        let mut busy = self.clients.take();
        let idle = busy.split_off(connections);
        let start = clock::instant();
        let all = async {
            let mut tasks = JoinSet::new();
            for ((client, one, many), queue) in busy.into_iter().zip(waiting) {
                tasks.spawn(async move {
                    let mut times = Vec::with_capacity(queue.len());
                    for rows in queue {
                        let from = clock::instant();
                        if from - start >= lasts {
                            break;
                        }
                        let stored = rows.insert(&client, &one, &many).await.doing("insert readings")?;
                        if usize::try_from(stored).ok() != Some(rows.len()) {
                            return Err(Trouble::new("insert readings", format!("{stored} of {} are new", rows.len())));
                        }
                        times.push(clock::instant() - from);
                    }
                    Ok(((client, one, many), times))
                });
            }
            let (mut clients, mut times) = (Vec::new(), Vec::new());
            while let Some(task) = tasks.join_next().await {
                let (client, of_client) = task.doing("drive a connection")??;
                clients.push(client);
                times.extend(of_client);
            }
            Ok::<_, Trouble>((clients, times))
        };
        let (mut clients, times) = self.runtime.block_on(all)?;
        clients.extend(idle);
        self.clients.replace(clients);
        Ok(Spread::new(times))
    }
}

async fn connect(config: &Config) -> Result<Client, Trouble> {
    let (client, connection) = config.connect(NoTls).await.doing("connect to PostgreSQL")?;
    tokio::spawn(async move {
        // Its client says so too, and there it is heard.
        drop(connection.await);
    });
    Ok(client)
}
