//! The headers that are the same on every request to the app.

use truegate::simulator::{DOCUMENTED_PROFILE, Simulator};

use super::{
    sessions::Site,
    setup::{self, CALLBACK},
    support::{
        edge::Sessions,
        program::Program,
        raw::{self, Message, exchange},
        recorder::Recorder,
    },
};

const SECRET: &str = "hunter2 \u{e9}=1";
const SPOOFS: &str = "X-Proxy-Secret: guess\r\nx_proxy_secret: guess\r\nX.PROXY.Secret: guess\r\nX-Script-Name: /guess\r\n\
    X-Forwarded-Prefix: /guess\r\nX_Forwarded_Prefix: /guess\r\n";

/// A configuration whose upstream has fixed headers.
fn fixed(config: &str) -> String {
    let (before, rest) = config.split_once("upstream: ").unwrap();
    let (url, after) = rest.split_once('\n').unwrap();
    let headers = format!("{{ X-Proxy-Secret: \"{SECRET}\", X-Script-Name: /app, X-Forwarded-Prefix: /app }}");
    format!("{before}upstream:\n  url: {url}\n  headers: {headers}\n{after}")
}

fn assert_fixed(request: &Message) {
    let folded = |name: &str| name.to_ascii_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    for (name, value) in [("x-proxy-secret", SECRET), ("x-script-name", "/app"), ("x-forwarded-prefix", "/app")] {
        let values: Vec<_> =
            request.headers.iter().filter(|(sent, _)| folded(sent) == name).map(|(_, value)| value).collect();
        assert_eq!(values, [value], "{request:#?}");
    }
}

#[tokio::test]
async fn every_request_to_the_app_brings_them_and_no_clients_own() {
    let answer = "HTTP/1.1 200 OK\r\nX-Proxy-Secret: told\r\nContent-Length: 2\r\n\r\nok";
    let (app, truecaller) = (Recorder::answering(answer).await, Simulator::start().await.unwrap());
    for trusted in ["[]", "[127.0.0.1]"] {
        let config = setup::config(app.address()) + &setup::truecaller(&truecaller);
        let program = Program::serve(&format!("{}trusted_proxies: {trusted}\n", fixed(&config)));
        let (token, endpoint) = (truecaller.grant(DOCUMENTED_PROFILE), truecaller.endpoint());
        let grant =
            serde_json::json!({ "requestId": "a-nonce-", "accessToken": token, "endpoint": endpoint }).to_string();
        let length = grant.len();
        let upgrade = "Connection: Upgrade, X-Proxy-Secret\r\nUpgrade: websocket\r\n";
        for request in [
            raw::get("/", ""),
            raw::get("/", SPOOFS),
            raw::get("/", &format!("{upgrade}{SPOOFS}")),
            raw::get("/", "Connection: x-proxy-secret\r\n"),
            format!("POST {CALLBACK} HTTP/1.1\r\nHost: a\r\n{SPOOFS}Content-Length: {length}\r\n\r\n{grant}").into(),
        ] {
            let answer = exchange(program.address(), request).await.unwrap();
            assert_eq!((answer.status(), answer.one("x-proxy-secret")), (200, None), "{answer:#?}");
            assert_fixed(&app.take().remove(0));
        }
        let log = program.log().join("\n");
        assert!(!log.contains("hunter2") && !log.contains("guess"), "{log}");
    }
}

#[tokio::test]
async fn a_callback_that_is_delivered_brings_them_too() {
    let (app, truecaller) = (Recorder::start().await, Simulator::start().await.unwrap());
    let config = setup::config(app.address()) + &setup::truecaller(&truecaller) + &Sessions::usual().yaml();
    let program = Program::serve(&fixed(&config.replace("callback: {", "callback: { forward: true,")));
    let site = Site { app, truecaller, program };
    let mut visitor = site.visitor();
    let request_id = visitor.start_login().await;
    let (token, endpoint) = (site.truecaller.grant(DOCUMENTED_PROFILE), site.truecaller.endpoint());
    let grant = serde_json::json!({ "requestId": request_id, "accessToken": token, "endpoint": endpoint }).to_string();
    let head =
        format!("POST {CALLBACK} HTTP/1.1\r\nHost: shop.example\r\n{SPOOFS}Content-Length: {}\r\n\r\n", grant.len());
    assert_eq!(exchange(site.program.address(), head + &grant).await.unwrap().status(), 204);
    assert_eq!(visitor.state_after(&request_id, "pending").await, "verified");
    site.wait_for_metric(r#"truegate_forwarded_callbacks_total{class="2xx"} 1"#).await;
    assert_fixed(&site.app.take().remove(0));
}
