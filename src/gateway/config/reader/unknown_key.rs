//! What to do about an unknown key: what it was most likely meant to be, or where it belongs.

use super::{Description, Step, nearest, tree::Value};

/// An unknown key in its section.
pub(super) struct UnknownKey<'a> {
    pub(super) name: &'a str,
    /// The path of the section, such as `routes[0]`; empty for the top level.
    pub(super) section: &'a str,
    /// The keys that the section asked for.
    pub(super) known: &'a [&'static str],
    /// The keys that stand before it in the section, with their values.
    pub(super) before: Vec<(&'a str, &'a Value)>,
}

impl UnknownKey<'_> {
    /// What to do, if the whole configuration may be what `whole` says.
    pub(super) fn advice(&self, whole: Option<&Description>) -> String {
        if let Some((name, _)) = self.name.split_once(':')
            && self.known.contains(&name)
        {
            return format!("put a space after the colon: `{name}: …`");
        }
        let misplaced = || whole.and_then(|whole| self.below(whole).or_else(|| self.above(whole)));
        let similar = || nearest(self.name, self.known).map(|name| format!("did you mean `{name}`?"));
        let elsewhere = || whole.and_then(|whole| self.elsewhere(whole));
        misplaced()
            .or_else(similar)
            .or_else(elsewhere)
            .unwrap_or_else(|| format!("known keys: {}", self.known.join(", ")))
    }

    /// The key belongs into the section that stands above it.
    fn below(&self, whole: &Description) -> Option<String> {
        let section = whole.find(self.section)?;
        let (above, _) = self.before.iter().rev().find(|(above, value)| {
            matches!(value, Value::Null | Value::Mapping(_)) && has_key(section.within(above), self.name)
        })?;
        Some(format!("a key of `{above}`: indent it below `{above}`"))
    }

    /// The key belongs to a section around this one.
    fn above(&self, whole: &Description) -> Option<String> {
        let ends = self.section.char_indices().rev().filter(|(_, character)| ".[".contains(*character));
        let around = ends.map(|(end, _)| &self.section[..end]).chain((!self.section.is_empty()).then_some(""));
        let section = around.into_iter().find(|path| has_key(whole.find(path), self.name))?;
        Some(match section {
            "" => "a key of the top level: write it there, without indentation".to_owned(),
            section => format!("a key of `{section}`: indent it as the other keys there"),
        })
    }

    /// The key belongs to one section, or to one of two.
    fn elsewhere(&self, whole: &Description) -> Option<String> {
        let all = whole.all();
        let sections = all.iter().filter(|(path, value)| !path.is_empty() && has_key(Some(value), self.name));
        let names = sections.map(|(path, _)| format!("`{}`", show(path))).collect::<Vec<_>>();
        (1..=2).contains(&names.len()).then(|| format!("a key of {}: write it there", names.join(" or ")))
    }
}

fn has_key(section: Option<&Description>, name: &str) -> bool {
    section.and_then(|section| section.keys.as_ref()).is_some_and(|keys| keys.iter().any(|(known, _)| known == name))
}

fn show(path: &[Step]) -> String {
    let mut shown = String::new();
    for step in path {
        match step {
            Step::Key(name) if shown.is_empty() => shown.push_str(name),
            Step::Key(name) => shown.extend([".", name]),
            Step::Member => shown.push_str(".*"),
            Step::Element => shown.push_str("[]"),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_nearly_known_gets_the_known_one() {
        for (name, expected) in [
            ("dedline", "did you mean `deadline`?"),
            ("Path", "did you mean `path`?"),
            ("body-limit", "did you mean `body_limit`?"),
            ("bodylimt", "did you mean `body_limit`?"),
            ("path:/x", "put a space after the colon: `path: …`"),
            ("timeout", "known keys: path, deadline, body_limit"),
        ] {
            let known = &["path", "deadline", "body_limit"];
            let unknown = UnknownKey { name, section: "", known, before: Vec::new() };
            assert_eq!(unknown.advice(None), expected, "{name}");
        }
    }
}
