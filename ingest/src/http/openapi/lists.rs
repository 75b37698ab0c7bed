//! The schemas of lists: what became of one, and of taking one back.

use super::{
    form::{Book, Form, Others, any_text, list, map, may, needed, object, of_pattern, whole, words, yes_or_no},
    schemas::patient_id,
};
use crate::people::list::NAMED_MAX;

/// Most people that stand in an answer because of what happened meanwhile.
const PEOPLE_MAX: usize = 1_000_000;

/// The id of an import.
pub(super) fn import_id() -> Form {
    of_pattern("^im-[0-9a-f]{16}$", "im-00112233445566aa")
}

fn count() -> Form {
    whole(0, i64::MAX.unsigned_abs(), 3)
}

fn people() -> Form {
    list(patient_id(), PEOPLE_MAX)
}

pub(super) fn schemas(book: &mut Book) {
    let changed = [
        needed("id", patient_id(), "Who."),
        needed("fields", list(any_text("telephones"), 20), "What changes; nothing that stands there."),
    ];
    let refused = [
        needed("line", count(), "The line of the list, from 1."),
        needed("column", any_text("born"), "The column; `row` where it is the whole of it."),
        needed("advice", any_text("want a day as YYYY-MM-DD, such as 1948-07-05"), "What should stand there."),
    ];
    let outcomes = ["looked_at", "rows_refused", "nothing_new", "written"];
    let taken = [
        needed("outcome", words(outcomes, "written"), "What became of it. Nothing is written but where it says so."),
        may("import", import_id(), "What the import is called, so that it can be taken back."),
        needed("written", count(), "How many people were written."),
        needed("stale", people(), "Who was changed by somebody else meanwhile, and stays as they are."),
        needed("ended", people(), "Whose record has ended: nothing is written of them."),
        needed("rows", count(), "Rows with something in them."),
        needed("new", count(), "People who are new."),
        needed("changed", count(), "People who change."),
        needed("unchanged", count(), "People of whom the register says the same."),
        needed("refused", count(), "Rows that are refused."),
        needed("fields", map("telephones", count()), "How many people change in each field."),
        needed("changes", list(object(changed, Others::Refused), NAMED_MAX), "The first of them."),
        needed("refusals", list(object(refused, Others::Refused), NAMED_MAX), "The first of the refused rows."),
        needed("absent", count(), "How many people are in the register and not in the list. They stay."),
        needed("absentees", list(patient_id(), NAMED_MAX), "The first of them."),
    ];
    book.name("ListTaken", "What became of a list.", object(taken, Others::Refused));
    let back = [
        needed("dry_run", yes_or_no(false), "Whether it was only looked at."),
        needed("put_back", count(), "How many people are as they were before."),
        needed("already", count(), "How many were taken back before."),
        needed("untouched", count(), "How many the import never wrote."),
        needed("left_out", people(), "Who was new with it: they stay, without team and care home."),
        needed("changed_since", people(), "Who was changed since, and stays as they are."),
        needed("unreadable", people(), "Of whom it cannot be read any more what they were, or whose record has ended."),
    ];
    book.name("ImportTakenBack", "What taking an import back came to.", object(back, Others::Refused));
}
