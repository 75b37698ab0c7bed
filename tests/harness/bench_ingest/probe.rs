//! The probe: what a durable append costs here and now, the least that an acknowledgement can cost.
//!
//! 4 KiB appended and synced (`fdatasync`), one thread, on the filesystem of the store.

use super::stats::Spread;
use crate::{
    clock::time_of,
    trouble::{Doing, Trouble},
};
use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
    time::Duration,
};

/// Bytes of one append.
const APPEND_BYTES: usize = 4096;

/// Most appends of one burst.
const APPENDS_MAX: usize = 20_000;

/// How long each append took, for a while.
pub(super) fn burst(folder: &Path, lasts: Duration) -> Result<Vec<Duration>, Trouble> {
    let path = folder.join("probe");
    let mut file = File::create(&path).doing("make the probe's file")?;
    let block = [0x5a; APPEND_BYTES];
    let (mut times, mut passed) = (Vec::new(), Duration::ZERO);
    while passed < lasts && times.len() < APPENDS_MAX {
        let mut done: io::Result<()> = Ok(());
        let took = time_of(|| done = file.write_all(&block).and_then(|()| file.sync_data()));
        done.doing("append and sync")?;
        times.push(took);
        passed += took;
    }
    fs::remove_file(&path).doing("remove the probe's file")?;
    Ok(times)
}

/// Two bursts as one.
pub(super) fn together(before: Vec<Duration>, after: Vec<Duration>) -> Spread {
    Spread::new(before.into_iter().chain(after).collect())
}
