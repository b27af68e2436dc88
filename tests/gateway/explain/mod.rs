//! `truegate explain`: what it tells of a request is what a running gateway does with the very same bytes.

mod explained;

use std::{collections::BTreeSet, net::IpAddr, path::Path, process::Stdio};

use serde_json::Value;
use tokio::{io::AsyncWriteExt, process::Command};
use truegate::simulator::Simulator;

use super::{
    sessions::Site,
    setup::{self, CALLBACK},
    support::{
        edge::sessions::{Need, Sessions},
        program::Program,
        raw::{self, Message, within},
        recorder::Recorder,
    },
};

/// What the command prints for a request from an address, and how it ends.
async fn run(folder: &Path, from: &str, request: &[u8], more: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_truegate"));
    command.arg("explain").arg("-c").arg(folder.join("config.yaml")).args(["--from", from]).args(more);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    // Wrong arguments end the command before it reads.
    let _ = child.stdin.take().unwrap().write_all(request).await;
    let output = within(child.wait_with_output()).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

async fn explained(folder: &Path, from: &str, request: &[u8], more: &[&str]) -> Value {
    let (code, out, error) = run(folder, from, request, &[&["--format", "json"], more].concat()).await;
    assert_eq!(code, Some(0), "{error}");
    serde_json::from_str(&out).unwrap()
}

/// The lines of a message, but for cookies.
fn lines(message: &Message) -> BTreeSet<(String, String)> {
    let lines = message.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("cookie"));
    lines.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect()
}

fn cookies(message: &Message) -> BTreeSet<&str> {
    message.all("cookie").into_iter().flat_map(|line| line.split(';').map(str::trim)).collect()
}

fn texts(list: &Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_ascii_lowercase()).collect()
}

/// Checks that an explanation tells what happened: the answer that a client got to its bytes, and what the app got.
async fn check(told: &Value, request: &[u8], answer: Option<&Message>, app: &[Message]) {
    let about = format!("{}\n{told:#}\n{answer:#?}\n{app:#?}", String::from_utf8_lossy(request));
    match (app, answer) {
        ([got], Some(_)) => {
            assert_eq!(told["answer"]["by"], "app", "{about}");
            // What was sent has been read by the app's own reader of messages too.
            let sent = Message::read(&mut &*request).await.unwrap().unwrap();
            let (sent_lines, got_lines) = (lines(&sent), lines(got));
            let names = |lines: Vec<&(String, String)>| {
                lines.into_iter().map(|(name, _)| name.clone()).collect::<BTreeSet<_>>()
            };
            let forwarded = &told["forwarded"];
            let stripped = names(sent_lines.difference(&got_lines).collect());
            assert_eq!(texts(&forwarded["stripped"]["headers"]), stripped, "{about}");
            let injected = forwarded["injected"].as_array().unwrap().iter();
            let injected: BTreeSet<_> = injected
                .map(|header| {
                    assert_eq!(header["value"], "(masked)");
                    header["name"].as_str().unwrap().to_ascii_lowercase()
                })
                .collect();
            assert_eq!(injected, names(got_lines.difference(&sent_lines).collect()), "{about}");
            let (sent_pairs, got_pairs) = (cookies(&sent), cookies(got));
            let gone =
                sent_pairs.difference(&got_pairs).map(|pair| pair.split('=').next().unwrap().to_ascii_lowercase());
            let gone: BTreeSet<_> = gone.collect();
            assert_eq!(texts(&forwarded["stripped"]["cookies"]), gone, "{about}");
        }
        ([], Some(answer)) => {
            assert_eq!(told["answer"]["by"], "truegate", "{about}");
            assert_eq!(told["forwarded"], Value::Null, "{about}");
            assert_eq!(told["answer"]["status"], answer.status(), "{about}");
            if answer.one("content-type") == Some("application/problem+json") {
                assert_eq!(told["answer"]["code"], answer.code(), "{about}");
            }
            let location = answer.one("location").map(|url| url.split('?').next().unwrap());
            assert_eq!(told["answer"]["location"].as_str(), location, "{about}");
            let unimportant = ["connection", "date", "content-length"];
            let names = answer.headers.iter().map(|(name, _)| name.to_ascii_lowercase());
            let names = names.filter(|name| !unimportant.contains(&&**name)).collect();
            assert_eq!(texts(&told["answer"]["headers"]), names, "{about}");
            let set =
                answer.all("set-cookie").into_iter().map(|line| line.split('=').next().unwrap().to_ascii_lowercase());
            assert_eq!(texts(&told["answer"]["cookies"]), set.collect(), "{about}");
        }
        ([], None) => assert_eq!(told["answer"]["by"], "nobody", "{about}"),
        _ => panic!("{about}"),
    }
}

/// Sends a request to a listener of a gateway and explains it, and checks that both are the same. Returns the explanation.
async fn same(
    program: &Program,
    app: &Recorder,
    (from, listener): (&str, usize),
    request: &[u8],
    more: &[&str],
) -> Value {
    app.take();
    let address = program.addresses()[listener];
    let answer = raw::exchange_from(from.parse::<IpAddr>().unwrap(), address, request).await;
    let told = explained(program.folder(), from, request, more).await;
    check(&told, request, answer.as_ref(), &app.take()).await;
    told
}

const CLIENT: (&str, usize) = ("127.0.0.5", 0);
const PROXY: (&str, usize) = ("127.0.0.9", 0);

fn get(path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: shop.example\r\n{headers}\r\n").into_bytes()
}

/// A site with a session, and the line with its cookies.
async fn site() -> (Site, String) {
    let rules = vec![
        ("/public", Need::Public),
        ("/vip", Need::Listed(vec!["+15005550006"])),
        ("/account", Need::Required),
        ("/", Need::Optional),
    ];
    let more = "trusted_proxies: [127.0.0.9]\ntimeouts: { idle: 1s }\n";
    let site = Site::open(&Sessions { rules, ..Sessions::usual() }, "", more).await;
    let visitor = site.signed_in().await;
    let cookie = visitor.cookie("__Host-truegate").unwrap().to_owned();
    (site, format!("Cookie: theme=dark; __Host-truegate={cookie}; a=b\r\n"))
}

/// A callback as Truecaller sends it.
fn grant(simulator: &Simulator) -> Vec<u8> {
    let body = simulator.documented_callback(simulator.endpoint());
    let head = format!(
        "POST {CALLBACK} HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), &body].concat()
}

#[tokio::test]
async fn with_sessions_each_explanation_is_what_the_gateway_does() {
    let (site, cookie) = site().await;
    let spoofed =
        "X-Truecaller-Phone: +1\r\nx_truecaller_name: Eve\r\nX-Real-IP: 10.0.0.1\r\nForwarded: for=10.0.0.2\r\n";
    let garbled = cookie.replace("__Host-truegate=", "__Host-truegate=A");
    let page = "Accept: text/html\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
    let posted = b"POST /public HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 3\r\n\r\nabc".to_vec();
    let asked = |uri: &str, more: &str| {
        get("/.truegate/auth", &format!("X-Forwarded-Uri: {uri}\r\nX-Forwarded-Method: GET\r\n{more}"))
    };
    for (from, request) in [
        (CLIENT, get("/public/a?b=c", "")),
        (CLIENT, get("/public", &cookie)),
        (CLIENT, get("/open", &cookie)),
        (CLIENT, get("/account", "")),
        (CLIENT, get("/account?a=b", page)),
        (CLIENT, get("/account", &cookie)),
        (CLIENT, get("/account", &format!("{spoofed}{cookie}Connection: X-Foo\r\nX-Foo: 1\r\n"))),
        (CLIENT, get("/account", "Connection: X-Truecaller-Phone\r\n")),
        (CLIENT, get("/account", &garbled)),
        (CLIENT, get("/vip", &cookie)),
        (CLIENT, get("/vip", &format!("{cookie}{page}"))),
        (CLIENT, get("/public/..%2faccount", "")),
        (CLIENT, get("/ACCOUNT", "")),
        (CLIENT, get("/public", "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n")),
        (PROXY, get("/public", "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Prefix: /a\r\n")),
        (
            PROXY,
            get("/account", &format!("X-Forwarded-For: 192.0.2.7, 127.0.0.9\r\nX-Forwarded-Proto: https\r\n{cookie}")),
        ),
        (PROXY, asked("/account", &cookie)),
        (PROXY, asked("/account", "")),
        (PROXY, asked("/public", "")),
        (CLIENT, asked("/account", &cookie)),
        (CLIENT, get("/.truegate/me", &cookie)),
        (CLIENT, get("/.truegate/nothing", "")),
        (CLIENT, get("/.truegate/login?next=/account", page)),
        (CLIENT, get(CALLBACK, "")),
        (CLIENT, get(&CALLBACK.to_ascii_uppercase(), "")),
        (CLIENT, get(&format!("{CALLBACK}/"), "")),
        (CLIENT, grant(&site.truecaller)),
        (CLIENT, posted),
        (CLIENT, b"GET /public HTTP/1.1\nHost: shop.example\nX-Real-IP: 1\n\n".to_vec()),
        (CLIENT, b"GET http://shop.example/public HTTP/1.1\r\nHost: shop.example\r\n\r\n".to_vec()),
        (CLIENT, b"GET /public HTTP/1.0\r\n\r\n".to_vec()),
        (CLIENT, b"GET /public HTTP/1.1\r\n\r\n".to_vec()),
        (CLIENT, b"GET /public HTTP/1.1\r\nHost: shop example\r\n\r\n".to_vec()),
        (
            CLIENT,
            b"POST /public HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                .to_vec(),
        ),
        (CLIENT, b"GET public HTTP/1.1\r\nHost: shop.example\r\n\r\n".to_vec()),
        (CLIENT, b"hello\r\n\r\n".to_vec()),
        (CLIENT, b"GET /public HTTP/1.1\r\nHost: shop.example\r\n".to_vec()),
    ] {
        same(&site.program, &site.app, from, &request, &[]).await;
    }
}

#[tokio::test]
async fn without_sessions_a_callback_is_explained_as_it_reaches_the_app() {
    let (app, truecaller) = (Recorder::start().await, Simulator::start().await.unwrap());
    let program = Program::serve(&(setup::config(app.address()) + &setup::truecaller(&truecaller)));
    let told = same(&program, &app, CLIENT, &grant(&truecaller), &[]).await;
    assert_eq!(told["request"]["route"], "callback");
    assert_eq!(told["assumptions"], serde_json::json!(["profile-confirmed"]));
    for request in [
        get("/a/../b", "X-Truecaller-Phone: +1\r\n"),
        get(CALLBACK, ""),
        raw::post(CALLBACK, br#"{"requestId":"0123456789abcdef","status":"user_rejected"}"#),
        raw::post(CALLBACK, b"{"),
        String::from_utf8(grant(&truecaller)).unwrap().replace("127.0.0.1", "127.0.0.2").into_bytes(),
    ] {
        same(&program, &app, CLIENT, &request, &[]).await;
    }
}

#[tokio::test]
async fn the_listener_counts_as_it_does_for_connections() {
    let app = Recorder::start().await;
    let session = Sessions { rules: vec![("/", Need::Optional)], ..Sessions::usual() }.yaml();
    let listeners = "listen:\n  - 127.0.0.1:0\n  - { address: '127.0.0.2:0', proxy_protocol: true }\n  \
                     - { address: '127.0.0.3:0', redirect: https }\ntrusted_proxies: [127.0.0.9]\n";
    let config = setup::config_without_listener(app.address());
    let program = Program::serve(&format!("{listeners}{config}callback: {{ path: {CALLBACK} }}\n{session}"));
    let proxied = |line: &str| [line.as_bytes(), &get("/a", "")].concat();
    let (named, unnamed) = ("PROXY TCP4 192.0.2.7 127.0.0.2 4711 80\r\n", "PROXY UNKNOWN\r\n");
    let behind = |from| (from, 1);
    let listener = ["--listener", "127.0.0.2:0"];
    for (from, request, source, code) in [
        ("127.0.0.9", proxied(named), "proxy-protocol", Value::Null),
        ("127.0.0.9", proxied(unnamed), "proxy-protocol", Value::Null),
        ("127.0.0.5", proxied(named), "peer", "untrusted-proxy".into()),
        ("127.0.0.9", proxied(""), "peer", "proxy-header".into()),
    ] {
        app.take();
        let answer = raw::exchange_from(from.parse().unwrap(), program.addresses()[behind(from).1], &request).await;
        let told = explained(program.folder(), from, &request, &listener).await;
        let (seen, bare) = (app.take(), get("/a", ""));
        check(&told, &bare, answer.as_ref(), &seen).await;
        assert_eq!((&told["client"]["source"], &told["answer"]["code"]), (&source.into(), &code), "{told:#}");
        let client = seen.first().and_then(|message| message.one("x-forwarded-for")).map(str::to_owned);
        assert!(client.is_none() || told["client"]["address"] == client.unwrap().as_str(), "{told:#}");
    }
    for request in [
        get("/a?b=c", ""),
        get("/a", "Host: other.example\r\n"),
        b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n".to_vec(),
    ] {
        same(&program, &app, ("127.0.0.5", 2), &request, &["--listener", "127.0.0.3:0"]).await;
    }
}
