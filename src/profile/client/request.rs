//! A request to one of Truecaller's endpoints, which may be sent more than once.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header, uri::InvalidUri};
use http_body_util::Full;

use crate::{callback::ProfileEndpoint, profile::FetchError};

/// A request to an endpoint. Besides its own header it says who asks, and nothing of anybody else.
pub(crate) struct EndpointRequest<'a> {
    /// The endpoint that is asked.
    pub(crate) endpoint: &'a ProfileEndpoint,
    /// The URL, if it is another one of the endpoint's origin.
    pub(crate) target: Option<&'a Target>,
    /// The header that only this request has.
    pub(crate) header: (&'a HeaderName, &'a HeaderValue),
    /// What is posted; none to get. What is posted is not sent again once the server may have got it.
    pub(crate) post: Option<Bytes>,
    /// Says what the status of an answer means, and whether its body is worth reading.
    pub(crate) judge: fn(StatusCode) -> Result<(), FetchError>,
}

/// The URL of a request.
pub(crate) struct Target {
    /// As HTTP/2 writes it.
    pub(super) url: Uri,
    /// As HTTP/1.1 writes it: the path. The host is in a line of its own.
    pub(super) path: Uri,
}

impl EndpointRequest<'_> {
    /// Whether it does no harm to send the request again after the server may have got it.
    pub(super) fn is_repeatable(&self) -> bool {
        self.post.is_none()
    }

    /// Makes the message without its URL, which the HTTP version decides about.
    pub(super) fn message(&self) -> Request<Full<Bytes>> {
        let mut message = Request::new(Full::new(self.post.clone().unwrap_or_default()));
        if self.post.is_some() {
            *message.method_mut() = Method::POST;
        }
        let (name, value) = self.header;
        let headers = message.headers_mut();
        headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(header::USER_AGENT, USER_AGENT);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(name, value.clone());
        message
    }
}

impl Target {
    /// Reads an absolute URL.
    pub(crate) fn parse(url: &str) -> Result<Self, InvalidUri> {
        let url: Uri = url.parse()?;
        Ok(Self { path: url.path().parse()?, url })
    }
}

const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("truegate/", env!("CARGO_PKG_VERSION")));
