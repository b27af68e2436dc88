//! A mapping of known keys: how the tree is read, gathering what is wrong.
//!
//! A key needs one line where its section is read: `section.read("deadline", value::duration(..))`. Whatever nobody
//! asks for is an unknown key.

use std::fmt;

use super::{
    context::Context,
    error::Place,
    item::Item,
    key_path::KeyPath,
    tree::{Entry, Node, Scalar, Value},
};

/// A mapping of known keys.
pub(super) struct Section<'a> {
    context: &'a Context<'a>,
    entries: &'a [Entry],
    path: KeyPath,
    place: Place,
    asked: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// A section from the top of the file; an empty one if there is nothing.
    pub(super) fn root(node: &'a Node, context: &'a Context<'a>) -> Option<Self> {
        let entries = match node.value {
            Value::Null => &[],
            _ => Item::root(node, context).entries()?,
        };
        Some(Self::new(entries, context, KeyPath::default(), node.place))
    }

    pub(super) fn new(entries: &'a [Entry], context: &'a Context<'a>, path: KeyPath, place: Place) -> Self {
        Self { context, entries, path, place, asked: Vec::new() }
    }

    /// Reads the section, then reports the keys that nobody asked for.
    pub(super) fn read_whole<T>(mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let value = read(&mut self);
        let unknown = self.entries.iter().filter(|entry| !self.asked.contains(&entry.name.as_str()));
        for entry in unknown {
            let item = Item::member(entry, self.context, &self.path);
            item.complain_of_name(format!("unknown key ({})", advice(&entry.name, &self.asked)));
        }
        value
    }

    /// The value of a key, if the file has it.
    pub(super) fn take(&mut self, name: &'static str) -> Option<Item<'a>> {
        self.asked.push(name);
        let entry = self.entries.iter().find(|entry| entry.name == name)?;
        Some(Item::member(entry, self.context, &self.path))
    }

    /// The value of a key that has no default.
    pub(super) fn require(&mut self, name: &'static str, advice: &str) -> Option<Item<'a>> {
        let item = self.take(name);
        if item.is_none() {
            self.miss(name, advice);
        }
        item
    }

    /// Reports that a key is missing.
    pub(super) fn miss(&self, name: &str, advice: &str) {
        self.context.complain(self.place, &self.path.member(name), format!("is missing ({advice})"));
    }

    /// Makes a value of a scalar; none if it is absent, or wrong and reported.
    pub(super) fn read<T, E: fmt::Display>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&Scalar) -> Result<T, E>,
    ) -> Option<T> {
        self.take(name)?.parse(parse)
    }

    /// Reads a section within; an empty one if it is absent, or wrong and reported.
    pub(super) fn section<T>(&mut self, name: &'static str, read: impl FnOnce(&mut Section<'a>) -> T) -> T {
        let item = self.take(name);
        let entries = item.as_ref().and_then(Item::entries).unwrap_or_default();
        let place = item.map_or(self.place, |item| item.place());
        Section::new(entries, self.context, self.path.member(name), place).read_whole(read)
    }
}

fn advice(name: &str, known: &[&str]) -> String {
    let distance = |known: &str| strsim::damerau_levenshtein(name, known);
    let nearest = known.iter().filter(|_| name.len() <= 64).min_by_key(|known| distance(known));
    match nearest {
        Some(nearest) if distance(nearest) <= nearest.len().div_ceil(3) => format!("did you mean `{nearest}`?"),
        _ => format!("known here: {}", known.join(", ")),
    }
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
            ("timeout", "known here: path, deadline, body_limit"),
        ] {
            assert_eq!(advice(name, &["path", "deadline", "body_limit"]), expected, "{name}");
        }
    }
}
