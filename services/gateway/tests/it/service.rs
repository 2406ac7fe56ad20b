//! A service that does what its caller's message says; it stands for any of ours.

use std::{
    convert::Infallible,
    future::pending,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures::{Stream, StreamExt as _, future::BoxFuture, stream};
use senani_access::{Deadline, Principal};
use senani_error::{Kind, ServiceError, Violation};
use senani_server::{ServeError, Server};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming, body::Body, codegen::http, metadata::MetadataValue, server::Grpc};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};

/// One message, one answer.
pub(crate) const UNARY: &str = "/senani.hierarchy.v1.UnitService/GetUnit";
/// One message, many answers.
pub(crate) const FEED: &str = "/senani.hierarchy.v1.UnitService/StreamSubtree";
/// Many messages, one answer.
pub(crate) const UPLOAD: &str = "/senani.hierarchy.v1.UnitService/ImportUnits";
/// Many of both.
pub(crate) const TALK: &str = "/senani.membership.v1.MemberService/ImportMembers";

/// Bytes of the messages that measure back-pressure.
pub(crate) const CHUNK: usize = 64 * 1024;

/// What the service's handlers and the test tell each other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Says {
    /// How many calls are open.
    open: Arc<AtomicUsize>,
    /// Lets calls go on that wait for it.
    pub(crate) release: CancellationToken,
    /// Messages that feeds have handed out.
    pub(crate) handed: Arc<AtomicUsize>,
}

impl Says {
    /// Calls that are open.
    pub(crate) fn open_calls(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// To be held by a call until its end.
    fn hold(&self) -> Held {
        self.open.fetch_add(1, Ordering::Relaxed);
        Held(Arc::clone(&self.open))
    }
}

struct Held(Arc<AtomicUsize>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The error that the service raises when asked for one.
#[derive(Debug, thiserror::Error)]
#[error("the unit is misplaced: 100 % – पटना")]
pub(crate) struct Misplaced;

impl ServiceError for Misplaced {
    const DOMAIN: &'static str = "hierarchy.senani.dev";

    fn kind(&self) -> Kind {
        Kind::FailedPrecondition
    }

    fn reason(&self) -> &'static str {
        "UNIT_MISPLACED"
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        vec![("unit", "units/patna".to_owned())]
    }

    fn violations(&self) -> Vec<Violation> {
        vec![Violation::new("unit.parent", "stands elsewhere")]
    }
}

fn misplaced() -> Status {
    let mut status = senani_error::into_status(Misplaced);
    status.metadata_mut().insert("x-lesson", MetadataValue::from_static("kept"));
    status.metadata_mut().insert_bin("x-lesson-bin", MetadataValue::from_bytes(&[0, 255, 7]));
    status
}

#[derive(Clone)]
struct Handlers(Says);

impl Service<http::Request<Body>> for Handlers {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let says = self.0.clone();
        Box::pin(async move {
            let mut grpc = Grpc::new(ProstCodec::<String, String>::default());
            Ok(match request.uri().path() {
                UNARY => grpc.unary(service_fn(move |request| unary(request, says.clone())), request).await,
                FEED => {
                    let feed =
                        move |request| std::future::ready(Ok::<_, Status>(Response::new(feed(request, says.clone()))));
                    grpc.server_streaming(service_fn(feed), request).await
                }
                UPLOAD => grpc.client_streaming(service_fn(upload), request).await,
                TALK => {
                    let talk =
                        move |request| std::future::ready(Ok::<_, Status>(Response::new(talk(request, says.clone()))));
                    grpc.streaming(service_fn(talk), request).await
                }
                path => panic!("{path} must not reach a service"),
            })
        })
    }
}

async fn unary(request: Request<String>, says: Says) -> Result<Response<String>, Status> {
    let _held = says.hold();
    let header = |name: &str| {
        let values: Vec<_> =
            request.metadata().get_all(name).iter().map(|value| value.to_str().unwrap_or("?")).collect();
        values.join(",")
    };
    let message = request.get_ref().as_str();
    let answer = match message.split_once(' ').unwrap_or((message, "")) {
        ("subject", _) => Principal::of(&request)?.subject().to_owned(),
        ("header", name) => header(name),
        ("headers", _) => {
            let names = request.metadata().keys().map(|name| match name {
                tonic::metadata::KeyRef::Ascii(name) => name.as_str().to_owned(),
                tonic::metadata::KeyRef::Binary(name) => name.as_str().to_owned(),
            });
            names.collect::<Vec<_>>().join(",")
        }
        ("deadline", _) => {
            let remaining = Deadline::of(&request).map(Deadline::remaining);
            remaining.map_or("none".to_owned(), |remaining| remaining.as_millis().to_string())
        }
        ("wait", _) => pending().await,
        ("hold", _) => {
            says.release.cancelled().await;
            "released".to_owned()
        }
        ("fail", _) => return Err(misplaced()),
        ("large", bytes) => "x".repeat(bytes.parse().expect("a number")),
        _ => {
            let mut response = Response::new(message.to_owned());
            response.metadata_mut().insert("x-greeting", MetadataValue::from_static("namaste"));
            return Ok(response);
        }
    };
    Ok(Response::new(answer))
}

type Answers = Pin<Box<dyn Stream<Item = Result<String, Status>> + Send>>;

fn feed(request: Request<String>, says: Says) -> Answers {
    let message = request.into_inner();
    let (what, number) = message.split_once(' ').unwrap_or((&message, "0"));
    let number: usize = number.parse().expect("a number");
    let held = says.hold();
    let answers: Answers = match what {
        "count" => stream::iter((0..number).map(|at| Ok(at.to_string()))).boxed(),
        "fail" => stream::iter((0..number).map(|at| Ok(at.to_string())).chain([Err(misplaced())])).boxed(),
        "large" => stream::iter([Ok("first".to_owned()), Ok("x".repeat(number))]).boxed(),
        "endless" => stream::iter([Ok("first".to_owned())]).chain(stream::once(pending())).boxed(),
        "flood" => stream::repeat_with(move || {
            says.handed.fetch_add(1, Ordering::Relaxed);
            Ok("x".repeat(CHUNK))
        })
        .boxed(),
        other => panic!("{other}?"),
    };
    answers
        .map(move |answer| {
            let _held = &held;
            answer
        })
        .boxed()
}

async fn upload(request: Request<Streaming<String>>) -> Result<Response<String>, Status> {
    let mut messages = request.into_inner();
    let mut bytes = 0;
    while let Some(message) = messages.message().await? {
        if message == "fail" {
            return Err(misplaced());
        }
        bytes += message.len();
    }
    Ok(Response::new(bytes.to_string()))
}

/// Answers each message with itself, after the first was `hold` not before it is released.
fn talk(request: Request<Streaming<String>>, says: Says) -> Answers {
    let messages = request.into_inner();
    let held = says.hold();
    stream::unfold((messages, says, held), async |(mut messages, says, held)| {
        let message = match messages.message().await {
            Ok(message) => message?,
            Err(status) => return Some((Err(status), (messages, says, held))),
        };
        let answer = match message.as_str() {
            "hold" => {
                says.release.cancelled().await;
                Ok(message)
            }
            "fail" => Err(misplaced()),
            _ => Ok(message),
        };
        Some((answer, (messages, says, held)))
    })
    .boxed()
}

/// The service, running.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) says: Says,
    stop: CancellationToken,
    served: JoinHandle<Result<(), ServeError>>,
}

impl Running {
    pub(crate) fn start() -> Self {
        Self::start_at(([127, 0, 0, 1], 0).into())
    }

    pub(crate) fn start_at(address: SocketAddr) -> Self {
        let listener = senani_server::bind(address).expect("a free port");
        let (says, stop) = (Says::default(), CancellationToken::new());
        let address = listener.local_addr().expect("bound");
        // Without a drain, its stop is as sudden as a crash.
        let server = Server::new("service").fallback(Handlers(says.clone())).drain_timeout(Duration::ZERO);
        let served = tokio::spawn(server.serve(listener, stop.clone()));
        Self { address, says, stop, served }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends at once, and cuts what is open.
    pub(crate) async fn crash(self) -> SocketAddr {
        self.stop.cancel();
        self.served.await.expect("the service does not panic").expect("the service ends well");
        self.address
    }
}
