//! What the provider has seen: the witness against whom the ledger is judged.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use senani_simulator::{SendLine, Testimony};

/// What the provider counted; `None` while it is down.
pub async fn testimony(provider: SocketAddr) -> Option<Testimony> {
    serde_json::from_slice(&get(provider, "/witness").await?).ok()
}

/// Every callback data that the provider accepted, with how often; `None` while it is down.
pub async fn sends(provider: SocketAddr) -> Option<Vec<SendLine>> {
    let body = get(provider, "/witness/sends?format=ndjson").await?;
    body.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).ok())
        .collect()
}

async fn get(provider: SocketAddr, path: &str) -> Option<Bytes> {
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let uri = format!("http://{provider}{path}").parse().ok()?;
    let answer = client.get(uri).await.ok()?;
    if !answer.status().is_success() {
        return None;
    }
    Some(answer.into_body().collect().await.ok()?.to_bytes())
}
