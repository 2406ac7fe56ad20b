//! Giving a poster to a provider.

use bytes::Bytes;
use http::HeaderValue;
use serde::Deserialize;
use uuid::Uuid;

use super::answer::code_of;
use super::connection::{Connection, Exchange};
use crate::domain::attempt::Answer;

#[derive(Deserialize)]
struct Uploaded {
    id: String,
}

/// Uploads a poster; the provider's id of it.
///
/// # Errors
/// What the provider answered instead. An upload that was not answered did no harm: it counts as not sent.
pub(crate) async fn upload(connection: &mut Connection, media_type: &str, content: &[u8]) -> Result<String, Answer> {
    let boundary = format!("senani{}", Uuid::new_v4().simple());
    let name = if media_type == "image/png" { "poster.png" } else { "poster.jpg" };
    let mut body = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n\
         --{boundary}\r\ncontent-disposition: form-data; name=\"type\"\r\n\r\n{media_type}\r\n\
         --{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         content-type: {media_type}\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(content);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    let content_type = HeaderValue::try_from(format!("multipart/form-data; boundary={boundary}"))
        .expect("a boundary of hexadecimal digits is a header value");
    match connection.post_media(content_type, Bytes::from(body)).await {
        Exchange::Answered(status, body) if (200..300).contains(&status) => {
            serde_json::from_slice::<Uploaded>(&body).map(|uploaded| uploaded.id).map_err(|_| Answer::Unreached)
        }
        Exchange::Answered(status, body) => Err(Answer::Refused { status, code: code_of(&body) }),
        Exchange::Unreached | Exchange::Broken => Err(Answer::Unreached),
    }
}
