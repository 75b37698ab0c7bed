//! The yes or no questions a pack asks with a reading.
//!
//! Invariant: at most [`QUESTIONS_MAX`] in a pack, each in its own words, each of use to one of its rules: nobody is asked what
//! nothing is made of.

use super::{Item, Pack, file::QuestionFile, problem::At, read::Reader};
use toml::Spanned;
use vitals::{Kind, measure::Question};

/// Most questions of a pack: a reading is over in a minute, and so must what is asked with it be.
pub const QUESTIONS_MAX: usize = 3;

/// A yes or no question that is asked with a reading. Its answer comes as a reading of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedQuestion {
    /// Its code: what its answer is known by.
    pub code: Question,
    /// The measures with whose readings it is asked.
    pub with: Vec<Kind>,
    /// The rule that must have raised an alert with the reading, where it is not asked every time.
    pub after: Option<String>,
    /// What is asked.
    pub text: String,
}

impl Pack {
    /// What is asked with a reading of a measure, given the rules that raised an alert with it.
    pub fn asks_with(&self, kind: Kind, raised: &[&str]) -> impl Iterator<Item = &AskedQuestion> {
        let is_asked = move |question: &&AskedQuestion| {
            let is_due = question.after.as_deref().is_none_or(|rule| raised.contains(&rule));
            question.with.contains(&kind) && is_due
        };
        self.questions.iter().filter(is_asked)
    }
}

impl Reader<'_> {
    pub(super) fn questions(&mut self, files: Vec<Spanned<QuestionFile>>) -> Vec<(At, AskedQuestion)> {
        if let Some(one_more) = files.get(QUESTIONS_MAX) {
            let words = format!("a pack asks at most {QUESTIONS_MAX} questions | leave one out");
            self.problem(one_more.span().start, words);
        }
        files.into_iter().filter_map(|file| self.question(file)).collect()
    }

    fn question(&mut self, file: Spanned<QuestionFile>) -> Option<(At, AskedQuestion)> {
        let place = At::from(file.span().start);
        let QuestionFile { code, with, after, en } = file.into_inner();
        let Ok(code) = Question::parse(&code) else {
            self.problem(place, format!("{code} is no question's code | write lower-case letters, digits, - and _"));
            return None;
        };
        if with.is_empty() || en.trim().is_empty() {
            self.problem(place, format!("question {code}: say what is asked, and with which readings | en and with"));
        }
        let with = self.kinds(&with, place)?;
        Some((place, AskedQuestion { code, with, after, text: en.trim().to_owned() }))
    }

    /// Measures by their names.
    pub(super) fn kinds(&mut self, names: &[String], place: At) -> Option<Vec<Kind>> {
        let mut kinds = Vec::new();
        for name in names {
            let Some(kind) = Kind::from_name(name) else {
                let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
                self.problem(place, format!("{name} is no measure | write one of {}", known.join(", ")));
                return None;
            };
            kinds.push(kind);
        }
        Some(kinds)
    }

    /// Refuses a question that no rule of the pack makes anything of, and one that is asked twice.
    pub(super) fn each_of_use(&mut self, asked: &[(At, AskedQuestion)], pack: &Pack) {
        for (number, (place, question)) in asked.iter().enumerate() {
            let answer = Item::Answer(question.code.clone());
            let in_rules = pack.rules.iter().any(|rule| rule.asks_about(&answer));
            let in_scores = pack.scores.iter().flat_map(|score| &score.parts).flat_map(|part| &part.of);
            if !in_rules && !in_scores.into_iter().any(|(item, _)| *item == answer) {
                let words = format!(
                    "question {}: no rule makes anything of its answer | use it, or leave it out",
                    question.code
                );
                self.problem(*place, words);
            }
            if let Some(rule) = question.after.as_ref().filter(|after| pack.rules.iter().all(|rule| rule.id != **after))
            {
                let words = format!(
                    "question {}: it is asked after {rule}, which is not in the pack | name a rule that is",
                    question.code
                );
                self.problem(*place, words);
            }
            if asked.iter().take(number).any(|(_, before)| before.code == question.code) {
                self.problem(*place, format!("question {} is asked twice | leave one out", question.code));
            }
        }
    }
}
