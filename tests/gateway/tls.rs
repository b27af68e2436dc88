//! HTTPS: the same promises, by HTTP/1.1 and by HTTP/2.

use std::{convert::Infallible, fs, net::SocketAddr, path::Path, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, Version};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    body::Incoming,
    client::conn::http2::{self, SendRequest},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tempfile::TempDir;
use tokio::{net::TcpStream, task::JoinSet};
use tokio_rustls::{
    TlsAcceptor, TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
        server::WebPkiClientVerifier,
    },
};
use truegate::simulator::Simulator;

use super::{
    setup::{self, CALLBACK, Talk},
    support::{
        edge::Sessions,
        program::Program,
        raw::{self, within},
        recorder::Recorder,
    },
};

/// A certificate with its key.
pub(crate) struct Pair {
    certificate: String,
    key: String,
    der: CertificateDer<'static>,
}

impl Pair {
    /// A certificate for `localhost`.
    pub(crate) fn new() -> Self {
        Self::named(&["localhost"])
    }

    /// A certificate for these names.
    pub(crate) fn named(names: &[&str]) -> Self {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let pair = rcgen::generate_simple_self_signed(names).unwrap();
        let (certificate, key) = (pair.cert.pem(), pair.signing_key.serialize_pem());
        Self { certificate, key, der: pair.cert.der().clone() }
    }

    /// A certificate for a host that is valid from the start of one year to that of another.
    pub(crate) fn dated(host: &str, from: i32, until: i32) -> Self {
        let mut params = rcgen::CertificateParams::new([host.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate: certificate.pem(), key: key.serialize_pem(), der: certificate.der().clone() }
    }

    /// Both as one PEM file.
    pub(crate) fn pem(&self) -> String {
        [self.key.as_str(), &self.certificate].concat()
    }

    pub(crate) fn write_certificate(&self, folder: &Path) {
        fs::write(folder.join("certificate.pem"), &self.certificate).unwrap();
    }

    pub(crate) fn write_key(&self, folder: &Path) {
        fs::write(folder.join("key.pem"), &self.key).unwrap();
    }

    /// Writes the two files; folders on the way are made.
    pub(crate) fn write(&self, certificate: &Path, key: &Path) {
        for (path, content) in [(certificate, &self.certificate), (key, &self.key)] {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
    }

    /// Whether this is the certificate that a server has shown.
    pub(crate) fn is(&self, shown: &CertificateDer<'_>) -> bool {
        self.der == *shown
    }

    /// How long the two files are.
    pub(crate) fn sizes(&self) -> (usize, usize) {
        (self.certificate.len(), self.key.len())
    }

    /// A server that shows this certificate.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::new(self.server(&[], None)))
    }

    /// How a server shows this certificate, speaks these protocols, and asks for a certificate of this client if there is one.
    pub(crate) fn server(&self, alpn: &[&str], client: Option<&Self>) -> ServerConfig {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let builder = match client {
            Some(client) => {
                let mut roots = RootCertStore::empty();
                roots.add(client.der.clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
                builder.unwrap().with_client_cert_verifier(verifier)
            }
            None => builder.unwrap().with_no_client_auth(),
        };
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap();
        let mut config = builder.with_single_cert(vec![self.der.clone()], key).unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        config
    }

    /// Shakes hands, if this is the certificate that is shown; the client offers these protocols.
    pub(crate) async fn connect(&self, address: SocketAddr, alpn: &[&str]) -> Option<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(address).await.unwrap();
        // As browsers do. Otherwise a body waits for an acknowledgement after each window.
        stream.set_nodelay(true).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        within(TlsConnector::from(Arc::new(config)).connect(name, stream)).await.ok()
    }
}

pub(crate) const LISTEN: &str = "listen: { address: '127.0.0.1:0', certificate: certificate.pem, key: key.pem }\n";

/// The program with a TLS listener.
pub(crate) fn serve(pair: &Pair, config: &str) -> Program {
    let folder = TempDir::new().unwrap();
    pair.write_certificate(folder.path());
    pair.write_key(folder.path());
    Program::serve_from(folder, &format!("{LISTEN}{config}"))
}

pub(crate) type Body = BoxBody<Bytes, Infallible>;

/// One HTTP/2 connection.
pub(crate) struct Http2 {
    sender: SendRequest<Body>,
    driver: JoinSet<hyper::Result<()>>,
}

impl Http2 {
    pub(crate) async fn connect(pair: &Pair, address: SocketAddr) -> Self {
        let stream = pair.connect(address, &["h2", "http/1.1"]).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        Self { sender, driver }
    }

    pub(crate) async fn send(&mut self, request: Request<Body>) -> Response<Incoming> {
        within(self.sender.send_request(request)).await.unwrap()
    }

    /// A handle for requests on the same connection.
    pub(crate) fn sender(&self) -> SendRequest<Body> {
        self.sender.clone()
    }

    /// Waits until the server closes the connection.
    pub(crate) async fn closed(&mut self) {
        self.driver.join_next().await;
    }
}

pub(crate) fn body(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed()
}

pub(crate) async fn text(response: Response<Incoming>) -> String {
    let body = within(response.into_body().collect()).await.unwrap().to_bytes();
    String::from_utf8_lossy(&body).into_owned()
}

#[tokio::test]
async fn http_1_is_served_over_tls() {
    let (app, pair) = (Recorder::start().await, Pair::new());
    let program = serve(&pair, &setup::config_without_listener(app.address()));
    for alpn in [&["http/1.1"][..], &[]] {
        let mut client = Talk::over(pair.connect(program.address(), alpn).await.unwrap());
        for _ in 0..2 {
            client.say(raw::get("/", "X-Forwarded-Proto: http\r\nX-Truecaller-Phone: +1\r\n")).await;
            assert_eq!(client.message().await.text(), "ok");
            let request = app.take().remove(0);
            assert_eq!(request.one("x-forwarded-proto"), Some("https"));
            assert_eq!(request.one("x-truecaller-phone"), None);
        }
    }
}

#[tokio::test]
async fn the_cookies_of_http_2_reach_the_app_as_one_line_and_count_as_one() {
    let (app, truecaller, pair) = (Recorder::start().await, Simulator::start().await.unwrap(), Pair::new());
    let config = setup::config_without_listener(app.address()) + &setup::truecaller(&truecaller);
    let program = serve(&pair, &(config + &Sessions::usual().yaml()));
    let mut client = Http2::connect(&pair, program.address()).await;
    let many: Vec<_> = (0..150).map(|number| format!("c{number}=v{number}")).collect();
    for (crumbs, line) in [
        (vec!["a=1".to_owned(), "__Host-truegate=x".to_owned(), "b=2; c=3".to_owned()], "a=1; b=2; c=3".to_owned()),
        (many.clone(), many.join("; ")),
    ] {
        let mut request = Request::get("https://shop.example/").body(body("")).unwrap();
        for crumb in &crumbs {
            request.headers_mut().append("cookie", HeaderValue::from_str(crumb).unwrap());
        }
        assert_eq!(client.send(request).await.status(), 200, "{crumbs:?}");
        assert_eq!(app.take().remove(0).all("cookie"), [line], "{crumbs:?}");
    }
}

#[tokio::test]
async fn http_2_is_served_over_tls_with_the_same_care() {
    let (app, pair) = (Recorder::start().await, Pair::new());
    let program = serve(&pair, &setup::config_without_listener(app.address()));
    let mut client = Http2::connect(&pair, program.address()).await;
    let request = Request::post("https://app.example:8443/a%2Fb?q=1")
        .header("x-truecaller-phone", "+15550001111")
        .header("x_truecaller_name", "Mallory")
        .header("x-truecaller-anything", "Mallory")
        .header("x-forwarded-for", "6.6.6.6")
        .header("x-forwarded-proto", "http")
        .header("cookie", "a=1")
        .body(body("a body"));

    let answer = client.send(request.unwrap()).await;

    assert_eq!((answer.status().as_u16(), answer.version()), (200, Version::HTTP_2));
    assert_eq!(text(answer).await, "ok");
    let request = app.take().remove(0);
    assert_eq!((&*request.start, &*request.text()), ("POST /a%2Fb?q=1 HTTP/1.1", "a body"));
    for (name, value) in [
        ("host", "app.example:8443"),
        ("cookie", "a=1"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "app.example:8443"),
    ] {
        assert_eq!(request.one(name), Some(value), "{name}");
    }
    let said = format!("{request:?}").to_ascii_lowercase();
    assert!(!said.contains("truecaller") && !said.contains("mallory"), "{said}");
}

#[tokio::test]
async fn requests_share_an_http_2_connection() {
    let (app, pair) = (Recorder::start().await, Pair::new());
    let program = serve(&pair, &setup::config_without_listener(app.address()));
    let client = Http2::connect(&pair, program.address()).await;
    let mut answers = JoinSet::new();
    for number in 0..20 {
        let mut sender = client.sender();
        let request = Request::get(format!("https://app.example/{number}")).body(body("")).unwrap();
        answers.spawn(async move { sender.send_request(request).await.unwrap().status() });
    }
    assert!(within(answers.join_all()).await.iter().all(|status| *status == 200));
    assert_eq!(app.take().len(), 20);
}

#[tokio::test]
async fn two_hosts_in_one_http_2_request_are_refused() {
    let (app, pair) = (Recorder::start().await, Pair::new());
    let program = serve(&pair, &setup::config_without_listener(app.address()));
    for (host, status) in [("app.example", 200), ("other.example", 400), ("app.example:8443", 400)] {
        let mut client = Http2::connect(&pair, program.address()).await;
        let request = Request::get("https://app.example/").header("host", host).body(body("")).unwrap();
        assert_eq!(client.send(request).await.status(), status, "{host}");
        assert_eq!(app.take().len(), usize::from(status == 200));
    }
}

#[tokio::test]
async fn identities_in_http_2_trailers_never_reach_the_app() {
    let (app, pair) = (Recorder::start().await, Pair::new());
    let program = serve(&pair, &setup::config_without_listener(app.address()));
    let mut client = Http2::connect(&pair, program.address()).await;
    let mut trailers = HeaderMap::new();
    trailers.insert("x-truecaller-phone", HeaderValue::from_static("+15550001111"));
    trailers.insert("x_truecaller_name", HeaderValue::from_static("Mallory"));
    let frames = [Frame::data(Bytes::from_static(b"a body")), Frame::trailers(trailers)];
    let stream = StreamBody::new(futures_util::stream::iter(frames.map(Ok::<_, Infallible>)));
    let request = Request::post("https://app.example/").header("trailer", "X-Truecaller-Phone").body(stream.boxed());

    let answer = client.send(request.unwrap()).await;

    assert_eq!(answer.status(), 200);
    let request = app.take().remove(0);
    assert_eq!(request.text(), "a body");
    let said = format!("{request:?}").to_ascii_lowercase();
    assert!(!said.contains("truecaller") && !said.contains("mallory"), "{said}");
}

#[tokio::test]
async fn a_callback_is_verified_over_http_2() {
    let (app, pair, simulator) = (Recorder::start().await, Pair::new(), Simulator::start().await.unwrap());
    let config = setup::config_without_listener(app.address()) + &setup::truecaller(&simulator);
    let program = serve(&pair, &config);
    let callback = simulator.documented_callback(simulator.endpoint());
    let mut client = Http2::connect(&pair, program.address()).await;
    let request = Request::post(format!("https://app.example{CALLBACK}")).header("x-truecaller-phone", "+15550001111");

    let answer = client.send(request.body(body(callback.clone())).unwrap()).await;

    assert_eq!(answer.status(), 200);
    let request = app.take().remove(0);
    assert_eq!(request.body, callback);
    assert_eq!(request.one("x-truecaller-status"), Some("verified"));
    assert_eq!(request.one("x-truecaller-phone"), Some("+919999999999"));
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused_over_http_2() {
    let (app, pair) = (Recorder::start().await, Pair::new());
    let program = serve(&pair, &setup::config_without_listener(app.address()));
    let target = format!("https://app.example/{}", "a".repeat(8192));
    let large =
        (0..10).fold(Request::get("https://app.example/"), |request, _| request.header("x-long", "b".repeat(7000)));
    for (request, status) in [(Request::get(target), 414), (large, 431)] {
        let mut client = Http2::connect(&pair, program.address()).await;
        assert_eq!(client.send(request.body(body("")).unwrap()).await.status(), status);
    }
    assert_eq!(app.seen(), []);
}

#[tokio::test]
async fn a_listener_without_tls_stands_beside_one_with_it() {
    let (app, pair, folder) = (Recorder::start().await, Pair::new(), TempDir::new().unwrap());
    pair.write_certificate(folder.path());
    pair.write_key(folder.path());
    let listen = LISTEN.replace("listen: ", "listen:\n- 127.0.0.1:0\n- ");
    let config = setup::config_without_listener(app.address());
    let program = Program::serve_from(folder, &format!("{listen}{config}"));
    let [plain, secured] = program.addresses()[..] else { panic!("two listeners") };

    let mut client = Talk::over(pair.connect(secured, &["http/1.1"]).await.unwrap());
    client.say(raw::get("/", "")).await;

    assert_eq!(client.message().await.status(), 200);
    assert_eq!(raw::exchange(plain, raw::get("/", "")).await.unwrap().status(), 200);
    let schemes: Vec<_> =
        app.take().iter().map(|request| request.one("x-forwarded-proto").unwrap().to_owned()).collect();
    assert_eq!(schemes, ["https", "http"]);
    let garbage = raw::exchange(secured, raw::get("/", "")).await;
    assert!(garbage.is_none_or(|answer| !answer.start.starts_with("HTTP/1.1 200")));
}
