//! InfluxDB 1.6: the same readings by `/write`, synced before each answer.
//!
//! It leaves out: signatures, checks, rules, alerts, one row for a reading sent twice, and the device's bytes.

use super::{
    super::{
        client::{Lines, Pace},
        machine,
        ours::Shape,
        stats::{Spread, real},
        world::World,
    },
    PeerSample, Process,
};
use crate::{
    clock::wait_until,
    signed_client::Call,
    trouble::{Doing, Trouble},
};
use chrono::{DateTime, Utc};
use std::{
    fmt::Write as _,
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::Command,
    time::Duration,
};
use vitals::{Reading, Who, catalogue};

/// Where Debian puts it, and how to get it.
const FOLDERS: [&str; 2] = ["/usr/bin", "/usr/local/bin"];
pub(in crate::bench_ingest) const NOT_INSTALLED: &str = "InfluxDB is not installed: apt install influxdb";

/// How long it may take to answer after its start.
const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// InfluxDB with a database of its own.
pub(in crate::bench_ingest) struct Influx {
    process: Process,
    address: SocketAddr,
    pub(in crate::bench_ingest) version: String,
}

impl Influx {
    /// Starts it on a folder; nothing where it is not installed.
    pub(in crate::bench_ingest) fn start(folder: &Path) -> Result<Option<Self>, Trouble> {
        let Some(program) = super::found("influxd", &FOLDERS) else { return Ok(None) };
        let said = Command::new(&program).arg("version").output().doing("ask InfluxDB for its version")?;
        let version = String::from_utf8_lossy(&said.stdout).trim().to_owned();
        let folder = folder.join("influx");
        fs::create_dir_all(&folder).doing("make InfluxDB's folder")?;
        let address = free_address()?;
        let config = folder.join("influxdb.conf");
        fs::write(&config, settings(&folder, address)).doing("write InfluxDB's settings")?;
        let mut command = Command::new(program);
        command.arg("-config").arg(&config);
        let mut process = Process::start(&mut command, None, &folder.join("log"))?;
        let is_there =
            || process.has_ended() || Call::new("GET", "/ping").send(address).is_ok_and(|answer| answer.status == 204);
        wait_until(STARTS_WITHIN, "InfluxDB answers", is_there).doing("start InfluxDB")?;
        let answer =
            Call::new("POST", "/query?q=CREATE+DATABASE+bench").with("accept", "application/json").send(address);
        let answer = answer.doing("make a database")?;
        if answer.status != 200 {
            return Err(Trouble::new("make a database", answer.body));
        }
        Ok(Some(Self { process, address, version }))
    }

    pub(in crate::bench_ingest) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// One window at the top rate.
    pub(in crate::bench_ingest) fn sample(
        &self,
        world: &mut World,
        shape: Shape,
        requests: usize,
        lasts: Duration,
        now: DateTime<Utc>,
    ) -> Result<PeerSample, Trouble> {
        let drafts = world.drafts(requests, shape.size, now)?;
        let written = drafts.iter().map(|draft| request(&draft.readings)).collect::<Result<Vec<_>, _>>()?;
        let lines = Lines::connect(self.address, shape.connections)?;
        let before = machine::cpu_of(self.pid())?;
        let load = lines.send(&written, Pace::AsFastAsAnswered(lasts))?;
        let cpu = machine::cpu_of(self.pid())?.saturating_sub(before);
        let readings = real(load.answers.len() * shape.size);
        Ok(PeerSample {
            readings_a_second: readings / load.lasted.as_secs_f64(),
            readings_a_cpu_second: readings / cpu.as_secs_f64(),
            top: Spread::new(load.answers.iter().map(|answered| answered.took).collect()),
        })
    }
}

/// Only what must be said: the rest, `wal-fsync-delay = "0s"` among it, is as it comes.
fn settings(folder: &Path, address: SocketAddr) -> String {
    let folder = folder.display();
    format!(
        "reporting-disabled = true\nbind-address = \"127.0.0.1:0\"\n[meta]\n  dir = \"{folder}/meta\"\n[data]\n  dir = \"{folder}/data\"\n  \
         wal-dir = \"{folder}/wal\"\n  query-log-enabled = false\n[monitor]\n  store-enabled = false\n\
         [http]\n  bind-address = \"{address}\"\n  log-enabled = false\n"
    )
}

fn free_address() -> Result<SocketAddr, Trouble> {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).doing("find a port")
}

/// One measurement, two tags, each number a field, and the record's number, without which nothing could be found again.
fn request(readings: &[Reading]) -> Result<Vec<u8>, Trouble> {
    let mut body = String::new();
    for reading in readings {
        let Who::Patient(patient) = &reading.who else { return Err(Trouble::new("write a point", "it is nobody's")) };
        let numbers = reading.value.measured().map(catalogue::numbers).unwrap_or_default();
        let serial = reading.source.as_str().rsplit('/').next().unwrap_or_default();
        write!(body, "{},patient={patient},device={serial} ", reading.kind.name()).doing("write a point")?;
        for (component, quantity) in numbers {
            write!(body, "{}={},", component.name, quantity.value()).doing("write a point")?;
        }
        let nanos = reading.times.taken.moment().timestamp_nanos_opt().unwrap_or(0);
        writeln!(body, "record=\"{}\" {nanos}", reading.record).doing("write a point")?;
    }
    let length = body.len();
    Ok(format!("POST /write?db=bench HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes())
}
