//! What somebody is to be asked about what was set for people and places. None of it changes any value.

use chrono::{DateTime, TimeDelta, Utc};
use register::{
    Item,
    plan::{Parameter, Temporary},
};
use std::fmt;
use vitals::id::StaffId;

/// What there is to ask, and whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// The protocol.
    pub pack: String,
    /// The parameter.
    pub name: String,
    /// Who set it.
    pub owner: StaffId,
    /// What to ask.
    pub what: Asked,
}

/// What to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Whether it still holds: the day of its review has passed.
    IsDue(DateTime<Utc>),
    /// Whether it may end: it does so by itself.
    Ends(DateTime<Utc>),
}

impl fmt::Display for Review {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pack, name, owner, what } = self;
        let day = |at: &DateTime<Utc>| at.format("%Y-%m-%d %H:%M UTC");
        match what {
            Asked::IsDue(at) => {
                write!(f, "ask {owner} whether {name} of {pack} still holds: its review was due {}", day(at))
            }
            Asked::Ends(at) => write!(f, "tell {owner} that {name} of {pack} ends by itself {}", day(at)),
        }
    }
}

/// What there is to ask about a plan of a person or a place, as of a moment and so long ahead.
#[must_use]
pub fn reviews(item: &Item, ahead: TimeDelta, at: DateTime<Utc>) -> Vec<Review> {
    let parameters = match item {
        Item::Plan(plan) => plan.parameters.as_slice(),
        Item::PlacePlan(plan) => plan.parameters.as_slice(),
        Item::Organisation(_)
        | Item::Team(_)
        | Item::Home(_)
        | Item::Staff(_)
        | Item::Device(_)
        | Item::Hub(_)
        | Item::Patient(_)
        | Item::Health(_)
        | Item::Carer(_)
        | Item::Assignment(_)
        | Item::Consent(_)
        | Item::Objection(_)
        | Item::Emergency(_)
        | Item::Erasure(_)
        | Item::Hold(_) => &[],
    };
    let of_one = |one: &Parameter| {
        let review = |what| Review {
            pack: one.pack.as_str().to_owned(),
            name: one.name.as_str().to_owned(),
            owner: one.author.clone(),
            what,
        };
        let is_due = (one.review_at <= at).then(|| review(Asked::IsDue(one.review_at)));
        let ends = |span: &Temporary| (at < span.until && span.until <= at + ahead).then_some(span.until);
        let ends = one.temporary.as_ref().and_then(ends).map(|until| review(Asked::Ends(until)));
        is_due.into_iter().chain(ends)
    };
    parameters.iter().flat_map(of_one).collect()
}
