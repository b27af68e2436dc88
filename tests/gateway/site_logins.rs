//! Logins that the site's own server finishes.

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt, net::TcpStream};
use truegate::simulator::Simulator;

use super::{
    setup,
    support::{
        edge::Sessions,
        program::Program,
        raw::{Message, exchange, get, scrape, within},
        recorder::Recorder,
        secrets::assert_untold,
        site_login::{TOKEN, finish, post},
        visitor::{Visitor, json as body},
    },
};

const PAGE: &str = "/other-login";
const OPENS: &str = "Sec-Fetch-Mode: navigate\r\n";

struct Site {
    app: Recorder,
    program: Program,
    _truecaller: Simulator,
}

impl Site {
    async fn open() -> Self {
        Self::with("").await
    }

    /// A site in whose log each line stands that the level lets through.
    async fn with(level: &str) -> Self {
        let (app, truecaller) = (Recorder::start().await, Simulator::start().await.unwrap());
        let sessions = Sessions { fallback: Some(PAGE), tickets: true, ..Sessions::usual() };
        let config = format!("listen: 127.0.0.1:0\nupstream: http://{}\n{}", app.address(), sessions.admin_yaml());
        let folder = TempDir::new().unwrap();
        let config = config + &setup::truecaller(&truecaller) + &sessions.yaml();
        let mut command = setup::command(&folder, &config);
        if !level.is_empty() {
            command.env("RUST_LOG", level);
        }
        Self { app, program: Program::start(command, folder), _truecaller: truecaller }
    }

    fn visitor(&self) -> Visitor {
        Visitor::at(self.program.address(), Sessions::ORIGIN)
    }

    /// The ticket with which the page gets a request of a browser.
    async fn ticket(&self, browser: &mut Visitor) -> String {
        assert_eq!(browser.get_with(PAGE, OPENS).await.status(), 200);
        let request = self.app.take().pop().unwrap();
        request.one("x-truecaller-login").expect("a ticket").to_owned()
    }

    async fn send(&self, lines: &str, body: &str) -> Message {
        post(self.program.admin(), lines, body).await
    }

    async fn metrics(&self) -> String {
        exchange(self.program.admin(), scrape(&authorized())).await.unwrap().text()
    }
}

fn authorized() -> String {
    format!("Authorization: Bearer {TOKEN}\r\n")
}

fn problem(answer: &Message) -> (u16, String) {
    assert_eq!(answer.one("content-type"), Some("application/problem+json"), "{answer:#?}");
    assert_eq!(answer.one("cache-control"), Some("no-store"));
    (answer.status(), answer.code())
}

#[tokio::test]
async fn a_user_whom_the_site_has_verified_is_known_to_the_app() {
    let site = Site::open().await;
    let mut browser = site.visitor();
    let ticket = site.ticket(&mut browser).await;
    let login =
        json!({ "ticket": ticket, "phone": "+447911123456", "name": "A\r\nX-Truecaller-Phone: +1 \u{1f600}", "a": 1 });

    let finished = site.send(&authorized(), &login.to_string()).await;

    assert_eq!((finished.status(), finished.body.len()), (204, 0));
    let led = browser.get_with("/.truegate/login?next=/cart", OPENS).await;
    assert_eq!((led.status(), led.one("location")), (302, Some("/cart")));
    assert_eq!(browser.get("/cart").await.status(), 200);
    let request = site.app.take().pop().unwrap();
    assert_eq!(request.one("x-truecaller-phone"), Some("+447911123456"));
    assert_eq!(request.one("x-truecaller-method"), Some("site"));
    assert_eq!(request.one("x-truecaller-name"), Some("A%0D%0AX-Truecaller-Phone: +1 %F0%9F%98%80"));
    assert_eq!(request.one("x-truecaller-login"), None);
    assert_eq!(body(&browser.get("/.truegate/me").await)["method"], "site");
    assert_eq!(problem(&site.send(&authorized(), &login.to_string()).await), (410, "login-over".to_owned()));
}

#[tokio::test]
async fn only_the_sites_server_finishes_a_login() {
    let site = Site::open().await;
    let ticket = site.ticket(&mut site.visitor()).await;
    let login = json!({ "ticket": ticket, "phone": "+447911123456" }).to_string();
    let (lower, cut) = (TOKEN.to_lowercase(), &TOKEN[..TOKEN.len() - 1]);
    for lines in [
        String::new(),
        "Authorization:\r\n".to_owned(),
        "Authorization: Bearer\r\n".to_owned(),
        "Authorization: Bearer \r\n".to_owned(),
        format!("Authorization: {TOKEN}\r\n"),
        format!("Authorization: Basic {TOKEN}\r\n"),
        format!("Authorization: Bearer {lower}\r\n"),
        format!("Authorization: Bearer {cut}\r\n"),
        format!("Authorization: Bearer {TOKEN}=\r\n"),
        format!("Authorization: Bearer  {TOKEN}\r\n"),
        format!("Authorization: Bearer {TOKEN} x\r\n"),
        format!("Authorization: Bearer \"{TOKEN}\"\r\n"),
        format!("Authorization: Bearer\t{TOKEN}\r\n"),
        format!("Authorization: Bearer {TOKEN}, Bearer {TOKEN}\r\n"),
        format!("Authorization: Bearer {TOKEN}\r\nAuthorization: Bearer {TOKEN}\r\n"),
        format!("Authorization: Bearer x\r\nAuthorization: Bearer {TOKEN}\r\n"),
        format!("Proxy-Authorization: Bearer {TOKEN}\r\n"),
        format!("Cookie: token={TOKEN}\r\n"),
    ] {
        let refused = site.send(&lines, &login).await;
        assert_eq!(problem(&refused), (401, "not-authorized".to_owned()), "{lines}");
        assert_eq!(refused.one("www-authenticate"), Some("Bearer"), "{lines}");
    }
    let refused = exchange(site.program.admin(), get("/logins", &authorized())).await.unwrap();
    assert_eq!((problem(&refused), refused.one("allow")), ((405, "method-not-allowed".to_owned()), Some("POST")));
    // The scheme has no letter case (RFC 9110 §11.1), and white space around a value is no part of it (§5.5).
    for lines in [format!("authorization: bearer {TOKEN}\r\n"), format!("Authorization:   Bearer {TOKEN} \t\r\n")] {
        let ticket = site.ticket(&mut site.visitor()).await;
        let login = json!({ "ticket": ticket, "phone": "+447911123456" }).to_string();
        assert_eq!(site.send(&lines, &login).await.status(), 204, "{lines}");
    }
}

#[tokio::test]
async fn a_body_is_a_ticket_and_a_number() {
    let site = Site::open().await;
    let ticket = site.ticket(&mut site.visitor()).await;
    for (body, status, code) in [
        ("".to_owned(), 400, "malformed-request"),
        ("{}".to_owned(), 400, "malformed-request"),
        ("[]".to_owned(), 400, "malformed-request"),
        (format!(r#"["{ticket}","+447911123456",null]"#), 400, "malformed-request"),
        (
            format!(r#"{{"ticket":"{ticket}","phone":"+447911123456","a":{}}}"#, "[".repeat(2000)),
            400,
            "malformed-request",
        ),
        (format!("ticket={ticket}&phone=%2B447911123456"), 400, "malformed-request"),
        (format!(r#"{{"ticket":"{ticket}"}}"#), 400, "malformed-request"),
        (r#"{"phone":"+447911123456"}"#.to_owned(), 400, "malformed-request"),
        (format!(r#"{{"ticket":"{ticket}","phone":447911123456}}"#), 400, "malformed-request"),
        (format!(r#"{{"ticket":"{ticket}","phone":"+447911123456","phone":"+1"}}"#), 400, "malformed-request"),
        (format!(r#"{{"ticket":"{ticket}","phone":"+447911123456","name":["A"]}}"#), 400, "malformed-request"),
        (format!(r#"{{"ticket":"{ticket}","phone":"+447911123456"}} x"#), 400, "malformed-request"),
        (format!(r#"{{"ticket":"{ticket}","phone":""}}"#), 400, "invalid-phone"),
        (format!(r#"{{"ticket":"{ticket}","phone":"07911 123456"}}"#), 400, "invalid-phone"),
        (format!(r#"{{"ticket":"{ticket}","phone":"+0911123456"}}"#), 400, "invalid-phone"),
        // A number of India without its country's code looks like one of Iran.
        (format!(r#"{{"ticket":"{ticket}","phone":"9876543210"}}"#), 400, "invalid-phone"),
        (format!(r#"{{"ticket":"{ticket}","phone":"447911123456"}}"#), 400, "invalid-phone"),
        (format!(r#"{{"ticket":"{ticket}","phone":"+447911123456\r\nX-A: b"}}"#), 400, "invalid-phone"),
        (r#"{"ticket":"","phone":"+447911123456"}"#.to_owned(), 410, "login-over"),
        (r#"{"ticket":"a\u0000","phone":"+447911123456"}"#.to_owned(), 410, "login-over"),
        (format!(r#"{{"ticket":"{}","phone":"+447911123456"}}"#, &ticket[1..]), 410, "login-over"),
        ("[".repeat(10_000), 400, "malformed-request"),
        (
            format!(r#"{{"ticket":"{ticket}","phone":"+447911123456","name":"{}"}}"#, "a".repeat(16 << 10)),
            413,
            "body-too-large",
        ),
    ] {
        let answer = site.send(&authorized(), &body).await;
        assert_eq!(problem(&answer), (status, code.to_owned()), "{body}");
    }
    let chunk = format!("{:x}\r\n{}\r\n", 20_000, "a".repeat(20_000));
    let chunked = format!(
        "POST /logins HTTP/1.1\r\nHost: a\r\n{}Transfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
        authorized(),
        chunk.repeat(2)
    );
    let answer = exchange(site.program.admin(), chunked).await.unwrap();
    assert_eq!(problem(&answer), (413, "body-too-large".to_owned()));
    let null = json!({ "ticket": ticket, "phone": "+447911123456", "name": null }).to_string();
    assert_eq!(site.send(&authorized(), &null).await.status(), 204, "the ticket is not spent");
}

#[tokio::test]
async fn who_sends_slowly_is_answered_after_a_while() {
    let site = Site::open().await;
    let mut stream = TcpStream::connect(site.program.admin()).await.unwrap();
    let head = format!("POST /logins HTTP/1.1\r\nHost: a\r\n{}Content-Length: 99\r\n\r\n{{", authorized());
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = within(Message::read(&mut stream)).await.unwrap().unwrap();
    assert_eq!(problem(&answer), (408, "body-timeout".to_owned()));
}

#[tokio::test]
async fn without_a_token_there_is_no_such_route_and_no_request_has_a_ticket() {
    let app = Recorder::start().await;
    let sessions = Sessions { fallback: Some(PAGE), ..Sessions::usual() };
    let callback = format!("callback: {{ path: {} }}\n", setup::CALLBACK);
    let program = Program::serve(&(setup::config(app.address()) + &callback + &sessions.yaml()));
    let answer = post(program.admin(), &authorized(), "{}").await;
    assert_eq!(answer.status(), 404);
    let opened = Visitor::at(program.address(), Sessions::ORIGIN).get_with(PAGE, OPENS).await;
    assert_eq!((opened.status(), opened.all("set-cookie").len()), (200, 0));
    assert_eq!(app.take()[0].one("x-truecaller-login"), None);
}

#[tokio::test]
async fn nobody_finishes_a_login_at_the_public_listener() {
    let site = Site::open().await;
    let ticket = site.ticket(&mut site.visitor()).await;
    for path in ["/logins", "/.truegate/logins"] {
        let login = json!({ "ticket": ticket, "phone": "+447911123456" }).to_string();
        let head = format!("POST {path} HTTP/1.1\r\nHost: shop.example\r\n{}", authorized());
        let answer =
            exchange(site.program.address(), format!("{head}Content-Length: {}\r\n\r\n{login}", login.len())).await;
        assert_eq!(answer.unwrap().status(), if path == "/logins" { 200 } else { 404 }, "{path}");
    }
    let finished = finish(site.program.admin(), &ticket, "+447911123456").await;
    assert_eq!(finished.status(), 204, "it was not spent");
}

#[tokio::test]
async fn what_the_site_does_is_counted_and_logged_without_a_secret() {
    let site = Site::with("trace,pingora_core=trace,pingora_proxy=trace,hyper=trace,axum=trace").await;
    let mut browser = site.visitor();
    let ticket = site.ticket(&mut browser).await;
    let used = json!({ "ticket": ticket, "phone": "+918765432109", "name": "Zaphodina" }).to_string();
    for (lines, body, status) in [
        (authorized(), used.as_str(), 204),
        (authorized(), &used, 410),
        ("Authorization: Bearer a-token-of-somebody-else-entirely\r\n".to_owned(), &used, 401),
        (authorized(), "secret-body", 400),
        (authorized(), &used.replace("+918765432109", "secret-phone"), 400),
    ] {
        assert_eq!(site.send(&lines, body).await.status(), status);
    }
    assert_eq!(browser.get_with("/.truegate/login", OPENS).await.status(), 302);
    let metrics = site.metrics().await;
    for (outcome, count) in [
        ("finished", 1),
        ("login-over", 1),
        ("not-authorized", 1),
        ("malformed-request", 1),
        ("invalid-phone", 1),
        ("body-timeout", 0),
    ] {
        let line = format!("truegate_site_logins_total{{outcome=\"{outcome}\"}} {count}\n");
        assert!(metrics.contains(&line), "{line} in {metrics}");
    }
    assert!(metrics.contains("truegate_logins_total{event=\"verified\"} 1\n"), "{metrics}");
    let cookies = ["__Host-truegate", "__Host-truegate-login"].map(|name| browser.cookie(name).unwrap().to_owned());

    site.program.signal("TERM");
    let (_, mut log) = setup::ended(site.program).await;

    for said in ["login of the site", "not-authorized", r#""event":"verified""#] {
        assert!(log.iter().any(|line| line.contains(said)), "{said} in {log:#?}");
    }
    log.push(metrics);
    let secrets = [&ticket, TOKEN, "8765432109", "Zaphodina", "somebody-else", "secret-body", "secret-phone", PAGE];
    assert_untold(&log, secrets.into_iter().chain(cookies.iter().map(String::as_str)));
    let lines = log.iter().filter(|line| serde_json::from_str::<Value>(line).is_ok()).count();
    assert_eq!(lines + 1, log.len());
}
