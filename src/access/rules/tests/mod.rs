//! What rules say of requests.

mod linear;
mod methods;
mod spellings;

use super::*;
use crate::{
    access::{AllowEntry, AllowList, PathPattern},
    identity::{Identity, VerificationMethod},
};

#[test]
fn an_identity_is_required_by_default() {
    for path in ["/", "/a", "/a/../b", "/%2e%2e", "*", "", "/a\\b", "/%zz"] {
        assert_eq!(Rules::default().access(path), Ok(&required()), "{path}");
    }
}

#[test]
fn a_path_that_no_rule_matches_requires_an_identity() {
    let rules = rules([("/public", Access::Public), ("=/", Access::Optional)]);
    for (path, access) in [
        ("/", Access::Optional),
        ("", Access::Optional),
        ("/index.html", required()),
        ("/publicity", required()),
        ("/public/x", Access::Public),
    ] {
        assert_eq!(rules.access(path), Ok(&access), "{path}");
    }
}

#[test]
fn a_rule_holds_for_everything_below_its_path() {
    for pattern in ["/admin", "/admin/"] {
        let rules = rules([(pattern, required()), ("/", Access::Optional)]);
        for path in ["/admin", "/admin/", "/admin/users", "/admin/users/", "/admin//users", "/%61dmin/users"] {
            assert_eq!(rules.access(path), Ok(&required()), "{pattern} {path}");
        }
        for path in ["/", "/administer", "/admin-panel", "/x/admin"] {
            assert_eq!(rules.access(path), Ok(&Access::Optional), "{pattern} {path}");
        }
    }
}

#[test]
fn the_first_rule_that_matches_counts() {
    let rules = rules([
        ("=/account/help", Access::Public),
        ("/account/", required()),
        ("/account/late", Access::Public),
        ("/public/", Access::Public),
        ("/", Access::Optional),
    ]);
    for (path, access) in [
        ("/account/help", Access::Public),
        ("/account/help/", Access::Public),
        ("/account/help/x", required()),
        ("/account", required()),
        ("/account/late", required()),
        ("/public/x", Access::Public),
        ("/publicity", Access::Optional),
        ("/", Access::Optional),
        ("", Access::Optional),
    ] {
        assert_eq!(rules.access(path), Ok(&access), "{path}");
    }
}

#[test]
fn the_files_of_all_rules_can_be_refreshed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vip.txt");
    std::fs::write(&path, "+919999900001").unwrap();
    let file = PhonesFile::read(&path).unwrap();
    let list = AllowList::only([AllowEntry::File(file.clone())]);
    let rules = rules([("/a/", Access::Public), ("/vip/", Access::Required(list.clone())), ("/", required())]);
    assert_eq!(rules.phones_files().collect::<Vec<_>>(), [(1, &file)]);
    let listed = Identity::of_number("+919999900001", VerificationMethod::Web);
    assert!(list.allows(&listed));
    std::fs::write(&path, "").unwrap();
    for (_, file) in rules.phones_files() {
        file.refresh().unwrap();
    }
    assert!(!list.allows(&listed));
}

/// A pattern that begins with `=` is exact.
fn rules<const N: usize>(rules: [(&str, Access); N]) -> Rules {
    let pattern = |text: &str| text.strip_prefix('=').map_or_else(|| text.parse(), PathPattern::exact);
    rules.into_iter().map(|(text, access)| Rule::new(pattern(text).unwrap(), access)).collect()
}

fn required() -> Access {
    Access::Required(AllowList::default())
}
