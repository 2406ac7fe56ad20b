//! A value that is never shown.

use std::fmt;
use std::fs;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// What stands for a secret wherever it would be shown.
pub(crate) const MASK: &str = "***";
/// How an error about a secret's file begins; it contains the path and what the system said, and no value.
pub(crate) const FILE_PROBLEM: &str = "secret file ";

/// A text that is never shown: a password, a token, a database address with a password in it.
///
/// In a file it is written as a text, or as `{ file = "PATH" }` to be read from there (as Kubernetes and systemd hand out
/// secrets), without the line break at the file's end. `Debug` and serialisation give `***`; it compares in constant
/// time, and its memory is wiped when it is dropped. Only values are kept secret: errors name keys, so no key may be one.
#[derive(Clone, Default)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether the text is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn read(path: &str) -> Result<Self, String> {
        let mut text =
            Zeroizing::new(fs::read_to_string(path).map_err(|error| format!("{FILE_PROBLEM}{path}: {error}"))?);
        let length = text.trim_end_matches(['\r', '\n']).len();
        text.truncate(length);
        if text.is_empty() { Err(format!("{FILE_PROBLEM}{path} is empty")) } else { Ok(Self(text)) }
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(MASK)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrFile)
    }
}

struct TextOrFile;

impl<'de> Visitor<'de> for TextOrFile {
    type Value = Secret;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text other than `***`, or { file = \"PATH\" }")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Secret, E> {
        // What `render` wrote has lost its secrets; taking the mask for one would be found much later.
        if text == MASK {
            Err(E::invalid_value(serde::de::Unexpected::Other("a mask"), &self))
        } else {
            Ok(text.into())
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Secret, A::Error> {
        let Some(key) = map.next_key::<String>()? else { return Err(A::Error::missing_field("file")) };
        if key != "file" {
            return Err(A::Error::unknown_field(&key, &["file"]));
        }
        let path: String = map.next_value()?;
        match map.next_key::<String>()? {
            Some(other) => Err(A::Error::unknown_field(&other, &["file"])),
            None => Secret::read(&path).map_err(A::Error::custom),
        }
    }
}
