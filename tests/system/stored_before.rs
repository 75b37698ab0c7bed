//! P9: every store that a released program wrote is opened, read and verified by this one. A fixture in which one bit is
//! flipped must not pass.

use harness::stored_before::{all, check};
use ingest::disk::DATABASE_FILE;
use std::fs;

#[test]
fn every_stored_store_opens_and_says_what_it_said() {
    let fixtures = all().unwrap();
    assert!(!fixtures.is_empty());
    for fixture in fixtures {
        let lines = check(&fixture).unwrap_or_else(|trouble| panic!("{}: {trouble}", fixture.display()));
        assert!(lines > 100, "{lines} lines");
        // Planted: a copy of it that was changed.
        let changed = tempfile::tempdir().unwrap();
        for file in fs::read_dir(&fixture).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), changed.path().join(file.file_name())).unwrap();
        }
        let path = changed.path().join(DATABASE_FILE);
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..middle + 64].iter_mut().for_each(|byte| *byte ^= 1);
        fs::write(&path, bytes).unwrap();
        assert!(check(changed.path()).is_err(), "a changed fixture passed");
    }
}
