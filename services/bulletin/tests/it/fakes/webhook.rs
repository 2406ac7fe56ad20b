//! What the gateway does with a webhook: takes the body and hands it to the bulletin service.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use senani_client::{Channel, ClientOptions, connect};
use senani_proto::bulletin::v1::IngestReceiptsRequest;
use senani_proto::bulletin::v1::delivery_service_client::DeliveryServiceClient;
use tokio::net::TcpListener;

use super::Running;

/// Takes webhooks and forwards them to wherever the bulletin service is.
#[derive(Debug)]
pub(crate) struct FakeGateway {
    pub(crate) running: Running,
    target: Arc<Mutex<Option<Channel>>>,
}

impl FakeGateway {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let target: Arc<Mutex<Option<Channel>>> = Arc::default();
        let known = Arc::clone(&target);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let known = Arc::clone(&known);
                tokio::spawn(async move {
                    let service = service_fn(move |request| forward(Arc::clone(&known), request));
                    let server = auto::Builder::new(TokioExecutor::new());
                    let _ = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { running: Running { address, task }, target }
    }

    /// Where bodies go from now on; `None`: they are refused, and the provider repeats them.
    pub(crate) fn forward_to(&self, url: Option<&str>) {
        let options = ClientOptions { subject: Some("services/gateway".to_owned()), ..ClientOptions::default() };
        *self.target.lock().expect("nobody panics with it") = url.map(|url| connect(url, options).expect("an address"));
    }
}

async fn forward(
    target: Arc<Mutex<Option<Channel>>>,
    request: Request<Incoming>,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let channel = target.lock().expect("nobody panics with it").clone();
    let body = request.into_body().collect().await.map(|body| body.to_bytes());
    let taken = match (channel, body) {
        (Some(channel), Ok(body)) => {
            let request = IngestReceiptsRequest { channel: "simulator".to_owned(), body };
            DeliveryServiceClient::new(channel).ingest_receipts(request).await.is_ok()
        }
        _ => false,
    };
    let mut response = Response::new(Empty::new());
    *response.status_mut() = if taken { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok(response)
}
