//! Clients that connect and do not say what they want are not waited for without end.

use std::time::Duration;

use tempfile::TempDir;
use tokio::{net::TcpStream, time::timeout};

use super::{
    setup::{self, Talk},
    support::{program::Program, recorder::Recorder},
    tls::{LISTEN, Pair},
};

#[tokio::test]
async fn a_connection_on_which_no_request_comes_is_closed() {
    let (app, pair, folder) = (Recorder::start().await, Pair::new(), TempDir::new().unwrap());
    pair.write_certificate(folder.path());
    pair.write_key(folder.path());
    let listen = LISTEN.replace("listen: ", "listen:\n- 127.0.0.1:0\n- ");
    let more = "timeouts: { idle: 1s }\n";
    let program = Program::serve_from(folder, &(listen + &setup::config_without_listener(app.address()) + more));
    let secured = program.addresses()[1];

    for start in ["", "G", "GET / HTTP/1.1\r\nHost: app.example\r\nX: ", "GET http://app.exa"] {
        let mut plain: Talk<TcpStream> = Talk::connect(program.address()).await;
        let mut tls = Talk::over(pair.connect(secured, &["http/1.1"]).await.unwrap());
        plain.say(start).await;
        tls.say(start).await;
        assert_eq!(timeout(SOON, plain.rest()).await.as_deref(), Ok(&b""[..]), "{start}");
        assert_eq!(timeout(SOON, tls.rest()).await.as_deref(), Ok(&b""[..]), "{start}");
    }
    for start in ["", "PRI * HTTP/2.0\r\n"] {
        let mut http_2 = Talk::over(pair.connect(secured, &["h2"]).await.unwrap());
        http_2.say(start).await;
        assert_eq!(timeout(SOON, http_2.rest()).await.as_deref(), Ok(&b""[..]), "HTTP/2: {start}");
    }
}

/// pingora itself waits for a minute.
const SOON: Duration = Duration::from_secs(30);
