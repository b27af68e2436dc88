//! What passes between a client and an app, for each version of HTTP on either side, and with or without TLS to the app.

use std::convert::Infallible;

use axum::{
    Router,
    body::Body as AxumBody,
    extract::{Request as AxumRequest, WebSocketUpgrade, ws::Message as Frame},
    response::IntoResponse,
    routing::{any, get, post},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Version, header};
use http_body::Frame as BodyFrame;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpListener, task::JoinSet};

use super::{
    app::App,
    setup::{self, Talk},
    support::{
        program::Program,
        raw::{self, within},
    },
    tls::{self, Body, Pair, body},
};

/// How an app is spoken to.
#[derive(Debug, Clone, Copy)]
struct Way {
    protocol: &'static str,
    has_tls: bool,
}

const WAYS: [Way; 4] = [
    Way { protocol: "http1", has_tls: false },
    Way { protocol: "http1", has_tls: true },
    Way { protocol: "http2", has_tls: false },
    Way { protocol: "http2", has_tls: true },
];

/// A connection to the gateway.
enum Client {
    Http1(http1::SendRequest<Body>),
    Http2(http2::SendRequest<Body>),
}

impl Client {
    async fn connect(version: Version, pair: &Pair, program: &Program, drivers: &mut JoinSet<()>) -> Self {
        if version == Version::HTTP_2 {
            let io = TokioIo::new(pair.connect(program.address(), &["h2"]).await.unwrap());
            let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
            drivers.spawn(async { drop(connection.await) });
            return Self::Http2(sender);
        }
        let io = TokioIo::new(pair.connect(program.address(), &["http/1.1"]).await.unwrap());
        let (sender, connection) = http1::handshake(io).await.unwrap();
        drivers.spawn(async { drop(connection.await) });
        Self::Http1(sender)
    }

    async fn send(&mut self, method: &str, path: &str, body: Body) -> Response<Incoming> {
        let request = Request::builder().method(method).header(header::TE, "trailers");
        let answer = match self {
            Self::Http1(sender) => {
                sender.ready().await.unwrap();
                let request = request.uri(path).header(header::HOST, "app.example").body(body).unwrap();
                within(sender.send_request(request)).await
            }
            Self::Http2(sender) => {
                sender.ready().await.unwrap();
                let request = request.uri(format!("https://app.example{path}")).body(body).unwrap();
                within(sender.send_request(request)).await
            }
        };
        answer.unwrap()
    }
}

/// Runs a promise for each version of the client and each way to the app.
async fn for_each(promise: impl AsyncFn(&mut Client, &Program, &str)) {
    let pair = Pair::new();
    for way in WAYS {
        let (app, program) = serve(way, &pair).await;
        for version in [Version::HTTP_11, Version::HTTP_2] {
            let mut drivers = JoinSet::new();
            let mut client = Client::connect(version, &pair, &program, &mut drivers).await;
            promise(&mut client, &program, &format!("{version:?} {way:?}")).await;
        }
        drop(app);
    }
}

async fn serve(way: Way, pair: &Pair) -> (App, Program) {
    let app = match way.has_tls {
        true => App::with_tls(pair.server(&["h2", "http/1.1"], None), routes()).await,
        false => App::start(routes()).await,
    };
    let (scheme, trust) =
        if way.has_tls { ("https", "tls: { ca_file: certificate.pem, server_name: localhost }") } else { ("http", "") };
    let config = format!(
        "admin: {{ listen: 127.0.0.1:0 }}\nupstream: {{ url: '{scheme}://{}', protocol: {}, {trust} }}\n",
        app.address(),
        way.protocol
    );
    let program = tls::serve(pair, &config);
    (app, program)
}

fn routes() -> Router {
    Router::new()
        .route("/version", any(|request: AxumRequest| async move { format!("{:?}", request.version()) }))
        .route("/trailers", get(trailers).post(got_trailers))
        .route("/events", get(events))
        .route("/up", post(count))
        .route("/down", get(download))
        .route("/socket", any(socket))
}

async fn trailers() -> Response<AxumBody> {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", HeaderValue::from_static("abc"));
    trailers.insert("x-truecaller-phone", HeaderValue::from_static("+15550001111"));
    trailers.insert("x-truecaller-token", HeaderValue::from_static("truegate.of-somebody-else"));
    let frames = [Ok::<_, Infallible>(BodyFrame::data(Bytes::from_static(b"ok"))), Ok(BodyFrame::trailers(trailers))];
    let mut answer = Response::new(AxumBody::new(StreamBody::new(stream::iter(frames))));
    answer.headers_mut().insert(header::TRAILER, HeaderValue::from_static("x-checksum"));
    answer
}

/// The names of the trailers of a request.
async fn got_trailers(request: AxumRequest) -> String {
    let body = request.into_body().collect().await.unwrap();
    let trailers = body.trailers().cloned().unwrap_or_default();
    trailers.keys().map(http::HeaderName::as_str).collect::<Vec<_>>().join(" ")
}

/// One event, and then nothing.
async fn events() -> impl IntoResponse {
    let event = Ok::<_, Infallible>(Bytes::from_static(b"data: 1\n\n"));
    let events = stream::iter([event]).chain(stream::pending());
    ([(header::CONTENT_TYPE, "text/event-stream")], AxumBody::from_stream(events))
}

async fn count(request: AxumRequest) -> String {
    let mut body = request.into_body();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        length += frame.unwrap().into_data().map_or(0, |data| data.len());
    }
    length.to_string()
}

async fn download() -> AxumBody {
    AxumBody::from_stream(large().map(Ok::<_, Infallible>))
}

async fn socket(upgrade: WebSocketUpgrade) -> impl IntoResponse {
    upgrade.on_upgrade(|mut socket| async move {
        while let Some(Ok(Frame::Text(text))) = socket.recv().await {
            if socket.send(Frame::Text(text)).await.is_err() {
                return;
            }
        }
    })
}

/// A body of [`LENGTH`] bytes.
fn large() -> impl Stream<Item = Bytes> {
    stream::repeat(Bytes::from(vec![7; CHUNK])).take(LENGTH / CHUNK)
}

const CHUNK: usize = 64 * 1024;
const LENGTH: usize = 100 << 20;

#[tokio::test]
async fn an_app_is_spoken_to_by_its_own_version_whatever_the_clients() {
    for_each(async |client, _, case| {
        let answer = tls::text(client.send("GET", "/version", body("")).await).await;
        assert_eq!(answer, if case.contains("http2") { "HTTP/2.0" } else { "HTTP/1.1" }, "{case}");
    })
    .await;
}

#[tokio::test]
async fn trailers_of_answers_pass_by_http_2_without_the_identities_and_tokens_in_them() {
    for_each(async |client, _, case| {
        let answer = within(client.send("GET", "/trailers", body("")).await.into_body().collect()).await.unwrap();
        let trailers = answer.trailers().cloned();
        assert_eq!(answer.to_bytes(), "ok", "{case}");
        // pingora neither asks an app of HTTP/1.1 for trailers nor passes them to a client of HTTP/1.1.
        let expected = (case.starts_with("HTTP/2.0") && case.contains("http2")).then_some("abc");
        let trailers = trailers.unwrap_or_default();
        assert_eq!(trailers.get("x-checksum").map(|value| value.to_str().unwrap()), expected, "{case}");
        assert!(!trailers.keys().any(|name| name.as_str().starts_with("x-truecaller")), "{case}: {trailers:?}");
    })
    .await;
}

/// pingora drops them all, and with them every identity that a client claims there.
#[tokio::test]
async fn trailers_of_requests_claim_nothing() {
    for_each(async |client, _, case| {
        let trailers = HeaderMap::from_iter([
            (HeaderName::from_static("x-truecaller-phone"), HeaderValue::from_static("+15550001111")),
            (HeaderName::from_static("x-checksum"), HeaderValue::from_static("abc")),
        ]);
        let frames =
            [Ok::<_, Infallible>(BodyFrame::data(Bytes::from_static(b"a"))), Ok(BodyFrame::trailers(trailers))];
        let answer = client.send("POST", "/trailers", Body::new(StreamBody::new(stream::iter(frames)))).await;
        assert_eq!(answer.status(), 200, "{case}");
        assert_eq!(tls::text(answer).await, "", "{case}");
    })
    .await;
}

#[tokio::test]
async fn events_arrive_while_the_stream_goes_on() {
    for_each(async |client, _, case| {
        let mut events = client.send("GET", "/events", body("")).await.into_body();
        let event = within(events.frame()).await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(event, "data: 1\n\n", "{case}");
    })
    .await;
}

#[tokio::test]
async fn bodies_of_any_length_pass_in_constant_memory() {
    for_each(async |client, program, case| {
        let chunks = large().map(|chunk| Ok::<_, Infallible>(BodyFrame::data(chunk)));
        let before = program.memory();
        let up = tls::text(client.send("POST", "/up", Body::new(StreamBody::new(chunks))).await).await;
        assert_eq!(up, LENGTH.to_string(), "{case}");
        let grown = program.memory().saturating_sub(before);
        assert!(grown < ROOM, "{case}: {grown} bytes for a request");

        let mut down = client.send("GET", "/down", body("")).await.into_body();
        let (mut length, mut most) = (0, 0);
        while let Some(frame) = within(down.frame()).await {
            length += frame.unwrap().into_data().map_or(0, |data| data.len());
            most = most.max(program.memory());
        }
        assert_eq!(length, LENGTH, "{case}");
        let grown = most.saturating_sub(before);
        assert!(grown < ROOM, "{case}: {grown} bytes for an answer");
    })
    .await;
}

/// More than the windows of HTTP/2 on both sides, and much less than a body.
const ROOM: u64 = 40 << 20;

#[tokio::test]
async fn a_websocket_reaches_an_app_of_either_version() {
    let pair = Pair::new();
    for way in WAYS {
        let (_app, program) = serve(way, &pair).await;
        let mut echoed = false;
        // pingora closes a socket whose app answers very soon (see the test of streams), so browsers open it again.
        for _ in 0..10 {
            let mut client = Talk::over(pair.connect(program.address(), &["http/1.1"]).await.unwrap());
            client.say(HANDSHAKE).await;
            let head = client.hear("\r\n\r\n").await;
            assert!(head.starts_with("HTTP/1.1 101 "), "{way:?} {head}");
            // A text of five letters, with a mask of zeros.
            client.say(b"\x81\x85\0\0\0\0hello").await;
            echoed = client.hears("hello").await;
            if echoed {
                break;
            }
        }
        assert!(echoed, "{way:?}");
    }
}

#[tokio::test]
async fn an_upgrade_to_anything_but_a_websocket_changes_no_protocol() {
    let pair = Pair::new();
    let (_app, program) = serve(WAYS[2], &pair).await;
    for upgrade in ["Upgrade: foo\r\n", "Connection: Upgrade\r\nUpgrade: foo\r\n", "Upgrade: websocket\r\n"] {
        let mut client = Talk::over(pair.connect(program.address(), &["http/1.1"]).await.unwrap());
        client.say(raw::get("/version", upgrade)).await;
        assert_eq!(client.message().await.text(), "HTTP/2.0", "{upgrade}");
    }
}

const HANDSHAKE: &[u8] = b"GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
      Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#[tokio::test]
async fn early_hints_pass() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let program = Program::serve(&setup::config(listener.local_addr().unwrap()));
    let mut client = Talk::connect(program.address()).await;
    client.say(raw::get("/", "")).await;
    let mut app = Talk::accept(&listener).await;
    app.message().await;
    app.say("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n").await;
    let hints = client.hear("\r\n\r\n").await;
    assert!(hints.starts_with("HTTP/1.1 103 ") && hints.to_ascii_lowercase().contains("link: </a.css>"), "{hints}");
    app.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    assert_eq!(client.message().await.text(), "ok");
}

/// RFC 8441. pingora does not offer it, so browsers open WebSockets by HTTP/1.1.
#[tokio::test]
async fn a_websocket_by_http_2_is_not_offered() {
    let pair = Pair::new();
    let (_app, program) = serve(WAYS[0], &pair).await;
    let stream = pair.connect(program.address(), &["h2"]).await.unwrap();
    let (sender, connection) =
        http2::handshake::<_, _, Body>(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let mut client = Client::Http2(sender.clone());
    // The settings of the gateway have come with this answer.
    client.send("GET", "/version", body("")).await;
    let request =
        Request::connect("https://app.example/socket").extension(hyper::ext::Protocol::from_static("websocket"));
    let refused = within(sender.clone().send_request(request.body(body("")).unwrap())).await;
    assert!(refused.is_err(), "{refused:?}");
}
