//! What can go wrong, mapped once.

use sea_orm::DbErr;
use senani_error::{Kind, ServiceError, Violation};
use senani_proto::hierarchy::v1::ErrorReason;
use senani_store::PageError;
use tonic::Status;

use crate::domain;

/// Rows that an answer lists at most.
const LISTED: usize = 100;

/// An error of hierarchy.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no such unit: {0}")]
    UnitNotFound(String),
    #[error("a request must name its fields right: {}", .0.iter().map(|wrong| wrong.violation.description.as_str()).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Wrong>),
    #[error("another unit has the slug of {0}")]
    SlugTaken(String),
    #[error("another unit has this code of {0}")]
    CodeTaken(String),
    #[error("another request has used this request id")]
    RequestIdReused,
    #[error("no unit has this code of {0}")]
    CodeNotFound(String),
    #[error("no such set of units: {0}")]
    UnitSetNotFound(String),
    #[error("another set of units has the slug of {0}")]
    UnitSetExists(String),
    #[error("{0} has changed since it was read")]
    EtagMismatch(String),
    #[error("the change is not possible as the structure is: {}", .0.violation.description)]
    Refused(Box<Wrong>),
    /// Any other refusal with a listed reason.
    #[error("{}", .1.violation.description)]
    Listed(Kind, Box<Wrong>),
    /// A service that knows what an officer holds is not configured, or does not answer.
    #[error("{0} cannot say what the officer holds")]
    LeftBehindUnknown(&'static str, #[source] Option<Box<Status>>),
    #[error("the database failed")]
    Database(#[from] DbErr),
    #[error("the stream from the caller broke")]
    Stream(#[source] Box<Status>),
    #[error("the file of units cannot be written")]
    Csv(#[from] csv::Error),
    #[error("an answer in the request log cannot be read")]
    RequestLog(#[from] prost::DecodeError),
}

/// One field that is wrong, with its listed reason.
#[derive(Debug, Clone)]
pub(crate) struct Wrong {
    pub(crate) reason: ErrorReason,
    pub(crate) violation: Violation,
    pub(crate) metadata: Vec<(&'static str, String)>,
}

impl Wrong {
    pub(crate) fn new(reason: ErrorReason, field: impl Into<String>, description: impl Into<String>) -> Self {
        Self { reason, violation: Violation::new(field, description), metadata: Vec::new() }
    }

    pub(crate) fn with(mut self, key: &'static str, value: impl ToString) -> Self {
        self.metadata.push((key, value.to_string()));
        self
    }
}

impl Error {
    /// A refusal about something that is not a field of the request.
    pub(crate) fn listed(
        kind: Kind,
        reason: ErrorReason,
        what: impl Into<String>,
        about: &[(&'static str, &str)],
    ) -> Self {
        let wrong = Wrong::new(reason, "", what);
        Self::Listed(kind, Box::new(about.iter().fold(wrong, |wrong, (key, value)| wrong.with(key, value))))
    }

    pub(crate) fn invalid(reason: ErrorReason, field: impl Into<String>, description: impl Into<String>) -> Self {
        Self::Invalid(vec![Wrong::new(reason, field, description)])
    }

    /// A unit would be open under one that is closed or not on record on `date`.
    pub(crate) fn parent_closed(parent: &str, date: &str) -> Self {
        let what = format!("the unit above is closed or not on record on {date}");
        let wrong = Wrong::new(ErrorReason::ParentClosed, "parent", what);
        Self::Refused(Box::new(wrong.with("parent", format!("units/{parent}")).with("date", date)))
    }

    /// Of a draft that is wrong by itself; `path` says where a field of the draft stands in the request.
    pub(crate) fn of_problem(problem: domain::Problem, path: &dyn Fn(&str) -> String) -> Wrong {
        match problem {
            domain::Problem::Slug => Wrong::new(
                ErrorReason::SlugInvalid,
                path("slug"),
                "a slug has 3 to 63 characters of a–z, 0–9 and single hyphens",
            ),
            domain::Problem::NameMissingInHindi => {
                Wrong::new(ErrorReason::NameMissingInHindi, path("name_hi"), "a unit needs a name in Hindi")
            }
            domain::Problem::DisplayName => Wrong::new(
                ErrorReason::DisplayNameInvalid,
                path("name"),
                "a name has 1 to 200 characters, no space at an end, and a language code as its key",
            ),
            domain::Problem::Code => Wrong::new(
                ErrorReason::CodeInvalid,
                path("codes"),
                "a code and its system are not empty and have no space at an end, control character or `;`, a system no `:`",
            ),
            domain::Problem::Date => {
                Wrong::new(ErrorReason::DateInvalid, path("opened_on"), "a date is a day as YYYY-MM-DD")
            }
        }
    }
}

impl From<PageError> for Error {
    fn from(error: PageError) -> Self {
        match error {
            PageError::Size => Self::invalid(ErrorReason::PageSizeInvalid, "page_size", error.to_string()),
            PageError::Token => Self::invalid(ErrorReason::PageTokenInvalid, "page_token", error.to_string()),
        }
    }
}

impl ServiceError for Error {
    const DOMAIN: &'static str = "hierarchy.senani.dev";

    fn kind(&self) -> Kind {
        match self {
            Self::UnitNotFound(_) | Self::CodeNotFound(_) | Self::UnitSetNotFound(_) => Kind::NotFound,
            Self::Invalid(_) | Self::RequestIdReused => Kind::InvalidArgument,
            Self::SlugTaken(_) | Self::CodeTaken(_) | Self::UnitSetExists(_) => Kind::AlreadyExists,
            Self::Refused(_) => Kind::FailedPrecondition,
            Self::Stream(_) | Self::EtagMismatch(_) => Kind::Aborted,
            Self::Listed(kind, _) => *kind,
            Self::LeftBehindUnknown(..) => Kind::Unavailable,
            Self::Database(_) | Self::RequestLog(_) | Self::Csv(_) => Kind::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::UnitNotFound(_) => ErrorReason::UnitNotFound,
            Self::Invalid(wrong) => wrong.first().map_or(ErrorReason::Internal, |wrong| wrong.reason),
            Self::SlugTaken(_) => ErrorReason::SlugTaken,
            Self::CodeTaken(_) => ErrorReason::CodeTaken,
            Self::RequestIdReused => ErrorReason::RequestIdReused,
            Self::CodeNotFound(_) => ErrorReason::CodeNotFound,
            Self::UnitSetNotFound(_) => ErrorReason::UnitSetNotFound,
            Self::UnitSetExists(_) => ErrorReason::UnitSetExists,
            Self::EtagMismatch(_) => ErrorReason::EtagMismatch,
            Self::Refused(wrong) | Self::Listed(_, wrong) => wrong.reason,
            Self::LeftBehindUnknown(..) => ErrorReason::LeftBehindUnknown,
            Self::Stream(_) => ErrorReason::StreamOutOfOrder,
            Self::Database(_) | Self::RequestLog(_) | Self::Csv(_) => ErrorReason::Internal,
        }
        .as_str_name()
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::UnitNotFound(unit) | Self::SlugTaken(unit) | Self::EtagMismatch(unit) => vec![("unit", unit.clone())],
            Self::CodeTaken(system) | Self::CodeNotFound(system) => vec![("system", system.clone())],
            Self::UnitSetNotFound(set) | Self::UnitSetExists(set) => vec![("unit_set", set.clone())],
            Self::Refused(wrong) | Self::Listed(_, wrong) => wrong.metadata.clone(),
            Self::LeftBehindUnknown(service, _) => vec![("service", (*service).to_owned())],
            Self::Invalid(wrong) => wrong.first().map_or_else(Vec::new, |wrong| wrong.metadata.clone()),
            _ => Vec::new(),
        }
    }

    fn violations(&self) -> Vec<Violation> {
        match self {
            Self::Invalid(wrong) => wrong.iter().take(LISTED).map(|wrong| wrong.violation.clone()).collect(),
            Self::Refused(wrong) => vec![wrong.violation.clone()],
            Self::Listed(_, wrong) if !wrong.violation.field.is_empty() => vec![wrong.violation.clone()],
            Self::SlugTaken(_) => vec![Violation::new("unit_id", "choose another slug")],
            Self::CodeTaken(system) => {
                vec![Violation::new(format!("unit.codes[{system}]"), "a code is unique within its system")]
            }
            Self::RequestIdReused => vec![Violation::new("request_id", "choose a new UUID for each request")],
            _ => Vec::new(),
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::Stream(status) => *status,
            error => senani_error::into_status(error),
        }
    }
}
