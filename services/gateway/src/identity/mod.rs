//! Who asks: for now a static list of tokens, each of which stands for an officer.

mod file;

use std::collections::HashMap;

use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use senani_access::Principal;
use senani_config::Secret;
use sha2::{Digest as _, Sha256};

pub use file::IdentitiesError;

use crate::error::Refusal;

/// An officer and the token that stands for them.
#[derive(Debug, Clone)]
pub struct Identity {
    subject: Principal,
    token: Secret,
}

impl Identity {
    /// Whom the token stands for: `officers/desk-author`.
    pub fn subject(&self) -> &str {
        self.subject.subject()
    }

    /// What to show as `authorization: Bearer …`.
    pub fn token(&self) -> &Secret {
        &self.token
    }
}

/// Everyone who may come in.
#[derive(Debug)]
pub(crate) struct Identities {
    list: Vec<Identity>,
    /// By the digest of the token, so that how long a look-up takes says nothing about any token.
    subjects: HashMap<[u8; 32], HeaderValue>,
}

impl Identities {
    /// Reads the file, after writing one when there is none.
    ///
    /// # Errors
    /// [`IdentitiesError`].
    pub(crate) fn open(path: &std::path::Path) -> Result<Self, IdentitiesError> {
        file::open(path).map(Self::new)
    }

    fn new(list: Vec<Identity>) -> Self {
        let subjects = list.iter().map(|identity| {
            let subject = HeaderValue::from_str(identity.subject()).expect("a valid subject is a valid header value");
            (digest(identity.token.expose().as_bytes()), subject)
        });
        Self { subjects: subjects.collect(), list }
    }

    pub(crate) fn list(&self) -> &[Identity] {
        &self.list
    }

    /// The subject whose token the metadata show.
    ///
    /// # Errors
    /// There is no bearer token, or nobody has it.
    pub(crate) fn subject_of(&self, headers: &HeaderMap) -> Result<HeaderValue, Refusal> {
        let credentials = headers.get(AUTHORIZATION).ok_or(Refusal::TokenMissing)?.as_bytes();
        let token = bearer(credentials).ok_or(Refusal::TokenMissing)?;
        self.subjects.get(&digest(token)).cloned().ok_or(Refusal::TokenUnknown)
    }
}

/// The token in `Bearer TOKEN`; the scheme's case does not matter (RFC 9110, 11.1).
fn bearer(credentials: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = credentials.split_at_checked(b"Bearer ".len())?;
    (scheme.eq_ignore_ascii_case(b"Bearer ") && !token.is_empty()).then_some(token)
}

fn digest(token: &[u8]) -> [u8; 32] {
    Sha256::digest(token).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identities() -> Identities {
        Identities::new(vec![Identity { subject: "officers/desk-author".parse().unwrap(), token: "sesame".into() }])
    }

    fn asked_with(credentials: &'static str) -> Result<HeaderValue, Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static(credentials));
        identities().subject_of(&headers)
    }

    #[test]
    fn a_token_stands_for_its_subject_whatever_the_case_of_the_scheme() {
        for credentials in ["Bearer sesame", "bearer sesame", "BEARER sesame"] {
            assert_eq!(asked_with(credentials).unwrap(), "officers/desk-author", "{credentials}");
        }
    }

    #[test]
    fn what_is_no_bearer_token_is_missing_and_any_other_token_is_unknown() {
        for credentials in ["", "Bearer", "Bearer ", "Basic sesame", "sesame"] {
            assert_eq!(asked_with(credentials), Err(Refusal::TokenMissing), "{credentials}");
        }
        for credentials in ["Bearer sesam", "Bearer sesamee", "Bearer  sesame", "Bearer SESAME"] {
            assert_eq!(asked_with(credentials), Err(Refusal::TokenUnknown), "{credentials}");
        }
        assert_eq!(identities().subject_of(&HeaderMap::new()), Err(Refusal::TokenMissing));
    }

    #[test]
    fn a_token_is_not_shown() {
        assert!(!format!("{:?}", identities()).contains("sesame"));
    }
}
