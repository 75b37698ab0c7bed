//! An alert as its row keeps it: every field of it in few bytes. Ids as bytes, the pack's texts by their numbers, what was
//! measured by its shape, times as distances.
//!
//! Invariant: what is taken out is the very alert that was put in. Its id and whose it is stand in columns of their own.

use super::{
    bytes::{Put, Take, era},
    fault::Fault,
    kept::{put_word, take_word},
    names::{Class, Names, No},
    rows::{Tx, Unsound},
    shape::{Shape, Shaped},
};
use chrono::{DateTime, Utc};
use rules::{
    Alert,
    alert::{Actor, Audience, ClearedBecause, Condition, Repeat, RuleRef, Workflow},
    finding::{Because, Comparison, Evidence, Finding},
};
use vitals::{
    AlertId, Decimal, Measure, PatientId, Quantity, ReadingId, SourceId, TakenAt, Unit, Value, bounded::Text,
    id::StaffId, measure::Parts, wire::v1::Urgency,
};

/// The form of the bytes.
const FORM: u8 = 1;

/// Declares the number of each value of a closed list; numbers never change their meaning.
macro_rules! numbered {
    ($put:ident $take:ident $of:ident { $($value:ident $number:literal)* }) => {
        fn $put(value: $of) -> u8 {
            match value {
                $($of::$value => $number,)*
            }
        }

        fn $take(number: u8) -> Result<$of, Unsound> {
            match number {
                $($number => Ok($of::$value),)*
                _ => Err(Unsound),
            }
        }
    };
}

numbered! { urgency_number urgency Urgency { AsPlanned 0 CheckAgain 1 ActNow 2 } }
numbered! { audience_number audience Audience { Clinical 0 Technical 1 Nobody 2 } }
numbered! { comparison_number comparison Comparison { AtLeast 0 AtMost 1 Above 2 Below 3 } }

mod condition {
    pub(super) const PENDING: u8 = 0;
    pub(super) const ACTIVE: u8 = 1;
    pub(super) const IMPROVED: u8 = 2;
    pub(super) const SUPERSEDED: u8 = 3;
    pub(super) const JUDGED: u8 = 4;
    pub(super) const PROTOCOL_ENDED: u8 = 5;
    pub(super) const UNFOUNDED: u8 = 6;
}

mod workflow {
    pub(super) const RAISED: u8 = 0;
    pub(super) const NOTIFIED: u8 = 1;
    pub(super) const ACKNOWLEDGED: u8 = 2;
    pub(super) const ACKNOWLEDGED_WITH_NOTE: u8 = 3;
}

mod repeat {
    pub(super) const NOT_ASKED: u8 = 0;
    pub(super) const ASKED: u8 = 1;
    pub(super) const CONFIRMED: u8 = 2;
    pub(super) const IMPROVED: u8 = 3;
    pub(super) const NOT_DONE: u8 = 4;
}

/// Bits of an alert.
mod has {
    pub(super) const LATE: u8 = 1;
    pub(super) const PATIENT_TOLD: u8 = 2;
    /// What was compared where no reading came, after the evidence.
    pub(super) const ABSENT: u8 = 4;
}

/// Bits of evidence.
mod evidence_has {
    pub(super) const TAKEN_BY_DEVICE: u8 = 1;
    /// Its place among the others is when it was taken.
    pub(super) const PLACE_IS_TAKEN: u8 = 2;
    /// It no longer counts: it was entered in error.
    pub(super) const ENTERED_IN_ERROR: u8 = 4;
    /// It no longer counts: it is another person's.
    pub(super) const ANOTHER_PERSONS: u8 = 8;
    pub(super) const ANY: u8 = 15;
}

/// Bits of a finding, above its comparison.
mod finding_has {
    pub(super) const COMPARISON: u8 = 3;
    pub(super) const HELD: u8 = 4;
    pub(super) const PARAMETER: u8 = 8;
    /// The value is the component's in what was measured.
    pub(super) const VALUE_MEASURED: u8 = 16;
    pub(super) const ANY: u8 = 31;
}

/// An alert's bytes.
pub(super) fn put(tx: &Tx<'_>, alert: &Alert) -> Result<Put, Fault> {
    let mut bytes = Put::with_room(128 + 96 * alert.evidence.len());
    let put = &mut bytes;
    put.byte(FORM);
    let RuleRef { pack, protocol, version, content_hash, rule, title } = &alert.made_by;
    for word in [pack, protocol, version, content_hash, rule, title, &alert.clinician_message] {
        put_word(put, tx, word)?;
    }
    put.byte(urgency_number(alert.urgency));
    put.byte(audience_number(alert.audience));
    let bits = [
        (alert.late, has::LATE),
        (alert.patient_told.is_some(), has::PATIENT_TOLD),
        (!alert.absent.is_empty(), has::ABSENT),
    ];
    put.byte(bits.into_iter().filter(|(is_so, _)| *is_so).map(|(_, bit)| bit).sum());
    if let Some(told) = &alert.patient_told {
        put_word(put, tx, told)?;
    }
    put.number(alert.occasions.into());
    put.moment(era(), alert.opened_at);
    put_condition(put, alert.condition);
    put_workflow(put, &alert.workflow, alert.opened_at);
    put_repeat(put, alert.repeat, alert.opened_at);
    put.count(alert.evidence.len());
    for evidence in &alert.evidence {
        put_evidence(put, tx, evidence, alert.opened_at)?;
    }
    if !alert.absent.is_empty() {
        put.count(alert.absent.len());
        for finding in &alert.absent {
            put_finding(put, tx, finding, &Measured(Vec::new()))?;
        }
    }
    Ok(bytes)
}

fn put_condition(put: &mut Put, condition: Condition) {
    put.byte(match condition {
        Condition::Pending => condition::PENDING,
        Condition::Active => condition::ACTIVE,
        Condition::Cleared(ClearedBecause::Improved) => condition::IMPROVED,
        Condition::Cleared(ClearedBecause::Superseded(_)) => condition::SUPERSEDED,
        Condition::Cleared(ClearedBecause::Judged) => condition::JUDGED,
        Condition::Cleared(ClearedBecause::ProtocolEnded) => condition::PROTOCOL_ENDED,
        Condition::Cleared(ClearedBecause::Unfounded) => condition::UNFOUNDED,
    });
    if let Condition::Cleared(ClearedBecause::Superseded(by)) = condition {
        put.raw(by.as_bytes());
    }
}

fn put_workflow(put: &mut Put, workflow: &Workflow, from: DateTime<Utc>) {
    match workflow {
        Workflow::Raised => put.byte(workflow::RAISED),
        Workflow::Notified { at } => {
            put.byte(workflow::NOTIFIED);
            put.moment(from, *at);
        }
        Workflow::Acknowledged { by, at, note } => {
            put.byte(if note.is_some() { workflow::ACKNOWLEDGED_WITH_NOTE } else { workflow::ACKNOWLEDGED });
            put.moment(from, *at);
            put.bytes(by.id.as_str().as_bytes());
            put.bytes(by.name.as_str().as_bytes());
            note.iter().for_each(|note| put.bytes(note.as_str().as_bytes()));
        }
    }
}

fn put_repeat(put: &mut Put, repeat: Repeat, from: DateTime<Utc>) {
    put.byte(match repeat {
        Repeat::NotAsked => repeat::NOT_ASKED,
        Repeat::Asked { .. } => repeat::ASKED,
        Repeat::Confirmed => repeat::CONFIRMED,
        Repeat::Improved => repeat::IMPROVED,
        Repeat::NotDone => repeat::NOT_DONE,
    });
    if let Repeat::Asked { until } = repeat {
        put.moment(from, until);
    }
}

fn put_evidence(put: &mut Put, tx: &Tx<'_>, evidence: &Evidence, from: DateTime<Utc>) -> Result<(), Fault> {
    put.raw(evidence.reading.as_bytes());
    match tx.names.find(Class::Source, evidence.source.as_str()) {
        Some(no) => put.number(no.into()),
        None => {
            put.number(0);
            put.bytes(evidence.source.as_str().as_bytes());
        }
    }
    let taken = evidence.taken.moment();
    let bits = [
        (matches!(evidence.taken, TakenAt::DeviceClock(_)), evidence_has::TAKEN_BY_DEVICE),
        (evidence.event_time == taken, evidence_has::PLACE_IS_TAKEN),
        (evidence.withdrawn == Some(Because::EnteredInError), evidence_has::ENTERED_IN_ERROR),
        (evidence.withdrawn == Some(Because::AnotherPersons), evidence_has::ANOTHER_PERSONS),
    ];
    put.byte(bits.into_iter().filter(|(is_so, _)| *is_so).map(|(_, bit)| bit).sum());
    Shape::of_value(evidence.kind, &evidence.value).put(put, tx)?;
    put.moment(from, evidence.received_at);
    put.moment(evidence.received_at, taken);
    if evidence.event_time != taken {
        put.moment(taken, evidence.event_time);
    }
    let measured = Measured::of(&evidence.value, !evidence.findings.is_empty());
    put.count(evidence.findings.len());
    for finding in &evidence.findings {
        put_finding(put, tx, finding, &measured)?;
    }
    Ok(())
}

fn put_finding(put: &mut Put, tx: &Tx<'_>, finding: &Finding, measured: &Measured) -> Result<(), Fault> {
    let is_measured = measured.find(&finding.component).is_some_and(|found| is_exactly(found, finding.value));
    let bits = [
        (finding.held, finding_has::HELD),
        (finding.parameter.is_some(), finding_has::PARAMETER),
        (is_measured, finding_has::VALUE_MEASURED),
    ];
    let bits: u8 = bits.into_iter().filter(|(is_so, _)| *is_so).map(|(_, bit)| bit).sum();
    put.byte(bits | comparison_number(finding.comparison));
    put_word(put, tx, &finding.component)?;
    if !is_measured {
        put_word(put, tx, finding.value.unit().ucum())?;
        put_decimal(put, finding.value.value());
    }
    put_decimal(put, finding.bound);
    finding.parameter.iter().try_for_each(|parameter| put_word(put, tx, parameter))
}

fn put_decimal(put: &mut Put, decimal: Decimal) {
    let (mantissa, scale) = decimal.to_parts();
    put.number(scale.into());
    put.signed(mantissa);
}

/// The numbers of what was measured.
struct Measured(Vec<(&'static str, Quantity)>);

impl Measured {
    fn of(value: &Value<Measure>, is_needed: bool) -> Self {
        let measure = value.measured().filter(|_| is_needed);
        Self(measure.map(|measure| Parts::of(measure).numbers).unwrap_or_default())
    }

    fn find(&self, component: &str) -> Option<Quantity> {
        self.0.iter().find(|(name, _)| *name == component).map(|(_, quantity)| *quantity)
    }
}

/// Whether two quantities are the same to the last place, so that one may stand for the other.
fn is_exactly(one: Quantity, other: Quantity) -> bool {
    one.unit() == other.unit() && one.value().to_parts() == other.value().to_parts()
}

/// Takes a person's alert.
pub(super) fn take(names: &Names, id: AlertId, patient: PatientId, bytes: &[u8]) -> Result<Alert, Unsound> {
    let take = &mut Take::new(bytes);
    if take.byte()? != FORM {
        return Err(Unsound);
    }
    let made_by = RuleRef {
        pack: text(take, names)?,
        protocol: text(take, names)?,
        version: text(take, names)?,
        content_hash: text(take, names)?,
        rule: text(take, names)?,
        title: text(take, names)?,
    };
    let clinician_message = text(take, names)?;
    let (urgency, audience, bits) = (urgency(take.byte()?)?, audience(take.byte()?)?, take.byte()?);
    if bits & !(has::LATE | has::PATIENT_TOLD | has::ABSENT) != 0 {
        return Err(Unsound);
    }
    let patient_told = if bits & has::PATIENT_TOLD == 0 { None } else { Some(text(take, names)?) };
    let occasions = u32::try_from(take.number()?)?;
    let opened_at = take.moment(era())?;
    let condition = take_condition(take)?;
    let workflow = take_workflow(take, opened_at)?;
    let repeat = take_repeat(take, opened_at)?;
    let mut evidence = Vec::new();
    for _ in 0..take.count()? {
        evidence.push(take_evidence(take, names, opened_at)?);
    }
    let mut absent = Vec::new();
    if bits & has::ABSENT != 0 {
        for _ in 0..take.count()? {
            absent.push(take_finding(take, names, &Measured(Vec::new()))?);
        }
    }
    take.end()?;
    let late = bits & has::LATE != 0;
    Ok(Alert {
        id,
        patient,
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
        absent,
    })
}

fn text(take: &mut Take<'_>, names: &Names) -> Result<String, Unsound> {
    take_word(take, names, |word| Some(word.to_owned()))
}

fn take_condition(take: &mut Take<'_>) -> Result<Condition, Unsound> {
    Ok(match take.byte()? {
        condition::PENDING => Condition::Pending,
        condition::ACTIVE => Condition::Active,
        condition::IMPROVED => Condition::Cleared(ClearedBecause::Improved),
        condition::SUPERSEDED => Condition::Cleared(ClearedBecause::Superseded(AlertId::from_bytes(take.array()?))),
        condition::JUDGED => Condition::Cleared(ClearedBecause::Judged),
        condition::PROTOCOL_ENDED => Condition::Cleared(ClearedBecause::ProtocolEnded),
        condition::UNFOUNDED => Condition::Cleared(ClearedBecause::Unfounded),
        _ => return Err(Unsound),
    })
}

fn take_workflow(take: &mut Take<'_>, from: DateTime<Utc>) -> Result<Workflow, Unsound> {
    match take.byte()? {
        workflow::RAISED => Ok(Workflow::Raised),
        workflow::NOTIFIED => Ok(Workflow::Notified { at: take.moment(from)? }),
        code @ (workflow::ACKNOWLEDGED | workflow::ACKNOWLEDGED_WITH_NOTE) => {
            let at = take.moment(from)?;
            let by = Actor { id: StaffId::parse(take.text()?)?, name: Text::new(take.text()?)? };
            let has_note = code == workflow::ACKNOWLEDGED_WITH_NOTE;
            let note = if has_note { Some(Text::new(take.text()?)?) } else { None };
            Ok(Workflow::Acknowledged { by, at, note })
        }
        _ => Err(Unsound),
    }
}

fn take_repeat(take: &mut Take<'_>, from: DateTime<Utc>) -> Result<Repeat, Unsound> {
    Ok(match take.byte()? {
        repeat::NOT_ASKED => Repeat::NotAsked,
        repeat::ASKED => Repeat::Asked { until: take.moment(from)? },
        repeat::CONFIRMED => Repeat::Confirmed,
        repeat::IMPROVED => Repeat::Improved,
        repeat::NOT_DONE => Repeat::NotDone,
        _ => return Err(Unsound),
    })
}

fn take_evidence(take: &mut Take<'_>, names: &Names, from: DateTime<Utc>) -> Result<Evidence, Unsound> {
    let reading = ReadingId::from_bytes(take.array()?);
    let source = match No::try_from(take.number()?)? {
        0 => SourceId::parse(take.text()?)?,
        no => SourceId::parse(&super::kept::name_of(names, no, Class::Source)?)?,
    };
    let bits = take.byte()?;
    if bits & !evidence_has::ANY != 0 {
        return Err(Unsound);
    }
    let Shaped { kind, value, .. } = Shaped::take(take, names)?;
    let received_at = take.moment(from)?;
    let moment = take.moment(received_at)?;
    let event_time = if bits & evidence_has::PLACE_IS_TAKEN == 0 { take.moment(moment)? } else { moment };
    let is_by_device = bits & evidence_has::TAKEN_BY_DEVICE != 0;
    let taken = if is_by_device { TakenAt::DeviceClock(moment) } else { TakenAt::HubClock(moment) };
    let withdrawn = match bits & (evidence_has::ENTERED_IN_ERROR | evidence_has::ANOTHER_PERSONS) {
        0 => None,
        evidence_has::ENTERED_IN_ERROR => Some(Because::EnteredInError),
        evidence_has::ANOTHER_PERSONS => Some(Because::AnotherPersons),
        _ => return Err(Unsound),
    };
    let count = take.count()?;
    let measured = Measured::of(&value, count > 0);
    let mut findings = Vec::new();
    for _ in 0..count {
        findings.push(take_finding(take, names, &measured)?);
    }
    Ok(Evidence { reading, source, kind, value, taken, event_time, received_at, findings, withdrawn })
}

fn take_finding(take: &mut Take<'_>, names: &Names, measured: &Measured) -> Result<Finding, Unsound> {
    let bits = take.byte()?;
    if bits & !finding_has::ANY != 0 {
        return Err(Unsound);
    }
    let component = text(take, names)?;
    let value = if bits & finding_has::VALUE_MEASURED == 0 {
        let unit = take_word(take, names, Unit::from_ucum)?;
        Quantity::new(take_decimal(take)?, unit)
    } else {
        measured.find(&component).ok_or(Unsound)?
    };
    let bound = take_decimal(take)?;
    let parameter = if bits & finding_has::PARAMETER == 0 { None } else { Some(text(take, names)?) };
    let comparison = comparison(bits & finding_has::COMPARISON)?;
    Ok(Finding { component, value, comparison, bound, parameter, held: bits & finding_has::HELD != 0 })
}

fn take_decimal(take: &mut Take<'_>) -> Result<Decimal, Unsound> {
    let scale = i8::try_from(take.number()?)?;
    Decimal::from_parts(take.signed()?, scale.checked_neg().ok_or(Unsound)?).ok_or(Unsound)
}
