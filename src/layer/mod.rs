//! The tower layer: truegate in front of any service.
//!
//! Put the layer outermost, so that no other layer trusts a header before it is stripped. Callbacks are forwarded to the inner
//! service with their original body. Every other request passes unchanged, but without the identity headers of the client. An
//! app in the same process finds the [`Identity`](crate::Identity) in the request's extensions.
//!
//! With sessions, the bodies of a request and of its response end with [`BodyError::SessionOver`] within two seconds of the
//! session's end. The layer cannot end a WebSocket that the server has upgraded. Its app finds the [`Lease`](crate::Lease) in
//! the request's extensions, and must end it.
//!
//! The layer does not know the client's address. Insert [`ClientInfo`](crate::gate::ClientInfo) into the request's
//! extensions in front of it, or the [limits](crate::gate::Limits) of logins and callbacks do not apply.
//!
//! ```
//! # use std::{convert::Infallible, time::Instant};
//! # use http_body_util::Full;
//! # use truegate::{callback::Grant, cause::Cause, profile::{FetchError, ProfileFuture, ProfileSource}};
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use tower::{Layer, ServiceExt, service_fn};
//! use truegate::{gate::Gate, layer::{GuardedBody, TruegateLayer}};
//!
//! # struct Nobody;
//! # impl ProfileSource for Nobody {
//! #     fn fetch<'a>(&'a self, _: &'a Grant, _: Instant) -> ProfileFuture<'a> {
//! #         Box::pin(async { Err(FetchError::Unavailable(Cause::Connect.into())) })
//! #     }
//! # }
//! # let source = Nobody;
//! # tokio_test(async move {
//! let gate = Gate::builder("/truecaller/x7Kq2vNf9TzR4mWb6pLd".parse()?, source).build();
//! let app = service_fn(|request: Request<GuardedBody<Full<Bytes>>>| async move {
//!     let claimed = request.headers().contains_key("x-truecaller-phone");
//!     Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(claimed.to_string())))
//! });
//! let service = TruegateLayer::new(gate).layer(app);
//!
//! let spoofed = Request::get("/").header("X-Truecaller-Phone", "+1").body(Full::default())?;
//! let response = service.oneshot(spoofed).await?;
//! assert!(response.status().is_success());
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! # fn tokio_test<T>(future: impl Future<Output = T>) -> T {
//! #     tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
//! # }
//! ```

mod body;
mod future;
mod intercept;
mod read;
mod service;

use tower_layer::Layer;

pub use self::{
    body::{BodyError, GuardedBody, SessionOver},
    future::ResponseFuture,
    service::Truegate,
};
use crate::gate::Gate;

/// Puts [`Truegate`] in front of a service.
#[derive(Debug, Clone)]
pub struct TruegateLayer {
    gate: Gate,
}

impl TruegateLayer {
    /// Creates a layer with this gate.
    pub fn new(gate: Gate) -> Self {
        Self { gate }
    }
}

impl<S> Layer<S> for TruegateLayer {
    type Service = Truegate<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Truegate::new(inner, self.gate.clone())
    }
}
