//! Gates, with and without sessions, and a browser that logs in to a site.

use std::{sync::LazyLock, time::Instant};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Empty, Full};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;
use truegate::{
    Gate,
    access::{Access, AllowList, Rule, Rules},
    callback::Grant,
    gate::{GateBuilder, Limits},
    headers::HeaderNames,
    layer::GuardedBody,
    profile::{FetchError, Profile, ProfileSource},
    session::{Partner, PublicUrl, Sealer, Secret, Sessions, TaskTracker},
    store::MemoryStore,
};

use super::app::behind;

/// Where the timers and the tasks of all gates run.
pub static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().expect("a runtime"));

/// A gate without sessions: it passes a callback on, with the profile in headers.
pub(super) fn gate() -> Gate {
    builder().build()
}

/// A gate with sessions, which keeps no state that another gate of the site needs.
pub(super) fn gate_with_sessions(rules: Rules, names: HeaderNames) -> Gate {
    let url = PublicUrl::parse(ORIGIN).expect("an origin");
    let sealer = Sealer::new(&Secret::parse(SECRET).expect("a secret"), &[]);
    let partner = Partner::new("a-key", "A Shop").expect("a key and a name");
    let sessions = Sessions::builder(url, sealer, partner, MemoryStore::new(1_000_000));
    let sessions = sessions.rules(rules).tasks(TaskTracker::new()).build();
    builder().headers(names).sessions(sessions).expect("nobody guesses the callback path").build()
}

/// Rules of which the last decides about every path of the app.
pub(super) fn rules(count: usize, access: Access) -> Rules {
    let others = (1..count).map(|number| {
        let path = format!("/section/{number}/part").parse().expect("a path");
        Rule::new(path, Access::Required(AllowList::default()))
    });
    others.chain([Rule::new("/api".parse().expect("a path"), access)]).collect()
}

/// Logs a new browser in, and returns its cookies.
pub(super) fn log_in(gate: &Gate) -> String {
    RUNTIME.block_on(async {
        let started = answer(gate, Request::post("/.truegate/login").header("origin", ORIGIN)).await;
        let browser = cookies(&started);
        let body = started.into_body().collect().await.expect("a body that is there").to_bytes();
        let login: Value = serde_json::from_slice(&body).expect("JSON");
        let id = login["request_id"].as_str().expect("a request id");

        let called = behind(gate.clone()).oneshot(callback(id)).await.expect("the layer answers");
        assert!(called.status().is_success(), "{}", called.status());

        let status = format!("/.truegate/status?request_id={id}&since=pending&wait=25");
        cookies(&answer(gate, Request::get(status).header("cookie", browser)).await)
    })
}

/// What Truecaller posts when a user has agreed.
pub(super) fn callback(request_id: &str) -> Request<Full<Bytes>> {
    let body = format!(
        r#"{{"requestId":"{request_id}","accessToken":"a1asX--8_yw-OF--E6Gj_DPyKelJIGUUeYB9U9MJhyeu4hOCbrl","endpoint":"https://profile4.truecaller.com/v1/default"}}"#
    );
    let request = Request::post(CALLBACK).header("host", "shop.example").header("content-type", "application/json");
    request.body(body.into()).expect("a valid request")
}

async fn answer(gate: &Gate, request: http::request::Builder) -> Response<GuardedBody<Empty<Bytes>>> {
    let request = request.header("host", "shop.example").body(Full::default()).expect("a valid request");
    let response = behind(gate.clone()).oneshot(request).await.expect("the layer answers");
    assert!(response.status().is_success(), "{}", response.status());
    response
}

/// The cookies that an answer sets, as the browser sends them back.
fn cookies<B>(response: &Response<B>) -> String {
    let lines = response.headers().get_all(header::SET_COOKIE).iter();
    let pairs: Vec<_> = lines.filter_map(|line| line.to_str().ok()?.split(';').next()).collect();
    pairs.join("; ")
}

fn builder() -> GateBuilder {
    let limits = Limits { logins_per_minute: None, callbacks_per_second: None };
    Gate::builder(CALLBACK.parse().expect("the path is canonical"), Documented).limits(limits)
}

/// Answers every grant at once, with the profile that Truecaller documents.
struct Documented;

impl ProfileSource for Documented {
    fn fetch<'a>(&'a self, _: &'a Grant, _: Instant) -> BoxFuture<'a, Result<Profile, FetchError>> {
        Box::pin(async { Profile::parse(include_bytes!("../../tests/corpus/documented/profile.json")) })
    }
}

const ORIGIN: &str = "https://shop.example";
const CALLBACK: &str = "/truecaller/x7Kq2vNf9TzR4mWb6pLd";
const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
