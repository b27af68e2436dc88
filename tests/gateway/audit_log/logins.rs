//! Logins of every kind, from their start to their end.

use serde_json::{Value, json};
use truegate::simulator::{Call, Fault, Simulator};

use super::{
    super::{
        access_log::fields,
        sessions::Site,
        setup::{self, CALLBACK},
        support::{
            edge::Sessions,
            native::{self, NATIVE, code, user},
            program::Program,
            raw::{exchange, post},
            recorder::Recorder,
            secrets::assert_untold,
            site_login::{TOKEN, post as post_admin},
            visitor::Visitor,
        },
    },
    LOG, lines,
};

const LOGINS: [&str; 7] =
    ["login-started", "login-verified", "login-refused", "login-failed", "logout", "revocation", "not-allowed"];

/// What the lines say of logins.
async fn told(program: &Program, count: usize) -> Vec<Vec<String>> {
    let lines = lines(program, &LOGINS, count).await;
    lines.iter().map(|line| fields(line, &["event", "method", "cause", "scope"])).collect()
}

#[tokio::test]
async fn a_session_has_its_lines_from_the_login_to_the_logout() {
    let site = Site::open(&Sessions::usual(), "", LOG).await;
    let mut user = site.visitor();
    let request_id = user.start_login().await;
    site.call(&request_id).await;
    assert_eq!(user.state_after(&request_id, "pending").await, "verified");
    let secrets = [&*request_id, user.cookie("__Host-truegate").unwrap(), "99999", "unguessable"].map(str::to_owned);
    assert_eq!(user.post("/.truegate/logout?everywhere=true", "").await.status(), 204);

    let lines = lines(&site.program, &LOGINS, 4).await;

    let told: Vec<_> = lines.iter().map(|line| fields(line, &["event", "method", "scope"])).collect();
    let (started, verified) = (["login-started", "-", "-"], ["login-verified", "web", "-"]);
    assert_eq!(told, [started, verified, ["revocation", "web", "user"], ["logout", "web", "-"]]);
    assert!(lines.iter().all(|line| line["client"] == "127.0.0.1" && line["id"].is_string()), "{lines:#?}");
    let users: Vec<_> = lines.iter().map(|line| line.get("user").and_then(Value::as_str)).collect();
    assert!(users[0].is_none() && users[1].is_some() && users[1] == users[2] && users[2] == users[3], "{users:?}");
    assert_eq!(lines[2]["id"], lines[3]["id"], "both are of one request");
    let lines: Vec<_> = lines.iter().map(Value::to_string).collect();
    assert_untold(&lines, secrets.iter().map(String::as_str));
}

#[tokio::test]
async fn a_login_that_ends_otherwise_says_why() {
    let site = Site::open(&Sessions::usual(), "", LOG).await;
    let url = format!("http://{}{CALLBACK}", site.program.address());
    let mut expected = Vec::new();
    for (fault, call, event, cause) in [
        (Fault::None, Call::refusal(), "login-refused", "refused"),
        (Fault::Unauthorized, Call::grant(), "login-failed", "token-refused"),
        (Fault::Malformed, Call::grant(), "login-failed", "profile-unusable"),
        (Fault::None, Call::grant().endpoint("https://forged.example/v1"), "login-failed", "endpoint-not-allowed"),
        (Fault::None, Call::grant().request_id("a-nonce-of-nobody"), "login-failed", "no-login"),
    ] {
        let request_id = site.visitor().start_login().await;
        site.truecaller.set_fault(fault);
        let call = if cause == "no-login" { call } else { call.request_id(&request_id) };
        site.truecaller.call(&url, call).await.unwrap();
        expected.extend([["login-started", "-", "-", "-"], [event, "web", cause, "-"]]);
        assert_eq!(told(&site.program, expected.len()).await, expected);
    }
    exchange(site.program.address(), post(CALLBACK, b"no callback")).await.unwrap();
    let last = told(&site.program, expected.len() + 1).await.remove(expected.len());
    assert_eq!(last, ["login-failed", "web", "malformed-callback", "-"]);
}

#[tokio::test]
async fn a_browser_that_logs_in_again_ends_its_session_before() {
    let site = Site::open(&Sessions::usual(), "", LOG).await;
    let mut user = site.signed_in().await;
    let request_id = user.start_login().await;
    site.call(&request_id).await;
    assert_eq!(user.state_after(&request_id, "pending").await, "verified");
    let told = told(&site.program, 5).await;
    assert!(told.iter().any(|line| *line == ["revocation", "web", "-", "session"]), "{told:#?}");
}

#[tokio::test]
async fn a_callback_that_the_app_gets_is_a_login_too() {
    let (app, truecaller) = (Recorder::start().await, Simulator::start().await.unwrap());
    let program = Program::serve(&(setup::config(app.address()) + &setup::truecaller(&truecaller) + LOG));
    let url = format!("http://{}{CALLBACK}", program.address());
    truecaller.call(&url, Call::grant()).await.unwrap();
    truecaller.call(&url, Call::refusal()).await.unwrap();
    let opened = br#"{"requestId":"nonce-of-the-login-1","status":"flow_invoked"}"#;
    exchange(program.address(), post(CALLBACK, opened)).await.unwrap();
    truecaller.set_fault(Fault::Unauthorized);
    truecaller.call(&url, Call::grant()).await.unwrap();
    let lines = lines(&program, &LOGINS, 3).await;
    let told: Vec<_> = lines.iter().map(|line| fields(line, &["event", "client", "cause"])).collect();
    let client = "127.0.0.1";
    let failed = ["login-failed", client, "token-refused"];
    assert_eq!(told, [["login-verified", client, "-"], ["login-refused", client, "refused"], failed]);
    assert!(lines[0]["user"].is_string() && lines[0]["id"] == app.seen()[0].one("x-request-id").unwrap(), "{lines:#?}");
}

#[tokio::test]
async fn a_user_of_the_sites_own_app_has_lines_with_and_without_sessions() {
    for sessions in ["", &Sessions::usual().yaml()] {
        let (app, truecaller) = (Recorder::start().await, Simulator::start().await.unwrap());
        let config = setup::config(app.address()) + &setup::truecaller(&truecaller) + &native::yaml(&truecaller);
        let program = Program::serve(&(config + sessions + LOG));
        let origin = Sessions::ORIGIN.split_once("://").unwrap().1;
        for body in [code(&truecaller, user()), "no credential".to_owned()] {
            let request =
                format!("POST {NATIVE} HTTP/1.1\r\nHost: {origin}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            exchange(program.address(), request).await.unwrap();
        }
        let lines = lines(&program, &LOGINS, 2).await;
        let told: Vec<_> = lines.iter().map(|line| fields(line, &["event", "method", "client", "cause"])).collect();
        let failed = ["login-failed", "-", "127.0.0.1", "malformed-credential"];
        assert_eq!(told, [["login-verified", "app", "127.0.0.1", "-"], failed], "{sessions}");
        assert!(lines[0]["user"].is_string() && lines.iter().all(|line| line["id"].is_string()), "{lines:#?}");
    }
}

#[tokio::test]
async fn a_login_that_the_sites_server_finishes_has_lines_and_so_has_a_wrong_token() {
    let (app, truecaller) = (Recorder::start().await, Simulator::start().await.unwrap());
    let sessions = Sessions { fallback: Some("/other-login"), tickets: true, ..Sessions::usual() };
    let config = format!("listen: 127.0.0.1:0\nupstream: http://{}\n{}", app.address(), sessions.admin_yaml());
    let program = Program::serve(&(config + &setup::truecaller(&truecaller) + &sessions.yaml() + LOG));
    let mut browser = Visitor::at(program.address(), Sessions::ORIGIN);
    browser.get_with("/other-login", "Sec-Fetch-Mode: navigate\r\n").await;
    let ticket = app.take().pop().unwrap().one("x-truecaller-login").unwrap().to_owned();
    let login = json!({ "ticket": ticket, "phone": "+447911123456" }).to_string();
    for (token, status) in [("wrong", 401), (TOKEN, 204), (TOKEN, 410)] {
        let answer = post_admin(program.admin(), &format!("Authorization: Bearer {token}\r\n"), &login).await;
        assert_eq!(answer.status(), status);
    }
    let failed = |cause| ["login-failed", "site", cause, "-"];
    let verified = ["login-verified", "site", "-", "-"];
    let started = ["login-started", "-", "-", "-"];
    assert_eq!(told(&program, 4).await, [started, failed("not-authorized"), verified, failed("login-over")]);
}
