//! The schemas of corrections: what is said of a reading, and how it stands then.

use super::{
    form::{Book, Others, any_text, digest_id, may, moment, needed, object, words, yes_or_no},
    schemas::patient_id,
};
use rules::Mistake;

/// The id of a reading.
pub(super) fn reading_id() -> super::form::Form {
    digest_id("rd-")
}

pub(super) fn schemas(book: &mut Book) {
    let note =
        || may("note", any_text("Her neighbour used the cuff."), "What to remember of it, up to 500 characters.");
    let reasons = words(Mistake::ALL.iter().map(|mistake| mistake.name()), "wrong-number");
    let in_error = [needed("reason", reasons, "What went wrong."), note()];
    book.name("InError", "Why a reading does not count.", object(in_error, Others::Refused));
    let move_to = [needed("to", patient_id(), "Whose it is."), note()];
    book.name("MoveTo", "Whose a reading is.", object(move_to, Others::Refused));
    book.name("CountsAgain", "That a reading counts after all.", object([note()], Others::Refused));
    let corrected = [
        needed("reading", reading_id(), "The reading."),
        needed("patient", patient_id(), "Whose record it stands in."),
        needed("counts", yes_or_no(true), "Whether it counts there."),
        may(
            "worked_out_since",
            moment(),
            "From when on readings were worked out again, where there were more than could be: what rests on older ones alone stays as it was.",
        ),
    ];
    book.name("Corrected", "How a reading stands from now on.", object(corrected, Others::Refused));
}
