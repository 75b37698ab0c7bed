//! What the compact forms take apart comes back as it was: any reading in an entry, any alert in its row; with numbers for
//! words and shapes, and where the vocabulary is full. Bytes that are no such form are refused.

#[expect(clippy::duplicate_mod, reason = "the same strategy, for another module's tests; neither sees the other's")]
#[path = "../../../../../vitals/tests/any_measure/mod.rs"]
mod any_measure;

use super::{
    super::{
        alert_form,
        bytes::{Put, Take},
        digest::Keys,
        kept::{self, KeptReading, Sent},
        names::{Class, Names},
        rows::{Tx, View},
        schema::MIGRATIONS,
        tally::Tally,
    },
    *,
};
use any_measure::any_measure;
use proptest::{
    array::{uniform7, uniform8},
    collection::vec,
    option,
    prelude::*,
    sample::{select, subsequence},
    test_runner::{Config, TestRunner},
};
use rules::{
    alert::{Audience, ClearedBecause, Condition, Repeat, RuleRef, Workflow},
    finding::{Because, Comparison, Evidence, Finding},
};
use rusqlite::Connection;
use vitals::{
    AlertId, DeviceTime, Flag, NoValue, ReadingId, catalogue,
    wire::v1::{Prompt, Urgency},
};

/// A store's tables in memory, and a write in progress. `is_full`: words and shapes get no numbers any more.
fn within(is_full: bool, test: impl FnOnce(&Tx<'_>)) {
    let conn = Connection::open_in_memory().unwrap();
    MIGRATIONS.iter().for_each(|migration| conn.execute_batch(migration).unwrap());
    let (keys, names) = (Keys::new(&KEYS), Names::default());
    let view = View::new(&conn, &keys, &names, Tally::default());
    let tx = Tx { view: &view, at: at(0) };
    for n in 0..if is_full { 5000 } else { 0 } {
        names.word(&tx, &format!("word {n}")).unwrap();
        names.shape(&tx, &format!("shape {n}")).unwrap();
    }
    test(&tx);
}

fn run<S: Strategy>(cases: u32, input: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    TestRunner::new(Config::with_cases(cases)).run(input, test).unwrap();
}

/// In seconds, milliseconds, microseconds or nanoseconds, within a day or many years of each other.
fn moment() -> impl Strategy<Value = DateTime<Utc>> {
    let seconds = prop_oneof![3 => 1_780_000_000..1_780_086_400_i64, 1 => -2_000_000_000..4_000_000_000_i64];
    let nanos = prop_oneof![
        Just(0),
        (0..1000_u32).prop_map(|millis| millis * 1_000_000),
        (0..1_000_000_u32).prop_map(|micros| micros * 1000),
        0..1_000_000_000_u32
    ];
    (seconds, nanos).prop_map(|(seconds, nanos)| DateTime::from_timestamp(seconds, nanos).unwrap())
}

fn device_time() -> impl Strategy<Value = DeviceTime> {
    let year = prop_oneof![4 => 2015..2040_u16, 1 => Just(0_u16)];
    (year, 0..13_u8, 0..29_u8, 0..24_u8, 0..60_u8, 0..60_u8).prop_map(|(year, month, day, hour, minute, second)| {
        DeviceTime::new(year, month, day, hour, minute, second).unwrap()
    })
}

fn value() -> impl Strategy<Value = (Kind, Value<Measure>)> {
    prop_oneof![
        5 => any_measure().prop_map(|measure| (measure.kind(), Value::Measured(measure))),
        1 => (select(Kind::ALL.to_vec()), select(NoValue::ALL.to_vec()))
            .prop_map(|(kind, why)| (kind, Value::NotMeasured(why))),
    ]
}

fn taken() -> impl Strategy<Value = TakenAt> {
    (any::<bool>(), moment())
        .prop_map(|(is_device, at)| if is_device { TakenAt::DeviceClock(at) } else { TakenAt::HubClock(at) })
}

fn times() -> impl Strategy<Value = Times> {
    let offset = option::of(-90_000..90_000_i64).prop_map(|ahead| match ahead {
        Some(device_ahead_secs) => ClockOffset::ReadAtConnection { device_ahead_secs },
        None => ClockOffset::NotRead,
    });
    (option::of(device_time()), moment(), taken(), offset).prop_map(|(device, hub_received, taken, offset)| Times {
        device,
        hub_received,
        taken,
        offset,
    })
}

/// A frame; the device's time stands in it, or not.
fn raw(device: Option<DeviceTime>) -> impl Strategy<Value = RawFrame> {
    let names = select(vec![("1810", "2a35"), ("1808", "2a18"), ("contour", "contour_astm"), ("a\nb\\n", "\\")]);
    (names, vec(any::<u8>(), 0..8), vec(any::<u8>(), 0..9), any::<bool>()).prop_map(
        move |((service, characteristic), mut bytes, rest, is_in_frame)| {
            bytes.extend(device.filter(|_| is_in_frame).map(DeviceTime::to_bytes).unwrap_or_default());
            bytes.extend(rest);
            RawFrame { service: service.to_owned(), characteristic: characteristic.to_owned(), bytes }
        },
    )
}

fn admitted() -> impl Strategy<Value = Admitted> {
    let who = prop_oneof![
        3 => Just(Who::Patient(pt(1))),
        1 => select(WhyUnassigned::ALL.to_vec()).prop_map(Who::Unassigned),
    ];
    let (value, flags) = (value(), subsequence(Flag::ALL.to_vec(), 0..4));
    let parts = times().prop_flat_map(|times| (Just(times), raw(times.device)));
    let (user, record) = (option::of(any::<u8>()), (0..4_u8, uniform8(any::<u8>())));
    (who, value, flags, parts, user, record, moment(), moment()).prop_map(
        |(who, (kind, value), flags, (times, raw), user_index, (record, other), sent_at, server_received)| {
            let frame = vitals::record::identity(&raw.characteristic, &raw.bytes);
            let key = match (record, times.device, raw.bytes.get(1..3)) {
                (0, Some(time), _) => Some(RecordKey::Time(time)),
                (1, ..) => Some(RecordKey::Content),
                (2, _, Some(&[low, high])) => Some(RecordKey::Number(u16::from_le_bytes([low, high]).into())),
                _ => None,
            };
            let record = key.map(|key| RecordNumber::of(&raw.service, key, user_index, frame));
            let record = record.unwrap_or(RecordNumber::from_bytes(other));
            let source = SourceId::device("made", "1").unwrap();
            let id = reading_id(&source, record);
            let quality = Quality::from_iter(flags);
            let reading = Reading { id, source, record, user_index, who, kind, value, times, quality, raw };
            Admitted { reading, hub: hub(), sent_at, server_received }
        },
    )
}

fn verdict() -> impl Strategy<Value = Verdict> {
    let alerts = vec(uniform8(any::<u8>()).prop_map(|part| AlertId::derive(&[&part])), 0..3);
    let urgency = select(vec![Urgency::AsPlanned, Urgency::CheckAgain, Urgency::ActNow]);
    let prompts = vec((urgency, "[a-c]{0,3}").prop_map(|(urgency, text)| Prompt { urgency, text }), 0..3);
    prop_oneof![
        (any::<bool>(), alerts, prompts).prop_map(|(late, alerts, prompts)| Verdict::Evaluated {
            late,
            alerts,
            prompts
        }),
        Just(Verdict::unevaluated(ErrorCode::RulePanicked)),
    ]
}

/// In every digit, which `==` of decimals would not see.
fn digits<T: std::fmt::Debug + serde::Serialize>(it: &T) -> String {
    serde_json::to_string(it).unwrap()
}

#[test]
fn a_kept_reading_is_the_one_that_was_put_in() {
    for is_full in [false, true] {
        within(is_full, |tx| {
            let source = tx.names.number(tx, Class::Source, "device/made/1").unwrap().0;
            let hub_no = tx.names.number(tx, Class::Hub, hub().as_str()).unwrap().0;
            run(1500, &(admitted(), verdict(), any::<usize>()), |(admitted, verdict, place)| {
                let person = match &admitted.reading.who {
                    Who::Patient(patient) => Some(patient),
                    Who::Unassigned(_) => None,
                };
                let verdict = person.map(|_| verdict);
                let (sent_at, server_received) = (admitted.sent_at, admitted.server_received);
                let sent = Sent { hub: hub_no, sent_at, server_received };
                let mut put = Put::default();
                sent.put(&mut put, tx.at);
                kept::put(&mut put, tx, source, &admitted, verdict.as_ref()).unwrap();
                let read = |bytes: &[u8]| {
                    let mut take = Take::new(bytes);
                    let sent = Sent::take(&mut take, tx.at).ok()?;
                    let found = kept::take(&mut take, tx.names, person, &sent).ok()?;
                    Some((sent, found, take.is_at_end()))
                };
                let (sent_found, found, is_at_end) = read(put.as_slice()).unwrap();
                prop_assert!(is_at_end);
                prop_assert_eq!(sent_found, sent);
                prop_assert_eq!(digits(&found.admitted.reading), digits(&admitted.reading));
                prop_assert_eq!(found, KeptReading { admitted: admitted.clone(), verdict });
                // Cut short it is refused; with another byte in it is read or refused, and nothing worse.
                let bytes = put.as_slice();
                let place = place % bytes.len();
                prop_assert!(read(&bytes[..place]).is_none());
                let mut changed = bytes.to_vec();
                changed[place] ^= 0x15;
                drop(read(&changed));
                Ok(())
            });
        });
    }
}

#[test]
fn a_record_number_made_of_the_frame_takes_no_room() {
    within(false, |tx| {
        let bytes_of = |record: Option<RecordNumber>| {
            let mut admitted = calm(&pt(1), 1, 0);
            let time = DeviceTime::new(2026, 6, 1, 8, 0, 0).unwrap();
            let reading = &mut admitted.reading;
            reading.times.device = Some(time);
            reading.raw.bytes = [&[0x1e, 1, 2][..], &time.to_bytes(), &[9]].concat();
            let made = RecordNumber::of(&reading.raw.service, RecordKey::Time(time), None, &reading.raw.bytes);
            reading.record = record.unwrap_or(made);
            let mut put = Put::default();
            let nothing = Verdict::Evaluated { late: false, alerts: vec![], prompts: vec![] };
            kept::put(&mut put, tx, 1, &admitted, Some(&nothing)).unwrap();
            put.as_slice().len()
        };
        // Source, bits, shape, two mantissas, the frame with its length, three distances.
        assert_eq!(bytes_of(None), 1 + 1 + 1 + 2 + 12 + 3);
        assert_eq!(bytes_of(Some(RecordNumber::from_bytes([7; 8]))), bytes_of(None) + 8);
    });
}

fn finding(value: &Value<Measure>) -> BoxedStrategy<Finding> {
    let numbers = value.measured().map(catalogue::numbers).unwrap_or_default();
    let measured: Vec<(String, vitals::Quantity)> =
        numbers.into_iter().map(|(component, quantity)| (component.name.clone(), quantity)).collect();
    let other = ("systolic".to_owned(), vitals::Quantity::new(Decimal::parse("120.50").unwrap(), vitals::Unit::ALL[0]));
    let of = select([measured, vec![other]].concat());
    let comparison = select(vec![Comparison::AtLeast, Comparison::AtMost, Comparison::Above, Comparison::Below]);
    let bound = select(vec!["0", "-1.50", "180", "37.5", "37.50"]).prop_map(|text| Decimal::parse(text).unwrap());
    (of, comparison, bound, option::of("[a-c]{1,2}"), any::<bool>())
        .prop_map(|((component, value), comparison, bound, parameter, held)| Finding {
            component,
            value,
            comparison,
            bound,
            parameter,
            held,
        })
        .boxed()
}

fn evidence() -> impl Strategy<Value = Evidence> {
    let of_value = value().prop_flat_map(|(kind, value)| {
        let findings = vec(finding(&value), 0..4);
        (Just(kind), Just(value), findings)
    });
    let source = select(vec!["device/made/1", "device/nobody/knows"]);
    (of_value, uniform7(any::<u8>()), source, taken(), option::of(moment()), moment()).prop_map(
        |((kind, value, findings), id, source, taken, event_time, received_at)| Evidence {
            reading: ReadingId::derive(&[&id]),
            source: SourceId::parse(source).unwrap(),
            kind,
            value,
            taken,
            event_time: event_time.unwrap_or(taken.moment()),
            received_at,
            findings,
            withdrawn: match id[0] % 3 {
                0 => None,
                1 => Some(Because::EnteredInError),
                _ => Some(Because::AnotherPersons),
            },
        },
    )
}

fn alert() -> impl Strategy<Value = Alert> {
    let cleared = [
        ClearedBecause::Improved,
        ClearedBecause::Superseded(AlertId::derive(&[b"b"])),
        ClearedBecause::Judged,
        ClearedBecause::ProtocolEnded,
        ClearedBecause::Unfounded,
    ];
    let conditions = [Condition::Pending, Condition::Active].into_iter().chain(cleared.map(Condition::Cleared));
    let condition = select(conditions.collect::<Vec<_>>());
    let note = option::of(Just(Text::new("Rang. £5, \"ä\"").unwrap()));
    let workflow = (0..3_u8, moment(), note).prop_map(|(which, at, note)| match which {
        0 => Workflow::Raised,
        1 => Workflow::Notified { at },
        _ => Workflow::Acknowledged { by: actor("ada"), at, note },
    });
    let repeat = moment().prop_flat_map(|until| {
        select(vec![Repeat::NotAsked, Repeat::Asked { until }, Repeat::Confirmed, Repeat::Improved, Repeat::NotDone])
    });
    let word = || "[a-e]{0,2}";
    let rule = (word(), word(), word(), word(), word(), word()).prop_map(
        |(pack, protocol, version, content_hash, rule, title)| RuleRef {
            pack,
            protocol,
            version,
            content_hash,
            rule,
            title,
        },
    );
    let how = (
        select(vec![Urgency::AsPlanned, Urgency::CheckAgain, Urgency::ActNow]),
        select(vec![Audience::Clinical, Audience::Technical, Audience::Nobody]),
        any::<bool>(),
        any::<u32>(),
    );
    let said = (word(), option::of(word()));
    (rule, how, condition, workflow, repeat, moment(), said, vec(evidence(), 0..5)).prop_map(
        |(made_by, (urgency, audience, late, occasions), condition, workflow, repeat, opened_at, said, evidence)| {
            let (clinician_message, patient_told) = said;
            let absent = evidence.first().filter(|_| occasions % 2 == 0).map(|first| first.findings.clone());
            Alert {
                id: AlertId::derive(&[b"a"]),
                patient: pt(1),
                made_by,
                urgency,
                audience,
                condition,
                workflow,
                repeat,
                opened_at,
                late,
                occasions,
                clinician_message,
                patient_told,
                evidence,
                absent: absent.unwrap_or_default(),
            }
        },
    )
}

#[test]
fn a_kept_alert_is_the_one_that_was_put_in() {
    for is_full in [false, true] {
        within(is_full, |tx| {
            tx.names.number(tx, Class::Source, "device/made/1").unwrap();
            run(600, &(alert(), any::<usize>()), |(alert, place)| {
                let put = alert_form::put(tx, &alert).unwrap();
                let read = |bytes: &[u8]| alert_form::take(tx.names, alert.id, pt(1), bytes).ok();
                let found = read(put.as_slice());
                prop_assert_eq!(found.as_ref().map(digits), Some(digits(&alert)));
                prop_assert_eq!(found, Some(alert.clone()));
                // The same alert has the same bytes, so that what did not change is not written.
                let again = alert_form::put(tx, &alert).unwrap();
                prop_assert_eq!(again.as_slice(), put.as_slice());
                let bytes = put.as_slice();
                let place = place % bytes.len();
                prop_assert!(read(&bytes[..place]).is_none());
                prop_assert!(read(&[bytes, &[0]].concat()).is_none());
                let mut changed = bytes.to_vec();
                changed[place] ^= 0x15;
                drop(read(&changed));
                Ok(())
            });
        });
    }
}
