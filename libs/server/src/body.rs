//! The body of an answer, watched to its end.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Sleep;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::{Code, Status, body::Body};

use crate::{
    answer::{code_in, deadline_exceeded, improve, panicked},
    call::Record,
};

/// The body of an answer. It ends a stream at its deadline or (for health and reflection, whose streams have no end of
/// their own) when the server stops; turns a panic into a status; and tells the record how the call ended.
pub(crate) struct CallBody {
    inner: Body,
    ended: bool,
    pub(crate) record: Option<Record>,
    pub(crate) deadline: Option<Pin<Box<Sleep>>>,
    pub(crate) ending: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl CallBody {
    pub(crate) fn new(inner: Body) -> Self {
        Self { inner, ended: false, record: None, deadline: None, ending: None }
    }

    fn end(&mut self, status: &Status) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.inner = Body::empty();
        self.ended = true;
        if let Some(record) = &mut self.record {
            record.code = Some(status.code());
        }
        let mut trailers = HeaderMap::new();
        match status.add_header(&mut trailers) {
            Ok(()) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
            Err(status) => Poll::Ready(Some(Err(status))),
        }
    }
}

impl HttpBody for CallBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let this = &mut *self;
        if let Some(deadline) = &mut this.deadline
            && deadline.as_mut().poll(context).is_ready()
        {
            return this.end(&deadline_exceeded());
        }
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut this.inner).poll_frame(context)));
        let Ok(polled) = polled else { return this.end(&panicked()) };
        match polled {
            Poll::Ready(Some(Ok(mut frame))) => {
                if let Some(trailers) = frame.trailers_mut()
                    && let Some(code) = code_in(trailers)
                {
                    let code = improve(trailers, code);
                    if let Some(record) = &mut this.record {
                        record.code = Some(code);
                    }
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Pending => {
                if let Some(ending) = &mut this.ending
                    && ending.as_mut().poll(context).is_ready()
                {
                    return this.end(&Status::new(Code::Unavailable, "the server stops"));
                }
                Poll::Pending
            }
            ended => ended,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
