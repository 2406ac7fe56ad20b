//! What can go wrong, mapped once.

use sea_orm::DbErr;
use senani_error::{Kind, ServiceError, Violation};
use senani_proto::membership::v1::ErrorReason;
use senani_store::{PageError, gave_way};
use senani_vault::OpenError;
use tonic::Status;

mod group;
mod member;
mod roster;

pub(crate) use group::GroupRefused;
pub(crate) use member::Refused;
pub(crate) use roster::RosterRefusal;

/// Violations that an answer lists at most.
pub(crate) const LISTED: usize = 100;

/// An error of membership. No text holds anything personal: fields and ids only.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no such {}: {name}", .resource.key())]
    NotFound { resource: Resource, name: String },
    #[error("a request must be as documented: {}", .0.iter().take(LISTED).map(|wrong| format!("{} {}", wrong.violation.field, wrong.violation.description)).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Wrong>),
    #[error("{0} exists")]
    SlugTaken(String),
    #[error("another request has used this request id")]
    RequestIdReused,
    #[error("the plan is no longer what is due")]
    PlanOutdated { fingerprint: String },
    #[error("no order in force binds a unit under {0}")]
    NoOrderInForce(String),
    #[error("the resource has changed since")]
    EtagMismatch { etag: String },
    #[error("another file was imported under this id")]
    ImportIdReused(String),
    #[error("another stream with this import id was faster")]
    ImportOvertaken(String),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Group(#[from] GroupRefused),
    #[error("{0} has no present phone number")]
    PhoneNotFound(String),
    #[error("{0} is erased")]
    MemberErased(String),
    #[error("only a service may call")]
    ServicesOnly,
    #[error("the structure has not reached this service yet")]
    StructureNotReady,
    #[error("the service stops, send the same file again with the same import id")]
    Stopping,
    #[error("the database failed")]
    Database(#[from] DbErr),
    #[error("a sealed value cannot be opened")]
    Vault(#[from] OpenError),
    #[error("an answer in the request log cannot be read")]
    RequestLog(#[from] prost::DecodeError),
    #[error(transparent)]
    Roster(#[from] RosterRefusal),
    #[error("the stream from the caller broke")]
    Stream(#[source] Box<Status>),
}

/// What can be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resource {
    Unit,
    Order,
    Group,
    Member,
    Import,
    Notice,
    Incident,
}

impl Resource {
    fn key(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Order => "order",
            Self::Group => "group",
            Self::Member => "member",
            Self::Import => "import",
            Self::Notice => "notice",
            Self::Incident => "incident",
        }
    }

    fn reason(self) -> ErrorReason {
        match self {
            Self::Unit => ErrorReason::UnitNotFound,
            Self::Order => ErrorReason::OrderNotFound,
            Self::Group => ErrorReason::GroupNotFound,
            Self::Member => ErrorReason::MemberNotFound,
            Self::Import => ErrorReason::ImportNotFound,
            Self::Notice => ErrorReason::NoticeNotFound,
            Self::Incident => ErrorReason::IncidentNotFound,
        }
    }

    pub(crate) fn not_found(self, name: impl ToString) -> Error {
        Error::NotFound { resource: self, name: name.to_string() }
    }
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
    pub(crate) fn invalid(reason: ErrorReason, field: impl Into<String>, description: impl Into<String>) -> Self {
        Wrong::new(reason, field, description).into()
    }
}

impl From<Wrong> for Error {
    fn from(wrong: Wrong) -> Self {
        Self::Invalid(vec![wrong])
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
    const DOMAIN: &'static str = "membership.senani.dev";

    fn kind(&self) -> Kind {
        match self {
            Self::Refused(refused) => refused.kind(),
            Self::NotFound { .. } | Self::PhoneNotFound(_) => Kind::NotFound,
            Self::Invalid(_) | Self::RequestIdReused => Kind::InvalidArgument,
            Self::SlugTaken(_) => Kind::AlreadyExists,
            Self::PlanOutdated { .. } | Self::EtagMismatch { .. } | Self::ImportOvertaken(_) | Self::Stream(_) => {
                Kind::Aborted
            }
            Self::Group(refused) => refused.kind(),
            Self::NoOrderInForce(_) | Self::ImportIdReused(_) | Self::MemberErased(_) => Kind::FailedPrecondition,
            Self::ServicesOnly => Kind::PermissionDenied,
            Self::Roster(refusal) => refusal.kind(),
            // The key file of this replica may be older than that of another.
            Self::StructureNotReady | Self::Stopping | Self::Vault(OpenError::UnknownKey { .. }) => Kind::Unavailable,
            Self::Database(error) if gave_way(error) => Kind::Unavailable,
            Self::Database(_) | Self::Vault(_) | Self::RequestLog(_) => Kind::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::NotFound { resource, .. } => resource.reason(),
            Self::Invalid(wrong) => wrong.first().map_or(ErrorReason::Internal, |wrong| wrong.reason),
            Self::Refused(refused) => refused.reason(),
            Self::SlugTaken(_) => ErrorReason::SlugTaken,
            Self::RequestIdReused => ErrorReason::RequestIdReused,
            Self::PlanOutdated { .. } => ErrorReason::PlanOutdated,
            Self::NoOrderInForce(_) => ErrorReason::NoOrderInForce,
            Self::EtagMismatch { .. } => ErrorReason::EtagMismatch,
            Self::ImportIdReused(_) => ErrorReason::ImportIdReused,
            Self::ImportOvertaken(_) => ErrorReason::ImportOvertaken,
            Self::Group(refused) => refused.reason(),
            Self::PhoneNotFound(_) => ErrorReason::PhoneNotFound,
            Self::MemberErased(_) => ErrorReason::MemberErased,
            Self::ServicesOnly => ErrorReason::ServicesOnly,
            Self::StructureNotReady => ErrorReason::StructureNotReady,
            Self::Stream(_) => ErrorReason::StreamOutOfOrder,
            Self::Roster(refusal) => refusal.reason(),
            Self::Database(error) if gave_way(error) => ErrorReason::TryAgain,
            Self::Stopping | Self::Database(_) | Self::Vault(_) | Self::RequestLog(_) => ErrorReason::Internal,
        }
        .as_str_name()
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::NotFound { resource, name } => vec![(resource.key(), name.clone())],
            Self::Invalid(wrong) => wrong.first().map_or_else(Vec::new, |wrong| wrong.metadata.clone()),
            Self::Refused(refused) => refused.metadata(),
            Self::SlugTaken(name) => vec![("name", name.clone())],
            Self::PlanOutdated { fingerprint } => vec![("fingerprint", fingerprint.clone())],
            Self::NoOrderInForce(unit) => vec![("unit", unit.clone())],
            Self::Group(refused) => refused.metadata(),
            Self::EtagMismatch { etag } => vec![("etag", etag.clone())],
            Self::Roster(refusal) => refusal.metadata(),
            Self::ImportIdReused(import) | Self::ImportOvertaken(import) => vec![("import", import.clone())],
            Self::PhoneNotFound(member) | Self::MemberErased(member) => vec![("member", member.clone())],
            _ => Vec::new(),
        }
    }

    fn violations(&self) -> Vec<Violation> {
        match self {
            Self::Invalid(wrong) => wrong.iter().take(LISTED).map(|wrong| wrong.violation.clone()).collect(),
            Self::Refused(refused) => refused.violations(),
            Self::SlugTaken(name) if name.starts_with("notices/") => {
                vec![Violation::new("notice_id", "choose another slug")]
            }
            Self::Group(refused) => refused.violations(),
            Self::Roster(refusal) => refusal.violations(),
            Self::SlugTaken(_) => vec![Violation::new("order_id", "choose another slug")],
            Self::RequestIdReused => vec![Violation::new("request_id", "choose a new UUID for each request")],
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<std::time::Duration> {
        let soon = match self {
            Self::StructureNotReady | Self::Stopping => true,
            Self::Database(error) => gave_way(error),
            _ => false,
        };
        soon.then_some(std::time::Duration::from_secs(1))
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::Stream(status) => *status,
            Error::Stopping => Status::unavailable(error.to_string()),
            error => senani_error::into_status(error),
        }
    }
}
