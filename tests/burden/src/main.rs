//! `bench-burden`: how many people who needed help got it in time, and how little of anyone's time was spent on the others.
#![forbid(unsafe_code)]

use burden::{
    bench::{self, Generator, Made, Stress},
    cgm, frozen,
    ours::{family::Family, in_force::Meant},
    page, table,
};
use clap::{Parser, Subcommand};
use std::{
    error::Error,
    fs,
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

#[derive(Parser)]
#[command(
    about = "Burden at matched detection over an invented, labelled cohort: published thresholds (A), personal thresholds with one repeat (B), and our protocols.",
    after_help = "Run it with `cargo run --release -p burden --bin bench-burden`. What every figure means: docs/reference/burden.md."
)]
struct Arguments {
    #[command(subcommand)]
    what: Option<What>,
    /// How many cohorts.
    #[arg(long, default_value_t = 20)]
    seeds: u64,
    /// The seed of the first of them; each of the others has the next. Protocols are tuned on 1 and 2.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Make something harder than expected.
    #[arg(long, value_enum, default_value_t = Stress::None)]
    stress: Stress,
    /// Which generator makes the cohorts.
    #[arg(long, global = true, value_enum, default_value_t = Generator::First)]
    generator: Generator,
    /// Sweep the sensitivity of each service as well: five more runs.
    #[arg(long)]
    curve: bool,
    /// Switch a family of operators of ours off.
    #[arg(long, value_enum, value_name = "FAMILY")]
    without: Option<Family>,
    /// The table of ours with one family of operators off at a time, and nothing else.
    #[arg(long)]
    ablation: bool,
    /// Take the protocols of this folder in place of those we ship.
    #[arg(long, global = true, value_name = "FOLDER")]
    packs: Option<PathBuf>,
    /// Take this file in place of tests/burden/ours.toml: which protocols are in force for whom, with which numbers.
    #[arg(long, global = true, value_name = "FILE")]
    own: Option<PathBuf>,
    /// Print every E episode that we missed, with its readings.
    #[arg(long)]
    missed: bool,
    /// Count the alerts of our rules by rule, most first.
    #[arg(long)]
    rules: bool,
    /// Play the diabetes protocol over real continuous glucose: a file of id, time, mg/dL. See tests/burden/cgm.sh.
    #[arg(long, value_name = "FILE")]
    cgm: Option<PathBuf>,
    /// Write the figures by name into this file as well.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Subcommand)]
enum What {
    /// Write the cohort of a seed as readings of the wire, one JSON object a line, in order of arrival.
    Readings {
        /// The seed.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Write the labels of a seed, one JSON object a line.
    Labels {
        /// The seed.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Judge the alert lines of a service over the cohort of a seed.
    Judge {
        /// Lines of `{patient, rule, priority, audience, raised_at, cleared_at, late, evidence}`.
        alerts: PathBuf,
        /// The seed.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Write the hashes of the generator as it is: to frozen.txt, when it is changed on purpose.
    Freeze,
    /// Write the page of the reference that this crate's data files make.
    Page,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_closed_pipe(error.as_ref()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut chain = error.to_string();
            let mut cause = error.source();
            while let Some(source) = cause {
                chain += &format!(": {source}");
                cause = source.source();
            }
            drop(writeln!(io::stderr().lock(), "failed to {chain}"));
            ExitCode::FAILURE
        }
    }
}

/// A reader that has gone, such as `head`, is no fault.
fn is_closed_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

impl Arguments {
    fn made(&self) -> Made {
        Made { by: self.generator, stress: self.stress }
    }

    fn meant(&self) -> Result<Meant, Box<dyn Error>> {
        let packs = self.packs.as_deref().map(texts).transpose()?;
        let own = self.own.as_deref().map(fs::read_to_string).transpose()?;
        Ok(Meant { packs, own, steps: 0, without: self.without })
    }
}

/// The protocols in a folder.
fn texts(folder: &Path) -> io::Result<Vec<String>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    files.retain(|file| {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.ends_with(".toml") && !name.ends_with(".signed.toml") && !name.starts_with("demo-")
    });
    files.sort();
    files.iter().map(fs::read_to_string).collect()
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::new(io::stdout().lock());
    match &arguments.what {
        Some(What::Readings { seed }) => {
            for line in bench::cohort(arguments.made(), *seed)?.lines() {
                writeln!(out, "{}", serde_json::to_string(&line)?)?;
            }
        }
        Some(What::Labels { seed }) => {
            let cohort = bench::cohort(arguments.made(), *seed)?;
            for label in &cohort.labels {
                let patient = cohort.person(label.person).map(|person| person.pseudonym.as_str());
                writeln!(out, "{}", serde_json::json!({"patient": patient, "label": label}))?;
            }
        }
        Some(What::Judge { alerts, seed }) => {
            let came = bench::judge_lines(&fs::read_to_string(alerts)?, arguments.made(), *seed)?;
            write!(out, "{}", table::came_text(&came))?;
        }
        Some(What::Freeze) => write!(out, "{}", frozen::hashes()?)?,
        Some(What::Page) => write!(out, "{}", page::page()?)?,
        None => bench_run(arguments, &mut out)?,
    }
    out.flush()?;
    Ok(())
}

fn bench_run(arguments: &Arguments, out: &mut impl io::Write) -> Result<(), Box<dyn Error>> {
    let (made, meant) = (arguments.made(), arguments.meant()?);
    let last = arguments.from.saturating_add(arguments.seeds).saturating_sub(1);
    let seeds = arguments.from..=last;
    let has_said = |seed| drop(writeln!(io::stderr().lock(), "seed {seed} of {last}"));
    if let Some(file) = &arguments.cgm {
        write!(out, "{}", cgm::text(&fs::read_to_string(file)?, &meant)?)?;
        return Ok(());
    }
    if arguments.ablation {
        write!(out, "{}", table::ablation_text(&bench::ablation(seeds, made, &meant, has_said)?))?;
        return Ok(());
    }
    let run = bench::run(seeds.clone(), made, &meant, has_said)?;
    let points = if arguments.curve { bench::curve(seeds, made, &meant)? } else { Vec::new() };
    writeln!(out, "{}", table::text(&run, arguments.missed))?;
    if arguments.rules {
        writeln!(out, "{}", table::rules_text(&run))?;
    }
    if !points.is_empty() {
        writeln!(out, "{}", table::curve_text(&points))?;
    }
    if let Some(path) = &arguments.json {
        fs::write(path, serde_json::to_string_pretty(&table::json(&run, &points))?)?;
    }
    Ok(())
}
