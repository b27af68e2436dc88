//! Rules that name methods, and preflights.

use http::Method;

use super::required;
use crate::{
    access::{Access, Rule, RuleInput, Rules},
    path::AmbiguousPath,
};

#[test]
fn a_rule_that_names_methods_is_for_these_alone() {
    let rule = |pattern: &str, methods: &[Method], access| {
        Rule::new(pattern.parse().unwrap(), access).methods(methods.iter().cloned())
    };
    let rules = Rules::from_iter([
        rule("/shop", &[Method::GET, Method::HEAD], Access::Public),
        rule("/form", &[Method::POST, Method::PUT], required()),
        Rule::new("/form".parse().unwrap(), Access::Optional),
    ]);
    for (method, path, access) in [
        ("GET", "/shop/x", Access::Public),
        ("HEAD", "/shop", Access::Public),
        ("POST", "/shop/x", required()),
        ("get", "/shop/x", required()),
        ("OPTIONS", "/shop/x", required()),
        ("PROPFIND", "/shop/x", required()),
        ("FOO", "/shop/x", required()),
        ("POST", "/form/x", required()),
        ("GET", "/form", Access::Optional),
        ("PROPFIND", "/form", Access::Optional),
        ("post", "/form", required()),
        ("FOO", "/form", required()),
        ("GET", "/", required()),
    ] {
        assert_eq!(asks(&rules, method, path, &[]), Ok(&access), "{method} {path}");
    }
    assert_eq!(
        rules.decide(&RuleInput::new("/form", None, &http::HeaderMap::new())).map(|decision| decision.access),
        Ok(&required()),
        "nobody says the method"
    );
    assert_eq!(
        rules.decide(&RuleInput::new("/shop", None, &http::HeaderMap::new())).map(|decision| decision.access),
        Ok(&required()),
        "nobody says the method"
    );
}

#[test]
fn a_method_counts_in_every_reading_of_a_path() {
    let public = Rule::new("/public".parse().unwrap(), Access::Public).methods([Method::GET]);
    let rules = Rules::from_iter([public, Rule::new("/public".parse().unwrap(), required())]);
    assert_eq!(asks(&rules, "GET", "/public/a%2fb", &[]), Ok(&Access::Public));
    assert_eq!(asks(&rules, "GET", "/public/..%2fb", &[]), Err(AmbiguousPath));
    assert_eq!(asks(&rules, "PUT", "/public/..%2fb", &[]), Ok(&required()));
}

#[test]
fn a_rule_may_let_preflights_pass() {
    let rules = Rules::from_iter([
        Rule::new("/api".parse().unwrap(), required()).pass_preflights(),
        Rule::new("/put".parse().unwrap(), required()).methods([Method::PUT]).pass_preflights(),
        Rule::new("/".parse().unwrap(), required()),
    ]);
    let asking = |method| [("origin", "https://app.example"), ("access-control-request-method", method)];
    for (method, path, headers, access) in [
        ("OPTIONS", "/api/x", &asking("DELETE")[..], Access::Public),
        ("OPTIONS", "/put", &asking("PUT"), Access::Public),
        ("OPTIONS", "/put", &asking("POST"), required()),
        ("OPTIONS", "/other", &asking("PUT"), required()),
        ("OPTIONS", "/api/x", &[], required()),
        ("OPTIONS", "/api/x", &asking("PUT")[..1], required()),
        ("GET", "/api/x", &asking("PUT"), required()),
        ("options", "/api/x", &asking("PUT"), required()),
    ] {
        assert_eq!(asks(&rules, method, path, headers), Ok(&access), "{method} {path} {headers:?}");
    }
    assert_eq!(asks(&rules, "OPTIONS", "/api/..%2fother", &asking("PUT")), Err(AmbiguousPath));
}

/// What a request with this method and these headers needs.
fn asks<'r>(rules: &'r Rules, method: &str, path: &str, headers: &[(&str, &str)]) -> Result<&'r Access, AmbiguousPath> {
    let mut request = http::Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (head, ()) = request.body(()).unwrap().into_parts();
    rules.decide_for(&head).map(|decision| decision.access)
}
