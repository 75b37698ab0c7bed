//! `ingest rules test`: the tests that stand in protocols themselves.

use super::{CommandError, PackFile, ProtocolsError, print, said_of};
use rules::Pack;

/// Runs the tests of protocols and says what came of each.
pub(super) fn run(files: &[PackFile]) -> Result<(), CommandError> {
    let (mut failed, mut all) = (0, 0);
    for file in files {
        let ran = ran(&file.name(), &file.read()?);
        print(&ran.text);
        failed += ran.failed;
        all += ran.all;
    }
    if failed == 0 { Ok(()) } else { Err(ProtocolsError::OwnTests { failed, all }.into()) }
}

/// What came of a protocol's tests.
struct Ran {
    text: String,
    failed: usize,
    all: usize,
}

fn ran(name: &str, pack: &Pack) -> Ran {
    let results = pack.test_results();
    let mut text = said_of(name, pack);
    for (test, result) in &results {
        text.push_str(&match result {
            Ok(()) => format!("\n  passed: {test}"),
            Err(why) => format!("\n  FAILED: {why}"),
        });
    }
    if results.is_empty() {
        text.push_str("\n  It has no test of its own.");
    }
    Ran { text, failed: results.iter().filter(|(_, result)| result.is_err()).count(), all: results.len() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rules::pack::SHIPPED;

    /// Those we ship pass and say that they are drafts; one with an expectation spoiled names the test, what was expected and
    /// what came.
    #[test]
    fn a_failed_test_says_what_was_expected_and_what_came() {
        for text in SHIPPED {
            let ran = ran("a.toml", &Pack::read(text).unwrap());
            assert!(ran.failed == 0 && ran.all > 0 && ran.text.contains("It is a draft"), "{}", ran.text);
            assert_eq!(ran.text.matches("\n  passed: ").count(), ran.all);
        }
        let text = SHIPPED.into_iter().find(|text| text.contains("id = \"heart-failure\"")).unwrap();
        let spoiled = text.replacen("expect = [[\"5d\", \"raise\", \"weight-gain\"]]", "expect = []", 1);
        assert_ne!(spoiled, text);
        let ran = ran("heart-failure.toml", &Pack::read(&spoiled).unwrap());
        assert_eq!(ran.failed, 1);
        let failed = ran.text.lines().find(|line| line.contains("FAILED")).unwrap();
        let expected = "  FAILED: more than 2 kg over the lowest of 3 days, though an older weight was higher: expected [], got [\"7200m raise weight-gain\"]";
        assert_eq!(failed, expected);
    }
}
