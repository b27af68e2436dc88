//! gRPC through the gateway: each kind of call, errors, deadlines and the end of a call, with and without TLS to the app.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
};

use axum::{Router, extract::Request as HttpRequest, response::IntoResponse as _, routing::post};
use bytes::{Buf as _, BufMut as _, Bytes};
use futures_util::{Stream, StreamExt as _, stream};
use http::uri::{PathAndQuery, Uri};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{sync::mpsc, task::JoinSet};
use tonic::{
    Code, Request, Response, Status, Streaming,
    client::{Grpc, GrpcService},
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    server::{Grpc as Server, StreamingService},
};
use tonic_health::{
    ServingStatus,
    pb::{HealthCheckRequest, health_client::HealthClient},
};

use super::{
    app::App,
    support::{program::Program, raw::within},
    tls::{self, Pair},
};

/// Messages that are just bytes.
#[derive(Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

/// A service that says each message back, and knows when a call was dropped.
#[derive(Clone, Default)]
struct Echo {
    was_dropped: Arc<AtomicBool>,
}

type Messages = Pin<Box<dyn Stream<Item = Result<Bytes, Status>> + Send>>;

impl StreamingService<Bytes> for Echo {
    type Response = Bytes;
    type ResponseStream = Messages;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Messages>, Status>> + Send>>;

    fn call(&mut self, request: Request<Streaming<Bytes>>) -> Self::Future {
        let metadata = request.metadata().clone();
        let guard = Dropped(Arc::clone(&self.was_dropped));
        Box::pin(async move {
            if metadata.get("refuse").is_some() {
                return Err(Status::failed_precondition("as was asked"));
            }
            let messages = request.into_inner().map(move |message| {
                let _guard = &guard;
                match message {
                    Ok(message) if message == "fail" => Err(Status::aborted("in the middle")),
                    message => message,
                }
            });
            let mut response = Response::new(Box::pin(messages) as Messages);
            for name in ["te", "grpc-timeout", "x-truecaller-phone"] {
                if let Some(value) = metadata.get(name) {
                    response.metadata_mut().insert(
                        format!("got-{name}").parse::<tonic::metadata::MetadataKey<_>>().unwrap(),
                        value.clone(),
                    );
                }
            }
            Ok(response)
        })
    }
}

struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A gateway in front of a gRPC app, and a connection to it.
struct Scene {
    echo: Echo,
    reporter: tonic_health::server::HealthReporter,
    _app: App,
    _program: Program,
    sender: http2::SendRequest<tonic::body::Body>,
    _driver: JoinSet<hyper::Result<()>>,
}

impl Scene {
    async fn open(has_tls: bool) -> Self {
        let (echo, pair) = (Echo::default(), Pair::new());
        let (reporter, health) = tonic_health::server::health_reporter();
        let service = echo.clone();
        let talk = post(move |request: HttpRequest| async move {
            // The crate tonic hides this header from services.
            let te = request.headers().get("te").cloned();
            let mut answer = Server::new(Raw).streaming(service, request).await;
            answer.headers_mut().extend(te.map(|te| (http::HeaderName::from_static("got-te"), te)));
            answer.into_response()
        });
        let routes: Router = tonic::service::Routes::new(health).into_axum_router().route("/test.Echo/Talk", talk);
        let app = match has_tls {
            true => App::with_tls(pair.server(&["h2"], None), routes).await,
            false => App::start(routes).await,
        };
        let (scheme, tls) =
            if has_tls { ("https", "tls: { ca_file: certificate.pem, server_name: localhost }") } else { ("http", "") };
        let config = format!(
            "admin: {{ listen: 127.0.0.1:0 }}\nupstream: {{ url: '{scheme}://{}', protocol: http2, {tls} }}\n",
            app.address()
        );
        let program = tls::serve(&pair, &config);
        let stream = pair.connect(program.address(), &["h2"]).await.unwrap();
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        Self { echo, reporter, _app: app, _program: program, sender, _driver: driver }
    }

    fn channel(
        &self,
    ) -> impl GrpcService<tonic::body::Body, ResponseBody = hyper::body::Incoming, Error = hyper::Error> + Clone + use<>
    {
        let sender = self.sender.clone();
        tower::service_fn(move |request| {
            let mut sender = sender.clone();
            async move { sender.send_request(request).await }
        })
    }

    /// Calls the service with the messages of a channel.
    async fn call(
        &self,
        edit: impl FnOnce(&mut Request<Messages>),
    ) -> (mpsc::UnboundedSender<Bytes>, Result<Response<Streaming<Bytes>>, Status>) {
        let (say, said) = mpsc::unbounded_channel();
        let messages = stream::unfold(said, |mut said| async move { Some((Ok(said.recv().await?), said)) });
        let mut request = Request::new(Box::pin(messages) as Messages);
        edit(&mut request);
        let request = request.map(|messages| messages.filter_map(|message| async { message.ok() }));
        let mut client = Grpc::with_origin(self.channel(), ORIGIN.parse::<Uri>().unwrap());
        client.ready().await.unwrap();
        let path = PathAndQuery::from_static("/test.Echo/Talk");
        (say, within(client.streaming(request, path, Raw)).await)
    }
}

const ORIGIN: &str = "https://grpc.example";

#[tokio::test]
async fn a_unary_call_and_a_stream_of_the_server_pass() {
    for has_tls in [false, true] {
        let scene = Scene::open(has_tls).await;
        let mut client = HealthClient::with_origin(scene.channel(), ORIGIN.parse().unwrap());
        let asked = |service: &str| HealthCheckRequest { service: service.to_owned() };
        assert_eq!(within(client.check(asked(""))).await.unwrap().into_inner().status, 1);
        let unknown = within(client.check(asked("nobody"))).await.unwrap_err();
        assert_eq!(unknown.code(), Code::NotFound, "an answer that is trailers only");

        scene.reporter.set_service_status("shop", ServingStatus::NotServing).await;
        let mut watch = within(client.watch(asked("shop"))).await.unwrap().into_inner();
        for (status, number) in
            [(ServingStatus::NotServing, 2), (ServingStatus::Serving, 1), (ServingStatus::NotServing, 2)]
        {
            scene.reporter.set_service_status("shop", status).await;
            assert_eq!(within(watch.message()).await.unwrap().unwrap().status, number);
        }
    }
}

#[tokio::test]
async fn messages_go_both_ways_one_by_one() {
    for has_tls in [false, true] {
        let scene = Scene::open(has_tls).await;
        let (say, answer) = scene.call(|_| {}).await;
        let answer = answer.unwrap();
        assert_eq!(answer.metadata().get("got-te").unwrap(), "trailers");
        let mut answers = answer.into_inner();
        for word in ["one", "two", "three"] {
            say.send(Bytes::from_static(word.as_bytes())).unwrap();
            assert_eq!(within(answers.message()).await.unwrap().unwrap(), word);
        }
        let large = Bytes::from(vec![7; 1 << 20]);
        say.send(large.clone()).unwrap();
        assert_eq!(within(answers.message()).await.unwrap().unwrap(), large);
        drop(say);
        assert_eq!(within(answers.message()).await.unwrap(), None);
        assert!(within(answers.trailers()).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn an_error_arrives_with_its_status_at_any_time() {
    let scene = Scene::open(false).await;
    let (_say, refused) =
        scene.call(|request| drop(request.metadata_mut().insert("refuse", "now".parse().unwrap()))).await;
    let refused = refused.unwrap_err();
    assert_eq!((refused.code(), refused.message()), (Code::FailedPrecondition, "as was asked"));

    let (say, answer) = scene.call(|_| {}).await;
    let mut answers = answer.unwrap().into_inner();
    say.send(Bytes::from_static(b"one")).unwrap();
    assert_eq!(within(answers.message()).await.unwrap().unwrap(), "one");
    say.send(Bytes::from_static(b"fail")).unwrap();
    let failed = within(answers.message()).await.unwrap_err();
    assert_eq!((failed.code(), failed.message()), (Code::Aborted, "in the middle"));
}

#[tokio::test]
async fn an_app_learns_of_a_deadline_and_of_no_identity_that_a_client_claims() {
    let scene = Scene::open(false).await;
    let (_say, answer) = scene
        .call(|request| {
            request.set_timeout(std::time::Duration::from_secs(3600));
            request.metadata_mut().insert("x-truecaller-phone", "+15550001111".parse().unwrap());
        })
        .await;
    let answer = answer.unwrap();
    assert!(answer.metadata().get("got-grpc-timeout").is_some(), "{answer:?}");
    assert!(answer.metadata().get("got-x-truecaller-phone").is_none(), "{answer:?}");
}

#[tokio::test]
async fn a_call_that_its_client_drops_ends_at_the_app() {
    let scene = Scene::open(false).await;
    let (say, answer) = scene.call(|_| {}).await;
    let mut answers = answer.unwrap().into_inner();
    say.send(Bytes::from_static(b"one")).unwrap();
    assert_eq!(within(answers.message()).await.unwrap().unwrap(), "one");
    assert!(!scene.echo.was_dropped.load(Ordering::Relaxed));
    drop((say, answers));
    within(std::future::poll_fn(|context| match scene.echo.was_dropped.load(Ordering::Relaxed) {
        true => Poll::Ready(()),
        false => {
            context.waker().wake_by_ref();
            Poll::Pending
        }
    }))
    .await;
}
