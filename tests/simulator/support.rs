//! A plain client of the simulator, and a callback route for it to call.

use std::{
    error::Error,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::to_bytes,
    extract::{Request as AnyRequest, State},
    response::IntoResponse,
};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, Uri, Version};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls_types::CertificateDer;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
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

/// A callback route that keeps what is posted to it, until it is dropped.
pub(crate) struct Route {
    pub(crate) url: String,
    requests: Requests,
    _server: JoinSet<()>,
}

#[derive(Debug, Clone)]
pub(crate) struct Posted {
    pub(crate) target: Uri,
    pub(crate) method: Method,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Route {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/callback", listener.local_addr().unwrap());
        let requests = Requests::default();
        let app = Router::new().fallback(keep).with_state(Arc::clone(&requests));
        let mut server = JoinSet::new();
        server.spawn(async { axum::serve(listener, app).await.unwrap() });
        Self { url, requests, _server: server }
    }

    pub(crate) fn requests(&self) -> Vec<Posted> {
        self.requests.lock().unwrap().clone()
    }
}

async fn keep(State(requests): State<Requests>, request: AnyRequest) -> impl IntoResponse {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let posted = Posted { target: head.uri, method: head.method, version: head.version, headers: head.headers, body };
    requests.lock().unwrap().push(posted);
    (StatusCode::ACCEPTED, [("x-route", "callback")], "heard")
}

type Requests = Arc<Mutex<Vec<Posted>>>;
