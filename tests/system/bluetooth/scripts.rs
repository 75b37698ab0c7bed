//! Every script in `tests/bluez`: what the agent asks of bluetoothd and what it stores is exactly what the script
//! expects, and every check of that is seen failing on a planted fault in the same run.

use super::{HUB, SCRIPTS, script};
use harness::bluez::{
    careless,
    expect::{CallRule, Finding, KNOWN_AGAIN, Outcome, READINGS},
    faults::Fault,
    row::Row,
    runner::{self, Run},
    script::Script,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Scripts side by side: they wait more than they work.
const SIDE_BY_SIDE: usize = 5;

/// So many scripts at least must prove something that no other proves.
const DISTINCT_MIN: usize = 10;

/// Where the gate finds the counts.
const SUMMARY: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/bluetooth-scripts.txt");

/// The script that faults are planted in, and how long the faulty may take: its own takes two seconds.
const PLANTED_IN: &str = "late-objects";
const PLANTED_WITHIN_SECS: u64 = 8;

/// Every script, those that may take longest first.
fn all() -> Vec<Script> {
    let files = fs::read_dir(SCRIPTS).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    let mut scripts: Vec<Script> = files.map(|path| Script::load(&path).unwrap()).collect();
    scripts.sort_by(|one, other| (other.expect.within_secs, &one.name).cmp(&(one.expect.within_secs, &other.name)));
    scripts
}

/// Does something with each of many, several at a time; the results are in their order.
fn side_by_side<T: Sync, R: Send>(many: &[T], what: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(one) = many.get(place) else { return };
                    let result = what(one);
                    done.lock().unwrap().insert(place, result);
                }
            });
        }
    });
    done.into_inner().unwrap().into_values().collect()
}

fn checks(findings: &[Finding]) -> BTreeSet<String> {
    findings.iter().map(|finding| finding.check.clone()).collect()
}

/// A hub that does all it must not do breaks every rule for calls of every script. How many there are.
fn rules_are_seen_broken(scripts: &[Script]) -> usize {
    let broken = side_by_side(scripts, |script| checks(&script.judge(&careless::run(script).unwrap())));
    let rules: Vec<(String, bool)> = scripts
        .iter()
        .zip(&broken)
        .flat_map(|(script, broken)| script.rules().into_iter().map(move |rule| (script, broken, rule.to_string())))
        .map(|(script, broken, rule)| (format!("{}: {rule}", script.name), broken.contains(&rule)))
        .collect();
    let unseen: Vec<&str> = rules.iter().filter(|(_, is_broken)| !is_broken).map(|(rule, _)| rule.as_str()).collect();
    assert!(unseen.is_empty(), "nobody saw these rules broken: {unseen:#?}");
    rules.len()
}

/// Devices that do not what they should: the very same runner catches each. How many were caught.
fn faults_are_caught() -> usize {
    let faulty: Vec<(Fault, Script)> = Fault::ALL
        .into_iter()
        .map(|fault| {
            let mut script = fault.planted_in(&script(PLANTED_IN));
            script.expect.within_secs = PLANTED_WITHIN_SECS;
            (fault, script)
        })
        .collect();
    let runs = side_by_side(&faulty, |(_, script)| runner::run(Path::new(HUB), script).unwrap());
    for ((fault, _), run) in faulty.iter().zip(&runs) {
        assert!(checks(&run.findings).contains(READINGS), "{fault:?} was not caught: {}", run.shown());
    }
    faulty.len()
}

/// Each way in which stored readings can be wrong is found in a run that is otherwise right.
fn wrong_rows_are_found(script: &Script, outcome: &Outcome) {
    let is_found = |rows: Vec<Row>, known_again: usize, check: &str| {
        let changed = Outcome { calls: outcome.calls.clone(), rows, known_again };
        assert!(checks(&script.judge(&changed)).contains(check), "{}: {check} was not found wrong", script.name);
    };
    is_found(outcome.rows.clone(), outcome.known_again + 1, KNOWN_AGAIN);
    for place in 0..outcome.rows.len() {
        let mut rows = outcome.rows.clone();
        rows.push(rows[place].clone());
        is_found(rows, outcome.known_again, READINGS);
        let mut rows = outcome.rows.clone();
        rows.remove(place);
        is_found(rows, outcome.known_again, READINGS);
        let changes: [fn(&mut Row); 9] = [
            |row| row.kind.push('x'),
            |row| row.source.push('x'),
            |row| row.user_index = Some(row.user_index.map_or(0, |user| user ^ 1)),
            |row| row.who.push('x'),
            |row| drop(row.measured.insert("x".to_owned(), "1 x".to_owned())),
            |row| row.not_measured = row.not_measured.is_none().then(|| "x".to_owned()),
            |row| row.device_time = row.device_time.is_none().then(|| "x".to_owned()),
            |row| row.taken.push('x'),
            |row| row.quality.push("x".to_owned()),
        ];
        for change in changes {
            let mut rows = outcome.rows.clone();
            change(&mut rows[place]);
            is_found(rows, outcome.known_again, READINGS);
        }
    }
}

#[test]
fn every_script_gives_exactly_what_it_expects_and_planted_faults_are_caught() {
    // A summary of another day must not stand for this run.
    fs::write(SUMMARY, "the scripts have not ended\n").unwrap();
    let scripts = all();
    let caught = faults_are_caught();
    let broken = rules_are_seen_broken(&scripts);
    let runs: Vec<Run> = side_by_side(&scripts, |script| runner::run(Path::new(HUB), script).unwrap());
    let (mut distinct, mut stored, mut wrong) = (BTreeSet::new(), 0, Vec::new());
    for (script, run) in scripts.iter().zip(&runs) {
        println!("script {}: {}\n{}", script.name, script.why, run.shown());
        stored += run.outcome.rows.len();
        if run.findings.is_empty() {
            wrong_rows_are_found(script, &run.outcome);
            distinct.insert(run.shown());
        }
        let findings = run.findings.iter().map(|finding| format!("{}: {finding}", script.name));
        wrong.extend(findings);
        if !run.findings.is_empty() {
            wrong.push(format!("{} asked for {:?}\nand logged\n{}", script.name, run.outcome.calls, run.log));
        }
    }
    let summary = format!(
        "bluetooth scripts {}, as expected {}, distinct {}, readings stored {stored}; planted: {caught} of {} faulty devices caught, {broken} of {broken} call rules seen broken by a careless hub",
        scripts.len(),
        runs.iter().filter(|run| run.findings.is_empty()).count(),
        distinct.len(),
        Fault::ALL.len(),
    );
    println!("{summary}");
    fs::write(SUMMARY, format!("{summary}\n")).unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(distinct.len() >= DISTINCT_MIN, "only {} scripts prove something of their own", distinct.len());
}

/// A rule that nothing could break would prove nothing.
#[test]
fn every_script_has_a_rule_for_calls_of_its_own() {
    for script in all() {
        let is_own = |rule: &CallRule| !matches!(rule, CallRule::Never { .. });
        assert!(script.rules().iter().any(is_own) || !script.expect.call.is_empty(), "{}", script.name);
        assert!(!script.expect.reading.is_empty(), "{} expects no reading", script.name);
    }
}
