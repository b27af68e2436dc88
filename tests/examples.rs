//! Every example does what it says: a grant becomes an identity, and a claim of one is taken away.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod support;

use std::{
    io::{BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use support::{
    otp::Otp,
    raw::{Message, exchange, get},
    recorder::Recorder,
    site_login::TOKEN,
};
use truegate::simulator::{Call, Simulator};

const PATH: &str = "/truecaller/x7Kq2vNf9TzR4mWb6pLd";
const PHONE: &str = "+919999999999";
const SPOOF: &str = "X-Truecaller-Phone: +10000000000\r\nX_Truecaller_Phone: +10000000000\r\n";

#[tokio::test]
async fn the_axum_app_greets_a_verified_user_and_believes_nobody_else() {
    let simulator = Simulator::start().await.unwrap();
    let app = Example::start("axum", &[("TRUEGATE_ENDPOINT", simulator.endpoint())]);

    assert_eq!(call(&simulator, &app, Call::grant()).await, format!("Hello, {PHONE}!\n"));
    assert_eq!(call(&simulator, &app, Call::refusal()).await, "Goodbye!\n");
    let shown = app.send(get("/headers", SPOOF)).await.text();
    assert!(shown.contains("host: app.example\n") && !shown.contains("10000000000"), "{shown}");
}

#[tokio::test]
async fn the_session_app_knows_who_logged_in() {
    let simulator = Simulator::start().await.unwrap();
    let app = Example::start("session", &[("TRUEGATE_SIMULATOR", simulator.origin())]);
    let origin = format!("Origin: http://{}\r\nContent-Length: 0\r\n", app.address);

    let asked = app.send(get("/account/", "Accept: text/html\r\n")).await;
    assert_eq!((asked.status(), asked.one("location")), (302, Some("/.truegate/login?next=%2Faccount%2F")));
    let started = app.send(message("POST", "/.truegate/login", &origin)).await;
    let login: serde_json::Value = serde_json::from_slice(&started.body).unwrap();
    let request_id = login["request_id"].as_str().unwrap();
    let posted =
        simulator.call(&format!("http://{}{PATH}", app.address), Call::grant().request_id(request_id)).await.unwrap();
    assert_eq!(posted[0].answer.status, 204);

    let status = get(&format!("/.truegate/status?request_id={request_id}&wait=20"), &cookie(&started));
    let verified = app.send(status).await;
    assert_eq!(verified.text(), r#"{"state":"verified"}"#);
    let greeting = app.send(get("/account/", &cookie(&verified))).await.text();
    assert!(greeting.contains(&format!("Hello, {PHONE}!")), "{greeting}");

    let logout = app.send(message("POST", "/.truegate/logout", &(cookie(&verified) + &origin))).await;
    assert_eq!(logout.status(), 204);
    assert_eq!(app.send(get("/account/", &cookie(&verified))).await.status(), 401);
}

#[tokio::test]
async fn the_page_of_codes_finishes_a_login_with_the_ticket_of_the_request_that_proves_the_number() {
    let mut admin = Recorder::answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let page = Otp::start(([127, 0, 0, 1], 0).into(), admin.address());
    let send = async |lines: &str, form: &str| {
        let length = form.len();
        let head = format!("Content-Type: application/x-www-form-urlencoded\r\n{lines}Content-Length: {length}\r\n");
        exchange(
            page.address(),
            message("POST", "/login?next=/cart", &head).into_iter().chain(form.bytes()).collect::<Vec<_>>(),
        )
        .await
        .unwrap()
    };
    let asked = send("X-Truecaller-Login: an-early-ticket\r\n", "phone=%2B919999999999").await;
    assert_eq!((asked.status(), admin.seen()), (200, Vec::new()));
    let form = format!("phone=%2B919999999999&code={}", page.code(PHONE));

    let to_login = send("", &form).await;
    assert_eq!((to_login.status(), admin.seen()), (303, Vec::new()), "without a ticket nothing is looked at");
    let finished = send("X-Truecaller-Login: the-ticket\r\n", &form).await;

    assert_eq!((finished.status(), finished.one("location")), (303, Some("/.truegate/login?next=%2Fcart")));
    let posted = admin.take().remove(0);
    assert_eq!(
        (&*posted.start, posted.one("authorization")),
        ("POST /logins HTTP/1.1", Some(&*format!("Bearer {TOKEN}")))
    );
    let body: serde_json::Value = serde_json::from_slice(&posted.body).unwrap();
    assert_eq!(body, serde_json::json!({ "ticket": "the-ticket", "phone": PHONE }));

    send("X-Truecaller-Login: the-ticket\r\n", "phone=%2B919999999999").await;
    let form = format!("phone=%2B919999999999&code={}", page.code(PHONE));
    admin.stop().await;
    assert_eq!(send("X-Truecaller-Login: the-ticket\r\n", &form).await.status(), 503);
}

#[tokio::test]
async fn each_proxy_injects_the_identity_and_strips_claims_of_one() {
    let simulator = Simulator::start().await.unwrap();
    let app = Example::start("app", &[]);
    let upstream = app.address.to_string();
    for name in ["hyper", "pingora"] {
        let proxy = Example::start(name, &[("TRUEGATE_ENDPOINT", simulator.endpoint()), ("UPSTREAM", &upstream)]);

        let granted = call(&simulator, &proxy, Call::grant()).await;
        assert!(granted.starts_with(&format!("POST {PATH}\n")), "{name}: {granted}");
        assert_eq!(granted.matches(&format!("x-truecaller-phone: {PHONE}\n")).count(), 1, "{name}: {granted}");
        let refused = call(&simulator, &proxy, Call::refusal()).await;
        assert!(refused.contains("x-truecaller-status: user_rejected\n"), "{name}: {refused}");
        assert!(!refused.contains("phone"), "{name}: {refused}");
        let shown = proxy.send(get("/account?a=b", SPOOF)).await.text();
        assert!(shown.starts_with("GET /account?a=b\n"), "{name}: {shown}");
        assert!(!shown.contains("10000000000"), "{name}: {shown}");
        let ambiguous = proxy.send(get(&PATH.replace("er/", "er/./"), "")).await;
        assert_eq!((ambiguous.status(), ambiguous.code().as_str()), (400, "ambiguous-path"), "{name}");
    }
}

#[tokio::test]
async fn the_hyper_proxy_says_that_the_app_is_gone() {
    let proxy = Example::start("hyper", &[("UPSTREAM", "127.0.0.1:1")]);
    assert_eq!(proxy.send(get("/", "")).await.status(), 502);
}

#[tokio::test]
async fn each_believes_truecallers_own_endpoints_unless_told_otherwise() {
    let simulator = Simulator::start().await.unwrap();
    for name in ["axum", "hyper", "pingora"] {
        let example = Example::start(name, &[]);
        let problem = call(&simulator, &example, Call::grant()).await;
        assert!(problem.contains("endpoint-not-allowed"), "{name}: {problem}");
    }
    assert_eq!(simulator.fetches(), 0);
}

/// Whoever copies an example into a crate of their own has what the page says, and nothing else.
#[test]
fn the_examples_for_axum_need_no_more_than_the_page_lists() {
    let page = include_str!("../docs/tower.md");
    let listed = page.split("[dependencies]\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let listed: Vec<_> = listed.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name).collect();
    assert_eq!(listed, ["axum", "tokio", "truegate"]);
    for (name, text) in
        [("axum", include_str!("../examples/axum.rs")), ("session", include_str!("../examples/session.rs"))]
    {
        let own = |root: &&str| !["std", "crate", "self"].contains(root) && !listed.contains(root);
        let foreign: Vec<_> = roots(text).into_iter().filter(own).collect();
        assert!(foreign.is_empty(), "{name} uses {foreign:?}");
    }
    let text = "//! a::b\n\nuse c::{d, e::f};\nuse rand_core::OsRng;\n\nfn g() { d::h(i::j().k::<L>()) }";
    assert_eq!(roots(text), ["c", "rand_core", "i"]);
}

/// The crates that a program names: those that it imports from, and those that it names in place.
fn roots(text: &str) -> Vec<&str> {
    let start = text.find("\nuse ").map_or(0, |at| at + 1);
    let end = text.rfind("\nuse ").map_or(0, |at| at + text[at..].find(';').unwrap_or(0));
    let (imports, code) = text[start..].split_at(end - start);
    let imported = imports.split(';').filter_map(|import| import.trim_start().strip_prefix("use "));
    let imported = imported.map(|path| path.split("::").next().unwrap_or_default());
    let is_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let known: Vec<_> = imports.split(|character| !is_name(character)).collect();
    let named = code.match_indices("::").filter_map(|(at, _)| {
        let start = code[..at].rfind(|character| !is_name(character)).map_or(0, |before| before + 1);
        let root = &code[start..at];
        let is_module = root.starts_with(|first: char| first.is_ascii_lowercase());
        // A method with a type, such as `parse::<u16>()`, is in no crate.
        let is_method = code[at..].starts_with("::<");
        (is_module && !is_method && !code[..start].ends_with("::") && !known.contains(&root)).then_some(root)
    });
    imported.chain(named).collect()
}

/// What an example answers to the simulator's callback.
async fn call(simulator: &Simulator, example: &Example, call: Call) -> String {
    let posted = simulator.call(&format!("http://{}{PATH}", example.address), call).await.unwrap();
    String::from_utf8_lossy(&posted[0].answer.body).into_owned()
}

fn message(method: &str, target: &str, headers: &str) -> Vec<u8> {
    format!("{method} {target} HTTP/1.1\r\nHost: app.example\r\n{headers}\r\n").into_bytes()
}

/// The header line that brings a cookie back.
fn cookie(answer: &Message) -> String {
    let pair = answer.one("set-cookie").and_then(|line| line.split(';').next());
    format!("Cookie: {}\r\n", pair.expect("a cookie was set"))
}

/// An example that runs; it is killed when it is dropped.
struct Example {
    child: Child,
    address: SocketAddr,
}

impl Example {
    /// Starts one on a free port, and waits until it listens.
    fn start(name: &str, variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(program(name));
        for variable in ["TRUEGATE_ENDPOINT", "TRUEGATE_SIMULATOR", "UPSTREAM", "RUST_LOG"] {
            command.env_remove(variable);
        }
        // pingora does not tell which port the system chose.
        let listen = if name == "pingora" { free_port() } else { "127.0.0.1:0".to_owned() };
        command.env("LISTEN", listen).env("TRUEGATE_CALLBACK_PATH", PATH).envs(variables.iter().copied());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening on http://").unwrap().parse().unwrap();
        let started = Self { child, address };
        started.wait_until_it_listens();
        started
    }

    async fn send(&self, request: Vec<u8>) -> Message {
        exchange(self.address, request).await.unwrap()
    }

    /// It says where it listens before it does, if pingora is to bind the port.
    fn wait_until_it_listens(&self) {
        for _ in 0..2000 {
            if TcpStream::connect(self.address).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("nobody listens on {}", self.address);
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program of an example: cargo builds them beside the tests, and names them to nobody.
fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.parent().and_then(|deps| deps.parent()).unwrap().join("examples").join(name);
    assert!(path.exists(), "{} is missing: run cargo build --examples --all-features", path.display());
    path
}

/// A port that stays free, for the address is this process's own: nobody else binds to it, or connects from it.
fn free_port() -> String {
    let [_, _, high, low] = std::process::id().to_be_bytes();
    let listener = TcpListener::bind((Ipv4Addr::new(127, high, low, 1), 0));
    listener.and_then(|listener| listener.local_addr()).unwrap().to_string()
}
