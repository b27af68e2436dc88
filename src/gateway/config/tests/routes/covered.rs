//! A rule that earlier ones cover is a mistake.

use super::{super::parse, text};

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
