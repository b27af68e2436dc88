//! What a client or an app says of an identity reaches nobody.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpStream, task::JoinSet};
use truegate::simulator::DOCUMENTED_PROFILE;

use crate::{
    claims::{assert_problem, claims, documented, is_claim},
    support::{
        edge::{Kind, PATH},
        raw::{Message, get},
        recorder::Recorder,
        scene::Scene,
    },
};

/// Every way to write the phone's header that is still a header name.
fn spellings() -> Vec<String> {
    let between = "!#$%&'*+.^_`|~".chars().map(|c| format!("X{c}Truecaller{c}Phone"));
    let known = [
        "X-Truecaller-Phone", "x-TRUECALLER-phone", "X_Truecaller_Phone", "X-Truecaller_Phone", "X_Truecaller.Phone",
        "X.Truecaller-Phone", "X!Truecaller~Phone", "X-Truecaller-Not-A-Real-Field", "X_TRUECALLER_ADMIN",
        "X-Truecaller-Email", "X-Truecaller-", "X-Truecaller-Status", "X-Truecaller-Method", "X_Truecaller_Method",
    ];
    between.chain(known.map(str::to_owned)).collect()
}

fn lines(names: &[String]) -> String {
    names.iter().map(|name| format!("{name}: +10000000000\r\n")).collect()
}

#[tokio::test]
async fn no_spelling_of_an_identity_passes_on_any_route() {
    let not_found = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    let spoofs = lines(&spellings());
    for kind in Kind::ALL {
        let scene = Scene::before(kind, Recorder::answering(not_found).await, |_| {}).await;
        for request in [
            get("/", &spoofs),
            get("/healthz", &spoofs),
            get("/missing", &spoofs),
            get("/truecaller", &spoofs),
            format!("OPTIONS /app HTTP/1.1\r\nHost: a\r\nOrigin: https://b\r\nAccess-Control-Request-Method: GET\r\n{spoofs}\r\n")
                .into_bytes(),
            format!("HEAD / HTTP/1.1\r\nHost: a\r\n{spoofs}\r\n").into_bytes(),
            format!("GET / HTTP/1.0\r\n{spoofs}\r\n").into_bytes(),
            format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n{spoofs}\r\nabc").into_bytes(),
        ] {
            assert_eq!(scene.send(&request).await.status(), 404);
            let reached = scene.reached_once().await;
            assert_eq!(claims(&reached), [], "{reached:#?}");
        }
    }
}

#[tokio::test]
async fn each_spelling_is_recognised_on_its_own() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for name in spellings() {
            scene.send(get("/", &format!("{name}: +1\r\nX-Truecall-Phone: kept\r\n"))).await;
            let request = scene.reached_once().await;
            assert_eq!((claims(&request), request.one("x-truecall-phone")), (vec![], Some("kept")), "{name}");
        }
    }
}

#[tokio::test]
async fn a_verified_callback_has_one_value_of_each_name() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let spoofs = lines(&spellings());
        assert_eq!(callback(&scene, &(spoofs.clone() + &spoofs), DOCUMENTED_PROFILE).await.status(), 200);
        assert_eq!(claims(&scene.reached_once().await), documented("a-nonce-"));
    }
}

#[tokio::test]
async fn what_a_profile_lacks_is_not_what_the_client_says() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, |settings| settings.headers = vec![("Remote-Email", "email")]).await;
        let spoofs = "X-Truecaller-Name: Eve\r\nx_truecaller_country: XX\r\nRemote-Email: ceo@corp.example\r\n\
                      Remote_Email: ceo@corp.example\r\nX-Truecaller-Email: ceo@corp.example\r\n";
        assert_eq!(callback(&scene, spoofs, r#"{"phoneNumbers":["15550100000"]}"#).await.status(), 200);
        let request = scene.reached_once().await;
        let names: Vec<_> = claims(&request).into_iter().map(|(name, _)| name).collect();
        assert_eq!(
            names,
            ["x-truecaller-method", "x-truecaller-phone", "x-truecaller-request-id", "x-truecaller-status"]
        );
        assert_eq!((request.all("remote-email"), request.all("remote_email")), (vec![], vec![]));
    }
}

#[tokio::test]
async fn a_rejected_callback_gives_no_spoof_a_way() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let spoofs = lines(&spellings());
        let request = format!("POST {PATH} HTTP/1.1\r\nHost: a\r\n{spoofs}Content-Length: 2\r\n\r\n{{}}");
        assert_problem(&scene.send(request).await, 400, "malformed-callback");
        scene.unreached("a rejected callback").await;
    }
}

#[tokio::test]
async fn no_client_can_have_the_next_hop_drop_an_identity() {
    let lists = [
        "Connection: close, X-Truecaller-Phone\r\n",
        "connection: x-truecaller-phone\r\n",
        "Connection: keep-alive\r\nConnection: X-Truecaller-Phone\r\n",
        "Connection: X-Truecaller-Phone\r\nConnection: X-Truecaller-Status , keep-alive\r\n",
        "Connection: X_Truecaller_Phone,,x.truecaller.status\r\n",
        "Connection: \tX-Truecaller-Phone\t,Foo\r\nFoo: bar\r\n",
        "Proxy-Connection: X-Truecaller-Phone\r\n",
        "Proxy-Connection: keep-alive, x-truecaller-phone\r\n",
    ];
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for list in lists {
            assert_eq!(callback(&scene, list, DOCUMENTED_PROFILE).await.status(), 200, "{list}");
            let verified = scene.reached_once().await;
            assert_eq!(claims(&verified), documented("a-nonce-"), "{list}");
            scene.send(get("/", list)).await;
            for request in [verified, scene.reached_once().await] {
                for token in ["connection", "proxy-connection"].iter().flat_map(|name| tokens(&request, name)) {
                    assert!(!is_claim(&token), "{list}: {request:#?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn trailers_claim_nothing_and_leave_the_body_whole() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let grant = scene.grant(DOCUMENTED_PROFILE);
        for (path, body) in [("/upload", "abc"), (PATH, grant.as_str())] {
            let request = format!(
                "POST {path} HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTrailer: X-Truecaller-Phone, Digest\r\n\
                 Trailer: x_truecaller_phone\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n{:x}\r\n{}\r\n0\r\n\
                 X-Truecaller-Phone: +1\r\nx_truecaller_phone: +2\r\nX.Truecaller.Admin: 1\r\nDigest: d\r\n\r\n",
                &body[..1],
                body.len() - 1,
                &body[1..],
            );
            assert_eq!(scene.send(request).await.status(), 200, "{path}");
            let reached = scene.reached_once().await;
            assert_eq!(reached.text(), body);
            assert_trailers(kind, &reached);
            assert_eq!(claims(&reached), if path == PATH { documented("a-nonce-") } else { vec![] });
        }
    }
}

/// Only hyper passes trailers on.
fn assert_trailers(kind: Kind, request: &Message) {
    assert!(!request.trailers.iter().any(|(name, _)| is_claim(name)), "{request:#?}");
    assert!(!tokens(request, "trailer").iter().any(|token| is_claim(token)), "{request:#?}");
    if kind != Kind::Tower {
        assert_eq!(request.trailers, []);
    }
}

#[tokio::test]
async fn trailers_claim_nothing_over_http_2_either() {
    let scene = Scene::of(Kind::Tower).await;
    let stream = TcpStream::connect(scene.edge.address()).await.unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let mut drive = JoinSet::new();
    drive.spawn(connection);
    let grant = scene.grant(DOCUMENTED_PROFILE);
    for (path, body) in [("/upload", "abc".to_owned()), (PATH, grant)] {
        let trailers = [("x-truecaller-phone", "+1"), ("x_truecaller_phone", "+2"), ("digest", "d")];
        let trailers = trailers.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let framed = Full::new(Bytes::from(body.clone()));
        let framed = framed.with_trailers(std::future::ready(Some(Ok(HeaderMap::from_iter(trailers)))));
        let request = Request::post(format!("http://app.example{path}"))
            .header("x-truecaller-phone", "+3")
            .header("x_truecaller_admin", "1")
            .header("trailer", "x-truecaller-phone, digest")
            .body(framed)
            .unwrap();

        let response = sender.send_request(request).await.unwrap();

        assert_eq!(response.status(), 200, "{path}");
        let reached = scene.reached_once().await;
        assert_eq!(reached.text(), body);
        assert_trailers(Kind::Tower, &reached);
        assert_eq!(claims(&reached), if path == PATH { documented("a-nonce-") } else { vec![] });
    }
}

#[tokio::test]
async fn an_app_claims_nothing_to_the_client() {
    let answer = "HTTP/1.1 200 OK\r\nX-Truecaller-Phone: +1\r\nx_truecaller_name: Eve\r\nX.Truecaller.Assertion: a\r\n\
                  X-Truecaller-Token: truegate.a\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\nTrailer: X-Truecaller-Phone\r\nTransfer-Encoding: chunked\r\n\
                  Connection: X-Truecaller-Phone\r\n\r\n2\r\nok\r\n0\r\nX-Truecaller-Phone: +2\r\n\
                  X-Truecaller-Token: truegate.b\r\nx_truecaller_token: truegate.c\r\n\r\n";
    for kind in Kind::ALL {
        let scene = Scene::before(kind, Recorder::answering(answer).await, |_| {}).await;
        let ordinary = scene.send(get("/", "TE: trailers\r\n")).await;
        let callback = scene.callback(scene.grant(DOCUMENTED_PROFILE)).await;
        for answer in [ordinary, callback] {
            assert_eq!((answer.status(), answer.text().as_str()), (200, "ok"));
            assert_eq!(claims(&answer), []);
            assert!(!answer.trailers.iter().any(|(name, _)| is_claim(name)), "{answer:#?}");
            assert!(!tokens(&answer, "trailer").iter().any(|token| is_claim(token)), "{answer:#?}");
            assert_eq!(answer.all("set-cookie"), ["a=b", "c=d"]);
        }
    }
}

#[tokio::test]
async fn no_client_chooses_the_proxy_of_an_app() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let lines = "Proxy: http://evil.example\r\npROXY: http://evil.example\r\n";
        scene.send(get("/", lines)).await;
        callback(&scene, lines, DOCUMENTED_PROFILE).await;
        for request in scene.reached().await {
            assert_eq!(request.all("proxy"), Vec::<&str>::new());
        }
    }
}

#[tokio::test]
async fn no_client_gets_a_channel_that_nobody_looks_into() {
    let h2c = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n";
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for lines in [h2c, "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n", "Upgrade: TLS/1.0\r\n"] {
            assert_eq!(scene.send(get("/", lines)).await.status(), 200, "{kind:?} {lines}");
        }
        for request in scene.reached().await {
            assert_eq!((request.one("upgrade"), request.one("http2-settings")), (None, None), "{kind:?}");
        }
    }
}

#[tokio::test]
async fn everything_else_passes_as_it_came() {
    let lines = "User-Agent: UA/1.0\r\nAccept: */*\r\nCookie: a=b; c=d\r\nAuthorization: Bearer of-the-client\r\n\
                 X-Request-Id: 1\r\nX-Twice: one\r\nX-Twice: two\r\nAccept-Encoding: gzip\r\nX-Bytes: \u{e9}\r\n";
    let kept =
        ["user-agent", "accept", "cookie", "authorization", "x-request-id", "x-twice", "accept-encoding", "x-bytes"];
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        scene.send(get("/a?b", lines)).await;
        callback(&scene, lines, DOCUMENTED_PROFILE).await;
        let reached = scene.reached().await;
        assert_eq!(reached.len(), 2);
        for request in reached {
            assert_eq!(request.one("host"), Some("app.example"));
            for name in kept {
                let sent: Vec<_> = lines.lines().filter_map(|line| line.split_once(": ")).collect();
                let sent: Vec<_> = sent.iter().filter(|(sent, _)| sent.eq_ignore_ascii_case(name)).collect();
                assert_eq!(request.all(name), sent.iter().map(|(_, value)| *value).collect::<Vec<_>>(), "{name}");
            }
        }
    }
}

/// Posts a callback with header lines and a profile.
async fn callback(scene: &Scene, lines: &str, profile: impl Into<Bytes>) -> Message {
    let body = scene.grant(profile);
    let length = body.len();
    let head = format!("POST {PATH} HTTP/1.1\r\nHost: app.example\r\n{lines}Content-Length: {length}\r\n\r\n");
    scene.send(head + &body).await
}

/// The names that a header lists.
fn tokens(message: &Message, name: &str) -> Vec<String> {
    message.all(name).iter().flat_map(|value| value.split(',')).map(|token| token.trim().to_owned()).collect()
}
