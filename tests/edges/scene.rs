//! A whole scene: a fake Truecaller, truegate, a proxy that asks it, and an app that records what reaches it.

use std::{fmt::Debug, fs, net::SocketAddr};
use truegate::{
    assertion::SigningKey,
    simulator::{DOCUMENTED_PROFILE, Simulator},
};

use crate::{
    proxy::{CALLBACK, Kind, Proxy, shown},
    support::{
        program::Program,
        raw::{Message, exchange, get, within},
        recorder::Recorder,
        visitor::Visitor,
    },
};

pub const ORIGIN: &str = "https://shop.example";
pub const SESSION: &str = "__Host-truegate";
pub const PHONE: &str = "+919999999999";
pub const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

pub struct Scene {
    pub truecaller: Simulator,
    pub app: Recorder,
    pub truegate: Program,
    pub proxy: Proxy,
}

impl Scene {
    pub async fn of(kind: Kind) -> Self {
        Self::edited(kind, "", |text| text).await
    }

    /// A scene where truegate's configuration says more, and the proxy's was edited.
    pub async fn edited(kind: Kind, more: &str, edit: impl Fn(String) -> String) -> Self {
        Self::configured(kind, |text| text + more, edit).await
    }

    /// A scene where both configurations were edited.
    pub async fn configured(
        kind: Kind,
        configure: impl FnOnce(String) -> String,
        edit: impl Fn(String) -> String,
    ) -> Self {
        Self::before(kind, Recorder::answering(ANSWER).await, configure, edit).await
    }

    /// The same before an app of the test's own.
    pub async fn before(
        kind: Kind,
        app: Recorder,
        configure: impl FnOnce(String) -> String,
        edit: impl Fn(String) -> String,
    ) -> Self {
        // Shown when the test fails.
        println!("edge: {kind:?}");
        let truecaller = Simulator::start().await.expect("a free port");
        let truegate = truegate(&truecaller, &configure(shown("truegate.yaml")));
        let proxy = Proxy::edited(kind, truegate.address(), app.address(), edit).await;
        let scene = Self { truecaller, app, truegate, proxy };
        scene.wait_until_it_serves().await;
        scene
    }

    /// A proxy may listen before it knows where to send requests.
    async fn wait_until_it_serves(&self) {
        within(async {
            while exchange(self.proxy.address(), shop(LAST)).await.is_none_or(|answer| answer.status() != 200) {
                tokio::task::yield_now().await;
            }
        })
        .await;
        self.app.take();
    }

    /// Somebody who has not logged in.
    pub fn visitor(&self) -> Visitor {
        Visitor::at(self.proxy.address(), ORIGIN)
    }

    /// A visitor who has logged in, all of it through the proxy.
    pub async fn signed_in(&self) -> Visitor {
        sign_in(&self.truecaller, self.proxy.address(), DOCUMENTED_PROFILE).await
    }

    /// What reached the app since the last time: all of it, for one more request has come and gone.
    pub async fn reached(&self) -> Vec<Message> {
        let answer = exchange(self.proxy.address(), shop(LAST)).await.expect("the proxy serves");
        assert_eq!(answer.status(), 200, "{answer:#?}");
        let mut reached = self.app.take();
        assert_eq!(reached.pop().expect("the last request reached the app").start, format!("GET {LAST} HTTP/1.1"));
        reached
    }

    /// The one request that reached the app since the last time.
    pub async fn reached_once(&self) -> Message {
        let mut reached = self.reached().await;
        assert_eq!(reached.len(), 1, "{reached:#?}");
        reached.remove(0)
    }

    /// Insists that nothing reached the app since the last time.
    pub async fn unreached(&self, why: impl Debug) {
        let reached = self.reached().await;
        assert!(reached.is_empty(), "{why:?}: {reached:#?}");
    }
}

/// Logs somebody in at an address, with a profile.
pub async fn sign_in(truecaller: &Simulator, address: SocketAddr, profile: impl Into<bytes::Bytes>) -> Visitor {
    sign_in_on(ORIGIN, truecaller, address, profile).await
}

/// Logs somebody in on a host, with a profile.
pub async fn sign_in_on(
    origin: &str,
    truecaller: &Simulator,
    address: SocketAddr,
    profile: impl Into<bytes::Bytes>,
) -> Visitor {
    let mut browser = Visitor::at(address, origin);
    let request_id = browser.start_login().await;
    let (token, endpoint) = (truecaller.grant(profile), truecaller.endpoint());
    let grant = serde_json::json!({ "requestId": request_id, "accessToken": token, "endpoint": endpoint });
    let answer = Visitor::at(address, ORIGIN).send(&format!("POST {CALLBACK}"), "", &grant.to_string()).await;
    assert_eq!(answer.status(), 204, "{answer:#?}");
    assert_eq!(browser.state_after(&request_id, "pending").await, "verified");
    browser
}

/// truegate with a configuration of `docs/edges`, and what a test needs beside it.
pub fn truegate(truecaller: &Simulator, shown: &str) -> Program {
    let folder = tempfile::tempdir().expect("a folder for the configuration");
    let key = SigningKey::generate().to_pem();
    fs::write(folder.path().join("assertion.pem"), key.as_bytes()).expect("the folder can be written to");
    let text = shown
        .replace("127.0.0.1:8080", "127.0.0.1:0")
        // For machines that are busy.
        .replace("callback:\n", "callback:\n  deadline: 20s\n")
        .replace("${TRUEGATE_CALLBACK_PATH}", CALLBACK)
        .replace("${TRUEGATE_SESSION_SECRET}", SECRET)
        .replace("${TRUECALLER_PARTNER_KEY}", "a-partner-key");
    let endpoint = truecaller.endpoint();
    let admin = if text.contains("\nadmin:") { "" } else { "admin: { listen: 127.0.0.1:0 }" };
    let more = format!("{admin}\nshutdown_grace: 0s\ntruecaller: {{ endpoints: [{endpoint}] }}");
    Program::serve_from(folder, &format!("{text}\n{more}\n"))
}

/// A GET of the shop's, on a connection of its own.
fn shop(path: &str) -> Vec<u8> {
    String::from_utf8(get(path, "")).expect("a request is text").replace("app.example", "shop.example").into_bytes()
}

/// What the app answers. It tries to give each client a session token.
const ANSWER: &str = "HTTP/1.1 200 OK\r\nX-Truecaller-Token: truegate.x\r\nContent-Length: 2\r\n\r\nok";

const LAST: &str = "/public/the-last-of-it";
