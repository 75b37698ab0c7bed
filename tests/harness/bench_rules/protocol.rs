//! The protocol the rules are measured with: invented, eight rules for each measure, every one with a memory.

use crate::trouble::{Doing, Trouble};
use rules::pack::{ActivePack, Pack};

/// Rules that judge one reading.
pub(super) const RULES_PER_MEASURE: u32 = 8;

/// A number of a measure, its unit, where it lies in somebody well, and how far apart the bounds of the rules are.
type Number = (&'static str, &'static str, u16, u16);

/// The measures, each with the numbers its rules compare.
const MEASURES: [(&str, &[Number]); 5] = [
    ("pressure", &[("systolic", "mm[Hg]", 125, 12), ("diastolic", "mm[Hg]", 78, 8)]),
    ("spo2", &[("spo2", "%", 90, 2), ("oximeter_pulse", "/min", 72, 10)]),
    ("weight", &[("weight", "kg", 82, 4)]),
    ("glucose", &[("glucose", "mmol/L", 11, 2)]),
    ("pulse", &[("pulse", "/min", 72, 10)]),
];

/// The protocol, with approvals by invented people.
///
/// # Errors
/// [`Trouble`] where it does not read.
pub(super) fn protocol() -> Result<ActivePack, Trouble> {
    let pack = Pack::read(&text()).doing("read the protocol of the measurement")?;
    let mut approvals = format!(
        "pack = \"{}\"\nversion = \"{}\"\ncontent_hash = \"{}\"\nstatus = \"approved\"\n",
        pack.id, pack.version, pack.content_hash
    );
    for (role, name) in [("author", "A"), ("clinical_lead", "B"), ("safety_officer", "C")] {
        approvals += &format!("[[approval]]\nrole = \"{role}\"\nname = \"Invented {name}\"\n");
    }
    ActivePack::new(pack, &approvals).doing("approve the protocol of the measurement")
}

fn text() -> String {
    let mut text = String::from(
        "[pack]\nid = \"bench\"\ntitle = \"Bench\"\nversion = \"1.0.0\"\nengine_min = 1\n\
         [[pack.sources]]\nref = \"None: invented for a measurement\"\n\
         [message.seen]\nen = \"Take it again now. If you feel very unwell, call 999.\"\n\
         [message.why]\nen = \"The number is beyond its bound.\"\n",
    );
    let mut rules = String::new();
    for (measure, numbers) in MEASURES {
        for step in 1..=u16::try_from(RULES_PER_MEASURE / 2).unwrap_or_default() {
            one_pair(&mut text, &mut rules, measure, numbers, step);
        }
    }
    text + &rules
}

/// A rule above and a rule below, `step` steps from where somebody well is; each ends after three readings in a row.
fn one_pair(parameters: &mut String, rules: &mut String, measure: &str, numbers: &[Number], step: u16) {
    for (side, compares, clears, moved) in [("high", "at_least", "below", "minus"), ("low", "at_most", "above", "plus")]
    {
        let (mut when, mut clear) = (Vec::new(), Vec::new());
        for (number, unit, well, apart) in numbers {
            let bound = if side == "high" { well + apart * step } else { well.saturating_sub(apart * step) };
            let name = format!("{number}_{side}_{step}");
            parameters.push_str(&format!("[param.{name}]\nunit = \"{unit}\"\ndefault = {bound}\n"));
            when.push(format!("{{ latest = \"{number}\", {compares} = \"param:{name}\" }}"));
            clear.push(format!("{{ latest = \"{number}\", {clears} = \"param:{name}\", {moved} = 1 }}"));
        }
        rules.push_str(&format!(
            "[[rule]]\nid = \"{measure}-{side}-{step}\"\ntitle = \"{measure} {side} {step}\"\nharm = \"reversible\"\n\
             onset = \"prompt\"\nwhen = {{ any = [{}] }}\nclear = {{ count = 3, when = {{ all = [{}] }} }}\n\
             actionable_for = \"2h\"\nraise_again_after = \"1d\"\npatient_message = \"seen\"\n\
             late_patient_message = \"seen\"\nclinician_message = \"why\"\n",
            when.join(", "),
            clear.join(", ")
        ));
    }
}
