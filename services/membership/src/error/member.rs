//! Why something does not happen to a member: the part of the errors that the life of a member has.

use senani_error::{Kind, Violation};
use senani_proto::membership::v1::ErrorReason;
use uuid::Uuid;

use super::LISTED;
use crate::convert;
use crate::domain::MemberState;

/// Why something does not happen to a member. Ids and codes only.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("where the member stands does not allow it: {}", .state.word())]
    State { member: Uuid, state: MemberState },
    #[error("only an officer who holds an appointment at {unit} or above it, and is not the applicant, may decide")]
    NotOfficerOfUnit { unit: String },
    #[error("groups would be left without a custodian: {}", .groups.join(", "))]
    SoleCustodian { groups: Vec<String> },
    #[error("the phone number belongs to somebody already")]
    PhoneDuplicate,
    #[error("the identifier belongs to somebody already")]
    IdentifierTaken,
    #[error("the member has no present identifier of this kind")]
    NoIdentifier { member: Uuid },
    #[error("groups/{group} is not for this member")]
    GroupNotForMember { group: String },
    #[error("groups/{group} holds as many as it can")]
    GroupFull { group: String },
    #[error("the member is not enrolled in groups/{group}")]
    NotEnrolled { member: Uuid, group: String },
}

impl Refused {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::NotOfficerOfUnit { .. } => Kind::PermissionDenied,
            Self::PhoneDuplicate | Self::IdentifierTaken => Kind::AlreadyExists,
            Self::NoIdentifier { .. } | Self::NotEnrolled { .. } => Kind::NotFound,
            Self::State { .. }
            | Self::SoleCustodian { .. }
            | Self::GroupNotForMember { .. }
            | Self::GroupFull { .. } => Kind::FailedPrecondition,
        }
    }

    pub(crate) fn reason(&self) -> ErrorReason {
        match self {
            Self::State { .. } => ErrorReason::MemberStateForbids,
            Self::NotOfficerOfUnit { .. } => ErrorReason::NotAnOfficerOfUnit,
            Self::SoleCustodian { .. } => ErrorReason::SoleCustodian,
            Self::PhoneDuplicate => ErrorReason::PhoneDuplicate,
            Self::IdentifierTaken => ErrorReason::IdentifierTaken,
            Self::NoIdentifier { .. } => ErrorReason::IdentifierNotFound,
            Self::GroupNotForMember { .. } => ErrorReason::GroupNotForMember,
            Self::GroupFull { .. } => ErrorReason::GroupFull,
            Self::NotEnrolled { .. } => ErrorReason::EnrolmentNotFound,
        }
    }

    pub(crate) fn metadata(&self) -> Vec<(&'static str, String)> {
        let group = |slug: &str| ("group", format!("groups/{slug}"));
        match self {
            Self::State { member, state } => {
                vec![("member", convert::member_name(*member)), ("state", state.word().to_owned())]
            }
            Self::NotOfficerOfUnit { unit } => vec![("unit", unit.clone())],
            Self::SoleCustodian { groups } => {
                let names: Vec<String> = groups.iter().map(|slug| format!("groups/{slug}")).collect();
                vec![("groups", names.join(","))]
            }
            Self::PhoneDuplicate | Self::IdentifierTaken => Vec::new(),
            Self::NoIdentifier { member } => vec![("member", convert::member_name(*member))],
            Self::GroupNotForMember { group: slug } | Self::GroupFull { group: slug } => vec![group(slug)],
            Self::NotEnrolled { member, group: slug } => {
                vec![("member", convert::member_name(*member)), group(slug)]
            }
        }
    }

    pub(crate) fn violations(&self) -> Vec<Violation> {
        match self {
            Self::PhoneDuplicate => vec![Violation::new("phone", "belongs to somebody already")],
            Self::IdentifierTaken => vec![Violation::new("value", "belongs to somebody already")],
            Self::SoleCustodian { groups } => {
                let what = "has no other custodian: name one first";
                groups.iter().take(LISTED).map(|slug| Violation::new(convert::group_name(slug), what)).collect()
            }
            _ => Vec::new(),
        }
    }
}
