//! A transfer of an officer, and what they leave behind.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Post;

/// Where a transfer stands; the numbers are those of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum TransferState {
    /// Waits.
    Pending = 1,
    /// The officer is in the new post.
    Completed = 2,
    /// Given up.
    Cancelled = 3,
}

impl TransferState {
    /// The state with this number of the contract.
    pub fn from_number(number: i32) -> Option<Self> {
        [Self::Pending, Self::Completed, Self::Cancelled].into_iter().find(|state| *state as i32 == number)
    }
}

/// Names of what an officer holds, the first of them, and how many there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Resource names.
    pub names: Vec<String>,
    /// Of all, also of those that are not named.
    pub count: i32,
}

/// What an officer holds that nobody else does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftBehind {
    /// Groups without another custodian.
    pub groups: Held,
    /// Open tasks.
    pub tasks: Held,
    /// Reports under way.
    pub reports: Held,
}

impl LeftBehind {
    /// Whether there is nothing to hand over.
    pub fn is_nothing(&self) -> bool {
        [&self.groups, &self.tasks, &self.reports].iter().all(|held| held.count == 0 && held.names.is_empty())
    }
}

/// A transfer of an officer from one post to another. Times in microseconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// The key.
    pub id: Uuid,
    /// The appointment that ends.
    pub appointment: Uuid,
    /// Who.
    pub officer: Uuid,
    /// To which unit.
    pub unit: Uuid,
    /// The unit's readable key.
    pub unit_slug: String,
    /// To which post.
    pub post: Post,
    /// The day from which it holds; while it is pending the earliest.
    pub effective_date: String,
    /// Where it stands.
    pub state: TransferState,
    /// When last asked; `None` when it is not known.
    pub left_behind: Option<LeftBehind>,
    /// The appointment that began.
    pub new_appointment: Option<Uuid>,
    /// Why it was completed whatever was left behind.
    pub force_reason: String,
    /// Who forced it.
    pub forced_by: String,
    /// Who began it.
    pub begun_by: String,
    /// Counts the changes of the record.
    pub version: i64,
    /// When it was begun.
    pub created_at: i64,
    /// When the record last changed.
    pub updated_at: i64,
    /// When it was completed or cancelled; 0 while it is pending.
    pub ended_at: i64,
}
