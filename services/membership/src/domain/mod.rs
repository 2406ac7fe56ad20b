//! The rules of the register, as plain types and pure functions.

use std::collections::BTreeMap;

use uuid::Uuid;

mod applicant;
mod audience;
mod csv;
mod erasure;
mod formation;
mod group;
mod history;
mod identifier;
mod incident;
mod lifecycle;
mod member;
mod notice;
mod order;
mod placement;
mod places;
mod preview;
mod privacy;
mod profile;
pub(crate) mod roster;
mod shortage;
mod spelling;
mod split;
mod vocabulary;

pub(crate) use applicant::{Applicant, Register, read_applicant};
pub(crate) use audience::{AudienceCount, AudienceGroup, AudienceGroups, PersonFilter, Standing};
pub(crate) use csv::{COLUMNS, REQUIRED_COLUMNS, Row, RowFault, RowReader};
pub(crate) use erasure::{Erasure, ErasureReason, is_reference, without};
pub(crate) use formation::{
    Existing, Plan, PlannedGroup, may_have_without_order, names as group_names, plan, slug as group_slug,
};
pub(crate) use group::{Custodians, Group, GroupState};
pub(crate) use history::{HappenedAct, Happening, Mark};
pub(crate) use identifier::{IdentifierKind, household_spelling};
pub(crate) use incident::{
    ActionKind, Happened, Incident, IncidentAction, IncidentKind, IncidentState, NotNow, Note, Outcome, Repeated,
    repeated,
};
pub(crate) use lifecycle::Act;
pub(crate) use member::{ConsentRecord, Enrolment, ListedConsent, Member, MemberState, Names, Role};
pub(crate) use notice::{Notice, NoticeFault, Purpose};
pub(crate) use order::IssuedOrder;
pub(crate) use placement::{NewParts, Placements, Refusal, Seat, UnitGroups};
pub(crate) use places::{Moves, NoEntry, Places, Stay};
pub(crate) use preview::{
    HeldSlot, HeldSlots, PreviewFigures, PreviewPart, PreviewedGroup, Rules as PreviewRules, preview,
};
pub(crate) use privacy::{AuditAction, AuditEntry, DisclosureReason, Identifier, PersonExport, RecordedEnrolment};
pub(crate) use profile::{Profile, ProfileFault, ProfileWords};
pub(crate) use shortage::{Measure, ShortGroup, shortages};
pub(crate) use spelling::{ListedIdentifier, normalised};
pub(crate) use split::{Candidate, Obstacle, SplitPart, SplitTerms, split, split_fingerprint};
pub use vocabulary::CATEGORIES;
pub(crate) use vocabulary::POLICE;
pub(crate) use vocabulary::{Gender, LANGUAGES};

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
    HouseholdInvalid = 17,
}

impl Rejection {
    pub(crate) const ALL: [Self; 17] = [
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
        Self::HouseholdInvalid,
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
