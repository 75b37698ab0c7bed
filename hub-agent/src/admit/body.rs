//! Temperature, weight and body composition: what the device's words mean as a measure.

use super::Said;
use device_codecs::gatt::{self, TemperatureMeasurement, Units, WeightMeasurement, XiaomiWeighing};
use vitals::{
    Decimal, Kind, Measure, NoValue, Quantity, Unit,
    measure::{BodyComposition, BodyWeight, CompositionParts, Site, Temperature},
    quantity::{BodyMassIndex, Celsius, Centimetres, Kilograms, Kilojoules, Ohms, Percent},
};

/// Degrees Celsius, whatever the thermometer shows.
pub(super) fn temperature(said: &TemperatureMeasurement) -> Said {
    let value = said.patient_value().and_then(|sent| {
        // Nought as it was sent is "none" on either scale.
        if is_nought(sent.value()) {
            return Err(NoValue::MeasurementInvalid);
        }
        let value = Celsius::from_temperature(sent).map_err(|_too_large_to_convert| NoValue::OutOfRange)?;
        Ok(Measure::Temperature(Temperature { value, site: said.place.and_then(|place| Site::from_gatt(place.0)) }))
    });
    Said::of(value.into(), said.taken_at)
}

/// Kilograms, whatever the scale shows, with what it worked out.
pub(super) fn weight(said: &WeightMeasurement) -> Said {
    let value = said.patient_value().and_then(kilograms).map(|mass| {
        let height = said.height().and_then(|height| centimetres(height, said.units));
        Measure::Weight(BodyWeight { mass, bmi: said.bmi().map(BodyMassIndex::new), height })
    });
    Said { user_index: said.user_index, ..Said::of(value.into(), said.taken_at) }
}

/// What the scale measured of the body. Parts it could not tell are left out; without any there is no measure.
///
/// A composition with a weight is a weight, and what else the scale worked out stays in the bytes: whoever weighs
/// themselves every day for their heart must be seen by the rules for weight, whatever else the scale can do. A reading
/// has one kind, and two readings of one frame would have one id.
///
/// The second of two frames names neither user nor time, and frames are read one at a time. So it is nobody's until
/// somebody says whose, and of no day; a weight in it is kept so, and anything else is not read yet. What stands in the
/// first frame is not touched by that.
pub(super) fn composition(said: &gatt::BodyComposition) -> Said {
    let is_second = said.is_second_of_two_frames();
    let value = match said.weight().transpose() {
        Some(Ok(sent)) if !is_nought(sent.value()) => {
            kilograms(sent).map(|mass| Measure::Weight(BodyWeight { mass, bmi: None, height: height(said) }))
        }
        Some(_) | None if is_second => Err(NoValue::NotReadYet),
        // What was measured beside a weight that was not.
        Some(Ok(_nought)) => composed(said).ok_or(NoValue::MeasurementInvalid),
        Some(Err(reason)) => composed(said).ok_or(reason),
        None => composed(said).ok_or(NoValue::MeasurementFailed),
    };
    Said {
        kind: said.weight_steps.map(|_| Kind::Weight),
        user_index: said.user_index,
        is_of_unknown_user: is_second,
        is_from_memory: is_second,
        ..Said::of(value.into(), said.taken_at)
    }
}

fn composed(said: &gatt::BodyComposition) -> Option<Measure> {
    let some = |number: Decimal| Some(number).filter(|number| !is_nought(*number));
    let mass = |word: Option<u16>| {
        let sent = said.units.mass(word?).ok().filter(|sent| !is_nought(sent.value()))?;
        kilograms(sent).ok()
    };
    let tenths = |word: Option<u16>| word.and_then(gatt::tenths).and_then(some);
    let energy = said.basal_metabolism_kj.filter(|kj| !matches!(*kj, 0 | gatt::NOT_SUCCESSFUL));
    let parts = CompositionParts {
        fat: said.fat_percent().ok().and_then(some).map(Percent::new),
        muscle_share: tenths(said.muscle_tenths).map(Percent::new),
        muscle_mass: mass(said.muscle_mass_steps),
        fat_free_mass: mass(said.fat_free_mass_steps),
        soft_lean_mass: mass(said.soft_lean_mass_steps),
        water_mass: mass(said.body_water_mass_steps),
        impedance: tenths(said.impedance_tenths).map(Ohms::new),
        basal_metabolism: energy.map(|kj| Kilojoules::new(kj.into())),
        weight: None,
        height: height(said),
    };
    BodyComposition::new(parts).ok().map(Measure::BodyComposition)
}

/// The height in the scale's settings; one of nought is one that nobody entered.
fn height(said: &gatt::BodyComposition) -> Option<Centimetres> {
    let sent = said.units.height(said.height_steps?).filter(|sent| !is_nought(*sent))?;
    centimetres(sent, said.units)
}

/// A weight that a scale only advertises, settled and of a person. An impedance beside it stays in the bytes: whoever
/// weighs themselves every day for their heart must be seen by the rules for weight, whatever else the scale can do.
pub(super) fn advertised(said: &XiaomiWeighing) -> Said {
    let value = said.patient_value().and_then(kilograms).map(|mass| Measure::Weight(BodyWeight::alone(mass)));
    Said::of(value.into(), said.taken_at)
}

fn is_nought(number: Decimal) -> bool {
    number == Decimal::from(0)
}

fn kilograms(sent: Quantity) -> Result<Kilograms, NoValue> {
    Kilograms::from_mass(sent).map_err(|_too_large_to_convert| NoValue::OutOfRange)
}

fn centimetres(height: Decimal, units: Units) -> Option<Centimetres> {
    let unit = match units {
        Units::Si => Unit::Metres,
        Units::Imperial => Unit::Inches,
    };
    Centimetres::from_length(Quantity::new(height, unit)).ok()
}
