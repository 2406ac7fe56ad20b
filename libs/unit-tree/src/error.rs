//! Why entries are no tree.

use thiserror::Error;
use uuid::Uuid;

/// Why a set of units is no tree. The first fault in the order of the units' ids is named.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TreeError {
    /// One id was given twice.
    #[error("unit {id} is given twice")]
    Repeated {
        /// The id.
        id: Uuid,
    },
    /// A unit's parent is not among the units.
    #[error("the parent {parent} of unit `{slug}` is not known")]
    Orphan {
        /// The unit.
        id: Uuid,
        /// Its slug.
        slug: String,
        /// The parent that is missing.
        parent: Uuid,
    },
    /// Two units have one slug.
    #[error("units {first} and {second} have the same slug `{slug}`")]
    SlugTaken {
        /// The slug.
        slug: String,
        /// The unit with the smaller id.
        first: Uuid,
        /// The other unit.
        second: Uuid,
    },
    /// More than one unit has no parent.
    #[error("both `{first}` and `{second}` have no parent; a tree has one root")]
    SecondRoot {
        /// Slug of the root with the smaller id.
        first: String,
        /// Slug of the other.
        second: String,
    },
    /// Units stand under each other in a ring.
    #[error("units stand under each other in a ring: {}", slugs.join(" under "))]
    Cycle {
        /// Slugs along the ring, each under the next; the last is the first again.
        slugs: Vec<String>,
    },
    /// More units or texts than the tree can number: 2³² − 1 units, 4 GiB of texts.
    #[error("too many units for one tree")]
    TooLarge,
}
