//! Moving a person, or everybody of a team, to another team or care home.
//!
//! A move is a new version of the person, with its reason. What they have besides stays: readings, alerts, history, and
//! the care plan with its thresholds, which are things of their own.

use super::{
    known::{Known, KnownPeople},
    list::Step,
};
use register::Item;
use thiserror::Error;
use vitals::{
    PatientId,
    id::{HomeId, TeamId},
};

/// Where to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Destination {
    /// The team; none leaves the one they have.
    pub team: Option<TeamId>,
    /// The care home: none leaves the one they have, and an inner none means that they live in none.
    pub home: Option<Option<HomeId>>,
}

/// Why nobody was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MoveRefused {
    /// No such person.
    #[error("move a person: the register has nobody of this id")]
    Nobody,
    /// No such team.
    #[error("move a person: the register has no such team")]
    NoTeam,
    /// No such care home.
    #[error("move a person: the register has no such care home")]
    NoHome,
    /// Neither team nor home.
    #[error("move a person: say to which team or care home")]
    Nowhere,
}

impl Destination {
    fn check(&self, known: &KnownPeople) -> Result<(), MoveRefused> {
        if *self == Self::default() {
            return Err(MoveRefused::Nowhere);
        }
        if self.team.as_ref().is_some_and(|team| !known.has_team(team)) {
            return Err(MoveRefused::NoTeam);
        }
        match self.home.iter().flatten().any(|home| !known.has_home(home)) {
            true => Err(MoveRefused::NoHome),
            false => Ok(()),
        }
    }

    fn of(&self, before: Known) -> Step {
        let Known { patient: before, version } = before;
        let mut after = before.clone();
        after.team = self.team.clone().or(after.team);
        after.home = self.home.clone().unwrap_or(after.home);
        let moved = [("team", after.team != before.team), ("home", after.home != before.home)];
        let changed: Vec<&'static str> = moved.into_iter().filter_map(|(field, is)| is.then_some(field)).collect();
        if changed.is_empty() {
            return Step::Unchanged;
        }
        Step::Write { item: Item::from(after), version: version.saturating_add(1), changed }
    }
}

/// What moving one person comes to.
///
/// # Errors
/// [`MoveRefused`] where there is no such person or place.
pub fn move_person(known: &KnownPeople, id: &PatientId, to: &Destination) -> Result<Step, MoveRefused> {
    to.check(known)?;
    known.person(id).map(|before| to.of(before)).ok_or(MoveRefused::Nobody)
}

/// What moving everybody of a team comes to, each with what changes, in the order of their ids.
///
/// # Errors
/// [`MoveRefused`] where there is no such place.
pub fn move_team<'k>(
    known: &'k KnownPeople,
    from: &'k TeamId,
    to: &'k Destination,
) -> Result<impl Iterator<Item = (PatientId, Step)> + 'k, MoveRefused> {
    to.check(known)?;
    if !known.has_team(from) {
        return Err(MoveRefused::NoTeam);
    }
    let theirs = known.ids().into_iter().filter_map(|id| known.person(id));
    let theirs = theirs.filter(move |person| person.patient.team.as_ref() == Some(from));
    Ok(theirs.map(|person| (person.patient.id.clone(), to.of(person))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::roster::tests::{ada, register};

    fn team(id: &str) -> Option<TeamId> {
        TeamId::parse(id).ok()
    }

    #[test]
    fn a_move_changes_the_place_and_nothing_else() {
        let known = register();
        let id = ada().id;
        let home = HomeId::parse("hm-a").unwrap();
        let to = Destination { team: team("tm-b"), home: Some(Some(home.clone())) };
        let Step::Write { item, version, changed } = move_person(&known, &id, &to).unwrap() else { panic!("it moves") };
        let after = register::Patient { team: team("tm-b"), home: Some(home), ..ada() };
        assert_eq!((item, version, changed), (Item::from(after), 4, vec!["team", "home"]));
        let stays = Destination { team: team("tm-a"), home: Some(None) };
        assert_eq!(move_person(&known, &id, &stays), Ok(Step::Unchanged));
    }

    #[test]
    fn everybody_of_a_team_moves_and_nobody_else() {
        let mut known = register();
        let of = |id: &str, of: &str| register::Patient { id: PatientId::parse(id).unwrap(), team: team(of), ..ada() };
        for person in [of("pt-b", "tm-a"), of("pt-c", "tm-b")] {
            known.learn(&Item::from(person), 1).unwrap();
        }
        let (from, to) = (team("tm-a").unwrap(), Destination { team: team("tm-b"), home: None });
        let moved: Vec<String> = move_team(&known, &from, &to).unwrap().map(|(id, _)| id.to_string()).collect();
        assert_eq!(moved, ["pt-ada", "pt-b"]);
    }

    #[test]
    fn nobody_moves_to_where_nothing_is() {
        let known = register();
        let nowhere = Destination { team: team("tm-x"), home: None };
        assert_eq!(move_person(&known, &ada().id, &nowhere), Err(MoveRefused::NoTeam));
        let home = Destination { team: None, home: Some(HomeId::parse("hm-x").ok()) };
        assert_eq!(move_person(&known, &ada().id, &home), Err(MoveRefused::NoHome));
        assert_eq!(move_person(&known, &ada().id, &Destination::default()), Err(MoveRefused::Nowhere));
        let nobody = PatientId::parse("pt-nobody").unwrap();
        let to = Destination { team: team("tm-b"), home: None };
        assert_eq!(move_person(&known, &nobody, &to), Err(MoveRefused::Nobody));
        assert!(move_team(&known, &team("tm-x").unwrap(), &to).is_err());
    }
}
