//! What a condition is about, whether it looks back, and what must be kept for it.

use super::{Item, Need, Provenance, Said, Source, Threshold, When};
use crate::state::SeriesKey;
use vitals::Kind;

/// Longest that a value is kept, in seconds: no operator looks further back.
const KEPT_SECS_MAX: i64 = crate::duration::SPAN_DAYS_MAX * 86_400;

impl When {
    /// The measures whose reading it is about: numbers and words of the reading itself.
    pub(super) fn own_kinds(&self) -> impl Iterator<Item = Kind> + '_ {
        self.leaves().filter_map(|leaf| {
            if let Self::Threshold(threshold) = leaf {
                return Some(threshold.component.kind);
            }
            if let Self::Said(said) = leaf { said.is_of_the_reading().then(|| said.source.item.kind()) } else { None }
        })
    }

    /// Whether it looks back.
    pub(super) fn looks_back(&self) -> bool {
        self.leaves().any(|leaf| match leaf {
            Self::Over(_)
            | Self::Among(_)
            | Self::For(_)
            | Self::Postural(_)
            | Self::Score(_)
            | Self::Missing(_)
            | Self::Stale(_) => true,
            Self::Said(said) => !said.is_of_the_reading(),
            Self::Threshold(_) | Self::Without(_) | Self::IsSet(..) | Self::Any(_) | Self::All(_) | Self::Not(_) => {
                false
            }
        })
    }

    /// In a rule that looks back, the numbers of a reading are kept too, so that an earlier moment can be asked about.
    pub(super) fn keep_numbers(&mut self, provenance: Provenance) {
        match self {
            Self::Threshold(threshold) => {
                threshold.without = provenance.without();
                let names: Vec<&str> = threshold.without.iter().map(|flag| flag.name()).collect();
                threshold.kept = Some(SeriesKey::of(&threshold.component.name, &names));
            }
            Self::Any(parts) | Self::All(parts) => parts.iter_mut().for_each(|part| part.keep_numbers(provenance)),
            Self::Not(part) => part.keep_numbers(provenance),
            Self::Over(_)
            | Self::Among(_)
            | Self::For(_)
            | Self::Postural(_)
            | Self::Said(_)
            | Self::Without(_)
            | Self::Score(_)
            | Self::Missing(_)
            | Self::Stale(_)
            | Self::IsSet(..) => {}
        }
    }

    /// What must be kept for it: twice as far back as it looks, so that a late reading can be put in its place and the
    /// moments after it asked about again.
    pub(super) fn needs(&self) -> Vec<Need> {
        let of = |source: &Source| Need {
            item: source.item.clone(),
            without: source.without.clone(),
            key: source.key,
            span: source.window.span,
        };
        self.leaves()
            .flat_map(|leaf| match leaf {
                Self::Over(over) => vec![of(&over.source)],
                Self::Among(among) => vec![of(&among.source)],
                Self::For(held) => vec![of(&held.source)],
                Self::Postural(postural) => vec![of(&postural.standing), of(&postural.resting)],
                Self::Said(said) => vec![of(&said.source)],
                Self::Threshold(Threshold { component, kept: Some(key), without, .. }) => {
                    vec![Need { item: Item::Number(component), without: without.to_vec(), key: *key, span: 0 }]
                }
                Self::Score(test) => test.score.needs(),
                Self::Missing(_) | Self::Stale(_) => leaf.need_to_wait().into_iter().collect(),
                Self::Threshold(Threshold { kept: None, .. })
                | Self::Without(_)
                | Self::IsSet(..)
                | Self::Any(_)
                | Self::All(_)
                | Self::Not(_) => Vec::new(),
            })
            .collect()
    }
}

impl super::Rule {
    /// Whether it compares this.
    pub(super) fn asks_about(&self, item: &Item) -> bool {
        let (clear, _) = &self.clear;
        self.when
            .leaves()
            .chain(clear.leaves())
            .any(|leaf| if let When::Said(said) = leaf { said.source.item == *item } else { false })
    }
}

impl Said {
    /// Whether it asks what the reading itself says, and nothing from before.
    fn is_of_the_reading(&self) -> bool {
        self.source.window.span == 0
    }
}

/// Each list once, for the longest that anybody looks back on it: a rule often compares one thing in several ways.
pub(super) fn each_once(needs: impl Iterator<Item = Need>) -> Vec<Need> {
    let mut once: Vec<Need> = Vec::new();
    for need in needs {
        match once.iter_mut().find(|known| known.key == need.key) {
            Some(known) => known.span = known.span.max(need.span),
            None => once.push(need),
        }
    }
    once
}

/// How long values are kept for an operator that looks back so far.
pub(super) fn kept_secs(span: i64) -> i64 {
    span.saturating_mul(2).min(KEPT_SECS_MAX)
}
