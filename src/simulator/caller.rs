//! Posting callbacks as Truecaller does.

use std::{convert::Infallible, error::Error, future::pending, io, iter::successors, time::Duration};

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{
    HeaderMap, Method, Request, StatusCode,
    header::{CONTENT_TYPE, HOST},
};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

use super::target::Target;

/// A callback that was posted, and what came back.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Posted {
    /// The body that was posted.
    pub body: Bytes,
    /// What the callback route answered.
    pub answer: Answer,
}

/// What a callback route answered.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Answer {
    /// The status; Truecaller wants 2xx within 3 seconds.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// Why a callback got no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The target is no `http://` URL.
    #[error("a callback goes to an http:// URL; the simulator speaks no TLS to callback routes")]
    Scheme,
    /// The target is another machine.
    #[error("a callback goes to this machine only (a loopback address or localhost), unless any target is allowed")]
    NotLoopback,
    /// Nobody listens there.
    #[error("cannot connect to the callback route")]
    Connect(#[source] io::Error),
    /// The connection broke before the head of the answer.
    #[error("the callback route closed the connection without an answer")]
    Exchange(#[from] hyper::Error),
    /// The answer broke off, or is larger than 1 MiB.
    #[error("the answer of the callback route is not whole")]
    Body(#[from] axum::Error),
    /// There was no whole answer in 30 seconds.
    #[error("the callback route did not answer within 30 seconds")]
    Deadline,
}

impl CallError {
    /// The error and what caused it, on one line.
    pub(crate) fn with_causes(&self) -> String {
        let first: &(dyn Error + 'static) = self;
        let chain = successors(Some(first), |error| (*error).source());
        chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
    }
}

/// Posts `body` over a connection of its own.
pub(super) async fn post(target: &Target, body: Bytes) -> Result<Answer, CallError> {
    timeout(DEADLINE, exchange(target, body)).await.unwrap_or(Err(CallError::Deadline))
}

async fn exchange(target: &Target, body: Bytes) -> Result<Answer, CallError> {
    let stream = TcpStream::connect(target.address()).await.map_err(CallError::Connect)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let answer = async {
        let (head, body) = sender.send_request(request(target, body)).await?.into_parts();
        let body = to_bytes(Body::new(body), ANSWER_LIMIT).await?;
        Ok(Answer { status: head.status, headers: head.headers, body })
    };
    let drive = async {
        // What breaks here is told by the answer, which may still be whole.
        let _ = connection.await;
        pending::<Infallible>().await
    };
    tokio::select! {
        answer = answer => answer,
        never = drive => match never {},
    }
}

fn request(target: &Target, body: Bytes) -> Request<Body> {
    Request::builder()
        .method(Method::POST)
        .uri(target.path_and_query())
        .header(HOST, target.authority())
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(body))
        .expect("a parsed URL has a valid path and authority")
}

const DEADLINE: Duration = Duration::from_secs(30);
const ANSWER_LIMIT: usize = 1024 * 1024;
