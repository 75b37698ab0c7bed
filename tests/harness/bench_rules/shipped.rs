//! What one reading costs by all the protocols that one person has, as we ship them and after months of readings: live, and
//! late, when every rule within its reach is asked again; and by the dearest protocols that may be in force at all.
//!
//! Each decision is timed by itself, the reading of the clock included, so that the slowest is known too. The state has just
//! been read from its stored form, as the service has it; what that costs is a row of its own.

use super::{
    people::{Home, SESSION, session},
    scattered,
};
use crate::{
    clock::time_of,
    trouble::{Doing, Trouble},
};
use rules::{
    Channel, Event, PatientState, Plan, decide,
    decide::COST_MAX,
    pack::{Pack, RULES_MAX, SHIPPED},
};
use std::{fmt, hint::black_box, time::Duration};
use vitals::Kind;

/// What a reading may cost at the median.
const MEDIAN_NS_MAX: f64 = 2_000.0;

/// What is kept of a person at most.
const STATE_BYTES_MAX: usize = 2_048;

/// Days of readings before the measured one: as long as any rule looks back.
const DAYS: i64 = 100;

/// How long ago a late reading was taken.
const LATE_SECS: i64 = 2 * 86_400 + 1_800;

const DAY_SECS: i64 = 86_400;

/// People and the protocols they have together.
const TOGETHER: [(&str, &[&str]); 5] = [
    ("high blood pressure", &["home-blood-pressure", "adherence", "equipment"]),
    ("heart failure", &["heart-failure", "home-blood-pressure", "oximetry-at-home", "adherence", "equipment"]),
    ("lung disease", &["copd-oximetry", "home-blood-pressure", "adherence", "equipment"]),
    ("diabetes", &["diabetes", "home-blood-pressure", "adherence", "equipment"]),
    ("care home", &["news2", "home-blood-pressure", "oximetry-at-home", "adherence", "equipment"]),
];

/// What decisions by some protocols took.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Judged {
    pub(super) of: String,
    pub(super) name: String,
    /// Nanoseconds at the median, of 99 in a hundred, and of the slowest.
    pub(super) median: f64,
    p99: f64,
    slowest: f64,
    /// The measure whose median is highest, and that.
    dearest: (&'static str, f64),
    /// The largest state of anybody, in bytes; none where that stands in another row.
    pub(super) state_bytes: Option<usize>,
    /// Whether somebody can have these protocols, and the readings are live: what the targets are about.
    is_of_somebody: bool,
}

/// Judges one reading of each measure by the protocols of each kind of person, live and late, and by the dearest.
///
/// # Errors
/// [`Trouble`] where a protocol does not read, two cannot be together, or a reading was not judged by any rule.
pub(super) fn judged(people: u32, rounds: usize) -> Result<Vec<Judged>, Trouble> {
    let packs = SHIPPED.iter().map(|text| Pack::read(text)).collect::<Result<Vec<_>, _>>();
    let packs = packs.doing("read the protocols we ship")?;
    let mut all = Vec::new();
    for (of, ids) in TOGETHER {
        let of_person: Vec<Pack> = packs.iter().filter(|pack| ids.contains(&pack.id.as_str())).cloned().collect();
        let contest = of_person
            .iter()
            .any(|one| of_person.iter().any(|other| one.id != other.id && one.contests(other).is_some()));
        if contest || of_person.len() != ids.len() {
            return Err(Trouble::new("find protocols that a person can have together", of));
        }
        all.extend(
            of_packs(of, of_person, people, rounds)?
                .map(|row| Judged { is_of_somebody: row.state_bytes.is_some(), ..row }),
        );
    }
    // More than anybody may have: some of them contest a measure.
    all.extend(of_packs("all nine at once", packs, people, rounds)?);
    all.extend(dearest(rounds)?);
    Ok(all)
}

fn of_packs(of: &str, packs: Vec<Pack>, people: u32, rounds: usize) -> Result<[Judged; 2], Trouble> {
    let plan = Plan::for_backtest(packs, vec![Channel::Console]).doing("put protocols in force")?;
    let county = after_months(&plan, people)?;
    let bytes = county.iter().map(|(_, state)| state.to_bytes().len()).max();
    let mut rows = [(0, "live"), (LATE_SECS, "late")].into_iter().map(|(ago, when)| {
        let times = timed(&plan, &county, ago, rounds)?;
        Ok(Judged { state_bytes: bytes.filter(|_| ago == 0), ..row(&format!("{of}, {when}"), times) })
    });
    match (rows.next(), rows.next()) {
        (Some(live), Some(late)) => Ok([live?, late?]),
        _ => Err(Trouble::new("judge readings", "there are none")),
    }
}

/// People after months of sessions, each with a state of their own in memory. One lives the months and the others are made of
/// what was stored of them, so that no list is shared.
fn after_months(plan: &Plan, people: u32) -> Result<Vec<(Home, PatientState)>, Trouble> {
    let one = Home::new(0)?;
    let mut state = one.new_state();
    for day in (1..=DAYS).rev() {
        for (place, measure) in (0..).zip(session(day)?) {
            let secs = place - day * DAY_SECS;
            state = decide(plan, &state, &[one.reading(measure, secs)], one.at(secs)).state;
        }
    }
    if let Some(alert) = state.alerts.first() {
        return Err(Trouble::new("let months pass", format!("{} was raised of somebody well", alert.made_by.rule)));
    }
    let bytes = state.to_bytes();
    let of = |number| {
        let home = Home::new(number)?;
        let state = PatientState::from_bytes(&home.new_state().patient, &bytes).doing("read a state")?;
        Ok((home, state))
    };
    (0..people).map(of).collect()
}

/// What each decision took, by measure.
fn timed(
    plan: &Plan,
    county: &[(Home, PatientState)],
    ago: i64,
    rounds: usize,
) -> Result<Vec<(Kind, Vec<Duration>)>, Trouble> {
    let mut all = Vec::new();
    for (place, measure) in session(0)?.into_iter().enumerate() {
        let kind = measure.kind();
        let secs = i64::try_from(place).doing("count measures")? - ago;
        let readings: Vec<(&PatientState, Vec<u8>, [Event; 1], _)> = scattered(county)
            .take(county.len())
            .map(|(home, state)| (state, state.to_bytes(), [home.reading(measure.clone(), secs)], home.at(secs + ago)))
            .collect();
        let judged = readings.first().map(|(state, _, event, at)| decide(plan, state, event, *at).evaluated);
        if judged.unwrap_or_default() == 0 {
            // Of no interest to these protocols.
            continue;
        }
        let mut times = Vec::with_capacity(readings.len() * rounds);
        for _ in 0..rounds {
            for (state, bytes, event, at) in &readings {
                let state = PatientState::from_bytes(&state.patient, bytes).doing("read a state")?;
                let mut decided = None;
                times.push(time_of(|| decided = Some(decide(plan, &state, black_box(event), *at))));
                drop(black_box(decided));
            }
        }
        all.push((kind, times));
    }
    if all.is_empty() {
        return Err(Trouble::new("judge readings", "no rule was asked"));
    }
    Ok(all)
}

fn row(of: &str, times: Vec<(Kind, Vec<Duration>)>) -> Judged {
    let mut dearest: (&'static str, f64) = ("", 0.0);
    let mut all = Vec::new();
    for (kind, mut times) in times {
        times.sort_unstable();
        let median = ranked(&times, 500);
        if median > dearest.1 {
            dearest = (kind.name(), median);
        }
        all.extend(times);
    }
    all.sort_unstable();
    let name = of.replace(", ", "_").replace(' ', "_");
    Judged {
        of: of.to_owned(),
        name,
        median: ranked(&all, 500),
        p99: ranked(&all, 990),
        slowest: ranked(&all, 1_000),
        dearest,
        state_bytes: None,
        is_of_somebody: false,
    }
}

/// Nanoseconds that so many of a thousand did not exceed, the nearest rank.
fn ranked(times: &[Duration], of_a_thousand: usize) -> f64 {
    let rank = (times.len() * of_a_thousand).div_ceil(1_000).max(1);
    times.get(rank - 1).map_or(f64::NAN, |time| time.as_secs_f64() * 1e9)
}

/// As dear as protocols may be together: as many packs of as many rules of as many comparisons as [`COST_MAX`] lets in force,
/// every list full, and a late reading that has every rule asked at every moment.
fn dearest(rounds: usize) -> Result<[Judged; 2], Trouble> {
    let mut packs: Vec<Pack> = Vec::new();
    loop {
        let number = packs.len();
        let more = Pack::read(&dear_text(number)).doing("read a dear protocol")?;
        let together: Vec<Pack> = packs.iter().cloned().chain([more.clone()]).collect();
        if Plan::for_backtest(together, Vec::new()).is_err() {
            break;
        }
        packs.push(more);
    }
    if packs.is_empty() {
        return Err(Trouble::new("put dear protocols in force", format!("one is dearer than {COST_MAX}")));
    }
    let of = format!("the dearest, {} rules", packs.iter().map(|pack| pack.rules.len()).sum::<usize>());
    let plan = Plan::for_backtest(packs, Vec::new()).doing("put protocols in force")?;
    let county = after_months(&plan, 1)?;
    let rounds = rounds.min(5);
    let at = |ago, when: &str| {
        let row = row(&format!("{of}, {when}"), timed(&plan, &county, ago, rounds)?);
        Ok::<Judged, Trouble>(Judged { name: format!("the_dearest_{when}"), ..row })
    };
    Ok([at(0, "live")?, at(LATE_SECS, "late")?])
}

/// A protocol of rules that all look back on weight in many ways, each true of nobody.
fn dear_text(number: usize) -> String {
    let folds = [
        "mean = \"weight\"",
        "median = \"weight\"",
        "highest = \"weight\"",
        "slope = \"weight\", per = \"1d\"",
        "change = \"weight\", from = \"usual\"",
    ];
    let mut text = format!(
        "[pack]\nid = \"dear-{number}\"\ntitle = \"Dear\"\nversion = \"1\"\nengine_min = 2\n[[pack.sources]]\n\
         ref = \"None: invented for a measurement\"\n[message.m]\nen = \"m\"\n"
    );
    for rule in 0..RULES_MAX {
        let leaves: Vec<String> = (0..20)
            .map(|leaf| {
                let fold = folds.get((rule + leaf) % folds.len()).copied().unwrap_or_default();
                format!("{{ {fold}, over = \"{}d\", above = 900 }}", 50 - leaf)
            })
            .collect();
        text += &format!(
            "[[rule]]\nid = \"r{rule}\"\ntitle = \"R\"\nharm = \"minor\"\nonset = \"delayed\"\nwhen = {{ any = [{}] }}\n\
             clear = {{ count = 1, when = {{ latest = \"weight\", below = 1 }} }}\nactionable_for = \"1d\"\n\
             raise_again_after = \"1d\"\nclinician_message = \"m\"\n",
            leaves.join(", ")
        );
    }
    text
}

impl Judged {
    /// Its figures by name.
    pub(super) fn named(&self) -> impl Iterator<Item = (String, f64)> + '_ {
        let times = [("median", self.median), ("p99", self.p99), ("slowest", self.slowest)];
        let times = times.into_iter().map(|(what, ns)| (format!("{}_{what}_ns", self.name), ns));
        let bytes = self.state_bytes.and_then(|bytes| u32::try_from(bytes).ok()).map(f64::from);
        times.chain(bytes.map(|bytes| (format!("{}_state_bytes", self.name), bytes)))
    }
}

/// The table of these, the targets beneath.
pub(super) fn write(rows: &[Judged], probe_ns: f64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(
        f,
        "\n{:<40} {:>9} {:>9} {:>10} {:>8}  {:<28} {:>7}",
        "one reading by all protocols of a person", "median ns", "p99", "slowest", "probes", "dearest measure", "bytes"
    )?;
    for row in rows {
        let (kind, ns) = row.dearest;
        let bytes = row.state_bytes.map(|bytes| bytes.to_string()).unwrap_or_default();
        let (median, probes) = (row.median, row.median / probe_ns);
        writeln!(
            f,
            "{:<40} {median:>9.0} {:>9.0} {:>10.0} {probes:>7.1}×  {:<28} {bytes:>7}",
            row.of,
            row.p99,
            row.slowest,
            format!("{kind} {ns:.0}")
        )?;
    }
    let of_somebody = || rows.iter().filter(|row| row.is_of_somebody);
    let highest = of_somebody().map(|row| row.median).fold(0.0, f64::max);
    let reached = |is_so: bool| if is_so { "reached" } else { "MISSED" };
    writeln!(
        f,
        "target: at most {MEDIAN_NS_MAX:.0} ns at the median of a live reading: {highest:.0}, {}",
        reached(highest <= MEDIAN_NS_MAX)
    )?;
    let largest = of_somebody().filter_map(|row| row.state_bytes).max().unwrap_or_default();
    writeln!(
        f,
        "target: at most {STATE_BYTES_MAX} bytes kept of a person after {DAYS} days of {SESSION} measures: {largest}, {}",
        reached(largest <= STATE_BYTES_MAX)
    )?;
    writeln!(
        f,
        "late: taken two days before the newest, so that every rule that looks back is asked again at each moment; the \
         dearest: as much as may be in force at once (a cost of {COST_MAX}), every list full"
    )
}
