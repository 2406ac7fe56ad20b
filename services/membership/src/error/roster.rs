//! Why a chat group is not compared with the register, or a difference not applied: the part of the errors that rosters have.

use senani_error::{Kind, Violation};
use senani_proto::membership::v1::{ErrorReason, roster_difference};
use senani_proto::name::ReconciliationName;

use crate::domain::roster::{MAX_PRESENT, Obstacle};

/// Why a chat group is not compared with the register, or a difference not applied. Ids and codes only.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RosterRefusal {
    #[error("no such reconciliation: {0}")]
    NotFound(ReconciliationName),
    #[error("what was compared has changed since: {0}")]
    Outdated(ReconciliationName),
    #[error("the difference {place} cannot be applied: {}", obstacle_word(*.obstacle))]
    Hindered { place: i32, obstacle: Obstacle },
    #[error("the selection would leave groups/{0} without a custodian")]
    SoleCustodian(String),
    #[error("the selection does not fit into groups/{0}")]
    GroupFull(String),
    #[error("groups/{0} is closed")]
    GroupClosed(String),
    #[error(transparent)]
    Unreadable(senani_roster::RosterError),
    #[error("the file names more than {MAX_PRESENT} participants who are in the group")]
    TooManyPresent,
}

impl RosterRefusal {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::NotFound(_) => Kind::NotFound,
            Self::Outdated(_) => Kind::Aborted,
            Self::Hindered { .. } | Self::SoleCustodian(_) | Self::GroupFull(_) | Self::GroupClosed(_) => {
                Kind::FailedPrecondition
            }
            Self::Unreadable(_) | Self::TooManyPresent => Kind::InvalidArgument,
        }
    }

    pub(crate) fn reason(&self) -> ErrorReason {
        use senani_roster::RosterError;
        match self {
            Self::NotFound(_) => ErrorReason::ReconciliationNotFound,
            Self::Outdated(_) => ErrorReason::ReconciliationOutdated,
            Self::Hindered { .. } => ErrorReason::DifferenceHindered,
            Self::SoleCustodian(_) => ErrorReason::SoleCustodian,
            Self::GroupFull(_) => ErrorReason::GroupFull,
            Self::GroupClosed(_) => ErrorReason::GroupClosed,
            Self::Unreadable(RosterError::TooLarge | RosterError::TooMany | RosterError::RowTooLong { .. })
            | Self::TooManyPresent => ErrorReason::RosterTooLarge,
            Self::Unreadable(_) => ErrorReason::RosterUnreadable,
        }
    }

    pub(crate) fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::NotFound(name) | Self::Outdated(name) => vec![("reconciliation", name.to_string())],
            Self::Hindered { place, obstacle } => {
                vec![("difference", place.to_string()), ("obstacle", obstacle_word(*obstacle))]
            }
            Self::SoleCustodian(group) => vec![("groups", format!("groups/{group}"))],
            Self::GroupFull(group) | Self::GroupClosed(group) => vec![("group", format!("groups/{group}"))],
            Self::Unreadable(_) | Self::TooManyPresent => Vec::new(),
        }
    }

    pub(crate) fn violations(&self) -> Vec<Violation> {
        match self {
            Self::Unreadable(_) | Self::TooManyPresent => vec![Violation::new("content", self.to_string())],
            _ => Vec::new(),
        }
    }
}

/// An obstacle in the contract's words.
fn obstacle_word(obstacle: Obstacle) -> String {
    let name = roster_difference::Obstacle::try_from(obstacle as i32).map_or("", |obstacle| obstacle.as_str_name());
    name.trim_start_matches("OBSTACLE_").to_owned()
}
