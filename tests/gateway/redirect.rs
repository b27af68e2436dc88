//! A listener that redirects to https, and does nothing else.

use std::{fs, process::Command};

use tempfile::TempDir;

use super::{
    setup::{self, CALLBACK, Talk},
    support::{program::Program, raw, recorder::Recorder},
    tls::Pair,
};

/// The program with a redirect beside a listener with a certificate for these names.
fn serve(app: &Recorder, names: &[&str], more: &str) -> Program {
    let folder = TempDir::new().unwrap();
    Pair::named(names).write(&folder.path().join("a.pem"), &folder.path().join("a.key"));
    let listen = "listen:\n- { address: '127.0.0.1:0', redirect: https }\n\
                  - { address: '127.0.0.1:0', certificate: a.pem, key: a.key }\n";
    Program::serve_from(folder, &format!("{listen}{more}{}", setup::config_without_listener(app.address())))
}

fn get(host: &str, target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")
}

#[tokio::test]
async fn every_request_goes_to_https_on_the_hosts_of_the_certificates() {
    let app = Recorder::start().await;
    let callback = format!("callback: {{ path: {CALLBACK} }}\nhsts: {{}}\n");
    let program = serve(&app, &["shop.example", "*.shop.example"], &callback);
    let post = |path: &str, body: &str| {
        format!("POST {path} HTTP/1.1\r\nHost: shop.example\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    for (request, status, location) in [
        (get("shop.example", "/a?b"), 301, Some("https://shop.example/a?b")),
        (get("A.Shop.Example:80", "/"), 301, Some("https://a.shop.example/")),
        (get("shop.example", "http://SHOP.example/a"), 301, Some("https://shop.example/a")),
        (post("/form", "a=1"), 308, Some("https://shop.example/form")),
        (post("/form", &"a".repeat(1 << 20)), 308, Some("https://shop.example/form")),
        (post(CALLBACK, "{}"), 308, Some(&*format!("https://shop.example{CALLBACK}"))),
        (get("shop.example", "/.truegate/login"), 301, Some("https://shop.example/.truegate/login")),
        (get("evil.example", "/"), 421, None),
        (get("a.b.shop.example", "/"), 421, None),
        (get("127.0.0.1", "/"), 421, None),
        ("GET / HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: shop.example\r\n\r\n".to_owned(), 421, None),
        (get("shop.example\r\nHost: evil.example", "/"), 400, None),
        ("GET / HTTP/1.0\r\n\r\n".to_owned(), 400, None),
        (get("shop.example", &format!("/{}", "a".repeat(9000))), 414, None),
    ] {
        let answer = raw::exchange(program.addresses()[0], &request).await.expect(&request);
        let start = &request[..request.len().min(60)];
        assert_eq!((answer.status(), answer.one("location")), (status, location), "{start}");
        assert_eq!(answer.one("connection").map(str::to_ascii_lowercase).as_deref(), Some("close"), "{start}");
        assert!(answer.all("set-cookie").is_empty() && answer.one("strict-transport-security").is_none(), "{start}");
    }
    assert_eq!(app.seen(), []);
    let metrics = raw::exchange(program.admin(), raw::scrape("")).await.unwrap().text();
    assert!(metrics.contains("truegate_responses_total{class=\"3xx\"} 7"), "{metrics}");
    assert!(metrics.contains("truegate_refusals_total{reason=\"misdirected-request\"} 4"), "{metrics}");
}

#[tokio::test]
async fn a_redirect_follows_a_renewed_certificate() {
    let app = Recorder::start().await;
    let program = serve(&app, &["old.example"], "");
    let status = async |host: &str| raw::exchange(program.addresses()[0], get(host, "/")).await.unwrap().status();
    assert_eq!((status("old.example").await, status("new.example").await), (301, 421));
    Pair::named(&["new.example"]).write(&program.folder().join("a.pem"), &program.folder().join("a.key"));
    program.told(&["the certificates have changed"], 1).await;
    assert_eq!((status("old.example").await, status("new.example").await), (421, 301));
}

#[tokio::test]
async fn challenges_are_answered_for_every_host_and_from_their_folder_alone() {
    let (app, folder) = (Recorder::start().await, TempDir::new().unwrap());
    Pair::named(&["shop.example"]).write(&folder.path().join("a.pem"), &folder.path().join("a.key"));
    let challenges = folder.path().join("acme/.well-known/acme-challenge");
    fs::create_dir_all(challenges.join("folder")).unwrap();
    for (name, content) in [("to-ken_1", "to-ken_1.hash"), ("empty", ""), ("../secret", "secret"), ("a.b", "dot")] {
        fs::write(challenges.join(name), content).unwrap();
    }
    fs::write(challenges.join("long"), "a".repeat(1025)).unwrap();
    std::os::unix::fs::symlink("../secret", challenges.join("link")).unwrap();
    assert!(Command::new("mkfifo").arg(challenges.join("pipe")).status().unwrap().success());
    let listen = "listen:\n- { address: '127.0.0.1:0', redirect: https, acme_webroot: acme }\n\
                  - { address: '127.0.0.1:0', certificate: a.pem, key: a.key }\n";
    let program = Program::serve_from(folder, &format!("{listen}{}", setup::config_without_listener(app.address())));
    for (host, name, status) in [
        ("shop.example", "to-ken_1", 200),
        ("new.example", "to-ken_1", 200),
        ("new.example", "none", 404),
        ("new.example", "empty", 404),
        ("new.example", "long", 404),
        ("new.example", "folder", 404),
        ("new.example", "link", 404),
        ("new.example", "pipe", 404),
        ("new.example", "../secret", 421),
        ("shop.example", "%2e%2e%2fsecret", 301),
        ("shop.example", "a.b", 301),
        ("shop.example", "", 301),
        ("shop.example", "to-ken_1?a", 301),
        ("shop.example", "to-ken_1/", 301),
    ] {
        let request = get(host, &format!("/.well-known/acme-challenge/{name}"));
        let answer = raw::exchange(program.addresses()[0], request).await.unwrap();
        assert_eq!(answer.status(), status, "{host} {name}");
        assert_eq!(answer.text() == "to-ken_1.hash", status == 200, "{host} {name}");
        assert!(!answer.text().contains("secret"));
    }
}

#[tokio::test]
async fn a_client_that_never_asks_is_closed() {
    let app = Recorder::start().await;
    let program = serve(&app, &["shop.example"], "timeouts: { idle: 1s }\n");
    for start in ["", "GET / HT"] {
        let mut talk = Talk::connect(program.addresses()[0]).await;
        talk.say(start).await;
        assert_eq!(talk.rest().await, b"", "{start}");
    }
    // Nor may the body take for ever.
    let mut talk = Talk::connect(program.addresses()[0]).await;
    talk.say("POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 9\r\n\r\n").await;
    assert!(talk.rest().await.starts_with(b"HTTP/1.1 308 "));
}
