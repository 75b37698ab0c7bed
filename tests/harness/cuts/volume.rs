//! A file system whose power can be cut: an image in memory, a loop device, a mount, and a blade that is ready.
//!
//! Invariant: the images, the mounts and the loop devices are in the name space of this process and its children. The
//! kernel frees them with the last of these, however it ends.

use crate::{
    clock::wait_until,
    trouble::{Doing, Trouble},
};
use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    str::FromStr,
    time::Duration,
};

/// Size of an image; only what is written takes memory. The least that xfs makes is 300 MB.
const IMAGE_BYTES: u64 = 512 * 1024 * 1024;

/// How long the blade may take to be ready, and a mount to be given back.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// The file by which the blade holds the file system.
const BLADE_FILE: &str = "blade";

/// A file system that can be shut down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileSystem {
    /// ext4, with its data ordered before its journal, as it comes.
    Ext4,
    /// XFS.
    Xfs,
}

impl FileSystem {
    /// Its name, as `mount` has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
        }
    }
}

/// No such file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("want ext4 or xfs")]
pub struct NoSuchFileSystem;

impl FromStr for FileSystem {
    type Err = NoSuchFileSystem;

    fn from_str(name: &str) -> Result<Self, NoSuchFileSystem> {
        [Self::Ext4, Self::Xfs].into_iter().find(|known| known.name() == name).ok_or(NoSuchFileSystem)
    }
}

/// Runs a command and says what it said where it failed.
fn command(program: &str, arguments: &[&Path]) -> Result<(), Trouble> {
    let ran = Command::new(program).args(arguments).stdin(Stdio::null()).output().doing(&format!("run {program}"))?;
    if ran.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ran.stderr).trim().to_owned();
    Err(Trouble::new(&format!("run {program}"), format!("{}: {said}", ran.status)))
}

/// A file system in memory, for the images and everything else that a run writes.
pub(super) struct Memory {
    folder: PathBuf,
    path: PathBuf,
}

impl Memory {
    /// In an empty folder, which is gone afterwards.
    pub(super) fn mount(folder: &Path) -> Result<Self, Trouble> {
        let memory = Self { folder: folder.to_owned(), path: folder.join("memory") };
        fs::create_dir(&memory.path).doing("make a place to mount")?;
        command("mount", &["-t".as_ref(), "tmpfs".as_ref(), "none".as_ref(), &memory.path])?;
        Ok(memory)
    }

    /// Where it is mounted.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A place to mount a file system. Beside the memory and not within it: an image under its own mount would hold itself
    /// for ever, should somebody outside remove the folder.
    pub(super) fn place_beside(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // What cannot be given back now goes with the name space.
        drop(command("umount", &[&self.path]));
        drop(fs::remove_dir(&self.path));
        drop(fs::remove_dir(&self.folder));
    }
}

/// One file system, mounted.
pub(super) struct Volume {
    kind: FileSystem,
    image: PathBuf,
    mount: PathBuf,
    blade: Option<Blade>,
    is_mounted: bool,
}

impl Volume {
    /// Makes a file system in a folder of the memory and mounts it at a place that is not there yet.
    pub(super) fn make(folder: &Path, mount: &Path, kind: FileSystem) -> Result<Self, Trouble> {
        let (image, mount) = (folder.join("image"), mount.to_owned());
        fs::create_dir(&mount).doing("make a place to mount")?;
        File::create(&image).and_then(|file| file.set_len(IMAGE_BYTES)).doing("make an image")?;
        command(&format!("mkfs.{}", kind.name()), &["-q".as_ref(), &image])?;
        let mut volume = Self { kind, image, mount, blade: None, is_mounted: false };
        volume.mount()?;
        Ok(volume)
    }

    /// Where it is mounted.
    pub(super) fn path(&self) -> &Path {
        &self.mount
    }

    fn mount(&mut self) -> Result<(), Trouble> {
        let how: [&Path; 4] = ["-t".as_ref(), self.kind.name().as_ref(), "-o".as_ref(), "loop".as_ref()];
        command("mount", &[&how[..], &[&self.image, &self.mount]].concat())?;
        self.is_mounted = true;
        self.blade = Some(Blade::ready(&self.mount)?);
        Ok(())
    }

    /// Cuts the power, and sees that it is gone.
    pub(super) fn cut(&mut self) -> Result<(), Trouble> {
        self.blade.take().ok_or_else(|| Trouble::new("cut the power", "it is cut already"))?.cut()?;
        match File::create(self.mount.join("after-the-cut")) {
            Err(_no_more) => Ok(()),
            Ok(_) => Err(Trouble::new("cut the power", "files can still be made")),
        }
    }

    /// Power is back: the file system is mounted again, which replays its journal. Nobody may have a file open in it.
    pub(super) fn mount_again(&mut self) -> Result<(), Trouble> {
        self.unmount()?;
        self.mount()
    }

    fn unmount(&mut self) -> Result<(), Trouble> {
        self.blade = None;
        let mut last = Ok(());
        // The kernel may hold it for a moment after the last process that used it has ended.
        let given_back = wait_until(READY_WITHIN, "the mount is given back", || {
            last = command("umount", &[&self.mount]);
            last.is_ok()
        });
        match given_back {
            Ok(_) => self.is_mounted = false,
            Err(_late) => last?,
        }
        Ok(())
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        if self.is_mounted {
            // What cannot be given back now goes with the name space.
            drop(self.unmount());
        }
        drop(fs::remove_file(&self.image));
        drop(fs::remove_dir(&self.mount));
    }
}

/// `xfs_io`, holding the file system and waiting for the word: its `shutdown` is the ioctl 0x8004587D with flag 2, "do not
/// write the log", on ext4 as on XFS.
struct Blade {
    process: Child,
}

impl Blade {
    fn ready(mount: &Path) -> Result<Self, Trouble> {
        let file = mount.join(BLADE_FILE);
        // Left by the last one, where it was synced by chance.
        if file.exists() {
            fs::remove_file(&file).doing("make the blade ready")?;
        }
        let process = Command::new("xfs_io")
            .args(["-f".as_ref(), "-x".as_ref(), file.as_path()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .doing("start xfs_io, of xfsprogs")?;
        let blade = Self { process };
        wait_until(READY_WITHIN, "xfs_io holds the file system", || file.exists()).doing("start xfs_io")?;
        Ok(blade)
    }

    fn cut(mut self) -> Result<(), Trouble> {
        let word = self.process.stdin.take().ok_or_else(|| Trouble::new("cut the power", "it was cut before"))?;
        { word }.write_all(b"shutdown\n").doing("cut the power")?;
        let status = self.process.wait().doing("cut the power")?;
        if status.success() { Ok(()) } else { Err(Trouble::new("cut the power", format!("xfs_io: {status}"))) }
    }
}

impl Drop for Blade {
    fn drop(&mut self) {
        // One that has cut has ended, and cannot be killed.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
