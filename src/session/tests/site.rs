//! A site of one or more gates with one store.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use serde_json::Value;

use super::{browser::Browser, queue::Queue, shared_store::SharedStore, truecaller::Truecaller};
use crate::{
    access::{Access, AllowList, Rule, Rules},
    clock::ManualClock,
    gate::{Gate, GateBuilder, Step, Verdict},
    session::{Partner, PublicUrl, PublicUrls, Sealer, Secret, Sessions, SessionsBuilder},
};

pub(super) const CALLBACK: &str = "/truecaller/callback-x7Kq2vNf9TzR4mWb6pLd";
pub(super) const ORIGIN: (&str, &str) = ("origin", "https://shop.example");
const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// A site whose time stands still until it is told to move.
pub(super) struct Site {
    pub(super) gate: Gate,
    pub(super) clock: ManualClock,
    pub(super) store: SharedStore,
    pub(super) truecaller: Truecaller,
    pub(super) tasks: Queue,
    /// The default one.
    host: String,
}

/// What became of a request.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The app got it, with these headers; the response carries these besides.
    Passed {
        request: HeaderMap,
        response: HeaderMap,
    },
    Answered(Response<Bytes>),
}

impl Site {
    /// With `/public/` open, `/account/` required and the rest optional.
    pub(super) fn new() -> Self {
        Self::with(|sessions| sessions)
    }

    pub(super) fn with(set: impl FnOnce(SessionsBuilder) -> SessionsBuilder) -> Self {
        Self::join(SharedStore::default(), set)
    }

    /// Another gate of the same site.
    pub(super) fn twin(&self) -> Self {
        Self::join(self.store.clone(), |sessions| sessions)
    }

    /// Another gate on the same sessions.
    pub(super) fn sibling(&self) -> Self {
        self.sibling_with(|gate| gate)
    }

    pub(super) fn sibling_with(&self, set_gate: impl FnOnce(GateBuilder) -> GateBuilder) -> Self {
        let sessions = self.tasks.sessions();
        let gate = Gate::builder(CALLBACK.parse().unwrap(), self.truecaller.clone()).sessions(sessions).unwrap();
        let (clock, store) = (self.clock.clone(), self.store.clone());
        let (truecaller, tasks) = (self.truecaller.clone(), self.tasks.clone());
        let host = self.host.clone();
        Self { gate: set_gate(gate.clock(clock.clone())).build(), clock, store, truecaller, tasks, host }
    }

    pub(super) fn join(store: SharedStore, set: impl FnOnce(SessionsBuilder) -> SessionsBuilder) -> Self {
        Self::build(store, set, |gate| gate)
    }

    pub(super) fn build(
        store: SharedStore,
        set: impl FnOnce(SessionsBuilder) -> SessionsBuilder,
        set_gate: impl FnOnce(GateBuilder) -> GateBuilder,
    ) -> Self {
        let public_url = PublicUrl::parse("https://shop.example").unwrap();
        Self::build_of(public_url.into(), store, set, set_gate)
    }

    /// With several hosts.
    pub(super) fn of(urls: PublicUrls, set: impl FnOnce(SessionsBuilder) -> SessionsBuilder) -> Self {
        Self::build_of(urls, SharedStore::default(), set, |gate| gate)
    }

    pub(super) fn of_with(urls: PublicUrls, set_gate: impl FnOnce(GateBuilder) -> GateBuilder) -> Self {
        Self::build_of(urls, SharedStore::default(), |sessions| sessions, set_gate)
    }

    fn build_of(
        urls: PublicUrls,
        store: SharedStore,
        set: impl FnOnce(SessionsBuilder) -> SessionsBuilder,
        set_gate: impl FnOnce(GateBuilder) -> GateBuilder,
    ) -> Self {
        let (truecaller, tasks, clock) = (Truecaller::default(), Queue::default(), store.clock.clone());
        store.followers.lock().unwrap().push(tasks.clone());
        let rules = Rules::from_iter([
            Rule::new("/public/".parse().unwrap(), Access::Public),
            Rule::new("/account/".parse().unwrap(), Access::Required(AllowList::default())),
            Rule::new("/".parse().unwrap(), Access::Optional),
        ]);
        let sealer = Sealer::new(&Secret::parse(SECRET).unwrap(), &[]);
        let host = urls.default_url().host_name().to_owned();
        let sessions = Sessions::builder(urls, sealer, Partner::new("key", "A Shop").unwrap(), store.clone());
        let sessions = set(sessions.rules(rules).tasks(tasks.clone())).build();
        tasks.serve(&sessions);
        let gate = Gate::builder(CALLBACK.parse().unwrap(), truecaller.clone())
            .sessions(sessions)
            .unwrap()
            .clock(clock.clone());
        Self { gate: set_gate(gate).build(), clock, store, truecaller, tasks, host }
    }

    /// Lets time pass, and every gate of the site follow the store meanwhile.
    pub(super) fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.follow();
    }

    pub(super) fn follow(&self) {
        self.store.followers.lock().unwrap().iter().for_each(Queue::follow);
    }

    /// Carries a request through the gate.
    pub(super) async fn send(&self, request: Request<Bytes>) -> Outcome {
        let (mut head, body) = request.into_parts();
        let verdict = match self.gate.inspect(&head) {
            Step::Forward(edits) => Verdict::Forward(edits),
            Step::Reply(reply) => Verdict::Reply(reply),
            Step::Read(intake) => intake.finish(body).await,
            Step::Wait(verdict) => verdict.await,
        };
        match verdict {
            Verdict::Forward(edits) => {
                self.gate.apply(&edits, &mut head.headers);
                let mut response = HeaderMap::new();
                self.gate.apply_response(edits.response.as_deref(), &mut response);
                Outcome::Passed { request: head.headers, response }
            }
            Verdict::Reply(reply) => Outcome::Answered(reply.response),
        }
    }

    /// Posts a callback, and gives the status of its answer.
    pub(super) async fn post(&self, callback: &str) -> u16 {
        let request = Request::post(CALLBACK).header(header::HOST, &self.host);
        let request = request.body(Bytes::copy_from_slice(callback.as_bytes())).unwrap();
        match self.send(request).await {
            Outcome::Answered(response) => response.status().as_u16(),
            Outcome::Passed { .. } => panic!("no callback reaches the app"),
        }
    }

    pub(super) async fn grant(&self, request_id: &str, token: &str) -> u16 {
        self.post(&grant(request_id, token)).await
    }

    pub(super) async fn decline(&self, request_id: &str, status: &str) -> u16 {
        self.post(&format!(r#"{{"requestId":"{request_id}","status":"{status}"}}"#)).await
    }

    /// A browser that has logged in.
    pub(super) async fn signed_in(&self) -> Browser {
        let mut browser = Browser::default();
        self.sign_in(&mut browser, "a-token").await;
        browser
    }

    pub(super) async fn sign_in(&self, browser: &mut Browser, token: &str) -> String {
        let request_id = browser.start(self).await;
        assert_eq!(self.grant(&request_id, token).await, 204);
        self.tasks.run();
        assert_eq!(browser.state(self, &request_id).await, "verified");
        request_id
    }
}

pub(super) fn grant(request_id: &str, token: &str) -> String {
    let endpoint = "https://profile4.truecaller.com/v1/default";
    format!(r#"{{"requestId":"{request_id}","accessToken":"{token}","endpoint":"{endpoint}"}}"#)
}

impl Outcome {
    /// The lines that set cookies, or clear them.
    pub(super) fn cookies(&self) -> Vec<&str> {
        let headers = match self {
            Self::Passed { response, .. } => response,
            Self::Answered(response) => response.headers(),
        };
        headers.get_all(header::SET_COOKIE).iter().map(|line| line.to_str().unwrap()).collect()
    }

    /// What a person or a program gets to know of it.
    pub(super) fn summary(&self) -> String {
        match self {
            Self::Passed { request, .. } => {
                format!("passed {}", if request.contains_key("x-truecaller-phone") { "known" } else { "unknown" })
            }
            Self::Answered(response) => match response.headers().get(header::LOCATION) {
                Some(location) => format!("{} {}", response.status().as_u16(), location.to_str().unwrap()),
                None => response.status().as_u16().to_string(),
            },
        }
    }
}

/// What problem details say.
pub(super) fn code(response: &Response<Bytes>) -> (StatusCode, String) {
    let problem: Value = serde_json::from_slice(response.body()).unwrap();
    (response.status(), problem["code"].as_str().unwrap().to_owned())
}
