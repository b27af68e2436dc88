//! Start, TLS and end.

use std::pin::pin;

use bytes::Bytes;
use http::{Method, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::Incoming,
    client::conn::http2::{self, SendRequest},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpStream, task::JoinSet};
use tokio_rustls::rustls::pki_types::CertificateDer;
use truegate::simulator::{DOCUMENTED_PROFILE, DOCUMENTED_TOKEN, Fault, Simulator};

use crate::support;

#[tokio::test]
async fn http_2_is_spoken_over_tls() {
    let (simulator, certificate) = start_with_tls().await;
    let mut client = Http2::connect(&simulator, &certificate).await;

    let response = client.fetch(&simulator).await.unwrap();

    assert!(simulator.endpoint().starts_with("https://127.0.0.1:"));
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), DOCUMENTED_PROFILE);
    assert_eq!(simulator.seen()[0].version, Version::HTTP_2);
}

#[tokio::test]
async fn what_breaks_off_breaks_off_over_http_2_too() {
    let (simulator, certificate) = start_with_tls().await;
    simulator.plan([Fault::Cut, Fault::Close]);
    let mut client = Http2::connect(&simulator, &certificate).await;

    let cut = client.fetch(&simulator).await.unwrap();

    assert_eq!(cut.headers()["content-length"], DOCUMENTED_PROFILE.len().to_string());
    assert!(cut.into_body().collect().await.is_err());
    assert!(client.fetch(&simulator).await.is_err());
}

#[tokio::test]
async fn a_stalled_handshake_does_not_end_and_the_next_one_does() {
    let (simulator, certificate) = start_with_tls().await;
    simulator.plan([Fault::Stall]);
    let mut stalled = pin!(support::connect_tls(&simulator, &certificate));
    tokio::select! {
        _ = &mut stalled => panic!("the handshake ended"),
        () = simulator.wait_for_connections(1) => {}
    }

    let second = support::connect_tls(&simulator, &certificate).await;

    assert!(second.is_ok());
    assert_eq!(simulator.fetches(), 0);
}

#[tokio::test]
async fn a_certificate_that_is_none_is_refused_at_the_start() {
    let error = Simulator::builder().tls("no pem", "no pem").start().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_busy_port_is_refused_at_the_start() {
    let first = Simulator::start().await.unwrap();
    let error = Simulator::builder().listen(first.address()).start().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}

#[tokio::test]
async fn stopping_closes_the_listener_and_the_connections() {
    let simulator = Simulator::start().await.unwrap();
    let address = simulator.address();
    let mut open = TcpStream::connect(address).await.unwrap();
    simulator.wait_for_connections(1).await;

    simulator.stop().await;

    assert!(TcpStream::connect(address).await.is_err());
    assert_eq!(support::read_to_end(&mut open).await, "");
}

#[tokio::test]
async fn dropping_closes_the_connections() {
    let simulator = Simulator::start().await.unwrap();
    let mut open = TcpStream::connect(simulator.address()).await.unwrap();
    simulator.wait_for_connections(1).await;

    drop(simulator);

    assert_eq!(support::read_to_end(&mut open).await, "");
}

async fn start_with_tls() -> (Simulator, CertificateDer<'static>) {
    let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let builder = Simulator::builder().tls(certified.cert.pem(), certified.signing_key.serialize_pem());
    (builder.start().await.unwrap(), certified.cert.der().clone())
}

/// One HTTP/2 connection.
struct Http2 {
    sender: SendRequest<Full<Bytes>>,
    _driver: JoinSet<hyper::Result<()>>,
}

impl Http2 {
    async fn connect(simulator: &Simulator, certificate: &CertificateDer<'_>) -> Self {
        let stream = support::connect_tls(simulator, certificate).await.unwrap();
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        Self { sender, _driver: driver }
    }

    async fn fetch(&mut self, simulator: &Simulator) -> hyper::Result<Response<Incoming>> {
        let authorization = format!("Bearer {DOCUMENTED_TOKEN}");
        let headers = [("authorization", authorization.as_str())];
        self.sender.send_request(support::request(Method::GET, simulator.endpoint(), &headers, "")).await
    }
}
