//! Does the service keep what it acknowledged when it is killed, when its answer is lost, and when it is told to stop? A
//! real process, a real hub, a real socket; a planted store that acknowledges before it commits is caught by the very
//! kills that the genuine one withstands.

use harness::{
    contents::Contents,
    cut_proxy::{Answer, CutProxy},
    footprint::{AMBER, Footprint, NORMAL, Pressure, RED},
    ingest_process::{IngestProcess, STOPS_WITHIN},
    kill::{
        at_points,
        hub::{Hub, Told},
        line::Line,
        on_the_line,
        points::POINTS,
    },
    under_test::ACKNOWLEDGES_EARLY,
};
use hub_agent::Instruction;
use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    time::Duration,
};
use vitals::wire::v1::{Outcome, Receipt, ReceiptLine};

/// How often the service is killed at a moment on the line, with each store.
const KILLS: u64 = 55;

/// How often it kills itself at each step of a commit: 100 kills, with those on the line.
const KILLS_AT_A_POINT: usize = 3;

/// Of so many kills on the line, one at most may fall before the first or after the last acknowledgement.
const ONE_NOT_BETWEEN: usize = 10;

const INGEST: &str = env!("CARGO_BIN_EXE_ingest-under-test");
/// The same service, with what the environment plants in it.
const PLANTED: &str = env!("CARGO_BIN_EXE_kills");

/// Where `tests/run` finds the counts.
const SUMMARY: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/kill-summary.txt");

const SENT_WITHIN: Duration = Duration::from_secs(30);

#[test]
fn nothing_acknowledged_is_lost_in_a_hundred_kills_and_a_planted_store_is_caught() {
    // A summary of another day must not stand for this run.
    fs::write(SUMMARY, "the kills have not ended\n").unwrap();
    let planted = on_the_line(Path::new(PLANTED), Some(ACKNOWLEDGES_EARLY), 0..KILLS).unwrap();
    let mut genuine = on_the_line(Path::new(INGEST), None, 0..KILLS).unwrap();
    let (on_the_line, between) = (genuine.kills, genuine.between);
    genuine.join(at_points(Path::new(PLANTED), KILLS_AT_A_POINT, KILLS).unwrap());
    let summary = format!(
        "{genuine}; planted acknowledge-before-commit: caught in {} of {} runs, {} readings lost",
        planted.caught, planted.kills, planted.lost
    );
    let sides = format!(
        "of the kills {} caught a reading that was sent and not yet stored, {} one that was stored and not yet acknowledged",
        genuine.before_commit, genuine.after_commit
    );
    let points = format!("of the kills at steps of a commit: {}", genuine.points());
    println!("{summary}\n{sides}\n{points}");
    fs::write(SUMMARY, format!("{summary}\n{sides}\n{points}\n")).unwrap();
    assert!(genuine.broken.is_empty(), "{}", genuine.broken.join("\n"));
    assert!(
        on_the_line - between <= on_the_line / ONE_NOT_BETWEEN,
        "{between} of {on_the_line} between acknowledgements"
    );
    assert!(genuine.before_commit > 0 && genuine.after_commit > 0, "all kills fell on one side of a commit: {sides}");
    for point in POINTS {
        assert!(genuine.at_points.get(&point).is_some_and(|kills| *kills > 0), "no kill at {}", point.name());
    }
    assert!(planted.caught > 0 && planted.lost > 0, "the planted store was not caught");
}

/// One run through a proxy that loses the first answers.
struct Run {
    told: Told,
    contents: Contents,
    answers: Vec<Answer>,
}

fn run_with_answers_lost(cuts: usize) -> Run {
    let story: [Pressure; 4] = [(0, RED), (1, AMBER), (0, NORMAL), (1, NORMAL)];
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let footprint = Footprint::new(0).unwrap();
    let process = start(&footprint);
    let (told, answers) = runtime.block_on(async {
        let proxy = CutProxy::start(process.address(), cuts).await.unwrap();
        let mut hub = Hub::start(&footprint, &Line::to(proxy.address()), &story, 1, usize::MAX).await.unwrap();
        hub.ended(SENT_WITHIN).await.unwrap();
        (hub.recorder.told(), proxy.answers())
    });
    assert!(process.stop().unwrap().0.success());
    Run { told, contents: Contents::read(&footprint.data()).unwrap(), answers }
}

fn start(footprint: &Footprint) -> IngestProcess {
    IngestProcess::start(Path::new(INGEST), &footprint.settings(), &footprint.folder().join("ingest.log")).unwrap()
}

/// The receipt lines of answers by reading, the last for each.
fn lines<'a>(answers: impl Iterator<Item = &'a Answer>) -> BTreeMap<String, ReceiptLine> {
    let lines = answers.flat_map(|answer| answer.body::<Receipt>().unwrap().readings);
    lines.map(|line| (line.id.clone(), line)).collect()
}

/// What was shown, in words that do not depend on the run.
fn texts(shown: &[Instruction]) -> Vec<String> {
    let mut texts: Vec<String> = shown.iter().map(|shown| format!("{}: {}", shown.patient, shown.text)).collect();
    texts.sort();
    texts
}

#[test]
fn a_lost_receipt_sent_again_tells_the_same_verdict_and_prompts_once() {
    let straight = run_with_answers_lost(0);
    let run = run_with_answers_lost(2);
    let swallowed = lines(run.answers.iter().filter(|answer| !answer.was_delivered).take(1));
    let delivered = lines(run.answers.iter().filter(|answer| answer.was_delivered));
    assert_eq!((run.answers.iter().filter(|answer| !answer.was_delivered).count(), delivered.len()), (2, 4));
    let red = run.told.heard[0];
    assert!(!swallowed[&red.to_string()].prompts.is_empty(), "the lost answer held the red's prompt");
    for (id, first) in &swallowed {
        let again = &delivered[id];
        assert_eq!((first.outcome, again.outcome), (Outcome::Stored, Outcome::Duplicate), "{id}");
        assert_eq!((&again.verdict, &again.prompts), (&first.verdict, &first.prompts), "{id}");
    }

    let mut numbers: Vec<_> = run.told.requests.iter().map(|(number, _)| *number).collect();
    assert!(run.told.requests[1].1.starts_with(&run.told.requests[0].1), "the same readings");
    numbers.dedup();
    assert_eq!(numbers.len(), run.told.requests.len(), "under new numbers: {numbers:?}");

    let verdict = run.told.history.judge(&run.contents.counts());
    assert!(verdict.holds(), "{verdict}");
    assert_eq!(run.contents.halves(), Vec::<String>::new());
    assert_eq!(run.contents.decided(&run.told.heard), straight.contents.decided(&straight.told.heard));
    let of_red = |shown: &&Instruction| shown.reading == red;
    assert_eq!(run.told.shown.iter().filter(of_red).count(), 1, "shown once");
    assert_eq!(texts(&run.told.shown), texts(&straight.told.shown));
    // The red, told at once, and the amber, which its repeat settled before anybody was told.
    assert_eq!((run.contents.alerts.len(), run.contents.jobs.len()), (2, 1));
    assert!(
        run.contents.jobs[0].alert == run.contents.alerts[0].id && run.contents.alerts[0].evidence[0].reading == red
    );
}

/// The judge of stores is judged: each half taken out of a sound store is named.
#[test]
fn a_half_of_a_commit_that_is_missing_is_named() {
    let sound = run_with_answers_lost(0).contents;
    let without_job = Contents { jobs: Vec::new(), ..sound.clone() };
    assert_eq!(without_job.halves(), [format!("{} has 0 jobs, not 1", sound.alerts[0].id)]);
    let without_alert = Contents { alerts: sound.alerts[1..].to_vec(), ..sound.clone() };
    assert_eq!(without_alert.halves().len(), 2, "the verdict and the job: {:?}", without_alert.halves());
}

#[test]
fn told_to_stop_the_service_ends_in_time_with_connections_open() {
    let footprint = Footprint::new(0).unwrap();
    let process = start(&footprint);
    let silent = TcpStream::connect(process.address()).unwrap();
    let mut idle = TcpStream::connect(process.address()).unwrap();
    idle.write_all(b"GET /livez HTTP/1.1\r\nhost: test\r\n\r\n").unwrap();
    assert_ne!(idle.read(&mut [0; 64]).unwrap(), 0, "answered, and kept open");
    let (status, took) = process.stop().unwrap();
    assert!(status.success() && took < STOPS_WITHIN, "{status} after {took:?}: {}", process.log());
    drop(silent);
}

/// Two services on one store would each believe that theirs is the only writer.
#[test]
fn a_second_service_on_the_same_folder_is_refused_until_the_first_has_ended() {
    let footprint = Footprint::new(0).unwrap();
    let (first, log) = (start(&footprint), footprint.folder().join("second.log"));
    let refused = IngestProcess::start(Path::new(INGEST), &footprint.settings(), &log).map(|_| ()).unwrap_err();
    assert!(refused.to_string().contains("another ingest runs on this folder"), "{refused}");
    first.kill().unwrap();
    first.gone().unwrap();
    let (status, _) = start(&footprint).stop().unwrap();
    assert!(status.success(), "a killed service holds no lock: {status}");
}
