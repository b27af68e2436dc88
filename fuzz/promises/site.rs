//! A site with sessions, as a request sees it: a gate behind the tower layer, and an app that tells what reached it.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::LazyLock,
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use cookie::Cookie;
use futures_core::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use http_body::{Body, Frame};
use tokio::runtime::{Builder, Runtime};
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

use crate::{
    access::{Access, Rule, Rules},
    callback::Grant,
    cause::Cause,
    gate::Gate,
    layer::{GuardedBody, TruegateLayer},
    path::decode_fully,
    profile::{FetchError, Profile, ProfileSource},
    session::{Partner, PublicUrl, Sealer, Secret, Sessions, SiteUser},
    store::MemoryStore,
};

/// The lines of `Cookie`: none of truegate's cookies reaches the app, and where there is none, nothing is touched.
pub fn cookie(lines: &[u8]) -> bool {
    let lines: Vec<_> =
        lines.split(|byte| *byte == b'\n').filter_map(|line| HeaderValue::from_bytes(line).ok()).collect();
    let Some(Seen(headers)) = answer("/", &lines).extensions().get().cloned() else { return false };
    let seen: Vec<_> = headers.get_all(header::COOKIE).iter().cloned().collect();
    for line in &seen {
        // Whatever the app's own parser: by pairs as they stand, as the crate `cookie` reads them, or as PHP does.
        let text = String::from_utf8_lossy(line.as_bytes()).into_owned();
        let names = text.split(';').map(|pair| pair.split('=').next().unwrap_or_default().trim().to_owned());
        let parsed = Cookie::split_parse(text.clone()).flatten().map(|cookie| cookie.name().to_owned());
        for name in names.clone().chain(parsed).chain(names.map(|name| php(&name))) {
            assert!(!is_own(&name), "the app sees {name:?}");
        }
    }
    // No cookie of truegate's is spelled without this word, whatever a parser leaves out between its letters.
    let is_foreign = |line: &HeaderValue| {
        let letters = decode_fully(line.as_bytes()).to_ascii_lowercase().into_iter().filter(u8::is_ascii_alphanumeric);
        !letters.collect::<Vec<_>>().windows(8).any(|word| word == b"truegate")
    };
    if lines.iter().all(is_foreign) {
        assert_eq!(seen, lines);
    }
    seen != lines
}

/// The query of a browser that asks for the state of its login: the answer says only that there is none, or that the question
/// is wrong.
pub fn status(query: &[u8]) -> bool {
    let Ok(query) = str::from_utf8(query) else { return false };
    let answer = answer(&format!("/.truegate/status?{query}"), &[]);
    let status = answer.status().as_u16();
    assert!([200, 400].contains(&status), "{query:?} is answered {status}");
    assert!(answer.extensions().get::<Seen>().is_none(), "{query:?} reaches the app");
    status == 200
}

/// Finishes the login of a ticket, and returns whether there is one.
pub fn finish_login(ticket: &str, user: SiteUser) -> bool {
    SITE.runtime.block_on(SITE.sessions.finish_login(&SITE.gate, ticket, user)).is_ok()
}

/// What a request is answered, and 400 if it is none.
fn answer(target: &str, cookies: &[HeaderValue]) -> Response<()> {
    let mut request = Request::get(target).header(header::HOST, "shop.example");
    for line in cookies {
        request = request.header(header::COOKIE, line);
    }
    let Ok(request) = request.body(Empty) else {
        let mut answer = Response::new(());
        *answer.status_mut() = http::StatusCode::BAD_REQUEST;
        return answer;
    };
    let app = service_fn(|request: Request<GuardedBody<Empty>>| async move {
        let mut response = Response::new(Empty);
        response.extensions_mut().insert(Seen(request.into_parts().0.headers));
        Ok::<_, Infallible>(response)
    });
    let service = TruegateLayer::new(SITE.gate.clone()).layer(app);
    SITE.runtime.block_on(service.oneshot(request)).expect("the app never fails").map(drop)
}

/// What reached the app.
#[derive(Clone)]
struct Seen(HeaderMap);

/// What answers every request.
struct Site {
    runtime: Runtime,
    sessions: Sessions,
    gate: Gate,
}

static SITE: LazyLock<Site> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    let sealer = Sealer::new(&Secret::generate(), &[]);
    let public_url = PublicUrl::parse("https://shop.example").expect("an origin");
    let partner = Partner::new("a-key", "A Shop").expect("a partner");
    let rules = Rules::from_iter([Rule::new("/".parse().expect("a pattern"), Access::Optional)]);
    let sessions = Sessions::builder(public_url, sealer, partner, MemoryStore::new(16)).rules(rules).build();
    let path = "/truecaller/x7Kq2vNf9TzR4mWb6pLd".parse().expect("a callback path");
    let gate = Gate::builder(path, Nobody).sessions(sessions.clone()).expect("the path is secret").build();
    Site { runtime, sessions, gate }
});

struct Nobody;

impl ProfileSource for Nobody {
    fn fetch<'a>(&'a self, _: &'a Grant, _: Instant) -> BoxFuture<'a, Result<Profile, FetchError>> {
        Box::pin(async { Err(FetchError::Unavailable(Cause::Connect.into())) })
    }
}

struct Empty;

impl Body for Empty {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }
}

fn is_own(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["__host-truegate", "__host-truegate-login", "__secure-truegate"].contains(&name.as_str())
        || name.starts_with("__secure-truegate-of-")
}

/// `urldecode`, and then `php_register_variable_ex`: spaces and dots are `_`, and a `[` starts an element.
fn php(name: &str) -> String {
    let decoded = percent_encoding::percent_decode_str(&name.replace('+', " ")).decode_utf8_lossy().into_owned();
    decoded.trim_start().split(['[', '\0']).next().unwrap_or_default().replace([' ', '.'], "_")
}
