//! `power-cuts`: cuts the power of the running service on real file systems, and counts what it lost.

use clap::Parser;
use harness::{
    cuts::{self, FileSystem, Wanted},
    say, under_test,
};
use std::{ffi::OsString, path::PathBuf, process::ExitCode};

#[derive(Parser)]
#[command(
    about = "Cuts the power of the running service, by shutting down the file system under it. Needs root and the right to mount.",
    after_help = "`power-cuts serve --config FILE` is the service itself, as each cut starts it."
)]
struct Arguments {
    /// How many cuts, over all file systems.
    #[arg(long, value_name = "N", default_value_t = 100)]
    cuts: u32,
    /// The file systems, in turn.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "ext4,xfs")]
    fs: Vec<FileSystem>,
    /// Where everything random comes from.
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// Also fills up the first of the file systems, and sees that alerts are still told and taken.
    #[arg(long)]
    full_disk: bool,
    /// In a name space of its own already, with this empty folder.
    #[arg(long, hide = true, value_name = "FOLDER")]
    inside: Option<PathBuf>,
}

fn main() -> ExitCode {
    let given: Vec<OsString> = std::env::args_os().collect();
    if under_test::is_asked_for(&given) {
        return under_test::run(given);
    }
    let Arguments { cuts, fs, seed, full_disk, inside } = Arguments::parse_from(&given);
    let wanted = Wanted { cuts, file_systems: fs, seed, fills_a_disk: full_disk };
    say::ended(match inside {
        Some(folder) => cuts::run(&wanted, &folder, say::line),
        None => Err(cuts::in_a_name_space_of_its_own(&given)),
    })
}
