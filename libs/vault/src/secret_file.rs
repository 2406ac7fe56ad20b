//! A file that its owner alone may open: read after its mode was checked, and made in one step.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rand::RngExt;
use thiserror::Error;
use zeroize::Zeroizing;

/// Readable and writable by the owner alone.
pub(crate) const OWNER_ONLY: u32 = 0o600;

/// Why a secret cannot be read.
#[derive(Debug, Error)]
pub enum SecretFileError {
    /// The system said so.
    #[error("the file cannot be read")]
    Read(#[from] io::Error),
    /// Other users may read or change the file.
    #[error("the file has mode {mode:04o}: others than its owner may open it")]
    Exposed {
        /// Its permission bits.
        mode: u32,
    },
}

/// The text of a file, of `limit` bytes at most; `None` when there is no file. It is wiped from memory when it is dropped.
///
/// # Errors
/// [`SecretFileError::Exposed`] when others than the owner may open it; one of root's may be readable for its group, as Kubernetes
/// mounts secrets. [`SecretFileError::Read`] also when it is no UTF-8.
pub fn read(path: &Path, limit: u64) -> Result<Option<Zeroizing<String>>, SecretFileError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    // Asked of the open file, so that nobody can exchange it between the question and the reading.
    let metadata = file.metadata()?;
    let mode = metadata.mode() & 0o7777;
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    if mode & forbidden != 0 {
        return Err(SecretFileError::Exposed { mode });
    }
    // With its whole capacity at once: growing would leave unwiped copies behind.
    let length = metadata.len().min(limit);
    let mut text = Zeroizing::new(String::with_capacity(length as usize + 64));
    file.take(length).read_to_string(&mut text)?;
    Ok(Some(text))
}

/// Writes a new file for its owner alone, whole or not at all.
///
/// # Errors
/// `AlreadyExists` when there is one, also when another process was faster; else the system's.
pub fn create(path: &Path, text: &str) -> io::Result<()> {
    let draft = beside(path, &format!(".{:016x}.new", rand::rng().random::<u64>()))?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(&draft)?;
    let published = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| {
        // A link, not a rename: it fails when the name is taken, where a rename would replace another's secret.
        fs::hard_link(&draft, path)
    });
    let removed = fs::remove_file(&draft);
    published.and(removed)?;
    sync_folder(path)
}

/// A hidden name in the same folder.
pub(crate) fn beside(path: &Path, ending: &str) -> io::Result<PathBuf> {
    let mut name = OsString::from(".");
    name.push(path.file_name().ok_or(io::ErrorKind::InvalidInput)?);
    name.push(ending);
    Ok(folder(path).join(name))
}

pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
