//! A rule may choose an app.

use super::super::{UPSTREAM, parse};
use crate::{access::Rule, gateway::config::UpstreamId};

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
