//! What the two directions of one call tell each other.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::task::AtomicWaker;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::{Status, body::Body};

use super::message::Meter;

/// One call: its request, in the hands of the connection to the service, and its answer, in those of the caller's.
#[derive(Debug, Default)]
struct Call {
    /// The request had a message that was too large; the call was reset at it.
    too_large: AtomicBool,
    /// Nobody takes the answer any more.
    over: AtomicBool,
    /// Wakes the request for the news that it is over.
    request: AtomicWaker,
}

/// Splits the body of a call's request into what goes to the service and what the answer's side keeps.
pub(crate) fn begin(body: Body, limit: usize) -> (Body, AnswerSide) {
    let call = Arc::new(Call::default());
    let body = RequestBody { inner: body, meter: Meter::new(limit), call: Arc::clone(&call) };
    (Body::new(body), AnswerSide(call))
}

/// The answer's side of a call. Dropping it ends the request too: a caller may leave it open after the end of the call, and
/// the connection to the service would wait for more of it.
#[derive(Debug)]
pub(crate) struct AnswerSide(Arc<Call>);

impl AnswerSide {
    /// Whether the call broke because a message of its request was too large.
    pub(crate) fn request_was_too_large(&self) -> bool {
        self.0.too_large.load(Ordering::Acquire)
    }
}

impl Drop for AnswerSide {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Release);
        self.0.request.wake();
    }
}

/// The request on its way to the service, piece by piece as the service takes it.
struct RequestBody {
    inner: Body,
    meter: Meter,
    call: Arc<Call>,
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.inner).poll_frame(context);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(piece) = frame.data_ref()
                    && this.meter.pass(piece).is_err()
                {
                    this.call.too_large.store(true, Ordering::Release);
                    // Resets the call at the service, which wakes the answer's side.
                    return Poll::Ready(Some(Err(Status::resource_exhausted("a message is too large"))));
                }
            }
            Poll::Pending => {
                this.call.request.register(context.waker());
                if this.call.over.load(Ordering::Acquire) {
                    return Poll::Ready(Some(Err(Status::cancelled("the call is over"))));
                }
            }
            Poll::Ready(_) => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
