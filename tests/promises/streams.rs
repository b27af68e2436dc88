//! What takes its time: WebSockets, many callbacks at once, and clients that go away.

use std::{collections::HashMap, net::SocketAddr};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use truegate::simulator::{DOCUMENTED_PROFILE, Fault};

use crate::{
    claims::{claims, documented},
    support::{
        client::Client,
        edge::{Kind, PATH, Settings},
        raw::{Message, exchange, post, within},
        recorder::Recorder,
        scene::Scene,
    },
};

/// An app that accepts every upgrade, shows the head that it saw, and sends back what it hears.
async fn echo() -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut task = JoinSet::new();
    task.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            let Ok(Some(request)) = Message::read_buffered(&mut stream).await else { continue };
            let seen = format!("{} {:?}", request.start, claims(&request)).replace("x-truecaller", "claim");
            let head = format!(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Accept: abc\r\nX-Truecaller-Phone: +2\r\nX-Seen: {seen}\r\n\r\nhello"
            );
            // The edge may be gone again.
            let _ = stream.write_all(head.as_bytes()).await;
            let mut bytes = [0; 64];
            while let Ok(count @ 1..) = stream.read(&mut bytes).await {
                let _ = stream.write_all(&bytes[..count]).await;
            }
        }
    });
    (address, task)
}

#[tokio::test]
async fn a_web_socket_passes_both_ways_without_the_namespace() {
    let (app, _task) = echo().await;
    for kind in Kind::ALL {
        println!("edge: {kind:?}");
        let edge = kind.start(app, &Settings::listing(["http://127.0.0.1:1/v1/default"])).await;
        let mut sockets = 1;
        while converse(edge.address()).await.is_none() {
            // pingora 0.9.1 may take the end of the handshake for that of the socket (cloudflare/pingora#946).
            assert!(kind != Kind::Tower && sockets < 10, "no socket stays open");
            sockets += 1;
        }
    }
}

/// Opens a socket and hears everything back; `None` if it is closed before.
async fn converse(address: SocketAddr) -> Option<()> {
    let mut client = Client::connect(address).await;
    client
        .send(
            "GET /chat?room=1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
             X-Truecaller-Phone: +1\r\n\r\n",
        )
        .await;
    let answer = client.read().await?;
    assert_eq!(answer.status(), 101);
    assert_eq!(answer.one("sec-websocket-accept"), Some("abc"));
    assert_eq!(answer.one("x-seen"), Some("GET /chat?room=1 HTTP/1.1 []"));
    assert_eq!(claims(&answer), []);
    assert_eq!(client.read_bytes(5).await?, b"hello");
    for frame in [&b"\x81\x05first"[..], b"\x82\x00", b"GET / HTTP/1.1\r\nX-Truecaller-Phone: +1\r\n\r\n"] {
        client.send(frame).await;
        assert_eq!(client.read_bytes(frame.len()).await?, frame);
    }
    Some(())
}

#[tokio::test]
async fn every_one_of_many_callbacks_gets_its_own_identity() {
    const CALLBACKS: usize = 200;
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        scene.truecaller.set_fault(Fault::Held);
        let mut clients = JoinSet::new();
        let mut phones = HashMap::new();
        for number in 0..CALLBACKS {
            let phone = format!("+9190000{number:05}");
            let profile = json!({ "phoneNumbers": [phone], "name": { "first": format!("user {number}") } });
            let request_id = format!("a-nonce-{number}");
            let body = scene.grant(profile.to_string()).replace("a-nonce-", &request_id);
            phones.insert(request_id, phone);
            clients.spawn(exchange(scene.edge.address(), post(PATH, body.as_bytes())));
        }
        scene.truecaller.wait_for_fetches(CALLBACKS).await;
        scene.truecaller.release();
        while let Some(answer) = clients.join_next().await {
            assert_eq!(answer.unwrap().unwrap().status(), 200);
        }
        for request in scene.reached().await {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let request_id = body["requestId"].as_str().unwrap();
            assert_eq!(request.one("x-truecaller-request-id"), Some(request_id));
            assert_eq!(request.one("x-truecaller-phone").map(str::to_owned), phones.remove(request_id));
            assert_eq!(request.one("x-truecaller-name"), Some(request_id.replace("a-nonce-", "user ").as_str()));
        }
        assert!(phones.is_empty(), "{phones:?}");
    }
}

#[tokio::test]
async fn a_slow_callback_holds_up_nobody_else() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        scene.truecaller.plan([Fault::Held]);
        let mut slow = Client::connect(scene.edge.address()).await;
        slow.send(post(PATH, scene.grant(DOCUMENTED_PROFILE).as_bytes())).await;
        scene.truecaller.wait_for_fetches(1).await;
        assert_eq!(scene.callback(scene.grant(DOCUMENTED_PROFILE)).await.status(), 200);
        assert_eq!(scene.reached().await.len(), 1);
        scene.truecaller.release();
        assert_eq!(slow.read().await.unwrap().status(), 200);
        assert_eq!(claims(&scene.reached_once().await), documented("a-nonce-"));
    }
}

#[tokio::test]
async fn a_client_that_has_gone_is_not_told_of_to_the_app() {
    for kind in Kind::ALL {
        let mut scene = Scene::of(kind).await;
        for gone in 1..=3 {
            scene.truecaller.plan([Fault::Held]);
            let mut client = Client::connect(scene.edge.address()).await;
            client.send(post(PATH, scene.grant(DOCUMENTED_PROFILE).as_bytes())).await;
            scene.truecaller.wait_for_fetches(2 * gone - 1).await;
            drop(client);
            scene.wait_for_abandoned(gone).await;
            scene.truecaller.release();
            assert_eq!(scene.callback(scene.grant(DOCUMENTED_PROFILE)).await.status(), 200);
            let bytes = scene.reached_bytes().await;
            assert_eq!(bytes.matches("POST ").count(), 1, "{bytes}");
        }
    }
}

/// RFC 9112 §6.1: HTTP/1.0 knows no chunks, so the end of the connection is the end of the body.
#[tokio::test]
async fn a_client_of_http_1_0_gets_no_chunks() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
    for kind in Kind::ALL {
        let scene = Scene::before(kind, Recorder::answering(chunked).await, |_| {}).await;
        for keep_alive in ["", "Connection: keep-alive\r\n"] {
            let mut client = TcpStream::connect(scene.edge.address()).await.unwrap();
            client.write_all(format!("GET / HTTP/1.0\r\nHost: a\r\n{keep_alive}\r\n").as_bytes()).await.unwrap();
            let mut answer = String::new();
            within(client.read_to_string(&mut answer)).await.unwrap();
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            assert!(!head.to_ascii_lowercase().contains("transfer-encoding"), "{answer}");
            assert_eq!(body, "hello world");
        }
    }
}
