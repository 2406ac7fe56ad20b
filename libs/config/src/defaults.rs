//! The defaults as a table: what the settings given are laid over.

use toml::{Table, Value};

use crate::secret::MASK;

/// The defaults without their secrets, which were masked when the table was written. What is left out is filled in by
/// `#[serde(default)]`: of a table that something was given for (`touched`) its secrets, of any other the whole, so
/// that its entries stay together.
pub(crate) fn without_secrets(defaults: Table, touched: &dyn Fn(&[String]) -> bool) -> Table {
    strip(defaults, &mut Vec::new(), touched)
}

fn strip(table: Table, path: &mut Vec<String>, touched: &dyn Fn(&[String]) -> bool) -> Table {
    let mut stripped = Table::new();
    for (key, value) in table {
        path.push(key.clone());
        if !holds_secret(&value) {
            stripped.insert(key, value);
        } else if let Value::Table(inner) = value
            && touched(path)
        {
            stripped.insert(key, Value::Table(strip(inner, path, touched)));
        }
        path.pop();
    }
    stripped
}

fn holds_secret(value: &Value) -> bool {
    match value {
        Value::String(text) => text == MASK,
        Value::Array(values) => values.iter().any(holds_secret),
        Value::Table(table) => table.values().any(holds_secret),
        _ => false,
    }
}

/// The value at a path of keys.
pub(crate) fn at<'v>(table: &'v Table, path: &[String]) -> Option<&'v Value> {
    let (last, tables) = path.split_last()?;
    tables.iter().try_fold(table, |table, key| table.get(key)?.as_table())?.get(last)
}

/// Sets the value at a path, with the tables on the way.
pub(crate) fn set(table: &mut Table, path: &[String], value: Value) {
    let Some((last, tables)) = path.split_last() else { return };
    let mut place = table;
    for key in tables {
        let entry = place.entry(key.as_str()).or_insert_with(|| Value::Table(Table::new()));
        if !entry.is_table() {
            *entry = Value::Table(Table::new());
        }
        match entry {
            Value::Table(inner) => place = inner,
            _ => return,
        }
    }
    place.insert(last.clone(), value);
}
