//! The connections to the ACME server.

use std::{pin::Pin, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::Limited;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};

use crate::tls::{self, NoCertificate};

/// A client for an ACME server that speaks https alone. Its cryptography is ring's, which is given to it and not installed for the
/// process.
#[derive(Clone)]
pub(super) struct AcmeServer(Client<HttpsConnector<HttpConnector>, BodyWrapper<Bytes>>);

impl AcmeServer {
    /// A client that trusts these roots beside Mozilla's.
    pub(super) fn new(trusted: &[u8]) -> Result<Self, NoCertificate> {
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls::config(trusted)?).https_only().enable_http1();
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector.build())))
    }
}

impl HttpClient for AcmeServer {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let response = self.0.request(request);
        Box::pin(async move {
            let response = response.await.map_err(|error| Error::Other(error.into()))?;
            if [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&response.status()) {
                // A date in place of seconds is rare, and without it the pause grows by itself.
                let seconds =
                    response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
                return Err(Error::Other(Busy { pause: seconds.map(Duration::from_secs) }.into()));
            }
            Ok(response.map(|body| Limited::new(body, LONGEST_ANSWER)).into())
        })
    }
}

/// The ACME server refuses requests for now, as its limits are reached or it is overloaded.
#[derive(Debug, thiserror::Error)]
#[error("the ACME server refuses requests for now")]
pub(super) struct Busy {
    /// How long it asks to wait.
    pub(super) pause: Option<Duration>,
}

/// More than any chain of certificates takes.
const LONGEST_ANSWER: usize = 1 << 20;
