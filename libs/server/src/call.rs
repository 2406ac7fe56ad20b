//! What happens around every call.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::SocketAddr,
    panic::AssertUnwindSafe,
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use axum::extract::ConnectInfo;
use futures::FutureExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header::CONTENT_TYPE};
use http_body::Body as _;
use opentelemetry::{KeyValue, metrics::Histogram};
use senani_access::{Deadline, Principal, SUBJECT_HEADER, SUBJECT_INVALID};
use senani_error::{Kind, SENANI_DOMAIN};
use senani_telemetry::REQUEST_ID_HEADER;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, body::Body, transport::server::TcpConnectInfo};
use tracing::{Instrument as _, Level, Span, field::Empty};
use uuid::Uuid;

use crate::{
    answer::{code_in, deadline_exceeded, improve, method_unknown, panicked, refuse},
    body::CallBody,
    handler::Handler,
};

const REQUEST_ID: HeaderName = HeaderName::from_static(REQUEST_ID_HEADER);

/// Longest request id that is taken over from a caller, in bytes.
const LONGEST_REQUEST_ID: usize = 64;

/// What our processes tell each other in metadata, and nobody outside may.
const INTERNAL_PREFIX: &str = "x-senani-";

/// A service under its name.
pub(crate) struct Route {
    pub(crate) handler: Box<dyn Handler>,
    /// Health and reflection: no span, no identity, and their streams end when the server stops.
    pub(crate) infrastructure: bool,
}

/// Everything that answers calls, and the rules for them; one per server.
pub(crate) struct Calls {
    pub(crate) service: &'static str,
    pub(crate) routes: HashMap<String, Route>,
    pub(crate) router: Option<Box<dyn Handler>>,
    pub(crate) fallback: Option<Box<dyn Handler>>,
    pub(crate) trusts_subject: bool,
    pub(crate) unary_deadline: Duration,
    /// Fires when health has been set to NOT_SERVING.
    pub(crate) ending: CancellationToken,
}

impl Calls {
    pub(crate) async fn answer<B>(
        self: Arc<Self>,
        request: Request<B>,
        peer: SocketAddr,
    ) -> Result<Response<CallBody>, Infallible>
    where
        B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let request = request.map(Body::new);
        let name = request.uri().path().get(1..).and_then(|path| path.split_once('/')).map_or("", |(name, _)| name);
        Ok(match self.routes.get(name) {
            Some(route) if route.infrastructure => self.infrastructure(&*route.handler, request).await,
            route => {
                let grpc = is_grpc(request.headers());
                let handler = match (route, &self.router, &self.fallback) {
                    (Some(route), _, _) => Some(&route.handler),
                    (None, Some(router), _) if !grpc => Some(router),
                    (None, _, fallback) => fallback.as_ref(),
                };
                self.call(handler.map(|handler| &**handler), request, peer, grpc).await
            }
        })
    }

    async fn infrastructure(&self, handler: &dyn Handler, request: Request<Body>) -> Response<CallBody> {
        handler.handle(request).await.map(|body| {
            let mut body = CallBody::new(body);
            body.ending = Some(Box::pin(self.ending.clone().cancelled_owned()));
            body
        })
    }

    async fn call(
        &self,
        handler: Option<&dyn Handler>,
        mut request: Request<Body>,
        peer: SocketAddr,
        grpc: bool,
    ) -> Response<CallBody> {
        let request_id = settle_request_id(request.headers_mut());
        let unary = grpc && senani_proto::method::is_unary(request.uri().path());
        let asked = Deadline::read(request.headers());
        let deadline = asked.or_else(|| unary.then(|| Deadline::after(self.unary_deadline)));
        let (span, record) = self.observe(&request, grpc);

        let identity = self.settle_identity(&mut request);
        let extensions = request.extensions_mut();
        extensions.insert(TcpConnectInfo { local_addr: None, remote_addr: Some(peer) });
        if !grpc {
            extensions.insert(ConnectInfo(peer));
        }
        if let Some(deadline) = deadline {
            extensions.insert(deadline);
        }

        let answering = async {
            identity?;
            let handler = handler.ok_or_else(method_unknown)?;
            let answering = AssertUnwindSafe(async { handler.handle(request).await }).catch_unwind();
            let answer = match deadline {
                Some(deadline) => {
                    tokio::time::timeout_at(deadline.instant(), answering).await.map_err(|_| deadline_exceeded())?
                }
                None => answering.await,
            };
            answer.map_err(|_| panicked())
        };
        let answer: Result<_, Status> =
            senani_telemetry::with_request_id(request_id.clone(), answering).instrument(span).await;
        let mut response = answer.unwrap_or_else(|status| refuse(status, grpc));
        response.headers_mut().insert(REQUEST_ID, request_id);
        // The time of a unary call is over when its answer is there; a stream has it for all of its messages.
        let stream_deadline = asked.filter(|_| grpc && !unary);
        finish(response, record, stream_deadline)
    }

    /// Who asks. At the edge nobody is believed, and what only we may say is removed.
    fn settle_identity(&self, request: &mut Request<Body>) -> Result<(), Status> {
        if !self.trusts_subject {
            let headers = request.headers_mut();
            let internal: Vec<HeaderName> =
                headers.keys().filter(|name| name.as_str().starts_with(INTERNAL_PREFIX)).cloned().collect();
            for name in internal {
                headers.remove(name);
            }
            return Ok(());
        }
        let Some(subject) = request.headers().get(SUBJECT_HEADER) else { return Ok(()) };
        let principal =
            subject.to_str().ok().and_then(|subject| subject.parse::<Principal>().ok()).ok_or_else(|| {
                senani_error::status(Kind::Unauthenticated, SENANI_DOMAIN, SUBJECT_INVALID, "the subject is malformed")
            })?;
        request.extensions_mut().insert(principal);
        Ok(())
    }

    /// The span of the call and what is to be recorded at its end; nothing of both when nobody wants them.
    fn observe(&self, request: &Request<Body>, grpc: bool) -> (Span, Option<Record>) {
        let exported = senani_telemetry::enabled();
        if !exported && !tracing::enabled!(Level::DEBUG) {
            return (Span::none(), None);
        }
        let path = request.uri().path();
        let path = path.strip_prefix('/').unwrap_or(path);
        let (service, method) = path.split_once('/').unwrap_or((path, ""));
        let span = if exported {
            let system = if grpc { "grpc" } else { "http" };
            let span = tracing::info_span!(
                "call",
                otel.name = path,
                otel.kind = "server",
                otel.status_code = Empty,
                rpc.system = system,
                rpc.service = service,
                rpc.method = method,
                code = Empty,
            );
            senani_telemetry::set_call_parent(&span, request.headers(), self.service);
            span
        } else {
            Span::none()
        };
        // Strangers choose the paths that they ask for; a label has few values.
        let known = senani_proto::method::is_known(request.uri().path());
        let label = if known { path } else { "unknown" };
        let record = Record {
            service: self.service,
            method: label.to_owned(),
            begun: Instant::now(),
            code: None,
            span: span.clone(),
        };
        (span, Some(record))
    }
}

/// Takes over the caller's request id when it is a harmless token, and makes one otherwise.
fn settle_request_id(headers: &mut HeaderMap) -> HeaderValue {
    let harmless = |id: &&HeaderValue| {
        let bytes = id.as_bytes();
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        !bytes.is_empty() && bytes.len() <= LONGEST_REQUEST_ID && bytes.iter().all(allowed)
    };
    if let Some(id) = headers.get(REQUEST_ID).filter(harmless) {
        return id.clone();
    }
    let id = Uuid::now_v7().hyphenated();
    let id = HeaderValue::from_str(id.encode_lower(&mut Uuid::encode_buffer())).expect("a UUID is a header value");
    headers.insert(REQUEST_ID, id.clone());
    id
}

fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

fn finish(mut response: Response<Body>, record: Option<Record>, deadline: Option<Deadline>) -> Response<CallBody> {
    let code = code_in(response.headers()).map(|code| improve(response.headers_mut(), code));
    response.map(|body| {
        let mut body = CallBody::new(body);
        if let Some(mut record) = record {
            // Without a code here it comes with the trailers; a body without trailers has ended well.
            record.code = code.or_else(|| body.is_end_stream().then_some(Code::Ok));
            body.record = Some(record);
        }
        if code.is_none() {
            body.deadline = deadline.map(|deadline| Box::pin(tokio::time::sleep_until(deadline.instant())));
        }
        body
    })
}

/// What is to be recorded about a call when its answer, with all of a stream, has gone out or was given up.
pub(crate) struct Record {
    service: &'static str,
    method: String,
    begun: Instant,
    pub(crate) code: Option<Code>,
    span: Span,
}

impl Drop for Record {
    fn drop(&mut self) {
        // Dropped before any code was seen: the caller went away.
        let code = name(self.code.unwrap_or(Code::Cancelled));
        let elapsed = self.begun.elapsed();
        self.span.record("code", code);
        if matches!(self.code, Some(Code::Internal | Code::Unknown | Code::DataLoss)) {
            self.span.record("otel.status_code", "ERROR");
        }
        tracing::debug!(method = self.method, code, elapsed_us = elapsed.as_micros() as u64, "call ended");
        if senani_telemetry::enabled() {
            static DURATION: LazyLock<Histogram<f64>> = LazyLock::new(|| {
                let meter = opentelemetry::global::meter("senani");
                meter.f64_histogram("rpc.server.duration").with_unit("ms").build()
            });
            let labels = [
                KeyValue::new(senani_telemetry::SERVICE_ATTRIBUTE, self.service),
                KeyValue::new("rpc.method", std::mem::take(&mut self.method)),
                KeyValue::new("rpc.grpc.status_code", code),
            ];
            DURATION.record(elapsed.as_secs_f64() * 1_000.0, &labels);
        }
    }
}

/// The name of a code as the gRPC documents spell it.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
