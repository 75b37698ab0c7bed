//! The named schemas: what goes over the interface, beside the types that read and write it.
//!
//! The tests hold them to those types: each has the fields that serde has, and its example goes through serde unchanged.

use super::form::{
    Book, Form, Others, any_text, day, digest_id, list, map, may, measure, moment, name_id, needed, object, of_pattern,
    one_of, text, whole, with, word, words, yes_or_no,
};
use crate::access::Permission;
use register::{
    Ground, ItemKind, Need, Role, Stratum,
    device::{CuffSize, DeviceState},
    patient::Spo2Scale,
    place::OrganisationKind,
    plan::Stage,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use vitals::{
    ErrorCode, Kind, Unit,
    wire::{announced, hello, v1},
};

const CLOSED: Others = Others::Refused;
const WIRE: Others = Others::PassedOver;

/// Every schema.
pub(super) fn schemas() -> BTreeMap<String, Value> {
    let mut book = Book::default();
    problem(&mut book);
    small(&mut book);
    places(&mut book);
    people(&mut book);
    devices(&mut book);
    plans(&mut book);
    consents(&mut book);
    erasures(&mut book);
    ends(&mut book);
    super::lists::schemas(&mut book);
    super::corrections::schemas(&mut book);
    of_kinds(&mut book);
    alerts(&mut book);
    staff(&mut book);
    wire(&mut book);
    book.into_schemas()
}

/// An id of a person.
pub(super) fn patient_id() -> Form {
    name_id("pt-", "pt-1")
}

/// An id of a member of staff.
pub(super) fn staff_id() -> Form {
    name_id("st-", "st-1")
}

/// An id of a hub.
pub(super) fn hub_id() -> Form {
    name_id("hub-", "hub-1")
}

/// An id of a record about a person.
pub(super) fn record_id() -> Form {
    name_id("rc-", "rc-1")
}

/// The form of the id of a kind of the register.
pub(super) fn key_of(kind: ItemKind) -> Form {
    match kind {
        ItemKind::Organisation => name_id("org-", "org-1"),
        ItemKind::Team => name_id("tm-", "tm-1"),
        ItemKind::Home => name_id("hm-", "hm-1"),
        ItemKind::Staff => staff_id(),
        ItemKind::Device => name_id("dv-", "dv-1"),
        ItemKind::Hub => hub_id(),
        ItemKind::Patient | ItemKind::Health => patient_id(),
        ItemKind::Carer => name_id("cr-", "cr-1"),
        ItemKind::Plan
        | ItemKind::Assignment
        | ItemKind::Consent
        | ItemKind::Objection
        | ItemKind::Emergency
        | ItemKind::Erasure
        | ItemKind::Hold
        | ItemKind::PlacePlan => record_id(),
    }
}

/// The name of the schema of a kind of the register.
pub(super) fn of_kind(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Organisation => "Organisation",
        ItemKind::Team => "Team",
        ItemKind::Home => "Home",
        ItemKind::Staff => "Staff",
        ItemKind::Device => "Device",
        ItemKind::Hub => "Hub",
        ItemKind::Patient => "Patient",
        ItemKind::Health => "Health",
        ItemKind::Plan => "CarePlan",
        ItemKind::Carer => "Carer",
        ItemKind::Assignment => "Assignment",
        ItemKind::Consent => "Consent",
        ItemKind::Objection => "Objection",
        ItemKind::Emergency => "Emergency",
        ItemKind::Erasure => "Erasure",
        ItemKind::Hold => "Hold",
        ItemKind::PlacePlan => "PlacePlan",
    }
}

fn reading_id() -> Form {
    digest_id("rd-")
}

fn decimal(example: &str) -> Form {
    of_pattern("^-?(0|[1-9][0-9]{0,11})(\\.[0-9]{1,9})?$", example)
}

fn hex(digits: usize) -> Form {
    let example: String = "0123456789abcdef".chars().cycle().take(digits).collect();
    of_pattern(&format!("^[0-9a-f]{{{digits}}}$"), &example)
}

fn base64(example: &str) -> Form {
    of_pattern("^[A-Za-z0-9+/]*={0,2}$", example)
}

fn version() -> Form {
    whole(1, u64::from(u32::MAX), 2)
}

fn problem(book: &mut Book) {
    let codes = || ErrorCode::ALL.iter().filter(|code| code.meaning().status != 200);
    let meanings: Vec<String> = codes().map(|code| format!("`{}`: {}", code.code(), code.meaning().happened)).collect();
    let about = format!("A stable code: what programs look at.\n\n{}", meanings.join("\n\n"));
    let code = words(codes().map(|code| code.code()), "item_stale");
    book.name("Code", &about, code);
    let detail = "version: want one more than the one it was made from";
    let fields = [
        needed("title", any_text("Conflict"), "The phrase of the status."),
        needed("status", whole(400, 599, 409), "The status."),
        needed("code", book.of("Code"), "Why."),
        needed("message", any_text(&ErrorCode::ItemStale.sentence()), "What happened, what it means and what to do."),
        may("reading", reading_id(), "The reading it is about, if one."),
        may("detail", any_text(detail), "Which field is wrong and what it should be; never what it holds."),
    ];
    let about = "Every refusal (RFC 9457): `type` is left out, because `code` says it.";
    book.name("Problem", about, object(fields, WIRE));
}

fn small(book: &mut Book) {
    let span = [
        needed("from", moment(), "When it begins."),
        may("until", moment(), "When it ends, if it does; the end is not within it."),
    ];
    book.name("Span", "A stretch of time.", object(span, CLOSED));
    let telephone = of_pattern("^\\+[1-9][0-9]{6,14}$", "+441629000000");
    book.name("Telephone", "A telephone number as E.164 has it. Taken in as people write it, too.", telephone);
    let contact = [
        needed("name", text(120, "Bea Example"), "Their name."),
        needed("relation", text(60, "daughter"), "Who they are to the person."),
        needed("telephone", book.of("Telephone"), "Their number."),
        may("has_key", yes_or_no(true), "Whether they have a key."),
    ];
    book.name("KeyContact", "Somebody to call about a person.", object(contact, CLOSED));
    let choices = [
        may("text_message", yes_or_no(true), "By text message."),
        may("call", yes_or_no(false), "By telephone call."),
        may("letter", yes_or_no(false), "By letter."),
    ];
    book.name("ContactChoices", "How a person wants to be told.", object(choices, CLOSED));
    let place = one_of([
        with("team", "One team: the people it looks after.", key_of(ItemKind::Team)),
        with("home", "One care home: its residents.", key_of(ItemKind::Home)),
        with("organisation", "One organisation: its teams and homes.", key_of(ItemKind::Organisation)),
        word("footprint"),
    ]);
    book.name("Place", "Where somebody works, or whose people they look after.", place);
}

fn places(book: &mut Book) {
    let ods_code = of_pattern("^[A-Z0-9]{3,10}$", "Y01234");
    book.name("OdsCode", "A code of the Organisation Data Service.", ods_code);
    let organisation = [
        needed("id", key_of(ItemKind::Organisation), "Its id."),
        needed("name", text(120, "Dales Community Trust"), "What it is called."),
        needed("kind", words(OrganisationKind::ALL.iter().map(|kind| kind.name()), "trust"), "What it is."),
        may("ods_code", book.of("OdsCode"), "Its code."),
    ];
    book.name("Organisation", "An organisation whose teams look after people.", object(organisation, CLOSED));
    let team = [
        needed("id", key_of(ItemKind::Team), "Its id."),
        needed("name", text(120, "Community matrons, north"), "What it is called."),
        needed("organisation", key_of(ItemKind::Organisation), "Whose team it is."),
        may("telephone", book.of("Telephone"), "Its telephone."),
        may(
            "service_hours",
            text(200, "Your team looks Monday to Friday, 8am to 6pm."),
            "When it looks at alerts, as a sentence for patients.",
        ),
    ];
    book.name("Team", "A team of an organisation.", object(team, CLOSED));
    let home = [
        needed("id", key_of(ItemKind::Home), "Its id."),
        needed("name", text(120, "Riverside"), "What it is called."),
        needed("organisation", key_of(ItemKind::Organisation), "Who runs it."),
        may("address", text(300, "1 Example Road"), "Its address, one line."),
        may("telephone", book.of("Telephone"), "Its telephone, day and night."),
    ];
    book.name("Home", "A care home, with residents.", object(home, CLOSED));
    let post = [
        needed("role", words(Role::ALL.iter().map(|role| role.name()), "case_manager"), "What they do."),
        needed("place", book.of("Place"), "Where."),
        needed("span", book.of("Span"), "From when until when."),
    ];
    book.name("Post", "A role at a place.", object(post, CLOSED));
    let staff = [
        needed("id", staff_id(), "Their id."),
        needed("name", text(120, "Cleo Example"), "The name colleagues see."),
        needed("posts", list(book.of("Post"), 40), "What they do where."),
        may("left_at", moment(), "When they left: from then on they may do nothing."),
    ];
    book.name("Staff", "A member of staff.", object(staff, CLOSED));
}

fn people(book: &mut Book) {
    let since = [
        word("active"),
        with("admitted", "In hospital since this day.", day()),
        with("moved", "Moved away on this day.", day()),
        with("deceased", "Died on this day: every message stops at once.", day()),
    ];
    book.name("Status", "Whether a person is with us now.", one_of(since));
    let patient = [
        needed("id", patient_id(), "Our id for them."),
        needed("name", text(120, "Ada Test"), "What staff call them."),
        needed("nhs_number", of_pattern("^[0-9]{10}$", "9990000018"), "Their NHS number, with its check digit."),
        may("born", day(), "Their date of birth."),
        may("team", key_of(ItemKind::Team), "The team that looks after them."),
        may("home", key_of(ItemKind::Home), "The care home they live in."),
        may("status", with("admitted", "In hospital since this day.", day()), "Whether they are with us now."),
        may(
            "stratum",
            words(Stratum::ALL.iter().map(|stratum| stratum.name()), "condition_management"),
            "The care level.",
        ),
        may("pathway", text(80, "heart failure"), "What they are looked after for."),
        may("practice", book.of("OdsCode"), "Their general practice."),
        may("telephones", list(book.of("Telephone"), 4), "Their telephone numbers, the best first."),
        may("contacts", list(book.of("KeyContact"), 8), "Whom to call about them."),
        may("choices", book.of("ContactChoices"), "How they want to be told."),
        may(
            "needs",
            list(words(Need::ALL.iter().map(|need| need.name()), "large_print"), Need::ALL.len()),
            "What they need to be able to read or hear it.",
        ),
        may("access_notes", text(500, "Ring twice."), "How to get to them."),
    ];
    let status = book.of("Status").schema;
    let mut patient = object(patient, CLOSED);
    if let Some(of_status) = patient.schema.pointer_mut("/properties/status") {
        *of_status = status;
    }
    book.name("Patient", "A person we watch over.", patient);
    let scale = [
        needed("scale", words(Spo2Scale::ALL.iter().map(|scale| scale.name()), "scale_2"), "The scale."),
        needed("prescriber", text(120, "Dr Example"), "Who prescribed it."),
        needed("on", day(), "When."),
    ];
    book.name("ScaleChoice", "Which SpO2 scale of NEWS2, and who says so.", object(scale, CLOSED));
    let summary = [
        needed("what", text(200, "Heart failure"), "A diagnosis, or a medicine with its dose."),
        may("snomed", of_pattern("^[0-9]{6,18}$", "84114007"), "Its SNOMED CT concept."),
        needed("source", text(120, "GP record"), "Where it comes from."),
        needed("on", day(), "The day the source said so."),
    ];
    book.name("Summary", "Something known about a person's health.", object(summary, CLOSED));
    let escalation = [
        needed(
            "instruction",
            text(300, "Call the team first, on the number on the card."),
            "What the person is told to do instead of calling 999.",
        ),
        needed("agreed_by", text(120, "Dr Example"), "Who agreed it."),
        needed("on", day(), "When."),
        needed("review_on", day(), "When it is to be looked at again."),
    ];
    book.name("EscalationPlan", "What is to happen when a person becomes very unwell.", object(escalation, CLOSED));
    let health = [
        needed("id", patient_id(), "Whose."),
        may("diagnoses", list(book.of("Summary"), 40), "Diagnoses."),
        may("medicines", list(book.of("Summary"), 40), "Current medicines."),
        may("spo2_scale", book.of("ScaleChoice"), "Which SpO2 scale NEWS2 uses for them."),
        may("escalation", book.of("EscalationPlan"), "What is to happen when they become very unwell."),
    ];
    book.name("Health", "What is known of a person's health, beside their readings.", object(health, CLOSED));
}

fn devices(book: &mut Book) {
    let device = [
        needed("id", key_of(ItemKind::Device), "Its id."),
        needed("what", text(120, "upper-arm blood pressure monitor"), "What it is."),
        needed("maker", text(120, "Example Instruments"), "Who made it."),
        needed("model", text(120, "Model 1"), "Which model."),
        may(
            "gtin",
            of_pattern("^([0-9]{8}|[0-9]{12,14})$", "4006381333931"),
            "The number under its barcode, with its check digit.",
        ),
        may("serial", text(60, "serial-1"), "Its serial number."),
        may(
            "source",
            of_pattern("^(device|port)/[^/]+/[^/]+$", "device/Example/serial-1"),
            "The source its readings come from.",
        ),
        may("validated_by", text(120, "BIHS home use, June 2026"), "Which list says that it was validated."),
        may("cuff", words(CuffSize::ALL.iter().map(|cuff| cuff.name()), "medium"), "The size of its cuff."),
        needed("state", words(DeviceState::ALL.iter().map(|state| state.name()), "sent"), "Where it is in its life."),
        may("calibration_due", day(), "When it must be calibrated again."),
    ];
    book.name("Device", "A device.", object(device, CLOSED));
    let assignment = [
        needed("id", record_id(), "Its id."),
        needed("device", key_of(ItemKind::Device), "The device."),
        needed("patient", patient_id(), "The person."),
        may("user_index", whole(0, 255, 1), "Which of the device's users they are."),
        needed("span", book.of("Span"), "From when until when."),
    ];
    book.name("Assignment", "Who had a device when.", object(assignment, CLOSED));
    let key = [
        needed("public_key", hex(64), "The Ed25519 public key."),
        needed("span", book.of("Span"), "From when until when it counts."),
    ];
    book.name("HubKey", "A key of a hub.", object(key, CLOSED));
    let code = [
        needed("hash", hex(64), "A keyed hash of the code."),
        needed("span", book.of("Span"), "From when until when it may be used."),
    ];
    book.name("EnrolmentCode", "A code with which a hub may be given a key, once.", object(code, CLOSED));
    let hub = [
        needed("id", hub_id(), "Its id."),
        may("name", text(120, "first floor"), "What staff call it."),
        may("place", book.of("Place"), "The care home or team it stands for."),
        may("patients", list(patient_id(), 500), "The people whose readings it may send."),
        may("keys", list(book.of("HubKey"), 40), "Its keys, the newest last."),
        may("code", book.of("EnrolmentCode"), "The code with which it may be given its next key."),
    ];
    book.name("Hub", "A hub.", object(hub, CLOSED));
}

fn plans(book: &mut Book) {
    let temporary = [
        needed("from", moment(), "From when."),
        needed("until", moment(), "From when no longer."),
        may("then", decimal("160"), "The value after; where there is none, what applies without it."),
    ];
    book.name("Temporary", "From when until when a parameter is set otherwise.", object(temporary, CLOSED));
    let parameter = [
        needed("pack", text(80, "hypertension"), "The protocol."),
        needed("name", text(80, "upper"), "The parameter's name in it."),
        needed("value", decimal("150"), "The value, in the parameter's own unit."),
        needed("author", staff_id(), "Who set it."),
        needed("reason", text(400, "Agreed at the review."), "Why."),
        needed("at", moment(), "When."),
        needed("review_at", moment(), "When its owner is to be asked whether it still holds."),
        may("temporary", book.of("Temporary"), "Whether it ends by itself."),
    ];
    book.name("Parameter", "A parameter set for one person or place.", object(parameter, CLOSED));
    let time = of_pattern("^[0-2][0-9]:[0-5][0-9]:[0-6][0-9](\\.[0-9]{1,9})?$", "08:00:00");
    let expected = [
        needed("kind", words(Kind::ALL.iter().map(|kind| kind.name()), "blood_pressure"), "The kind of reading."),
        needed("at", list(time, 12), "The times of the day, by the clock on the person's wall."),
        needed("every_days", whole(1, 28, 1), "Every how many days."),
    ];
    book.name("Expected", "When readings of a kind are expected.", object(expected, CLOSED));
    let absence =
        [needed("from", day(), "The first day they are away."), needed("until", day(), "The day they are back.")];
    book.name("Absence", "Days on which nothing is expected of a person.", object(absence, CLOSED));
    let plan = [
        needed("id", record_id(), "Its id."),
        needed("patient", patient_id(), "Whose."),
        needed("packs", list(text(80, "hypertension"), 20), "The protocols, by name."),
        may("parameters", list(book.of("Parameter"), 100), "Parameters of the person's own."),
        may("schedule", list(book.of("Expected"), Kind::ALL.len()), "When readings are expected."),
        may("absences", list(book.of("Absence"), 20), "When nothing is."),
        may(
            "service_hours",
            text(200, "Your team looks Monday to Friday, 8am to 6pm."),
            "When the team looks, as a sentence for the person.",
        ),
    ];
    book.name("CarePlan", "A person's care plan.", object(plan, CLOSED));
    let at_place = [
        needed("pack", text(80, "hypertension"), "The protocol, by name."),
        needed("content_hash", hex(64), "The hash of the content that was approved."),
        needed("stage", words(Stage::ALL.iter().map(|stage| stage.name()), "shadow"), "How far it is there."),
    ];
    book.name("AtPlace", "A protocol at a place.", object(at_place, CLOSED));
    let plan = [
        needed("id", of_pattern("^rc-.+$", "rc-footprint"), "rc-footprint, or rc- and the id of the team or home."),
        needed("place", book.of("Place"), "Where: the footprint, a team or a home."),
        may("packs", list(book.of("AtPlace"), 200), "The protocols there."),
        may("parameters", list(book.of("Parameter"), 100), "Parameters of the place's own."),
    ];
    book.name("PlacePlan", "What a place says of protocols for all its people.", object(plan, CLOSED));
}

fn consents(book: &mut Book) {
    let carer = [
        needed("id", key_of(ItemKind::Carer), "Their id."),
        needed("patient", patient_id(), "Whose carer."),
        needed("name", text(120, "Bea Example"), "Their name."),
        needed("relation", text(60, "daughter"), "Who they are to the person."),
        may("telephone", book.of("Telephone"), "Their number."),
    ];
    book.name("Carer", "A family carer, or another who is not staff.", object(carer, CLOSED));
    let document = [
        needed("what", text(200, "Lasting power of attorney, in the file"), "What it is and where it is kept."),
        needed("on", day(), "Its date."),
    ];
    book.name("Document", "A paper that shows it.", object(document, CLOSED));
    let shown = |who: &'static str, about: &'static str, name: Form, word: &'static str| {
        let fields = [needed(who, name, "Who."), needed("document", book.of("Document"), "What shows it.")];
        // An enum's fields are not held to those it knows.
        with(word, about, object(fields, WIRE))
    };
    let given_by = one_of([
        shown("name", "An attorney for health and welfare.", text(120, "Bea Example"), "attorney"),
        word("person"),
        shown("name", "A deputy of the Court of Protection.", text(120, "Bea Example"), "deputy"),
        shown("decided_by", "A best-interests decision after an assessment of capacity.", staff_id(), "best_interests"),
    ]);
    book.name("GivenBy", "Who gave a consent.", given_by);
    let consent_for = one_of([
        with("messages", "Messages in these ways.", book.of("ContactChoices")),
        with("carer", "That this carer sees readings and alerts.", key_of(ItemKind::Carer)),
        with("sharing", "That this organisation sees them.", key_of(ItemKind::Organisation)),
    ]);
    book.name("ConsentFor", "What was agreed to.", consent_for);
    let consent = [
        needed("id", record_id(), "Its id."),
        needed("patient", patient_id(), "Whose record."),
        needed("to", book.of("ConsentFor"), "What was agreed to."),
        needed("given_by", book.of("GivenBy"), "Who agreed."),
        needed("span", book.of("Span"), "From when until when; withdrawn ends it."),
    ];
    book.name("Consent", "What a person, or somebody who may speak for them, agreed to.", object(consent, CLOSED));
    let against = one_of([
        with("staff", "One member of staff.", staff_id()),
        with("team", "One team.", key_of(ItemKind::Team)),
        with("home", "One care home's staff.", key_of(ItemKind::Home)),
        with("organisation", "One organisation.", key_of(ItemKind::Organisation)),
    ]);
    book.name("Against", "Who may not look.", against);
    let objection = [
        needed("id", record_id(), "Its id."),
        needed("patient", patient_id(), "Whose record."),
        needed("against", book.of("Against"), "Who may not look."),
        needed("reason", text(400, "A neighbour."), "Why."),
        needed("span", book.of("Span"), "From when until when."),
    ];
    book.name("Objection", "What a person does not want, or a restriction on who may look.", object(objection, CLOSED));
    let span = [
        needed("from", moment(), "When it begins."),
        needed("until", Form { example: "2026-06-01T10:00:00Z".into(), ..moment() }, "When it ends."),
    ];
    let emergency = [
        needed("id", record_id(), "Its id."),
        needed("patient", patient_id(), "Whose record."),
        needed("staff", staff_id(), "Who looked."),
        needed("reason", text(400, "Found on the floor."), "Why, in their words."),
        needed("span", object(span, CLOSED), "From when until when, at most four hours."),
        may("reviewed_by", name_id("st-", "st-2"), "Who has looked into it since."),
    ];
    book.name("Emergency", "Emergency access of a member of staff to a person's record.", object(emergency, CLOSED));
}

fn erasures(book: &mut Book) {
    let erasure = [
        needed("id", record_id(), "Its id."),
        needed("patient", patient_id(), "Whose record."),
        needed("ground", words(Ground::ALL.iter().map(|ground| ground.name()), "not-needed"), "On what ground."),
        needed("reason", text(400, "Enrolled by mistake."), "Why, in the words of whoever asks."),
        needed("asked_by", staff_id(), "Who asks."),
        needed("asked_at", moment(), "When."),
        may("agreed_by", name_id("st-", "st-2"), "Who agrees, once somebody does: somebody else."),
    ];
    book.name("Erasure", "That a person's record is to be erased.", object(erasure, CLOSED));
    let hold = [
        needed("id", record_id(), "Its id."),
        needed("patient", patient_id(), "Whose record."),
        needed("reason", text(400, "An inquest."), "Why."),
        needed("span", book.of("Span"), "From when until when."),
    ];
    book.name("Hold", "That a person's record must be kept for a time.", object(hold, CLOSED));
}

fn ends(book: &mut Book) {
    let count = || whole(0, i64::MAX.unsigned_abs(), 3);
    let pair = || {
        let schema = json!({ "type": "array", "items": { "type": "integer" }, "minItems": 2, "maxItems": 2 });
        Form { schema, example: json!([1, 3]) }
    };
    let statement = [
        needed(
            "how",
            words(["erased", "disposed"], "erased"),
            "Before its time, or at the end of the time it was kept for.",
        ),
        needed("at", moment(), "When."),
        may(
            "ground",
            words(Ground::ALL.iter().map(|ground| ground.name()), "not-needed"),
            "On what ground it was erased.",
        ),
        may("asked_by", staff_id(), "Who asked for it."),
        may("agreed_by", name_id("st-", "st-2"), "Who agreed."),
        needed("entries", count(), "How many entries of the record were emptied."),
        needed("others", count(), "How many entries of others named the person."),
        needed("head", any_text("0123456789abcdef"), "The head of the record's chain before this."),
        needed("covered", any_text("0123456789abcdef"), "The hash over the places and contents of those entries."),
        needed("alerts", count(), "How many alerts were emptied."),
        needed("notifications", count(), "How many notifications."),
        needed("items", count(), "How many things of the register."),
        needed(
            "refusals",
            list(pair(), 1_000_000),
            "How many refused readings of each hub, by its number in the store.",
        ),
        needed("records", pair(), "How many numbers its readings were known by, and their keyed sum."),
    ];
    book.name("Statement", "What was taken out of a record.", object(statement, CLOSED));
    let tombstone = [
        needed("statement", book.of("Statement"), "What it states."),
        needed("key", any_text("0123456789abcdef"), "The public half of the key that signed it."),
        needed("signature", any_text("0123456789abcdef"), "The signature over the statement's JSON."),
    ];
    book.name("Tombstone", "What stands in the place of a record that has ended.", object(tombstone, CLOSED));
}

/// What the routes of the register take and give, for each kind.
fn of_kinds(book: &mut Book) {
    let mut all = Vec::new();
    for kind in ItemKind::ALL {
        let (name, item) = (of_kind(*kind), format!("{}Item", of_kind(*kind)));
        book.name(&item, "It, under the name of its kind.", with(kind.name(), "All of it.", book.of(name)));
        let shown =
            [needed("version", version(), "Which version it is."), needed("item", book.of(&item), "The thing.")];
        book.name(&format!("{name}Shown"), "One, with its version.", object(shown, CLOSED));
        let of_version = [
            needed("version", version().or_null(), "Which version; null where it was whichever came next."),
            needed("at", moment(), "When it was written."),
            may("by", staff_id(), "Who wrote it; left out where the service did."),
            may("why", text(400, "Moved house."), "Why, where somebody said so."),
            needed("item", book.of(&item), "All of it, as it was."),
        ];
        let versions = [needed("versions", list(object(of_version, CLOSED), 200), "The newest first.")];
        book.name(&format!("{name}Versions"), "Every version there is of one.", object(versions, CLOSED));
        if *kind != ItemKind::Emergency {
            let put = [
                needed(
                    "version",
                    whole(1, u64::from(u32::MAX), 1),
                    "1 for a new one, else one more than the one it was made from.",
                ),
                needed("item", book.of(&item), "All of it, as it is from now on."),
                may("why", text(400, "Moved house.").or_null(), "Why."),
            ];
            book.name(&format!("{name}ToWrite"), "The next version of one.", object(put, CLOSED));
        }
        if is_listed(*kind) {
            let fields = [
                needed("items", list(book.of(&item), 500), "In the order of their ids."),
                may("after", key_of(*kind), "Where the next page begins; left out with the last."),
            ];
            book.name(&format!("{name}List"), "A page of them.", object(fields, CLOSED));
        }
        all.push(book.of(&format!("{name}Shown")));
    }
    book.name("Shown", "Any thing of the register, with its version.", one_of(all));
    let items =
        [needed("items", list(book.of("Shown"), 10_000), "What the register holds of them, as far as one may see it.")];
    book.name("Items", "What the register holds of a person.", object(items, CLOSED));
    let emergencies =
        [needed("items", list(book.of("EmergencyShown"), 100), "Those that nobody has looked into come first.")];
    book.name("Emergencies", "Emergency accesses.", object(emergencies, CLOSED));
    let written = [needed("version", version(), "Which version it is now.")];
    book.name("WrittenAs", "What was written.", object(written, CLOSED));
}

/// Whether there is a route that lists a kind.
pub(super) fn is_listed(kind: ItemKind) -> bool {
    match kind {
        ItemKind::Organisation
        | ItemKind::Team
        | ItemKind::Home
        | ItemKind::Staff
        | ItemKind::Device
        | ItemKind::Hub
        | ItemKind::PlacePlan
        | ItemKind::Patient => true,
        ItemKind::Health
        | ItemKind::Plan
        | ItemKind::Carer
        | ItemKind::Assignment
        | ItemKind::Consent
        | ItemKind::Objection
        | ItemKind::Emergency
        | ItemKind::Erasure
        | ItemKind::Hold => false,
    }
}

fn quantity(value: &str, unit: &str) -> Value {
    json!({ "value": value, "unit": unit })
}

fn alerts(book: &mut Book) {
    let units = words(Unit::ALL.iter().map(|unit| unit.ucum()), "mm[Hg]");
    let fields = [needed("value", decimal("152"), "An exact decimal."), needed("unit", units, "A UCUM code.")];
    book.name("Quantity", "A number with its unit.", object(fields, WIRE));
    let finding = [
        needed("component", any_text("systolic"), "The component of the reading, as the catalogue names it."),
        needed("value", book.of("Quantity"), "The value as kept."),
        needed("comparison", words(["at_least", "at_most", "above", "below"], "at_least"), "How it was compared."),
        needed("bound", decimal("150"), "With what."),
        needed("parameter", any_text("upper").or_null(), "The parameter that set the bound."),
        needed("held", yes_or_no(true), "Whether the comparison held."),
    ];
    book.name("Finding", "One comparison a rule made.", object(finding, WIRE));
    let measured = json!({
        "blood_pressure": { "systolic": quantity("152", "mm[Hg]"), "diastolic": quantity("91", "mm[Hg]") }
    });
    let reasons: Vec<String> = vitals::NoValue::ALL
        .iter()
        .filter_map(|why| serde_json::to_value(why).ok()?.as_str().map(str::to_owned))
        .collect();
    let value = one_of([
        with(
            "measured",
            "What was measured: one property, named after the kind.",
            measure(Kind::ALL.iter().map(|kind| kind.name()), measured),
        ),
        with("not_measured", "Why there is no value.", words(reasons.iter().map(String::as_str), "measurement_failed")),
    ]);
    let taken = one_of([
        with("device_clock", "By the device's clock.", moment()),
        with("hub_clock", "By the hub's clock, because the device gave no usable time.", moment()),
    ]);
    let evidence = [
        needed("reading", reading_id(), "The reading."),
        needed("source", any_text("device/Example/serial-1"), "The device it came from."),
        needed("kind", words(Kind::ALL.iter().map(|kind| kind.name()), "blood_pressure"), "What was measured."),
        needed("value", value, "The value as kept, or why there was none."),
        needed("taken", taken, "When it was taken, and by whose clock."),
        needed("event_time", moment(), "Its place among the others."),
        needed("received_at", moment(), "When the service received it."),
        needed("findings", list(book.of("Finding"), 1_000), "What was compared, whether it held or not."),
        may(
            "withdrawn",
            words(["entered_in_error", "another_persons"], "entered_in_error"),
            "Why it no longer counts: left out where it does.",
        ),
    ];
    book.name("Evidence", "The reading behind a finding.", object(evidence, WIRE));
    let rule = [
        needed("pack", any_text("hypertension"), "The pack."),
        needed("protocol", any_text("High blood pressure"), "What people call the pack."),
        needed("version", any_text("1.0.0"), "Its version."),
        needed("content_hash", any_text("0123456789abcdef"), "Its content hash."),
        needed("rule", any_text("high"), "The rule."),
        needed("title", any_text("High twice"), "What people call the rule."),
    ];
    book.name("RuleRef", "The rule that made an alert, at the version that made it.", object(rule, WIRE));
    let actor =
        [needed("id", staff_id(), "Their id."), needed("name", text(120, "Cleo Example"), "The name colleagues see.")];
    book.name("Actor", "A member of staff.", object(actor, WIRE));
    let because = one_of([
        word("improved"),
        with("superseded", "A more urgent alert took its place.", digest_id("al-")),
        word("judged"),
        word("unfounded"),
        word("protocol_ended"),
    ]);
    let condition = one_of([word("active"), word("pending"), with("cleared", "No longer true, and why.", because)]);
    let at = |about| needed("at", moment(), about);
    let acknowledged = [
        needed("by", book.of("Actor"), "Who."),
        at("When."),
        needed("note", text(2000, "Called: better after rest.").or_null(), "What they wrote."),
    ];
    let workflow = one_of([
        with("acknowledged", "A person has taken it.", object(acknowledged, WIRE)),
        word("raised"),
        with("notified", "Somebody has been told.", object([at("When the first channel accepted it.")], WIRE)),
    ]);
    let repeat = one_of([
        word("not_asked"),
        with("asked", "Asked for.", object([needed("until", moment(), "When the window ends.")], WIRE)),
        word("confirmed"),
        word("improved"),
        word("not_done"),
    ]);
    let alert = vec![
        needed("id", digest_id("al-"), "Its id."),
        needed("patient", patient_id(), "Whose."),
        needed("made_by", book.of("RuleRef"), "The rule that made it."),
        needed("urgency", urgency(), "How urgent."),
        needed("audience", words(["clinical", "technical", "nobody"], "clinical"), "Whom it is for."),
        needed("condition", condition, "What the readings say."),
        needed("workflow", workflow, "What people have done."),
        needed("repeat", repeat, "What has come of the repeat."),
        needed("opened_at", moment(), "When it was opened."),
        needed("late", yes_or_no(false), "Whether its first reading was too old to act on when it arrived."),
        needed("occasions", whole(0, u64::from(u32::MAX), 1), "How often it has been raised."),
        needed("clinician_message", any_text("Systolic is at or above 150mmHg."), "What the clinician is told."),
        needed(
            "patient_told",
            any_text("Sit for five minutes and measure again.").or_null(),
            "What the person was told, if anything.",
        ),
        needed(
            "evidence",
            list(book.of("Evidence"), rules::alert::EVIDENCE_MAX),
            "The readings behind it: the first, then the latest.",
        ),
        may(
            "absent",
            list(book.of("Finding"), 1_000),
            "What was compared where no reading came: left out where readings are behind it.",
        ),
    ];
    book.name("Alert", "Something a person should look at.", object(alert.clone(), WIRE));
    let about = "Whether the person is with us: left out where they are at home, or in their care home.";
    let listed = alert.into_iter().chain([may("person_status", with("deceased", "Died on this day.", day()), about)]);
    let mut listed = object(listed, WIRE);
    if let Some(of_status) = listed.schema.pointer_mut("/properties/person_status") {
        *of_status = book.of("Status").schema;
    }
    book.name("ListedAlert", "An alert, and whether its person is with us.", listed);
    let alerts = [needed("alerts", list(book.of("ListedAlert"), crate::http::ALERTS_MAX), "The newest first.")];
    book.name("Alerts", "Alerts.", object(alerts, CLOSED));
    let acknowledgement =
        [may("note", any_text("Called: better after rest."), "What to remember of it, up to 500 characters.")];
    book.name("Acknowledgement", "Taking an alert.", object(acknowledgement, WIRE));
}

fn urgency() -> Form {
    words(["as_planned", "check_again", "act_now"], "act_now")
}

fn staff(book: &mut Book) {
    // Passwords are of any characters; how long they must be is said where one is refused.
    let password = |example: &str| any_text(example);
    let sign_in = [
        needed("staff", any_text("st-1"), "Their id."),
        needed("password", password("three random words"), "Their password."),
    ];
    book.name("SignIn", "A name and a password.", object(sign_in, CLOSED));
    let change = [
        needed("old", password("three random words"), "The password so far."),
        needed(
            "new",
            password("three other words"),
            "The new one: at least 12 characters, and none that others would guess first.",
        ),
    ];
    book.name("PasswordChange", "A new password.", object(change, CLOSED));
    let permissions = words(Permission::ALL.iter().map(|permission| permission.name()), "see-readings");
    let session = [
        needed("staff", staff_id(), "Who is signed in."),
        needed(
            "must_change_password",
            yes_or_no(false),
            "Whether they must choose a password of their own before anything else.",
        ),
        may(
            "permissions",
            list(permissions, Permission::ALL.len()),
            "What they may do somewhere; not said with a sign-in.",
        ),
    ];
    book.name("Session", "Who is signed in.", object(session, CLOSED));
    let made = [
        needed("staff", staff_id(), "Whose."),
        needed(
            "password",
            any_text("2345-6789-abcd-efgh"),
            "The password for the first sign-in, at which they choose another.",
        ),
    ];
    book.name("AccountMade", "An account that was made.", object(made, CLOSED));
    let kinds = [
        "witness-disagrees",
        "row-damaged",
        "reading-asked-again",
        "root-signed",
        "read",
        "written",
        "signed-in",
        "sign-in-refused",
        "hub-enrolled",
        "account-changed",
        "exported",
        "erased",
    ];
    let line = [
        needed("at", moment(), "When."),
        needed("what", words(kinds, "read"), "What was done or found."),
        needed("about", text(200, "GET /v1/people/{patient}"), "About what: ids and numbers only."),
        may("role", words(Role::ALL.iter().map(|role| role.name()), "case_manager"), "As what somebody did it."),
        may("organisation", key_of(ItemKind::Organisation), "Of which organisation."),
        may("basis", text(40, "team"), "Why they may: a stable word."),
        may("staff", staff_id(), "Who; not in the copy for the person."),
    ];
    book.name("LogLine", "One line of the log of a person's record.", object(line, CLOSED));
    let log = [needed("log", list(book.of("LogLine"), 1_000), "The newest first.")];
    book.name("Log", "Who looked at a person's record, or changed it.", object(log, CLOSED));
    let asked = [
        needed("reason", text(400, "Found on the floor."), "Why."),
        needed("minutes", whole(1, 240, 60), "For how long."),
    ];
    book.name("EmergencyAsked", "Access in an emergency.", object(asked, CLOSED));
    let taken = [needed("id", record_id(), "Its id."), needed("until", moment(), "Until when it lasts.")];
    book.name("EmergencyTaken", "Emergency access that was taken.", object(taken, CLOSED));
}

fn wire(book: &mut Book) {
    let key = "dGhpcnR5LXR3byBieXRlcyBvZiBhbiBleGFtcGxlIGs=";
    let code = of_pattern("^[2-9A-HJ-NP-Za-hj-np-z -]{9,16}$", "2345-6789-C");
    let fingerprint =
        || may("tls_fingerprint", hex(64), "The SHA-256 of the service's certificate, where it has its own.");
    let issued = [
        needed("hub", hub_id(), "For which hub."),
        needed("code", code.clone(), "The code, shown this once."),
        needed("until", moment(), "Until when it may be used."),
        fingerprint(),
    ];
    book.name("Issued", "A code that was made.", object(issued, WIRE));
    let enrol = [
        needed("code", code, "The code, as it was typed."),
        needed("public_key", base64(key), "The public half of the key the hub made."),
        needed("signature", base64(key), "Its signature over the code and the key."),
        needed("build", any_text("0.1.0"), "The hub's program: its version."),
    ];
    book.name("Enrol", "What a hub sends to be enrolled.", object(enrol, WIRE));
    let enrolled = [
        needed("hub", hub_id(), "Which hub it is."),
        needed("epoch", whole(0, u64::from(u32::MAX), 1), "The highest epoch of request numbers seen of this hub."),
        needed("server_key", base64(key), "The key the service signs with."),
        fingerprint(),
    ];
    book.name("Enrolled", "What a hub is told once it is enrolled.", object(enrolled, WIRE));
    batches(book);
    hellos(book);
}

fn batches(book: &mut Book) {
    let number =
        [needed("value", decimal("152"), "An exact decimal."), needed("unit", any_text("mm[Hg]"), "A UCUM code.")];
    book.name("Number", "A number with its unit.", object(number, WIRE));
    let raw = [
        needed("service", any_text("1810"), "The GATT service or serial protocol."),
        needed("characteristic", any_text("2a35"), "The characteristic or frame kind."),
        needed("hex", of_pattern("^([0-9a-fA-F]{2})*$", "1e8a00"), "The bytes."),
    ];
    book.name("Raw", "A device's bytes.", object(raw, WIRE));
    let reading = [
        needed("id", reading_id(), "Its id, made of source and record."),
        needed("source", any_text("device/Example/serial-1"), "The source."),
        needed("record", hex(16), "The record number."),
        may("user_index", whole(0, 255, 1), "Which of the device's users."),
        may("patient", patient_id(), "The person, where one is bound."),
        may("unassigned", any_text("not_bound"), "Why nobody is bound."),
        needed("kind", any_text("blood_pressure"), "What was measured."),
        may("measured", map("systolic", book.of("Number")), "The numbers by component name."),
        may("said", map("posture", any_text("sitting")), "The words beside the numbers, by what they are about."),
        may(
            "rr_intervals_1024ths",
            list(whole(0, 65_535, 800), vitals::measure::RR_INTERVALS_MAX),
            "The intervals between beats in 1/1024 s.",
        ),
        may(
            "sequence",
            whole(0, 65_535, 1),
            "The device's number of the glucose measurement that this is the context of.",
        ),
        may("not_measured", any_text("measurement_failed"), "Why there is no value: an error code."),
        may("posture", any_text("sitting"), "How the person sat, if known."),
        may("arm", any_text("left"), "Which arm, if known."),
        may("device_time", any_text("2026-06-01T09:00:00"), "What the device's clock said."),
        needed("hub_received", moment(), "When the hub received it."),
        needed("taken_at", moment(), "When it was taken as well as the hub can tell."),
        needed("taken_by", any_text("device"), "Whose clock that is by: `device` or `hub`."),
        may(
            "device_ahead_secs",
            Form { schema: json!({ "type": "integer" }), example: json!(2) },
            "Device clock minus hub clock in seconds.",
        ),
        may("quality", list(any_text("clock_unset"), 64), "What was noticed about it."),
        needed("raw", book.of("Raw"), "The bytes it came from."),
    ];
    book.name("Reading", "A reading, until the service has checked it.", object(reading, WIRE));
    let batch = [
        needed("made_at", moment(), "When the hub made it."),
        needed("lane", words(["live", "backfill"], "live"), "Just measured, or held back while the line was down."),
        needed("readings", list(book.of("Reading"), v1::BATCH_READINGS_MAX), "The readings."),
    ];
    book.name("Batch", "What a hub sends.", object(batch, WIRE));
    let prompt = [
        needed("urgency", urgency(), "How urgent."),
        needed("text", any_text("Rest for five minutes."), "The words, in plain English."),
    ];
    book.name("Prompt", "One plain instruction for the person.", object(prompt, WIRE));
    let evaluated = [
        needed("late", yes_or_no(false), "Whether it was too old to act on when it arrived."),
        needed("alerts", list(digest_id("al-"), 1_000), "The alerts it opened or added to."),
    ];
    let unevaluated = [needed("reason", any_text("rule_panicked"), "An error code.")];
    let verdict = one_of([
        with("evaluated", "Judged.", object(evaluated, WIRE)),
        with("unevaluated", "Stored but not judged, and why.", object(unevaluated, WIRE)),
    ]);
    let outcomes = ["stored", "unassigned", "duplicate", "conflict", "rejected"];
    let line = [
        needed("position", whole(0, 1_000, 0), "Its place in the batch, from 0."),
        needed("id", any_text("rd-0123456789abcdef0123456789abcdef"), "Its id as sent; empty where it had none."),
        needed("outcome", words(outcomes, "stored"), "What became of it."),
        may("code", any_text("reading_conflict"), "The code, where it was rejected or in conflict."),
        may("message", any_text("The reading was stored before."), "The sentence for that code."),
        may("verdict", verdict, "What the rules made of it, where it is stored."),
        may("prompts", list(book.of("Prompt"), 1_000), "What the person is to be told."),
        may("chain_head", hex(32), "The head of the person's chain after it."),
    ];
    book.name("ReceiptLine", "What became of one reading.", object(line, WIRE));
    let receipt = [
        needed("received_at", moment(), "When the service received the batch."),
        needed(
            "readings",
            list(book.of("ReceiptLine"), v1::BATCH_READINGS_MAX),
            "One line for each reading, in the order sent.",
        ),
    ];
    book.name("Receipt", "What the service answers to a batch.", object(receipt, WIRE));
}

fn hellos(book: &mut Book) {
    let count = || whole(0, i64::MAX.unsigned_abs(), 3);
    let outbox = [
        needed("waiting_live", count(), "How many readings that were just taken."),
        needed("waiting_backfill", count(), "How many that were held back."),
        may("oldest_at", moment(), "When the one that has waited longest was taken."),
        needed("room_readings", count(), "How many more readings the hub can keep."),
    ];
    book.name("OutboxStanding", "What waits on a hub.", object(outbox, WIRE));
    let deaf = [
        needed("link", any_text("bluetooth"), "Which kind of link: `bluetooth` or `serial`."),
        needed("since", moment(), "Since when."),
        needed("why", any_text("adapter_gone"), "Why: a word of the hub's."),
    ];
    book.name("Deaf", "A link over which a hub hears nothing.", object(deaf, WIRE));
    let hello = [
        needed("made_at", moment(), "When the hub wrote it."),
        needed("build", any_text("0.1.0"), "The hub's program: its version."),
        needed("boot", hex(16), "This run of the program."),
        needed("outbox", book.of("OutboxStanding"), "What waits on the hub."),
        may("deaf", list(book.of("Deaf"), hello::DEAF_MAX), "The links over which the hub hears nothing."),
        may(
            "heads",
            map("pt-1", any_text("0123456789abcdef0123456789abcdef")),
            "By person, the newest head of their chain that a receipt gave this hub.",
        ),
        may(
            "wait_secs",
            whole(0, i64::MAX.unsigned_abs(), 40),
            "How long the service may hold the answer back, in seconds.",
        ),
    ];
    book.name("Hello", "How a hub stands.", object(hello, WIRE));
    let sealed = [
        needed("key", of_pattern("^sk-[0-9a-f]{16}$", "sk-0123456789abcdef"), "Which key signed it."),
        needed("document", base64("e30="), "The document's bytes."),
        needed("signature", base64("e30="), "The Ed25519 signature."),
    ];
    book.name("Sealed", "A document with the service's signature.", object(sealed, WIRE));
    let answer = [
        needed("received_at", moment(), "When the service received the hello."),
        may("heartbeat", book.of("Sealed"), "The newest heartbeat, signed by the service."),
        may("offer_again", list(reading_id(), hello::OFFER_AGAIN_MAX), "Readings the service asks for again."),
        may(
            "next_keys",
            list(book.of("Sealed"), announced::NEXT_KEYS_MAX),
            "Which key followed which, each signed with the older.",
        ),
        may("certificates", book.of("Sealed"), "The certificates the service shows, signed by it."),
    ];
    book.name("HelloAnswer", "What the service answers to a hello.", object(answer, WIRE));
}
