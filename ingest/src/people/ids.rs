//! Our id for a person whom a list names by NHS number alone: the same one from every list, and never the number.

use vitals::{NhsNumber, PatientId, hex};
use zeroize::Zeroizing;

/// Bytes of an id: 80 bits, so that among ten million people two with one id are not to be expected.
const BYTES: usize = 10;

/// Most tries to find one without ten decimal digits in a row; about one in twenty-five has them.
const TRIES_MAX: usize = 64;

/// Makes the ids of one service. Without its key nobody can tell which number an id was made of, although there are few
/// enough numbers to try them all.
///
/// ```
/// use ingest::people::PersonIds;
/// use vitals::NhsNumber;
/// let ada = NhsNumber::parse("999 000 0018").unwrap();
/// let ids = PersonIds::new(&[7; 32]);
/// assert_eq!(ids.of(ada), ids.of(ada));
/// assert_ne!(ids.of(ada), PersonIds::new(&[8; 32]).of(ada));
/// ```
#[derive(Clone)]
pub struct PersonIds {
    key: Zeroizing<[u8; 32]>,
}

impl PersonIds {
    /// Ids under a key of their own, made of the key of the chains: a service that lost that one cannot open its store.
    #[must_use]
    pub fn new(chain_key: &[u8; 32]) -> Self {
        Self { key: Zeroizing::new(blake3::derive_key("derwent 2026 person id", chain_key)) }
    }

    /// The id of whoever has this number: `pt-` and twenty hexadecimal digits, never ten decimal digits in a row. None is
    /// not to be expected.
    #[must_use]
    pub fn of(&self, number: NhsNumber) -> Option<PatientId> {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(number.digits().as_bytes());
        let mut stream = hasher.finalize_xof();
        (0..TRIES_MAX).find_map(|_try| {
            let mut bytes = [0; BYTES];
            stream.fill(&mut bytes);
            PatientId::parse(&format!("pt-{}", hex::encode(&bytes))).ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn number(place: u32) -> Option<NhsNumber> {
        let nine = format!("999{place:06}");
        let digits: Vec<u8> = nine.bytes().map(|byte| byte - b'0').collect();
        let last = vitals::nhs::check_digit(digits.try_into().unwrap())?;
        Some(NhsNumber::parse(&format!("{nine}{last}")).unwrap())
    }

    /// Of some thousand, many have ten digits in a row at the first try; none keeps them, and no two are the same.
    #[test]
    fn every_number_has_an_id_of_its_own_that_could_be_no_number() {
        let ids = PersonIds::new(&[7; 32]);
        let numbers: Vec<NhsNumber> = (0..5_000).filter_map(number).collect();
        let made: BTreeSet<PatientId> = numbers.iter().map(|number| ids.of(*number).unwrap()).collect();
        assert_eq!(made.len(), numbers.len());
        assert!(made.iter().all(|id| id.as_str().len() == 3 + 2 * BYTES));
        let first_try = |number: &NhsNumber| {
            let digest = blake3::Hasher::new_keyed(&ids.key).update(number.digits().as_bytes()).finalize();
            format!("pt-{}", hex::encode(&digest.as_bytes()[..BYTES]))
        };
        assert!(numbers.iter().any(|number| PatientId::parse(&first_try(number)).is_err()), "the case was met");
    }
}
