//! The app's own cookies end with the user for whom the app set them.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use truegate::simulator::{Call, Simulator};

use crate::support::{
    edge::{
        Kind, PATH, Settings,
        sessions::{Need, Sessions},
    },
    raw::{Message, exchange, within},
    recorder::Recorder,
    scene::Scene,
};

const RAJAT: &str = r#"{"phoneNumbers":["919999999999"],"userId":"1"}"#;
const ASHA: &str = r#"{"phoneNumbers":["918888888888"],"userId":"2"}"#;
/// The number of Rajat's, given to another person.
const HEIR: &str = r#"{"phoneNumbers":["919999999999"],"userId":"3"}"#;

fn listing(settings: &mut Settings) {
    // The last one covers the companions as well, which are not the app's.
    list(settings, vec!["sid", "other", "__Secure-*"]);
}

fn list(settings: &mut Settings, upstream_cookies: Vec<&'static str>) {
    let rules = vec![("/public/", Need::Public), ("/account/", Need::Required), ("/", Need::Optional)];
    settings.sessions = Some(Sessions { rules, upstream_cookies, ..Sessions::usual() });
}

/// An app that logs in whom the identity headers name, and from then on believes its own cookie, as JupyterHub does. It sets
/// the cookie for the first segment of the path.
async fn hub() -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(serve(stream));
        }
    });
    (address, tasks)
}

async fn serve(stream: TcpStream) {
    let mut stream = BufReader::new(stream);
    while let Ok(Some(request)) = Message::read_buffered(&mut stream).await {
        let line = request.all("cookie").join("; ");
        let known = line.split("; ").find_map(|pair| pair.strip_prefix("sid="));
        let path = request.start.split(' ').nth(1).unwrap();
        let folder = path.split('/').nth(1).unwrap();
        let (user, cookie) = match known {
            Some(user) => (user.to_owned(), String::new()),
            None => {
                let user = request.one("x-truecaller-phone").unwrap_or("nobody").to_owned();
                let cookie = format!("Set-Cookie: sid={user}; Path=/{folder}; HttpOnly\r\n");
                (user, cookie)
            }
        };
        let head = format!("HTTP/1.1 200 OK\r\n{cookie}Content-Length: {}\r\n\r\n{user}", user.len());
        if stream.write_all(head.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// A browser that keeps cookies by name and path (RFC 6265 §5.3).
struct Browser {
    address: SocketAddr,
    cookies: Vec<(String, String, String)>,
}

impl Browser {
    fn at(address: SocketAddr) -> Self {
        Self { address, cookies: Vec::new() }
    }

    async fn get(&mut self, path: &str) -> Message {
        self.send("GET", path).await
    }

    async fn send(&mut self, method: &str, path: &str) -> Message {
        let is_in = |folder: &str| {
            let rest = path.strip_prefix(folder);
            rest.is_some_and(|rest| folder.ends_with('/') || rest.is_empty() || rest.starts_with(['/', '?']))
        };
        let mut sent: Vec<_> = self.cookies.iter().filter(|(_, folder, _)| is_in(folder)).collect();
        sent.sort_by_key(|(_, folder, _)| std::cmp::Reverse(folder.len()));
        let line: Vec<_> = sent.iter().map(|(name, _, value)| format!("{name}={value}")).collect();
        let cookie = if line.is_empty() { String::new() } else { format!("Cookie: {}\r\n", line.join("; ")) };
        let head =
            format!("{method} {path} HTTP/1.1\r\nHost: shop.example\r\nOrigin: {}\r\n{cookie}\r\n", Sessions::ORIGIN);
        let answer = exchange(self.address, head).await.expect("an answer");
        for line in answer.all("set-cookie") {
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let (name, value) = pair.split_once('=').unwrap();
            let folder = attributes.split("; ").find_map(|attribute| attribute.trim().strip_prefix("Path="));
            let folder = folder.unwrap_or("/").to_owned();
            self.cookies.retain(|(known, place, _)| (known.as_str(), place) != (name, &folder));
            if !attributes.contains("Max-Age=0") {
                self.cookies.push((name.to_owned(), folder, value.to_owned()));
            }
        }
        answer
    }

    /// The paths for which a cookie is kept.
    fn paths(&self, name: &str) -> Vec<&str> {
        self.cookies.iter().filter(|(known, ..)| known == name).map(|(_, path, _)| path.as_str()).collect()
    }

    async fn log_in(&mut self, truecaller: &Simulator, profile: &'static str) {
        let started = self.send("POST", "/.truegate/login").await;
        assert_eq!(started.status(), 201, "{started:#?}");
        let started: serde_json::Value = serde_json::from_slice(&started.body).unwrap();
        let request_id = started["request_id"].as_str().unwrap();
        let url = format!("http://{}{PATH}", self.address);
        truecaller.call(&url, Call::grant().profile(profile).request_id(request_id)).await.unwrap();
        let state = self.get(&format!("/.truegate/status?request_id={request_id}&since=pending&wait=25")).await;
        assert!(state.text().contains("verified"), "{state:#?}");
    }

    async fn log_out(&mut self) {
        assert_eq!(self.send("POST", "/.truegate/logout").await.status(), 204);
    }
}

/// An edge in front of the app, and a Truecaller.
struct Shop {
    truecaller: Simulator,
    edge: crate::support::edge::Edge,
    _app: JoinSet<()>,
}

impl Shop {
    async fn behind(kind: Kind) -> Self {
        Self::listing(kind, vec!["sid", "other"]).await
    }

    async fn listing(kind: Kind, upstream_cookies: Vec<&'static str>) -> Self {
        println!("edge: {kind:?}");
        let (address, app) = hub().await;
        let truecaller = Simulator::start().await.unwrap();
        let mut settings = Settings::listing([truecaller.endpoint()]);
        list(&mut settings, upstream_cookies);
        Self { edge: kind.start(address, &settings).await, truecaller, _app: app }
    }

    fn browser(&self) -> Browser {
        Browser::at(self.edge.address())
    }
}

#[tokio::test]
async fn the_next_person_on_a_browser_is_not_the_first_one() {
    for kind in Kind::ALL {
        let shop = Shop::behind(kind).await;
        let mut browser = shop.browser();
        browser.log_in(&shop.truecaller, RAJAT).await;
        for path in ["/hub/home", "/hub/home", "/hub/a/b", "/wiki/", "/public/x", "/account/x"] {
            let user = browser.get(path).await.text();
            assert_eq!(user, if path == "/public/x" { "nobody" } else { "+919999999999" }, "{path}");
        }
        browser.log_out().await;
        assert_eq!(browser.paths("sid"), ["/hub", "/wiki", "/public", "/account"], "their paths are the app's secret");

        assert_eq!(browser.get("/hub/home").await.text(), "nobody", "a browser that has logged out is nobody");
        browser.log_in(&shop.truecaller, ASHA).await;
        for path in ["/hub/home", "/wiki/", "/account/x", "/hub/home"] {
            assert_eq!(browser.get(path).await.text(), "+918888888888", "{path}");
        }
        browser.log_in(&shop.truecaller, RAJAT).await;
        for path in ["/wiki/", "/hub/home", "/account/y"] {
            assert_eq!(browser.get(path).await.text(), "+919999999999", "{path}: without a logout");
        }
        browser.log_in(&shop.truecaller, HEIR).await;
        let answer = browser.get("/hub/home").await;
        assert!(
            answer.all("set-cookie").iter().any(|line| line.starts_with("sid=+91")),
            "a new app session: {answer:#?}"
        );
    }
}

#[tokio::test]
async fn a_cookie_whose_name_the_app_makes_up_stays_with_its_user() {
    for kind in Kind::ALL {
        let shop = Shop::listing(kind, vec!["other", "s*"]).await;
        let mut browser = shop.browser();
        browser.log_in(&shop.truecaller, RAJAT).await;
        for path in ["/hub/home", "/hub/home", "/account/x"] {
            assert_eq!(browser.get(path).await.text(), "+919999999999", "{path}");
        }
        assert_eq!(browser.get("/hub/home").await.all("set-cookie").len(), 0, "it came back to the app");
        browser.log_in(&shop.truecaller, ASHA).await;
        for path in ["/hub/home", "/account/x", "/hub/home"] {
            assert_eq!(browser.get(path).await.text(), "+918888888888", "{path}");
        }

        let scene = Scene::with(kind, |settings| list(settings, vec!["sid-*"])).await;
        let line = "sid=1; sid-a=2; sid-=3; SID-a=4; sid-a=5; sid-\u{e9}=6";
        let answer = scene.send(format!("GET / HTTP/1.1\r\nHost: shop.example\r\nCookie: {line}\r\n\r\n")).await;
        assert_eq!(scene.reached_once().await.all("cookie"), ["sid=1"]);
        assert_eq!(answer.all("set-cookie"), ["sid-=; Path=/; Max-Age=0", "sid-a=; Path=/; Max-Age=0"]);
    }
}

#[tokio::test]
async fn a_user_who_logs_in_again_goes_on_with_the_apps_session() {
    for kind in Kind::ALL {
        let shop = Shop::behind(kind).await;
        let mut browser = shop.browser();
        browser.log_in(&shop.truecaller, RAJAT).await;
        browser.get("/hub/home").await;
        let before = browser.paths("sid").len();
        browser.log_in(&shop.truecaller, RAJAT).await;
        assert_eq!(browser.paths("sid").len(), before);
        let answer = browser.get("/hub/home").await;
        assert_eq!(
            (answer.text().as_str(), answer.all("set-cookie").len()),
            ("+919999999999", 0),
            "it is the same session"
        );
    }
}

#[tokio::test]
async fn an_app_can_know_browsers_before_they_log_in() {
    for kind in Kind::ALL {
        let shop = Shop::behind(kind).await;
        let mut browser = shop.browser();
        assert_eq!(browser.get("/hub/home").await.all("set-cookie").len(), 2, "the app's, and its companion");
        assert_eq!(browser.get("/hub/home").await.all("set-cookie").len(), 0, "it came back to the app");
        assert_eq!(browser.get("/public/a").await.all("set-cookie").len(), 2);
        assert_eq!(browser.get("/public/b").await.all("set-cookie").len(), 0);
        browser.log_in(&shop.truecaller, RAJAT).await;
        assert_eq!(browser.get("/hub/home").await.text(), "+919999999999", "a cart is no identity");
    }
}

#[tokio::test]
async fn a_cookie_that_nobody_marked_is_withheld_and_expired() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, listing).await;
        for (known, path, paths) in [
            (false, "/hub/a?b=/c", &["/", "/hub", "/hub/", "/hub/a", "/hub/a/"][..]),
            (true, "/hub/a", &["/", "/hub", "/hub/", "/hub/a", "/hub/a/"]),
            (true, "/account/", &["/", "/account", "/account/"]),
            (true, "/public/", &["/", "/public", "/public/"]),
            (false, "/public/", &["/", "/public", "/public/"]),
        ] {
            let browser = if known { scene.signed_in().await } else { scene.visitor() };
            let session = browser.cookie("__Host-truegate").map(|value| format!("__Host-truegate={value}; "));
            let line = format!("{}a=1; sid=2; sid=3; __Secure-truegate-of-sid=x; b=4", session.unwrap_or_default());
            let head = format!("GET {path} HTTP/1.1\r\nHost: shop.example\r\nCookie: {line}\r\nCookie: sid=5\r\n\r\n");
            let answer = scene.send(head).await;
            assert_eq!(scene.reached_once().await.all("cookie"), ["a=1; b=4"], "{path}");
            let expired: Vec<_> = paths.iter().map(|path| format!("sid=; Path={path}; Max-Age=0")).collect();
            assert_eq!(answer.all("set-cookie"), expired, "{path}");
            assert_eq!(answer.one("cache-control"), Some("private, no-store"));
        }
    }
}

#[tokio::test]
async fn what_the_app_sets_comes_after_what_is_expired() {
    const ANSWER: &str = "HTTP/1.1 200 OK\r\nSet-Cookie: sid=new; Path=/hub/; Secure\r\nSet-Cookie: a=1\r\n\
        Set-Cookie: __Secure-truegate-of-sid=forged; Path=/hub/\r\nContent-Length: 0\r\n\r\n";
    for kind in Kind::ALL {
        let scene = Scene::before(kind, Recorder::answering(ANSWER).await, listing).await;
        let answer = scene.send("GET /hub/ HTTP/1.1\r\nHost: shop.example\r\nCookie: sid=old\r\n\r\n").await;
        let lines = answer.all("set-cookie");
        assert_eq!(
            lines[..3],
            ["sid=; Path=/; Max-Age=0", "sid=; Path=/hub; Max-Age=0", "sid=; Path=/hub/; Max-Age=0"]
        );
        assert_eq!(lines[3..5], ["sid=new; Path=/hub/; Secure", "a=1"]);
        let (companion, attributes) = lines[5].split_once(';').unwrap();
        assert!(
            lines.len() == 6 && companion.starts_with("__Secure-truegate-of-sid=") && !companion.contains("forged")
        );
        assert_eq!(attributes, " Path=/hub/; Secure; HttpOnly; Secure");

        let mut sent =
            format!("GET / HTTP/1.1\r\nHost: shop.example\r\nCookie: {companion}; sid=new; other=new\r\n\r\n");
        scene.send(&sent).await;
        assert_eq!(scene.reached().await.pop().unwrap().all("cookie"), ["sid=new"], "the pair that was marked");
        sent = sent.replace("sid=new", "sid=newer");
        scene.send(&sent).await;
        assert!(scene.reached_once().await.all("cookie").is_empty(), "another value");
        let stolen = scene.signed_in().await;
        let session = format!("__Host-truegate={}", stolen.cookie("__Host-truegate").unwrap());
        scene.send(sent.replace("sid=newer", &format!("sid=new; {session}"))).await;
        assert!(scene.reached_once().await.all("cookie").is_empty(), "another user");
    }
}

#[tokio::test]
async fn a_socket_gets_only_the_cookies_of_its_user() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, listing).await;
        let browser = scene.signed_in().await;
        let session = browser.cookie("__Host-truegate").unwrap();
        let mut stream = TcpStream::connect(scene.edge.address()).await.unwrap();
        let head = format!(
            "GET /account/socket HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
             Cookie: sid=old; __Host-truegate={session}; a=1\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut first = [0; 1];
        within(stream.read_exact(&mut first)).await.unwrap();
        assert_eq!(scene.reached_once().await.all("cookie"), ["a=1"]);
    }
}

#[tokio::test]
async fn a_name_that_an_app_could_read_as_a_listed_one_is_withheld() {
    const WITHHELD: [&[u8]; 37] = [
        b"session=V", b"SESSION=V", b"Session = V", b"\xc2\xa0session=V", b"\xa0session=V", b"\x85session=V",
        b"session\xa0=V", b"session\xc2\x85=V", b"session\xe3\x80\x80=V", b"\xef\xbb\xbfsession=V", b"ses\xffsion=V",
        b"\tsession\t=V", b"\"session\"=V", b"=session=V", b"session[x]=V", b"%73ession=V", b"%20session=V",
        b"+session=V", b"%C2%A0session=V", b"%22session%22=V", b"session%00x=V", b"session%5Bx=V",
        b"lang=en session=V", b"lang=en\tsession=V", b"lang=en,session=V", b"lang=en, session =V",
        b"lang=en\xa0session=V", b"x session=V", b"lang=en roundup_session_X=V", b"ROUNDUP.SESSION.X=V", b"a.b=V",
        b"a[b=V", b"a b=V", b"a+b=V", b"a%2Eb=V", b"A_b=V", b"a_b=V",
    ];
    const KEPT: [&[u8]; 14] = [
        b"sessions=V", b"xsession=V", b"x-session=V", b"my%20session=V", b"lang=session", b"lang=a session",
        b"lang=session=V", b"a-b=V", b"ab=V", b"a_b_c=V", b"roundup-session-X=V", b"%zzsession=V", b"caf\xc3\xa9=V",
        b"sess%ion=V",
    ];
    for kind in Kind::ALL {
        println!("edge: {kind:?}");
        let scene = Scene::with(kind, |settings| list(settings, vec!["session", "a_b", "roundup_session_*"])).await;
        let browser = scene.signed_in().await;
        let session = format!("__Host-truegate={}; ", browser.cookie("__Host-truegate").unwrap());
        let cases = WITHHELD.iter().map(|pair| (pair, false)).chain(KEPT.iter().map(|pair| (pair, true)));
        for (pair, passes) in cases {
            for own in ["", &session] {
                let head = format!("GET / HTTP/1.1\r\nHost: shop.example\r\nCookie: {own}x=1; ");
                scene.send([head.as_bytes(), pair, b"; y=2\r\n\r\n"].concat()).await;
                let sent = scene.reached_once().await.all("cookie").concat();
                let name = String::from_utf8_lossy(pair);
                assert!(sent.starts_with("x=1;") && sent.ends_with(" y=2"), "{name}: {sent}");
                assert_eq!(sent.matches(';').count(), if passes { 2 } else { 1 }, "{name}: {sent}");
            }
        }
    }
}

#[tokio::test]
async fn truegates_own_cookies_reach_no_app_by_a_name_that_reads_alike_and_log_nobody_in() {
    for kind in Kind::ALL {
        println!("edge: {kind:?}");
        let scene = Scene::with(kind, listing).await;
        let browser = scene.signed_in().await;
        let session = browser.cookie("__Host-truegate").unwrap();
        for start in [
            &b"\xa0__Host-truegate"[..],
            b"\xc2\xa0__Host-truegate",
            b"__host-truegate",
            b"%5F_Host-truegate",
            b"a=1 __Host-truegate",
            b"a=1,__Host-truegate",
            b"..Host-truegate",
            b"__Host-truegate[x]",
            b"\xa0__Host-truegate-login",
            b"a=1 __Secure-truegate-of-sid",
        ] {
            let name = String::from_utf8_lossy(start);
            for (path, status) in [("/", 200), ("/account/", 401)] {
                let head = format!("GET {path} HTTP/1.1\r\nHost: shop.example\r\nCookie: x=1; ");
                let request = [head.as_bytes(), start, format!("={session}; y=2\r\n\r\n").as_bytes()].concat();
                assert_eq!(scene.send(request).await.status(), status, "{name}");
            }
            let request = scene.reached_once().await;
            assert_eq!(request.all("cookie"), ["x=1; y=2"], "{name}");
            assert_eq!(request.one("x-truecaller-phone"), None, "{name}");
        }
    }
}
