//! What it costs to judge a reading by eight rules that remember, and to keep what they remember, for a county; and by the
//! protocols we ship, as one person has them together.
//!
//! The probe of the same run finds a person's stored state by their id and copies it.
//!
//! Figures are for reading and comparing, not for passing or failing: the machine under a test is nobody's promise. But a
//! reading that was not judged by all eight rules voids the run.

mod people;
mod protocol;
mod shipped;

use crate::{
    bench::Figures,
    clock::time_of,
    trouble::{Doing, Trouble},
};
use people::{Home, pressure, start};
use protocol::RULES_PER_MEASURE;
use rules::{Channel, Event, PatientState, Plan, decide};
use shipped::Judged;
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    hint::black_box,
    time::Duration,
};
use vitals::PatientId;

/// People in a county's intensive care at home (design, load model).
const PEOPLE: u32 = 52_500;

/// Readings in a slice.
const SIZES: [u32; 4] = [1, 10, 100, 1_000];

/// Readings in a round, and people whose states are written and read in one: more than any cache holds.
const ROUND: u32 = 20_000;

/// People whose readings are judged by the protocols we ship: their states together are more than any cache holds.
const PEOPLE_OF_ONE_KIND: u32 = 8_000;

/// How often each of their readings is judged.
const TIMES_JUDGED: usize = 3;

/// Rounds of a row: the fastest is told, which other work on the machine disturbs least.
const ROUNDS: usize = 21;
const ROUNDS_QUICK: usize = 3;

/// What was measured, how often in a round, and the fastest round's nanoseconds for each time.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    what: String,
    name: String,
    readings: u32,
    ns: f64,
}

/// All figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    rows: Vec<Row>,
    sizes: Vec<(&'static str, usize)>,
    probe_ns: f64,
    shipped: Vec<Judged>,
}

/// Measures deciding, writing and reading.
///
/// # Errors
/// [`Trouble`] where the protocol does not read, or a reading was not judged by all its rules.
pub fn measure(is_quick: bool) -> Result<Table, Trouble> {
    let of_one_kind = if is_quick { PEOPLE_OF_ONE_KIND / 8 } else { PEOPLE_OF_ONE_KIND };
    let table = measure_with(PEOPLE, ROUND, if is_quick { ROUNDS_QUICK } else { ROUNDS })?;
    Ok(Table { shipped: shipped::judged(of_one_kind, TIMES_JUDGED)?, ..table })
}

/// The same with other numbers: few, for a test.
///
/// # Errors
/// As [`measure`].
pub fn measure_with(people: u32, round: u32, rounds: usize) -> Result<Table, Trouble> {
    let plan = Plan::new(vec![protocol::protocol()?], vec![Channel::Console]).doing("put a protocol in force")?;
    let homes: Vec<Home> = (0..people).map(Home::new).collect::<Result<_, _>>()?;
    let mut table = Table { rows: Vec::new(), sizes: Vec::new(), probe_ns: 0.0, shipped: Vec::new() };
    for (with, risen_by) in [("nothing open", 0), ("an alert open", 25)] {
        let county: Vec<(&Home, PatientState)> =
            homes.iter().map(|home| (home, home.remembered(&plan, risen_by))).collect();
        if county.iter().any(|(_, state)| state.alerts.is_empty() != (risen_by == 0)) {
            return Err(Trouble::new("make a county", format!("not everybody has {with}")));
        }
        for readings in SIZES.into_iter().filter(|readings| *readings <= round) {
            let ns = decided(&plan, &county, readings, round / readings, rounds)?;
            let name = format!("decide_{readings}_{}_ns", with.replace(' ', "_"));
            table.rows.push(Row { what: format!("decide {readings}, {with}"), name, readings, ns });
        }
        stored(&mut table, with, &county, round, rounds)?;
    }
    Ok(table)
}

/// Nanoseconds to decide a slice, each of another person.
fn decided(
    plan: &Plan,
    county: &[(&Home, PatientState)],
    readings: u32,
    slices: u32,
    rounds: usize,
) -> Result<f64, Trouble> {
    let slices: Vec<(&PatientState, Vec<Event>)> = scattered(county)
        .take(usize::try_from(slices).doing("count slices")?)
        .map(|(home, state)| {
            (state, (0..readings).map(|after| home.reading(pressure(118, 75), after.into())).collect())
        })
        .collect();
    let evaluated: u32 = slices.iter().map(|(state, events)| decide(plan, state, events, start()).evaluated).sum();
    let expected = u32::try_from(slices.len()).doing("count slices")? * readings * RULES_PER_MEASURE;
    if evaluated != expected {
        return Err(Trouble::new("judge by every rule", format!("{evaluated} of {expected} were evaluated")));
    }
    Ok(fastest_ns(slices.len(), rounds, || {
        for (state, events) in &slices {
            drop(black_box(decide(plan, state, black_box(events), start())));
        }
    }))
}

/// Nanoseconds to write and to read a state, and the probe beside them.
fn stored(
    table: &mut Table,
    with: &'static str,
    county: &[(&Home, PatientState)],
    round: u32,
    rounds: usize,
) -> Result<(), Trouble> {
    let people = usize::try_from(round).doing("count people")?;
    let states: Vec<&PatientState> = scattered(county).take(people).map(|(_, state)| state).collect();
    let bytes: Vec<Vec<u8>> = states.iter().map(|state| state.to_bytes()).collect();
    for (state, bytes) in states.iter().zip(&bytes) {
        let read = PatientState::from_bytes(&state.patient, bytes).doing("read a state that was written")?;
        if read != **state {
            return Err(Trouble::new("read a state that was written", "it is another"));
        }
    }
    let write = fastest_ns(states.len(), rounds, || {
        states.iter().for_each(|state| drop(black_box(black_box(state).to_bytes())));
    });
    let read = fastest_ns(states.len(), rounds, || {
        for (state, bytes) in states.iter().zip(&bytes) {
            drop(black_box(PatientState::from_bytes(&state.patient, black_box(bytes))));
        }
    });
    let by_person: HashMap<&PatientId, &Vec<u8>> = states.iter().map(|state| &state.patient).zip(&bytes).collect();
    let copy = fastest_ns(states.len(), rounds, || {
        states.iter().for_each(|state| drop(black_box(by_person.get(black_box(&state.patient)).map(|of| of.to_vec()))));
    });
    if table.sizes.is_empty() {
        table.probe_ns = copy;
    }
    table.sizes.push((with, bytes.first().map_or(0, Vec::len)));
    for (what, name, ns) in [
        ("write the state", "write", write),
        ("read the state", "read", read),
        ("probe: find and copy it", "copy", copy),
    ] {
        let name = format!("{name}_{}_ns", with.replace(' ', "_"));
        table.rows.push(Row { what: format!("{what}, {with}"), name, readings: 0, ns });
    }
    Ok(())
}

/// People in an order that no prefetcher guesses, over and over.
fn scattered<T>(all: &[T]) -> impl Iterator<Item = &T> {
    // A prime, so that with any number of people but its multiples everybody comes before anybody comes again.
    const STRIDE: usize = 7_919;
    (0..).filter_map(move |place: usize| all.get((place * STRIDE).checked_rem(all.len())?))
}

/// Nanoseconds each, in the fastest round.
fn fastest_ns(each: usize, rounds: usize, round: impl Fn()) -> f64 {
    let fastest = (0..rounds).map(|_| time_of(&round)).min().unwrap_or(Duration::ZERO);
    fastest.as_secs_f64() * 1e9 / f64::from(u32::try_from(each.max(1)).unwrap_or(u32::MAX))
}

impl Figures for Table {
    fn named(&self) -> BTreeMap<String, f64> {
        let rows = self.rows.iter().map(|row| (row.name.clone(), row.ns));
        rows.chain(self.shipped.iter().flat_map(Judged::named)).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<40} {:>10} {:>10} {:>8} {:>8}", "", "ns", "a reading", "a rule", "probes")?;
        for Row { what, readings, ns, .. } in &self.rows {
            write!(f, "{what:<40} {ns:>10.0} ")?;
            match f64::from(*readings) {
                0.0 => write!(f, "{:>10} {:>8}", "", "")?,
                readings => {
                    let each = ns / readings;
                    write!(f, "{each:>10.0} {:>8.0}", each / f64::from(RULES_PER_MEASURE))?;
                }
            }
            writeln!(f, " {:>7.1}×", ns / self.probe_ns)?;
        }
        for (with, bytes) in &self.sizes {
            writeln!(f, "a state of 24 rules that remember, {with}: {bytes} bytes")?;
        }
        write!(
            f,
            "decide N: a slice of N readings, {RULES_PER_MEASURE} rules each, every slice of another person; probe: find a \
             stored state by its person and copy it, nothing open"
        )?;
        if self.shipped.is_empty() { Ok(()) } else { shipped::write(&self.shipped, self.probe_ns, f) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_run_has_every_figure() {
        let table = measure_with(30, 10, 1).unwrap();
        let text = table.to_string();
        for what in ["decide 1, nothing open", "decide 10, an alert open", "write the state, nothing open", "260 bytes"]
        {
            assert!(text.contains(what), "{what}: {text}");
        }
        assert_eq!(table.named().len(), table.rows.len());
    }

    /// Every kind of person and the dearest protocols, live and late, the same names in the table and in the file.
    #[test]
    fn the_protocols_we_ship_are_measured_live_and_late() {
        let table = measure_with(30, 10, 1).unwrap();
        let table = Table { shipped: shipped::judged(2, 1).unwrap(), ..table };
        let (text, named) = (table.to_string(), table.named());
        for what in
            ["care home, live", "all nine at once, late", "the dearest, ", "2000 ns at the median", "2048 bytes"]
        {
            assert!(text.contains(what), "{what}: {text}");
        }
        for name in ["heart_failure_live_median_ns", "diabetes_live_state_bytes", "the_dearest_late_slowest_ns"] {
            assert!(named.get(name).is_some_and(|figure| *figure > 0.0), "{name}: {named:?}");
        }
    }

    #[test]
    fn a_run_whose_readings_no_rule_judges_is_void() {
        let home = Home::new(1).unwrap();
        let state = home.remembered(&Plan::default(), 0);
        let void = decided(&Plan::default(), &[(&home, state)], 1, 1, 1);
        assert_eq!(void.unwrap_err().to_string(), "judge by every rule: 0 of 8 were evaluated");
    }
}
