//! A comparison as it is kept and shown.

use senani_vault::PhoneNumber;
use uuid::Uuid;

use super::{DifferenceKind, Evidence, Format, Obstacle};
use crate::domain::{Names, Role};

/// A comparison of a chat group with the register.
#[derive(Debug, Clone)]
pub(crate) struct Reconciliation {
    pub(crate) id: Uuid,
    pub(crate) group_slug: String,
    pub(crate) format: Format,
    /// BCP 47, empty when nothing in the file tells.
    pub(crate) language: String,
    pub(crate) in_both_count: i32,
    pub(crate) stranger_count: i32,
    pub(crate) unnumbered_count: i32,
    pub(crate) foreign_count: i32,
    pub(crate) complete: bool,
    /// Grows when differences are applied.
    pub(crate) version: i64,
    /// Microseconds since the epoch.
    pub(crate) created_at: i64,
    /// Microseconds since the epoch.
    pub(crate) expires_at: i64,
    /// In the order of their places.
    pub(crate) differences: Vec<RecordedDifference>,
    /// Numbers in the chat that no member has: while the file is at hand, and not kept.
    pub(crate) strangers: Vec<PhoneNumber>,
}

/// A difference, with what is shown of the member.
#[derive(Debug, Clone)]
pub(crate) struct RecordedDifference {
    /// Its number within the comparison, from 1.
    pub(crate) place: i32,
    pub(crate) kind: DifferenceKind,
    pub(crate) member: Uuid,
    pub(crate) names: Names,
    pub(crate) phone: Option<PhoneNumber>,
    pub(crate) new_phone: Option<PhoneNumber>,
    pub(crate) role: Option<Role>,
    pub(crate) applied_role: Option<Role>,
    pub(crate) evidence: Option<Evidence>,
    pub(crate) obstacle: Option<Obstacle>,
    /// Microseconds since the epoch, 0 when not applied.
    pub(crate) applied_at: i64,
}

/// Somebody who is enrolled in a group.
#[derive(Debug, Clone)]
pub(crate) struct RosterLine {
    pub(crate) member: Uuid,
    /// A number of [`Role`].
    pub(crate) role: i32,
    /// Microseconds since the epoch.
    pub(crate) started_at: i64,
    pub(crate) names: Names,
    pub(crate) phone: Option<PhoneNumber>,
}
