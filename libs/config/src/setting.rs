//! What was given in the file and the environment.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use toml::{Table, Value};

use crate::defaults;
use crate::error::{ConfigError, Origin};
use crate::secret::MASK;

/// One value that was given.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) origin: Origin,
    /// Keys below the section.
    pub(crate) path: Vec<String>,
    pub(crate) value: Value,
    /// What a variable's text means as TOML, where the default does not tell the field's type.
    pub(crate) otherwise: Option<Value>,
}

/// The whole file; empty without one.
pub(crate) fn read_file(file: Option<&Path>) -> Result<Table, ConfigError> {
    let Some(path) = file else { return Ok(Table::new()) };
    let text = fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    toml::from_str(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let line = before.matches('\n').count() + 1;
        ConfigError::Syntax { path: path.to_owned(), line, column, problem: error.message().to_owned() }
    })
}

/// The settings of a section in the file.
pub(crate) fn of_file(section: &str, file: Option<&Path>) -> Result<Vec<Setting>, ConfigError> {
    let (Some(value), Some(path)) = (read_file(file)?.remove(section), file) else { return Ok(Vec::new()) };
    let origin =
        |keys: &[String]| Origin::File { path: path.to_owned(), key: [&[section.to_owned()], keys].concat().join(".") };
    match value {
        Value::Table(table) => Ok(leaves(Value::Table(table), &origin)),
        _ => Err(ConfigError::Invalid { origin: origin(&[]), problem: format!("expected a table, [{section}]") }),
    }
}

/// The settings of a section among the variables, in the order of their names.
pub(crate) fn of_environment<N: Into<OsString>, V: Into<OsString>>(
    section: &str,
    environment: impl IntoIterator<Item = (N, V)>,
    defaults: &Table,
) -> Result<Vec<Setting>, ConfigError> {
    let prefix = format!("{}__", variable_prefix(section));
    let mut variables: Vec<(String, OsString)> = environment
        .into_iter()
        .filter_map(|(name, value)| Some((name.into().into_string().ok()?, value.into())))
        .filter(|(name, _)| name.starts_with(&prefix))
        .collect();
    variables.sort();

    let mut settings = Vec::new();
    for (name, value) in variables {
        let path: Vec<String> = name[prefix.len()..].split("__").map(str::to_lowercase).collect();
        let invalid = |problem: &str| ConfigError::Invalid {
            origin: Origin::Variable { name: name.clone() },
            problem: problem.to_owned(),
        };
        let text = value.into_string().map_err(|_| invalid("expected UTF-8"))?;
        let (value, otherwise) = match defaults::at(defaults, &path) {
            Some(default) => (parse(&text, default).map_err(invalid)?, None),
            None => (Value::String(text.clone()), text.parse().ok().filter(|value: &Value| !value.is_str())),
        };
        let origin = |_: &[String]| Origin::Variable { name: name.clone() };
        for leaf in leaves(value, &origin) {
            settings.push(Setting { path: [&path[..], &leaf.path].concat(), otherwise: otherwise.clone(), ..leaf });
        }
    }
    Ok(settings)
}

/// How the names of a section's variables begin.
pub(crate) fn variable_prefix(section: &str) -> String {
    format!("SENANI_{}", section.to_uppercase().replace('-', "_"))
}

/// A variable's text as a value of the default's type.
fn parse(text: &str, default: &Value) -> Result<Value, &'static str> {
    let toml = || text.trim().parse::<Value>().ok();
    match default {
        Value::String(_) => Ok(Value::String(text.to_owned())),
        Value::Integer(_) => toml().filter(Value::is_integer).ok_or("expected an integer"),
        Value::Float(_) => toml().filter(|value| value.is_float() || value.is_integer()).ok_or("expected a number"),
        Value::Boolean(_) => toml().filter(Value::is_bool).ok_or("expected true or false"),
        Value::Datetime(_) => toml().filter(Value::is_datetime).ok_or("expected a date or time as TOML writes it"),
        Value::Array(_) => toml().filter(Value::is_array).ok_or(r#"expected an array as TOML writes it, ["a", "b"]"#),
        Value::Table(_) => toml()
            .filter(Value::is_table)
            .ok_or("expected a table as TOML writes it, { a = 1 }, or variables for its fields"),
    }
}

/// Every value in a table and the tables in it; an empty table is a value too, so that its name is checked.
fn leaves(value: Value, origin: &dyn Fn(&[String]) -> Origin) -> Vec<Setting> {
    fn collect(
        value: Value,
        path: &mut Vec<String>,
        origin: &dyn Fn(&[String]) -> Origin,
        settings: &mut Vec<Setting>,
    ) {
        match value {
            Value::Table(table) if !table.is_empty() => {
                for (key, value) in table {
                    path.push(key);
                    collect(value, path, origin, settings);
                    path.pop();
                }
            }
            value => settings.push(Setting { origin: origin(path), path: path.clone(), value, otherwise: None }),
        }
    }
    let mut settings = Vec::new();
    collect(value, &mut Vec::new(), origin, &mut settings);
    settings
}

/// Whether a value stands for a secret.
pub(crate) fn is_mask(value: &Value) -> bool {
    value.as_str() == Some(MASK)
}
