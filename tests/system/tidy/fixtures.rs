//! Everybody in the tree is invented: whatever could be an NHS number is from the range that is never issued.

use super::assert_none;
use harness::tree::{self, Source};
use vitals::{NhsNumber, nhs::Realm};

/// Where numbers are looked for.
const EXTENSIONS: [&str; 6] = ["rs", "toml", "jsonl", "json", "md", "html"];

/// The public cases are copied unchanged, and each names its source.
const NOT_OURS: &str = "tests/vectors/";

/// Numbers outside the range that are published as examples, each with where. They belong to nobody.
const PUBLISHED: [(&str, &str); 2] = [
    (
        "9434765919",
        "joelparkerhenderson/nhs-number-using-rust, spec/06, worked example; tests/vectors/clinical.jsonl clin-0168",
    ),
    ("4000000632", "uk-fci/nhs-number, tests/test_validate.py; tests/vectors/clinical.jsonl clin-0145"),
];

/// Each place of a number that passes the check and may not stand there, as `path:line`. The number is not repeated.
fn found(sources: &[Source]) -> Vec<String> {
    let looked_at =
        sources.iter().filter(|source| source.has_extension(&EXTENSIONS) && !source.path.starts_with(NOT_OURS));
    looked_at
        .flat_map(|source| {
            let lines = source
                .text
                .lines()
                .enumerate()
                .filter(|(_, line)| candidates(line).iter().any(|text| is_refused(text)));
            lines.map(|(position, _)| format!("{}:{}", source.path, position + 1))
        })
        .collect()
}

/// Whatever in a line has the form of an NHS number: ten digits, plain or as 3-3-4, with nothing of a word around them.
fn candidates(line: &str) -> Vec<String> {
    let letters: Vec<char> = line.chars().collect();
    let at = |place: usize| letters.get(place).copied();
    let is_word = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    let starts = (0..letters.len()).filter(|start| !is_word(start.checked_sub(1).and_then(at)));
    let forms = starts.flat_map(|start| [10, 12].map(|length| (start, length)));
    forms
        .filter(|(start, length)| !is_word(at(start + length)))
        .filter_map(|(start, length)| Some(letters.get(start..start + length)?.iter().collect::<String>()))
        .filter(|text| {
            text.starts_with(|letter: char| letter.is_ascii_digit())
                && text.ends_with(|letter: char| letter.is_ascii_digit())
        })
        .collect()
}

fn is_refused(text: &str) -> bool {
    NhsNumber::parse(text).is_ok_and(|number| {
        let is_published = PUBLISHED.iter().any(|(known, _)| *known == number.digits());
        NhsNumber::parse_in(text, Realm::Demo).is_err() && !is_published
    })
}

#[test]
fn every_nhs_number_in_the_tree_is_invented() {
    assert_none(&found(&tree::sources().unwrap()));
}

#[test]
fn every_published_example_is_still_used_and_names_its_source() {
    let sources = tree::sources().unwrap();
    let elsewhere: Vec<&Source> =
        sources.iter().filter(|source| source.path != "tests/system/tidy/fixtures.rs").collect();
    for (number, source) in PUBLISHED {
        assert!(source.len() > 10, "an example without a source");
        let spaced = NhsNumber::parse(number).unwrap().spaced();
        let forms = [number.to_owned(), spaced.replace(' ', "-"), spaced];
        assert!(
            elsewhere.iter().any(|source| forms.iter().any(|form| source.text.contains(form))),
            "an example is no longer used: {source}"
        );
    }
}

/// The planted number is put together here, so that this file does not find itself.
#[test]
fn a_planted_number_is_found_in_every_form() {
    let (first, middle, last) = ("401", "023", "2137");
    let plain = format!("{first}{middle}{last}");
    assert!(NhsNumber::parse(&plain).is_ok(), "the planted number must pass the check");
    let lines = |text: String| found(&[Source::planted("rules/cases/one.toml", &format!("# a case\n{text}\n"))]);
    for separator in ["", " ", "-"] {
        let written = [first, middle, last].join(separator);
        for text in
            [written.clone(), format!("nhs = \"{written}\""), format!("of {written}, who"), format!("{written}.")]
        {
            assert_eq!(lines(text.clone()), ["rules/cases/one.toml:2"], "{text}");
        }
    }
    for text in
        [format!("a{plain}"), format!("{plain}0"), format!("0x{plain}"), "999 000 0018".to_owned(), "a line".to_owned()]
    {
        assert_none(&lines(text.clone()));
    }
}
