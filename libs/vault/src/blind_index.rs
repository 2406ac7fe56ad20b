//! By which a value is found again without being read.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::keys::Key;

/// Bytes of a blind index: HMAC-SHA-256 cut to 128 bits. Among 10⁹ values two share one with a probability below 2⁻⁶⁸, and short
/// indexes make short rows.
pub const BLIND_INDEX_LENGTH: usize = 16;

/// A blind index: equal for equal values of a kind, and without the index key nothing else.
pub type BlindIndex = [u8; BLIND_INDEX_LENGTH];

/// What a blind index finds. Each kind is a function of its own: the same text as two kinds has two indexes that nobody can
/// compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexKind {
    /// A phone number in E.164.
    Phone,
    /// A user id of WhatsApp.
    WhatsappUser,
    /// An e-mail address as its writer made it comparable.
    Email,
    /// Who lives together: unit and house.
    Household,
}

impl IndexKind {
    const ALL: [Self; 4] = [Self::Phone, Self::WhatsappUser, Self::Email, Self::Household];

    /// Sets the uses of the index key apart. None is the beginning of another: each ends with a zero byte, which none contains.
    fn domain(self) -> &'static [u8] {
        match self {
            Self::Phone => b"senani index of phone, 2\0",
            Self::WhatsappUser => b"senani index of whatsapp user, 2\0",
            Self::Email => b"senani index of e-mail, 2\0",
            Self::Household => b"senani index of household, 2\0",
        }
    }
}

const FINGERPRINT_DOMAIN: &[u8] = b"senani fingerprint, 2\0";

/// The index key, expanded: for each use the state that has taken in the key and the domain.
pub(crate) struct IndexKey {
    kinds: [Hmac<Sha256>; IndexKind::ALL.len()],
    fingerprint: Hmac<Sha256>,
}

impl IndexKey {
    pub(crate) fn new(key: &Key) -> Self {
        let keyed = <Hmac<Sha256> as KeyInit>::new_from_slice(key.as_ref()).expect("HMAC takes keys of any length");
        Self {
            kinds: IndexKind::ALL.map(|kind| keyed.clone().chain_update(kind.domain())),
            fingerprint: keyed.chain_update(FINGERPRINT_DOMAIN),
        }
    }

    pub(crate) fn index(&self, kind: IndexKind, value: &[u8]) -> BlindIndex {
        let whole: [u8; 32] = self.kinds[kind as usize].clone().chain_update(value).finalize().into_bytes().into();
        *whole.first_chunk().expect("32 bytes are more than 16")
    }

    pub(crate) fn fingerprint(&self, message: &[u8]) -> [u8; 32] {
        self.fingerprint.clone().chain_update(message).finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_stand_in_the_order_of_their_numbers() {
        assert!(IndexKind::ALL.iter().enumerate().all(|(number, kind)| *kind as usize == number));
    }

    #[test]
    fn no_use_of_the_key_begins_as_another() {
        let domains: Vec<&[u8]> =
            IndexKind::ALL.map(IndexKind::domain).into_iter().chain([FINGERPRINT_DOMAIN]).collect();
        for (number, one) in domains.iter().enumerate() {
            for other in &domains[number + 1..] {
                assert!(!one.starts_with(other) && !other.starts_with(one));
            }
        }
    }
}
