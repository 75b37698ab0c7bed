//! The service's own keys, as files beside its store: made at the first start, readable by their owner only.

use crate::{
    disk::{sync_folder, write_private},
    rng::Randomness,
    server_key::{Line, NotALine, ServerKey},
};
use chrono::{DateTime, Utc};
use std::{fs, io, path::Path};
use vitals::wire::sealed::Sealed;
use zeroize::Zeroizing;

/// A key file: its name, and what to say where it holds no key.
struct KeyFile {
    name: &'static str,
    advice: &'static str,
}

const CHAIN_KEY: KeyFile = KeyFile {
    name: "chain.key",
    advice: "chain.key is not 32 bytes: restore it from the backup; without it the record cannot be checked",
};

const SERVER_KEY: KeyFile = KeyFile {
    name: "server.key",
    advice: "server.key is not 32 bytes: restore it from the backup; with another key every hub must be told of it",
};

/// The key of the chains.
pub(super) fn chain_key(folder: &Path, rng: &dyn Randomness) -> io::Result<[u8; 32]> {
    CHAIN_KEY.read_or_make(folder, rng).map(|key| *key)
}

/// The key that takes the place of the service's own.
const NEXT_SERVER_KEY: KeyFile = KeyFile {
    name: "server.next.key",
    advice: "server.next.key is not 32 bytes: remove it; no hub has been told of it",
};

/// The statements which of the service's keys followed which.
const LINE_FILE: &str = "server-keys.json";

/// The key the service signs with, in the line of those before it.
pub(super) fn server_key(folder: &Path, rng: &dyn Randomness) -> io::Result<ServerKey> {
    in_line(folder, &*SERVER_KEY.read_or_make(folder, rng)?)
}

fn in_line(folder: &Path, seed: &[u8; 32]) -> io::Result<ServerKey> {
    let spoiled = |cause: NotALine| io::Error::new(io::ErrorKind::InvalidData, cause);
    let line = Line::of(statements(folder)?).map_err(spoiled)?;
    ServerKey::from_seed(seed).in_line(line).map_err(spoiled)
}

fn statements(folder: &Path) -> io::Result<Vec<Sealed>> {
    match fs::read(folder.join(LINE_FILE)) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::from),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Makes a key, has the one in use vouch for it, and puts it in its place. A rotation that was cut off is finished, with the key
/// that was made for it.
pub(super) fn rotate_server_key(folder: &Path, rng: &dyn Randomness, at: DateTime<Utc>) -> io::Result<ServerKey> {
    let before = server_key(folder, rng)?;
    let next = ServerKey::from_seed(&*NEXT_SERVER_KEY.read_or_make(folder, rng)?);
    let vouched_for = before.line().announced_after(&before.public());
    if vouched_for.as_ref().is_none_or(|(vouched, _)| *vouched != next.public()) {
        let mut statements = before.line().statements().to_vec();
        if vouched_for.is_some() {
            // Its key was lost before it was ever used.
            statements.pop();
        }
        statements.push(before.hand_over(&next, at));
        write_private(folder, LINE_FILE, &serde_json::to_vec(&statements)?)?;
    }
    fs::rename(folder.join(NEXT_SERVER_KEY.name), folder.join(SERVER_KEY.name))?;
    sync_folder(folder)?;
    server_key(folder, rng)
}

/// The key of the chains, where there is one: a program that only reads makes none.
pub(super) fn existing_chain_key(folder: &Path) -> io::Result<[u8; 32]> {
    let missing = || io::Error::new(io::ErrorKind::NotFound, "there is no chain.key: restore it from the backup");
    CHAIN_KEY.read(folder)?.map(|key| *key).ok_or_else(missing)
}

/// The key the service signs with, where there is one.
pub(super) fn existing_server_key(folder: &Path) -> io::Result<Option<ServerKey>> {
    SERVER_KEY.read(folder)?.map(|seed| in_line(folder, &seed)).transpose()
}

impl KeyFile {
    fn read(&self, folder: &Path) -> io::Result<Option<Zeroizing<[u8; 32]>>> {
        match fs::read(folder.join(self.name)).map(Zeroizing::new) {
            Ok(bytes) => match bytes.as_slice().try_into() {
                Ok(key) => Ok(Some(Zeroizing::new(key))),
                Err(_other_length) => Err(io::Error::new(io::ErrorKind::InvalidData, self.advice)),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read_or_make(&self, folder: &Path, rng: &dyn Randomness) -> io::Result<Zeroizing<[u8; 32]>> {
        if let Some(key) = self.read(folder)? {
            return Ok(key);
        }
        let mut key = Zeroizing::new([0; 32]);
        rng.fill(key.as_mut_slice()).map_err(io::Error::other)?;
        write_private(folder, self.name, key.as_slice())?;
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::OsRandomness;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_made_once_for_its_owner_only_and_a_spoiled_one_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let first = server_key(folder.path(), &OsRandomness).unwrap().public();
        assert_eq!(server_key(folder.path(), &OsRandomness).unwrap().public(), first);
        assert_ne!(chain_key(folder.path(), &OsRandomness).unwrap(), [0; 32]);
        let path = folder.path().join(SERVER_KEY.name);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, [1; 31]).unwrap();
        let error = server_key(folder.path(), &OsRandomness).unwrap_err().to_string();
        assert!(error.contains("restore it from the backup"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), [1; 31]);
    }

    /// A rotation that is cut off at any point leaves a folder that starts, and given again it is finished with one key more.
    #[test]
    fn a_key_is_followed_by_the_word_of_the_one_before_wherever_the_command_is_cut_off() {
        let at = DateTime::UNIX_EPOCH;
        let rotated = |folder: &Path| rotate_server_key(folder, &OsRandomness, at).unwrap();
        let make = || {
            let folder = tempfile::tempdir().unwrap();
            let first = server_key(folder.path(), &OsRandomness).unwrap();
            (folder, first)
        };
        let (folder, first) = make();
        let (second, third) = (rotated(folder.path()), rotated(folder.path()));
        assert!([&first, &second, &third].iter().all(|key| third.line().has(&key.public())));
        assert_eq!(server_key(folder.path(), &OsRandomness).unwrap().public(), third.public());
        assert_eq!(third.line().told().len(), 2);

        // After the key was made, and after the statement was written as well.
        let (folder, first) = make();
        let next = NEXT_SERVER_KEY.read_or_make(folder.path(), &OsRandomness).unwrap();
        assert_eq!(server_key(folder.path(), &OsRandomness).unwrap().public(), first.public());
        let next = ServerKey::from_seed(&next);
        let statement = serde_json::to_vec(&[first.hand_over(&next, at)]).unwrap();
        write_private(folder.path(), LINE_FILE, &statement).unwrap();
        assert_eq!(server_key(folder.path(), &OsRandomness).unwrap().public(), first.public(), "still the one in use");
        let finished = rotated(folder.path());
        assert_eq!((finished.public(), finished.line().statements().len()), (next.public(), 1));

        // A line that does not lead to the key is told, and nothing is written over it.
        fs::write(folder.path().join(SERVER_KEY.name), [9; 32]).unwrap();
        let error = server_key(folder.path(), &OsRandomness).unwrap_err().to_string();
        assert!(error.contains("restore the key files together"), "{error}");
    }
}
