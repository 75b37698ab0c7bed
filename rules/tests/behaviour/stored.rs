//! A person's state as bytes: what is written is read again, what was once written is read for ever, and what is not a state
//! is refused and never a panic.

use crate::support::patient;
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use rules::{
    Alert, Audience, Condition, PatientState, Repeat, RuleKey, RuleMemory, RuleRef, StateError, Workflow,
    state::{Entry, History, Memories, SeriesKey},
};
use vitals::{AlertId, PatientId, hex, wire::v1::Urgency};

fn moment() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

fn alert() -> Alert {
    Alert {
        id: AlertId::from_bytes([7; 16]),
        patient: patient(),
        made_by: RuleRef {
            pack: "p".into(),
            protocol: "P".into(),
            version: "1.0.0".into(),
            content_hash: "00".into(),
            rule: "r".into(),
            title: "R".into(),
        },
        urgency: Urgency::ActNow,
        audience: Audience::Clinical,
        condition: Condition::Active,
        workflow: Workflow::Raised,
        repeat: Repeat::Asked { until: moment() },
        opened_at: moment(),
        late: false,
        occasions: 1,
        clinician_message: "C".into(),
        patient_told: None,
        evidence: vec![],
        absent: vec![],
    }
}

fn state(unjudged: u32, memories: &[(RuleKey, RuleMemory)], alerts: Vec<Alert>) -> PatientState {
    let mut rules = Memories::default();
    for (key, memory) in memories {
        rules.put(*key, *memory);
    }
    PatientState { patient: patient(), alerts, rules, history: History::default(), unjudged }
}

/// Lists of values, with gaps, equal seconds, and amounts of any sign and number of places.
fn histories() -> impl Strategy<Value = History> {
    let value = (0_i64..4, 0_i64..3, -2_000_i64..2_000, 0_u32..10);
    prop::collection::vec(value, 0..30).prop_map(|values| {
        let mut history = History::default();
        for (list, secs, digits, places) in values {
            let entry = Entry { secs: 1_700_000_000 + secs * 50_000 * digits, nano: digits * 10_i64.pow(9 - places) };
            history.put(SeriesKey::of("weight", &[&list.to_string()]), entry, i64::MAX);
        }
        history
    })
}

/// The form with lists of values as it is on disks.
#[test]
fn the_form_with_values_is_the_form_on_every_disk() {
    let mut history = History::default();
    let key = SeriesKey::from_bytes([0x11; 8]);
    for (secs, nano) in [(1_728_000_000, 37_500_000_000), (1_728_086_400, -120_000_000_000), (1_728_086_400, 0)] {
        history.put(key, Entry { secs, nano }, i64::MAX);
    }
    let golden = concat!(
        "02",               // the format
        "00",               // none not judged
        "00",               // no memories
        "01",               // one list
        "1111111111111111", // its key
        "03",               // three values
        "80c0f9ef0c",       // 1,728,000,000 seconds after 1970
        "cd3a",             // 37.5: 375 and one place
        "80a305",           // a day later
        "d612",             // -120 and no places
        "00",               // at the same second
        "00",               // nought
        "00"                // no alerts
    );
    let state = PatientState { history, ..state(0, &[], vec![]) };
    assert_eq!(hex::encode(&state.to_bytes()), golden);
    assert_eq!(read(&hex::decode(golden).unwrap()).unwrap(), state);
}

fn read(bytes: &[u8]) -> Result<PatientState, StateError> {
    PatientState::from_bytes(&patient(), bytes)
}

/// The form as it is on disks. Where this fails, what is stored can no longer be read: add a format, do not change this one.
#[test]
fn the_form_of_today_is_the_form_on_every_disk() {
    let key = |byte| RuleKey::from_bytes([byte; 8]);
    let later = moment() + TimeDelta::microseconds(-70);
    let memories = [
        (key(0x22), RuleMemory::new(later, 300)),
        (key(0x11), RuleMemory::new(moment(), 0)),
        (key(0x33), RuleMemory::new(moment(), u32::MAX)),
    ];
    let json = concat!(
        r#"[{"id":"al-07070707070707070707070707070707","patient":"pt-test","made_by":{"pack":"p","protocol":"P","#,
        r#""version":"1.0.0","content_hash":"00","rule":"r","title":"R"},"urgency":"act_now","audience":"clinical","#,
        r#""condition":"active","workflow":"raised","repeat":{"asked":{"until":"2024-10-04T00:00:00Z"}},"#,
        r#""opened_at":"2024-10-04T00:00:00Z","late":false,"occasions":1,"clinician_message":"C","patient_told":null,"#,
        r#""evidence":[]}]"#
    );
    let golden = concat!(
        "01",               // the format
        "ac02",             // 300 not judged
        "03",               // three memories
        "1111111111111111", // a key
        "01",               // tag 1, moment 0
        "8080e0a2ebe69106", // 1,728,000,000 seconds after 1970
        "00",               // none in a row
        "2222222222222222",
        "09",
        "8b01",
        "ac02", // moment 1, 70 microseconds before; 300 in a row
        "3333333333333333",
        "01",
        "ffffffff0f", // moment 0 again; as many as can be
        "a403"        // 420 bytes of alerts
    );
    let mut bytes = hex::decode(golden).unwrap();
    bytes.extend_from_slice(json.as_bytes());
    let state = state(300, &memories, vec![alert()]);
    assert_eq!(hex::encode(&state.to_bytes()), hex::encode(&bytes));
    assert_eq!(read(&bytes).unwrap(), state);
}

#[test]
fn a_rules_key_never_changes() {
    assert_eq!(hex::encode(&RuleKey::of("demo-home-bp", "home-bp-red").to_bytes()), "2738349573fb75ff");
}

fn moments() -> impl Strategy<Value = DateTime<Utc>> {
    let extremes = [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC, DateTime::UNIX_EPOCH];
    prop_oneof![
        6 => (0_i64..5).prop_map(|days| moment() + TimeDelta::days(days)),
        3 => any::<i32>().prop_map(|micros| moment() + TimeDelta::microseconds(micros.into())),
        1 => prop::sample::select(extremes.to_vec()),
    ]
}

fn states() -> impl Strategy<Value = PatientState> {
    let memory = (any::<[u8; 8]>(), moments(), any::<u32>());
    let memories = prop::collection::vec(memory, 0..40);
    let unjudged = prop_oneof![Just(0), any::<u32>()];
    (unjudged, memories, prop::bool::weighted(0.2), histories()).prop_map(|(unjudged, memories, has_alert, history)| {
        let memories: Vec<_> = memories
            .into_iter()
            .map(|(key, newest, in_a_row)| (RuleKey::from_bytes(key), RuleMemory::new(newest, in_a_row)))
            .collect();
        let alerts = if has_alert { vec![alert()] } else { Vec::new() };
        PatientState { history, ..state(unjudged, &memories, alerts) }
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again_and_written_the_same(state in states()) {
        let bytes = state.to_bytes();
        let again = read(&bytes).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(&again, &state);
        prop_assert_eq!(again.to_bytes(), bytes);
    }

    #[test]
    fn a_state_cut_short_or_with_something_after_it_is_refused(state in states()) {
        let mut bytes = state.to_bytes();
        for end in 0..bytes.len() {
            prop_assert!(matches!(read(&bytes[..end]), Err(StateError::Truncated)), "cut at {}", end);
        }
        bytes.push(0);
        prop_assert!(matches!(read(&bytes), Err(StateError::Trailing(1))));
    }

    /// Any bytes, and states with some bytes changed: refused, or a state whose form they are.
    #[test]
    fn any_bytes_are_refused_or_are_the_one_form_of_a_state(
        state in states(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        noise in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let mut changed = PatientState { alerts: Vec::new(), ..state }.to_bytes();
        for (place, byte) in changes {
            let place = place.index(changed.len());
            changed[place] = byte;
        }
        let noisy = |format: u8| [format].into_iter().chain(noise.iter().copied()).collect::<Vec<u8>>();
        for bytes in [changed, noisy(1), noisy(2), noise] {
            if let Ok(state) = read(&bytes) {
                prop_assert_eq!(state.to_bytes(), bytes);
            }
        }
    }
}

#[test]
fn what_is_not_the_one_form_is_refused_with_its_reason() {
    assert!(
        read(&hex::decode("010001111111111111111101020000").unwrap()).is_ok(),
        "the rows spoil a form that is right"
    );
    let rows = [
        ("", "too early"),
        ("00000000", "format 0"),
        ("03000000", "format 3"),
        ("0100000000", "1 bytes follow"),
        // 2^32 readings that are not judged; a number with a byte that says nothing; one beyond 64 bits.
        ("01808080801000 00", "how many are not judged"),
        ("0180000000", "a number"),
        ("01ffffffffffffffffff7f0000", "a number"),
        // More memories than there are bytes for.
        ("0100ffffffffffffffff0100", "too early"),
        // A tag to come.
        ("010001 1111111111111111 02 02 00 00", "memory 2"),
        // The second moment before the first; a moment named twice; a moment no calendar has.
        ("010001 1111111111111111 09 02 00 00", "a moment"),
        ("010002 1111111111111111 01 02 00 2222222222222222 09 00 00 00", "a moment"),
        ("010001 1111111111111111 01 ffffffffffffffffff01 00 00", "a moment"),
        // Keys that do not ascend.
        ("010002 2222222222222222 01 02 00 1111111111111111 01 00 00", "order of the keys"),
        ("010002 1111111111111111 01 02 00 1111111111111111 01 00 00", "order of the keys"),
        // Lists of values: none of them; keys that do not ascend; more values than a list holds; an amount that is not the
        // shortest; a value named twice.
        ("020000 00 0000000000000000000000", "the lists of no values"),
        ("020000 02 2222222222222222 01 02 14 1111111111111111 01 02 14 00", "order of the keys"),
        ("020000 01 1111111111111111 41 02 14 00", "a list of values"),
        ("020000 01 1111111111111111 00 02 14 00", "a list of values"),
        ("020000 01 1111111111111111 01 02 c901 00", "a list of values"),
        ("020000 01 1111111111111111 02 02 14 00 14 00", "a list of values"),
        // No alerts, written as a list of none; alerts that are no list of alerts.
        ("010000 02 5b5d", "list of no alerts"),
        ("010000 02 7b7d", "alerts"),
    ];
    for (bytes, reason) in rows {
        let error = read(&hex::decode(&bytes.replace(' ', "")).unwrap()).expect_err(bytes).to_string();
        assert!(error.contains(reason), "{bytes}: {error}");
    }
    let of_another =
        PatientState::from_bytes(&PatientId::parse("pt-other").unwrap(), &state(0, &[], vec![alert()]).to_bytes());
    assert!(matches!(of_another, Err(StateError::AnotherPerson)));
}

/// Found while writing this: a device's clock may be finer than what is stored. Cut off where it is remembered, not where it
/// is stored, a restart changes nothing.
#[test]
fn a_moment_is_remembered_as_finely_as_it_is_stored() {
    let fine = RuleMemory::new(moment() + TimeDelta::nanoseconds(1_999), 1);
    assert_eq!(fine.newest_taken_at(), moment() + TimeDelta::microseconds(1));
    let state = state(0, &[(RuleKey::from_bytes([1; 8]), fine)], vec![]);
    assert_eq!(read(&state.to_bytes()).unwrap(), state);
}

/// What the county's table of states costs: the figure is a promise of size, not of speed.
#[test]
fn a_memory_takes_at_most_sixteen_bytes() {
    let key = |byte: u8| RuleKey::of("a protocol", &byte.to_string());
    let memories: Vec<_> = (0..24_u8)
        .map(|rule| (key(rule), RuleMemory::new(moment() + TimeDelta::seconds(i64::from(rule % 3) * 4321), 5_000)))
        .collect();
    let bytes = state(0, &memories, vec![]).to_bytes();
    assert!(bytes.len() <= 4 + 24 * 16, "{} bytes", bytes.len());
}
