//! Numbers, dates and words out of text records, exactly as written.

use crate::{date_time::DeviceTimeField, error::DecodeError};
use vitals::Decimal;

/// The bytes as text without control characters, tabs apart.
pub(crate) fn printable<'a>(bytes: &'a [u8], field: &'static str) -> Result<&'a str, DecodeError> {
    let is_printable = bytes.iter().all(|byte| (b' '..=b'~').contains(byte) || *byte == b'\t');
    std::str::from_utf8(bytes).ok().filter(|_| is_printable).ok_or(DecodeError::Malformed { field })
}

/// One whole line without its end: the first line feed ends it, and nothing may follow.
pub(crate) fn line<'a>(bytes: &'a [u8], field: &'static str) -> Result<&'a str, DecodeError> {
    let end = bytes.iter().position(|byte| *byte == b'\n').ok_or(DecodeError::Truncated { field })?;
    let (line, rest) = bytes.split_at_checked(end).ok_or(DecodeError::Truncated { field })?;
    if rest.len() > 1 {
        return Err(DecodeError::TooLong { left_bytes: rest.len() - 1 });
    }
    let without_returns = line.iter().rposition(|byte| *byte != b'\r').map_or(0, |last| last + 1);
    printable(line.get(..without_returns).unwrap_or_default(), field)
}

/// A whole number of decimal digits only, however many noughts it leads with.
pub(crate) fn whole<T: std::str::FromStr>(text: &str, field: &'static str) -> Result<T, DecodeError> {
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_: &T| is_digits).ok_or(DecodeError::Malformed { field })
}

/// A number written in hexadecimal digits only.
pub(crate) fn hexadecimal(text: &str, field: &'static str) -> Result<u32, DecodeError> {
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(text, 16).ok().filter(|_| is_digits).ok_or(DecodeError::Malformed { field })
}

/// An exact decimal as devices write it: perhaps signed, perhaps padded with noughts in front.
pub(crate) fn decimal(text: &str, field: &'static str) -> Result<Decimal, DecodeError> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(DecodeError::Malformed { field });
    }
    let trimmed = digits.trim_start_matches('0');
    let padded =
        if trimmed.is_empty() || trimmed.starts_with('.') { format!("0{trimmed}") } else { trimmed.to_owned() };
    let amount = Decimal::parse(&padded).map_err(|_not_ours| DecodeError::Malformed { field })?;
    Ok(if is_negative { amount.negated() } else { amount })
}

/// A date and time from its six numbers; impossible ones stay what they are.
pub(crate) fn date_time(year: u16, month: u8, day: u8, hour: u8, minute: u8, second: u8) -> DeviceTimeField {
    let [low, high] = year.to_le_bytes();
    DeviceTimeField::from_bytes([low, high, month, day, hour, minute, second])
}

/// The year of two digits: none of these devices is older than 2000.
pub(crate) fn year_of_two_digits(year: u8) -> u16 {
    2000 + u16::from(year)
}

/// `MM/DD/YY` and `HH:MM:SS`.
pub(crate) fn american_date_time(date: &str, time: &str, field: &'static str) -> Result<DeviceTimeField, DecodeError> {
    let malformed = DecodeError::Malformed { field };
    let three = |text: &str, between: char| -> Result<[u8; 3], DecodeError> {
        let mut parts = text.split(between).map(|part| whole::<u8>(part, field));
        let three = [parts.next(), parts.next(), parts.next()].map(|part| part.unwrap_or(Err(malformed)));
        let [first, second, third] = three;
        if parts.next().is_some() { Err(malformed) } else { Ok([first?, second?, third?]) }
    };
    let [month, day, year] = three(date, '/')?;
    let [hour, minute, second] = three(time, ':')?;
    Ok(date_time(year_of_two_digits(year), month, day, hour, minute, second))
}
