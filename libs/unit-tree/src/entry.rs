//! A unit as it comes in.

use std::collections::BTreeMap;

use uuid::Uuid;

/// Everything that the tree keeps of one unit. A later entry with the same id replaces the earlier one whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnitEntry {
    /// The key; hierarchy's `uid`.
    pub id: Uuid,
    /// The unit above; `None` for the root alone.
    pub parent: Option<Uuid>,
    /// What the unit is: a number of `senani.hierarchy.v1.UnitKind`, which the tree compares and does not interpret.
    pub kind: i32,
    /// The readable name that never changes; unique.
    pub slug: String,
    /// Names by language (`hi`, `en`, …).
    pub names: BTreeMap<String, String>,
    /// The first day on which the unit is open, `YYYY-MM-DD`; `None` when it always was.
    pub open_date: Option<String>,
    /// The first day on which it is no longer open, `YYYY-MM-DD`; `None` while it is.
    pub close_date: Option<String>,
}
