use proptest::{collection::vec, prelude::*, sample::select};

use super::*;

#[test]
fn every_known_reading_is_made() {
    for (raw, reading) in [
        ("/", ""),
        ("/admin/", "/admin"),
        ("/admin/../x", "/admin/../x"),
        ("/admin/../x", "/x"),
        ("/admin//../x", "/x"),
        ("/admin//../x", "/admin/x"),
        ("/public/;/../admin", "/admin"),
        ("/public/;/../admin", "/public/admin"),
        ("/admin;a=b/x", "/admin/x"),
        ("/admin%3Ba=b/x", "/admin/x"),
        ("/x/%252e%252e/admin", "/admin"),
        ("/public/%252e%252e%252fadmin", "/admin"),
        ("/admin%2523/x", "/admin"),
        ("/x%2523/%252e%252e/%252e%252e/admin", "/admin"),
        ("/a/../admin;%252f..%252f..", "/admin"),
        ("//host/admin", "/admin"),
        ("///host/admin", "/admin"),
        ("//host", ""),
        ("//host/admin", "/host/admin"),
        ("/%2541", "/%41"),
        ("/%2541", "/A"),
        ("/@scope%2fpkg", "/@scope/pkg"),
        ("/@scope%2fpkg", "/@scope%2fpkg"),
        ("/a%255cb", "/a/b"),
        ("/a%5cb", "/a\\b"),
        ("/public/..\\admin", "/admin"),
        ("/public/%2e%2e/admin", "/public/../admin"),
        ("/public/%2e%2e/admin", "/admin"),
        ("/a/../x/%2e%2e/admin", "/x/../admin"),
        ("/a/..;/admin", "/admin"),
        ("/a/;../admin", "/admin"),
        ("/a/x;..;y/admin", "/admin"),
        ("/wiki/C%23", "/wiki/C#"),
        ("/wiki/C%23", "/wiki/C"),
        ("/a%3fb#c", "/a"),
        ("/a%3fb#c", "/a?b"),
        ("/admin%00.png", "/admin"),
        ("/admin%0a/x", "/admin"),
        ("/ad%09min", "/admin"),
        ("/ad%00min", "/admin"),
        ("/public/%", "/public/%"),
        ("/a%zz/%41", "/a%zz/A"),
        ("/public/%c0%ae%c0%ae/admin", "/admin"),
        ("/public/..%c0%afadmin", "/admin"),
        ("/public/..%c1%1cadmin", "/admin"),
        ("/public/%e0%80%ae./admin", "/admin"),
        ("/public/..%f0%80%80%afadmin", "/admin"),
        ("/public/..%u002fadmin", "/admin"),
        ("/public/..%uff0fadmin", "/admin"),
        ("/public/%25c0%25ae./admin", "/admin"),
        ("http://other.example/admin", "/admin"),
        ("admin", "/admin"),
        ("/\\host/admin", "/admin"),
        ("*", "/*"),
    ] {
        assert!(any_reading(raw, |read| read == reading.as_bytes()), "{raw} as {reading:?}");
    }
}

#[test]
fn what_nobody_reads_is_not_made_up() {
    for (raw, reading) in [("/admin.", "/admin"), ("/a/admin", "/admin"), ("/a//admin", "/admin"), ("/a%20b", "/a")] {
        assert!(!any_reading(raw, |read| read == reading.as_bytes()), "{raw} as {reading:?}");
    }
}

#[test]
fn a_path_with_more_readings_than_anyone_looks_at_counts_as_any() {
    let long = format!("/{}", "a;b\\%2f/..%25;..#%0a/".repeat(300));
    assert!(any_reading(&long, |_| false));
    let usual = format!("/{}", "%E0%A4%B0%2F;a/..//b".repeat(12));
    assert!(!any_reading(&usual, |_| false));
}

/// A path of pieces that servers read in one way, and of a few others.
fn path() -> impl Strategy<Value = String> {
    let usual =
        ["/", "/a", "B", ".c", "%41", "%20", "%7e", "%26", "%c3%a9", "%E0%A4%A8", "%F0%9F%98%80", "é", "%ff", "!"];
    let odd = [
        "/", ".", "%2e", "%2f", "%25", "%", " ", "%c0", "%e0", "%f0", "%80", "%af", ";", "\\", "%0a", "%7f", "u0041",
        "41",
    ];
    let piece = prop_oneof![6 => select(usual.to_vec()), 1 => select(odd.to_vec())];
    vec(piece, 0..9).prop_map(|pieces| format!("/{}", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5000, ..ProptestConfig::default() })]

    #[test]
    fn a_path_with_a_single_reading_has_no_other(path in path()) {
        let mut buffer = PathBytes::new();
        if let Some(single) = single_reading(&path, &mut buffer) {
            let mut count = 0;
            let has_other = every_reading(&path, |reading| {
                count += 1;
                reading != single
            });
            prop_assert!(count > 0 && !has_other, "{:?}", path);
        }
    }
}
