//! What providers post.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use senani_access::Principal;
use senani_gateway::{App, AppError, Config, Webhook};
use senani_proto::bulletin::v1 as pb;
use senani_proto::bulletin::v1::delivery_service_server::{DeliveryService, DeliveryServiceServer};
use senani_server::Server;
use sha2::Sha256;
use tokio_util::sync::CancellationToken;
use tonic::{
    Request, Response, Status,
    codegen::http::{self, StatusCode, header::HeaderMap},
};

use crate::cell::Gateway;

const SECRET: &str = "test-app-secret";
const HOOK: &str = "/webhooks/whatsapp/simulator";

/// What bulletin was given: by whom, for which channel, which bytes.
type Taken = Arc<Mutex<Vec<(String, String, Bytes)>>>;

/// A bulletin that keeps what it is given, or refuses it.
#[derive(Clone, Default)]
struct Bulletin {
    taken: Taken,
    refusal: Arc<Mutex<Option<Status>>>,
}

#[tonic::async_trait]
impl DeliveryService for Bulletin {
    async fn get_delivery(&self, _: Request<pb::GetDeliveryRequest>) -> Result<Response<pb::Delivery>, Status> {
        Err(Status::unimplemented("not asked for here"))
    }

    async fn list_deliveries(
        &self,
        _: Request<pb::ListDeliveriesRequest>,
    ) -> Result<Response<pb::ListDeliveriesResponse>, Status> {
        Err(Status::unimplemented("not asked for here"))
    }

    async fn ingest_receipts(
        &self,
        request: Request<pb::IngestReceiptsRequest>,
    ) -> Result<Response<pb::IngestReceiptsResponse>, Status> {
        if let Some(status) = self.refusal.lock().expect("nothing panics under this lock").clone() {
            return Err(status);
        }
        let subject = Principal::of(&request)?.subject().to_owned();
        let pb::IngestReceiptsRequest { channel, body } = request.into_inner();
        self.taken.lock().expect("nothing panics under this lock").push((subject, channel, body));
        Ok(Response::new(pb::IngestReceiptsResponse {}))
    }
}

struct Post {
    bulletin: Bulletin,
    gateway: Gateway,
    stop: CancellationToken,
    served: tokio::task::JoinHandle<Result<(), senani_server::ServeError>>,
    address: SocketAddr,
}

impl Post {
    async fn start() -> Self {
        let bulletin = Bulletin::default();
        let (address, stop, served) = serve(&bulletin, ([127, 0, 0, 1], 0).into());
        let gateway = Gateway::start(&format!("http://{address}"), |config| {
            config.webhooks = vec![Webhook {
                channel: "simulator".to_owned(),
                app_secret: SECRET.into(),
                previous_app_secret: "the-one-before".into(),
                verify_token: "a-verify-token".into(),
            }];
        })
        .await;
        Self { bulletin, gateway, stop, served, address }
    }

    async fn get(&self, path: &str) -> (StatusCode, HeaderMap, Bytes) {
        send(http::Request::get(format!("{}{path}", self.gateway.url)), Bytes::new()).await
    }

    async fn post(&self, path: &str, signature: Option<&str>, body: &Bytes) -> (StatusCode, HeaderMap) {
        let mut request = http::Request::post(format!("{}{path}", self.gateway.url));
        if let Some(signature) = signature {
            request = request.header("X-Hub-Signature-256", signature);
        }
        let (code, headers, _) = send(request, body.clone()).await;
        (code, headers)
    }

    fn taken(&self) -> usize {
        self.bulletin.taken.lock().expect("nothing panics under this lock").len()
    }
}

type Served = (SocketAddr, CancellationToken, tokio::task::JoinHandle<Result<(), senani_server::ServeError>>);

fn serve(bulletin: &Bulletin, address: SocketAddr) -> Served {
    let listener = senani_server::bind(address).expect("a free port");
    let (address, stop) = (listener.local_addr().expect("bound"), CancellationToken::new());
    let service = DeliveryServiceServer::new(bulletin.clone()).max_decoding_message_size(5 * 1024 * 1024);
    let server = Server::new("bulletin").add_service(service).drain_timeout(Duration::ZERO);
    (address, stop.clone(), tokio::spawn(server.serve(listener, stop)))
}

pub(crate) async fn send(request: http::request::Builder, body: Bytes) -> (StatusCode, HeaderMap, Bytes) {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let response = client.request(request.body(Full::new(body)).expect("a request")).await.expect("a response");
    let (head, body) = response.into_parts();
    (head.status, head.headers, body.collect().await.expect("a whole body").to_bytes())
}

fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key");
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// The body of the published vector, and its signature by the invented secret.
fn vector() -> (Bytes, &'static str) {
    let body = concat!(
        r#"{"object":"whatsapp_business_account","entry":[{"id":"0","changes":[{"field":"messages","value":"#,
        r#"{"messaging_product":"whatsapp","metadata":{"display_phone_number":"911200000000","phone_number_id":"1"},"#,
        r#""statuses":[{"id":"wamid.TEST","status":"delivered","timestamp":"1700000000","recipient_id":"919900000001"}]}}]}]}"#,
    );
    (Bytes::from_static(body.as_bytes()), "sha256=e3b1b6386ce23d170140d391f3617575bd4e4ce39d1fecfc22b40916d1a23e77")
}

#[tokio::test]
async fn a_signed_body_reaches_bulletin_byte_for_byte_in_the_gateways_name() {
    let post = Post::start().await;
    let (body, signature) = vector();
    assert_eq!(post.post(HOOK, Some(signature), &body).await.0, 200);
    assert_eq!(
        post.bulletin.taken.lock().unwrap().as_slice(),
        [("services/gateway".to_owned(), "simulator".to_owned(), body.clone())]
    );
    let before = sign("the-one-before", &body);
    assert_eq!(post.post(HOOK, Some(&before), &body).await.0, 200, "the secret may be in exchange");
    // What is not even JSON is bulletin's to judge.
    let bytes = Bytes::from_static(&[0, 159, 146, 150]);
    assert_eq!(post.post(HOOK, Some(&sign(SECRET, &bytes)), &bytes).await.0, 200);
    assert_eq!(post.taken(), 3);
}

#[tokio::test]
async fn forged_altered_and_unsigned_bodies_reach_nobody() {
    let post = Post::start().await;
    let (body, signature) = vector();
    let altered = Bytes::from(String::from_utf8(body.to_vec()).unwrap().replace("delivered", "read"));
    let forged = sign("another-secret", &body);
    let unsalted = sign("", &body);
    let cut = &signature[..signature.len() - 1];
    for (signature, body) in [
        (None, &body),
        (Some(""), &body),
        (Some(cut), &body),
        (Some(forged.as_str()), &body),
        (Some(unsalted.as_str()), &body),
        (Some(&signature["sha256=".len()..]), &body),
        (Some(signature), &altered),
    ] {
        assert_eq!(post.post(HOOK, signature, body).await.0, 401, "{signature:?}");
    }
    assert_eq!(post.taken(), 0);
}

#[tokio::test]
async fn only_configured_channels_exist() {
    let post = Post::start().await;
    let (body, signature) = vector();
    for path in ["/webhooks/whatsapp/other", "/webhooks/whatsapp/", "/webhooks/whatsapp", "/webhooks/sms/simulator"] {
        assert_eq!(post.post(path, Some(signature), &body).await.0, 404, "{path}");
        assert_eq!(post.get(path).await.0, 404, "{path}");
    }
    assert_eq!(post.taken(), 0);
}

#[tokio::test]
async fn a_body_of_four_mebibytes_is_taken_and_a_larger_one_is_not() {
    const LARGEST: usize = 4 * 1024 * 1024;
    let post = Post::start().await;
    let body = Bytes::from(vec![b'x'; LARGEST]);
    assert_eq!(post.post(HOOK, Some(&sign(SECRET, &body)), &body).await.0, 200);
    let body = Bytes::from(vec![b'x'; LARGEST + 1]);
    assert_eq!(post.post(HOOK, Some(&sign(SECRET, &body)), &body).await.0, 413);
    assert_eq!(post.taken(), 1);
}

#[tokio::test]
async fn a_provider_is_asked_to_post_again_while_bulletin_cannot_take_it() {
    let post = Post::start().await;
    let (body, signature) = vector();
    *post.bulletin.refusal.lock().unwrap() = Some(Status::internal("internal error"));
    let (code, headers) = post.post(HOOK, Some(signature), &body).await;
    assert_eq!((code.as_u16(), headers["retry-after"].to_str().unwrap()), (503, "5"));
    *post.bulletin.refusal.lock().unwrap() = Some(Status::invalid_argument("no channel has this name"));
    assert_eq!(post.post(HOOK, Some(signature), &body).await.0, 422);
    *post.bulletin.refusal.lock().unwrap() = None;

    post.stop.cancel();
    post.served.await.unwrap().unwrap();
    let post = Post { served: tokio::spawn(async { Ok(()) }), ..post };
    let (code, headers) = post.post(HOOK, Some(signature), &body).await;
    assert_eq!((code.as_u16(), headers["retry-after"].to_str().unwrap()), (503, "5"));
    assert_eq!(post.taken(), 0);

    let (_, stop, served) = serve(&post.bulletin, post.address);
    assert_eq!(post.post(HOOK, Some(signature), &body).await.0, 200);
    stop.cancel();
    served.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_handshake_gives_the_challenge_back_to_whoever_knows_the_token() {
    let post = Post::start().await;
    let handshake =
        |mode: &str, token: &str| format!("{HOOK}?hub.mode={mode}&hub.challenge=1158201444&hub.verify_token={token}");
    let (code, _, body) = post.get(&handshake("subscribe", "a-verify-token")).await;
    assert_eq!((code.as_u16(), body.as_ref()), (200, b"1158201444".as_slice()));
    for wrong in [
        handshake("subscribe", "another"),
        handshake("subscribe", ""),
        handshake("unsubscribe", "a-verify-token"),
        HOOK.to_owned(),
        format!("{HOOK}?hub.mode=subscribe&hub.verify_token=a-verify-token-and-more"),
    ] {
        let (code, _, body) = post.get(&wrong).await;
        assert_eq!((code.as_u16(), body.len()), (403, 0), "{wrong}");
    }
}

#[tokio::test]
async fn the_health_page_answers_and_requests_have_ids() {
    let post = Post::start().await;
    let (code, headers, body) = post.get("/healthz").await;
    assert_eq!((code.as_u16(), body.as_ref()), (200, b"ok".as_slice()));
    assert!(headers.contains_key("x-request-id"));
    assert_eq!(post.get("/").await.0, 404);
}

#[tokio::test]
async fn a_webhook_that_anyone_could_use_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let good = Webhook {
        channel: "simulator".to_owned(),
        app_secret: SECRET.into(),
        verify_token: "t".into(),
        ..Webhook::default()
    };
    for webhooks in [
        vec![Webhook { app_secret: "".into(), ..good.clone() }],
        vec![Webhook { verify_token: "".into(), ..good.clone() }],
        vec![Webhook { channel: String::new(), ..good.clone() }],
        vec![good.clone(), good],
    ] {
        let config = Config {
            listen: ([127, 0, 0, 1], 0).into(),
            identities_file: folder.path().join("identities.toml"),
            webhooks,
            ..Config::default()
        };
        assert!(matches!(App::build(config).await, Err(AppError::Webhook { .. })));
    }
}
