//! The lines that are shown under mistakes: readable, and without a secret.

use super::UPSTREAM;
use crate::gateway::config::{SourceLines, error::Position, reader::Step, schema::description};

/// The line of a place as it is shown, and a line below it that marks the place.
fn shown(text: &str, line: usize, column: usize) -> String {
    let shown = SourceLines::read(text).show(Position { line, column }).unwrap();
    format!("{}\n{}{}", shown.text, " ".repeat(shown.start), "^".repeat(shown.length))
}

#[test]
fn a_line_shows_its_keys_and_what_is_no_secret() {
    for (text, line, column, expected) in [
        ("log:\n  levle: info\n", 2, 3, "  levle: …\n  ^^^^^"),
        ("log:\n  level: loud # comment\n", 2, 10, "  level: loud\n         ^^^^"),
        (
            "callback: { deadline: 5, path: /secret }\n",
            1,
            23,
            "callback: { deadline: 5, path: … }\n                      ^",
        ),
        (
            "callback: { path: '/secret', deadline: 5 }\n",
            1,
            19,
            "callback: { path: …, deadline: 5 }\n                  ^",
        ),
        (
            "trusted_proxies: [10.0.0.9, 'proxy']\n",
            1,
            29,
            "trusted_proxies: [10.0.0.9, 'proxy']\n                            ^^^^^^^",
        ),
        ("listen:\n  - localhost:80\n", 2, 5, "  - localhost:80\n    ^^^^^^^^^^^^"),
        ("upstream: http://user:pass@app\n", 1, 11, "upstream: …\n          ^"),
        ("routes:\n  - exact: /hooks/x7Kq2vNf9TzR4mWb6pLd\n", 2, 5, "  - exact: …\n    ^^^^^"),
        ("routes: [{ path: /%787Kq2vNf9TzR4mWb6pLd/a }]\n", 1, 12, "routes: [{ path: … }]\n           ^^^^"),
        ("routes: [{ path: /wiki/pages }]\n", 1, 12, "routes: [{ path: /wiki/pages }]\n           ^^^^"),
        ("callback: /secret\n", 1, 11, "callback: …\n          ^"),
        ("log:\n  level: [a, b]\n", 2, 10, "  level: […, …]\n         ^"),
        ("log: { level:secret }\n", 1, 8, "log: { … }\n       ^"),
        ("log:\n\tlevel: info\n", 2, 2, "→…\n ^"),
        ("session: { secret: [a\n", 1, 20, "session: …\n         ^"),
        ("log: &anchor { level: info }\n", 1, 14, "log: … level: info …\n     ^"),
        ("# upstream: http://a\n", 2, 1, ""),
    ] {
        if expected.is_empty() {
            assert_eq!(SourceLines::read(text).show(Position { line, column }), None);
        } else {
            assert_eq!(shown(text, line, column), expected, "{text}");
        }
    }
}

/// Every key, in every form that its value may have or may be taken to have.
#[test]
fn a_secret_is_in_no_line() {
    let mut count = 0;
    for (path, value) in description().all() {
        if value.shapes.is_empty() && !value.is_secret {
            continue;
        }
        for written in [
            "CANARY", "'CANARY'", "\"x CANARY\"", "[CANARY]", "{ a: CANARY }", "a CANARY # CANARY", "|\n      CANARY",
            "&CANARY x", "!CANARY x", "${CANARY}", "\n    CANARY",
        ] {
            let value = nested(&path, written);
            for text in [
                format!("{UPSTREAM}{value}\n"),
                format!("{UPSTREAM}{value}\n{value}\n"),
                format!("{UPSTREAM}{value}: x\n"),
                format!("{UPSTREAM}{value}\n]\n"),
                format!("unknown: CANARY\n# CANARY\n{value}\n\tCANARY: CANARY\n"),
            ] {
                assert_hidden(&text, &path);
                count += 1;
            }
        }
    }
    assert!(count > 5000, "{count} texts");
}

fn assert_hidden(text: &str, path: &[Step]) {
    let lines = SourceLines::read(text);
    for line in 1..=text.lines().count() {
        let shown = lines.show(Position { line, column: 1 }).map(|shown| shown.text).unwrap_or_default();
        // A key that takes no secret may show its own value.
        let is_secret = description().at(path).is_some_and(|value| value.is_secret);
        assert!(!(is_secret && shown.contains("CANARY")), "{shown}\n{text}");
        assert!(!shown.contains("unknown: C") && !shown.contains("# C"), "{shown}\n{text}");
    }
}

/// A value at a path, in one line but for the value.
fn nested(path: &[Step], written: &str) -> String {
    match path {
        [Step::Key(name)] => format!("{name}: {written}"),
        [Step::Key(name), rest @ ..] => format!("{name}: {}", within(rest, written)),
        _ => unreachable!("the top level has keys"),
    }
}

fn within(path: &[Step], written: &str) -> String {
    match path.split_first() {
        None => written.to_owned(),
        Some((Step::Key(name), rest)) => format!("{{ {name}: {} }}", within(rest, written)),
        Some((Step::Member, rest)) => format!("{{ a: {} }}", within(rest, written)),
        Some((Step::Element, rest)) => format!("[{}]", within(rest, written)),
    }
}
