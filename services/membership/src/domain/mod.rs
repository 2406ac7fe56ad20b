//! The rules of the register, as plain types and pure functions.

use std::collections::BTreeMap;

use uuid::Uuid;

mod applicant;
mod csv;
mod formation;
mod group;
mod member;
mod order;
mod placement;
mod vocabulary;

pub(crate) use applicant::{Applicant, Register, read_applicant};
pub(crate) use csv::{COLUMNS, Row, RowFault, RowReader};
pub(crate) use formation::{Plan, PlannedGroup, plan};
pub(crate) use group::{Custodians, Group, GroupState};
pub(crate) use member::{ConsentRecord, Enrolment, Member, MemberState, Role};
pub(crate) use order::IssuedOrder;
pub(crate) use placement::{Refusal, UnitGroups};
pub use vocabulary::CATEGORIES;

/// Why a row of an import does not become a member. The numbers are those of `senani.membership.v1.RowRejection`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i32)]
pub(crate) enum Rejection {
    PhoneDuplicate = 1,
    PhoneInvalid = 2,
    UnitUnknown = 3,
    FormulaCell = 4,
    NameInvalid = 5,
    CategoryUnknown = 6,
    RankInvalid = 7,
    GenderInvalid = 8,
    LanguageInvalid = 9,
    RoleInvalid = 10,
    ConsentInvalid = 11,
    TextBroken = 12,
    ColumnsWrong = 13,
    RowTooLong = 14,
    NoGroup = 15,
    GroupFull = 16,
}

impl Rejection {
    pub(crate) const ALL: [Self; 16] = [
        Self::PhoneDuplicate,
        Self::PhoneInvalid,
        Self::UnitUnknown,
        Self::FormulaCell,
        Self::NameInvalid,
        Self::CategoryUnknown,
        Self::RankInvalid,
        Self::GenderInvalid,
        Self::LanguageInvalid,
        Self::RoleInvalid,
        Self::ConsentInvalid,
        Self::TextBroken,
        Self::ColumnsWrong,
        Self::RowTooLong,
        Self::NoGroup,
        Self::GroupFull,
    ];

    pub(crate) fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| *reason as i32 == number)
    }
}

/// A row that does not become a member: where it stands and why, and nothing of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RejectedRow {
    /// The first line of the row in the file; the header is line 1.
    pub(crate) line: u64,
    /// The column as in the header; empty when the whole row is wrong.
    pub(crate) column: &'static str,
    pub(crate) reason: Rejection,
}

/// An import: what of it is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Import {
    pub(crate) id: Uuid,
    /// Rows read, the header not counted; always `accepted_count` and `rejected_count` together.
    pub(crate) row_count: i64,
    pub(crate) accepted_count: i64,
    pub(crate) enrolment_count: i64,
    pub(crate) rejected_by_reason: BTreeMap<Rejection, i64>,
    /// Checksum of the file up to the last of these rows.
    pub(crate) digest: [u8; 32],
    /// Whether the whole file is in.
    pub(crate) complete: bool,
    /// Microseconds since the epoch.
    pub(crate) created_at: i64,
}

impl Import {
    /// An import of which nothing is durable yet.
    pub(crate) fn new(id: Uuid, created_at: i64) -> Self {
        Self {
            id,
            row_count: 0,
            accepted_count: 0,
            enrolment_count: 0,
            rejected_by_reason: BTreeMap::new(),
            digest: [0; 32],
            complete: false,
            created_at,
        }
    }

    pub(crate) fn rejected_count(&self) -> i64 {
        self.rejected_by_reason.values().sum()
    }
}
