//! What Linux says of this machine, and of what a process has used.

use crate::trouble::{Doing, Trouble};
use std::{collections::BTreeMap, fs, path::Path, process::Command, time::Duration};

/// Ticks a second in `/proc/PID/stat`: `USER_HZ`, which is 100 on every Linux that Rust runs on.
const TICKS_A_SECOND: u32 = 100;

/// User and system time of one process with all its threads.
pub(super) fn cpu_of(pid: u32) -> Result<Duration, Trouble> {
    Ok(stat(pid)?.own)
}

/// User and system time of a process, of all that live below it, and of those below it that have ended.
pub(super) fn cpu_of_tree(root: u32) -> Result<Duration, Trouble> {
    let tree = tree(root)?;
    let ended = tree.first().map(|(_, stat)| stat.ended).unwrap_or_default();
    Ok(ended + tree.iter().map(|(_, stat)| stat.own).sum::<Duration>())
}

/// A process and all that live below it, itself first.
fn tree(root: u32) -> Result<Vec<(u32, Stat)>, Trouble> {
    let mut stats: BTreeMap<u32, Stat> = BTreeMap::new();
    for entry in fs::read_dir("/proc").doing("list the processes")? {
        let name = entry.doing("list the processes")?.file_name();
        let pid = name.to_str().and_then(|name| name.parse().ok());
        // A process may end between the list and the look.
        if let Some((pid, stat)) = pid.and_then(|pid| Some((pid, stat(pid).ok()?))) {
            stats.insert(pid, stat);
        }
    }
    let mut waiting = vec![root];
    let mut tree = Vec::new();
    while let Some(pid) = waiting.pop() {
        let Some(stat) = stats.remove(&pid) else { return Err(Trouble::new("find a process", "it has ended")) };
        waiting.extend(stats.iter().filter(|(_, below)| below.parent == pid).map(|(child, _)| *child));
        tree.push((pid, stat));
    }
    Ok(tree)
}

/// Sends a signal to processes.
pub(super) fn tell(signal: &str, pids: &[u32]) -> Result<(), Trouble> {
    let pids = pids.iter().map(u32::to_string);
    let command = format!("kill -{signal} \"$@\"");
    let status = Command::new("sh").args(["-c", &command, "sh"]).args(pids).status().doing("send a signal")?;
    if status.success() { Ok(()) } else { Err(Trouble::new("send a signal", status.to_string())) }
}

/// Stops processes and all below them where they are, so that what they do in the background is not done in another's
/// time, while something else runs; then lets them go on.
pub(super) fn at_rest<T>(roots: &[u32], work: impl FnOnce() -> Result<T, Trouble>) -> Result<T, Trouble> {
    let mut pids = Vec::new();
    for root in roots {
        pids.extend(tree(*root)?.into_iter().map(|(pid, _)| pid));
    }
    if pids.is_empty() {
        return work();
    }
    tell("STOP", &pids)?;
    let done = work();
    tell("CONT", &pids)?;
    done
}

struct Stat {
    parent: u32,
    own: Duration,
    ended: Duration,
}

/// `/proc/PID/stat` (`proc_pid_stat(5)`): after the name in brackets come state and parent; user and system time are the
/// twelfth and thirteenth after the name, those of children waited for the two after.
fn stat(pid: u32) -> Result<Stat, Trouble> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).doing("look at a process")?;
    let fields: Vec<&str> = text.rsplit_once(") ").map(|(_, rest)| rest.split(' ').collect()).unwrap_or_default();
    let number = |place: usize| fields.get(place).and_then(|field| field.trim().parse::<u32>().ok());
    let time = |place: usize| {
        let ticks = number(place).ok_or_else(|| Trouble::new("look at a process", "its stat does not read"))?;
        Ok::<_, Trouble>(Duration::from_secs(ticks.into()) / TICKS_A_SECOND)
    };
    Ok(Stat { parent: number(1).unwrap_or(0), own: time(11)? + time(12)?, ended: time(13)? + time(14)? })
}

/// What the figures were measured on.
pub(super) fn about() -> String {
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = memory.lines().next().and_then(|line| line.split_whitespace().nth(1)).unwrap_or("?").to_owned();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let model = model.trim_start_matches([' ', '\t', ':']);
    format!("{cpus} CPUs, {model}; {memory} kB of memory; Linux {}", kernel.trim())
}

/// The load average of the last minute, five and fifteen.
pub(super) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// The kind of the filesystem that a folder is on.
pub(super) fn filesystem(folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap_or_else(|_not_there| folder.to_owned());
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    let holding = mounts.filter(|(at, _)| folder.starts_with(at));
    holding.max_by_key(|(at, _)| at.len()).map_or_else(|| "unknown".to_owned(), |(_, kind)| kind.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_seen_with_what_it_used() {
        let me = std::process::id();
        let one = cpu_of(me).unwrap();
        assert!(cpu_of_tree(me).unwrap() >= one);
        assert!(cpu_of(u32::MAX).is_err());
        assert_ne!(filesystem(Path::new("/")), "unknown");
    }
}
