//! The answer of a service on its way to the caller.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body::{Body as HttpBody, Frame};
use http_body_util::BodyExt as _;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::{Status, body::Body};

use super::{Open, message::Meter};
use crate::error::Refusal;

/// Takes the whole answer of a unary call, so that a caller who reads slowly does not hold room on the connection that all
/// share. It is one message, which the service had whole as well.
///
/// # Errors
/// What the body broke with; or a message beyond the limit.
pub(crate) async fn gather(answer: Response<Body>, limit: usize) -> Result<Response<Body>, Status> {
    let (head, mut body) = answer.into_parts();
    if body.is_end_stream() {
        return Ok(Response::from_parts(head, Body::empty()));
    }
    let mut meter = Meter::new(limit);
    let mut gathered = Gathered::default();
    while let Some(frame) = body.frame().await.transpose()? {
        match frame.into_data() {
            Ok(piece) => {
                meter.pass(&piece).map_err(|_| Refusal::MessageTooLarge { limit })?;
                gathered.push(piece);
            }
            Err(frame) => gathered.trailers = frame.into_trailers().ok(),
        }
    }
    Ok(Response::from_parts(head, Body::new(gathered)))
}

/// An answer that is there. Most have one piece.
#[derive(Debug, Default)]
struct Gathered {
    first: Option<Bytes>,
    more: VecDeque<Bytes>,
    trailers: Option<HeaderMap>,
}

impl Gathered {
    fn push(&mut self, piece: Bytes) {
        if self.first.is_none() {
            self.first = Some(piece);
        } else {
            self.more.push_back(piece);
        }
    }
}

impl HttpBody for Gathered {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let piece = self.first.take().or_else(|| self.more.pop_front());
        let frame = piece.map(Frame::data).or_else(|| self.trailers.take().map(Frame::trailers));
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.more.is_empty() && self.trailers.is_none()
    }
}

/// The answer of a streaming call, piece by piece as the caller takes it. Whatever breaks it is told in trailers; so is the
/// stop of the gateway.
pub(crate) struct StreamBody {
    inner: Body,
    meter: Meter,
    ending: Pin<Box<WaitForCancellationFutureOwned>>,
    /// None after an end that is not the service's own.
    open: Option<Open>,
}

impl StreamBody {
    pub(crate) fn new(inner: Body, open: Open) -> Self {
        let ending = Box::pin(open.door.ending.clone().cancelled_owned());
        Self { inner, meter: Meter::new(open.door.limit), ending, open: Some(open) }
    }

    fn end(&mut self, status: Status) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.inner = Body::empty();
        self.open = None;
        let mut trailers = HeaderMap::new();
        match status.add_header(&mut trailers) {
            Ok(()) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
            Err(status) => Poll::Ready(Some(Err(status))),
        }
    }
}

impl HttpBody for StreamBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let Some(open) = &this.open else { return Poll::Ready(None) };
        match Pin::new(&mut this.inner).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                if frame.data_ref().is_some_and(|piece| this.meter.pass(piece).is_err()) {
                    let status = open.door.too_large();
                    return this.end(status);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(status))) => {
                let status = open.explain(status);
                this.end(status)
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => match this.ending.as_mut().poll(context) {
                Poll::Ready(()) => this.end(Refusal::Stopping.into()),
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.open.is_none() || self.inner.is_end_stream()
    }
}
