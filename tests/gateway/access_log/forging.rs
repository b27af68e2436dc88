//! What a client can choose, and what it cannot make of that.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use super::{
    super::{
        setup,
        support::{
            program::Program,
            raw::{exchange, get, within},
            recorder::Recorder,
        },
    },
    ask, fields, texts,
};

#[tokio::test]
async fn a_client_can_forge_no_line_and_no_field() {
    let app = Recorder::start().await;
    for format in ["text", "json"] {
        let log = format!("log: {{ access: {{ to: access.log, format: {format}, path: full }} }}\n");
        let program = Program::serve(&(setup::config(app.address()) + &log));
        let requests: [&[u8]; 8] = [
            b"GET /a\"b\\c=d{e}'f HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /\" status=200 user=admin HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /\x1b[2J\x07 HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /\xff\xfe\xc2\x9b31m HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /%0d%0atime=2000-01-01T00:00:00.000Z HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\" status=200 b=\"\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: \xe2\x80\xae\xff,a\r\n\r\n",
            b"STATUS|`~^'#$%&*+ / HTTP/1.1\r\nHost: a\r\n\r\n",
        ];
        for request in requests {
            ask(&program, request).await;
        }
        let host = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", "a".repeat(60_000));
        let method = format!("{} / HTTP/1.1\r\nHost: a\r\n\r\n", "M".repeat(5000));
        for request in [host, method] {
            ask(&program, request).await;
        }
        exchange(program.address(), get("/the-last", "")).await.unwrap();

        let path = program.folder().join("access.log");
        within(async { while !fs::read_to_string(&path).unwrap().contains("/the-last") {} }).await;
        let log = fs::read_to_string(&path).unwrap();

        assert!(log.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)), "{log:?}");
        for line in log.lines() {
            assert!(line.len() < 1000, "{line}");
            if format == "json" {
                let object: serde_json::Map<String, Value> = serde_json::from_str(line).expect(line);
                assert!(!object.contains_key("user"), "{line}");
                assert_eq!(line.matches("\"status\":").count(), 1, "{line}");
            } else {
                assert!(line.starts_with("time=20"), "{line}");
                assert_eq!(unquoted(line).matches(" status=").count(), 1, "{line}");
                assert!(!unquoted(line).contains(" user="), "{line}");
            }
        }
    }
}

#[tokio::test]
async fn what_the_operator_names_has_its_escapes_too() {
    let rule = "/a\"b=c";
    for format in ["text", "json"] {
        let folder = TempDir::new().unwrap();
        let socket = folder.path().join("an app\" status=200.sock");
        let log = format!("log: {{ access: {{ to: access.log, format: {format} }} }}\n");
        let routes = format!("routes: [{{ path: '{rule}' }}]\n");
        let config = format!(
            "listen: 127.0.0.1:0\nadmin: {{ listen: 127.0.0.1:0 }}\nupstream: 'unix:{}'\n{routes}{log}",
            socket.display()
        );
        let program = Program::serve_from(folder, &config);

        ask(&program, get(rule, "")).await;

        let line = texts(&program.folder().join("access.log"), 1).await.remove(0);
        if format == "json" {
            let line: Value = serde_json::from_str(&line).expect(&line);
            let server = socket.display().to_string();
            assert_eq!(fields(&line, &["path", "server", "status"]), [rule, &server, "502"], "{line}");
        } else {
            assert_eq!(unquoted(&line).matches(" status=").count(), 1, "{line}");
            assert!(line.contains(r#" path="/a\"b=c" "#) && line.contains(r#"/an app\" status=200.sock""#), "{line}");
        }
    }
}

/// A line of text without its quoted values.
fn unquoted(line: &str) -> String {
    let (mut text, mut is_quoted, mut is_escaped) = (String::new(), false, false);
    for one in line.chars() {
        match one {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ if !is_quoted => text.push(one),
            _ => {}
        }
    }
    text
}
