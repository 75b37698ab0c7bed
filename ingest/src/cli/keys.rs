//! The service's own keys, as files beside its store: made at the first start, readable by their owner only.

use crate::{rng::Randomness, server_key::ServerKey};
use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};
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

/// The key the service signs with.
pub(super) fn server_key(folder: &Path, rng: &dyn Randomness) -> io::Result<ServerKey> {
    SERVER_KEY.read_or_make(folder, rng).map(|seed| ServerKey::from_seed(&seed))
}

/// The key of the chains, where there is one: a program that only reads makes none.
pub(super) fn existing_chain_key(folder: &Path) -> io::Result<[u8; 32]> {
    let missing = || io::Error::new(io::ErrorKind::NotFound, "there is no chain.key: restore it from the backup");
    CHAIN_KEY.read(folder)?.map(|key| *key).ok_or_else(missing)
}

/// The key the service signs with, where there is one.
pub(super) fn existing_server_key(folder: &Path) -> io::Result<Option<ServerKey>> {
    Ok(SERVER_KEY.read(folder)?.map(|seed| ServerKey::from_seed(&seed)))
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
        // Written beside and renamed, so that a power cut leaves a whole key or none.
        let new = folder.join(format!("{}.new", self.name));
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(key.as_slice())?;
        file.sync_all()?;
        fs::rename(&new, folder.join(self.name))?;
        fs::File::open(folder)?.sync_all()?;
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
}
