//! The protocols we ship: each reads, passes its own tests, names its sources, and cannot be put in force as it stands. A
//! protocol that a footprint has edited, confirmed and approved can.

use rules::{
    Plan,
    pack::{ActivePack, Pack, SHIPPED, SignedError},
};

fn read(text: &str) -> Pack {
    Pack::read(text).unwrap_or_else(|error| panic!("{error}"))
}

/// Approvals by three invented people, with what is confirmed.
fn approvals(pack: &Pack, confirmed: &str) -> String {
    let (id, version, hash) = (&pack.id, &pack.version, &pack.content_hash);
    let people = [("author", "Ada"), ("clinical_lead", "Grace"), ("safety_officer", "Joan")]
        .map(|(role, name)| format!("[[approval]]\nrole = \"{role}\"\nname = \"{name}\"\n"))
        .concat();
    format!(
        "pack = \"{id}\"\nversion = \"{version}\"\ncontent_hash = \"{hash}\"\nstatus = \"approved\"\n{people}[confirmed]\n{confirmed}"
    )
}

fn all_confirmed(pack: &Pack) -> String {
    let values = pack.parameters.iter().filter_map(|(name, parameter)| Some((name, parameter.default?)));
    values.map(|(name, value)| format!("{name} = \"{value}\"\n")).collect()
}

#[test]
fn each_reads_passes_its_own_tests_and_has_sources() {
    for text in SHIPPED {
        let pack = read(text);
        assert_eq!(pack.failed_tests(), Vec::<String>::new(), "{}", pack.id);
        assert!(!pack.sources.is_empty() && !pack.tests.is_empty(), "{}", pack.id);
        for rule in &pack.rules {
            let raises = |test: &&rules::pack::PackTest| {
                test.expect.iter().any(|(_, what, id)| what != "clear" && *id == rule.id)
            };
            assert!(pack.tests.iter().any(|test| raises(&test)), "{}: no test raises {}", pack.id, rule.id);
        }
    }
}

#[test]
fn a_draft_cannot_be_put_in_force_unedited_and_every_parameter_is_confirmed() {
    for text in SHIPPED {
        let draft = read(text);
        let signed = approvals(&draft, &all_confirmed(&draft));
        assert_eq!(ActivePack::new(draft, &signed).map(drop), Err(SignedError::Draft));

        let edited = read(&text.replace("draft = true\n", ""));
        let all = all_confirmed(&edited);
        let first_left_out = all.lines().skip(1).collect::<Vec<_>>().join("\n");
        let left_out = ActivePack::new(edited.clone(), &approvals(&edited, &first_left_out)).map(drop);
        assert!(matches!(left_out, Err(SignedError::NotConfirmed { .. })), "{left_out:?}");
        let other = all.replacen("= \"", "= \"1", 1);
        let other = ActivePack::new(edited.clone(), &approvals(&edited, &other)).map(drop);
        assert!(matches!(other, Err(SignedError::NotConfirmed { .. })), "{other:?}");
        assert!(ActivePack::new(edited.clone(), &approvals(&edited, &all)).is_ok());
    }
}

/// Those that are wanted, as a footprint would have them after editing, confirming and approving each.
pub(crate) fn in_force(is_wanted: impl Fn(&str) -> bool) -> Plan {
    let packs = SHIPPED.map(|text| {
        let pack = read(&text.replace("draft = true\n", ""));
        let signed = approvals(&pack, &all_confirmed(&pack));
        ActivePack::new(pack, &signed).expect("approved")
    });
    let wanted = packs.into_iter().filter(|active| is_wanted(&active.pack().id));
    Plan::new(wanted.collect(), Vec::new()).expect("they can be in force together")
}

#[test]
fn all_of_them_can_be_in_force_together() {
    assert_eq!(in_force(|_| true).packs().len(), SHIPPED.len());
}

/// Words of one protocol put in another's place: refused, or a protocol whose tests run. Never a panic.
#[test]
fn a_protocol_with_its_words_exchanged_is_refused_or_runs() {
    let words: Vec<Vec<&str>> =
        SHIPPED.iter().map(|text| text.split_inclusive([' ', '\n', ','])).map(Iterator::collect).collect();
    let (mut seed, mut read, mut refused) = (7_usize, 0, 0);
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    for _ in 0..600 {
        let mut one = words[next(words.len())].clone();
        for _ in 0..=next(3) {
            let other = &words[next(words.len())];
            let (place, with) = (next(one.len()), other[next(other.len())]);
            one[place] = with;
        }
        match Pack::read(&one.concat()) {
            Ok(pack) => {
                read += 1;
                let _failed: Vec<String> = pack.failed_tests();
            }
            Err(error) => {
                refused += 1;
                assert!(!error.problems.is_empty());
            }
        }
    }
    assert!(read > 50 && refused > 50, "{read} read, {refused} refused: neither way was tried");
}
