//! Taking a file of a message from a provider.

use http::Uri;
use serde::Deserialize;

use super::connection::{Connection, Exchange};

/// Why there is no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// And there will be none: the provider has it no more, it is too large, or it lies elsewhere.
    Gone,
    /// The provider does not answer, or has trouble.
    Later,
}

#[derive(Deserialize)]
struct Described {
    url: String,
    #[serde(default)]
    file_size: String,
}

/// The bytes of a file, `limit` at most. The provider names the address in a first answer; it is asked only where the channel is, so that
/// no message can make us ask anybody else.
///
/// # Errors
/// [`Missing`].
pub(crate) async fn download(connection: &mut Connection, media_id: &str, limit: usize) -> Result<Vec<u8>, Missing> {
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if media_id.is_empty() || media_id.len() > 128 || !media_id.bytes().all(sound) {
        return Err(Missing::Gone);
    }
    let address = connection.media_address(media_id).ok_or(Missing::Gone)?;
    let described = answered(connection.get(address, 64 * 1024).await)?;
    let described: Described = serde_json::from_slice(&described).map_err(|_| Missing::Later)?;
    if described.file_size.parse::<usize>().is_ok_and(|size| size > limit) {
        return Err(Missing::Gone);
    }
    let address: Uri = described.url.parse().map_err(|_| Missing::Gone)?;
    let address = connection.own_path(&address).ok_or(Missing::Gone)?;
    Ok(answered(connection.get(address, limit).await)?.to_vec())
}

fn answered(exchange: Exchange) -> Result<bytes::Bytes, Missing> {
    match exchange {
        Exchange::Answered(status, body) if (200..300).contains(&status) => Ok(body),
        // Too many requests, a token that is wrong today: the file may still be there.
        Exchange::Answered(401 | 403 | 429 | 500.., _) | Exchange::Unreached | Exchange::Broken => Err(Missing::Later),
        Exchange::Answered(..) => Err(Missing::Gone),
    }
}
