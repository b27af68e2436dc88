//! A plain client of the simulator.

use std::{error::Error, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls_types::CertificateDer;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types as rustls_types},
};
use truegate::simulator::Simulator;

type AnyError = Box<dyn Error + Send + Sync>;

/// An HTTP/1.1 client that keeps its connections.
pub(crate) struct Client {
    inner: legacy::Client<HttpConnector, Full<Bytes>>,
    limit: usize,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Client {
    pub(crate) fn limited_to(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    pub(crate) async fn fetch(&self, simulator: &Simulator, token: &str) -> Result<Answer, AnyError> {
        let authorization = format!("Bearer {token}");
        self.send(Method::GET, simulator.endpoint(), &[("authorization", &authorization)], "").await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Answer, AnyError> {
        let (head, body) = self.inner.request(request(method, url, headers, body)).await?.into_parts();
        let body = Limited::new(body, self.limit).collect().await?.to_bytes();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }
}

impl Default for Client {
    fn default() -> Self {
        Self { inner: legacy::Client::builder(TokioExecutor::new()).build_http(), limit: 16 * 1024 * 1024 }
    }
}

pub(crate) fn request(method: Method, url: &str, headers: &[(&str, &str)], body: &str) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap()
}

/// All bytes that one GET brings, until the connection ends.
pub(crate) async fn raw_get(simulator: &Simulator, token: &str) -> String {
    let mut stream = TcpStream::connect(simulator.address()).await.unwrap();
    let request = format!("GET /v1/default HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    read_to_end(&mut stream).await
}

pub(crate) async fn read_to_end(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

pub(crate) async fn connect_tls(
    simulator: &Simulator,
    root: &CertificateDer<'_>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone().into_owned()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(simulator.address()).await?;
    let name = simulator.address().ip().into();
    TlsConnector::from(Arc::new(config)).connect(rustls_types::ServerName::IpAddress(name), stream).await
}
