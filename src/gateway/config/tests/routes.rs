//! Rules are looked at before anybody is let in.

use super::{Folder, UPSTREAM, parse, parse_in};
use crate::{
    access::{Access, AllowList, Rule},
    gateway::config::UpstreamId,
    profile::PhoneNumber,
};

pub(super) const SESSION: &str = "session: { public_url: https://shop.example, secret: '${TRUEGATE_SESSION_SECRET}', \
                       partner: { key: k, name: n } }\ncallback: { path: '${TRUEGATE_CALLBACK_PATH}' }\n";

fn text(routes: &str) -> String {
    format!("{UPSTREAM}{SESSION}routes: {routes}")
}

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("vip.txt", b"# guests\n+919999900003 # a regular\n");
    folder.write("empty.txt", b"");
    folder.write("bad.txt", b"+919999900003\nhunter2\n");
    folder
}

#[test]
fn a_rule_that_could_not_work_is_refused_at_its_place() {
    let folder = folder();
    for (routes, expected) in [
        ("public", "4:9: routes: must be a list"),
        ("[/a/]", "4:10: routes[0]: must be a mapping"),
        (
            "[{ access: public }]",
            "4:10: routes[0].path: missing (write path: /account, or exact: /account for that path alone)",
        ),
        (
            "[{ path: /a, exact: /b, access: public }]",
            "4:22: routes[0].exact: cannot be combined with `path` (keep one: ",
        ),
        (
            "[{ exact: a, access: public }]",
            "4:19: routes[0].exact: must start with a slash (write one such as /account",
        ),
        ("[{ exact: /a/*, access: public }]", "4:19: routes[0].exact: must not hold `*`"),
        ("[{ host: '*', path: /, access: public }]", "4:18: routes[0].host: must not be `*`: leave out the host"),
        (
            "[{ host: a.*.example, path: /, access: public }]",
            "4:18: routes[0].host: must hold `*` only as its first label, as in `*.example.com` (write wiki.example or ",
        ),
        ("[{ host: '*wiki.example', path: /, access: public }]", "4:18: routes[0].host: must hold `*` only as"),
        ("[{ host: 'wiki.example:443', path: /, access: public }]", "4:18: routes[0].host: must not name a port"),
        ("[{ host: 'https://wiki.example', path: /, access: public }]", "4:18: routes[0].host: must be a host alone"),
        ("[{ host: wiki.example/, path: /, access: public }]", "4:18: routes[0].host: must be a host alone"),
        ("[{ host: b\u{fc}cher.example, path: /, access: public }]", "4:18: routes[0].host: must be ASCII"),
        ("[{ host: wiki.example., path: /, access: public }]", "4:18: routes[0].host: not a host"),
        ("[{ host: '', path: /, access: public }]", "4:18: routes[0].host: not a host"),
        ("[{ host: [wiki.example], path: /, access: public }]", "4:18: routes[0].host: must be a single value"),
        ("[{ host: [], path: /, access: public }]", "4:18: routes[0].host: must be a single value"),
        ("[{ host: , path: /, access: public }]", "4:12: routes[0].host: has no value"),
        ("[{ host: *.wiki.example, path: /, access: public }]", "4:18: "),
        (
            "[{ hosts: [wiki.example], path: /, access: public }]",
            "4:12: routes[0].hosts: unknown key (did you mean `host`?)",
        ),
        (
            "[{ host: wiki.example, access: public }]",
            "4:10: routes[0].path: missing (write path: /account, or exact: /account for that path alone)",
        ),
        ("[{ path: /a/ }]", "4:10: routes[0].access: missing (write access: public, optional or required)"),
        ("[{ path: a, access: public }]", "4:18: routes[0].path: must start with a slash"),
        ("[{ path: '/a/*', access: public }]", "4:18: routes[0].path: must not hold `*`"),
        ("[{ path: /a/../b, access: public }]", "4:18: routes[0].path: must not hold `//`"),
        ("[{ path: /%61, access: public }]", "4:18: routes[0].path: must escape only what has to be"),
        ("[{ path: /, access: open }]", "4:29: routes[0].access: not a known value (write one of public,"),
        (
            "[{ path: /, access: public, allow: { phones: ['+919999900001'] } }]",
            "4:37: routes[0].allow: only used with",
        ),
        ("[{ path: /, access: optional, allow: {} }]", "4:39: routes[0].allow: only used with `access: required`"),
        ("[{ path: /, access: required, allow: {} }]", "4:46: routes[0].allow: allows nobody"),
        ("[{ path: /, access: required, allow: { phones: [] } }]", "4:46: routes[0].allow: allows nobody"),
        (
            "[{ path: /, access: required, allow: { phones: [99] } }]",
            "4:57: routes[0].allow.phones[0]: not a valid phone",
        ),
        (
            "[{ path: /, access: required, allow: { phones: ['919999900001'] } }]",
            "4:57: routes[0].allow.phones[0]: not a valid phone number (write \"+919999900001\")",
        ),
        (
            "[{ path: /, access: required, allow: { phone_prefixes: ['91'] } }]",
            "4:65: routes[0].allow.phone_prefixes[0]: must be `+` and 1 to 15 digits",
        ),
        (
            "[{ path: /, access: required, allow: { phones_file: no.txt } }]",
            "4:61: routes[0].allow.phones_file: the file cannot be read: No such file or directory",
        ),
        (
            "[{ path: /, access: required, allow: { phones_file: bad.txt } }]",
            "4:61: routes[0].allow.phones_file: line 2 is not a phone number",
        ),
        (
            "[{ path: /, access: required, allow: { phones: ['+919999900001'], emails: [] } }]",
            "4:75: routes[0].allow.emails: unknown key",
        ),
        ("[{ path: /, access: public, methods: GET }]", "4:46: routes[0].methods: must be a list"),
        (
            "[{ path: /, access: public, methods: [] }]",
            "4:46: routes[0].methods: must not be empty (write [GET, HEAD], or",
        ),
        (
            "[{ path: /, access: public, methods: [GET, get] }]",
            "4:52: routes[0].methods[1]: not a method in capital letters (write GET)",
        ),
        (
            "[{ path: /, access: public, methods: ['G T'] }]",
            "4:47: routes[0].methods[0]: not a method in capital letters",
        ),
        (
            "[{ path: /, access: required, preflight: yes }]",
            "4:50: routes[0].preflight: not a known value (write one of pass)",
        ),
        (
            "[{ path: /, access: optional, preflight: pass }]",
            "4:39: routes[0].preflight: only used with `access: required`; elsewhere preflights pass anyway (remove it)",
        ),
        (
            "[{ path: /, access: public, method: [GET] }]",
            "4:37: routes[0].method: unknown key (did you mean `methods`?)",
        ),
    ] {
        let errors = parse_in(&folder, &text(routes)).unwrap_err().to_string();
        let file = folder.path("config.yaml");
        let first = errors.strip_prefix(&format!("{}:", file.display())).unwrap();
        assert!(first.starts_with(expected), "{routes}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
        assert!(!errors.contains("hunter2"), "{errors}");
    }
}

#[test]
fn a_rule_that_never_counts_is_a_mistake() {
    let both = |first: &str, second: &str| {
        let routes = format!("\n- {{ {first}, access: required }}\n- {{ {second}, access: public }}");
        parse(&text(&routes)).map(drop).map_err(|errors| errors.to_string())
    };
    for (first, second) in [
        ("path: /", "path: /a/"),
        ("path: /a/", "path: /a"),
        ("path: /a", "path: /a/"),
        ("path: /a", "path: /a/b/"),
        ("path: /a", "path: /a"),
        ("path: /a", "exact: /a/b"),
        ("exact: /a", "exact: /a/"),
        ("path: /a", "path: /a, methods: [GET]"),
        ("path: /a, methods: [GET, PUT]", "path: /a/b, methods: [PUT]"),
        ("path: /", "path: /a, host: wiki.example"),
        ("path: /, host: wiki.example", "path: /a, host: WIKI.example"),
        ("path: /, host: '*.wiki.example'", "path: /a, host: '*.a.wiki.example'"),
        ("path: /, host: '*.wiki.example'", "path: /a, host: a.wiki.example"),
    ] {
        let errors = both(first, second).unwrap_err();
        let (key, _) = second.split_once(':').unwrap();
        let expected = format!("routes[1].{key}: never applies, because `routes[0]` comes first and covers it (");
        assert!(errors.starts_with("config.yaml:6:1") && errors.contains(&expected), "{first} {second}: {errors}");
    }
    for (first, second) in [
        ("path: /a/", "path: /"),
        ("exact: /a", "path: /a"),
        ("exact: /a", "exact: /a/b"),
        ("path: /a/", "path: /b/"),
        ("path: /a/b/", "path: /a/"),
        ("path: /a, methods: [GET]", "path: /a"),
        ("path: /a, methods: [GET]", "path: /a, methods: [GET, PUT]"),
        ("path: /, host: wiki.example", "path: /a"),
        ("path: /, host: wiki.example", "path: /a, host: shop.example"),
        ("path: /, host: '*.wiki.example'", "path: /a, host: wiki.example"),
        ("path: /, host: a.wiki.example", "path: /a, host: '*.wiki.example'"),
    ] {
        assert_eq!(both(first, second), Ok(()), "{first} {second}");
    }
}

#[test]
fn a_rule_that_others_cover_together_is_a_mistake() {
    let last = |rules: &[&str]| {
        let rules: String = rules.iter().map(|rule| format!("\n- {{ {rule}, access: required }}")).collect();
        parse(&text(&rules)).map(drop).map_err(|errors| errors.to_string())
    };
    for (rules, named) in [
        (
            &["path: /a, methods: [GET]", "path: /a, methods: [POST]", "path: /a, methods: [GET, POST]"][..],
            "`routes[0]` and `routes[1]`",
        ),
        (
            &[
                "path: /, methods: [GET]", "path: /b", "path: /a, methods: [PUT]",
                "path: /a, methods: [POST, PUT, HEAD]", "exact: /a/b, methods: [HEAD, GET, PUT]",
            ],
            "`routes[0]`, `routes[2]` and `routes[3]`",
        ),
        (
            &["path: /, methods: [GET]", "path: /, methods: [PUT], preflight: pass", "path: /a, methods: [GET, PUT]"],
            "`routes[0]` and `routes[1]`",
        ),
    ] {
        let errors = last(rules).unwrap_err();
        let place = rules.len() - 1;
        let expected = format!("never applies, because {named} come first and cover it together (put the narrower");
        assert!(errors.contains(&format!("routes[{place}]")) && errors.contains(&expected), "{rules:?}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
    for rules in [
        ["path: /a, methods: [GET]", "path: /a, methods: [POST]", "path: /a"],
        ["path: /a, methods: [GET]", "path: /a, methods: [POST]", "path: /a, methods: [GET, POST, PUT]"],
        ["path: /a, methods: [GET]", "path: /b, methods: [POST]", "path: /a, methods: [GET, POST]"],
        ["path: /a, methods: [GET]", "path: /a, host: a.example, methods: [POST]", "path: /a, methods: [GET, POST]"],
        ["path: /a, methods: [GET]", "path: /a, methods: [POST]", "path: /a, methods: [GET, POST], preflight: pass"],
    ] {
        assert_eq!(last(&rules), Ok(()), "{rules:?}");
    }
}

#[test]
fn a_path_that_no_rule_matches_is_required() {
    let required = Access::Required(AllowList::default());
    for routes in ["", "routes: []\n"] {
        let config = parse(&format!("{UPSTREAM}{SESSION}{routes}")).unwrap();
        assert_eq!(config.routes.access("/any"), Ok(&required), "{routes:?}");
    }
    let config = parse(&text("[{ path: /shop, access: public }, { exact: /, access: optional }]")).unwrap();
    for (path, access) in [
        ("/shop", &Access::Public),
        ("/shop/x", &Access::Public),
        ("/", &Access::Optional),
        ("/x", &required),
        ("/shopping", &required),
    ] {
        assert_eq!(config.routes.access(path), Ok(access), "{path}");
    }
}

#[test]
fn without_sessions_a_rule_only_chooses_an_app() {
    let apps = "upstreams: { wiki: 'http://127.0.0.1:3001' }\n";
    for (keys, key) in [
        ("access: public", "access"),
        ("access: anything", "access"),
        ("allow: { phones: [] }", "allow"),
        ("preflight: pass", "preflight"),
    ] {
        let text = format!("{UPSTREAM}{apps}routes: [{{ path: /, upstream: wiki, {keys} }}]");
        let expected = format!(
            "config.yaml:3:37: routes[0].{key}: only used with `session`, because without it nobody is logged in (add \
             `session`, or remove this key)"
        );
        assert_eq!(parse(&text).unwrap_err().to_string(), expected);
    }
    let routes = "[{ host: wiki.example, exact: /, methods: [GET], upstream: wiki }, { path: /a }]";
    let config = parse(&format!("{UPSTREAM}{apps}routes: {routes}")).unwrap();
    let apps: Vec<_> = config.routes.iter().map(Rule::upstream_number).collect();
    assert_eq!(apps, [config.upstreams.named("wiki").map(UpstreamId::index), None]);
    assert!(parse(&format!("{UPSTREAM}routes: []")).is_ok());
}

#[test]
fn a_rule_names_one_of_the_apps() {
    let one = "upstreams: { wiki: 'http://127.0.0.1:3001' }\n";
    let two = "upstreams: { wiki: 'http://127.0.0.1:3001', shop: 'http://127.0.0.1:3002' }\n";
    for (apps, name, mistake) in [
        ("", "wiki", "names no app, because there are no `upstreams` (add the app there)"),
        (one, "wki", "names no app of `upstreams` (did you mean `wiki`?)"),
        (one, "WIKI", "names no app of `upstreams` (write one of wiki)"),
        (two, "hunter2", "names no app of `upstreams` (write one of wiki, shop)"),
        (
            two,
            "http://127.0.0.1:3001",
            "names no app of `upstreams` (a rule takes a name: give this URL one in `upstreams`)",
        ),
        (two, "''", "names no app of `upstreams` (write one of wiki, shop)"),
        (two, "[wiki]", "must be a single value (write it after the key)"),
        (two, "{ url: 'http://127.0.0.1:3001' }", "must be a single value (write it after the key)"),
    ] {
        let text = format!("{UPSTREAM}{apps}routes: [{{ path: /, upstream: {name} }}]");
        let errors = parse(&text).unwrap_err().to_string();
        assert!(
            errors.ends_with(&format!(": routes[0].upstream: {mistake}")) && errors.lines().count() == 1,
            "{errors}"
        );
    }
    let wrong = format!("{UPSTREAM}upstreams: {{ wiki: ftp }}\nroutes: [{{ path: /, upstream: wiki }}]");
    let errors = parse(&wrong).unwrap_err().to_string();
    assert!(errors.contains("upstreams.wiki: must start with") && errors.lines().count() == 1, "{errors}");
    let default = format!("upstream: wiki\n{one}routes: [{{ path: /, upstream: wiki }}]");
    assert_eq!(parse(&default).unwrap().routes.iter().map(Rule::upstream_number).collect::<Vec<_>>(), [None]);
}

#[test]
fn any_entry_of_a_list_lets_in() {
    let folder = folder();
    let allow = "{ phones: ['+447911123456'], phone_prefixes: ['+1'], phones_file: vip.txt }";
    let routes = format!("[{{ path: /, access: required, allow: {allow} }}]");
    let config = parse_in(&folder, &text(&routes)).unwrap();
    let Ok(Access::Required(list)) = config.routes.access("/x") else { panic!("an identity is required") };
    for (phone, allowed) in
        [("+447911123456", true), ("+12025550123", true), ("+919999900003", true), ("+919999900001", false)]
    {
        assert_eq!(list.allows(&PhoneNumber::parse(phone).unwrap()), allowed, "{phone}");
    }
    let nobody = text("[{ path: /, access: required, allow: { phones_file: empty.txt } }]");
    assert!(parse_in(&folder, &nobody).is_ok(), "a file may be filled later");
}
