//! The keys of a cell and the file that holds them.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use rand::TryRng;
use rand::rngs::SysRng;
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::key_file;

/// Bytes of each key.
pub(crate) const KEY_LENGTH: usize = 32;
/// A key in memory, wiped when dropped.
pub(crate) type Key = Zeroizing<[u8; KEY_LENGTH]>;

/// The highest version of a key-encryption key.
pub(crate) const VERSION_LIMIT: u16 = 9_999;

/// The versions of the key-encryption key (wrap the keys of members) and the index key (finds values again). There is at least one
/// version, and no two keys are the same.
///
/// `Debug` prints the versions only.
#[derive(Clone)]
pub struct Keys {
    pub(crate) wrapping: BTreeMap<u16, Key>,
    pub(crate) index: Key,
}

/// Why there are no keys. No error contains a key or a part of one.
#[derive(Debug, Error)]
pub enum KeysError {
    /// The file cannot be read.
    #[error("cannot read the key file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file does not exist and cannot be created.
    #[error("cannot create the key file {}", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be replaced; it is as it was.
    #[error("cannot replace the key file {}", path.display())]
    Replace {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another change of the file is under way, or was interrupted.
    #[error("another change of the key file is under way; when there is none, one was interrupted: remove {}", draft.display())]
    Busy {
        /// What the other one writes.
        draft: PathBuf,
    },
    /// Other users may read or change the file.
    #[error("the key file {} has mode {mode:04o}: others than its owner may open it; run `chmod 600` on it", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is not as [`Keys::open_or_create`] writes it.
    #[error("the key file {} is not valid: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line.
        problem: String,
    },
    /// The file holds another index key than before.
    #[error("the key file {} holds another index key than before: with it nothing would be found", path.display())]
    OtherIndexKey {
        /// The file.
        path: PathBuf,
    },
    /// The version is not there, or the newest one, which wraps.
    #[error("version {version} cannot be dropped: it is not in the key file, or it is the newest")]
    NotDroppable {
        /// The version.
        version: u16,
    },
    /// There is no further version.
    #[error("the key file holds the last version that there can be, {VERSION_LIMIT}")]
    NoFurtherVersion,
    /// The operating system gives no random numbers.
    #[error("the operating system gives no random numbers")]
    NoRandomness,
}

impl Keys {
    /// New random keys, version 1, from the operating system.
    ///
    /// # Errors
    /// [`KeysError::NoRandomness`] when there is none.
    pub fn generate() -> Result<Self, KeysError> {
        Ok(Self { wrapping: BTreeMap::from([(1, random()?)]), index: random()? })
    }

    /// Reads the key file, or creates it with new keys.
    ///
    /// A new file has mode 0600 and appears whole or not at all; of several processes that create it at once one wins
    /// and all return its keys. A file that others than its owner may open is refused, except that a file of root may be
    /// readable by its group, as Kubernetes mounts secrets.
    ///
    /// # Errors
    /// A [`KeysError`] that names the file.
    pub fn open_or_create(path: impl AsRef<Path>) -> Result<Self, KeysError> {
        let path = path.as_ref();
        if let Some(keys) = key_file::read(path)? {
            return Ok(keys);
        }
        let keys = Self::generate()?;
        match key_file::create(path, &keys) {
            Ok(()) => Ok(keys),
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => Self::open(path),
            Err(source) => Err(KeysError::Create { path: path.to_owned(), source }),
        }
    }

    /// Reads the key file.
    ///
    /// # Errors
    /// A [`KeysError`] that names the file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, KeysError> {
        let path = path.as_ref();
        let absent = || KeysError::Read { path: path.to_owned(), source: io::ErrorKind::NotFound.into() };
        key_file::read(path)?.ok_or_else(absent)
    }

    /// Adds a version to the key file, which is from then on the one that wraps; answers its number. The file is replaced in one
    /// step and keeps its mode and owner; older versions stay.
    ///
    /// # Errors
    /// A [`KeysError`] that names the file, which is then as it was.
    pub fn rotate(path: impl AsRef<Path>) -> Result<u16, KeysError> {
        key_file::change(path.as_ref(), |keys| {
            let version = keys.newest_version() + 1;
            if version > VERSION_LIMIT {
                return Err(KeysError::NoFurtherVersion);
            }
            keys.wrapping.insert(version, random()?);
            Ok(version)
        })
    }

    /// Takes a version out of the key file. What is still wrapped by it can never be read again: ask the service first.
    ///
    /// # Errors
    /// [`KeysError::NotDroppable`], or another [`KeysError`] that names the file, which is then as it was.
    pub fn drop_version(path: impl AsRef<Path>, version: u16) -> Result<(), KeysError> {
        key_file::change(path.as_ref(), |keys| {
            if version == keys.newest_version() || keys.wrapping.remove(&version).is_none() {
                return Err(KeysError::NotDroppable { version });
            }
            Ok(())
        })
    }

    /// The version that wraps.
    #[must_use]
    pub fn newest_version(&self) -> u16 {
        self.wrapping.last_key_value().map_or(0, |(version, _)| *version)
    }

    /// All versions, ascending.
    pub fn versions(&self) -> impl Iterator<Item = u16> {
        self.wrapping.keys().copied()
    }

    /// Whether two of the keys are the same, which would undo their separation.
    pub(crate) fn repeat_themselves(&self) -> bool {
        let keys: Vec<&Key> = self.wrapping.values().chain([&self.index]).collect();
        keys.iter()
            .enumerate()
            .any(|(place, one)| keys[place + 1..].iter().any(|other| one.ct_eq(other.as_ref()).into()))
    }
}

fn random() -> Result<Key, KeysError> {
    let mut key = Key::default();
    SysRng.try_fill_bytes(key.as_mut()).map_err(|_| KeysError::NoRandomness)?;
    Ok(key)
}

impl fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Keys").field("versions", &self.wrapping.keys()).finish_non_exhaustive()
    }
}
