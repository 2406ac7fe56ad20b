//! Everything that a call can fail with.

use sea_orm::DbErr;
use senani_error::{Kind, ServiceError, Violation};
use senani_proto::bulletin::v1::ErrorReason;
use senani_proto::name::NameError;
use senani_store::PageError;
use tonic::Status;
use uuid::Uuid;

use crate::domain::bulletin::{Refusal, State};
use crate::domain::draft::{DraftFault, Fault};
use crate::domain::poster::{PosterFault, SIDE_PIXELS};
use crate::objects::ObjectError;

mod report;

pub(crate) use report::ReportError;

/// Why a call fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no such bulletin")]
    BulletinNotFound(Uuid),
    #[error("no such task")]
    TaskNotFound(Uuid),
    #[error("no such delivery")]
    DeliveryNotFound(Uuid),
    #[error("the bulletin's state does not allow this")]
    StateForbids(State),
    #[error("the author may not approve their own bulletin")]
    OwnBulletin(Uuid),
    #[error("only an approved bulletin can be published")]
    NotApproved(State),
    #[error("the bulletin has changed since it was read")]
    EtagMismatch(String),
    #[error("the audience has neither a group nor a consenting person")]
    AudienceEmpty,
    #[error("the audience is not as documented")]
    AudienceInvalid { field: String, what: &'static str },
    #[error("a unit of the request does not exist")]
    UnitUnknown { field: String, unit: String },
    #[error("a set of units of the request does not exist")]
    UnitSetUnknown { field: String, set: String },
    #[error("membership does not accept the audience")]
    AudienceRefused { reason: ErrorReason, violations: Vec<Violation>, metadata: Vec<(&'static str, String)> },
    #[error("the draft is not complete")]
    Draft(Vec<Fault>),
    #[error("the poster cannot be used")]
    Poster { fault: PosterFault, bytes: usize },
    #[error("the first message names the bulletin, the others carry the file")]
    StreamOutOfOrder,
    #[error("a name is not of the documented form")]
    Name { field: &'static str, source: NameError },
    #[error("the page is not as documented")]
    Page(#[from] PageError),
    #[error("request_id must be a UUID")]
    RequestIdInvalid,
    #[error("another request has used this request_id")]
    RequestIdReused,
    #[error("only a service may call")]
    ServicesOnly,
    #[error("the channel is not configured")]
    ChannelUnknown(String),
    #[error("the body of the webhook is over {limit} bytes")]
    BodyTooLarge { limit: usize },
    #[error("membership does not answer, try again")]
    MembershipUnavailable(#[source] Box<Status>),
    #[error("membership answered what it should not")]
    Membership(#[source] Box<Status>),
    #[error("the store of posters does not answer, try again")]
    PosterStore(#[from] ObjectError),
    #[error("this is no code: it was mistyped")]
    CodeInvalid,
    #[error("side_pixels must be 100 to 2,000")]
    SizeInvalid,
    #[error("the service stops, try again")]
    Stopping,
    #[error(transparent)]
    Report(#[from] ReportError),
    #[error("the database failed")]
    Database(#[from] DbErr),
}

impl Error {
    /// A step that the state or the rules of a bulletin forbid.
    pub(crate) fn refused(bulletin: Uuid, refusal: Refusal) -> Self {
        match refusal {
            Refusal::State(state) => Self::StateForbids(state),
            Refusal::OwnBulletin => Self::OwnBulletin(bulletin),
            Refusal::NotApproved(state) => Self::NotApproved(state),
        }
    }
}

impl ServiceError for Error {
    const DOMAIN: &'static str = "bulletin.senani.dev";

    fn kind(&self) -> Kind {
        match self {
            Self::BulletinNotFound(_) | Self::TaskNotFound(_) | Self::DeliveryNotFound(_) => Kind::NotFound,
            Self::StateForbids(_) | Self::NotApproved(_) | Self::AudienceEmpty => Kind::FailedPrecondition,
            Self::OwnBulletin(_) | Self::ServicesOnly => Kind::PermissionDenied,
            Self::EtagMismatch(_) => Kind::Aborted,
            Self::AudienceInvalid { .. }
            | Self::UnitUnknown { .. }
            | Self::UnitSetUnknown { .. }
            | Self::AudienceRefused { .. }
            | Self::Draft(_)
            | Self::Poster { .. }
            | Self::StreamOutOfOrder
            | Self::Name { .. }
            | Self::Page(_)
            | Self::CodeInvalid
            | Self::SizeInvalid
            | Self::RequestIdInvalid
            | Self::RequestIdReused
            | Self::ChannelUnknown(_)
            | Self::BodyTooLarge { .. } => Kind::InvalidArgument,
            Self::MembershipUnavailable(_) | Self::PosterStore(_) | Self::Stopping => Kind::Unavailable,
            Self::Report(error) => error.kind(),
            Self::Membership(_) | Self::Database(_) => Kind::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::BulletinNotFound(_) => ErrorReason::BulletinNotFound,
            Self::TaskNotFound(_) => ErrorReason::TaskNotFound,
            Self::DeliveryNotFound(_) => ErrorReason::DeliveryNotFound,
            Self::StateForbids(_) => ErrorReason::StateForbids,
            Self::OwnBulletin(_) => ErrorReason::OwnBulletin,
            Self::NotApproved(_) => ErrorReason::NotApproved,
            Self::EtagMismatch(_) => ErrorReason::EtagMismatch,
            Self::AudienceEmpty => ErrorReason::AudienceEmpty,
            Self::AudienceInvalid { .. } => ErrorReason::AudienceInvalid,
            Self::UnitUnknown { .. } => ErrorReason::UnitUnknown,
            Self::UnitSetUnknown { .. } => ErrorReason::UnitSetUnknown,
            Self::AudienceRefused { reason, .. } => *reason,
            Self::Draft(faults) => match faults.first().map(|fault| fault.kind) {
                Some(DraftFault::TooLong) => ErrorReason::TextTooLong,
                Some(DraftFault::CategoryMissing) => ErrorReason::CategoryMissing,
                Some(DraftFault::MissingInHindi) | None => ErrorReason::TextMissingInHindi,
            },
            Self::Poster { fault, .. } => match fault {
                PosterFault::NotAnImage => ErrorReason::PosterNotAnImage,
                PosterFault::TooLarge => ErrorReason::PosterTooLarge,
                PosterFault::Dimensions => ErrorReason::PosterDimensions,
                PosterFault::Damaged => ErrorReason::PosterDamaged,
                PosterFault::Channel { .. } => ErrorReason::PosterRefusedByChannel,
            },
            Self::PosterStore(_) => ErrorReason::PosterStoreUnavailable,
            Self::StreamOutOfOrder => ErrorReason::StreamOutOfOrder,
            Self::Name { .. } => ErrorReason::NameInvalid,
            Self::Page(PageError::Size) => ErrorReason::PageSizeInvalid,
            Self::Page(PageError::Token) => ErrorReason::PageTokenInvalid,
            Self::RequestIdInvalid => ErrorReason::RequestIdInvalid,
            Self::RequestIdReused => ErrorReason::RequestIdReused,
            Self::CodeInvalid => ErrorReason::CodeInvalid,
            Self::SizeInvalid => ErrorReason::SizeInvalid,
            Self::ServicesOnly => ErrorReason::ServicesOnly,
            Self::ChannelUnknown(_) => ErrorReason::ChannelUnknown,
            Self::BodyTooLarge { .. } => ErrorReason::BodyTooLarge,
            Self::MembershipUnavailable(_) => ErrorReason::MembershipUnavailable,
            Self::Report(error) => error.reason(),
            Self::Membership(_) | Self::Database(_) | Self::Stopping => ErrorReason::Internal,
        }
        .as_str_name()
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::BulletinNotFound(id) | Self::OwnBulletin(id) => vec![("bulletin", format!("bulletins/{id}"))],
            Self::TaskNotFound(id) => vec![("task", id.to_string())],
            Self::DeliveryNotFound(id) => vec![("delivery", id.to_string())],
            Self::StateForbids(state) | Self::NotApproved(state) => vec![("state", state.name().to_owned())],
            Self::EtagMismatch(etag) => vec![("etag", etag.clone())],
            Self::UnitUnknown { unit, .. } => vec![("unit", unit.clone())],
            Self::UnitSetUnknown { set, .. } => vec![("unit_set", set.clone())],
            Self::AudienceRefused { metadata, .. } => metadata.clone(),
            Self::ChannelUnknown(channel) => vec![("channel", channel.clone())],
            Self::Poster { fault: PosterFault::TooLarge, bytes } => vec![("limit", bytes.to_string())],
            Self::Poster { fault: PosterFault::Dimensions, .. } => vec![("limit", SIDE_PIXELS.to_string())],
            Self::Poster { fault: PosterFault::Channel { channel, measure, limit }, .. } => {
                vec![("channel", channel.clone()), ("measure", (*measure).to_owned()), ("limit", limit.to_string())]
            }
            Self::BodyTooLarge { limit } => vec![("limit", limit.to_string())],
            Self::Report(error) => error.metadata(),
            _ => Vec::new(),
        }
    }

    fn violations(&self) -> Vec<Violation> {
        match self {
            Self::AudienceInvalid { field, what } => vec![Violation::new(field, *what)],
            Self::UnitUnknown { field, .. } => vec![Violation::new(field, "no such unit")],
            Self::UnitSetUnknown { field, .. } => vec![Violation::new(field, "no such set")],
            Self::AudienceRefused { violations, .. } => violations.clone(),
            Self::Draft(faults) => faults.iter().map(|fault| Violation::new(&fault.field, fault.what)).collect(),
            Self::Poster { fault, bytes } => {
                let what = match fault {
                    PosterFault::NotAnImage => "is neither a PNG nor a JPEG image".to_owned(),
                    PosterFault::Damaged => "cannot be decoded to its end".to_owned(),
                    PosterFault::Channel { channel, measure, limit } => {
                        format!("is over {limit} {measure}, which channel {channel} does not take")
                    }
                    PosterFault::TooLarge => format!("is over {bytes} bytes"),
                    PosterFault::Dimensions => {
                        format!("is over {SIDE_PIXELS} pixels a side, or too large when decoded")
                    }
                };
                vec![Violation::new("content", what)]
            }
            Self::Name { field, source } => vec![Violation::new(*field, source.to_string())],
            Self::Page(PageError::Size) => vec![Violation::new("page_size", "must not be negative")],
            Self::Page(PageError::Token) => vec![Violation::new("page_token", "is not of this request")],
            Self::CodeInvalid => vec![Violation::new("code", "is no code, it was mistyped")],
            Self::SizeInvalid => vec![Violation::new("side_pixels", "must be 100 to 2,000, or 0")],
            Self::RequestIdInvalid => vec![Violation::new("request_id", "must be a UUID")],
            Self::ChannelUnknown(_) => vec![Violation::new("channel", "is not configured")],
            Self::BodyTooLarge { limit } => vec![Violation::new("body", format!("is over {limit} bytes"))],
            Self::Report(error) => error.violations(),
            _ => Vec::new(),
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        senani_error::into_status(error)
    }
}
