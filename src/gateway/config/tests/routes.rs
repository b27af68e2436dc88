//! Rules are looked at before anybody is let in.

mod apps;
mod covered;

use super::{Folder, UPSTREAM, parse, parse_in};
use crate::{
    access::{Access, AllowList},
    identity::{Identity, VerificationMethod},
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
        (
            "[{ path: /, access: required, allow: {} }]",
            "4:46: routes[0].allow: allows nobody (list groups, phones, phone_prefixes, a phones_file or methods, or remove",
        ),
        ("[{ path: /, access: required, allow: { phones: [] } }]", "4:46: routes[0].allow: allows nobody"),
        (
            "[{ path: /, access: required, allow: { phones: [], methods: [app] } }]",
            "4:46: routes[0].allow: allows nobody",
        ),
        ("[{ path: /, access: required, allow: { methods: app } }]", "4:57: routes[0].allow.methods: must be a list"),
        (
            "[{ path: /, access: required, allow: { methods: [] } }]",
            "4:57: routes[0].allow.methods: must not be empty (write [web, app], or remove the key for all methods)",
        ),
        (
            "[{ path: /, access: required, allow: { methods: [web, GET] } }]",
            "4:63: routes[0].allow.methods[1]: not a known value (write one of web, app, missed-call, site)",
        ),
        (
            "[{ path: /, access: required, allow: { methods: [missed_call] } }]",
            "4:58: routes[0].allow.methods[0]: not a known value (write one of web, app, missed-call, site)",
        ),
        (
            "[{ path: /, access: required, allow: { phones: ['+919999900001'], method: [app] } }]",
            "4:75: routes[0].allow.method: unknown key (did you mean `methods`?)",
        ),
        (
            "[{ path: /, access: optional, allow: { methods: [app] } }]",
            "4:39: routes[0].allow: only used with `access: required`",
        ),
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
fn any_entry_of_a_list_lets_in_those_who_were_verified_by_its_methods() {
    let folder = folder();
    let allow = "{ phones: ['+447911123456'], phone_prefixes: ['+1'], phones_file: vip.txt }";
    let routes = format!("[{{ path: /, access: required, allow: {allow} }}]");
    let config = parse_in(&folder, &text(&routes)).unwrap();
    let Ok(Access::Required(list)) = config.routes.access("/x") else { panic!("an identity is required") };
    for (phone, allowed) in
        [("+447911123456", true), ("+12025550123", true), ("+919999900003", true), ("+919999900001", false)]
    {
        assert_eq!(list.allows(&Identity::of_number(phone, VerificationMethod::Web)), allowed, "{phone}");
    }
    let methods =
        format!("[{{ path: /, access: required, allow: {} }}]", allow.replace(" }", ", methods: [app, site] }"));
    let config = parse_in(&folder, &text(&methods)).unwrap();
    let Ok(Access::Required(list)) = config.routes.access("/x") else { panic!("an identity is required") };
    for (phone, method, allowed) in [
        ("+447911123456", VerificationMethod::App, true),
        ("+919999900003", VerificationMethod::Site, true),
        ("+919999900003", VerificationMethod::Web, false),
        ("+919999900001", VerificationMethod::App, false),
    ] {
        assert_eq!(list.allows(&Identity::of_number(phone, method)), allowed, "{phone} {method:?}");
    }
    let nobody = text("[{ path: /, access: required, allow: { phones_file: empty.txt } }]");
    assert!(parse_in(&folder, &nobody).is_ok(), "a file may be filled later");
}
