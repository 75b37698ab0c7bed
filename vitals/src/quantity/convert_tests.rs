//! Conversions by table, each row from a published pair or by hand; and that a round trip comes back.

use super::*;
use proptest::prelude::*;

fn number(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

fn amount(text: &str, unit: Unit) -> Quantity {
    Quantity::new(number(text), unit)
}

#[test]
fn masses_lengths_and_temperatures_become_what_they_are_kept_in() {
    let kilograms = |text, unit| Kilograms::from_mass(amount(text, unit)).map(|mass| mass.value().to_string());
    let centimetres =
        |text, unit| Centimetres::from_length(amount(text, unit)).map(|length| length.value().to_string());
    let celsius = |text, unit| Celsius::from_temperature(amount(text, unit)).map(|heat| heat.value().to_string());
    for (got, expected) in [
        (kilograms("70.005", Unit::Kilograms), "70.005"),
        (kilograms("1", Unit::Pounds), "0.454"),
        (kilograms("150.00", Unit::Pounds), "68.039"),
        (kilograms("150.01", Unit::Pounds), "68.043"),
        (kilograms("11", Unit::Stones), "69.853"),
        (kilograms("0", Unit::Pounds), "0.000"),
        (centimetres("164.0", Unit::Centimetres), "164.0"),
        (centimetres("1.64", Unit::Metres), "164"),
        (centimetres("1.640", Unit::Metres), "164.0"),
        (centimetres("1.6405", Unit::Metres), "164.05"),
        (centimetres("2", Unit::Metres), "200"),
        (centimetres("70.9", Unit::Inches), "180.1"),
        (centimetres("6", Unit::Feet), "182.9"),
        (celsius("37.50", Unit::Celsius), "37.50"),
        (celsius("32", Unit::Fahrenheit), "0.0"),
        (celsius("31.9", Unit::Fahrenheit), "-0.1"),
        (celsius("31.99", Unit::Fahrenheit), "0.0"),
        (celsius("98.6", Unit::Fahrenheit), "37.0"),
        (celsius("100.4", Unit::Fahrenheit), "38.0"),
        (celsius("100.5", Unit::Fahrenheit), "38.1"),
        (celsius("95.0", Unit::Fahrenheit), "35.0"),
        (celsius("-40", Unit::Fahrenheit), "-40.0"),
    ] {
        assert_eq!(got.unwrap(), expected);
    }
}

#[test]
fn another_unit_is_refused_and_named() {
    for unit in Unit::ALL.iter().copied() {
        let sent = amount("5", unit);
        let is_mass = matches!(unit, Unit::Kilograms | Unit::Pounds | Unit::Stones);
        let is_length = matches!(unit, Unit::Centimetres | Unit::Metres | Unit::Inches | Unit::Feet);
        assert_eq!(Kilograms::from_mass(sent).is_ok(), is_mass, "{unit:?}");
        assert_eq!(Centimetres::from_length(sent).is_ok(), is_length, "{unit:?}");
        let is_temperature = matches!(unit, Unit::Celsius | Unit::Fahrenheit);
        assert_eq!(Celsius::from_temperature(sent).is_ok(), is_temperature, "{unit:?}");
        let is_pressure = matches!(unit, Unit::MillimetresOfMercury | Unit::Kilopascals);
        assert_eq!(MmHg::from_pressure(sent).is_ok(), is_pressure, "{unit:?}");
    }
    let refused = Kilograms::from_mass(amount("5", Unit::Grams)).unwrap_err();
    assert_eq!(refused.to_string(), "take a quantity in g: want kg");
}

#[test]
fn what_is_too_large_to_convert_is_refused_and_never_cut() {
    let most = "999999999999";
    assert!(MmHg::from_pressure(amount(most, Unit::Kilopascals)).is_err());
    assert!(Kilograms::from_mass(amount(most, Unit::Stones)).is_err());
    assert!(Centimetres::from_length(amount(most, Unit::Metres)).is_err());
    assert_eq!(Celsius::new(number(most)).fahrenheit(), None);
    assert_eq!(Kilograms::new(number(most)).stones_and_pounds(), None);
    assert_eq!(Centimetres::new(number("1.123456789")).metres(), None);
    assert_eq!(Kilograms::new(number("-1")).stones_and_pounds(), None);
}

#[test]
fn pressures_go_both_ways() {
    for (mmhg, kpa) in [("0", "0.0"), ("90", "12.0"), ("120", "16.0"), ("142", "18.9"), ("180", "24.0"), ("80", "10.7")]
    {
        assert_eq!(MmHg::new(number(mmhg)).kilopascals().unwrap().to_string(), format!("{kpa} kPa"));
    }
    for (kpa, mmhg) in [("0", "0.0"), ("12.0", "90.0"), ("16.0", "120.0"), ("18.9", "141.8"), ("24.0", "180.0")] {
        assert_eq!(MmHg::from_pressure(amount(kpa, Unit::Kilopascals)).unwrap().value().to_string(), mmhg);
    }
}

#[test]
fn stones_never_have_fourteen_pounds_nor_feet_twelve_inches() {
    let shown = |text| {
        let StonesAndPounds { stones, pounds } = Kilograms::new(number(text)).stones_and_pounds().unwrap();
        (stones, pounds)
    };
    for (mass, expected) in
        [("0", (0, 0)), ("6.35", (1, 0)), ("6.12", (0, 13)), ("6.13", (1, 0)), ("88.8", (14, 0)), ("69.853", (11, 0))]
    {
        assert_eq!(shown(mass), expected, "{mass} kg");
    }
    for (length, expected) in
        [("182.5", (6, 0)), ("180.3", (5, 11)), ("30.48", (1, 0)), ("2.54", (0, 1)), ("0", (0, 0))]
    {
        let FeetAndInches { feet, inches } = Centimetres::new(number(length)).feet_and_inches().unwrap();
        assert_eq!((feet, inches), expected, "{length} cm");
    }
    assert_eq!(Centimetres::from_feet_and_inches(5, number("11.5")).unwrap().value().to_string(), "181.6");
}

proptest! {
    /// What a person says in stones and pounds is what is shown of it: a whole pound survives the gram it is kept to.
    #[test]
    fn stones_and_pounds_survive_the_round_trip(stones in 0_u16..80, pounds in 0_u16..14) {
        let kept = Kilograms::from_stones_and_pounds(stones, Decimal::from(pounds)).unwrap();
        prop_assert_eq!(kept.stones_and_pounds(), Some(StonesAndPounds { stones, pounds }));
    }

    #[test]
    fn feet_and_inches_survive_the_round_trip(feet in 0_u16..9, inches in 0_u16..12) {
        let kept = Centimetres::from_feet_and_inches(feet, Decimal::from(inches)).unwrap();
        prop_assert_eq!(kept.feet_and_inches(), Some(FeetAndInches { feet, inches }));
    }

    /// A thermometer's tenth of a degree Celsius survives Fahrenheit and back.
    #[test]
    fn a_tenth_of_a_degree_survives_the_round_trip(tenths in 200_i64..460) {
        let kept = Celsius::new(Decimal::from_parts(tenths, -1).unwrap());
        let shown = kept.fahrenheit().unwrap();
        prop_assert_eq!(Celsius::from_temperature(shown).unwrap(), kept);
    }

    /// Two weights that a scale tells apart stay apart: a step is 0.01 lb.
    #[test]
    fn weights_that_differ_stay_different(steps in 1_i64..65_535) {
        let kept = |steps| Kilograms::from_mass(Quantity::new(Decimal::from_parts(steps, -2).unwrap(), Unit::Pounds));
        prop_assert!(kept(steps - 1).unwrap() < kept(steps).unwrap());
    }
}
