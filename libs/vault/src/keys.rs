//! The two keys of a cell and the file that holds them.

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

/// A data key (seals numbers) and an index key (finds them again), with the version that sealed numbers name.
///
/// `Debug` prints the version only.
#[derive(Clone)]
pub struct Keys {
    pub(crate) version: u8,
    pub(crate) data: Key,
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
    /// The operating system gives no random numbers.
    #[error("the operating system gives no random numbers")]
    NoRandomness,
}

impl Keys {
    /// Two new random keys with version 1, from the operating system.
    ///
    /// # Errors
    /// [`KeysError::NoRandomness`] when there is none.
    pub fn generate() -> Result<Self, KeysError> {
        let random = || {
            let mut key = Key::default();
            SysRng.try_fill_bytes(key.as_mut()).map_err(|_| KeysError::NoRandomness)?;
            Ok(key)
        };
        Ok(Self { version: 1, data: random()?, index: random()? })
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
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => key_file::read(path)?
                .ok_or_else(|| KeysError::Read { path: path.to_owned(), source: io::ErrorKind::NotFound.into() }),
            Err(source) => Err(KeysError::Create { path: path.to_owned(), source }),
        }
    }

    /// The version of the data key, the first byte of every number sealed with it; never 0.
    #[must_use]
    pub fn version(&self) -> u8 {
        self.version
    }

    /// Whether both keys are the same, which would undo their separation.
    pub(crate) fn are_one(&self) -> bool {
        self.data.ct_eq(self.index.as_ref()).into()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Keys").field("version", &self.version).finish_non_exhaustive()
    }
}
