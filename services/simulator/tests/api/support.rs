//! A running simulator, a client of its API, and a webhook that can be told to refuse.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use senani_simulator::{App, Config, Delays, Handle, SIGNATURE_HEADER, Span, Webhook, sign};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Long enough for a loaded machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// Fast receipts, so that tests are.
pub(crate) fn quick() -> Config {
    let short = Span { from: 1, to: 20 };
    Config {
        delays: Delays { sent: short, delivered: short, read: short, repeated: short },
        webhook: Webhook { linger_ms: 10, retry_from_ms: 10, retry_to_ms: 50, ..Webhook::default() },
        ..Config::default()
    }
}

/// A simulator that serves until it is dropped or stopped.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) handle: Handle,
    pub(crate) token: String,
    client: Client<HttpConnector, Full<Bytes>>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Running {
    pub(crate) async fn start(config: Config) -> Self {
        Self::start_with(config, false).await
    }

    pub(crate) async fn start_with(config: Config, http2: bool) -> Self {
        let token = config.token.clone();
        let app = App::build(config).await.unwrap();
        let (address, handle) = (app.address(), app.handle());
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move { app.run(stopped).await.unwrap() });
        let client = Client::builder(TokioExecutor::new()).http2_only(http2).build_http();
        Self { address, handle, token, client, stop, task }
    }

    /// Stops it and waits for its end.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        (&mut self.task).await.unwrap();
    }

    /// One request with the token; status and body.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<(StatusCode, Bytes), hyper_util::client::legacy::Error> {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.client.request(request.body(Full::new(body.into())).unwrap()).await?;
        let status = answer.status();
        Ok((status, answer.into_body().collect().await.unwrap().to_bytes()))
    }

    /// One request to `/messages`; status and JSON.
    pub(crate) async fn send(&self, message: &Value) -> (StatusCode, Value) {
        let path = format!("/v24.0/{}/messages", Config::default().phone_number_id);
        let (status, body) = self.call(Method::POST, &path, &[], message.to_string()).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    /// Sends as many messages, each with its own callback data, and expects them to be accepted.
    pub(crate) async fn send_many(&self, prefix: &str, count: u32) {
        for number in 0..count {
            let (status, answer) = self.send(&text(number, &format!("{prefix}-{number}"))).await;
            assert_eq!(status, StatusCode::OK, "{answer}");
        }
    }

    /// Waits until every receipt was taken.
    pub(crate) async fn settle(&self) {
        senani_testkit::eventually(DEADLINE, "every receipt to be taken", async || self.handle.witness().pending == 0)
            .await;
    }
}

/// A text message to the exercise number that ends so.
pub(crate) fn text(number: u32, callback: &str) -> Value {
    json!({
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": format!("+9110{number:08}"),
        "type": "text", "text": {"preview_url": false, "body": "नमस्ते"}, "biz_opaque_callback_data": callback,
    })
}

/// A webhook that keeps what it takes.
#[derive(Clone, Debug)]
pub(crate) struct Sink {
    pub(crate) url: String,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    statuses: Vec<Value>,
    batches: Vec<usize>,
    forged: usize,
    refuse: usize,
    refused: usize,
}

impl Sink {
    /// Listens, and answers 503 to the first `refuse` webhooks.
    pub(crate) async fn start(app_secret: &str, refuse: usize) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/webhooks/whatsapp", listener.local_addr().unwrap());
        let inner = Arc::new(Mutex::new(Inner { refuse, ..Inner::default() }));
        let (shared, secret): (_, Arc<str>) = (Arc::clone(&inner), app_secret.into());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (shared, secret) = (Arc::clone(&shared), Arc::clone(&secret));
                tokio::spawn(async move {
                    let service = service_fn(move |request| take(Arc::clone(&shared), Arc::clone(&secret), request));
                    let server = auto::Builder::new(TokioExecutor::new());
                    let _ = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { url, inner }
    }

    /// Every receipt in the order of arrival.
    pub(crate) fn statuses(&self) -> Vec<Value> {
        self.inner.lock().unwrap().statuses.clone()
    }

    /// `callback data: status` of every receipt, in the order of arrival.
    pub(crate) fn summary(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let line =
            |status: &Value| format!("{}: {}", text(&status["biz_opaque_callback_data"]), text(&status["status"]));
        self.statuses().iter().map(line).collect()
    }

    /// Receipts in each webhook that was taken.
    pub(crate) fn batches(&self) -> Vec<usize> {
        self.inner.lock().unwrap().batches.clone()
    }

    /// Webhooks that were answered 503.
    pub(crate) fn refused(&self) -> usize {
        self.inner.lock().unwrap().refused
    }

    /// Webhooks whose signature was not that of their body.
    pub(crate) fn forged(&self) -> usize {
        self.inner.lock().unwrap().forged
    }
}

async fn take(
    shared: Arc<Mutex<Inner>>,
    secret: Arc<str>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let mut inner = shared.lock().unwrap();
    let mut answer = Response::new(Full::new(Bytes::new()));
    if parts.headers[SIGNATURE_HEADER] != sign(&secret, &body).as_str() || parts.uri.path() != "/webhooks/whatsapp" {
        inner.forged += 1;
    }
    if inner.refused < inner.refuse {
        inner.refused += 1;
        *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        return Ok(answer);
    }
    let webhook: Value = serde_json::from_slice(&body).unwrap();
    let value = &webhook["entry"][0]["changes"][0]["value"];
    assert_eq!(webhook["object"], "whatsapp_business_account");
    assert_eq!(value["metadata"]["phone_number_id"], Config::default().phone_number_id);
    let statuses = value["statuses"].as_array().unwrap();
    inner.batches.push(statuses.len());
    inner.statuses.extend_from_slice(statuses);
    Ok(answer)
}
