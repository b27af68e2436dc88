//! The apps: what is taken, what is refused, and what is warned of.

use std::{num::NonZero, time::Duration};

use super::{Folder, parse, parse_in, refused::assert_refused, upstream, warnings::warned_keys};
use crate::{
    gate::Scheme,
    gateway::config::{Balance, HostMode, Protocol, Trust, UpstreamConfig},
};

/// The app with these keys in place of a URL.
fn with(keys: &str) -> UpstreamConfig {
    upstream(&parse(&format!("upstream: {{ {keys} }}")).unwrap()).clone()
}

#[test]
fn an_app_is_a_url_a_mapping_or_a_name() {
    let config = parse(
        "upstreams:\n  shop: http://127.0.0.1:3000\n  wiki: { servers: [https://a, 'https://b:8443'] }\nupstream: wiki",
    )
    .unwrap();
    let [shop, wiki] = ["shop", "wiki"].map(|name| config.upstreams.named(name).unwrap());
    assert_eq!((config.upstreams.default_id(), config.upstreams.named("default")), (wiki, None));
    assert_ne!(shop, wiki);
    let wiki = upstream(&config);
    let servers: Vec<_> = wiki.servers.iter().map(crate::gateway::config::UpstreamServer::authority).collect();
    assert_eq!(
        (wiki.name.as_str(), wiki.scheme(), servers),
        ("wiki", Scheme::Https, vec!["a:443".to_owned(), "b:8443".to_owned()])
    );
    for text in ["http://app", "{ url: http://app }", "{ servers: http://app }", "{ servers: [http://app] }"] {
        let config = parse(&format!("upstream: {text}")).unwrap();
        assert_eq!(upstream(&config).name, "default");
        assert_eq!(upstream(&config).servers[0].authority(), "app:80", "{text}");
    }
    let socket = with("servers: [unix:/run/app.sock, http://app]");
    assert_eq!((socket.scheme(), socket.servers.len()), (Scheme::Http, 2));
}

#[test]
fn an_app_has_defaults() {
    let app = with("url: https://app");
    assert_eq!((app.balance, app.protocol, &app.host), (Balance::RoundRobin, Protocol::Http1, &HostMode::Preserve));
    assert!(app.health.is_none() && app.headers.is_empty());
    assert!(app.tls.is_some_and(|tls| matches!(tls.trust, Trust::Public) && tls.client.is_none()));
    assert!(with("url: http://app").tls.is_none());
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let of =
        |timeouts: crate::gateway::config::upstream::UpstreamTimeouts| (timeouts.connect, timeouts.read, timeouts.idle);
    assert_eq!(of(app.timeouts), (seconds(5), seconds(300), Duration::from_millis(1500)));
    let config =
        parse("upstream: { url: http://a, timeouts: { read: 0s, idle: 55s } }\ntimeouts: { connect: 2s, idle: 60s }");
    assert_eq!(of(upstream(&config.unwrap()).timeouts), (seconds(2), None, Duration::from_secs(55)));
    let health = with("url: http://app, health: {}").health.unwrap();
    assert_eq!((health.path, health.interval, health.timeout), (None, Duration::from_secs(5), Duration::from_secs(1)));
    assert_eq!((health.healthy_after, health.unhealthy_after), (NonZero::new(2).unwrap(), NonZero::new(3).unwrap()));
}

#[test]
fn a_host_is_kept_or_the_servers_or_a_fixed_one() {
    for host in ["wiki.internal", "wiki.internal:8080", "127.0.0.1", "'[::1]:8080'", "localhost", "servers:80"] {
        let fixed = host.trim_matches('\'');
        assert!(matches!(with(&format!("url: http://a, host: {host}")).host, HostMode::Fixed(value) if value == fixed));
    }
    assert_eq!(with("url: http://a, host: server").host, HostMode::Server);
    assert_eq!(with("url: http://a, host: preserve").host, HostMode::Preserve);
}

#[test]
fn a_header_may_be_fixed_for_several_apps_and_is_closed_for_clients_of_all() {
    let config = parse(
        "upstreams: { a: { url: http://a, headers: { X-Secret: a } }, b: { url: http://b, headers: { X_Secret: b } } }",
    );
    assert!(config.is_err(), "an underscore");
    let config = parse(
        "upstreams:\n  a: { url: http://a, headers: { X-Secret: a, X-A: a } }\n  b: { url: http://b, headers: { x-secret: b } }\nupstream: a",
    )
    .unwrap();
    assert!(["X-Secret", "x_secret", "X-A"].iter().all(|name| config.identity.is_reserved(name)));
    assert_eq!(config.upstreams.iter().map(|(_, upstream)| upstream.headers.len()).collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn what_no_app_can_be_is_refused() {
    let many = format!(
        "upstream: {{ servers: [{}] }}",
        (0..101).map(|n| format!("http://a{n}")).collect::<Vec<_>>().join(", ")
    );
    assert_refused(&[
        (
            "upstream: shop",
            "1:11: upstream: must start with http:// or https://, or with unix: and the path of a socket, or be a name in `upstreams` (",
        ),
        ("upstreams: { shop: http://a }\nupstream: shpo", "2:11: upstream: names no app of `upstreams`"),
        ("upstreams: { shop: http://a }", "1:1: upstream: missing (write upstream: NAME, the app for requests"),
        (
            "upstreams: [http://a]\nupstream: a\nroutes: [{ path: /, upstream: b }]",
            "1:12: upstreams: must be a mapping",
        ),
        (
            "upstreams: { a: http://a }\nupstream: a\nroutes: [{ path: /, upstream: 'http://a' }]",
            "3:31: routes[0].upstream: names no app of `upstreams` (a rule takes a name: give this URL one in `upstreams`)",
        ),
        ("upstreams: { shop: shop }\nupstream: shop", "1:20: upstreams.shop: must start with http:// or https://"),
        ("upstreams: { 'a b': http://a }\nupstream: http://b", "1:14: upstreams.a b: not a valid name"),
        ("upstreams: [http://a]\nupstream: http://b", "1:12: upstreams: must be a mapping"),
        ("upstreams: { default: http://a }\nupstream: http://b", "2:1: upstream: describes an app called `default`"),
        (
            "upstreams: { a: { url: http://a, servrs: [] } }\nupstream: a",
            "1:34: upstreams.a.servrs: unknown key (did you mean `servers`?)",
        ),
        ("upstreams: { a: { balance: random } }\nupstream: a", "1:17: upstreams.a.servers: missing (write servers:"),
        ("upstream: { balance: random }", "1:11: upstream.servers: missing (write servers:"),
        ("upstream: { url: http://a, servers: [http://b] }", "1:28: upstream.servers: cannot be combined with `url`"),
        ("upstream: { servers: [] }", "1:22: upstream.servers: must not be empty"),
        ("upstream: { servers: [http://a/x] }", "1:23: upstream.servers[0]: must not have a path"),
        ("upstream: { servers: [http://a, 'http://a:80'] }", "1:33: upstream.servers[1]: the same server twice"),
        ("upstream: { servers: [http://a, https://b] }", "1:33: upstream.servers[1]: must not use TLS, as the first"),
        ("upstream: { servers: [https://a, unix:/b] }", "1:34: upstream.servers[1]: must use TLS as the first"),
        (&many, "1:1213: upstream.servers[100]: too many servers"),
        (
            "upstream: { url: http://a, balance: least }",
            "1:37: upstream.balance: not a known value (write one of round_robin",
        ),
        (
            "upstream: { servers: unix:/a, balance: consistent }",
            "1:40: upstream.balance: `consistent` chooses among addresses",
        ),
        (
            "upstream: { url: http://a, protocol: h2 }",
            "1:38: upstream.protocol: not a known value (write one of http1, http2",
        ),
        ("upstream: { url: http://a, host: 'a b' }", "1:34: upstream.host: must be preserve, server, or a host"),
        ("upstream: { url: http://a, host: 'http://a' }", "1:34: upstream.host: must be preserve, server, or a host"),
        ("upstream: { url: http://a, host: 'u@a' }", "1:34: upstream.host: must be preserve, server, or a host"),
        ("upstream: { url: http://a, host: 'a:0' }", "1:34: upstream.host: must be preserve, server, or a host"),
        (
            "upstream: { url: http://a, host: preserv }",
            "1:34: upstream.host: names neither a mode nor surely a host (did you mean `preserve`?",
        ),
        (
            "upstream: { url: http://a, host: Server }",
            "1:34: upstream.host: names neither a mode nor surely a host (did you mean `server`?",
        ),
        ("upstream: { url: http://a, host: '' }", "1:34: upstream.host: must be preserve, server, or a host"),
        ("upstream: { url: http://a, timeouts: { read: 1 } }", "1:46: upstream.timeouts.read: needs a unit"),
        (
            "upstream: { url: http://a, timeouts: { idle: 0s } }",
            "1:46: upstream.timeouts.idle: must be from 10ms to 1d",
        ),
        (
            "upstream: { url: http://a, timeouts: { connect: 1ms } }",
            "1:49: upstream.timeouts.connect: must be from 10ms to 1d",
        ),
        (
            "upstream: { url: http://a, timeouts: { write: 2days } }",
            "1:47: upstream.timeouts.write: must be from 10ms to 1d",
        ),
        ("upstream: { url: http://a, timeouts: { total: 1s } }", "1:40: upstream.timeouts.total: unknown key"),
        (
            "upstream: { url: http://a, health: { path: healthz } }",
            "1:44: upstream.health.path: must start with a slash",
        ),
        ("upstream: { url: http://a, health: { path: /a b } }", "1:44: upstream.health.path: must start with a slash"),
        (
            "upstream: { url: http://a, health: { interval: 10ms } }",
            "1:48: upstream.health.interval: must be from 100ms",
        ),
        (
            "upstream: { url: http://a, health: { timeout: 1h } }",
            "1:47: upstream.health.timeout: must be from 10ms to 1m",
        ),
        (
            "upstream: { url: http://a, health: { healthy_after: 0 } }",
            "1:53: upstream.health.healthy_after: must be a number",
        ),
        (
            "upstream: { url: http://a, health: { unhealthy_after: 101 } }",
            "1:55: upstream.health.unhealthy_after: must be from 1",
        ),
        ("upstream: { url: http://a, health: { port: 1 } }", "1:38: upstream.health.port: unknown key"),
        ("upstream: { url: http://a, health: /healthz }", "1:36: upstream.health: must be a mapping"),
        ("upstream: { url: http://a, tls: {} }", "1:28: upstream.tls: only used with https:// servers"),
        (
            "upstream: { url: https://a, tls: { server_name: 'a:1' } }",
            "1:49: upstream.tls.server_name: not a valid name",
        ),
        ("upstream: { url: https://a, tls: { server_name: '' } }", "1:49: upstream.tls.server_name: not a valid name"),
        (
            "upstream: { url: https://a, tls: { certificate: a.pem } }",
            "1:36: upstream.tls.certificate: must come with `key`",
        ),
        (
            "upstream: { url: https://a, tls: { insecure_skip_verify: yes } }",
            "1:58: upstream.tls.insecure_skip_verify: must be true or false",
        ),
        ("upstream: { url: https://a, tls: { verify: false } }", "1:36: upstream.tls.verify: unknown key"),
        (
            "upstreams: { a: 'http://127.0.0.1:8080' }\nupstream: http://b",
            "1:17: upstreams.a: must not be an address of `listen`",
        ),
        (
            "listen: unix:/run/truegate.sock\nupstream: unix:/run/truegate.sock\ntrusted_proxies: [unix]",
            "2:11: upstream: must not be an address of `listen`",
        ),
        (
            "upstream: { servers: [http://b, 'http://127.0.0.1:8080'] }",
            "1:33: upstream.servers[1]: must not be an address of `listen`",
        ),
    ]);
}

#[test]
fn the_files_of_an_app_are_refused_unless_they_can_be_used() {
    let folder = Folder::new();
    folder.write_pair("a.pem", "a-key.pem");
    folder.write_pair("b.pem", "b-key.pem");
    folder.write("empty.pem", b"");
    let text = |tls: &str| format!("upstream: {{ url: https://a, tls: {{ {tls} }} }}");
    let config =
        parse_in(&folder, &text("ca_file: a.pem, certificate: b.pem, key: b-key.pem, server_name: wiki.internal"));
    let tls = upstream(&config.unwrap()).tls.clone().unwrap();
    assert!(matches!(tls.trust, Trust::Only(_)) && tls.client.is_some());
    assert_eq!(tls.server_name.as_deref(), Some("wiki.internal"));
    for (tls, expected) in [
        ("ca_file: no.pem", "1:45: upstream.tls.ca_file: the file cannot be read"),
        ("ca_file: empty.pem", "1:45: upstream.tls.ca_file: the file has no certificate"),
        ("certificate: a.pem, key: b-key.pem", "1:61: upstream.tls.key: does not belong to the first certificate"),
        ("ca_file: a.pem, insecure_skip_verify: true", "1:52: upstream.tls.insecure_skip_verify: cannot be combined"),
    ] {
        let errors = parse_in(&folder, &text(tls)).unwrap_err();
        let expected = format!("{}:{expected}", folder.path("config.yaml").display());
        assert!(errors.to_string().starts_with(&expected), "{errors}");
        assert_eq!(errors.lines().len(), 1, "{errors}");
    }
}

#[test]
fn an_app_whose_certificates_are_not_verified_is_warned_of() {
    let app = "{ url: https://a, tls: { insecure_skip_verify: true } }";
    for (apps, place) in [
        (format!("upstreams: {{ wiki: {app} }}\nupstream: wiki\n"), "upstreams.wiki"),
        (format!("upstreams: {{ default: {app} }}\nupstream: default\n"), "upstreams.default"),
        (format!("upstream: {app}\n"), "upstream"),
    ] {
        let text = format!("{apps}callback: {{ path: '${{TRUEGATE_CALLBACK_PATH}}' }}");
        assert_eq!(warned_keys(&text), [format!("{place}.tls.insecure_skip_verify")]);
    }
}
