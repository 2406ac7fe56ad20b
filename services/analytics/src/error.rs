//! What can go wrong, mapped once.

use sea_orm::DbErr;
use senani_error::{Kind, ServiceError, Violation};
use senani_proto::analytics::v1::ErrorReason;
use senani_proto::name::{BulletinName, NameError, UnitName};
use tonic::Status;

/// An error of analytics.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no such unit: {0}")]
    UnitNotFound(UnitName),
    #[error("no such bulletin: {0}")]
    BulletinNotFound(BulletinName),
    #[error("{field}: {source}")]
    NameInvalid {
        /// Path in the request.
        field: &'static str,
        source: NameError,
    },
    #[error("the database failed")]
    Database(#[from] DbErr),
}

impl ServiceError for Error {
    const DOMAIN: &'static str = "analytics.senani.dev";

    fn kind(&self) -> Kind {
        match self {
            Self::UnitNotFound(_) | Self::BulletinNotFound(_) => Kind::NotFound,
            Self::NameInvalid { .. } => Kind::InvalidArgument,
            Self::Database(_) => Kind::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::UnitNotFound(_) => ErrorReason::UnitNotFound,
            Self::BulletinNotFound(_) => ErrorReason::BulletinNotFound,
            Self::NameInvalid { .. } => ErrorReason::NameInvalid,
            Self::Database(_) => ErrorReason::Internal,
        }
        .as_str_name()
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::UnitNotFound(unit) => vec![("unit", unit.to_string())],
            Self::BulletinNotFound(bulletin) => vec![("bulletin", bulletin.to_string())],
            Self::NameInvalid { .. } | Self::Database(_) => Vec::new(),
        }
    }

    fn violations(&self) -> Vec<Violation> {
        match self {
            Self::NameInvalid { field, source } => vec![Violation::new(*field, source.to_string())],
            _ => Vec::new(),
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        senani_error::into_status(error)
    }
}
