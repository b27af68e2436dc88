//! Rules that name hosts, and requests for hosts that nobody named.

use http::Request;
use http_body_util::Empty;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpStream, task::JoinSet};

use crate::{
    claims::assert_problem,
    support::{
        edge::{
            Kind, PATH, Settings,
            sessions::{Need, Sessions},
        },
        raw::Message,
        scene::Scene,
    },
};

/// A wiki that needs a login, with sub-domains that are open, beside the shop whose origin is the public URL.
fn ruled(settings: &mut Settings) {
    let rules = vec![
        ("wiki.example/", Need::Required),
        ("*.wiki.example/", Need::Public),
        ("[2001:db8::1]/", Need::Required),
        ("app.example/", Need::Public),
        ("/account", Need::Required),
        ("/", Need::Optional),
    ];
    settings.sessions = Some(Sessions { rules, ..Sessions::usual() });
}

fn ruled_behind_a_proxy(settings: &mut Settings) {
    ruled(settings);
    settings.trusted = true;
}

async fn ask(scene: &Scene, host: &str, path: &str, lines: &str) -> Message {
    scene.send(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n")).await
}

#[tokio::test]
async fn a_rule_counts_for_its_hosts_in_every_spelling() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled).await;
        for (host, path, status) in [
            ("wiki.example", "/x", 401),
            ("WIKI.Example", "/x", 401),
            ("wiki.example:443", "/x", 401),
            ("wiki.example:8443", "/x", 401),
            ("wiki.example.", "/x", 401),
            ("Wiki.example.:80", "/x", 401),
            ("a.wiki.example", "/x", 200),
            ("A.b.WIKI.example.", "/account", 200),
            ("[2001:db8::1]", "/x", 401),
            ("[2001:DB8::1]:8443", "/x", 401),
            ("shop.example", "/x", 200),
            ("shop.example:8080", "/account", 401),
        ] {
            assert_eq!(ask(&scene, host, path, "").await.status(), status, "{kind:?} {host}{path}");
            assert_eq!(scene.reached().await.len(), usize::from(status == 200), "{kind:?} {host}{path}");
        }
        for (target, host, status) in [
            ("http://wiki.example/x", "wiki.example", 401),
            ("http://a.wiki.example/x", "a.wiki.example", 200),
            ("http://other.example/x", "other.example", 421),
            ("http://a.wiki.example/x", "wiki.example", 400),
            ("http://wiki.example/x", "a.wiki.example", 400),
        ] {
            assert_eq!(ask(&scene, host, target, "").await.status(), status, "{kind:?} {target} {host}");
        }
    }
}

#[tokio::test]
async fn a_host_that_nobody_named_is_refused_on_every_path() {
    let paths = [
        "/", "/account", PATH, "/.truegate/login", "/.truegate/me", "/.truegate/status", "/.truegate/auth",
        "/.truegate/jwks.json", "/.truegate/truegate.js", "/.truegate/none",
    ];
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled).await;
        for host in [
            "other.example", "wiki.example.evil", "evilwiki.example", "example", "127.0.0.1", "[::1]",
            "shop.example.evil", "wiki%2eexample", "wiki.example%00.a.wiki.example",
        ] {
            assert_problem(&ask(&scene, host, "/x", "").await, 421, "misdirected-request");
            scene.unreached(host).await;
        }
        for path in paths {
            assert_problem(&ask(&scene, "other.example", path, "").await, 421, "misdirected-request");
            scene.unreached(path).await;
        }
        let grant = scene.grant(truegate::simulator::DOCUMENTED_PROFILE);
        let head = format!("POST {PATH} HTTP/1.1\r\nHost: other.example\r\nContent-Length: {}\r\n\r\n", grant.len());
        assert_problem(&scene.send(head + &grant).await, 421, "misdirected-request");
        assert_eq!(scene.callback(grant).await.status(), 204, "the token was not used up");
    }
}

#[tokio::test]
async fn a_request_that_names_no_host_is_refused_on_every_path() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled_behind_a_proxy).await;
        for path in ["/x", "/account", PATH, "/.truegate/login", "/.truegate/me"] {
            let answer = scene.send(format!("GET {path} HTTP/1.0\r\n\r\n")).await;
            assert_problem(&answer, 421, "misdirected-request");
            scene.unreached((kind, path)).await;
        }
        for (host, status) in [("", 421), ("X-Forwarded-Host: a.wiki.example\r\n", 200)] {
            let asked = format!("GET /.truegate/auth HTTP/1.0\r\nX-Forwarded-Uri: /x\r\n{host}\r\n");
            assert_eq!(scene.send(asked).await.status(), status, "{kind:?} {host}");
        }
        assert_eq!(scene.send("GET /x HTTP/1.1\r\n\r\n").await.status(), 400, "{kind:?} is no request of HTTP/1.1");
        scene.unreached(kind).await;
    }
}

#[tokio::test]
async fn two_hosts_are_none() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled).await;
        for (host, lines) in [
            ("a.wiki.example", "Host: wiki.example\r\n"),
            ("a.wiki.example, wiki.example", ""),
            ("user@a.wiki.example", ""),
            ("a.wiki.example/", ""),
            ("*.wiki.example", ""),
        ] {
            assert_eq!(ask(&scene, host, "/x", lines).await.status(), 400, "{kind:?} {host} {lines}");
            scene.unreached(host).await;
        }
    }
}

/// hyper is the one edge here that speaks HTTP/2 without TLS; `tests/gateway` asks the gateway.
#[tokio::test]
async fn the_authority_of_http_2_is_a_host() {
    let scene = Scene::with(Kind::Tower, ruled).await;
    let stream = TcpStream::connect(scene.edge.address()).await.unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let mut task = JoinSet::new();
    task.spawn(connection);
    for (authority, status) in [
        ("wiki.example", 401),
        ("WIKI.example:8443", 401),
        ("a.wiki.example", 200),
        ("shop.example", 200),
        ("evilwiki.example", 421),
        ("wiki.example.evil", 421),
    ] {
        let request = Request::get(format!("https://{authority}/x")).body(Empty::<bytes::Bytes>::new()).unwrap();
        assert_eq!(sender.send_request(request).await.unwrap().status(), status, "{authority}");
    }
}

#[tokio::test]
async fn no_client_names_another_host_beside_its_own() {
    let spoofs = "X-Forwarded-Host: wiki.example\r\nX_Forwarded_Host: wiki.example\r\nForwarded: host=wiki.example\r\n\
                  X-Host: wiki.example\r\nX-Original-Host: wiki.example\r\nX-Forwarded-Server: wiki.example\r\n\
                  X-HTTP-Host-Override: wiki.example\r\n";
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled).await;
        for host in ["a.wiki.example", "shop.example"] {
            assert_eq!(ask(&scene, host, "/x", spoofs).await.status(), 200, "{kind:?} {host}");
            let request = scene.reached_once().await;
            let told: Vec<_> = request.headers.iter().filter(|(_, value)| value.contains("wiki.example")).collect();
            assert!(told.iter().all(|(_, value)| value == host), "{kind:?} {told:?}");
            let forwarded = request.one("x-forwarded-host");
            assert_eq!(forwarded, (kind == Kind::Gateway).then_some(host), "{kind:?}");
        }
        let spoof = "X-Forwarded-Host: a.wiki.example\r\n";
        assert_eq!(ask(&scene, "wiki.example", "/x", spoof).await.status(), 401);
        assert_eq!(ask(&scene, "other.example", "/x", spoof).await.status(), 421);
    }
}

#[tokio::test]
async fn a_trusted_proxy_says_which_host_was_asked_for() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled_behind_a_proxy).await;
        for (host, told, status) in [
            ("10.0.0.7:8080", "wiki.example", 401),
            ("10.0.0.7:8080", "A.wiki.example:443", 200),
            ("a.wiki.example", "a.wiki.example.", 200),
            ("10.0.0.7:8080", "a.wiki.example:0", 200),
            ("10.0.0.7:8080", "other.example", 421),
            ("shop.example", "other.example", 421),
            ("10.0.0.7:8080", "10.0.0.7:8080", 421),
            // A proxy that passes on what a client says.
            ("a.wiki.example", "shop.example", 400),
            ("shop.example", "a.wiki.example", 400),
            ("10.0.0.7:8080", "a.wiki.example, wiki.example", 400),
            ("10.0.0.7:8080", "a.wiki.example\r\nX-Forwarded-Host: a.wiki.example", 400),
        ] {
            let told = format!("X-Forwarded-Host: {told}\r\n");
            assert_eq!(ask(&scene, host, "/x", &told).await.status(), status, "{kind:?} {host} {told}");
        }
        // The app hears of the host that the rules were asked about.
        let reached = scene.reached().await;
        let told: Vec<_> = reached.iter().map(|request| request.one("x-forwarded-host")).collect();
        assert_eq!(told, [Some("A.wiki.example:443"), Some("a.wiki.example."), Some("a.wiki.example:0")], "{kind:?}");
    }
}

#[tokio::test]
async fn forward_auth_has_the_rules_of_the_host_that_is_asked_about() {
    let (forwarded, original) = ("X-Forwarded-Host: ", "X-Original-URL: https://");
    let uri = "X-Forwarded-Method: GET\r\nX-Forwarded-Uri: /x\r\n";
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled_behind_a_proxy).await;
        for (host, lines, status) in [
            ("truegate:8080", format!("{forwarded}wiki.example\r\n"), 401),
            ("truegate:8080", format!("{forwarded}A.Wiki.example.:443\r\n"), 200),
            ("truegate:8080", format!("{original}wiki.example/x\r\n"), 401),
            ("truegate:8080", format!("{original}a.wiki.example:443/x\r\n"), 200),
            ("a.wiki.example", String::new(), 200),
            ("A.wiki.example:443", format!("{forwarded}a.wiki.example.\r\n"), 200),
            // The proxy passes on `Host`, and the rest is the client's.
            ("wiki.example", format!("{forwarded}a.wiki.example\r\n"), 400),
            ("wiki.example", format!("{original}a.wiki.example/x\r\n"), 400),
            ("shop.example", format!("{forwarded}a.wiki.example\r\n{original}a.wiki.example/x\r\n"), 400),
            ("wiki.example", format!("{forwarded}other.example\r\n"), 421),
            ("wiki.example", String::new(), 401),
            ("truegate:8080", String::new(), 421),
            ("truegate:8080", format!("{forwarded}other.example\r\n"), 421),
            ("shop.example", format!("{forwarded}evilwiki.example\r\n"), 421),
            ("shop.example", format!("{original}wiki.example.evil/x\r\n"), 421),
            ("truegate:8080", format!("{forwarded}a.wiki.example\r\n{original}wiki.example/x\r\n"), 400),
            ("truegate:8080", format!("{forwarded}wiki.example\r\n{original}a.wiki.example/x\r\n"), 400),
        ] {
            let answer = ask(&scene, host, "/.truegate/auth", &format!("{uri}{lines}")).await;
            assert_eq!(answer.status(), status, "{kind:?} {host} {lines}");
        }
    }
}

#[tokio::test]
async fn while_no_rule_names_a_host_every_host_is_served() {
    for kind in Kind::ALL {
        let rules = vec![("/account", Need::Required), ("/", Need::Optional)];
        let sessions = Sessions { rules, ..Sessions::usual() };
        let scene = Scene::with(kind, |settings| settings.sessions = Some(sessions)).await;
        for host in ["other.example", "10.0.0.7:8080", "wiki%2eexample"] {
            assert_eq!(ask(&scene, host, "/x", "X-Host: any\r\n").await.status(), 200, "{kind:?} {host}");
        }
    }
}
