//! What the documentation shows can be configured.

use std::{env, fs};

use super::*;

#[test]
fn every_configuration_in_the_documentation_is_valid() {
    let folder = Folder::new();
    folder.write("staff.txt", b"+919999900001\n");
    for example in examples() {
        let mistakes = parse_in(&folder, &example).err().map(|errors| errors.to_string()).unwrap_or_default();
        let wrong: Vec<_> = mistakes.lines().filter(|mistake| !is_elsewhere(mistake)).collect();
        assert!(wrong.is_empty(), "{wrong:#?}\n{example}");
    }
}

/// Every configuration in the documentation, with the sections that it leaves out.
pub(super) fn examples() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages = pages.filter(|page| page.extension().is_some_and(|end| end == "md")).chain([root.join("README.md")]);
    let in_page = |page| -> Vec<_> {
        let text = fs::read_to_string(page).unwrap();
        let examples = text.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
        examples.map(whole).collect()
    };
    let examples: Vec<_> = pages.flat_map(in_page).collect();
    assert!(examples.len() > 10, "{} configurations were found", examples.len());
    examples
}

/// A part of a configuration, with the sections without which it is none.
fn whole(example: &str) -> String {
    let has = |key: &str| example.lines().any(|line| line.starts_with(&format!("{key}:")));
    let upstream = if has("upstream") { "" } else { UPSTREAM };
    let callback = if has("callback") { "" } else { "callback: { path: \"${TRUEGATE_CALLBACK_PATH}\" }\n" };
    // Without sessions, rules only choose an app.
    let session = if has("session") || !example.contains("access:") {
        ""
    } else {
        "session: { public_url: https://shop.example, secret: \"${TRUEGATE_SESSION_SECRET}\", partner: { key: a, name: b } }\n"
    };
    format!("{upstream}{callback}{session}{example}")
}

/// Whether a mistake is only that an example leaves out a key, or that a file or folder that it names is on another machine.
fn is_elsewhere(mistake: &str) -> bool {
    [": missing", "cannot be read", "is not a folder"].iter().any(|known| mistake.contains(known))
}
