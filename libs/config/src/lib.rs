//! Configuration: defaults, then a file, then the environment; secrets from files.
//!
//! A part of the system (a *section*, such as `membership`) declares its settings as a struct with `Default` and serde's
//! derives, and gets them by [`load`]:
//!
//! 1. what `Default` says,
//! 2. over it the table `[membership]` of the TOML file,
//! 3. over it the variables `SENANI_MEMBERSHIP__FIELD`, and `SENANI_MEMBERSHIP__TABLE__FIELD` for nested tables.
//!
//! A variable is read by the type of the default: text as it stands, numbers, `true` and `false`, and arrays and tables as
//! TOML writes them (`["a", "b"]`). A key or variable that no field has is an error that names it; so is a value of the
//! wrong type. No error contains a value, because any value may be a secret that went to the wrong place.
//!
//! ```
//! use std::path::PathBuf;
//! use senani_config::{Secret, load_from};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, Serialize, Deserialize)]
//! #[serde(default)]
//! struct Config { database_url: Secret, key_file: PathBuf, page_size: u32 }
//!
//! impl Default for Config {
//!     fn default() -> Self {
//!         Self { database_url: "sqlite://membership.db".into(), key_file: "phone.keys".into(), page_size: 500 }
//!     }
//! }
//!
//! let environment = [("SENANI_MEMBERSHIP__PAGE_SIZE", "50"), ("SENANI_MEMBERSHIP__DATABASE_URL", "postgres://u:pw@db/m")];
//! let config: Config = load_from("membership", None, environment)?;
//! assert_eq!((config.page_size, config.database_url.expose()), (50, "postgres://u:pw@db/m"));
//! assert_eq!(senani_config::render("membership", &config)?, "\
//! [membership]
//! database_url = \"***\"
//! key_file = \"phone.keys\"
//! page_size = 50
//! ");
//! # Ok::<(), senani_config::ConfigError>(())
//! ```
//!
//! A struct that holds a [`Secret`] needs `#[serde(default)]`, because a secret's default is never written down, not even
//! on the way into the struct.

mod defaults;
mod error;
mod load;
mod secret;
mod setting;
mod unknown;

pub use error::{ConfigError, Origin};
pub use load::{check_sections, load, load_from, render};
pub use secret::Secret;
