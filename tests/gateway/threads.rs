//! The threads that serve connections.

use tokio::net::{TcpListener, TcpStream};

use super::{
    setup::{self, Talk},
    stop::refused,
    support::{program::Program, raw, recorder::Recorder},
};

const THREADS: usize = 3;

fn config(upstream: std::net::SocketAddr) -> String {
    setup::config(upstream) + &format!("server: {{ threads: {THREADS} }}\n")
}

#[tokio::test]
async fn there_are_as_many_threads_as_the_configuration_says() {
    let app = Recorder::start().await;
    let program = Program::serve(&config(app.address()));
    let threads = program.threads();
    assert_eq!(threads.iter().filter(|name| name.starts_with("worker-")).count(), THREADS, "{threads:?}");
}

#[tokio::test]
async fn at_a_stop_every_thread_finishes_its_requests_and_closes_its_idle_connections() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let program = Program::serve(&config(listener.local_addr().unwrap()));
    let (mut idle, mut busy) = (Vec::<Talk<TcpStream>>::new(), Vec::new());
    for _ in 0..2 * THREADS {
        let mut client = Talk::connect(program.address()).await;
        client.say(raw::get("/", "")).await;
        let mut app = Talk::accept(&listener).await;
        app.message().await;
        app.say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").await;
        assert_eq!(client.message().await.status(), 200);
        idle.push(client);
    }
    for _ in 0..2 * THREADS {
        let mut client = Talk::connect(program.address()).await;
        client.say(raw::get("/slow", "")).await;
        let mut app = Talk::accept(&listener).await;
        app.message().await;
        busy.push((client, app));
    }

    program.signal("TERM");
    refused(&program).await;

    for client in &mut idle {
        assert_eq!(client.rest().await, b"");
    }
    for (client, app) in &mut busy {
        app.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
        assert_eq!(client.message().await.text(), "ok");
    }
    let (status, log) = setup::ended(program).await;
    assert_eq!(status.code(), Some(0));
    assert!(log.last().unwrap().contains(r#""message":"stopped""#), "{log:#?}");
}
