//! What a family of operators buys: protocols as they would be without it.
//!
//! Invariants: a protocol without a family reads and can be in force as any other; what falls back says how; what has
//! nothing to fall back on is left out, and a rule left without a condition with it.

use toml::{Table, Value};

/// Operators that are switched off together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Mean, median, lowest, highest, home average: the newest reading of the window is compared with the same bound.
    Windows,
    /// Change and slope: nothing to fall back on, left out.
    Change,
    /// Rate of change: nothing to fall back on, left out.
    Rate,
    /// So many in a row, so many of the last: the single reading is compared.
    Counts,
    /// For a length of time, clear conditions of their own, margins, counts of better readings: the single reading
    /// decides, and the first that does not breach ends it.
    Hysteresis,
    /// The repeat before staff are told: staff are told at once.
    Repeat,
    /// Totals of a score: one part that scores 3 decides.
    Score,
    /// A person's own settings: the protocol's own numbers for everybody.
    Own,
    /// How old a reading may be to be acted on: every reading counts as fresh.
    Late,
    /// What people answer to questions: nobody is asked.
    Questions,
    /// Reminders and calls where nothing came: nobody calls.
    Missing,
}

impl Family {
    /// Every family.
    pub const ALL: [Self; 11] = [
        Self::Windows,
        Self::Change,
        Self::Rate,
        Self::Counts,
        Self::Hysteresis,
        Self::Repeat,
        Self::Score,
        Self::Own,
        Self::Late,
        Self::Questions,
        Self::Missing,
    ];

    /// What is off, for people to read.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Windows => "windows",
            Self::Change => "change and slope",
            Self::Rate => "rate of change",
            Self::Counts => "in a row, n of m",
            Self::Hysteresis => "for, hysteresis, clear",
            Self::Repeat => "repeat",
            Self::Score => "score totals",
            Self::Own => "own settings",
            Self::Late => "late policy",
            Self::Questions => "questions",
            Self::Missing => "missing readings",
        }
    }

    /// Takes the family out of a protocol.
    pub(super) fn leave_out(self, pack: &mut Table) {
        let Some(Value::Array(rules)) = pack.get_mut("rule") else { return };
        rules.retain_mut(|rule| rule.as_table_mut().is_none_or(|rule| self.change_rule(rule)));
        let left: Vec<String> = rules.iter().filter_map(|rule| Some(rule.get("id")?.as_str()?.to_owned())).collect();
        for rule in rules.iter_mut().filter_map(Value::as_table_mut) {
            if let Some(Value::Array(yields)) = rule.get_mut("yields_to") {
                yields.retain(|to| to.as_str().is_some_and(|to| left.iter().any(|id| id == to)));
            }
        }
        // A question that no rule is left to ask is refused; the answers come without being asked here.
        pack.remove("question");
    }

    /// Changes a rule; false where nothing is left of it.
    fn change_rule(self, rule: &mut Table) -> bool {
        // What waits for readings ends when one comes, and has no other way.
        match (rule.get("when").is_some_and(waits), self) {
            (true, Self::Missing) => return false,
            (true, Self::Hysteresis) => return true,
            (true | false, _) => {}
        }
        match self {
            Self::Repeat => drop(rule.remove("retest")),
            Self::Late => drop(rule.insert("actionable_for".into(), "100d".into())),
            // What people answer does not reach the rules: a rule that needs an answer never holds.
            Self::Own | Self::Questions => {}
            Self::Hysteresis => return self.first_better_ends_it(rule),
            Self::Windows | Self::Change | Self::Rate | Self::Counts | Self::Score | Self::Missing => {
                let Some(when) = rule.get("when").cloned().and_then(|when| self.condition(when)) else { return false };
                rule.insert("when".into(), when);
                let clear = rule.get_mut("clear").and_then(Value::as_table_mut);
                if let Some(clear) = clear {
                    match clear.get("when").cloned().and_then(|clear| self.condition(clear)) {
                        Some(when) => drop(clear.insert("when".into(), when)),
                        None => return self.first_better_ends_it(rule),
                    }
                }
            }
        }
        true
    }

    /// It ends with the first reading that does not breach.
    fn first_better_ends_it(self, rule: &mut Table) -> bool {
        let Some(when) = rule.get("when").cloned().and_then(|when| self.condition(when)) else { return false };
        rule.insert("when".into(), when.clone());
        let ends: Table = [("not".to_owned(), when)].into_iter().collect();
        let clear: Table =
            [("count".to_owned(), Value::Integer(1)), ("when".to_owned(), Value::Table(ends))].into_iter().collect();
        rule.insert("clear".into(), Value::Table(clear));
        true
    }

    /// A condition without the family; none where nothing is left of it.
    fn condition(self, when: Value) -> Option<Value> {
        let Value::Table(mut when) = when else { return Some(when) };
        for group in ["any", "all"] {
            if let Some(Value::Array(parts)) = when.remove(group) {
                let parts: Vec<Value> = parts.into_iter().filter_map(|part| self.condition(part)).collect();
                let left = (!parts.is_empty()).then_some(Value::Array(parts))?;
                return Some(Value::Table([(group.to_owned(), left)].into_iter().collect()));
            }
        }
        if let Some(part) = when.remove("not") {
            return Some(Value::Table([("not".to_owned(), self.condition(part)?)].into_iter().collect()));
        }
        self.leaf(when).map(Value::Table)
    }

    fn leaf(self, mut leaf: Table) -> Option<Table> {
        let has = |leaf: &Table, names: &[&str]| names.iter().any(|name| leaf.contains_key(*name));
        match self {
            Self::Windows => {
                let folds = ["mean", "median", "lowest", "highest", "home_average"];
                let of = folds.into_iter().find_map(|fold| leaf.remove(fold));
                if let Some(of) = of {
                    leaf.insert("latest".into(), of);
                    strip(&mut leaf, &["last", "readings_min"]);
                    if let Some(over) = leaf.remove("over") {
                        leaf.insert("max_age".into(), over);
                    }
                }
            }
            Self::Change if has(&leaf, &["change", "slope", "ewma", "usual", "cusum"]) => return None,
            Self::Rate if has(&leaf, &["rate"]) => return None,
            Self::Counts if has(&leaf, &["in_a_row", "n_of"]) => {
                strip(&mut leaf, &["in_a_row", "n_of", "over", "without"]);
            }
            Self::Hysteresis => strip(&mut leaf, &["for", "gap_max"]),
            Self::Score if has(&leaf, &["score"]) && !leaf.contains_key("part") => {
                let is_high = has(&leaf, &["at_least", "above"]);
                strip(&mut leaf, &["at_least", "above", "at_most", "below", "plus", "minus"]);
                leaf.insert("part".into(), "any".into());
                leaf.insert(if is_high { "at_least" } else { "below" }.into(), Value::Integer(3));
            }
            Self::Change
            | Self::Rate
            | Self::Counts
            | Self::Repeat
            | Self::Score
            | Self::Own
            | Self::Late
            | Self::Questions
            | Self::Missing => {}
        }
        Some(leaf)
    }
}

/// Whether a condition waits for readings that do not come.
fn waits(when: &Value) -> bool {
    match when {
        Value::Table(table) => {
            table.contains_key("missing") || table.contains_key("stale") || table.values().any(waits)
        }
        Value::Array(parts) => parts.iter().any(waits),
        Value::String(_) | Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => false,
    }
}

fn strip(leaf: &mut Table, names: &[&str]) {
    for name in names {
        leaf.remove(*name);
    }
}
