//! What happened to a member: codes and ids, never a value.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What happened. The numbers are those of `senani.membership.v1.MemberAct` and of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum HappenedAct {
    Applied = 1,
    Verified = 2,
    Rejected = 3,
    Updated = 4,
    IdentifierAdded = 5,
    IdentifierEnded = 6,
    Enrolled = 7,
    EnrolmentEnded = 8,
    Transferred = 9,
    Suspended = 10,
    Reinstated = 11,
    Withdrawn = 12,
    MergedWith = 13,
    MergedInto = 14,
    Imported = 15,
}

/// What marks one happening from another of its kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Mark {
    /// A number of the contract, as the act says; 0 for none.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) code: i32,
    /// Names of fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) fields: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from_unit: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) to_unit: Option<Uuid>,
    /// Slugs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) left: Vec<String>,
    /// Slugs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) joined: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) other: Option<Uuid>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(code: &i32) -> bool {
    *code == 0
}

/// An entry of a member's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Happening {
    /// Under whom it is recorded.
    pub(crate) member: Uuid,
    /// Microseconds since the epoch.
    pub(crate) at: i64,
    /// A number of [`HappenedAct`].
    pub(crate) act: i32,
    /// Who did it.
    pub(crate) subject: String,
    pub(crate) mark: Mark,
    /// What an officer noted; empty when nothing, and after an erasure.
    pub(crate) note: String,
}
