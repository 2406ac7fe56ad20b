//! A member as the register knows them.

use senani_order::Rank;
use senani_vault::PhoneNumber;
use uuid::Uuid;

/// Where a member stands. The numbers are those of `senani.membership.v1.Member.State`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum MemberState {
    Active = 1,
    Withdrawn = 2,
}

impl MemberState {
    pub(crate) fn from_number(number: i32) -> Option<Self> {
        [Self::Active, Self::Withdrawn].into_iter().find(|state| *state as i32 == number)
    }
}

/// What a member does in a group. The numbers are those of `senani.membership.v1.Enrolment.Role`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Role {
    Member = 1,
    Custodian = 2,
}

/// A member's present place in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Enrolment {
    pub(crate) group_slug: String,
    /// A number of [`Role`].
    pub(crate) role: i32,
    /// Microseconds since the epoch.
    pub(crate) started_at: i64,
}

/// A person in the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) id: Uuid,
    pub(crate) state: MemberState,
    pub(crate) name_hi: String,
    /// Empty when not given.
    pub(crate) name_en: String,
    pub(crate) phone: PhoneNumber,
    pub(crate) unit_id: Uuid,
    pub(crate) category: String,
    pub(crate) rank: Option<Rank>,
    pub(crate) gender: String,
    pub(crate) language: String,
    pub(crate) consents: bool,
    pub(crate) enrolments: Vec<Enrolment>,
    /// Microseconds since the epoch.
    pub(crate) created_at: i64,
}

/// A consent that was given or withdrawn; only ever added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConsentRecord<'r> {
    /// True: given. False: withdrawn.
    pub(crate) consents: bool,
    /// The notice that was shown; may be empty.
    pub(crate) notice_version: &'r str,
    /// Who recorded it.
    pub(crate) recorded_by: &'r str,
}
