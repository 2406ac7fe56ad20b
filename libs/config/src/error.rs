//! Why there is no configuration. No error contains a value.

use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Where a setting was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// In the file.
    File {
        /// The file.
        path: PathBuf,
        /// The key with its section, `membership.pool.size`.
        key: String,
    },
    /// In the environment.
    Variable {
        /// Name of the variable.
        name: String,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, key } => write!(formatter, "key `{key}` in {}", path.display()),
            Self::Variable { name } => write!(formatter, "variable {name}"),
        }
    }
}

/// Why a configuration cannot be loaded.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not TOML.
    #[error("{}:{line}:{column}: {problem}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What the parser expected.
        problem: String,
    },
    /// A setting that no field has, or a section that nobody reads.
    #[error("{origin} is not known{}", fields_there(known))]
    Unknown {
        /// Where it was given.
        origin: Origin,
        /// What is known there: the fields that have a value, or the sections.
        known: Vec<String>,
    },
    /// A value that its field does not take.
    #[error("{origin}: {problem}")]
    Invalid {
        /// Where it was given.
        origin: Origin,
        /// What the field takes.
        problem: String,
    },
    /// The settings cannot be written as TOML or read back: a fault of the struct, not of what was given.
    #[error("the settings of section `{section}` cannot be written as TOML and read back: {problem}")]
    Defaults {
        /// The section.
        section: String,
        /// Field and fault.
        problem: String,
    },
}

fn fields_there(known: &[String]) -> String {
    if known.is_empty() { String::new() } else { format!("; known there: {}", known.join(", ")) }
}
