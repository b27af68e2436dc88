//! The access log: one line for each request.

mod destinations;
mod forging;
mod told;

use std::{fs, path::Path, time::Duration};

use http::{Request, Version};
use hyper::ext::Protocol;
use serde_json::Value;
use tempfile::TempDir;
use tokio::{net::TcpListener, time::sleep};
use truegate::simulator::{Call, Simulator};

use super::{
    sessions::Site,
    setup::{self, CALLBACK, Talk},
    support::{
        edge::sessions::Sessions,
        program::Program,
        raw::{self, exchange, get, within},
        recorder::Recorder,
    },
    tls::{self, Http2, Pair, body},
};

const LOG: &str = "log: { access: { to: access.log }, user_key: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= }\n";

/// The access log of a program, once it has so many lines.
pub(crate) async fn lines(program: &Program, count: usize) -> Vec<Value> {
    let lines = texts(&program.folder().join("access.log"), count).await;
    lines.iter().map(|line| serde_json::from_str(line).expect(line)).collect()
}

async fn texts(path: &Path, count: usize) -> Vec<String> {
    let read = || fs::read_to_string(path).unwrap_or_default();
    within(async {
        while read().lines().count() < count {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let text = read();
    assert_eq!(text.lines().count(), count, "{text}");
    assert!(
        text.ends_with('\n') && text.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)),
        "{text:?}"
    );
    text.lines().map(str::to_owned).collect()
}

/// Sends a request, and waits for the head of its answer or the end of the connection.
async fn ask(program: &Program, request: impl AsRef<[u8]>) {
    let mut client = Talk::connect(program.address()).await;
    client.say(request).await;
    client.hears("\r\n\r\n").await;
}

/// The lines of requests that are sent one after another: a line comes a moment after the answer.
async fn lines_of(program: &Program, requests: impl IntoIterator<Item = Vec<u8>>) -> Vec<Value> {
    let mut told = Vec::new();
    for request in requests {
        ask(program, request).await;
        told = lines(program, told.len() + 1).await;
    }
    told
}

/// The values of these fields, with a dash where there is none.
pub(crate) fn fields(line: &Value, names: &[&str]) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    names.iter().map(|name| line.get(name).map_or("-".to_owned(), text)).collect()
}

#[tokio::test]
async fn every_answer_has_one_line() {
    let (app, truecaller) = (Recorder::start().await, Simulator::start().await.unwrap());
    let program = Program::serve(&(setup::config(app.address()) + &setup::truecaller(&truecaller) + LOG));
    let long = format!("/{}", "a".repeat(9000));
    let many = "x: y\r\n".repeat(101);
    let mut expected = Vec::new();
    for (request, status, refusal, upstream) in [
        (get("/", ""), 200, "-", "default"),
        (b"GET / HTTP/1.0\r\n\r\n".to_vec(), 200, "-", "default"),
        (b"GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), 200, "-", "default"),
        (get(&format!("{CALLBACK}/"), ""), 400, "ambiguous-path", "-"),
        (get(CALLBACK, ""), 405, "method-not-allowed", "-"),
        (raw::post(CALLBACK, b"no callback"), 400, "malformed-callback", "-"),
        (get(&long, ""), 414, "target-too-long", "-"),
        (get("/", &many), 431, "headers-too-large", "-"),
        (b"GET a HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), 400, "malformed-request", "-"),
    ] {
        ask(&program, request).await;
        expected.push(vec![status.to_string(), refusal.to_owned(), upstream.to_owned()]);
        let lines = lines(&program, expected.len()).await;
        assert_eq!(fields(lines.last().unwrap(), &["status", "refusal", "upstream"]), *expected.last().unwrap());
    }
    let url = format!("http://{}{CALLBACK}", program.address());
    truecaller.call(&url, Call::grant()).await.unwrap();
    drop(app);
    exchange(program.address(), get("/", "")).await.unwrap();

    let lines = lines(&program, expected.len() + 2).await;
    let [.., callback, lost] = &lines[..] else { panic!("{lines:#?}") };
    assert_eq!(fields(callback, &["path", "status", "upstream"]), ["callback", "200", "default"]);
    assert_eq!(callback["user"].as_str().unwrap().len(), 22);
    assert_eq!(fields(lost, &["status", "refusal", "upstream"]), ["502", "upstream-unavailable", "default"]);
}

#[tokio::test]
async fn what_is_no_request_at_all_has_a_line_if_it_is_answered() {
    let (app, pair) = (Recorder::start().await, Pair::new());
    let config = setup::config_without_listener(app.address()) + LOG;
    let plain = "listen: [{ address: '127.0.0.1:0', certificate: certificate.pem, key: key.pem }, '127.0.0.1:0']\n";
    let folder = TempDir::new().unwrap();
    pair.write_certificate(folder.path());
    pair.write_key(folder.path());
    let program = Program::serve_from(folder, &(plain.to_owned() + &config));
    let mut count = 0;
    for (request, status) in [
        (&b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"[..], 400),
        (b"secret-value\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", 400),
        (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 405),
    ] {
        let mut client = Talk::connect(program.addresses()[1]).await;
        client.say(get("/", "")).await;
        assert_eq!(client.message().await.status(), 200);
        lines(&program, count + 1).await;
        client.say(request).await;
        assert!(client.rest().await.starts_with(format!("HTTP/1.1 {status} ").as_bytes()));
        count += 2;
        let line = lines(&program, count).await.remove(count - 1);
        let told = ["client", "host", "method", "path", "tls", "status"];
        assert_eq!(fields(&line, &told), ["127.0.0.1", "-", "-", "-", "-", &status.to_string()], "{line}");
    }
    let mut client = Talk::over(pair.connect(program.address(), &["http/1.1"]).await.unwrap());
    client.say("secret-value\r\n\r\n").await;
    client.rest().await;
    let line = lines(&program, count + 1).await.remove(count);
    assert_eq!(fields(&line, &["client", "tls", "status"]), ["127.0.0.1", "TLSv1.3", "400"]);
}

#[tokio::test]
async fn a_connection_that_is_closed_without_an_answer_has_no_line() {
    let app = Recorder::start().await;
    let program = Program::serve(&(setup::config(app.address()) + LOG + "timeouts: { idle: 1s }\n"));
    let mut silent = Talk::connect(program.address()).await;
    silent.rest().await;
    let mut slow = Talk::connect(program.address()).await;
    slow.say("GET / HTTP").await;
    slow.rest().await;
    ask(&program, get("/", "")).await;
    assert_eq!(fields(&lines(&program, 1).await[0], &["status"]), ["200"]);
}

#[tokio::test]
async fn a_redirect_has_its_line() {
    let (app, pair) = (Recorder::start().await, Pair::new());
    let listen = "listen: [{ address: '127.0.0.1:0', certificate: certificate.pem, key: key.pem }, \
                  { address: '127.0.0.1:0', redirect: https }]\n";
    let folder = TempDir::new().unwrap();
    pair.write_certificate(folder.path());
    pair.write_key(folder.path());
    let log = LOG.replace("access.log", "access.log, path: full");
    let program =
        Program::serve_from(folder, &(listen.to_owned() + &setup::config_without_listener(app.address()) + &log));
    let redirecting = program.addresses()[1];
    let mut count = 0;
    for (request, told) in [
        (&b"GET /a?secret HTTP/1.1\r\nHost: localhost\r\n\r\n"[..], ["localhost", "GET", "/a", "301", "-"]),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\na", ["localhost", "POST", "/", "308", "-"]),
        (b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", ["evil.example", "GET", "/", "421", "misdirected-request"]),
        (b"secret-value\r\n\r\n", ["-", "-", "-", "400", "-"]),
    ] {
        let answer = exchange(redirecting, request).await.unwrap();
        count += 1;
        let line = lines(&program, count).await.remove(count - 1);
        assert_eq!(fields(&line, &["host", "method", "path", "status", "refusal"]), told, "{line}");
        assert_eq!(line.get("id").and_then(Value::as_str), answer.one("x-request-id"), "{line}");
    }
}

#[tokio::test]
async fn a_line_tells_where_a_request_came_from_and_where_it_went() {
    let (app, folder) = (Recorder::start().await, TempDir::new().unwrap());
    let more = "trusted_proxies: [127.0.0.1]\nroutes: [{ path: /a, upstream: wiki }]\n";
    let apps = format!("upstreams: {{ wiki: {{ url: 'http://{}' }} }}\n", app.address());
    let program = Program::serve_from(folder, &(setup::config(app.address()) + &apps + more + LOG));

    let origin = "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Host: shop.example\r\n";
    let request = format!("POST /a/b?secret HTTP/1.1\r\nHost: inner\r\nContent-Length: 4\r\n{origin}\r\nbody");
    exchange(program.address(), request).await.unwrap();

    let line = &lines(&program, 1).await[0];
    let told = ["log", "client", "host", "method", "path", "version", "tls", "status", "upstream", "refusal", "user"];
    let values = ["access", "192.0.2.7", "shop.example", "POST", "/a", "HTTP/1.1", "-", "200", "wiki", "-", "-"];
    assert_eq!(fields(line, &told), values);
    let server = app.address().to_string();
    assert_eq!(fields(line, &["bytes_received", "bytes_sent", "server"]), ["4", "2", &server]);
    let [whole, own, upstream] = ["duration_ms", "own_ms", "upstream_ms"].map(|name| line[name].as_f64().unwrap());
    assert!(own >= 0.0 && upstream > 0.0 && own + upstream <= whole + 0.001, "{line}");
    assert!(humantime(line["time"].as_str().unwrap()), "{line}");
}

/// Whether a text is a time of RFC 3339 with milliseconds.
fn humantime(text: &str) -> bool {
    let form: String = text.chars().map(|one| if one.is_ascii_digit() { '0' } else { one }).collect();
    form == "0000-00-00T00:00:00.000Z"
}

#[tokio::test]
async fn each_stream_of_http_2_has_a_line() {
    let (app, pair) = (Recorder::start().await, Pair::new());
    let program = tls::serve(&pair, &(setup::config_without_listener(app.address()) + LOG));
    let mut client = Http2::connect(&pair, program.address()).await;
    for path in ["/a", "/b"] {
        let request = Request::post(format!("https://shop.example{path}")).body(body("body")).unwrap();
        assert_eq!(client.send(request).await.status(), 200);
    }
    for line in lines(&program, 2).await {
        let told = ["host", "version", "tls", "status", "bytes_received", "bytes_sent"];
        assert_eq!(fields(&line, &told), ["shop.example", "HTTP/2", "TLSv1.3", "200", "4", "2"]);
    }
}

#[tokio::test]
async fn a_tunnel_that_http_2_asks_for_has_its_line() {
    let (app, pair) = (Recorder::start().await, Pair::new());
    let program = tls::serve(&pair, &(setup::config_without_listener(app.address()) + LOG));
    let mut client = Http2::connect(&pair, program.address()).await;
    let mut tunnel = Request::connect("secret.example:443").body(body("")).unwrap();
    *tunnel.version_mut() = Version::HTTP_2;
    assert_eq!(client.send(tunnel).await.status(), 405);
    let line = &lines(&program, 1).await[0];
    let told = ["client", "host", "method", "version", "tls", "status", "upstream"];
    let values = ["127.0.0.1", "secret.example:443", "CONNECT", "HTTP/2", "TLSv1.3", "405", "-"];
    assert_eq!(fields(line, &told), values, "{line}");

    let mut extended = Request::connect("https://shop.example/chat").body(body("")).unwrap();
    extended.extensions_mut().insert(Protocol::from_static("websocket"));
    let refused = within(client.sender().send_request(extended)).await;
    assert!(refused.is_err(), "the stream is reset, so there is no answer that a line could tell of: {refused:?}");
    let request = Request::get("https://shop.example/").body(body("")).unwrap();
    assert_eq!(client.send(request).await.status(), 200);
    assert_eq!(fields(&lines(&program, 2).await[1], &["method"]), ["GET"]);
}

#[tokio::test]
async fn a_client_that_leaves_early_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let program = Program::serve(&(setup::config(listener.local_addr().unwrap()) + LOG));
    let mut client = Talk::connect(program.address()).await;
    client.say(get("/slow", "")).await;
    let mut app = Talk::accept(&listener).await;
    app.message().await;
    drop(client);

    let line = &lines(&program, 1).await[0];

    assert_eq!(fields(line, &["status", "bytes_sent", "upstream", "refusal"]), ["499", "0", "default", "-"]);
}

#[tokio::test]
async fn a_websocket_has_its_line_at_its_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let program = Program::serve(&(setup::config(listener.local_addr().unwrap()) + LOG));
    let mut client = Talk::connect(program.address()).await;
    client.say(get("/", "Connection: Upgrade\r\nUpgrade: websocket\r\n")).await;
    let mut app = Talk::accept(&listener).await;
    app.hear("\r\n\r\n").await;
    app.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n").await;
    client.hear("\r\n\r\n").await;
    app.say("from the app").await;
    client.hear("from the app").await;
    assert_eq!(fs::read_to_string(program.folder().join("access.log")).unwrap(), "");
    drop(app);
    client.rest().await;

    let line = &lines(&program, 1).await[0];

    assert_eq!(fields(line, &["status", "bytes_sent"]), ["101", "12"]);
    assert!(line["upstream_ms"].as_f64() <= line["duration_ms"].as_f64());
}

#[tokio::test]
async fn a_stream_that_ends_with_its_session_has_its_line_and_so_has_the_logout() {
    const EVENTS: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent";
    let (sessions, app) = (Sessions::usual(), Recorder::answering(EVENTS).await);
    // Any gateway with the secret knows who logged in here.
    let site = Site::open(&sessions, "", "").await;
    let mut visitor = site.signed_in().await;
    let config = setup::config(app.address()) + &setup::truecaller(&site.truecaller) + &sessions.yaml() + LOG;
    let program = Program::serve(&config);
    let mut client = Talk::connect(program.address()).await;
    let cookie = visitor.cookie("__Host-truegate").unwrap();
    client.say(get("/events", &format!("Cookie: __Host-truegate={cookie}\r\n"))).await;
    client.hear("event").await;

    visitor.via(program.address()).post("/.truegate/logout", "").await;
    client.rest().await;

    let lines = lines(&program, 2).await;
    let (logout, events) = if lines[0]["path"] == "/" { (&lines[1], &lines[0]) } else { (&lines[0], &lines[1]) };
    assert_eq!(fields(logout, &["path", "status"]), ["/.truegate/logout", "204"]);
    assert_eq!(fields(events, &["path", "status", "bytes_sent"]), ["/", "200", "-"]);
    assert!(events["user"].is_string() && events["user"] == logout["user"], "{lines:#?}");
}

#[tokio::test]
async fn the_documentation_shows_lines_as_they_are() {
    let page = include_str!("../../../docs/logs.md");
    let sample = |language: &str| page.split(&format!("```{language}\n")).find_map(|rest| sample(rest)).unwrap();
    let (sessions, app, pair) = (Sessions::usual(), Recorder::start().await, Pair::new());
    // Any gateway with the secret knows who logged in here.
    let site = Site::open(&sessions, "", "").await;
    let visitor = site.signed_in().await;
    for format in ["json", "text"] {
        let log = format!("log: {{ access: {{ to: access.log, format: {format} }} }}\n");
        let apps = setup::config_without_listener(app.address()) + &setup::truecaller(&site.truecaller);
        let program = tls::serve(&pair, &(apps + &sessions.yaml() + &log));
        let cookie = format!("__Host-truegate={}", visitor.cookie("__Host-truegate").unwrap());
        let request = Request::get("https://shop.example/").header("cookie", cookie).body(body("")).unwrap();
        Http2::connect(&pair, program.address()).await.send(request).await;
        let line = texts(&program.folder().join("access.log"), 1).await.remove(0);
        assert_eq!(names(&line), names(sample(format)), "{line}");
    }
    let rows = page.split("| field | meaning |\n|---|---|\n").nth(1).unwrap().lines();
    let rows = rows.take_while(|row| row.starts_with('|')).map(|row| row.split('|').nth(1).unwrap());
    let documented: Vec<_> = rows.flat_map(|names| names.split('`').skip(1).step_by(2)).collect();
    assert_eq!(documented, [&names(sample("json"))[..], &["refusal", "trace_id"]].concat());
}

/// The line in a block of the documentation, if it is one.
fn sample(block: &str) -> Option<&str> {
    block.lines().next().filter(|line| line.contains("status"))
}

/// The names of the fields of a line, in their order.
fn names(line: &str) -> Vec<&str> {
    match line.strip_prefix("{\"") {
        Some(json) => json.split(",\"").map(|field| field.split('"').next().unwrap()).collect(),
        None => line.split(' ').map(|field| field.split('=').next().unwrap()).collect(),
    }
}
