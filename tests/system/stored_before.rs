//! P9: every store that a released program wrote is opened, read and verified by this one. A fixture in which one bit is
//! flipped must not pass.

use harness::stored_before::{all, check};
use ingest::disk::DATABASE_FILE;
use std::fs;

/// Bytes of a page.
const PAGE: usize = 4096;

#[test]
fn every_stored_store_opens_and_says_what_it_said() {
    let fixtures = all().unwrap();
    assert!(!fixtures.is_empty());
    for fixture in fixtures {
        let lines = check(&fixture).unwrap_or_else(|trouble| panic!("{}: {trouble}", fixture.display()));
        assert!(lines > 100, "{lines} lines");
        // Planted: a copy of it that was changed, page by page. What stands there may be nothing that counts any more: room
        // that is free, or a row as it was before it was written again.
        let sound = fs::read(fixture.join(DATABASE_FILE)).unwrap();
        let mut caught = 0;
        for page in 0..sound.len() / PAGE {
            let changed = tempfile::tempdir().unwrap();
            for file in fs::read_dir(&fixture).unwrap() {
                let file = file.unwrap();
                fs::copy(file.path(), changed.path().join(file.file_name())).unwrap();
            }
            let mut bytes = sound.clone();
            let end = (page + 1) * PAGE;
            bytes[end - 256..end].iter_mut().for_each(|byte| *byte ^= 1);
            fs::write(changed.path().join(DATABASE_FILE), bytes).unwrap();
            caught += usize::from(check(changed.path()).is_err());
        }
        let pages = sound.len() / PAGE;
        println!("{}: {caught} of {pages} changed pages were caught", fixture.display());
        assert!(caught * 2 > pages, "{caught} of {pages} changed pages were caught");
    }
}
