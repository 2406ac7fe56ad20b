//! gRPC calls to the services that have their methods: by path, without a look inside.

mod answer;
mod call;
mod message;
mod routes;
mod upstream;

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{
    HeaderName, Method, Request, Response, StatusCode, Version,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use senani_access::{SUBJECT_HEADER, TIMEOUT_HEADER};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tonic::{Status, body::Body};
use tower::Service;

use self::{answer::StreamBody, call::AnswerSide, upstream::Place};
pub(crate) use self::{routes::Routes, upstream::Upstream};
use crate::{error::Refusal, identity::Identities};

const SUBJECT: HeaderName = HeaderName::from_static(SUBJECT_HEADER);
const TIMEOUT: HeaderName = HeaderName::from_static(TIMEOUT_HEADER);

/// Sends each call to the service that has its method, as the officer whose token it shows.
#[derive(Clone)]
pub(crate) struct Forwarder(Arc<Door>);

/// What the forwarder knows.
pub(crate) struct Door {
    pub(crate) identities: Arc<Identities>,
    pub(crate) routes: Routes,
    /// In the order that the routes name them by.
    pub(crate) upstreams: Vec<Upstream>,
    /// Largest message, in bytes.
    pub(crate) limit: usize,
    /// Streaming calls that may be open yet.
    pub(crate) streams: Arc<Semaphore>,
    /// Fires some time after the stop: streams end.
    pub(crate) ending: CancellationToken,
}

impl Forwarder {
    pub(crate) fn new(door: Door) -> Self {
        Self(Arc::new(door))
    }
}

impl Service<Request<Body>> for Forwarder {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let door = Arc::clone(&self.0);
        Box::pin(async move {
            Ok(match check_http(&request) {
                Ok(()) => door.forward(request).await.unwrap_or_else(Status::into_http),
                Err(code) => {
                    let mut response = Response::new(Body::empty());
                    *response.status_mut() = code;
                    response
                }
            })
        })
    }
}

/// What gRPC over HTTP/2 asks of a request before it is a call.
fn check_http(request: &Request<Body>) -> Result<(), StatusCode> {
    const GRPC: &[u8] = b"application/grpc";
    if request.version() != Version::HTTP_2 {
        return Err(StatusCode::HTTP_VERSION_NOT_SUPPORTED);
    }
    if request.method() != Method::POST {
        return Err(StatusCode::METHOD_NOT_ALLOWED);
    }
    // Not `application/grpc-web`, which is another protocol.
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.as_bytes().strip_prefix(GRPC));
    match kind.map(<[u8]>::first) {
        Some(None | Some(b'+' | b';')) => Ok(()),
        _ => Err(StatusCode::UNSUPPORTED_MEDIA_TYPE),
    }
}

impl Door {
    async fn forward(self: Arc<Self>, mut request: Request<Body>) -> Result<Response<Body>, Status> {
        let path = request.uri().path();
        let stranger = routes::is_for_anybody(path) && !request.headers().contains_key(AUTHORIZATION);
        let subject = if stranger { None } else { Some(self.identities.subject_of(request.headers())?) };
        let route = self.routes.find(path)?;
        let headers = request.headers_mut();
        headers.remove(AUTHORIZATION);
        // The channel writes what is left of the deadline, which the server's layer has put into the extensions.
        headers.remove(TIMEOUT);
        // Whatever the caller wrote there.
        headers.remove(SUBJECT);
        if let Some(subject) = subject {
            headers.insert(SUBJECT, subject);
        }

        let (head, body) = request.into_parts();
        let (body, side) = call::begin(body, self.limit);
        let request = Request::from_parts(head, body);
        if route.unary {
            self.unary(route.upstream, request, side).await
        } else {
            self.stream(route.upstream, request, side).await
        }
    }

    async fn unary(&self, upstream: usize, request: Request<Body>, side: AnswerSide) -> Result<Response<Body>, Status> {
        let answering = async {
            let answer = self.upstreams[upstream].unary().call(request).await?;
            answer::gather(answer, self.limit).await
        };
        match answering.await {
            Ok(answer) => {
                self.upstreams[upstream].answered();
                Ok(answer)
            }
            Err(status) => Err(self.explain(upstream, &side, status)),
        }
    }

    async fn stream(
        self: Arc<Self>,
        upstream: usize,
        request: Request<Body>,
        side: AnswerSide,
    ) -> Result<Response<Body>, Status> {
        let permit = Arc::clone(&self.streams).try_acquire_owned().map_err(|_| Refusal::StreamsExhausted)?;
        let (mut channel, place) = self.upstreams[upstream].lane();
        let answer = tokio::select! {
            answer = channel.call(request) => answer,
            () = self.ending.cancelled() => return Err(Refusal::Stopping.into()),
        };
        let answer = answer.map_err(|status| self.explain(upstream, &side, status))?;
        self.upstreams[upstream].answered();
        Ok(answer.map(|body| {
            let open = Open { door: self, upstream, side, _place: place, _permit: permit };
            Body::new(StreamBody::new(body, open))
        }))
    }

    /// What the caller is told when a call got no answer of its service.
    fn explain(&self, upstream: usize, side: &AnswerSide, status: Status) -> Status {
        if side.request_was_too_large() {
            return self.too_large();
        }
        self.upstreams[upstream].explain(status)
    }

    fn too_large(&self) -> Status {
        Refusal::MessageTooLarge { limit: self.limit }.into()
    }
}

/// What an open streaming call holds until its end.
struct Open {
    door: Arc<Door>,
    upstream: usize,
    side: AnswerSide,
    _place: Place,
    _permit: OwnedSemaphorePermit,
}

impl Open {
    fn explain(&self, status: Status) -> Status {
        self.door.explain(self.upstream, &self.side, status)
    }
}
