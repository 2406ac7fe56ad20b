//! What anybody reads.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use senani_access::{Principal, SUBJECT_HEADER};
use senani_gateway::DOMAIN;
use senani_proto::bulletin::v1 as pb;
use senani_proto::bulletin::v1::public_page_service_server::{PublicPageService, PublicPageServiceServer};
use senani_proto::bulletin::v1::verification_service_client::VerificationServiceClient;
use senani_proto::bulletin::v1::verification_service_server::{VerificationService, VerificationServiceServer};
use senani_server::Server;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tonic::{
    Code, Request, Response, Status,
    codegen::http::{self, HeaderMap},
    metadata::MetadataValue,
    transport::Endpoint,
};

use crate::cell::Gateway;
use crate::webhooks::send;

/// A bulletin that repeats what it is asked.
#[derive(Clone)]
struct Bulletin {
    answer: Arc<Mutex<Result<pb::GetPageResponse, Status>>>,
    /// Who asks for a page gets a place here first.
    places: Arc<Semaphore>,
}

impl Default for Bulletin {
    fn default() -> Self {
        let page = pb::GetPageResponse { status: 200, content_type: "text/plain".to_owned(), ..Default::default() };
        Self { answer: Arc::new(Mutex::new(Ok(page))), places: Arc::new(Semaphore::new(1_000)) }
    }
}

#[tonic::async_trait]
impl PublicPageService for Bulletin {
    async fn get_page(&self, request: Request<pb::GetPageRequest>) -> Result<Response<pb::GetPageResponse>, Status> {
        let subject = Principal::of(&request)?.subject().to_owned();
        let asked = request.into_inner();
        let _place = self.places.acquire().await.expect("never closed");
        let answer = self.answer.lock().expect("nothing panics under this lock").clone();
        answer.map(|mut page| {
            if page.body.is_empty() && page.status != 304 {
                let pb::GetPageRequest { path, query, accept, if_none_match } = asked;
                page.body = [subject, path, query, accept, if_none_match].join("|").into();
            }
            Response::new(page)
        })
    }
}

#[tonic::async_trait]
impl VerificationService for Bulletin {
    async fn verify(&self, request: Request<pb::VerifyRequest>) -> Result<Response<pb::VerifyResponse>, Status> {
        let subject = Principal::of(&request).map_or_else(|_| "nobody".to_owned(), |who| who.subject().to_owned());
        Ok(Response::new(pb::VerifyResponse { number: subject, ..Default::default() }))
    }
}

struct Cell {
    bulletin: Bulletin,
    gateway: Gateway,
    _stop: tokio_util::sync::DropGuard,
}

impl Cell {
    async fn start() -> Self {
        let bulletin = Bulletin::default();
        let listener = senani_server::bind(([127, 0, 0, 1], 0).into()).expect("a free port");
        let address = listener.local_addr().expect("bound");
        let stop = CancellationToken::new();
        let server = Server::new("bulletin")
            .add_service(PublicPageServiceServer::new(bulletin.clone()))
            .add_service(VerificationServiceServer::new(bulletin.clone()))
            .drain_timeout(Duration::ZERO);
        tokio::spawn(server.serve(listener, stop.clone()));
        let gateway = Gateway::start(&format!("http://{address}"), |_| {}).await;
        Self { bulletin, gateway, _stop: stop.drop_guard() }
    }

    fn say(&self, answer: Result<pb::GetPageResponse, Status>) {
        *self.bulletin.answer.lock().expect("nothing panics under this lock") = answer;
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, Bytes) {
        let mut request = http::Request::get(format!("{}{path}", self.gateway.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (status, headers, body) = send(request, Bytes::new()).await;
        (status.as_u16(), headers, body)
    }
}

#[tokio::test]
async fn a_reader_without_an_identity_gets_what_bulletin_says_to_the_path() {
    let cell = Cell::start().await;
    let headers = [("accept", "text/html"), ("if-none-match", "\"x\""), (SUBJECT_HEADER, "services/evil")];
    for path in [
        "/v/K7QM-3D9X-2TRF",
        "/v/%3Cscript%3E",
        "/v/K7QM-3D9X-2TRF/poster",
        "/feed.atom",
        "/feed.cap",
        "/cap/0192f3a4.xml",
        "/.well-known/senani-keys.json",
    ] {
        let (status, _, body) = cell.get(&format!("{path}?a=b"), &headers).await;
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert_eq!((status, body), (200, format!("services/gateway|{path}|a=b|text/html|\"x\"")));
    }
    for path in ["/v", "/v/", "/v/a/b/c", "/cap", "/feed.rss", "/.well-known/other"] {
        assert_ne!(cell.get(path, &[]).await.0, 200, "{path}");
    }
    assert_eq!(cell.get(&format!("/v/{}", "x".repeat(600)), &[]).await.0, 404);
    let post = http::Request::post(format!("{}/v/x", cell.gateway.url));
    assert_eq!(send(post, Bytes::new()).await.0, 405);
}

#[tokio::test]
async fn a_page_is_kept_as_long_as_it_says_and_runs_and_loads_nothing() {
    let cell = Cell::start().await;
    cell.say(Ok(pb::GetPageResponse {
        status: 404,
        content_type: "text/html; charset=utf-8".to_owned(),
        etag: "\"t\"".to_owned(),
        max_age_seconds: 60,
        body: Bytes::from_static(b"<p>"),
    }));
    let (status, headers, body) = cell.get("/v/x", &[]).await;
    assert_eq!((status, body.as_ref()), (404, &b"<p>"[..]));
    let header = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap());
    assert_eq!((header("cache-control"), header("etag"), header("vary")), ("public, max-age=60", "\"t\"", "accept"));
    assert_eq!((header("content-type"), header("x-content-type-options")), ("text/html; charset=utf-8", "nosniff"));
    assert!(header("content-security-policy").starts_with("default-src 'none';"));
    cell.say(Ok(pb::GetPageResponse {
        status: 304,
        content_type: "text/html".to_owned(),
        etag: "\"t\"".to_owned(),
        ..Default::default()
    }));
    let (status, headers, body) = cell.get("/v/x", &[]).await;
    assert_eq!((status, body.len(), headers["etag"].to_str().unwrap()), (304, 0, "\"t\""));
    // A poster is larger than a message of gRPC usually is.
    let poster = Bytes::from(vec![7; 5 * 1024 * 1024]);
    cell.say(Ok(pb::GetPageResponse {
        status: 200,
        content_type: "image/png".to_owned(),
        body: poster.clone(),
        ..Default::default()
    }));
    assert_eq!(cell.get("/v/x/poster", &[]).await.2, poster);
}

#[tokio::test]
async fn what_bulletin_cannot_say_is_no_page() {
    let cell = Cell::start().await;
    for (answer, expected) in [
        (Err(Status::unavailable("later")), 503),
        (Err(Status::internal("a defect")), 500),
        (Ok(pb::GetPageResponse { status: 7, ..Default::default() }), 502),
        (Ok(pb::GetPageResponse { status: 200, content_type: "a\nb".to_owned(), ..Default::default() }), 502),
    ] {
        cell.say(answer);
        let (status, headers, body) = cell.get("/feed.atom", &[]).await;
        assert_eq!((status, body.len()), (expected, 0));
        assert_eq!(headers.contains_key("retry-after"), expected == 503);
    }
}

#[tokio::test]
async fn readers_that_are_too_many_are_asked_to_come_again() {
    let cell = Arc::new(Cell::start().await);
    let places = Arc::clone(&cell.bulletin.places).acquire_many_owned(1_000).await.unwrap();
    // One more than there is room for, and none of the others ends before it is told to.
    let readers: Vec<_> = (0..33)
        .map(|_| {
            let cell = Arc::clone(&cell);
            tokio::spawn(async move { cell.get("/feed.atom", &[]).await.0 })
        })
        .collect();
    let (first, _, others) = futures::future::select_all(readers).await;
    assert_eq!(first.unwrap(), 503);
    drop(places);
    for other in others {
        assert_eq!(other.await.unwrap(), 200);
    }
}

#[tokio::test]
async fn anybody_may_verify_and_nobody_is_somebody_by_saying_so() {
    let cell = Cell::start().await;
    let channel = Endpoint::from_shared(cell.gateway.url.clone()).unwrap().connect_lazy();
    let mut client = VerificationServiceClient::new(channel);
    let mut ask = async |headers: &[(&'static str, String)]| {
        let mut request = Request::new(pb::VerifyRequest::default());
        for (name, value) in headers {
            request.metadata_mut().insert(*name, MetadataValue::try_from(value).unwrap());
        }
        client.verify(request).await.map(|answer| answer.into_inner().number)
    };
    assert_eq!(ask(&[]).await.unwrap(), "nobody");
    assert_eq!(ask(&[(SUBJECT_HEADER, "services/gateway".to_owned())]).await.unwrap(), "nobody");
    let bearer = |token: &str| ("authorization", format!("Bearer {token}"));
    assert!(ask(&[bearer(&cell.gateway.token)]).await.unwrap().starts_with("officers/"));
    // Who shows a token must show a good one.
    let status = ask(&[bearer("false")]).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert!(senani_error::is_reason(&status, DOMAIN, "TOKEN_UNKNOWN"));
}
