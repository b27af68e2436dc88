//! Sessions are looked at before anybody logs in.

mod hosts;
mod store;

use std::time::Duration;

use super::{Folder, UPSTREAM, mistakes, parse, parse_in, warnings::warned_keys};
use crate::{gateway::config::StoreConfig, session::Brand};

/// The keys that a section must have.
const REST: &str =
    "public_url: https://shop.example, secret: '${TRUEGATE_SESSION_SECRET}', partner: { key: k, name: n }";

/// A configuration with these keys in place of the ones of that name, on its second line.
pub(super) fn with(keys: &str) -> String {
    with_callback(keys, "path: '${TRUEGATE_CALLBACK_PATH}'")
}

/// The same, with these keys of callbacks on its third line.
fn with_callback(keys: &str, callback: &str) -> String {
    let names: Vec<_> = keys.split(", ").filter_map(|key| Some(key.split_once(':')?.0)).collect();
    let rest = REST.split_inclusive(", p").collect::<String>();
    let rest = ["public_url", "secret", "partner"]
        .iter()
        .fold(rest, |rest, name| if names.contains(name) { without(&rest, name) } else { rest });
    let session = [keys, &rest].join(", ");
    format!("{UPSTREAM}session: {{ {} }}\ncallback: {{ {callback} }}", session.trim_matches([',', ' ']))
}

fn without(rest: &str, name: &str) -> String {
    let start = rest.find(name).expect("it is one of the rest");
    let end = match name {
        "partner" => rest.len(),
        _ => start + rest[start..].find(", ").expect("another follows") + 2,
    };
    format!("{}{}", &rest[..start], &rest[end..])
}

#[test]
fn a_session_needs_no_more_than_its_url_its_secret_its_partner_and_the_callback_path() {
    let config = parse(&with("")).unwrap();
    let session = config.session.as_ref().unwrap();
    assert_eq!(
        (session.public_urls.default_url().origin(), session.path.as_str()),
        ("https://shop.example", "/.truegate")
    );
    assert_eq!((session.login_timeout, session.lifetime), (Duration::from_mins(3), Duration::from_hours(12)));
    assert_eq!((session.idle, session.revocation_grace), (Duration::from_hours(2), Duration::from_mins(1)));
    assert_eq!((session.max_pending, &session.fallback_url), (100_000, &None));
    assert_eq!((session.logout_url.as_str(), &session.brand), ("/", &Brand::default()));
    assert_eq!(session.link_base.as_str(), "truecallersdk://truesdk/web_verify");
    assert!(session.upstream_cookies.is_none() && matches!(session.store, StoreConfig::Memory));
    assert!(!config.callback.forward, "callbacks end here");
    assert!(parse(&with_callback("", "path: '${TRUEGATE_CALLBACK_PATH}', forward: true")).unwrap().callback.forward);
}

#[test]
fn a_key_of_a_session_is_one_that_can_work() {
    for (keys, expected) in [
        ("secret: c2hvcnQ=", "session.secret: must be at least 32 random bytes (make it with `truegate keys secret`)"),
        ("secret: '!'", "session.secret: is not base64"),
        ("secret: []", "session.secret: must not be empty"),
        ("secret: ['${TRUEGATE_SESSION_SECRET}', x]", "session.secret[1]: "),
        ("path: truegate", "session.path: must start with a slash (write one such as /.truegate)"),
        ("path: /", "session.path: must have at least one segment"),
        ("path: /a/../b", "session.path: must not end in a slash or hold"),
        ("login_timeout: 9s", "session.login_timeout: must be from 10s to 10m"),
        ("login_timeout: 601s", "session.login_timeout: must be from 10s to 10m"),
        ("lifetime: 59s", "session.lifetime: must be from 1m to 30d"),
        ("lifetime: 31days", "session.lifetime: must be from 1m to 30d"),
        ("idle: 1s", "session.idle: must be from 1m to 30d"),
        ("idle: 13h", "session.idle: must not be longer than `lifetime`"),
        ("idle: 2h, lifetime: 1h", "session.idle: must not be longer than `lifetime`"),
        ("max_pending: 0", "session.max_pending: must be a number from 1 to 10000000"),
        ("max_pending: 10000001", "session.max_pending: must be from 1 to 10000000"),
        ("revocation_grace: 61m", "session.revocation_grace: must be from 0s to 1h"),
        ("link_base: page", "session.link_base: the link base is not a URL"),
        ("link_base: 'ftp://a/b'", "session.link_base: the link base begins with neither"),
        ("link_base: 'http://a.example/b'", "session.link_base: the link base is http:// of another machine"),
        ("link_base: 'https://a.example/b?c'", "session.link_base: the link base is not just scheme"),
        ("fallback_url: login", "session.fallback_url: not a path of this site (write one such as /login)"),
        ("fallback_url: //evil.example", "session.fallback_url: not a path of this site"),
        ("fallback_url: /.truegate/login?a", "session.fallback_url: leads to truegate's own"),
        ("logout_url: bye", "session.logout_url: neither a path of this site nor an https:// URL (write one such as"),
        ("logout_url: 'http://a.example/'", "session.logout_url: neither a path of this site nor an https:// URL"),
        ("logout_url: /.truegate/logout?a", "session.logout_url: leads back to the logout"),
        (
            "logo: nowhere.png",
            "session.logo: the file cannot be read: No such file or directory (os error 2) (paths are relative",
        ),
        ("color: blue", "session.color: not a colour, which is written #rrggbb (write \"#0087ff\", in quotes)"),
        ("upstream_cookies: ['a b']", "session.upstream_cookies[0]: must be 1 to 256 letters"),
        ("upstream_cookies: [__host-TRUEGATE]", "session.upstream_cookies[0]: one of truegate's own cookies"),
        ("cookie_name: 'a b'", "session.cookie_name: must be 1 to 64 letters, digits and the like"),
        (
            "cookie_name: __Host-shop",
            "session.cookie_name: must be 1 to 64 letters, digits and the like, and not begin",
        ),
        (
            "cookie_name: shop, upstream_cookies: [__Host-shop]",
            "session.upstream_cookies[0]: one of truegate's own cookies",
        ),
        ("upstream_cookies: ['*']", "session.upstream_cookies[0]: covers every cookie"),
        ("upstream_cookies: [__Host-*]", "session.upstream_cookies[0]: one of truegate's own cookies"),
        ("upstream_cookies: [{ path: /a }]", "session.upstream_cookies[0].name: missing (write name: PHPSESSID)"),
        ("upstream_cookies: [{ name: 'a b' }]", "session.upstream_cookies[0].name: must be 1 to 256 letters"),
        ("upstream_cookies: [{ name: a, path: hub }]", "session.upstream_cookies[0].path: must begin with `/`"),
        (
            "upstream_cookies: [{ name: a, domain: 'a b' }]",
            "session.upstream_cookies[0].domain: must be the name of a host",
        ),
        ("upstream_cookies: [{ name: a, pth: / }]", "session.upstream_cookies[0].pth: unknown key"),
        ("upstream_cookies: SID", "session.upstream_cookies: must be a list"),
        ("templates: nowhere", "session.templates: the folder has none of login.html, refused.html,"),
        ("cookies: []", "session.cookies: unknown key"),
    ] {
        assert_one_mistake(&with(keys), expected);
    }
}

#[test]
fn who_cannot_log_in_is_not_sent_to_a_page_that_needs_a_login() {
    let text =
        |fallback: &str, routes: &str| format!("{}\nroutes: [{routes}]", with(&format!("fallback_url: {fallback}")));
    for (fallback, routes) in [
        ("/login", ""),
        ("/login?a", "{ path: /account, access: required }"),
        ("/account/login", "{ path: /account, access: required }, { path: /, access: optional }"),
        ("/login", "{ path: /login, methods: [POST], access: public }"),
        ("/x/..%2faccount", "{ path: /account, access: required }, { path: /, access: optional }"),
    ] {
        assert_one_mistake(&text(fallback, routes), "session.fallback_url: leads to a page that needs a login, but");
    }
    for routes in ["{ exact: /login, access: public }", "{ path: /, access: optional }"] {
        assert!(parse(&text("/login", routes)).is_ok(), "{routes}");
    }
}

#[test]
fn a_partner_has_a_key_and_a_name_and_words_that_the_app_knows() {
    for (keys, expected) in [
        ("name: n", "session.partner.key: missing"),
        ("key: k", "session.partner.name: missing"),
        ("key: ' ', name: n", "session.partner.key: must not be blank or have control characters"),
        (r#"key: k, name: "a\nb""#, "session.partner.name: must not be blank or have control characters"),
        ("key: k, name: n, lang: fr", "session.partner.lang: not a known value (write one of en, hi,"),
        ("key: k, name: n, login_prefix: go", "session.partner.login_prefix: not a known value"),
        (
            "key: k, name: n, login_suffix: Log-in",
            "session.partner.login_suffix: not a word of 1 to 32 lower-case letters",
        ),
        ("key: k, name: n, cta_prefix: go", "session.partner.cta_prefix: not a known value"),
        (
            "key: k, name: n, cta_color: blue",
            "session.partner.cta_color: not a colour, which is written #rrggbb (write \"#0087ff\", in quotes)",
        ),
        ("key: k, name: n, cta_text_color: '#fff'", "session.partner.cta_text_color: not a colour"),
        ("key: k, name: n, btn_shape: oval", "session.partner.btn_shape: not a known value"),
        ("key: k, name: n, skip_option: no", "session.partner.skip_option: not a known value"),
        ("key: k, name: n, privacy_url: /privacy", "session.partner.privacy_url: not a URL (write https://"),
        ("key: k, name: n, terms_url: 'javascript:1'", "session.partner.terms_url: not an http:// or https:// URL"),
    ] {
        assert_one_mistake(&with(&format!("partner: {{ {keys} }}")), expected);
    }
}

#[test]
fn what_has_no_default_is_missed() {
    let mut found = mistakes(&format!("{UPSTREAM}session: {{}}"));
    assert_eq!(
        found.remove(0),
        "1:1: callback.path: missing (with `session` it must be secret: write ${TRUEGATE_CALLBACK_PATH}, and make one \
         with `truegate keys path`)"
    );
    let keys = ["session.partner", "session.public_url", "session.secret"];
    assert_eq!(found.len(), keys.len(), "{found:#?}");
    for (line, key) in found.iter().zip(keys) {
        assert!(line.starts_with(&format!("2:10: {key}: missing (write ")), "{line}");
    }
}

#[test]
fn an_idle_time_that_is_not_said_is_no_longer_than_the_lifetime() {
    let config = parse(&with("lifetime: 30m")).unwrap();
    assert_eq!(config.session.as_ref().unwrap().idle, Duration::from_mins(30));
}

#[test]
fn the_callback_is_no_route_of_truegates_own() {
    for folder in ["/.truegate", "/.TRUEGATE", "/.truegate/auth"] {
        let text = with_callback("", &format!("path: {folder}/x7Kq2vNf9TzR4mWb6pLd"));
        assert_one_mistake(&text, "session: must not cover `callback.path`");
        assert!(parse(&text.replace("session: {", "session: { path: /.gate,")).is_ok());
    }
    assert_one_mistake(&with("path: /truecaller"), "session: must not cover `callback.path`");
}

#[test]
fn with_sessions_the_callback_path_is_a_secret_that_nobody_guesses() {
    for path in
        ["/truecaller/callback", "/truecaller/callback-7f3a9c21", "/our-very-secret-callback-path-for-truecaller"]
    {
        let text = with_callback("", &format!("path: {path}"));
        let mistake =
            "callback.path: can be guessed, but with `session` it must be secret (make one with `truegate keys path`";
        assert_one_mistake(&text, mistake);
        assert!(!mistakes(&text)[0].contains(path), "it is not repeated");
    }
    for keys in ["", "deadline: 1s"] {
        assert_one_mistake(&with_callback("", keys), "callback.path: missing (with `session` it must be secret: ");
    }
    assert_one_mistake(&with_callback("", "path: callback"), "callback.path: must start with a slash (make one with `");
    let text = with_callback("", "path: /hooks/3f9a1c7e5b2d8046af13c95e7d204b68");
    assert!(!parse(&text).unwrap().callback.path.is_guessable());
    assert_eq!(warned_keys(&text), ["session.upstream_cookies"]);
}

#[test]
fn the_other_way_to_log_in_is_open_on_each_host_that_leads_there() {
    let urls = "public_url: [https://a.example, https://b.example], fallback_url: ";
    let open =
        "routes: [{ host: a.example, path: /sms, access: optional }, { host: b.example, path: /, access: required }]";
    let mistake = "session.fallback_url: leads to a page that needs a login";
    for (fallback, is_open) in [("/sms", false), ("https://b.example/sms", false), ("https://a.example/sms", true)] {
        let text = format!("{}\n{open}", with(&format!("{urls}{fallback}")));
        if is_open {
            assert!(parse(&text).is_ok(), "{fallback}");
        } else {
            assert_one_mistake(&text, mistake);
        }
    }
}

#[test]
fn without_sessions_the_app_alone_learns_of_logins() {
    let text = format!("{UPSTREAM}callback: {{ forward: false }}");
    assert_one_mistake(&text, "callback.forward: must be true without `session`, or nobody would learn of a login");
    assert!(parse(&format!("{UPSTREAM}callback: {{ forward: true }}")).is_ok());
    assert!(parse(&with_callback("", "path: '${TRUEGATE_CALLBACK_PATH}', forward: false")).is_ok());
}

#[test]
fn a_logo_is_a_small_picture() {
    let folder = Folder::new();
    folder.write("logo.svg", b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>");
    folder.write("logo.gif", b"GIF89a");
    folder.write("large.png", &[&b"\x89PNG\r\n\x1a\n"[..], &[0; 64 * 1024]].concat());
    let config = parse_in(&folder, &with("logo: logo.svg")).unwrap();
    assert!(config.session.as_ref().unwrap().brand.logo.is_some());
    for (file, mistake) in [("logo.gif", "is not a PNG, WebP or SVG picture"), ("large.png", "is larger than 64 KiB")] {
        let errors = parse_in(&folder, &with(&format!("logo: {file}"))).unwrap_err().to_string();
        assert!(errors.contains(&format!("session.logo: the logo {mistake}")), "{errors}");
    }
}

#[test]
fn pages_are_filled_in_before_anybody_sees_them() {
    let folder = Folder::new();
    folder.write("good/unavailable.html", b"<p>{{ partner }}</p>");
    folder.write("bad/login.html", b"<p>\n{{ nobody }}</p>");
    assert!(parse_in(&folder, &with("templates: good")).is_ok());
    let errors = parse_in(&folder, &with("templates: bad")).unwrap_err().to_string();
    assert!(errors.contains("session.templates: a mistake in login.html, line 2: "), "{errors}");
}

fn assert_one_mistake(text: &str, expected: &str) {
    let found = mistakes(text);
    assert_eq!(found.len(), 1, "{text}: {found:#?}");
    let (_, line) = found[0].split_once(": ").expect("a line starts with its position");
    assert!(line.starts_with(expected) && line.ends_with(')'), "{text}: {line}");
}
