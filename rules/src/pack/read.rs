//! From a pack file to a pack: every mistake is found, with its line and what to do.

use super::{
    ENGINE, Given, Level, PACK_BYTES_MAX, Pack, PackTest, Parameter, RULES_MAX, Retest, Rule, Score, Span0, Unsure,
    When,
    conditions::LEAVES_MAX,
    file::{
        ClockFile, Confirm, Harm, Head, MessageFile, Number, OnNoAnswer, Onset, Opens, PackFile, ParameterFile,
        RetestFile, RuleFile, TestFile, UnsureFile, WordOrNumber,
    },
};
use crate::{duration::Span, state::RuleKey};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use thiserror::Error;
use toml::Spanned;
use vitals::{Decimal, Flag, Kind, Quality, catalogue, hex, wire::v1::Urgency};

/// What a rule that looks back costs for each comparison, where one that does not costs 1: a late reading may have it asked
/// at every moment that is kept.
const LOOKS_BACK_COST: usize = crate::state::READINGS_MAX;

/// Most scores in a pack.
const SCORES_MAX: usize = 8;

/// One mistake in a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// Where in the file: the byte at which what is wrong begins.
    pub offset: usize,
    /// What is wrong and what to do.
    pub message: String,
}

/// A pack that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("read a pack: {}", problems.iter().map(|problem| format!("line {}: {}", problem.line, problem.message)).collect::<Vec<_>>().join("; "))]
pub struct PackError {
    /// Every mistake that was found.
    pub problems: Vec<Problem>,
}

impl Pack {
    /// Reads and checks a pack.
    ///
    /// # Errors
    /// [`PackError`] with every mistake, each with its line and advice.
    pub fn read(text: &str) -> Result<Self, PackError> {
        if text.len() > PACK_BYTES_MAX {
            return Err(PackError {
                problems: vec![Problem {
                    line: 1,
                    offset: 0,
                    message: format!("the file has more than {PACK_BYTES_MAX} bytes: split the protocol"),
                }],
            });
        }
        let file: PackFile = toml::from_str(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            let problem = Problem { line: line_of(text, offset), offset, message: error.message().to_owned() };
            PackError { problems: vec![problem] }
        })?;
        let mut reader = Reader {
            text,
            id: file.pack.id.clone(),
            problems: Vec::new(),
            parameters: BTreeMap::new(),
            scores: BTreeMap::new(),
            messages: file.message,
        };
        for (name, parameter) in file.param {
            reader.parameter(name, parameter);
        }
        if file.score.len() > SCORES_MAX {
            reader.problem(0, format!("a pack has at most {SCORES_MAX} scores"));
        }
        file.score.into_iter().for_each(|score| reader.score(score));
        let pack = reader.pack(file.pack, file.rule, file.test);
        if reader.problems.is_empty() { Ok(pack) } else { Err(PackError { problems: reader.problems }) }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

pub(super) struct Reader<'a> {
    text: &'a str,
    /// The pack's name.
    pub(super) id: String,
    pub(super) problems: Vec<Problem>,
    pub(super) parameters: BTreeMap<String, Parameter>,
    pub(super) scores: BTreeMap<String, Arc<Score>>,
    messages: BTreeMap<String, MessageFile>,
}

impl Reader<'_> {
    pub(super) fn problem(&mut self, offset: usize, message: impl Into<String>) {
        let line = line_of(self.text, offset);
        self.problems.push(Problem { line, offset, message: message.into() });
    }

    fn pack(&mut self, head: Head, rules: Vec<Spanned<RuleFile>>, tests: Vec<Spanned<TestFile>>) -> Pack {
        if head.engine_min > ENGINE {
            self.problem(
                0,
                format!("this pack needs engine {}; this is engine {ENGINE}: update the program", head.engine_min),
            );
        }
        if head.sources.iter().all(|source| source.reference.trim().is_empty()) {
            self.problem(0, "a pack without a source cannot be reviewed: add [[pack.sources]] with ref");
        }
        if rules.is_empty() || rules.len() > RULES_MAX {
            self.problem(0, format!("a pack has 1 to {RULES_MAX} rules"));
        }
        let mut rules: Vec<Rule> = rules.into_iter().filter_map(|rule| self.rule(rule)).collect();
        rules.sort_by_key(|rule| Reverse(rule.urgency));
        self.names(&rules);
        let is_newer = !self.scores.is_empty()
            || rules.iter().any(|rule| !rule.needs.is_empty())
            || self.parameters.values().any(|parameter| parameter.default.is_none());
        if is_newer && head.engine_min < 2 {
            self.problem(0, "it looks back, has a score, or a parameter without a default: write engine_min = 2");
        }
        let tests = tests.into_iter().filter_map(|test| self.test(test)).collect();
        Pack {
            id: head.id,
            title: head.title,
            version: head.version,
            content_hash: hex::encode(blake3::hash(self.text.as_bytes()).as_bytes()),
            engine_min: head.engine_min,
            is_demo_only: head.demo_only,
            is_draft: head.draft,
            sources: head.sources.into_iter().map(|source| source.reference).collect(),
            parameters: std::mem::take(&mut self.parameters),
            scores: std::mem::take(&mut self.scores).into_values().collect(),
            rules,
            tests,
        }
    }

    fn parameter(&mut self, name: String, parameter: Spanned<ParameterFile>) {
        let offset = parameter.span().start;
        let ParameterFile { unit, default, levels } = parameter.into_inner();
        let default = default.map(|Number(default)| default);
        let mut checked = BTreeMap::new();
        for (level, range) in
            [(Level::Footprint, levels.footprint), (Level::Team, levels.team), (Level::Patient, levels.patient)]
        {
            let Some((Number(low), Number(high))) = range else { continue };
            if low > high {
                self.problem(offset, format!("param {name}: the range {low} to {high} is the wrong way round"));
            } else if let Some(default) = default.filter(|default| *default < low || high < *default) {
                self.problem(
                    offset,
                    format!("param {name}: the default {default} is outside its own range {low} to {high}"),
                );
            }
            checked.insert(level, (low, high));
        }
        if default.is_none() && checked.is_empty() {
            self.problem(offset, format!("param {name}: nobody can give it a value: add default, or override"));
        }
        self.parameters.insert(name, Parameter { unit, default, levels: checked });
    }

    fn rule(&mut self, rule: Spanned<RuleFile>) -> Option<Rule> {
        let offset = rule.span().start;
        let rule = rule.into_inner();
        let mut when = self.when(rule.when, offset, 0)?;
        let mut clear = self.when(rule.clear.when, offset, 0)?;
        if rule.clear.count == 0 {
            self.problem(offset, format!("rule {}: clear.count is at least 1", rule.id));
        }
        let leaves = when.leaves().chain(clear.leaves()).count();
        if leaves > LEAVES_MAX {
            self.problem(offset, format!("rule {}: {leaves} comparisons, and at most {LEAVES_MAX}: split it", rule.id));
        }
        let looks_back = when.looks_back() || clear.looks_back();
        if looks_back {
            when.keep_numbers();
            clear.keep_numbers();
        }
        let gates_quality = when.leaves().chain(clear.leaves()).any(|leaf| matches!(leaf, When::Without(_)));
        if looks_back && gates_quality {
            self.problem(
                offset,
                format!(
                    "rule {}: it looks back, so say without = [...] beside each comparison, not quality_without",
                    rule.id
                ),
            );
        }
        let needs: Vec<_> = when.needs().into_iter().chain(clear.needs()).filter(|_| looks_back).collect();
        let own: BTreeSet<Kind> = when.own_kinds().chain(clear.own_kinds()).collect();
        if own.len() > 1 {
            self.problem(
                offset,
                format!(
                    "rule {}: a rule reads one measure; write one rule for each, or say of the others how old they may be: max_age",
                    rule.id
                ),
            );
            return None;
        }
        // What compares a reading's own numbers is asked when such a reading comes; what only looks back, at every reading
        // that it looks back on.
        let kinds = if own.is_empty() { needs.iter().map(|need| need.item.kind()).collect() } else { own };
        if kinds.is_empty() {
            self.problem(offset, format!("rule {}: it compares nothing that was measured", rule.id));
            return None;
        }
        let cost = if looks_back { LOOKS_BACK_COST.saturating_mul(leaves) } else { 1 };
        let reach = needs.iter().map(|need| need.span).max().unwrap_or_default();
        let retest = rule.retest.map(|retest| {
            // Each of these has one form so far; they are written out so that a pack reads as what it does.
            let RetestFile {
                after,
                within,
                prompt,
                confirm: Confirm::Same,
                on_no_answer: OnNoAnswer::Raise,
                opens: Opens::AtFirstReading,
            } = retest;
            if after >= within {
                self.problem(
                    offset,
                    format!("rule {}: the repeat's window ends before a repeat may be taken", rule.id),
                );
            }
            Retest { after, within, prompt: prompt.and_then(|id| self.message(&id, offset)) }
        });
        let urgency = urgency(rule.harm, rule.onset);
        let patient_message = rule.patient_message.and_then(|id| self.message(&id, offset));
        let late_patient_message = rule.late_patient_message.and_then(|id| self.message(&id, offset));
        let clinician_message = self.message(&rule.clinician_message, offset)?;
        if urgency == Urgency::ActNow && !patient_message.as_deref().is_some_and(|text| text.contains("999")) {
            self.problem(offset, format!("rule {}: what a person is told for a red says when to call 999", rule.id));
        }
        if late_patient_message.as_deref().is_some_and(|text| text.to_lowercase().contains("call 999 now")) {
            self.problem(offset, format!("rule {}: a late reading never says to call 999 now", rule.id));
        }
        if urgency == Urgency::ActNow && late_patient_message.is_none() {
            self.problem(
                offset,
                format!("rule {}: a late red asks the person for a fresh reading: add late_patient_message", rule.id),
            );
        }
        if urgency != Urgency::ActNow && retest.as_ref().is_some_and(|retest| retest.prompt.is_none()) {
            self.problem(offset, format!("rule {}: nobody asks for the repeat: add retest.prompt", rule.id));
        }
        Some(Rule {
            key: RuleKey::of(&self.id, &rule.id),
            id: rule.id,
            title: rule.title,
            kinds,
            needs,
            reach,
            cost,
            urgency,
            when,
            clear: (clear, rule.clear.count),
            actionable_for: rule.actionable_for,
            raise_again_after: rule.raise_again_after,
            retest,
            yields_to: rule.yields_to,
            patient_message,
            late_patient_message,
            clinician_message,
        })
    }

    fn message(&mut self, id: &str, offset: usize) -> Option<String> {
        let text = self.messages.get(id).map(|message| message.en.trim().to_owned()).filter(|text| !text.is_empty());
        if text.is_none() {
            self.problem(offset, format!("message {id} is not in the pack: add [message.{id}] with en"));
        }
        text
    }

    fn names(&mut self, rules: &[Rule]) {
        let mut seen = BTreeSet::new();
        for rule in rules {
            if !seen.insert(&rule.id) {
                self.problem(0, format!("two rules are called {}", rule.id));
            }
            for other in &rule.yields_to {
                match rules.iter().find(|candidate| candidate.id == *other) {
                    Some(other) if other.urgency > rule.urgency && other.kinds.is_superset(&rule.kinds) => {}
                    Some(_) => self.problem(
                        0,
                        format!(
                            "rule {}: yields only to a more urgent rule on the same measure, not to {other}",
                            rule.id
                        ),
                    ),
                    None => self.problem(0, format!("rule {}: yields to {other}, which is not in the pack", rule.id)),
                }
            }
        }
    }

    fn test(&mut self, test: Spanned<TestFile>) -> Option<PackTest> {
        let offset = test.span().start;
        let TestFile { name, given, unsure, set, expect } = test.into_inner();
        let set: Vec<(String, Decimal)> = set.into_iter().map(|(name, Number(value))| (name, value)).collect();
        if let Some((parameter, _)) = set.iter().find(|(name, _)| !self.parameters.contains_key(name)) {
            self.problem(offset, format!("test {name}: param {parameter} is not in the pack"));
        }
        let mut readings: Vec<(Span0, Vec<(String, Given)>)> = Vec::new();
        for (time, component, value) in given {
            let value = match value {
                WordOrNumber::Word(word) if catalogue::component(&component).is_some() => {
                    self.problem(offset, format!("test {name}: {component} is a number, and {word} is a word"));
                    return None;
                }
                WordOrNumber::Word(word) => Given::Word(word),
                WordOrNumber::Number(number) => Given::Number(number),
            };
            let at = self.offset_in_test(&time, offset)?;
            match readings.last_mut().filter(|(last, _)| *last == at) {
                Some((_, numbers)) => numbers.push((component, value)),
                None => readings.push((at, vec![(component, value)])),
            }
        }
        if let Some((_, what, _)) =
            expect.iter().find(|(_, what, _)| !matches!(what.as_str(), "pending" | "raise" | "clear"))
        {
            self.problem(offset, format!("test {name}: {what} is none of pending, raise, clear"));
        }
        let expect = expect
            .into_iter()
            .map(|(time, what, rule)| Some((self.offset_in_test(&time, offset)?, what, rule)))
            .collect::<Option<Vec<_>>>()?;
        let unsure = unsure.into_iter().map(|of| self.unsure(of, &readings, offset)).collect::<Option<Vec<_>>>()?;
        Some(PackTest { name, given: readings, unsure, set, expect })
    }

    fn unsure(
        &mut self,
        of: UnsureFile,
        readings: &[(Span0, Vec<(String, Given)>)],
        offset: usize,
    ) -> Option<(Span0, Unsure)> {
        let UnsureFile { at: text, quality: names, clock, dated_before } = of;
        let at = self.offset_in_test(&text, offset)?;
        if readings.iter().all(|(given, _)| *given != at) {
            self.problem(offset, format!("{text} is unsure in a test, but no reading is given then"));
        }
        let mut quality = Quality::none();
        for name in &names {
            match Flag::from_name(name) {
                Some(flag) => quality = quality.with(flag),
                None => self.problem(offset, format!("{name} is nothing that is noticed about a reading")),
            }
        }
        let dated_before = match (clock, dated_before) {
            (None, Some(_)) => {
                let advice = "dated_before is by a clock that nobody compared: write clock = \"not_read\" beside it";
                self.problem(offset, advice.to_owned());
                None
            }
            (Some(ClockFile::NotRead), before) => Some(before.map_or(Span0::zero(), Span::delta)),
            (None, None) => None,
        };
        Some((at, Unsure { quality, dated_before }))
    }

    fn offset_in_test(&mut self, text: &str, offset: usize) -> Option<Span0> {
        if text == "0m" {
            return Some(Span0::zero());
        }
        let span = Span::parse(text).ok().map(Span::delta);
        if span.is_none() {
            self.problem(offset, format!("{text} is not a time in a test: write 0m, 90s, 15m, 2h or 7d"));
        }
        span
    }
}

/// How urgent: severity of harm by how soon it comes, as in IEC 60601-1-8 (from secondary sources: a proposal until the
/// clinical safety officer signs).
fn urgency(harm: Harm, onset: Onset) -> Urgency {
    match (harm, onset) {
        (Harm::Irreversible, Onset::Immediate | Onset::Prompt) | (Harm::Reversible, Onset::Immediate) => {
            Urgency::ActNow
        }
        (Harm::Irreversible, Onset::Delayed) | (Harm::Reversible, Onset::Prompt) | (Harm::Minor, Onset::Immediate) => {
            Urgency::CheckAgain
        }
        (Harm::Reversible, Onset::Delayed) | (Harm::Minor, Onset::Prompt | Onset::Delayed) => Urgency::AsPlanned,
    }
}
