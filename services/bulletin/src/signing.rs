//! The cell's signing keys: Ed25519, in a file that its owner alone reads. Their public halves are for everybody.

use std::io;
use std::path::{Path, PathBuf};

use ed25519_dalek::{Signer as _, SigningKey};
use rand::Rng as _;
use senani_vault::secret_file::{self, SecretFileError};
use sha2::{Digest, Sha256};

/// Bytes beyond which a file is not a key file.
const LENGTH_LIMIT: u64 = 64 * 1024;

const PREFACE: &str = "\
# Senani: the keys that this cell signs its bulletins' codes with. Ed25519, 32 bytes in hexadecimal.
# Show it to nobody: whoever has it can make posters that look genuine. Mode 0600.
# The highest version signs; the public halves of all are published, so that what an older one has signed can be checked.
";
/// Before the number of a version.
const KEY: &str = "signing_key_";

/// Why there is nothing to sign with.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    /// The file cannot be read or written.
    #[error("the file of signing keys {path} cannot be read or written")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others can open it.
    #[error("the file of signing keys {path} has mode {mode:04o}, others can open it")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It is not as documented.
    #[error("the file of signing keys {path} is malformed in line {line}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1; 0 when a key is missing.
        line: usize,
    },
}

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicKey {
    /// The first 16 hexadecimal digits of the SHA-256 of its bytes.
    pub(crate) id: String,
    pub(crate) bytes: [u8; 32],
}

/// The keys; the last signs.
pub(crate) struct SigningKeys {
    keys: Vec<SigningKey>,
}

impl SigningKeys {
    /// Reads the keys; when there is no file, one with a new key is made.
    ///
    /// # Errors
    /// [`SigningKeyError`]. A file that is there is never replaced.
    pub(crate) fn open(path: &Path) -> Result<Self, SigningKeyError> {
        let failed = |source| SigningKeyError::File { path: path.to_owned(), source };
        if let Some(keys) = read(path)? {
            return Ok(keys);
        }
        match create(path) {
            // Another process was faster: its key is the cell's.
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
            _ => {}
        }
        read(path)?.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))
    }

    /// The signature of a text, and the id of the key that it is of.
    pub(crate) fn sign(&self, text: &str) -> (Vec<u8>, String) {
        let key = self.keys.last().expect("a file without a key is refused");
        (key.sign(text.as_bytes()).to_bytes().to_vec(), public(key).id)
    }

    /// The public halves, the oldest first.
    pub(crate) fn public(&self) -> Vec<PublicKey> {
        self.keys.iter().map(public).collect()
    }
}

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SigningKeys").field("public", &self.public()).finish()
    }
}

fn public(key: &SigningKey) -> PublicKey {
    let bytes = key.verifying_key().to_bytes();
    PublicKey { id: hex::encode(&Sha256::digest(bytes)[..8]), bytes }
}

fn read(path: &Path) -> Result<Option<SigningKeys>, SigningKeyError> {
    let text = secret_file::read(path, LENGTH_LIMIT).map_err(|error| match error {
        SecretFileError::Read(source) => SigningKeyError::File { path: path.to_owned(), source },
        SecretFileError::Exposed { mode } => SigningKeyError::Exposed { path: path.to_owned(), mode },
    })?;
    let Some(text) = text else { return Ok(None) };
    let keys = parse(&text).map_err(|line| SigningKeyError::Malformed { path: path.to_owned(), line })?;
    Ok(Some(SigningKeys { keys }))
}

/// The keys in the order of their versions, or the line that is wrong.
fn parse(text: &str) -> Result<Vec<SigningKey>, usize> {
    let mut keys = std::collections::BTreeMap::new();
    for (line, content) in (1..).zip(text.lines().map(str::trim)) {
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let (name, value) = content.split_once('=').ok_or(line)?;
        let version = name.trim().strip_prefix(KEY).and_then(|version| version.parse::<u16>().ok()).ok_or(line)?;
        let mut secret = [0; 32];
        hex::decode_to_slice(value.trim(), &mut secret).map_err(|_| line)?;
        if keys.insert(version, SigningKey::from_bytes(&secret)).is_some() {
            return Err(line);
        }
    }
    if keys.is_empty() { Err(0) } else { Ok(keys.into_values().collect()) }
}

fn create(path: &Path) -> io::Result<()> {
    let mut secret = [0; 32];
    rand::rng().fill_bytes(&mut secret);
    secret_file::create(path, &format!("{PREFACE}{KEY}1 = {}\n", hex::encode(secret)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use ed25519_dalek::{Signature, VerifyingKey};

    use super::*;

    #[test]
    fn a_file_is_made_once_for_its_owner_and_anybody_can_check_what_it_signs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signing-keys");
        let keys = SigningKeys::open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(SigningKeys::open(&path).unwrap().public(), keys.public());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let (signature, id) = keys.sign("a text");
        let [public] = &keys.public()[..] else { panic!("one key") };
        assert_eq!(public.id, id);
        let signature = Signature::from_slice(&signature).unwrap();
        let key = VerifyingKey::from_bytes(&public.bytes).unwrap();
        assert!(key.verify_strict(b"a text", &signature).is_ok());
        assert!(key.verify_strict(b"a tezt", &signature).is_err());
    }

    #[test]
    fn the_highest_version_signs_and_all_are_published() {
        let keys = parse(&format!("signing_key_2 = {}\n# x\nsigning_key_1 = {}\n", "02".repeat(32), "01".repeat(32)));
        let keys = SigningKeys { keys: keys.unwrap() };
        assert_eq!(keys.public().len(), 2);
        assert_eq!(keys.sign("x").1, keys.public()[1].id);
        assert_eq!(keys.public()[1].bytes, SigningKey::from_bytes(&[2; 32]).verifying_key().to_bytes());
    }

    #[test]
    fn an_exposed_or_broken_file_is_refused_and_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signing-keys");
        let key = "01".repeat(32);
        let cases = [
            ("", 0),
            ("signing_key_1 = 00", 1),
            ("# x\nkey = 1", 2),
            (&format!("signing_key_1={key}\nsigning_key_1={key}"), 2),
        ];
        for (text, line) in cases {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            let found = SigningKeys::open(&path);
            assert!(matches!(found, Err(SigningKeyError::Malformed { line: at, .. }) if at == line), "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(SigningKeys::open(&path), Err(SigningKeyError::Exposed { mode: 0o644, .. })));
    }
}
