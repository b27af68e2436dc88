//! Who may use the admin listener, and the command that asks for health.

use std::{net::SocketAddr, process::Output};

use tempfile::TempDir;

use super::{
    command_line::truegate,
    setup,
    support::{
        port::Port,
        program::Program,
        raw::{self, Message, exchange},
        recorder::Recorder,
        secrets::assert_untold,
        site_login::TOKEN,
    },
};

const METRICS_TOKEN: &str = "Zt7pQ2xWm0cV8bNe4rYs6uHa1dGkLf3jOiTqXg9vRyI=";
pub(crate) const JSON: &str = "Content-Type: application/json\r\n";

pub(crate) fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

/// Posts to a route of operators, with header lines that end in CR LF.
pub(crate) async fn act(admin: SocketAddr, path: &str, lines: &str, body: &str) -> Message {
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nHost: {admin}\r\n{lines}Content-Length: {length}\r\n\r\n");
    exchange(admin, head + body).await.expect("the admin listener answers")
}

/// Runs a command for a program, with a configuration that says where its admin listener is.
pub(crate) async fn command(name: &str, admin: &str) -> Output {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("config.yaml");
    // Nothing but the section counts.
    let elsewhere = "upstream: '${NOT_SET_ANYWHERE}'\ncallback: { path: '${file:none}' }\n";
    std::fs::write(&path, format!("{elsewhere}admin: {{ {admin} }}\n")).unwrap();
    truegate(&[name, "-c", path.to_str().unwrap()]).await
}

/// The exit code, and what was printed.
pub(crate) fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn with_tokens(app: &Recorder) -> String {
    let tokens = format!("token: '{TOKEN}', metrics_token: '{METRICS_TOKEN}'");
    setup::config(app.address()).replace("127.0.0.1:0 }", &format!("127.0.0.1:0, {tokens} }}"))
}

#[tokio::test]
async fn with_a_token_all_routes_but_health_ask_for_it() {
    let app = Recorder::start().await;
    let program = Program::serve(&with_tokens(&app));
    for path in ["/livez", "/readyz"] {
        assert_eq!(exchange(program.admin(), raw::get(path, "")).await.unwrap().status(), 200, "{path}");
    }
    let (lower, cut) = (TOKEN.to_lowercase(), &TOKEN[1..]);
    let twice = bearer(TOKEN).repeat(2);
    for lines in ["", &bearer(&lower), &bearer(cut), &bearer(""), &twice, &format!("Authorization: {TOKEN}\r\n")] {
        let metrics = exchange(program.admin(), raw::scrape(lines)).await.unwrap();
        let reload = act(program.admin(), "/reload", &format!("{JSON}{lines}"), "").await;
        for refused in [metrics, reload] {
            assert_eq!((refused.status(), &*refused.code()), (401, "not-authorized"), "{lines}");
            assert_eq!(refused.one("www-authenticate"), Some("Bearer"));
        }
    }
    let metrics = exchange(program.admin(), raw::scrape(&bearer(TOKEN))).await.unwrap();
    assert_eq!(metrics.status(), 200);
    let counted = "truegate_admin_refusals_total{reason=\"not-authorized\"} 12\n";
    assert!(metrics.text().contains(counted), "{}", metrics.text());
    assert_eq!(act(program.admin(), "/reload", &(JSON.to_owned() + &bearer(TOKEN)), "").await.status(), 200);
    let told = program.told(&["an admin request was refused", r#""reason":"not-authorized""#], 1).await;
    assert!(!told.is_empty());
    assert_untold(&program.log(), [TOKEN, METRICS_TOKEN, cut]);
}

#[tokio::test]
async fn the_token_for_metrics_reads_metrics_and_nothing_else() {
    let app = Recorder::start().await;
    let program = Program::serve(&with_tokens(&app));
    let lines = bearer(METRICS_TOKEN);
    assert_eq!(exchange(program.admin(), raw::scrape(&lines)).await.unwrap().status(), 200);
    assert_eq!(act(program.admin(), "/reload", &(JSON.to_owned() + &lines), "").await.status(), 401);

    let alone = setup::config(app.address())
        .replace("127.0.0.1:0 }", &format!("127.0.0.1:0, metrics_token: '{METRICS_TOKEN}' }}"));
    let program = Program::serve(&alone);
    for (lines, status) in [("", 401), (&*bearer(TOKEN), 401), (&*lines, 200)] {
        assert_eq!(exchange(program.admin(), raw::scrape(lines)).await.unwrap().status(), status, "{lines}");
    }
}

#[tokio::test]
async fn without_a_token_no_page_of_a_browser_does_anything() {
    let app = Recorder::start().await;
    let program = Program::serve(&setup::config(app.address()));
    let admin = program.admin();
    for (lines, status, code) in [
        (format!("{JSON}Origin: https://evil.example\r\n"), 403, "cross-site"),
        (format!("{JSON}Origin: null\r\n"), 403, "cross-site"),
        (format!("{JSON}Origin: http://{admin}\r\n"), 403, "cross-site"),
        ("Content-Type: text/plain\r\n".to_owned(), 415, "unsupported-media-type"),
        ("Content-Type: application/x-www-form-urlencoded\r\n".to_owned(), 415, "unsupported-media-type"),
        ("Content-Type: multipart/form-data; boundary=a\r\n".to_owned(), 415, "unsupported-media-type"),
        (String::new(), 415, "unsupported-media-type"),
    ] {
        let refused = act(admin, "/reload", &lines, "{}").await;
        assert_eq!((refused.status(), &*refused.code()), (status, code), "{lines}");
    }
    // The name of an attacker's host leads to this machine suddenly.
    for host in ["evil.example", "evil.example:9090", "localhost.evil.example", "a\r\nHost: localhost"] {
        let request = format!("POST /reload HTTP/1.1\r\nHost: {host}\r\n{JSON}Content-Length: 0\r\n\r\n");
        let refused = exchange(admin, request).await.unwrap();
        assert!([400, 403].contains(&refused.status()), "{host}: {}", refused.status());
    }
    for path in ["/metrics", "/config"] {
        for lines in ["Host: evil.example\r\n", "Host: localhost\r\nOrigin: http://localhost\r\n"] {
            let refused = exchange(admin, format!("GET {path} HTTP/1.1\r\n{lines}\r\n")).await.unwrap();
            assert_eq!((refused.status(), &*refused.code()), (403, "cross-site"), "{path} {lines}");
        }
    }
    let preflight = format!("OPTIONS /reload HTTP/1.1\r\nHost: {admin}\r\n\r\n");
    let refused = exchange(admin, preflight).await.unwrap();
    assert_eq!((refused.status(), refused.one("access-control-allow-origin")), (405, None));
    assert!(!program.log().join("").contains("reloaded"), "{:#?}", program.log());

    for host in [admin.to_string(), "localhost".to_owned(), format!("localhost:{}", admin.port())] {
        let request = format!("POST /reload HTTP/1.1\r\nHost: {host}\r\n{JSON}Content-Length: 0\r\n\r\n");
        assert_eq!(exchange(admin, request).await.unwrap().status(), 200, "{host}");
    }
}

#[tokio::test]
async fn an_address_that_others_reach_is_refused_without_a_token() {
    let folder = TempDir::new().unwrap();
    let config =
        |admin: &str| format!("upstream: http://127.0.0.1:9\nlisten: 127.0.0.1:0\nadmin: {{ listen: '{admin}' }}\n");
    for admin in ["0.0.0.0:0", "[::]:0", "192.0.2.7:9090"] {
        setup::command(&folder, &config(admin));
        let (code, _, errors) =
            told(&truegate(&["serve", "-c", folder.path().join("config.yaml").to_str().unwrap()]).await);
        assert_eq!(code, Some(2), "{errors}");
        assert!(
            errors.contains("config.yaml:3:18: admin.listen: not a loopback address, so `admin.token`"),
            "{errors}"
        );
    }
}

#[tokio::test]
async fn health_is_told_by_the_exit_code() {
    let app = Recorder::start().await;
    let program = Program::serve(&with_tokens(&app));
    let ready = command("health", &format!("listen: '{}', token: '${{NOT_SET_ANYWHERE}}'", program.admin())).await;
    assert_eq!(told(&ready), (Some(0), "ready\n".to_owned(), String::new()));

    let nobody = Port::reserve();
    let (code, out, errors) = told(&command("health", &format!("listen: '{}'", nobody.address())).await);
    assert_eq!((code, &*out), (Some(1), ""));
    assert!(errors.starts_with("truegate health: no gateway answers at 127.0.0.1:"), "{errors}");

    for (admin, mistake) in [
        ("listen: 127.0.0.1:0", "admin.listen: the system chooses another port"),
        ("listen: nonsense", "admin.listen: not a valid IP address"),
    ] {
        let (code, _, errors) = told(&command("health", admin).await);
        assert_eq!(code, Some(1), "{errors}");
        assert!(errors.contains(mistake) && errors.lines().count() == 1, "{errors}");
    }
}

#[tokio::test]
async fn a_gateway_that_stops_or_is_no_gateway_is_not_healthy() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let program = Program::serve(&setup::config(listener.local_addr().unwrap()));
    let mut client = setup::Talk::connect(program.address()).await;
    client.say(raw::get("/slow", "")).await;
    let mut app = setup::Talk::accept(&listener).await;
    app.message().await;
    program.signal("TERM");
    super::stop::refused(&program).await;

    let (code, _, errors) = told(&command("health", &format!("listen: '{}'", program.admin())).await);
    assert_eq!(code, Some(1), "{errors}");
    assert!(errors.contains("is not ready"), "{errors}");
    let reload = act(program.admin(), "/reload", JSON, "").await;
    assert_eq!((reload.status(), &*reload.code(), reload.one("retry-after")), (503, "stopping", Some("2")));
    let (code, _, errors) = told(&command("reload", &format!("listen: '{}'", program.admin())).await);
    assert_eq!((code, &*errors), (Some(1), "truegate reload: The gateway is stopping\n"));
    app.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;

    let other = Recorder::answering("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await;
    let (code, _, errors) = told(&command("health", &format!("listen: '{}'", other.address())).await);
    assert_eq!(code, Some(1), "{errors}");
}
