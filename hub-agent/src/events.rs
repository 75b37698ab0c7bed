//! What the hub says about itself: named events that log and, later, count together.
//!
//! Invariant: no event holds a name, a value, a prompt's words, a key or a body; ids, codes, counts and digests only.

use crate::{config::BluetoothAddress, prompt::Withheld};
use chrono::{DateTime, Utc};
use std::path::PathBuf;
use tracing::{error, info, warn};
use vitals::{
    ErrorCode, Kind, PatientId, ReadingId, SourceId,
    wire::{
        signing::RequestNumber,
        v1::{Lane, Outcome, Urgency},
    },
};

/// Where events go. The log by default; the demo and the tests pass their own.
pub trait Events: Send + Sync {
    /// Takes one event. Never blocks for long: the next frame waits for it.
    fn emit(&self, event: &HubEvent);
}

/// One thing that happened on the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HubEvent {
    /// The agent is ready, its outbox open.
    AgentStarted {
        /// How often this hub's memory was set up.
        epoch: u32,
        /// How many readings wait to be sent.
        waiting: u64,
    },
    /// A device connected.
    DeviceConnected {
        /// The device.
        device: SourceId,
    },
    /// A device disconnected.
    DeviceDisconnected {
        /// The device.
        device: SourceId,
    },
    /// The hub hears nothing over Bluetooth, whatever devices say.
    BluetoothDeaf {
        /// Since when.
        since: DateTime<Utc>,
        /// Why: `no_bus`, `no_service`, `no_adapter`, `no_answer`, `not_allowed`, `silent` or `failed`.
        why: &'static str,
    },
    /// The hub hears Bluetooth devices again.
    BluetoothHears {
        /// How long it was deaf.
        deaf_secs: i64,
    },
    /// A conversation with a Bluetooth device did not get through a step; the device is tried again.
    DeviceStepFailed {
        /// The device's address.
        address: BluetoothAddress,
        /// The step, for example `connect`.
        step: &'static str,
        /// Why, for example `time_limit`.
        why: &'static str,
    },
    /// A device's clock was set.
    DeviceClockSet {
        /// The device.
        device: SourceId,
        /// How far it was ahead of the hub's; `None` where it could not be read or had never been set.
        ahead_secs: Option<i64>,
    },
    /// What a device says of its battery. Advisory: some say nought with a fresh one.
    DeviceBattery {
        /// The device.
        device: SourceId,
        /// How full it is.
        percent: u8,
    },
    /// A serial port was opened.
    PortOpened {
        /// Its path.
        port: PathBuf,
    },
    /// A serial port went away or could not be opened; it is opened again when it comes back.
    PortGone {
        /// Its path.
        port: PathBuf,
        /// Why: `unplugged`, `missing`, `not_allowed`, `busy` or `failed`.
        why: &'static str,
    },
    /// Bytes on a serial line were no part of any record.
    BytesDropped {
        /// The port's path.
        port: PathBuf,
        /// How many.
        bytes: usize,
        /// Why.
        why: &'static str,
    },
    /// The device on a serial line needs to be set up differently.
    SetUpHint {
        /// The port's path.
        port: PathBuf,
        /// The hint's stable name.
        hint: &'static str,
        /// What it means and what to do.
        sentence: &'static str,
    },
    /// Live values that were not picked as readings: a stream gives many more than anybody needs.
    LiveValuesPassedOver {
        /// The device.
        device: SourceId,
        /// How many since this was last said.
        values: u64,
    },
    /// A frame gave no measurement; its bytes are kept as a reading without a value.
    FrameUndecodable {
        /// The reading that holds its bytes.
        reading_id: ReadingId,
        /// Why.
        code: ErrorCode,
    },
    /// A reading is on the disk: stage 4 of its day.
    ReadingKept {
        /// The reading.
        reading_id: ReadingId,
        /// What was measured.
        kind: Kind,
        /// Why there is no value, where there is none.
        no_value: Option<ErrorCode>,
        /// Whether a person is bound to it.
        is_assigned: bool,
    },
    /// A device repeated a reading that was kept before; it is not sent again.
    ReadingAlreadyKept {
        /// The reading.
        reading_id: ReadingId,
    },
    /// Two readings claim one id with different bytes; both are kept and sent.
    ReadingConflicts {
        /// The id they claim.
        reading_id: ReadingId,
    },
    /// A reading could not be kept. The device still has it, or it is lost.
    ReadingNotKept {
        /// The reading.
        reading_id: ReadingId,
        /// Why.
        code: ErrorCode,
    },
    /// A batch was handed to the network, signed: stage 5.
    BatchSent {
        /// The request's number, its nonce.
        number: RequestNumber,
        /// The lane.
        lane: Lane,
        /// How many readings.
        readings: usize,
        /// Which, in the order of the body: with the number, what became of a request says what became of them.
        reading_ids: Vec<ReadingId>,
        /// How long the body is, in bytes.
        bytes: usize,
        /// The request line, for example `POST /v1/batches`.
        request_line: String,
        /// The Content-Digest header, for example `sha-256=:…:`.
        digest: String,
    },
    /// The service answered a batch, one line for each reading: stage 9.
    ReceiptReceived {
        /// The request's number.
        number: RequestNumber,
        /// How many readings were settled.
        readings: usize,
    },
    /// The service has a reading, or refused it for good.
    ReadingSettled {
        /// The reading.
        reading_id: ReadingId,
        /// What became of it.
        outcome: Outcome,
        /// The code, where it was rejected or in conflict.
        code: Option<ErrorCode>,
    },
    /// The service refused a whole batch; its readings wait on.
    BatchRefused {
        /// The request's number.
        number: RequestNumber,
        /// The HTTP status.
        status: u16,
        /// The code, where the answer had one we know.
        code: Option<ErrorCode>,
    },
    /// The service could not be reached, or its answer could not be used; the readings wait on.
    LinkDown {
        /// The request's number.
        number: RequestNumber,
        /// Why: `connect`, `time_limit`, `broken`, `answer_too_large`, `busy`, `not_stored` or `receipt_malformed`.
        why: &'static str,
    },
    /// The service's heartbeat counts: people's readings reach their team.
    ServiceConnected {
        /// Every reading acknowledged before this moment has its verdict.
        rules_evaluated_up_to: Option<DateTime<Utc>>,
    },
    /// No heartbeat that counts for two minutes: readings are kept, and nobody sees them yet.
    ServiceNotConnected,
    /// A heartbeat does not count; said once until that changes.
    HeartbeatNotTaken {
        /// Why: `missing`, `malformed`, `not_signed` or `old`.
        why: &'static str,
    },
    /// The service is not known by what it showed; nothing was sent. Said once until that changes.
    ServiceNotTrusted {
        /// Why: `certificate_changed`, `certificate_expired`, `certificate_not_yet`, `certificate_other_name`,
        /// `certificate_unknown_authority` or `tls`.
        why: &'static str,
    },
    /// The service is known again.
    ServiceTrustedAgain,
    /// The service signs with another key, for which the one before has vouched.
    ServiceKeyFollowed {
        /// Which.
        key: String,
    },
    /// The service has named the certificate that will follow, or shows it.
    CertificateFollowed,
    /// No key of the service is in the settings: whoever answers at its address passes for it.
    ServiceKeyNotPinned,
    /// The service asked for readings again; those that are still here are sent again.
    ReadingsOfferedAgain {
        /// How many it asked for.
        asked: usize,
        /// How many are sent again.
        offered: usize,
    },
    /// What readings hold that were settled long ago was wiped.
    SettledWiped {
        /// How many readings.
        readings: usize,
    },
    /// A person was shown an instruction.
    PromptShown {
        /// The person.
        patient: PatientId,
        /// The reading that led to it.
        reading_id: ReadingId,
        /// How urgent it is.
        urgency: Urgency,
    },
    /// An instruction was not shown.
    PromptWithheld {
        /// The reading that led to it.
        reading_id: ReadingId,
        /// Why.
        why: Withheld,
    },
    /// A row of the outbox is not what was written; it is set aside and the others go on.
    OutboxRowDamaged {
        /// The row's number in the outbox.
        row: i64,
    },
    /// The agent stopped.
    AgentStopped {
        /// How many readings still wait on the disk.
        waiting: u64,
    },
}

impl HubEvent {
    /// The event's stable name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::AgentStarted { .. } => "agent_started",
            Self::DeviceConnected { .. } => "device_connected",
            Self::DeviceDisconnected { .. } => "device_disconnected",
            Self::BluetoothDeaf { .. } => "bluetooth_deaf",
            Self::BluetoothHears { .. } => "bluetooth_hears",
            Self::DeviceStepFailed { .. } => "device_step_failed",
            Self::DeviceClockSet { .. } => "device_clock_set",
            Self::DeviceBattery { .. } => "device_battery",
            Self::PortOpened { .. } => "port_opened",
            Self::PortGone { .. } => "port_gone",
            Self::BytesDropped { .. } => "bytes_dropped",
            Self::SetUpHint { .. } => "set_up_hint",
            Self::LiveValuesPassedOver { .. } => "live_values_passed_over",
            Self::FrameUndecodable { .. } => "frame_undecodable",
            Self::ReadingKept { .. } => "reading_kept",
            Self::ReadingAlreadyKept { .. } => "reading_already_kept",
            Self::ReadingConflicts { .. } => "reading_conflicts",
            Self::ReadingNotKept { .. } => "reading_not_kept",
            Self::BatchSent { .. } => "batch_sent",
            Self::ReceiptReceived { .. } => "receipt_received",
            Self::ReadingSettled { .. } => "reading_settled",
            Self::BatchRefused { .. } => "batch_refused",
            Self::LinkDown { .. } => "link_down",
            Self::ServiceConnected { .. } => "service_connected",
            Self::ServiceNotConnected => "service_not_connected",
            Self::HeartbeatNotTaken { .. } => "heartbeat_not_taken",
            Self::ServiceNotTrusted { .. } => "service_not_trusted",
            Self::ServiceTrustedAgain => "service_trusted_again",
            Self::ServiceKeyFollowed { .. } => "service_key_followed",
            Self::CertificateFollowed => "certificate_followed",
            Self::ServiceKeyNotPinned => "service_key_not_pinned",
            Self::ReadingsOfferedAgain { .. } => "readings_offered_again",
            Self::SettledWiped { .. } => "settled_wiped",
            Self::PromptShown { .. } => "prompt_shown",
            Self::PromptWithheld { .. } => "prompt_withheld",
            Self::OutboxRowDamaged { .. } => "outbox_row_damaged",
            Self::AgentStopped { .. } => "agent_stopped",
        }
    }
}

/// The log: WARN is odd but nothing is lost, ERROR means that something is lost or someone must come.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogEvents;

impl Events for LogEvents {
    fn emit(&self, event: &HubEvent) {
        let name = event.name();
        match event {
            HubEvent::AgentStarted { epoch, waiting } => {
                info!(
                    event = name,
                    hub.epoch = epoch,
                    outbox.waiting = waiting,
                    "Agent started (readings waiting: {waiting})."
                );
            }
            HubEvent::DeviceConnected { device } => {
                info!(event = name, device.source = %device, "Device {device} connected.")
            }
            HubEvent::DeviceDisconnected { device } => {
                info!(event = name, device.source = %device, "Device {device} disconnected.")
            }
            HubEvent::BluetoothDeaf { since, why } => {
                error!(event = name, bluetooth.deaf_since = %since, why, "The hub hears nothing over Bluetooth since {since} ({why}); it keeps trying.");
            }
            HubEvent::BluetoothHears { deaf_secs } => {
                info!(
                    event = name,
                    bluetooth.deaf_secs = deaf_secs,
                    "The hub hears Bluetooth devices again (deaf for {deaf_secs} s)."
                );
            }
            HubEvent::DeviceStepFailed { address, step, why } => {
                warn!(event = name, device.address = %address, step, why, "Device {address} did not get through {step} ({why}); it is tried again.");
            }
            HubEvent::DeviceClockSet { device, ahead_secs } => {
                let was = ahead_secs.map_or("not known to be set".to_owned(), |secs| format!("{secs} s ahead"));
                info!(event = name, device.source = %device, device.ahead_secs = ahead_secs, "Set the clock of {device}, which was {was}.");
            }
            HubEvent::DeviceBattery { device, percent } => {
                info!(event = name, device.source = %device, device.battery_percent = percent, "The battery of {device} is at {percent} %, it says.");
            }
            HubEvent::PortOpened { port } => {
                info!(event = name, port = %port.display(), "Opened serial port {}.", port.display());
            }
            HubEvent::PortGone { port, why } => {
                warn!(event = name, port = %port.display(), why, "Serial port {} is not there ({why}); it is opened when it comes back.", port.display());
            }
            HubEvent::BytesDropped { port, bytes, why } => {
                warn!(event = name, port = %port.display(), bytes, why, "Passed over {bytes} bytes on {} ({why}).", port.display());
            }
            HubEvent::SetUpHint { port, hint, sentence } => {
                warn!(event = name, port = %port.display(), hint, "On {}: {sentence}", port.display());
            }
            HubEvent::LiveValuesPassedOver { device, values } => {
                info!(event = name, device.source = %device, values, "Picked readings from the stream of {device} and passed over {values} values.");
            }
            HubEvent::FrameUndecodable { reading_id, code } => {
                let code = code.code();
                warn!(event = name, reading.id = %reading_id, code, "A frame gave no measurement ({code}); its bytes are kept as {reading_id}.");
            }
            HubEvent::ReadingKept { reading_id, kind, no_value, is_assigned } => {
                let (kind, no_value) = (kind.name(), no_value.map(ErrorCode::code));
                info!(event = name, reading.id = %reading_id, reading.kind = kind, reading.no_value = no_value, reading.is_assigned = is_assigned, "Kept {kind} reading {reading_id}.");
            }
            HubEvent::ReadingAlreadyKept { reading_id } => {
                info!(event = name, reading.id = %reading_id, "Reading {reading_id} was kept before; the device repeated it.");
            }
            HubEvent::ReadingConflicts { reading_id } => {
                warn!(event = name, reading.id = %reading_id, "Two readings claim {reading_id} with different bytes; both are kept.");
            }
            HubEvent::ReadingNotKept { reading_id, code } => {
                let code = code.code();
                error!(event = name, reading.id = %reading_id, code, "Reading {reading_id} could not be kept ({code}).");
            }
            HubEvent::BatchSent { number, lane, readings, bytes, request_line, digest, reading_ids: _ } => {
                info!(event = name, request.number = %number, request.line = request_line, request.digest = digest, batch.lane = ?lane, batch.readings = readings, batch.bytes = bytes, "Sent {request_line} number {number} (readings: {readings}, bytes: {bytes}), digest {digest}.");
            }
            HubEvent::ReceiptReceived { number, readings } => {
                info!(event = name, request.number = %number, batch.readings = readings, "The service answered {number} in full (readings: {readings}).");
            }
            HubEvent::ReadingSettled { reading_id, outcome, code } => {
                let code = code.map(ErrorCode::code);
                info!(event = name, reading.id = %reading_id, reading.outcome = ?outcome, code, "Reading {reading_id} is settled: {outcome:?}.");
            }
            HubEvent::BatchRefused { number, status, code } => {
                let code = code.map(ErrorCode::code);
                error!(event = name, request.number = %number, http.status = status, code, "The service refused {number} (status {status}); the readings wait. Someone must look.");
            }
            HubEvent::LinkDown { number, why } => {
                warn!(event = name, request.number = %number, why, "The service gave no usable answer to {number} ({why}); the readings wait.");
            }
            HubEvent::ServiceConnected { rules_evaluated_up_to } => {
                let up_to = rules_evaluated_up_to.map(|moment| moment.to_rfc3339());
                info!(event = name, service.rules_evaluated_up_to = up_to, "Connected: the service answers.");
            }
            HubEvent::ServiceNotConnected => {
                warn!(event = name, "Not connected. Readings are saved, but the team cannot see them yet.");
            }
            HubEvent::HeartbeatNotTaken { why } => {
                error!(
                    event = name,
                    why,
                    "The service's heartbeat does not count ({why}). If its key was not changed, treat this as an attack."
                );
            }
            HubEvent::ServiceNotTrusted { why } => {
                error!(
                    event = name,
                    why,
                    "The service is not known by what it showed ({why}); nothing was sent, and readings are kept. If nobody changed its certificate, treat this as an attack."
                );
            }
            HubEvent::ServiceTrustedAgain => info!(event = name, "The service is known again."),
            HubEvent::ServiceKeyFollowed { key } => {
                info!(
                    event = name,
                    service.key = key,
                    "The service signs with {key} now; the key before vouched for it."
                );
            }
            HubEvent::CertificateFollowed => {
                info!(event = name, "The service has named its certificates, and this hub knows them.");
            }
            HubEvent::ServiceKeyNotPinned => {
                warn!(
                    event = name,
                    "The settings have no service_public_key: whoever answers at the service's address passes for it. Put in what `ingest server-key` prints."
                );
            }
            HubEvent::ReadingsOfferedAgain { asked, offered } => {
                warn!(
                    event = name,
                    readings.asked = asked,
                    readings.offered = offered,
                    "The service asked for readings again (asked: {asked}, still here and sent again: {offered})."
                );
            }
            HubEvent::SettledWiped { readings } => {
                info!(event = name, readings, "Wiped readings that were settled long ago (readings: {readings}).");
            }
            HubEvent::PromptShown { patient, reading_id, urgency } => {
                info!(event = name, patient.id = %patient, reading.id = %reading_id, prompt.urgency = ?urgency, "Showed {patient} an instruction for {reading_id}.");
            }
            HubEvent::PromptWithheld { reading_id, why } => {
                info!(event = name, reading.id = %reading_id, why = ?why, "Did not show the instruction for {reading_id}: {why:?}.");
            }
            HubEvent::OutboxRowDamaged { row } => {
                error!(
                    event = name,
                    outbox.row = row,
                    "Outbox row {row} is damaged and was set aside. Someone must look at the hub's disk."
                );
            }
            HubEvent::AgentStopped { waiting } => {
                info!(
                    event = name,
                    outbox.waiting = waiting,
                    "Agent stopped (readings waiting on the disk: {waiting})."
                );
            }
        }
    }
}
