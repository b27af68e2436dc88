//! The shape of the file: what YAML is taken, and which keys there are.

use proptest::prelude::*;

use super::{
    UPSTREAM, mistakes, parse,
    refused::{assert_refused, assert_refused_beside_upstream},
};

#[test]
fn what_is_not_yaml_is_refused_at_its_place() {
    let deep = format!("{UPSTREAM}listen: {}{}", "[".repeat(40), "]".repeat(40));
    assert_refused(&[
        ("upstream: [", "1:11: not valid YAML: unclosed bracket"),
        ("upstream: 'x", "1:11: not valid YAML: unclosed quote"),
        (
            "upstream: { url: http://a, headers: { X-Secret: ${SECRET} } }",
            "1:50: not valid YAML: while parsing a flow mapping, did not find expected ',' or '}' (inside { } and [ ] put quotes",
        ),
        ("upstream: a: b", "1:12: not valid YAML: mapping values are not allowed"),
        ("a\nb", "1:1: must be a mapping"),
        ("- a", "1:1: must be a mapping"),
        (&deep, "2:25: not valid YAML: recursion limit exceeded"),
    ]);
    assert_refused_beside_upstream(&[
        ("---\n", "2:1: a second document"),
        ("log: &a { level: info }\n", "2:9: log: anchors"),
        ("log: *a\n", "2:6: log: anchors"),
        ("log: !x { level: info }\n", "2:9: log: tags"),
        ("log: { level: !!str info }\n", "2:21: log.level: tags"),
        ("? [a]\n: b\n", "2:3: a list or mapping is where a key"),
        ("callback:\r\n  # c\r\n  é: 1\r\n", "4:3: callback.?: unknown key"),
        ("${SECRET}: b\n", "2:1: a key must not contain `${`"),
    ]);
}

#[test]
fn a_file_that_grows_large_is_refused() {
    let bomb = format!("{UPSTREAM}a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n");
    let found = mistakes(&bomb);
    assert!(found.iter().any(|line| line.starts_with("2:7: a: anchors")), "{found:#?}");
    let large = format!("{UPSTREAM}{}", "# comment\n".repeat(200_000));
    let errors = parse(&large).unwrap_err();
    assert_eq!(errors.to_string(), "config.yaml: is larger than 1 MiB (a configuration is short)");
}

#[test]
fn a_key_is_known_written_once_and_of_its_type() {
    assert_refused(&[
        ("", "1:1: upstream: missing (write upstream:"),
        ("# nothing\n", "2:1: upstream: missing"),
        ("log: { level: info }", "1:1: upstream: missing"),
        ("upstream:", "1:1: upstream: has no value"),
        ("upstream: [http://app]", "1:11: upstream: must be a single value"),
        ("upstream: { url: http://app, header: {} }", "1:30: upstream.header: unknown key (did you mean `headers`?)"),
        ("upstream: { url: http://app, headers: [a] }", "1:39: upstream.headers: must be a mapping"),
        ("upstream: { url: http://app, headers: { A-B: [a] } }", "1:46: upstream.headers.A-B: must be a single value"),
        ("upstream: { url: http://app, headers: { A-B: } }", "1:41: upstream.headers.A-B: has no value"),
    ]);
    assert_refused_beside_upstream(&[
        ("callbak: {}", "2:1: callbak: unknown key (did you mean `callback`?)"),
        (
            "tokens: {}",
            "2:1: tokens: unknown key (known keys: listen, upstreams, upstream, timeouts, session, groups, identity,",
        ),
        ("session: true", "2:10: session: must be a mapping"),
        ("session:", "2:1: session: has no value"),
        ("callback:\n  dedline: 1s", "3:3: callback.dedline: unknown key (did you mean `deadline`?)"),
        ("callback: { /secret/path: 1 }", "2:13: callback.?: unknown key"),
        ("upstream: http://b", "2:1: upstream: duplicate key, which line 1 has too (keep one)"),
        ("log: { level: info, format: json, \"level\": warn }", "2:35: log.level: duplicate key"),
        ("log: { level: info, <<: {} }", "2:21: log.<<: unknown key"),
        ("listen: [{ address: 127.0.0.1:1, port: 1 }]", "2:34: listen[0].port: unknown key"),
        ("identity: { headers: { A-B: { field: name, as: utf8 } } }", "2:44: identity.headers.A-B.as: unknown key"),
        ("callback: /secret", "2:11: callback: must be a mapping"),
        ("callback:", "2:1: callback: has no value"),
        ("callback: { path: [] }", "2:19: callback.path: must be a single value"),
        ("callback: { path: ~ }", "2:13: callback.path: has no value"),
        ("truecaller: { endpoints: https://a.example/ }", "2:26: truecaller.endpoints: must be a list"),
        ("truecaller: { attempts: '2' }", "2:25: truecaller.attempts: must be a number from 1 to 10"),
        ("truecaller: { attempts: '${TWO}' }", "2:25: truecaller.attempts: must be a number"),
        ("truecaller: { require_active: yes }", "2:31: truecaller.require_active: must be true or false"),
        ("truecaller: { require_active: 'true' }", "2:31: truecaller.require_active: must be true or false"),
        ("identity: { headers: [phone] }", "2:22: identity.headers: must be a mapping"),
        ("identity: { presets: remote-user }", "2:22: identity.presets: must be a list"),
        ("identity: { strip: X-My-Role }", "2:20: identity.strip: must be a list"),
        ("identity: { strip: [[X-My-Role]] }", "2:21: identity.strip[0]: must be a single value"),
        ("identity: { presets: }", "2:13: identity.presets: has no value"),
        ("identity: { headers: { A-B: } }", "2:24: identity.headers.A-B: has no value"),
        ("trusted_proxies: 10.0.0.9", "2:18: trusted_proxies: must be a list"),
        ("trusted_proxies:", "2:1: trusted_proxies: has no value"),
        ("trusted_proxies: [[10.0.0.9]]", "2:19: trusted_proxies[0]: must be a single value"),
        ("admin: 127.0.0.1:9090", "2:8: admin: must be a mapping"),
    ]);
}

#[test]
fn every_mistake_is_told_in_the_order_of_the_file() {
    let text = "\
listen: [localhost:80, { address: 127.0.0.1:1, key: a }]
upstraem: http://app
callback:
  deadline: 3
  path: '${MISSING}'
  deadline: 2s
truecaller: { endpoints: [a, b], attempts: many, resolve: { c: d } }
identity: { prefix: X, headers: { Host: fone } }
log:
  level: 'loud'
  formt: json
";
    let places: Vec<_> =
        mistakes(text).iter().map(|line| line.split(": ").take(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        places,
        [
            "1:1 upstream", "1:10 listen[0]", "1:48 listen[1].key", "2:1 upstraem", "4:13 callback.deadline",
            "5:9 callback.path", "6:3 callback.deadline", "7:27 truecaller.endpoints[0]",
            "7:30 truecaller.endpoints[1]", "7:44 truecaller.attempts", "7:64 truecaller.resolve.c",
            "8:21 identity.prefix", "8:35 identity.headers.Host", "8:41 identity.headers.Host", "10:10 log.level",
            "11:3 log.formt",
        ]
    );
}

proptest! {
    #[test]
    fn whatever_is_refused_has_a_line_for_each_mistake(text in r#"([a-z]{1,3}|\$\{file:|upstream|listen|[-?:,&*!|>%@`"'#${}~ \[\]\n\r\t\x00é]|: |\n {1,4}|- ){0,40}"#) {
        if let Err(errors) = parse(&text) {
            prop_assert!(!errors.lines().is_empty());
            prop_assert_eq!(errors.to_string().lines().count(), errors.lines().len());
        }
    }
}
