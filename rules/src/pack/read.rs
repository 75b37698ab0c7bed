//! From a pack file to a pack: every mistake is found, with its line and what to do.

use super::{
    ENGINE, Given, Late, Level, PACK_BYTES_MAX, Pack, PackTest, Parameter, Provenance, RULES_MAX, Retest, Rule,
    Schedule, Score, Span0, Unsure, When,
    conditions::LEAVES_MAX,
    file::{
        AudienceFile, ClockFile, Confirm, Harm, Head, LateFile, MessageFile, Number, OnNoAnswer, Onset, Opens,
        PackFile, ParameterFile, RetestFile, RuleFile, TestFile, UnsureFile, WordOrNumber,
    },
    looks_back::each_once,
    problem::{At, PackError, Problem},
};
use crate::{alert::Audience, duration::Span, state::RuleKey};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use toml::Spanned;
use vitals::{Decimal, Flag, Kind, Quality, catalogue, hex, wire::v1::Urgency};

/// What a rule that looks back costs for each comparison, where one that does not costs 1: a late reading may have it asked
/// at every moment that is kept.
const LOOKS_BACK_COST: usize = crate::state::READINGS_MAX;

/// Most scores in a pack.
const SCORES_MAX: usize = 8;

impl Pack {
    /// Reads and checks a pack.
    ///
    /// # Errors
    /// [`PackError`] with every mistake, each with its line and advice.
    pub fn read(text: &str) -> Result<Self, PackError> {
        if text.len() > PACK_BYTES_MAX {
            let words = format!("the file has more than {PACK_BYTES_MAX} bytes | split the protocol");
            return Err(PackError { problems: vec![Problem::new(text, 0, &words)] });
        }
        let file: PackFile =
            toml::from_str(text).map_err(|error| PackError { problems: vec![Problem::of_toml(text, &error)] })?;
        let mut reader = Reader {
            text,
            id: file.pack.get_ref().id.clone(),
            problems: Vec::new(),
            parameters: BTreeMap::new(),
            scores: BTreeMap::new(),
            schedules: BTreeMap::new(),
            provenance: Provenance::Any,
            messages: file.message,
        };
        for (name, parameter) in file.param {
            reader.parameter(name, parameter);
        }
        let asked = reader.questions(file.question);
        if file.score.len() > SCORES_MAX {
            reader.problem(0, format!("a pack has at most {SCORES_MAX} scores | split the protocol"));
        }
        file.score.into_iter().for_each(|score| reader.score(score));
        reader.schedules(file.schedule);
        let mut pack = reader.pack(file.pack, file.rule, file.test);
        reader.each_of_use(&asked, &pack);
        pack.questions = asked.into_iter().map(|(_, question)| question).collect();
        if reader.problems.is_empty() {
            return Ok(pack);
        }
        reader.problems.sort_by_key(|problem| problem.offset);
        Err(PackError { problems: reader.problems })
    }
}

pub(super) struct Reader<'a> {
    text: &'a str,
    /// The pack's name.
    pub(super) id: String,
    pub(super) problems: Vec<Problem>,
    pub(super) parameters: BTreeMap<String, Parameter>,
    pub(super) scores: BTreeMap<String, Arc<Score>>,
    pub(super) schedules: BTreeMap<String, Arc<Schedule>>,
    /// Whose numbers the rule takes that is being read.
    pub(super) provenance: Provenance,
    messages: BTreeMap<String, MessageFile>,
}

impl Reader<'_> {
    /// Notes a mistake: `what is wrong | what to do`.
    pub(super) fn problem(&mut self, at: impl Into<At>, words: impl AsRef<str>) {
        self.problems.push(Problem::new(self.text, at, words.as_ref()));
    }

    fn pack(&mut self, head: Spanned<Head>, rules: Vec<Spanned<RuleFile>>, tests: Vec<Spanned<TestFile>>) -> Pack {
        let (place, head) = (head.span(), head.into_inner());
        if head.engine_min > ENGINE {
            self.problem(
                place.start,
                format!("this pack needs engine {}; this is engine {ENGINE} | update the program", head.engine_min),
            );
        }
        if head.sources.iter().all(|source| source.reference.trim().is_empty()) {
            self.problem(place.start, "a pack without a source cannot be reviewed | add [[pack.sources]] with ref");
        }
        if rules.is_empty() || rules.len() > RULES_MAX {
            self.problem(place.start, format!("a pack has 1 to {RULES_MAX} rules | add one, or split the protocol"));
        }
        let mut rules: Vec<Rule> = rules.into_iter().filter_map(|rule| self.rule(rule)).collect();
        rules.sort_by_key(|rule| Reverse(rule.urgency));
        self.names(&rules);
        let is_untried = |leaf: &When| matches!(leaf, When::Over(over) if over.fold.is_for_trials());
        let for_trials = rules.iter().find(|rule| rule.when.leaves().chain(rule.clear.0.leaves()).any(is_untried));
        if let Some(rule) = for_trials.filter(|_| !head.trial_only) {
            let words = "no published protocol rests on unusual, cusum or forecast | try it on nobody's alerts: write trial_only = true";
            self.problem(place.start, format!("rule {}: {words}", rule.id));
        }
        let is_newer = !self.scores.is_empty()
            || rules.iter().any(|rule| !rule.needs.is_empty() || rule.provenance == Provenance::Device)
            || self.parameters.values().any(|parameter| parameter.default.is_none());
        if is_newer && head.engine_min < 2 {
            self.problem(
                place.start,
                "it looks back, has a score, a provenance, or a parameter without a default | write engine_min = 2",
            );
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
            is_on_trial: false,
            beside: head.beside,
            is_for_trials: head.trial_only,
            audience: audience(head.audience),
            questions: Vec::new(),
            sources: head.sources.into_iter().map(|source| source.reference).collect(),
            parameters: std::mem::take(&mut self.parameters),
            scores: std::mem::take(&mut self.scores).into_values().collect(),
            rules,
            tests,
        }
    }

    fn parameter(&mut self, name: String, parameter: Spanned<ParameterFile>) {
        let place = parameter.span();
        let ParameterFile { unit, default, levels } = parameter.into_inner();
        let default = default.map(|default| (At::from(default.span()), default.into_inner().0));
        let mut checked = BTreeMap::new();
        for (level, range) in
            [(Level::Footprint, levels.footprint), (Level::Team, levels.team), (Level::Patient, levels.patient)]
        {
            let Some(range) = range else { continue };
            let (at, (Number(low), Number(high))) = (range.span(), range.into_inner());
            if low > high {
                self.problem(
                    at,
                    format!(
                        "param {name}: the range {low} to {high} is the wrong way round | write the lower one first"
                    ),
                );
            } else if let Some((at, default)) = default.filter(|(_, default)| *default < low || high < *default) {
                self.problem(
                    at,
                    format!(
                        "param {name}: the default {default} is outside its own range {low} to {high} | \
                         choose a value inside, or have the range widened with a source"
                    ),
                );
            }
            checked.insert(level, (low, high));
        }
        if default.is_none() && checked.is_empty() {
            let words = format!("param {name}: nobody can give it a value | add default, or override");
            self.problem(place.start, words);
        }
        let default = default.map(|(_, default)| default);
        self.parameters.insert(name, Parameter { unit, default, levels: checked });
    }

    fn rule(&mut self, rule: Spanned<RuleFile>) -> Option<Rule> {
        let offset = rule.span().start;
        let rule = rule.into_inner();
        self.provenance = rule.provenance;
        let mut when = self.when(rule.when, 0)?;
        let mut clear = self.when(rule.clear.when, 0)?;
        if rule.clear.count == 0 {
            self.problem(offset, format!("rule {}: clear.count is 0 | write at least 1", rule.id));
        }
        let leaves = when.leaves().chain(clear.leaves()).count();
        if leaves > LEAVES_MAX {
            self.problem(
                offset,
                format!("rule {}: {leaves} comparisons, and at most {LEAVES_MAX} | split it", rule.id),
            );
        }
        let looks_back = when.looks_back() || clear.looks_back();
        if looks_back {
            when.keep_numbers(rule.provenance);
            clear.keep_numbers(rule.provenance);
        }
        let gates_quality = when.leaves().chain(clear.leaves()).any(|leaf| matches!(leaf, When::Without(_)));
        if looks_back && gates_quality {
            self.problem(
                offset,
                format!(
                    "rule {}: it looks back, and quality_without is of one reading | say without = [...] beside each comparison",
                    rule.id
                ),
            );
        }
        let needs = if looks_back { each_once(when.needs().into_iter().chain(clear.needs())) } else { Vec::new() };
        let own: BTreeSet<Kind> = when.own_kinds().chain(clear.own_kinds()).collect();
        if own.len() > 1 {
            self.problem(
                offset,
                format!(
                    "rule {}: a rule reads one measure | write one rule for each, or say of the others how old they may be: max_age",
                    rule.id
                ),
            );
            return None;
        }
        let own_is_empty = own.is_empty();
        // What compares a reading's own numbers is asked when such a reading comes; what only looks back, at every reading
        // that it looks back on.
        let mut kinds: BTreeSet<Kind> =
            if own.is_empty() { needs.iter().map(|need| need.item.kind()).collect() } else { own };
        match self.kinds(&rule.on, At::from(offset)) {
            Some(on) if kinds.is_empty() => kinds.extend(on),
            Some(on) if !on.is_empty() => {
                let words =
                    format!("rule {}: what it compares says on which readings it is asked | leave on out", rule.id);
                self.problem(offset, words);
            }
            Some(_) | None => {}
        }
        if kinds.is_empty() {
            self.problem(offset, format!("rule {}: it compares nothing that was measured | add a comparison, or say on which measures it is asked: on = [\"blood_pressure\"]", rule.id));
            return None;
        }
        if rule.provenance == Provenance::Device {
            self.only_devices(&rule.id, [&when, &clear], &kinds, At::from(offset));
        }
        let waits = when.waits();
        if clear.waits() && !waits || waits && (!own_is_empty || rule.retest.is_some()) {
            self.problem(
                offset,
                format!(
                    "rule {}: what waits for readings compares none of its own and asks for no repeat | say missing or stale \
                     in when, and of what it compares besides how old it may be: max_age",
                    rule.id
                ),
            );
        }
        let late = match rule.late {
            LateFile::Alert => Late::Alert,
            LateFile::AlertAsLate => Late::AlertAsLate,
            LateFile::RecordOnly => Late::RecordOnly,
        };
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
                    format!("rule {}: the repeat's window ends before a repeat may be taken | make within longer than after", rule.id),
                );
            }
            Retest { after, within, prompt: prompt.and_then(|id| self.message(&id, offset)) }
        });
        let urgency = urgency(rule.harm, rule.onset);
        let patient_message = rule.patient_message.and_then(|id| self.message(&id, offset));
        let late_patient_message = rule.late_patient_message.and_then(|id| self.message(&id, offset));
        let clinician_message = self.message(&rule.clinician_message, offset)?;
        if urgency == Urgency::ActNow && !patient_message.as_deref().is_some_and(|text| text.contains("999")) {
            self.problem(
                offset,
                format!(
                    "rule {}: what a person is told for a red says when to call 999 | say so in patient_message",
                    rule.id
                ),
            );
        }
        if late_patient_message.as_deref().is_some_and(|text| text.to_lowercase().contains("call 999 now")) {
            self.problem(
                offset,
                format!(
                    "rule {}: a late reading never says to call 999 now | ask for a fresh reading instead",
                    rule.id
                ),
            );
        }
        if urgency == Urgency::ActNow && late_patient_message.is_none() {
            self.problem(
                offset,
                format!("rule {}: a late red asks the person for a fresh reading | add late_patient_message", rule.id),
            );
        }
        if urgency != Urgency::ActNow && retest.as_ref().is_some_and(|retest| retest.prompt.is_none()) {
            self.problem(offset, format!("rule {}: nobody asks for the repeat | add retest.prompt", rule.id));
        }
        if urgency == Urgency::ActNow && late == Late::RecordOnly {
            self.problem(
                offset,
                format!("rule {}: a red is told, however late | leave out late = \"record-only\"", rule.id),
            );
        }
        Some(Rule {
            waits,
            late,
            keep_firing: rule.keep_firing,
            key: RuleKey::of(&self.id, &rule.id),
            id: rule.id,
            title: rule.title,
            kinds,
            provenance: rule.provenance,
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
            self.problem(offset, format!("message {id} is not in the pack | add [message.{id}] with en"));
        }
        text
    }

    fn names(&mut self, rules: &[Rule]) {
        let mut seen = BTreeSet::new();
        for rule in rules {
            if !seen.insert(&rule.id) {
                self.problem(0, format!("two rules are called {} | rename one", rule.id));
            }
            for other in &rule.yields_to {
                match rules.iter().find(|candidate| candidate.id == *other) {
                    Some(other) if other.urgency > rule.urgency && other.kinds.is_superset(&rule.kinds) => {}
                    Some(_) => self.problem(
                        0,
                        format!(
                            "rule {}: yields only to a more urgent rule on the same measure, not to {other} | take it out of yields_to",
                            rule.id
                        ),
                    ),
                    None => self.problem(0, format!("rule {}: yields to {other}, which is not in the pack | take it out of yields_to", rule.id)),
                }
            }
        }
    }

    fn test(&mut self, test: Spanned<TestFile>) -> Option<PackTest> {
        let offset = test.span().start;
        let TestFile { name, given, unsure, set, expect } = test.into_inner();
        let set: Vec<(String, Decimal)> = set.into_iter().map(|(name, Number(value))| (name, value)).collect();
        if let Some((parameter, _)) = set.iter().find(|(name, _)| !self.parameters.contains_key(name)) {
            self.problem(offset, format!("test {name}: param {parameter} is not in the pack | set one that is"));
        }
        let mut readings: Vec<(Span0, Vec<(String, Given)>)> = Vec::new();
        for (time, component, value) in given {
            let value = match value {
                WordOrNumber::Word(word) if catalogue::component(&component).is_some() => {
                    self.problem(
                        offset,
                        format!("test {name}: {component} is a number, and {word} is a word | write the number"),
                    );
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
            self.problem(offset, format!("test {name}: {what} is none of pending, raise, clear | write one of them"));
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
            self.problem(
                offset,
                format!("{text} is unsure in a test, but no reading is given then | give one, or another time"),
            );
        }
        let mut quality = Quality::none();
        for name in &names {
            match Flag::from_name(name) {
                Some(flag) => quality = quality.with(flag),
                None => self.problem(
                    offset,
                    format!("{name} is nothing that is noticed about a reading | write a flag of the list of readings"),
                ),
            }
        }
        let dated_before = match (clock, dated_before) {
            (None, Some(_)) => {
                let advice = "dated_before is by a clock that nobody compared | write clock = \"not_read\" beside it";
                self.problem(offset, advice);
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
            self.problem(offset, format!("{text} is not a time in a test | write 0m, 90s, 15m, 2h or 7d"));
        }
        span
    }
}

fn audience(audience: AudienceFile) -> Audience {
    match audience {
        AudienceFile::Clinical => Audience::Clinical,
        AudienceFile::Technical => Audience::Technical,
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
