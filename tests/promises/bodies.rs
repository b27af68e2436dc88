//! Which bodies are callbacks, and how much of one is read.

use std::time::Duration;

use truegate::simulator::{Call, DOCUMENTED_PROFILE};

use crate::{
    claims::{assert_problem, claims, documented},
    support::{
        client::Client,
        edge::{Kind, PATH},
        scene::Scene,
    },
};

#[tokio::test]
async fn what_is_no_callback_is_refused_and_opens_no_connection() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for body in malformed(scene.truecaller.endpoint()) {
            let shown = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
            println!("body: {shown}");
            assert_problem(&scene.callback(&body).await, 400, "malformed-callback");
            scene.unreached(shown).await;
        }
        assert_eq!(scene.truecaller.connections(), 0);
    }
}

/// Bodies that are wrong in one thing each.
fn malformed(endpoint: &str) -> Vec<Vec<u8>> {
    let grant = format!(r#""requestId":"a-nonce-","accessToken":"t","endpoint":"{endpoint}""#);
    let member = |id: &str| format!(r#"{{"requestId":{id},"accessToken":"t","endpoint":"{endpoint}"}}"#);
    let token = |token: &str| format!(r#"{{"requestId":"a-nonce-","accessToken":{token},"endpoint":"{endpoint}"}}"#);
    let names = |url: &str| format!(r#"{{"requestId":"a-nonce-","accessToken":"t","endpoint":{url}}}"#);
    let deep = "[".repeat(8000);
    let long_id = format!("\"{}\"", "n".repeat(10 * 1024));
    let long_token = format!("\"{}\"", "t".repeat(4097));
    let utf16: Vec<u8> = format!("{{{grant}}}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let texts = [
        // One member twice, in any order and spelling.
        format!(r#"{{{grant},"endpoint":"http://127.0.0.1:9/"}}"#),
        format!(r#"{{"endpoint":"http://127.0.0.1:9/",{grant}}}"#),
        format!(r#"{{{grant},"\u0065ndpoint":"{endpoint}"}}"#),
        format!(r#"{{{grant},"requestId":"a-nonce-"}}"#),
        format!(r#"{{{grant},"accessToken":"u"}}"#),
        r#"{"requestId":"a-nonce-","status":"flow_invoked","status":"user_rejected"}"#.to_owned(),
        // A request id that is none.
        member("12345678"),
        member(r#"["a-nonce-"]"#),
        member(r#"{"$ne":"a-nonce-"}"#),
        member("null"),
        member("true"),
        member(r#""n""#),
        member(r#""a request id ""#),
        member(r#""a-nonce-\r\nX-Truecaller-Phone: +1""#),
        member(&long_id),
        // A token that is none.
        token("1"),
        token(r#""""#),
        token(r#""t t""#),
        token(r#""t\r\nHost: evil.example""#),
        token(r#""t\u0000""#),
        token(r#""té""#),
        token(r#"["t"]"#),
        token(&long_token),
        // An endpoint that is no text.
        names("null"),
        names("1"),
        names(&format!(r#"["{endpoint}"]"#)),
        // A refusal that brings a token.
        format!(r#"{{{grant},"status":"user_rejected"}}"#),
        format!(r#"{{{grant},"status":"use_another_number"}}"#),
        // A status that is no text, or none at all.
        r#"{"requestId":"a-nonce-","status":1}"#.to_owned(),
        r#"{"requestId":"a-nonce-","status":null}"#.to_owned(),
        r#"{"requestId":"a-nonce-"}"#.to_owned(),
        // What is no JSON object.
        String::new(),
        " ".to_owned(),
        "{}".to_owned(),
        "[]".to_owned(),
        format!(r#"["a-nonce-","t","{endpoint}",null]"#),
        r#""x""#.to_owned(),
        "nul".to_owned(),
        "requestId=a-nonce-&status=user_rejected".to_owned(),
        format!("{{{grant}}}x"),
        format!("{{{grant}}}{{{grant}}}"),
        format!("{{{grant},}}"),
        format!("\u{feff}{{{grant}}}"),
        deep.clone(),
        format!(r#"{{{grant},"deep":{deep}{}}}"#, "]".repeat(8000 - 300)),
    ];
    let mut bodies: Vec<_> = texts.into_iter().map(String::into_bytes).collect();
    bodies.push(utf16);
    bodies.push(b"{\"requestId\":\"a-nonce-\",\"status\":\"\xff\"}".to_vec());
    bodies
}

#[tokio::test]
async fn a_body_reaches_the_app_byte_for_byte_up_to_its_limit() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for chunked in [false, true] {
            let body = filled(&scene.grant(DOCUMENTED_PROFILE), LIMIT);
            assert_eq!(scene.send(request(&body, chunked)).await.status(), 200);
            let request = scene.reached_once().await;
            assert_eq!(request.body, body, "chunked: {chunked}");
            assert_eq!(claims(&request), documented("a-nonce-"));
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
                let request = request(body, chunked);
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
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let body = filled(&scene.grant(DOCUMENTED_PROFILE), LIMIT + 1);
        for bytes in [request(&body, false), request(&body, true), head("Content-Length: 104857600"), endless()] {
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
    for kind in Kind::ALL {
        let scene = Scene::with(kind, |settings| settings.deadline = Duration::from_millis(250)).await;
        let start = r#"{"requestId":"a-nonce-","status":"user_rejected"}"#;
        for framing in ["Content-Length: 100\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n31\r\n"] {
            let mut client = Client::connect(scene.edge.address()).await;
            client.send(format!("POST {PATH} HTTP/1.1\r\nHost: app.example\r\n{framing}{start}")).await;
            assert_problem(&client.read().await.unwrap(), 408, "body-timeout");
            assert!(client.read().await.is_none(), "the connection is closed");
            scene.unreached(framing).await;
        }
        assert_eq!(scene.truecaller.connections(), 0);
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_never_a_callback() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let whole = r#"{"requestId":"a-nonce-","status":"user_rejected"}"#;
        for framing in ["Content-Length: 50\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n31\r\n"] {
            let mut client = Client::connect(scene.edge.address()).await;
            client.send(format!("POST {PATH} HTTP/1.1\r\nHost: app.example\r\n{framing}{whole}")).await;
            client.finish().await;
            let answers = client.read_all().await;
            assert!(answers.iter().all(|answer| answer.status() == 400), "{answers:#?}");
            scene.unreached(framing).await;
        }
        assert_eq!(scene.truecaller.connections(), 0);
    }
}

#[tokio::test]
async fn a_compressed_body_is_refused_before_it_is_read() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for encoding in ["gzip", "br", "identity, gzip", "identity\r\nContent-Encoding: deflate", "\"identity\""] {
            let head = head(&format!("Content-Encoding: {encoding}\r\nContent-Length: 10"));
            assert_problem(&scene.send(head).await, 415, "unsupported-encoding");
            scene.unreached(encoding).await;
        }
        let body = scene.grant(DOCUMENTED_PROFILE);
        let mut plain = head(&format!("Content-Encoding: Identity\r\nContent-Length: {}", body.len()));
        plain.extend(body.as_bytes());
        assert_eq!(scene.send(plain).await.status(), 200);
        assert_eq!(scene.reached_once().await.text(), body);
    }
}

#[tokio::test]
async fn only_a_post_is_a_callback() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let body = scene.grant(DOCUMENTED_PROFILE);
        for method in ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "post", "PROPFIND", "FOO"] {
            let origin = "Origin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n";
            let length = body.len();
            let head =
                format!("{method} {PATH} HTTP/1.1\r\nHost: app.example\r\n{origin}Content-Length: {length}\r\n\r\n");
            let answer = scene.send(head + &body).await;
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
async fn the_content_type_of_a_callback_is_not_judged() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for line in ["Content-Type: text/plain\r\n", "Content-Type: application/x-www-form-urlencoded\r\n", ""] {
            let body = scene.grant(DOCUMENTED_PROFILE);
            let head = head(&format!("{line}Content-Length: {}", body.len()));
            assert_eq!(scene.send([head, body.into_bytes()].concat()).await.status(), 200);
            assert_eq!(claims(&scene.reached_once().await), documented("a-nonce-"));
        }
    }
}

#[tokio::test]
async fn a_callback_that_comes_twice_is_verified_twice() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let url = format!("http://{}{PATH}", scene.edge.address());
        let posted = scene.truecaller.call(&url, Call::twice().request_id("a-nonce-")).await.unwrap();
        assert!(posted.len() == 2 && posted.iter().all(|posted| posted.answer.status == 200));
        assert_eq!(scene.truecaller.fetches(), 2);
        let reached = scene.reached().await;
        assert_eq!(reached.len(), 2);
        for request in reached {
            assert_eq!(request.body, posted[0].body);
            assert_eq!(claims(&request), documented("a-nonce-"));
        }
    }
}

/// The head of a callback, with lines of the test's own.
fn head(lines: &str) -> Vec<u8> {
    format!("POST {PATH} HTTP/1.1\r\nHost: app.example\r\n{lines}\r\n\r\n").into_bytes()
}

fn request(body: &[u8], chunked: bool) -> Vec<u8> {
    if !chunked {
        return [head(&format!("Content-Length: {}", body.len())), body.to_vec()].concat();
    }
    let mut bytes = head("Transfer-Encoding: chunked");
    for chunk in body.chunks(1000) {
        bytes.extend(format!("{:x}\r\n", chunk.len()).bytes().chain(chunk.iter().copied()).chain(*b"\r\n"));
    }
    bytes.extend(b"0\r\n\r\n");
    bytes
}

/// A chunked body without an end.
fn endless() -> Vec<u8> {
    let mut bytes = request(&vec![b' '; 4 * LIMIT], true);
    bytes.truncate(bytes.len() - b"0\r\n\r\n".len());
    bytes
}

/// A callback, filled up with white space.
fn filled(body: &str, length: usize) -> Vec<u8> {
    format!("{body:length$}").into_bytes()
}

const LIMIT: usize = 16 * 1024;
