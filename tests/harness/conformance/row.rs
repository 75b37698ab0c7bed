//! One public case: a line of JSON in one of two forms, clinical (`kind`) or device (`profile`).

use serde::Deserialize;
use serde_json::{Map, Value};

/// The first line of a file describes its rows and is no case.
const DESCRIPTION: &str = "_schema";

/// One public case.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// How a mismatch names it: its id, or file and line.
    pub place: String,
    /// What it is counted under: the profile where it has one, otherwise the kind.
    pub group: String,
    /// The characteristic or frame, for a device's case.
    pub frame: Option<String>,
    /// What the product is given.
    pub input: Map<String, Value>,
    /// What it must say.
    pub expected: Map<String, Value>,
}

/// The line as it stands; fields that only describe (source, basis, note) are not needed here.
#[derive(Deserialize)]
struct Line {
    id: Option<String>,
    kind: Option<String>,
    profile: Option<String>,
    characteristic_or_frame: Option<String>,
    hex: Option<String>,
    input: Option<Map<String, Value>>,
    expected: Option<Map<String, Value>>,
}

impl Row {
    /// Reads a line, or `None` for an empty line or the description of a file.
    ///
    /// # Errors
    /// Why the line is not a case.
    pub fn read(place: &str, line: &[u8]) -> Result<Option<Self>, String> {
        if line.trim_ascii().is_empty() {
            return Ok(None);
        }
        let line: Line = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        if line.kind.as_deref() == Some(DESCRIPTION) {
            return Ok(None);
        }
        let (group, input) = match (line.profile, line.kind, line.hex, line.input) {
            (Some(profile), _, Some(hex), _) => (profile, Map::from_iter([("hex".to_owned(), Value::String(hex))])),
            (Some(_), _, None, _) => return Err("a case with a profile has no hex".to_owned()),
            (None, Some(kind), _, Some(input)) => (kind, input),
            (None, Some(_), _, None) => return Err("a case with a kind has no input".to_owned()),
            (None, None, _, _) => return Err("a case has neither kind nor profile".to_owned()),
        };
        let expected = line.expected.ok_or("a case has nothing expected")?;
        let place = line.id.unwrap_or_else(|| place.to_owned());
        Ok(Some(Self { place, group, frame: line.characteristic_or_frame, input, expected }))
    }

    /// A text of the input.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.input.get(key).and_then(Value::as_str)
    }
}
