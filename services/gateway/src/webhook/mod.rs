//! What providers post to us, and the call that it becomes.
//!
//! `GET /webhooks/whatsapp/{channel}` answers a provider that asks whether we are there; `POST` takes its receipts and
//! messages. A body is of a provider only when its signature is, so nothing is read out of it here: it goes to bulletin as
//! it came, and the provider gets its 200 when bulletin has it on disk.

mod signature;

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse as _, Response},
    routing::get,
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use senani_client::{Channel, ClientOptions, ConnectError};
use senani_config::Secret;
use senani_proto::bulletin::v1::{IngestReceiptsRequest, delivery_service_client::DeliveryServiceClient};
use serde::Deserialize;
use tonic::{Code, Status};

use self::signature::Signature;
use crate::config::Webhook;

/// Who the gateway is when it calls by itself.
const SUBJECT: &str = "services/gateway";
/// Largest body, in bytes: what `IngestReceiptsRequest.body` may hold.
const LARGEST_BODY: usize = 4 * 1024 * 1024;
/// Longest time that a provider may take to send a body.
const BODY_PATIENCE: Duration = Duration::from_secs(20);
/// Longest time that bulletin may take to store it. Providers give up after some more.
const INGEST_PATIENCE: Duration = Duration::from_secs(10);
/// Seconds after which a provider is asked to post again what we could not take.
const POST_AGAIN_SECONDS: &str = "5";

/// The webhooks of all channels.
#[derive(Clone)]
struct Webhooks {
    /// By channel.
    providers: Arc<HashMap<String, Webhook>>,
    bulletin: DeliveryServiceClient<Channel>,
}

/// The routes of the webhooks, which hand on to the bulletin at `bulletin_url`.
///
/// # Errors
/// The address is malformed.
pub(crate) fn router(webhooks: &[Webhook], bulletin_url: &str) -> Result<Router, ConnectError> {
    let options =
        ClientOptions { subject: Some(SUBJECT.to_owned()), deadline: INGEST_PATIENCE, ..ClientOptions::default() };
    let bulletin = DeliveryServiceClient::new(senani_client::connect(bulletin_url, options)?);
    let providers = webhooks.iter().map(|webhook| (webhook.channel.clone(), webhook.clone())).collect();
    Ok(Router::new()
        .route("/webhooks/whatsapp/{channel}", get(verify).post(receive))
        .with_state(Webhooks { providers: Arc::new(providers), bulletin }))
}

/// What a provider asks before it begins to post.
#[derive(Deserialize)]
struct Verification {
    #[serde(rename = "hub.mode", default)]
    mode: String,
    #[serde(rename = "hub.challenge", default)]
    challenge: String,
    #[serde(rename = "hub.verify_token", default)]
    token: Secret,
}

async fn verify(
    State(webhooks): State<Webhooks>,
    Path(channel): Path<String>,
    Query(asked): Query<Verification>,
) -> Response {
    let Some(provider) = webhooks.providers.get(&channel) else { return StatusCode::NOT_FOUND.into_response() };
    // Secrets compare in constant time.
    if asked.mode == "subscribe" && asked.token == provider.verify_token {
        asked.challenge.into_response()
    } else {
        StatusCode::FORBIDDEN.into_response()
    }
}

async fn receive(
    State(mut webhooks): State<Webhooks>,
    Path(channel): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Some(provider) = webhooks.providers.get(&channel) else { return StatusCode::NOT_FOUND.into_response() };
    let Some(signature) = Signature::read(&headers) else { return StatusCode::UNAUTHORIZED.into_response() };
    let body = match tokio::time::timeout(BODY_PATIENCE, whole(body)).await {
        Ok(Ok(body)) => body,
        Ok(Err(code)) => return code.into_response(),
        Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
    };
    if !signature.is_by([&provider.app_secret, &provider.previous_app_secret], &body) {
        tracing::warn!(channel, "a webhook without a valid signature is refused");
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let request = IngestReceiptsRequest { channel: channel.clone(), body };
    match webhooks.bulletin.ingest_receipts(request).await {
        Ok(_) => StatusCode::OK.into_response(),
        Err(status) => {
            let reason = senani_error::reason_of(&status);
            tracing::warn!(channel, code = ?status.code(), reason, "a webhook could not be handed on");
            refuse(&status)
        }
    }
}

async fn whole(body: Body) -> Result<Bytes, StatusCode> {
    match Limited::new(body, LARGEST_BODY).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => Err(StatusCode::BAD_REQUEST),
    }
}

/// The provider posts again whatever is not answered with 200; what bulletin will never take says so at least.
fn refuse(status: &Status) -> Response {
    match status.code() {
        Code::InvalidArgument | Code::NotFound => StatusCode::UNPROCESSABLE_ENTITY.into_response(),
        _ => (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, POST_AGAIN_SECONDS)]).into_response(),
    }
}
