//! Users of the site's own app, at several gateways on one Redis.

use truegate::simulator::{AppUser, Fault};

use crate::{
    site::{Site, again, ended, phone},
    support::{
        edge::sessions::Store,
        native::{self, CLIENT_ID, NATIVE, code, missed_call, secrets},
        program::Program,
        raw::{Message, exchange, post, scrape},
        redis::{Redis, until},
        secrets::assert_untold,
        visitor::json,
    },
};

const PASSWORD: &str = "password-of-the-store";

/// A site with an app.
async fn with_app(store: Store) -> Site {
    let mut site = Site::keeping(store).await;
    site.more = native::yaml(&site.truecaller);
    site
}

fn user(person: usize) -> AppUser {
    AppUser::new(&phone(person)).client_id(CLIENT_ID)
}

/// Logs somebody in at a gateway, and gives the token.
async fn log_in(gateway: &Program, body: &str) -> String {
    let answer = exchange(gateway.address(), request("POST", NATIVE, "", body)).await.unwrap();
    assert_eq!(answer.status(), 200, "{answer:#?}");
    json(&answer)["token"].as_str().unwrap().to_owned()
}

fn request(method: &str, path: &str, lines: &str, body: &str) -> String {
    let length = body.len();
    format!("{method} {path} HTTP/1.1\r\nHost: shop.example\r\n{lines}Content-Length: {length}\r\n\r\n{body}")
}

/// A request with a token. None if the session ends while it is in flight.
async fn ask(gateway: &Program, method: &str, path: &str, token: &str) -> Option<Message> {
    exchange(gateway.address(), request(method, path, &format!("Authorization: Bearer {token}\r\n"), "")).await
}

async fn is_known(gateway: &Program, token: &str) -> bool {
    let answer = again(async || ask(gateway, "GET", "/account/", token).await.unwrap()).await;
    answer.status() == 200
}

async fn is_unknown(gateway: &Program, token: &str) -> bool {
    ask(gateway, "GET", "/account/", token).await.is_some_and(|answer| answer.status() == 401)
}

#[tokio::test]
async fn a_token_from_one_gateway_is_known_at_the_other_until_a_logout_at_either() {
    let redis = Redis::start();
    let site = with_app(Store::Redis(redis.url())).await;
    let [a, b] = [site.gateway(), site.gateway()];
    let token = log_in(&a, &code(&site.truecaller, user(1))).await;
    let device = log_in(&b, &missed_call(&site.truecaller, user(1))).await;
    let other = log_in(&a, &code(&site.truecaller, user(2))).await;
    for (gateway, token, person, method) in
        [(&b, &token, 1, "app"), (&a, &device, 1, "missed-call"), (&b, &other, 2, "app")]
    {
        assert!(is_known(gateway, token).await);
        let request = site.reached_once();
        let told = ["phone", "method"].map(|name| request.one(&format!("x-truecaller-{name}")));
        assert_eq!((told, request.one("authorization")), ([Some(&*phone(person)), Some(method)], None));
    }

    assert_eq!(ask(&b, "POST", "/.truegate/logout", &token).await.unwrap().status(), 204);

    until(async || is_unknown(&a, &token).await).await;
    assert!(is_known(&b, &device).await, "the other device goes on");
    assert_eq!(ask(&a, "POST", "/.truegate/logout?everywhere=true", &device).await.unwrap().status(), 204);
    until(async || is_unknown(&b, &device).await).await;
    assert!(is_known(&a, &other).await && is_known(&b, &other).await, "nobody else is logged out");
}

#[tokio::test]
async fn a_browser_and_an_app_of_one_user_end_together_on_all_gateways() {
    let redis = Redis::start();
    let site = with_app(Store::Redis(redis.url())).await;
    let [a, b] = [site.gateway(), site.gateway()];
    let mut browser = site.signed_in(&a, 3).await;
    let token = log_in(&b, &code(&site.truecaller, user(3))).await;
    assert!(is_known(&a, &token).await);

    assert_eq!(browser.post("/.truegate/logout?everywhere=true", "").await.status(), 204);
    until(async || is_unknown(&b, &token).await).await;

    let browser = site.signed_in(&b, 3).await;
    let token = log_in(&a, &missed_call(&site.truecaller, user(3))).await;
    assert_eq!(ask(&a, "POST", "/.truegate/logout?everywhere=true", &token).await.unwrap().status(), 204);
    until(async || browser.clone().get_in_flight("/account/").await.is_some_and(|page| page.status() == 401)).await;
}

#[tokio::test]
async fn a_code_that_comes_to_two_gateways_lets_one_of_them_in() {
    let redis = Redis::start();
    let site = with_app(Store::Redis(redis.url())).await;
    let [a, b] = [site.gateway(), site.gateway()];
    let body = code(&site.truecaller, user(4));
    let post = |gateway: &Program| exchange(gateway.address(), request("POST", NATIVE, "", &body));
    let (one, two) = tokio::join!(post(&a), post(&b));
    let mut statuses = [one, two].map(|answer| answer.unwrap().status());
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 403]);
}

#[tokio::test]
async fn an_app_logs_in_while_the_store_is_away() {
    let mut redis = Redis::start();
    let site = with_app(Store::Redis(redis.url())).await;
    let gateway = site.gateway();
    redis.kill();
    let token = log_in(&gateway, &code(&site.truecaller, user(5))).await;
    assert!(token.starts_with("truegate."), "a code works once, and would be lost");
}

#[tokio::test]
async fn no_line_and_no_metric_tells_a_secret_of_an_app() {
    let redis = Redis::start_with_password(PASSWORD);
    let mut site = with_app(Store::Redis(redis.url_with_password(PASSWORD))).await;
    site.more += "shutdown_grace: 0s\n";
    let gateway = site.gateway_with(|command| {
        command.env("RUST_LOG", "trace,pingora_core=trace,pingora_proxy=trace,hyper=trace,redis=trace");
    });
    let mut untold = Vec::new();
    for body in [code(&site.truecaller, user(6)), missed_call(&site.truecaller, user(6))] {
        untold.extend(secrets(&body));
        let token = log_in(&gateway, &body).await;
        for (method, path) in [
            ("GET", "/account/?secret-query"),
            ("GET", "/.truegate/me"),
            ("GET", "/.truegate/auth"),
            ("POST", "/.truegate/logout?everywhere=true"),
            ("GET", "/account/?secret-query"),
        ] {
            ask(&gateway, method, path, &token).await.unwrap();
        }
        let forged = format!("{}secret-forgery", &token[..40]);
        ask(&gateway, "GET", "/account/", &forged).await.unwrap();
        untold.extend([token[9..].to_owned(), forged]);
    }
    for fault in [Fault::Unauthorized, Fault::Close, Fault::Malformed] {
        site.truecaller.set_fault(fault);
        let body = missed_call(&site.truecaller, user(6));
        exchange(gateway.address(), post(NATIVE, body.as_bytes())).await.unwrap();
        untold.extend(secrets(&body));
    }

    let metrics = exchange(gateway.admin(), scrape("")).await.unwrap().text();
    gateway.signal("TERM");
    let (_, log) = ended(gateway).await;

    let words = [&phone(6)[3..], "Kapoor", "secret-", PASSWORD];
    let untold: Vec<_> = untold.iter().map(String::as_str).chain(words).collect();
    assert_untold(&log, untold.iter().copied());
    assert_untold(std::slice::from_ref(&metrics), untold);
    for said in ["app login", "logged-out", "not-signed-in", "profile-unavailable"] {
        assert!(log.iter().any(|line| line.contains(said)), "{said} in {log:#?}");
    }
}
