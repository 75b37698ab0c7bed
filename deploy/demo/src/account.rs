//! The account: what happens, told line by line as it happens, to a person at a terminal.

use crate::{cli::Paper, sink::Told};
use chrono::{DateTime, Utc};
use hub_agent::{HubEvent, Instruction, Screen, outbox::Keeping};
use ingest::events::{AlertStage, ServiceEvent};
use std::sync::{Arc, Mutex, PoisonError};
use vitals::{Measure, Reading, SourceId, TakenAt, Value, Who, wire::v1::Urgency};

/// How much of an id is shown: enough to tell the demo's readings apart.
const ID_CHARS: usize = 11;

/// How much of a digest is shown.
const DIGEST_CHARS: usize = 20;

/// What the hub's screen shows, until the account has told it.
#[derive(Debug, Default)]
pub struct HubScreen(Mutex<Vec<Instruction>>);

impl Screen for HubScreen {
    fn show(&self, instruction: &Instruction) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(instruction.clone());
    }
}

/// Tells the story.
pub struct Account {
    paper: Paper,
    screen: Arc<HubScreen>,
}

impl Account {
    /// An account on a paper, of what a screen shows.
    #[must_use]
    pub fn new(paper: Paper, screen: Arc<HubScreen>) -> Self {
        Self { paper, screen }
    }

    /// A device connects: a new paragraph.
    pub fn connected(&self, at: DateTime<Utc>, device: &SourceId) {
        let device = device.as_str().split('/').skip(1).collect::<Vec<_>>().join(" ");
        self.paper.paragraph(&format!("{}  {device} connects", london_clock(at)));
    }

    /// A frame became a reading, and is on the hub's disk.
    pub fn kept(&self, keeping: &Keeping) {
        match keeping {
            Keeping::Kept(kept) => {
                let reading = kept.get();
                self.paper.stage("kept", &format!("{}, for {}  {}", value(reading), whose(reading), short(reading.id)));
            }
            Keeping::AlreadyKept(kept) => self
                .paper
                .stage("kept before", &format!("the same record again, not sent twice  {}", short(*kept.get()))),
            Keeping::Conflict(kept) => {
                self.paper.stage("kept beside", &format!("the same record with other bytes  {}", short(kept.get().id)))
            }
        }
    }

    /// One thing that hub or service said.
    pub fn tell(&self, told: &Told) {
        match told {
            Told::Hub(event) => self.tell_hub(event),
            Told::Service(event) => self.tell_service(event),
        }
    }

    fn tell_hub(&self, event: &HubEvent) {
        if let HubEvent::BatchSent { number, readings, bytes, digest, request_line, .. } = event {
            let digest: String = digest.chars().take(DIGEST_CHARS).collect();
            self.paper.stage(
                "sent",
                &format!("{request_line}, signed, number {number}: {readings} reading, {bytes} bytes, {digest}…"),
            );
        }
        if matches!(event, HubEvent::PromptShown { .. }) {
            for instruction in std::mem::take(&mut *self.screen.0.lock().unwrap_or_else(PoisonError::into_inner)) {
                self.paper.prompt(
                    &name_of(instruction.patient.as_str()),
                    urgency(instruction.urgency),
                    &instruction.text,
                );
            }
        }
    }

    fn tell_service(&self, event: &ServiceEvent) {
        match event {
            ServiceEvent::ReadingCommitted { reading, late, .. } => {
                let late = if *late { ", marked late: it is too old to act on" } else { "" };
                self.paper.stage("committed", &format!("stored and judged in one commit{late}  {}", short(*reading)));
            }
            ServiceEvent::ReadingUnassigned { reading } => self
                .paper
                .stage("committed", &format!("for nobody yet: \"Whose reading is this?\"  {}", short(*reading))),
            ServiceEvent::AlertChanged { alert, urgency: level, stage } => match stage {
                AlertStage::Raised => {
                    self.paper.alert(*level, &format!("{}: raised  {}", urgency(*level), short(*alert)))
                }
                AlertStage::AwaitsRepeat => self.paper.stage(
                    "alert",
                    &format!(
                        "{}: waits for the repeat, no member of staff is called  {}",
                        urgency(*level),
                        short(*alert)
                    ),
                ),
                AlertStage::Cleared => {
                    self.paper.stage("alert", &format!("{}: settled by itself  {}", urgency(*level), short(*alert)))
                }
                AlertStage::Notified | AlertStage::Acknowledged | AlertStage::OnTrial => {}
            },
            ServiceEvent::NotificationSent { channel, alert, .. } => {
                self.paper.stage("told staff", &format!("by {}  {}", channel.name(), short(*alert)))
            }
            ServiceEvent::NotificationFailed { channel, .. } => {
                self.paper.stage("told staff", &format!("not yet: {} did not take it; trying again", channel.name()))
            }
            ServiceEvent::ReadingRefused { code, .. } => self.paper.stage("refused", &code.sentence()),
            ServiceEvent::RequestRefused { code } => self.paper.stage("refused", &code.sentence()),
            ServiceEvent::ReadingDuplicate { reading } => {
                self.paper.stage("committed", &format!("stored before  {}", short(*reading)))
            }
            ServiceEvent::ReadingConflict { reading } => {
                self.paper.stage("committed", &format!("stored before with other contents  {}", short(*reading)))
            }
            ServiceEvent::EmergencyTaken { .. }
            | ServiceEvent::Started { .. }
            | ServiceEvent::CertificateTaken { .. }
            | ServiceEvent::CertificateNotTaken { .. }
            | ServiceEvent::BatchReceived { .. }
            | ServiceEvent::BatchCommitted { .. }
            | ServiceEvent::RulesEvaluated { .. }
            | ServiceEvent::HubSilent { .. }
            | ServiceEvent::HubHeardAgain { .. }
            | ServiceEvent::HubDeaf { .. }
            | ServiceEvent::HubHears { .. }
            | ServiceEvent::WitnessDisagrees { .. }
            | ServiceEvent::RowDamaged { .. }
            | ServiceEvent::EntryMarked { .. }
            | ServiceEvent::ScrubbedOnce
            | ServiceEvent::RootSigned { .. }
            | ServiceEvent::TaskFailed { .. }
            | ServiceEvent::StoreFailed
            | ServiceEvent::Stopped { .. } => {}
        }
    }
}

fn short(id: impl ToString) -> String {
    id.to_string().chars().take(ID_CHARS).collect()
}

fn london_clock(at: DateTime<Utc>) -> String {
    look::time::clock(at)
}

fn urgency(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::ActNow => "Act now",
        Urgency::CheckAgain => "Check again",
        Urgency::AsPlanned => "As planned",
    }
}

/// The first name in a demo id: `pt-rose` is Rose.
fn name_of(patient: &str) -> String {
    let name = patient.strip_prefix("pt-").unwrap_or(patient);
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn whose(reading: &Reading) -> String {
    match &reading.who {
        Who::Patient(patient) => name_of(patient.as_str()),
        Who::Unassigned(_) => "nobody yet".to_owned(),
    }
}

fn value(reading: &Reading) -> String {
    let value = match &reading.value {
        Value::Measured(Measure::BloodPressure(pressure)) => {
            format!("{}/{}mmHg", pressure.systolic.value(), pressure.diastolic.value())
        }
        Value::Measured(measure) => look::words::measure(measure),
        Value::NotMeasured(reason) => look::words::no_value(*reason),
    };
    match reading.times.taken {
        TakenAt::DeviceClock(at) if at.date_naive() != reading.times.hub_received.date_naive() => {
            format!("{value}, taken {}", look::time::date(at))
        }
        TakenAt::DeviceClock(_) | TakenAt::HubClock(_) => value,
    }
}
