//! A disk that is really full: the service on a small file system beside a file that takes what room there is.
//!
//! Readings come until the disk takes no more. They are refused, with a time to come back, and nobody is told that anything
//! was stored. What rests on stored readings goes on in the room set aside for it: a notification that waited is told, an
//! alert is taken at its page, and both stand after a kill and a start on the disk that is still full. Once there is room,
//! everything is taken that was refused.
//!
//! Invariant: a store that sets no room aside is caught in the same run, or the run fails.

use super::{
    judge::judge,
    load::{Load, Refused},
    volume::{FileSystem, Volume},
};
use crate::{
    clock::wait_until,
    contents::{Contents, verified},
    ingest_process::{IngestProcess, Starting},
    signed_client::{Answer, Call},
    staff::LOOKS_AFTER,
    trouble::{Doing, Trouble},
    under_test::{PLANT, WITHOUT_RESERVE},
    webhook::{Reply, WebhookListener},
};
use demo::seed::Seeded;
use ingest::disk::RESERVE_BYTES;
use rules::{Alert, Workflow};
use serde::Deserialize;
use std::{
    fmt, fs,
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};
use vitals::{AlertId, ErrorCode, wire::v1::Urgency};

/// What is left on the disk beside the room set aside: some hundred commits.
const LEFT_BYTES: u64 = 2 * 1024 * 1024;

/// Most requests until there are alerts, and until the disk is full.
const REQUESTS_MAX: usize = 20_000;

/// How long what is waited for may take on a busy machine. A notification is tried again after 20 seconds, and room is
/// looked for every 5.
const HAPPENS_WITHIN: Duration = Duration::from_secs(90);

/// The store's folder on the file system, and the file that takes the room beside it.
const DATA: &str = "ingest";
const FILLER: &str = "filler";

/// What came of one full disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Full {
    /// Readings acknowledged, in all.
    pub acknowledged: usize,
    /// Requests taken after the room beside the reserve was taken away, and before the first was refused.
    pub taken_before: usize,
    /// Requests refused while the disk was full.
    pub refused: usize,
    /// Notifications that waited, and were told while the disk was full.
    pub told: usize,
    /// Alerts taken while the disk was full.
    pub taken: usize,
    /// Acknowledged and not there at the end.
    pub lost: usize,
    /// There twice, or stored twice.
    pub duplicated: usize,
    /// Breaches that are stored.
    pub breaches: usize,
    /// Alerts that are there for them.
    pub alerts: usize,
    /// Everything that was broken.
    pub broken: Vec<String>,
}

/// A genuine store on a full disk, and a planted one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullSummary {
    /// On which file system.
    pub file_system: FileSystem,
    /// With the genuine store.
    pub genuine: Full,
    /// With the store that sets no room aside.
    pub planted: Full,
}

impl FullSummary {
    /// Everything that is wrong, in words.
    #[must_use]
    pub fn broken(&self) -> Vec<String> {
        let Self { file_system, genuine, planted } = self;
        let mut broken = genuine.broken.clone();
        for (is_wrong, what) in [
            (!planted.broken.iter().any(|broken| broken.starts_with(NOT_TAKEN)), "the planted store was not caught"),
            (genuine.refused == 0, "nothing was refused"),
            (genuine.taken_before == 0, "nothing was taken before the disk was full"),
            (genuine.told == 0, "no notification was told while the disk was full"),
            (genuine.taken == 0, "no alert was taken while the disk was full"),
            (genuine.lost > 0, "acknowledged readings were lost"),
            (genuine.duplicated > 0, "readings were stored twice"),
            (genuine.breaches == 0, "no breach was stored"),
            (genuine.alerts != genuine.breaches, "not every breach has one alert"),
        ] {
            if is_wrong {
                broken.push(what.to_owned());
            }
        }
        broken.into_iter().map(|broken| format!("{}, full disk: {broken}", file_system.name())).collect()
    }
}

impl fmt::Display for FullSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file_system, genuine, planted } = self;
        let Full { acknowledged, taken_before, refused, told, taken, lost, duplicated, breaches, alerts, .. } = genuine;
        write!(
            f,
            "{}: full disk: {taken_before} requests until it was full, {refused} refused, meanwhile {told} notifications told \
             and {taken} alerts taken; then all taken: acknowledged {acknowledged}, lost {lost}, duplicated {duplicated}, \
             breaches {breaches}, alerts {alerts}; planted without a reserve: {}",
            file_system.name(),
            planted.broken.first().map_or("not caught", String::as_str)
        )
    }
}

/// What is said where an alert could not be taken.
const NOT_TAKEN: &str = "an alert could not be taken while the disk was full";

/// The planted store first, then the genuine one, each on a file system of its own.
pub(super) fn on_full_disks(
    (folder, mount): (&Path, &Path),
    program: &Path,
    kind: FileSystem,
    seed: u64,
) -> Result<FullSummary, Trouble> {
    let play = |is_planted| Disk::begin((folder, mount), program, kind, seed, is_planted)?.play();
    Ok(FullSummary { file_system: kind, planted: play(true)?, genuine: play(false)? })
}

/// The service, its disk, and those who talk to it.
struct Disk {
    volume: Volume,
    load: Load,
    webhook: WebhookListener,
    program: PathBuf,
    settings: PathBuf,
    log: PathBuf,
    random: Seeded,
    is_planted: bool,
    full: Full,
}

#[derive(Deserialize)]
struct Alerts {
    alerts: Vec<Alert>,
}

impl Disk {
    fn begin(
        (folder, mount): (&Path, &Path),
        program: &Path,
        kind: FileSystem,
        seed: u64,
        is_planted: bool,
    ) -> Result<Self, Trouble> {
        let volume = Volume::make(folder, mount, kind)?;
        let load = Load::new(seed)?;
        // Nobody takes a notification until the disk is full.
        let webhook = WebhookListener::start(Reply::Status(503)).doing("listen for notifications")?;
        let more = format!("webhook = '{}'\n", webhook.url());
        let settings = load.people.write_settings(folder, &volume.path().join(DATA), &more)?;
        let log = folder.join("ingest.log");
        fs::write(&log, "").doing("begin a log")?;
        let random = Seeded::new(seed, "who sends until the disk is full");
        let (program, full) = (program.to_owned(), Full::default());
        Ok(Self { volume, load, webhook, program, settings, log, random, is_planted, full })
    }

    fn data(&self) -> PathBuf {
        self.volume.path().join(DATA)
    }

    fn start(&self) -> Result<IngestProcess, Trouble> {
        let people: Vec<&str> = self.load.people.people.iter().map(String::as_str).collect();
        let people = people.join(",");
        let mut environment = vec![(LOOKS_AFTER, people.as_str())];
        if self.is_planted {
            environment.push((PLANT, WITHOUT_RESERVE));
        }
        Starting::start(&self.program, &self.settings, &self.log, &environment)?.process()
    }

    /// From the first start to the ordered stop.
    fn play(mut self) -> Result<Full, Trouble> {
        let process = self.start()?;
        let [alert, another] = self.send_until_alerts(&process)?;
        self.take_room(if self.is_planted { 0 } else { LEFT_BYTES })?;
        self.send_until_refused(&process)?;
        self.expect_unready(&process, "while the disk is full")?;
        self.take(&process, alert)?;
        if !self.full.broken.is_empty() {
            return Ok(self.full);
        }
        self.tell(&process)?;
        process.kill()?;
        process.gone()?;

        let process = self.start().doing("start on the full disk")?;
        self.expect_taken(&process, alert, "after a kill, on the full disk")?;
        self.expect_refused(&process)?;
        self.expect_unready(&process, "after a kill, on the full disk")?;

        self.make_room(&process)?;
        self.expect_taken(&process, alert, "once there was room again")?;

        // Killed, and then not a block is left beside the room set aside: the service must start on that, too.
        process.kill()?;
        process.gone()?;
        self.take_room(0)?;
        let process = self.start().doing("start with not a block left")?;
        let mut is_taken = Ok(false);
        wait_until(HAPPENS_WITHIN, "an alert is taken with not a block left", || {
            is_taken = take(&process, another).map(|answer| answer.status == 303);
            !matches!(is_taken, Ok(false))
        })
        .doing("take an alert")?;
        is_taken?;
        self.full.taken += 1;
        self.expect_taken(&process, another, "with not a block left")?;
        self.make_room(&process)?;
        let (status, _) = process.stop()?;
        if !status.success() {
            self.full.broken.push(format!("the service did not stop in order: {status}; {}", process.log()));
        }
        self.judge()
    }

    /// There is room again: everything that was ever offered is taken.
    fn make_room(&mut self, process: &IngestProcess) -> Result<(), Trouble> {
        fs::remove_file(self.volume.path().join(FILLER)).doing("make room")?;
        let mut refused = Ok(None);
        wait_until(HAPPENS_WITHIN, "readings are taken again", || {
            refused = self.load.offer_first_again(process.address());
            !matches!(refused, Ok(Some(_)))
        })
        .doing("offer readings once there is room")?;
        refused?;
        self.load.offer_all_again(process)?;
        if get(process, "/readyz")?.status != 200 {
            self.full.broken.push("not ready although there is room again".to_owned());
        }
        Ok(())
    }

    /// Sends until two alerts wait that staff are told of at once.
    fn send_until_alerts(&mut self, process: &IngestProcess) -> Result<[AlertId; 2], Trouble> {
        for _ in 0..REQUESTS_MAX {
            if let Some(refused) = self.load.offer_new(&self.random, process.address())? {
                return Err(Trouble::new("send readings to an empty disk", format!("{refused:?}")));
            }
            let waiting: Vec<AlertId> = alerts(process)?
                .into_iter()
                .filter(|alert| alert.urgency == Urgency::ActNow && alert.is_waiting())
                .map(|alert| alert.id)
                .collect();
            if let [first, another, ..] = waiting.as_slice() {
                wait_until(HAPPENS_WITHIN, "a notification was refused", || !self.webhook.posts().is_empty())
                    .doing("see a notification wait")?;
                return Ok([*first, *another]);
            }
        }
        Err(Trouble::new("send readings", "no alert came of them"))
    }

    /// Has a file take the disk's room but for so many bytes, and what is set aside already.
    fn take_room(&self, but: u64) -> Result<(), Trouble> {
        let filler = File::create(self.volume.path().join(FILLER)).doing("make a filler")?;
        let mut taken = 0;
        // What is free is no measure: a file system keeps some of it for its own tables. So all that can be had is taken, the
        // last of it in small pieces, and then some is given back.
        for piece in [1 << 24, 1 << 20, 1 << 16, 1 << 12] {
            loop {
                match rustix::fs::fallocate(&filler, rustix::fs::FallocateFlags::empty(), taken, piece) {
                    Ok(()) => taken += piece,
                    Err(rustix::io::Errno::NOSPC) => break,
                    Err(other) => return Err(Trouble::new("fill the disk", other)),
                }
            }
        }
        filler.set_len(taken.saturating_sub(but)).doing("leave some room")?;
        filler.sync_all().doing("fill the disk")
    }

    fn send_until_refused(&mut self, process: &IngestProcess) -> Result<(), Trouble> {
        for _ in 0..REQUESTS_MAX {
            match self.load.offer_new(&self.random, process.address())? {
                None => self.full.taken_before += 1,
                Some(refused) => {
                    self.refused(&refused);
                    // From now on they are refused before anything is written.
                    return self.expect_refused(process);
                }
            }
        }
        Err(Trouble::new("fill the disk", "no reading was refused"))
    }

    fn expect_refused(&mut self, process: &IngestProcess) -> Result<(), Trouble> {
        match self.load.offer_new(&self.random, process.address())? {
            Some(refused) => self.refused(&refused),
            None => self.full.broken.push("readings were taken while the disk was full".to_owned()),
        }
        Ok(())
    }

    /// The right code, and when to come back.
    fn refused(&mut self, refused: &Refused) {
        self.full.refused += 1;
        let meaning = ErrorCode::StoreUnavailable.meaning();
        let waits = refused.retry_after.as_deref().and_then(|secs| secs.parse::<u64>().ok());
        if (refused.status, refused.code.as_str()) != (meaning.status, meaning.code)
            || waits.is_none_or(|secs| secs == 0)
        {
            self.full.broken.push(format!("readings were refused with {refused:?}"));
        }
    }

    /// The service says that it takes no readings, and lives.
    fn expect_unready(&mut self, process: &IngestProcess, when: &str) -> Result<(), Trouble> {
        let statuses = (get(process, "/readyz")?.status, get(process, "/livez")?.status);
        if statuses != (503, 200) && !self.is_planted {
            self.full.broken.push(format!("{when}, /readyz and /livez answered {statuses:?}"));
        }
        let metrics = get(process, "/metrics")?.body;
        if !metrics.contains("\ningest_store_free_reserve_bytes 0\n") && !self.is_planted {
            self.full.broken.push(format!("{when}, /metrics does not say that the room set aside is given up"));
        }
        Ok(())
    }

    /// Takes an alert at its page.
    fn take(&mut self, process: &IngestProcess, alert: AlertId) -> Result<(), Trouble> {
        let answer = take(process, alert)?;
        if answer.status == 303 {
            self.full.taken += 1;
            self.expect_taken(process, alert, "at once")
        } else {
            self.full.broken.push(format!("{NOT_TAKEN}: {}", answer.status));
            Ok(())
        }
    }

    fn expect_taken(&mut self, process: &IngestProcess, alert: AlertId, when: &str) -> Result<(), Trouble> {
        let is_taken = |known: &Alert| known.id == alert && matches!(known.workflow, Workflow::Acknowledged { .. });
        if !alerts(process)?.iter().any(is_taken) {
            self.full.broken.push(format!("{when}, the alert that was taken is not"));
        }
        Ok(())
    }

    /// Whoever is to be told takes notifications from now on: those that waited come, each once, and it is kept that they did.
    fn tell(&mut self, process: &IngestProcess) -> Result<(), Trouble> {
        let before = self.webhook.bodies();
        let mut waiting: Vec<&String> = before.iter().collect();
        waiting.sort();
        waiting.dedup();
        self.webhook.reply(Reply::Status(200));
        let sent = |metrics: &str| {
            let lines =
                metrics.lines().filter_map(|line| line.strip_prefix("ingest_notifications_total{outcome=\"sent\"} "));
            lines.filter_map(|count| count.parse::<usize>().ok()).next().unwrap_or(0)
        };
        // On the console they were told at once.
        let on_console = waiting.len();
        wait_until(HAPPENS_WITHIN, "the notifications that waited are told", || {
            get(process, "/metrics").is_ok_and(|answer| sent(&answer.body) >= on_console + waiting.len())
        })
        .doing("have notifications told on a full disk")?;
        let after = self.webhook.bodies();
        let told: Vec<&String> = after.iter().skip(before.len()).collect();
        self.full.told = waiting.iter().filter(|body| told.iter().any(|told| told == *body)).count();
        if self.full.told < waiting.len() {
            self.full.broken.push(format!(
                "of {} notifications that waited {} were told",
                waiting.len(),
                self.full.told
            ));
        }
        Ok(())
    }

    fn judge(mut self) -> Result<Full, Trouble> {
        let contents = Contents::read(&self.data())?;
        let found = judge(&self.load, &self.load.history(), &contents);
        let verdict = &found.verdict;
        self.full.acknowledged = verdict.acked;
        if verdict.acked != verdict.invoked {
            self.full.broken.push(format!("acknowledged {} of {} at the end", verdict.acked, verdict.invoked));
        }
        self.full.lost = verdict.lost.len();
        self.full.duplicated = verdict.duplicated.len() + verdict.stored_twice.len();
        (self.full.breaches, self.full.alerts) = (found.breaches, found.alerts);
        self.full.broken.extend(found.broken);
        self.full.broken.extend(self.load.take_wrong());
        self.full.broken.extend(verified(&self.data())?.err());
        Ok(self.full)
    }
}

fn get(process: &IngestProcess, path: &str) -> Result<Answer, Trouble> {
    Call::new("GET", path).send(process.address()).doing("ask the service")
}

/// Takes an alert at its page, as a browser does. The answer is the page's own where it is not shown: a look that cannot be
/// written into the record is refused.
fn take(process: &IngestProcess, alert: AlertId) -> Result<Answer, Trouble> {
    let page = get(process, "/")?;
    if page.status != 200 {
        return Ok(page);
    }
    let csrf = page.body.split("name=\"csrf\" value=\"").nth(1).and_then(|field| field.split('"').next());
    let csrf = csrf.ok_or_else(|| Trouble::new("take an alert", format!("no form on {page:?}")))?;
    let form = Call::new("POST", &format!("/alerts/{alert}/acknowledge"))
        .with("content-type", "application/x-www-form-urlencoded")
        .body(format!("csrf={csrf}&note=Rang"));
    form.send(process.address()).doing("take an alert")
}

fn alerts(process: &IngestProcess) -> Result<Vec<Alert>, Trouble> {
    let answer = get(process, "/v1/alerts")?;
    let Alerts { alerts } = serde_json::from_str(&answer.body).doing("read the alerts")?;
    Ok(alerts)
}

// What is left beside the room set aside must not be the most of it.
const _: () = assert!(LEFT_BYTES < RESERVE_BYTES);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_broken_promise_or_a_planted_store_that_was_not_caught_is_not_good() {
        let genuine = Full {
            acknowledged: 9,
            taken_before: 4,
            refused: 2,
            told: 1,
            taken: 1,
            breaches: 2,
            alerts: 2,
            ..Full::default()
        };
        let planted = Full { broken: vec![format!("{NOT_TAKEN}: 503")], ..Full::default() };
        let good = FullSummary { file_system: FileSystem::Ext4, genuine: genuine.clone(), planted };
        assert_eq!(good.broken(), Vec::<String>::new());
        let with = |genuine: Full| FullSummary { genuine, ..good.clone() };
        for bad in [
            FullSummary { planted: Full::default(), ..good.clone() },
            FullSummary { planted: Full { broken: vec!["another".to_owned()], ..Full::default() }, ..good.clone() },
            with(Full { refused: 0, ..genuine.clone() }),
            with(Full { taken_before: 0, ..genuine.clone() }),
            with(Full { told: 0, ..genuine.clone() }),
            with(Full { taken: 0, ..genuine.clone() }),
            with(Full { lost: 1, ..genuine.clone() }),
            with(Full { duplicated: 1, ..genuine.clone() }),
            with(Full { alerts: 1, ..genuine.clone() }),
            with(Full { broken: vec!["something".to_owned()], ..genuine.clone() }),
        ] {
            assert_eq!(bad.broken().len(), 1, "{bad:?}");
        }
    }
}
