//! What the service counts, in the text form that Prometheus reads (`GET /metrics`).
//!
//! Counting rides on the events: [`Counted`] counts each and passes it on. What happens too often to be an event (a signature
//! verified, a hello) is counted where it happens. Every number is an atomic; nothing here takes a lock.

use crate::{
    events::{AlertStage, Events, ServiceEvent},
    store::StoreGauges,
};
use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use vitals::ErrorCode;

/// What kind of number a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

macro_rules! metrics {
    ($($name:ident $text:literal $kind:ident $label:literal $help:literal;)*) => {
        /// Every metric there is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum Metric {
            $($name,)*
        }

        impl Metric {
            const ALL: &[Self] = &[$(Self::$name),*];

            fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            fn kind(self) -> Kind {
                match self { $(Self::$name => Kind::$kind,)* }
            }

            /// The name of its label; empty where it has none.
            fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)* }
            }

            fn help(self) -> &'static str {
                match self { $(Self::$name => $help,)* }
            }
        }
    };
}

metrics! {
    Batches "ingest_batches_total" Counter "" "Batches whose signature, digest and number were good.";
    BatchBytes "ingest_batch_bytes_total" Counter "" "Bytes of those batches, as sent.";
    Hellos "ingest_hellos_total" Counter "" "Hellos that were good.";
    Signatures "ingest_signatures_verified_total" Counter "" "Signatures of hubs that were verified and fit.";
    Readings "ingest_readings_total" Counter "outcome" "Readings by what became of them.";
    RulesEvaluated "ingest_rules_evaluated_total" Counter "" "Rules that judged a reading.";
    Refusals "ingest_refusals_total" Counter "code" "Requests refused whole, by error code.";
    AlertChanges "ingest_alert_changes_total" Counter "stage" "Alerts made or changed, by how they then stood.";
    Notifications "ingest_notifications_total" Counter "outcome" "Tries to tell staff, by what came of them.";
    WitnessDisagreements "ingest_witness_disagreements_total" Counter "" "Chain heads returned by hubs that the store never gave. Any but 0: the store was rolled back or changed; somebody must come.";
    RowsDamaged "ingest_damaged_rows_total" Counter "" "Rows found not to be as they were written. Any but 0: somebody must come; the log names them.";
    EntriesMarked "ingest_marked_entries_total" Counter "" "Damaged entries marked, whose readings hubs are asked for again.";
    ScrubPasses "ingest_scrub_passes_total" Counter "" "Times the whole store was looked at for damage.";
    RootsSigned "ingest_roots_signed_total" Counter "" "Roots over all chains signed: one a day.";
    TasksFailed "ingest_tasks_failed_total" Counter "" "Times a background task could not do its work and tried again.";
    CommitSeconds "ingest_commit_duration_seconds" Histogram "" "From handing a batch's readings to the store until all of them are committed and synced.";
    HubsHeard "ingest_hubs_heard" Gauge "" "Hubs heard within the last two minutes, of those that have said hello since the start.";
    HubsSilent "ingest_hubs_silent" Gauge "" "Hubs that have said hello since the start, and nothing in the last two minutes.";
    HubsDeaf "ingest_hubs_deaf" Gauge "" "Hubs that hear nothing over one of their links.";
    HubsWaiting "ingest_hubs_with_waiting_readings" Gauge "" "Hubs whose last hello said that readings wait there.";
    ReadingsWaiting "ingest_hub_readings_waiting" Gauge "" "Readings that wait on all hubs.";
    OldestWaiting "ingest_hub_oldest_waiting_seconds" Gauge "" "How long ago the reading was taken that has waited longest on a hub; left out where none waits.";
    BodyBytes "ingest_body_bytes_held" Gauge "" "Bytes of request bodies held at this moment.";
    StoreReady "ingest_store_ready" Gauge "" "1 where the last heartbeat found the store ready, 0 where it was busy or unavailable.";
    EvaluatedUpTo "ingest_rules_evaluated_up_to_timestamp_seconds" Gauge "" "Every reading acknowledged before this moment has its verdict; seconds since 1970.";
    QueuedEvents "ingest_store_queued_events" Gauge "" "Events that wait to be written; left out where the store has no number for it, like the five below.";
    WalBytes "ingest_store_wal_bytes" Gauge "" "Bytes in the store's write-ahead log.";
    OldestReader "ingest_store_oldest_reader_seconds" Gauge "" "For how long the oldest reader has held its snapshot.";
    FreeReserve "ingest_store_free_reserve_bytes" Gauge "" "Bytes of disk kept free for alerts.";
    AlertsOpen "ingest_alerts_open" Gauge "" "Alerts that wait for somebody.";
}

/// The upper ends of the histogram's buckets in microseconds: from a fast disk's sync to longer than a hub waits.
const COMMIT_MICROS: [u64; 12] =
    [250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000];

/// What can become of a reading.
const OUTCOMES: [&str; 6] = ["judged", "unjudged", "unassigned", "duplicate", "conflict", "rejected"];

/// How an alert can stand.
const STAGES: [AlertStage; 6] = [
    AlertStage::AwaitsRepeat,
    AlertStage::Raised,
    AlertStage::Notified,
    AlertStage::Acknowledged,
    AlertStage::Cleared,
    AlertStage::OnTrial,
];

/// What can come of telling staff.
const NOTIFIED: [&str; 2] = ["sent", "failed"];

#[derive(Debug, Default)]
struct Counter(AtomicU64);

impl Counter {
    fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Everything that is counted since the start.
#[derive(Debug)]
pub struct Metrics {
    batches: Counter,
    batch_bytes: Counter,
    hellos: Counter,
    signatures: Counter,
    readings: [Counter; OUTCOMES.len()],
    rules: Counter,
    refusals: Vec<Counter>,
    alerts: [Counter; STAGES.len()],
    notifications: [Counter; NOTIFIED.len()],
    disagreements: Counter,
    rows_damaged: Counter,
    entries_marked: Counter,
    scrub_passes: Counter,
    roots_signed: Counter,
    tasks_failed: Counter,
    commits: [Counter; COMMIT_MICROS.len() + 1],
    commit_micros: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            batches: Counter::default(),
            batch_bytes: Counter::default(),
            hellos: Counter::default(),
            signatures: Counter::default(),
            readings: Default::default(),
            rules: Counter::default(),
            refusals: ErrorCode::ALL.iter().map(|_| Counter::default()).collect(),
            alerts: Default::default(),
            notifications: Default::default(),
            disagreements: Counter::default(),
            rows_damaged: Counter::default(),
            entries_marked: Counter::default(),
            scrub_passes: Counter::default(),
            roots_signed: Counter::default(),
            tasks_failed: Counter::default(),
            commits: Default::default(),
            commit_micros: Counter::default(),
        }
    }
}

/// What is true at this moment rather than counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Now {
    /// Hubs heard lately.
    pub hubs_heard: u64,
    /// Hubs fallen silent.
    pub hubs_silent: u64,
    /// Hubs deaf on a link.
    pub hubs_deaf: u64,
    /// Hubs with readings that wait.
    pub hubs_with_waiting: u64,
    /// Readings that wait on hubs.
    pub readings_waiting: u64,
    /// How long ago the reading was taken that has waited longest.
    pub oldest_waiting_secs: Option<u64>,
    /// Bytes of bodies held.
    pub body_bytes: u64,
    /// Whether the store was ready at the last heartbeat; none before the first.
    pub is_store_ready: Option<bool>,
    /// Up to when everything has its verdict, in seconds since 1970.
    pub evaluated_up_to_secs: Option<u64>,
    /// The store's own.
    pub store: StoreGauges,
}

impl Metrics {
    /// A hub's signature was verified and fits.
    pub fn signature_verified(&self) {
        self.signatures.add(1);
    }

    /// A hello was taken.
    pub fn hello(&self) {
        self.hellos.add(1);
    }

    /// Counts an event.
    pub fn count(&self, event: &ServiceEvent) {
        match event {
            ServiceEvent::BatchReceived { bytes, .. } => {
                self.batches.add(1);
                self.batch_bytes.add(u64::try_from(*bytes).unwrap_or(u64::MAX));
            }
            ServiceEvent::BatchCommitted { took, .. } => self.commit(*took),
            ServiceEvent::RulesEvaluated { rules } => self.rules.add(u64::from(*rules)),
            ServiceEvent::RequestRefused { code } => {
                let place = ErrorCode::ALL.iter().position(|known| known == code);
                if let Some(counter) = place.and_then(|place| self.refusals.get(place)) {
                    counter.add(1);
                }
            }
            ServiceEvent::ReadingCommitted { is_judged, .. } => {
                self.reading(if *is_judged { "judged" } else { "unjudged" })
            }
            ServiceEvent::ReadingUnassigned { .. } => self.reading("unassigned"),
            ServiceEvent::ReadingDuplicate { .. } => self.reading("duplicate"),
            ServiceEvent::ReadingConflict { .. } => self.reading("conflict"),
            ServiceEvent::ReadingRefused { .. } => self.reading("rejected"),
            ServiceEvent::AlertChanged { stage, .. } => {
                add_at(&self.alerts, STAGES.iter().position(|known| known == stage))
            }
            ServiceEvent::NotificationSent { .. } => self.notification("sent"),
            ServiceEvent::NotificationFailed { .. } => self.notification("failed"),
            ServiceEvent::WitnessDisagrees { .. } => self.disagreements.add(1),
            ServiceEvent::RowDamaged { .. } => self.rows_damaged.add(1),
            ServiceEvent::EntryMarked { .. } => self.entries_marked.add(1),
            ServiceEvent::ScrubbedOnce => self.scrub_passes.add(1),
            ServiceEvent::RootSigned { .. } => self.roots_signed.add(1),
            ServiceEvent::TaskFailed { .. } => self.tasks_failed.add(1),
            ServiceEvent::Started { .. }
            | ServiceEvent::CertificateTaken { .. }
            | ServiceEvent::CertificateNotTaken { .. }
            | ServiceEvent::EmergencyTaken { .. }
            | ServiceEvent::HubSilent { .. }
            | ServiceEvent::HubHeardAgain { .. }
            | ServiceEvent::HubDeaf { .. }
            | ServiceEvent::HubHears { .. }
            | ServiceEvent::StoreFailed
            | ServiceEvent::Stopped { .. } => {}
        }
    }

    fn reading(&self, outcome: &str) {
        add_at(&self.readings, OUTCOMES.iter().position(|known| *known == outcome));
    }

    fn notification(&self, outcome: &str) {
        add_at(&self.notifications, NOTIFIED.iter().position(|known| *known == outcome));
    }

    fn commit(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = COMMIT_MICROS.iter().position(|end| micros <= *end).unwrap_or(COMMIT_MICROS.len());
        add_at(&self.commits, Some(bucket));
        self.commit_micros.add(micros);
    }

    /// Everything, in Prometheus's text form (version 0.0.4).
    ///
    /// ```
    /// let text = ingest::metrics::Metrics::default().text(&ingest::metrics::Now::default());
    /// assert!(text.contains("\ningest_batches_total 0\n"));
    /// assert!(!text.contains("ingest_store_wal_bytes "), "what is not known is left out");
    /// ```
    #[must_use]
    pub fn text(&self, now: &Now) -> String {
        let mut page = Page(String::with_capacity(8 * 1024));
        for metric in Metric::ALL {
            self.write(*metric, now, &mut page);
        }
        page.0
    }

    fn write(&self, metric: Metric, now: &Now, page: &mut Page) {
        let counted = |counter: &Counter| Some(counter.read());
        match metric {
            Metric::Batches => page.one(metric, counted(&self.batches)),
            Metric::BatchBytes => page.one(metric, counted(&self.batch_bytes)),
            Metric::Hellos => page.one(metric, counted(&self.hellos)),
            Metric::Signatures => page.one(metric, counted(&self.signatures)),
            Metric::Readings => page.each(metric, OUTCOMES.into_iter().zip(&self.readings)),
            Metric::RulesEvaluated => page.one(metric, counted(&self.rules)),
            // A code that never came up is left out: there are sixty of them.
            Metric::Refusals => {
                let codes = ErrorCode::ALL.iter().map(|code| code.code()).zip(&self.refusals);
                page.each(metric, codes.filter(|(_, counter)| counter.read() > 0));
            }
            Metric::AlertChanges => page.each(metric, STAGES.into_iter().map(AlertStage::name).zip(&self.alerts)),
            Metric::Notifications => page.each(metric, NOTIFIED.into_iter().zip(&self.notifications)),
            Metric::WitnessDisagreements => page.one(metric, counted(&self.disagreements)),
            Metric::RowsDamaged => page.one(metric, counted(&self.rows_damaged)),
            Metric::EntriesMarked => page.one(metric, counted(&self.entries_marked)),
            Metric::ScrubPasses => page.one(metric, counted(&self.scrub_passes)),
            Metric::RootsSigned => page.one(metric, counted(&self.roots_signed)),
            Metric::TasksFailed => page.one(metric, counted(&self.tasks_failed)),
            Metric::CommitSeconds => self.write_commits(metric, page),
            Metric::HubsHeard => page.one(metric, Some(now.hubs_heard)),
            Metric::HubsSilent => page.one(metric, Some(now.hubs_silent)),
            Metric::HubsDeaf => page.one(metric, Some(now.hubs_deaf)),
            Metric::HubsWaiting => page.one(metric, Some(now.hubs_with_waiting)),
            Metric::ReadingsWaiting => page.one(metric, Some(now.readings_waiting)),
            Metric::OldestWaiting => page.one(metric, now.oldest_waiting_secs),
            Metric::BodyBytes => page.one(metric, Some(now.body_bytes)),
            Metric::StoreReady => page.one(metric, now.is_store_ready.map(u64::from)),
            Metric::EvaluatedUpTo => page.one(metric, now.evaluated_up_to_secs),
            Metric::QueuedEvents => page.one(metric, now.store.queued_events),
            Metric::WalBytes => page.one(metric, now.store.wal_bytes),
            Metric::OldestReader => page.one(metric, now.store.oldest_reader_secs),
            Metric::FreeReserve => page.one(metric, now.store.free_reserve_bytes),
            Metric::AlertsOpen => page.one(metric, now.store.alerts_open),
        }
    }

    fn write_commits(&self, metric: Metric, page: &mut Page) {
        let name = metric.name();
        page.head(metric);
        let mut sum = 0;
        let ends = COMMIT_MICROS.iter().map(|end| seconds(*end)).chain(["+Inf".to_owned()]);
        for (end, counter) in ends.zip(&self.commits) {
            sum += counter.read();
            page.line(format_args!("{name}_bucket{{le=\"{end}\"}} {sum}"));
        }
        page.line(format_args!("{name}_sum {}", seconds(self.commit_micros.read())));
        page.line(format_args!("{name}_count {sum}"));
    }
}

fn add_at(counters: &[Counter], place: Option<usize>) {
    if let Some(counter) = place.and_then(|place| counters.get(place)) {
        counter.add(1);
    }
}

/// Microseconds as seconds, exactly.
fn seconds(micros: u64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

struct Page(String);

impl Page {
    /// A `String` takes every line.
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        let (Ok(()) | Err(std::fmt::Error)) = writeln!(self.0, "{line}");
    }

    fn head(&mut self, metric: Metric) {
        let (name, help, kind) = (metric.name(), metric.help(), metric.kind().name());
        self.line(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"));
    }

    fn one(&mut self, metric: Metric, value: Option<u64>) {
        if let Some(value) = value {
            self.head(metric);
            self.line(format_args!("{} {value}", metric.name()));
        }
    }

    fn each<'a>(&mut self, metric: Metric, values: impl Iterator<Item = (&'static str, &'a Counter)>) {
        self.head(metric);
        for (label, counter) in values {
            self.line(format_args!("{}{{{}=\"{label}\"}} {}", metric.name(), metric.label(), counter.read()));
        }
    }
}

/// The metrics as a page of Markdown: `docs/reference/metrics.md`.
#[must_use]
pub fn reference_page() -> String {
    let mut page = String::from(
        "# Metrics\n\nGenerated from the table in `ingest/src/metrics.rs` by `cargo golden`; do not edit.\n\n\
         `GET /metrics`, from this machine only, in the text form that Prometheus reads. Counters begin at 0 at every start.\n\n\
         | metric | kind | label | what it counts |\n|---|---|---|---|\n",
    );
    for metric in Metric::ALL {
        let label = if metric.label().is_empty() { String::new() } else { format!("`{}`", metric.label()) };
        let row = format!("| `{}` | {} | {label} | {} |\n", metric.name(), metric.kind().name(), metric.help());
        page.push_str(&row);
    }
    page
}

/// Events that are counted before they go on.
pub struct Counted {
    events: Arc<dyn Events>,
    metrics: Arc<Metrics>,
}

impl Counted {
    /// Counts into `metrics` and hands on to `events`.
    #[must_use]
    pub fn new(events: Arc<dyn Events>, metrics: Arc<Metrics>) -> Self {
        Self { events, metrics }
    }
}

impl Events for Counted {
    fn emit(&self, event: &ServiceEvent) {
        self.metrics.count(event);
        self.events.emit(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_say_what_they_count() {
        let names: BTreeSet<&str> = Metric::ALL.iter().map(|metric| metric.name()).collect();
        assert_eq!(names.len(), Metric::ALL.len());
        for metric in Metric::ALL {
            assert!(metric.name().starts_with("ingest_"), "{metric:?}");
            assert_eq!(metric.kind() == Kind::Counter, metric.name().ends_with("_total"), "{metric:?}");
            assert!(metric.help().ends_with('.'), "{metric:?}");
        }
    }

    #[test]
    fn commits_fall_into_buckets_that_add_up() {
        let metrics = Metrics::default();
        for micros in [1, 250, 251, 3_000, 6_000_000] {
            metrics.commit(Duration::from_micros(micros));
        }
        let text = metrics.text(&Now::default());
        for line in [
            "ingest_commit_duration_seconds_bucket{le=\"0.00025\"} 2",
            "ingest_commit_duration_seconds_bucket{le=\"0.0005\"} 3",
            "ingest_commit_duration_seconds_bucket{le=\"0.005\"} 4",
            "ingest_commit_duration_seconds_bucket{le=\"5\"} 4",
            "ingest_commit_duration_seconds_bucket{le=\"+Inf\"} 5",
            "ingest_commit_duration_seconds_sum 6.003502",
            "ingest_commit_duration_seconds_count 5",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }

    /// Every line is one that Prometheus reads: a comment, or a name with perhaps one label, a blank and a number.
    #[test]
    fn every_line_has_the_form_and_every_metric_its_head() {
        let metrics = Metrics::default();
        metrics.count(&ServiceEvent::RequestRefused { code: ErrorCode::ServiceBusy });
        let all = StoreGauges {
            wal_bytes: Some(1),
            queued_events: Some(2),
            oldest_reader_secs: Some(3),
            free_reserve_bytes: Some(4),
            alerts_open: Some(5),
        };
        let now = Now {
            oldest_waiting_secs: Some(6),
            is_store_ready: Some(true),
            evaluated_up_to_secs: Some(7),
            store: all,
            ..Now::default()
        };
        let text = metrics.text(&now);
        for line in text.lines().filter(|line| !line.starts_with("# ")) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line}");
            let (name, labels) = name.split_once('{').unwrap_or((name, "x=\"y\"}"));
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
            assert!(labels.ends_with("\"}") && labels.matches('"').count() == 2, "{line}");
        }
        for metric in Metric::ALL {
            assert!(text.contains(&format!("# TYPE {} {}\n", metric.name(), metric.kind().name())), "{metric:?}");
        }
        assert!(text.contains("ingest_refusals_total{code=\"service_busy\"} 1\n"), "{text}");
    }
}
