//! Paths that servers read in several ways.

use super::{required, rules};
use crate::{
    access::{Access, AllowEntry, AllowList, Rules},
    path::AmbiguousPath,
    profile::PhoneNumber,
};

#[test]
fn nothing_is_ambiguous_while_all_rules_say_the_same() {
    let same = [
        (rules([("/account/", Access::Optional), ("/", Access::Optional)]), Access::Optional),
        (rules([("/account/", required())]), required()),
        (rules([("/", required())]), required()),
        (rules([("/a/", required()), ("/", required())]), required()),
        (rules([("/", Access::Public)]), Access::Public),
    ];
    for (rules, access) in &same {
        for path in ["/a", "/b/..%2fa", "/%00", "*", "/A"] {
            assert_eq!(rules.access(path), Ok(access), "{path}");
        }
    }
    let different = [
        rules([("/a/", Access::Optional)]),
        rules([("/a/", Access::Required(AllowList::only([]))), ("/", required())]),
        rules([("/a/", Access::Public)]),
    ];
    for rules in &different {
        assert_eq!(rules.access("/b/..%2fa"), Err(AmbiguousPath));
    }
}

#[test]
fn no_spelling_of_a_protected_path_is_public() {
    for (path, outcome) in [
        ("/public/x", Ok(&Access::Public)),
        ("/public", Ok(&Access::Public)),
        ("/public//x", Ok(&Access::Public)),
        ("/public/%78", Ok(&Access::Public)),
        ("/public/a%20b", Ok(&Access::Public)),
        ("/public/x;v=1", Ok(&Access::Public)),
        ("/public/../admin", Ok(&required())),
        ("/public/%2e%2e/admin", Err(AmbiguousPath)),
        ("/public/%2E%2e/admin", Err(AmbiguousPath)),
        ("/public/..%2fadmin", Err(AmbiguousPath)),
        ("/public/..%2Fadmin", Err(AmbiguousPath)),
        ("/public/%252e%252e%252fadmin", Err(AmbiguousPath)),
        ("/public/..\\admin", Err(AmbiguousPath)),
        ("/public/..%5cadmin", Err(AmbiguousPath)),
        ("/public//..//admin", Ok(&required())),
        ("//admin", Ok(&required())),
        ("/public/;/../admin", Err(AmbiguousPath)),
        ("/public/..;/admin", Err(AmbiguousPath)),
        ("/admin?x=/public/", Ok(&required())),
        ("/public/secret%23/endpoint", Err(AmbiguousPath)),
        ("/public/secret#/endpoint", Err(AmbiguousPath)),
        ("/PUBLIC/x", Ok(&required())),
        ("/publicity", Ok(&required())),
        ("/public%00/x", Err(AmbiguousPath)),
        ("/public/x%00", Err(AmbiguousPath)),
        ("http://other.example/public", Err(AmbiguousPath)),
        ("*", Ok(&required())),
        ("/api%2fadmin", Ok(&required())),
        ("/admin?x=/publicity", Ok(&required())),
        ("/public/a%2fb", Ok(&Access::Public)),
        ("/public/@scope%2fpkg", Ok(&Access::Public)),
        ("/public%2fx", Err(AmbiguousPath)),
        ("/public%5cx", Err(AmbiguousPath)),
        ("/public/x%2f..%2f..%2fadmin", Err(AmbiguousPath)),
        ("/public/%c0%ae%c0%ae/admin", Err(AmbiguousPath)),
        ("/public/..%u002fadmin", Err(AmbiguousPath)),
        ("/public/%", Err(AmbiguousPath)),
        ("/public/\u{e9}", Ok(&Access::Public)),
        ("/public/../public/x", Ok(&Access::Public)),
        ("/x/../public/y", Err(AmbiguousPath)),
        ("//public/x", Err(AmbiguousPath)),
    ] {
        let rules = mostly_protected();
        let expected = outcome.cloned();
        assert_eq!(rules.access(path).cloned(), expected, "{path}");
    }
}

#[test]
fn what_any_app_reads_as_a_protected_path_is_not_open() {
    for path in [
        "/ADMIN", "/Admin/x", "/admin;a=b", "/admin;a/x", "/admin%3Ba", "/;/admin", "/x/;/../admin", "/Login",
        "/login;x", "/admin/../x", "/admin//../x", "/x/%252e%252e/admin", "/%2561dmin/x", "/admin%252fx",
        "/admin%253fx", "//host/admin", "///host//admin/x", "/x/../ADMIN/y", "/a/../admin;%252f..%252f..",
    ] {
        assert_eq!(mostly_open().access(path), Err(AmbiguousPath), "{path}");
    }
    for path in
        ["/admin", "/admin/", "/admin/x", "/%61dmin", "/x/../admin", "//admin", "/admin/./x", "/login", "/login/"]
    {
        assert_eq!(mostly_open().access(path), Ok(&required()), "{path}");
    }
    for path in ["/", "/administer", "/x/admin", "/x//admin", "/login/x", "/a/../b", "/a;b/c", "/a%20b", "/%E0%A4%B0"] {
        assert_eq!(mostly_open().access(path), Ok(&Access::Optional), "{path}");
    }
}

/// One rule must not close the rest of a site to paths that every app reads as one under the same rule.
#[test]
fn a_path_whose_readings_need_the_same_passes() {
    let rules = rules([("/account", required()), ("/public", Access::Public), ("/", Access::Optional)]);
    for path in [
        "/@scope%2fpkg",
        "/@scope%2Fpkg",
        "/api/v4/projects/group%2Fproject",
        "/api/v4/projects/group%2Fproject/repository/files/src%2Fmain.rs",
        "/wiki/C%23",
        "/wiki/What%3F",
        "/wiki/C%2B%2B%20%26%20C%23?x",
        "/files/a%5cb",
        "/files/a\\b",
        "/sale-50%",
        "/sale-50%-off",
        "/x%zz",
        "/a%0ab",
        "/a%00",
        "/a;..b/c",
        "/a/..;/b",
        "/a/%2e%2e/b",
        "/%25",
        "/%2525",
        "/legacy/%u0041",
        "/%c0%80",
        "/x/ACCOUNT%2fy",
        "*",
    ] {
        assert_eq!(rules.access(path), Ok(&Access::Optional), "{path}");
    }
    for path in ["/account/a%2fb", "/account/C%23", "/account/", "/account/sale-50%", "/account/a\\b", "/account/%00"] {
        assert_eq!(rules.access(path), Ok(&required()), "{path}");
    }
    for path in
        ["/x%2f..%2faccount", "/account%2f..%2fx", "/account%23/x", "/account\\x", "/ACCOUNT%2fx", "/a/..;/account"]
    {
        assert_eq!(rules.access(path), Err(AmbiguousPath), "{path}");
    }
}

#[test]
fn a_path_is_ambiguous_when_another_reading_lets_in_others() {
    let staff = AllowEntry::Phone(PhoneNumber::parse("+919999900001").unwrap());
    let indian = AllowEntry::Prefix("+91".parse().unwrap());
    let rules = rules([
        ("/staff/", Access::Required(AllowList::only([staff]))),
        ("/", Access::Required(AllowList::only([indian]))),
    ]);
    assert_eq!(rules.access("/STAFF/x"), Err(AmbiguousPath));
    assert!(rules.access("/staff/x").is_ok() && rules.access("/stuff/x").is_ok());
}

/// As the security cases have it: all is protected but what is in `/public/`.
fn mostly_protected() -> Rules {
    rules([("/public/", Access::Public)])
}

/// The other way round: a path that is taken for another is let in.
fn mostly_open() -> Rules {
    rules([("/admin", required()), ("=/login", required()), ("/", Access::Optional)])
}
