//! Words that must not stand in the source, and words that may stand in one place only.
//!
//! The words are put together here from halves, so that this file does not find itself.

use harness::tree::{self, Source};

/// One thing to look for.
struct Rule {
    /// What is wrong with it.
    why: &'static str,
    /// The texts that are looked for, as they stand.
    words: &'static [&'static str],
    /// Which files are looked at.
    looks_at: fn(&Source) -> bool,
    /// Whether a line that is only a comment counts.
    in_comments: bool,
}

/// No lint is switched off in silence: `expect` with a reason warns when it is no longer needed.
const NO_ALLOW: Rule = Rule {
    why: "write #[expect(lint, reason = \"...\")]",
    words: &[
        concat!("#[all", "ow("),
        concat!("#![all", "ow("),
        concat!(", all", "ow(clippy"),
        concat!(", all", "ow(unused"),
    ],
    looks_at: is_rust,
    in_comments: false,
};

/// Printing to the terminal lives in one place of each program.
const NO_PRINTING: Rule = Rule {
    why: "print through the program's cli/out.rs",
    words: &[concat!("print", "ln!("), concat!("print", "!(")],
    looks_at: |source| is_product(source) && !source.path.ends_with("/out.rs"),
    in_comments: false,
};

/// Time and randomness are injected.
const NO_CLOCK: Rule = Rule {
    why: "time and randomness are injected: take `at`, or ask the program's clock.rs or rng.rs",
    words: &[
        concat!("Utc:", ":now"),
        concat!("Local:", ":now"),
        concat!("Instant:", ":now"),
        concat!("SystemTime:", ":now"),
        concat!("thread", "_rng"),
        concat!("getrandom:", ":"),
    ],
    looks_at: |source| is_rust(source) && !source.path.ends_with("/clock.rs") && !source.path.ends_with("/rng.rs"),
    in_comments: false,
};

/// What is not done is an issue, not a comment; a test that is not run is no test.
const NO_LEFTOVERS: Rule = Rule {
    why: "finish it, or open an issue",
    words: &[
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("#[ig", "nore"),
    ],
    looks_at: is_rust,
    in_comments: true,
};

/// Where somebody happened to write this is nobody's business, and would not work elsewhere.
const NO_WORKPLACE: Rule = Rule {
    why: "a path or a host of one machine",
    words: &[
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("bash_", "jobs"),
        concat!("static.", "crates.io"),
        concat!("index.", "crates.io"),
        concat!("deb.", "debian.org"),
        concat!("security.", "debian.org"),
        concat!("static.", "rust-lang.org"),
    ],
    looks_at: |_| true,
    in_comments: true,
};

/// Unsafe code stands in one crate, which is built for tests alone.
const NO_UNSAFE: Rule = Rule {
    why: "unsafe code stands in tests/faults only",
    words: &[
        concat!("expect(unsafe", "_code"),
        concat!("unsafe", " {"),
        concat!("unsafe", " impl"),
        concat!("unsafe", " fn"),
    ],
    looks_at: |source| is_rust(source) && !source.path.starts_with("tests/faults/src/"),
    in_comments: false,
};

const RULES: [&Rule; 6] = [&NO_ALLOW, &NO_PRINTING, &NO_CLOCK, &NO_LEFTOVERS, &NO_WORKPLACE, &NO_UNSAFE];

fn is_rust(source: &Source) -> bool {
    source.has_extension(&["rs"])
}

/// Everything but the tests, whose tools may print.
fn is_product(source: &Source) -> bool {
    is_rust(source) && !source.path.starts_with("tests/")
}

/// Each place where a rule is broken, as `path:line: why: the line`.
fn broken(rule: &Rule, sources: &[Source]) -> Vec<String> {
    let is_seen = |line: &str| rule.in_comments || !line.trim_start().starts_with("//");
    let has_word = |line: &str| rule.words.iter().any(|word| line.contains(word));
    let lines = sources.iter().filter(|source| (rule.looks_at)(source)).flat_map(|source| {
        source.text.lines().enumerate().map(move |(position, line)| (&source.path, position + 1, line))
    });
    lines
        .filter(|(_, _, line)| is_seen(line) && has_word(line))
        .map(|(path, line, text)| format!("{path}:{line}: {}: {}", rule.why, text.trim()))
        .collect()
}

#[test]
fn no_word_stands_where_it_must_not() {
    let sources = tree::sources().unwrap();
    assert!(sources.iter().any(|source| source.path == "tests/system/tidy/words.rs"), "the tree was not read");
    let found: Vec<String> = RULES.iter().flat_map(|rule| broken(rule, &sources)).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// Every word of every rule, planted in a product's file, is found; where it may stand, it is not.
#[test]
fn a_planted_word_is_found() {
    for rule in RULES {
        for word in rule.words {
            let planted = Source::planted("ingest/src/decide.rs", &format!("//! A file.\nfn f() {{ {word}); }}\n"));
            let found = broken(rule, &[planted]);
            assert_eq!(found.len(), 1, "{word}");
            assert!(found[0].starts_with("ingest/src/decide.rs:2: "), "{found:?}");
            let commented = Source::planted("ingest/src/decide.rs", &format!("    // {word}\n"));
            assert_eq!(broken(rule, &[commented]).len(), usize::from(rule.in_comments), "{word}");
        }
    }
    let at = |path: &str, rule: &Rule| broken(rule, &[Source::planted(path, rule.words[0])]).len();
    assert_eq!(at("ingest/src/cli/out.rs", &NO_PRINTING), 0);
    assert_eq!(at("tests/bins/golden.rs", &NO_PRINTING), 0);
    assert_eq!(at("hub-agent/src/clock.rs", &NO_CLOCK), 0);
    assert_eq!(at("hub-agent/src/o_clock.rs", &NO_CLOCK), 1);
    assert_eq!(at("docs/guide/install.md", &NO_WORKPLACE), 1);
    assert_eq!(at("tests/faults/src/vfs.rs", &NO_UNSAFE), 0);
    assert_eq!(at("tests/harness/faults/disk.rs", &NO_UNSAFE), 1);
}

/// "The program's one clock": a second file of that name in a package would be a second clock.
#[test]
fn each_package_has_one_clock_one_rng_and_one_place_to_print() {
    let sources = tree::sources().unwrap();
    for name in ["clock.rs", "rng.rs", "out.rs"] {
        let mut packages: Vec<&str> = Vec::new();
        for source in sources.iter().filter(|source| source.path.ends_with(&format!("/{name}"))) {
            let package = source.path.split("/src/").next().unwrap_or(&source.path);
            assert!(!packages.contains(&package), "{package} has a second {name}: {}", source.path);
            packages.push(package);
        }
    }
}
