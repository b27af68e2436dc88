//! Very many browsers wait at one gateway, and a real Redis hardly notices.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt, Empty};
use serde_json::Value;
use tokio::task::JoinSet;
use tower::{Layer, ServiceExt, service_fn};
use truegate::{
    Gate, TruegateLayer,
    callback::RequestId,
    clock::ManualClock,
    store::{LoginState, RedisStore, Store as _},
};

use crate::{
    site::asked,
    support::{
        edge::{Sessions, Settings, sessions::Store},
        raw::within,
        redis::{Redis, until},
    },
};

const CROWD: usize = 2000;
/// As many as even a busy machine serves within the second that a question may take.
const GROUP: usize = 25;

/// A browser that has started a login.
struct Browser {
    request_id: String,
    cookie: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_who_wait_cost_one_question_in_three_hundred_milliseconds() {
    let (redis, clock) = (Redis::start(), ManualClock::default());
    let gate = gate(&redis, &clock);
    let mut browsers = Vec::new();
    for _ in 0..CROWD / GROUP {
        browsers.extend(join_all((0..GROUP).map(|_| start(&gate))).await);
    }
    let before = asked(&redis);
    let mut waiting = JoinSet::new();
    for group in browsers.chunks(GROUP) {
        group.iter().for_each(|browser| _ = waiting.spawn(wait(gate.clone(), browser)));
        until(async || asked(&redis) >= before + waiting.len() as u64).await;
    }

    // The first question is by the hash of a script that the server does not know yet; it then gets the whole script.
    clock.advance(LOOK);
    until(async || asked(&redis) > before + CROWD as u64).await;
    let all_wait = asked(&redis);
    for look in 1..=10 {
        clock.advance(LOOK);
        until(async || asked(&redis) >= all_wait + look).await;
    }
    assert_eq!(asked(&redis), all_wait + 10);

    let another = RedisStore::new(&redis.url(), CROWD).unwrap();
    assert_eq!(another.advance(&request_id(&browsers[1234].request_id), LoginState::Refused).await, Ok(true));
    let moved = asked(&redis);
    clock.advance(LOOK);
    let first = within(waiting.join_next()).await.unwrap().unwrap();
    assert_eq!(first, (browsers[1234].request_id.clone(), "refused".to_owned()));
    assert_eq!(asked(&redis), moved + 2, "one for all, and one of the browser that hears of it");

    gate.stop_waiting();
    let rest = within(waiting.join_all()).await;
    assert!(rest.len() == CROWD - 1 && rest.iter().all(|(_, state)| state == "pending"));
    assert_eq!(asked(&redis), moved + 2);
}

fn gate(redis: &Redis, clock: &ManualClock) -> Gate {
    let mut settings = Settings::listing(["https://profile4.truecaller.com/v1/default"]);
    // Redis has a clock of its own.
    let (store, login_timeout) = (Store::Redis(redis.url()), Duration::from_mins(10));
    settings.sessions = Some(Sessions { max_pending: CROWD, login_timeout, store, ..Sessions::usual() });
    settings.gate_builder().clock(clock.clone()).build()
}

async fn start(gate: &Gate) -> Browser {
    let started = send(gate, Method::POST, "/.truegate/login", None).await;
    let cookie = started.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let body: Value = serde_json::from_slice(started.body()).unwrap();
    Browser { request_id: body["request_id"].as_str().unwrap().to_owned(), cookie }
}

/// Waits for a login to move; gives its request id and its state.
fn wait(gate: Gate, browser: &Browser) -> impl Future<Output = (String, String)> + use<> {
    let (request_id, cookie) = (browser.request_id.clone(), browser.cookie.clone());
    async move {
        let target = format!("/.truegate/status?request_id={request_id}&since=pending&wait=25");
        let answer = send(&gate, Method::GET, &target, Some(&cookie)).await;
        let body: Value = serde_json::from_slice(answer.body()).unwrap();
        (request_id, body["state"].as_str().unwrap().to_owned())
    }
}

/// The answer of truegate itself: the app gets nothing.
async fn send(gate: &Gate, method: Method, target: &str, cookie: Option<&str>) -> Response<Bytes> {
    let request = Request::builder().method(method).uri(target).header(header::HOST, "shop.example");
    let request = request.header(header::ORIGIN, Sessions::ORIGIN);
    let request = cookie.into_iter().fold(request, |request, cookie| request.header(header::COOKIE, cookie));
    let app = service_fn(async |_| -> Result<Response<Empty<Bytes>>, Infallible> { panic!("this is for the app") });
    let answer = TruegateLayer::new(gate.clone()).layer(app).oneshot(request.body(Empty::new()).unwrap()).await;
    let (head, body) = answer.unwrap().into_parts();
    Response::from_parts(head, body.collect().await.unwrap().to_bytes())
}

fn request_id(text: &str) -> RequestId {
    RequestId::parse(text).expect("a request id")
}

const LOOK: Duration = Duration::from_millis(300);
