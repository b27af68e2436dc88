//! An app that answers at once, and has no cost of its own.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    hint::black_box,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use tower::{Layer, Service};
use truegate::{Gate, TruegateLayer, layer::Truegate};

/// The app.
#[derive(Clone)]
pub struct App;

/// The app behind the layer.
pub(super) fn behind(gate: Gate) -> Truegate<App> {
    TruegateLayer::new(gate).layer(App)
}

impl<B> Service<Request<B>> for App {
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        black_box(request);
        ready(Ok(Response::new(Empty::new())))
    }
}
