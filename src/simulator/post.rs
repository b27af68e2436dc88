//! Posting callbacks as Truecaller does, and the allowed targets.

use std::{error::Error, iter::successors, net::IpAddr, time::Duration};

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, Uri, header::CONTENT_TYPE};
use hyper_util::{
    client::legacy::{
        self, Client,
        connect::{HttpConnector, dns::Name},
    },
    rt::TokioExecutor,
};
use tokio::{net::lookup_host, time::timeout};
use tower::service_fn;

/// A callback that was posted, and its answer.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PostedCallback {
    /// The body that was posted.
    pub body: Bytes,
    /// The answer of the callback route.
    pub answer: CallAnswer,
}

/// An answer of a callback route.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CallAnswer {
    /// The status. Truecaller expects 2xx within 3 seconds.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// The reason why a callback got no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The target is not an `http://` URL.
    #[error("a callback goes to an http:// URL; the simulator speaks no TLS to callback routes")]
    Scheme,
    /// The target is another machine.
    #[error(
        "a callback goes to this machine only (a loopback address, or a name that is or ends in localhost), unless any \
         target is allowed"
    )]
    NotLoopback,
    /// The connection to the target was refused or failed.
    #[error("cannot connect to the callback route")]
    Connect(#[source] Box<dyn Error + Send + Sync>),
    /// The connection broke before the head of the answer.
    #[error("the callback route closed the connection without an answer")]
    Exchange(#[source] Box<dyn Error + Send + Sync>),
    /// The answer broke off, or is larger than 1 MiB.
    #[error("the answer of the callback route is not whole")]
    Body(#[source] Box<dyn Error + Send + Sync>),
    /// The whole answer did not come within 30 seconds.
    #[error("the callback route did not answer within 30 seconds")]
    Deadline,
}

impl CallError {
    /// Returns the error and its causes on one line.
    pub(crate) fn with_causes(&self) -> String {
        let first: &(dyn Error + 'static) = self;
        let chain = successors(Some(first), |error| (*error).source());
        chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
    }
}

/// The URLs that callbacks may go to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum AllowedTargets {
    /// Those of this machine.
    #[default]
    Loopback,
    /// Those of any host.
    Any,
}

/// An `http://` URL that callbacks may go to. It is sent as it was written.
#[derive(Debug)]
pub(super) struct CallbackTarget(Uri);

impl CallbackTarget {
    pub(super) fn parse(url: &str, targets: AllowedTargets) -> Result<Self, CallError> {
        let uri = url.parse::<Uri>().ok().filter(|uri| uri.scheme_str() == Some("http")).ok_or(CallError::Scheme)?;
        let host = uri.host().ok_or(CallError::Scheme)?.trim_matches(['[', ']']);
        let is_loopback = is_localhost(host) || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        if targets == AllowedTargets::Loopback && !is_loopback {
            return Err(CallError::NotLoopback);
        }
        Ok(Self(uri))
    }

    /// Posts `body` over a connection of its own.
    pub(super) async fn post(&self, body: Bytes) -> Result<CallAnswer, CallError> {
        timeout(DEADLINE, self.exchange(body)).await.unwrap_or(Err(CallError::Deadline))
    }

    async fn exchange(&self, body: Bytes) -> Result<CallAnswer, CallError> {
        let request = Request::post(&self.0).header(CONTENT_TYPE, "application/json").body(Body::from(body));
        let request = request.expect("a parsed URL makes a request");
        let connector = HttpConnector::new_with_resolver(service_fn(|name: Name| async move {
            let name = if is_localhost(name.as_str()) { "localhost" } else { name.as_str() };
            lookup_host((name, 0)).await.map(Iterator::collect::<Vec<_>>).map(Vec::into_iter)
        }));
        let answer = Client::builder(TokioExecutor::new()).build(connector).request(request).await;
        let kind = |error: legacy::Error| {
            if error.is_connect() { CallError::Connect(error.into()) } else { CallError::Exchange(error.into()) }
        };
        let (head, body) = answer.map_err(kind)?.into_parts();
        let body = to_bytes(Body::new(body), ANSWER_LIMIT).await.map_err(|error| CallError::Body(error.into()))?;
        Ok(CallAnswer { status: head.status, headers: head.headers, body })
    }
}

/// Whether a name is this machine's. Browsers and RFC 6761 §6.3 say so of every name below `localhost`; some resolvers do not.
fn is_localhost(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

const DEADLINE: Duration = Duration::from_secs(30);
const ANSWER_LIMIT: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callbacks_stay_on_this_machine_unless_told_otherwise() {
        for (url, here, anywhere) in [
            ("http://127.0.0.1:8080/callback?a=b", true, true),
            ("http://localhost/callback", true, true),
            ("http://[::1]:8080/", true, true),
            ("http://user@127.0.0.1/", true, true),
            ("http://127.0.0.1@gateway.example/", false, true),
            ("http://gateway.example/", false, true),
            ("http://192.0.2.1/", false, true),
            ("https://127.0.0.1/", false, false),
            ("127.0.0.1:8080", false, false),
            ("/callback", false, false),
            ("", false, false),
        ] {
            assert_eq!(CallbackTarget::parse(url, AllowedTargets::Loopback).is_ok(), here, "{url}");
            assert_eq!(CallbackTarget::parse(url, AllowedTargets::Any).is_ok(), anywhere, "{url}");
        }
    }
}
