//! The site's own app has a path that is its own, and endpoints of Truecaller.

use super::{
    SHIPPED, UPSTREAM, mistakes, parse, refused::assert_refused_beside_upstream, session::with, warnings::warned_keys,
};
use crate::native::NativeClient;

#[test]
fn a_client_id_is_enough() {
    let config = parse(&format!("{UPSTREAM}native: {{ client_id: an-id }}")).unwrap();
    let native = config.native.as_ref().unwrap();
    assert_eq!(native.path.as_str(), "/truecaller/native");
    let documented =
        [NativeClient::TOKEN_ENDPOINT, NativeClient::USERINFO_ENDPOINT, NativeClient::MISSED_CALL_ENDPOINT];
    let endpoints: Vec<_> = native.endpoints().iter().map(|endpoint| endpoint.url().to_string()).collect();
    assert_eq!(endpoints, documented);
    assert!(documented.iter().all(|url| SHIPPED.contains(&format!("_endpoint: {url}\n"))));
}

#[test]
fn a_key_of_the_app_is_one_that_can_work() {
    assert_refused_beside_upstream(&[
        ("native: {}", "2:9: native.client_id: missing (write client_id: …"),
        ("native: { path: /app }", "2:9: native.client_id: missing"),
        ("native: an-id", "2:9: native: must be a mapping"),
        ("native: { client_id: 'a b' }", "2:22: native.client_id: a client id is 1 to 256 visible characters"),
        ("native: { client_id: '' }", "2:22: native.client_id: a client id is"),
        ("native: { client_id: a, path: app }", "2:31: native.path: must start with a slash (write one such as"),
        ("native: { client_id: a, path: / }", "2:31: native.path: must have at least one segment"),
        ("native: { client_id: a, path: /a/ }", "2:31: native.path: must not end in a slash"),
        ("native: { client_id: a, path: /a%20b }", "2:31: native.path: must be visible ASCII"),
        (
            "native: { client_id: a, token_endpoint: 'http://oauth.example/' }",
            "2:41: native.token_endpoint: not a valid endpoint: must be https",
        ),
        (
            "native: { client_id: a, userinfo_endpoint: 'https://OAUTH.example/' }",
            "2:44: native.userinfo_endpoint: not a valid endpoint: not in canonical form",
        ),
        (
            "native: { client_id: a, missed_call_endpoint: 'https://otp.example/?a' }",
            "2:47: native.missed_call_endpoint: not a valid endpoint: user info, a query",
        ),
        ("native: { client_id: a, missed_call: 'off' }", "2:38: native.missed_call: "),
        ("native: { client_id: a, secret: b }", "2:25: native.secret: unknown key"),
    ]);
    let found = mistakes(&format!("{UPSTREAM}native: {{ path: app, client_id: 'a b', token_endpoint: x }}"));
    assert_eq!(found.len(), 3, "all at once: {found:#?}");
    assert!(!found.concat().contains("a b"));
}

#[test]
fn a_path_that_truegate_uses_already_is_refused() {
    let native = |path: &str| format!("\nnative: {{ client_id: a, path: '{path}' }}");
    let callback = format!("{UPSTREAM}callback: {{ path: /truecaller/Hook }}");
    for (text, expected) in [
        (callback.clone() + &native("/truecaller/Hook"), Some("native: its `path` is also `callback.path`")),
        (callback.clone() + &native("/TRUECALLER/hook"), Some("native: its `path` is also `callback.path`")),
        (
            callback.clone() + &native("/.truegate/app"),
            Some("native: its `path` must not be at or below `session.path`"),
        ),
        (callback + &native("/truecaller/hook2"), None),
        (with("") + &native("${TRUEGATE_CALLBACK_PATH}"), Some("native: its `path` is also `callback.path`")),
        (with("") + &native("/.Truegate"), Some("native: its `path` must not be at or below `session.path`")),
        (with("path: /auth") + &native("/auth/app"), Some("native: its `path` must not be at or below `session.path`")),
        (with("path: /auth") + &native("/.truegate/app"), None),
    ] {
        match expected {
            None => assert!(parse(&text).is_ok(), "{text}"),
            Some(expected) => {
                let found = mistakes(&text);
                assert_eq!(found.len(), 1, "{text}: {found:#?}");
                assert!(found[0].contains(expected) && found[0].ends_with(')'), "{text}: {found:#?}");
                assert!(!found[0].to_lowercase().contains("hook"), "it is not repeated");
            }
        }
    }
}

#[test]
fn the_hosts_of_its_endpoints_can_be_resolved() {
    let text = |native: &str, resolve: &str| format!("{UPSTREAM}{native}truecaller: {{ resolve: {{ {resolve} }} }}");
    let native = "native: { client_id: a, token_endpoint: 'https://oauth.example:8443/token' }\n";
    for (native, resolve, expected) in [
        (native, "oauth.example: 127.0.0.1:8443", None),
        (native, "oauth-account-noneu.truecaller.com: 127.0.0.1:443", None),
        (native, "profile4.truecaller.com: 127.0.0.1:443", None),
        (
            native,
            "oauth.example: 127.0.0.1:443",
            Some("truecaller.resolve.oauth.example: the endpoint's URL has another"),
        ),
        (native, "other.example: 127.0.0.1:443", Some("truecaller.resolve.other.example: not the host of an endpoint")),
        ("", "oauth.example: 127.0.0.1:443", Some("truecaller.resolve.oauth.example: not the host of an endpoint")),
        // What the section says is not known.
        ("native: { client_id: '' }\n", "oauth.example: 127.0.0.1:443", Some("native.client_id")),
    ] {
        match expected {
            None => assert!(parse(&text(native, resolve)).is_ok(), "{resolve}"),
            Some(expected) => {
                let found = mistakes(&text(native, resolve));
                assert!(found.len() == 1 && found[0].contains(expected), "{resolve}: {found:#?}");
            }
        }
    }
}

#[test]
fn a_rule_that_the_app_hides_is_warned_of() {
    let rules = "routes: [{ exact: /truecaller/native, access: public }, { path: /truecaller, access: optional }]";
    let native = "native: { client_id: a }";
    assert_eq!(warned_keys(&format!("{}\n{native}\n{rules}", with("upstream_cookies: [a]"))), ["routes[0]"]);
    assert_eq!(warned_keys(&format!("{}\n{rules}", with("upstream_cookies: [a]"))), Vec::<String>::new());
    let apps =
        "upstreams: { shop: http://a, api: http://b }\nupstream: shop\ncallback: { path: '${TRUEGATE_CALLBACK_PATH}' }";
    let routes = "routes: [{ exact: /truecaller/native, upstream: api }]";
    assert_eq!(warned_keys(&format!("{apps}\n{native}\n{routes}")), Vec::<String>::new(), "the rule chooses its app");
}

#[test]
fn a_mistake_of_the_app_hides_no_other_one() {
    let found =
        mistakes(&format!("{UPSTREAM}native: {{}}\nlimits: {{ a: 1 }}\nshutdown_grace: 2h\nlog: {{ level: loud }}"));
    let keys: Vec<_> = found.iter().filter_map(|mistake| mistake.split(": ").nth(1)).collect();
    assert_eq!(keys, ["native.client_id", "limits.a", "shutdown_grace", "log.level"], "{found:#?}");
}
