//! `Strict-Transport-Security`: on every answer by https, once, and on no other.

use tempfile::TempDir;
use truegate::simulator::Simulator;

use super::{
    setup::{self, Talk},
    support::{edge::Sessions, program::Program, raw, recorder::Recorder},
    tls::Pair,
};

const VALUE: &str = "max-age=31536000; includeSubDomains";

#[tokio::test]
async fn every_answer_by_https_carries_it_once() {
    let truecaller = Simulator::start().await.unwrap();
    // The app sends values of its own.
    let app = Recorder::answering(
        "HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=0\r\nstrict-transport-security: max-age=1\r\n\
         Content-Length: 2\r\n\r\nok",
    )
    .await;
    let (folder, pair) = (TempDir::new().unwrap(), Pair::new());
    pair.write(&folder.path().join("a.pem"), &folder.path().join("a.key"));
    let listen = "listen:\n- { address: '127.0.0.1:0', certificate: a.pem, key: a.key }\n- 127.0.0.1:0\n";
    let hsts = "hsts: { include_subdomains: true }\ntrusted_proxies: [127.0.0.2]\n";
    let config = setup::config_without_listener(app.address()) + &setup::truecaller(&truecaller);
    let config = format!("{listen}{hsts}{config}{}", Sessions::usual().yaml());
    let program = Program::serve_from(folder, &config);
    let [secured, plain] = program.addresses()[..] else { panic!("two listeners") };
    let long = format!("/{}", "a".repeat(9000));
    for (target, status) in [("/", 200), ("/.truegate/login", 200), ("/.truegate/none", 404), (&*long, 414)] {
        let mut talk = Talk::over(pair.connect(secured, &["http/1.1"]).await.unwrap());
        talk.say(format!("GET {target} HTTP/1.1\r\nHost: shop.example\r\n\r\n")).await;
        let answer = talk.message().await;
        assert_eq!((answer.status(), answer.one("strict-transport-security")), (status, Some(VALUE)));

        // RFC 6797 §7.2. The app may say what it likes, and browsers ignore it.
        for (client, claims, is_secure) in [
            ([127, 0, 0, 1], "", false),
            ([127, 0, 0, 1], "X-Forwarded-Proto: https\r\n", false),
            ([127, 0, 0, 2], "", false),
            ([127, 0, 0, 2], "X-Forwarded-Proto: https\r\n", true),
        ] {
            let request = format!("GET {target} HTTP/1.1\r\nHost: shop.example\r\n{claims}\r\n");
            let answer = raw::exchange_from(client.into(), plain, request).await.unwrap();
            let ours = answer.all("strict-transport-security").contains(&VALUE);
            assert_eq!(ours, is_secure, "{status} {claims} {client:?}");
        }
    }
}

#[tokio::test]
async fn without_it_the_apps_own_is_left_as_it_is() {
    let answer = "HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=7\r\nContent-Length: 2\r\n\r\nok";
    let app = Recorder::answering(answer).await;
    let pair = Pair::new();
    let program = super::tls::serve(&pair, &setup::config_without_listener(app.address()));
    let mut talk = Talk::over(pair.connect(program.address(), &["http/1.1"]).await.unwrap());
    talk.say(raw::get("/", "")).await;
    assert_eq!(talk.message().await.one("strict-transport-security"), Some("max-age=7"));
}
