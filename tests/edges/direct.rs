//! Who reaches truegate past the proxy, and what older Envoys ask.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::{io::AsyncWriteExt, net::TcpSocket};
use truegate::simulator::{DOCUMENTED_PROFILE, Simulator};

use crate::{
    proxy::shown,
    scene::{PHONE, SESSION, sign_in, truegate},
    support::raw::{Message, within},
};

const PROXY: Ipv4Addr = Ipv4Addr::LOCALHOST;
const SOMEBODY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// Asks truegate from an address.
async fn ask(from: Ipv4Addr, truegate: SocketAddr, start: &str, lines: &str) -> Message {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((from, 0))).unwrap();
    let mut stream = within(socket.connect(truegate)).await.unwrap();
    let request = format!("{start} HTTP/1.1\r\nHost: shop.example\r\n{lines}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    within(Message::read(&mut stream)).await.unwrap().unwrap()
}

#[tokio::test]
async fn nobody_but_the_proxy_says_what_is_asked_about() {
    let truecaller = Simulator::start().await.unwrap();
    let truegate = truegate(&truecaller, &shown("truegate.yaml"));
    for (start, lines) in [
        ("GET /.truegate/auth", "X-Forwarded-Uri: /public/\r\n"),
        ("GET /.truegate/auth", "X-Original-URI: /public/\r\n"),
        ("GET /.truegate/auth", "X-Forwarded-Uri: /public/\r\nX-Forwarded-For: 127.0.0.1\r\n"),
        ("GET /.truegate/auth", "X-Forwarded-Uri: /public/\r\nForwarded: for=127.0.0.1;by=127.0.0.1\r\n"),
        ("GET /.truegate/auth/public/", ""),
    ] {
        let refused = ask(SOMEBODY, truegate.address(), start, lines).await;
        assert_eq!((refused.status(), refused.code().as_str()), (401, "not-signed-in"), "{start} {lines}");
        assert_eq!(ask(PROXY, truegate.address(), start, lines).await.status(), 200, "{start} {lines}");
    }
    let spoofed = format!("X-Truecaller-Phone: {PHONE}\r\nX-Forwarded-Uri: /public/\r\n");
    assert_eq!(ask(SOMEBODY, truegate.address(), "GET /account/", &spoofed).await.status(), 401);
}

#[tokio::test]
async fn an_envoy_that_appends_the_path_and_keeps_the_method_is_understood() {
    let truecaller = Simulator::start().await.unwrap();
    let truegate = truegate(&truecaller, &shown("truegate.yaml"));
    let browser = sign_in(&truecaller, truegate.address(), DOCUMENTED_PROFILE).await;
    let cookie = format!("Cookie: {SESSION}={}\r\n", browser.cookie(SESSION).unwrap());
    for (start, lines, status) in [
        ("GET /.truegate/auth/public/x?a=b", "", 200),
        ("POST /.truegate/auth/account/orders?a=b", "Content-Length: 0\r\n", 401),
        ("DELETE /.truegate/auth/account/orders", &cookie, 200),
        ("GET /.truegate/auth/staff/", &cookie, 403),
        ("GET /.truegate/auth/public/..%2faccount/", "", 400),
        ("GET /.truegate/auth/public/../account/", "", 401),
        ("GET /.truegate/auth/", "", 200),
    ] {
        let answer = ask(PROXY, truegate.address(), start, lines).await;
        assert_eq!(answer.status(), status, "{start}");
        let known = status == 200 && !lines.is_empty();
        assert_eq!(answer.one("x-truecaller-phone") == Some(PHONE), known, "{start}: {answer:#?}");
    }
}
