//! A chat group as the register knows it.

use std::collections::BTreeMap;

use senani_order::Slot;
use uuid::Uuid;

use super::group_slug;

/// Whether a group lives. The numbers are those of `senani.membership.v1.Group.State`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum GroupState {
    Active = 1,
    Closed = 2,
}

impl GroupState {
    pub(crate) fn from_number(number: i32) -> Option<Self> {
        [Self::Active, Self::Closed].into_iter().find(|state| *state as i32 == number)
    }
}

/// Who administers a group in the chat application.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Custodians {
    /// `None`: the group is an orphan.
    pub(crate) primary: Option<Uuid>,
    pub(crate) backups: Vec<Uuid>,
}

impl Custodians {
    /// The primary first.
    pub(crate) fn all(&self) -> impl Iterator<Item = Uuid> {
        self.primary.into_iter().chain(self.backups.iter().copied())
    }

    /// Takes an officer where nobody is: as the primary, then as the one backup that every group needs. Whether there was room.
    pub(crate) fn take(&mut self, officer: Uuid) -> bool {
        if self.primary.is_none() {
            self.primary = Some(officer);
            true
        } else if self.backups.is_empty() {
            self.backups.push(officer);
            true
        } else {
            false
        }
    }
}

/// A chat group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) id: Uuid,
    pub(crate) slug: String,
    pub(crate) unit_id: Uuid,
    pub(crate) unit_slug: String,
    pub(crate) slot: Slot,
    /// Which of the unit's groups in this slot: the first is 1.
    pub(crate) part: i32,
    pub(crate) state: GroupState,
    /// Names by language.
    pub(crate) names: BTreeMap<String, String>,
    /// Slug of the order that demanded it; empty for none.
    pub(crate) order: String,
    pub(crate) custodians: Custodians,
    /// Present enrolments.
    pub(crate) enrolled_count: i32,
    /// Grows with every change, of the size too.
    pub(crate) version: i64,
    /// Microseconds since the epoch.
    pub(crate) created_at: i64,
}

impl Group {
    /// The group that becomes part `part` of the same slot: as new, without members and custodians.
    pub(crate) fn another_part(&self, part: i32, id: Uuid, created_at: i64) -> Self {
        let own_ending = format!(" ({})", self.part);
        let name = |name: &String| format!("{} ({part})", name.strip_suffix(&own_ending).unwrap_or(name));
        Self {
            id,
            slug: group_slug(&self.unit_slug, self.slot, part),
            unit_id: self.unit_id,
            unit_slug: self.unit_slug.clone(),
            slot: self.slot,
            part,
            state: GroupState::Active,
            names: self.names.iter().map(|(language, text)| (language.clone(), name(text))).collect(),
            order: self.order.clone(),
            custodians: Custodians::default(),
            enrolled_count: 0,
            version: 1,
            created_at,
        }
    }
}
