//! The paper: decisions are numbered without a gap, and changes are written down.

use super::assert_none;
use harness::tree;

/// Names of the files in a folder, without its README.
fn names_in(folder: &str) -> Vec<String> {
    let inside = format!("{folder}/");
    let sources = tree::sources().unwrap();
    let names = sources.iter().filter_map(|source| source.path.strip_prefix(&inside));
    names.filter(|name| *name != "README.md").map(str::to_owned).collect()
}

/// What is wrong with the names of the decision pages: `NNNN-title.md`, from 0001 without a gap or a double.
fn wrong_numbers(names: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    let mut numbers = Vec::new();
    for name in names {
        match name.split_once('-').map(|(number, title)| (number, number.parse::<usize>(), title)) {
            Some((text, Ok(number), title))
                if text.len() == 4 && title.len() > ".md".len() && title.ends_with(".md") =>
            {
                numbers.push(number)
            }
            _ => found.push(format!("{name}: want NNNN-title.md")),
        }
    }
    numbers.sort_unstable();
    let is_wrong = |(place, number): (usize, &usize)| {
        (*number != place + 1).then(|| format!("{number:04} stands where {:04} should", place + 1))
    };
    found.extend(numbers.iter().enumerate().find_map(is_wrong));
    found
}

/// What is wrong with a change fragment: `area:`, an empty line, then sentences.
fn wrong_fragment(text: &str) -> Option<&'static str> {
    let mut lines = text.lines();
    let area = lines.next().and_then(|line| line.strip_prefix("area:")).map(str::trim);
    match (area, lines.next(), lines.next()) {
        (None | Some(""), _, _) => Some("the first line is not `area: ...`"),
        (_, Some(""), Some(sentence)) if !sentence.trim().is_empty() => None,
        _ => Some("want an empty line and then sentences"),
    }
}

#[test]
fn decisions_are_numbered_without_a_gap_or_a_double() {
    let names = names_in("docs/decisions");
    assert!(!names.is_empty());
    assert_none(&wrong_numbers(&names));
}

#[test]
fn every_decision_is_in_the_table_of_decisions() {
    let table = std::fs::read_to_string(tree::root().join("docs/decisions/README.md")).unwrap();
    for name in names_in("docs/decisions") {
        assert!(table.contains(&name), "{name} is not in docs/decisions/README.md");
    }
}

#[test]
fn there_are_change_fragments_and_each_has_the_form() {
    let names = names_in("docs/changes");
    assert!(!names.is_empty(), "docs/changes has no fragment");
    for name in names {
        let text = std::fs::read_to_string(tree::root().join("docs/changes").join(&name)).unwrap();
        assert_eq!(wrong_fragment(&text), None, "docs/changes/{name}");
    }
}

#[test]
fn a_gap_a_double_and_a_nameless_page_are_named() {
    let judged = |names: &[&str]| wrong_numbers(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    assert_none(&judged(&["0001-a.md", "0002-b.md"]));
    assert_eq!(judged(&["0001-a.md", "0003-b.md"]), ["0003 stands where 0002 should"]);
    assert_eq!(judged(&["0001-a.md", "0001-b.md"]), ["0001 stands where 0002 should"]);
    assert_eq!(judged(&["0002-a.md"]), ["0002 stands where 0001 should"]);
    for name in ["1-a.md", "0001.md", "0001-.md", "notes.md", "0001-a.txt"] {
        assert_eq!(judged(&[name]), [format!("{name}: want NNNN-title.md")]);
    }
}

#[test]
fn a_fragment_without_its_form_is_named() {
    assert_eq!(wrong_fragment("area: tests\n\nThe gate prints minutes.\n"), None);
    for text in [
        "",
        "The gate prints minutes.\n",
        "area:\n\nWords.\n",
        "area: tests\nWords.\n",
        "area: tests\n\n\n",
        "area: tests\n",
    ] {
        assert!(wrong_fragment(text).is_some(), "{text:?}");
    }
}

/// What is wrong with a page that walks a reading's day: each of its eleven stages names a file that is there and a
/// function that is in it.
fn lost_on_the_walk(page: &str, read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let between =
        |text: &str, mark: &str| -> Vec<String> { text.split(mark).skip(1).step_by(2).map(str::to_owned).collect() };
    let rows: Vec<&str> = page
        .lines()
        .filter(|line| line.strip_prefix("| ").is_some_and(|rest| rest.starts_with(char::is_numeric)))
        .collect();
    let mut lost = Vec::new();
    if rows.len() != 11 {
        lost.push(format!("{} stages, not eleven", rows.len()));
    }
    for row in rows {
        let path = between(row, "**").pop().unwrap_or_default();
        let names = between(row.split('|').nth(3).unwrap_or_default(), "`");
        let functions = names.iter().map(|name| format!("fn {}(", name.rsplit("::").next().unwrap_or(name)));
        match read(&path) {
            None => lost.push(format!("{path} is not there")),
            Some(text) if functions.clone().any(|function| text.contains(&function)) => {}
            Some(_) => lost.push(format!("{path} has none of {names:?}")),
        }
    }
    lost
}

#[test]
fn a_stranger_finds_every_stage_of_a_readings_day() {
    let page = std::fs::read_to_string(tree::root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let read = |path: &str| std::fs::read_to_string(tree::root().join(path)).ok();
    super::assert_none(&lost_on_the_walk(&page, read));
    assert_eq!(
        lost_on_the_walk(&page.replace("outbox/mod.rs", "outbox.rs"), read),
        ["hub-agent/src/outbox.rs is not there"]
    );
    assert_eq!(lost_on_the_walk(&page.replace("`Outbox::keep`", "`Outbox::hold`"), read).len(), 1);
    assert_eq!(lost_on_the_walk(&page.replace("| 4 | `Kept", "| four | `Kept"), read), ["10 stages, not eleven"]);
}
