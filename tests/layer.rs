//! What the tower layer promises to those who mount it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]
#![allow(clippy::disallowed_methods, reason = "the paused clock of the runtime is the test's own")]

mod support;

use std::{
    convert::Infallible,
    future::{Future, Ready, poll_fn, ready},
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use support::source::{GRANT, PATH, PHONE, REFUSAL, Source};
use tokio::{sync::mpsc, task::coop::poll_proceed};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use truegate::{
    Gate, Identity, TruegateLayer,
    layer::{GuardedBody, ResponseFuture, Truegate},
};

type Whole = Full<Bytes>;

fn callback(body: &'static str) -> Request<Whole> {
    Request::post(PATH).body(Full::from(body)).unwrap()
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Answers with what the app behind saw: its headers, the identity in its extensions, and its body.
async fn mirror<B: Body<Data = Bytes>>(request: Request<GuardedBody<B>>) -> Result<Response<Whole>, Infallible>
where
    B::Error: std::fmt::Debug,
{
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let identity = head.extensions.get::<Identity>().map(|identity| identity.profile().phone.as_str().to_owned());
    let mut response = Response::new(Full::from(body));
    *response.headers_mut() = head.headers;
    if let Some(phone) = identity {
        response.headers_mut().insert("seen-in-extensions", phone.try_into().unwrap());
    }
    // The layer strips the namespace from responses, so the mirror shows it under another name.
    if let Some(phone) = response.headers_mut().remove("x-truecaller-phone") {
        response.headers_mut().insert("seen-in-headers", phone);
    }
    Ok(response)
}

#[tokio::test]
async fn an_app_finds_the_identity_in_headers_and_extensions() {
    let service = TruegateLayer::new(Source::prompt().gate()).layer(service_fn(mirror::<Whole>));
    let response = service.oneshot(callback(GRANT)).await.unwrap();
    assert_eq!(response.headers()["seen-in-headers"], PHONE);
    assert_eq!(response.headers()["seen-in-extensions"], PHONE);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), GRANT);
}

#[tokio::test]
async fn an_identity_from_elsewhere_does_not_pass() {
    let service =
        TruegateLayer::new(Source::prompt().gate()).layer(service_fn(async |request: Request<GuardedBody<Whole>>| {
            let found = request.extensions().get::<Identity>().cloned();
            let mut response = Response::new(Whole::default());
            if let Some(identity) = found {
                response.extensions_mut().insert(identity);
            }
            Ok::<_, Infallible>(response)
        }));
    let verified = service.clone().oneshot(callback(GRANT)).await.unwrap();
    let identity = verified.extensions().get::<Identity>().unwrap().clone();

    for mut request in [Request::get("/").body(Whole::default()).unwrap(), callback(REFUSAL)] {
        request.extensions_mut().insert(identity.clone());
        let response = service.clone().oneshot(request).await.unwrap();
        assert!(response.extensions().get::<Identity>().is_none());
    }
}

#[tokio::test]
async fn it_mounts_on_an_axum_router_as_it_is() {
    let greet = async |identity: Option<axum::Extension<Identity>>| {
        identity.map_or("stranger".to_owned(), |identity| identity.profile().phone.as_str().to_owned())
    };
    let app = axum::Router::new()
        .route("/", axum::routing::get(greet))
        .route(PATH, axum::routing::post(greet))
        .layer(TruegateLayer::new(Source::prompt().gate()));
    for (request, greeted) in
        [(Request::get("/").body(Whole::default()).unwrap(), "stranger"), (callback(GRANT), PHONE)]
    {
        let response = app.clone().oneshot(request.map(axum::body::Body::new)).await.unwrap();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), greeted);
    }
}

#[tokio::test]
async fn a_body_that_always_has_a_frame_is_given_up_at_the_deadline() {
    let gate = Gate::builder(PATH.parse().unwrap(), Source::prompt()).deadline(Duration::ZERO).build();
    let service = TruegateLayer::new(gate).layer(service_fn(mirror::<Endless>));
    let response = service.oneshot(Request::post(PATH).body(Endless).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
}

/// A body of empty frames. It waits only when tokio says that its task had its turn.
struct Endless;

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        ready!(poll_proceed(cx)).made_progress();
        Poll::Ready(Some(Ok(Frame::data(Bytes::new()))))
    }
}

#[tokio::test]
async fn a_waiting_callback_holds_no_permit() {
    let source = Source::held();
    let service = ServiceBuilder::new()
        .layer(TruegateLayer::new(source.gate()))
        .concurrency_limit(1)
        .service(service_fn(mirror::<Whole>));

    let mut waiting = pin!(service.clone().oneshot(callback(GRANT)));
    assert!(poll(waiting.as_mut()).is_pending());
    assert_eq!(source.asked(), 1);
    let other = service.clone().oneshot(Request::get("/").body(Whole::default()).unwrap());
    assert_eq!(tokio::time::timeout(Duration::from_secs(5), other).await.unwrap().unwrap().status(), StatusCode::OK);

    source.release();
    assert_eq!(waiting.await.unwrap().headers()["seen-in-headers"], PHONE);
}

#[tokio::test]
async fn an_answered_callback_gives_its_permit_back() {
    let limited = ServiceBuilder::new().concurrency_limit(1).service(service_fn(mirror::<Whole>));
    let service = TruegateLayer::new(Source::prompt().gate()).layer(limited);
    for (request, status) in [
        (callback("{}"), StatusCode::BAD_REQUEST),
        (Request::get(PATH).body(Whole::default()).unwrap(), StatusCode::METHOD_NOT_ALLOWED),
    ] {
        // A server keeps the service of a connection, and its permit with it, as long as the connection is open.
        let mut connection = service.clone();
        let rejected = connection.ready().await.unwrap().call(request).await.unwrap();
        assert_eq!(rejected.status(), status);
        let mut other = service.clone();
        assert!(poll(pin!(ServiceExt::<Request<Whole>>::ready(&mut other))).is_ready(), "{status}");
    }
}

/// A service that insists on being made ready, as those with permits do, and that is not ready when cloned.
#[derive(Default)]
struct Strict {
    is_ready: bool,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl<B> Service<Request<GuardedBody<B>>> for Strict {
    type Response = Response<Whole>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<GuardedBody<B>>) -> Self::Future {
        assert!(std::mem::take(&mut self.is_ready), "called without having been made ready");
        ready(Ok(Response::new(Full::default())))
    }
}

#[tokio::test]
async fn the_inner_service_is_called_only_when_it_is_ready() {
    let mut service = TruegateLayer::new(Source::prompt().gate()).layer(Strict::default());
    for request in
        [Request::get("/").body(Whole::default()).unwrap(), callback(GRANT), callback(REFUSAL), callback("{}")]
    {
        ServiceExt::<Request<Whole>>::ready(&mut service).await.unwrap().call(request).await.unwrap();
    }
}

#[tokio::test]
async fn an_error_of_the_inner_service_is_its_own() {
    let failing = service_fn(async |_: Request<GuardedBody<Whole>>| Err::<Response<Whole>, _>("the app broke"));
    let service = TruegateLayer::new(Source::prompt().gate()).layer(failing);
    for request in [Request::get("/").body(Whole::default()).unwrap(), callback(GRANT)] {
        assert_eq!(service.clone().oneshot(request).await.unwrap_err(), "the app broke");
    }
}

#[tokio::test]
async fn a_passing_body_streams_frame_by_frame() {
    let (sender, mut receiver) = mpsc::channel::<Result<Frame<Bytes>, Infallible>>(1);
    let body = StreamBody::new(futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx)));
    let echo =
        service_fn(async |request: Request<GuardedBody<_>>| Ok::<_, Infallible>(Response::new(request.into_body())));
    let service = TruegateLayer::new(Source::prompt().gate()).layer(echo);
    let mut response = service.oneshot(Request::post("/upload").body(body).unwrap()).await.unwrap().into_body();

    for part in ["one", "two"] {
        assert!(poll(pin!(response.frame())).is_pending());
        sender.send(Ok(Frame::data(Bytes::from(part)))).await.unwrap();
        assert_eq!(response.frame().await.unwrap().unwrap().into_data().unwrap(), part);
    }
}

#[tokio::test]
async fn trailers_pass_but_for_the_namespace() {
    let trailers = || {
        HeaderMap::from_iter(
            [("x-truecaller-phone", "+1"), ("x_truecaller_name", "Eve"), ("grpc-status", "0")]
                .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))),
        )
    };
    let echo = service_fn(async |request: Request<GuardedBody<_>>| {
        let collected = request.into_body().collect().await.unwrap();
        let seen = collected.trailers().cloned().unwrap();
        assert_eq!(seen.keys().map(http::HeaderName::as_str).collect::<Vec<_>>(), ["grpc-status"]);
        let spoofing = HeaderMap::from_iter([("x-truecaller-phone".parse().unwrap(), HeaderValue::from_static("+2"))]);
        Ok::<_, Infallible>(Response::new(Full::from(collected.to_bytes()).with_trailers(ready(Some(Ok(spoofing))))))
    });
    let service = TruegateLayer::new(Source::prompt().gate()).layer(echo);
    for (path, body) in [("/upload", "abc"), (PATH, GRANT)] {
        let body = Full::from(body).with_trailers(ready(Some(Ok::<_, Infallible>(trailers()))));
        let response = service.clone().oneshot(Request::post(path).body(body).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(response.into_body().collect().await.unwrap().trailers().map(HeaderMap::len), Some(0), "{path}");
    }
}

#[tokio::test]
async fn a_passing_body_tells_its_size_and_its_end() {
    let service =
        TruegateLayer::new(Source::prompt().gate()).layer(service_fn(async |request: Request<GuardedBody<Whole>>| {
            let body = request.into_body();
            assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(3), false));
            Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
        }));
    let response = service.oneshot(Request::post("/").body(Full::from("abc")).unwrap()).await.unwrap();
    assert_eq!((response.body().size_hint().exact(), response.body().is_end_stream()), (Some(0), true));
}

/// A body that breaks off after its first bytes.
struct Broken(Option<Bytes>);

impl Body for Broken {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        Poll::Ready(Some(self.0.take().map(Frame::data).ok_or("the client went away")))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[tokio::test]
async fn a_callback_that_breaks_off_is_not_an_empty_one() {
    let source = Source::prompt();
    let service = TruegateLayer::new(source.gate()).layer(service_fn(async |_: Request<GuardedBody<Broken>>| {
        Err::<Response<Whole>, _>("a broken callback was forwarded")
    }));
    for start in [Bytes::new(), Bytes::from(REFUSAL)] {
        let response = service.clone().oneshot(Request::post(PATH).body(Broken(Some(start))).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert_eq!(response.headers()["connection"], "close");
    }
    assert_eq!(source.asked(), 0);
}

#[tokio::test]
async fn a_callback_is_cut_off_at_its_limit_whatever_it_announces() {
    let service = TruegateLayer::new(Source::prompt().gate()).layer(service_fn(mirror::<Whole>));
    let spaces = || Some(Ok::<_, Infallible>(Frame::data(Bytes::from_static(&[b' '; 1000]))));
    let endless = StreamBody::new(futures_util::stream::poll_fn(move |_| Poll::Ready(spaces())));
    let unbounded = TruegateLayer::new(Source::prompt().gate()).layer(service_fn(mirror::<_>));
    let response = unbounded.oneshot(Request::post(PATH).body(endless).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let announced = Request::post(PATH).header("content-length", "99999").body(Whole::default()).unwrap();
    assert_eq!(service.oneshot(announced).await.unwrap().status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_never_ends_is_answered_at_the_deadline() {
    let silent = StreamBody::new(futures_util::stream::pending::<Result<Frame<Bytes>, Infallible>>());
    let service = TruegateLayer::new(Source::prompt().gate()).layer(service_fn(mirror::<_>));
    let asked = tokio::time::Instant::now();
    let response = service.oneshot(Request::post(PATH).body(silent).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
    assert_eq!(asked.elapsed().as_millis() / 10, 250);
}

#[tokio::test]
async fn a_dropped_callback_leaves_nothing_behind() {
    let source = Source::held();
    let limited = ServiceBuilder::new().concurrency_limit(1).service(service_fn(mirror::<Whole>));
    let service = TruegateLayer::new(source.gate()).layer(limited);
    {
        let mut waiting = pin!(service.clone().oneshot(callback(GRANT)));
        assert!(poll(waiting.as_mut()).is_pending());
    }
    source.release();
    assert_eq!(service.oneshot(callback(GRANT)).await.unwrap().headers()["seen-in-headers"], PHONE);
}

#[test]
fn a_passing_request_costs_no_larger_future() {
    type Inner = Strict;
    let inner = size_of::<<Inner as Service<Request<GuardedBody<Whole>>>>::Future>();
    let future = size_of::<ResponseFuture<Inner, Whole>>();
    assert!(future <= inner + 3 * size_of::<usize>(), "{future} is much more than {inner}");
}

#[tokio::test]
async fn bodies_and_services_need_not_be_send() {
    struct Local {
        _not_send: Rc<()>,
    }
    impl Body for Local {
        type Data = Bytes;
        type Error = Infallible;
        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(None)
        }
    }
    let app = service_fn(async |_: Request<GuardedBody<Local>>| {
        Ok::<_, Infallible>(Response::new(Local { _not_send: Rc::default() }))
    });
    let mut service: Truegate<_> = TruegateLayer::new(Source::prompt().gate()).layer(app);
    poll_fn(|cx| Service::<Request<Local>>::poll_ready(&mut service, cx)).await.unwrap();
    let response = service.call(Request::get("/").body(Local { _not_send: Rc::default() }).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}
