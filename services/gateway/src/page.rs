//! What anybody reads without an identity, and the call that it becomes.
//!
//! `GET` of the paths below is answered with what bulletin says to the path; nothing is read out of it here. What the gateway adds is what
//! every page needs: how long it may be kept, and that a browser must run and load nothing.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use senani_client::{Channel, ClientOptions, ConnectError};
use senani_proto::bulletin::v1::{
    GetPageRequest, GetPageResponse, public_page_service_client::PublicPageServiceClient,
};
use tokio::sync::Semaphore;
use tonic::Code;

/// The paths that are forwarded.
const PATHS: [&str; 6] =
    ["/v/{code}", "/v/{code}/poster", "/feed.atom", "/feed.cap", "/cap/{message}", "/.well-known/senani-keys.json"];

/// Who the gateway is when it calls by itself.
const SUBJECT: &str = "services/gateway";
/// Longest time that bulletin may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pages under way at most. Who comes when there are as many is asked to come again: nobody out there takes the place of the officers'
/// calls.
const UNDER_WAY: usize = 32;
/// Posters under way at most: each takes memory.
const POSTERS_UNDER_WAY: usize = 8;
/// Largest page, in bytes: a poster, with room for a channel that takes larger ones.
const LARGEST_PAGE: usize = 16 * 1024 * 1024;
/// Longest path and longest header that are handed on, in bytes.
const LONGEST: usize = 512;
/// Seconds after which a reader may come again.
const COME_AGAIN_SECONDS: &str = "2";

/// What a browser may do with a page: show it with its own style and the pictures beside it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

/// The pages.
#[derive(Clone)]
struct Pages {
    bulletin: PublicPageServiceClient<Channel>,
    under_way: Arc<Semaphore>,
    posters_under_way: Arc<Semaphore>,
}

/// The routes of the pages, which the bulletin at `bulletin_url` writes.
///
/// # Errors
/// The address is malformed.
pub(crate) fn router(bulletin_url: &str) -> Result<Router, ConnectError> {
    let options = ClientOptions { subject: Some(SUBJECT.to_owned()), deadline: PATIENCE, ..ClientOptions::default() };
    let bulletin = PublicPageServiceClient::new(senani_client::connect(bulletin_url, options)?);
    let bulletin = bulletin.max_decoding_message_size(LARGEST_PAGE);
    let pages = Pages {
        bulletin,
        under_way: Arc::new(Semaphore::new(UNDER_WAY)),
        posters_under_way: Arc::new(Semaphore::new(POSTERS_UNDER_WAY)),
    };
    let routes = PATHS.iter().fold(Router::new(), |router, path| router.route(path, get(page)));
    Ok(routes.with_state(pages))
}

async fn page(State(mut pages): State<Pages>, uri: Uri, headers: HeaderMap) -> Response {
    if uri.path().len() > LONGEST {
        return StatusCode::NOT_FOUND.into_response();
    }
    let places = if uri.path().ends_with("/poster") { &pages.posters_under_way } else { &pages.under_way };
    let Ok(_place) = Arc::clone(places).try_acquire_owned() else { return come_again() };
    let header = |name: HeaderName| {
        let value = headers.get(name).filter(|value| value.len() <= LONGEST);
        value.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let request = GetPageRequest {
        path: uri.path().to_owned(),
        query: uri.query().filter(|query| query.len() <= LONGEST).unwrap_or_default().to_owned(),
        accept: header(header::ACCEPT),
        if_none_match: header(header::IF_NONE_MATCH),
    };
    match pages.bulletin.get_page(request).await {
        Ok(answer) => response(answer.into_inner()).unwrap_or_else(|| StatusCode::BAD_GATEWAY.into_response()),
        Err(status) => {
            tracing::warn!(code = ?status.code(), reason = senani_error::reason_of(&status), "a page could not be had");
            match status.code() {
                Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted => come_again(),
                _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            }
        }
    }
}

/// `None` when what bulletin says cannot be said in HTTP.
fn response(page: GetPageResponse) -> Option<Response> {
    let status = StatusCode::from_u16(u16::try_from(page.status).ok()?).ok()?;
    let keep = format!("public, max-age={}", page.max_age_seconds.max(0));
    let mut response = Response::new(Body::from(page.body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::try_from(page.content_type).ok()?);
    headers.insert(header::CACHE_CONTROL, HeaderValue::try_from(keep).ok()?);
    if !page.etag.is_empty() {
        headers.insert(header::ETAG, HeaderValue::try_from(page.etag).ok()?);
    }
    for (name, value) in [
        (header::VARY, "accept"),
        // Public, and the same for everybody: any page may check a code.
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Some(response)
}

fn come_again() -> Response {
    let headers = [(header::RETRY_AFTER, COME_AGAIN_SECONDS), (header::CACHE_CONTROL, "no-store")];
    (StatusCode::SERVICE_UNAVAILABLE, headers).into_response()
}
