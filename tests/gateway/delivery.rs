//! Callbacks that the app gets after they were answered.

use std::{io, net::TcpListener as StdListener};

use tempfile::TempDir;
use truegate::simulator::{Call, DOCUMENTED_PROFILE, Fault, Simulator};

use super::{
    app,
    sessions::Site,
    setup::{self, CALLBACK},
    support::{
        edge::Sessions,
        program::Program,
        raw::{exchange, within},
        recorder::Recorder,
    },
};

#[tokio::test]
async fn a_verified_callback_goes_to_the_app_after_its_answer() {
    let callback = "forward: true, ";
    let site = Site::open(&Sessions::usual(), callback, "trusted_proxies: [127.0.0.1]\n").await;
    site.truecaller.set_fault(Fault::Held);
    let mut visitor = site.visitor();
    let request_id = visitor.start_login().await;
    let token = site.truecaller.grant(DOCUMENTED_PROFILE);
    let endpoint = site.truecaller.endpoint();
    let body = serde_json::json!({ "requestId": request_id, "accessToken": token, "endpoint": endpoint }).to_string();
    let head = format!(
        "POST {CALLBACK}?a=b HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\n\
         X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\nX_Forwarded_Proto: gopher\r\n\
         Forwarded: for=6.6.6.6\r\nX-Truecaller-Phone: +1\r\nConnection: X-Hop\r\nX-Hop: 1\r\nX-End: 2\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    let answer = exchange(site.program.address(), head + &body).await.unwrap();
    within(site.truecaller.wait_for_fetches(1)).await;
    assert_eq!((answer.status(), site.app.take().len()), (204, 0), "it is answered first");
    site.truecaller.release();
    assert_eq!(visitor.state_after(&request_id, "pending").await, "verified");
    site.wait_for_metric(r#"truegate_forwarded_callbacks_total{class="2xx"} 1"#).await;

    let requests = site.app.take();
    assert_eq!(requests.len(), 1, "{requests:#?}");
    let request = &requests[0];
    assert_eq!(request.start, format!("POST {CALLBACK}?a=b HTTP/1.1"));
    assert_eq!(request.text(), body);
    for (name, value) in [
        ("host", Some("shop.example")),
        ("content-type", Some("application/json")),
        ("x-truecaller-status", Some("verified")),
        ("x-truecaller-phone", Some("+919999999999")),
        ("x-truecaller-request-id", Some(request_id.as_str())),
        ("x-forwarded-for", Some("192.0.2.7")),
        ("x-forwarded-proto", Some("https")),
        ("x-forwarded-host", Some("shop.example")),
        ("x_forwarded_proto", None),
        ("forwarded", None),
        ("x-hop", None),
        ("x-end", Some("2")),
    ] {
        assert_eq!(request.one(name), value, "{name}");
    }
    site.program.told(&[r#""message":"callback forwarded","class":"2xx""#], 1).await;
    let log = site.program.log().join("\n");
    assert!(!log.contains(&request_id) && !log.contains("99999") && !log.contains(CALLBACK), "{log}");
}

#[tokio::test]
async fn a_callback_that_was_delivered_keeps_what_the_gateway_says() {
    let identity = "identity: { presets: [x-forwarded-user], headers: { X-Remote-User: phone } }\n";
    let site = Site::open(&Sessions::usual(), "forward: true, ", identity).await;
    let mut visitor = site.visitor();
    let request_id = visitor.start_login().await;
    let (token, endpoint) = (site.truecaller.grant(DOCUMENTED_PROFILE), site.truecaller.endpoint());
    let body = serde_json::json!({ "requestId": request_id, "accessToken": token, "endpoint": endpoint }).to_string();
    let head = format!(
        "POST {CALLBACK} HTTP/1.1\r\nHost: shop.example\r\nX-Real-IP: 6.6.6.6\r\nX-Forwarded-Prefix: /evil\r\n\
         X-Remote-User: eve\r\nX_Forwarded_Groups: eve\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    assert_eq!(exchange(site.program.address(), head + &body).await.unwrap().status(), 204);
    assert_eq!(visitor.state_after(&request_id, "pending").await, "verified");
    site.wait_for_metric(r#"truegate_forwarded_callbacks_total{class="2xx"} 1"#).await;
    let request = site.app.take().remove(0);
    assert_eq!([request.one("x-remote-user"), request.one("x-forwarded-user")], [Some("+919999999999"); 2]);
    for word in ["6.6.6.6", "evil", "eve"] {
        assert!(!format!("{:?}", request.headers).contains(&format!("\"{word}")), "{request:#?}");
    }
    assert_eq!((request.one("x-real-ip"), request.one("x-forwarded-prefix")), (None, None));
}

#[tokio::test]
async fn a_refused_login_does_not_go_to_the_app() {
    let site = Site::open(&Sessions::usual(), "forward: true, ", "").await;
    let mut visitor = site.visitor();
    let request_id = visitor.start_login().await;
    let url = format!("http://{}{CALLBACK}", site.program.address());
    site.truecaller.call(&url, Call::refusal().request_id(&request_id)).await.unwrap();
    assert_eq!(visitor.state_after(&request_id, "pending").await, "refused");
    site.program.signal("TERM");
    setup::ended(site.program).await;
    assert!(site.app.take().is_empty(), "all that was on its way has ended");
}

#[tokio::test]
async fn an_app_is_believed_by_the_systems_roots_and_asked_directly() {
    let [own, other] = [(), ()].map(|()| rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap());
    let app = Simulator::builder().tls(own.cert.pem(), own.signing_key.serialize_pem()).start().await.unwrap();
    let trap = StdListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    for (roots, class) in [(own.cert.pem(), "4xx"), (other.cert.pem(), "none")] {
        let (folder, truecaller) = (TempDir::new().unwrap(), Simulator::start().await.unwrap());
        let upstream = format!("https://localhost:{}", app.address().port());
        let config = setup::config(app.address()).replace(&format!("http://{}", app.address()), &upstream);
        let config = config + &setup::truecaller(&truecaller).replace("callback: {", "callback: { forward: true,");
        let mut command = setup::command(&folder, &(config + &Sessions::usual().yaml()));
        std::fs::write(folder.path().join("roots.pem"), roots).unwrap();
        command.env("SSL_CERT_FILE", folder.path().join("roots.pem")).env_remove("SSL_CERT_DIR");
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            let proxy = format!("http://{}", trap.local_addr().unwrap());
            command.env(name, &proxy).env(name.to_ascii_lowercase(), &proxy);
        }
        command.env_remove("NO_PROXY").env_remove("no_proxy");
        let site = Site { app: Recorder::start().await, truecaller, program: Program::start(command, folder) };

        site.signed_in().await;

        site.wait_for_metric(&format!("truegate_forwarded_callbacks_total{{class=\"{class}\"}} 1")).await;
        assert_eq!(trap.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }
}

#[tokio::test]
async fn a_callback_is_delivered_by_the_way_that_requests_go() {
    for protocol in ["http1", "http2"] {
        let (folder, truecaller, spare) =
            (TempDir::new().unwrap(), Simulator::start().await.unwrap(), Recorder::start().await);
        let path = folder.path().join("app.sock");
        let routes = axum::Router::new().fallback(async |body: bytes::Bytes| body);
        let _task = app::serve_at(&path, routes);
        let upstream =
            format!("upstream: {{ servers: 'unix:{}', protocol: {protocol}, host: server }}\n", path.display());
        let config =
            setup::config(spare.address()).replace(&format!("upstream: http://{}\n", spare.address()), &upstream);
        let config = config + &setup::truecaller(&truecaller).replace("callback: {", "callback: { forward: true,");
        let program = Program::serve(&(config + &Sessions::usual().yaml()));
        let site = Site { app: spare, truecaller, program };
        site.signed_in().await;
        site.wait_for_metric(r#"truegate_forwarded_callbacks_total{class="2xx"} 1"#).await;
        assert_eq!(site.app.take(), [], "{protocol}");
    }
}
