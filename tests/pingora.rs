//! What only the pingora module promises, to those who write their own proxy around it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod support;

use std::net::SocketAddr;

use async_trait::async_trait;
use pingora_core::{Error, Result, modules::http::HttpModules, upstreams::peer::HttpPeer};
use pingora_http::RequestHeader;
use pingora_proxy::{ProxyHttp, Session};
use support::{
    edge::{Edge, Kind, PATH, Settings, pingora::Server},
    raw::get,
    recorder::Recorder,
    scene::Scene,
};
use tokio::{net::TcpSocket, sync::mpsc};
use truegate::{
    Gate,
    pingora::{TruegateModule, inject, intercept},
    simulator::{DOCUMENTED_PROFILE, Simulator},
};

use self::Part::{Inject, Intercept, Module};

/// What has to be written for truegate, and can be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Module,
    Intercept,
    Inject,
}

/// A proxy with some of the parts, and a `CTX` of its own.
struct Proxy {
    gate: Gate,
    parts: &'static [Part],
    /// Tried in this order.
    apps: Vec<SocketAddr>,
    logged: mpsc::UnboundedSender<Own>,
}

/// What the proxy's author keeps for each request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Own {
    notes: Vec<&'static str>,
    failed: usize,
}

#[async_trait]
impl ProxyHttp for Proxy {
    type CTX = Own;

    fn new_ctx(&self) -> Own {
        Own::default()
    }

    fn init_downstream_modules(&self, modules: &mut HttpModules) {
        if self.parts.contains(&Module) {
            modules.add_module(TruegateModule::builder(self.gate.clone()));
        }
    }

    async fn request_filter(&self, session: &mut Session, own: &mut Own) -> Result<bool> {
        own.notes.push("request");
        if self.parts.contains(&Intercept) { intercept(session).await } else { Ok(false) }
    }

    async fn upstream_peer(&self, _: &mut Session, own: &mut Own) -> Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(self.apps[own.failed], false, String::new())))
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        own: &mut Own,
    ) -> Result<()> {
        own.notes.push("upstream request");
        if self.parts.contains(&Inject) { inject(session, request) } else { Ok(()) }
    }

    fn fail_to_connect(&self, _: &mut Session, _: &HttpPeer, own: &mut Own, mut error: Box<Error>) -> Box<Error> {
        own.failed += 1;
        error.set_retry(own.failed < self.apps.len());
        error
    }

    async fn logging(&self, _: &mut Session, _: Option<&Error>, own: &mut Own) {
        let _ = self.logged.send(own.clone());
    }
}

/// A scene with a proxy that has these parts; it tells what was kept for each request.
async fn scene(parts: &'static [Part], change: impl FnOnce(&mut Settings)) -> (Scene, mpsc::UnboundedReceiver<Own>) {
    let (truecaller, app) = (Simulator::start().await.unwrap(), Recorder::start().await);
    let mut settings = Settings::listing([truecaller.endpoint()]);
    change(&mut settings);
    let (logged, log) = mpsc::unbounded_channel();
    let gate = settings.gate_builder().build();
    let edge = Edge::Pingora(Server::serve(Proxy { gate, parts, apps: vec![app.address()], logged }));
    let abandoned = settings.abandoned.subscribe();
    (Scene { kind: Kind::Pingora, truecaller, app, edge, abandoned }, log)
}

#[tokio::test]
async fn a_forgotten_call_strips_and_never_injects() {
    for (parts, fetches) in [(&[Module, Inject][..], 0), (&[Module, Intercept], 1), (&[Module], 0)] {
        let (scene, _log) = scene(parts, |_| {}).await;
        let body = scene.grant(DOCUMENTED_PROFILE);
        let spoofs = "X-Truecaller-Phone: +1\r\nx_truecaller_name: Eve\r\nConnection: X-Truecaller-Phone\r\n";
        let head = format!("POST {PATH} HTTP/1.1\r\nHost: a\r\n{spoofs}Content-Length: {}\r\n\r\n", body.len());
        assert_eq!(scene.send(head + &body).await.status(), 200, "{parts:?}");
        scene.send(get("/", spoofs)).await;
        let reached = scene.reached().await;
        assert_eq!(reached.len(), 2);
        for request in reached {
            let lines = format!("{:?}", request.headers).to_lowercase().replace('_', "-");
            assert!(!lines.contains("x-truecaller-"), "{parts:?}: {lines}");
        }
        assert_eq!(scene.truecaller.fetches(), fetches, "{parts:?}");
    }
}

#[tokio::test]
async fn a_forgotten_module_is_an_error_and_no_way_through() {
    for parts in [&[Intercept, Inject][..], &[Intercept], &[Inject]] {
        let (scene, _log) = scene(parts, |_| {}).await;
        let body = scene.grant(DOCUMENTED_PROFILE);
        for request in [support::raw::post(PATH, body.as_bytes()), get("/", "X-Truecaller-Phone: +1\r\n")] {
            assert_eq!(scene.send(request).await.status(), 500, "{parts:?}");
        }
        assert_eq!((scene.app.take(), scene.app.take_bytes()), (vec![], vec![]), "{parts:?}");
        assert_eq!(scene.truecaller.connections(), 0, "{parts:?}");
    }
}

#[tokio::test]
async fn a_proxys_own_context_stays_its_own() {
    let (scene, mut log) = scene(&[Module, Intercept, Inject], |_| {}).await;
    for (body, notes) in
        [(scene.grant(DOCUMENTED_PROFILE), &["request", "upstream request"][..]), ("{}".to_owned(), &["request"])]
    {
        scene.callback(body).await;
        assert_eq!(log.recv().await.unwrap(), Own { notes: notes.to_vec(), failed: 0 });
    }
}

#[tokio::test]
async fn a_body_is_read_as_far_as_pingora_keeps_it_whatever_the_limit() {
    let (scene, _log) = scene(&[Module, Intercept, Inject], |settings| settings.body_limit = 1024 * 1024).await;
    for (length, status) in [(64 * 1024, 200), (64 * 1024 + 1, 413)] {
        let grant = scene.grant(DOCUMENTED_PROFILE);
        let body = grant.clone() + &" ".repeat(length - grant.len());
        let mut chunked = format!("POST {PATH} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        for chunk in [&body[..5], &body[5..length - 1], &body[length - 1..]] {
            chunked += &format!("{:x}\r\n{chunk}\r\n", chunk.len());
        }
        for request in [support::raw::post(PATH, body.as_bytes()), (chunked + "0\r\n\r\n").into_bytes()] {
            assert_eq!(scene.send(request).await.status(), status, "{length}");
            let reached = scene.reached().await;
            assert_eq!(reached.len(), usize::from(status == 200));
            for request in reached {
                assert!(request.text() == body, "the body is whole");
                assert_eq!(request.one("x-truecaller-phone"), Some("+919999999999"));
            }
        }
    }
    assert_eq!(scene.truecaller.fetches(), 2);
}

#[tokio::test]
async fn a_second_upstream_gets_what_the_first_would_have_got() {
    let deaf = TcpSocket::new_v4().unwrap();
    deaf.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let (mut scene, _log) = scene(&[], |_| {}).await;
    let gate = Settings::listing([scene.truecaller.endpoint()]).gate_builder().build();
    let (logged, mut log) = mpsc::unbounded_channel();
    let apps = vec![deaf.local_addr().unwrap(), scene.app.address()];
    scene.edge = Edge::Pingora(Server::serve(Proxy { gate, parts: &[Module, Intercept, Inject], apps, logged }));
    let body = scene.grant(DOCUMENTED_PROFILE);

    assert_eq!(scene.callback(&body).await.status(), 200);

    assert_eq!(log.recv().await.unwrap().failed, 1);
    assert_eq!(scene.truecaller.fetches(), 1);
    let request = scene.reached_once().await;
    assert_eq!((request.text(), request.one("x-truecaller-phone")), (body, Some("+919999999999")));
}
