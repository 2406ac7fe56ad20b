//! What a call about reports can fail with. Nothing of what was told is in it.

use senani_error::{Kind, Violation};
use senani_proto::bulletin::v1::ErrorReason;
use senani_vault::OpenError;
use uuid::Uuid;

use crate::domain::report::outcome::OutcomeFault;
use crate::domain::report::{ReportRefusal, ReportState};

/// Why a call about reports fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReportError {
    #[error("no such report")]
    NotFound(Option<Uuid>),
    #[error("the report's state does not allow this")]
    StateForbids(ReportState),
    #[error("what is told is not as documented")]
    Content { field: &'static str, what: &'static str },
    #[error("the content of the report was destroyed")]
    Erased,
    #[error("a report needs a category")]
    CategoryMissing,
    #[error("the due time must be in the future and within a year")]
    DueTime,
    #[error("the officer holds no post of the report's unit or of one above it")]
    AssigneeOutside(Uuid),
    #[error("the file is over {limit} bytes")]
    EvidenceTooLarge { limit: usize },
    #[error("the file is not as documented")]
    EvidenceInvalid { field: &'static str, what: &'static str },
    #[error("the entry holds no file that is here")]
    EvidenceNotFound(i64),
    #[error("a report cannot be merged into itself")]
    MergeWithItself,
    #[error("the outcomes are not as documented")]
    Outcome(OutcomeFault),
    #[error("the duration must be 0 to 30 days")]
    Duration,
    #[error("the verdict is not as documented")]
    Verdict { field: &'static str, what: &'static str },
    #[error("the structure is not known yet, try again")]
    StructureNotReady,
    #[error("what is sealed cannot be opened")]
    Sealed(#[from] OpenError),
}

impl From<ReportRefusal> for ReportError {
    fn from(refusal: ReportRefusal) -> Self {
        match refusal {
            ReportRefusal::State(state) => Self::StateForbids(state),
            ReportRefusal::Erased => Self::Erased,
        }
    }
}

impl ReportError {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::NotFound(_) | Self::EvidenceNotFound(_) => Kind::NotFound,
            Self::StateForbids(_) | Self::Erased | Self::AssigneeOutside(_) => Kind::FailedPrecondition,
            Self::Content { .. }
            | Self::CategoryMissing
            | Self::DueTime
            | Self::EvidenceTooLarge { .. }
            | Self::EvidenceInvalid { .. }
            | Self::MergeWithItself
            | Self::Outcome(_)
            | Self::Verdict { .. }
            | Self::Duration => Kind::InvalidArgument,
            Self::StructureNotReady => Kind::Unavailable,
            Self::Sealed(_) => Kind::Internal,
        }
    }

    pub(super) fn reason(&self) -> ErrorReason {
        match self {
            Self::NotFound(_) => ErrorReason::ReportNotFound,
            Self::StateForbids(_) => ErrorReason::ReportStateForbids,
            Self::Content { .. } => ErrorReason::ReportContentInvalid,
            Self::Erased => ErrorReason::ReportErased,
            Self::CategoryMissing => ErrorReason::CategoryMissing,
            Self::DueTime => ErrorReason::DueTimeInvalid,
            Self::AssigneeOutside(_) => ErrorReason::AssigneeOutside,
            Self::EvidenceTooLarge { .. } => ErrorReason::EvidenceTooLarge,
            Self::EvidenceInvalid { .. } => ErrorReason::EvidenceInvalid,
            Self::EvidenceNotFound(_) => ErrorReason::EvidenceNotFound,
            Self::MergeWithItself => ErrorReason::MergeWithItself,
            Self::Outcome(_) => ErrorReason::OutcomeInvalid,
            Self::Duration => ErrorReason::DurationInvalid,
            Self::Verdict { .. } => ErrorReason::VerdictInvalid,
            Self::StructureNotReady => ErrorReason::StructureNotReady,
            Self::Sealed(_) => ErrorReason::Internal,
        }
    }

    pub(super) fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::NotFound(Some(id)) => vec![("report", format!("reports/{id}"))],
            Self::StateForbids(state) => vec![("state", state.name().to_owned())],
            Self::AssigneeOutside(officer) => vec![("officer", format!("members/{officer}"))],
            Self::EvidenceTooLarge { limit } => vec![("limit", limit.to_string())],
            Self::EvidenceNotFound(sequence) => vec![("sequence", sequence.to_string())],
            _ => Vec::new(),
        }
    }

    pub(super) fn violations(&self) -> Vec<Violation> {
        let one = |field: &str, what: &str| vec![Violation::new(field, what)];
        match self {
            Self::Content { field, what } | Self::EvidenceInvalid { field, what } | Self::Verdict { field, what } => {
                one(field, what)
            }
            Self::CategoryMissing => one("category", "is needed"),
            Self::DueTime => one("due_time", "must be in the future and within a year"),
            Self::EvidenceTooLarge { limit } => {
                vec![Violation::new("content", format!("is over {limit} bytes"))]
            }
            Self::MergeWithItself => one("into", "is the report itself"),
            Self::Outcome(OutcomeFault::Count) => one("outcomes", "must be 1 to 10"),
            Self::Outcome(OutcomeFault::Quantity(at)) => {
                vec![Violation::new(format!("outcomes[{at}]"), "has a quantity, an item or a measure that is none")]
            }
            Self::Outcome(OutcomeFault::NotAlone(at)) => {
                vec![Violation::new(format!("outcomes[{at}]"), "must stand alone")]
            }
            Self::Duration => one("duration", "must be 0 to 30 days"),
            _ => Vec::new(),
        }
    }
}
