//! Sealing, opening and indexing phone numbers.

use std::fmt;
use std::sync::Arc;

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit, Nonce, Tag};
use hmac::{Hmac, Mac};
use rand::Rng;
use sha2::Sha256;
use thiserror::Error;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::keys::Keys;
use crate::phone_number::{LENGTH, PhoneNumber};

/// Bytes of a random nonce.
const NONCE_LENGTH: usize = 12;
/// Bytes of the authentication tag.
const TAG_LENGTH: usize = 16;
/// Bytes of a sealed number: key version, nonce, ciphertext, tag. The same for every number.
pub const SEALED_LENGTH: usize = 1 + NONCE_LENGTH + LENGTH + TAG_LENGTH;

/// Sets our use of each key apart from any other use of the same key.
const SEAL_DOMAIN: &[u8] = b"senani phone number, sealed, 1";
const INDEX_DOMAIN: &[u8] = b"senani phone number, blind index, 1";

/// The place where a sealed number is kept. It is authenticated with the number, so that a ciphertext copied to another
/// table, column or row cannot be opened there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context<'a> {
    table: &'a str,
    column: &'a str,
    row: Uuid,
}

impl<'a> Context<'a> {
    /// The column of the row with this id (the member's) in this table.
    #[must_use]
    pub fn new(table: &'a str, column: &'a str, row: Uuid) -> Self {
        Self { table, column, row }
    }

    /// One byte sequence for each context and key version: the texts carry their lengths.
    fn associated_data(&self, version: u8) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SEAL_DOMAIN.len() + self.table.len() + self.column.len() + 33);
        bytes.extend_from_slice(SEAL_DOMAIN);
        bytes.push(version);
        for text in [self.table, self.column] {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes.extend_from_slice(self.row.as_bytes());
        bytes
    }
}

/// Why sealed bytes cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OpenError {
    /// Not [`SEALED_LENGTH`] bytes.
    #[error("a sealed number has {SEALED_LENGTH} bytes, this has {length}")]
    Length {
        /// Bytes given.
        length: usize,
    },
    /// Sealed with a data key that this vault does not hold.
    #[error("sealed with key version {version}, which the key file does not hold")]
    UnknownKey {
        /// The version that the sealed number names.
        version: u8,
    },
    /// Altered, moved from another table, column or row, or sealed with another key of the same version.
    #[error("the sealed number was altered, moved from another place, or sealed with another key")]
    NotAuthentic,
}

/// Seals phone numbers and finds them again. Cheap to clone; may be used from any number of threads.
///
/// Expanded keys are kept, so that sealing and indexing a number together take less than a microsecond. With random nonces a
/// data key may seal 2³² numbers before a repeated nonce becomes likelier than 2⁻³² (NIST SP 800-38D, 8.3).
#[derive(Clone)]
pub struct Vault(Arc<Expanded>);

struct Expanded {
    version: u8,
    cipher: Aes256Gcm,
    /// Has taken in the key and the domain; a clone of it takes the number.
    index: Hmac<Sha256>,
}

impl Vault {
    /// A vault with these keys.
    #[must_use]
    pub fn new(keys: Keys) -> Self {
        let cipher = Aes256Gcm::new((&*keys.data).into());
        let mut index =
            <Hmac<Sha256> as KeyInit>::new_from_slice(keys.index.as_ref()).expect("HMAC takes keys of any length");
        index.update(INDEX_DOMAIN);
        Self(Arc::new(Expanded { version: keys.version(), cipher, index }))
    }

    /// The version of the data key that seals.
    #[must_use]
    pub fn key_version(&self) -> u8 {
        self.0.version
    }

    /// The number under the data key, bound to its place: key version, random nonce, ciphertext and tag. Two seals of one
    /// number differ.
    #[must_use]
    pub fn seal(&self, number: &PhoneNumber, context: &Context<'_>) -> Vec<u8> {
        let mut nonce = [0; NONCE_LENGTH];
        rand::rng().fill_bytes(&mut nonce);

        let mut sealed = Vec::with_capacity(SEALED_LENGTH);
        sealed.push(self.0.version);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(number.expose().as_bytes());
        let plain: InOutBuf<'_, '_, u8> = (&mut sealed[1 + NONCE_LENGTH..]).into();
        let tag = self
            .0
            .cipher
            .encrypt_inout_detached(&Nonce::from(nonce), &context.associated_data(self.0.version), plain)
            .expect("thirteen bytes are far below the limit of AES-GCM");
        sealed.extend_from_slice(&tag);
        sealed
    }

    /// The number in sealed bytes that were made for this place.
    ///
    /// # Errors
    /// [`OpenError`]; nothing of the content is revealed.
    pub fn open(&self, sealed: &[u8], context: &Context<'_>) -> Result<PhoneNumber, OpenError> {
        let sealed: &[u8; SEALED_LENGTH] = sealed.try_into().map_err(|_| OpenError::Length { length: sealed.len() })?;
        let [version, rest @ ..] = sealed;
        if *version != self.0.version {
            return Err(OpenError::UnknownKey { version: *version });
        }
        let (nonce, rest) = rest.split_first_chunk::<NONCE_LENGTH>().expect("the length was checked");
        let (ciphertext, tag) = rest.split_first_chunk::<LENGTH>().expect("the length was checked");

        let mut plain = Zeroizing::new(*ciphertext);
        let buffer: InOutBuf<'_, '_, u8> = plain.as_mut_slice().into();
        let tag = Tag::try_from(tag).expect("the length was checked");
        self.0
            .cipher
            .decrypt_inout_detached(&Nonce::from(*nonce), &context.associated_data(*version), buffer, &tag)
            .map_err(|_| OpenError::NotAuthentic)?;
        PhoneNumber::from_e164(plain.as_slice()).ok_or(OpenError::NotAuthentic)
    }

    /// The value by which a number is found: equal for equal numbers, and without the index key nothing else.
    #[must_use]
    pub fn blind_index(&self, number: &PhoneNumber) -> [u8; 32] {
        self.0.index.clone().chain_update(number.expose()).finalize().into_bytes().into()
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Vault").field("key_version", &self.0.version).finish_non_exhaustive()
    }
}
