//! What a session opened ends with it: sockets, streams and uploads.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    time::sleep,
};
use truegate::simulator::{Call, Simulator};

use crate::support::{
    client::Client,
    edge::{
        Edge, Kind, PATH, Settings,
        pingora::Server,
        sessions::{Need, Sessions},
    },
    native::NATIVE,
    raw::within,
    seal::resealed,
    visitor::Visitor,
};

/// An edge in front of an app that the test plays itself.
struct Site {
    edge: Edge,
    truecaller: Simulator,
    app: TcpListener,
}

/// A request of somebody who is signed in, which has come to the app.
struct Exchange {
    browser: Visitor,
    client: Client,
    app: BufReader<TcpStream>,
}

impl Site {
    async fn open(kind: Kind, lifetime: Duration) -> Self {
        println!("edge: {kind:?}");
        let app = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let truecaller = Simulator::start().await.unwrap();
        let mut settings = Settings::listing([truecaller.endpoint()]);
        let rules = vec![("/public/", Need::Public), ("/cart/", Need::Optional), ("/", Need::Required)];
        settings.sessions = Some(Sessions { rules, lifetime, idle: lifetime, ..Sessions::usual() });
        settings.native = Some(NATIVE);
        Self { edge: kind.start(app.local_addr().unwrap(), &settings).await, truecaller, app }
    }

    /// The pingora module in a service that knows nothing of sessions.
    async fn bare() -> Self {
        let app = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let truecaller = Simulator::start().await.unwrap();
        let mut settings = Settings::listing([truecaller.endpoint()]);
        settings.sessions = Some(Sessions::usual());
        let server = Server::bare(settings.gate_builder().build(), app.local_addr().unwrap());
        Self { edge: Edge::Pingora(server), truecaller, app }
    }

    async fn signed_in(&self) -> Visitor {
        let mut browser = Visitor::at(self.edge.address(), Sessions::ORIGIN);
        let request_id = browser.start_login().await;
        let url = format!("http://{}{PATH}", self.edge.address());
        self.truecaller.call(&url, Call::grant().request_id(&request_id)).await.unwrap();
        assert_eq!(browser.state_after(&request_id, "pending").await, "verified");
        browser
    }

    /// The line with a token for the session of a browser.
    fn token_line(browser: &Visitor) -> String {
        let secret = Sessions::usual().secrets.remove(0);
        let cookie = browser.cookie("__Host-truegate").expect("somebody who is signed in");
        let token = resealed(&secret, ("session/", cookie), ("token/", &secret));
        format!("Authorization: Bearer truegate.{token}\r\n")
    }

    /// An app of the site's own, which has no cookies.
    fn own_app(&self) -> Visitor {
        Visitor::at(self.edge.address(), Sessions::ORIGIN)
    }

    async fn begin(&self, browser: Visitor, start: &str, lines: &str, body: &str) -> Exchange {
        let mut client = Client::connect(self.edge.address()).await;
        let cookie = browser.cookie("__Host-truegate").map(|value| format!("Cookie: __Host-truegate={value}\r\n"));
        let cookie = cookie.unwrap_or_default();
        client.send(format!("{start} HTTP/1.1\r\nHost: shop.example\r\n{cookie}{lines}\r\n{body}")).await;
        let mut app = BufReader::new(within(self.app.accept()).await.unwrap().0);
        // A body that goes on is left where it is.
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(within(app.read_u8()).await.unwrap());
        }
        Exchange { browser, client, app }
    }

    /// An upload whose first chunk has come to the app.
    async fn begin_upload(&self) -> Exchange {
        let chunked = "Transfer-Encoding: chunked\r\n";
        let mut upload = self.begin(self.signed_in().await, "POST /files", chunked, "5\r\nfirst\r\n").await;
        let mut first = [0; 10];
        within(upload.app.read_exact(&mut first)).await.unwrap();
        assert_eq!(&first, b"5\r\nfirst\r\n");
        upload
    }

    /// A socket over which a word has gone both ways; opened again if need be (cloudflare/pingora#946).
    async fn socket(&self, browser: Visitor, path: &str) -> Exchange {
        let lines = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        for _ in 0..10 {
            let mut exchange = self.begin(browser.clone(), &format!("GET {path}"), lines, "").await;
            let switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                            Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
            exchange.say(switched).await;
            assert_eq!(exchange.client.read().await.unwrap().status(), 101);
            if exchange.is_open().await {
                return exchange;
            }
        }
        panic!("no socket stays open");
    }
}

impl Exchange {
    /// The app says something.
    async fn say(&mut self, text: &str) {
        let _ = self.app.write_all(text.as_bytes()).await;
    }

    /// The client reads up to this text.
    async fn hear(&mut self, end: &str) {
        let mut heard = Vec::new();
        while !heard.ends_with(end.as_bytes()) {
            heard.extend(self.client.read_bytes(1).await.expect("more of the answer"));
        }
    }

    /// Whether a word goes both ways.
    async fn is_open(&mut self) -> bool {
        let mut word = [0; 4];
        self.client.send("ping").await;
        let heard = within(self.app.read_exact(&mut word)).await.is_ok();
        self.say("pong").await;
        heard && self.client.read_bytes(4).await.is_some()
    }

    /// Insists that the client gets the answer to a request without a session.
    async fn hear_that_nobody_is_signed_in(&mut self, status: u16) {
        let answer = self.client.read().await.expect("an answer");
        assert_eq!(answer.status(), status);
        match status {
            302 => assert!(answer.one("location").unwrap().starts_with("/.truegate/login?next=")),
            _ => assert_eq!(answer.code(), "not-signed-in"),
        }
    }

    async fn log_out(&mut self) {
        assert_eq!(self.browser.post("/.truegate/logout", "").await.status(), 204);
    }

    /// Insists that both sides see the end, and that nothing more arrives at either.
    async fn assert_ended(mut self) {
        let mut rest = Vec::new();
        // A connection that is reset is over, too.
        let _ = within(self.app.read_to_end(&mut rest)).await;
        assert_eq!(String::from_utf8_lossy(&rest), "", "the app");
        while let Some(byte) = self.client.read_bytes(1).await {
            rest.extend(byte);
        }
        let rest = String::from_utf8_lossy(&rest).into_owned();
        assert!(["", "0\r\n\r\n"].contains(&rest.as_str()), "the client: {rest}");
    }
}

#[tokio::test]
async fn a_silent_socket_ends_with_the_logout_of_its_session_alone() {
    for kind in Kind::ALL {
        let site = Site::open(kind, Duration::from_hours(1)).await;
        let mut other = site.socket(site.signed_in().await, "/kernel").await;
        let mut stranger = site.socket(Visitor::at(site.edge.address(), Sessions::ORIGIN), "/cart/socket").await;
        for path in ["/kernel", "/cart/socket"] {
            let mut socket = site.socket(site.signed_in().await, path).await;
            socket.log_out().await;
            socket.assert_ended().await;
        }
        assert!(other.is_open().await && stranger.is_open().await, "nobody else's");
    }
}

#[tokio::test]
async fn a_socket_ends_with_all_sessions_of_its_user() {
    for kind in Kind::ALL {
        let site = Site::open(kind, Duration::from_hours(1)).await;
        let socket = site.socket(site.signed_in().await, "/kernel").await;
        let mut elsewhere = site.signed_in().await;
        assert_eq!(elsewhere.post("/.truegate/logout?everywhere=true", "").await.status(), 204);
        socket.assert_ended().await;
    }
}

#[tokio::test]
async fn a_busy_socket_ends_and_no_word_passes_after_the_logout() {
    for kind in Kind::ALL {
        let site = Site::open(kind, Duration::from_hours(1)).await;
        let mut socket = site.socket(site.signed_in().await, "/kernel").await;
        socket.log_out().await;
        if kind == Kind::Tower {
            // What a server has upgraded is beyond the layer, and its app looks at the lease when it likes.
            while socket.is_open().await {}
            continue;
        }
        socket.client.send("import os").await;
        socket.say("a secret").await;
        socket.assert_ended().await;
    }
}

#[tokio::test]
async fn no_word_passes_a_module_whose_service_knows_nothing_of_sessions() {
    let site = Site::bare().await;
    for is_asked in [true, false] {
        let mut socket = site.socket(site.signed_in().await, "/kernel").await;
        socket.log_out().await;
        if is_asked {
            socket.client.send("import os").await;
        } else {
            socket.say("a secret").await;
        }
        socket.assert_ended().await;
    }
    let mut upload = site.begin_upload().await;
    upload.log_out().await;
    upload.client.send("6\r\nsecond\r\n").await;
    upload.hear_that_nobody_is_signed_in(401).await;
}

#[tokio::test]
async fn a_stream_of_events_ends_with_the_logout() {
    for kind in Kind::ALL {
        let site = Site::open(kind, Duration::from_hours(1)).await;
        for head in ["Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n", "\r\nfirst"] {
            let mut stream = site.begin(site.signed_in().await, "GET /events", "", "").await;
            stream.say(&format!("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{head}")).await;
            stream.hear("first\r\n").await;
            stream.log_out().await;
            stream.assert_ended().await;
        }
        let mut chatty = site.begin(site.signed_in().await, "GET /events", "", "").await;
        chatty.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        chatty.client.read_bytes(5).await.unwrap();
        chatty.log_out().await;
        let Exchange { mut client, app, .. } = chatty;
        let (mut ended, mut app) = app.into_inner().into_split();
        let talking = async { while app.write_all(b"1\r\n.\r\n").await.is_ok() {} };
        let reading = async { while client.read_bytes(1).await.is_some() {} };
        let mut rest = Vec::new();
        let _ = within(async { tokio::join!(talking, reading, ended.read_to_end(&mut rest)) }).await;
    }
}

#[tokio::test]
async fn an_upload_ends_with_the_logout() {
    for kind in Kind::ALL {
        let site = Site::open(kind, Duration::from_hours(1)).await;
        let mut upload = site.begin_upload().await;
        upload.log_out().await;
        upload.client.send("6\r\nsecond\r\n").await;
        if kind != Kind::Tower {
            upload.hear_that_nobody_is_signed_in(401).await;
        }
        let mut rest = Vec::new();
        let _ = within(upload.app.read_to_end(&mut rest)).await;
        assert!(!String::from_utf8_lossy(&rest).contains("second"));
    }
}

/// Most clients send all of a request before they read the answer, and a connection that is closed meanwhile can lose it.
#[tokio::test]
async fn the_rest_of_an_upload_is_read_after_the_logout() {
    join_all([Kind::Pingora, Kind::Gateway].map(async |kind| {
        let site = Site::open(kind, Duration::from_hours(1)).await;
        let mut upload = site.begin_upload().await;
        upload.log_out().await;
        upload.client.send("6\r\nsecond\r\n").await;
        upload.hear_that_nobody_is_signed_in(401).await;
        // For longer than the two seconds within which what the app has begun is cut.
        for _ in 0..15 {
            sleep(Duration::from_millis(200)).await;
            assert!(upload.client.sends("5\r\nthird\r\n").await, "{kind:?}: the edge has closed");
        }
        assert!(upload.client.sends("0\r\n\r\n").await, "{kind:?}: the edge has closed");
        assert!(upload.client.read_bytes(1).await.is_none(), "nothing but the one answer");
    }))
    .await;
}

#[tokio::test]
async fn an_answer_that_comes_after_the_logout_is_kept_from_the_client() {
    let (navigation, form) = ("Sec-Fetch-Mode: navigate\r\n", "Sec-Fetch-Mode: navigate\r\nContent-Length: 4\r\n");
    let interim = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n";
    for kind in [Kind::Pingora, Kind::Gateway] {
        let site = Site::open(kind, Duration::from_hours(1)).await;
        for (start, lines, body, before, status) in [
            ("GET /report", "", "", "", 401),
            ("GET /report", "", "", interim, 401),
            ("GET /cart/", navigation, "", "", 401),
            ("GET /report", navigation, "", "", 302),
            ("POST /orders", form, "item", "", 401),
        ] {
            let mut slow = site.begin(site.signed_in().await, start, lines, body).await;
            within(slow.app.read_exact(&mut vec![0; body.len()])).await.unwrap();
            slow.say(before).await;
            if !before.is_empty() {
                assert_eq!(slow.client.read().await.unwrap().status(), 103);
            }
            slow.log_out().await;
            slow.say("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\na secret").await;
            slow.hear_that_nobody_is_signed_in(status).await;
            slow.assert_ended().await;
        }
    }
}

#[tokio::test]
async fn what_an_app_opens_with_a_token_ends_with_its_session() {
    for kind in Kind::ALL {
        let site = Site::open(kind, Duration::from_hours(1)).await;
        let mut browser = site.signed_in().await;
        let mut stream = site.begin(site.own_app(), "GET /events", &Site::token_line(&browser), "").await;
        stream.say("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nfirst").await;
        stream.hear("first\r\n").await;
        assert_eq!(browser.post("/.truegate/logout", "").await.status(), 204);
        stream.assert_ended().await;
    }
    let (navigation, form) = ("Sec-Fetch-Mode: navigate\r\n", "Sec-Fetch-Mode: navigate\r\nContent-Length: 4\r\n");
    for kind in [Kind::Pingora, Kind::Gateway] {
        let site = Site::open(kind, Duration::from_hours(1)).await;
        for (start, lines, body) in [
            ("GET /report", "", ""),
            ("GET /cart/", navigation, ""),
            ("GET /report", navigation, ""),
            ("POST /orders", form, "item"),
        ] {
            let mut browser = site.signed_in().await;
            let lines = format!("{lines}{}", Site::token_line(&browser));
            let mut slow = site.begin(site.own_app(), start, &lines, body).await;
            within(slow.app.read_exact(&mut vec![0; body.len()])).await.unwrap();
            assert_eq!(browser.post("/.truegate/logout", "").await.status(), 204);
            slow.say("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\na secret").await;
            let answer = slow.client.read().await.expect("an answer");
            assert_eq!((answer.status(), answer.code().as_str()), (401, "not-signed-in"), "{start} {lines}");
            assert_eq!(answer.one("www-authenticate"), Some("Bearer error=\"invalid_token\""), "{start} {lines}");
            slow.assert_ended().await;
        }
    }
}

#[tokio::test]
async fn what_goes_on_ends_with_the_lifetime_of_its_session() {
    // The program takes no lifetime of less than a minute; it ends connections as the module does.
    join_all([Kind::Tower, Kind::Pingora].map(async |kind| {
        // Long enough for a busy machine to begin.
        let site = Site::open(kind, Duration::from_secs(12)).await;
        let browser = site.signed_in().await;
        let mut stream = site.begin(browser.clone(), "GET /events", "", "").await;
        stream.say("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nfirst").await;
        stream.hear("first\r\n").await;
        let socket = site.socket(browser, "/kernel").await;
        stream.assert_ended().await;
        socket.assert_ended().await;
    }))
    .await;
}
