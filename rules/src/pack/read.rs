//! From a pack file to a pack: every mistake is found, with its line and what to do.

use super::{
    Bound, ENGINE, Level, PACK_BYTES_MAX, Pack, PackTest, Parameter, RULES_MAX, Retest, Rule, Span0, Threshold, Unsure,
    When,
    file::{
        BoundFile, ClockFile, Confirm, Harm, Head, MessageFile, Number, OnNoAnswer, Onset, Opens, PackFile,
        ParameterFile, RetestFile, RuleFile, TestFile, UnsureFile, WhenFile,
    },
};
use crate::{duration::Span, finding::Comparison, state::RuleKey};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;
use toml::Spanned;
use vitals::{
    Decimal, Flag, Kind, Quality,
    catalogue::{self, Component},
    hex,
    wire::v1::Urgency,
};

/// Deepest nesting of any/all.
const DEPTH_MAX: usize = 4;

/// One mistake in a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
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
                    message: format!("the file has more than {PACK_BYTES_MAX} bytes: split the protocol"),
                }],
            });
        }
        let file: PackFile = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            PackError { problems: vec![Problem { line, message: error.message().to_owned() }] }
        })?;
        let mut reader = Reader { text, problems: Vec::new(), parameters: BTreeMap::new(), messages: file.message };
        let pack = reader.pack(file.pack, file.param, file.rule, file.test);
        if reader.problems.is_empty() { Ok(pack) } else { Err(PackError { problems: reader.problems }) }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

struct Reader<'a> {
    text: &'a str,
    problems: Vec<Problem>,
    parameters: BTreeMap<String, Parameter>,
    messages: BTreeMap<String, MessageFile>,
}

impl Reader<'_> {
    fn problem(&mut self, offset: usize, message: impl Into<String>) {
        let line = line_of(self.text, offset);
        self.problems.push(Problem { line, message: message.into() });
    }

    fn pack(
        &mut self,
        head: Head,
        parameters: BTreeMap<String, Spanned<ParameterFile>>,
        rules: Vec<Spanned<RuleFile>>,
        tests: Vec<Spanned<TestFile>>,
    ) -> Pack {
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
        for (name, parameter) in parameters {
            self.parameter(name, parameter);
        }
        let mut rules: Vec<Rule> = rules.into_iter().filter_map(|rule| self.rule(&head.id, rule)).collect();
        rules.sort_by_key(|rule| Reverse(rule.urgency));
        self.names(&rules);
        let tests = tests.into_iter().filter_map(|test| self.test(test)).collect();
        Pack {
            id: head.id,
            title: head.title,
            version: head.version,
            content_hash: hex::encode(blake3::hash(self.text.as_bytes()).as_bytes()),
            is_demo_only: head.demo_only,
            sources: head.sources.into_iter().map(|source| source.reference).collect(),
            parameters: std::mem::take(&mut self.parameters),
            rules,
            tests,
        }
    }

    fn parameter(&mut self, name: String, parameter: Spanned<ParameterFile>) {
        let offset = parameter.span().start;
        let ParameterFile { unit, default: Number(default), levels } = parameter.into_inner();
        let mut checked = BTreeMap::new();
        for (level, range) in
            [(Level::Footprint, levels.footprint), (Level::Team, levels.team), (Level::Patient, levels.patient)]
        {
            let Some((Number(low), Number(high))) = range else { continue };
            if low > high {
                self.problem(offset, format!("param {name}: the range {low} to {high} is the wrong way round"));
            } else if default < low || high < default {
                self.problem(
                    offset,
                    format!("param {name}: the default {default} is outside its own range {low} to {high}"),
                );
            }
            checked.insert(level, (low, high));
        }
        self.parameters.insert(name, Parameter { unit, default, levels: checked });
    }

    fn rule(&mut self, pack: &str, rule: Spanned<RuleFile>) -> Option<Rule> {
        let offset = rule.span().start;
        let rule = rule.into_inner();
        let when = self.when(rule.when, offset, 0)?;
        let clear = self.when(rule.clear.when, offset, 0)?;
        if rule.clear.count == 0 {
            self.problem(offset, format!("rule {}: clear.count is at least 1", rule.id));
        }
        let kinds: BTreeSet<Kind> = when.components().chain(clear.components()).map(|known| known.kind).collect();
        let mut kinds = kinds.into_iter();
        let (Some(kind), None) = (kinds.next(), kinds.next()) else {
            self.problem(offset, format!("rule {}: a rule reads one measure; write one rule for each", rule.id));
            return None;
        };
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
            key: RuleKey::of(pack, &rule.id),
            id: rule.id,
            title: rule.title,
            kind,
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

    fn when(&mut self, file: WhenFile, offset: usize, depth: usize) -> Option<When> {
        if depth > DEPTH_MAX {
            self.problem(offset, format!("conditions are nested deeper than {DEPTH_MAX}: split the rule"));
            return None;
        }
        let WhenFile { any, all, latest, at_least, at_most, above, below, plus, minus } = file;
        let comparisons = [
            (Comparison::AtLeast, at_least),
            (Comparison::AtMost, at_most),
            (Comparison::Above, above),
            (Comparison::Below, below),
        ];
        let compares = plus.is_some() || minus.is_some() || comparisons.iter().any(|(_, bound)| bound.is_some());
        let mut comparisons = comparisons.into_iter().filter_map(|(comparison, bound)| Some((comparison, bound?)));
        match (any, all, latest) {
            (Some(parts), None, None) if !compares => self.parts(parts, offset, depth).map(When::Any),
            (None, Some(parts), None) if !compares => self.parts(parts, offset, depth).map(When::All),
            (None, None, Some(component)) => {
                let (Some((comparison, bound)), None) = (comparisons.next(), comparisons.next()) else {
                    self.problem(
                        offset,
                        format!("{component}: compare it once, with at_least, at_most, above or below"),
                    );
                    return None;
                };
                self.threshold(component, comparison, bound, (plus, minus), offset).map(When::Threshold)
            }
            _ => {
                self.problem(
                    offset,
                    "a condition is one of any = [...], all = [...] or latest = \"...\" with a comparison",
                );
                None
            }
        }
    }

    fn parts(&mut self, parts: Vec<WhenFile>, offset: usize, depth: usize) -> Option<Vec<When>> {
        if parts.is_empty() {
            self.problem(offset, "any and all need at least one condition: an empty one would always or never hold");
            return None;
        }
        parts.into_iter().map(|part| self.when(part, offset, depth + 1)).collect()
    }

    fn threshold(
        &mut self,
        component: String,
        comparison: Comparison,
        bound: BoundFile,
        margins: (Option<Number>, Option<Number>),
        offset: usize,
    ) -> Option<Threshold> {
        let Some(known) = catalogue::component(&component) else {
            self.problem(offset, format!("{component} is not in the measure catalogue"));
            return None;
        };
        let (bound, level) = match bound {
            BoundFile::Number(number) => {
                if margins.0.is_some() || margins.1.is_some() {
                    self.problem(
                        offset,
                        format!("{component}: plus or minus moves a parameter; write the number itself"),
                    );
                }
                (Bound::Number(number), number)
            }
            BoundFile::Parameter(name) => {
                match self.parameters.get(&name).map(|parameter| parameter.unit) {
                    None => self.problem(offset, format!("param {name} is not in the pack")),
                    Some(unit) if unit != known.ucum => {
                        self.problem(
                            offset,
                            format!("param {name} is in {} but {component} is in {}", unit.ucum(), known.ucum.ucum()),
                        );
                    }
                    Some(_) => {}
                }
                let zero = Decimal::from(0);
                let margin = match margins {
                    (Some(Number(plus)), None) => plus,
                    (None, Some(Number(minus))) => minus.negated(),
                    (None, None) => zero,
                    (Some(_), Some(_)) => {
                        self.problem(offset, format!("{component}: plus or minus, not both"));
                        zero
                    }
                };
                let default = self.parameters.get(&name).map(|parameter| parameter.default);
                let level = default.map(|default| default.plus(margin));
                if level == Some(None) {
                    self.problem(
                        offset,
                        format!("param {name} moved by {margin} is too large a number to compare with"),
                    );
                }
                // Without a level there is a problem, and with a problem there is no pack.
                (Bound::Parameter { name, margin }, level.flatten().unwrap_or(zero))
            }
        };
        Some(Threshold { component: known, comparison, bound, level })
    }

    fn names(&mut self, rules: &[Rule]) {
        let mut seen = BTreeSet::new();
        for rule in rules {
            if !seen.insert(&rule.id) {
                self.problem(0, format!("two rules are called {}", rule.id));
            }
            for other in &rule.yields_to {
                match rules.iter().find(|candidate| candidate.id == *other) {
                    Some(other) if other.urgency > rule.urgency && other.kind == rule.kind => {}
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
        let TestFile { name, given, unsure, expect } = test.into_inner();
        let mut readings: Vec<(Span0, Vec<(String, Decimal)>)> = Vec::new();
        for (time, component, Number(value)) in given {
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
        Some(PackTest { name, given: readings, unsure, expect })
    }

    fn unsure(
        &mut self,
        of: UnsureFile,
        readings: &[(Span0, Vec<(String, Decimal)>)],
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

impl When {
    /// Every component it reads.
    pub fn components(&self) -> Box<dyn Iterator<Item = &'static Component> + '_> {
        match self {
            Self::Threshold(threshold) => Box::new(std::iter::once(threshold.component)),
            Self::Any(parts) | Self::All(parts) => Box::new(parts.iter().flat_map(Self::components)),
        }
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
