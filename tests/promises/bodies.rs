//! How a body is read, on each route that verifies users by one.

use std::time::Duration;

use truegate::simulator::DOCUMENTED_PROFILE;

use crate::{
    claims::{assert_problem, claims, documented, of_app},
    native::with_app,
    support::{
        client::Client,
        edge::{Kind, PATH, Settings},
        native::{NATIVE, code, user},
        scene::Scene,
    },
};

/// A route whose requests reach the app with the identity that their body proves.
#[derive(Debug, Clone, Copy)]
enum Route {
    Callback,
    Native,
}

impl Route {
    /// The routes of each edge.
    fn all() -> impl Iterator<Item = (Kind, Self)> {
        Kind::ALL.into_iter().flat_map(|kind| [Self::Callback, Self::Native].map(|route| (kind, route)))
    }

    async fn scene(self, kind: Kind, change: impl FnOnce(&mut Settings)) -> Scene {
        println!("{kind:?}, {self:?}");
        Scene::with(kind, |settings| {
            with_app(settings);
            change(settings);
        })
        .await
    }

    fn path(self) -> &'static str {
        match self {
            Self::Callback => PATH,
            Self::Native => NATIVE,
        }
    }

    /// A body that proves a user. Each may be sent once.
    fn body(self, scene: &Scene) -> String {
        match self {
            Self::Callback => scene.grant(DOCUMENTED_PROFILE),
            Self::Native => code(&scene.truecaller, user()),
        }
    }

    /// The headers that the app gets with such a body.
    fn claims(self) -> Vec<(String, String)> {
        match self {
            Self::Callback => documented("a-nonce-"),
            Self::Native => of_app(),
        }
    }

    fn head(self, lines: &str) -> Vec<u8> {
        self.head_of("POST", lines)
    }

    fn head_of(self, method: &str, lines: &str) -> Vec<u8> {
        format!("{method} {} HTTP/1.1\r\nHost: app.example\r\n{lines}\r\n\r\n", self.path()).into_bytes()
    }

    fn request(self, body: &[u8], chunked: bool) -> Vec<u8> {
        if !chunked {
            return [self.head(&format!("Content-Length: {}", body.len())), body.to_vec()].concat();
        }
        let mut bytes = self.head("Transfer-Encoding: chunked");
        for chunk in body.chunks(1000) {
            bytes.extend(format!("{:x}\r\n", chunk.len()).bytes().chain(chunk.iter().copied()).chain(*b"\r\n"));
        }
        bytes.extend(b"0\r\n\r\n");
        bytes
    }

    /// Two requests whose body is a byte longer than they begin to send.
    fn unfinished(self, scene: &Scene) -> [Vec<u8>; 2] {
        let body = self.body(scene);
        let length = self.head(&format!("Content-Length: {}", body.len() + 1));
        let chunk = format!("{:x}\r\n", body.len()).into_bytes();
        let body = body.into_bytes();
        [[length, body.clone()].concat(), [self.head("Transfer-Encoding: chunked"), chunk, body].concat()]
    }
}

#[tokio::test]
async fn a_body_reaches_the_app_byte_for_byte_up_to_its_limit() {
    for (kind, route) in Route::all() {
        let scene = route.scene(kind, |_| {}).await;
        for chunked in [false, true] {
            let body = format!("{:LIMIT$}", route.body(&scene));
            assert_eq!(scene.send(route.request(body.as_bytes(), chunked)).await.status(), 200);
            let request = scene.reached_once().await;
            assert_eq!((request.text(), claims(&request)), (body, route.claims()), "chunked: {chunked}");
        }
    }
}

#[tokio::test]
async fn a_body_for_another_route_passes_byte_for_byte_whatever_its_size() {
    let large: Vec<u8> = (0..=u8::MAX).cycle().take(1024 * 1024 + 1).collect();
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for body in [&large[..], &large[..1], &[]] {
            for chunked in [false, true] {
                let request = Route::Callback.request(body, chunked);
                let start = request.iter().position(|byte| *byte == b'\r').unwrap();
                let request = [b"PUT /upload HTTP/1.1", &request[start..]].concat();
                assert_eq!(scene.send(request).await.status(), 200);
                let reached = scene.reached_once().await;
                assert!(reached.body == body, "{} bytes came of {}", reached.body.len(), body.len());
            }
        }
    }
}

#[tokio::test]
async fn a_body_over_its_limit_is_refused_however_it_is_framed() {
    for (kind, route) in Route::all() {
        let scene = route.scene(kind, |_| {}).await;
        let body = format!("{:1$}", route.body(&scene), LIMIT + 1).into_bytes();
        let mut endless = route.request(&[b' '; 4 * LIMIT], true);
        endless.truncate(endless.len() - b"0\r\n\r\n".len());
        let announced = route.head("Content-Length: 104857600");
        for bytes in [route.request(&body, false), route.request(&body, true), announced, endless] {
            let mut client = Client::connect(scene.edge.address()).await;
            client.send(bytes).await;
            assert_problem(&client.read().await.unwrap(), 413, "body-too-large");
            assert!(client.read().await.is_none(), "what is unread is not the next request");
            scene.unreached("too large").await;
        }
        assert_eq!(scene.truecaller.connections(), 0);
    }
}

#[tokio::test]
async fn a_body_that_is_not_whole_in_time_is_given_up() {
    for (kind, route) in Route::all() {
        let scene = route.scene(kind, |settings| settings.deadline = Duration::from_millis(250)).await;
        for bytes in route.unfinished(&scene) {
            let mut client = Client::connect(scene.edge.address()).await;
            client.send(bytes).await;
            assert_problem(&client.read().await.unwrap(), 408, "body-timeout");
            assert!(client.read().await.is_none(), "the connection is closed");
            scene.unreached("too slow").await;
        }
        assert_eq!(scene.truecaller.connections(), 0);
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_verifies_nobody() {
    for (kind, route) in Route::all() {
        let scene = route.scene(kind, |_| {}).await;
        for bytes in route.unfinished(&scene) {
            let mut client = Client::connect(scene.edge.address()).await;
            client.send(bytes).await;
            client.finish().await;
            let answers = client.read_all().await;
            assert!(answers.iter().all(|answer| answer.status() == 400), "{answers:#?}");
            scene.unreached("broken off").await;
        }
        assert_eq!(scene.truecaller.connections(), 0);
    }
}

#[tokio::test]
async fn a_compressed_body_is_refused_before_it_is_read() {
    for (kind, route) in Route::all() {
        let scene = route.scene(kind, |_| {}).await;
        for encoding in ["gzip", "br", "identity, gzip", "identity\r\nContent-Encoding: deflate", "\"identity\""] {
            let head = route.head(&format!("Content-Encoding: {encoding}\r\nContent-Length: 10"));
            assert_problem(&scene.send(head).await, 415, "unsupported-encoding");
            scene.unreached(encoding).await;
        }
        let body = route.body(&scene);
        let plain = route.head(&format!("Content-Encoding: Identity\r\nContent-Length: {}", body.len()));
        assert_eq!(scene.send([plain, body.clone().into_bytes()].concat()).await.status(), 200);
        assert_eq!(scene.reached_once().await.text(), body);
    }
}

#[tokio::test]
async fn only_a_post_is_read() {
    for (kind, route) in Route::all() {
        let scene = route.scene(kind, |_| {}).await;
        let body = route.body(&scene);
        for method in ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "post", "PROPFIND", "FOO"] {
            let origin = "Origin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n";
            let head = route.head_of(method, &format!("{origin}Content-Length: {}", body.len()));
            let answer = scene.send([head, body.clone().into_bytes()].concat()).await;
            println!("method: {method}");
            assert_problem(&answer, 405, "method-not-allowed");
            assert_eq!(answer.one("allow"), Some("POST"));
            assert!(!answer.headers.iter().any(|(name, _)| name.to_lowercase().starts_with("access-control-")));
            scene.unreached(method).await;
        }
        assert_eq!(scene.truecaller.connections(), 0);
    }
}

#[tokio::test]
async fn the_content_type_of_a_body_is_not_judged() {
    for (kind, route) in Route::all() {
        let scene = route.scene(kind, |_| {}).await;
        for line in ["Content-Type: text/plain\r\n", "Content-Type: application/x-www-form-urlencoded\r\n", ""] {
            let body = route.body(&scene);
            let head = route.head(&format!("{line}Content-Length: {}", body.len()));
            assert_eq!(scene.send([head, body.into_bytes()].concat()).await.status(), 200);
            assert_eq!(claims(&scene.reached_once().await), route.claims());
        }
    }
}

const LIMIT: usize = 16 * 1024;
