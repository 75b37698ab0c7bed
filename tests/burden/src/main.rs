//! `bench-burden`: how many people who needed help got it in time, and how little of anyone's time was spent on the others.
#![forbid(unsafe_code)]

use burden::{
    bench::{self, NotRun, Stress},
    cohort::Cohort,
    frozen, page, table,
};
use clap::{Parser, Subcommand};
use std::{
    error::Error,
    fs,
    io::{self, BufWriter, Write as _},
    path::PathBuf,
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
    /// How many cohorts, of the seeds from 1 on.
    #[arg(long, default_value_t = 20)]
    seeds: u64,
    /// Make something harder than expected.
    #[arg(long, value_enum, default_value_t = Stress::None)]
    stress: Stress,
    /// Sweep the sensitivity of each service as well: five more runs.
    #[arg(long)]
    curve: bool,
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

fn cohort(seed: u64) -> Result<Cohort, NotRun> {
    Ok(Cohort::generate(&bench::parameters(Stress::None)?, seed)?)
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::new(io::stdout().lock());
    match &arguments.what {
        Some(What::Readings { seed }) => {
            for line in cohort(*seed)?.lines() {
                writeln!(out, "{}", serde_json::to_string(&line)?)?;
            }
        }
        Some(What::Labels { seed }) => {
            let cohort = cohort(*seed)?;
            for label in &cohort.labels {
                let patient = cohort.person(label.person).map(|person| person.pseudonym.as_str());
                writeln!(out, "{}", serde_json::json!({"patient": patient, "label": label}))?;
            }
        }
        Some(What::Judge { alerts, seed }) => {
            write!(out, "{}", table::came_text(&bench::judge_lines(&fs::read_to_string(alerts)?, *seed)?))?;
        }
        Some(What::Freeze) => write!(out, "{}", frozen::hashes()?)?,
        Some(What::Page) => write!(out, "{}", page::page()?)?,
        None => {
            let has_said = |seed| drop(writeln!(io::stderr().lock(), "seed {seed} of {}", arguments.seeds));
            let run = bench::run(arguments.seeds, arguments.stress, has_said)?;
            let points = if arguments.curve { bench::curve(arguments.seeds)? } else { Vec::new() };
            writeln!(out, "{}", table::text(&run))?;
            if !points.is_empty() {
                writeln!(out, "{}", table::curve_text(&points))?;
            }
            if let Some(path) = &arguments.json {
                fs::write(path, serde_json::to_string_pretty(&table::json(&run, &points))?)?;
            }
        }
    }
    out.flush()?;
    Ok(())
}
