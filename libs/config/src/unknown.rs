//! Settings that no field took: what a struct has taken comes back when it is written again.

use toml::{Table, Value};

use crate::error::ConfigError;
use crate::setting::{Setting, is_mask};

/// Refuses the first setting of which a key is not there again in the settings as they were taken.
pub(crate) fn refuse_unknown(settings: &[Setting], taken: &Table) -> Result<(), ConfigError> {
    for setting in settings {
        if let Some(known) = missing_at(&setting.path, &setting.value, taken) {
            return Err(ConfigError::Unknown { origin: setting.origin.clone(), known });
        }
    }
    Ok(())
}

/// The keys that are there instead, if one of the path or of the value is missing.
fn missing_at(path: &[String], value: &Value, taken: &Table) -> Option<Vec<String>> {
    let (key, rest) = path.split_first()?;
    match taken.get(key) {
        None => Some(taken.keys().cloned().collect()),
        Some(found) if rest.is_empty() => missing_in(value, found),
        Some(Value::Table(inner)) => missing_at(rest, value, inner),
        // A secret, given by its file; or a type that is written otherwise than it is read.
        Some(_) => None,
    }
}

fn missing_in(given: &Value, taken: &Value) -> Option<Vec<String>> {
    match (given, taken) {
        (_, taken) if is_mask(taken) => None,
        (Value::Table(given), Value::Table(taken)) => given.iter().find_map(|(key, value)| match taken.get(key) {
            None => Some(taken.keys().cloned().collect()),
            Some(found) => missing_in(value, found),
        }),
        (Value::Array(given), Value::Array(taken)) => {
            given.iter().zip(taken).find_map(|(given, taken)| missing_in(given, taken))
        }
        _ => None,
    }
}
