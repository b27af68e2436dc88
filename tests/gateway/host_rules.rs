//! Rules that name hosts: over HTTP/2, in metrics, and as `check` prints them.

use http::Request;
use truegate::simulator::Simulator;

use super::{
    command_line::in_force,
    setup,
    support::{
        edge::sessions::{Need, Sessions},
        raw::{exchange, scrape},
        recorder::Recorder,
    },
    tls::{self, Http2, Pair, body},
};

#[tokio::test]
async fn the_authority_of_http_2_is_a_host_and_one_connection_is_for_many() {
    let (app, truecaller, pair) = (Recorder::start().await, Simulator::start().await.unwrap(), Pair::new());
    let rules = vec![("wiki.example/", Need::Required), ("*.wiki.example/", Need::Public), ("/", Need::Optional)];
    let config = setup::config_without_listener(app.address()) + &setup::truecaller(&truecaller);
    let program = tls::serve(&pair, &(config + &Sessions { rules, ..Sessions::usual() }.yaml()));
    let mut client = Http2::connect(&pair, program.address()).await;
    for (authority, status) in [
        ("evilwiki.example", 421),
        ("wiki.example", 401),
        ("WIKI.example:8443", 401),
        ("wiki.example.evil", 421),
        ("a.wiki.example", 200),
        ("shop.example", 200),
    ] {
        let request = Request::get(format!("https://{authority}/x")).body(body("")).unwrap();
        assert_eq!(client.send(request).await.status(), status, "{authority}");
    }
    assert_eq!(
        app.take().iter().filter_map(|request| request.one("host")).collect::<Vec<_>>(),
        ["a.wiki.example", "shop.example"]
    );
    let metrics = exchange(program.admin(), scrape("")).await.unwrap().text();
    assert!(metrics.contains("truegate_refusals_total{reason=\"misdirected-request\"} 2\n"), "{metrics}");
}

#[tokio::test]
async fn the_hosts_of_rules_are_printed() {
    const IN_FORCE: &str = "\
rules (the first that matches applies):
  1. wiki.example/ and below: required
  2. *.wiki.example/help and below: public
  3. *.wiki.example/ and below: required
  4. [2001:db8::1]/ alone: public
  5. /account and below (POST): required
  6. /account/help and below (GET): optional
  7. / and below: optional
  any other path or method: required
  any host that no rule and no public URL names, and requests without a host: refused
a stranger can reach:
  the pages of truegate below /.truegate, and the callback path
  *.wiki.example/help and below
  [2001:db8::1]/ alone
  /account/help and below (GET), but not wiki.example/ and below, *.wiki.example/ and below
  / and below, but not wiki.example/ and below, *.wiki.example/ and below, /account and below (POST)
";
    let config = setup::config("127.0.0.1:9".parse().unwrap())
        + &format!("callback: {{ path: {} }}\n", setup::CALLBACK)
        + "\
session:
  public_url: https://shop.example
  secret: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=
  partner: { key: k, name: n }
  upstream_cookies: [PHPSESSID]
routes:
  - { host: Wiki.Example, path: /, access: required }
  - { host: '*.wiki.example', path: /help, access: public }
  - { host: '*.wiki.example', path: /, access: required }
  - { host: '[2001:DB8::1]', exact: /, access: public }
  - { path: /account, methods: [POST], access: required }
  - { path: /account/help, methods: [GET], access: optional }
  - { path: /, access: optional }
";

    assert_eq!(in_force(&config).await, IN_FORCE);
}
