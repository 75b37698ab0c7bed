//! Whatever comes, in whatever order.

use super::*;
use proptest::prelude::*;

fn any_attribute() -> impl Strategy<Value = Attribute> {
    let known = [CUFF, CUFF_CLOCK, METER, METER_RECORDS, SENSOR, SENSOR_RECORDS, SCALE, USERS];
    let more = [
        at(0x1805, listed::CURRENT_TIME),
        at(0x180a, listed::MAKER),
        at(0x180a, listed::SERIAL),
        at(0x180a, listed::MODEL),
        at(0x180f, listed::BATTERY),
        at(0x181f, listed::SESSION_START),
        at(0x1822, 0x2a5f),
        at(0x180d, 0x2a37),
    ];
    prop::sample::select([known.as_slice(), &more].concat())
}

fn any_trouble() -> impl Strategy<Value = Trouble> {
    use Trouble::{NotConnected, PairingLost, Refused, TimeLimit, WaitedTooLong};
    prop::sample::select(vec![TimeLimit, PairingLost, NotConnected, WaitedTooLong, Refused])
}

fn any_list() -> impl Strategy<Value = Vec<Listed>> {
    let listed = (any_attribute(), any::<bool>(), any::<bool>(), any::<bool>())
        .prop_map(|(attribute, can_read, can_write, can_notify)| Listed { attribute, can_read, can_write, can_notify });
    prop::collection::vec(listed, 0..20)
}

fn any_event() -> impl Strategy<Value = Event> {
    let done = || prop_oneof![4 => Just(Ok(())), 1 => any_trouble().prop_map(Err)];
    let value = || prop::collection::vec(any::<u8>(), 0..24);
    prop_oneof![
        Just(Event::Advertised),
        Just(Event::Connected),
        any_trouble().prop_map(Event::ConnectFailed),
        any_list().prop_map(|list| Event::Discovered(Ok(list))),
        done().prop_map(Event::NotificationsOpen),
        (any_attribute(), value()).prop_map(|(attribute, value)| Event::Read(attribute, Ok(value))),
        (any_attribute(), any_trouble()).prop_map(|(attribute, trouble)| Event::Read(attribute, Err(trouble))),
        (any_attribute(), done()).prop_map(|(attribute, done)| Event::Wrote(attribute, done)),
        (any_attribute(), done()).prop_map(|(attribute, done)| Event::Subscribed(attribute, done)),
        (any_attribute(), value()).prop_map(|(attribute, value)| Event::Value(attribute, value)),
        any::<u32>().prop_map(|number| {
            Event::LastKept(
                FrameKind::Glucose,
                Some(Place { kind: FrameKind::Glucose, session: None, number, look: None }),
            )
        }),
        Just(Event::Disconnected),
        Just(Event::TimerFired),
        Just(Event::Gone),
    ]
}

/// What a device that answers would answer, or a failure.
fn answer_to(action: &Action, list: &[Listed], fails: Option<Trouble>) -> Option<Event> {
    let done = fails.map_or(Ok(()), Err);
    Some(match action {
        Action::Connect => fails.map_or(Event::Connected, Event::ConnectFailed),
        Action::Discover => Event::Discovered(done.map(|()| list.to_vec())),
        Action::OpenNotifications => Event::NotificationsOpen(done),
        Action::Read(attribute) => Event::Read(*attribute, done.map(|()| bytes("ea07060108000000"))),
        Action::Write(attribute, _) => Event::Wrote(*attribute, done),
        Action::Subscribe(attribute) => Event::Subscribed(*attribute, done),
        Action::AskMemory(_, kind) => Event::LastKept(*kind, None),
        Action::Disconnect
        | Action::Met { .. }
        | Action::Heard(_)
        | Action::MemoryRead(..)
        | Action::Parted { .. }
        | Action::SetTimer(_)
        | Action::Report(_)
        | Action::Over(_) => return None,
    })
}

proptest! {
    /// Whatever comes, in whatever order: no panic, no growth, at most one end, and no measurement is subscribed to before
    /// the clock was dealt with. Every other event is what a device would answer, so that the steps are all reached.
    #[test]
    fn nothing_that_comes_breaks_the_conversation(
        list in any_list(),
        steps in prop::collection::vec((any_event(), prop::option::weighted(0.1, any_trouble()), any::<bool>()), 0..200),
        secs in 0_i64..1000,
    ) {
        let consent = Some(Consent { user_index: 1, code: 2 });
        let mut session = Session::new(facts(consent), Remembered::default());
        let mut now = noon();
        let mut asked: VecDeque<Action> = VecDeque::new();
        let (mut is_clock_open, mut overs) = (None::<Attribute>, 0);
        let mut events = VecDeque::from([Event::Advertised]);
        for (event, fails, is_answer) in steps {
            let answer = asked.pop_front().filter(|_| is_answer).and_then(|action| answer_to(&action, &list, fails));
            events.push_back(answer.unwrap_or(event));
            while let Some(event) = events.pop_front() {
                if let Event::Read(attribute, _) | Event::Wrote(attribute, _) = &event
                    && is_clock_open == Some(*attribute)
                {
                    is_clock_open = None;
                }
                if matches!(event, Event::Disconnected | Event::Gone) {
                    is_clock_open = None;
                }
                let actions = session.on(event, now);
                prop_assert!(actions.len() <= HELD_MAX + 16, "{} actions", actions.len());
                for action in actions {
                    if let Action::Read(clock) | Action::Write(clock, _) = &action
                        && matches!(clock.uuid, listed::DATE_TIME | listed::CURRENT_TIME)
                    {
                        is_clock_open = Some(*clock);
                    } else if let Action::Subscribe(attribute) = &action
                        && listed::kind_of(attribute.uuid).is_some()
                    {
                        prop_assert_eq!(is_clock_open, None, "subscribed before the clock was dealt with");
                        prop_assert!(session.is_met);
                    } else if matches!(action, Action::Connect | Action::Over(_)) {
                        is_clock_open = None;
                    }
                    overs += usize::from(matches!(action, Action::Over(_)));
                    asked.push_back(action);
                }
                asked.retain(|action| answer_to(action, &list, None).is_some());
                asked.truncate(4);
                prop_assert!(session.held.len() <= HELD_MAX && session.steps.len() <= 64);
                prop_assert!(overs <= 1 && (overs == 1) == session.is_over());
            }
            now += TimeDelta::seconds(secs);
        }
        // Whatever the state, the end is the end.
        let last = session.on(Event::Gone, now);
        prop_assert!(session.is_over() && session.held.is_empty());
        prop_assert!(!last.contains(&Action::Disconnect), "there is nobody to tell");
    }
}
