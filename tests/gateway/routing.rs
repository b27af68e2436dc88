//! Rules choose the app of a request, with sessions and without.

use truegate::simulator::{DOCUMENTED_PROFILE, Simulator};

use super::{
    command_line::in_force,
    setup::{self, CALLBACK},
    support::{
        edge::sessions::Sessions,
        program::Program,
        raw::{Message, exchange},
        recorder::Recorder,
    },
};

/// Three apps behind one gateway.
struct Apps {
    shop: Recorder,
    wiki: Recorder,
    api: Recorder,
    program: Program,
}

impl Apps {
    /// With these rules, which name the apps `wiki` and `api`; `shop` gets all other requests.
    async fn start(truecaller: &Simulator, rest: &str) -> Self {
        let (shop, wiki, api) = (Recorder::start().await, Recorder::start().await, Recorder::start().await);
        let [one, two, three] = [&shop, &wiki, &api].map(Recorder::address);
        let text = format!(
            "listen: 127.0.0.1:0\nadmin: {{ listen: 127.0.0.1:0 }}\nupstream: shop\n\
             upstreams: {{ api: 'http://{three}', shop: 'http://{one}', wiki: 'http://{two}' }}\n{}{rest}",
            setup::truecaller(truecaller)
        );
        Self { program: Program::serve(&text), shop, wiki, api }
    }

    /// Sends a request, and returns the status with the names of the apps that it reached.
    async fn ask(&self, method: &str, host: &str, target: &str, lines: &str) -> (u16, Vec<&'static str>) {
        let request = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n");
        let answer = exchange(self.program.address(), request).await.unwrap();
        (answer.status(), self.taken().into_iter().map(|(name, _)| name).collect())
    }

    fn taken(&self) -> Vec<(&'static str, Message)> {
        let apps = [("shop", &self.shop), ("wiki", &self.wiki), ("api", &self.api)];
        apps.into_iter().flat_map(|(name, app)| app.take().into_iter().map(move |request| (name, request))).collect()
    }
}

const RULES: &str = "routes:
  - { host: wiki.example, path: /, upstream: wiki }
  - { host: '*.wiki.example', exact: /, upstream: wiki }
  - { path: /api, methods: [POST], upstream: api }
  - { path: /api/read, upstream: api }
  - { host: shop.example, path: / }
";

/// A request: its method, its host, its target, and the app that gets it.
const REQUESTS: [(&str, &str, &str, &str); 13] = [
    ("GET", "wiki.example", "/x", "wiki"),
    ("GET", "WIKI.example.:8080", "/api/read", "wiki"),
    ("POST", "wiki.example", "/api", "wiki"),
    ("GET", "a.wiki.example", "/", "wiki"),
    ("GET", "a.wiki.example", "/x", "shop"),
    ("POST", "a.wiki.example", "/api/x", "api"),
    ("GET", "shop.example", "/", "shop"),
    ("GET", "shop.example", "/api", "shop"),
    ("POST", "shop.example", "/api", "api"),
    ("GET", "shop.example", "/api/read", "api"),
    ("GET", "shop.example", "http://shop.example/api/read?x", "api"),
    ("GET", "shop.example", "/x/../api/read", "api"),
    ("GET", "shop.example", "/@scope%2fpkg", "shop"),
];

#[tokio::test]
async fn the_first_rule_that_matches_chooses_the_app() {
    let truecaller = Simulator::start().await.unwrap();
    let open =
        RULES.replace("upstream:", "access: public, upstream:").replace("path: / }", "path: /, access: public }");
    let open = open + "  - { path: /, access: public }\n";
    for rest in [RULES.to_owned(), with_sessions(&open)] {
        let apps = Apps::start(&truecaller, &rest).await;
        for (method, host, target, app) in REQUESTS {
            assert_eq!(apps.ask(method, host, target, "").await, (200, vec![app]), "{method} {host} {target}");
        }
        let hostless = exchange(apps.program.address(), "GET /api/read HTTP/1.0\r\n\r\n").await.unwrap();
        assert_eq!(hostless.status(), 421);
        assert!(apps.taken().is_empty(), "a request for no host is for no app");
    }
}

#[tokio::test]
async fn no_request_reaches_an_app_that_it_may_not_be_for() {
    let truecaller = Simulator::start().await.unwrap();
    let apps = Apps::start(&truecaller, RULES).await;
    for (host, target, status) in [
        ("wiki.example.evil", "/", 421),
        ("evilwiki.example", "/", 421),
        ("other.example", CALLBACK, 421),
        // Some servers read these paths as others, which another app gets.
        ("shop.example", "/x/..%2fapi%2fread", 400),
        ("shop.example", "/api/read%2f..%2f..", 400),
        ("a.wiki.example", "/%2f", 400),
    ] {
        assert_eq!(apps.ask("GET", host, target, "").await, (status, vec![]), "{host} {target}");
    }
    let spoof = "X-Forwarded-Host: wiki.example\r\nForwarded: host=wiki.example\r\n";
    assert_eq!(apps.ask("GET", "shop.example", "/", spoof).await, (200, vec!["shop"]), "nobody believes a client");
}

#[tokio::test]
async fn a_trusted_proxy_chooses_the_app_by_the_host_that_it_names() {
    let truecaller = Simulator::start().await.unwrap();
    let apps = Apps::start(&truecaller, &format!("{RULES}trusted_proxies: [127.0.0.1]\n")).await;
    for (host, told, outcome) in [
        ("10.0.0.7:8080", "wiki.example", (200, vec!["wiki"])),
        ("10.0.0.7:8080", "other.example", (421, vec![])),
        ("shop.example", "wiki.example", (400, vec![])),
    ] {
        let told = format!("X-Forwarded-Host: {told}\r\n");
        assert_eq!(apps.ask("GET", host, "/", &told).await, outcome, "{host} {told}");
    }
}

#[tokio::test]
async fn a_callback_reaches_the_app_of_its_rule() {
    let truecaller = Simulator::start().await.unwrap();
    let apps = Apps::start(&truecaller, RULES).await;
    for (host, app) in [("wiki.example", "wiki"), ("shop.example", "shop")] {
        let token = truecaller.grant(DOCUMENTED_PROFILE);
        let body =
            serde_json::json!({ "requestId": "a-nonce-", "accessToken": token, "endpoint": truecaller.endpoint() });
        let body = body.to_string();
        let head = format!("POST {CALLBACK} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n\r\n", body.len());
        assert_eq!(exchange(apps.program.address(), head + &body).await.unwrap().status(), 200);
        let (reached, request) = apps.taken().remove(0);
        assert_eq!((reached, request.one("x-truecaller-phone")), (app, Some("+919999999999")));
    }
}

#[tokio::test]
async fn the_apps_of_rules_are_printed() {
    let apps = "upstream: shop\nupstreams: { shop: 'http://127.0.0.1:1', wiki: 'http://127.0.0.1:2', \
                api: 'http://127.0.0.1:3' }\n";
    let session = with_sessions("routes: [{ host: wiki.example, path: /, access: optional, upstream: wiki }]\n");
    for (rest, expected) in [
        (
            format!("callback: {{ path: {CALLBACK} }}\n{RULES}"),
            "\
rules (the first that matches applies):
  1. wiki.example/ and below: to `wiki`
  2. *.wiki.example/ alone: to `wiki`
  3. /api and below (POST): to `api`
  4. /api/read and below: to `api`
  5. shop.example/ and below: to `shop`
  any other path or method: to `shop`
  any host that no rule names, and requests without a host: refused
no sessions: every other request reaches its app, and only callbacks carry an identity
",
        ),
        (
            format!("callback: {{ path: {CALLBACK} }}\n{session}"),
            "\
rules (the first that matches applies):
  1. wiki.example/ and below: optional; to `wiki`
  any other path or method: required; to `shop`
  any host that no rule and no public URL names, and requests without a host: refused
a stranger can reach:
  the pages of truegate below /.truegate, and the callback path
  wiki.example/ and below
",
        ),
    ] {
        assert_eq!(in_force(&format!("{apps}{rest}")).await, expected);
    }
}

/// The usual sessions, with these rules in place of their own.
fn with_sessions(routes: &str) -> String {
    let yaml = Sessions { rules: Vec::new(), ..Sessions::usual() }.yaml();
    yaml.replace("routes: []\n", routes)
}
