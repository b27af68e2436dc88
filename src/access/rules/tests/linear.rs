//! The index against a walk over all rules.

use http::{HeaderMap, HeaderValue, Method};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::{
    access::{
        Access, AllowEntry, AllowList, PathPattern, Rule, RuleInput, Rules,
        pattern::Case,
        rules::{UNMATCHED, ends_early, is_stricter},
    },
    path::{AmbiguousPath, CanonicalPath, any_reading},
};

/// What the rules say, read from the first rule to the last for each reading of the path.
fn walk<'r>(rules: &'r Rules, input: &RuleInput<'_>) -> Result<&'r Access, AmbiguousPath> {
    let first = |covers: &dyn Fn(&PathPattern) -> bool| {
        let first = rules.rules.iter().find(|rule| rule.names(input) && covers(&rule.pattern));
        first.map_or(&UNMATCHED, |rule| rule.access_of(input))
    };
    let read_as = |reading: &[u8], case| first(&|pattern| pattern.covers_reading(reading, case));
    let mut readings = Vec::new();
    let has_more = any_reading(input.path, |reading| {
        readings.push(reading.to_owned());
        false
    });
    if !rules.differ {
        return Ok(first(&|_| true));
    }
    if let Ok(path) = CanonicalPath::parse(input.path) {
        let access = first(&|pattern| pattern.matches(&path));
        let is_ambiguous = readings.iter().any(|reading| is_stricter(read_as(reading, Case::Ignored), access));
        return if is_ambiguous || has_more { Err(AmbiguousPath) } else { Ok(access) };
    }
    let both = |reading: &Vec<u8>| [Case::Counts, Case::Ignored].map(|case| read_as(reading, case));
    let accesses: Vec<_> = readings.iter().flat_map(both).collect();
    match accesses.first() {
        Some(Access::Public) if ends_early(input.path) => Err(AmbiguousPath),
        Some(access) if !has_more && accesses.iter().all(|other| other == access) => Ok(access),
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
    (path, any::<bool>(), methods, access(), any::<bool>()).prop_map(|(path, is_exact, methods, access, passes)| {
        let pattern = if is_exact { PathPattern::exact(&path) } else { path.parse() };
        let rule = Rule::new(pattern.expect("a canonical path"), access);
        let rule = methods.into_iter().fold(rule, Rule::methods);
        if passes { rule.pass_preflights() } else { rule }
    })
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn the_index_and_a_walk_over_all_rules_say_the_same(
        rules in vec(rule(), 0..12),
        path in path(),
        method in select(vec![None, Some("GET"), Some("POST"), Some("post"), Some("OPTIONS")]),
        asked in select(vec!["GET", "PUT"]),
    ) {
        let rules = Rules::from_iter(rules);
        let method = method.map(|method| Method::from_bytes(method.as_bytes()).unwrap());
        let headers = [("origin", "https://app.example"), ("access-control-request-method", asked)];
        let headers = headers.map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
        let input = RuleInput::new(&path, method.as_ref(), &HeaderMap::from_iter(headers));
        prop_assert_eq!(rules.access_for(&input), walk(&rules, &input));
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
        let none = rules.index.first(path.as_bytes(), |number| {
            looked_at.borrow_mut().push(number);
            false
        });
        assert_eq!((none, looked_at.into_inner()), (None, on_the_way), "{path}");
    }
}
