//! The index against a walk over all rules.

use http::{HeaderMap, HeaderValue, Method};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::{
    access::{
        Access, AllowEntry, AllowList, Decision, PathPattern, Rule, RuleInput, Rules, lookup::ends_early, pattern::Case,
    },
    host::Host,
    path::{AmbiguousPath, CanonicalPath, any_reading},
};

/// What the rules say, read from the first rule to the last for each reading of the path.
fn walk<'r>(rules: &'r Rules, input: &RuleInput<'_>) -> Result<Decision<'r>, AmbiguousPath> {
    let is_for = |rule: &Rule| match (&rule.host, input.host()) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(pattern), Some(host)) => pattern.matches(host),
    };
    let first = |covers: &dyn Fn(&PathPattern) -> bool| {
        let is_meant = |rule: &Rule| is_for(rule) && rule.names(input) && covers(&rule.pattern);
        let first = rules.rules.iter().position(is_meant);
        first.map_or(Decision::UNMATCHED, |number| rules.rules[number].decide(number, input))
    };
    let read_as = |reading: &[u8], case| first(&|pattern| pattern.covers_reading(reading, case));
    let mut readings = Vec::new();
    let has_more = any_reading(input.path, |reading| {
        readings.push(reading.to_owned());
        false
    });
    if !rules.differ {
        return Ok(rules.rules.first().map_or(Decision::UNMATCHED, |rule| rule.decide(0, input)));
    }
    if let Ok(path) = CanonicalPath::parse(input.path) {
        let decision = first(&|pattern| pattern.matches(&path));
        let is_ambiguous = readings.iter().any(|reading| read_as(reading, Case::Ignored).is_stricter(&decision));
        return if is_ambiguous || has_more { Err(AmbiguousPath) } else { Ok(decision) };
    }
    let both = |reading: &Vec<u8>| [Case::Counts, Case::Ignored].map(|case| read_as(reading, case));
    let decisions: Vec<_> = readings.iter().flat_map(both).collect();
    let has_same_effects =
        |other: &Decision<'_>| (other.access, other.upstream) == (decisions[0].access, decisions[0].upstream);
    match decisions.first() {
        Some(Decision { access: Access::Public, .. }) if ends_early(input.path) => Err(AmbiguousPath),
        Some(decision) if !has_more && decisions.iter().all(has_same_effects) => Ok(*decision),
        _ => Err(AmbiguousPath),
    }
}

fn access() -> impl Strategy<Value = Access> {
    let indian = || AllowList::only([AllowEntry::Prefix("+91".parse().unwrap())]);
    select(vec![
        Access::Public,
        Access::Optional,
        Access::Required(AllowList::default()),
        Access::Required(AllowList::only([])),
        Access::Required(indian()),
    ])
}

fn rule() -> impl Strategy<Value = Rule> {
    let names = ["a", "A", "ab", "b", "a%20b", "a%22b", "a\"b", "%C3%A9", "%25", "admin", "Admin", "public"];
    let path = vec(select(names.to_vec()), 0..4).prop_map(|names| format!("/{}", names.join("/")));
    let methods = select(vec![None, Some(vec![Method::GET]), Some(vec![Method::POST, Method::PUT])]);
    let hosts =
        select(vec![None, Some("a.test"), Some("b.a.test"), Some("*.a.test"), Some("*.b.a.test"), Some("*.test")]);
    let effects = (access(), select(vec![None, None, Some(1), Some(2)]));
    (hosts, path, any::<bool>(), methods, effects, any::<bool>()).prop_map(
        |(host, path, is_exact, methods, (access, upstream), passes)| {
            let pattern = if is_exact { PathPattern::exact(&path) } else { path.parse() };
            let rule = Rule::new(pattern.expect("a canonical path"), access);
            let rule = methods.into_iter().fold(rule, Rule::methods);
            let rule = host.into_iter().fold(rule, |rule, host| rule.host(host.parse().expect("a host")));
            let rule = upstream.into_iter().fold(rule, Rule::upstream);
            if passes { rule.pass_preflights() } else { rule }
        },
    )
}

fn path() -> impl Strategy<Value = String> {
    let plain = ["/a", "/A", "/ab", "/b", "/a\"b", "/admin", "/ADMIN", "/public", "/"];
    let odd = [
        "/", "//", "/.", "/..", "%2e", "%252e", "%2f", "%252f", "%5c", "\\", ";", "%3b", "?", "#", "%23", "%00", "%20",
        "%22", "%", "%zz", "%61", "%41", "%25", "%c3%a9", "é", "%c0%af", "*", "x",
    ];
    let piece = prop_oneof![4 => select(plain.to_vec()), 1 => select(odd.to_vec())];
    prop_oneof![
        vec(select(plain.to_vec()), 0..5).prop_map(|pieces| pieces.concat()),
        vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    ]
}

fn host() -> impl Strategy<Value = Option<&'static str>> {
    let hosts = ["a.test", "b.a.test", "c.b.a.test", "other.test", "ba.test", "other"];
    prop_oneof![1 => Just(None), 6 => select(hosts.to_vec()).prop_map(Some)]
}

fn preflight(asked: &'static str) -> HeaderMap {
    let headers = [("origin", "https://app.example"), ("access-control-request-method", asked)];
    headers.map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn the_index_and_a_walk_over_all_rules_say_the_same(
        rules in vec(rule(), 0..12),
        host in host(),
        path in path(),
        method in select(vec![None, Some("GET"), Some("POST"), Some("post"), Some("OPTIONS")]),
        asked in select(vec!["GET", "PUT"]),
    ) {
        let rules = Rules::from_iter(rules);
        let method = method.map(|method| Method::from_bytes(method.as_bytes()).unwrap());
        let host = host.and_then(|host| Host::parse(host.as_bytes()));
        let input = RuleInput::new(&path, method.as_ref(), &preflight(asked)).at(host.clone());
        prop_assert_eq!(rules.decide(&input), walk(&rules, &input));
        let is_known = host.is_some_and(|host| rules.know_host(&host));
        let is_named = |rule: &Rule| rule.host.as_ref().zip(input.host()).is_some_and(|(pattern, host)| pattern.matches(host));
        prop_assert_eq!(is_known, rules.iter().any(is_named));
    }

    #[test]
    fn behind_rules_that_cover_it_a_rule_decides_about_nothing(
        rules in [rule(), rule(), rule()],
        host in host(),
        path in path(),
        method in select(vec![Method::GET, Method::POST, Method::PUT, Method::OPTIONS]),
    ) {
        let is_covered = !rules[2].covered_by(&rules[..2].iter()).is_empty();
        let rules = Rules::from_iter(rules);
        let host = host.and_then(|host| Host::parse(host.as_bytes()));
        let input = RuleInput::new(&path, Some(&method), &preflight("PUT")).at(host);
        let decided = rules.decide(&input).is_ok_and(|decision| decision.rule == Some(2));
        prop_assert!(!(is_covered && decided), "{:?}", rules);
    }
}

#[test]
fn of_a_thousand_rules_only_those_on_the_way_are_looked_at() {
    let folders = (0..1000).map(|number| format!("/folder-{number}"));
    let paths = folders.chain(["/Shop", "/shop/Cart", "/"].map(str::to_owned));
    let rules = Rules::from_iter(paths.map(|path| Rule::new(path.parse().unwrap(), Access::Public)));
    for (path, on_the_way) in [
        ("", vec![1002]),
        ("/folder-7/x/y", vec![1002, 7]),
        ("/shop/CART/x", vec![1002, 1000, 1001]),
        ("/other", vec![1002]),
        ("no path", vec![1002]),
    ] {
        let looked_at = std::cell::RefCell::new(Vec::new());
        let none = rules.at(None).first(path.as_bytes(), |number| {
            looked_at.borrow_mut().push(number);
            false
        });
        assert_eq!((none, looked_at.into_inner()), (None, on_the_way), "{path}");
    }
}
