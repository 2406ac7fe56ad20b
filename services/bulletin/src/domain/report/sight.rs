//! Whose reports somebody may see.

use std::collections::HashSet;

use uuid::Uuid;

/// The units whose reports somebody may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sight {
    /// The desk and services.
    All,
    /// An officer: the units of their posts and those under them.
    Units(HashSet<Uuid>),
}

impl Sight {
    pub(crate) fn covers(&self, unit: Uuid) -> bool {
        match self {
            Self::All => true,
            Self::Units(units) => units.contains(&unit),
        }
    }

    /// Of some units those that are seen; `None`: all there are.
    pub(crate) fn within(&self, asked: Option<Vec<Uuid>>) -> Option<Vec<Uuid>> {
        match (self, asked) {
            (Self::All, asked) => asked,
            (Self::Units(units), None) => Some(units.iter().copied().collect()),
            (Self::Units(_), Some(asked)) => Some(asked.into_iter().filter(|unit| self.covers(*unit)).collect()),
        }
    }
}
