//! Does the embedded store keep what every store must? The conformance suite on real SQLite files; each of its checks
//! must first notice the faults that are planted for it.

use harness::store_suite::{self, Backend, OpenStore, embedded::Embedded};
use harness::trouble::Trouble;
use std::{fs, sync::Arc};

/// Where each planted fault's mark is written down.
const SUMMARY: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/store-suite.txt");

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_embedded_store_keeps_what_every_store_must() {
    // A summary of another day must not stand for this run.
    fs::write(SUMMARY, "the checks have not ended\n").unwrap();
    let lines = store_suite::run(Arc::new(Embedded)).await.unwrap();
    let summary: Vec<String> = lines.iter().map(|line| format!("{line}\n{}", line.noticed())).collect();
    fs::write(SUMMARY, summary.join("\n")).unwrap();
    let broken: Vec<String> =
        lines.iter().filter(|line| !line.is_good()).map(|line| format!("{line}\n{}", line.noticed())).collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// A list of what is pending must name checks, and shrink: one that passes fails the run.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_check_that_passes_cannot_stay_on_the_list_of_what_does_not() {
    struct Pending(&'static [&'static str]);

    #[async_trait::async_trait]
    impl Backend for Pending {
        fn name(&self) -> &'static str {
            "with a list"
        }

        fn rows_max(&self) -> usize {
            Embedded.rows_max()
        }

        fn pending(&self) -> &'static [&'static str] {
            self.0
        }

        async fn fresh(&self) -> Result<Box<dyn OpenStore>, Trouble> {
            Embedded.fresh().await
        }
    }

    const PASSES: &str = "of eight requests with one number one is taken";
    let line = |lines: Vec<store_suite::Line>| lines.into_iter().next().unwrap();
    let run = async |list| store_suite::run_some(Arc::new(Pending(list)), |name| name == PASSES).await;
    assert!(line(run(&[]).await.unwrap()).is_good());
    assert!(!line(run(&[PASSES]).await.unwrap()).is_good());
    assert!(run(&["no check of this name"]).await.is_err());
}
