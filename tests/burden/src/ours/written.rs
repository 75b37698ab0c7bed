//! A table as TOML text again: one line for each of its keys, so that a changed protocol is read as any other.

use toml::{Table, Value};

/// The text of a table.
pub(super) fn written(table: &Table) -> String {
    table.iter().map(|(name, value)| format!("{} = {}\n", text(name), one(value))).collect()
}

fn one(value: &Value) -> String {
    match value {
        Value::String(string) => text(string),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(is) => is.to_string(),
        Value::Datetime(moment) => moment.to_string(),
        Value::Array(all) => format!("[{}]", all.iter().map(one).collect::<Vec<_>>().join(", ")),
        Value::Table(table) => {
            let pairs = table.iter().map(|(name, value)| format!("{} = {}", text(name), one(value)));
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A basic string: quotation marks, backslashes and what cannot be seen are escaped.
fn text(string: &str) -> String {
    let mut text = String::from("\"");
    for letter in string.chars() {
        match letter {
            '"' | '\\' => text.extend(['\\', letter]),
            letter if letter.is_control() => text += &format!("\\u{:04X}", u32::from(letter)),
            letter => text.push(letter),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_as_it_was() {
        let source = "a = \"x \\\"y\\\" \\\\ \\u0007\"\nb = [1, 2.5, true]\n[c]\nd = { e = \"f\" }\n[[g]]\nh = -3\n";
        let table: Table = source.parse().unwrap();
        assert_eq!(written(&table).parse::<Table>().unwrap(), table);
        for pack in rules::pack::SHIPPED {
            let table: Table = pack.parse().unwrap();
            assert_eq!(written(&table).parse::<Table>().unwrap(), table);
        }
    }
}
