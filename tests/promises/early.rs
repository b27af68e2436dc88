//! An answer that is given while the request is still being sent is read by its client.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{
    edge::{Kind, PATH, Sessions, sessions::Need},
    native::NATIVE,
    raw::{Message, within},
    scene::Scene,
};

/// What clients of HTTP send before they look for an answer: all of it.
const LENGTH: usize = 2_000_000;

fn refused() -> [(String, u16); 8] {
    [
        (format!("PUT {PATH} HTTP/1.1\r\nHost: shop.example\r\n"), 405),
        (format!("POST {PATH} HTTP/1.1\r\nHost: shop.example\r\n"), 413),
        (format!("POST {PATH}/ HTTP/1.1\r\nHost: shop.example\r\n"), 400),
        (format!("PUT {NATIVE} HTTP/1.1\r\nHost: shop.example\r\n"), 405),
        (format!("POST {NATIVE} HTTP/1.1\r\nHost: shop.example\r\n"), 413),
        ("POST /account/ HTTP/1.1\r\nHost: shop.example\r\n".to_owned(), 401),
        ("POST /.truegate/nothing HTTP/1.1\r\nHost: shop.example\r\n".to_owned(), 404),
        ("POST /.truegate/logout HTTP/1.1\r\nHost: shop.example\r\nOrigin: https://evil.example\r\n".to_owned(), 403),
    ]
}

async fn scene(kind: Kind) -> Scene {
    Scene::with(kind, |settings| {
        settings.native = Some(NATIVE);
        let rules = vec![("/account/", Need::Required), ("/", Need::Optional)];
        settings.sessions = Some(Sessions { rules, ..Sessions::usual() });
    })
    .await
}

/// Sends a request whole before it reads, as most clients do.
async fn send_first(scene: &Scene, head: &str, body: &[u8]) -> Message {
    let mut stream = TcpStream::connect(scene.edge.address()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    for part in body.chunks(100_000) {
        within(stream.write_all(part)).await.unwrap_or_else(|error| panic!("{head:?}: {error}"));
    }
    let answer = within(Message::read(&mut stream)).await;
    answer.unwrap_or_else(|error| panic!("{head:?}: {error}")).expect("an answer")
}

#[tokio::test]
async fn a_client_that_sends_everything_first_reads_why_it_was_refused() {
    let chunk = [format!("{LENGTH:x}\r\n").as_bytes(), &vec![b'a'; LENGTH], b"\r\n0\r\n\r\n"].concat();
    for kind in Kind::ALL {
        let scene = scene(kind).await;
        for (head, status) in refused() {
            let sized = format!("{head}Content-Length: {LENGTH}\r\n\r\n");
            assert_eq!(send_first(&scene, &sized, &vec![b'a'; LENGTH]).await.status(), status, "{head}");
            let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
            assert_eq!(send_first(&scene, &chunked, &chunk).await.status(), status, "{head}");
        }
        scene.unreached("it was refused").await;
    }
}

/// Whoever waits for an answer before it sends more gets it, though nobody said `Expect`.
#[tokio::test]
async fn a_client_that_waits_for_the_answer_is_not_kept_waiting() {
    for kind in Kind::ALL {
        let scene = scene(kind).await;
        for (head, status) in refused() {
            let mut stream = TcpStream::connect(scene.edge.address()).await.unwrap();
            stream.write_all(format!("{head}Content-Length: {LENGTH}\r\n\r\nbegin").as_bytes()).await.unwrap();
            let answer = tokio::time::timeout(Duration::from_secs(5), Message::read(&mut stream)).await;
            assert_eq!(answer.expect("in time").unwrap().unwrap().status(), status, "{head}");
        }
    }
}

#[tokio::test]
async fn nobody_reads_on_for_ever() {
    for kind in Kind::ALL {
        let scene = scene(kind).await;
        let mut stream = TcpStream::connect(scene.edge.address()).await.unwrap();
        let head = format!("PUT {PATH} HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 1000000000\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut sent = 0;
        while sent < 200 && within(stream.write_all(&vec![b'a'; 1_000_000])).await.is_ok() {
            sent += 1;
        }
        assert!(sent < 200, "the connection ends before all of it was sent");
        let mut rest = Vec::new();
        let _ = within(stream.read_to_end(&mut rest)).await;
    }
}
