//! The body of an answer, as it comes from the connection.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Sleep;
use tonic::Status;

use crate::failure::{connection_lost, deadline_exceeded};

/// The body of an answer: tells a broken connection and the end of a unary call's time as the statuses that they are.
pub(crate) struct AnswerBody {
    incoming: Incoming,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl AnswerBody {
    pub(crate) fn new(incoming: Incoming, deadline: Option<tokio::time::Instant>) -> Self {
        Self { incoming, deadline: deadline.map(|deadline| Box::pin(tokio::time::sleep_until(deadline))) }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match Pin::new(&mut self.incoming).poll_frame(context) {
            Poll::Ready(frame) => Poll::Ready(frame.map(|frame| frame.map_err(connection_lost))),
            Poll::Pending => match &mut self.deadline {
                Some(deadline) => deadline.as_mut().poll(context).map(|()| Some(Err(deadline_exceeded()))),
                None => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
