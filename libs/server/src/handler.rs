//! Services of any type behind one type.

use std::{convert::Infallible, future::Future, pin::Pin};

use http::{Request, Response};
use tonic::body::Body;
use tower::{Service, ServiceExt as _};

pub(crate) type Answering = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// Something that answers requests.
pub(crate) trait Handler: Send + Sync {
    fn handle(&self, request: Request<Body>) -> Answering;
}

/// A tower service (a generated gRPC server, a forwarder) as a handler.
pub(crate) struct ServiceHandler<S>(pub(crate) S);

impl<S> Handler for ServiceHandler<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    fn handle(&self, request: Request<Body>) -> Answering {
        let answering = self.0.clone().oneshot(request);
        Box::pin(async move {
            match answering.await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        })
    }
}

/// Pages and webhooks.
pub(crate) struct RouterHandler(pub(crate) axum::Router);

impl Handler for RouterHandler {
    fn handle(&self, request: Request<Body>) -> Answering {
        let answering = self.0.clone().oneshot(request.map(axum::body::Body::new));
        Box::pin(async move {
            match answering.await {
                Ok(response) => response.map(Body::new),
                Err(never) => match never {},
            }
        })
    }
}
