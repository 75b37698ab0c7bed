//! `hub-agent check`: looks at what the hub needs and says what to do, one line for each thing.

use super::{Failure, out, runtime};
use crate::{
    Config,
    check::Finding,
    clock::{Clock, WallClock},
    link::{ble, serial},
};
use chrono::{DateTime, NaiveDate, Utc};
use std::{path::Path, process::ExitCode};

/// No hub was set up before this day: a clock that says so has never been set.
const NOT_BEFORE: Option<NaiveDate> = NaiveDate::from_ymd_opt(2026, 1, 1);

/// Looks, and prints what was found.
pub(super) fn run(config: &Config) -> Result<ExitCode, Failure> {
    let findings: Vec<Finding> = runtime()?.block_on(async {
        let mut findings = vec![clock(WallClock.now())];
        if let Some(bluetooth) = &config.bluetooth {
            findings.extend(ble::check::check(bluetooth).await);
        }
        findings.extend(serial::check::check(&config.serial, Path::new(serial::check::BY_ID)));
        findings
    });
    for finding in &findings {
        let mark = if finding.is_good { "good" } else { "WRONG" };
        let advice = finding.advice.as_deref().map(|advice| format!(" {advice}")).unwrap_or_default();
        out::line(&format!("{mark:<6}{}: {}{advice}", finding.what, finding.sentence));
    }
    let is_good = findings.iter().all(|finding| finding.is_good);
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::from(super::FAILED) })
}

/// Whether the hub's own clock has been set at all.
fn clock(now: DateTime<Utc>) -> Finding {
    let what = "clock of this hub";
    if NOT_BEFORE.is_some_and(|day| now.date_naive() >= day) {
        return Finding::good(what, format!("It says {} UTC; compare it with a watch.", now.format("%d %B %Y %H:%M")));
    }
    Finding::bad(
        what,
        format!(
            "It says {}: it was never set, and readings without a device time would be dated by it.",
            now.date_naive()
        ),
        "Connect the hub to the network and run `timedatectl set-ntp true`, or set the date by hand.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_never_set_is_found() {
        assert!(!clock(DateTime::UNIX_EPOCH).is_good);
        assert!(clock("2026-06-01T12:00:00Z".parse().unwrap()).is_good);
    }
}
