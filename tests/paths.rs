//! No text panics what reads paths, and what comes out keeps what it promises.

use proptest::{collection::vec, prelude::*};
use truegate::{
    access::{Access, AllowList, CanonicalPath, PathPattern, Rule, Rules},
    session::{PublicUrl, ReturnPath},
};
use url::Url;

/// Texts that look like paths, and like attacks, more often than chance would have it.
fn pathish() -> impl Strategy<Value = String> {
    let pieces = [
        "/", "/", "/", "//", ".", "..", "%2e", "%2E%2e", "%252e", "%2f", "%252f", "%5c", "\\", ";", "%3b", "?", "#",
        "%23", "%00", "%09", "\t", "%", "%zz", "%61", "%25", "%c0%af", "é", "public", "admin", "ADMIN", "a", "*",
    ];
    let piece = prop_oneof![8 => prop::sample::select(pieces.to_vec()).prop_map(str::to_owned), 1 => "\\PC{0,3}"];
    (any::<bool>(), vec(piece, 0..12))
        .prop_map(|(rooted, pieces)| format!("{}{}", if rooted { "/" } else { "" }, pieces.concat()))
}

fn rules(rules: [(&str, Access); 2]) -> Rules {
    let rule = |(pattern, access): (&str, Access)| Rule::new(pattern.parse().expect("a canonical pattern"), access);
    rules.into_iter().map(rule).collect()
}

fn required() -> Access {
    Access::Required(AllowList::default())
}

proptest! {
    #[test]
    fn no_text_panics_what_reads_paths(text in prop_oneof![any::<String>(), pathish()]) {
        let _ = CanonicalPath::parse(&text);
        let _ = PathPattern::parse(&text);
        let _ = ReturnPath::parse(&text);
        let _ = PublicUrl::parse(&text);
        let _ = rules([("/public/", Access::Public), ("/", required())]).access(&text);
    }

    #[test]
    fn a_canonical_path_is_its_own_canonical_path(raw in pathish()) {
        if let Ok(path) = CanonicalPath::parse(&raw) {
            prop_assert_eq!(CanonicalPath::parse(path.as_str()), Ok(path.clone()));
        }
    }

    #[test]
    fn a_canonical_path_has_nothing_left_to_resolve(raw in pathish()) {
        if let Ok(path) = CanonicalPath::parse(&raw) {
            let path = path.as_str();
            prop_assert!(path.starts_with('/') && !path.contains("//") && !path.contains(['\\', '?', '#']));
            prop_assert!(path.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert!(!path.split('/').any(|segment| [".", ".."].contains(&segment)));
            prop_assert!(!["%2F", "%5C", "%00", "%2E", "%61"].iter().any(|escape| path.contains(escape)));
        }
    }

    #[test]
    fn what_a_url_parser_reads_as_protected_is_never_open(raw in pathish()) {
        let rules = rules([("/admin/", required()), ("/", Access::Optional)]);
        let site = Url::parse("https://app.example/").expect("it is a URL");
        let readings = [site.join(&raw).ok(), Url::parse(&format!("https://app.example{raw}")).ok()];
        let protected = |url: &Url| url.path().eq_ignore_ascii_case("/admin") || url.path().to_ascii_lowercase().starts_with("/admin/");
        if rules.access(&raw) == Ok(&Access::Optional) {
            prop_assert!(!readings.iter().flatten().any(protected), "{} is open", raw);
        }
    }

    #[test]
    fn what_matches_one_rule_as_it_stands_is_never_ambiguous(path in "(/[a-zA-Z0-9._~-]{1,8}){0,4}/?") {
        let path = path.replace("/.", "/x");
        let rules = rules([("/public/", Access::Public), ("/", required())]);
        let is_public = path == "/public" || path.starts_with("/public/");
        prop_assert_eq!(rules.access(&path), Ok(if is_public { &Access::Public } else { &required() }));
    }

    #[test]
    fn a_return_path_stays_on_the_site(text in pathish()) {
        let path = ReturnPath::or_root(Some(&text));
        prop_assert_eq!(ReturnPath::parse(path.as_str()), Some(path.clone()));
        for site in ["https://app.example/x/y", "http://127.0.0.1:1/"] {
            let site = Url::parse(site).expect("it is a URL");
            let reached = site.join(path.as_str()).expect("a path can be joined");
            prop_assert_eq!(reached.origin(), site.origin());
            prop_assert!(!reached.path().starts_with("//"), "{} reaches {}", text, reached);
            let again = site.join(reached.path()).expect("a path can be joined");
            prop_assert_eq!(again.origin(), site.origin());
        }
    }
}
