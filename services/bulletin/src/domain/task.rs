//! Posting tasks.

use uuid::Uuid;

use super::Micros;

/// Where a task stands. The numbers are those of `senani.bulletin.v1.Task.State`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TaskState {
    Open = 1,
    Orphaned = 2,
}

impl TaskState {
    pub(crate) fn code(self) -> i32 {
        self as i32
    }

    pub(crate) fn from_code(code: i32) -> Option<Self> {
        [Self::Open, Self::Orphaned].into_iter().find(|state| state.code() == code)
    }

    /// A task is open when somebody can do it.
    pub(crate) fn with_custodian(custodian: Option<Uuid>) -> Self {
        if custodian.is_some() { Self::Open } else { Self::Orphaned }
    }
}

/// "Post this bulletin in this group."
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) id: Uuid,
    pub(crate) bulletin: Uuid,
    /// Slug of the group.
    pub(crate) group: String,
    pub(crate) unit: Uuid,
    pub(crate) custodian: Option<Uuid>,
    pub(crate) state: TaskState,
    pub(crate) created_at: Micros,
}
