//! WebSockets at a stop: they are closed between two frames, and their clients know why.

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
};

use super::{
    setup::{self, Talk},
    stop::refused,
    streams::{Both, HANDSHAKE, SWITCHED, open_socket},
    support::program::Program,
    tls::{Pair, serve},
};

/// A stop must not need the grace.
const LONG_GRACE: &str = "shutdown_grace: 1h\n";
/// The end is 1001, "going away" (RFC 6455 §7.4.1).
const CLOSED: &[u8] = b"\x88\x02\x03\xe9";
/// The same from a client, who masks it.
const CLOSED_MASKED: &[u8] = b"\x88\x82\0\0\0\0\x03\xe9";

async fn hear_exactly<S: AsyncRead + AsyncWrite + Unpin>(talk: &mut Talk<S>, bytes: &[u8]) {
    assert_eq!(talk.bytes(bytes.len()).await, bytes);
}

async fn assert_ended(program: Program) {
    let (status, log) = setup::ended(program).await;
    assert_eq!(status.code(), Some(0));
    assert!(!log.iter().any(|line| line.contains("cut off")), "{log:#?}");
}

#[tokio::test]
async fn a_websocket_is_closed_behind_the_frame_that_the_app_is_sending() {
    let Both { mut app, mut client, program, .. } = open_socket(LONG_GRACE).await;
    // Its payload looks like a frame that closes.
    app.say(b"\x82\x04\x88\x02").await;
    hear_exactly(&mut client, b"\x82\x04\x88\x02").await;

    program.signal("TERM");
    refused(&program).await;
    app.say(b"\x03\xe9\x81\x05never").await;

    hear_exactly(&mut client, b"\x03\xe9").await;
    hear_exactly(&mut client, CLOSED).await;
    client.say(CLOSED_MASKED).await;
    hear_exactly(&mut app, CLOSED_MASKED).await;
    app.say(CLOSED).await;
    drop(app);
    assert_eq!(client.rest().await, b"", "one end is enough");
    assert_ended(program).await;
}

#[tokio::test]
async fn a_message_of_a_client_reaches_the_app_until_the_client_has_answered() {
    let Both { mut app, mut client, program, .. } = open_socket(LONG_GRACE).await;
    program.signal("TERM");
    hear_exactly(&mut client, CLOSED).await;
    client.say(b"\x81\x82\0\0\0\0hi").await;
    hear_exactly(&mut app, b"\x81\x82\0\0\0\0hi").await;
    client.say(CLOSED_MASKED).await;
    hear_exactly(&mut app, CLOSED_MASKED).await;
    drop(app);
    assert_ended(program).await;
}

#[tokio::test]
async fn a_client_that_does_not_answer_is_left_soon() {
    let Both { mut app, mut client, program, .. } = open_socket(LONG_GRACE).await;
    program.signal("TERM");
    assert_eq!(client.rest().await, CLOSED);
    assert_eq!(app.rest().await, b"");
    assert_ended(program).await;
}

#[tokio::test]
async fn an_app_in_the_middle_of_a_frame_has_the_grace() {
    let Both { mut app, mut client, program, .. } = open_socket("shutdown_grace: 300ms\n").await;
    app.say(b"\x82\x04\x88\x02").await;
    hear_exactly(&mut client, b"\x82\x04\x88\x02").await;

    program.signal("TERM");

    assert_eq!(client.rest().await, b"");
    let (status, log) = setup::ended(program).await;
    assert_eq!(status.code(), Some(0));
    assert!(log.iter().any(|line| line.contains("cut off")), "{log:#?}");
}

#[tokio::test]
async fn a_websocket_that_the_app_has_closed_is_not_closed_again() {
    let Both { mut app, mut client, program, .. } = open_socket(LONG_GRACE).await;
    app.say(b"\x88\x02\x03\xe8").await;
    hear_exactly(&mut client, b"\x88\x02\x03\xe8").await;
    program.signal("TERM");
    refused(&program).await;
    client.say(CLOSED_MASKED).await;
    hear_exactly(&mut app, CLOSED_MASKED).await;
    drop(app);
    assert_eq!(client.rest().await, b"");
    assert_ended(program).await;
}

#[tokio::test]
async fn a_websocket_over_tls_is_closed_too() {
    let (listener, pair) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), Pair::new());
    let config = setup::config_without_listener(listener.local_addr().unwrap()) + LONG_GRACE;
    let program = serve(&pair, &config);
    let (mut client, app) = loop {
        let client = Talk::over(pair.connect(program.address(), &["http/1.1"]).await.unwrap());
        if let Some(both) = upgrade(client, &listener).await {
            break both;
        }
    };

    program.signal("TERM");

    hear_exactly(&mut client, CLOSED).await;
    drop((client, app));
    assert_ended(program).await;
}

/// Both ends of a WebSocket over which a first word has gone; none if pingora has closed it, as in `open_socket`.
async fn upgrade<S: AsyncRead + AsyncWrite + Unpin>(
    mut client: Talk<S>,
    listener: &TcpListener,
) -> Option<(Talk<S>, Talk<TcpStream>)> {
    client.say(HANDSHAKE).await;
    let mut app = Talk::accept(listener).await;
    app.hear("\r\n\r\n").await;
    app.say(SWITCHED).await;
    let head = client.hear("\r\n\r\n").await;
    client.say("hello\n").await;
    (head.starts_with("HTTP/1.1 101 ") && app.hears("hello\n").await).then_some((client, app))
}
