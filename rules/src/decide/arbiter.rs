//! One person, one instruction at a time: of everything that one slice would tell a person, the most urgent is told.
//!
//! Invariants: what is told is one text; nothing milder takes the place of a red, and nothing late that of what is true now; an
//! alert never says that the person was told what they were not.

use super::Deciding;
use crate::{alert::Alert, state::Verdict};
use vitals::{AlertId, ReadingId, wire::v1::Prompt};

/// How a sentence begins that says to call 999, whatever else is so.
const CALL: &str = "Call 999";

/// Words that no late instruction may have (a pack with them is refused).
const CALL_NOW: &str = "call 999 now";

/// How much a text asks at once of whoever reads it: to call 999; to call 999 now if something is so; anything else.
pub(super) fn call_rank(text: &str) -> u8 {
    if text.contains(CALL) { 2 } else { u8::from(text.to_lowercase().contains(CALL_NOW)) }
}

impl Deciding<'_> {
    /// Leaves one instruction in the verdicts of a slice: the most urgent; of equals one that says to call 999 before one that says
    /// so only if something is so, and that before one that asks for another reading; of equals the newest that did not come late. The same words for several readings are one
    /// instruction.
    pub(super) fn arbitrate(&mut self) {
        let rank = |(place, (_, verdict)): (usize, &(ReadingId, Verdict))| {
            let Verdict::Evaluated { late, prompts, .. } = verdict else { return None };
            let Prompt { urgency, text } = prompts.first()?;
            Some((*urgency, call_rank(text), !late, place, text.clone()))
        };
        let has_prompt = |(_, verdict): &&(ReadingId, Verdict)| matches!(verdict, Verdict::Evaluated { prompts, .. } if !prompts.is_empty());
        // Almost always there is one at the most, and nothing to choose.
        if self.judged.iter().filter(has_prompt).nth(1).is_none() {
            return;
        }
        let Some((.., told)) = self.judged.iter().enumerate().filter_map(rank).max() else { return };
        let mut untold: Vec<(Vec<AlertId>, String)> = Vec::new();
        for (_, verdict) in &mut self.judged {
            let Verdict::Evaluated { alerts, prompts, .. } = verdict else { continue };
            let dropped = prompts.extract_if(.., |prompt| prompt.text != told);
            untold.extend(dropped.map(|dropped| (alerts.clone(), dropped.text)));
        }
        for (alerts, text) in untold {
            self.untell(&alerts, &text);
        }
    }

    /// Of these alerts, those that this slice opened do not say that the person was told this.
    pub(super) fn untell(&mut self, alerts: &[AlertId], text: &str) {
        let at = self.at;
        for id in alerts {
            let is_not_so = |alert: &Alert| alert.opened_at == at && alert.patient_told.as_deref() == Some(text);
            if self.state.alert(*id).is_some_and(is_not_so) {
                self.change(*id, |alert| alert.patient_told = None);
            }
        }
    }
}
