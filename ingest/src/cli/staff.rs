//! `ingest staff`: the first members of staff, and passwords. On the store of a service that is stopped; a running one
//! holds its folder, and the command says so.
//!
//! Invariant: a password is read from standard input, never from an argument, where every other program could read it.

use super::{CommandError, StoreMaker, out, stopped::Stopped};
use crate::{
    access::{Access, Password, PasswordHash, PasswordRefused, Purpose},
    http::secret,
    rng::{OsRandomness, Randomness},
    store::{ApplyError, ReadError, Slice, Subject},
};
use clap::Subcommand;
use register::{Item, ItemRef, Place, Post, Role, Span, Staff};
use rules::{Event, event::Account};
use std::{
    io::{self, BufRead, Read},
    path::PathBuf,
};
use thiserror::Error;
use vitals::{
    bounded::Text,
    id::{HomeId, OrganisationId, StaffId, TeamId},
};
use zeroize::Zeroizing;

/// Longest line that is read for a password: more than a password may have.
const LINE_BYTES_MAX: u64 = 1024;

/// What to do with staff.
#[derive(Debug, Subcommand)]
pub(super) enum StaffCommand {
    /// Adds a member of staff, or a post to one who is there. The service must be stopped
    Add {
        /// The settings.
        #[arg(long)]
        config: PathBuf,
        /// Their id, such as st-ada.
        #[arg(long, value_parser = StaffId::parse)]
        id: StaffId,
        /// The name colleagues see. Needed for whoever is new.
        #[arg(long, value_parser = name)]
        name: Option<Text<120>>,
        /// What they do: `case_manager`, `clinician`, `home_staff`, `home_manager`, administrator, equipment, `clinical_lead`,
        /// `clinical_safety_officer` or `privacy_officer`.
        #[arg(long, value_parser = role)]
        role: Role,
        /// Where: the id of a team, a home or an organisation, or footprint for all of them.
        #[arg(long, value_parser = place)]
        place: Place,
    },
    /// Sets somebody's password, which they must change when they sign in. Reads it from standard input, one line. The
    /// service must be stopped
    Password {
        /// The settings.
        #[arg(long)]
        config: PathBuf,
        /// Whose, such as st-ada.
        #[arg(value_parser = StaffId::parse)]
        id: StaffId,
    },
}

/// Why a command about staff failed.
#[derive(Debug, Error)]
pub enum StaffError {
    /// The register could not be read.
    #[error("read the register")]
    Read(#[from] ReadError),
    /// Something could not be written.
    #[error("write into the register")]
    Write(#[from] ApplyError),
    /// Nobody has this id.
    #[error("find {0} in the register: add them first")]
    Nobody(StaffId),
    /// The register has no such place.
    #[error("find that place in the register: write it first, with `ingest register put`")]
    Nowhere,
    /// Somebody new needs a name.
    #[error("add somebody new: give their --name")]
    NoName,
    /// The post is theirs already.
    #[error("add a post: they hold it already")]
    HeldAlready,
    /// Standard input cannot be read, or is no line of text.
    #[error("read the password from standard input")]
    Input(#[source] io::Error),
    /// The password will not do.
    #[error("set the password")]
    Refused(#[from] PasswordRefused),
    /// There is no randomness or memory to keep it.
    #[error("hash the password: there is no randomness, or too little memory")]
    Hash,
}

fn name(text: &str) -> Result<Text<120>, String> {
    Text::new(text).map_err(|error| error.to_string())
}

fn role(text: &str) -> Result<Role, String> {
    let all = || Role::ALL.iter().map(|role| role.name()).collect::<Vec<_>>().join(", ");
    Role::from_name(text).ok_or_else(|| format!("want one of {}", all()))
}

fn place(text: &str) -> Result<Place, String> {
    if text == "footprint" {
        return Ok(Place::Footprint);
    }
    let team = TeamId::parse(text).map(Place::Team);
    let home = || HomeId::parse(text).map(Place::Home);
    let organisation = || OrganisationId::parse(text).map(Place::Organisation);
    team.or_else(|_not_a_team| home())
        .or_else(|_not_a_home| organisation())
        .map_err(|_none| "want the id of a team (tm-), a home (hm-) or an organisation (org-), or footprint".to_owned())
}

pub(super) fn run(command: StaffCommand, make_store: StoreMaker) -> Result<(), CommandError> {
    match command {
        StaffCommand::Add { config, id, name, role, place } => Stopped::work(&config, make_store, |stopped| {
            let version = stopped.wait(add(stopped, id.clone(), name, role, place))?;
            out::line(&format!("{id} is in the register, version {version}."));
            Ok(())
        }),
        StaffCommand::Password { config, id } => {
            let password = read_password(&mut io::stdin().lock())?;
            Stopped::work(&config, make_store, |stopped| {
                stopped.wait(set_password(stopped, id.clone(), password))?;
                out::line(&format!("{id} can sign in with the new password, and must change it then."));
                Ok(())
            })
        }
    }
}

async fn add(
    stopped: &Stopped,
    id: StaffId,
    name: Option<Text<120>>,
    role: Role,
    place: Place,
) -> Result<u32, StaffError> {
    let access = Access::system(Purpose::SetUp);
    let of_place = match &place {
        Place::Team(team) => Some(ItemRef::Team(team.clone())),
        Place::Home(home) => Some(ItemRef::Home(home.clone())),
        Place::Organisation(organisation) => Some(ItemRef::Organisation(organisation.clone())),
        Place::Footprint => None,
    };
    if let Some(of_place) = of_place {
        stopped.store.item(&access, &of_place).await?.ok_or(StaffError::Nowhere)?;
    }
    let which = ItemRef::Staff(id.clone());
    let before = stopped.store.item(&access, &which).await?;
    let version = before.as_ref().map_or(1, |before| before.version.saturating_add(1));
    let mut staff = match before.map(|kept| kept.item) {
        Some(Item::Staff(staff)) => *staff,
        Some(_) | None => Staff { id, name: name.clone().ok_or(StaffError::NoName)?, posts: Vec::new(), left_at: None },
    };
    if let Some(name) = name {
        staff.name = name;
    }
    if staff.posts_at(stopped.at).any(|post| post.role == role && post.place == place) {
        return Err(StaffError::HeldAlready);
    }
    // Who comes back is here again.
    staff.left_at = staff.left_at.filter(|left| *left > stopped.at);
    staff.posts.push(Post { role, place, span: Span::since(stopped.at) });
    apply(stopped, &access, Event::written(staff)).await?;
    Ok(version)
}

async fn set_password(stopped: &Stopped, staff: StaffId, password: Password) -> Result<(), StaffError> {
    let access = Access::system(Purpose::SetUp);
    let known = stopped.store.item(&access, &ItemRef::Staff(staff.clone())).await?;
    if known.is_none() {
        return Err(StaffError::Nobody(staff));
    }
    let mut salt = [0; 16];
    OsRandomness.fill(&mut salt).map_err(|_none| StaffError::Hash)?;
    let kept = PasswordHash::of(&password, salt).ok_or(StaffError::Hash)?;
    let secret = Some(secret(&kept).ok_or(StaffError::Hash)?);
    let account = Account { staff, secret, by: None, at: stopped.at, is_first: true };
    apply(stopped, &access, Event::AccountSet(account)).await
}

async fn apply(stopped: &Stopped, access: &Access, event: Event) -> Result<(), StaffError> {
    let slice = Slice { subject: Subject::Service, events: vec![event] };
    for answer in stopped.store.apply(access, vec![slice], Stopped::decide(), stopped.at).await {
        drop(answer?);
    }
    Ok(())
}

/// One line, without its end.
fn read_password(input: &mut impl BufRead) -> Result<Password, StaffError> {
    let mut line = Zeroizing::new(String::new());
    input.take(LINE_BYTES_MAX).read_line(&mut line).map_err(StaffError::Input)?;
    let text = line.strip_suffix('\n').unwrap_or(&line);
    let text = text.strip_suffix('\r').unwrap_or(text);
    let password = Password::given(text.to_owned());
    password.check()?;
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_one_line_and_one_that_others_would_guess_is_refused() {
        let read = |text: &str| read_password(&mut text.as_bytes());
        let is_kept =
            |text: &str| read(text).is_ok_and(|password| password == Password::given("three random words".into()));
        assert!(is_kept("three random words"));
        assert!(is_kept("three random words\n"));
        assert!(is_kept("three random words\r\nand another line\n"));
        for (text, expected) in [
            ("", PasswordRefused::TooShort),
            ("\n", PasswordRefused::TooShort),
            ("passwordpassword\n", PasswordRefused::Common),
            ("ab".repeat(600).as_str(), PasswordRefused::TooLong),
        ] {
            assert!(matches!(read(text), Err(StaffError::Refused(why)) if why == expected), "{}", text.len());
        }
    }

    #[test]
    fn a_place_is_named_by_its_id() {
        assert_eq!(place("footprint"), Ok(Place::Footprint));
        assert!(matches!(place("tm-north"), Ok(Place::Team(_))));
        assert!(matches!(place("hm-oak"), Ok(Place::Home(_))));
        assert!(matches!(place("org-trust"), Ok(Place::Organisation(_))));
        assert!(place("st-ada").is_err() && place("").is_err());
    }
}
