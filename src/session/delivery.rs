//! How a callback reaches the app after it was answered.

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::Request;

/// Sends a request to the app.
///
/// An implementor changes nothing of the request but what its hop needs; otherwise the app gets another callback than
/// the one that was verified. What becomes of it is the implementor's to log: nobody waits for an answer.
pub trait Delivery: Send + Sync + 'static {
    /// Sends a verified callback: its original body, with the identity headers.
    fn deliver(&self, request: Request<Bytes>) -> BoxFuture<'static, ()>;
}
