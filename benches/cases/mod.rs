//! What is measured: requests, each with the service that it goes through. `benches/time.rs` and `benches/instructions.rs` share them.

mod app;
mod hosts;
mod site;

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::Full;
use tower::Service;
use truegate::{
    Gate,
    access::{Access, AllowList},
    headers::{HeaderNames, Preset},
    layer::Truegate,
};

pub use self::{app::App, site::RUNTIME};
use self::{app::behind, hosts::Differing};

/// A request that can be made any number of times, and the layer that it goes through.
pub struct Case {
    pub service: Truegate<App>,
    request: Box<dyn FnMut() -> Request<Full<Bytes>>>,
}

impl Case {
    /// The names of all cases.
    pub const NAMES: &[&str] = &[
        "layer-0-headers", "layer-30-headers", "layer-8-headers", "layer-callback", "layer-escapes", "layer-spoofed",
        "rules-1", "rules-1000", "rules-escapes", "rules-hosts-10", "rules-hosts-1000", "rules-names-10",
        "rules-names-1000", "rules-paths-10", "rules-paths-1000", "session-cold", "session-none", "session-warm",
        "session-warm-presets",
    ];

    /// The case with this name.
    pub fn named(name: &str) -> Self {
        let defaults = HeaderNames::default;
        let required = || site::rules(1, Access::Required(AllowList::default()));
        let with_rules = |count, access| site::gate_with_sessions(site::rules(count, access), defaults());
        match name {
            "layer-0-headers" => Self::repeat(site::gate(), get("/", 0)),
            "layer-8-headers" => Self::repeat(site::gate(), get(PATH, 8)),
            "layer-30-headers" => Self::repeat(site::gate(), get(PATH, 30)),
            "layer-callback" => Self::repeat(site::gate(), site::callback("a-request-id")),
            "layer-escapes" => Self::repeat(site::gate(), get(ESCAPES, 8)),
            "layer-spoofed" => Self::repeat(site::gate(), spoofed(get(PATH, 8))),
            "rules-1" => Self::repeat(with_rules(1, Access::Public), get(PATH, 8)),
            "rules-1000" => Self::repeat(with_rules(1000, Access::Public), get(PATH, 8)),
            "rules-escapes" => Self::repeat(with_rules(1, Access::Public), get(ESCAPES, 8)),
            "rules-hosts-10" => Self::of_each(Differing::Hosts, 10),
            "rules-hosts-1000" => Self::of_each(Differing::Hosts, 1000),
            "rules-names-10" => Self::of_each(Differing::Names, 10),
            "rules-names-1000" => Self::of_each(Differing::Names, 1000),
            "rules-paths-10" => Self::of_each(Differing::Paths, 10),
            "rules-paths-1000" => Self::of_each(Differing::Paths, 1000),
            "session-cold" => {
                // Another gate of the site seals the cookies, so this gate sees each of them for the first time.
                let elsewhere = site::gate_with_sessions(required(), defaults());
                let gate = site::gate_with_sessions(required(), defaults());
                Self { service: behind(gate), request: Box::new(move || signed_in(&elsewhere)) }
            }
            "session-none" => Self::repeat(with_rules(1, Access::Optional), get(PATH, 8)),
            "session-warm" => Self::warm(site::gate_with_sessions(required(), defaults())),
            "session-warm-presets" => Self::warm(site::gate_with_sessions(required(), presets())),
            _ => panic!("no case is called {name}"),
        }
    }

    /// One browser's requests.
    fn warm(gate: Gate) -> Self {
        let request = signed_in(&gate);
        Self::repeat(gate, request)
    }

    /// Requests for so many rules that name hosts, for each rule in turn.
    fn of_each(differing: Differing, count: usize) -> Self {
        let gate = site::gate_with_sessions(differing.rules(count), HeaderNames::default());
        let mut numbers = (0..count).cycle();
        let next = move || {
            let number = numbers.next().expect("a cycle has no end");
            differing.request(number, get(PATH, 8))
        };
        Self { service: behind(gate), request: Box::new(next) }
    }

    /// One request again and again.
    fn repeat(gate: Gate, request: Request<Full<Bytes>>) -> Self {
        Self { service: behind(gate), request: Box::new(move || request.clone()) }
    }

    /// The next request.
    pub fn request(&mut self) -> Request<Full<Bytes>> {
        (self.request)()
    }
}

/// Sends a request through a service that answers at once, and succeeds.
pub fn send<S, R>(service: &mut S, request: Request<Full<Bytes>>) -> Response<R>
where
    S: Service<Request<Full<Bytes>>, Response = Response<R>>,
{
    let mut cx = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut cx).is_ready());
    let Poll::Ready(Ok(response)) = pin!(service.call(request)).poll(&mut cx) else { panic!("it waits, or fails") };
    assert!(response.status().is_success(), "{}", response.status());
    response
}

/// A request as a browser sends it, with the first of its headers.
fn get(path: &str, headers: usize) -> Request<Full<Bytes>> {
    let request = Request::get(path);
    let request = HEADERS[..headers].iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(Full::default()).expect("a valid request")
}

/// The request of a browser that has just logged in.
fn signed_in(gate: &Gate) -> Request<Full<Bytes>> {
    let mut request = get(PATH, 8);
    request.headers_mut().insert(header::COOKIE, site::log_in(gate).parse().expect("cookies are text"));
    request
}

fn spoofed(mut request: Request<Full<Bytes>>) -> Request<Full<Bytes>> {
    for name in ["x-truecaller-phone", "x_truecaller_name"] {
        request.headers_mut().insert(name, HeaderValue::from_static("+919999900001"));
    }
    request
}

/// Every header that a preset knows, beside the default ones.
fn presets() -> HeaderNames {
    let mut names = HeaderNames::builder("x-truecaller-").expect("a prefix");
    for preset in Preset::ALL {
        names.preset(*preset, None).expect("presets share no header");
    }
    names.build()
}

const PATH: &str = "/api/orders/42?verbose=true";
/// A path with the escapes of letters and spaces.
const ESCAPES: &str = "/api/caf%C3%A9/r%C3%A9sum%C3%A9%20.pdf";

/// What browsers and the proxies in front of an app send.
const HEADERS: [(&str, &str); 30] = [
    ("host", "shop.example"),
    ("user-agent", "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36"),
    ("accept", "text/html,application/xhtml+xml"),
    ("accept-language", "hi-IN,hi;q=0.9,en;q=0.8"),
    ("accept-encoding", "gzip, br"),
    ("connection", "keep-alive"),
    ("cookie", "theme=dark; id=0123456789abcdef"),
    ("referer", "https://shop.example/"),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-site", "same-origin"),
    ("sec-fetch-user", "?1"),
    ("sec-ch-ua", "\"Chromium\";v=\"143\", \"Not A(Brand\";v=\"24\""),
    ("sec-ch-ua-mobile", "?1"),
    ("sec-ch-ua-platform", "\"Android\""),
    ("upgrade-insecure-requests", "1"),
    ("cache-control", "max-age=0"),
    ("pragma", "no-cache"),
    ("priority", "u=0, i"),
    ("dnt", "1"),
    ("if-none-match", "\"0123456789abcdef\""),
    ("if-modified-since", "Thu, 01 Jan 2026 00:00:00 GMT"),
    ("save-data", "on"),
    ("via", "1.1 edge.example"),
    ("x-request-id", "0123456789abcdef0123456789abcdef"),
    ("x-csrf-token", "0123456789abcdef"),
    ("x-requested-with", "XMLHttpRequest"),
    ("traceparent", "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"),
    ("tracestate", "edge=1"),
    ("baggage", "region=in"),
];
