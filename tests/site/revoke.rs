//! An operator ends all sessions of a number, on every gateway of a site.

use std::{
    net::SocketAddr,
    process::{Output, Stdio},
};

use serde_json::json;
use tokio::{io::AsyncWriteExt as _, process::Command};
use truegate::simulator::{Call, Fault};

use crate::{
    site::{SESSION, Site, again, ended, phone, profile, until_verified, visitor},
    support::{
        edge::sessions::Store,
        program::Program,
        raw::{Message, exchange, scrape, within},
        redis::Redis,
        seal,
        secrets::assert_untold,
        site_login::TOKEN,
    },
    together::{SOON, until_unknown},
};

/// Posts to `/revoke`, with header lines that end in CR LF.
async fn post(admin: SocketAddr, lines: &str, body: &str) -> Message {
    let head = format!("POST /revoke HTTP/1.1\r\nHost: {admin}\r\nContent-Type: application/json\r\n{lines}");
    exchange(admin, format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())).await.unwrap()
}

async fn revoke(gateway: &Program, person: usize) -> u16 {
    post(gateway.admin(), "", &json!({ "phone": phone(person) }).to_string()).await.status()
}

/// Runs the command with these lines on its standard input.
async fn command(admin: &str, lines: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    std::fs::write(&path, format!("upstream: '${{NOT_SET_ANYWHERE}}'\nadmin: {{ {admin} }}\n")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_truegate"));
    command.arg("revoke").arg("-c").arg(path).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.kill_on_drop(true).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).await.unwrap();
    within(child.wait_with_output()).await.unwrap()
}

fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn a_number_is_logged_out_on_every_gateway_within_a_second() {
    let redis = Redis::start();
    let site = Site::on(&redis).await;
    let [a, b] = [site.gateway(), site.gateway()];
    let [here, there, mut other] =
        [site.signed_in(&a, 1).await, site.signed_in(&b, 1).await, site.signed_in(&b, 2).await];
    // A cookie of an earlier version does not know when the number was proven.
    let mut older = there.clone();
    older.set_cookie(SESSION, &seal::without(&site.sessions.secrets[0], there.cookie(SESSION).unwrap(), "v"));
    for browser in [&here, &there, &older] {
        assert_eq!(again(async || browser.clone().via(b.address()).get("/account/").await).await.status(), 200);
    }

    assert_eq!(revoke(&a, 1).await, 204);

    for browser in [here, there, older] {
        let waited = until_unknown(&b, &mut browser.clone()).await;
        assert!(waited < SOON, "{waited:?}");
        assert_eq!(browser.clone().via(a.address()).get("/account/").await.status(), 401);
    }
    assert_eq!(other.get("/account/").await.status(), 200, "nobody else is logged out");
    for gateway in [&a, &b] {
        assert_eq!(site.signed_in(gateway, 1).await.get("/account/").await.status(), 200, "a new login is one");
    }
    a.told(&[r#""event":"revoked""#], 1).await;
}

#[tokio::test]
async fn a_login_whose_profile_is_yet_to_come_ends_too() {
    let redis = Redis::start();
    let site = Site::on(&redis).await;
    let [a, b] = [site.gateway(), site.gateway()];
    site.truecaller.set_fault(Fault::Held);
    let mut browser = visitor(&a);
    let request_id = browser.start_login().await;
    assert_eq!(site.call(&a, Call::grant().profile(profile(3)), &request_id).await.1, 204);
    within(site.truecaller.wait_for_fetches(1)).await;

    assert_eq!(revoke(&b, 3).await, 204);
    site.truecaller.release();
    until_verified(&redis, &request_id).await;

    // The gateway hears of the end within a second, and this login has taken longer than a second for nobody.
    until_unknown_after(&a, &mut browser, &request_id).await;
    site.truecaller.set_fault(Fault::None);
    assert_eq!(site.signed_in(&a, 3).await.get("/account/").await.status(), 200);
}

/// Until the session of a login is over, whether the browser got it before or not.
async fn until_unknown_after(gateway: &Program, browser: &mut crate::support::visitor::Visitor, request_id: &str) {
    let state = browser.state_after(request_id, "pending").await;
    assert!(["verified", "expired"].contains(&&*state), "{state}");
    until_unknown(gateway, browser).await;
}

#[tokio::test]
async fn while_redis_is_away_the_operator_hears_that_it_is_to_be_done_again() {
    let mut redis = Redis::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let site = Site::on(&redis).await;
    let gateway = site.gateway();
    let mut browser = site.signed_in(&gateway, 4).await;
    assert_eq!(browser.get("/account/").await.status(), 200);

    redis.kill();
    let away = post(gateway.admin(), "", &json!({ "phone": phone(4) }).to_string()).await;
    assert_eq!((away.status(), &*away.code(), away.one("retry-after")), (503, "store-unavailable", Some("2")));
    assert_eq!(browser.get("/account/").await.status(), 401, "here it has ended");
    let admin = format!("listen: '{}'", gateway.admin());
    let (code, out, errors) = told(&command(&admin, &phone(4)).await);
    assert_eq!((code, &*out), (Some(1), "ended the sessions of 0 phone numbers\n"));
    assert!(
        errors.starts_with("truegate revoke: line 1: The sessions have ended on this gateway, but the store"),
        "{errors}"
    );

    redis.restart();
    again(async || post(gateway.admin(), "", &json!({ "phone": phone(4) }).to_string()).await).await;
    let other = site.gateway();
    assert_eq!(again(async || browser.via(other.address()).get("/account/").await).await.status(), 401);
}

#[tokio::test]
async fn numbers_come_from_the_standard_input_and_stay_there() {
    let mut site = Site::keeping(Store::Memory).await;
    site.sessions.tickets = true;
    site.sessions.fallback = Some("/other-login");
    let gateway = site.gateway_with(|command| _ = command.env("RUST_LOG", "trace,hyper=trace,axum=trace"));
    let admin = format!("listen: '{}', token: '{TOKEN}'", gateway.admin());
    let [mut one, mut two] = [site.signed_in(&gateway, 5).await, site.signed_in(&gateway, 6).await];

    let bad = format!("{}\nsecret-line\n\n{}\n", phone(5), &phone(6)[1..]);
    let (code, out, errors) = told(&command(&admin, &bad).await);
    assert_eq!((code, &*out), (Some(2), ""));
    let lines: Vec<_> = errors.lines().collect();
    let advice = "is not a phone number (write it with + and the code of its country, such as +919999900001)";
    assert_eq!(lines[..2], [format!("truegate revoke: line 2 {advice}"), format!("truegate revoke: line 4 {advice}")]);
    assert_eq!(lines[2..], ["truegate revoke: no session was ended"]);
    assert_eq!(one.get("/account/").await.status(), 200);

    let (code, out, _) = told(&command(&admin, &format!("{}\n\n  {} \r\n", phone(5), phone(6))).await);
    assert_eq!((code, &*out), (Some(0), "ended the sessions of 2 phone numbers\n"));
    for browser in [&mut one, &mut two] {
        assert_eq!(browser.get("/account/").await.status(), 401);
    }
    let other_token = admin.replace(TOKEN, &TOKEN.to_lowercase());
    let (code, _, refused) = told(&command(&other_token, &phone(5)).await);
    assert_eq!(code, Some(1));
    assert!(refused.contains("line 1: the gateway has another `admin.token`"), "{refused}");
    let (code, _, none) = told(&command(&admin, "\n").await);
    assert_eq!(code, Some(2), "{none}");

    let bearer = format!("Authorization: Bearer {TOKEN}\r\n");
    for (body, status, problem) in [
        ("", 400, "malformed-request"),
        ("[]", 400, "malformed-request"),
        (r#"{"phone":"+919876543210","phone":"+919876543210"}"#, 400, "malformed-request"),
        (r#"{"phone":919876543210}"#, 400, "malformed-request"),
        (r#"{"phone":"919876543210"}"#, 400, "invalid-phone"),
        (r#"{"phone":"+0919876543210"}"#, 400, "invalid-phone"),
        (r#"{"phone":"secret-phone"}"#, 400, "invalid-phone"),
        (&format!(r#"{{"phone":"{}"}}"#, "9".repeat(20_000)), 413, "body-too-large"),
    ] {
        let refused = post(gateway.admin(), &bearer, body).await;
        assert_eq!((refused.status(), &*refused.code()), (status, problem), "{body:.60}");
    }
    assert_eq!(post(gateway.admin(), "", "{}").await.status(), 401);
    let metrics = exchange(gateway.admin(), scrape(&bearer)).await.unwrap().text();
    assert!(metrics.contains("truegate_logins_total{event=\"revoked\"} 2\n"), "{metrics}");
    gateway.signal("TERM");
    let (_, mut log) = ended(gateway).await;
    log.extend([errors, refused, none, metrics]);
    assert_untold(&log, [&phone(5)[3..], &phone(6)[3..], "9876543210", "secret-", TOKEN]);
}

#[tokio::test]
async fn a_gateway_without_sessions_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let config = "listen: 127.0.0.1:0\nadmin: { listen: 127.0.0.1:0 }\nupstream: http://127.0.0.1:9\n";
    let gateway = Program::serve_from(folder, config);
    let refused = post(gateway.admin(), "", &json!({ "phone": phone(7) }).to_string()).await;
    assert_eq!((refused.status(), &*refused.code()), (404, "no-sessions"));
}
