//! The freeze: what the cohorts are made of and what each generator makes of seed 1, as hashes in `frozen.txt`.

use crate::{
    cohort::Cohort,
    parameters::{FILE, NotParameters, Parameters},
};

/// The hashes as they were frozen.
pub const FROZEN: &str = include_str!("../frozen.txt");

/// The hashes as they are: of the parameters' file, and of the cohorts of seed 1 (people, readings, labels, what was due).
///
/// # Errors
/// [`NotParameters`] where the parameters do not read.
pub fn hashes() -> Result<String, NotParameters> {
    let parameters = Parameters::read(FILE)?;
    let cohort = Cohort::generate(&parameters, 1)?;
    let second = Cohort::generate_second(&parameters, 1)?;
    Ok(format!(
        "cohort.toml {}\nseed 1 {}\nseed 1 second {}\n",
        blake3::hash(FILE.as_bytes()).to_hex(),
        canonical(&cohort).to_hex(),
        canonical(&second).to_hex()
    ))
}

/// The hash of everything a cohort holds, in a form that is the same on every machine.
#[must_use]
pub fn canonical(cohort: &Cohort) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    for person in &cohort.people {
        hasher.update(format!("{person:?}\n").as_bytes());
    }
    for reading in &cohort.readings {
        hasher.update(&reading.person.to_le_bytes());
        hasher.update(&reading.of.to_le_bytes());
        hasher.update(reading.kind.name().as_bytes());
        for value in reading.values {
            hasher.update(&value.to_le_bytes());
        }
        for moment in [reading.taken, reading.said, reading.arrived] {
            hasher.update(&moment.to_le_bytes());
        }
        let facts = [reading.is_compared, reading.is_doubted, reading.is_wrongly_taken].map(u8::from);
        hasher.update(&facts);
    }
    for label in &cohort.labels {
        hasher.update(format!("{label:?}\n").as_bytes());
    }
    for due in &cohort.due {
        hasher.update(format!("{due:?}\n").as_bytes());
    }
    // What people would measure when asked again is part of the cohort too.
    for place in (0..u32::try_from(cohort.readings.len()).unwrap_or(u32::MAX)).step_by(1009) {
        let at = usize::try_from(place).ok().and_then(|place| cohort.readings.get(place)).map_or(0, |one| one.arrived);
        hasher.update(format!("{:?}\n", cohort.repeat(place, at)).as_bytes());
    }
    hasher.finalize()
}
