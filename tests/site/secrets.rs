//! What a gateway with sessions never tells, whatever happens.

use truegate::simulator::{Call, Fault};

use crate::{
    site::{CALLBACK, SESSION, Site, ended, phone, profile, visitor},
    support::{
        edge::sessions::Store,
        program::Program,
        raw::{exchange, get, post, scrape},
        redis::Redis,
        secrets::assert_untold,
        visitor::Visitor,
    },
};

const PASSWORD: &str = "password-of-the-store";

/// Logins that end in each way, and requests that go wrong; gives the request ids, tokens and cookies of it all.
async fn provoke(site: &Site, gateway: &Program) -> Vec<String> {
    let mut secrets = Vec::new();
    for (fault, call, state) in [
        (Fault::None, Call::grant(), "verified"),
        (Fault::None, Call::refusal(), "refused"),
        (Fault::NoPhone, Call::grant(), "failed"),
    ] {
        site.truecaller.set_fault(fault);
        let mut browser = visitor(gateway);
        let request_id = browser.start_login().await;
        site.call(gateway, Call::flow_invoked(), &request_id).await;
        let (body, _) = site.call(gateway, call.profile(profile(6)), &request_id).await;
        assert_eq!(browser.state_after(&request_id, "opened").await, state);
        secrets.extend(token(&body));
        secrets.push(request_id.clone());
        go_wrong(gateway, &mut browser, &request_id).await;
        secrets.extend(
            [SESSION, "__Host-truegate-login"].iter().filter_map(|name| browser.cookie(name)).map(str::to_owned),
        );
        browser.get_with("/account/?secret-query", "Sec-Fetch-Mode: navigate\r\n").await;
        browser.post("/.truegate/logout?everywhere=true", "next=/secret-path").await;
    }
    for (fault, call) in [(Fault::Unauthorized, Call::grant()), (Fault::Close, Call::grant())] {
        site.truecaller.set_fault(fault);
        let request_id = visitor(gateway).start_login().await;
        let before = site.truecaller.fetches();
        let (body, _) = site.call(gateway, call.profile(profile(6)), &request_id).await;
        site.truecaller.wait_for_fetches(before + 1).await;
        secrets.extend(token(&body));
        secrets.push(request_id);
    }
    secrets
}

fn token(callback: &[u8]) -> Option<String> {
    let callback: serde_json::Value = serde_json::from_slice(callback).unwrap();
    callback["accessToken"].as_str().map(str::to_owned)
}

async fn go_wrong(gateway: &Program, browser: &mut Visitor, request_id: &str) {
    let status = format!("/.truegate/status?request_id={request_id}");
    for path in
        [&format!("{status}&wait=secret-query"), &format!("{status}&since=secret-query"), "/.truegate/secret-path"]
    {
        browser.clone().get(path).await;
    }
    visitor(gateway).get(&status).await;
    browser.clone().send("POST /.truegate/logout", "Origin: https://secret-host.example\r\n", "").await;
    browser.clone().post("/.truegate/login", "{\"secret-body").await;
    browser.clone().send(&format!("DELETE {status}"), "", "").await;
    for name in [SESSION, "__Host-truegate-login"] {
        let mut forger = browser.clone();
        forger.set_cookie(name, "a-forged-cookie");
        forger.get("/account/").await;
        forger.get(&status).await;
    }
    for request in [
        get(&format!("{CALLBACK}/?secret-query"), ""),
        post(CALLBACK, format!("{{\"requestId\":\"{request_id}\",\"secret-body").as_bytes()),
        format!("GET {status} HTTP/1.1\r\nHost: a\r\nCookie {request_id}\r\n\r\n").into_bytes(),
        format!("GET {status}{} HTTP/1.1\r\nHost: a\r\n\r\n", "secret-query".repeat(1000)).into_bytes(),
    ] {
        exchange(gateway.address(), request).await;
    }
}

#[tokio::test]
async fn no_line_and_no_metric_tells_a_secret() {
    let mut redis = Redis::start_with_password(PASSWORD);
    let mut site = Site::keeping(Store::Redis(redis.url_with_password(PASSWORD))).await;
    site.more = "shutdown_grace: 0s\n".to_owned();
    let gateway = site.gateway_with(|command| {
        command.env("RUST_LOG", "trace,pingora_core=trace,pingora_proxy=trace,hyper=trace,reqwest=trace,redis=trace");
    });
    let mut secrets = provoke(&site, &gateway).await;
    site.truecaller.set_fault(Fault::None);
    let mut known = site.signed_in(&gateway, 6).await;
    redis.kill();
    let away = known.clone().post("/.truegate/login", "").await;
    assert_eq!(away.status(), 503);
    known.post("/.truegate/logout", "").await;

    let metrics = exchange(gateway.admin(), scrape("")).await.unwrap().text();
    gateway.signal("TERM");
    let (_, log) = ended(gateway).await;

    assert_eq!(secrets.len(), 5 + 4 + 4, "request ids, tokens and cookies");
    secrets.extend(site.sessions.secrets.iter().cloned());
    let words = [&phone(6)[3..], "user-6-", "Zaphodina", "Beeblebroxova", PASSWORD, "unguessable", "v1/default"];
    let made_up = ["a-forged-cookie", "secret-query", "secret-path", "secret-body", "secret-host"];
    let secrets = secrets.iter().map(String::as_str).chain(words).chain(made_up).collect::<Vec<_>>();
    assert_untold(&log, secrets.iter().copied());
    assert_untold(std::slice::from_ref(&metrics), secrets);
    for said in ["verified", "refused", "failed", "logged-out", "cross-site", "store did not answer", "ambiguous-path"]
    {
        assert!(log.iter().any(|line| line.contains(said)), "{said} in {log:#?}");
    }
    assert!(
        metrics.contains("truegate_store_failures_total") && metrics.contains("truegate_logins_total"),
        "{metrics}"
    );
}
