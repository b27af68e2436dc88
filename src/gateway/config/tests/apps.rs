//! The identity headers of each app.

use http::HeaderMap;

use super::{UPSTREAM, mistakes, parse};
use crate::{
    gateway::config::Config,
    headers::{HeaderSet, IdentityHeaders},
    identity::{Identity, VerificationMethod},
    profile::Profile,
};

/// The headers of a user's phone that a set sends, with the default one first.
fn sent(config: &Config, set: Option<&HeaderSet>) -> Vec<String> {
    let profile = Profile::parse(br#"{"phoneNumbers":["919999999999"],"userId":"42"}"#).unwrap();
    let mut headers = HeaderMap::new();
    let (names, identity) = (&config.identity, Identity::vouch(None, profile, VerificationMethod::Web));
    IdentityHeaders::of(names, set, &identity).insert_into(names, &mut headers);
    let phones = headers.iter().filter(|(_, value)| *value == "+919999999999");
    phones.map(|(name, _)| name.as_str().to_owned()).collect()
}

/// What the app of a name gets.
fn sent_to(config: &Config, name: &str) -> Vec<String> {
    let (_, upstream) = config.upstreams.iter().find(|(_, upstream)| upstream.name == name).unwrap();
    sent(config, Some(&upstream.identity))
}

#[test]
fn an_app_reads_its_own_headers_or_those_of_the_top_level() {
    let config = parse(
        "upstreams:\n  shop: http://a\n  plain: { url: http://b, identity: {} }\n\
         \x20 wiki: { url: http://c, identity: { presets: [remote-user], headers: { X-Wiki-User: phone } } }\n\
         upstream: shop\nidentity: { prefix: X-Id-, presets: [grafana] }",
    )
    .unwrap();
    assert_eq!(sent_to(&config, "shop"), ["x-id-phone", "x-webauth-user"]);
    assert_eq!(sent_to(&config, "plain"), ["x-id-phone"]);
    assert_eq!(sent_to(&config, "wiki"), ["x-id-phone", "remote-user", "x-wiki-user"]);
    assert_eq!(sent(&config, None), ["x-id-phone", "x-webauth-user"]);
    for name in ["remote_groups", "X-WEBAUTH-ROLE", "x.wiki.user", "X-Id-Anything"] {
        assert!(config.identity.is_reserved(name), "{name}");
    }
}

#[test]
fn the_headers_of_the_default_app_are_those_of_every_request_without_another() {
    for upstream in [
        "upstream: { url: http://a, identity: { presets: [remote-user] } }",
        "upstreams: { wiki: { url: http://a, identity: { presets: [remote-user] } } }\nupstream: wiki",
    ] {
        let config = parse(&format!("{upstream}\nidentity: {{ presets: [grafana] }}")).unwrap();
        assert_eq!(sent(&config, None), ["x-truecaller-phone", "remote-user"]);
        assert!(config.identity.is_reserved("x-webauth-user"), "the top level is closed all the same");
    }
}

#[test]
fn a_mistake_in_an_apps_identity_is_told_at_its_place() {
    for (identity, expected) in [
        ("remote-user", "1:38: upstream.identity: must be a mapping"),
        ("[remote-user]", "1:38: upstream.identity: must be a mapping"),
        ("{ prefix: X-Wiki- }", "1:40: upstream.identity.prefix: unknown key (a key of `identity`: write it there)"),
        ("{ strip: [X-Role] }", "1:40: upstream.identity.strip: unknown key (a key of `identity`: write it there)"),
        ("{ preset: [grafana] }", "1:40: upstream.identity.preset: unknown key (did you mean `presets`?)"),
        ("{ presets: [authelia] }", "1:50: upstream.identity.presets[0]: not a known value (write one of remote-user,"),
        ("{ presets: [grafana, grafana] }", "1:59: upstream.identity.presets[1]: the same header is injected twice"),
        ("{ headers: { Cookie: phone } }", "1:51: upstream.identity.headers.Cookie: this header may not be injected"),
        ("{ headers: { X_User: phone } }", "1:51: upstream.identity.headers.X_User: a header name has letters,"),
        ("{ headers: { X-User: number } }", "1:59: upstream.identity.headers.X-User: not a known value"),
        (
            "{ headers: { X-User: phone }, presets: [] }, headers: { x-user: a }",
            "1:94: upstream.headers.x-user: the same header is injected twice: `x-user`, also by `upstream.identity.headers.X-User`",
        ),
        (
            "{ headers: { X-Truecaller-Assertion: phone } }",
            "1:51: upstream.identity.headers.X-Truecaller-Assertion: this header may not be injected: signed",
        ),
    ] {
        let found = mistakes(&format!("upstream: {{ url: http://a, identity: {identity} }}"));
        assert!(found[0].starts_with(expected), "{identity}: {found:#?}");
        assert_eq!(found.len(), 1, "{identity}: {found:#?}");
    }
}

#[test]
fn a_header_that_an_app_gets_twice_is_told_with_both_places() {
    let twice = |apps: &str| mistakes(&format!("{UPSTREAM}upstreams:\n{apps}"));
    let fixed = "  a: { url: http://a, headers: { Remote-User: hunter2 } }\n";
    for (identity, place, header) in [
        ("{ presets: [grafana, remote-user] }", "4:54: upstreams.b.identity.presets[1]", "Remote-User"),
        ("{ headers: { remote.user: phone } }", "4:46: upstreams.b.identity.headers.remote.user", "remote.user"),
    ] {
        let app = format!("  b: {{ url: http://b, identity: {identity} }}\n");
        let expected = format!(
            "{place}: the same header is injected twice: `{header}`, also by `upstreams.a.headers.Remote-User` (keep one)"
        );
        assert_eq!(twice(&[fixed, &app].concat()), [expected]);
    }
    let app = "  b: { url: http://b, identity: { presets: [remote-user] } }\n";
    assert_eq!(
        twice(&[app, fixed].concat()),
        ["4:34: upstreams.a.headers.Remote-User: the same header is injected twice: `Remote-User`, also by \
             `upstreams.b.identity.presets[0]` (keep one)"]
    );
    let top = "identity: { presets: [remote-user] }";
    assert_eq!(
        twice(&[fixed, top].concat()),
        ["3:34: upstreams.a.headers.Remote-User: the same header is injected twice: `Remote-User`, also by \
             `identity.presets[0]` (keep one)"]
    );
}
