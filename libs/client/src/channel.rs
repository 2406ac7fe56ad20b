//! What generated clients stand on.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Response, Uri,
    header::AUTHORIZATION,
    uri::{PathAndQuery, Scheme},
};
use senani_access::{Deadline, Principal, SUBJECT_HEADER, TIMEOUT_HEADER};
use senani_telemetry::REQUEST_ID_HEADER;
use tonic::{Status, body::Body};
use tower::Service;
use uuid::Uuid;

use crate::{
    answer::AnswerBody,
    connection::{Connection, Patience},
    failure::deadline_exceeded,
};

/// How long a unary call may take whose caller says nothing else.
pub const UNARY_DEADLINE: Duration = Duration::from_secs(10);

const TIMEOUT: HeaderName = HeaderName::from_static(TIMEOUT_HEADER);
const SUBJECT: HeaderName = HeaderName::from_static(SUBJECT_HEADER);
const REQUEST_ID: HeaderName = HeaderName::from_static(REQUEST_ID_HEADER);

/// What a channel adds to the calls that go through it. Metadata that a request has already is left alone.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Who asks, between our own services: `services/membership`.
    pub subject: Option<String>,
    /// The bearer token to show at the gateway.
    pub token: Option<String>,
    /// How long a unary call may take. A request's own time counts instead: set by `Request::set_timeout`, or by a
    /// [`Deadline`] in its extensions, the earlier of both. A stream has no time limit unless its request sets one, which
    /// then holds for all of the stream. (Which methods are unary is known from the contracts.)
    pub deadline: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self { subject: None, token: None, deadline: UNARY_DEADLINE }
    }
}

/// A channel that cannot be made of what was given.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Not `http://host:port`.
    #[error("the address of a service is http://host:port and this is {0}")]
    Address(String),
    /// Neither an officer nor a service.
    #[error("the subject of a client is malformed")]
    Subject(#[from] senani_access::SubjectError),
    /// A token with characters that cannot travel.
    #[error("the token holds characters that no token has")]
    Token,
}

/// A channel to the service at `address` (`http://host:port`). Nothing is connected before the first call.
///
/// # Errors
/// The address, the subject or the token is malformed.
pub fn connect(address: &str, options: ClientOptions) -> Result<Channel, ConnectError> {
    connect_with(address, options, Patience::default())
}

pub(crate) fn connect_with(address: &str, options: ClientOptions, patience: Patience) -> Result<Channel, ConnectError> {
    let malformed = || ConnectError::Address(address.to_owned());
    let uri: Uri = address.parse().map_err(|_| malformed())?;
    let authority = uri.authority().filter(|_| uri.scheme() == Some(&Scheme::HTTP)).ok_or_else(malformed)?;
    let subject = options.subject.map(|subject| subject.parse::<Principal>()).transpose()?;
    let subject = subject
        .map(|subject| HeaderValue::from_str(subject.subject()).expect("a valid subject is a valid header value"));
    let token = options.token.map(|token| HeaderValue::try_from(format!("Bearer {token}"))).transpose();
    let mut token = token.map_err(|_| ConnectError::Token)?;
    if let Some(token) = &mut token {
        token.set_sensitive(true);
    }
    Ok(Channel {
        shared: Arc::new(Settings { subject, token, deadline: options.deadline }),
        connection: Arc::new(Connection::new(authority.clone(), patience)),
    })
}

/// A connection to one service, made when needed and made again when lost; clones share it. Give it to a generated
/// client, or send whole HTTP requests over it (as the gateway does).
///
/// Errors are statuses with details: UNAVAILABLE when there is no connection or it broke, DEADLINE_EXCEEDED when the
/// time was over.
#[derive(Clone)]
pub struct Channel {
    shared: Arc<Settings>,
    connection: Arc<Connection>,
}

struct Settings {
    subject: Option<HeaderValue>,
    token: Option<HeaderValue>,
    deadline: Duration,
}

impl Channel {
    /// Where the service is: `host:port`.
    pub fn authority(&self) -> &str {
        self.connection.authority().as_str()
    }

    fn prepare(&self, request: &mut Request<Body>) -> Time {
        let unary = senani_proto::method::is_unary(request.uri().path());
        let given = Deadline::read(request.headers());
        // A forwarded request has both: its header tells what its caller gave, its extension what is left of that.
        let deadline = given.into_iter().chain(request.extensions().get::<Deadline>().copied()).min();
        let deadline = deadline.or_else(|| unary.then(|| Deadline::after(self.shared.deadline)));
        if let Some(deadline) = deadline.filter(|deadline| Some(*deadline) != given) {
            request.headers_mut().insert(TIMEOUT, deadline.grpc_timeout());
        }
        let headers = request.headers_mut();
        put(headers, SUBJECT, self.shared.subject.as_ref());
        put(headers, AUTHORIZATION, self.shared.token.as_ref());
        if !headers.contains_key(REQUEST_ID) {
            headers.insert(REQUEST_ID, senani_telemetry::request_id().unwrap_or_else(new_request_id));
        }
        senani_telemetry::inject(headers);

        let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        let uri =
            Uri::builder().scheme(Scheme::HTTP).authority(self.connection.authority().clone()).path_and_query(path);
        *request.uri_mut() = uri.build().expect("a scheme, an authority and a path make a URI");
        *request.version_mut() = http::Version::HTTP_2;
        Time { deadline, unary }
    }
}

/// What is known about the time that a call may take.
struct Time {
    deadline: Option<Deadline>,
    unary: bool,
}

impl Service<Request<Body>> for Channel {
    type Response = Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let Time { deadline, unary } = self.prepare(&mut request);
        let connection = Arc::clone(&self.connection);
        Box::pin(async move {
            let answering = connection.send(request);
            let answer = match deadline {
                Some(deadline) => tokio::time::timeout_at(deadline.instant(), answering)
                    .await
                    .unwrap_or_else(|_| Err(deadline_exceeded()))?,
                None => answering.await?,
            };
            // The end of a stream is the server's to decide: it knows the same deadline and tells the reason in trailers.
            let deadline = deadline.filter(|_| unary).map(Deadline::instant);
            Ok(answer.map(|incoming| Body::new(AnswerBody::new(incoming, deadline))))
        })
    }
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: Option<&HeaderValue>) {
    if let Some(value) = value
        && !headers.contains_key(&name)
    {
        headers.insert(name, value.clone());
    }
}

fn new_request_id() -> HeaderValue {
    let id = Uuid::now_v7().hyphenated();
    HeaderValue::from_str(id.encode_lower(&mut Uuid::encode_buffer())).expect("a UUID is a header value")
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Channel").field("authority", &self.authority()).finish_non_exhaustive()
    }
}
