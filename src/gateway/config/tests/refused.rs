//! Ways to say that a text is refused.

use super::{UPSTREAM, parse};

/// The mistakes of a text, each as `LINE:COLUMN: path: message`.
pub(crate) fn mistakes(text: &str) -> Vec<String> {
    let errors = parse(text).expect_err(text);
    let lines = errors.to_string();
    lines.lines().map(|line| line.strip_prefix("config.yaml:").expect(line).to_owned()).collect()
}

/// Checks that each text has the one mistake that starts so.
pub(crate) fn assert_refused(table: &[(&str, &str)]) {
    for (text, expected) in table {
        let found = mistakes(text);
        assert_eq!(found.len(), 1, "{text:?}: {found:#?}");
        assert!(found[0].starts_with(expected), "{text:?}: {}", found[0]);
        assert!(found[0].ends_with(')'), "tells what to do: {}", found[0]);
    }
}

/// The same below a valid `upstream: …` line, which makes the text's first line the second.
pub(crate) fn assert_refused_beside_upstream(table: &[(&str, &str)]) {
    let table: Vec<_> = table.iter().map(|(text, expected)| (format!("{UPSTREAM}{text}"), *expected)).collect();
    let table: Vec<_> = table.iter().map(|(text, expected)| (text.as_str(), *expected)).collect();
    assert_refused(&table);
}
