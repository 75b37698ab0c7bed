//! The steps of a conversation after the device listed what it has, in their order.
//!
//! Invariants: values are heard before anything is subscribed to; who the device is and how its clock stands is known, and
//! its clock set, before the first measurement can come; the records' places are asked for before a live record can move
//! them; measurements are subscribed to last.

use super::{
    dial::Places,
    listed::{self, Attribute, Listing},
};
use device_codecs::FrameKind;
use std::collections::VecDeque;

/// One step, in which the conversation waits for one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The device was not heard yet.
    Apart,
    /// It is being connected.
    Connect,
    /// A moment before it is connected again.
    PauseBeforeConnect,
    /// Its services are being listed.
    Discover,
    /// A moment before they are listed again.
    PauseBeforeDiscover,
    /// Values begin to be heard.
    Open,
    /// Its maker or serial number is being read.
    Word(Attribute),
    /// Its clock is being read.
    ReadClock(Attribute),
    /// Its clock is being set, where it is off.
    SetClock(Attribute),
    /// When its session began is being read.
    SessionStart(Attribute),
    /// Everything is known that a frame carries. Nothing is waited for.
    Meet,
    /// The memory is asked where the kept records end.
    AskMemory(FrameKind),
    /// The answers to a consent are being subscribed to.
    HearConsent(Attribute),
    /// A user's consent is being written.
    AskConsent(Attribute),
    /// The answer to it is to come.
    AwaitConsent(Attribute),
    /// The answers of a record control point are being subscribed to.
    HearRecords(Attribute),
    /// A measurement is being subscribed to.
    Subscribe(Attribute),
    /// Whether anything can be heard. Nothing is waited for.
    Count,
    /// Its battery is being read.
    Battery(Attribute),
    /// Its stored records are asked for.
    History(FrameKind, Attribute),
    /// It sends what it has, and hangs up.
    Idle,
    /// The conversation is over.
    Over,
}

impl Step {
    /// The stable name, for events.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Apart | Self::Connect | Self::PauseBeforeConnect => "connect",
            Self::Discover | Self::PauseBeforeDiscover => "discover",
            Self::Open => "open_notifications",
            Self::Word(_) => "read_identity",
            Self::ReadClock(_) => "read_clock",
            Self::SetClock(_) => "set_clock",
            Self::SessionStart(_) => "read_session_start",
            Self::AskMemory(_) => "ask_memory",
            Self::HearConsent(_) | Self::AskConsent(_) | Self::AwaitConsent(_) => "consent",
            Self::Meet | Self::HearRecords(_) | Self::Subscribe(_) | Self::Count => "subscribe",
            Self::Battery(_) => "read_battery",
            Self::History(..) => "read_records",
            Self::Idle | Self::Over => "listen",
        }
    }
}

/// The steps for what a device lists; `None` where nothing of it brings readings.
pub(super) fn steps(listing: &Listing, asks_consent: bool) -> Option<VecDeque<Step>> {
    let measurements = listing.measurements();
    if measurements.is_empty() {
        return None;
    }
    let clock = Places::of(listing);
    let has = |kind: FrameKind| measurements.iter().any(|(known, _)| *known == kind);
    let records: Vec<(FrameKind, Attribute)> = [(FrameKind::Glucose, 0x1808), (FrameKind::Cgm, 0x181f)]
        .into_iter()
        .filter(|(kind, _)| has(*kind))
        .filter_map(|(kind, service)| Some((kind, listing.control(service, listed::RECORD_ACCESS)?)))
        .collect();
    let consent = listing.any_control(listed::USER_CONTROL).filter(|_| asks_consent);
    let mut steps = VecDeque::from([Step::Open]);
    // The model tells only whether a scale has a layout of its own; a cuff may drop the link before we ask for more.
    let is_scale = has(FrameKind::Weight) || has(FrameKind::BodyComposition);
    let words = [Some(listed::MAKER), Some(listed::SERIAL), is_scale.then_some(listed::MODEL)];
    steps.extend(words.into_iter().flatten().filter_map(|uuid| listing.readable(uuid)).map(Step::Word));
    steps.extend(clock.read.map(Step::ReadClock));
    steps.extend(clock.write.map(Step::SetClock));
    steps.extend(listing.readable(listed::SESSION_START).filter(|_| has(FrameKind::Cgm)).map(Step::SessionStart));
    steps.push_back(Step::Meet);
    steps.extend(records.iter().map(|(kind, _)| Step::AskMemory(*kind)));
    steps.extend(
        consent
            .into_iter()
            .flat_map(|control| [Step::HearConsent(control), Step::AskConsent(control), Step::AwaitConsent(control)]),
    );
    steps.extend(records.iter().map(|(_, control)| Step::HearRecords(*control)));
    steps.extend(measurements.iter().map(|(_, attribute)| Step::Subscribe(*attribute)));
    steps.push_back(Step::Count);
    steps.extend(listing.readable(listed::BATTERY).map(Step::Battery));
    steps.extend(records.iter().map(|(kind, control)| Step::History(*kind, *control)));
    Some(steps)
}
