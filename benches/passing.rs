//! What the layer costs a request that passes: `cargo bench --bench passing`.

use std::{
    convert::Infallible,
    future::{Future, Ready, ready},
    hint::black_box,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Instant,
};

use bytes::Bytes;
use divan::Bencher;
use futures_core::future::BoxFuture;
use http::{Request, Response};
use http_body_util::Empty;
use tower::{Layer, Service};
use truegate::{
    Gate, TruegateLayer,
    callback::Grant,
    cause::Cause,
    profile::{FetchError, Profile, ProfileSource},
};

fn main() {
    divan::main();
}

/// The service alone, to compare with.
#[divan::bench]
fn bare(bencher: Bencher<'_, '_>) {
    measure(bencher, App, "/api/orders/42?verbose=true");
}

/// The service behind the layer.
#[divan::bench(args = ["/", "/api/orders/42?verbose=true", "/search/a%20b%2Fc;d=e/./and/a/longer/path/than/most"])]
fn behind_the_layer(bencher: Bencher<'_, '_>, path: &str) {
    let gate = Gate::builder("/truecaller/x7Kq2vNf9TzR4mWb6pLd".parse().expect("canonical"), Nobody).build();
    measure(bencher, TruegateLayer::new(gate).layer(App), path);
}

fn measure<S, R>(bencher: Bencher<'_, '_>, mut service: S, path: &str)
where
    S: Service<Request<Empty<Bytes>>, Response = Response<R>>,
{
    bencher.with_inputs(|| request(path)).bench_local_values(|request| {
        let mut cx = Context::from_waker(Waker::noop());
        assert!(service.poll_ready(&mut cx).is_ready());
        let Poll::Ready(Ok(response)) = pin!(service.call(request)).poll(&mut cx) else {
            panic!("the app answers at once")
        };
        black_box(response)
    });
}

/// A request as a browser sends it.
fn request(path: &str) -> Request<Empty<Bytes>> {
    let headers = [
        ("host", "app.example"),
        ("user-agent", "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36"),
        ("accept", "text/html,application/xhtml+xml"),
        ("accept-language", "hi-IN,hi;q=0.9,en;q=0.8"),
        ("accept-encoding", "gzip, br"),
        ("connection", "keep-alive"),
        ("cookie", "theme=dark; id=0123456789abcdef"),
        ("referer", "https://app.example/"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-site", "same-origin"),
    ];
    let request = headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    request.body(Empty::new()).expect("a valid request")
}

#[derive(Clone)]
struct App;

impl<B> Service<Request<B>> for App {
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        black_box(request);
        ready(Ok(Response::new(Empty::new())))
    }
}

struct Nobody;

impl ProfileSource for Nobody {
    fn fetch<'a>(&'a self, _: &'a Grant, _: Instant) -> BoxFuture<'a, Result<Profile, FetchError>> {
        Box::pin(async { Err(FetchError::Unavailable(Cause::Connect.into())) })
    }
}
