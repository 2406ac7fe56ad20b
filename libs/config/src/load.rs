//! Loading a section, and writing one.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use toml::{Table, Value};

use crate::defaults::{set, without_secrets};
use crate::error::{ConfigError, Origin};
use crate::secret::FILE_PROBLEM;
use crate::setting::{self, Setting};
use crate::unknown::refuse_unknown;

/// The settings of a section: defaults, then the file, then this process's environment.
///
/// # Errors
/// A [`ConfigError`] that names the key or the variable, never a value.
pub fn load<T: DeserializeOwned + Serialize + Default>(section: &str, file: Option<&Path>) -> Result<T, ConfigError> {
    load_from(section, file, std::env::vars_os())
}

/// The same with an environment given as names and values.
///
/// # Errors
/// As [`load`].
pub fn load_from<T, N, V>(
    section: &str,
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (N, V)>,
) -> Result<T, ConfigError>
where
    T: DeserializeOwned + Serialize + Default,
    N: Into<OsString>,
    V: Into<OsString>,
{
    let defaults = written(section, &T::default())?;
    let mut settings = setting::of_file(section, file)?;
    settings.extend(setting::of_environment(section, environment, &defaults)?);
    let touched = |path: &[String]| settings.iter().any(|setting| setting.path.starts_with(path));
    let base = without_secrets(defaults, &touched);

    loop {
        let mut table = base.clone();
        for setting in &settings {
            set(&mut table, &setting.path, setting.value.clone());
        }
        match serde_path_to_error::deserialize(Value::Table(table)) {
            Ok(taken) => {
                refuse_unknown(&settings, &written(section, &taken)?)?;
                return Ok(taken);
            }
            Err(error) => {
                let path = keys(error.path());
                let Some(culprit) = culprit(&mut settings, &path) else {
                    let problem = format!("`{}`: {}", path.join("."), without_value(error.inner().message()));
                    return Err(ConfigError::Defaults { section: section.to_owned(), problem });
                };
                match culprit.otherwise.take() {
                    Some(otherwise) => culprit.value = otherwise,
                    None => return Err(refused(culprit, error.inner().message())),
                }
            }
        }
    }
}

/// Refuses sections of the file, and variables of sections, that are none of these: a name misspelt would otherwise be
/// ignored.
///
/// # Errors
/// [`ConfigError::Unknown`] with the first; [`ConfigError::Read`] or [`ConfigError::Syntax`] for the file.
pub fn check_sections<N: Into<OsString>>(
    sections: &[&str],
    file: Option<&Path>,
    variables: impl IntoIterator<Item = N>,
) -> Result<(), ConfigError> {
    let unknown =
        |origin| ConfigError::Unknown { origin, known: sections.iter().map(|section| (*section).to_owned()).collect() };
    if let Some(path) = file {
        let table = setting::read_file(file)?;
        if let Some(key) = table.keys().find(|key| !sections.contains(&key.as_str())) {
            return Err(unknown(Origin::File { path: path.to_owned(), key: key.clone() }));
        }
    }
    let mut names: Vec<String> = variables.into_iter().filter_map(|name| name.into().into_string().ok()).collect();
    names.sort();
    let is_known = |prefix: &str| sections.iter().any(|section| setting::variable_prefix(section) == prefix);
    let stray = names
        .into_iter()
        .find(|name| name.starts_with("SENANI_") && name.split_once("__").is_some_and(|(prefix, _)| !is_known(prefix)));
    stray.map_or(Ok(()), |name| Err(unknown(Origin::Variable { name })))
}

/// Settings as a configuration file writes them, with `***` for each secret: for `--dump-config`.
///
/// # Errors
/// [`ConfigError::Defaults`] for settings that TOML cannot express.
pub fn render<T: Serialize>(section: &str, settings: &T) -> Result<String, ConfigError> {
    toml::to_string_pretty(&BTreeMap::from([(section, settings)]))
        .map_err(|error| ConfigError::Defaults { section: section.to_owned(), problem: error.to_string() })
}

fn written<T: Serialize>(section: &str, settings: &T) -> Result<Table, ConfigError> {
    Table::try_from(settings)
        .map_err(|error| ConfigError::Defaults { section: section.to_owned(), problem: error.to_string() })
}

/// The keys on the way to where reading failed, as far as they are keys.
fn keys(path: &serde_path_to_error::Path) -> Vec<String> {
    path.iter().map_while(|segment| if let Segment::Map { key } = segment { Some(key.clone()) } else { None }).collect()
}

/// The setting at which reading failed: the last one given for that path or, where a table lacks something, for a part
/// of it.
fn culprit<'s>(settings: &'s mut [Setting], path: &[String]) -> Option<&'s mut Setting> {
    settings.iter_mut().rev().find(|setting| path.starts_with(&setting.path) || setting.path.starts_with(path))
}

fn refused(setting: &Setting, message: &str) -> ConfigError {
    let origin = setting.origin.clone();
    match message.strip_prefix("unknown field ").and_then(|rest| rest.split_once(", expected ")) {
        // The names stand between backticks.
        Some((_, known)) => {
            ConfigError::Unknown { origin, known: known.split('`').skip(1).step_by(2).map(str::to_owned).collect() }
        }
        None => ConfigError::Invalid { origin, problem: without_value(message) },
    }
}

/// What serde says a field takes, without the value that it got instead.
fn without_value(message: &str) -> String {
    let harmless = message.starts_with("missing field ") || message.starts_with(FILE_PROBLEM);
    let names_value = ["invalid type: ", "invalid value: ", "invalid length ", "unknown variant "];
    if harmless {
        return message.to_owned();
    }
    match message.rsplit_once(", expected ") {
        Some((_, expected)) if names_value.iter().any(|start| message.starts_with(start)) => {
            format!("expected {expected}")
        }
        _ => "not a value that this field takes".to_owned(),
    }
}
