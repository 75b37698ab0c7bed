//! A simulated far side: plays a device against a dialogue, splitting what it sends, and notes what was done.

use super::{Dialogue, Do};

/// What a device answers to what it is sent.
type Answer<'a> = dyn FnMut(&[u8]) -> Vec<u8> + 'a;

/// A line with a device at its end.
pub(super) struct Line<'a> {
    answer: Box<Answer<'a>>,
    /// What it sends of itself when the line opens.
    pub(super) unasked: Vec<u8>,
    /// In pieces of how many bytes the line delivers.
    piece: usize,
    /// How often silence is waited out before the test gives up.
    pub(super) silences: usize,
}

impl<'a> Line<'a> {
    pub(super) fn new(answer: impl FnMut(&[u8]) -> Vec<u8> + 'a) -> Self {
        Self { answer: Box::new(answer), unasked: Vec::new(), piece: 7, silences: 12 }
    }

    /// Runs the conversation to its end; everything the dialogue did, in order, `Kept` marks where it was told that
    /// all records are stored.
    pub(super) fn run(mut self, dialogue: &mut dyn Dialogue) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut coming = std::mem::take(&mut self.unasked);
        let mut todo = dialogue.start();
        loop {
            let is_record = todo.iter().any(|item| matches!(item, Do::Record { .. }));
            for item in todo {
                if let Do::Send(bytes) = &item {
                    coming.extend((self.answer)(bytes));
                }
                let has_said = |is: fn(&Do) -> bool| steps.iter().filter_map(Step::done).any(is);
                let is_late = has_said(|done| matches!(done, Do::Device { .. }))
                    && !has_said(|done| matches!(done, Do::Clock(_)));
                assert!(!(is_late && matches!(item, Do::Clock(_))), "the clock comes before the name");
                let is_done = item == Do::Done;
                steps.push(Step::Did(item));
                if is_done {
                    return steps;
                }
            }
            todo = if is_record {
                steps.push(Step::Kept);
                dialogue.kept()
            } else if !coming.is_empty() {
                let piece: Vec<u8> = coming.drain(..self.piece.min(coming.len())).collect();
                dialogue.hear(&piece)
            } else if self.silences > 0 {
                self.silences -= 1;
                dialogue.quiet()
            } else {
                return steps;
            };
        }
    }
}

/// One step of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The dialogue did this.
    Did(Do),
    /// The dialogue was told that all records are stored.
    Kept,
}

impl Step {
    fn done(&self) -> Option<&Do> {
        if let Self::Did(item) = self { Some(item) } else { None }
    }
}

/// The bytes of the records.
pub(super) fn records(steps: &[Step]) -> Vec<Vec<u8>> {
    let record = |item: &Do| if let Do::Record { bytes, .. } = item { Some(bytes.clone()) } else { None };
    steps.iter().filter_map(Step::done).filter_map(record).collect()
}

/// The hints.
pub(super) fn hints(steps: &[Step]) -> Vec<super::Hint> {
    let hint = |item: &Do| if let Do::Hint(hint) = item { Some(*hint) } else { None };
    steps.iter().filter_map(Step::done).filter_map(hint).collect()
}

/// What was sent.
pub(super) fn sent(steps: &[Step]) -> Vec<Vec<u8>> {
    let sent = |item: &Do| if let Do::Send(bytes) = item { Some(bytes.clone()) } else { None };
    steps.iter().filter_map(Step::done).filter_map(sent).collect()
}

/// Maker, model and serial number, as told last.
pub(super) fn device(steps: &[Step]) -> Option<(&'static str, Option<String>, Option<String>)> {
    let device = |item: &Do| {
        if let Do::Device { maker, model, serial } = item {
            Some((*maker, model.clone(), serial.clone()))
        } else {
            None
        }
    };
    steps.iter().rev().filter_map(Step::done).find_map(device)
}

/// The clock that was told.
pub(super) fn clock(steps: &[Step]) -> Option<String> {
    let clock = |item: &Do| if let Do::Clock(clock) = item { Some(clock.to_string()) } else { None };
    steps.iter().filter_map(Step::done).find_map(clock)
}
