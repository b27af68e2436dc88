//! Reads a configuration: the file as a tree of values, each with its position, and every mistake in it.
//!
//! The reader is our own, because serde stops at the first mistake: here an operator sees every mistake at once, each
//! with its line and column. `yaml` makes the tree, and the sections of the configuration take their values from it. A key
//! needs one line where its section is read, such as `section.read("deadline", value::duration(..))`. What is read is
//! `None` if it is absent, or if it is wrong and was reported. A key that no section asks for is unknown.
//!
//! These lines are the only table of the keys. `survey` makes the schema of the configuration from what they ask for.

mod item;
mod parser;
mod references;
mod shape;
mod shown;
mod survey;
mod syntax;
mod tree;
mod unknown_key;
mod yaml;

use std::io;

pub(super) use self::tree::member;
use self::unknown_key::UnknownKey;
pub(super) use self::{
    item::Item,
    parser::ValueParser,
    survey::survey,
    tree::{Context, Node, SIZE_LIMIT, Scalar, Value, is_showable, load, read_small},
    yaml::read as read_yaml,
};
pub(crate) use self::{
    shape::Shape,
    shown::{ShownFile, ShownNode, ShownValue},
    survey::{Description, Step},
};
use super::{KeyPlaces, error::Position};

/// Reads a text of YAML, which may be empty.
pub(super) fn read<T>(
    text: &str,
    context: &Context<'_>,
    read: impl FnOnce(&mut Section<'_>) -> Option<T>,
) -> Option<T> {
    read_file(text, context, read).map(|(value, ..)| value)
}

/// Reads a text of YAML, and returns what may be shown of it and where its keys are beside what was made of it.
pub(super) fn read_file<T>(
    text: &str,
    context: &Context<'_>,
    read: impl FnOnce(&mut Section<'_>) -> Option<T>,
) -> Option<(T, ShownFile, KeyPlaces)> {
    let root = yaml::read(text, context)?;
    let value = read_tree(&root, context, read)?;
    Some((value, context.shown.finish(&root), KeyPlaces::of(&root)))
}

fn read_tree<T>(root: &Node, context: &Context<'_>, read: impl FnOnce(&mut Section<'_>) -> Option<T>) -> Option<T> {
    let entries = match root.value {
        Value::Null => &[],
        _ => Item::new(context, root).entries()?,
    };
    Section { context, position: root.position, path: String::new(), entries, asked: Vec::new() }.read_whole(read)
}

/// A mapping of known keys.
pub(super) struct Section<'a> {
    context: &'a Context<'a>,
    /// The position of the value, or of the mapping around it if the file has no such value.
    position: Position,
    path: String,
    entries: &'a [(String, Node)],
    asked: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// Reads the mapping, then reports the keys that no section asked for.
    fn read_whole<T>(mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let value = read(&mut self);
        for (index, (name, node)) in self.entries.iter().enumerate() {
            if !self.asked.contains(&name.as_str()) {
                let before = self.entries[..index].iter().map(|(name, node)| (name.as_str(), &node.value)).collect();
                let unknown = UnknownKey { name, section: &self.path, known: &self.asked, before };
                let advice = unknown.advice(self.context.description.map(|description| description()));
                Item::new(self.context, node).complain_of_key(format!("unknown key ({advice})"));
            }
        }
        value
    }

    /// The value of a key, if the file has it.
    pub(super) fn take(&mut self, name: &'static str) -> Option<Item<'a>> {
        self.ask(name, false)
    }

    /// The values of two keys of which a mapping may have only one. The caller refuses both together.
    pub(super) fn take_alternatives(&mut self, keys: [&'static str; 2]) -> [Option<Item<'a>>; 2] {
        self.note_alternatives(keys);
        keys.map(|name| self.take(name))
    }

    /// Notes two keys of which a mapping may have only one, for the schema. The caller refuses both together.
    pub(super) fn note_alternatives(&self, keys: [&'static str; 2]) {
        if let Some(survey) = self.context.survey {
            survey.note_alternatives(&self.path, keys);
        }
    }

    /// The value of a key that has no default.
    pub(super) fn require(&mut self, name: &'static str, advice: &str) -> Option<Item<'a>> {
        let item = self.ask(name, true);
        if item.is_none() {
            self.miss(name, advice);
        }
        item
    }

    fn ask(&mut self, name: &'static str, is_required: bool) -> Option<Item<'a>> {
        self.asked.push(name);
        if let Some(survey) = self.context.survey {
            survey.ask(&self.path, name, is_required);
        }
        let (_, node) = self.entries.iter().find(|(known, _)| known == name)?;
        Some(Item::new(self.context, node))
    }

    /// Reports that a key is missing.
    pub(super) fn miss(&self, name: &str, advice: &str) {
        self.context.complain(self.position, &member(&self.path, name), format!("missing ({advice})"));
    }

    /// Reads a single value.
    pub(super) fn read<T>(&mut self, name: &'static str, parser: &ValueParser<'_, T>) -> Option<T> {
        self.take(name)?.parse(parser)
    }

    /// Reads a single value that has a default.
    pub(super) fn read_or<'p, T: 'p>(&mut self, name: &'static str, default: T, parser: &ValueParser<'p, T>) -> T {
        if let Some(survey) = self.context.survey {
            survey.note_default(&self.path, name, parser.show(&default));
        }
        let shown = parser.show(&default).and_then(|text| ShownValue::of(&text, parser));
        self.read(name, parser).unwrap_or_else(|| {
            shown.into_iter().for_each(|shown| self.note_default(name, shown));
            default
        })
    }

    /// Notes what an absent key stands for, where this is more than one line can say. An operator may see it.
    pub(super) fn note_default(&self, name: &str, value: impl Into<ShownValue>) {
        let is_absent = !self.entries.iter().any(|(known, _)| known == name);
        if is_absent && self.context.survey.is_none() {
            self.context.shown.note_default(member(&self.path, name), value.into());
        }
    }

    /// Reads a single value that has no default.
    pub(super) fn read_required<'p, T: 'p>(
        &mut self,
        name: &'static str,
        advice: &str,
        parser: &ValueParser<'p, T>,
    ) -> Option<T> {
        self.require(name, advice)?.parse(parser)
    }

    /// The elements of a list.
    pub(super) fn list(&mut self, name: &'static str) -> Vec<Item<'a>> {
        self.take(name).and_then(Item::list).unwrap_or_default()
    }

    /// The members of a mapping whose keys the operator chooses.
    pub(super) fn members(&mut self, name: &'static str) -> impl Iterator<Item = (&'a str, Item<'a>)> + use<'a> {
        self.take(name).into_iter().flat_map(Item::members)
    }

    /// Reads a section within, which is empty if it is absent or wrong.
    pub(super) fn section<T>(&mut self, name: &'static str, read: impl FnOnce(&mut Section<'a>) -> T) -> T {
        let item = self.take(name);
        let position = item.map_or(self.position, Item::position);
        let entries = item.and_then(Item::entries).unwrap_or_default();
        let path = member(&self.path, name);
        Section { context: self.context, position, path, entries, asked: Vec::new() }.read_whole(read)
    }
}

/// The message for a file that cannot be read. It has the words of the system alone, because another error may repeat the content.
pub(super) fn unreadable(cause: &io::Error) -> String {
    let cause = cause.raw_os_error().map_or_else(|| cause.kind().into(), io::Error::from_raw_os_error);
    format!("the file cannot be read: {cause} (paths are relative to the configuration file)")
}

/// The one of these names that a name is most likely meant to be.
pub(super) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let distance = |known: &str| strsim::damerau_levenshtein(name, known);
    let nearest = known.iter().copied().filter(|_| name.len() <= 64).min_by_key(|known| distance(known));
    nearest.filter(|nearest| distance(nearest) <= nearest.len().div_ceil(3))
}
