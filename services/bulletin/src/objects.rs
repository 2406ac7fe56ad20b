//! Posters' contents outside of the database: a directory, or an S3-compatible store. An object is named by its content and never changes.
//!
//! The object is written before the row that speaks of it. What dies in between leaves an object that nobody speaks of: it costs its room and
//! nothing else, and is taken up when the same picture comes again. Nothing sweeps such objects.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt as _, RetryConfig};

use crate::config::PosterStore;
use crate::domain::poster::{Poster, sha256};

/// Longest time for one request to an S3-compatible store.
const REQUEST: Duration = Duration::from_secs(20);
/// Longest time to make a connection to it.
const CONNECT: Duration = Duration::from_secs(5);

/// Why a poster cannot be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The place is not as documented.
    #[error("poster_store.{field} {what}")]
    Configuration {
        /// The setting.
        field: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The directory cannot be made.
    #[error("the directory of posters cannot be made")]
    Directory(#[source] std::io::Error),
    /// The store does not answer as it should.
    #[error("the store of posters does not answer")]
    Store(#[from] object_store::Error),
    /// What is stored under a name is not what the name says.
    #[error("a stored poster is not the one that it was")]
    Altered,
}

/// Where posters are.
#[derive(Debug, Clone)]
pub(crate) struct PosterObjects {
    store: Arc<dyn ObjectStore>,
    /// Before every name.
    prefix: Path,
}

impl PosterObjects {
    /// Opens the place; a directory is made when it is not there. An S3-compatible store is not asked before the first poster.
    ///
    /// # Errors
    /// [`ObjectError::Configuration`], [`ObjectError::Directory`].
    pub(crate) fn open(config: &PosterStore) -> Result<Self, ObjectError> {
        if let Some(place) = config.url.strip_prefix("s3://") {
            let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
            let wrong = |field, what| ObjectError::Configuration { field, what };
            if bucket.is_empty() {
                return Err(wrong("url", "must be s3://BUCKET or s3://BUCKET/FOLDER"));
            }
            let prefix = Path::parse(prefix.trim_end_matches('/'));
            let prefix = prefix.map_err(|_| wrong("url", "names a folder that cannot be"))?;
            return Ok(Self { store: Arc::new(s3(config, bucket)?), prefix });
        }
        let folder = config.url.strip_prefix("file://").unwrap_or(&config.url);
        if folder.is_empty() || folder.contains("://") {
            return Err(ObjectError::Configuration { field: "url", what: "must be a directory or s3://BUCKET/FOLDER" });
        }
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(ObjectError::Directory)?;
        // What is answered is durable: the file and its directory are on disk before the row is written.
        let store = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        Ok(Self { store: Arc::new(store), prefix: Path::default() })
    }

    /// Stores a content under its name, whole or not at all. The same content again is the same object.
    ///
    /// # Errors
    /// [`ObjectError::Store`].
    pub(crate) async fn put(&self, poster: &Poster, content: Bytes) -> Result<(), ObjectError> {
        self.store.put(&self.name(&poster.sha256), content.into()).await?;
        Ok(())
    }

    /// The content of a poster, which is what it was when it was stored.
    ///
    /// # Errors
    /// [`ObjectError::Store`], [`ObjectError::Altered`].
    pub(crate) async fn get(&self, poster: &Poster) -> Result<Bytes, ObjectError> {
        let found = self.store.get(&self.name(&poster.sha256)).await?;
        // Before it is read: no more comes into memory than was stored.
        if i64::try_from(found.meta.size) != Ok(poster.size) {
            return Err(ObjectError::Altered);
        }
        let content = found.bytes().await?;
        if sha256(&content) == poster.sha256 { Ok(content) } else { Err(ObjectError::Altered) }
    }

    /// In folders by the first two digits: a directory of many thousands is slow.
    fn name(&self, sha256: &str) -> Path {
        let folder = sha256.get(..2).unwrap_or_default();
        self.prefix.clone().join(folder).join(sha256)
    }
}

fn s3(config: &PosterStore, bucket: &str) -> Result<AmazonS3, ObjectError> {
    // The process' one provider of TLS; somebody else may have named it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Without keys of our own: those of the environment, or of the machine's role.
    let mut builder =
        if config.access_key_id.is_empty() { AmazonS3Builder::from_env() } else { AmazonS3Builder::new() };
    if !config.access_key_id.is_empty() {
        builder =
            builder.with_access_key_id(&config.access_key_id).with_secret_access_key(config.secret_access_key.expose());
    }
    if !config.endpoint.is_empty() {
        builder = builder.with_endpoint(&config.endpoint).with_allow_http(config.endpoint.starts_with("http://"));
    }
    let client = ClientOptions::new()
        .with_timeout(REQUEST)
        .with_connect_timeout(CONNECT)
        .with_allow_http(config.endpoint.starts_with("http://"));
    let retry = RetryConfig { max_retries: 2, retry_timeout: REQUEST, ..RetryConfig::default() };
    Ok(builder
        .with_bucket_name(bucket)
        .with_region(&config.region)
        .with_client_options(client)
        .with_retry(retry)
        .build()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poster(content: &[u8]) -> Poster {
        Poster {
            media_type: "image/png".to_owned(),
            size: content.len() as i64,
            width: 1,
            height: 1,
            sha256: sha256(content),
            sha1: String::new(),
        }
    }

    fn at(url: &str) -> PosterStore {
        PosterStore { url: url.to_owned(), ..PosterStore::default() }
    }

    fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
    }

    #[tokio::test]
    async fn the_same_picture_twice_is_one_object_and_an_altered_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let objects = PosterObjects::open(&at(folder.path().join("p").to_str().unwrap())).unwrap();
        let content = b"a picture";
        let poster = poster(content);
        assert!(matches!(objects.get(&poster).await, Err(ObjectError::Store(object_store::Error::NotFound { .. }))));
        for _ in 0..2 {
            objects.put(&poster, Bytes::from_static(content)).await.unwrap();
        }
        assert_eq!(objects.get(&poster).await.unwrap(), content.as_slice());
        let [file] = &files(folder.path())[..] else { panic!("one object") };
        for altered in [&b"a pictura"[..], b"a longer picture"] {
            std::fs::write(file, altered).unwrap();
            assert!(matches!(objects.get(&poster).await, Err(ObjectError::Altered)));
        }
    }

    #[test]
    fn a_place_that_is_none_is_refused_at_the_start() {
        for url in ["", "s3://", "s3:///folder", "gs://bucket", "file://"] {
            assert!(matches!(PosterObjects::open(&at(url)), Err(ObjectError::Configuration { .. })), "{url}");
        }
    }
}
