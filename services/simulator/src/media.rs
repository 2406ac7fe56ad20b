//! Uploaded media: images that messages refer to.

use std::{
    collections::HashMap,
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard},
};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::refusal::Refusal;

/// Largest image, in bytes, as documented.
pub(crate) const MAX_IMAGE: usize = 5 << 20;
/// How long the address of a media's bytes is good for, in seconds.
pub(crate) const ADDRESS_SECONDS: u64 = 300;

/// An uploaded image.
#[derive(Clone, Debug)]
pub(crate) struct Medium {
    pub(crate) mime_type: &'static str,
    /// 64 lower-case hexadecimal digits.
    pub(crate) sha256: String,
    pub(crate) bytes: Bytes,
}

impl Medium {
    /// Recognises PNG and JPEG by their first bytes; what the client calls them must agree.
    ///
    /// # Errors
    /// 100 for another type, 131053 for a file that is empty or too large.
    pub(crate) fn new(bytes: Bytes, declared: Option<&str>) -> Result<Self, Refusal> {
        if bytes.is_empty() {
            return Err(Refusal::media("the file is empty"));
        }
        if bytes.len() > MAX_IMAGE {
            return Err(Refusal::media("images have at most 5 MB"));
        }
        let mime_type = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            "image/png"
        } else if bytes.starts_with(b"\xff\xd8\xff") {
            "image/jpeg"
        } else {
            return Err(Refusal::invalid("file must be image/jpeg or image/png"));
        };
        if declared.is_some_and(|declared| !declared.eq_ignore_ascii_case(mime_type)) {
            return Err(Refusal::invalid("the declared type is not that of the file"));
        }
        Ok(Self { mime_type, sha256: hex::encode(Sha256::digest(&bytes)), bytes })
    }
}

/// All media, in memory, and in a folder beside the record file if there is one.
#[derive(Debug)]
pub(crate) struct Media {
    held: Mutex<Held>,
    capacity: usize,
    folder: Option<PathBuf>,
}

#[derive(Debug, Default)]
struct Held {
    media: HashMap<u64, Medium>,
    bytes: usize,
}

impl Media {
    /// Reads what an earlier simulator with this record file kept.
    pub(crate) fn open(capacity: usize, record_path: Option<&Path>) -> io::Result<Self> {
        let folder = record_path.map(|path| path.with_extension("media"));
        let mut held = Held::default();
        if let Some(folder) = &folder {
            fs::create_dir_all(folder)?;
            for file in fs::read_dir(folder)? {
                let path = file?.path();
                // Files without a number for a name are uploads that a kill cut short.
                let Some(id) = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok())
                else {
                    continue;
                };
                let medium = Medium::new(fs::read(&path)?.into(), None)
                    .map_err(|_| io::Error::new(ErrorKind::InvalidData, "a kept file is not an image"))?;
                held.bytes += medium.bytes.len();
                held.media.insert(id, medium);
            }
        }
        Ok(Self { held: Mutex::new(held), capacity, folder })
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().expect("nothing panics under this lock")
    }

    /// Keeps an image and names it.
    ///
    /// # Errors
    /// 131000 when there is no room for it, or when it cannot be written.
    pub(crate) async fn add(&self, medium: Medium) -> Result<u64, Refusal> {
        let id = rand::random_range(1_000_000_000_000_000..10_000_000_000_000_000);
        {
            let mut held = self.lock();
            if held.bytes + medium.bytes.len() > self.capacity {
                tracing::warn!(bytes = held.bytes, "there is no room for more media");
                return Err(Refusal::server_error());
            }
            held.bytes += medium.bytes.len();
        }
        let written = self.write(id, &medium.bytes).await;
        let mut held = self.lock();
        if let Err(error) = written {
            held.bytes -= medium.bytes.len();
            tracing::error!(%error, "a medium cannot be kept");
            return Err(Refusal::server_error());
        }
        held.media.insert(id, medium);
        Ok(id)
    }

    /// Whole or not at all: under another name first.
    async fn write(&self, id: u64, bytes: &[u8]) -> io::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let unfinished = folder.join(format!("{id}.part"));
        tokio::fs::write(&unfinished, bytes).await?;
        tokio::fs::rename(&unfinished, folder.join(id.to_string())).await
    }

    /// The image with this id.
    pub(crate) fn get(&self, id: &str) -> Option<Medium> {
        self.lock().media.get(&id.parse().ok()?).cloned()
    }

    /// Whether there is an image with this id.
    pub(crate) fn holds(&self, id: &str) -> bool {
        id.parse().is_ok_and(|id| self.lock().media.contains_key(&id))
    }

    /// Forgets an image; false when there is none with this id.
    pub(crate) async fn remove(&self, id: &str) -> bool {
        let Ok(id) = id.parse() else { return false };
        {
            let mut held = self.lock();
            let Some(medium) = held.media.remove(&id) else { return false };
            held.bytes -= medium.bytes.len();
        }
        if let Some(folder) = &self.folder
            && let Err(error) = tokio::fs::remove_file(folder.join(id.to_string())).await
        {
            tracing::warn!(%error, "the file of a deleted medium stays behind");
        }
        true
    }
}
