//! Which bodies are credentials of the site's own app, and how much of one is read.

use std::time::Duration;

use crate::{
    claims::{assert_problem, claims, of_app},
    native::with_app,
    support::{
        client::Client,
        edge::Kind,
        native::{NATIVE, VERIFIER, code, user},
        scene::Scene,
    },
};

#[tokio::test]
async fn what_is_no_credential_is_refused_and_opens_no_connection() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, with_app).await;
        for body in malformed() {
            println!("body: {}", &body[..body.len().min(200)]);
            assert_problem(&scene.app_login(&body).await, 400, "malformed-credential");
            scene.unreached(body).await;
        }
        assert_eq!(scene.truecaller.connections(), 0);
    }
}

/// Bodies that are wrong in one thing each.
fn malformed() -> Vec<String> {
    let both = format!(r#""code":"c","code_verifier":"{VERIFIER}""#);
    let verifier = |verifier: &str| format!(r#"{{"code":"c","code_verifier":{verifier}}}"#);
    let code = |code: &str| format!(r#"{{"code":{code},"code_verifier":"{VERIFIER}"}}"#);
    let token = |token: &str| format!(r#"{{"access_token":{token}}}"#);
    vec![
        // One member twice, in any spelling.
        format!(r#"{{{both},"code":"d"}}"#),
        format!(r#"{{{both},"c\u006fde":"d"}}"#),
        format!(r#"{{{both},"code_verifier":"{VERIFIER}"}}"#),
        r#"{"access_token":"a","access_token":"a"}"#.to_owned(),
        // Both forms at once, or a half of one.
        format!(r#"{{{both},"access_token":"a"}}"#),
        r#"{"code":"c","access_token":"a"}"#.to_owned(),
        format!(r#"{{"code_verifier":"{VERIFIER}","access_token":"a"}}"#),
        r#"{"code":"c"}"#.to_owned(),
        format!(r#"{{"code_verifier":"{VERIFIER}"}}"#),
        // A code that is none.
        code("1"),
        code(r#""""#),
        code(r#"["c"]"#),
        code(r#""c\r\nHost: evil.example""#),
        code(r#""é""#),
        code(&format!("\"{}\"", "c".repeat(4097))),
        // A verifier that is none.
        verifier("1"),
        verifier(r#""short""#),
        verifier(&format!("\"{}\"", "v".repeat(129))),
        verifier(&format!("\"{}/\"", "v".repeat(43))),
        verifier(&format!("\"{}&client_id=x\"", "v".repeat(43))),
        // A token that is not one segment of a path.
        token("1"),
        token(r#""""#),
        token(r#""..""#),
        token(r#""a/b""#),
        token(r#""a%2fb""#),
        token(r#""a?b""#),
        token(r#""a#b""#),
        token(r#""a\\b""#),
        token(r#""a b""#),
        token(r#""a\r\nHost: evil.example""#),
        token(r#""a\u0000""#),
        token(&format!("\"{}\"", "a".repeat(4097))),
        // What is no JSON object.
        String::new(),
        "{}".to_owned(),
        "[]".to_owned(),
        "nul".to_owned(),
        format!(r#"["c","{VERIFIER}",null]"#),
        format!("code=c&code_verifier={VERIFIER}"),
        format!("{{{both}}}x"),
        format!("{{{both},}}"),
        format!("\u{feff}{{{both}}}"),
        "[".repeat(8000),
    ]
}

#[tokio::test]
async fn a_credential_reaches_the_app_byte_for_byte_up_to_its_limit() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, with_app).await;
        for chunked in [false, true] {
            let body = format!("{:LIMIT$}", code(&scene.truecaller, user()));
            assert_eq!(scene.send(request(body.as_bytes(), chunked)).await.status(), 200);
            let reached = scene.reached_once().await;
            assert_eq!((reached.text(), claims(&reached)), (body, of_app()), "chunked: {chunked}");
        }
    }
}

#[tokio::test]
async fn a_credential_over_its_limit_is_refused_however_it_is_framed() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, with_app).await;
        let body = vec![b' '; LIMIT + 1];
        let endless = request(&vec![b' '; 4 * LIMIT], true);
        let endless = endless[..endless.len() - b"0\r\n\r\n".len()].to_vec();
        for bytes in [request(&body, false), request(&body, true), head("Content-Length: 104857600"), endless] {
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
async fn a_credential_that_is_slow_or_breaks_off_lets_nobody_in() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, |settings| {
            with_app(settings);
            settings.deadline = Duration::from_millis(250);
        })
        .await;
        let body = code(&scene.truecaller, user());
        for framing in [format!("Content-Length: {}", body.len() + 1), "Transfer-Encoding: chunked".to_owned()] {
            let start = if framing.starts_with('T') { format!("{:x}\r\n{body}", body.len()) } else { body.clone() };
            let bytes = [head(&framing), start.into_bytes()].concat();
            let mut slow = Client::connect(scene.edge.address()).await;
            slow.send(&bytes).await;
            assert_problem(&slow.read().await.unwrap(), 408, "body-timeout");
            assert!(slow.read().await.is_none(), "the connection is closed");
            let mut cut = Client::connect(scene.edge.address()).await;
            cut.send(&bytes).await;
            cut.finish().await;
            let answers = cut.read_all().await;
            assert!(answers.iter().all(|answer| answer.status() == 400), "{answers:#?}");
            scene.unreached(framing).await;
        }
        assert_eq!(scene.truecaller.connections(), 0);
    }
}

#[tokio::test]
async fn a_compressed_credential_is_refused_before_it_is_read() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, with_app).await;
        for encoding in ["gzip", "br", "identity, gzip", "identity\r\nContent-Encoding: deflate"] {
            let head = head(&format!("Content-Encoding: {encoding}\r\nContent-Length: 10"));
            assert_problem(&scene.send(head).await, 415, "unsupported-encoding");
            scene.unreached(encoding).await;
        }
    }
}

#[tokio::test]
async fn a_credential_is_posted_and_its_content_type_is_not_judged() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, with_app).await;
        for method in ["GET", "PUT", "DELETE", "OPTIONS", "post"] {
            let answer = scene.send(format!("{method} {NATIVE} HTTP/1.1\r\nHost: shop.example\r\n\r\n")).await;
            assert_eq!((answer.status(), answer.one("allow")), (405, Some("POST")), "{method}");
            assert!(!answer.headers.iter().any(|(name, _)| name.to_lowercase().starts_with("access-control-")));
            scene.unreached(method).await;
        }
        for line in ["Content-Type: text/plain\r\n", "Content-Type: application/json; charset=utf-8\r\n", ""] {
            let answer = scene.app_login_with(line, code(&scene.truecaller, user())).await;
            assert_eq!(answer.status(), 200, "{line}");
            scene.reached_once().await;
        }
    }
}

/// The head of a login, with lines of the test's own.
fn head(lines: &str) -> Vec<u8> {
    format!("POST {NATIVE} HTTP/1.1\r\nHost: shop.example\r\n{lines}\r\n\r\n").into_bytes()
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

const LIMIT: usize = 16 * 1024;
