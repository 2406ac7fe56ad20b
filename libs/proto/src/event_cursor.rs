//! The cursor of an event log. Opaque to everyone but the two ends: the log that gives it out and the Follower that checks density.

use std::fmt;

/// A place in one incarnation of a log: everything up to `position` is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The incarnation of the database, letters and digits.
    pub epoch: String,
    /// The position of the last event applied; 0 for none.
    pub position: i64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.epoch, self.position)
    }
}

impl std::str::FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (epoch, position) = text.split_once('.').ok_or(())?;
        let position = position.parse().ok().filter(|position| *position >= 0).ok_or(())?;
        if epoch.is_empty() {
            return Err(());
        }
        Ok(Self { epoch: epoch.to_owned(), position })
    }
}
