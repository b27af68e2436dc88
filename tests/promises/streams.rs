//! What takes its time: WebSockets, many callbacks at once, and clients that go away.

use std::{collections::HashMap, net::SocketAddr};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    task::JoinSet,
};
use truegate::{
    gate::{Event, Observer, Outcome},
    simulator::{DOCUMENTED_PROFILE, Day},
};

use crate::{
    claims::{claims, documented},
    support::{
        client::Client,
        edge::{Edge, Kind, PATH, Settings, tower},
        raw::{Message, exchange, post},
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
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut bytes = [0; 64];
            while let Ok(count @ 1..) = stream.read(&mut bytes).await {
                stream.write_all(&bytes[..count]).await.unwrap();
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
        let mut client = Client::connect(edge.address()).await;
        client
            .send(
                "GET /chat?room=1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
                 X-Truecaller-Phone: +1\r\n\r\n",
            )
            .await;
        let answer = client.read().await.unwrap();
        assert_eq!(answer.status(), 101);
        assert_eq!(answer.one("sec-websocket-accept"), Some("abc"));
        assert_eq!(answer.one("x-seen"), Some("GET /chat?room=1 HTTP/1.1 []"));
        assert_eq!(claims(&answer), []);
        assert_eq!(client.read_bytes(5).await, b"hello");
        for frame in [&b"\x81\x05first"[..], b"\x82\x00", b"GET / HTTP/1.1\r\nX-Truecaller-Phone: +1\r\n\r\n"] {
            client.send(frame).await;
            assert_eq!(client.read_bytes(frame.len()).await, frame);
        }
    }
}

#[tokio::test]
async fn every_one_of_many_callbacks_gets_its_own_identity() {
    const CALLBACKS: usize = 200;
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        scene.truecaller.set_day(Day::Held);
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
        scene.truecaller.plan([Day::Held]);
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

/// Tells when a callback was abandoned.
struct Abandonment(tokio::sync::mpsc::UnboundedSender<()>);

impl Observer for Abandonment {
    fn observe(&self, event: Event) {
        if let Event::Callback { outcome: Outcome::Abandoned, .. } = event {
            let _ = self.0.send(());
        }
    }
}

#[tokio::test]
async fn a_layer_drops_the_callback_of_a_client_that_has_gone() {
    let mut scene = Scene::of(Kind::Tower).await;
    let (sender, mut abandoned) = tokio::sync::mpsc::unbounded_channel();
    let settings = Settings::listing([scene.truecaller.endpoint()]);
    let gate = settings.gate_builder().observer(Abandonment(sender)).build();
    scene.edge = Edge::Tower(tower::Server::start(gate, scene.app.address()).await);
    scene.truecaller.set_day(Day::Held);

    let mut client = Client::connect(scene.edge.address()).await;
    client.send(post(PATH, scene.grant(DOCUMENTED_PROFILE).as_bytes())).await;
    scene.truecaller.wait_for_fetches(1).await;
    drop(client);
    abandoned.recv().await.unwrap();
    scene.truecaller.release();

    scene.unreached("the client has gone").await;
    scene.truecaller.set_day(Day::Good);
    assert_eq!(scene.callback(scene.grant(DOCUMENTED_PROFILE)).await.status(), 200);
    assert_eq!(claims(&scene.reached_once().await), documented("a-nonce-"));
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_no_half_verified_request() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        scene.truecaller.set_day(Day::Held);
        for count in 1..=20 {
            let mut client = Client::connect(scene.edge.address()).await;
            client.send(post(PATH, scene.grant(DOCUMENTED_PROFILE).as_bytes())).await;
            scene.truecaller.wait_for_fetches(count).await;
        }
        scene.truecaller.release();
        scene.truecaller.set_day(Day::Good);
        assert_eq!(scene.callback(scene.grant(DOCUMENTED_PROFILE)).await.status(), 200);
        // Whoever verified a callback before it noticed may tell the app of it, whole.
        for request in scene.reached().await {
            assert_eq!(claims(&request), documented("a-nonce-"));
        }
    }
}
