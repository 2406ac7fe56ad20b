//! Keys of members, wrapped and unwrapped, and blind indexes.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use aes_gcm::{Aes256Gcm, KeyInit};
use rand::Rng;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::blind_index::{BlindIndex, IndexKey, IndexKind};
use crate::data_key::{DataKey, NONCE_LENGTH, OpenError, TAG_LENGTH, decrypt, encrypt};
use crate::keys::{KEY_LENGTH, Key, Keys, KeysError};
use crate::phone_number::PhoneNumber;

/// Bytes of a wrapped key: nonce, ciphertext, tag.
pub const WRAPPED_LENGTH: usize = NONCE_LENGTH + KEY_LENGTH + TAG_LENGTH;

/// Sets wrapped keys apart from any other use of the same key.
const WRAP_DOMAIN: &[u8] = b"senani wrapped key, 2\0";

/// A member's key as the database keeps it: encrypted with a version of the cell's key-encryption key, bound to that version and to
/// the member.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// The version that wrapped it.
    pub version: u16,
    /// [`WRAPPED_LENGTH`] bytes.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for WrappedKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("WrappedKey").field("version", &self.version).finish_non_exhaustive()
    }
}

/// Makes, wraps and unwraps the keys of members, and computes blind indexes. Cheap to clone; may be used from any number of threads.
///
/// Expanded keys are kept. A new key, its wrapping, two seals and a blind index together take about 1.1 µs on one core with AES and
/// SHA instructions (`cargo run --release -p senani-vault --example speed`).
///
/// With random nonces one version of the key-encryption key may wrap 2³² keys before a repeated nonce becomes likelier than 2⁻³²
/// (NIST SP 800-38D, 8.3). A register of 10⁷ members, wrapped again once a year, uses a four-hundredth of that for each version:
/// a rotation begins the count anew.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    index: IndexKey,
    ring: RwLock<Arc<Ring>>,
    /// The keys as they were read, to see whether the index key is still the same; and where from.
    index_key: Key,
    file: Option<PathBuf>,
}

/// The versions of the key-encryption key, expanded.
struct Ring {
    newest: u16,
    ciphers: BTreeMap<u16, Aes256Gcm>,
}

impl Ring {
    fn new(keys: &Keys) -> Self {
        let ciphers = keys.wrapping.iter().map(|(version, key)| (*version, Aes256Gcm::new((&**key).into()))).collect();
        Self { newest: keys.newest_version(), ciphers }
    }

    fn wrap(&self, member: Uuid, key: &Key, nonce: &[u8; NONCE_LENGTH]) -> WrappedKey {
        let mut bytes = Vec::with_capacity(WRAPPED_LENGTH);
        bytes.extend_from_slice(nonce);
        bytes.extend_from_slice(key.as_ref());
        let cipher = &self.ciphers[&self.newest];
        let bytes = encrypt(cipher, nonce, &associated_data(self.newest, member), bytes, NONCE_LENGTH);
        WrappedKey { version: self.newest, bytes }
    }

    fn unwrap(&self, member: Uuid, wrapped: &WrappedKey) -> Result<Key, OpenError> {
        let WrappedKey { version, bytes } = wrapped;
        if bytes.len() != WRAPPED_LENGTH {
            return Err(OpenError::Length { length: bytes.len() });
        }
        let cipher = self.ciphers.get(version).ok_or(OpenError::UnknownKey { version: *version })?;
        let plain = decrypt(cipher, bytes, &associated_data(*version, member))?;
        let mut key = Key::default();
        key.copy_from_slice(&plain);
        Ok(key)
    }
}

fn associated_data(version: u16, member: Uuid) -> [u8; WRAP_DOMAIN.len() + 2 + 16] {
    let mut bytes = [0; WRAP_DOMAIN.len() + 2 + 16];
    bytes[..WRAP_DOMAIN.len()].copy_from_slice(WRAP_DOMAIN);
    bytes[WRAP_DOMAIN.len()..][..2].copy_from_slice(&version.to_be_bytes());
    bytes[WRAP_DOMAIN.len() + 2..].copy_from_slice(member.as_bytes());
    bytes
}

impl Vault {
    /// A vault with these keys.
    #[must_use]
    pub fn new(keys: Keys) -> Self {
        Self::from(&keys, None)
    }

    /// A vault with the keys of a file, which is made when it does not exist (see [`Keys::open_or_create`]). It reads the file again
    /// when it meets a version that it does not know.
    ///
    /// # Errors
    /// A [`KeysError`] that names the file.
    pub fn open(file: impl AsRef<Path>) -> Result<Self, KeysError> {
        let file = file.as_ref();
        Ok(Self::from(&Keys::open_or_create(file)?, Some(file.to_owned())))
    }

    fn from(keys: &Keys, file: Option<PathBuf>) -> Self {
        Self(Arc::new(Inner {
            index: IndexKey::new(&keys.index),
            ring: RwLock::new(Arc::new(Ring::new(keys))),
            index_key: keys.index.clone(),
            file,
        }))
    }

    /// Reads the key file again, for versions that were added or dropped since; answers whether there is a newer one. Does nothing
    /// for a vault without a file.
    ///
    /// # Errors
    /// A [`KeysError`], also when the file holds another index key: with it nothing in the database would be found any more. The
    /// vault keeps the keys that it has.
    pub fn reload(&self) -> Result<bool, KeysError> {
        let Some(file) = &self.0.file else { return Ok(false) };
        let keys = Keys::open(file)?;
        if keys.index != self.0.index_key {
            return Err(KeysError::OtherIndexKey { path: file.clone() });
        }
        let ring = Ring::new(&keys);
        let mut present = self.0.ring.write().unwrap_or_else(PoisonError::into_inner);
        let newer = ring.newest > present.newest;
        *present = Arc::new(ring);
        Ok(newer)
    }

    fn ring(&self) -> Arc<Ring> {
        self.0.ring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The version that wraps.
    #[must_use]
    pub fn newest_version(&self) -> u16 {
        self.ring().newest
    }

    /// All versions, ascending.
    #[must_use]
    pub fn versions(&self) -> Vec<u16> {
        self.ring().ciphers.keys().copied().collect()
    }

    /// A new key for a member, and its wrapped form.
    #[must_use]
    pub fn new_key(&self, member: Uuid) -> (DataKey, WrappedKey) {
        let mut random = Zeroizing::new([0; KEY_LENGTH + NONCE_LENGTH]);
        rand::rng().fill_bytes(random.as_mut());
        let (key, nonce) = random.split_first_chunk::<KEY_LENGTH>().expect("the array holds both");
        let key = Key::new(*key);
        let nonce: [u8; NONCE_LENGTH] = nonce.try_into().expect("the array holds both");
        (DataKey::new(&key), self.ring().wrap(member, &key, &nonce))
    }

    /// The key of a member.
    ///
    /// # Errors
    /// [`OpenError`]; [`OpenError::UnknownKey`] only when the file as it is now does not hold the version either.
    pub fn unwrap(&self, member: Uuid, wrapped: &WrappedKey) -> Result<DataKey, OpenError> {
        self.unwrapped(member, wrapped).map(|key| DataKey::new(&key))
    }

    /// The same key, wrapped by the newest version.
    ///
    /// # Errors
    /// [`OpenError`], as [`Vault::unwrap`].
    pub fn rewrap(&self, member: Uuid, wrapped: &WrappedKey) -> Result<WrappedKey, OpenError> {
        let key = self.unwrapped(member, wrapped)?;
        let mut nonce = [0; NONCE_LENGTH];
        rand::rng().fill_bytes(&mut nonce);
        Ok(self.ring().wrap(member, &key, &nonce))
    }

    fn unwrapped(&self, member: Uuid, wrapped: &WrappedKey) -> Result<Key, OpenError> {
        match self.ring().unwrap(member, wrapped) {
            // Another process may have rotated, and wrapped this one since.
            Err(OpenError::UnknownKey { .. }) if self.reload().is_ok() => self.ring().unwrap(member, wrapped),
            outcome => outcome,
        }
    }

    /// The value by which something is found: equal for equal values of a kind, and without the index key nothing else.
    #[must_use]
    pub fn blind_index(&self, kind: IndexKind, value: &[u8]) -> BlindIndex {
        self.0.index.index(kind, value)
    }

    /// The blind index of a phone number.
    #[must_use]
    pub fn phone_index(&self, number: &PhoneNumber) -> BlindIndex {
        self.blind_index(IndexKind::Phone, number.expose().as_bytes())
    }

    /// By which a message that holds personal data is recognised when it comes again, without being kept.
    #[must_use]
    pub fn fingerprint(&self, message: &[u8]) -> [u8; 32] {
        self.0.index.fingerprint(message)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Vault").field("versions", &self.versions()).finish_non_exhaustive()
    }
}
