//! Several servers of one app: which gets a request, and which gets it when another fails.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use http::Method;
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::{
    app::{self, App, saying},
    sessions::Site,
    setup::{self, Talk},
    support::{
        edge::Sessions,
        port::Port,
        program::Program,
        raw::{self, exchange, exchange_from},
    },
};

/// A configuration of an app with these servers and more keys.
fn config(servers: &[String], keys: &str) -> String {
    format!(
        "listen: 127.0.0.1:0\nadmin: {{ listen: 127.0.0.1:0 }}\nupstream: {{ servers: ['{}'], {keys} }}\n",
        servers.join("', '")
    )
}

/// Three servers, each of which tells which it is.
async fn three() -> ([App; 3], Vec<String>) {
    let apps = [App::start(saying("a")).await, App::start(saying("b")).await, App::start(saying("c")).await];
    let servers = apps.iter().map(|app| format!("http://{}", app.address())).collect();
    (apps, servers)
}

/// How many of some requests each server answered.
async fn answers(program: &Program, requests: usize) -> HashMap<String, usize> {
    let mut answers = HashMap::new();
    for _ in 0..requests {
        let answer = exchange(program.address(), raw::get("/", "")).await.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text());
        *answers.entry(answer.text()).or_default() += 1;
    }
    answers
}

#[tokio::test]
async fn servers_take_turns() {
    let (_apps, servers) = three().await;
    let program = Program::serve(&config(&servers, ""));
    assert_eq!(answers(&program, 9).await, HashMap::from(["a", "b", "c"].map(|name| (name.to_owned(), 3))));
}

#[tokio::test]
async fn any_server_may_be_chosen_at_random() {
    let (_apps, servers) = three().await;
    let program = Program::serve(&config(&servers, "balance: random"));
    // Once in ten thousand million times, one of them gets none.
    assert_eq!(answers(&program, 60).await.len(), 3);
}

#[tokio::test]
async fn a_client_without_a_session_stays_at_one_server() {
    let (_apps, servers) = three().await;
    let program = Program::serve(&config(&servers, "balance: consistent"));
    let mut chosen = HashMap::<String, usize>::new();
    for client in 1..=40 {
        let client = IpAddr::V4(Ipv4Addr::new(127, 0, 7, client));
        let mut of_client = Vec::new();
        for _ in 0..2 {
            of_client.push(exchange_from(client, program.address(), raw::get("/", "")).await.unwrap().text());
        }
        assert_eq!(of_client[0], of_client[1], "{client}");
        *chosen.entry(of_client.remove(0)).or_default() += 1;
    }
    assert_eq!(chosen.len(), 3, "{chosen:?}");
}

#[tokio::test]
async fn a_session_stays_at_one_server_wherever_its_user_is() {
    let (_apps, servers) = three().await;
    let site = Site::open(&Sessions::usual(), "", "").await;
    let config =
        config(&servers, "balance: consistent") + &setup::truecaller(&site.truecaller) + &Sessions::usual().yaml();
    let program = Program::serve(&config);
    let mut chosen = HashMap::<String, usize>::new();
    for _ in 0..30 {
        let visitor = site.signed_in().await;
        let cookie = format!("Cookie: __Host-truegate={}\r\n", visitor.cookie("__Host-truegate").unwrap());
        let mut of_session = Vec::new();
        for client in 1..=4 {
            let client = IpAddr::V4(Ipv4Addr::new(127, 0, 8, client));
            let answer = exchange_from(client, program.address(), raw::get("/account", &cookie)).await.unwrap();
            assert_eq!(answer.status(), 200, "{}", answer.text());
            of_session.push(answer.text());
        }
        assert!(of_session.iter().all(|server| *server == of_session[0]), "{of_session:?}");
        *chosen.entry(of_session.remove(0)).or_default() += 1;
    }
    assert!(chosen.len() > 1, "{chosen:?}");
}

#[tokio::test]
async fn a_server_that_refuses_costs_no_request_whatever_its_method() {
    let (closed, app) = (Port::reserve(), App::start(saying("a")).await);
    let servers = [format!("http://{}", closed.address()), format!("http://{}", app.address())];
    for balance in ["round_robin", "consistent", "random"] {
        let program = Program::serve(&config(&servers, &format!("balance: {balance}")));
        for method in [Method::GET, Method::POST, Method::PUT] {
            for client in 1..=4 {
                let client = IpAddr::V4(Ipv4Addr::new(127, 0, 9, client));
                let request = format!("{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
                let answer = exchange_from(client, program.address(), request).await.unwrap();
                assert_eq!((answer.status(), &*answer.text()), (200, "a"), "{balance} {method}");
            }
        }
    }
}

#[tokio::test]
async fn if_all_servers_rest_they_are_tried_all_the_same() {
    let ports = [Port::reserve(), Port::reserve()];
    let servers = ports.each_ref().map(|port| format!("http://{}", port.address()));
    let program = Program::serve(&config(&servers, ""));
    for _ in 0..3 {
        let answer = exchange(program.address(), raw::get("/", "")).await.unwrap();
        assert_eq!((answer.status(), &*answer.code()), (502, "upstream-unavailable"));
    }
    let [_, port] = ports;
    let _app = App::on(port, saying("back")).await;
    assert_eq!(exchange(program.address(), raw::get("/", "")).await.unwrap().text(), "back");
}

#[tokio::test]
async fn a_lost_request_moves_on_only_if_it_may_be_seen_twice() {
    let [one, two] = [TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap()];
    let servers = [&one, &two].map(|listener| format!("http://{}", listener.local_addr().unwrap()));
    let program = Program::serve(&config(&servers, ""));
    let lost = async |listener: &TcpListener| {
        let mut app = Talk::accept(listener).await;
        app.message().await;
    };
    for (method, body, moves_on) in [("GET", "", true), ("PUT", "", true), ("POST", "", false), ("PUT", "body", false)]
    {
        let request = format!("{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        // Whichever is first breaks off, and the other one answers.
        let apps = async {
            let other = tokio::select! {
                () = lost(&one) => &two,
                () = lost(&two) => &one,
            };
            if moves_on {
                let mut app = Talk::accept(other).await;
                app.message().await;
                app.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
            }
        };
        let (answer, ()) = tokio::join!(exchange(program.address(), request), apps);
        assert_eq!(answer.unwrap().status(), if moves_on { 200 } else { 502 }, "{method} {body}");
    }
}

#[tokio::test]
async fn a_unix_socket_is_a_server_like_any_other() {
    let folder = TempDir::new().unwrap();
    let (path, app) = (folder.path().join("app.sock"), App::start(saying("a")).await);
    let socket = format!("unix:{}", path.display());
    let _task = app::serve_at(&path, saying("socket"));
    let alone = Program::serve(&config(std::slice::from_ref(&socket), ""));
    let short = Program::serve(&format!("listen: 127.0.0.1:0\nadmin: {{ listen: 127.0.0.1:0 }}\nupstream: {socket}\n"));
    for program in [&alone, &short] {
        assert_eq!(answers(program, 4).await, HashMap::from([("socket".to_owned(), 4)]));
    }
    let both = Program::serve(&config(&[socket, format!("http://{}", app.address())], ""));
    assert_eq!(answers(&both, 4).await, HashMap::from([("socket".to_owned(), 2), ("a".to_owned(), 2)]));
}

/// `localhost` has an address of each family on most machines. On others, there is one server.
#[tokio::test]
async fn a_name_with_several_addresses_counts_as_several_servers() {
    let found: Vec<_> = tokio::net::lookup_host(("localhost", 0)).await.unwrap().collect();
    let (four, six) = loop {
        let four = TcpListener::bind("127.0.0.1:0").await.unwrap();
        match TcpListener::bind(("::1", four.local_addr().unwrap().port())).await {
            Ok(six) => break (four, Some(six)),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {}
            Err(_) => break (four, None),
        }
    };
    let servers = [format!("http://localhost:{}", four.local_addr().unwrap().port())];
    let _tasks = (app::serve(four, saying("4")), six.map(|six| app::serve(six, saying("6"))));
    let program = Program::serve(&config(&servers, ""));
    let expected: HashMap<_, _> = match found.iter().any(SocketAddr::is_ipv6) && found.len() > 1 {
        true => [("4".to_owned(), 2), ("6".to_owned(), 2)].into(),
        false => [("4".to_owned(), 4)].into(),
    };
    assert_eq!(answers(&program, 4).await, expected);
}

/// As a gRPC server does that limits the age of connections, or restarts.
#[tokio::test]
async fn a_server_that_ends_its_http_2_connections_costs_no_request_whatever_its_method() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let servers = [format!("http://{}", listener.local_addr().unwrap())];
    let _task = app::serve_once_a_connection(listener, saying("ok"));
    let program = Program::serve(&config(&servers, "protocol: http2"));
    for _ in 0..25 {
        for request in [raw::get("/", ""), raw::post("/", b"a body")] {
            let answer = exchange(program.address(), request).await.unwrap();
            assert_eq!((answer.status(), &*answer.text()), (200, "ok"));
        }
    }
}

/// A server that is down is told at once, although no request fails.
#[tokio::test]
async fn a_server_that_rests_is_told_and_counted() {
    let (closed, app) = (Port::reserve(), App::start(saying("a")).await);
    let servers = [format!("http://{}", closed.address()), format!("http://{}", app.address())];
    let program = Program::serve(&config(&servers, ""));
    assert_eq!(answers(&program, 6).await, HashMap::from([("a".to_owned(), 6)]));
    let metrics = exchange(program.admin(), raw::scrape("")).await.unwrap().text();
    for (state, count) in [("known", 2), ("up", 1), ("resting", 1)] {
        let line = format!("truegate_upstream_servers{{upstream=\"default\",state=\"{state}\"}} {count}\n");
        assert!(metrics.contains(&line), "{metrics}");
    }
    let address = format!(r#""server":"{}""#, closed.address());
    program
        .told(&["WARN", "no connection to a server", r#""upstream":"default""#, &address, r#""cause":"connect""#], 1)
        .await;
}

#[tokio::test]
async fn a_request_that_failed_is_told_with_its_server() {
    let closed = Port::reserve();
    let program = Program::serve(&config(&[format!("http://{}", closed.address())], ""));
    assert_eq!(exchange(program.address(), raw::get("/", "")).await.unwrap().status(), 502);
    let address = format!(r#""server":"{}""#, closed.address());
    program.told(&["upstream failed", &address], 1).await;
    let lines = program.told(&["WARN", "no connection", &address, r#""cause":"connect""#], 1).await;
    assert!(lines[0].contains("the only server of an app"), "no other one can be asked: {lines:?}");
}
