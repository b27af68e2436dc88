//! What the `truegate simulate` program promises to scripts.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

#[path = "support/mod.rs"]
mod support;

use std::process::{Output, Stdio};

use http::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::Command,
};
use truegate::simulator::Simulator;

use self::support::{
    native,
    program::Program,
    raw::{exchange, post},
    recorder::Recorder,
};

#[tokio::test]
async fn a_callback_that_was_accepted_exits_with_0() {
    let target = Simulator::start().await.unwrap();
    let accepting = format!("{}/simulator/release", target.origin());

    let output = simulate(&["--once", "--callback", &accepting, "--send", "refusal", "--request-id", "a-nonce-"]).await;

    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(r#"{"requestId":"a-nonce-","status":"user_rejected"}"#), "{text}");
    assert!(text.contains("answered 204 No Content"), "{text}");
}

#[tokio::test]
async fn a_callback_that_was_not_accepted_exits_with_1() {
    let target = Simulator::start().await.unwrap();

    let output = simulate(&["--once", "--callback", target.endpoint()]).await;

    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text, "truegate simulate: the callback was answered 405 Method Not Allowed\n");
    assert_eq!(target.seen()[0].method, Method::POST);
}

#[tokio::test]
async fn a_callback_to_another_machine_names_the_flag_that_allows_it() {
    for arguments in
        [&["--once", "--callback", "http://192.0.2.1/callback"][..], &["--callback-url", "http://192.0.2.1/callback"]]
    {
        let output = simulate(arguments).await;

        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains("to this machine only") && text.contains("--insecure-any-target"), "{text}");
    }
}

#[tokio::test]
async fn the_phone_posts_to_the_callback_url_and_nothing_is_posted_before() {
    let site = Simulator::start().await.unwrap();
    let arguments = ["--callback-url", site.endpoint()];
    let mut child = command(&arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut greeting = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut greeting).await.unwrap();
    let address = greeting.split_once("http://").unwrap().1.split_once(',').unwrap().0;

    let page = get(address, "/truesdk/web_verify?type=btmsheet&requestNonce=a-nonce-&partnerKey=k").await;

    assert!(page.contains("flow_invoked") && page.contains("Answered 405 Method Not Allowed"), "{page}");
    assert_eq!(site.fetches(), 1);
}

#[tokio::test]
async fn a_busy_port_exits_with_1_and_one_clear_line() {
    let first = Simulator::start().await.unwrap();
    let address = first.address().to_string();

    let output = simulate(&["--listen", &address]).await;

    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.starts_with(&format!("truegate simulate: cannot listen on {address}: Address already in use")),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1);
}

#[tokio::test]
async fn an_unknown_fault_exits_with_2_and_the_list_of_faults() {
    let output = simulate(&["--fault", "rainy"]).await;

    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("the faults are none, unauthorized, status=CODE"), "{text}");
}

#[tokio::test]
async fn its_help_lists_the_endpoints_and_the_ways_to_a_credential() {
    let output = simulate(&["--help"]).await;

    let text = String::from_utf8(output.stdout).unwrap();
    for named in ["/v1/default", "/v1/token", "/v1/userinfo", "/phoneNumberDetail/{token}", "unverified"] {
        assert!(text.contains(named), "{named}: {text}");
    }
    assert!(text.contains("POST /simulator/app") && text.contains("POST /simulator/missed-call"), "{text}");
}

#[tokio::test]
async fn it_serves_its_fault_until_a_signal_and_exits_with_0() {
    for (signal, flag) in [("-INT", "--fault"), ("-TERM", "--day")] {
        let mut child = command(&[flag, "status=503"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut greeting = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut greeting).await.unwrap();
        let address = greeting.split_once("http://").unwrap().1.split_once(',').unwrap().0;

        let answer = get(address, "/v1/default").await;
        let killed = Command::new("kill").args([signal, &child.id().unwrap().to_string()]).status().await.unwrap();

        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(killed.success());
        assert_eq!(child.wait().await.unwrap().code(), Some(0), "{signal}");
    }
}

#[tokio::test]
async fn the_configuration_that_it_prints_takes_the_users_of_an_android_app() {
    let mut child = command(&[]).stdout(Stdio::piped()).spawn().unwrap();
    let mut text = String::new();
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    while !text.contains("/simulator/requests") {
        text = text + &lines.next_line().await.unwrap().unwrap() + "\n";
    }
    let shown = text.lines().skip_while(|line| !line.starts_with("In config.yaml")).skip(2);
    let shown: String = shown.map_while(|line| line.strip_prefix("  ")).map(|line| format!("{line}\n")).collect();
    let app = Recorder::start().await;
    let address = app.address();
    let config = format!("listen: 127.0.0.1:0\nadmin: {{ listen: 127.0.0.1:0 }}\nupstream: http://{address}\n{shown}");
    let program = Program::serve(&config);
    let verifier = text.split_once("the verifier of the code is ").unwrap().1.split_once(')').unwrap().0;

    for (path, method) in [("/simulator/app", "app"), ("/simulator/missed-call", "missed-call")] {
        let joined = text.replace("\\\n", "");
        let line = joined.lines().find(|line| line.trim_start().starts_with("curl ") && line.ends_with(path)).unwrap();
        let output = Command::new("sh").args(["-c", line]).env("no_proxy", "*").output().await.unwrap();
        let mut credential: Value = serde_json::from_slice(&output.stdout).unwrap();
        if method == "app" {
            credential["code_verifier"] = json!(verifier);
        }
        let answer =
            exchange(program.address(), post(native::NATIVE, credential.to_string().as_bytes())).await.unwrap();
        assert_eq!(answer.status(), 200, "{answer:#?}");
        let request = app.take().pop().unwrap();
        let known = ["x-truecaller-phone", "x-truecaller-method"].map(|name| request.one(name));
        assert_eq!(known, [Some(native::PHONE), Some(method)]);
    }
}

async fn simulate(arguments: &[&str]) -> Output {
    command(arguments).output().await.unwrap()
}

/// On a free port, unless the arguments name another.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_truegate"));
    command.arg("simulate").args(arguments).kill_on_drop(true);
    if !arguments.contains(&"--listen") {
        command.args(["--listen", "127.0.0.1:0"]);
    }
    command
}

async fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
