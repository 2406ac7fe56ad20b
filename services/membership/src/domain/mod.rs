//! The rules of the register, as plain types and pure functions.

mod applicant;
mod csv;
mod formation;
mod group;
mod member;
mod placement;
mod vocabulary;

pub(crate) use applicant::{Applicant, Register, read_applicant};
pub(crate) use csv::{COLUMNS, Row, RowFault, RowReader};
pub(crate) use formation::{Plan, PlannedGroup, plan};
pub(crate) use group::{Custodians, Group, GroupState};
pub(crate) use member::{ConsentRecord, Enrolment, Member, MemberState, Role};
pub(crate) use placement::{Refusal, Seat, UnitGroups};
pub use vocabulary::CATEGORIES;
pub(crate) use vocabulary::Gender;

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

/// A row that does not become a member: where it stands and why, and nothing of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RejectedRow {
    /// The first line of the row in the file; the header is line 1.
    pub(crate) line: u64,
    /// The column as in the header; empty when the whole row is wrong.
    pub(crate) column: &'static str,
    pub(crate) reason: Rejection,
}
