//! How much is kept of one person under all the protocols we ship.

use crate::{
    shipped::in_force,
    support::{Clock, When, patient, pressure, reading, start},
};
use chrono::TimeDelta;
use rules::{Event, PatientState, decide};
use vitals::{
    Decimal, Measure, Value,
    measure::{Acvpu, BodyWeight, OxygenSaturation, SuppliedOxygen, Temperature},
    quantity::{Celsius, Kilograms, PerMinute, Percent},
};

/// Days of readings before the measured ones: as long as anything is kept.
const DAYS: u32 = 100;

/// What one person measures in a session, the values a little different each time and none of them alarming.
fn session(number: u32) -> Vec<Value<Measure>> {
    let vary = |around: u16| Decimal::from(around + u16::try_from(number * 7 % 5).unwrap());
    let tenths = |around: i64| Decimal::from_parts(around + i64::from(number * 11 % 4), -1).unwrap();
    [
        Measure::SuppliedOxygen(SuppliedOxygen::Air),
        Measure::Weight(BodyWeight { mass: Kilograms::new(tenths(800)), bmi: None, height: None }),
        Measure::Spo2(OxygenSaturation {
            saturation: Percent::new(vary(96)),
            pulse: Some(PerMinute::new(vary(70))),
            perfusion: None,
        }),
        Measure::Temperature(Temperature { value: Celsius::new(tenths(368)), site: None }),
        Measure::RespiratoryRate(PerMinute::new(vary(14))),
        Measure::Consciousness(Acvpu::Alert),
        Measure::Pulse(PerMinute::new(vary(70))),
    ]
    .into_iter()
    .map(Value::Measured)
    .chain([pressure(120 + u16::try_from(number % 9).unwrap(), 75)])
    .collect()
}

fn event(number: u32, value: Value<Measure>, at: TimeDelta) -> Event {
    let when = When { clock: Clock::Known, taken: at, heard: at, sent: at, received: at };
    Event::Reading(Box::new(reading(number, value, when)))
}

/// Every reading of the months, in the order taken.
fn months() -> impl Iterator<Item = (u32, TimeDelta, Value<Measure>)> {
    (0..DAYS).flat_map(|day| {
        let taken = move |place: u32| TimeDelta::days(day.into()) + TimeDelta::seconds(place.into());
        (0..).zip(session(day)).map(move |(place, value)| (day * 100 + place, taken(place), value))
    })
}

#[test]
fn after_months_of_every_measure_a_person_takes_at_most_2_kilobytes() {
    let (plan, mut state) = (in_force(|_| true), PatientState::new(patient()));
    for (number, at, value) in months() {
        state = decide(&plan, &state, &[event(number, value, at)], start() + at).state;
    }
    assert!(state.alerts.is_empty(), "nothing is alarming: {:?}", state.alerts);
    let bytes = state.to_bytes().len();
    assert!(bytes <= 2048, "{bytes} bytes");
}
