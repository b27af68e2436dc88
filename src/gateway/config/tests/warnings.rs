//! What is most likely not meant is a warning.

use super::{Folder, UPSTREAM, parse, parse_in, session::with};
use crate::gateway::config::{Config, Finding, error::Position};

/// The keys that a valid configuration is warned of.
pub(super) fn warned_keys(text: &str) -> Vec<String> {
    keys(&parse(text).unwrap())
}

fn keys(config: &Config) -> Vec<String> {
    config.warnings().into_iter().map(|warning| warning.key).collect()
}

#[test]
fn a_warning_is_at_its_key_or_at_what_lacks_it() {
    let routes = "routes:\n  - path: /\n    access: required\n    allow:\n      methods: [app]\n";
    let places = parse(&format!("{}\n{routes}", with("upstream_cookies: [a]"))).unwrap().places;
    for (key, line, column) in [
        ("session", 2, 1),
        ("session.idle", 2, 1),
        ("routes[0]", 5, 5),
        ("routes[0].host", 5, 5),
        ("routes[0].allow.methods", 8, 7),
        ("routes[0].allow.methods[7]", 8, 7),
        ("groups.staff", 1, 1),
    ] {
        assert_eq!(places.place(key), Some(Position { line, column }), "{key}");
    }
}

#[test]
fn without_sessions_a_path_that_can_be_guessed_is_warned_of() {
    for (callback, warned) in [
        ("", true),
        ("callback: { path: /truecaller/callback-7f3a }", true),
        ("callback: { path: '${TRUEGATE_CALLBACK_PATH}' }", false),
    ] {
        let text = format!("{UPSTREAM}{callback}");
        assert_eq!(warned_keys(&text), if warned { &["callback.path"][..] } else { &[] }, "{callback}");
        let told: String = parse(&text).unwrap().warnings().iter().map(Finding::text).collect();
        assert!(!told.contains("7f3a"), "{callback}");
    }
}

#[test]
fn a_login_without_any_of_the_apps_cookies_is_warned_of() {
    let warned = |keys: &str, routes: &str| {
        let keys = warned_keys(&format!("{}\nroutes: [{routes}]", with(keys)));
        keys.contains(&"session.upstream_cookies".to_owned())
    };
    assert!(warned("", "") && warned("", "{ path: /account, access: required }, { path: /, access: optional }"));
    assert!(
        !warned("upstream_cookies: [PHPSESSID]", "")
            && !warned("upstream_cookies: []", "")
            && !warned("", "{ path: /, access: optional }")
    );
}

#[test]
fn a_session_that_any_site_can_use_is_warned_of() {
    for (same_site, warned) in [("lax", false), ("strict", false), ("none", true)] {
        let keys = warned_keys(&with(&format!("upstream_cookies: [a], same_site: {same_site}")));
        assert_eq!(keys, if warned { &["session.same_site"][..] } else { &[] }, "{same_site}");
    }
}

#[test]
fn a_page_that_starts_a_login_at_each_visit_is_warned_of() {
    let token = "admin: { token: '${TRUEGATE_ADMIN_TOKEN}' }";
    for (page, admin, warned) in
        [("/", token, true), ("/?by=sms", token, true), ("/login", token, false), ("/", "", false)]
    {
        let session = with(&format!("upstream_cookies: [], fallback_url: '{page}'"));
        let keys = warned_keys(&format!("{session}\nroutes: [{{ path: /, access: optional }}]\n{admin}"));
        assert_eq!(keys, if warned { &["session.fallback_url"][..] } else { &[] }, "{page} {admin}");
    }
}

#[test]
fn an_admin_token_that_crosses_the_network_is_warned_of() {
    for (address, warned) in [
        ("127.0.0.1:9090", false),
        ("127.8.0.1:9090", false),
        ("[::1]:9090", false),
        ("[::ffff:127.0.0.1]:9090", false),
        ("0.0.0.0:9090", true),
        ("[::]:9090", true),
        ("10.0.0.7:9090", true),
    ] {
        let admin = format!("admin: {{ listen: '{address}', token: '${{TRUEGATE_ADMIN_TOKEN}}' }}");
        for session in ["", "upstream_cookies: []", "upstream_cookies: [], fallback_url: /login"] {
            let session = if session.is_empty() {
                "upstream: http://127.0.0.1:3000\ncallback: { path: '${TRUEGATE_CALLBACK_PATH}' }".to_owned()
            } else {
                with(session) + "\nroutes: [{ path: /, access: optional }]"
            };
            let keys = warned_keys(&format!("{session}\n{admin}"));
            assert_eq!(keys, if warned { &["admin.listen"][..] } else { &[] }, "{address} {session}");
        }
    }
}

#[test]
fn a_rule_that_truegate_never_asks_is_warned_of() {
    let rules = "{ path: /.truegate/login, access: public }, { path: /.Truegate, access: public }, \
                 { exact: '${TRUEGATE_CALLBACK_PATH}', access: public }, { path: /truecaller, access: public }";
    let text = format!("{}\nroutes: [{rules}]", with("upstream_cookies: [a]"));
    assert_eq!(warned_keys(&text), ["routes[0]", "routes[1]", "routes[2]"]);
}

#[test]
fn a_login_that_is_required_where_nobody_can_log_in_is_warned_of() {
    let warned = |host: &str, keys: &str| {
        let session = with(&format!("upstream_cookies: [a]{keys}"));
        let routes = format!("routes: [{{ host: '{host}', path: /, access: required }}]");
        warned_keys(&format!("{session}\n{routes}")).contains(&"routes[0].host".to_owned())
    };
    assert!(warned("wiki.example", "") && warned("*.shop.example", "") && warned("evilshop.example", ""));
    assert!(!warned("shop.example", "") && !warned("*.example", ""));
    let shared = ", cookie_domain: shop.example";
    assert!(warned("wiki.example", shared) && warned("*.example.org", shared));
    assert!(!warned("wiki.shop.example", shared) && !warned("*.shop.example", shared));
    let optional = "routes: [{ host: wiki.example, path: /, access: optional }]";
    assert_eq!(warned_keys(&format!("{}\n{optional}", with("upstream_cookies: [a]"))), Vec::<String>::new());
}

#[test]
fn a_rule_whose_methods_nobody_can_log_in_by_is_warned_of() {
    let native = "native: { client_id: a-client }\n";
    let token = "admin: { token: abcdefghijklmnopqrstuvwxyz0123456789 }\n";
    for (methods, keys, warned) in [
        ("web, app", "", false),
        ("app", "", true),
        ("missed-call, app", token, true),
        ("missed-call, app", native, false),
        ("site", native, true),
        ("site", token, false),
        ("site, missed-call", token, false),
    ] {
        let rule = format!("{{ path: /wallet, access: required, allow: {{ methods: [{methods}] }} }}");
        let session = with("upstream_cookies: [a], fallback_url: /login");
        let keys = format!("{session}\n{keys}routes: [{rule}, {{ path: /, access: optional }}]");
        let expected = if warned { &["routes[0].allow.methods"][..] } else { &[] };
        assert_eq!(warned_keys(&keys), expected, "{methods} {keys}");
    }
}

#[test]
fn a_field_that_no_session_keeps_is_warned_of() {
    let identity = "identity: { headers: { X-Truecaller-Profile: profile } }";
    let warned = |text: &str| warned_keys(&format!("{text}\n{identity}")).contains(&"identity.headers".to_owned());
    assert!(warned(&with("")));
    assert!(!warned(UPSTREAM.trim_end()), "a callback brings it");
}

#[test]
fn an_app_that_gets_no_request_is_warned_of() {
    for (upstream, routes, warned) in [
        ("shop", "", &["upstreams.wiki", "upstreams.blog"][..]),
        ("http://c", "", &["upstreams.shop", "upstreams.wiki", "upstreams.blog"]),
        ("shop", "{ path: /wiki, upstream: wiki }, { path: /shop, upstream: shop }", &["upstreams.blog"]),
        ("blog", "{ path: /wiki, upstream: wiki }, { path: /shop, upstream: shop }", &[]),
    ] {
        let text = format!(
            "upstreams: {{ shop: http://a, wiki: http://b, blog: http://d }}\nupstream: {upstream}\nroutes: [{routes}]\n\
             callback: {{ path: '${{TRUEGATE_CALLBACK_PATH}}' }}"
        );
        assert_eq!(warned_keys(&text), warned, "{upstream} {routes}");
    }
}

#[test]
fn an_origin_that_no_certificate_is_for_is_warned_of() {
    let folder = Folder::new();
    folder.write_pair_for(&["shop.example", "*.wiki.example"], "tls/a.pem", "tls/a.key");
    let warned = |listen: &str, origins: &str, rest: &str| {
        let session = with(&format!("upstream_cookies: [a], public_url: {origins}"));
        keys(&parse_in(&folder, &format!("{session}\nlisten: {listen}\n{rest}")).unwrap())
    };
    let pair = "{ address: 127.0.0.1:1, certificate: tls/a.pem, key: tls/a.key }";
    let pairs = "{ address: 127.0.0.1:1, certificates: [{ certificate: tls/a.pem, key: tls/a.key }] }";
    let in_folder = "{ address: 127.0.0.1:1, certificates: tls }";
    for listen in [pair, pairs, in_folder] {
        for origin in ["https://shop.example", "https://SHOP.example:8443", "https://a.wiki.example"] {
            assert_eq!(warned(listen, origin, ""), [""; 0], "{listen} {origin}");
        }
        for origin in ["https://login.example", "https://wiki.example", "https://a.b.wiki.example"] {
            assert_eq!(warned(listen, origin, ""), ["session.public_url"], "{listen} {origin}");
        }
    }
    let several = "['https://shop.example', 'https://login.example', 'https://a.wiki.example']";
    assert_eq!(warned(pair, several, ""), ["session.public_url[1]"]);
    let (login, proxies) = ("https://login.example", "trusted_proxies: [10.0.0.9]");
    for (listen, origin, rest, reason) in [
        ("127.0.0.1:1", login, "", "a proxy that is not listed may speak TLS"),
        (pair, login, proxies, "the browsers see the certificate of the proxy"),
        (pair, "https://192.0.2.1", "", "no client asks for a certificate of an address by its name"),
    ] {
        assert_eq!(warned(listen, origin, rest), [""; 0], "{reason}");
    }
    let passed_on = pair.replace(" }", ", proxy_protocol: true }");
    assert_eq!(warned(&passed_on, login, proxies), ["session.public_url"], "such a proxy passes TLS on");
    let obtained = "[{ address: 127.0.0.1:1, redirect: https }, { address: 127.0.0.1:2, certificates: acme }]";
    let acme = "acme: { folder: acme, terms_of_service_agreed: true, hosts: [shop.example] }";
    assert_eq!(warned(obtained, "https://shop.example", acme), [""; 0]);
    assert_eq!(warned(obtained, login, acme), ["session.public_url"]);
}
