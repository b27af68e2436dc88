//! Passing through allocates nothing.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod support;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    convert::Infallible,
    future::{Future, ready},
    pin::pin,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use support::source::{GRANT, PATH, Source};
use tower::{Layer, Service, service_fn};
use truegate::{Gate, TruegateLayer, layer::GuardedBody};

/// The system's allocator, with a count for each thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

#[allow(unsafe_code, reason = "an allocator cannot be written without")]
// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

fn request(method: &str, path: &str) -> Request<Full<Bytes>> {
    let request = Request::builder().method(method).uri(path).header("host", "app.example");
    let request = request
        .header("accept", "*/*")
        .header("connection", "keep-alive")
        .header("cookie", "a=b; c%20d=\"e f, g=h\"; =i; j");
    request.header("user-agent", "curl").body(Full::from(if path == PATH { GRANT } else { "body" })).unwrap()
}

/// What one request costs in all of the layer: its call, its future, and both bodies.
fn cost(gate: &Gate, method: &str, path: &str) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _within = runtime.enter();
    let app = service_fn(|request: Request<GuardedBody<Full<Bytes>>>| {
        let mut body = pin!(request.into_body());
        let frame = body.as_mut().poll_frame(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(frame, Poll::Ready(Some(Ok(_)))));
        ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())))
    });
    let mut service = TruegateLayer::new(gate.clone()).layer(app);
    let request = request(method, path);
    allocations(|| {
        let mut cx = Context::from_waker(Waker::noop());
        assert!(Service::<Request<Full<Bytes>>>::poll_ready(&mut service, &mut cx).is_ready());
        let Poll::Ready(Ok(response)) = pin!(service.call(request)).poll(&mut cx) else { panic!("{path} waits") };
        assert!(response.status().is_success());
        assert!(pin!(response.into_body()).poll_frame(&mut cx).is_ready());
    })
}

fn assert_passing_is_free(gate: &Gate) {
    let long = format!("/{}?q=1", "a%20b/".repeat(300));
    let dotted = format!("/{}", "./a/../b//".repeat(150));
    for (method, path) in [
        ("GET", "/"),
        ("POST", "/api/orders/42?verbose=true"),
        ("GET", "/a%20path/with%2Fescapes;and=parameters/./and//more"),
        ("GET", &long),
        ("GET", &dotted),
    ] {
        // The first request of a thread may set up what later ones find.
        cost(gate, method, path);
        assert_eq!(cost(gate, method, path), 0, "{method} {path}");
    }
}

#[test]
fn passing_through_allocates_nothing() {
    assert_passing_is_free(&Source::prompt().gate());
}

#[test]
#[cfg(feature = "assertion")]
fn passing_a_gate_that_signs_allocates_nothing() {
    use truegate::assertion::{Assertions, SigningKey, SigningKeys};

    let keys = SigningKeys::new(SigningKey::generate());
    let assertions = Assertions::new(keys, "issuer".parse().unwrap(), "audience".parse().unwrap());
    assert_passing_is_free(&Gate::builder(PATH.parse().unwrap(), Source::prompt()).assertions(assertions).build());
}

#[test]
#[cfg(feature = "session")]
fn passing_a_gate_that_knows_browsers_allocates_nothing() {
    use http::{HeaderMap, HeaderValue, header};
    use truegate::{
        access::{Access, AllowList, Rule, Rules},
        session::{Partner, PublicUrl, Sealer, Secret, Sessions},
        store::MemoryStore,
    };

    let public_url = PublicUrl::parse("https://shop.example").unwrap();
    let sealer = Sealer::new(&Secret::generate(), &[]);
    let sessions = Sessions::builder(public_url, sealer, Partner::new("key", "A Shop").unwrap(), MemoryStore::new(1));
    let gate =
        |rules| Gate::builder(PATH.parse().unwrap(), Source::prompt()).sessions(sessions.rules(rules).build()).unwrap();
    let required = Rule::new("/account/".parse().unwrap(), Access::Required(AllowList::default()));
    let gate = gate(Rules::from_iter([required, Rule::new("/".parse().unwrap(), Access::Optional)])).build();
    let vary = allocations(|| drop(HeaderMap::from_iter([(header::VARY, HeaderValue::from_static("Cookie"))])));
    for (method, path) in [("GET", "/"), ("POST", "/api/orders/42?verbose=true")] {
        cost(&gate, method, path);
        assert_eq!(cost(&gate, method, path), vary, "{method} {path}: the header that the response gets");
    }
}

#[test]
fn the_count_counts() {
    assert!(cost(&Source::prompt().gate(), "POST", PATH) > 0);
}
