//! The registry of error codes: every refusal has one, with what happened, what it means and what to do.
//!
//! Invariants: a code never changes its meaning and is never used again; no sentence holds personal data; retry or not
//! is in the type. `docs/reference/error-codes.md` is generated from this table and compared in the tests.

/// Whether the same request may succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The same bytes will be refused again.
    No,
    /// Try again later, with a fresh signature and the same reading ids.
    Later,
}

/// What a code stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// The stable code.
    pub code: &'static str,
    /// The HTTP status, where the code answers a whole request; 200 where it stands inside an answer.
    pub status: u16,
    /// Whether to try again.
    pub retry: Retry,
    /// What happened.
    pub happened: &'static str,
    /// What it means.
    pub means: &'static str,
    /// What to do.
    pub advice: &'static str,
}

macro_rules! registry {
    ($($name:ident $code:literal $status:literal $retry:ident $happened:literal $means:literal $advice:literal;)*) => {
        /// A stable error code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ErrorCode {
            $(#[doc = $happened] $name,)*
        }

        impl ErrorCode {
            /// Every code, in the order of the registry.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// What the code stands for.
            #[must_use]
            pub fn meaning(self) -> Meaning {
                match self {
                    $(Self::$name => Meaning {
                        code: $code,
                        status: $status,
                        retry: Retry::$retry,
                        happened: $happened,
                        means: $means,
                        advice: $advice,
                    },)*
                }
            }
        }
    };
}

registry! {
    // What a device sent.
    FrameTruncated "frame_truncated" 200 No
        "The device's message ended early." "There is no value to use; the bytes are kept." "Take the measurement again; if it happens often, check the device's battery and distance.";
    FrameTooLong "frame_too_long" 200 No
        "The device's message held more bytes than its layout explains." "There is no value to use; the bytes are kept." "Report the device's make and model to support.";
    CharacteristicNotSupported "characteristic_not_supported" 200 No
        "The device sent a kind of message we do not read yet." "There is no value to use; the bytes are kept and can be read later." "Report the device's make and model to support.";
    ValueNotANumber "value_not_a_number" 200 No
        "The device said that it has no value." "Most cuffs mean that the measurement was broken off." "Take the measurement again.";
    ValueNotAtThisResolution "value_not_at_this_resolution" 200 No
        "The device could not tell the value finely enough." "There is no value to use." "Take the measurement again.";
    ValueTooHighToTell "value_too_high_to_tell" 200 No
        "The value is above what the device can measure." "There is no number, but the true value may be dangerously high." "Take the measurement again at once; if it stays, measure another way.";
    ValueTooLowToTell "value_too_low_to_tell" 200 No
        "The value is below what the device can measure." "There is no number, but the true value may be dangerously low." "Take the measurement again at once; if it stays, measure another way.";
    ValueReserved "value_reserved" 200 No
        "The device sent a value that its standard does not define yet." "There is no value to use; the bytes are kept." "Report the device's make and model to support.";
    ValueOutOfRange "value_out_of_range" 200 No
        "The device sent a number too large or too fine to keep." "There is no value to use; the bytes are kept." "Take the measurement again; if it happens again, check the device.";
    ValueImplausible "value_implausible" 200 No
        "The value is outside what a living person can have." "There is no value to use, and no rule has judged it; the bytes are kept." "Look after the person first; then check the device, how it sat and whether a person was measured, and take the measurement again.";

    FrameChecksumWrong "frame_checksum_wrong" 200 No
        "The device's message does not match its checksum." "Part of it was lost or changed on the way; there is no value to use, and the bytes are kept." "Take the measurement again; if it happens often, check the cable or move the hub nearer.";
    FrameMalformed "frame_malformed" 200 No
        "The device's message is not of the form its layout has." "There is no value to use; the bytes are kept." "Take the measurement again; if it happens again, report the device's make and model to support.";
    MeasurementFailed "measurement_failed" 200 No
        "The device said that the measurement failed." "There is no value to use." "Take the measurement again.";
    MeasurementInvalid "measurement_invalid" 200 No
        "The device said that its value is invalid, doubtful or not available." "There is no value to use; the bytes are kept." "Check how the device sits and take the measurement again.";
    SensorProblem "sensor_problem" 200 No
        "The device said that its sensor is off, loose or broken." "There is no value to use." "Put the sensor on again and wait for a steady value; if it happens again, check the device.";
    NotSettled "measurement_not_settled" 200 No
        "The value was still changing when the device sent it." "It is no reading; the settled value follows on its own." "Wait until the device shows that it has finished.";
    RecordedWithoutTime "recorded_without_time" 200 No
        "The device sent a recording that does not say when it was made." "Its bytes are kept, but they cannot be placed in a person's day." "Use the device while it is connected, so that the hub can say when.";
    ControlSolution "control_solution" 200 No
        "The meter measured a control solution." "It says something about the meter and nothing about a person; it is kept apart." "Nothing; it shows that somebody checked the meter.";
    DeviceDemonstration "device_demonstration" 200 No
        "The device was in its demonstration mode." "Nobody was measured; what it sent is kept apart." "Leave the demonstration mode and take the measurement.";
    DeviceTest "device_test" 200 No
        "The device was testing itself." "Nobody was measured; what it sent is kept apart." "Wait until the test is over and take the measurement.";
    DeviceCalibration "device_calibration" 200 No
        "The device was calibrating itself." "Nobody was measured; what it sent is kept apart." "Wait until the calibration is over and take the measurement.";

    // The hub's own memory.
    OutboxFull "outbox_full" 200 Later
        "The hub's memory is full of readings that the service has not taken yet." "This reading was not kept on the hub; the device may still have it." "Restore the connection; then repeat the measurement if it is not on the list.";
    OutboxUnavailable "outbox_unavailable" 200 Later
        "The hub cannot write to its memory." "This reading was not kept on the hub; the hub stops rather than pretend." "Somebody must look at the hub.";

    // One reading of a batch.
    ReadingMalformed "reading_malformed" 200 No
        "The reading does not have the form of a reading." "It was refused and kept for inspection; the others in the batch are not affected." "Correct the sender; sending the same bytes again will not help.";
    ReadingIdMismatch "reading_id_mismatch" 200 No
        "The reading's id does not belong to its source and record number." "It was refused and kept for inspection." "Correct the sender: the id is derived from source and record.";
    KindNotSupported "kind_not_supported" 200 No
        "The reading is of a kind this service does not know." "It was refused and kept for inspection." "Update the service, then offer the reading again.";
    UnitNotSupported "unit_not_supported" 200 No
        "The reading's unit does not fit what it measures." "It was refused and kept for inspection; a unit is never guessed." "Correct the sender or the device's settings.";
    ValueMalformed "value_malformed" 200 No
        "The reading's number is not an exact decimal." "It was refused and kept for inspection." "Correct the sender: numbers are strings such as \"37.50\".";
    WordNotSupported "word_not_supported" 200 No
        "A word of the reading is not one this service knows, or does not fit the rest of it." "It was refused and kept for inspection; a word is never guessed." "Update the service or correct the sender, then offer the reading again.";
    TimeMalformed "time_malformed" 200 No
        "A time of the reading is missing, impossible or not in the right form." "The reading was refused and kept for inspection." "Correct the sender: times are UTC, such as 2026-06-01T08:00:00Z.";
    ReadingNotStored "reading_not_stored" 200 Later
        "The service could not store this reading now." "Nothing of it is stored and the others in the batch are not affected; the hub keeps it and offers it again." "If it stays, somebody must look at the service's log.";
    ReadingErased "reading_erased" 200 No
        "The reading was stored before, and has been erased since or disposed of." "It is not taken in again." "Nothing; the hub lets go of it.";
    ReadingConflict "reading_conflict" 200 No
        "A reading with this source and record was stored before, with other contents." "The first stays; this one is kept beside it for inspection." "Look at both; a device that numbers two measurements alike must be replaced.";

    // A whole request from a hub.
    BodyTooLarge "body_too_large" 413 No
        "The request is larger than the service accepts." "Nothing in it was stored." "Send smaller batches.";
    BodyMalformed "body_malformed" 400 No
        "The request's body is not in the expected form." "Nothing in it was stored." "Correct the sender; sending the same bytes again will not help.";
    TooManyReadings "too_many_readings" 413 No
        "The batch holds more readings than one request may." "Nothing in it was stored." "Send smaller batches.";
    ContentTypeNotSupported "content_type_not_supported" 415 No
        "The request is not application/json." "Nothing in it was stored." "Send application/json.";
    EncodingNotSupported "encoding_not_supported" 415 No
        "The request's content encoding is not one the service reads." "Nothing in it was stored." "Send the body with content-encoding: identity or gzip.";
    DigestMissing "digest_missing" 400 No
        "The request has no SHA-256 content digest." "Nothing in it was stored." "Send a Content-Digest header with sha-256.";
    DigestMismatch "digest_mismatch" 400 Later
        "The request's body is not the one its digest was made from." "It was damaged on the way; nothing in it was stored." "Send the batch again.";
    SignatureMissing "signature_missing" 401 No
        "The request is not signed." "Nothing in it was stored." "Sign the request with the hub's key.";
    SignatureMalformed "signature_malformed" 401 No
        "The request's signature does not have the agreed form." "Nothing in it was stored." "Correct the sender: label, components, tag and nonce are fixed.";
    SignatureInvalid "signature_invalid" 401 No
        "The request's signature does not fit the hub's key." "The request was changed, or signed with another key; nothing in it was stored." "Check the hub's key; if it is right, treat this as an attack.";
    HubUnknown "hub_unknown" 401 No
        "The service does not know this hub." "Nothing in the request was stored; the hub keeps its readings." "Enrol the hub.";
    HubKeyEnded "hub_key_ended" 401 No
        "No key of this hub counts any more: it was withdrawn, or its time is over." "Nothing in the request was stored; the hub keeps its readings." "Enrol the hub again with a new code, if it is still in use.";
    RequestReplayed "request_replayed" 401 Later
        "A request with this number was already received, or is too old to tell." "Nothing in it was stored again." "Send the batch again under a new number.";
    EpochRetired "epoch_retired" 401 No
        "The hub's memory was set up anew since this request was numbered." "Nothing in it was stored." "Check whether two hubs share one key.";

    HubTooFast "hub_too_fast" 429 Later
        "The hub sends more than any home or care home measures." "Nothing in the request was stored; the hub keeps its readings." "Try again after the time in Retry-After; if it stays, somebody must look at the hub.";

    // A hub that is enrolled.
    CodeRefused "code_refused" 401 No
        "The code is not one of this service's, was used before, or is more than 15 minutes old." "The hub was not enrolled." "Check every character; then ask for a new code.";
    CodeMistyped "code_mistyped" 400 No
        "The code has a mistake in it: its characters do not fit together." "The hub was not enrolled, and the code still counts." "Type it again as it is shown.";
    TooManyCodes "too_many_codes" 429 Later
        "There are too many codes at once, or there were too many tries with wrong ones." "No code was made or looked at, and no hub was enrolled." "Wait fifteen minutes.";
    KeyRefused "key_refused" 400 No
        "The key is not an Ed25519 key, is one that was used before, or did not sign this enrolment." "The hub was not enrolled, and the code still counts." "Have the hub make a new key.";

    // The service itself.
    ServiceBusy "service_busy" 503 Later
        "The service has more to do than it can take on." "Nothing in the request was stored; the hub keeps its readings." "Try again after the time in Retry-After.";
    StoreUnavailable "store_unavailable" 503 Later
        "The service cannot use its store." "Nothing was stored, changed or shown; hubs keep their readings." "Try again later; someone must look at the service's disk.";
    Internal "internal" 500 Later
        "The service made a mistake." "What you sent is unharmed; what was done with it is not known." "Try again later; report it if it stays.";
    RequestTooSlow "request_too_slow" 408 Later
        "The request took too long to arrive." "Nothing in it was stored." "Try again on a better connection.";

    // Pages and the interface for staff.
    SignInRequired "sign_in_required" 401 No
        "Nobody is signed in." "Nothing is shown and nothing was changed." "Sign in.";
    SignInRefused "sign_in_refused" 401 No
        "The name and password do not belong together." "Nobody was signed in." "Check both; after ten tries wait five minutes, or ask your administrator for a new password.";
    TooManyGuesses "too_many_guesses" 429 Later
        "There were too many tries to sign in." "Nobody was signed in, and the password was not looked at." "Wait five minutes.";
    PasswordRefused "password_refused" 400 No
        "The new password is too short, too long, or one that others would guess first." "Nothing was changed." "Choose at least 12 characters: three random words are good.";
    PasswordChangeNeeded "password_change_needed" 403 No
        "Your password was chosen by somebody else." "Nothing was shown or changed." "Choose a password of your own first.";
    ItemNotFound "item_not_found" 404 No
        "There is no such thing among those you may see." "Nothing was shown or changed." "Check its id; if the person is somebody else's, ask their team.";
    ItemNotInOrder "item_not_in_order" 422 No
        "What was to be written into the register is not in order." "Nothing was changed." "Correct the field that is named, and send it again.";
    ParameterRefused "parameter_refused" 422 No
        "A parameter of a protocol may not be set so." "Nothing was changed: what applied before applies." "Choose a value within the range that is named, or ask the clinical lead to widen it in the protocol.";
    ProtocolNotHere "protocol_not_here" 422 No
        "No such protocol is approved here." "Nothing was changed." "Check its name, and put the protocol with its approvals into the settings of the service first.";
    ProtocolsContest "protocols_contest" 422 No
        "Two protocols would judge the same measure of one person." "Nothing was changed." "Choose one of them, or have the clinical lead say in one that it may stand beside the other.";
    ItemStale "item_stale" 409 No
        "Somebody else changed this since you opened it." "Their change stays; yours was not recorded." "Open it again and repeat what you did.";
    RecordEnded "record_ended" 410 No
        "This person's record was erased or disposed of." "Nothing more is written into it." "Ask the privacy officer; whoever must be looked after again needs a new id.";
    NotAllowed "not_allowed" 403 No
        "You may not do this, or not for this person." "Nothing was shown or changed." "Ask the person's team.";
    FormExpired "form_expired" 403 No
        "The form is too old or came from another site." "Nothing was changed." "Open the page again and repeat what you did.";
    NoteRefused "note_refused" 400 No
        "The note is too long to keep." "Nothing was changed; the alert still waits." "Shorten the note to a few sentences and send it again.";
    NotFound "not_found" 404 No
        "There is nothing at this address." "Nothing was changed." "Check the address.";
    AlertNotFound "alert_not_found" 404 No
        "There is no such alert among those you may see." "Nothing was changed." "Open the worklist again.";
    AlertAlreadyAcknowledged "alert_already_acknowledged" 409 No
        "Somebody is already dealing with this alert." "Their name stays on it; yours was not recorded." "Speak to the person named on the alert.";
    AlertNotRaised "alert_not_raised" 409 No
        "The alert is still waiting for a repeat measurement, or has settled by itself." "There is nothing to take on yet." "Open the worklist again.";
    ReadingNotFound "reading_not_found" 404 No
        "No such reading counts for this person." "Nothing was changed." "Open the person's readings again: somebody may have corrected it before you.";
    ReadingNotInError "reading_not_in_error" 409 No
        "This reading counts already, or is another person's." "Nothing was changed." "Open the person's readings again; one that was moved is moved back from the other person.";
    CorrectionNotPossible "correction_not_possible" 503 Later
        "What the register says of this person's protocols cannot be used, so nobody can say what follows from a correction." "Nothing was changed; the reading stands as it was." "Someone must look at the person's care plan and at the plans of their places; then try again.";
    MethodNotAllowed "method_not_allowed" 405 No
        "This address does not do that." "Nothing was changed." "Use a method from the Allow header.";

    // Rules.
    RulePanicked "rule_panicked" 200 Later
        "A rule failed while it judged this reading." "The reading is stored but not judged; staff have been told." "The service tries again by itself; someone must look at the rule.";
    RuleBudgetExceeded "rule_budget_exceeded" 200 Later
        "So many readings of this person came at once that the rules could not get through them all." "The reading is stored but not judged; staff have been told." "The service tries again by itself; if it stays, someone must look at the protocols in force.";
    RuleSettingsUnusable "rule_settings_unusable" 200 Later
        "What the register says of this person's protocols cannot be used." "The reading is stored but not judged; staff have been told." "The service tries again by itself; someone must look at the person's care plan and at the plans of their places.";
    ReadingWithdrawn "reading_withdrawn" 200 No
        "The reading was said to be entered in error, or another person's, before it was judged." "It is stored and is not judged any more." "There is nothing to do.";
    NoProtocol "no_protocol" 200 No
        "Readings of this person arrive, and no protocol judges them." "They are stored, and no alert for a clinician comes of them." "Someone must give the person a care plan whose protocols are in force at their team or home, or end the measuring.";
}

impl ErrorCode {
    /// The stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.meaning().code
    }

    /// What happened, what it means and what to do, as one safe text.
    ///
    /// ```
    /// use vitals::ErrorCode;
    /// let sentence = ErrorCode::UnitNotSupported.sentence();
    /// assert!(sentence.starts_with("The reading's unit"), "{sentence}");
    /// ```
    #[must_use]
    pub fn sentence(self) -> String {
        let meaning = self.meaning();
        format!("{} {} {}", meaning.happened, meaning.means, meaning.advice)
    }

    /// The code of a stable name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.code() == code)
    }

    /// The registry as a page of Markdown: `docs/reference/error-codes.md`.
    #[must_use]
    pub fn reference_page() -> String {
        let mut page = String::from(
            "# Error codes\n\nGenerated from the registry in `vitals/src/error_code.rs` by `cargo golden`; do not edit.\n\n\
             | code | HTTP status | try again | what happened | what it means | what to do |\n|---|---|---|---|---|---|\n",
        );
        for meaning in Self::ALL.iter().map(|code| code.meaning()) {
            let retry = match meaning.retry {
                Retry::No => "no",
                Retry::Later => "later",
            };
            let status = if meaning.status == 200 { "inside an answer".to_owned() } else { meaning.status.to_string() };
            let row = format!(
                "| `{}` | {status} | {retry} | {} | {} | {} |\n",
                meaning.code, meaning.happened, meaning.means, meaning.advice
            );
            page.push_str(&row);
        }
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_in_snake_case() {
        let codes: BTreeSet<&str> = ErrorCode::ALL.iter().map(|code| code.code()).collect();
        assert_eq!(codes.len(), ErrorCode::ALL.len());
        assert!(codes.iter().all(|code| code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')));
    }

    #[test]
    fn every_code_says_three_things_as_sentences() {
        for meaning in ErrorCode::ALL.iter().map(|code| code.meaning()) {
            for sentence in [meaning.happened, meaning.means, meaning.advice] {
                assert!(
                    sentence.starts_with(|c: char| c.is_ascii_uppercase()) && sentence.ends_with('.'),
                    "{}: {sentence}",
                    meaning.code
                );
            }
        }
    }

    #[test]
    fn our_fault_is_5xx_and_asks_to_try_again() {
        for meaning in ErrorCode::ALL.iter().map(|code| code.meaning()) {
            assert_eq!(
                meaning.status >= 500,
                meaning.status >= 500 && meaning.retry == Retry::Later,
                "{}",
                meaning.code
            );
        }
    }
}
