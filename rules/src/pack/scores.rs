//! From a score as written to a score that can be asked: its tables are checked for gaps and overlaps.

use super::{
    Need, OnlyIf, Part, Points, Score, Table,
    conditions::secs,
    file::{BandFile, Number, OnlyIfFile, PartFile, ScoreFile, TableFile, WordOrNumber},
    item::{decimal, nano},
    parameter::parameter_key,
    problem::At,
    read::Reader,
    score::Band,
};
use crate::state::SeriesKey;
use std::sync::Arc;
use toml::Spanned;

/// Most parts of a score.
const PARTS_MAX: usize = 16;

/// Most bands of a table.
const BANDS_MAX: usize = 32;

impl Reader<'_> {
    pub(super) fn score(&mut self, score: Spanned<ScoreFile>) {
        let offset = score.span().start;
        let ScoreFile { id, title, source, max, max_age, part } = score.into_inner();
        let Some(source) = source.filter(|source| !source.trim().is_empty()) else {
            self.problem(
                offset,
                format!("score {id}: a table without a source cannot be reviewed | add source = \"…\""),
            );
            return;
        };
        if part.is_empty() || part.len() > PARTS_MAX {
            self.problem(offset, format!("score {id}: a score has 1 to {PARTS_MAX} parts | add one, or split it"));
        }
        let (before, wanted) = (self.problems.len(), part.len());
        let parts: Vec<Part> = part.into_iter().filter_map(|part| self.part(&id, secs(max_age), part)).collect();
        let most: i64 = parts.iter().map(|part| part.max).sum();
        if parts.len() == wanted && self.problems.len() == before && most != i64::from(max) {
            self.problem(
                offset,
                format!(
                    "score {id}: its parts come to at most {most}, and max says {max} | correct the points, or max"
                ),
            );
        }
        let score = Score { id: id.clone(), title, source, parts };
        if self.scores.insert(id.clone(), Arc::new(score)).is_some() {
            self.problem(offset, format!("two scores are called {id} | rename one"));
        }
    }

    fn part(&mut self, score: &str, max_age: i64, part: Spanned<PartFile>) -> Option<Part> {
        let offset = part.span().start;
        let PartFile { name, of, unit, step, max_age: own_age, words, table } = part.into_inner();
        let what = format!("score {score}, part {name}");
        let items = of.iter().map(|name| self.item(name, offset)).collect::<Option<Vec<_>>>()?;
        if items.is_empty() {
            self.problem(offset, format!("{what}: say what it reads | of = [\"…\"]"));
            return None;
        }
        for item in &items {
            if let super::Item::Number(component) = item
                && Some(component.ucum) != unit
            {
                let unit = unit.map_or("no unit", vitals::Unit::ucum);
                self.problem(
                    offset,
                    format!(
                        "{what}: is in {unit} but {} is in {} | write the unit of the measure catalogue",
                        component.name,
                        component.ucum.ucum()
                    ),
                );
            }
        }
        let points = match (words, step) {
            (Some(words), None) if table.is_empty() => {
                let known = items.first()?.words();
                let points: Option<Vec<i64>> =
                    known.iter().map(|word| words.get(*word).map(|points| i64::from(*points))).collect();
                let Some(points) = points.filter(|points| points.len() == words.len() && items.len() == 1) else {
                    self.problem(
                        offset,
                        format!("{what}: a word has no points, or is no word of it | give the points of each word, and no other: {}", known.join(", ")),
                    );
                    return None;
                };
                Points::Words(points)
            }
            (None, Some(Number(step))) if !table.is_empty() => {
                let Some(step) = nano(step).filter(|step| *step > 0) else {
                    self.problem(offset, format!("{what}: step is 0 or less | write a step above 0"));
                    return None;
                };
                let tables =
                    table.into_iter().map(|table| self.table(&what, step, table)).collect::<Option<Vec<_>>>()?;
                if tables.last().is_some_and(|last| !last.only_if.is_empty()) && tables.len() == 1 {
                    self.problem(
                        offset,
                        format!(
                            "{what}: its only table does not always apply | take only_if away, or add the other table"
                        ),
                    );
                }
                Points::Bands { step, tables }
            }
            _ => {
                self.problem(offset, format!("{what}: how points come of it is not said | words = {{…}}, or step and [[score.part.table]], not both"));
                return None;
            }
        };
        let max = match &points {
            Points::Words(points) => points.iter().copied().max(),
            Points::Bands { tables, .. } => tables.iter().flat_map(|table| &table.bands).map(|band| band.points).max(),
        };
        let of =
            items.into_iter().map(|item| (SeriesKey::of(&item.to_string(), &[]), item)).map(|(key, item)| (item, key));
        Some(Part {
            name,
            max_age: own_age.map_or(max_age, secs),
            of: of.collect(),
            points,
            max: max.unwrap_or_default(),
        })
    }

    fn table(&mut self, what: &str, step: i64, table: Spanned<TableFile>) -> Option<Table> {
        let offset = table.span().start;
        let TableFile { only_if, bands } = table.into_inner();
        if bands.is_empty() || bands.len() > BANDS_MAX {
            self.problem(offset, format!("{what}: a table has 1 to {BANDS_MAX} bands | add one, or join some"));
            return None;
        }
        let only_if = only_if.into_iter().map(|one| self.only_if(what, one, offset)).collect::<Option<Vec<_>>>()?;
        let last = bands.len() - 1;
        let mut read: Vec<Band> = Vec::new();
        for (place, band) in bands.into_iter().enumerate() {
            let offset = At::from(band.span());
            let BandFile { from, to, points } = band.into_inner();
            let amount = |number: Option<Number>| number.map(|Number(number)| nano(number));
            let (from, to) = (amount(from), amount(to));
            if [from, to].into_iter().flatten().any(|amount| amount.is_none_or(|amount| amount % step != 0)) {
                self.problem(
                    offset,
                    format!(
                        "{what}: a band lies between two steps | a band begins and ends on a step of {}",
                        decimal(step)
                    ),
                );
                return None;
            }
            let (from, to) = (from.flatten(), to.flatten());
            if from.zip(to).is_some_and(|(from, to)| to < from) {
                self.problem(offset, format!("{what}: a band is the wrong way round | write the lower amount as from"));
            }
            self.joins(what, step, read.last(), from, offset);
            if to.is_none() != (place == last) {
                self.problem(
                    offset,
                    format!("{what}: the last band, and no other, has no to | every amount has its points"),
                );
            }
            read.push(Band { from, to, points: points.into() });
        }
        Some(Table { only_if, bands: read })
    }

    /// Whether a band begins one step after the one before ends.
    fn joins(&mut self, what: &str, step: i64, before: Option<&Band>, from: Option<i64>, offset: At) {
        match (before.map(|before| before.to), from) {
            (None, None) | (Some(None), _) => {}
            (None, Some(_)) | (Some(Some(_)), None) => {
                self.problem(
                    offset,
                    format!("{what}: the first band, and no other, has no from | every amount has its points"),
                );
            }
            (Some(Some(end)), Some(from)) => {
                let want = end.saturating_add(step);
                if from > want {
                    let message = format!(
                        "{what}: a gap between {} and {} | begin at {}",
                        decimal(end),
                        decimal(from),
                        decimal(want)
                    );
                    self.problem(offset, message);
                } else if from < want {
                    let message = format!(
                        "{what}: {} to {} is in two bands | begin at {}",
                        decimal(from),
                        decimal(end),
                        decimal(want)
                    );
                    self.problem(offset, message);
                }
            }
        }
    }

    fn only_if(&mut self, what: &str, file: OnlyIfFile, offset: usize) -> Option<OnlyIf> {
        match (file.param, file.said, file.is) {
            (Some(name), None, WordOrNumber::Number(is)) => {
                let Some(parameter) = self.parameters.get(&name) else {
                    self.problem(offset, format!("param {name} is not in the pack | add [param.{name}]"));
                    return None;
                };
                Some(OnlyIf::Parameter { key: parameter_key(&self.id, &name), default: parameter.default, is })
            }
            (None, Some(name), WordOrNumber::Word(word)) => {
                let item = self.item(&name, offset)?;
                let Some(word) = item.word(&word) else {
                    self.problem(
                        offset,
                        format!("{what}: this is no word of {name} | {name} is one of {}", item.words().join(", ")),
                    );
                    return None;
                };
                Some(OnlyIf::Says { key: SeriesKey::of(&item.to_string(), &[]), item, word })
            }
            _ => {
                self.problem(offset, format!("{what}: a table applies by param and a number, or by said and a word | write param or said, and is"));
                None
            }
        }
    }
}

impl Score {
    /// What must be kept for it.
    pub(super) fn needs(&self) -> Vec<Need> {
        let need =
            |item: &super::Item, key: SeriesKey, span: i64| Need { item: item.clone(), without: Vec::new(), key, span };
        let mut needs = Vec::new();
        for part in &self.parts {
            needs.extend(part.of.iter().map(|(item, key)| need(item, *key, part.max_age)));
            if let Points::Bands { tables, .. } = &part.points {
                for condition in tables.iter().flat_map(|table| &table.only_if) {
                    if let OnlyIf::Says { item, key, .. } = condition {
                        needs.push(need(item, *key, part.max_age));
                    }
                }
            }
        }
        needs
    }
}
