//! What one gateway carries ends with a logout at another.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use truegate::clock::{Clock as _, SystemClock};

use crate::{
    site::{SESSION, Site},
    support::{raw::within, recorder::Recorder, redis::Redis},
};

/// What a busy machine may add.
const SLACK: Duration = Duration::from_secs(3);

#[tokio::test]
async fn a_silent_stream_ends_within_two_seconds_of_a_logout_elsewhere() {
    const EVENTS: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n";
    let redis = Redis::start();
    let mut site = Site::on(&redis).await;
    site.app = Recorder::answering(EVENTS).await;
    let [here, there] = [site.gateway(), site.gateway()];
    let mut browser = site.signed_in(&here, 1).await;
    let mut stream = TcpStream::connect(here.address()).await.unwrap();
    let cookie = format!("Cookie: {SESSION}={}\r\n", browser.cookie(SESSION).unwrap());
    stream.write_all(format!("GET /account/ HTTP/1.1\r\nHost: a\r\n{cookie}\r\n").as_bytes()).await.unwrap();
    let mut heard = Vec::new();
    while !heard.ends_with(b"data: 1\n\n\r\n") {
        heard.push(within(stream.read_u8()).await.unwrap());
    }

    assert_eq!(browser.via(there.address()).post("/.truegate/logout", "").await.status(), 204);

    let logged_out = SystemClock.now();
    let _ = within(stream.read_to_end(&mut Vec::new())).await;
    let waited = SystemClock.now() - logged_out;
    assert!(waited < Duration::from_secs(2) + SLACK, "{waited:?}");
}
