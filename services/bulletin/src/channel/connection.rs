//! One keep-alive connection to a provider.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::answer;
use super::sender::Sender;
use crate::domain::attempt::Answer;

/// Longest time to make a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// Bytes of an answer to a post at most.
const ANSWER_BYTES: usize = 64 * 1024;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// One connection, used by one task for one request at a time. The task itself drives the connection: a request costs no switch between
/// tasks.
#[derive(Debug)]
pub struct Connection {
    sender: Sender,
    live: Option<Live>,
}

#[derive(Debug)]
struct Live {
    requests: http1::SendRequest<Full<Bytes>>,
    driver: Pin<Box<http1::Connection<TokioIo<TcpStream>, Full<Bytes>>>>,
}

/// What came of one exchange.
#[derive(Debug)]
pub(super) enum Exchange {
    /// HTTP status and body.
    Answered(u16, Bytes),
    /// No byte was sent.
    Unreached,
    /// Bytes were sent, no whole answer came.
    Broken,
}

/// A request that came to nothing.
enum Failure {
    Unsent(Box<Request<Full<Bytes>>>),
    Sent,
}

impl Connection {
    pub(super) fn new(sender: Sender) -> Self {
        Self { sender, live: None }
    }

    /// Posts a message (the JSON of `/messages`) and tells whether the provider took it.
    ///
    /// # Errors
    /// A description of what came instead.
    pub async fn post_message(&mut self, body: Bytes) -> Result<String, String> {
        match self.send(body, None).await {
            Answer::Accepted(id) => Ok(id),
            other => Err(format!("{other:?}")),
        }
    }

    /// Posts a message, as part of the trace whose headers are given.
    pub(crate) async fn send(&mut self, body: Bytes, trace: Option<http::HeaderMap>) -> Answer {
        let uri = self.sender.messages.clone();
        match self.post(uri, JSON, body, trace).await {
            Exchange::Answered(status, body) => answer::read(status, &body),
            Exchange::Unreached => Answer::Unreached,
            Exchange::Broken => Answer::Unanswered,
        }
    }

    pub(super) async fn post_media(&mut self, content_type: HeaderValue, body: Bytes) -> Exchange {
        let uri = self.sender.media.clone();
        self.post(uri, content_type, body, None).await
    }

    /// Where the provider describes a file.
    pub(super) fn media_address(&self, media_id: &str) -> Option<Uri> {
        let Sender { root, phone_number_id, .. } = &self.sender;
        format!("{root}{media_id}?phone_number_id={phone_number_id}").parse().ok()
    }

    /// Path and query of an address that is at this connection's own end; `None` for any other.
    pub(super) fn own_path(&self, address: &Uri) -> Option<Uri> {
        let own = address.authority().is_some_and(|authority| self.sender.authority == authority.as_str());
        let path = address.path_and_query().filter(|_| own && address.scheme_str() == Some("http"))?;
        path.as_str().parse().ok()
    }

    /// Asks for something; of the answer `limit` bytes at most.
    pub(super) async fn get(&mut self, uri: Uri, limit: usize) -> Exchange {
        let mut request = Request::new(Full::new(Bytes::new()));
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.insert(header::HOST, self.sender.authority.clone());
        headers.insert(header::AUTHORIZATION, self.sender.authorization.clone());
        self.answered(request, limit).await
    }

    async fn post(
        &mut self,
        uri: Uri,
        content_type: HeaderValue,
        body: Bytes,
        trace: Option<http::HeaderMap>,
    ) -> Exchange {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        *request.headers_mut() = trace.unwrap_or_default();
        let headers = request.headers_mut();
        headers.insert(header::HOST, self.sender.authority.clone());
        headers.insert(header::AUTHORIZATION, self.sender.authorization.clone());
        headers.insert(header::CONTENT_TYPE, content_type);

        self.answered(request, ANSWER_BYTES).await
    }

    async fn answered(&mut self, request: Request<Full<Bytes>>, limit: usize) -> Exchange {
        match tokio::time::timeout(self.sender.timeout, self.exchange(request, limit)).await {
            Ok(exchange) => exchange,
            Err(_) => {
                // Whatever is under way on it belongs to a request that nobody waits for any more.
                self.live = None;
                Exchange::Broken
            }
        }
    }

    async fn exchange(&mut self, mut request: Request<Full<Bytes>>, limit: usize) -> Exchange {
        // A provider may close a connection that was idle: a request that it gives back unsent goes over a new one.
        for _ in 0..2 {
            let live = match self.live.take() {
                Some(live) if !live.requests.is_closed() => Some(live),
                _ => connect(&self.sender).await,
            };
            let Some(mut live) = live else { return Exchange::Unreached };
            match exchange(&mut live, request, limit).await {
                Ok(((status, body), open)) => {
                    self.live = open.then_some(live);
                    return Exchange::Answered(status, body);
                }
                Err(Failure::Sent) => return Exchange::Broken,
                Err(Failure::Unsent(unsent)) => request = *unsent,
            }
        }
        Exchange::Unreached
    }
}

async fn connect(sender: &Sender) -> Option<Live> {
    let connecting = TcpStream::connect((sender.host.as_str(), sender.port));
    let stream = tokio::time::timeout(CONNECT, connecting).await.ok()?.ok()?;
    // A request is small and must not wait for company.
    let _ = stream.set_nodelay(true);
    let (requests, driver) = http1::Builder::new().handshake(TokioIo::new(stream)).await.ok()?;
    let mut live = Live { requests, driver: Box::pin(driver) };
    ready(&mut live).await.then_some(live)
}

/// Waits until the connection takes a request; false when it does not any more.
async fn ready(live: &mut Live) -> bool {
    let Live { requests, driver } = live;
    let mut waiting = pin!(requests.ready());
    poll_fn(|context| {
        if driver.as_mut().poll(context).is_ready() {
            return Poll::Ready(false);
        }
        waiting.as_mut().poll(context).map(|ready| ready.is_ok())
    })
    .await
}

/// One request and its answer; whether the connection can take another.
async fn exchange(
    live: &mut Live,
    request: Request<Full<Bytes>>,
    limit: usize,
) -> Result<((u16, Bytes), bool), Failure> {
    let Live { requests, driver } = live;
    let answering = requests.try_send_request(request);
    let mut exchange = pin!(async {
        let answer = match answering.await {
            Ok(answer) => answer,
            Err(mut error) => {
                return Err(error.take_message().map_or(Failure::Sent, |unsent| Failure::Unsent(Box::new(unsent))));
            }
        };
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), limit).collect().await.map_err(|_| Failure::Sent)?;
        Ok((status, body.to_bytes()))
    });
    // A connection that has ended must not be driven again.
    let mut open = true;
    let answer = poll_fn(|context| {
        open = open && driver.as_mut().poll(context).is_pending();
        exchange.as_mut().poll(context)
    })
    .await?;
    Ok((answer, open))
}
