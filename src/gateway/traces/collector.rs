//! The connection to a collector of traces (OTLP over HTTP).

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;

use crate::{
    cause::{self, Cause},
    gateway::{BoxError, config::CollectorConfig},
    tls,
};

/// A client for one collector. It follows no redirect and asks no proxy, and its cryptography is ring's.
pub(super) struct Collector {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    url: Uri,
    headers: HeaderMap,
}

/// The reason why a collector did not take spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ExportFailure {
    pub(super) cause: Cause,
    /// Whether it may take them later.
    pub(super) is_temporary: bool,
}

impl Collector {
    pub(super) fn new(config: &CollectorConfig) -> Result<Self, BoxError> {
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls::config(&config.trusted)?);
        let connector = connector.https_or_http().enable_http1().build();
        let mut headers: HeaderMap = config.headers.iter().cloned().collect();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        let url = config.url.parse()?;
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector), url, headers })
    }

    /// Posts a request for the export of spans. Returns how many of them the collector did not take.
    pub(super) async fn post(&self, body: Bytes) -> Result<u64, ExportFailure> {
        let mut request = Request::post(self.url.clone()).body(Full::new(body)).expect("its parts are valid");
        request.headers_mut().clone_from(&self.headers);
        let lost = |error: &(dyn std::error::Error + 'static)| ExportFailure {
            cause: cause::find(error).unwrap_or(Cause::Other),
            is_temporary: true,
        };
        let answer = self.client.request(request).await.map_err(|error| lost(&error))?;
        judge(answer.status())?;
        let body = Limited::new(answer.into_body(), LONGEST_ANSWER).collect().await.map_err(|error| lost(&*error))?;
        // An answer that cannot be read tells of no loss.
        let answer = ExportTraceServiceResponse::decode(body.to_bytes()).unwrap_or_default();
        Ok(answer.partial_success.map_or(0, |success| u64::try_from(success.rejected_spans).unwrap_or(0)))
    }
}

/// Which answers may be followed by a better one is in the specification of OTLP.
fn judge(status: StatusCode) -> Result<(), ExportFailure> {
    let (cause, is_temporary) = match status.as_u16() {
        200..300 => return Ok(()),
        401 | 403 => (Cause::Auth, false),
        429 | 502 | 503 | 504 => (Cause::ServerError, true),
        500.. => (Cause::ServerError, false),
        _ => (Cause::Protocol, false),
    };
    Err(ExportFailure { cause, is_temporary })
}

/// An answer has no more than a sentence.
const LONGEST_ANSWER: usize = 64 << 10;
const USER_AGENT: &str = concat!("truegate/", env!("CARGO_PKG_VERSION"));
