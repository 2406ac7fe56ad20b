//! A member as the register knows them.

use std::collections::BTreeMap;

use senani_order::Rank;
use senani_vault::PhoneNumber;
use uuid::Uuid;

/// Where a member stands. The numbers are those of `senani.membership.v1.Member.State`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum MemberState {
    /// Counts and receives.
    Active = 1,
    /// Has left.
    Withdrawn = 2,
    /// Has applied and waits for an officer's verification.
    Pending = 3,
    /// Has applied and was refused.
    Rejected = 4,
    /// Receives nothing for a time; keeps the places in groups.
    Suspended = 5,
    /// Another record of the person stands for this one.
    Merged = 6,
    /// Their key is destroyed: an id and nothing else.
    Erased = 7,
}

impl MemberState {
    pub(crate) const ALL: [Self; 7] =
        [Self::Active, Self::Withdrawn, Self::Pending, Self::Rejected, Self::Suspended, Self::Merged, Self::Erased];

    pub(crate) fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|state| *state as i32 == number)
    }
}

/// What a member does in a group. The numbers are those of `senani.membership.v1.Enrolment.Role`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Role {
    Member = 1,
    Custodian = 2,
}

impl Role {
    pub(crate) fn from_number(number: i32) -> Option<Self> {
        [Self::Member, Self::Custodian].into_iter().find(|role| *role as i32 == number)
    }
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

/// A person's names by language (`hi`, `en`).
pub(crate) type Names = BTreeMap<String, String>;

/// A person in the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) id: Uuid,
    pub(crate) state: MemberState,
    /// Empty when the member is erased.
    pub(crate) names: Names,
    /// The present number; when there are several, the one added last.
    pub(crate) phone: Option<PhoneNumber>,
    pub(crate) unit_id: Uuid,
    pub(crate) category: String,
    pub(crate) rank: Option<Rank>,
    pub(crate) gender: String,
    pub(crate) language: String,
    pub(crate) consents: bool,
    pub(crate) enrolments: Vec<Enrolment>,
    /// Microseconds since the epoch.
    pub(crate) created_at: i64,
    /// Grows with each change.
    pub(crate) version: i64,
    /// The record that stands for this one.
    pub(crate) merged_into: Option<Uuid>,
    /// Who verified the member; empty before that.
    pub(crate) verified_by: String,
    /// Microseconds since the epoch; 0 before that.
    pub(crate) verified_at: i64,
}

/// An entry of the ledger, as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListedConsent {
    /// Under whom it is recorded.
    pub(crate) member: Uuid,
    /// Microseconds since the epoch.
    pub(crate) recorded_at: i64,
    pub(crate) given: bool,
    /// A number of the contract.
    pub(crate) purpose: i32,
    /// A number of the contract.
    pub(crate) channel: i32,
    /// May be empty.
    pub(crate) notice_version: String,
    pub(crate) language: String,
    pub(crate) recorded_by: String,
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
