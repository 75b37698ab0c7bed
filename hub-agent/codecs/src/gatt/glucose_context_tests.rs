//! The public 2A34 rows, then properties over any context.

use super::*;
use crate::Shown;
use proptest::prelude::*;
use vitals::float11073::sfloat;

/// Rows 27 to 30 of tests/vectors/devices.jsonl, as the named values that are not absent.
#[test]
fn every_row_says_what_its_source_says() {
    let whole = |number: i64| Shown::Whole(number);
    let decimal = |text: &str| Shown::Decimal(text.to_owned());
    for (hex, expected) in [
        (
            "030500017b0002",
            vec![("sequence", whole(5)), ("carb_id", whole(1)), ("carb_kg", decimal("123")), ("meal", whole(2))],
        ),
        (
            "030d00015a0002",
            vec![("sequence", whole(13)), ("carb_id", whole(1)), ("carb_kg", decimal("90")), ("meal", whole(2))],
        ),
        (
            "5f0f00015a00023208074b020f000600",
            vec![
                ("sequence", whole(15)),
                ("carb_id", whole(1)),
                ("carb_kg", decimal("90")),
                ("meal", whole(2)),
                ("tester", whole(2)),
                ("health", whole(3)),
                ("exercise_s", whole(1800)),
                ("exercise_pct", whole(75)),
                ("medication_id", whole(2)),
                ("medication", decimal("15")),
                ("medication_unit", Shown::Text("kg".into())),
                ("hba1c_pct", decimal("6")),
            ],
        ),
        ("02070002", vec![("sequence", whole(7)), ("meal", whole(2))]),
    ] {
        let shown = decode(&vitals::hex::decode(hex).unwrap()).unwrap().shown();
        let present: Vec<_> = shown
            .iter()
            .filter(|(name, value)| **value != Shown::Absent && *name != "meal_name")
            .map(|(name, value)| (name, value.clone()))
            .collect();
        assert_eq!(present, expected, "{hex}");
    }
}

/// Ours: the extended flags stand before everything else, though their flag is the last bit.
#[test]
fn extended_flags_come_first() {
    let context = decode(&vitals::hex::decode("820700ff03").unwrap()).unwrap();
    assert_eq!((context.extended_flags, context.meal), (Some(0xff), Some(3)));
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_the_same(
        sequence: u16,
        extended_flags: Option<u8>,
        carbohydrate: Option<(u8, u16)>,
        meal: Option<u8>,
        tester_health in proptest::option::of((0_u8..16, 0_u8..16)),
        exercise: Option<(u16, u8)>,
        medication: Option<(u8, u16, bool)>,
        hba1c: Option<u16>,
    ) {
        let context = GlucoseContext {
            sequence,
            extended_flags,
            carbohydrate: carbohydrate.map(|(id, word)| Carbohydrate { id, kilograms: sfloat(word) }),
            meal,
            tester_health: tester_health.map(|(tester, health)| TesterHealth { tester, health }),
            exercise: exercise.map(|(duration_secs, intensity_percent)| Exercise { duration_secs, intensity_percent }),
            medication: medication.map(|(id, word, is_litres)| Medication {
                id,
                amount: sfloat(word),
                unit: if is_litres { MedicationUnit::Litres } else { MedicationUnit::Kilograms },
            }),
            hba1c_percent: hba1c.map(sfloat),
        };
        prop_assert_eq!(decode(&encode(&context).unwrap()), Ok(context));
    }
}
