//! A request that two servers could read in two ways is read by neither.

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpStream, task::JoinSet};
use truegate::simulator::DOCUMENTED_PROFILE;

use crate::{
    claims::{assert_problem, claims},
    support::{
        client::Client,
        edge::{Kind, PATH},
        raw::get,
        scene::Scene,
    },
};

/// A request that must not be found in the body of another.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: app.example\r\nX-Truecaller-Phone: +1\r\n\r\n";

#[tokio::test]
async fn a_head_that_is_framed_in_two_ways_is_refused() {
    let heads = [
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \u{b}chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n",
        "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\n",
    ];
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for head in heads {
            refused(&scene, &format!("{head}{SMUGGLED}")).await;
            refused(&scene, &format!("{}{SMUGGLED}", head.replace(" / ", &format!(" {PATH} ")))).await;
        }
    }
}

#[tokio::test]
async fn a_head_without_one_clear_host_is_refused() {
    let heads = [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: user@a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: legit,for=127.0.0.1\r\n\r\n",
        "GET http://evil.example/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n",
    ];
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for head in heads {
            refused(&scene, head).await;
        }
    }
}

#[tokio::test]
async fn a_host_is_a_name_or_an_address_with_a_port_that_is_a_number() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for host in [
            "gate.test:80x", "gate.test:x", "gate.test:-1", "gate.test:+80", "gate.test:65536", "gate.test:000080",
            "gate.test:80:80", "gate.test:80@evil.test", ":-1", ":80", "::1", "[::1]x", "[::1]:x", "[::1", "::1]",
            "[]", "[gate.test]", "[fe80::1%25eth0]", "gate..test", ".gate.test", "gate%zz.test", "gate]test",
        ] {
            refused(&scene, &format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
            refused(&scene, &format!("GET http://{host}/ HTTP/1.0\r\n\r\n")).await;
        }
        for host in [
            "gate.test", "Gate.Test.:8443", "my_app:3000", "gate.test:", "gate.test:0", "gate.test:65535",
            "127.0.0.1:80", "[::1]", "[::ffff:127.0.0.1]:80",
        ] {
            let answer = scene.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
            assert_eq!(answer.status(), 200, "{host}");
            assert_eq!(scene.reached_once().await.one("host"), Some(host));
        }
    }
}

#[tokio::test]
async fn an_absolute_target_reaches_the_app_as_a_path() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for (line, host, target) in [
            ("http://app.example/x?y=%2F HTTP/1.1\r\nHost: app.example", "app.example", "/x?y=%2F"),
            ("HTTP://app.example:8080/a//b HTTP/1.1\r\nHost: app.example:8080", "app.example:8080", "/a//b"),
            ("https://app.example/ HTTP/1.1\r\nHost: app.example", "app.example", "/"),
            ("http://app.example HTTP/1.1\r\nHost: app.example", "app.example", "/"),
            ("http://app.example?q=/x HTTP/1.1\r\nHost: app.example", "app.example", "/?q=/x"),
            ("http://app.example:81/x HTTP/1.0", "app.example:81", "/x"),
            ("http://[::1]:81/x HTTP/1.0\r\nHost: [::1]:81", "[::1]:81", "/x"),
        ] {
            let answer = scene.send(format!("GET {line}\r\nX-Truecaller-Phone: +1\r\n\r\n")).await;
            assert_eq!(answer.status(), 200, "{line}");
            let request = scene.reached_once().await;
            assert_eq!(request.start, format!("GET {target} HTTP/1.1"), "{line}");
            assert_eq!((request.one("host"), claims(&request)), (Some(host), vec![]), "{line}");
        }
        let body = r#"{"requestId":"a-nonce-","status":"user_rejected"}"#;
        let head = format!("POST http://app.example{PATH}?a HTTP/1.1\r\nHost: app.example\r\n");
        let answer = scene.send(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())).await;
        assert_eq!(answer.status(), 200);
        let request = scene.reached_once().await;
        assert_eq!(request.start, format!("POST {PATH}?a HTTP/1.1"));
        assert_eq!(request.one("x-truecaller-status"), Some("user_rejected"));
    }
}

#[tokio::test]
async fn the_host_of_an_absolute_target_is_the_same_in_any_letter_case() {
    // pingora compares them byte for byte before the module sees the request.
    for kind in [Kind::Tower, Kind::Gateway] {
        let scene = Scene::of(kind).await;
        for (target, host) in [
            ("http://App.Example/x", "app.example"),
            ("http://app.example/x", "APP.EXAMPLE"),
            ("http://app.example:80/x", "app.example"),
            ("http://app.example/x", "app.example:80"),
            ("https://App.Example:443/x", "app.example"),
        ] {
            let answer = scene.send(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
            assert_eq!(answer.status(), 200, "{target} {host}");
            let request = scene.reached_once().await;
            assert_eq!((request.start.as_str(), request.one("host")), ("GET /x HTTP/1.1", Some(host)), "{target}");
        }
    }
}

#[tokio::test]
async fn a_connection_header_that_is_malformed_is_refused_before_a_token_is_spent() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for value in [
            "close, a b", "\"close\"", "close;q=1", "\u{e9}", ":path", "a,b,c,d,e,f,g,h,i,j", "Host",
            "close, X-Forwarded-For", "x-forwarded-host", "X-Forwarded-Proto",
        ] {
            let lines = format!("Connection: {value}\r\n");
            let body = scene.grant(DOCUMENTED_PROFILE);
            let head = format!("POST {PATH} HTTP/1.1\r\nHost: a\r\n{lines}Content-Length: {}\r\n\r\n", body.len());
            assert_problem(&scene.send(head.clone() + &body).await, 400, "malformed-request");
            assert_problem(&scene.send(get("/", &lines)).await, 400, "malformed-request");
            scene.unreached(value).await;
            assert_eq!(scene.truecaller.fetches(), 0, "{value}");
        }
        for value in ["close", "keep-alive,, TE ,", "a,b,c,d,e,f,g,h,i", ""] {
            let answer = scene.send(get("/", &format!("Connection: {value}\r\n"))).await;
            assert_eq!(answer.status(), 200, "{value}");
        }
    }
}

#[tokio::test]
async fn a_head_that_is_no_head_is_refused() {
    let heads = [
        "GET / HTTP/1.1\r\nHost: a\r\nX-Truecaller-Phone : +1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n X-Truecaller-Phone: +1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\n X-Truecaller-Phone: +1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\rX-Truecaller-Phone: +1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX-Truecaller\0-Phone: +1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n: no name\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1.1\r\nHost: a\r\n\r\n",
        "G\0T / HTTP/1.1\r\nHost: a\r\n\r\n",
    ];
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for head in heads {
            refused(&scene, head).await;
        }
    }
}

#[tokio::test]
async fn a_space_in_a_target_is_refused_or_spelled_out() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let status = scene.send(format!("GET {PATH} b HTTP/1.1\r\nHost: a\r\n\r\n")).await.status();
        let reached: Vec<_> = scene.reached().await.into_iter().map(|request| request.start).collect();
        match kind {
            Kind::Tower => assert_eq!((status, reached), (400, vec![])),
            Kind::Pingora | Kind::Gateway => {
                assert_eq!((status, reached), (200, vec![format!("GET {PATH}%20b HTTP/1.1")]));
            }
        }
    }
}

/// Insists on a 400 or less, an end of the connection, and an app that saw nothing.
async fn refused(scene: &Scene, bytes: &str) {
    println!("request: {bytes:?}");
    let mut client = Client::connect(scene.edge.address()).await;
    client.send(bytes).await;
    client.finish().await;
    let answers = client.read_all().await;
    assert!(answers.len() <= 1 && answers.iter().all(|answer| answer.status() == 400), "{answers:#?}");
    scene.unreached(bytes).await;
}

#[tokio::test]
async fn a_length_beside_chunks_never_reaches_the_app() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for lines in [
            "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
            "content-length: 200\r\nTRANSFER-ENCODING: Chunked\r\n",
        ] {
            println!("lines: {lines:?}");
            let mut client = Client::connect(scene.edge.address()).await;
            client.send(format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n0\r\n\r\n{SMUGGLED}")).await;
            client.finish().await;
            let answers = client.read_all().await;
            let reached = scene.reached().await;
            if kind == Kind::Tower {
                // hyper takes the chunks and drops the length.
                assert!(reached.iter().all(|request| claims(request).is_empty()), "{reached:#?}");
                assert!(reached.first().is_none_or(|request| request.one("content-length").is_none_or(|l| l == "0")));
            } else {
                assert!(matches!(&answers[..], [answer] if answer.status() == 400), "{answers:#?}");
                assert!(reached.is_empty(), "{reached:#?}");
            }
        }
    }
}

#[tokio::test]
async fn equal_lengths_are_one_or_refused() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for path in ["/", PATH] {
            let body = r#"{"requestId":"a-nonce-","status":"user_rejected"}"#;
            let length = format!("Content-Length: {}\r\n", body.len());
            let status =
                scene.send(format!("POST {path} HTTP/1.1\r\nHost: a\r\n{length}{length}\r\n{body}")).await.status();
            let reached = scene.reached().await;
            assert_eq!(status, if kind == Kind::Tower { 200 } else { 400 });
            assert_eq!(reached.len(), usize::from(kind == Kind::Tower));
            assert!(reached.iter().all(|request| request.one("content-length").is_some() && request.text() == body));
        }
    }
}

#[tokio::test]
async fn bare_line_feeds_are_line_ends_and_leave_as_whole_ones() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let answer = scene.send("GET /a HTTP/1.1\nHost: a\nX-Truecaller-Phone: +1\nX-A: b\n\n").await;
        assert_eq!(answer.status(), 200);
        let request = scene.reached_once().await;
        assert_eq!((claims(&request), request.one("x-a")), (vec![], Some("b")));
        scene.send("GET /a HTTP/1.1\nHost: a\n\n").await;
        let bytes = scene.reached_bytes().await;
        assert_eq!(bytes.matches('\n').count(), bytes.matches("\r\n").count(), "{bytes:?}");
    }
}

#[tokio::test]
async fn a_gateway_refuses_a_head_that_is_too_large() {
    let scene = Scene::of(Kind::Gateway).await;
    let lines = |count: usize| (0..count).map(|line| format!("X-A-{line}: b\r\n")).collect::<String>();
    for (request, status) in [
        (get(&format!("/{}", "a".repeat(8 * 1024)), ""), 414),
        (get("/", &lines(100)), 431),
        (get("/", &format!("X-A: {}\r\n", "b".repeat(64 * 1024))), 431),
    ] {
        let mut client = Client::connect(scene.edge.address()).await;
        client.send(&request).await;
        let answer = client.read().await.unwrap();
        // pingora refuses on its own what it cannot hold.
        assert!([status, 400].contains(&answer.status()), "{answer:#?}");
        assert!(client.read().await.is_none());
        scene.unreached(status).await;
    }
    assert_eq!(scene.send(get("/", &lines(99))).await.status(), 200);
    assert_eq!(scene.send(get(&format!("/{}", "a".repeat(8 * 1024 - 1)), "")).await.status(), 200);
}

#[tokio::test]
async fn two_hosts_of_one_http_2_request_are_refused() {
    let scene = Scene::of(Kind::Tower).await;
    let stream = TcpStream::connect(scene.edge.address()).await.unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let mut drive = JoinSet::new();
    drive.spawn(connection);
    for (host, status) in [("other.example", 400), ("app.example", 200)] {
        let request = Request::get("http://app.example/").header("host", host).body(Empty::<Bytes>::new()).unwrap();
        assert_eq!(sender.send_request(request).await.unwrap().status(), status, "{host}");
        assert_eq!(scene.reached().await.len(), usize::from(status == 200));
    }
}

#[tokio::test]
async fn a_request_that_is_rejected_is_not_asked_to_go_on() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for (start, lines, status, code) in [
            (format!("PUT {PATH}"), "Content-Length: 2", 405, "method-not-allowed"),
            (format!("POST {PATH}"), "Content-Length: 99999", 413, "body-too-large"),
            (format!("POST {PATH}"), "Content-Encoding: gzip\r\nContent-Length: 2", 415, "unsupported-encoding"),
            (format!("POST {PATH}/"), "Content-Length: 2", 400, "ambiguous-path"),
            ("POST /".to_owned(), "Transfer-Encoding: gzip, chunked", 400, "malformed-request"),
        ] {
            let head = format!("{start} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n{lines}\r\n\r\n");
            assert_problem(&scene.send(head).await, status, code);
            scene.unreached(code).await;
        }
    }
}

#[tokio::test]
async fn a_callback_that_cannot_be_asked_to_go_on_is_not() {
    let body = r#"{"requestId":"a-nonce-","status":"user_rejected"}"#;
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for line in ["HTTP/1.0\r\nHost: a\r\nExpect: 100-continue", "HTTP/1.1\r\nHost: a\r\nExpect: a-miracle"] {
            let length = body.len();
            let answer = scene.send(format!("POST {PATH} {line}\r\nContent-Length: {length}\r\n\r\n{body}")).await;
            assert_eq!(answer.status(), 200, "{kind:?} {line}");
        }
    }
}

#[tokio::test]
async fn a_callback_that_waits_to_go_on_is_asked_to() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let body = r#"{"requestId":"a-nonce-","status":"user_rejected"}"#;
        let mut client = Client::connect(scene.edge.address()).await;
        let length = body.len();
        let head =
            format!("POST {PATH} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n");
        client.send(head).await;
        assert_eq!(client.read().await.unwrap().status(), 100);
        client.send(body).await;
        assert_eq!(client.read().await.unwrap().status(), 200);
        let request = scene.reached_once().await;
        assert_eq!((request.one("expect"), request.text().as_str()), (None, body));
    }
}
