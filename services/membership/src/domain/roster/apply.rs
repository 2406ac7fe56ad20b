//! What the register becomes when differences are applied.

use uuid::Uuid;

use super::{Difference, DifferenceKind};
use crate::domain::{Custodians, Role};

/// A change of the register, for one member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Comes into the group in this role.
    Enrol(Uuid, Role),
    /// Is no longer enrolled.
    End(Uuid),
    /// Has this role now.
    SetRole(Uuid, Role),
}

/// What becomes of the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) custodians: Custodians,
    pub(crate) enrolled_count: i32,
    /// In the order of the differences; changes of numbers are not among them.
    pub(crate) changes: Vec<Change>,
}

/// Why a selection cannot be applied as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ApplyError {
    /// The group had a custodian and would have none.
    SoleCustodian,
    /// The group would hold more than it can.
    GroupFull,
}

/// Applies a selection of differences, none of which has an obstacle, to a group.
pub(crate) fn apply(
    selected: &[Difference],
    custodians: &Custodians,
    enrolled_count: i32,
    ceiling: i32,
) -> Result<Applied, ApplyError> {
    let mut applied = Applied { custodians: custodians.clone(), enrolled_count, changes: Vec::new() };
    for difference in selected {
        let member = difference.member;
        let change = match (difference.kind, difference.applied_role) {
            (DifferenceKind::OnlyInChat, Some(role)) => {
                applied.enrolled_count += 1;
                Change::Enrol(member, role)
            }
            (DifferenceKind::OnlyInRegister, _) => {
                applied.enrolled_count -= 1;
                Change::End(member)
            }
            (DifferenceKind::RoleDiffers, Some(role)) => Change::SetRole(member, role),
            _ => continue,
        };
        match change {
            Change::Enrol(_, Role::Custodian) | Change::SetRole(_, Role::Custodian) => applied.custodians.add(member),
            Change::End(_) | Change::SetRole(_, Role::Member) => applied.custodians.remove(member),
            Change::Enrol(_, Role::Member) => {}
        }
        applied.changes.push(change);
    }
    if custodians.primary.is_some() && applied.custodians.primary.is_none() {
        return Err(ApplyError::SoleCustodian);
    }
    if applied.enrolled_count > ceiling && applied.enrolled_count > enrolled_count {
        return Err(ApplyError::GroupFull);
    }
    Ok(applied)
}

impl Custodians {
    /// Adds an officer: as the primary where there is none, else as a backup.
    fn add(&mut self, officer: Uuid) {
        if self.all().any(|custodian| custodian == officer) {
            return;
        }
        if self.primary.is_none() {
            self.primary = Some(officer);
        } else {
            self.backups.push(officer);
        }
    }

    /// Takes an officer out; the first backup follows a primary.
    fn remove(&mut self, officer: Uuid) {
        self.backups.retain(|backup| *backup != officer);
        if self.primary == Some(officer) {
            self.primary = if self.backups.is_empty() { None } else { Some(self.backups.remove(0)) };
        }
    }
}
