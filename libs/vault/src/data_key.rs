//! The key of one member, and what is sealed with it.

use std::fmt;

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit, Nonce, Tag};
use rand::Rng;
use thiserror::Error;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::keys::Key;

/// Bytes of a random nonce.
pub(crate) const NONCE_LENGTH: usize = 12;
/// Bytes of the authentication tag.
pub(crate) const TAG_LENGTH: usize = 16;
/// The first byte of everything sealed: AES-256-GCM, nonce first, tag last.
const SCHEME: u8 = 1;
/// How many bytes longer than its content a sealed value is.
pub const SEAL_OVERHEAD: usize = 1 + NONCE_LENGTH + TAG_LENGTH;

/// Sets sealed values apart from any other use of the same key.
const SEAL_DOMAIN: &[u8] = b"senani sealed, 2\0";

/// The place where a sealed value is kept. It is authenticated with the value, so that a ciphertext copied to another table, column
/// or row cannot be opened there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context<'a> {
    table: &'a str,
    column: &'a str,
    row: Uuid,
    part: i64,
}

impl<'a> Context<'a> {
    /// The column of the row with this id in this table.
    #[must_use]
    pub const fn new(table: &'a str, column: &'a str, row: Uuid) -> Self {
        Self { table, column, row, part: 0 }
    }

    /// For a table whose key has more than the id: the number that sets rows of one id apart.
    #[must_use]
    pub const fn part(self, part: i64) -> Self {
        Self { part, ..self }
    }

    /// One byte sequence for each context: the texts carry their lengths.
    fn associated_data(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SEAL_DOMAIN.len() + self.table.len() + self.column.len() + 40);
        bytes.extend_from_slice(SEAL_DOMAIN);
        for text in [self.table, self.column] {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes.extend_from_slice(self.row.as_bytes());
        bytes.extend_from_slice(&self.part.to_be_bytes());
        bytes
    }
}

/// Why sealed bytes cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OpenError {
    /// Shorter than anything sealed, or a wrapped key of another length.
    #[error("no sealed value has {length} bytes")]
    Length {
        /// Bytes given.
        length: usize,
    },
    /// Wrapped with a key-encryption key that this vault does not hold.
    #[error("wrapped with version {version} of the key, which the key file does not hold")]
    UnknownKey {
        /// The version that the wrapped key names.
        version: u16,
    },
    /// Sealed in a way that this version of the program does not know.
    #[error("sealed in a way that this program does not know: {scheme}")]
    UnknownScheme {
        /// The first byte.
        scheme: u8,
    },
    /// Altered, moved from another place, or made with another key.
    #[error("the sealed value was altered, moved from another place, or made with another key")]
    NotAuthentic,
}

/// The data key of one member (AES-256-GCM, 32 random bytes): seals what is personal of them. Who destroys its wrapped form
/// destroys everything that it sealed, wherever a copy of that lies.
///
/// It is wiped when dropped; a move may leave a copy on the stack until that is overwritten. With random nonces a key may seal
/// 2³² values (NIST SP 800-38D, 8.3); that of a member seals some dozens in its life.
pub struct DataKey(Aes256Gcm);

impl DataKey {
    pub(crate) fn new(key: &Key) -> Self {
        Self(Aes256Gcm::new((&**key).into()))
    }

    /// A value under the key, bound to its place: scheme, random nonce, ciphertext, tag. Two seals of one value differ. The
    /// length of the value stays visible.
    #[must_use]
    pub fn seal(&self, value: &[u8], context: &Context<'_>) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(SEAL_OVERHEAD + value.len());
        sealed.push(SCHEME);
        let mut nonce = [0; NONCE_LENGTH];
        rand::rng().fill_bytes(&mut nonce);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(value);
        encrypt(&self.0, &nonce, &context.associated_data(), sealed, 1 + NONCE_LENGTH)
    }

    /// The value in sealed bytes that were made for this place; wiped when dropped.
    ///
    /// # Errors
    /// [`OpenError`]; nothing of the content is revealed.
    pub fn open(&self, sealed: &[u8], context: &Context<'_>) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        if sealed.len() < SEAL_OVERHEAD {
            return Err(OpenError::Length { length: sealed.len() });
        }
        let (scheme, rest) = (sealed[0], &sealed[1..]);
        if scheme != SCHEME {
            return Err(OpenError::UnknownScheme { scheme });
        }
        decrypt(&self.0, rest, &context.associated_data())
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DataKey").finish_non_exhaustive()
    }
}

/// Encrypts what stands in `buffer` from `start` on, in place, and puts the tag behind it.
pub(crate) fn encrypt(
    cipher: &Aes256Gcm,
    nonce: &[u8; NONCE_LENGTH],
    associated_data: &[u8],
    mut buffer: Vec<u8>,
    start: usize,
) -> Vec<u8> {
    let plain: InOutBuf<'_, '_, u8> = (&mut buffer[start..]).into();
    let tag = cipher
        .encrypt_inout_detached(&Nonce::from(*nonce), associated_data, plain)
        .expect("what is sealed here is far below the limit of AES-GCM, 64 GiB");
    buffer.extend_from_slice(&tag);
    buffer
}

/// The plain bytes in nonce, ciphertext and tag.
pub(crate) fn decrypt(
    cipher: &Aes256Gcm,
    sealed: &[u8],
    associated_data: &[u8],
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let wrong_length = OpenError::Length { length: sealed.len() };
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_LENGTH>().ok_or(wrong_length)?;
    let (ciphertext, tag) = rest.split_last_chunk::<TAG_LENGTH>().ok_or(wrong_length)?;
    let mut plain = Zeroizing::new(ciphertext.to_vec());
    let buffer: InOutBuf<'_, '_, u8> = plain.as_mut_slice().into();
    cipher
        .decrypt_inout_detached(&Nonce::from(*nonce), associated_data, buffer, &Tag::from(*tag))
        .map_err(|_| OpenError::NotAuthentic)?;
    Ok(plain)
}
