//! The classes of failures.

use tonic::Code;

/// The class of a failure: what the caller can do about it. Each kind is one gRPC code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request is wrong whatever the state of the system.
    InvalidArgument,
    /// The resource does not exist, or the caller may not know that it does.
    NotFound,
    /// A resource with this identity exists.
    AlreadyExists,
    /// The request will not work until something else changes.
    FailedPrecondition,
    /// The caller lost a race: read again and retry the whole change.
    Aborted,
    /// A position lies outside of what is kept: an expired cursor.
    OutOfRange,
    /// Nobody, or nobody known, is asking.
    Unauthenticated,
    /// The caller is known and may not do this.
    PermissionDenied,
    /// A quota, a budget or a size limit is used up.
    ResourceExhausted,
    /// The service cannot answer now; the same request may succeed later.
    Unavailable,
    /// The time given by the caller was over.
    DeadlineExceeded,
    /// A defect of ours. The text stays in the log.
    Internal,
}

impl Kind {
    /// The gRPC code of the kind.
    pub fn code(self) -> Code {
        match self {
            Self::InvalidArgument => Code::InvalidArgument,
            Self::NotFound => Code::NotFound,
            Self::AlreadyExists => Code::AlreadyExists,
            Self::FailedPrecondition => Code::FailedPrecondition,
            Self::Aborted => Code::Aborted,
            Self::OutOfRange => Code::OutOfRange,
            Self::Unauthenticated => Code::Unauthenticated,
            Self::PermissionDenied => Code::PermissionDenied,
            Self::ResourceExhausted => Code::ResourceExhausted,
            Self::Unavailable => Code::Unavailable,
            Self::DeadlineExceeded => Code::DeadlineExceeded,
            Self::Internal => Code::Internal,
        }
    }
}

impl From<Kind> for Code {
    fn from(kind: Kind) -> Self {
        kind.code()
    }
}
