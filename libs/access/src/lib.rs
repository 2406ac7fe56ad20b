//! Who calls and until when they wait: principals and deadlines, and how they travel between services.
//!
//! The gateway finds out who an officer is and sends [`SUBJECT_HEADER`] on; services send their own. The server's layer
//! parses the header into a [`Principal`] in the request's extensions, where a handler reads it by [`Principal::of`].

mod deadline;
mod principal;

pub use deadline::{Deadline, TIMEOUT_HEADER};
pub use principal::{Principal, SUBJECT_HEADER, SUBJECT_INVALID, SUBJECT_MISSING, SubjectError};
