//! Groups are looked at before anybody is let in by one.

use super::{Folder, UPSTREAM, mistakes, parse, parse_in, routes::SESSION};
use crate::{
    access::Access,
    identity::{Identity, VerificationMethod},
};

fn text(groups: &str, allow: &str) -> String {
    format!("{UPSTREAM}{SESSION}groups: {groups}\nroutes: [{{ path: /, access: required, allow: {allow} }}]\n")
}

const STAFF: &str = "{ staff: { phones: ['+919999900001'] } }";
const BY_PHONE: &str = "{ phones: ['+919999900001'] }";

#[test]
fn a_group_that_could_not_work_is_refused_at_its_place() {
    for (groups, expected) in [
        ("staff", "4:9: groups: must be a mapping"),
        ("[staff]", "4:9: groups: must be a mapping"),
        ("", "4:1: groups: has no value"),
        ("{ staff: ['+919999900001'] }", "4:18: groups.staff: must be a mapping"),
        ("{ staff: {} }", "4:18: groups.staff: has no members (list phones, phone_prefixes or a phones_file, or"),
        ("{ staff: { phones: [] } }", "4:18: groups.staff: has no members"),
        ("{ staff: { phones: [99] } }", "4:29: groups.staff.phones[0]: not a valid phone number"),
        ("{ staff: { phone_prefixes: ['91'] } }", "4:37: groups.staff.phone_prefixes[0]: must be `+` and 1 to 15"),
        ("{ staff: { phones_file: no.txt } }", "4:33: groups.staff.phones_file: the file cannot be read"),
        (
            "{ staff: { phone: [], phone_prefixes: ['+91'] } }",
            "4:20: groups.staff.phone: unknown key (did you mean `phones`?)",
        ),
        (
            "{ staff: { groups: [a], phone_prefixes: ['+91'] } }",
            "4:20: groups.staff.groups: unknown key (a key of the top level:",
        ),
        ("{ 'a,b': { phones: ['+919999900001'] } }", "4:11: groups.a,b: the name of a group must be 1 to 64"),
        ("{ a b: { phones: ['+919999900001'] } }", "4:11: groups.a b: the name of a group must be"),
        ("{ गट: { phones: ['+919999900001'] } }", "4:11: groups.?: the name of a group must be"),
        ("{ staff: { phones: ['+919999900001'] }, staff: {} }", "4:49: groups.staff: "),
    ] {
        let found = mistakes(&text(groups, BY_PHONE));
        assert!(found[0].starts_with(expected), "{groups}: {found:#?}");
        assert_eq!(found.len(), 1, "{groups}: {found:#?}");
    }
}

#[test]
fn a_rule_names_only_groups_that_there_are() {
    for (allow, expected) in [
        (
            "{ groups: [boss] }",
            "5:57: routes[0].allow.groups[0]: not one of the `groups` (add it to `groups` at the top",
        ),
        ("{ groups: [staff, Staff] }", "5:64: routes[0].allow.groups[1]: not one of the `groups`"),
        ("{ groups: staff }", "5:56: routes[0].allow.groups: must be a list"),
        ("{ groups: [] }", "5:46: routes[0].allow: allows nobody (list groups, phones,"),
    ] {
        let found = mistakes(&text(STAFF, allow));
        assert!(found[0].starts_with(expected), "{allow}: {found:#?}");
        assert_eq!(found.len(), 1, "{allow}: {found:#?}");
    }
}

#[test]
fn groups_need_sessions() {
    assert_eq!(
        parse(&format!("{UPSTREAM}groups: {STAFF}")).unwrap_err().to_string(),
        "config.yaml:2:1: groups: only used with `session`, because a callback carries no groups (add `session`, or remove \
         `groups`)"
    );
}

#[test]
fn the_members_of_a_group_are_those_of_any_of_its_keys() {
    let folder = Folder::new();
    folder.write("staff.txt", b"+919999900003 # a regular\n");
    folder.write("empty.txt", b"");
    let groups = "{ staff: { phones: ['+447911123456'], phone_prefixes: ['+1'], phones_file: staff.txt }, \
                  later: { phones_file: empty.txt } }";
    let allow = "{ groups: [staff], phones: ['+4915111111111'] }";
    let config = parse_in(&folder, &text(groups, allow)).unwrap();
    let Ok(Access::Required(list)) = config.routes.access("/x") else { panic!("an identity is required") };
    for (phone, names, allowed) in [
        ("+447911123456", Some("staff"), true),
        ("+12025550123", Some("staff"), true),
        ("+919999900003", Some("staff"), true),
        ("+4915111111111", None, true),
        ("+919999900001", None, false),
    ] {
        let user = Identity::of_number(phone, VerificationMethod::Web);
        assert_eq!((config.groups.of(&user).text(), list.allows(&user)), (names, allowed), "{phone}");
    }
    let keys: Vec<_> = config.phones_files().map(|(key, _)| key).collect();
    assert_eq!(keys, ["groups.staff.phones_file", "groups.later.phones_file"], "each file is watched once");
}
