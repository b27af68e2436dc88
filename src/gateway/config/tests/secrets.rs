//! What must stay unknown stays unknown.

use super::{Folder, SECRET, UPSTREAM, parse, parse_in, upstream};

#[test]
fn a_secret_is_never_shown() {
    let folder = Folder::new();
    folder.write("secret", format!("{SECRET}\n").as_bytes());
    for reference in ["${SECRET}", "x${SECRET}", "${file:secret}"] {
        for text in [
            format!("upstream: '{reference}'"),
            format!("upstream: 'http://{reference}'"),
            format!("upstream: {{ url: '{reference}', headers: {{ A-B: '{reference}\u{1}', '{reference}': a }} }}"),
            format!("upstream: {{ url: http://app, headers: {{ A-B: ' {reference}', Host: '{reference}' }} }}"),
            format!("upstream: {{ servers: ['{reference}', 'unix:{reference}'], balance: '{reference}' }}"),
            format!("upstream: {{ url: https://app, protocol: '{reference}', host: '{reference}/{{' }}"),
            format!("upstream: {{ url: https://app, tls: {{ server_name: '{reference}', ca_file: '{reference}' }} }}"),
            format!("upstream: {{ url: https://app, tls: {{ certificate: '{reference}', key: '{reference}' }} }}"),
            format!("upstream: {{ url: http://app, health: {{ path: '{reference}', interval: '{reference}' }} }}"),
            format!("upstream: {{ url: http://app, timeouts: {{ read: '{reference}', idle: '{reference}' }} }}"),
            format!("upstreams: {{ '{reference}': http://app, a: '{reference}' }}\nupstream: '{reference}'"),
            format!("identity: {{ strip: ['{reference}', '{reference}-*'], presets: [{{ preset: '{reference}' }}] }}"),
            format!("listen: '{reference}'"),
            format!("listen: [{{ address: '{reference}', certificate: '{reference}', key: '{reference}' }}]"),
            format!("callback: {{ path: '{reference}', deadline: '{reference}', body_limit: '{reference}' }}"),
            format!("callback: '{reference}'"),
            format!("truecaller: {{ endpoints: ['{reference}', 'https://{reference}'], ca_file: '{reference}' }}"),
            format!("truecaller: {{ attempts: '{reference}', require_active: '{reference}' }}"),
            format!("truecaller: {{ resolve: {{ profile4.truecaller.com: '{reference}' }} }}"),
            format!("identity: {{ prefix: '{reference}', headers: {{ A-B: '{reference}', '{reference}': phone }} }}"),
            format!("identity: {{ presets: ['{reference}', '{reference}'] }}"),
            format!("trusted_proxies: ['{reference}', '10.0.0.0/{reference}']"),
            format!("assertion: {{ key: '{reference}', issuer: '{reference}', lifetime: '{reference}' }}"),
            format!("assertion: {{ key: ['{reference}', '{reference}'], audience: '{reference}\u{1}' }}"),
            format!("callback: {{ forward: '{reference}' }}"),
            format!("session: {{ public_url: '{reference}', secret: '{reference}', path: '{reference}' }}"),
            format!("session: {{ secret: ['{reference}'], store: '{reference}', templates: '{reference}' }}"),
            format!("session: {{ idle: '{reference}', max_pending: '{reference}', link_base: '{reference}' }}"),
            format!("session: {{ fallback_url: '{reference}', upstream_cookies: ['{reference}'] }}"),
            format!("session: {{ store: 'rediss://a', store_ca_file: '{reference}' }}"),
            format!("session: {{ store: 'redis://:{reference}@', partner: {{ key: '{reference}\u{1}' }} }}"),
            format!("session: {{ store: {{ cluster: ['{reference}', 'redis://:{reference}@a/1'] }} }}"),
            format!("session: {{ store: {{ sentinel: {{ servers: ['{reference}'], master: '{reference} ' }} }} }}"),
            format!("session: {{ store: {{ cluster: ['redis://:{reference}@a', 'redis://b'] }} }}"),
            format!("session: {{ partner: {{ lang: '{reference}', cta_color: '{reference}' }} }}"),
            format!("session: {{ partner: {{ login_suffix: '{reference}', terms_url: '{reference}' }} }}"),
            format!("routes: [{{ path: '{reference}', access: '{reference}' }}]"),
            format!("routes: [{{ access: required, allow: {{ phones: ['{reference}'] }} }}]"),
            format!("routes: [{{ access: required, allow: {{ phone_prefixes: ['{reference}'] }} }}]"),
            format!("routes: [{{ access: required, allow: {{ phones_file: '{reference}' }} }}]"),
            format!("admin: {{ listen: '{reference}', token: '{reference}', metrics_token: '{reference}' }}"),
            format!("log: {{ level: '{reference}', format: '{reference}' }}"),
            format!("? ['{reference}']\n: '{reference}'"),
        ] {
            let errors = parse_in(&folder, &text).unwrap_err();
            assert!(!format!("{errors} {errors:?}").contains("hunter2"), "{errors}");
        }
    }
    for path in ["hunter2", "/hunter2/", "/hunter2;", "/hunter2 x", "/hunter2/../x", "/hunter2\n"] {
        for text in [
            format!("callback: {{ path: {path:?} }}"),
            format!("callback: {path:?}"),
            format!("callback: {{ path: {path:?}, path: {path:?}, path: ['hunter2'] }}"),
            format!("callback: {{ path: {path:?}"),
        ] {
            let errors = parse_in(&folder, &text).unwrap_err();
            assert!(!format!("{errors} {errors:?}").contains("hunter2"), "{errors}");
        }
    }
}

#[test]
fn an_upstream_shows_none_of_its_headers() {
    let text = "upstream: { url: http://app, headers: { X-Proxy-Secret: '${SECRET}', X-Plain: 'hunter2 {e}' } }";
    let config = parse(&text.replace("{e}", "\u{e9}")).unwrap();
    let shown = format!("{:?}", upstream(&config).headers);
    assert!(!shown.contains("hunter2"), "{shown}");
    assert_eq!(upstream(&config).headers.len(), 2);
    assert_eq!(upstream(&config).headers[0].1, SECRET);
    assert!(config.identity.is_reserved("x_proxy.secret") && config.identity.is_reserved("X-Plain"));
}

#[test]
fn a_configuration_shows_nothing_of_itself() {
    let text = format!("{UPSTREAM}callback: {{ path: '/${{SECRET}}' }}");
    assert_eq!(format!("{:?}", parse(&text).unwrap()), "Config(redacted)");
}
