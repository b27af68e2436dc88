//! What the app hears of the client, and what it hears of the request.

use truegate::simulator::{DOCUMENTED_PROFILE, Simulator};

use super::{
    setup::{self, Talk},
    support::{
        edge::sessions::Sessions,
        program::Program,
        raw::{self, Message},
        recorder::Recorder,
    },
    tls::{self, Pair},
};

#[tokio::test]
async fn where_a_request_came_from_is_said_by_the_gateway_alone() {
    let app = Recorder::start().await;
    for trusted in ["[]", "[10.0.0.0/8, 127.0.0.2, '::1']"] {
        let program = trusting(trusted, &app);
        for claims in [
            "",
            "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\n",
            "X-Forwarded-For: 6.6.6.6, 127.0.0.2\r\n",
            "X-Forwarded-For: 6.6.6.6\r\nx-forwarded-for: 7.7.7.7\r\n",
            "X_Forwarded_For: 6.6.6.6\r\nX_FORWARDED_PROTO: https\r\nx-forwarded_host: evil.example\r\n",
            "X.Forwarded.For: 6.6.6.6\r\nX~Forwarded~Proto: https\r\n",
            "Forwarded: for=6.6.6.6;proto=https;host=evil.example\r\nProxy: http://evil.example\r\n",
        ] {
            let request = told(&program, &app, &raw::get("/", claims)).await;
            assert_eq!(origin(&request), ["127.0.0.1", "http", "app.example"], "{claims}");
            for word in ["6.6.6.6", "7.7.7.7", "evil", "https"] {
                assert!(!format!("{:?}", request.headers).contains(word), "{claims}: {request:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_trusted_proxy_says_where_a_request_came_from() {
    let app = Recorder::start().await;
    let program = trusting("[127.0.0.0/8, 10.0.0.0/8, 'fd00::/8']", &app);
    for (lines, expected) in [
        ("X-Forwarded-For: 1.2.3.4\r\n", ["1.2.3.4", "http", "app.example"]),
        ("X-Forwarded-For: 6.6.6.6, 1.2.3.4, 10.0.0.9\r\n", ["1.2.3.4", "http", "app.example"]),
        (
            "X-Forwarded-For: 6.6.6.6\r\nx-forwarded-for: 1.2.3.4\r\nX-FORWARDED-FOR: 10.0.0.9, fd00::9\r\n",
            ["1.2.3.4", "http", "app.example"],
        ),
        ("X-Forwarded-For: [2001:db8::1]:4711, 10.0.0.9:80\r\n", ["2001:db8::1", "http", "app.example"]),
        ("X-Forwarded-For: 10.0.0.7, 10.0.0.9\r\n", ["10.0.0.7", "http", "app.example"]),
        ("X-Forwarded-Proto: https\r\n", ["127.0.0.1", "https", "app.example"]),
        ("X-Forwarded-Host: shop.example:8443\r\n", ["127.0.0.1", "http", "shop.example:8443"]),
        (
            "X-Forwarded-Host: [2001:db8::1]\r\nX-Forwarded-Proto: http\r\nX-Forwarded-For: ::ffff:1.2.3.4\r\n",
            ["1.2.3.4", "http", "[2001:db8::1]"],
        ),
    ] {
        assert_eq!(origin(&told(&program, &app, &raw::get("/", lines)).await), expected, "{lines}");
    }
}

#[tokio::test]
async fn each_client_of_a_proxys_connection_is_told_apart() {
    let app = Recorder::start().await;
    let program = trusting("[127.0.0.1]", &app);
    let mut proxy = Talk::connect(program.address()).await;
    for client in ["1.2.3.4", "1.2.3.4", "2001:db8::1", "127.0.0.1", "1.2.3.4"] {
        proxy.say(format!("GET / HTTP/1.1\r\nHost: app.example\r\nX-Forwarded-For: {client}\r\n\r\n")).await;
        assert_eq!(proxy.message().await.status(), 200);
        assert_eq!(origin(&app.take().remove(0)), [client, "http", "app.example"]);
    }
}

#[tokio::test]
async fn what_a_trusted_proxy_cannot_mean_is_not_believed() {
    let app = Recorder::start().await;
    let program = trusting("[127.0.0.1, 10.0.0.0/8]", &app);
    for (lines, client) in [
        ("X-Forwarded-For: not-an-ip\r\n", "127.0.0.1"),
        ("X-Forwarded-For:\r\n", "127.0.0.1"),
        ("X-Forwarded-For: fe80::1%eth0\r\n", "127.0.0.1"),
        ("X-Forwarded-For: [fe80::1%1]:80\r\n", "127.0.0.1"),
        ("X-Forwarded-For: 6.6.6.6:x\r\n", "127.0.0.1"),
        ("X-Forwarded-For: 6.6.6.6, fe80::1%eth0, 10.0.0.9\r\n", "10.0.0.9"),
        ("X-Forwarded-For: 6.6.6.6, , 10.0.0.9\r\n", "10.0.0.9"),
        ("X-Forwarded-For: 6.6.6.6, \u{661}, 10.0.0.9\r\n", "10.0.0.9"),
        ("X-Forwarded-Proto: javascript\r\n", "127.0.0.1"),
        ("X-Forwarded-Proto: https,http\r\n", "127.0.0.1"),
        ("X-Forwarded-Proto: https\r\nX-Forwarded-Proto: https\r\n", "127.0.0.1"),
        ("X-Forwarded-Host: evil.example, evil.example\r\n", "127.0.0.1"),
        ("X-Forwarded-Host: legit,for=6.6.6.6\r\n", "127.0.0.1"),
        ("X-Forwarded-Host: evil.example/6.6.6.6\r\n", "127.0.0.1"),
        ("X-Forwarded-Host: user@evil.example\r\n", "127.0.0.1"),
        ("X-Forwarded-Host: evil.example\r\nX-Forwarded-Host: evil.example\r\n", "127.0.0.1"),
        ("X_Forwarded_For: 6.6.6.6\r\nX_Forwarded_Proto: https\r\nX.Forwarded.Host: evil.example\r\n", "127.0.0.1"),
        ("Forwarded: for=6.6.6.6;proto=https;host=evil.example\r\n", "127.0.0.1"),
    ] {
        let lines = format!("{lines}X_Truecaller_Phone: +1\r\n");
        let request = told(&program, &app, &raw::get("/", &lines)).await;
        assert_eq!(origin(&request), [client, "http", "app.example"], "{lines}");
        for word in ["6.6.6.6", "evil", "https", "javascript", "legit", "Truecaller"] {
            assert!(!format!("{:?}", request.headers).contains(word), "{lines}: {request:?}");
        }
    }
}

#[tokio::test]
async fn no_line_break_gets_into_the_origin() {
    let app = Recorder::start().await;
    let program = trusting("[127.0.0.1]", &app);
    for lines in [
        "X-Forwarded-Proto: https\rX-Injected: y\r\n",
        "X-Forwarded-Proto: https\r\n X-Injected: y\r\n",
        "X-Forwarded-Host: a.example\0\r\n",
        "X-Forwarded-For : 6.6.6.6\r\n",
    ] {
        let answer = raw::exchange(program.address(), raw::get("/", lines)).await.unwrap();
        assert_eq!((answer.status(), app.take()), (400, vec![]), "{lines:?}");
    }
    for end in ["\n", "\r\n"] {
        let lines = format!("X-Forwarded-Proto: https{end}X-Injected: y\r\n");
        let request = told(&program, &app, &raw::get("/", &lines)).await;
        assert_eq!(origin(&request), ["127.0.0.1", "https", "app.example"]);
        assert_eq!(request.one("x-injected"), Some("y"), "a line of its own is a header of its own");
    }
    let request = b"GET / HTTP/1.1\r\nHost: legit,for=127.0.0.1\r\nX-Forwarded-Host: app.example\r\n\r\n";
    assert_eq!(raw::exchange(program.address(), request).await.unwrap().status(), 400);
    assert_eq!(app.take(), []);
}

#[tokio::test]
async fn ten_thousand_entries_are_as_good_as_one() {
    let app = Recorder::start().await;
    let program = trusting("[127.0.0.1, '::1']", &app);
    let line = |entries: &str| format!("X-Forwarded-For: {entries}\r\n");
    for (lines, client) in [
        (line(&("6.6.6.6,1.2.3.4".to_owned() + &",::1".repeat(10_000))), "1.2.3.4"),
        (line("6.6.6.6, 1.2.3.4") + &line("::1").repeat(98), "1.2.3.4"),
        (line("6.6.6.6, 1.2.3.4") + &line(&["::1"; 100].join(",")).repeat(98), "1.2.3.4"),
        (line(&",x".repeat(10_000)), "127.0.0.1"),
        (line(&",".repeat(50_000)), "127.0.0.1"),
        (line(&("6.6.6.6".to_owned() + &",x".repeat(10_000) + ",::1")), "::1"),
    ] {
        let request = told(&program, &app, &raw::get("/", &lines)).await;
        assert_eq!(origin(&request), [client, "http", "app.example"], "{}", &lines[..80]);
    }
    let answer = raw::exchange(program.address(), raw::get("/", &line(&"1.2.3.4,".repeat(10_000)))).await.unwrap();
    assert_eq!((answer.status(), app.take()), (431, vec![]));
}

#[tokio::test]
async fn over_https_a_trusted_proxy_is_believed_the_same() {
    let app = Recorder::start().await;
    let pair = Pair::new();
    let config = setup::config_without_listener(app.address()) + "trusted_proxies: [127.0.0.1]\n";
    let program = tls::serve(&pair, &config);
    for (lines, expected) in [
        ("", ["127.0.0.1", "https", "app.example"]),
        ("X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: http\r\n", ["1.2.3.4", "http", "app.example"]),
        ("X-Forwarded-Proto: ftp\r\n", ["127.0.0.1", "https", "app.example"]),
    ] {
        let mut client = Talk::over(pair.connect(program.address(), &["http/1.1"]).await.unwrap());
        client.say(raw::get("/", lines)).await;
        assert!(client.hear("\r\n\r\n").await.starts_with("HTTP/1.1 200 "), "{lines}");
        assert_eq!(origin(&app.take().remove(0)), expected, "{lines}");
    }
}

#[tokio::test]
async fn nobody_has_the_origin_dropped_on_the_way() {
    let app = Recorder::start().await;
    let program = Program::serve(&setup::config(app.address()));
    for name in ["X-Forwarded-For", "x-forwarded-proto", "X-Forwarded-Host", "Host"] {
        let request = raw::get("/", &format!("Connection: {name}\r\n"));
        assert_eq!(raw::exchange(program.address(), request).await.unwrap().status(), 400, "{name}");
    }
    assert_eq!(app.seen(), []);
}

#[tokio::test]
async fn everything_else_reaches_the_app_as_it_came() {
    let app = Recorder::start().await;
    let program = Program::serve(&setup::config(app.address()));
    let headers = "Host: Shop.Example:8080\r\n\
                   Cookie: a=1; b=\"2\"\r\nCookie: c=3\r\n\
                   Authorization: Basic dXNlcjpwYXNz\r\nX-Custom: one\r\nX-custom: two\r\nX-Empty:\r\n\
                   X-Forwarded-Port: 81\r\nAccept-Encoding: gzip, br\r\nRange: bytes=0-1\r\nUser-Agent: t/1\r\n";
    for (method, target) in [
        ("GET", "/"),
        ("HEAD", "/a"),
        ("DELETE", "/a%2Fb/%7e/./../c//d;v=1?x=%20y&z=a+b&;=&&"),
        ("OPTIONS", "*"),
        ("PROPFIND", "/caf%C3%A9?q=%F0%9F%98%80"),
        ("GET", "/?next=http://other.example/?a"),
        ("GET", "/a|b\"c{d}"),
    ] {
        let mut client = Talk::connect(program.address()).await;
        client.say(format!("{method} {target} HTTP/1.1\r\n{headers}\r\n")).await;

        let answer = client.hear("\r\n\r\n").await;

        assert!(answer.starts_with("HTTP/1.1 200 "), "{method} {target}: {answer}");
        let request = app.take().remove(0);
        assert_eq!(request.start, format!("{method} {target} HTTP/1.1"));
        let said = |(name, _): &&(String, String)| !name.to_ascii_lowercase().starts_with("x-forwarded-");
        let mut expected: Vec<_> = headers.lines().map(|line| line.split_once(':').unwrap()).collect();
        expected.retain(|(name, _)| *name != "X-Forwarded-Port");
        let expected: Vec<_> =
            expected.iter().map(|(name, value)| (name.to_string(), value.trim().to_owned())).collect();
        let mut seen: Vec<_> = request.headers.iter().filter(said).cloned().collect();
        seen.retain(|(name, _)| name != "Connection");
        assert_eq!(sorted(seen), sorted(expected), "{method} {target}");
        assert_eq!(request.one("x-forwarded-port"), None, "it is a proxy's to say");
        assert_eq!(request.one("x-forwarded-host"), Some("Shop.Example:8080"));
    }
}

/// What only proxies send; a family is shown by one of its names.
const PROXIES: [&str; 46] = [
    "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Ssl", "X-Forwarded-User", "X-Forwarded-Client-Cert",
    "X-Forwarded", "Forwarded-For", "X-Real-IP", "X-Client-IP", "X-Cluster-Client-IP", "Proxy-Client-IP",
    "WL-Proxy-Client-IP", "True-Client-IP", "CF-Connecting-IP", "CF-Connecting-IPv6", "Fastly-Client-IP",
    "Remote-Addr", "X-Scheme", "X-Url-Scheme", "Front-End-Https", "X-Host", "Script-Name", "X-Script-Name",
    "Path-Info", "X-Original-URL", "X-Original-URI", "X-Original-Host", "X-Original-Method", "X-Original-Proto",
    "X-Original-For", "X-Original-Forwarded-For", "X-Original-Remote-Addr", "X-Rewrite-URL", "X-HTTP-Method-Override",
    "X-HTTP-Method", "X-Method-Override", "X-Remote-User", "SSL-Client-Verify", "SSL-Client-Anything",
    "X-SSL-Client-S-DN", "X-SSL-Client-Anything", "X-Client-Cert", "X-ARR-ClientCert", "X-Accel-Redirect",
    "X-Envoy-Original-Path", "X-Envoy-External-Address",
];

#[tokio::test]
async fn what_only_proxies_say_is_not_a_clients_to_say_in_any_spelling() {
    let app = Recorder::start().await;
    let stranger = trusting("[10.0.0.0/8]", &app);
    for name in PROXIES {
        for name in [
            name.to_owned(),
            name.to_uppercase(),
            name.to_lowercase(),
            name.replace('-', "_"),
            name.replace('-', "."),
            name.replace('-', "~"),
            name.replacen('-', "_", 1),
        ] {
            let lines = format!("{name}: says-a-proxy\r\n{name}: says-a-proxy\r\nX-Request-Id: says-anybody\r\n");
            let request = told(&stranger, &app, &raw::get("/", &lines)).await;
            assert!(!format!("{:?}", request.headers).contains("says-a-proxy"), "{name}: {request:#?}");
            assert_eq!(request.one("x-request-id"), Some("says-anybody"), "{name}");
        }
    }
}

#[tokio::test]
async fn what_only_proxies_say_passes_from_one_that_is_trusted() {
    let app = Recorder::start().await;
    let program = trusting("[127.0.0.1]", &app);
    for name in PROXIES {
        let request = told(&program, &app, &raw::get("/", &format!("{name}: says-a-proxy\r\n"))).await;
        assert_eq!(request.one(name), Some("says-a-proxy"), "{request:#?}");
    }
}

#[tokio::test]
async fn an_identity_goes_by_the_name_of_a_proxys_header_too() {
    let app = Recorder::start().await;
    let truecaller = Simulator::start().await.unwrap();
    let identity = "identity: { presets: [x-forwarded-user], headers: { X-Remote-User: phone } }\n";
    let program =
        Program::serve(&format!("{}{}{identity}", setup::config(app.address()), setup::truecaller(&truecaller)));
    let (token, endpoint) = (truecaller.grant(DOCUMENTED_PROFILE), truecaller.endpoint());
    let grant = serde_json::json!({ "requestId": "a-nonce-", "accessToken": token, "endpoint": endpoint }).to_string();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: app.example\r\nX-Remote-User: eve\r\nX_Forwarded_User: eve\r\n\
         X-Forwarded-Groups: admins\r\nContent-Length: {}\r\n\r\n{grant}",
        setup::CALLBACK,
        grant.len()
    );
    let request = told(&program, &app, head.as_bytes()).await;
    assert_eq!([request.one("x-remote-user"), request.one("x-forwarded-user")], [Some("+919999999999"); 2]);
    assert!(!format!("{:?}", request.headers).contains("eve"), "{request:#?}");
    assert_eq!(request.one("x-forwarded-groups"), None);
}

/// The program with proxies that it trusts.
fn trusting(proxies: &str, app: &Recorder) -> Program {
    Program::serve(&format!("{}trusted_proxies: {proxies}\n", setup::config(app.address())))
}

/// The request as it reaches the app.
async fn told(program: &Program, app: &Recorder, request: &[u8]) -> Message {
    assert_eq!(raw::exchange(program.address(), request).await.unwrap().status(), 200);
    app.take().remove(0)
}

/// Client, scheme and host, each said once; nothing else says where the request came from.
fn origin(request: &Message) -> [&str; 3] {
    let folded = |name: &str| name.to_ascii_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let said = request.headers.iter().filter(|(name, _)| folded(name).contains("forwarded"));
    assert_eq!(said.count(), 3, "{request:#?}");
    ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"].map(|name| request.one(name).unwrap())
}

fn sorted(mut headers: Vec<(String, String)>) -> Vec<(String, String)> {
    headers.sort();
    headers
}

#[tokio::test]
async fn a_proxy_that_is_not_listed_is_told_of_once_with_the_line_to_add() {
    let app = Recorder::start().await;
    for (trusted, lines) in [("[]", 1), ("[127.0.0.1]", 0)] {
        let program = trusting(trusted, &app);
        for scheme in ["https", "http", "gopher"] {
            let request = raw::get("/", &format!("X-Forwarded-Proto: {scheme}\r\n"));
            raw::exchange(program.address(), request).await.unwrap();
        }
        let told = program.told(&["X-Forwarded-Proto"], lines).await;
        assert_eq!(told.len(), lines, "{told:#?}");
        for event in told.iter().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()) {
            assert_eq!(event["level"], "WARN");
            assert_eq!(event["add"], r#"trusted_proxies: ["127.0.0.1"]"#);
        }
    }
}

#[tokio::test]
async fn a_login_over_http_to_an_https_site_is_told_of_once_a_minute() {
    let app = Recorder::start().await;
    for (public_url, headers, lines) in [
        ("https://app.example", "", 1),
        ("https://app.example", "Sec-Fetch-Site: none\r\n", 0),
        ("https://app.example", "X-Forwarded-Proto: https\r\n", 0),
        ("http://127.0.0.1:8080", "", 0),
    ] {
        let sessions = Sessions { public_url: public_url.to_owned(), ..Sessions::usual() };
        let callback = format!("callback: {{ path: {} }}\n", setup::CALLBACK);
        let program = Program::serve(&(setup::config(app.address()) + &callback + &sessions.yaml()));
        for _ in 0..3 {
            let page = raw::get("/.truegate/login", &format!("Accept: text/html\r\n{headers}"));
            let page = raw::exchange(program.address(), page).await.unwrap().text().replace("&#x2f;", "/");
            let link = r#"href="https://app.example/.truegate/login""#;
            assert_eq!(page.contains(link), lines == 1, "{public_url} {headers}: {page}");
        }
        let told = program.told(&["although public_url is https"], lines).await;
        assert_eq!(told.len(), lines, "{public_url} {headers}: {told:#?}");
    }
}
