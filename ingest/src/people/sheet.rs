//! A list as a file of comma-separated values with a header: read by column, with the line of everything that is refused.
//!
//! Invariants: no refusal holds what stands in a cell; a cell that a spreadsheet would take for a formula is kept as text
//! on the way in and marked as text on the way out, and what was written out reads in again as it was.
//!
//! Sources: RFC 4180; OWASP, "CSV Injection".

use csv::{ByteRecord, ReaderBuilder, WriterBuilder};
use register::NotInOrder;
use std::{borrow::Cow, str};
use thiserror::Error;
use vitals::bounded::TextRefused;

/// Most bytes of a file: a county's roster has about 50 MB, and the file is held in memory.
pub const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Longest name of a column that is repeated, so that no cell of a file without a header is.
const NAME_BYTES_MAX: usize = 32;

/// Most digits in the name of a column that is repeated.
const NAME_DIGITS_MAX: usize = 2;

/// What a file with a byte order mark starts with.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why a file cannot be read as a list.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SheetRefused {
    /// There is nothing in it.
    #[error("read the header: the file is empty")]
    Empty,
    /// A column that we do not know.
    #[error("read the header: there is no column {name}; the columns are {columns}")]
    Unknown {
        /// Which, or where it stands.
        name: String,
        /// The columns there are.
        columns: String,
    },
    /// A column that is there twice.
    #[error("read the header: the column {name} is there twice")]
    Twice {
        /// Which.
        name: &'static str,
    },
    /// A column without which nothing can be read.
    #[error("read the header: the column {name} is missing")]
    Missing {
        /// Which.
        name: &'static str,
    },
    /// It cannot be read at all.
    #[error("read the file: line {line} cannot be read")]
    Unreadable {
        /// The line.
        line: u64,
    },
}

/// What kind of trouble a row has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// A cell is not what it should be.
    Cell,
    /// The same person stands in the file more than once.
    Twice,
    /// The register has this NHS number under another id, or this id with another number.
    AnotherPerson,
}

/// Why a row is refused. What stands in it is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}, {column}: {advice}")]
pub struct RowRefused {
    /// Its line in the file, from 1.
    pub line: u64,
    /// The column; `row` where it is the whole of it.
    pub column: &'static str,
    /// What kind of trouble it is.
    pub why: Why,
    /// What is wrong and what to do.
    pub advice: Cow<'static, str>,
}

/// What a refusal calls the whole row.
const ROW: &str = "row";

/// What a cell was read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given<T> {
    /// The file has no such column: what the register has stays.
    NoColumn,
    /// The column is there and the cell is empty: there is none.
    Empty,
    /// A value.
    Value(T),
}

impl<T> Given<T> {
    /// What is now, over what was.
    pub fn over(self, before: Option<T>) -> Option<T> {
        match self {
            Self::NoColumn => before,
            Self::Empty => None,
            Self::Value(value) => Some(value),
        }
    }

    /// The value, where there is one.
    pub fn value(self) -> Option<T> {
        self.over(None)
    }
}

/// Advice about a cell, as whatever reads it gives it.
pub trait Advice {
    /// What should stand there.
    fn advice(self) -> Cow<'static, str>;
}

impl Advice for &'static str {
    fn advice(self) -> Cow<'static, str> {
        Cow::Borrowed(self)
    }
}

impl Advice for String {
    fn advice(self) -> Cow<'static, str> {
        Cow::Owned(self)
    }
}

impl Advice for NotInOrder {
    fn advice(self) -> Cow<'static, str> {
        Cow::Borrowed(self.advice)
    }
}

impl Advice for TextRefused {
    fn advice(self) -> Cow<'static, str> {
        match self {
            Self::Empty => Cow::Borrowed("it is empty"),
            Self::TooLong { max } => Cow::Owned(format!("want at most {max} bytes")),
            Self::ControlCharacter => Cow::Borrowed("it has a control character"),
        }
    }
}

/// A list, its header read.
#[derive(Debug, Clone)]
pub struct Sheet<'f> {
    bytes: &'f [u8],
    columns: Vec<&'static str>,
}

impl<'f> Sheet<'f> {
    /// Reads the header of a file of these columns.
    ///
    /// # Errors
    /// [`SheetRefused`] for a column we do not know, one that is there twice, and one of the needed that is missing.
    ///
    /// ```
    /// use ingest::people::Sheet;
    /// let sheet = Sheet::read(b"\xef\xbb\xbfname,team\r\nAda Test,tm-a\r\n", &["name", "team"], &["name"]).unwrap();
    /// assert!(sheet.has("team") && sheet.rows().count() == 1);
    /// let unknown = Sheet::read(b"name,shoe_size\n", &["name"], &[]).unwrap_err().to_string();
    /// assert_eq!(unknown, "read the header: there is no column \"shoe_size\"; the columns are name");
    /// ```
    pub fn read(bytes: &'f [u8], columns: &[&'static str], needed: &[&'static str]) -> Result<Self, SheetRefused> {
        let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        let header = records(bytes).next().ok_or(SheetRefused::Empty)?;
        let header = header.map_err(|_cause| SheetRefused::Unreadable { line: 1 })?;
        let mut found: Vec<&'static str> = Vec::new();
        for (place, cell) in header.iter().enumerate() {
            let cell = str::from_utf8(cell).unwrap_or_default().trim();
            let Some(name) = columns.iter().find(|column| **column == cell) else {
                return Err(SheetRefused::Unknown { name: shown(cell, place), columns: columns.join(", ") });
            };
            if found.contains(name) {
                return Err(SheetRefused::Twice { name });
            }
            found.push(name);
        }
        match needed.iter().find(|name| !found.contains(*name)) {
            Some(name) => Err(SheetRefused::Missing { name }),
            None => Ok(Self { bytes, columns: found }),
        }
    }

    /// Whether a column is there.
    #[must_use]
    pub fn has(&self, column: &str) -> bool {
        self.columns.contains(&column)
    }

    /// The rows after the header; those without anything in them are passed over.
    pub fn rows(&self) -> impl Iterator<Item = Result<Row<'_>, RowRefused>> {
        records(self.bytes).skip(1).filter_map(|record| {
            let whole = |line, advice: &'static str| {
                Err(RowRefused { line, column: ROW, why: Why::Cell, advice: Cow::Borrowed(advice) })
            };
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    let line = error.position().map_or(0, csv::Position::line);
                    return Some(whole(line, "it cannot be read"));
                }
            };
            if record.iter().all(|cell| cell.trim_ascii().is_empty()) {
                return None;
            }
            let line = self.line(&record);
            if record.iter().any(|cell| cell.contains(&b'\n') || cell.contains(&b'\r')) {
                return Some(whole(line, "a cell has a line break, or a quotation mark is not closed"));
            }
            if record.len() != self.columns.len() {
                return Some(whole(line, "want as many cells as the header has"));
            }
            Some(Ok(Row { line, columns: &self.columns, record }))
        })
    }

    /// The line a record starts in. The reader counts from where it stood before, which may be an empty line.
    fn line(&self, record: &ByteRecord) -> u64 {
        let Some(position) = record.position() else { return 0 };
        let start = usize::try_from(position.byte()).unwrap_or(usize::MAX);
        let ends = self.bytes.iter().skip(start).take_while(|byte| matches!(byte, b'\r' | b'\n'));
        let empty = ends.filter(|byte| **byte == b'\n').count();
        position.line().saturating_add(u64::try_from(empty).unwrap_or(u64::MAX))
    }
}

fn records(bytes: &[u8]) -> impl Iterator<Item = csv::Result<ByteRecord>> {
    ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes).into_byte_records()
}

/// The name of a column that we do not know: its place where it could be a cell, because the file has no header.
fn shown(name: &str, place: usize) -> String {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    let is_name = (1..=NAME_BYTES_MAX).contains(&name.len())
        && name.bytes().all(is_letter)
        && name.bytes().filter(u8::is_ascii_digit).count() <= NAME_DIGITS_MAX;
    if is_name { format!("\"{name}\"") } else { format!("as number {}, whose name is not shown", place + 1) }
}

/// A row of a list.
#[derive(Debug, Clone)]
pub struct Row<'s> {
    line: u64,
    columns: &'s [&'static str],
    record: ByteRecord,
}

impl Row<'_> {
    /// Its line in the file.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }

    /// A refusal of a cell.
    pub fn refused(&self, column: &'static str, why: Why, advice: impl Into<Cow<'static, str>>) -> RowRefused {
        RowRefused { line: self.line, column, why, advice: advice.into() }
    }

    /// The text of a cell.
    ///
    /// # Errors
    /// [`RowRefused`] for what is not UTF-8.
    pub fn cell(&self, column: &'static str) -> Result<Given<&str>, RowRefused> {
        let Some(place) = self.columns.iter().position(|known| *known == column) else { return Ok(Given::NoColumn) };
        let cell = str::from_utf8(self.record.get(place).unwrap_or_default());
        let cell = cell.map_err(|_cause| self.refused(column, Why::Cell, "it is not UTF-8: save the file as UTF-8"))?;
        Ok(match unmarked(cell.trim()) {
            "" => Given::Empty,
            text => Given::Value(text),
        })
    }

    /// What a cell says.
    ///
    /// # Errors
    /// [`RowRefused`] with what should stand there.
    pub fn read<T, A: Advice>(
        &self,
        column: &'static str,
        read: impl FnOnce(&str) -> Result<T, A>,
    ) -> Result<Given<T>, RowRefused> {
        Ok(match self.cell(column)? {
            Given::NoColumn => Given::NoColumn,
            Given::Empty => Given::Empty,
            Given::Value(text) => {
                Given::Value(read(text).map_err(|refused| self.refused(column, Why::Cell, refused.advice()))?)
            }
        })
    }
}

/// Whether a spreadsheet would take a cell for a formula, or for something else than the text it is.
fn is_formula(cell: &str) -> bool {
    match cell.strip_prefix('\'') {
        // One that was marked, or looks as if it were.
        Some(rest) => is_formula(rest),
        None => {
            cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'])
        }
    }
}

/// A cell as it goes out: marked as text where a spreadsheet would take it for a formula.
#[must_use]
pub fn marked(cell: &str) -> Cow<'_, str> {
    if is_formula(cell) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

/// A cell as it comes in: without that mark.
fn unmarked(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| is_formula(rest)).unwrap_or(cell)
}

/// Writes lists that other programs open.
pub struct Out {
    writer: csv::Writer<Vec<u8>>,
}

impl Out {
    /// A list with this header.
    #[must_use]
    pub fn new(columns: &[&str]) -> Self {
        let mut out = Self { writer: WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new()) };
        out.row(columns.iter().copied());
        out
    }

    /// Adds a row.
    pub fn row<'c>(&mut self, cells: impl IntoIterator<Item = &'c str>) {
        let cells: Vec<Cow<'_, str>> = cells.into_iter().map(marked).collect();
        // Into memory, and every row as long as the header: it cannot fail.
        drop(self.writer.write_record(cells.iter().map(|cell| cell.as_bytes())));
    }

    /// The whole of it.
    #[must_use]
    pub fn bytes(self) -> Vec<u8> {
        self.writer.into_inner().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COLUMNS: [&str; 3] = ["name", "team", "notes"];

    fn lines(file: &[u8]) -> Vec<Result<(u64, Option<String>), String>> {
        let sheet = Sheet::read(file, &COLUMNS, &["name"]).unwrap();
        let of_row = |row: Result<Row<'_>, RowRefused>| {
            let row = row.map_err(|refused| refused.to_string())?;
            let name = row.cell("name").map_err(|refused| refused.to_string())?;
            Ok((row.line(), name.value().map(str::to_owned)))
        };
        sheet.rows().map(of_row).collect()
    }

    /// Marks, line ends, empty lines and quotation marks: each row is told by the line it starts in.
    #[test]
    fn rows_are_read_with_their_lines_whatever_the_line_ends() {
        let named = |line, name: &str| Ok((line, Some(name.to_owned())));
        let check = |file: &[u8], expected: &[Result<(u64, Option<String>), String>]| assert_eq!(lines(file), expected);
        check(b"name\nAda\nBen\n", &[named(2, "Ada"), named(3, "Ben")]);
        check(b"\xef\xbb\xbfname\r\nAda\r\nBen", &[named(2, "Ada"), named(3, "Ben")]);
        check(b"name,team\n\n\n  Ada , \n , \n\"Ben \"\"B\"\"\",\n", &[named(4, "Ada"), named(6, "Ben \"B\"")]);
        let split = "line 2, row: a cell has a line break, or a quotation mark is not closed".to_owned();
        check(b"name,team\n\"A\nda\",\nBen,\n", &[Err(split.clone()), named(4, "Ben")]);
        check(b"name,team\n\"Ada,\nBen,\n", &[Err(split)]);
        check(
            b"name,team\nAda\nBen,\n",
            &[Err("line 2, row: want as many cells as the header has".to_owned()), named(3, "Ben")],
        );
        check(b"name\n\xff\n", &[Err("line 2, name: it is not UTF-8: save the file as UTF-8".to_owned())]);
    }

    #[test]
    fn a_header_that_is_none_is_refused_and_a_cell_in_its_place_is_not_repeated() {
        let check = |file: &str, expected: &str| {
            let refused = Sheet::read(file.as_bytes(), &COLUMNS, &["name"]).unwrap_err().to_string();
            assert_eq!(refused, format!("read the header: {expected}"));
        };
        check("", "the file is empty");
        check("team\n", "the column name is missing");
        check("name,team,name\n", "the column name is there twice");
        check("name,shoe_size\n", "there is no column \"shoe_size\"; the columns are name, team, notes");
        for cell in ["Ada Test", "9990000018", "999-000-0018"] {
            check(
                &format!("name,{cell}\n"),
                "there is no column as number 2, whose name is not shown; the columns are name, team, notes",
            );
        }
    }

    #[test]
    fn what_looks_like_a_formula_is_marked_on_the_way_out_and_text_on_the_way_in() {
        for (cell, out) in [
            ("=HYPERLINK(\"http://x\")", "'=HYPERLINK(\"http://x\")"),
            ("+44", "'+44"),
            ("-1", "'-1"),
            ("@SUM(1)", "'@SUM(1)"),
            ("\u{ff1d}1", "'\u{ff1d}1"),
            ("'=1", "''=1"),
            ("'t Hooft", "'t Hooft"),
            ("Ada", "Ada"),
        ] {
            assert_eq!(marked(cell), out);
            assert_eq!(unmarked(out), cell);
        }
    }

    proptest! {
        /// Whatever a text holds, it comes in again as it went out, and no cell that goes out starts a formula.
        #[test]
        fn what_goes_out_comes_in_again(cells in proptest::collection::vec("['=+@a\", -]{0,6}", 3)) {
            prop_assume!(cells.iter().any(|cell| !cell.trim().is_empty()));
            let mut out = Out::new(&COLUMNS);
            out.row(cells.iter().map(|cell| cell.trim()));
            let bytes = out.bytes();
            let sheet = Sheet::read(&bytes, &COLUMNS, &[]).unwrap();
            let row = sheet.rows().next().unwrap().unwrap();
            for (column, cell) in COLUMNS.into_iter().zip(&cells) {
                let read = row.cell(column).unwrap().value().unwrap_or_default();
                prop_assert_eq!(read, cell.trim());
                prop_assert!(!marked(cell.trim()).starts_with(['=', '+', '-', '@']));
            }
        }
    }
}
