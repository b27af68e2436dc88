//! A request that comes before the answer to the one before it waits for its turn.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
    task::JoinSet,
};

use crate::support::{
    client::Client,
    edge::{Kind, Settings},
    raw::{Message, exchange, get, within},
};

/// An app that answers with the target of a request, once it may.
struct App {
    address: SocketAddr,
    arrived: mpsc::UnboundedReceiver<String>,
    may_answer: Arc<Semaphore>,
    bodies: Arc<Mutex<Vec<String>>>,
    _task: JoinSet<()>,
}

impl App {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, arrived) = mpsc::unbounded_channel();
        let (may_answer, bodies) = (Arc::new(Semaphore::new(0)), Arc::default());
        let (permits, keep) = (Arc::clone(&may_answer), Arc::clone(&bodies));
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, tell.clone(), Arc::clone(&permits), Arc::clone(&keep)));
            }
        });
        Self { address, arrived, may_answer, bodies, _task: task }
    }

    async fn arrival(&mut self) -> String {
        within(self.arrived.recv()).await.unwrap()
    }
}

async fn serve(
    stream: TcpStream,
    tell: mpsc::UnboundedSender<String>,
    may_answer: Arc<Semaphore>,
    bodies: Arc<Mutex<Vec<String>>>,
) {
    let mut stream = BufReader::new(stream);
    while let Ok(Some(request)) = Message::read_buffered(&mut stream).await {
        let target = request.start.split(' ').nth(1).unwrap().to_owned();
        if target != "/other" {
            bodies.lock().unwrap().push(request.text());
            tell.send(target.clone()).unwrap();
            may_answer.acquire().await.unwrap().forget();
        }
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{target}", target.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

#[tokio::test]
async fn a_request_that_comes_early_is_answered_in_its_turn() {
    for kind in Kind::ALL {
        println!("edge: {kind:?}");
        let mut app = App::start().await;
        let edge = kind.start(app.address, &Settings::listing(["http://127.0.0.1:1/v1/default"])).await;
        for (method, body, between) in [
            ("GET", "", ""),
            ("POST", "a body", ""),
            // Old clients end a body with a line break that is not part of it (RFC 9112 §2.2).
            ("POST", "a body", "\r\n"),
            ("POST", "a body", "\r\n\r\n"),
        ] {
            for _ in 0..4 {
                let request = |number: u8| {
                    let length = body.len();
                    format!("{method} /{number} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}")
                };
                let mut client = Client::connect(edge.address()).await;
                client.send(request(1)).await;
                assert_eq!(app.arrival().await, "/1");
                client.send(between).await;
                client.send(request(2)).await;
                client.send(request(3)).await;
                // A turn of another client gives the edge time to see what came.
                assert_eq!(exchange(edge.address(), get("/other", "")).await.unwrap().text(), "/other");
                app.may_answer.add_permits(3);
                for number in 1..=3 {
                    let answer = client.read().await.expect("an answer");
                    assert_eq!((answer.status(), answer.text()), (200, format!("/{number}")), "{method} {between:?}");
                }
                assert_eq!((app.arrival().await, app.arrival().await), ("/2".to_owned(), "/3".to_owned()));
                assert_eq!(app.bodies.lock().unwrap().drain(..).collect::<Vec<_>>(), [body; 3]);
            }
        }
    }
}

/// Between two requests that do not overlap, too.
#[tokio::test]
async fn stray_line_breaks_between_requests_are_no_request() {
    for kind in Kind::ALL {
        println!("edge: {kind:?}");
        let app = App::start().await;
        let edge = kind.start(app.address, &Settings::listing(["http://127.0.0.1:1/v1/default"])).await;
        let mut client = Client::connect(edge.address()).await;
        for stray in ["", "\r\n", "\r\n\r\n", "\n"] {
            client.send(stray).await;
            client.send(get("/other", "")).await;
            assert_eq!(client.read().await.expect("an answer").text(), "/other", "{stray:?}");
        }
    }
}
