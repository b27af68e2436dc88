//! A whole scene: a fake Truecaller, an edge that asks it, and an app that records what reaches it.

use std::{fmt::Debug, net::TcpListener};

use tokio::sync::watch;
use truegate::simulator::{Call, Simulator};

use super::{
    edge::{Edge, Kind, PATH, Sessions, Settings},
    native::NATIVE,
    raw::{Message, exchange, get, post, scrape, within},
    recorder::Recorder,
    tls::{self, Certificate},
    visitor::Visitor,
};

pub struct Scene {
    pub kind: Kind,
    pub truecaller: Simulator,
    pub app: Recorder,
    pub edge: Edge,
    pub abandoned: watch::Receiver<usize>,
}

impl Scene {
    /// The usual scene.
    pub async fn of(kind: Kind) -> Self {
        Self::with(kind, |_| {}).await
    }

    /// A scene with other settings.
    pub async fn with(kind: Kind, change: impl FnOnce(&mut Settings)) -> Self {
        Self::before(kind, Recorder::start().await, change).await
    }

    /// A scene with an app of the test's own.
    pub async fn before(kind: Kind, app: Recorder, change: impl FnOnce(&mut Settings)) -> Self {
        let truecaller = Simulator::start().await.expect("a free port");
        let mut settings = Settings::listing([truecaller.endpoint()]);
        change(&mut settings);
        Self::set(kind, truecaller, app, &settings).await
    }

    /// A scene in which Truecaller's documented hosts are the fake one's, with this certificate.
    pub async fn over_tls(kind: Kind, certificate: &Certificate, change: impl FnOnce(&mut Settings)) -> Self {
        let truecaller = Simulator::builder().tls(certificate.pem.clone(), certificate.key.clone()).start().await;
        let truecaller = truecaller.expect("a free port");
        let mut settings = Settings::listing(tls::ENDPOINTS);
        settings.resolve = Some(truecaller.address());
        settings.ca = Some(certificate.pem.clone());
        change(&mut settings);
        Self::set(kind, truecaller, Recorder::start().await, &settings).await
    }

    async fn set(kind: Kind, truecaller: Simulator, app: Recorder, settings: &Settings) -> Self {
        // Shown when the test fails.
        println!("edge: {kind:?}");
        let edge = kind.start(app.address(), settings).await;
        Self { kind, truecaller, app, edge, abandoned: settings.abandoned.subscribe() }
    }

    /// Sends bytes on a connection of their own, and reads the answer.
    pub async fn send(&self, bytes: impl AsRef<[u8]>) -> Message {
        let bytes = bytes.as_ref();
        let answer = exchange(self.edge.address(), bytes).await;
        answer.unwrap_or_else(|| panic!("no answer to {}", String::from_utf8_lossy(bytes)))
    }

    /// Posts a body to the callback route.
    pub async fn callback(&self, body: impl AsRef<[u8]>) -> Message {
        self.send(post(PATH, body.as_ref())).await
    }

    /// A callback that brings a token for a profile.
    pub fn grant(&self, profile: impl Into<bytes::Bytes>) -> String {
        self.grant_at(profile, self.truecaller.endpoint())
    }

    /// A callback that brings a token and names any endpoint.
    pub fn grant_at(&self, profile: impl Into<bytes::Bytes>, endpoint: &str) -> String {
        let token = self.truecaller.grant(profile);
        serde_json::json!({ "requestId": "a-nonce-", "accessToken": token, "endpoint": endpoint }).to_string()
    }

    /// A visitor of the scene's site.
    pub fn visitor(&self) -> Visitor {
        Visitor::at(self.edge.address(), Sessions::ORIGIN)
    }

    /// Has Truecaller call back for a login.
    pub async fn call(&self, call: Call, request_id: &str) {
        let url = format!("http://{}{PATH}", self.edge.address());
        let posted = self.truecaller.call(&url, call.request_id(request_id)).await.expect("the edge answers");
        let statuses: Vec<_> = posted.iter().map(|posted| posted.answer.status.as_u16()).collect();
        assert!(statuses.iter().all(|status| *status == 204), "{statuses:?}");
    }

    /// A visitor who has logged in, with the documented profile.
    pub async fn signed_in(&self) -> Visitor {
        let mut browser = self.visitor();
        let request_id = browser.start_login().await;
        self.call(Call::grant(), &request_id).await;
        assert_eq!(browser.state_after(&request_id, "pending").await, "verified");
        browser
    }

    /// Posts a body as the site's own app.
    pub async fn app_login(&self, body: impl AsRef<[u8]>) -> Message {
        self.app_login_with("", body).await
    }

    /// The same with more header lines, each ending in CR LF.
    pub async fn app_login_with(&self, lines: &str, body: impl AsRef<[u8]>) -> Message {
        let body = body.as_ref();
        let length = body.len();
        let head = format!("POST {NATIVE} HTTP/1.1\r\nHost: shop.example\r\n{lines}Content-Length: {length}\r\n\r\n");
        self.send([head.as_bytes(), body].concat()).await
    }

    /// Waits until the edge has given up this many callbacks, counted from the start.
    pub async fn wait_for_abandoned(&mut self, count: usize) {
        self.wait_for_abandoned_in("truegate_callbacks_total{outcome=\"abandoned\"}", count).await;
    }

    /// The same for logins of the app that had sent a code.
    pub async fn wait_for_abandoned_app_logins(&mut self, count: usize) {
        self.wait_for_abandoned_in("truegate_app_logins_total{method=\"app\",outcome=\"abandoned\"}", count).await;
    }

    async fn wait_for_abandoned_in(&mut self, series: &str, count: usize) {
        let Edge::Gateway(program) = &self.edge else {
            let reached = within(self.abandoned.wait_for(|abandoned| *abandoned >= count)).await;
            return assert!(reached.is_ok(), "the edge has ended");
        };
        let counted = format!("{series} {count}\n");
        within(async {
            while !exchange(program.admin(), scrape("")).await.is_some_and(|page| page.text().contains(&counted)) {}
        })
        .await;
    }

    /// What reached the app since the last time: all of it, for one more request has come and gone.
    pub async fn reached(&self) -> Vec<Message> {
        self.drain().await.0
    }

    /// The one request that reached the app since the last time.
    pub async fn reached_once(&self) -> Message {
        let mut reached = self.reached().await;
        assert_eq!(reached.len(), 1, "{reached:#?}");
        reached.remove(0)
    }

    /// Insists that not one byte reached the app since the last time.
    pub async fn unreached(&self, why: impl Debug) {
        let (reached, bytes) = self.drain().await;
        assert!(reached.is_empty(), "{why:?}: {reached:#?}");
        assert!(bytes.starts_with(format!("GET {LAST} ").as_bytes()), "{why:?}: {}", String::from_utf8_lossy(&bytes));
    }

    /// The bytes that reached the app since the last time, with those of a last request.
    pub async fn reached_bytes(&self) -> String {
        String::from_utf8_lossy(&self.drain().await.1).into_owned()
    }

    async fn drain(&self) -> (Vec<Message>, Vec<u8>) {
        let answer = exchange(self.edge.address(), get(LAST, "")).await;
        assert!(answer.is_some(), "{:?} serves no more", self.kind);
        let mut reached = self.app.take();
        let last = reached.pop().expect("the last request reached the app");
        assert_eq!(last.start, format!("GET {LAST} HTTP/1.1"));
        (reached, self.app.take_bytes())
    }
}

/// A listener that nobody may connect to.
pub struct Trap(TcpListener);

impl Trap {
    pub fn set() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket can be made nonblocking");
        Self(listener)
    }

    pub fn port(&self) -> u16 {
        self.0.local_addr().expect("a bound socket has an address").port()
    }

    /// Whether anybody has connected.
    pub fn has_caught(&self) -> bool {
        self.0.accept().is_ok()
    }
}

const LAST: &str = "/the-last-of-it";
