//! What follows on the same connection is a request of its own, or nothing.

use truegate::simulator::DOCUMENTED_PROFILE;

use crate::{
    claims::{claims, documented},
    support::{
        client::Client,
        edge::{Kind, PATH},
        raw::{get, post},
        scene::Scene,
    },
};

/// A request that must not be found in the body of another.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: app.example\r\nX-Truecaller-Phone: +1\r\n\r\n";

#[tokio::test]
async fn the_unread_body_of_a_rejected_request_is_no_request() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let large = SMUGGLED.repeat(256);
        for (start, lines, body) in [
            (format!("PUT {PATH}"), "", SMUGGLED),
            (format!("POST {PATH}"), "Content-Encoding: gzip\r\n", SMUGGLED),
            (format!("POST {PATH}"), "", &large),
            (format!("POST {PATH}/"), "", SMUGGLED),
            ("TRACE /".to_owned(), "", SMUGGLED),
            (format!("POST {PATH}"), "", SMUGGLED),
        ] {
            println!("request: {start} {lines}");
            let length = body.len();
            let mut client = Client::connect(scene.edge.address()).await;
            let head = format!("{start} HTTP/1.1\r\nHost: app.example\r\n{lines}Content-Length: {length}\r\n\r\n");
            client.send(head + body).await;
            client.send(get("/second", "X-Truecaller-Phone: +1\r\n")).await;
            let answer = client.read().await.unwrap();
            assert!((400..500).contains(&answer.status()), "{answer:#?}");
            client.finish().await;
            client.read_all().await;
            // The second request may be answered or be lost with its connection.
            for request in scene.reached().await {
                assert_eq!((request.start.as_str(), claims(&request)), ("GET /second HTTP/1.1", vec![]));
            }
        }
        assert_eq!(scene.truecaller.connections(), 0);
    }
}

#[tokio::test]
async fn a_body_that_holds_a_request_passes_as_a_body() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let mut client = Client::connect(scene.edge.address()).await;
        for request in [post("/first", SMUGGLED.as_bytes()), get("/second", "X-Truecaller-Phone: +1\r\n")] {
            client.send(request).await;
            assert_eq!(client.read().await.unwrap().status(), 200);
        }
        let reached = scene.reached().await;
        assert_eq!(reached.len(), 2);
        assert_eq!((reached[0].text().as_str(), reached[1].start.as_str()), (SMUGGLED, "GET /second HTTP/1.1"));
        assert_eq!(claims(&reached[1]), []);
    }
}

#[tokio::test]
async fn nothing_of_one_request_stays_for_the_next_on_its_connection() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let mut client = Client::connect(scene.edge.address()).await;
        for status in [200, 403] {
            let endpoint = if status == 200 { scene.truecaller.endpoint() } else { "https://evil.invalid/" };
            client.send(post(PATH, scene.grant_at(DOCUMENTED_PROFILE, endpoint).as_bytes())).await;
            assert_eq!(client.read().await.unwrap().status(), status);
            let reached: Vec<_> = scene.reached().await.iter().map(claims).collect();
            assert_eq!(reached, if status == 200 { vec![documented("a-nonce-")] } else { vec![] });
            client.send(get("/next", "X-Truecaller-Phone: +1\r\n")).await;
            assert_eq!(
                client.read().await.unwrap().status(),
                200,
                "a callback that was read to its end keeps the line"
            );
            assert_eq!(claims(&scene.reached_once().await), []);
        }
    }
}

#[tokio::test]
async fn requests_in_one_go_are_each_stripped() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let mut client = Client::connect(scene.edge.address()).await;
        client.send(SMUGGLED.repeat(3)).await;
        for _ in 0..3 {
            assert_eq!(client.read().await.unwrap().status(), 200);
        }
        let reached = scene.reached().await;
        assert_eq!(reached.len(), 3);
        assert!(reached.iter().all(|request| claims(request).is_empty()), "{reached:#?}");
    }
}

#[tokio::test]
async fn a_request_after_a_refused_upgrade_is_stripped_as_any_other() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for protocol in ["foo", "websocket", "h2c"] {
            println!("protocol: {protocol}");
            let upgrade = get("/first", &format!("Connection: Upgrade\r\nUpgrade: {protocol}\r\n"));
            for in_one_go in [true, false] {
                let mut client = Client::connect(scene.edge.address()).await;
                if in_one_go {
                    client.send([&upgrade, SMUGGLED.as_bytes()].concat()).await;
                } else {
                    client.send(&upgrade).await;
                    assert_eq!(client.read().await.unwrap().status(), 200);
                    client.send(SMUGGLED).await;
                }
                client.finish().await;
                let answers = client.read_all().await;
                assert!(answers.iter().all(|answer| [200, 400].contains(&answer.status())), "{answers:#?}");
                let bytes = scene.reached_bytes().await;
                assert!(bytes.starts_with("GET /first ") && !bytes.contains("+1"), "{bytes}");
            }
        }
    }
}
