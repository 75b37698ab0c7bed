//! Accounts of others: an administrator gives somebody a password for their first sign-in, or takes their account away.
//!
//! Invariants: the password is made here, shown once and kept nowhere; whoever has it must choose another at once; nobody
//! sets their own account, nor that of somebody whose posts reach beyond their own; every session of theirs ends with the
//! commit.

use super::{
    Refusal, Shared,
    guard::{Allowed, needs::WriteStaff},
    json,
    register::seen,
    session::secret,
};
use crate::{
    access::{Access, Password, PasswordHash},
    rng::{NoRandomness, Randomness},
    store::{ApplyError, Slice, Subject},
};
use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
    web,
};
use register::{Item, ItemRef};
use rules::{
    Event,
    event::{Account, Audit, AuditKind},
};
use serde::Serialize;
use vitals::{ErrorCode, bounded::Text, id::StaffId};

/// What a first password is made of: no character of it is taken for another. 32 of them, so that each is as likely.
const ALPHABET: &[u8; 32] = b"23456789abcdefghjkmnpqrstuvwxyz+";

/// Four groups of four, 80 bits: more than anybody can guess in ten tries.
const CHARACTERS: usize = 16;

/// Characters that are shown together.
const GROUP: usize = 4;

/// An account that was made.
#[derive(Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub(super) struct AccountMade {
    staff: StaffId,
    /// Shown this once.
    password: String,
}

/// A password that nobody can guess, as people read it.
fn first_password(rng: &dyn Randomness) -> Result<String, NoRandomness> {
    let mut bytes = [0; CHARACTERS];
    rng.fill(&mut bytes)?;
    let letter = |byte: &u8| ALPHABET.get(usize::from(byte % 32)).copied().map_or('2', char::from);
    let groups = bytes.chunks(GROUP).map(|group| group.iter().map(letter).collect::<String>());
    Ok(groups.collect::<Vec<_>>().join("-"))
}

/// Proof that whoever asks may set this account.
async fn may_set(shared: &Shared, access: &Access, staff: &str) -> Result<(StaffId, Access), Refusal> {
    let staff = StaffId::parse(staff).map_err(|_not_an_id| ErrorCode::ItemNotFound)?;
    let kept = seen(shared, access, &ItemRef::Staff(staff.clone())).await?;
    let Item::Staff(of) = kept.item else { return Err(ErrorCode::Internal.into()) };
    let narrow = access.for_account_of(&of).map_err(|_denied| ErrorCode::NotAllowed)?;
    Ok((staff, narrow))
}

/// `POST /v1/staff/{staff}/account`: a password for somebody's first sign-in.
pub(super) async fn make(
    allowed: Allowed<WriteStaff>,
    staff: web::Path<String>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let accounts = shared.accounts.as_ref().ok_or(ErrorCode::NotFound)?;
    let (staff, narrow) = may_set(&shared, allowed.access(), &staff).await?;
    let no_randomness = |error: NoRandomness| {
        tracing::error!(%error, "There is no randomness for a password.");
        ErrorCode::Internal
    };
    let password = first_password(shared.rng.as_ref()).map_err(no_randomness)?;
    let mut salt = [0; 16];
    shared.rng.fill(&mut salt).map_err(no_randomness)?;
    let given = Password::given(password.clone());
    let kept = accounts.hash(move || PasswordHash::of(&given, salt)).await?.ok_or(ErrorCode::ServiceBusy)?;
    let secret = secret(&kept).ok_or(ErrorCode::Internal)?;
    set(&shared, &narrow, &staff, allowed.access(), Some(secret)).await?;
    Ok(json::answer(StatusCode::CREATED, &AccountMade { staff, password }))
}

/// `DELETE /v1/staff/{staff}/account`: nobody can sign in with it any more.
pub(super) async fn take_away(
    allowed: Allowed<WriteStaff>,
    staff: web::Path<String>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    shared.accounts.as_ref().ok_or(ErrorCode::NotFound)?;
    let (staff, narrow) = may_set(&shared, allowed.access(), &staff).await?;
    set(&shared, &narrow, &staff, allowed.access(), None).await?;
    Ok(HttpResponse::NoContent().insert_header((header::CACHE_CONTROL, "no-store")).finish())
}

/// Sets an account, with a line in the service's record of whose it is and who did it.
async fn set(
    shared: &Shared,
    narrow: &Access,
    staff: &StaffId,
    asking: &Access,
    secret: Option<Text<400>>,
) -> Result<(), Refusal> {
    let by = asking.actor().map(|who| who.id.clone()).ok_or(ErrorCode::NotAllowed)?;
    let at = shared.clock.now();
    let about = Text::new(&format!("{staff} by {by}")).map_err(|_never| ErrorCode::Internal)?;
    let audit = Audit { what: AuditKind::AccountChanged, about, by: None };
    let account = Account { staff: staff.clone(), secret, by: Some(by), at, is_first: true };
    let events = vec![Event::AccountSet(account), Event::Audited(audit)];
    let slices = vec![Slice { subject: Subject::Service, events }];
    let _nobody_signs_in = shared.accounts.as_ref().ok_or(ErrorCode::NotFound)?.changing.lock().await;
    let answers = shared.store.apply(narrow, slices, shared.decide.clone(), at).await;
    let done: Result<Vec<_>, ApplyError> = answers.into_iter().collect();
    done.map(|_committed| ()).map_err(|error| Refusal::from(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    struct Counts(std::sync::Mutex<u8>);

    impl Randomness for Counts {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
            let mut next = self.0.lock().unwrap();
            bytes.iter_mut().for_each(|byte| {
                *byte = *next;
                *next = next.wrapping_add(1);
            });
            Ok(())
        }
    }

    #[test]
    fn a_first_password_is_one_that_is_taken_and_each_character_is_as_likely() {
        let rng = Counts(std::sync::Mutex::new(0));
        let passwords: Vec<String> = (0..16).map(|_| first_password(&rng).unwrap()).collect();
        assert_eq!(passwords[0], "2345-6789-abcd-efgh");
        assert!(passwords.iter().all(|password| Password::given(password.clone()).check().is_ok()));
        let letters: String = passwords.concat().replace('-', "");
        let each: BTreeSet<char> = letters.chars().collect();
        assert_eq!((letters.len(), each.len()), (256, 32));
        assert!(each.iter().all(|one| letters.matches(*one).count() == 8));
    }
}
