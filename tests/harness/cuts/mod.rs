//! Power cuts: the real service on a real file system that loses, at one moment, everything that was not synced.
//!
//! A file system in an image file is mounted through a loop device, and the service keeps its store there. Several hubs
//! send signed batches over several connections. Then the file system is shut down by its own ioctl, without writing its
//! journal: nothing more reaches the image, as when the power goes. The service is killed, the file system mounted again
//! (its journal is replayed), and the store judged as it lies there, before and after the service has started on it and
//! everything was offered again.
//!
//! Invariants: only what was acknowledged before the cut was ordered counts as acknowledged; a store that does not sync
//! its commits is caught in the same run, or the run fails; all mounts are in a name space that ends with the run, so that
//! nothing is left behind however it ends.
//!
//! Besides, a disk is filled up for real ([`Full`]).
//!
//! What this does not show: a disk that reorders what it was told to write, or lies about a sync. The crash images of the
//! storage tests do.

mod full;
mod judge;
mod life;
mod load;
mod people;
mod rehearsal;
mod summary;
mod trigger;
mod volume;

pub use full::{Full, FullSummary};
pub use rehearsal::Rehearsal;
pub use summary::{Cuts, Summary};
pub use volume::FileSystem;

use crate::trouble::{Doing, Trouble};
use life::Life;
use std::{
    convert::Infallible,
    ffi::OsString,
    os::unix::process::CommandExt,
    path::Path,
    process::Command,
    sync::{Mutex, PoisonError},
};
use volume::Memory;

/// Most cuts until a store that does not sync its commits must have lost something, on each file system.
const PLANTED_CUTS_MAX: u32 = 20;

/// Cuts on one file system before it is made anew: a store of some thousand readings, with several recoveries behind it.
const CUTS_IN_A_LIFE: u32 = 4;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// How many cuts, over all file systems.
    pub cuts: u32,
    /// On which.
    pub file_systems: Vec<FileSystem>,
    /// Where everything random comes from.
    pub seed: u64,
    /// Whether the first of the file systems is also filled up.
    pub fills_a_disk: bool,
}

/// Becomes this program with the same arguments and `--inside FOLDER`, in a name space of its own.
///
/// There its mounts and processes are nobody else's and end with it, also where it is killed. Returns only where that is
/// not possible, for example without root.
#[must_use]
pub fn in_a_name_space_of_its_own(arguments: &[OsString]) -> Trouble {
    let become_it = || -> Result<Infallible, Trouble> {
        let program = std::env::current_exe().doing("find this program")?;
        let folder = tempfile::Builder::new().prefix("derwent-cuts-").tempdir().doing("make a folder")?;
        let cause = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--"])
            .arg(program)
            .args(arguments.iter().skip(1))
            .arg("--inside")
            // Removed by whoever it becomes; by nobody, where that is killed.
            .arg(folder.path())
            .exec();
        Err(Trouble::new("start in a name space of its own, which needs `unshare` of util-linux", cause))
    };
    match become_it() {
        Err(trouble) => trouble,
        Ok(never) => match never {},
    }
}

/// All cuts on all file systems, side by side, and a line for each; to be called in a name space of its own, with an empty
/// folder. True where every promise held and what was planted was
/// caught.
///
/// # Errors
/// [`Trouble`] where something could not be put in place or judged.
pub fn run(wanted: &Wanted, folder: &Path, say: fn(&str)) -> Result<bool, Trouble> {
    ends_when_told()?;
    let program = std::env::current_exe().doing("find this program")?;
    let memory = Memory::mount(folder)?;
    let kinds = u32::try_from(wanted.file_systems.len()).unwrap_or(u32::MAX).max(1);
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for (place, kind) in (0..).zip(wanted.file_systems.iter().copied()) {
            let (memory, program, results) = (&memory, program.as_path(), &results);
            // What does not divide goes to the first.
            let cuts = wanted.cuts / kinds + u32::from(place < wanted.cuts % kinds);
            scope.spawn(move || {
                let result = on_one(memory, program, kind, cuts, wanted.seed);
                results.lock().unwrap_or_else(PoisonError::into_inner).push((kind, result));
            });
        }
    });
    let mut is_good = true;
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    if results.len() != wanted.file_systems.len() {
        return Err(Trouble::new("cut the power", "a part of it panicked"));
    }
    for (kind, result) in results {
        let summary = result.map_err(|trouble| Trouble::new(kind.name(), trouble))?;
        say(&summary.to_string());
        summary.broken().iter().for_each(|broken| say(broken));
        is_good &= summary.is_good();
    }
    if let (true, Some(kind)) = (wanted.fills_a_disk, wanted.file_systems.first().copied()) {
        let (folder, mount) = (memory.path().join("full"), memory.place_beside("full"));
        std::fs::create_dir(&folder).doing("make a folder")?;
        let summary = full::on_full_disks((&folder, &mount), &program, kind, wanted.seed)?;
        say(&summary.to_string());
        summary.broken().iter().for_each(|broken| say(broken));
        is_good &= summary.broken().is_empty();
    }
    Ok(is_good)
}

/// The planted store first: a harness that does not see it has nothing to say about the genuine one.
fn on_one(memory: &Memory, program: &Path, kind: FileSystem, cuts: u32, seed: u64) -> Result<Summary, Trouble> {
    let (folder, mount) = (memory.path().join(kind.name()), memory.place_beside(kind.name()));
    std::fs::create_dir(&folder).doing("make a folder")?;
    let places = (folder.as_path(), mount.as_path());
    let mut planted = Cuts::default();
    while planted.cuts < PLANTED_CUTS_MAX && planted.lost == 0 {
        let seed = (seed << 32) + u64::from(planted.cuts);
        let mut life = Life::begin(places, program, kind, seed, true)?;
        for _ in 0..CUTS_IN_A_LIFE.min(PLANTED_CUTS_MAX - planted.cuts) {
            life.cut(&mut planted)?;
            if planted.lost > 0 {
                break;
            }
        }
    }
    let mut genuine = Cuts::default();
    while genuine.cuts < cuts && genuine.broken.is_empty() {
        let seed = (seed << 32) + (1 << 31) + u64::from(genuine.cuts);
        let mut life = Life::begin(places, program, kind, seed, false)?;
        for _ in 0..CUTS_IN_A_LIFE.min(cuts - genuine.cuts) {
            life.cut(&mut genuine)?;
        }
        life.end(&mut genuine)?;
    }
    Ok(Summary { file_system: kind, wanted: cuts, genuine, planted })
}

/// The first process of a name space is deaf to SIGINT and SIGTERM unless it listens.
fn ends_when_told() -> Result<(), Trouble> {
    use tokio::signal::unix::{SignalKind, signal};
    let (told, is_set) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let listen = async {
            let (Ok(mut interrupt), Ok(mut terminate)) =
                (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
            else {
                return false;
            };
            told.send(()).unwrap_or(());
            tokio::select! {
                _ = interrupt.recv() => true,
                _ = terminate.recv() => true,
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        if runtime.is_ok_and(|runtime| runtime.block_on(listen)) {
            // The name space ends with its first process: every mount and every service with it.
            std::process::exit(i32::from(INTERRUPTED));
        }
    });
    is_set.recv().doing("listen for signals")
}

/// The exit code of a program that was told to end.
const INTERRUPTED: u8 = 130;
