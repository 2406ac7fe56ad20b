//! Why something does not happen to a group: the part of the errors that the life of a group has.

use senani_error::{Kind, Violation};
use senani_proto::membership::v1::ErrorReason;
use uuid::Uuid;

use crate::convert;
use crate::domain::{NotNow, Obstacle};

/// Why something does not happen to a group. Ids, codes and counts only.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GroupRefused {
    #[error("the unit has such a group in use: groups/{group}")]
    Exists { group: String },
    #[error("no order in force speaks of such a group at units/{unit}")]
    NotAllowed { unit: String },
    #[error("units/{unit} is closed")]
    UnitClosed { unit: String },
    #[error("groups/{group} is closed")]
    Closed { group: String },
    #[error("the group has {enrolled_count} members and is split from {split_at} on")]
    SplitNotDue { enrolled_count: i32, split_at: u32 },
    #[error("the group cannot be split so: {}", obstacle_word(.0))]
    SplitImpossible(Obstacle),
    #[error("a second officer is enrolled in groups/{group}: a backup is needed")]
    BackupNeeded { group: String },
    #[error("the member is not enrolled in groups/{group}")]
    NotEnrolled { member: Uuid, group: String },
    #[error("{incident} {}", match .why {
        NotNow::Closed => "is closed",
        NotNow::NotActedOn => "cannot be upheld before something was done",
    })]
    Incident { incident: String, why: NotNow },
}

impl GroupRefused {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Exists { .. } => Kind::AlreadyExists,
            Self::BackupNeeded { .. } => Kind::InvalidArgument,
            Self::NotAllowed { .. }
            | Self::UnitClosed { .. }
            | Self::Closed { .. }
            | Self::SplitNotDue { .. }
            | Self::SplitImpossible(_)
            | Self::Incident { .. } => Kind::FailedPrecondition,
            Self::NotEnrolled { .. } => Kind::NotFound,
        }
    }

    pub(crate) fn reason(&self) -> ErrorReason {
        match self {
            Self::Exists { .. } => ErrorReason::GroupExists,
            Self::NotAllowed { .. } => ErrorReason::GroupNotAllowed,
            Self::UnitClosed { .. } => ErrorReason::UnitClosed,
            Self::Closed { .. } => ErrorReason::GroupClosed,
            Self::SplitNotDue { .. } => ErrorReason::SplitNotDue,
            Self::SplitImpossible(_) => ErrorReason::SplitImpossible,
            Self::BackupNeeded { .. } => ErrorReason::BackupNeeded,
            Self::NotEnrolled { .. } => ErrorReason::EnrolmentNotFound,
            Self::Incident { why: NotNow::Closed, .. } => ErrorReason::IncidentClosed,
            Self::Incident { why: NotNow::NotActedOn, .. } => ErrorReason::IncidentNotActedOn,
        }
    }

    pub(crate) fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Exists { group } | Self::Closed { group } | Self::BackupNeeded { group } => {
                vec![("group", format!("groups/{group}"))]
            }
            Self::NotEnrolled { member, group } => {
                vec![("member", convert::member_name(*member)), ("group", format!("groups/{group}"))]
            }
            Self::Incident { incident, .. } => vec![("incident", incident.clone())],
            Self::NotAllowed { unit } | Self::UnitClosed { unit } => vec![("unit", format!("units/{unit}"))],
            Self::SplitNotDue { enrolled_count, split_at } => {
                vec![("enrolled_count", enrolled_count.to_string()), ("split_at", split_at.to_string())]
            }
            Self::SplitImpossible(obstacle) => {
                let (found, bound) = obstacle.numbers();
                vec![
                    ("obstacle", obstacle_word(obstacle).to_owned()),
                    ("found", found.to_string()),
                    ("bound", bound.to_string()),
                ]
            }
        }
    }

    pub(crate) fn violations(&self) -> Vec<Violation> {
        match self {
            Self::BackupNeeded { .. } => vec![Violation::new("backup_custodians", "name at least one")],
            _ => Vec::new(),
        }
    }
}

/// As in `SplitObstacle.Kind`, without the prefix.
fn obstacle_word(obstacle: &Obstacle) -> &'static str {
    match obstacle {
        Obstacle::TooFewMembers { .. } => "TOO_FEW_MEMBERS",
        Obstacle::TooManyMembers { .. } => "TOO_MANY_MEMBERS",
        Obstacle::HouseholdTooBig { .. } => "HOUSEHOLD_TOO_BIG",
        Obstacle::HouseholdsDoNotFit { .. } => "HOUSEHOLDS_DO_NOT_FIT",
    }
}
