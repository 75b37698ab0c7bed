//! The event file: one JSON line for each event, in the order of commits, the same for the same seed.
//!
//! Hub, service and notifier run side by side, so within one step of the story their events are put in the order of a
//! reading's day. No port, no wall time, no value and no name is in it.

use crate::{clock::DemoClock, sink::Told};
use hub_agent::HubEvent;
use ingest::events::{AlertStage, ServiceEvent};
use serde::Serialize;
use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
    sync::Arc,
};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    name: &'static str,
    id: String,
    secs: i64,
}

impl Line {
    /// An event with its id; the log adds the time.
    #[must_use]
    pub fn new(name: &'static str, id: impl ToString) -> Self {
        Self { name, id: id.to_string(), secs: 0 }
    }

    /// The line of an event, where it is one of a reading's or an alert's day.
    #[must_use]
    pub fn of(told: &Told) -> Option<Self> {
        match told {
            Told::Hub(event) => Self::of_hub(event),
            Told::Service(event) => Self::of_service(event),
        }
    }

    fn of_hub(event: &HubEvent) -> Option<Self> {
        if let HubEvent::DeviceConnected { device } = event {
            return Some(Self::new("device_connected", device));
        }
        if let HubEvent::ReadingKept { reading_id, .. } = event {
            return Some(Self::new("reading_kept", reading_id));
        }
        if let HubEvent::ReadingAlreadyKept { reading_id } = event {
            return Some(Self::new("reading_already_kept", reading_id));
        }
        if let HubEvent::BatchSent { number, .. } = event {
            return Some(Self::new("batch_sent", number));
        }
        if let HubEvent::ReadingSettled { reading_id, .. } = event {
            return Some(Self::new("reading_settled", reading_id));
        }
        if let HubEvent::PromptShown { reading_id, .. } = event {
            return Some(Self::new("prompt_shown", reading_id));
        }
        None
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "what is new of the service is no line of a reading's day")]
    fn of_service(event: &ServiceEvent) -> Option<Self> {
        Some(match event {
            ServiceEvent::BatchReceived { number, .. } => Self::new("batch_received", number),
            ServiceEvent::ReadingCommitted { reading, .. } => Self::new("reading_committed", reading),
            ServiceEvent::ReadingUnassigned { reading } => Self::new("reading_unassigned", reading),
            ServiceEvent::ReadingDuplicate { reading } => Self::new("reading_duplicate", reading),
            ServiceEvent::ReadingConflict { reading } => Self::new("reading_conflict", reading),
            ServiceEvent::AlertChanged { alert, stage, .. } => Self::new(
                match stage {
                    AlertStage::AwaitsRepeat => "alert_awaits_repeat",
                    AlertStage::Raised => "alert_raised",
                    AlertStage::Notified => "alert_notified",
                    AlertStage::Acknowledged => "alert_acknowledged",
                    AlertStage::Cleared => "alert_cleared",
                    AlertStage::OnTrial => "alert_on_trial",
                },
                alert,
            ),
            ServiceEvent::NotificationSent { job, .. } => Self::new("notification_sent", job),
            _ => return None,
        })
    }

    /// Its place in a reading's day.
    fn stage(&self) -> u8 {
        match self.name {
            "device_connected" => 0,
            "reading_kept" | "reading_already_kept" => 1,
            "batch_sent" => 2,
            "batch_received" => 3,
            "reading_committed" | "reading_unassigned" | "reading_duplicate" | "reading_conflict" => 4,
            "alert_awaits_repeat" | "alert_raised" | "alert_cleared" => 5,
            "reading_settled" => 6,
            "prompt_shown" => 7,
            "notification_sent" => 8,
            "alert_notified" => 9,
            _ => 10,
        }
    }
}

/// The file, or nothing where none was asked for.
pub struct EventLog {
    clock: Arc<DemoClock>,
    file: Option<BufWriter<File>>,
    step: Vec<Line>,
    writes_as_it_comes: bool,
    failed: Option<io::Error>,
}

impl EventLog {
    /// Writes to a file, replacing it; `None` writes nowhere.
    ///
    /// # Errors
    /// Where the file cannot be made.
    pub fn new(path: Option<&Path>, clock: Arc<DemoClock>) -> io::Result<Self> {
        let file = path.map(File::create).transpose()?.map(BufWriter::new);
        Ok(Self { clock, file, step: Vec::new(), writes_as_it_comes: false, failed: None })
    }

    /// Adds a line at the clock's present second.
    pub fn add(&mut self, line: Line) {
        let line = Line { secs: self.clock.secs(), ..line };
        if self.writes_as_it_comes { self.write(&line) } else { self.step.push(line) }
    }

    /// Ends a step of the story.
    pub fn end_step(&mut self) {
        let mut step = std::mem::take(&mut self.step);
        step.sort_by_key(Line::stage);
        for line in &step {
            self.write(line);
        }
    }

    /// Ends the story: lines are written as they come.
    pub fn write_as_it_comes(&mut self) {
        self.end_step();
        self.writes_as_it_comes = true;
    }

    /// Whether the story has ended.
    #[must_use]
    pub fn writes_as_it_comes(&self) -> bool {
        self.writes_as_it_comes
    }

    /// Why the file could not be written, if it could not.
    pub fn failure(&mut self) -> Option<io::Error> {
        self.failed.take()
    }

    fn write(&mut self, line: &Line) {
        let Some(file) = &mut self.file else { return };
        let written = serde_json::to_writer(&mut *file, line)
            .map_err(io::Error::from)
            .and_then(|()| file.write_all(b"\n"))
            .and_then(|()| file.flush());
        if let Err(error) = written {
            self.failed.get_or_insert(error);
            self.file = None;
        }
    }
}
