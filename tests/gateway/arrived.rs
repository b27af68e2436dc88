//! A stop loses no request that came before it, and waits for no client that is silent.

use std::net::SocketAddr;

use http::Request;
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    task::yield_now,
};

use super::{
    setup::{self, Talk},
    stop::refused,
    support::{program::Program, raw, recorder::Recorder},
    tls::{Http2, LISTEN, Pair, body, text},
};

/// A gateway with so many threads, one plain listener, and then one with TLS.
fn serve(pair: &Pair, app: SocketAddr, threads: usize) -> Program {
    let folder = TempDir::new().unwrap();
    pair.write_certificate(folder.path());
    pair.write_key(folder.path());
    let listen = LISTEN.replace("listen: ", "listen:\n- 127.0.0.1:0\n- ");
    let more = format!("server: {{ threads: {threads} }}\nshutdown_grace: 20s\n");
    Program::serve_from(folder, &(listen + &setup::config_without_listener(app) + &more))
}

/// Begins a request behind so many others.
async fn begin<S: AsyncRead + AsyncWrite + Unpin>(mut client: Talk<S>, others: usize) -> Talk<S> {
    for _ in 0..others {
        client.say(raw::get("/", "")).await;
        assert_eq!(client.message().await.text(), "ok");
    }
    client.say(BEGIN).await;
    client
}

async fn end<S: AsyncRead + AsyncWrite + Unpin>(mut client: Talk<S>) {
    client.say(END).await;
    let answer = client.message().await;
    assert_eq!((&*answer.text(), answer.one("connection")), ("ok", Some("close")));
    assert_eq!(client.rest().await, b"");
}

#[tokio::test]
async fn a_head_that_has_begun_to_come_may_end_after_a_stop() {
    let (app, pair) = (Recorder::start().await, Pair::new());
    for threads in [1, 2] {
        let program = serve(&pair, app.address(), threads);
        let secured = program.addresses()[1];
        let (mut plain, mut tls) = (Vec::new(), Vec::new());
        for others in 0..3 {
            plain.push(begin(Talk::connect(program.address()).await, others).await);
            tls.push(begin(Talk::over(pair.connect(secured, &["http/1.1"]).await.unwrap()), others).await);
        }

        program.signal("TERM");
        refused(&program).await;

        for client in plain {
            end(client).await;
        }
        for client in tls {
            end(client).await;
        }
        assert_eq!(setup::ended(program).await.0.code(), Some(0));
    }
}

/// The program is suspended meanwhile, so it has read none of these requests when it learns of the stop.
#[tokio::test]
async fn a_request_that_came_before_a_stop_is_answered() {
    let (app, pair) = (Recorder::start().await, Pair::new());
    for threads in [1, 2] {
        let program = serve(&pair, app.address(), threads);
        let secured = program.addresses()[1];
        let mut used = begin(Talk::connect(program.address()).await, 1).await;
        let mut used_tls = begin(Talk::over(pair.connect(secured, &["http/1.1"]).await.unwrap()), 1).await;
        let mut fresh_tls = Talk::over(pair.connect(secured, &["http/1.1"]).await.unwrap());
        let mut http_2 = Http2::connect(&pair, secured).await;

        program.signal("STOP");
        used.say(END).await;
        used_tls.say(END).await;
        fresh_tls.say(raw::get("/", "")).await;
        let mut fresh = Vec::new();
        for _ in 0..100 {
            let mut client = Talk::connect(program.address()).await;
            client.say(raw::get("/", "")).await;
            fresh.push(client);
        }
        let stop = async {
            // Until the request of HTTP/2 and the first part of a handshake are on their way.
            for _ in 0..100 {
                yield_now().await;
            }
            program.signal("TERM");
            program.signal("CONT");
        };
        let request = Request::get("https://app.example/").body(body("")).unwrap();
        let late = async {
            let mut client = Talk::over(pair.connect(secured, &["http/1.1"]).await.unwrap());
            client.say(raw::get("/", "")).await;
            client.message().await.text()
        };
        let (answer, late, ()) = tokio::join!(http_2.send(request), late, stop);

        assert_eq!((&*text(answer).await, &*late), ("ok", "ok"));
        for client in [&mut used].into_iter().chain(&mut fresh) {
            assert_eq!(client.message().await.text(), "ok");
        }
        for client in [&mut used_tls, &mut fresh_tls] {
            assert_eq!(client.message().await.text(), "ok");
        }
        drop(http_2);
        assert_eq!(setup::ended(program).await.0.code(), Some(0));
    }
}

#[tokio::test]
async fn clients_that_are_silent_are_left_at_once() {
    let (listener, pair) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), Pair::new());
    let program = serve(&pair, listener.local_addr().unwrap(), 1);
    let secured = program.addresses()[1];
    let mut silent: [Talk<TcpStream>; 2] = [Talk::connect(program.address()).await, Talk::connect(secured).await];
    let mut silent_tls = Talk::over(pair.connect(secured, &["http/1.1"]).await.unwrap());
    let mut client = Talk::connect(program.address()).await;
    client.say(raw::get("/slow", "")).await;
    let mut app = Talk::accept(&listener).await;
    app.message().await;

    program.signal("TERM");
    for client in &mut silent {
        assert_eq!(client.rest().await, b"");
    }
    assert_eq!(silent_tls.rest().await, b"");
    app.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;

    assert_eq!(client.message().await.text(), "ok");
    assert_eq!(client.rest().await, b"");
    assert_eq!(setup::ended(program).await.0.code(), Some(0));
}

/// pingora keeps what came behind a request, and reads nothing for the next one.
#[tokio::test]
async fn a_request_that_came_behind_another_one_is_answered() {
    let (listener, pair) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), Pair::new());
    for stops_during in [1, 2] {
        let program = serve(&pair, listener.local_addr().unwrap(), 1);
        let (mut client, mut silent) =
            (Talk::connect(program.address()).await, Talk::<TcpStream>::connect(program.address()).await);
        client.say([raw::get("/1", ""), raw::get("/2", "")].concat()).await;

        for number in 1..=2 {
            let mut app = Talk::accept(&listener).await;
            let request = app.message().await;
            assert!(request.start.contains(&format!("/{number}")), "{}", request.start);
            if stops_during == number {
                program.signal("TERM");
                // By then, idle connections were closed.
                assert_eq!(silent.rest().await, b"");
            }
            app.say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok").await;
            assert_eq!(client.message().await.text(), "ok");
        }
        assert_eq!(client.rest().await, b"");
        assert_eq!(setup::ended(program).await.0.code(), Some(0));
    }
}

const BEGIN: &str = "GET / HTTP/1.1\r\nHost: app.exa";
const END: &str = "mple\r\n\r\n";
