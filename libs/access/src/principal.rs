//! The one who asks.

use std::{fmt, str::FromStr};

use senani_error::{Kind, SENANI_DOMAIN};
use tonic::{Request, Status};

/// Metadata key that carries the subject between our own processes. The gateway strips it from what comes from outside.
pub const SUBJECT_HEADER: &str = "x-senani-subject";

/// Reason of the UNAUTHENTICATED that a call without a subject gets.
pub const SUBJECT_MISSING: &str = "SUBJECT_MISSING";

/// Reason of the UNAUTHENTICATED that a call with a malformed subject gets.
pub const SUBJECT_INVALID: &str = "SUBJECT_INVALID";

/// Longest id or name in a subject, in bytes: a UUID and room for a prefix.
const LONGEST_ID: usize = 64;

const OFFICERS: &str = "officers/";
const SERVICES: &str = "services/";
const MEMBERS: &str = "members/";

/// The one who asks: an officer (`members/<uid>` as the register knows them, or `officers/<id>`, an account without a person in the
/// register) or a service of ours (`services/<name>`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Principal {
    subject: String,
}

/// A subject that is none of `members/<uid>`, `officers/<id>` and `services/<name>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a subject is members/<uid>, officers/<id> or services/<name>, of at most 64 lower-case letters, digits, dots and dashes"
)]
pub struct SubjectError;

impl Principal {
    /// The officer with this id.
    ///
    /// # Errors
    /// The id holds other characters than subjects may.
    pub fn for_officer(id: &str) -> Result<Self, SubjectError> {
        format!("{OFFICERS}{id}").parse()
    }

    /// The service with this name.
    ///
    /// # Errors
    /// The name holds other characters than subjects may.
    pub fn for_service(name: &str) -> Result<Self, SubjectError> {
        format!("{SERVICES}{name}").parse()
    }

    /// The principal of a request that the server's layer has seen.
    ///
    /// # Errors
    /// UNAUTHENTICATED with reason [`SUBJECT_MISSING`] when the caller named no subject.
    pub fn of<T>(request: &Request<T>) -> Result<Self, Status> {
        request.extensions().get::<Self>().cloned().ok_or_else(|| {
            senani_error::status(Kind::Unauthenticated, SENANI_DOMAIN, SUBJECT_MISSING, "the call names no subject")
        })
    }

    /// The whole subject: `officers/desk-author`.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Whether a service of ours asks for itself.
    pub fn is_service(&self) -> bool {
        self.subject.starts_with(SERVICES)
    }

    /// The id of the officer who asks; none when a service does.
    pub fn officer(&self) -> Option<&str> {
        self.subject.strip_prefix(OFFICERS)
    }

    /// The id in the register of the officer who asks; none when the officer is not known there, or a service asks.
    pub fn member(&self) -> Option<uuid::Uuid> {
        self.subject.strip_prefix(MEMBERS)?.parse().ok()
    }

    /// The name of the service that asks; none when an officer does.
    pub fn service(&self) -> Option<&str> {
        self.subject.strip_prefix(SERVICES)
    }
}

impl FromStr for Principal {
    type Err = SubjectError;

    fn from_str(subject: &str) -> Result<Self, SubjectError> {
        if let Some(uid) = subject.strip_prefix(MEMBERS) {
            let uid: uuid::Uuid = uid.parse().map_err(|_| SubjectError)?;
            // One spelling for one officer: ids of requests and of authors are compared by it.
            return Ok(Self { subject: format!("{MEMBERS}{uid}") });
        }
        let id = subject.strip_prefix(OFFICERS).or_else(|| subject.strip_prefix(SERVICES)).ok_or(SubjectError)?;
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
        if id.is_empty() || id.len() > LONGEST_ID || !id.bytes().all(allowed) {
            return Err(SubjectError);
        }
        Ok(Self { subject: subject.to_owned() })
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn officers_and_services_are_told_apart() {
        let officer: Principal = "officers/desk-author".parse().unwrap();
        assert_eq!(officer.officer(), Some("desk-author"));
        assert_eq!(officer.service(), None);
        assert!(!officer.is_service());
        let service = Principal::for_service("membership").unwrap();
        assert_eq!(service.subject(), "services/membership");
        assert_eq!(service.service(), Some("membership"));
        assert!(service.is_service());
        assert_eq!(service.officer(), None);
        let member: Principal = "members/0190F0C5-0000-7000-8000-000000000001".parse().unwrap();
        assert_eq!(member.subject(), "members/0190f0c5-0000-7000-8000-000000000001");
        assert!(member.member().is_some() && member.officer().is_none() && !member.is_service());
        assert_eq!(officer.member(), None);
    }

    #[test]
    fn malformed_subjects_are_refused() {
        let too_long = format!("officers/{}", "a".repeat(65));
        for subject in [
            "",
            "officers",
            "officers/",
            "services/",
            "desk-author",
            "officers/a/b",
            "officers/A B",
            "users/x",
            "members/7",
            "officers/é",
            &too_long,
        ] {
            assert_eq!(subject.parse::<Principal>(), Err(SubjectError), "{subject}");
        }
    }

    #[test]
    fn a_request_without_a_subject_is_unauthenticated_with_a_reason() {
        let status = Principal::of(&Request::new(())).unwrap_err();
        assert_eq!(status.code(), tonic::Code::Unauthenticated);
        assert!(senani_error::is_reason(&status, SENANI_DOMAIN, SUBJECT_MISSING));
    }

    #[test]
    fn a_request_with_a_principal_in_its_extensions_has_it() {
        let mut request = Request::new(());
        request.extensions_mut().insert(Principal::for_officer("desk-author").unwrap());
        assert_eq!(Principal::of(&request).unwrap().officer(), Some("desk-author"));
    }
}
