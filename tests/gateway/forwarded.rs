//! What the app hears of the client, and what it hears of the request.

use super::{
    stage::{self, Talk},
    support::{program::Program, raw, recorder::Recorder},
};

#[tokio::test]
async fn where_a_request_came_from_is_said_by_the_gateway_alone() {
    let app = Recorder::start().await;
    let program = Program::serve(&stage::config(app.address()));
    for claims in [
        "",
        "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\n",
        "X-Forwarded-For: 6.6.6.6\r\nx-forwarded-for: 7.7.7.7\r\n",
        "X_Forwarded_For: 6.6.6.6\r\nX_FORWARDED_PROTO: https\r\nx-forwarded_host: evil.example\r\n",
        "X.Forwarded.For: 6.6.6.6\r\nX~Forwarded~Proto: https\r\n",
        "Forwarded: for=6.6.6.6;proto=https;host=evil.example\r\nProxy: http://evil.example\r\n",
    ] {
        let answer = raw::exchange(program.address(), raw::get("/", claims)).await.unwrap();

        assert_eq!(answer.status(), 200, "{claims}");
        let request = app.take().remove(0);
        assert_eq!(request.one("x-forwarded-for"), Some("127.0.0.1"), "{claims}");
        assert_eq!(request.one("x-forwarded-proto"), Some("http"), "{claims}");
        assert_eq!(request.one("x-forwarded-host"), Some("app.example"), "{claims}");
        for word in ["6.6.6.6", "7.7.7.7", "evil", "https"] {
            assert!(!format!("{:?}", request.headers).contains(word), "{claims}: {request:?}");
        }
    }
}

#[tokio::test]
async fn nobody_has_the_origin_dropped_on_the_way() {
    let app = Recorder::start().await;
    let program = Program::serve(&stage::config(app.address()));
    for name in ["X-Forwarded-For", "x-forwarded-proto", "X-Forwarded-Host", "Host"] {
        let request = raw::get("/", &format!("Connection: {name}\r\n"));
        assert_eq!(raw::exchange(program.address(), request).await.unwrap().status(), 400, "{name}");
    }
    assert_eq!(app.seen(), []);
}

#[tokio::test]
async fn everything_else_reaches_the_app_as_it_came() {
    let app = Recorder::start().await;
    let program = Program::serve(&stage::config(app.address()));
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
        assert_eq!(request.one("x-forwarded-port"), Some("81"));
        assert_eq!(request.one("x-forwarded-host"), Some("Shop.Example:8080"));
    }
}

fn sorted(mut headers: Vec<(String, String)>) -> Vec<(String, String)> {
    headers.sort();
    headers
}
