//! Endpoints: which request is answered by what.

use std::{convert::Infallible, sync::Arc};

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use http_body_util::{BodyExt, Either, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Body, Frame, Incoming};
use serde::Serialize;

use crate::{
    fault::Admission,
    media::{ADDRESS_SECONDS, MAX_IMAGE, Medium},
    message::{self, Message},
    multipart,
    provider::Provider,
    refusal::Refusal,
    sends::TraceParent,
    signature::sign,
    wheel::MessageId,
};

/// Bytes of a message; the documented shapes stay far below.
const MAX_MESSAGE: usize = 64 << 10;
/// Bytes of an upload around its file.
const MAX_FORM: usize = MAX_IMAGE + (64 << 10);
/// Bytes of a body over its limit that are read and thrown away, so that the client gets to read the answer.
const MAX_DISCARDED: usize = 64 << 20;
/// Lines of `GET /witness/sends` made at a time.
const LINES: usize = 1_000;

type Answer = Response<Either<Full<Bytes>, UnsyncBoxBody<Bytes, Infallible>>>;

/// The client is left without an answer: its connection (HTTP/2: its stream) ends.
#[derive(Debug, thiserror::Error)]
#[error("the request is left unanswered")]
pub(crate) struct Unanswered;

/// Answers one request.
///
/// # Errors
/// When the answer is lost on purpose, or the request broke off.
pub(crate) async fn answer(provider: Arc<Provider>, request: Request<Incoming>) -> Result<Answer, Unanswered> {
    let number = provider.next_request();
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/');
    let route = (segments.next(), segments.next(), segments.next(), segments.next());
    let sender = provider.config.phone_number_id.as_str();
    let version = provider.config.api_version.as_str();

    // The witness belongs to the exercise, not to the API: it needs no token and holds nothing personal.
    let result = match route {
        (Some("witness"), None, ..) if parts.method == Method::GET => {
            Ok(json(&provider.witness.testify(provider.pending())))
        }
        (Some("witness"), Some("sends"), None, _) if parts.method == Method::GET => sends(&provider, &parts),
        _ if !is_authorized(&provider, &parts.headers) => Err(Refusal::unauthenticated()),
        (Some(v), Some(id), Some("messages"), None) if v == version => {
            if id != sender || parts.method != Method::POST {
                Err(Refusal::no_such_object())
            } else {
                return send(&provider, number, &parts.headers, body).await;
            }
        }
        (Some(v), Some(id), Some("media"), None) if v == version => {
            if id != sender || parts.method != Method::POST {
                Err(Refusal::no_such_object())
            } else {
                upload(&provider, &parts.headers, body).await?
            }
        }
        (Some(v), Some(id), None, _) if v == version => match parts.method {
            Method::GET => describe(&provider, id, &parts),
            Method::DELETE if provider.media.remove(id).await => Ok(json(&Success { success: true })),
            _ => Err(Refusal::no_such_object()),
        },
        (Some("media"), Some(id), None, _) if parts.method == Method::GET => download(&provider, id, &parts),
        _ => Err(Refusal::unknown_path()),
    };
    Ok(result.unwrap_or_else(|refusal| refused(&refusal, number)))
}

#[derive(Serialize)]
struct Success {
    success: bool,
}

fn is_authorized(provider: &Provider, headers: &HeaderMap) -> bool {
    headers.get(header::AUTHORIZATION).is_some_and(|value| value.as_bytes() == provider.authorization.as_bytes())
}

fn json(value: &impl Serialize) -> Answer {
    json_bytes(StatusCode::OK, serde_json::to_vec(value).expect("these types always serialise").into())
}

fn json_bytes(status: StatusCode, body: Bytes) -> Answer {
    let mut answer = Response::new(Either::Left(Full::new(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

fn refused(refusal: &Refusal, number: u64) -> Answer {
    let (status, body) = refusal.write(number);
    json_bytes(status, body)
}

/// The body; `Err(None)` when it is over the limit, `Err(Some)` when it broke off.
async fn read(mut body: Incoming, limit: usize) -> Result<Bytes, Option<Unanswered>> {
    let mut gathered: Option<BytesMut> = None;
    let mut total = 0;
    while let Some(frame) = body.frame().await {
        let Ok(bytes) = frame.map_err(|_| Some(Unanswered))?.into_data() else { continue };
        total += bytes.len();
        if total > MAX_DISCARDED {
            return Err(None);
        }
        if total > limit {
            gathered = None;
            continue;
        }
        if gathered.is_none() && body.is_end_stream() {
            // The usual case: everything came in one piece, and nothing is copied.
            return Ok(bytes);
        }
        gathered.get_or_insert_default().extend_from_slice(&bytes);
    }
    if total > limit { Err(None) } else { Ok(gathered.unwrap_or_default().freeze()) }
}

/// `POST /{version}/{phone_number_id}/messages`.
async fn send(provider: &Provider, number: u64, headers: &HeaderMap, body: Incoming) -> Result<Answer, Unanswered> {
    let admission = provider.admit(number);
    if matches!(admission, Admission::LoseRequest) {
        provider.witness.lose_request();
        tokio::time::sleep(provider.faults().hang()).await;
        return Err(Unanswered);
    }
    let body = match read(body, MAX_MESSAGE).await {
        Ok(body) => Ok(body),
        Err(None) => Err(Refusal::invalid("the body is longer than 64 KiB")),
        Err(Some(unanswered)) => return Err(unanswered),
    };
    let silent = matches!(admission, Admission::AcceptSilently);
    let lose_answer = matches!(admission, Admission::LoseAnswer);
    let accepted = match (body, admission) {
        (_, Admission::Refuse(refusal)) | (Err(refusal), _) => Err(refusal),
        (Ok(body), _) => accept(provider, headers, &body, silent).await,
    };
    match accepted {
        Ok(_) if lose_answer => {
            provider.witness.lose_answer();
            tokio::time::sleep(provider.faults().hang()).await;
            Err(Unanswered)
        }
        Ok(body) => Ok(json_bytes(StatusCode::OK, body)),
        Err(refusal) => {
            provider.witness.refuse(refusal.code());
            Ok(refused(&refusal, number))
        }
    }
}

/// Checks and accepts a message; the body of the answer.
async fn accept(provider: &Provider, headers: &HeaderMap, body: &[u8], silent: bool) -> Result<Bytes, Refusal> {
    let message = message::parse(body)?;
    if message.media_id.as_ref().is_some_and(|id| !provider.media.holds(id)) {
        return Err(Refusal::media("no media with this id was uploaded"));
    }
    let trace = headers.get("traceparent").and_then(|value| TraceParent::parse(value.as_bytes()));
    let id = provider.accept(&message, trace, silent).await?;
    Ok(success(&message, id))
}

fn success(message: &Message<'_>, id: MessageId) -> Bytes {
    // By hand: this is on the path of every message. `input` holds digits and a few marks, nothing to escape.
    let status = if message.template { r#","message_status":"accepted""# } else { "" };
    format!(
        r#"{{"messaging_product":"whatsapp","contacts":[{{"input":"{}","wa_id":"{}"}}],"messages":[{{"id":"{id}"{status}}}]}}"#,
        message.input, message.recipient,
    )
    .into()
}

#[derive(Serialize)]
struct Uploaded {
    id: String,
}

/// `POST /{version}/{phone_number_id}/media`.
async fn upload(
    provider: &Provider,
    headers: &HeaderMap,
    body: Incoming,
) -> Result<Result<Answer, Refusal>, Unanswered> {
    let body = match read(body, MAX_FORM).await {
        Ok(body) => body,
        Err(None) => return Ok(Err(Refusal::media("images have at most 5 MB"))),
        Err(Some(unanswered)) => return Err(unanswered),
    };
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Ok(match image_of(content_type, &body) {
        Ok(medium) => provider.media.add(medium).await.map(|id| json(&Uploaded { id: id.to_string() })),
        Err(refusal) => Err(refusal),
    })
}

fn image_of(content_type: &str, body: &Bytes) -> Result<Medium, Refusal> {
    let parts = multipart::read(content_type, body).ok_or_else(|| Refusal::invalid("the body is not a form"))?;
    let part = |name: &str| parts.iter().find(|part| part.name == name);
    if part("messaging_product").is_none_or(|part| part.content != "whatsapp") {
        return Err(Refusal::invalid("messaging_product must be \"whatsapp\""));
    }
    let file = part("file").ok_or_else(|| Refusal::missing("file"))?;
    let stated = part("type").and_then(|part| std::str::from_utf8(&part.content).ok());
    Medium::new(file.content.clone(), file.content_type.as_deref().or(stated))
}

#[derive(Serialize)]
struct Description<'a> {
    messaging_product: &'static str,
    url: String,
    mime_type: &'static str,
    sha256: String,
    file_size: String,
    id: &'a str,
}

/// `GET /{version}/{media_id}`.
fn describe(provider: &Provider, id: &str, parts: &Parts) -> Result<Answer, Refusal> {
    let medium = provider.media.get(id).ok_or_else(Refusal::no_such_object)?;
    if query(parts, "phone_number_id").is_some_and(|sender| sender != provider.config.phone_number_id) {
        return Err(Refusal::no_such_object());
    }
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = parts.uri.authority().map(http::uri::Authority::as_str).or(host).unwrap_or("localhost");
    let until = provider.now_ms() / 1_000 + ADDRESS_SECONDS;
    Ok(json(&Description {
        messaging_product: "whatsapp",
        url: format!("http://{host}/media/{id}?oe={until}&oh={}", proof(provider, id, until)),
        mime_type: medium.mime_type,
        sha256: medium.sha256,
        file_size: medium.bytes.len().to_string(),
        id,
    }))
}

/// What makes the address of a media's bytes hard to guess and bound to its time.
fn proof(provider: &Provider, id: &str, until: u64) -> String {
    sign(&provider.config.app_secret, format!("{id}/{until}").as_bytes())["sha256=".len()..][..32].to_owned()
}

/// `GET` on the address that a description gave.
fn download(provider: &Provider, id: &str, parts: &Parts) -> Result<Answer, Refusal> {
    let medium = provider.media.get(id).ok_or_else(Refusal::no_such_object)?;
    let until: u64 = query(parts, "oe").and_then(|until| until.parse().ok()).ok_or_else(Refusal::no_such_object)?;
    if until < provider.now_ms() / 1_000 || query(parts, "oh") != Some(proof(provider, id, until).as_str()) {
        return Err(Refusal::no_such_object());
    }
    let mut answer = Response::new(Either::Left(Full::new(medium.bytes)));
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(medium.mime_type));
    Ok(answer)
}

fn query<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    let pairs = parts.uri.query()?.split('&');
    pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// `GET /witness/sends?format=ndjson`, in pieces: the list may be long.
fn sends(provider: &Arc<Provider>, parts: &Parts) -> Result<Answer, Refusal> {
    if query(parts, "format").is_some_and(|format| format != "ndjson") {
        return Err(Refusal::invalid("format must be ndjson"));
    }
    let pieces = stream::unfold((Arc::clone(provider), 0), |(provider, from)| async move {
        let lines = provider.witness.lines(from, LINES);
        (!lines.is_empty()).then(|| (lines, (provider, from + LINES)))
    });
    let frames = pieces.map(|lines| Ok(Frame::data(Bytes::from(lines))));
    let mut answer = Response::new(Either::Right(StreamBody::new(frames).boxed_unsync()));
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(answer)
}
