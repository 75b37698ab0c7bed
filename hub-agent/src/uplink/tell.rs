//! Puts the prompts of receipts before their people, and says of each one that is not shown why.
//!
//! Invariant: a receipt is on the disk before its prompt is shown, and a prompt that a crash kept back is shown after it.

use super::Uplink;
use crate::{
    events::HubEvent,
    outbox::{OutboxError, Waiting},
    prompt::{Instruction, PROMPT_STANDS_FOR, Withheld},
};
use chrono::{DateTime, Utc};
use std::sync::PoisonError;
use vitals::{
    PatientId, ReadingId,
    wire::{
        self,
        v1::{Outcome, ReceiptLine},
    },
};

impl Uplink {
    /// Shows the prompts that a crash kept from being shown, as long as they still stand.
    ///
    /// # Errors
    /// [`OutboxError`] where the disk failed.
    pub async fn tell_what_was_not_shown(&self) -> Result<(), OutboxError> {
        let at = self.clock.now();
        let found = self.outbox.prompts_not_shown(at - PROMPT_STANDS_FOR).await?;
        let told: Vec<(&Waiting, ReceiptLine)> = found.iter().map(|(waiting, line)| (waiting, line.clone())).collect();
        self.tell(&told, at).await
    }

    /// Puts the prompts of receipt lines before their people.
    pub(super) async fn tell(&self, lines: &[(&Waiting, ReceiptLine)], at: DateTime<Utc>) -> Result<(), OutboxError> {
        let with_prompts: Vec<&(&Waiting, ReceiptLine)> =
            lines.iter().filter(|(_, line)| !line.prompts.is_empty()).collect();
        if with_prompts.is_empty() {
            return Ok(());
        }
        let mut prompts = Vec::new();
        for (waiting, line) in &with_prompts {
            let instructions = instructions(waiting, line);
            if let (true, Ok(reading_id)) = (instructions.is_empty(), ReadingId::parse(&waiting.reading.id)) {
                self.events.emit(&HubEvent::PromptWithheld { reading_id, why: Withheld::NobodyToTell });
            }
            // A verdict repeated long after the reading was first sent was made for another moment, and one on a reading that
            // the service asked for again is not news to anybody.
            let is_late = line.outcome == Outcome::Duplicate && at - waiting.first_sent > PROMPT_STANDS_FOR;
            if is_late || waiting.was_told {
                self.withhold(instructions.into_iter().map(|instruction| (instruction, Withheld::TooLongAgo)));
            } else {
                prompts.extend(instructions);
            }
        }
        let showing = self.board.lock().unwrap_or_else(PoisonError::into_inner).choose(prompts);
        for instruction in &showing.show {
            self.screen.show(instruction);
            let (patient, reading_id, urgency) =
                (instruction.patient.clone(), instruction.reading, instruction.urgency);
            self.events.emit(&HubEvent::PromptShown { patient, reading_id, urgency });
        }
        self.withhold(showing.withhold);
        self.outbox.prompts_shown(with_prompts.iter().map(|(waiting, _)| waiting.row).collect(), at).await
    }

    fn withhold(&self, instructions: impl IntoIterator<Item = (Instruction, Withheld)>) {
        for (instruction, why) in instructions {
            self.events.emit(&HubEvent::PromptWithheld { reading_id: instruction.reading, why });
        }
    }
}

/// The prompts of one line as instructions for the reading's person. A reading of nobody has nobody to tell.
fn instructions(waiting: &Waiting, line: &ReceiptLine) -> Vec<Instruction> {
    let patient = waiting.reading.patient.as_deref().and_then(|patient| PatientId::parse(patient).ok());
    let (Some(patient), Ok(reading)) = (patient, ReadingId::parse(&waiting.reading.id)) else { return Vec::new() };
    let instruction = |prompt: &wire::v1::Prompt| Instruction {
        patient: patient.clone(),
        urgency: prompt.urgency,
        text: prompt.text.clone(),
        reading,
        moment: waiting.moment,
    };
    line.prompts.iter().map(instruction).collect()
}
